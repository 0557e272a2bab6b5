"""What :func:`symrep.testing.check_spectrum` checks of spectra that are made of numeric blocks."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.special import gammaln

from symrep.combinatorics.partitions import partitions
from symrep.combinatorics.tableaux import number_of_semistandard_tableaux
from symrep.kernels.sequences import token_counts
from symrep.measures import log_count_probabilities
from symrep.spectra.blocks import BlockSpectrum, NumericBlock
from symrep.spectra.comparisons import compare_spectra
from symrep.spectra.count_tables import count_tables, number_of_tables
from symrep.spectra.dense import all_sequences, dense_spectrum
from symrep.spectra.gram_functions import gram_function, is_gram_function
from symrep.spectra.kernel_functions import as_symmetric_kernel, kernel_of_method
from symrep.testing.verify import verify

DENSE_SEQUENCES_AT_MOST = 1024
TABLES_AT_MOST = 300_000
LEADING_SHAPES = 3
SAMPLES = 64
REPLICATES = 16
ALTERNATING_COLUMNS = 3
STANDARD_ERRORS = 8


def check_block_spectrum(spectrum: BlockSpectrum, kernel: Any, tolerance: float, seed: int, positive: bool) -> None:
    """See :func:`symrep.testing.check_spectrum`."""
    degree = spectrum.length - (spectrum.extra_token == "last")
    extras = 1 if spectrum.extra_token is None else spectrum.vocab_size
    for block in spectrum.blocks:
        _verify_block(block, spectrum.vocab_size, extras, positive)
    complete = set(spectrum.shapes) == set(partitions(degree, max_length=spectrum.vocab_size))
    _verify_dimension(spectrum, complete)
    _verify_trace(spectrum, complete, tolerance, positive)
    if kernel is None:
        return
    pair = _PairKernel(kernel, spectrum)
    if complete and number_of_tables(degree, spectrum.vocab_size**2) * extras**2 <= TABLES_AT_MOST:
        _verify_squares(spectrum, pair.mean_square(), tolerance)
    if spectrum.vocab_size**pair.columns <= DENSE_SEQUENCES_AT_MOST:
        _verify_against_dense(spectrum, pair, tolerance)
    else:
        _verify_rayleigh_quotients(spectrum, pair, tolerance, seed)


def _verify_block(block: NumericBlock, vocab_size: int, extras: int, positive: bool) -> None:
    values = np.asarray(block.eigenvalues)
    multiplicity = number_of_semistandard_tableaux(block.shape, vocab_size) * extras
    verify(
        len(values) == multiplicity, f"{block.shape} has {len(values)} eigenvalues, not its multiplicity {multiplicity}"
    )
    real = values.dtype.kind == "f" and bool(np.isfinite(values).all())
    verify(real, f"eigenvalues of {block.shape} are not all real and finite")
    verify(bool((np.diff(values) <= 0).all()), f"eigenvalues of {block.shape} do not decrease")
    if positive and len(values):
        verify(values[-1] >= -block.rounding, f"{block.shape} has the negative eigenvalue {values[-1]:.6g}")


def _verify_dimension(spectrum: BlockSpectrum, complete: bool) -> None:
    covered = sum(block.degeneracy * len(block.eigenvalues) for block in spectrum.blocks)
    total = spectrum.total_dimension
    verify(covered == total or not complete, f"degeneracies sum to {covered}, not to the total dimension {total}")
    verify(covered <= total, f"degeneracies sum to {covered}, more than the total dimension {total}")


def _verify_trace(spectrum: BlockSpectrum, complete: bool, tolerance: float, positive: bool) -> None:
    expected = spectrum.expected_trace
    resolved = _exact_sum(spectrum, lambda block: block.resolved)
    uncertain = _exact_sum(spectrum, lambda block: np.full(len(block.resolved), block.rounding))
    allowed = _allowed(spectrum, abs(expected), tolerance)
    if positive:
        held = f"resolved eigenvalues sum to {float(resolved):.12g}, more than the expected trace {expected:.12g}"
        verify(resolved <= Fraction(expected) + allowed + uncertain, held)
    if complete:
        total = _exact_sum(spectrum, lambda block: block.eigenvalues)
        uncertain = _exact_sum(spectrum, lambda block: np.full(len(block.eigenvalues), block.rounding))
        close = abs(total - Fraction(expected)) <= allowed + uncertain
        verify(close, f"eigenvalues sum to {float(total):.12g}, not to the expected trace {expected:.12g}")


def _verify_squares(spectrum: BlockSpectrum, expected: float, tolerance: float) -> None:
    total = _exact_sum(spectrum, lambda block: np.square(block.eigenvalues))
    uncertain = _exact_sum(spectrum, lambda block: (2 * np.abs(block.eigenvalues) + block.rounding) * block.rounding)
    close = abs(total - Fraction(expected)) <= Fraction(tolerance) * Fraction(expected) + uncertain
    verify(close, f"squares of the eigenvalues sum to {float(total):.12g}, not to E K^2 = {expected:.12g}")


def _exact_sum(spectrum: BlockSpectrum, values_of: Callable[[NumericBlock], np.ndarray]) -> Fraction:
    """The sum of numbers of the blocks times degeneracies, which may exceed the range of floats."""
    sums = ((block.degeneracy, float(np.sum(values_of(block)))) for block in spectrum.blocks)
    return sum((degeneracy * Fraction(value) for degeneracy, value in sums), Fraction(0))


def _allowed(spectrum: BlockSpectrum, scale: float, tolerance: float) -> Fraction:
    largest = max((float(np.abs(block.eigenvalues).max(initial=0.0)) for block in spectrum.blocks), default=0.0)
    return Fraction(tolerance) * Fraction(max(scale, largest))


def _on_tables(kernel: Any, spectrum: BlockSpectrum) -> Any:
    """A function of two arrays of sequences as one of joint count tables, through a pair of sequences for each."""
    kernel = kernel_of_method(kernel)
    if not is_gram_function(kernel):
        return kernel
    verify(spectrum.extra_token is None, "a function of two arrays of sequences says nothing of a last or query token")
    size, gram_of = spectrum.vocab_size, gram_function(kernel)
    pairs = np.indices((size, size)).reshape(2, -1)

    def of_tables(tables: np.ndarray) -> np.ndarray:
        x, y = (np.array([np.repeat(own, N.ravel()) for N in tables]) for own in pairs)
        return np.array([gram_of(x[i : i + 1], y[i : i + 1])[0, 0] for i in range(len(tables))])

    return of_tables


class _PairKernel:
    """The kernel of a block spectrum on joint count tables and on sequences."""

    def __init__(self, kernel: Any, spectrum: BlockSpectrum) -> None:
        symmetric = as_symmetric_kernel(_on_tables(kernel, spectrum))
        found, wanted = symmetric.extra_token, spectrum.extra_token
        verify(found == wanted, f"kernel has the extra token {found}, not {wanted} as the spectrum")
        self.of_tables = symmetric.of_tables
        self.measure, self.vocab_size, self.has_extra = spectrum.measure, spectrum.vocab_size, wanted is not None
        self.degree = spectrum.length - (wanted == "last")
        self.columns = self.degree + self.has_extra

    def values(self, tables: np.ndarray, extra: np.ndarray | None) -> np.ndarray:
        """The kernel at tables (n, V, V) and pairs of extra tokens (n, 2)."""
        return np.asarray(self.of_tables(tables) if extra is None else self.of_tables(tables, extra), dtype=np.float64)

    def log_probability(self, counts: np.ndarray, extra: int | None) -> np.ndarray:
        """The logarithm of the probability of one sequence with these counts in its moving positions."""
        if extra is not None:
            counts = counts + (np.arange(self.vocab_size) == extra)
        return log_count_probabilities(self.measure, counts)

    def mean_square(self) -> float:
        """E K(x, y)^2 for independent x and y, as a sum over tables."""
        size = self.vocab_size
        tables = count_tables(self.degree, size**2).reshape(-1, size, size)
        log_pairs = gammaln(self.degree + 1) - gammaln(tables + 1).sum(axis=(1, 2))
        total = 0.0
        for v in range(size) if self.has_extra else (None,):
            for w in range(size) if self.has_extra else (None,):
                extra = None if v is None else np.broadcast_to((v, w), (len(tables), 2))
                before, after = self.log_probability(tables.sum(axis=2), v), self.log_probability(tables.sum(axis=1), w)
                total += float(np.exp(log_pairs + before + after) @ self.values(tables, extra) ** 2)
        return total

    def gram(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The Gram matrix of two arrays of sequences."""
        hot = [(z[:, : self.degree, None] == np.arange(self.vocab_size)).astype(np.int64) for z in (x, y)]
        tables = np.einsum("isv,jsw->ijvw", *hot, optimize=True).reshape(-1, self.vocab_size, self.vocab_size)
        extra = None
        if self.has_extra:
            extra = np.stack(np.broadcast_arrays(x[:, None, -1], y[None, :, -1]), axis=-1).reshape(-1, 2)
        return self.values(tables, extra).reshape(len(x), len(y))

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """The probabilities of whole sequences."""
        return np.exp(log_count_probabilities(self.measure, token_counts(x, self.vocab_size)))


def _verify_against_dense(spectrum: BlockSpectrum, pair: _PairKernel, tolerance: float) -> None:
    x = all_sequences(pair.vocab_size, pair.columns)
    gram, weights = pair.gram(x, x), pair.probabilities(x)
    dense = dense_spectrum(gram, pair.vocab_size, pair.degree, probabilities=weights, extra_tokens=pair.has_extra * 1)
    comparison = compare_spectra(spectrum, dense, rtol=tolerance)
    verify(bool(comparison), f"block spectrum and dense spectrum: {comparison!r}")
    for block in spectrum.blocks:
        for index in np.flatnonzero(np.abs(block.eigenvalues) > block.rounding).tolist():
            values = block.eigenfunction(index)(x)
            norm = float(weights @ values**2)
            verify(
                abs(norm - 1) <= tolerance, f"eigenfunction {index} of {block.shape} has the squared norm {norm:.9g}"
            )
            residual = gram @ (weights * values) - block.eigenvalues[index] * values
            gap = float(weights @ residual**2) ** 0.5
            allowed = tolerance * comparison.largest + block.rounding
            verify(
                gap <= allowed, f"eigenfunction {index} of {block.shape} misses its eigenvalue equation by {gap:.3g}"
            )


def _verify_rayleigh_quotients(spectrum: BlockSpectrum, pair: _PairKernel, tolerance: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    blocks = [block for block in spectrum.blocks if len(block.resolved) and block.eigenvalues[0] > block.rounding]
    leading = sorted(blocks, key=lambda block: -block.eigenvalues[0])[:LEADING_SHAPES]
    for block in leading:
        function, expected = block.eigenfunction(0), float(block.eigenvalues[0])
        quotients = np.empty(REPLICATES)
        for replicate in range(REPLICATES):
            x = pair.measure.sample(generator, SAMPLES, pair.columns)
            gram, values = _alternating_gram(pair, x, block), function(x)
            np.fill_diagonal(gram, 0.0)
            quotients[replicate] = values @ gram @ values / (SAMPLES * (SAMPLES - 1))
        mean, error = float(quotients.mean()), float(quotients.std(ddof=1)) / REPLICATES**0.5
        allowed = STANDARD_ERRORS * error + tolerance * expected
        found = f"{mean:.6g} +- {error:.2g}, eigenvalue {expected:.6g}"
        verify(abs(mean - expected) <= allowed, f"sampled Rayleigh quotient of {block.shape}: {found}")


def _alternating_gram(pair: _PairKernel, x: np.ndarray, block: NumericBlock) -> np.ndarray:
    """The Gram matrix antisymmetrised in y over the first two boxes of the leading columns.

    An eigenfunction of the block is antisymmetric there, so its Rayleigh quotient keeps its expectation; what changes is
    that other irreps with much larger eigenvalues leave the variance.
    """
    heights = [height for height in block.shape.conjugate.parts if height > 1]
    images, signs = [x], [1]
    start = 0
    for height in heights[:ALTERNATING_COLUMNS]:
        swapped = [image.copy() for image in images]
        for image in swapped:
            image[:, [start, start + 1]] = image[:, [start + 1, start]]
        images, signs = images + swapped, signs + [-sign for sign in signs]
        start += height
    return sum(sign * pair.gram(x, image) for sign, image in zip(signs, images)) / len(images)
