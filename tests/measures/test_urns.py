"""Urns against draws followed step by step; float64 probabilities against exact ones."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction
from math import factorial, lgamma

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.errors import (
    FreeSymbolError,
    InvalidArgumentError,
    InvalidTypeError,
    SizeLimitError,
)
from symrep.measures import frozen_mixture, iid, iid_uniform, urns
from symrep.measures.urns import (
    count_probabilities,
    dirichlet_multinomial,
    log_count_probabilities,
    urn,
)

POLYA = dirichlet_multinomial([1, "1/2", "7/3"])
BALLS = urn([3, 1, 2])
MIXTURE = frozen_mixture(["1/3", "2/3"], [["1/2", "1/3", "1/6"], ["1/5", 0, "4/5"]])

concentrations = st.lists(st.fractions("1/4", 5, max_denominator=4), min_size=1, max_size=3)
urn_counts = st.lists(st.integers(0, 4), min_size=1, max_size=3).filter(lambda counts: sum(counts) >= 4)
measures = st.one_of(concentrations.map(dirichlet_multinomial), urn_counts.map(urn))


def sequences(vocab_size, length):
    return itertools.product(range(vocab_size), repeat=length)


def counts_of(length, vocab_size):
    return [r for r in itertools.product(range(length + 1), repeat=vocab_size) if sum(r) == length]


def as_fraction(number):
    return Fraction(int(number.p), int(number.q))


def test_an_urn_by_listing_all_draws():
    """Every order of six distinguishable balls is equally likely."""
    kinds = (0, 0, 0, 1, 2, 2)
    for length in range(7):
        drawn = Counter(tuple(kinds[ball] for ball in order[:length]) for order in itertools.permutations(range(6)))
        for x in sequences(3, length):
            assert BALLS.probability(x) == sympy.Rational(drawn[x], factorial(6))


def test_a_polya_urn_step_by_step():
    for x in sequences(3, 4):
        contents, expected = [Fraction(1), Fraction(1, 2), Fraction(7, 3)], Fraction(1)
        for token in x:
            expected *= contents[token] / sum(contents)
            contents[token] += 1
        assert as_fraction(POLYA.probability(x)) == expected


def test_a_dirichlet_draw_integrated():
    """Two tokens: the probability of the first has the Beta density of its concentrations."""
    p = sympy.Symbol("p", positive=True)
    density = p**2 * (1 - p)
    norm = sympy.integrate(density, (p, 0, 1))
    for r in counts_of(4, 2):
        moment = sympy.integrate(sympy.expand(density * p ** r[0] * (1 - p) ** r[1]), (p, 0, 1)) / norm
        assert dirichlet_multinomial([3, 2]).moment(r) == moment


def test_moments_marginalise_over_the_other_positions():
    for measure in (POLYA, BALLS):
        for r in [(0, 0, 0), (1, 0, 0), (0, 1, 1), (2, 0, 1), (3, 1, 0)]:
            prefix = [v for v in range(3) for _ in range(r[v])]
            total = sum(measure.probability([*prefix, *rest]) for rest in sequences(3, 5 - len(prefix)))
            assert measure.moment(r) == total


@given(measures, st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_total_probability_is_one(measure, length):
    assert sum(measure.probability(x) for x in sequences(measure.vocab_size, length)) == 1


@given(measures, st.data())
@settings(max_examples=60, deadline=None)
def test_the_order_of_tokens_does_not_matter(measure, data):
    x = data.draw(st.lists(st.integers(0, measure.vocab_size - 1), min_size=4, max_size=4))
    assert measure.probability(data.draw(st.permutations(x))) == measure.probability(x)


@given(measures, st.data())
@settings(max_examples=60, deadline=None)
def test_one_more_position_holds_some_token(measure, data):
    r = data.draw(st.sampled_from([r for n in range(4) for r in counts_of(n, measure.vocab_size)]))
    more = [r[:v] + (r[v] + 1,) + r[v + 1 :] for v in range(measure.vocab_size)]
    assert measure.moment(r) == sum(map(measure.moment, more))


def test_symbols_for_concentrations():
    measure = dirichlet_multinomial(["b", "a", "2*a"])
    a, b = measure.parameters()
    assert [a.name, b.name] == ["a", "b"] and a.is_positive
    total = 3 * a + b
    assert sympy.cancel(measure.moment((2, 0, 1)) - b * (b + 1) * 2 * a / (total * (total + 1) * (total + 2))) == 0
    assert sympy.cancel(sum(measure.probability(x) for x in sequences(3, 3))) == 1
    numbers = dirichlet_multinomial(["1/2", 3, 6])
    assert measure.moment((1, 2, 2)).subs({a: 3, b: sympy.Rational(1, 2)}) == numbers.moment((1, 2, 2))


def test_large_contents_tend_to_independent_tokens():
    """Symbolically for concentrations; for counts at the rate one over the size of the urn."""
    c = sympy.Symbol("c", positive=True)
    independent = iid(["1/6", "1/3", "1/2"])
    for r in [(2, 0, 1), (1, 1, 1), (0, 4, 0)]:
        limit = independent.moment(r)
        moment = dirichlet_multinomial([c, 2 * c, 3 * c]).moment(r)
        assert sympy.limit(moment, c, sympy.oo) == limit
        gaps = [urn([n, 2 * n, 3 * n]).moment(r) - limit for n in (1000, 10_000)]
        assert gaps[0] != 0 and abs(gaps[0]) < sympy.Rational(1, 1000)
        assert abs(gaps[0] / gaps[1] - 10) < sympy.Rational(1, 10)


@pytest.mark.parametrize(
    ("measure", "symmetric"),
    [
        (urn([2, 2, 2]), True),
        (urn([2, 2, 1]), False),
        (urn([0, 2]), False),
        (urn([4]), True),
        (dirichlet_multinomial(["1/2", "1/2"]), True),
        (dirichlet_multinomial(["1/2", 1]), False),
        (dirichlet_multinomial(["a", "a"]), True),
        (dirichlet_multinomial(["a", "b"]), False),
        (dirichlet_multinomial(["a*(a+1)", "a**2+a"]), True),
    ],
)
def test_token_symmetry(measure, symmetric):
    assert measure.is_token_symmetric is symmetric


def test_lengths_and_numbers():
    assert (POLYA.vocab_size, BALLS.vocab_size, POLYA.maximal_length, BALLS.maximal_length) == (3, 3, None, 6)
    assert type(BALLS.maximal_length) is int and all(type(count) is int for count in urn(np.array([2, 1])).counts)
    assert BALLS.parameters() == () == POLYA.parameters()
    assert BALLS.probabilities == (3, 1, 2)
    assert POLYA.probabilities == (1, sympy.Rational(1, 2), sympy.Rational(7, 3), sympy.Rational(6, 23))


@pytest.mark.parametrize("measure", [dirichlet_multinomial(["a", "a"]), dirichlet_multinomial(["a", "1/2"]), BALLS])
def test_moments_lie_in_the_domain_of_the_numbers(measure):
    domain = sympy.construct_domain([sympy.Rational(1, 2), *measure.probabilities], extension=True)[0]
    for r in counts_of(3, measure.vocab_size):
        moment = measure.moment(r)
        assert sympy.cancel(domain.to_sympy(domain.from_sympy(sympy.expand(moment))) - moment) == 0


@pytest.mark.parametrize("measure", [POLYA, BALLS, dirichlet_multinomial(["a", "b/2 + 1", 3])])
def test_repr_evaluates_back(measure):
    again = eval(repr(measure), vars(urns))
    assert again == measure and repr(again) == repr(measure)


def test_measures_are_hashable_values():
    assert {urn([2, 1]), urn(np.array([2, 1])), urn((sympy.Integer(2), 1))} == {urns.Urn((2, 1))}
    assert {dirichlet_multinomial([1, 0.5])} == {urns.DirichletMultinomial((Fraction(1), "1/2"))}
    assert urn([2, 1]) != dirichlet_multinomial([2, 1])
    with pytest.raises(AttributeError):
        BALLS.counts = (1, 1)


@pytest.mark.parametrize("measure", [POLYA, BALLS, urn([2, 1, 0]), dirichlet_multinomial(["1/10", "1/20", "1/20"])])
def test_sampling_frequencies(measure):
    samples = measure.sample(np.random.default_rng(3), 60_000, 3)
    assert samples.shape == (60_000, 3) and samples.dtype.kind == "i"
    frequencies = np.bincount(samples @ [9, 3, 1], minlength=27) / len(samples)
    exact = np.array([float(measure.probability(x)) for x in sequences(3, 3)])
    assert (np.abs(frequencies - exact) <= 4 * np.sqrt(exact * (1 - exact) / len(samples))).all()


def test_a_whole_urn_is_drawn():
    samples = urn([2, 0, 1, 3]).sample(np.random.default_rng(0), 500, 6)
    assert (np.sort(samples, axis=1) == [0, 0, 2, 3, 3, 3]).all()
    np.testing.assert_array_equal(samples, urn([2, 0, 1, 3]).sample(np.random.default_rng(0), 500, 6))
    assert urn([1, 1]).sample(np.random.default_rng(0), 0, 2).shape == (0, 2)


@pytest.mark.parametrize("length", [5, 60, 200])
@pytest.mark.parametrize(
    "measure",
    [
        iid_uniform(3),
        iid(["1/10", "3/10", "6/10"]),
        MIXTURE,
        frozen_mixture(["1/1000", "999/1000"], [["1/2", "1/4", "1/4"], ["1/1000", "998/1000", "1/1000"]]),
        POLYA,
        dirichlet_multinomial(["1/1000", 10**6, "10/3"]),
        urn([70, 150, 1]),
        urn([10**6, 10**5, 10**9]),
    ],
)
def test_count_probabilities_against_exact_ones(measure, length):
    counts = counts_of(5, 3) if length == 5 else np.random.default_rng(length).multinomial(length, [1 / 3] * 3, size=40)
    edges = [[length, 0, 0], [0, length, 0], [0, 0, length], [length - 1, 0, 1], [1, length - 1, 0]]
    counts = np.concatenate([counts, edges])
    values, logarithms = count_probabilities(measure, counts), log_count_probabilities(measure, counts)
    assert values.shape == (len(counts),) and values.dtype == np.float64
    for row, value, logarithm in zip(counts.tolist(), values.tolist(), logarithms.tolist()):
        exact = as_fraction(measure.moment(row))
        if exact == 0:
            assert value == 0 and logarithm == -np.inf
            continue
        expected = float(sympy.log(sympy.Rational(exact)).evalf(30))
        assert abs(logarithm - expected) <= 1e-15 * abs(expected) + 1e-15
        if expected > -700:
            assert abs(Fraction(value) / exact - 1) < Fraction(1, 10**14)


def test_irrational_numbers_and_zeros_in_disguise():
    root = sympy.sqrt(2) - 1
    zero = (sympy.sqrt(2) - 1) ** 2 - 3 + 2 * sympy.sqrt(2)
    measure = iid([root, 2 - sympy.sqrt(2), zero])
    values = count_probabilities(measure, [[30, 20, 0], [30, 19, 1]])
    assert abs(values[0] / float((root**30 * (2 - sympy.sqrt(2)) ** 20).evalf(30)) - 1) < 1e-14 and values[1] == 0


def test_weights_of_states_far_apart():
    """At 400 tokens the second state has no probability in float64 compared with the first, or it is all there is."""
    measure = frozen_mixture(["1/2", "1/2"], [[1, 0], ["1/8", "7/8"]])
    values = log_count_probabilities(measure, [[400, 0], [399, 1], [0, 400]])
    expected = [-np.log(2), -np.log(2) - 400 * np.log(8) + np.log(7), -np.log(2) + 400 * np.log(7 / 8)]
    np.testing.assert_allclose(values, expected, rtol=1e-14)
    assert count_probabilities(measure, [[399, 1]]) == 0 < count_probabilities(measure, [[0, 400]])


def test_many_tokens():
    """Each of 1500 tokens once, with a factor of 1/2 from every mantissa."""
    values = log_count_probabilities(dirichlet_multinomial([1] * 1500), np.ones((1, 1500), dtype=int))
    np.testing.assert_allclose(values, [lgamma(1500) - lgamma(3000)], rtol=1e-14)


def test_probabilities_of_all_counts_sum_to_one():
    for measure in (iid_uniform(2), dirichlet_multinomial(["1/3", 2]), urn([300, 500])):
        counts = np.array(counts_of(300, 2))
        sequences_of = np.array([float(sympy.binomial(300, row[0])) for row in counts.tolist()])
        assert abs(sequences_of @ count_probabilities(measure, counts) - 1) < 1e-12


def test_counts_of_every_integer_type_and_none():
    for dtype in (np.int8, np.uint8, np.uint64, np.int64):
        values = count_probabilities(urn([200, 100]), np.array([[100, 100], [120, 80]], dtype=dtype))
        assert list(values) == list(count_probabilities(urn([200, 100]), [[100, 100], [120, 80]]))
    assert count_probabilities(BALLS, np.empty((0, 3), dtype=int)).shape == (0,)
    assert list(count_probabilities(BALLS, [[0, 0, 0]])) == [1] == list(count_probabilities(MIXTURE, [[0, 0, 0]]))


A = dirichlet_multinomial(["b", "a"])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: dirichlet_multinomial([]), InvalidArgumentError, "concentrations must not be empty"),
        (lambda: dirichlet_multinomial(3), InvalidTypeError, "concentrations must be a sequence of positive .*, got 3"),
        (lambda: dirichlet_multinomial("ab"), InvalidTypeError, "concentrations must be a sequence of positive .*'ab'"),
        (lambda: dirichlet_multinomial([1, 0]), InvalidArgumentError, r"concentrations\[1\] must be positive, got 0"),
        (lambda: dirichlet_multinomial(["-1"]), InvalidArgumentError, r"concentrations\[0\] must not be negative"),
        (lambda: dirichlet_multinomial([True]), InvalidTypeError, r"concentrations\[0\] must be a number"),
        (
            lambda: dirichlet_multinomial(["a - b", "b - a"]),
            InvalidArgumentError,
            r"concentrations must have a positive sum, got \('a - b', 'b - a'\)",
        ),
        (lambda: urn([]), InvalidArgumentError, "counts must not be empty"),
        (lambda: urn(4), InvalidTypeError, "counts must be a sequence of integers, got 4"),
        (lambda: urn([2, -1]), InvalidArgumentError, r"counts\[1\] must be at least 0, got -1"),
        (lambda: urn([2, 1.0]), InvalidTypeError, r"counts\[1\] must be an integer, got 1.0"),
        (lambda: urn(["c"]), InvalidTypeError, r"counts\[0\] must be an integer, got 'c'"),
        (lambda: urn([0, 0]), InvalidArgumentError, r"counts must not all be zero, got \(0, 0\)"),
        (lambda: BALLS.moment((4, 2, 1)), InvalidArgumentError, "exponents must sum to at most 6, .* urn, got 7"),
        (lambda: BALLS.moment((1, 2)), InvalidArgumentError, "exponents must be 3 numbers, one per token"),
        (lambda: POLYA.moment((1, 2, -1)), InvalidArgumentError, "exponents must be at least 0"),
        (
            lambda: BALLS.probability([0] * 7),
            InvalidArgumentError,
            "sequence must have a length of at most 6, the size of the urn, got 7",
        ),
        (lambda: POLYA.probability([0, 3]), InvalidArgumentError, r"sequence must hold token ids below 3, got \[0, 3"),
        (lambda: POLYA.probability([0, -1]), InvalidArgumentError, "sequence must be at least 0"),
        (lambda: BALLS.probability([0.5]), InvalidTypeError, "sequence must be an integer"),
        (
            lambda: BALLS.sample(np.random.default_rng(0), 2, 7),
            InvalidArgumentError,
            "length must be at most 6, the size of the urn, got 7",
        ),
        (lambda: POLYA.sample(np.random.default_rng(0), 2, 0), InvalidArgumentError, "length must be at least 1"),
        (lambda: POLYA.sample(np.random.default_rng(0), -1, 2), InvalidArgumentError, "n_samples must be at least 0"),
        (lambda: POLYA.sample(0, 2, 2), InvalidTypeError, "generator must be a numpy.random.Generator, got 0"),
        (lambda: A.sample(np.random.default_rng(0), 2, 2), FreeSymbolError, "concentrations must be a number .* got b"),
        (lambda: count_probabilities(A, [[1, 1]]), FreeSymbolError, "made of numbers here, got the symbols a, b"),
        (lambda: count_probabilities(iid_uniform(), [[1, 1]]), FreeSymbolError, "numbers here, got the symbols V"),
        (lambda: count_probabilities(3, [[1, 1]]), InvalidTypeError, "measure must be an exchangeable .*, got 3"),
        (lambda: count_probabilities(BALLS, [[1.0, 1, 0]]), InvalidTypeError, "counts must be an integer array"),
        (lambda: count_probabilities(BALLS, [[True] * 3]), InvalidTypeError, "counts must be an integer array"),
        (lambda: count_probabilities(BALLS, [[1], [1, 2]]), InvalidTypeError, "counts must be an integer array"),
        (lambda: count_probabilities(BALLS, [[1, 1]]), InvalidArgumentError, r"must have shape \(k, 3\), .*, 2\)"),
        (lambda: count_probabilities(BALLS, [1, 1, 0]), InvalidArgumentError, r"shape \(k, 3\), .*, got \(3,\)"),
        (lambda: count_probabilities(POLYA, [[2, -1, 0]]), InvalidArgumentError, "counts must not be negative"),
        (
            lambda: count_probabilities(POLYA, [[2, 1, 0], [2, 0, 0]]),
            InvalidArgumentError,
            r"counts must have rows of one common sum, got \[2, 3\]",
        ),
        (
            lambda: log_count_probabilities(BALLS, [[4, 2, 1]]),
            InvalidArgumentError,
            "counts must have rows that sum to at most 6, the size of the urn, got 7",
        ),
        (lambda: count_probabilities(POLYA, [[2**62, 2**62, 2**62]]), SizeLimitError, "sum to at most 100000"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_sequences_and_counts_must_be_sequences():
    with pytest.raises(InvalidTypeError, match="exponents must be a sequence of integers, got 3"):
        urn([2, 1]).moment(3)
    with pytest.raises(InvalidTypeError, match="sequence must be a sequence of integers, got '01'"):
        urn([2, 1]).probability("01")
