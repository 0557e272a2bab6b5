"""The numpy oracle against anchors that are known without it."""

from __future__ import annotations

from itertools import permutations
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidArgumentError, InvalidPartitionError
from symrep.spectra.dense import DenseLevel, DenseSpectrum, all_sequences, dense_operator, dense_spectrum


def matches(X, Y):
    return (X[:, None] == Y).sum(axis=2)


def common_tokens(X, Y):
    return (X[:, None, :, None] == Y[:, None, :]).sum(axis=(2, 3))


def linear_block(a, p, readout):
    def kernel(X, Y):
        length = X.shape[1]
        u, m = common_tokens(X, Y), matches(X, Y)
        attention = a**2 * u + 2 * a * p * m + p**2 * length
        if readout == "pool":
            return (a * u + p * length) * attention / length**2
        return (a * m + p * length) * attention / length

    return kernel


def random_invariant_gram(rng, vocab_size, length, extra_tokens=0):
    """A random symmetric function of the joint counts of the first positions and of the extra tokens themselves."""
    X = all_sequences(vocab_size, length + extra_tokens)
    codes = X[:, None] * vocab_size + X
    codes[:, :, :length].sort(axis=2)
    keys = codes @ (vocab_size**2) ** np.arange(length + extra_tokens)
    _, inverse = np.unique(keys, return_inverse=True)
    gram = rng.normal(size=inverse.max() + 1)[inverse.reshape(keys.shape)]
    return gram + gram.T


def number_of_semistandard_tableaux(shape, letters):
    """Hook content formula."""
    numerator = prod(letters + shape.content(cell) for cell in shape.cells())
    return numerator // prod(shape.hook_length(cell) for cell in shape.cells())


def degeneracies(spectrum, shape):
    return sum(level.degeneracy for level in spectrum.levels if level.shape == Partition(shape))


def gaps_between(found, expected):
    return np.abs(np.sort(found) - np.sort(expected)).max(initial=0)


def sizes(largest):
    return [(v, n) for v in (1, 2, 3, 4) for n in range(1, 8) if v**n <= largest]


seeds = st.integers(0, 2**32 - 1)


# sequences and operators


def test_sequences_are_lexicographic_with_the_first_position_slowest():
    assert all_sequences(3, 2).tolist() == [[v, w] for v in range(3) for w in range(3)]
    assert all_sequences(2, 0).shape == (1, 0)
    assert all_sequences(1, 4).tolist() == [[0, 0, 0, 0]]
    X = all_sequences(3, 5)
    assert (X @ 3 ** np.arange(5)[::-1] == np.arange(3**5)).all()


@given(seeds)
@settings(deadline=None, max_examples=20)
def test_the_operator_has_the_eigenvalues_of_the_integral_operator(seed):
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(6, 6))
    gram, weights = factor @ factor.T, rng.dirichlet(np.ones(6))
    operator = dense_operator(gram, weights)
    assert (operator == operator.T).all()
    assert gaps_between(np.linalg.eigvalsh(operator), np.linalg.eigvals(gram * weights).real) < 1e-10


# kernels that are functions of the number of matches: Krawtchouk


def krawtchouk(k, j, vocab_size, length):
    signed = ((-1) ** i * (vocab_size - 1) ** (k - i) * comb(j, i) * comb(length - j, k - i) for i in range(k + 1))
    return sum(signed)


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 3), (2, 6), (2, 7), (3, 3), (3, 4), (4, 3)])
def test_functions_of_the_matches_have_krawtchouk_eigenvalues(vocab_size, length):
    # values in general position, so that the degrees have distinct eigenvalues
    values = np.random.default_rng(length).normal(size=length + 1)
    spectrum = dense_spectrum(lambda X, Y: values[matches(X, Y)], vocab_size, length)
    for k in range(length + 1):
        # the eigenvalue of degree k sums kernel(L - j) over the K_j(k) characters of distance j
        expected = sum(krawtchouk(j, k, vocab_size, length) * values[length - j] for j in range(length + 1))
        expected /= vocab_size**length
        levels = [level for level in spectrum.levels if abs(level.eigenvalue - expected) < 1e-10]
        assert sum(level.degeneracy for level in levels) == comb(length, k) * (vocab_size - 1) ** k
        if vocab_size == 2:
            shapes = [(length - j, j) if j else (length,) for j in range(min(k, length - k) + 1)]
            assert [level.shape.parts for level in levels] == shapes
            assert [level.degeneracy for level in levels] == [level.shape.dimension for level in levels]


# random kernels


@given(st.sampled_from(sizes(130)), seeds, st.booleans())
@settings(deadline=None, max_examples=60)
def test_random_invariant_kernels_split_by_semistandard_tableaux(size, seed, uniform):
    vocab_size, length = size
    rng = np.random.default_rng(seed)
    gram = random_invariant_gram(rng, vocab_size, length)
    probabilities = None if uniform else rng.dirichlet(np.full(vocab_size, 5.0))
    spectrum = dense_spectrum(gram, vocab_size, length, probabilities=probabilities)
    for shape in partitions(length):
        expected = number_of_semistandard_tableaux(shape, vocab_size)
        assert len(spectrum.eigenvalues(shape)) == expected
        assert degeneracies(spectrum, shape.parts) == expected * shape.dimension
    assert sum(level.degeneracy for level in spectrum.levels) == vocab_size**length
    tokens = np.full(vocab_size, 1 / vocab_size) if uniform else probabilities
    weights = tokens[all_sequences(vocab_size, length)].prod(axis=1)
    assert spectrum.trace() == pytest.approx(np.diag(gram) @ weights, abs=1e-10)
    assert spectrum.trace() == pytest.approx(sum(spectrum.trace(shape) for shape in partitions(length)), abs=1e-10)
    listed = np.concatenate([np.repeat(spectrum.eigenvalues(s), s.dimension) for s in partitions(length)])
    assert gaps_between(listed, np.linalg.eigvalsh(dense_operator(gram, weights))) < 1e-10
    eigenvalues = np.array([level.eigenvalue for level in spectrum.levels])
    assert (np.diff(eigenvalues) < 1e-9 * np.abs(eigenvalues).max()).all()


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 4), (3, 3), (3, 4)])
def test_trivial_and_sign_blocks_agree_with_sums_over_the_whole_group(vocab_size, length):
    rng = np.random.default_rng(vocab_size + length)
    gram = random_invariant_gram(rng, vocab_size, length)
    tokens = rng.dirichlet(np.ones(vocab_size))
    spectrum = dense_spectrum(gram, vocab_size, length, probabilities=tokens)
    X = all_sequences(vocab_size, length)
    operator = dense_operator(gram, tokens[X].prod(axis=1))
    for shape, sign in (((length,), 1), ((1,) * length, -1)):
        projector = np.zeros_like(operator)
        for g in permutations(range(length)):
            parity = round(np.linalg.det(np.eye(length)[list(g)]))
            images = X[:, list(g)] @ vocab_size ** np.arange(length)[::-1]
            projector[np.arange(len(X)), images] += parity if sign < 0 else 1
        basis = np.linalg.svd(projector)[0][:, : np.linalg.matrix_rank(projector)]
        expected = np.linalg.eigvalsh(basis.T @ operator @ basis)
        found = spectrum.eigenvalues(shape)
        assert len(found) == len(expected)
        assert gaps_between(found, expected) < 1e-10


def test_shapes_with_equal_content_sums_are_told_apart():
    # contents of (4,1,1) and of (3,3) both sum to 3; dimensions 10 and 5, both with 10 semistandard tableaux
    spectrum = dense_spectrum(random_invariant_gram(np.random.default_rng(6), 3, 6), 3, 6)
    for shape in partitions(6, max_length=3):
        assert len(spectrum.eigenvalues(shape)) == number_of_semistandard_tableaux(shape, 3)
    null_space = dense_spectrum(np.zeros((729, 729)), 3, 6)
    assert [level.shape for level in null_space.levels] == list(partitions(6, max_length=3))
    assert (degeneracies(null_space, (4, 1, 1)), degeneracies(null_space, (3, 3))) == (100, 50)


def test_accidental_degeneracy_gives_one_level_per_shape():
    spectrum = dense_spectrum(np.eye(81), 3, 4, probabilities=np.full(81, 1 / 81))
    assert [(level.shape.parts, level.degeneracy) for level in spectrum.levels] == [
        ((4,), 15),
        ((3, 1), 45),
        ((2, 2), 12),
        ((2, 1, 1), 9),
    ]
    assert all(level.eigenvalue == pytest.approx(1 / 81) for level in spectrum.levels)


# transformer blocks with linear attention


@pytest.mark.parametrize("length", [3, 4, 5, 6])
def test_pooled_linear_block_at_two_tokens(length):
    a, p = 0.7, 1.3
    spectrum = dense_spectrum(linear_block(a, p, "pool"), 2, length)
    for shape in partitions(length, max_length=2):
        assert (np.abs(spectrum.eigenvalues(shape)).max() > 1e-6) == (shape.length == 1 or shape.parts[1] == 1)
    odd, even = a * p * (a * length + 2 * p) / (2 * length), a**2 * p * (length - 2) / (2 * length**2)
    standard = spectrum.eigenvalues((length - 1, 1))
    assert standard[:2] == pytest.approx([odd, even])
    assert standard[2:] == pytest.approx(np.zeros(length - 3), abs=1e-12)


def test_pooled_and_flattened_linear_block_at_three_tokens():
    pooled = dense_spectrum(linear_block(1 / 3, 1, "pool"), 3, 4).shares()
    assert [shape.parts for shape in pooled] == [(4,), (3, 1), (2, 2), (2, 1, 1)]
    assert list(pooled.values()) == pytest.approx([0.8301, 0.1699, 0, 0], abs=5e-5)
    flattened = dense_spectrum(linear_block(1 / 3, 1, "flatten"), 3, 4).shares()
    assert list(flattened.values()) == pytest.approx([0.7292, 0.2598, 0.0074, 0.0037], abs=5e-5)
    assert sum(flattened.values()) == pytest.approx(1)


# measures


def test_measures_can_be_given_in_every_form():
    tokens = np.array([0.5, 0.3, 0.2])
    X = all_sequences(3, 3)
    kernel = linear_block(0.4, 1.1, "flatten")
    by_token = dense_spectrum(kernel, 3, 3, probabilities=tokens)
    by_sequence = dense_spectrum(kernel(X, X), 3, 3, probabilities=tokens[X].prod(axis=1))
    by_function = dense_spectrum(kernel, 3, 3, probabilities=lambda X: tokens[X].prod(axis=1))
    assert by_token == by_sequence == by_function
    assert by_token.trace() != pytest.approx(dense_spectrum(kernel, 3, 3).trace())


def test_mixture_that_is_not_independent():
    def mixture(X):
        return 0.5 * np.prod(np.array([0.9, 0.1])[X], axis=1) + 0.5 * np.prod(np.array([0.2, 0.8])[X], axis=1)

    # under S = number of ones: K = <S_x, S_y> has the single eigenvalue E[S^2]
    spectrum = dense_spectrum(lambda X, Y: np.outer(X.sum(axis=1), Y.sum(axis=1)), 2, 4, probabilities=mixture)
    second_moment = sum(0.5 * (4 * r * (1 - r) + 16 * r**2) for r in (0.1, 0.8))
    assert spectrum.levels[0] == DenseLevel(Partition((4,)), None, pytest.approx(second_moment), 1)
    assert spectrum.trace() == pytest.approx(second_moment)


def test_sequences_of_probability_zero_are_null_vectors():
    spectrum = dense_spectrum(matches, 3, 3, probabilities=[0.5, 0.5, 0])
    assert sum(level.degeneracy for level in spectrum.levels if abs(level.eigenvalue) > 1e-12) == 4


def test_gram_matrices_are_computed_in_slices_of_rows(monkeypatch):
    monkeypatch.setattr("symrep.spectra.dense._PAIRS_PER_CALL", 64 * 10)
    calls = []

    def kernel(X, Y):
        calls.append((len(X), len(Y)))
        return matches(X, Y)

    assert dense_spectrum(kernel, 2, 6).levels[0].eigenvalue == pytest.approx(6 / 2)
    assert calls == [(10, 64)] * 6 + [(4, 64)]


# extra tokens and renaming of tokens


@given(st.sampled_from([(2, 3, 1), (2, 4, 1), (3, 3, 1), (2, 3, 2)]), seeds)
@settings(deadline=None, max_examples=20)
def test_extra_tokens_multiply_the_multiplicities(size, seed):
    vocab_size, length, extra_tokens = size
    gram = random_invariant_gram(np.random.default_rng(seed), vocab_size, length, extra_tokens)
    spectrum = dense_spectrum(gram, vocab_size, length, extra_tokens=extra_tokens)
    for shape in partitions(length):
        expected = number_of_semistandard_tableaux(shape, vocab_size) * vocab_size**extra_tokens
        assert len(spectrum.eigenvalues(shape)) == expected


def test_a_kernel_of_the_query_alone():
    def kernel(X, Y):
        return 1.0 * (X[:, None, -1] == Y[:, -1])

    spectrum = dense_spectrum(kernel, 3, 2, extra_tokens=1, token_symmetry=True)
    nonzero = [(level.shape.parts, level.token_shape.parts, level.degeneracy) for level in spectrum.levels[:2]]
    assert nonzero == [((2,), (3,), 1), ((2,), (2, 1), 2)]
    assert [level.eigenvalue for level in spectrum.levels[:2]] == pytest.approx([1 / 3, 1 / 3])
    assert spectrum.trace() == pytest.approx(1)


def test_joint_labels_of_one_and_two_positions():
    one = dense_spectrum(np.zeros((4, 4)), 4, 1, token_symmetry=True)
    assert [(x.token_shape.parts, x.degeneracy) for x in one.levels] == [((4,), 1), ((3, 1), 3)]
    # square of the natural representation of S_3: symmetric part 2 (3) + 2 (2,1), antisymmetric part (2,1) + (1,1,1)
    two = dense_spectrum(np.zeros((9, 9)), 3, 2, token_symmetry=True)
    assert [(x.shape.parts, x.token_shape.parts, x.degeneracy) for x in two.levels] == [
        ((2,), (3,), 2),
        ((2,), (2, 1), 4),
        ((1, 1), (2, 1), 2),
        ((1, 1), (1, 1, 1), 1),
    ]


@pytest.mark.parametrize("readout", ["pool", "flatten"])
def test_joint_labels_refine_the_labels_and_parity_at_two_tokens(readout):
    kernel = linear_block(0.6, 0.9, readout)
    plain, joint = dense_spectrum(kernel, 2, 5), dense_spectrum(kernel, 2, 5, token_symmetry=True)
    for shape in partitions(5, max_length=2):
        assert joint.eigenvalues(shape) == pytest.approx(plain.eigenvalues(shape), abs=1e-12)
    operator = dense_operator(kernel(all_sequences(2, 5), all_sequences(2, 5)), np.full(32, 1 / 32))
    for token_shape, sign in (((2,), 1), ((1, 1), -1)):
        basis = (np.eye(32) + sign * np.eye(32)[::-1])[:, :16] / np.sqrt(2)
        found = [np.repeat(x.eigenvalue, x.degeneracy) for x in joint.levels if x.token_shape == Partition(token_shape)]
        assert gaps_between(np.concatenate(found), np.linalg.eigvalsh(basis.T @ operator @ basis)) < 1e-12


def test_joint_degeneracies_are_multiples_of_both_dimensions():
    spectrum = dense_spectrum(linear_block(1 / 3, 1, "flatten"), 3, 4, token_symmetry=True)
    assert all(x.degeneracy % (x.shape.dimension * x.token_shape.dimension) == 0 for x in spectrum.levels)
    leading = [(x.shape.parts, x.token_shape.parts, x.degeneracy) for x in spectrum.levels[:3]]
    assert leading == [((4,), (3,), 1), ((4,), (2, 1), 2), ((3, 1), (2, 1), 6)]


# the record


def test_the_record_lists_sums_and_shares():
    levels = (
        DenseLevel(Partition((2, 1)), None, 3.0, 4),
        DenseLevel(Partition((3,)), None, 2.0, 1),
        DenseLevel(Partition((2, 1)), None, 1.0, 2),
    )
    spectrum = DenseSpectrum(2, 3, 0, levels)
    assert spectrum.eigenvalues((2, 1)).tolist() == [3.0, 3.0, 1.0]
    assert spectrum.eigenvalues((1, 1, 1)).tolist() == []
    assert (spectrum.trace(), spectrum.trace((2, 1)), spectrum.trace([3])) == (16.0, 14.0, 2.0)
    assert list(spectrum.shares().items()) == [(Partition((3,)), 0.125), (Partition((2, 1)), 0.875)]
    with pytest.raises(AttributeError):
        spectrum.levels = ()
    with pytest.raises(InvalidPartitionError, match="shape must be a partition of 3, got"):
        spectrum.trace((2, 2))
    with pytest.raises(InvalidPartitionError, match="shape must be a partition of 3, got"):
        spectrum.eigenvalues((2,))


def test_values_are_python_numbers():
    level = dense_spectrum(matches, 2, 3).levels[0]
    assert type(level.eigenvalue) is float and type(level.degeneracy) is int


def test_shares_of_nothing():
    with pytest.raises(InvalidArgumentError, match="trace must be nonzero to be shared out, got 0.0"):
        dense_spectrum(np.zeros((4, 4)), 2, 2).shares()
