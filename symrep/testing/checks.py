"""Conformance checks: they return None, or raise ``VerificationError`` with one line that holds a counterexample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
    require_integer,
)
from symrep.kernels.network import Network
from symrep.kernels.overlaps import length_symbol, matches_symbol, overlap_symbol, same_token_symbol
from symrep.measures import UniformTokens
from symrep.representations.permutations import act_on_sequence, adjacent_transposition, as_permutation
from symrep.spectra.dense import DenseSpectrum, all_sequences, dense_spectrum
from symrep.spectra.spectrum import EvaluatedSpectrum, Spectrum

EXHAUSTIVE_DEGREE = 4
RANDOM_ELEMENTS = 6
SEQUENCES_AT_MOST = 81
RANDOM_SEQUENCES = 40
RANDOM_PERMUTATIONS = 5
DENSE_SEQUENCES_AT_MOST = 1024
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
        _verify(
            matrix.shape == (rho.dimension, rho.dimension), f"{rho!r}: matrix({g.array_form}) has shape {matrix.shape}"
        )
        _verify_character(rho, g, matrix)
        _verify_floats(rho, g, matrix, tolerance)
    identity = sympy.eye(rho.dimension)
    _verify(
        _equal(rho.matrix(Permutation(range(n))), identity), f"{rho!r}: the identity is not represented by the identity"
    )
    _verify_generators(rho, identity)
    for p, q in product(group, repeat=2):
        image = rho.matrix(p * q)
        same = _equal(matrices[tuple(p.array_form)] * matrices[tuple(q.array_form)], image)
        _verify(same, f"{rho!r}: rho(p*q) != rho(p)*rho(q) for p = {p.array_form}, q = {q.array_form}")


def _verify(holds: bool, reason: str) -> None:
    if not holds:
        raise VerificationError(reason)


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
    _verify((trace - character).equals(0), f"{rho!r}: trace {trace} is not the character {character} at {g.array_form}")


def _verify_floats(rho: Any, g: Permutation, matrix: Any, tolerance: float) -> None:
    exact = np.array(matrix.evalf(17).tolist(), dtype=np.float64).reshape(matrix.shape)
    floats = np.asarray(rho.to_numpy(g))
    _verify(
        floats.shape == exact.shape, f"{rho!r}: to_numpy({g.array_form}) has shape {floats.shape}, not {exact.shape}"
    )
    difference = np.abs(floats - exact).max(initial=0.0)
    close = difference <= tolerance * max(1.0, np.abs(exact).max(initial=0.0))
    _verify(bool(close), f"{rho!r}: to_numpy differs from matrix by {difference:.3g} at {g.array_form}")


def _verify_generators(rho: Any, identity: Any) -> None:
    n = rho.n
    generators = {i: rho.generator(i) for i in range(1, n)}
    for i, s in generators.items():
        _verify(_equal(s * s, identity), f"{rho!r}: generator({i})**2 is not the identity")
        _verify(
            _equal(s, rho.matrix(adjacent_transposition(i, n))), f"{rho!r}: generator({i}) is not the matrix of s_{i}"
        )
        for j in range(i + 1, n):
            t = generators[j]
            if j == i + 1:
                _verify(_equal(s * t * s, t * s * t), f"{rho!r}: generators {i} and {j} break the braid relation")
            else:
                _verify(_equal(s * t, t * s), f"{rho!r}: generators {i} and {j} do not commute")


def check_kernel(
    kernel: Any,
    vocab_size: int,
    length: int,
    *,
    extra_token: str | None = None,
    token_symmetry: bool = False,
    tolerance: float = 1e-9,
    seed: int = 0,
) -> None:
    r"""Check a kernel on sequences: symmetric, positive semidefinite, invariant, and equal to its overlap polynomial.

    On all sequences where there are at most 81, else on 40 random ones, with random and adjacent permutations of the
    positions. An extra token stays in place: with ``"last"`` the first L - 1 positions are permuted, with ``"query"``
    all L, and the query is column L + 1.

    Parameters
    ----------
    kernel
        A network with numbers for its parameters; or a function of two integer arrays (n, columns) and (m, columns)
        that returns the n x m Gram matrix; or a polynomial in u and m (sympy).
    vocab_size, length
        V and L, as in :func:`symrep.spectrum`.
    extra_token
        ``"last"``, ``"query"`` or None, for functions; a network knows it.
    token_symmetry
        Check also that renaming the tokens in both sequences changes nothing.
    tolerance
        Relative to the largest entry of the Gram matrix.
    seed
        Of the random sequences and permutations.

    Raises
    ------
    VerificationError
        When a property fails, with the sequences and the permutation that show it.
    FreeSymbolError
        When a parameter of the network is a symbol.

    Examples
    --------
    >>> from symrep import kernels
    >>> net = kernels.architecture("linear-block", token_variance=1, position_variance="1/2")
    >>> check_kernel(net, vocab_size=2, length=4, token_symmetry=True)
    >>> check_kernel(lambda X, Y: X[:, None, 0] * Y[None, :, 0], vocab_size=2, length=2)
    Traceback (most recent call last):
    ...
    symrep.errors.VerificationError: kernel changes under permutation [1, 0]: K = 0 at x = [0, 1], y = [0, 1], then 1
    """
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=1)
    length = require_integer(length, "length", minimum=1)
    gram_of, extra_token = _gram_function(kernel, extra_token)
    columns = length + (1 if extra_token == "query" else 0)
    moving = length - (1 if extra_token == "last" else 0)
    generator = np.random.default_rng(seed)
    x = _some_sequences(vocab_size, columns, generator)
    gram = _gram(gram_of, x)
    allowed = tolerance * max(float(np.abs(gram).max()), np.finfo(float).tiny)
    _verify_positive(gram, x, allowed)
    for g in _some_permutations(moving, generator):
        positions = [*act_on_sequence(g, range(moving)), *range(moving, columns)]
        _verify_unchanged(gram, _gram(gram_of, x[:, positions]), x, allowed, f"under permutation {g.array_form}")
    if token_symmetry:
        for g in _some_permutations(vocab_size, generator):
            renamed = np.array(g.array_form)[x]
            _verify_unchanged(gram, _gram(gram_of, renamed), x, allowed, f"when tokens are renamed by {g.array_form}")
    if isinstance(kernel, Network):
        polynomial = _polynomial_gram(kernel.overlap_polynomial(), kernel.extra_token)(x, x)
        _verify_unchanged(gram, polynomial, x, allowed, "from nngp to overlap_polynomial")


def _gram_function(kernel: Any, extra_token: str | None) -> tuple[Callable[..., np.ndarray], str | None]:
    known = (None, "last", "query")
    require(extra_token in known, "extra_token", "must be 'last', 'query' or None", extra_token)
    if isinstance(kernel, Network):
        same = extra_token in (None, kernel.extra_token)
        require(same, "extra_token", f"must be left out or {kernel.extra_token!r} for this network", extra_token)
        kernel.overlap_polynomial()  # refuses a network without readout
        return kernel.nngp, kernel.extra_token
    if isinstance(kernel, sympy.Expr):
        return _polynomial_gram(kernel, extra_token), extra_token
    if not callable(kernel):
        raise InvalidTypeError(
            f"kernel must be a network, a function of two arrays or a polynomial in u and m, got {kernel!r}"
        )
    return kernel, extra_token


def _polynomial_gram(polynomial: sympy.Expr, extra_token: str | None) -> Callable[..., np.ndarray]:
    counts = (length_symbol, overlap_symbol, matches_symbol, same_token_symbol)
    unknown = sorted(map(str, polynomial.free_symbols - set(counts)))
    require(not unknown, "kernel", "must have no symbols but u, m, g and L", unknown)
    evaluate = sympy.lambdify(counts, polynomial, "numpy")

    def gram(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        same_token = (x[:, None, -1] == y[None, :, -1]).astype(np.float64)
        if extra_token == "query":
            x, y = x[:, :-1], y[:, :-1]
        overlap = (x[:, None, :, None] == y[None, :, None, :]).sum(axis=(2, 3)).astype(np.float64)
        matches = (x[:, None, :] == y[None, :, :]).sum(axis=2).astype(np.float64)
        return np.broadcast_to(evaluate(float(x.shape[1]), overlap, matches, same_token), overlap.shape)

    return gram


def _gram(gram_of: Callable[..., Any], x: np.ndarray) -> np.ndarray:
    gram = np.asarray(gram_of(x, x))
    _verify(gram.shape == (len(x), len(x)), f"kernel of {len(x)} and {len(x)} sequences has shape {gram.shape}")
    _verify(bool(np.isfinite(gram).all()), "kernel is not finite")
    return gram


def _some_sequences(vocab_size: int, columns: int, generator: np.random.Generator) -> np.ndarray:
    if vocab_size**columns <= SEQUENCES_AT_MOST:
        return all_sequences(vocab_size, columns)
    return generator.integers(vocab_size, size=(RANDOM_SEQUENCES, columns))


def _some_permutations(n: int, generator: np.random.Generator) -> list[Permutation]:
    adjacent = [adjacent_transposition(i, n) for i in range(1, n)]
    return adjacent + [
        Permutation(generator.permutation(n).tolist()) for _ in range(RANDOM_PERMUTATIONS if n > 2 else 0)
    ]


def _verify_positive(gram: np.ndarray, x: np.ndarray, allowed: float) -> None:
    asymmetric = np.abs(gram - gram.T) > allowed
    if asymmetric.any():
        i, j = np.argwhere(asymmetric)[0]
        values = f"K(x, y) = {gram[i, j]} and K(y, x) = {gram[j, i]}"
        raise VerificationError(f"kernel is not symmetric: {values} at x = {x[i].tolist()}, y = {x[j].tolist()}")
    smallest = float(np.linalg.eigvalsh(gram)[0])
    _verify(
        smallest >= -allowed * len(gram),
        f"kernel is not positive semidefinite: eigenvalue {smallest:.6g} on {len(x)} sequences",
    )


def _verify_unchanged(gram: np.ndarray, moved: np.ndarray, x: np.ndarray, allowed: float, how: str) -> None:
    different = np.abs(moved - gram) > allowed
    if different.any():
        i, j = np.argwhere(different)[0]
        where = f"x = {x[i].tolist()}, y = {x[j].tolist()}"
        raise VerificationError(f"kernel changes {how}: K = {gram[i, j]} at {where}, then {moved[i, j]}")


def check_spectrum(
    spectrum: Spectrum, kernel: Any = None, *, tolerance: float = 1e-8, seed: int = 0, **numbers: Any
) -> None:
    r"""Check that a spectrum is complete: degeneracies fill the space, and eigenvalues add up to the trace.

    The sum of eigenvalue times degeneracy is compared with ``expected_trace``: exactly through the traces of the
    blocks, and for the eigenvalues themselves to 35 digits at a random rational point. With ``kernel``, the whole
    spectrum is compared with a dense diagonalisation, irrep by irrep.

    Parameters
    ----------
    spectrum
        From :func:`symrep.spectrum`.
    kernel
        The network (or polynomial in u and m) the spectrum belongs to, with or without numbers for its symbols.
    tolerance
        Of the comparison with the dense spectrum, relative to the largest eigenvalue.
    seed
        Of the random point.
    **numbers
        Integers for L and V and numbers for all other symbols of spectrum and network, by name; needed with ``kernel``.

    Raises
    ------
    VerificationError
        When the spectrum is not complete or differs from the dense one.
    SizeLimitError
        When a dense comparison is asked for on more than 1024 sequences.
    FreeSymbolError
        When a symbol is left without a number in a dense comparison.

    Examples
    --------
    >>> from symrep import kernels, measures, spectrum
    >>> net = kernels.architecture("uniform-block", "flatten")
    >>> s = spectrum(net, measures.iid_uniform())
    >>> check_spectrum(s)
    >>> check_spectrum(s, net, L=3, V=2, a=1, p="1/2")
    """
    if not isinstance(spectrum, Spectrum):
        raise InvalidTypeError(f"spectrum must be a Spectrum, got {spectrum!r}")
    _verify_degeneracies(spectrum)
    gap = sympy.simplify(spectrum.trace() - spectrum.expected_trace)
    _verify(
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
        _verify(not negative, f"degeneracy of {name} is {count}, a negative number")
    total = sum(level.degeneracy for level in spectrum.levels) + spectrum.zero_degeneracy
    complete = sympy.simplify(total - spectrum.total_dimension) == 0
    _verify(complete, f"degeneracies sum to {total}, not to the total dimension {spectrum.total_dimension}")


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
    parameters = {s.name for s in kernel.parameters()} if isinstance(kernel, Network) else set()
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
        shown = f"{_shown(found)}, dense {_shown(expected)}"
        _verify(same, f"eigenvalues of {shape} differ from the dense spectrum: {shown}")


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
    if isinstance(kernel, Network):
        kernel = kernel.substitute(**{s.name: numbers[s.name] for s in kernel.parameters() if s.name in numbers})
    gram_of, extra_token = _gram_function(kernel, None)
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
