"""Exchangeable measures against enumeration of all sequences."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import prod

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import measures as measures_room
from symrep import testing
from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError
from symrep.measures import FrozenMixture, UniformTokens, frozen_mixture, iid, iid_uniform

MIXTURE = frozen_mixture(["1/3", "2/3"], [["1/2", "1/3", "1/6"], ["1/5", "1/5", "3/5"]])
TABLE = (
    (Fraction(1, 3), (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))),
    (Fraction(2, 3), (Fraction(1, 5),) * 2 + (Fraction(3, 5),)),
)


def sequences(vocab_size, length):
    return itertools.product(range(vocab_size), repeat=length)


def test_probabilities_by_the_definition():
    for x in sequences(3, 3):
        expected = sum(weight * prod(row[token] for token in x) for weight, row in TABLE)
        assert MIXTURE.probability(x) == sympy.Rational(expected)


def test_moments_by_enumeration():
    """The probability that the first |r| of four positions hold given tokens, whatever the others hold."""
    for r in [(0, 0, 0), (1, 0, 0), (0, 2, 1), (2, 1, 1), (0, 0, 3)]:
        prefix = [v for v in range(3) for _ in range(r[v])]
        total = sum(MIXTURE.probability([*prefix, *rest]) for rest in sequences(3, 4 - len(prefix)))
        assert MIXTURE.moment(r) == total


def test_mixed_moments_do_not_factor():
    first, second, both = MIXTURE.moment((1, 0, 0)), MIXTURE.moment((0, 1, 0)), MIXTURE.moment((1, 1, 0))
    assert (first, second) == (sympy.Rational(3, 10), sympy.Rational(11, 45)) and both != first * second
    assert iid(["1/2", "1/3", "1/6"]).moment((1, 1, 0)) == sympy.Rational(1, 6)


@given(testing.measures(), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_total_probability_is_one(measure, length):
    assert sum(measure.probability(x) for x in sequences(measure.vocab_size, length)) == 1


@given(testing.measures(), st.data())
@settings(max_examples=40, deadline=None)
def test_the_order_of_tokens_does_not_matter(measure, data):
    x = data.draw(st.lists(st.integers(0, measure.vocab_size - 1), min_size=4, max_size=4))
    assert measure.probability(data.draw(st.permutations(x))) == measure.probability(x)


@given(testing.measures())
@settings(max_examples=60, deadline=None)
def test_token_symmetry_is_decided_correctly(measure):
    """Against the probabilities of all sequences of length 6; three states of so few tokens cannot hide beyond it."""
    size = measure.vocab_size
    counts = {r for r in itertools.product(range(7), repeat=size) if sum(r) == 6}
    symmetric = all(measure.moment(r) == measure.moment(tuple(sorted(r))) for r in counts)
    assert measure.is_token_symmetric == symmetric


@pytest.mark.parametrize(
    ("measure", "symmetric"),
    [
        (iid_uniform(4), True),
        (iid_uniform(), True),
        (iid(["1"]), True),
        (iid(["1/3"] * 3), True),
        (iid(["1/3", "2/3"]), False),
        (frozen_mixture(["1/2", "1/2"], [["1/4", "3/4"], ["3/4", "1/4"]]), True),
        (frozen_mixture(["1/3", "2/3"], [["1/4", "3/4"], ["3/4", "1/4"]]), False),
        (frozen_mixture(["1/4", "1/2", "1/4"], [["1/4", "3/4"], ["3/4", "1/4"], ["1/4", "3/4"]]), True),
        (frozen_mixture(["1", "0"], [["1/2", "1/2"], ["1/4", "3/4"]]), True),
        (frozen_mixture(["1/3"] * 3, [["h", "k", "1-h-k"], ["k", "1-h-k", "h"], ["1-h-k", "h", "k"]]), False),
        (frozen_mixture(["1/3"] * 3, [["1-2*h", "h", "h"], ["h", "1-2*h", "h"], ["h", "h", "1-2*h"]]), True),
        (frozen_mixture(["w", "1-w"], [["1/4", "3/4"], ["3/4", "1/4"]]), False),
    ],
)
def test_token_symmetry_examples(measure, symmetric):
    assert measure.is_token_symmetric is symmetric


def test_token_symmetry_with_expressions_written_in_two_ways():
    measure = frozen_mixture(["1/2", "1/2"], [["w*(1-w)", "1-w*(1-w)"], ["1-w+w**2", "w-w**2"]])
    assert measure.is_token_symmetric


def test_sampling_frequencies():
    samples = MIXTURE.sample(np.random.default_rng(3), 60_000, 3)
    assert samples.shape == (60_000, 3) and samples.dtype.kind == "i"
    codes = np.bincount(samples @ [9, 3, 1], minlength=27) / len(samples)
    exact = np.array([float(MIXTURE.probability(x)) for x in sequences(3, 3)])
    assert (np.abs(codes - exact) < 4.5 * np.sqrt(exact * (1 - exact) / len(samples))).all()


def test_sampling_is_reproducible_and_respects_zeros():
    measure = iid([0, "1/2", 0, "1/2", 0])
    first, second = (measure.sample(np.random.default_rng(5), 200, 4) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert set(np.unique(first)) == {1, 3}
    assert iid_uniform(2).sample(np.random.default_rng(0), 0, 4).shape == (0, 4)


def test_the_state_is_drawn_once_per_sequence():
    samples = frozen_mixture(["1/2", "1/2"], [[1, 0], [0, 1]]).sample(np.random.default_rng(0), 100, 6)
    assert (samples == samples[:, :1]).all() and set(samples[:, 0]) == {0, 1}


def test_uniform_tokens_are_iid_with_equal_probabilities():
    assert iid_uniform(3).probability([0, 2, 1]) == sympy.Rational(1, 27) == iid(["1/3"] * 3).probability([0, 2, 1])
    V = sympy.Symbol("V", integer=True, positive=True)
    assert iid_uniform().vocab_size == V and iid_uniform().moment((1, 2)) == V**-3
    assert iid_uniform("V").parameters() == (sympy.Symbol("V", integer=True, positive=True),)
    assert iid_uniform(np.int64(3)) == iid_uniform(sympy.Integer(3)) == UniformTokens(3)
    assert iid_uniform(3).parameters() == ()


def test_parameters_are_sorted_by_name():
    measure = frozen_mixture(["w", "1-w"], [["h", "1-h"], ["1/2", "1/2"]])
    assert [s.name for s in measure.parameters()] == ["h", "w"]
    h, w = measure.parameters()
    assert sympy.expand(measure.moment((1, 1)) - (w * h * (1 - h) + (1 - w) / 4)) == 0


@pytest.mark.parametrize(
    "measure",
    [
        iid_uniform(3),
        iid(["1/2", "1/2"]),
        iid(["1/3", "2/3"]),
        MIXTURE,
    ],
)
def test_repr_evaluates_back(measure):
    assert eval(repr(measure), vars(measures_room)) == measure


def test_measures_are_hashable_values():
    assert {iid(["1/2", 0.5]), iid([Fraction(1, 2), "0.5"])} == {FrozenMixture((1,), (("1/2", "1/2"),))}
    with pytest.raises(AttributeError):
        MIXTURE.weights = ()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: iid(["1/2", "1/3"]), InvalidArgumentError, "probabilities must sum to exactly 1 .*, got sum 0.8333"),
        (lambda: iid([1 / 3, 2 / 3]), InvalidArgumentError, "write a third as '1/3'"),
        (lambda: iid([]), InvalidArgumentError, "probabilities must not be empty"),
        (lambda: iid(3), InvalidTypeError, "probabilities must be a sequence of probabilities, got 3"),
        (lambda: iid(["3/2", "-1/2"]), InvalidArgumentError, r"probabilities\[1\] must not be negative"),
        (lambda: iid([True]), InvalidTypeError, r"probabilities\[0\] must be a number"),
        (lambda: iid([float("nan"), 1]), InvalidArgumentError, r"probabilities\[0\] must be finite"),
        (lambda: iid(["w", "w"]), InvalidArgumentError, r"got sum 2\*w"),
        (lambda: frozen_mixture([], []), InvalidArgumentError, "weights must not be empty"),
        (lambda: frozen_mixture(["1/2", "1/3"], [[1], [1]]), InvalidArgumentError, "weights must sum to exactly 1"),
        (lambda: frozen_mixture(["-1", "2"], [[1], [1]]), InvalidArgumentError, r"weights\[0\] must not be negative"),
        (
            lambda: frozen_mixture([1], [[1], [1]]),
            InvalidArgumentError,
            "distributions must be 1 probability vectors, one per weight, got 2",
        ),
        (lambda: frozen_mixture(["1/2", "1/2"], [[1]]), InvalidArgumentError, "must be 2 probability vectors"),
        (
            lambda: frozen_mixture(["1/2", "1/2"], [[1], ["1/2", "1/2"]]),
            InvalidArgumentError,
            r"one common length, got \[1, 2\]",
        ),
        (
            lambda: frozen_mixture(["1/2", "1/2"], [[1], [2]]),
            InvalidArgumentError,
            r"distributions\[1\] must sum to exactly 1",
        ),
        (lambda: FrozenMixture((1,), 5), InvalidTypeError, "distributions must be probability vectors, got 5"),
        (lambda: iid_uniform(0), InvalidArgumentError, "vocab_size must be at least 1, got 0"),
        (lambda: iid_uniform(-1), InvalidArgumentError, "vocab_size must be at least 1, got -1"),
        (lambda: iid_uniform(2.5), InvalidTypeError, "vocab_size must be an integer, got 2.5"),
        (lambda: iid_uniform(sympy.Rational(5, 2)), InvalidTypeError, "vocab_size must be an integer, got 5/2"),
        (lambda: iid_uniform(True), InvalidTypeError, "vocab_size must be an integer, got True"),
        (lambda: iid_uniform(None), InvalidTypeError, "vocab_size must be an integer"),
        (
            lambda: MIXTURE.probability([0, 3]),
            InvalidArgumentError,
            r"sequence must hold token ids below 3, got \[0, 3\]",
        ),
        (lambda: MIXTURE.probability([0, -1]), InvalidArgumentError, "sequence must be at least 0"),
        (lambda: MIXTURE.probability([0.5]), InvalidTypeError, "sequence must be an integer"),
        (lambda: iid_uniform().probability([0]), FreeSymbolError, "vocab_size must be a number here, got V"),
        (lambda: iid_uniform().sample(np.random.default_rng(0), 1, 1), FreeSymbolError, "vocab_size must be a number"),
        (lambda: iid(["w", "1-w"]).sample(np.random.default_rng(0), 1, 1), FreeSymbolError, "must be a number here"),
        (lambda: MIXTURE.sample(np.random.default_rng(0), -1, 3), InvalidArgumentError, "n_samples must be at least 0"),
        (lambda: MIXTURE.sample(np.random.default_rng(0), 2, 0), InvalidArgumentError, "length must be at least 1"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(("weights", "distributions"), [(3, [[1]]), (["1"], [1]), (["1"], 4)])
def test_mixtures_refuse_what_is_no_sequence(weights, distributions):
    with pytest.raises(InvalidTypeError, match="must be"):
        frozen_mixture(weights, distributions)


@pytest.mark.parametrize("measure", [iid_uniform(2), iid(["1/3", "2/3"])])
@pytest.mark.parametrize("exponents", [(1, 2, 5), (1,), (-1, 0), (0.5, 1)])
def test_moments_need_one_exponent_per_token(measure, exponents):
    with pytest.raises((InvalidArgumentError, InvalidTypeError), match="exponents"):
        measure.moment(exponents)


def test_a_numeric_string_is_a_number_of_tokens():
    assert iid_uniform("3") == iid_uniform(3)
