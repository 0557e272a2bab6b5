"""Conformance checks of representations and spectra: they return None, or raise ``VerificationError`` with one line that holds a counterexample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import numpy as np
import sympy
from sympy.combinatorics import Permutation

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import (
    InvalidArgumentError,
    InvalidTypeError,
    SizeLimitError,
    VerificationError,
    require,
    shown,
)
from symrep.kernels.joint_counts import NetworkKernel
from symrep.kernels.network import Network
from symrep.measures import UniformTokens
from symrep.representations.permutations import adjacent_transposition, as_permutation
from symrep.spectra.blocks import BlockSpectrum
from symrep.spectra.dense import DenseSpectrum, dense_spectrum
from symrep.spectra.spectrum import EvaluatedSpectrum, Spectrum
from symrep.testing.block_checks import DENSE_SEQUENCES_AT_MOST, check_block_spectrum
from symrep.testing.kernel_checks import gram_with_extra
from symrep.testing.verify import verify

EXHAUSTIVE_DEGREE = 4
RANDOM_ELEMENTS = 6
DIGITS = 40


def check_representation(
    rho: Any, elements: Iterable[Any] | None = None, *, tolerance: float = 1e-9, seed: int = 0
) -> None:
    r"""Check that ``rho`` is a representation of S_n for sympy's product, by exact arithmetic.

    Identity; :math:`\rho(pq) = \rho(p) \rho(q)`; the Coxeter and braid relations of ``generator(i)``; the generators
    against ``matrix``; the trace against ``character``; ``to_numpy`` against ``matrix``.

    Parameters
    ----------
    rho
        Anything with ``n, dimension, matrix(g), to_numpy(g), character(g), generator(i)``.
    elements
        Permutations, all pairs of which are multiplied. Unless given: all of S_n for n up to 4, else 6 random ones.
    tolerance
        Largest difference between an entry of ``to_numpy`` and its exact value, relative to the largest entry or 1.
    seed
        Of the random elements.

    Raises
    ------
    VerificationError
        When a law fails; the message names the law and the group elements.

    Examples
    --------
    >>> from symrep import orthogonal
    >>> check_representation(orthogonal((2, 1, 1)))
    """
    n = rho.n
    group = _group_elements(n, elements, seed)
    matrices = {tuple(g.array_form): rho.matrix(g) for g in group}
    for g in group:
        matrix = matrices[tuple(g.array_form)]
        verify(
            matrix.shape == (rho.dimension, rho.dimension), f"{rho!r}: matrix({g.array_form}) has shape {matrix.shape}"
        )
        _verify_character(rho, g, matrix)
        _verify_floats(rho, g, matrix, tolerance)
    identity = sympy.eye(rho.dimension)
    verify(
        _equal(rho.matrix(Permutation(range(n))), identity), f"{rho!r}: the identity is not represented by the identity"
    )
    _verify_generators(rho, identity)
    for p, q in product(group, repeat=2):
        image = rho.matrix(p * q)
        same = _equal(matrices[tuple(p.array_form)] * matrices[tuple(q.array_form)], image)
        verify(same, f"{rho!r}: rho(p*q) != rho(p)*rho(q) for p = {p.array_form}, q = {q.array_form}")


def _group_elements(n: int, elements: Iterable[Any] | None, seed: int) -> list[Permutation]:
    if elements is not None:
        return [as_permutation(g, "elements", n) for g in elements]
    if n <= EXHAUSTIVE_DEGREE:
        return list(map(Permutation, _all_arrays(n)))
    generator = np.random.default_rng(seed)
    return [Permutation(generator.permutation(n).tolist()) for _ in range(RANDOM_ELEMENTS)]


def _all_arrays(n: int) -> Iterator[list[int]]:
    return (list(images) for images in product(range(n), repeat=n) if len(set(images)) == n)


def _equal(left: Any, right: Any) -> bool:
    return left == right or all(sympy.expand(entry).equals(0) for entry in sympy.Matrix(left - right))


def _verify_character(rho: Any, g: Permutation, matrix: Any) -> None:
    trace = sympy.expand(matrix.trace())
    character = rho.character(g)
    verify((trace - character).equals(0), f"{rho!r}: trace {trace} is not the character {character} at {g.array_form}")


def _verify_floats(rho: Any, g: Permutation, matrix: Any, tolerance: float) -> None:
    exact = np.array(matrix.evalf(17).tolist(), dtype=np.float64).reshape(matrix.shape)
    floats = np.asarray(rho.to_numpy(g))
    verify(
        floats.shape == exact.shape, f"{rho!r}: to_numpy({g.array_form}) has shape {floats.shape}, not {exact.shape}"
    )
    difference = np.abs(floats - exact).max(initial=0.0)
    close = difference <= tolerance * max(1.0, np.abs(exact).max(initial=0.0))
    verify(bool(close), f"{rho!r}: to_numpy differs from matrix by {difference:.3g} at {g.array_form}")


def _verify_generators(rho: Any, identity: Any) -> None:
    n = rho.n
    generators = {i: rho.generator(i) for i in range(1, n)}
    for i, s in generators.items():
        verify(_equal(s * s, identity), f"{rho!r}: generator({i})**2 is not the identity")
        verify(
            _equal(s, rho.matrix(adjacent_transposition(i, n))), f"{rho!r}: generator({i}) is not the matrix of s_{i}"
        )
        for j in range(i + 1, n):
            t = generators[j]
            if j == i + 1:
                verify(_equal(s * t * s, t * s * t), f"{rho!r}: generators {i} and {j} break the braid relation")
            else:
                verify(_equal(s * t, t * s), f"{rho!r}: generators {i} and {j} do not commute")


def check_spectrum(
    spectrum: Spectrum | BlockSpectrum,
    kernel: Any = None,
    *,
    tolerance: float = 1e-8,
    seed: int = 0,
    positive: bool = False,
    **numbers: Any,
) -> None:
    r"""Check that a spectrum is complete: degeneracies fill the space, and eigenvalues add up to the trace.

    For a :class:`~symrep.spectra.spectrum.Spectrum`, the sum of eigenvalue times degeneracy is compared with
    ``expected_trace``: exactly through the traces of the blocks, and for the eigenvalues themselves to 35 digits at a
    random rational point. With ``kernel``, the whole spectrum is compared with a dense diagonalisation, irrep by irrep.

    For a block spectrum: every block has the multiplicity of its irrep and real eigenvalues in decreasing order; where no
    shape is left out, degeneracies sum to V^L and eigenvalues to E K(x, x), within the rounding errors it states. With
    ``kernel``, the squares of the eigenvalues sum to E K(x, y)^2 where there are few joint count tables, and

    - with at most 1024 sequences the spectrum is compared with a dense one and every eigenfunction is inserted into the
      eigenvalue equation,
    - with more, the Rayleigh quotients of the leading eigenfunctions are estimated from samples.

    Parameters
    ----------
    spectrum
        From :func:`symrep.spectrum` or :func:`symrep.block_spectrum`.
    kernel
        What the spectrum belongs to: a network or a polynomial in u and m, with or without numbers for its symbols; for a
        block spectrum what it was made from, or a function of two arrays of sequences.
    tolerance
        Of comparisons in float64, relative to the largest eigenvalue or the trace.
    seed
        Of the random point and of samples.
    positive
        Check also that no eigenvalue of a block spectrum is negative, as for every kernel of a network.
    **numbers
        Integers for L and V and numbers for all other symbols of spectrum and network, by name; needed with ``kernel``.

    Raises
    ------
    VerificationError
        When the spectrum is not complete or differs from what it is compared with.
    SizeLimitError
        When a dense comparison is asked for on more than 1024 sequences, for a spectrum that is not made of numeric blocks.
    FreeSymbolError
        When a symbol is left without a number in a dense comparison.

    Examples
    --------
    >>> from symrep import block_spectrum, kernels, measures, spectrum
    >>> net = kernels.architecture("uniform-block", "flatten")
    >>> s = spectrum(net, measures.iid_uniform())
    >>> check_spectrum(s)
    >>> check_spectrum(s, net, L=3, V=2, a=1, p="1/2")
    >>> relu = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), kernels.Relu(), kernels.MeanPool())
    >>> check_spectrum(block_spectrum(relu, measures.iid_uniform(2), 5), relu, positive=True)
    """
    if isinstance(spectrum, BlockSpectrum):
        require(not numbers, "numbers", "must be left out for a block spectrum", sorted(numbers))
        check_block_spectrum(spectrum, kernel, tolerance, seed, positive)
        return
    if not isinstance(spectrum, Spectrum):
        hint = ": numbers for the symbols of a Spectrum stand behind the kernel, as in check_spectrum(s, net, L=4, a=1)"
        rule = "spectrum must be a Spectrum or a BlockSpectrum"
        raise InvalidTypeError(
            f"{rule}, got {shown(spectrum)}{hint if isinstance(spectrum, EvaluatedSpectrum) else ''}"
        )
    require(not positive, "positive", "must be left out for a spectrum that is not made of numeric blocks", positive)
    _verify_degeneracies(spectrum)
    gap = sympy.simplify(spectrum.trace() - spectrum.expected_trace)
    verify(
        gap == 0, f"traces of the blocks sum to {spectrum.trace()}, not to the expected trace {spectrum.expected_trace}"
    )
    _verify_eigenvalue_sum(spectrum, seed)
    if kernel is not None:
        _verify_dense(spectrum, kernel, tolerance, numbers)
    elif numbers:
        raise InvalidArgumentError(
            f"kernel must be given to compare numbers with, got numbers for {', '.join(sorted(numbers))}"
        )


def _verify_degeneracies(spectrum: Spectrum) -> None:
    for name, count in [(str(level.shape), level.degeneracy) for level in spectrum.levels] + [
        ("zero", spectrum.zero_degeneracy)
    ]:
        negative = sympy.sympify(count).is_negative is True
        verify(not negative, f"degeneracy of {name} is {count}, a negative number")
    total = sum(level.degeneracy for level in spectrum.levels) + spectrum.zero_degeneracy
    complete = sympy.simplify(total - spectrum.total_dimension) == 0
    verify(complete, f"degeneracies sum to {total}, not to the total dimension {spectrum.total_dimension}")


def _verify_eigenvalue_sum(spectrum: Spectrum, seed: int) -> None:
    generator = np.random.default_rng(seed)
    total = sum((level.eigenvalue * level.degeneracy for level in spectrum.levels), sympy.Integer(0))
    difference = total - spectrum.expected_trace
    point = {s: sympy.Rational(int(generator.integers(1, 9)), 7) for s in sorted(difference.free_symbols, key=str)}
    scale = sympy.sympify(spectrum.expected_trace).subs(point).evalf(DIGITS)
    gap = abs(difference.subs(point).evalf(DIGITS, chop=True))
    if gap > sympy.Float(10) ** (5 - DIGITS) * (1 + abs(scale)):
        reason = f"eigenvalues times degeneracies miss the expected trace {float(scale):.6g} by {float(gap):.3g}"
        raise VerificationError(
            f"{reason} at {', '.join(f'{s} = {value}' for s, value in point.items()) or 'the given numbers'}"
        )


def _verify_dense(spectrum: Spectrum, kernel: Any, tolerance: float, numbers: dict[str, Any]) -> None:
    parameters = {s.name for s in kernel.parameters()} if isinstance(kernel, Network | NetworkKernel) else set()
    only_in_kernel = parameters - {s.name for s in spectrum.free_symbols()}
    values = {name: value for name, value in numbers.items() if name not in only_in_kernel}
    # Evaluated from its own levels: ``substitute`` would solve anew and leave them unchecked.
    evaluated = spectrum.evaluate(**values)
    size = evaluated.total_dimension
    if size > DENSE_SEQUENCES_AT_MOST:
        raise SizeLimitError(
            f"numbers must leave at most {DENSE_SEQUENCES_AT_MOST} sequences to a dense comparison, got {size}"
        )
    dense = _dense_at(kernel, spectrum.substitute(**values), numbers)
    largest = max(abs(level.eigenvalue) for level in dense.levels)
    for shape in partitions(dense.length, max_length=dense.vocab_size):
        expected = dense.eigenvalues(shape)
        found = _eigenvalues_of(evaluated, shape, len(expected))
        same = len(found) == len(expected) and bool((np.abs(found - expected) <= tolerance * largest).all())
        pair = f"{_shown(found)}, dense {_shown(expected)}"
        verify(same, f"eigenvalues of {shape} differ from the dense spectrum: {pair}")


def _shown(eigenvalues: np.ndarray) -> str:
    return "[" + ", ".join(f"{value:.6g}" for value in eigenvalues[:6]) + (", ...]" if len(eigenvalues) > 6 else "]")


def _eigenvalues_of(spectrum: EvaluatedSpectrum, shape: Partition, multiplicity: int) -> np.ndarray:
    """Eigenvalues of one shape, each once per multiplicity, decreasing, filled up with zeros."""
    values: list[float] = []
    for level in spectrum.levels:
        if level.shape == shape:
            values += [level.eigenvalue] * (level.degeneracy // shape.dimension)
    return np.sort(np.array(values + [0.0] * (multiplicity - len(values))))[::-1]


def _dense_at(kernel: Any, spectrum: Spectrum, numbers: dict[str, Any]) -> DenseSpectrum:
    if isinstance(kernel, Network | NetworkKernel):
        kernel = kernel.substitute(**{s.name: numbers[s.name] for s in kernel.parameters() if s.name in numbers})
    gram_of, extra_token = gram_with_extra(kernel, None, spectrum.vocab_size)
    moving = spectrum.length - (1 if extra_token == "last" else 0)
    measure = spectrum.measure
    weights = (
        None
        if isinstance(measure, UniformTokens)
        else lambda x: [float(measure.probability(row)) for row in x.tolist()]
    )
    return dense_spectrum(
        gram_of, spectrum.vocab_size, moving, probabilities=weights, extra_tokens=1 if extra_token else 0
    )
