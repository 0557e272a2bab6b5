"""Kernels as functions of joint count tables, and their values at all tables of one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError, require, shown
from symrep.kernels import Network
from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers

KernelFunction = Callable[..., np.ndarray]
_ROUNDING = 1e-9
_ARRAYS_AT_ONCE = 6


def as_function(kernel: Any) -> tuple[KernelFunction, str | None, str]:
    """A kernel as a function of joint count tables, its extra token, and its name."""
    if isinstance(kernel, Network):
        return kernel.joint_count_kernel(), kernel.extra_token, repr(kernel)
    if isinstance(kernel, sympy.Expr):
        return _polynomial_function(kernel), None, str(kernel)
    if callable(kernel):
        return kernel, None, getattr(kernel, "__name__", repr(kernel))
    raise InvalidTypeError(
        f"kernel must be a network, a polynomial in u and m or a function of joint counts, got {shown(kernel)}"
    )


def _polynomial_function(polynomial: sympy.Expr) -> KernelFunction:
    by_name = {symbol.name: symbol for symbol in polynomial.free_symbols}
    unknown = sorted(by_name.keys() - {"u", "m", "L"})
    require(not unknown, "kernel", "must have no symbols but u, m and L", unknown)
    counts = [by_name[name] for name in ("u", "m") if name in by_name]
    require(bool(polynomial.is_polynomial(*counts)), "kernel", "must be a polynomial in u and m", polynomial)
    symbols = [by_name.get(name, sympy.Symbol(name)) for name in ("u", "m", "L")]
    evaluate = sympy.lambdify(symbols, polynomial, "numpy")

    def function(tables: np.ndarray) -> np.ndarray:
        tables = tables.astype(np.float64)
        overlap = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1)
        matches = np.trace(tables, axis1=1, axis2=2)
        return np.broadcast_to(evaluate(overlap, matches, tables.sum(axis=(1, 2))), matches.shape)

    return function


def require_few_tables(total: int, vocab_size: int, pairs: int, memory_limit: int) -> None:
    """Raise SizeLimitError when the values at all tables of this total would not fit."""
    count = number_of_tables(total, vocab_size**2)
    needed = 8 * count * (pairs * _ARRAYS_AT_ONCE + 3 * vocab_size**2)
    if needed > memory_limit:
        raise SizeLimitError(
            f"length {total} with {vocab_size} tokens has {count} joint count tables, which need {needed / 1e9:.3g} GB, "
            f"more than memory_limit = {memory_limit / 1e9:.3g} GB"
        )


def _as_array(values: Any) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError:
        raise InvalidArgumentError(f"kernel must return an array, got ragged {shown(values)}") from None


def kernel_values(
    function: KernelFunction, total: int, vocab_size: int, extra_token: str | None, memory_limit: int
) -> np.ndarray:
    """The kernel at all joint count tables: (pairs of extra tokens or 1, tables).

    Raises
    ------
    InvalidArgumentError
        When values are of a wrong shape, not finite, or not symmetric; names a table.
    SizeLimitError
        When there are too many tables; says how many.
    """
    pairs = vocab_size**2 if extra_token is not None else 1
    require_few_tables(total, vocab_size, pairs, memory_limit)
    count = number_of_tables(total, vocab_size**2)
    tables = count_tables(total, vocab_size**2).reshape(-1, vocab_size, vocab_size)
    tables.flags.writeable = False
    values = np.empty((pairs, count))
    for pair in range(pairs):
        tokens = divmod(pair, vocab_size)
        extra = () if extra_token is None else (np.broadcast_to(tokens, (count, 2)),)
        found = _as_array(function(tables, *extra))
        require(found.shape == (count,), "kernel", f"must return an array of shape ({count},)", found.shape)
        if found.dtype.kind not in "fiu":
            raise InvalidTypeError(f"kernel must return real numbers, got entries of type {found.dtype}")
        found = found.astype(np.float64)
        wrong = np.flatnonzero(~np.isfinite(found))
        require(not len(wrong), "kernel", "must be finite", tables[wrong[:1]].tolist())
        values[pair] = found
    _require_symmetric(values, tables)
    return values


def _require_symmetric(values: np.ndarray, tables: np.ndarray) -> None:
    vocab_size = tables.shape[-1]
    transposed = table_numbers(np.swapaxes(tables, 1, 2).reshape(len(tables), -1))
    pairs = np.arange(len(values)) if len(values) == 1 else np.arange(vocab_size**2).reshape(vocab_size, -1).T.ravel()
    excess = np.abs(values - values[pairs][:, transposed]) - _ROUNDING * np.abs(values).max()
    worst = np.unravel_index(excess.argmax(), excess.shape)
    if excess[worst] > 0:
        N, other = tables[worst[1]], tables[transposed[worst[1]]]
        found = values[worst], values[pairs[worst[0]], transposed[worst[1]]]
        raise InvalidArgumentError(
            f"kernel must be symmetric, got {found[0]:.6g} at N = {N.tolist()} and {found[1]:.6g} at N = {other.tolist()}"
        )
