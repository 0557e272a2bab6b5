"""Conformance checks of kernels on sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from sympy.combinatorics import Permutation

from symrep.errors import (
    InvalidArchitectureError,
    InvalidArgumentError,
    InvalidTypeError,
    VerificationError,
    require,
    require_integer,
    shown,
)
from symrep.kernels.network import Network
from symrep.kernels.overlaps import (
    first_overlap_symbol,
    length_symbol,
    matches_symbol,
    overlap_symbol,
    same_token_symbol,
    second_overlap_symbol,
)
from symrep.representations.permutations import act_on_sequence, adjacent_transposition
from symrep.spectra.count_tables import pair_tables
from symrep.spectra.dense import all_sequences
from symrep.spectra.gram_functions import function_of_sequences, real_array, sees_counts
from symrep.spectra.kernel_functions import extra_token_of
from symrep.testing.verify import verify

SEQUENCES_AT_MOST = 81
RANDOM_SEQUENCES = 40
RANDOM_PERMUTATIONS = 5


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
    r"""Check a kernel on sequences: symmetric, positive semidefinite, and invariant.

    On all sequences where there are at most 81, else on 40 random ones, with random and adjacent permutations of the
    positions. An extra token stays in place: with ``"last"`` the first L - 1 positions are permuted, with ``"query"``
    all L, and the query is column L + 1. For a network, the symmetries that ``net.invariance()`` claims are checked (of
    the positions, of x and y independently, of the tokens), and its kernel is compared with its joint count kernel and
    with its overlap polynomial, where it has them.

    Parameters
    ----------
    kernel
        A network with numbers for its parameters; or a function of two integer arrays (n, columns) and (m, columns)
        that returns the n x m Gram matrix; or a polynomial in u and m (sympy); or what else
        :func:`symrep.block_spectrum` takes: a MatchKernel, ``net.joint_count_kernel("ntk")``, a function of joint count
        tables (k, V, V).
    vocab_size, length
        V and L, as in :func:`symrep.spectrum`.
    extra_token
        ``"last"``, ``"query"`` or None, for functions; a network knows it.
    token_symmetry
        Check also that renaming the tokens in both sequences changes nothing.
    tolerance
        Relative to the largest entry of the Gram matrix. A network with Monte Carlo layers needs one above their error.
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
    symrep.errors.VerificationError: kernel changes under permutation [1, 0]: K = 0.0 at x = [0, 1], y = [0, 1], then 1.0
    """
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=1)
    length = require_integer(length, "length", minimum=1)
    if isinstance(kernel, Network):
        known = kernel.vocab_size in (None, vocab_size)
        require(known, "vocab_size", f"must be {kernel.vocab_size} for this network", vocab_size)
    gram_of, extra_token = gram_with_extra(kernel, extra_token, vocab_size)
    columns = length + (1 if extra_token == "query" else 0)
    moving = length - (1 if extra_token == "last" else 0)
    generator = np.random.default_rng(seed)
    x = _some_sequences(vocab_size, columns, generator)
    gram = _gram(gram_of, x)
    allowed = tolerance * max(float(np.abs(gram).max()), np.finfo(float).tiny)
    _verify_positive(gram, x, allowed)
    invariance = kernel.invariance() if isinstance(kernel, Network) else None
    if invariance is None or invariance.positions != "none":
        for g in _some_permutations(moving, generator):
            moved = x[:, [*act_on_sequence(g, range(moving)), *range(moving, columns)]]
            _verify_unchanged(gram, _gram(gram_of, moved), x, allowed, f"under permutation {g.array_form}")
            if invariance is not None and invariance.independent:
                how = f"when y alone moves by permutation {g.array_form}"
                _verify_unchanged(gram, _gram(gram_of, x, moved), x, allowed, how)
    if token_symmetry or (invariance is not None and invariance.tokens):
        for g in _some_permutations(vocab_size, generator):
            renamed = np.array(g.array_form)[x]
            _verify_unchanged(gram, _gram(gram_of, renamed), x, allowed, f"when tokens are renamed by {g.array_form}")
    if invariance is not None and invariance.positions != "none":
        _verify_other_routes(kernel, vocab_size, x, gram, allowed)


def _verify_other_routes(net: Network, vocab_size: int, x: np.ndarray, gram: np.ndarray, allowed: float) -> None:
    counted = _joint_count_gram(net, vocab_size, x)
    _verify_unchanged(gram, counted, x, allowed, "from nngp to joint_count_kernel")
    try:
        polynomial = net.overlap_polynomial()
    except InvalidArchitectureError:  # it has a layer that is not polynomial
        return
    evaluated = _polynomial_gram(polynomial, net.extra_token)(x, x)
    _verify_unchanged(gram, evaluated, x, allowed, "from nngp to overlap_polynomial")


def _joint_count_gram(net: Network, vocab_size: int, x: np.ndarray) -> np.ndarray:
    context = x if net.extra_token is None else x[:, :-1]
    tables = pair_tables(context, context, vocab_size)
    extra = None
    if net.extra_token is not None:
        extra = np.stack(np.broadcast_arrays(x[:, None, -1], x[None, :, -1]), axis=-1)
    return net.joint_count_kernel()(tables, extra)


def gram_with_extra(
    kernel: Any, extra_token: str | None, vocab_size: int
) -> tuple[Callable[..., np.ndarray], str | None]:
    """A function of two integer arrays that gives the Gram matrix, and the extra token of the kernel."""
    known = (None, "last", "query")
    require(extra_token in known, "extra_token", "must be 'last', 'query' or None", extra_token)
    if isinstance(kernel, Network):
        same = extra_token in (None, kernel.extra_token)
        require(same, "extra_token", f"must be left out or {kernel.extra_token!r} for this network", extra_token)
        has_readout = kernel.readout is not None
        require(has_readout, "kernel", "must have a readout such as MeanPool()", kernel, InvalidArchitectureError)
        return kernel.nngp, kernel.extra_token
    if isinstance(kernel, sympy.Poly):
        kernel = kernel.as_expr()
    if isinstance(kernel, sympy.Expr):
        return _polynomial_gram(kernel, extra_token), extra_token
    if sees_counts(kernel):
        own = extra_token_of(kernel)
        same = extra_token in (None, own)
        require(same, "extra_token", f"must be left out or {own!r} for this kernel", extra_token)
        return function_of_sequences(kernel, vocab_size), own
    if not callable(kernel):
        rule = (
            "must be a network, a polynomial in u and m, a MatchKernel, or a function of two arrays or of joint counts"
        )
        raise InvalidTypeError(f"kernel {rule}, got {kernel!r}")
    return kernel, extra_token


def _polynomial_gram(polynomial: sympy.Expr, extra_token: str | None) -> Callable[..., np.ndarray]:
    own = (first_overlap_symbol, second_overlap_symbol)
    counts = (length_symbol, overlap_symbol, matches_symbol, same_token_symbol, *own)
    by_name = {symbol.name: symbol for symbol in counts}
    polynomial = polynomial.xreplace({s: by_name[s.name] for s in polynomial.free_symbols if s.name in by_name})
    unknown = sorted(map(str, polynomial.free_symbols - set(counts)))
    require(not unknown, "kernel", "must have no symbols but u, m, g, u_xx, u_yy and L", unknown)
    evaluate = sympy.lambdify(counts, polynomial, "numpy")

    def gram(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        same_token = (x[:, None, -1] == y[None, :, -1]).astype(np.float64)
        if extra_token == "query":
            x, y = x[:, :-1], y[:, :-1]
        overlap = (x[:, None, :, None] == y[None, :, None, :]).sum(axis=(2, 3)).astype(np.float64)
        matches = (x[:, None, :] == y[None, :, :]).sum(axis=2).astype(np.float64)
        of_x, of_y = ((z[:, :, None] == z[:, None, :]).sum(axis=(1, 2)).astype(np.float64) for z in (x, y))
        try:
            values = evaluate(float(x.shape[1]), overlap, matches, same_token, of_x[:, None], of_y[None, :])
        except OverflowError:
            rule = "must have coefficients within the range of float64"
            raise InvalidArgumentError(f"kernel {rule}, got {shown(polynomial)}") from None
        return np.broadcast_to(values, overlap.shape)

    return gram


def _gram(gram_of: Callable[..., Any], x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
    gram = np.asarray(gram_of(x, x if y is None else y))
    gram = real_array(gram.astype(float) if gram.dtype == bool else gram, "kernel(X, Y)")
    verify(
        gram.shape == (len(x), len(x)),
        f"kernel of {len(x)} and {len(x)} sequences has shape {gram.shape}, not {(len(x), len(x))}: it must compare all pairs",
    )
    verify(bool(np.isfinite(gram).all()), "kernel is not finite")
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
    verify(
        smallest >= -allowed * len(gram),
        f"kernel is not positive semidefinite: eigenvalue {smallest:.6g} on {len(x)} sequences",
    )


def _verify_unchanged(gram: np.ndarray, moved: np.ndarray, x: np.ndarray, allowed: float, how: str) -> None:
    different = np.abs(moved - gram) > allowed
    if different.any():
        i, j = np.argwhere(different)[0]
        where = f"x = {x[i].tolist()}, y = {x[j].tolist()}"
        raise VerificationError(f"kernel changes {how}: K = {gram[i, j]} at {where}, then {moved[i, j]}")
