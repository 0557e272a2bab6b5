"""Kernels as functions of two arrays of sequences that give Gram matrices: every result is checked, in one place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import sympy

from symrep.errors import InvalidArgumentError, InvalidTypeError, require, shown
from symrep.kernels import Network
from symrep.kernels.joint_counts import NetworkKernel
from symrep.kernels.sequences import token_counts
from symrep.spectra.count_tables import pair_tables
from symrep.spectra.kernel_functions import MatchKernel, SymmetricKernel, as_symmetric_kernel

_PAIRS_AT_ONCE = 500_000
GramFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


def gram_function(kernel: Any, vocab_size: int | None = None) -> GramFunction:
    """A kernel of any kind as a function of two arrays of sequences whose every result is checked.

    Parameters
    ----------
    kernel
        A network (its NNGP kernel), a function of two integer arrays (n, columns) and (m, columns) that gives the n x m Gram
        matrix, or what :func:`symrep.block_spectrum` takes: a polynomial in u and m, a :class:`~symrep.MatchKernel`,
        ``net.joint_count_kernel()``, ``net.match_kernel()``, or a function of one array, joint count tables (k, V, V).
    vocab_size
        V, for kernels of counts; one more than the largest token unless given.

    Raises
    ------
    InvalidTypeError
        At once when it is none of these; on a call when values are not real.
    InvalidArgumentError
        On a call when the result has another shape than (len(x), len(y)), or a value that is not finite.

    Examples
    --------
    >>> gram_function(lambda x, y: np.ones((1, 2)))(np.zeros((1, 3), int), np.zeros((1, 3), int))
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: kernel(X, Y) must have shape (1, 1), got (1, 2)
    """
    if isinstance(kernel, Network):
        # equal arguments take the route that computes half of a symmetric matrix
        def evaluate(x: np.ndarray, y: np.ndarray) -> np.ndarray:
            return kernel.nngp(x) if x is y else kernel.nngp(x, y)

    elif sees_counts(kernel):
        evaluate = function_of_sequences(kernel, vocab_size)
    elif callable(kernel):
        evaluate = kernel
    else:
        rule = (
            "must be a network, a polynomial in u and m, a MatchKernel, or a function of two arrays or of joint counts"
        )
        raise InvalidTypeError(f"kernel {rule}, got {shown(kernel)}")

    def gram_of(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        gram = real_array(evaluate(x, y), "kernel(X, Y)")
        expected = (len(x), len(y))
        require(gram.shape == expected, "kernel(X, Y)", f"must have shape {expected}", gram.shape)
        require_finite(gram, x, y)
        return gram

    return gram_of


def sees_counts(kernel: Any) -> bool:
    """Whether a kernel is a polynomial, or a function of joint count tables or of counts and matches.

    A function is taken for one of joint count tables when it takes one argument in place: with ``y=None`` beside it, as
    many kernels have it, it is one of two arrays.

    >>> sees_counts(lambda tables: tables[:, 0, 0]), sees_counts(lambda x, y: x @ y.T)
    (True, False)
    """
    if isinstance(kernel, sympy.Expr | sympy.Poly | MatchKernel | NetworkKernel):
        return True
    if isinstance(kernel, partial) and kernel.keywords:
        # a keyword that is given is in place all the same
        kernel = partial(kernel.func, *kernel.args)
    try:
        parameters = list(signature(kernel).parameters.values())
    except (TypeError, ValueError):  # no function, or one in C that does not tell
        return False
    in_place = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    return len(in_place) == 1 and in_place[0].kind != in_place[0].VAR_POSITIONAL


def is_gram_function(kernel: Any) -> bool:
    """Whether a kernel is a function of two arrays of sequences."""
    return callable(kernel) and not isinstance(kernel, Network) and not sees_counts(kernel)


def function_of_sequences(kernel: Any, vocab_size: int | None) -> GramFunction:
    """A kernel that :func:`sees_counts` as a function of two arrays of sequences, whose values are not checked."""
    symmetric = as_symmetric_kernel(kernel)

    def evaluate(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        size = 1 + max(int(x.max()), int(y.max())) if vocab_size is None else vocab_size
        cells = 1 if symmetric.of_matches is not None else size**2
        rows = max(1, _PAIRS_AT_ONCE // (len(y) * cells))
        return np.concatenate([_some_rows(symmetric, x[i : i + rows], y, size) for i in range(0, len(x), rows)])

    return evaluate


def _some_rows(kernel: SymmetricKernel, x: np.ndarray, y: np.ndarray, vocab_size: int) -> np.ndarray:
    """The kernel between sequences, by their counts and matches or by their joint count tables."""
    n, m, extra = len(x), len(y), ()
    if kernel.extra_token is not None:
        extra = (np.stack(np.broadcast_arrays(x[:, None, -1], y[None, :, -1]), axis=-1).reshape(-1, 2),)
        x, y = x[:, :-1], y[:, :-1]
    if kernel.of_matches is not None:
        counts = np.broadcast_arrays(token_counts(x, vocab_size)[:, None], token_counts(y, vocab_size)[None])
        matches = (x[:, None] == y[None]).sum(axis=2).ravel()
        values = np.asarray(kernel.of_matches(*(part.reshape(-1, vocab_size) for part in counts), matches, *extra))
    else:
        tables = pair_tables(x, y, vocab_size).reshape(-1, vocab_size, vocab_size)
        values = np.asarray(kernel.of_tables(tables, *extra))
    require(values.shape == (n * m,), "kernel(counts)", f"must have shape {(n * m,)}", values.shape)
    return values.reshape(n, m)


def real_array(value: Any, argument: str) -> np.ndarray:
    """An array of real numbers as float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise InvalidTypeError(f"{argument} must be an array of real numbers, got dtype {array.dtype}")
    return array.astype(np.float64, copy=False)


def require_finite(gram: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Raise InvalidArgumentError naming a pair of sequences whose kernel is not a finite number."""
    if not np.isfinite(gram).all():
        i, j = np.argwhere(~np.isfinite(gram))[0]
        raise InvalidArgumentError(f"kernel must be finite, got K(x, y) = {gram[i, j]} at {shown_pair(x[i], y[j])}")


def shown_pair(x: np.ndarray, y: np.ndarray) -> str:
    """Two sequences as text in a message."""
    return f"x = {shown(tuple(x.tolist()))}, y = {shown(tuple(y.tolist()))}"
