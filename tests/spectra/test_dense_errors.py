"""What the numpy oracle refuses, one test per cause."""

from __future__ import annotations

import numpy as np
import pytest

from symrep.errors import InvalidArgumentError, InvalidTypeError, NotInvariantError, SizeLimitError, VerificationError
from symrep.spectra.dense import all_sequences, dense_operator, dense_spectrum


def matches(X, Y):
    return (X[:, None] == Y).sum(axis=2)


def common_tokens(X, Y):
    return (X[:, None, :, None] == Y[:, None, :]).sum(axis=(2, 3))


def random_invariant_gram(rng, vocab_size, length):
    """A random symmetric function of the joint counts."""
    X = all_sequences(vocab_size, length)
    codes = X[:, None] * vocab_size + X
    codes.sort(axis=2)
    keys = codes @ (vocab_size**2) ** np.arange(length)
    _, inverse = np.unique(keys, return_inverse=True)
    gram = rng.normal(size=inverse.max() + 1)[inverse.reshape(keys.shape)]
    return gram + gram.T


def test_size_limit_states_the_size():
    with pytest.raises(SizeLimitError, match=r"2\^20 sequences needs 8796093022208 bytes, more than .* = 2000000000"):
        all_sequences(2, 20)
    with pytest.raises(SizeLimitError, match="needs 512 bytes, more than limit_bytes = 511"):
        dense_spectrum(matches, 2, 3, limit_bytes=511)
    assert len(all_sequences(2, 3, limit_bytes=512)) == 8


def bumped(gram, x, y, amount=1.0):
    changed = np.array(gram, dtype=float)
    changed[x, y] += amount
    return changed


def test_gram_matrix_of_the_wrong_shape():
    with pytest.raises(InvalidArgumentError, match=r"kernel must have shape \(8, 8\), got \(4, 4\)"):
        dense_spectrum(np.eye(4), 2, 3)
    with pytest.raises(InvalidArgumentError, match=r"kernel\(X, Y\) must have shape \(8, 8\), got \(8,\)"):
        dense_spectrum(lambda X, Y: np.ones(len(X)), 2, 3)


def test_gram_matrix_of_the_wrong_kind():
    with pytest.raises(InvalidTypeError, match="kernel must be an array of real numbers, got dtype complex128"):
        dense_spectrum(np.eye(8) * 1j, 2, 3)
    with pytest.raises(InvalidTypeError, match=r"kernel\(X, Y\) must be an array of real numbers, got dtype bool"):
        dense_spectrum(lambda X, Y: matches(X, Y) > 1, 2, 3)


def test_gram_matrix_that_is_not_finite():
    with pytest.raises(InvalidArgumentError, match=r"finite, got K\(x, y\) = nan at x = \(0, 1, 1\), y = \(1, 0, 1\)"):
        dense_spectrum(bumped(np.eye(8), 3, 5, np.nan), 2, 3)


def test_gram_matrix_that_is_not_symmetric():
    witness = r"symmetric, got K\(x, y\) = 1.0 and K\(y, x\) = 0.0 at x = \(0, 1, 1\), y = \(1, 0, 1\)"
    with pytest.raises(InvalidArgumentError, match=witness):
        dense_spectrum(bumped(np.eye(8), 3, 5) - bumped(np.zeros((8, 8)), 5, 3, 0.0), 2, 3)


def test_kernel_that_sees_the_order_of_positions():
    witness = r"positions \(0, 1\) are exchanged, got K = 1.0 at x = \(0, 0, 0\), y = \(0, 1, 0\) and K = 0.0"
    with pytest.raises(NotInvariantError, match=witness):
        dense_spectrum(lambda X, Y: 1.0 * (X[:, None, 0] == Y[:, 0]), 2, 3)
    with pytest.raises(NotInvariantError, match=r"positions \(1, 2\) are exchanged"):
        dense_spectrum(lambda X, Y: 1.0 * (X[:, None, 2] == Y[:, 2]), 2, 3)
    last_is_extra = dense_spectrum(lambda X, Y: 1.0 * (X[:, None, 2] == Y[:, 2]), 2, 2, extra_tokens=1)
    assert last_is_extra.trace((1, 1)) == pytest.approx(0)


def test_measure_that_sees_the_order_of_positions():
    witness = r"probabilities .* positions \(0, 1\) are exchanged, got 0.5 at x = \(0, 1\)"
    with pytest.raises(NotInvariantError, match=witness):
        dense_spectrum(matches, 2, 2, probabilities=[0.25, 0.5, 0.0, 0.25])


def test_kernel_or_measure_that_knows_the_names_of_tokens():
    with pytest.raises(NotInvariantError, match=r"kernel .* tokens \(0, 1\) are exchanged"):
        dense_spectrum(lambda X, Y: np.outer(X.sum(axis=1), Y.sum(axis=1)), 2, 3, token_symmetry=True)
    with pytest.raises(NotInvariantError, match=r"probabilities .* tokens \(1, 2\) are exchanged"):
        dense_spectrum(matches, 3, 3, probabilities=[0.4, 0.4, 0.2], token_symmetry=True)


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ([0.5, 0.3, 0.2], r"probabilities must be 2 or 8 numbers, got \(3,\)"),
        ([[0.5, 0.5]], r"probabilities must be 2 or 8 numbers, got \(1, 2\)"),
        (lambda X: np.full(2, 0.5), r"probabilities must be 8 numbers, got \(2,\)"),
        ([1.5, -0.5], "probabilities must be at least 0"),
        ([0.5, np.nan], "probabilities must be at least 0"),
        ([0.5, 0.4], "probabilities must sum to 1, got 0.9"),
    ],
)
def test_probabilities_that_are_none(probabilities, message):
    with pytest.raises(InvalidArgumentError, match=message):
        dense_spectrum(matches, 2, 3, probabilities=probabilities)


def test_numbers_out_of_range():
    with pytest.raises(InvalidArgumentError, match="vocab_size must be at least 1, got 0"):
        dense_spectrum(matches, 0, 3)
    with pytest.raises(InvalidArgumentError, match="length must be at least 1, got 0"):
        dense_spectrum(matches, 2, 0)
    with pytest.raises(InvalidArgumentError, match="extra_tokens must be at least 0, got -1"):
        dense_spectrum(matches, 2, 3, extra_tokens=-1)
    for tolerance in (0, 1, "small", float("nan")):
        with pytest.raises(InvalidArgumentError, match="tolerance must be a number between 0 and 1"):
            dense_spectrum(matches, 2, 3, tolerance=tolerance)


def test_kernel_whose_noise_exceeds_the_tolerance():
    noise = np.random.default_rng(0).normal(size=(16, 16)) * 1e-7
    gram = matches(all_sequences(2, 4), all_sequences(2, 4)) + noise + noise.T
    with pytest.raises(NotInvariantError, match="kernel must not change when positions"):
        dense_spectrum(gram, 2, 4)
    assert dense_spectrum(gram, 2, 4, tolerance=1e-5).levels[0].eigenvalue == pytest.approx(2)


@pytest.mark.parametrize(
    ("gram", "message"),
    [
        (np.eye(16), "an eigenspace of dimension 1 is not invariant: sum of contents^1 = .* tolerance is too small"),
        (random_invariant_gram(np.random.default_rng(4), 2, 4), r"not a multiple of [23]: the tolerance is too small"),
    ],
)
def test_noise_that_splits_eigenspaces(gram, message):
    # a huge entry at a sequence of probability 0 lets noise pass the checks of the kernel and still split eigenspaces
    noise = np.random.default_rng(1).normal(size=(16, 16)) * 1e-6
    gram = bumped(gram + noise + noise.T, 15, 15, 1e6)
    with pytest.raises(VerificationError, match=message.replace("^", r"\^")):
        dense_spectrum(gram, 2, 4, probabilities=np.append(np.full(15, 1 / 15), 0.0))


def test_noise_that_splits_irreps_of_the_token_group():
    X = all_sequences(3, 2)
    repeated = X[:, 0] == X[:, 1]
    squares = 1e-4 * X.sum(axis=1) ** 2
    gram = common_tokens(X, X) ** 2 + np.outer(squares, squares) + np.diag(1e6 * repeated)
    weights = np.where(repeated, 0, 1 / 6)
    assert dense_spectrum(gram, 3, 2, probabilities=weights).trace() == pytest.approx(4)
    message = r"holds 1 vectors of shape \(2\) and token shape \(2,1\), not a multiple of 2"
    with pytest.raises(VerificationError, match=message):
        dense_spectrum(gram, 3, 2, probabilities=weights, token_symmetry=True)


def test_operator_refuses_what_is_no_gram_matrix():
    with pytest.raises(InvalidArgumentError, match=r"kernel must be a square matrix, got \(2, 3\)"):
        dense_operator(np.ones((2, 3)), np.ones(2))
    with pytest.raises(InvalidArgumentError, match="kernel must be finite"):
        dense_operator(np.array([[np.inf]]), [1.0])
    with pytest.raises(InvalidArgumentError, match=r"weights must have shape \(2,\), got \(3,\)"):
        dense_operator(np.eye(2), [0.2, 0.3, 0.5])
    with pytest.raises(InvalidArgumentError, match="weights must be at least 0"):
        dense_operator(np.eye(2), [1.5, -0.5])
