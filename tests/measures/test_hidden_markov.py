"""Hidden Markov models, the exact test of exchangeability and symmetric parts, against sums over hidden paths and words."""

from __future__ import annotations

import itertools
import sys
from fractions import Fraction
from math import factorial, prod

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import measures
from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError, SizeLimitError
from symrep.measures import hidden_markov, is_exchangeable, lazy_chain, mixture, shuffled
from symrep.measures.hidden_markov import as_hidden_markov

# the function of this name hides the module
hidden_markov_module = sys.modules["symrep.measures.hidden_markov"]
THREE_STATES = hidden_markov(
    ["1/2", "1/3", "1/6"],
    [["1/2", "1/4", "1/4"], [0, "1/3", "2/3"], ["3/5", "2/5", 0]],
    [["1/7", "6/7"], ["1/2", "1/2"], [1, 0]],
)
THREE_TOKENS = hidden_markov(
    ["1/4", "3/4"], [["2/3", "1/3"], ["1/5", "4/5"]], [["1/2", "1/3", "1/6"], ["1/10", "2/5", "1/2"]]
)
# the second state is left at once, and emits what the stationary chain would: exchangeable, but not as it is written
LUMPED = hidden_markov(["1/2", "1/2"], [["1/3", "2/3"], ["3/4", "1/4"]], [["1/5", "4/5"], ["1/5", "4/5"]])


@st.composite
def probability_vectors(draw, size):
    weights = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size).filter(any))
    return [sympy.Rational(w, sum(weights)) for w in weights]


@st.composite
def models(draw, vocab_size=2, max_states=3):
    states = draw(st.integers(1, max_states))
    vectors = {size: probability_vectors(size) for size in (states, vocab_size)}
    frozen = draw(st.sampled_from(["free", "free", "frozen", "rank one"]))
    if frozen == "frozen":
        transition = [[int(y == z) for z in range(states)] for y in range(states)]
    elif frozen == "rank one":
        transition = [draw(vectors[states])] * states
    else:
        transition = [draw(vectors[states]) for _ in range(states)]
    emission = [draw(vectors[vocab_size]) for _ in range(states)]
    return hidden_markov(draw(vectors[states]), transition, emission)


def words(measure, length):
    return itertools.product(range(measure.vocab_size), repeat=length)


def sum_over_paths(model, word):
    """The definition: every path of hidden states."""
    total = sympy.Integer(0)
    for path in itertools.product(range(model.n_states), repeat=len(word)):
        term = model.initial[path[0]] if path else 1
        for y, z in itertools.pairwise(path):
            term *= model.transition[y][z]
        total += term * prod(model.emission[z][token] for z, token in zip(path, word))
    return total


@given(models(), st.lists(st.integers(0, 1), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_probability_is_the_sum_over_paths(model, word):
    assert model.probability(word) == sum_over_paths(model, word)
    assert eval(repr(model), vars(measures)) == model


@pytest.mark.parametrize("model", [THREE_STATES, THREE_TOKENS, lazy_chain("1/5", ["1/2", "1/3", "1/6"])])
def test_marginals_are_sums_of_probabilities(model):
    positions, tokens = [3, 0, 2], [1, 0, 1]
    everything = {word: model.probability(word) for word in words(model, 4)}
    assert sum(everything.values()) == 1
    wanted = sum(q for word, q in everything.items() if all(word[p] == t for p, t in zip(positions, tokens)))
    assert model.marginal(positions, tokens) == wanted
    assert model.marginal([], []) == 1
    # far apart the chain has forgotten: the product of single-token probabilities in the limit
    far = model.marginal([0, 200], [0, 1]) - model.marginal([0], [0]) * model.marginal([200], [1])
    assert abs(float(far)) < 1e-15


def test_lazy_chain_covariance():
    e = sympy.Symbol("e", positive=True)
    chain = lazy_chain(e, ["1/6", "1/3", "1/2"])
    p = chain.initial
    for v, w in itertools.product(range(3), repeat=2):
        covariance = chain.marginal([1, 5], [v, w]) - p[v] * p[w]
        assert sympy.expand(covariance - (1 - e) ** 4 * (p[v] * int(v == w) - p[v] * p[w])) == 0
    assert chain.parameters() == (e,)
    assert eval(repr(chain), vars(measures)) == chain


@pytest.mark.parametrize("model", [THREE_STATES, THREE_TOKENS])
def test_log_probabilities_and_samples(model):
    sequences = np.array(list(words(model, 5)))
    exact = np.array([float(model.probability(row)) for row in sequences.tolist()])
    np.testing.assert_allclose(np.exp(model.log_probabilities(sequences)), exact, rtol=1e-13)
    assert model.log_probabilities(sequences[3]).shape == (1,)
    samples = model.sample(np.random.default_rng(0), 40_000, 5)
    codes = samples @ model.vocab_size ** np.arange(5)[::-1]
    found = np.bincount(codes, minlength=len(exact)) / len(samples)
    chi_squared = float((40_000 * (found - exact)[exact > 0] ** 2 / exact[exact > 0]).sum())
    degrees = int((exact > 0).sum()) - 1
    assert chi_squared < degrees + 5 * (2 * degrees) ** 0.5
    assert found[exact == 0].sum() == 0


def test_probabilities_beyond_float64():
    chain = lazy_chain("1/4", ["1/2", "1/2"])
    word = [0, 1, 1] * 700
    assert chain.log_probabilities([word])[0] == pytest.approx(
        float(sympy.log(chain.probability(word)).evalf(30)), rel=1e-13
    )
    assert lazy_chain(0, ["1/2", "1/2"]).log_probabilities([[0, 0], [0, 1]])[1] == -np.inf


def test_states_that_come_to_differ_beyond_float64():
    """A state falls behind by more than 1e-308 and is needed again, because only it can go on or because it catches up."""
    small = Fraction(1, 2**20)
    rising = mixture([small, 1 - small], [measures.iid([1 - small, small]), measures.iid([0, 1])])
    word = [1] * 300 + [0]
    exact = float(sympy.log(rising.probability(word)).evalf(30))
    assert rising.log_probabilities([word])[0] == pytest.approx(exact, rel=1e-14)
    part = shuffled(rising, 100)
    counts = [[0, 100], [1, 99], [100, 0]]
    mantissas, exponents = part.scaled_probabilities(np.array(counts))
    exact = [float(sympy.log(part.moment(row), 2).evalf(30)) for row in counts]
    np.testing.assert_allclose(np.log2(mantissas) + exponents, exact, rtol=1e-14, atol=1e-15)
    even = mixture([Fraction(1, 2)] * 2, [measures.iid(["1/4", "3/4"]), measures.iid(["3/4", "1/4"])])
    word = [0] * 2000 + [1] * 2000
    # one of two rows is done again
    flat = [0, 1] * 2000
    singly = [even.log_probabilities([row])[0] for row in (word, flat)]
    assert even.log_probabilities([word, flat]).tolist() == singly and abs(singly[0] - singly[1]) < 1e-9
    # both states have (3/16)^2000
    assert even.log_probabilities([word])[0] == pytest.approx(2000 * np.log(3 / 16), rel=1e-15)


def exchangeable_by_enumeration(model, length):
    for word in words(model, length):
        for k in range(length - 1):
            swapped = (*word[:k], word[k + 1], word[k], *word[k + 2 :])
            if model.probability(word) != model.probability(swapped):
                return False
    return True


@given(models())
@settings(max_examples=60, deadline=None)
def test_the_exact_test_is_enumeration(model):
    result = is_exchangeable(model)
    lengths = range(2, 2 * model.n_states + 1)
    by_length = [exchangeable_by_enumeration(model, length) for length in lengths]
    assert bool(result) == all(by_length)
    if not result:
        x, y = result.witness
        # no shorter words tell, and the witness does
        assert len(x) == lengths[by_length.index(False)]
        assert sorted(x) == sorted(y) and result.probabilities == (model.probability(x), model.probability(y))
        assert result.probabilities[0] != result.probabilities[1]


@given(models(vocab_size=3, max_states=2))
@settings(max_examples=40, deadline=None)
def test_the_exact_test_is_enumeration_with_three_tokens(model):
    assert bool(is_exchangeable(model)) == all(
        exchangeable_by_enumeration(model, n) for n in range(2, 2 * model.n_states + 1)
    )


def test_a_violation_that_needs_long_words():
    """A chain that counts to 3 before it tells: a stopped clock with visible hands only late."""
    model = hidden_markov(
        [1, 0, 0, 0],
        [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]],
        [["1/2", "1/2"], ["1/2", "1/2"], ["1/2", "1/2"], ["1/3", "2/3"]],
    )
    result = model.is_exchangeable()
    assert not result and len(result.witness[0]) == 4
    assert "not exchangeable: the sequence (0, 0, 0, 1)" in str(result)


@pytest.mark.parametrize(
    "measure",
    [
        LUMPED,
        lazy_chain(0, ["1/3", "2/3"]),
        lazy_chain(1, ["1/3", "2/3"]),
        lazy_chain("1/2", [1, 0]),
        lazy_chain("e", [1, 0]),
        mixture(["1/4", "3/4"], [lazy_chain(0, ["1/3", "2/3"]), measures.iid(["a", "1 - a"])]),
        as_hidden_markov(measures.frozen_mixture(["1/2", "1/2"], [["1/4", "3/4"], ["sqrt(2)/2", "1 - sqrt(2)/2"]])),
        measures.iid_uniform(),
        measures.urn([2, 1]),
        measures.dirichlet_multinomial(["a", 1]),
        measures.iid(["1/3", "2/3"]),
        shuffled(THREE_STATES, 4),
    ],
)
def test_exchangeable_measures_pass(measure):
    result = is_exchangeable(measure)
    assert result and str(result) == "exchangeable" and result.witness is None


@pytest.mark.parametrize("e", ["e", "1/1000000", "999999/1000000"])
def test_lazy_chains_between_fail(e):
    result = lazy_chain(e, ["1/3", "2/3"]).is_exchangeable()
    assert not result and len(result.witness[0]) == 3
    difference = result.probabilities[0] - result.probabilities[1]
    # e (1 - e) divides the difference: it vanishes at both ends
    rate = result.probabilities[0].free_symbols.pop() if e == "e" else sympy.Rational(e)
    assert sympy.cancel(difference / (rate * (1 - rate))) == sympy.Rational(-2, 9)


def test_witnesses_of_tokens_apart_and_of_long_suffixes():
    """Token 1 never occurs: only the exchange of 0 and 2 tells. And a witness with a suffix that is no palindrome."""
    gap = hidden_markov(["1/2", "1/2"], [["1/2", "1/2"], [0, 1]], [["1/3", 0, "2/3"], [0, 0, 1]]).is_exchangeable()
    assert gap.witness == ((0, 2), (2, 0)) and gap.probabilities == (sympy.Rational(5, 36), sympy.Rational(1, 18))
    model = hidden_markov(
        ["2/5", "2/5", "1/5"],
        [["1/2", "1/2", 0], ["1/2", 0, "1/2"], [0, 1, 0]],
        [[0, 1, 0], [0, 0, 1], [0, 0, 1]],
    )
    x, y = model.is_exchangeable().witness
    assert (x, y) == ((1, 2, 2, 1), (2, 1, 2, 1))
    assert all(exchangeable_by_enumeration(model, length) for length in (2, 3))


def test_many_sequences_are_taken_in_pieces(monkeypatch):
    sequences = np.array(list(words(THREE_STATES, 4)))
    whole = THREE_STATES.log_probabilities(sequences)
    monkeypatch.setattr(hidden_markov_module, "_ENTRIES_AT_ONCE", 15)
    np.testing.assert_array_equal(THREE_STATES.log_probabilities(sequences), whole)
    assert (lazy_chain(0, [0, 1]).sample(np.random.default_rng(0), 40, 3) == 1).all()


def test_mixtures():
    parts = [lazy_chain("1/4", ["1/2", "1/2"]), THREE_STATES, measures.iid_uniform(2)]
    weights = [sympy.Rational(1, 6), sympy.Rational(1, 3), sympy.Rational(1, 2)]
    mixed = mixture(weights, parts)
    for word in words(mixed, 4):
        assert mixed.probability(word) == sum(w * part.probability(word) for w, part in zip(weights, parts))
    # two chains of opposite order: the mixture is symmetric in two positions but not in three
    assert not mixed.is_exchangeable()


def test_token_symmetry():
    assert lazy_chain("e", ["1/3", "1/3", "1/3"]).is_token_symmetric
    assert not lazy_chain("e", ["1/2", "1/4", "1/4"]).is_token_symmetric
    assert not lazy_chain("e", ["1/4", "1/4", "1/2"]).is_token_symmetric
    assert not shuffled(lazy_chain("1/3", ["1/4", "1/4", "1/2"]), 3).is_token_symmetric
    # the symmetry may exchange hidden states, or be hidden in a redundant description
    assert hidden_markov(
        ["1/2", "1/2"], [["2/3", "1/3"], ["1/3", "2/3"]], [["1/5", "4/5"], ["4/5", "1/5"]]
    ).is_token_symmetric
    assert not THREE_STATES.is_token_symmetric
    assert shuffled(lazy_chain("1/3", ["1/2", "1/2"]), 4).is_token_symmetric
    assert not shuffled(THREE_TOKENS, 3).is_token_symmetric


@pytest.mark.parametrize("model, length", [(THREE_STATES, 5), (THREE_TOKENS, 4), (lazy_chain("e", ["1/3", "2/3"]), 4)])
def test_symmetric_part_is_the_mean_over_permutations(model, length):
    part = shuffled(model, length)
    mean = {
        word: sum(model.probability(other) for other in itertools.permutations(word)) / factorial(length)
        for word in words(model, length)
    }
    for word, value in mean.items():
        assert sympy.expand(part.probability(word) - value) == 0
    for fewer in range(length):
        prefix = (1, 0, 1, 0)[:fewer]
        marginal = sum(value for word, value in mean.items() if word[:fewer] == prefix)
        assert sympy.expand(part.probability(prefix) - marginal) == 0
    assert eval(repr(part), vars(measures)) == part


@pytest.mark.parametrize("model, length", [(THREE_STATES, 12), (THREE_TOKENS, 7), (lazy_chain("1/9", [1]), 5)])
def test_float_tables_are_the_exact_ones(model, length):
    part = shuffled(model, length)
    for total in (0, 1, length - 1, length):
        counts = [c for c in itertools.product(range(total + 1), repeat=model.vocab_size) if sum(c) == total]
        mantissas, exponents = part.scaled_probabilities(np.array(counts))
        exact = [float(part.moment(c)) for c in counts]
        np.testing.assert_allclose(np.ldexp(mantissas, exponents), exact, rtol=1e-13)
    assert part.log_probabilities([[0] * length])[0] == pytest.approx(np.log(float(part.probability([0] * length))))


def test_long_symmetric_parts():
    """Summed over arrangements all counts of length 100 have probability 1; extreme counts do not underflow."""
    part = shuffled(lazy_chain(Fraction(1, 10**6), ["1/2", "1/2"]), 400)
    counts = np.stack([np.arange(401), 400 - np.arange(401)], axis=1)
    mantissas, exponents = part.scaled_probabilities(counts)
    values = [sympy.Rational(float(m)) * sympy.Integer(2) ** int(x) for m, x in zip(mantissas, exponents)]
    total = sum(value * sympy.binomial(400, k) for k, value in enumerate(values))
    assert float(total) == pytest.approx(1, rel=1e-12)
    shorter = shuffled(lazy_chain(Fraction(1, 1000), ["1/2", "1/2"]), 100)
    word = [0] * 50 + [1] * 50
    exact = float(sympy.log(shorter.probability(word)))
    assert shorter.log_probabilities([word])[0] == pytest.approx(exact, rel=1e-14)
    three = shuffled(lazy_chain("1/7", ["1/2", "1/3", "1/6"]), 30)
    assert float(three.moment((10, 10, 10))) == pytest.approx(
        float(np.exp(three.log_probabilities([[0, 1, 2] * 10])[0])), rel=1e-13
    )


def test_shuffled_samples():
    part = shuffled(lazy_chain("1/5", ["1/3", "2/3"]), 6)
    samples = part.sample(np.random.default_rng(1), 30_000, 3)
    found = np.bincount(samples @ [4, 2, 1], minlength=8) / 30_000
    exact = np.array([float(part.probability(word)) for word in words(part, 3)])
    assert np.abs(found - exact).max() < 5 * 0.5 / 30_000**0.5
    assert part.sample(np.random.default_rng(1), 2).shape == (2, 6)


@pytest.mark.parametrize(
    "build, error, message",
    [
        (
            lambda: hidden_markov([1, 0], [[1, 0]], [[1], [1]]),
            InvalidArgumentError,
            "transition must be 2 probability vectors",
        ),
        (
            lambda: hidden_markov([1], [["1/2", "1/2"]], [[1]]),
            InvalidArgumentError,
            "transition must have rows of 1 prob",
        ),
        (
            lambda: hidden_markov([1, 0], [[1, 0], [0, 1]], [[1], [0, 1]]),
            InvalidArgumentError,
            "emission must have rows of one",
        ),
        (lambda: hidden_markov([1], [[1]], ["1/2"]), InvalidArgumentError, r"emission\[0\]"),
        (lambda: hidden_markov([1], 5, [[1]]), InvalidTypeError, "transition must be probability vectors, got 5"),
        (lambda: lazy_chain("3/2", [1]), InvalidArgumentError, "e must be at most 1, got '3/2'"),
        (lambda: lazy_chain(-1, [1]), InvalidArgumentError, "e must not be negative, got -1"),
        (lambda: lazy_chain(0.5, [0.1, 0.2]), InvalidArgumentError, "distribution must sum to exactly 1"),
        (
            lambda: mixture([1], [measures.urn([1, 1])]),
            InvalidTypeError,
            r"measures\[0\] must be a hidden Markov model",
        ),
        (lambda: mixture([1], "ab"), InvalidTypeError, "measures must be a sequence"),
        (
            lambda: mixture([1], [THREE_STATES] * 2),
            InvalidArgumentError,
            "measures must be 1 measures, one per weight, got 2",
        ),
        (lambda: mixture(["1/2"] * 2, [THREE_STATES, THREE_TOKENS]), InvalidArgumentError, "one common vocab_size"),
        (lambda: mixture([1], [measures.iid_uniform()]), FreeSymbolError, "vocab_size must be a number"),
        (lambda: THREE_STATES.probability([0, 2]), InvalidArgumentError, "sequence must hold token ids below 2"),
        (lambda: THREE_STATES.marginal(0, [1]), InvalidTypeError, "positions must be a sequence of integers, got 0"),
        (lambda: THREE_STATES.probability("01"), InvalidTypeError, "sequence must be a sequence of integers"),
        (lambda: shuffled(THREE_STATES, 3).sample(0, 1), InvalidTypeError, "generator must be"),
        (lambda: THREE_STATES.marginal([0, 0], [1, 1]), InvalidArgumentError, "positions must be distinct"),
        (lambda: THREE_STATES.marginal([0], [1, 1]), InvalidArgumentError, "tokens must be 1 token ids"),
        (lambda: THREE_STATES.log_probabilities([[0.5]]), InvalidTypeError, "sequences must hold integer token ids"),
        (lambda: lazy_chain("e", [1, 0]).sample(np.random.default_rng(0), 1, 1), FreeSymbolError, "must be a number"),
        (lambda: THREE_STATES.sample(0, 1, 1), InvalidTypeError, "generator must be"),
        (lambda: is_exchangeable([1, 2]), InvalidTypeError, "measure must be a measure such as"),
        (lambda: shuffled("text", 3), InvalidTypeError, "measure must be a hidden Markov model"),
        (lambda: shuffled(THREE_STATES, 0), InvalidArgumentError, "length must be at least 1"),
        (lambda: shuffled(measures.urn([2, 1]), 4), InvalidArgumentError, "length must be at most 3"),
        (lambda: shuffled(THREE_STATES, 3).moment((2, 2)), InvalidArgumentError, "exponents must sum to at most 3"),
        (
            lambda: shuffled(THREE_STATES, 3).probability([0] * 4),
            InvalidArgumentError,
            "sequence must have a length of at most",
        ),
        (
            lambda: shuffled(THREE_STATES, 3).sample(np.random.default_rng(0), 1, 4),
            InvalidArgumentError,
            "length must be at",
        ),
        (
            lambda: shuffled(THREE_STATES, 3).log_probabilities([[0, 2]]),
            InvalidArgumentError,
            "sequences must hold token ids below 2",
        ),
        (lambda: shuffled(lazy_chain("e", [1, 0]), 3).log_probabilities([[0]]), FreeSymbolError, "got the symbols e"),
        (lambda: shuffled(THREE_STATES, 9999).log_probabilities([[0]]), SizeLimitError, "take a shorter length"),
        (lambda: shuffled(THREE_STATES, 9999).moment((1, 0)), SizeLimitError, "take a shorter length"),
        # few counts, but a grid for every state and token
        (lambda: twelve_tokens(3).log_probabilities([[0]]), SizeLimitError, "tables of about 603979776 numbers"),
        # more than floats can say
        (lambda: twelve_tokens(10**30).moment([0] * 12), SizeLimitError, r"tables of about 10\^351 numbers"),
        (lambda: shuffled(THREE_STATES, 3).log_probabilities([[0, 1], [0]]), InvalidArgumentError, "got ragged"),
        (lambda: shuffled(THREE_STATES, 3).log_probabilities([[0] * 4]), InvalidArgumentError, "a length of at most 3"),
        (lambda: shuffled(THREE_STATES, 3).probability(5), InvalidTypeError, "sequence must be a sequence of integers"),
        (lambda: shuffled(THREE_STATES, 3).moment(5), InvalidTypeError, "exponents must be a sequence of integers"),
        (lambda: is_exchangeable(type(THREE_STATES)), InvalidTypeError, "measure must be a measure such as"),
    ],
)
def test_errors(build, error, message):
    with pytest.raises(error, match=message):
        build()


def twelve_tokens(length):
    return shuffled(lazy_chain("1/2", [Fraction(1, 12)] * 12), length)
