"""Moments given the counts of a row, against enumeration of every sequence y."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import factorial, prod

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.measures import frozen_mixture, iid, iid_uniform
from symrep.spectra.moments import CountExpectations, compositions, multinomial

MEASURES = {
    "one token": iid_uniform(1),
    "uniform 2": iid_uniform(2),
    "iid 2": iid(["1/3", "2/3"]),
    "mixture 2": frozen_mixture(["1/4", "3/4"], [["1/3", "2/3"], ["4/5", "1/5"]]),
    "iid 3": iid(["1/5", "3/10", "1/2"]),
    "mixture 3": frozen_mixture(["2/7", "5/7"], [["1/5", "3/10", "1/2"], ["2/3", "0", "1/3"]]),
}


def falling(n, r):
    return prod((n - i for i in range(r)), start=1)


def row_of(counts):
    return tuple(v for v, count in enumerate(counts) for _ in range(count))


def enumerated(measure, counts, statistic, named):
    """E[statistic(n, m) 1{named tokens} | x], adding up the probabilities of all y."""
    x = row_of(counts)
    vocab_size = len(counts)
    total = sympy.Integer(0)
    for y in product(range(vocab_size), repeat=len(x)):
        n = tuple(y.count(v) for v in range(vocab_size))
        m = sum(s == t for s, t in zip(x, y))
        probability = measure.moment([a + b for a, b in zip(n, named)])
        total += probability * statistic(n, m)
    return total


def at_counts(polynomial, counts, symbols=None):
    """The value of a polynomial in the centred counts at token counts."""
    centred = [sympy.Rational(count) - sympy.Rational(sum(counts), len(counts)) for count in counts[:-1]] or [0]
    names = sympy.symbols([f"M{v}" for v in range(len(centred))])
    value = sympy.sympify(polynomial.as_expr()).subs(dict(zip(names, centred)))
    return sympy.expand(value.subs(symbols or {}))


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("row_length", [0, 1, 2, 3])
def test_power_moments_are_those_of_enumeration(name, row_length):
    measure = MEASURES[name]
    vocab_size = measure.vocab_size
    expectations = CountExpectations(measure, row_length)
    named_tokens = [(0,) * vocab_size, tuple(range(vocab_size))]
    checked = 0
    for degree, j, named in product(range(3), range(3), named_tokens):
        for exponents in compositions(degree, vocab_size):
            polynomial = expectations.power_moment(exponents, j, named)
            for counts in compositions(row_length, vocab_size):

                def statistic(n, m):
                    return prod(a**b for a, b in zip(n, exponents)) * m**j

                assert at_counts(polynomial, counts) == enumerated(measure, counts, statistic, named)
                checked += 1
    assert checked >= 18


@pytest.mark.parametrize("name", MEASURES)
def test_factorial_moments_are_those_of_enumeration(name):
    measure = MEASURES[name]
    vocab_size = measure.vocab_size
    expectations = CountExpectations(measure, 3)
    nothing = (0,) * vocab_size
    for degree, j in product(range(3), range(4)):
        for r in compositions(degree, vocab_size):
            polynomial = expectations.factorial_moment(r, j, nothing)
            for counts in compositions(3, vocab_size):

                def statistic(n, m):
                    return prod(falling(a, b) for a, b in zip(n, r)) * falling(m, j)

                assert at_counts(polynomial, counts) == enumerated(measure, counts, statistic, nothing)


@pytest.mark.parametrize("name", ["iid 2", "mixture 2", "iid 3", "mixture 3"])
@pytest.mark.parametrize(
    ("exponents", "j"), [((2, 0, 0), 1), ((1, 1, 0), 1), ((0, 1, 0), 2), ((3, 0, 0), 0), ((0, 2, 0), 2)]
)
def test_a_symbolic_row_length_takes_the_values_of_integer_rows(name, exponents, j):
    measure = MEASURES[name]
    L = sympy.Symbol("L", integer=True, positive=True)
    vocab_size = measure.vocab_size
    exponents, named = exponents[:vocab_size], (1,) + (0,) * (vocab_size - 1)
    symbolic = CountExpectations(measure, L - 2)
    polynomial = symbolic.power_moment(exponents, j, named)
    for row_length in range(4):
        for counts in compositions(row_length, vocab_size):

            def statistic(n, m):
                return prod(a**b for a, b in zip(n, exponents)) * m**j

            value = at_counts(polynomial, counts, {L: row_length + 2})
            assert value == enumerated(measure, counts, statistic, named)


def test_symbols_of_the_measure_stay_symbols():
    q = sympy.Symbol("q", positive=True)
    measure = iid([q, 1 - q])
    expectations = CountExpectations(measure, 3)
    polynomial = expectations.power_moment((2, 1), 1, (0, 1))
    for counts in compositions(3, 2):
        difference = at_counts(polynomial, counts) - enumerated(
            measure, counts, lambda n, m: n[0] ** 2 * n[1] * m, (0, 1)
        )
        assert sympy.expand(difference) == 0


def test_expected_matches_depend_on_the_counts_of_x():
    """A hand computation: E[m | N] = N_0 h_0 + N_1 h_1, and E[m^2] adds the pairs."""
    expectations = CountExpectations(iid(["1/3", "2/3"]), 4)
    first = expectations.power_moment((0, 0), 1, (0, 0))
    second = expectations.power_moment((0, 0), 2, (0, 0))
    assert at_counts(first, (3, 1)) == sympy.Rational(5, 3)
    variance = 4 * sympy.Rational(2, 9)
    assert at_counts(second, (3, 1)) == sympy.Rational(5, 3) ** 2 + variance


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=3),
    st.data(),
)
def test_moments_of_random_iid_measures(weights, data):
    vocab_size = len(weights)
    measure = iid([Fraction(w, sum(weights)) for w in weights])
    exponents = tuple(data.draw(st.integers(0, 2)) for _ in range(vocab_size))
    j = data.draw(st.integers(0, 3))
    named = tuple(data.draw(st.integers(0, 2)) for _ in range(vocab_size))
    counts = tuple(data.draw(st.integers(0, 2)) for _ in range(vocab_size))
    row_length = sum(counts)
    expectations = CountExpectations(measure, row_length)
    value = at_counts(expectations.power_moment(exponents, j, named), counts)
    assert value == enumerated(measure, counts, lambda n, m: prod(a**b for a, b in zip(n, exponents)) * m**j, named)


@given(st.integers(0, 7), st.integers(0, 4))
def test_compositions_are_all_and_distinct(total, length):
    found = list(compositions(total, length))
    assert sorted(found) == [c for c in product(range(total + 1), repeat=length) if sum(c) == total]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple))
def test_multinomials_count_words(parts):
    total = sum(parts)
    assert multinomial(parts) * prod(map(factorial, parts)) == factorial(total)
    if total <= 5:
        words = [
            w for w in product(range(len(parts)), repeat=total) if all(w.count(v) == k for v, k in enumerate(parts))
        ]
        assert multinomial(parts) == len(words)


def test_no_more_matches_than_positions():
    """As values, not only at the counts of a row: a measure may have no moment of more positions."""
    expectations = CountExpectations(iid(["1/3", "2/3"]), 1)
    assert expectations.factorial_moment((0, 0), 2, (0, 0)) == 0
    assert expectations.factorial_moment((0, 0), 1, (0, 0)) != 0


def test_roots_beside_a_symbolic_length_are_not_left_to_expressions():
    root = sympy.sqrt(2) / 2
    length = sympy.Symbol("L", integer=True, positive=True)
    expectations = CountExpectations(iid([root, 1 - root]), length)
    assert expectations.domain.is_PolynomialRing and expectations.domain.domain.is_Algebraic
    mean = expectations.power_moment((1, 0), 0, (0, 0)).as_expr()
    assert sympy.expand(mean - length * root) == 0
