"""The values of a kernel at all joint count tables of one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError, require, shown
from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers

KernelFunction = Callable[..., np.ndarray]
_ROUNDING = 1e-9
_ARRAYS_AT_ONCE = 6


def require_few_tables(total: int, vocab_size: int, pairs: int, memory_limit: int) -> None:
    """Raise SizeLimitError when the values at all tables of this total would not fit."""
    count = number_of_tables(total, vocab_size**2)
    needed = 8 * count * (pairs * _ARRAYS_AT_ONCE + 3 * vocab_size**2)
    if needed > memory_limit:
        raise SizeLimitError(
            f"length {total} with {vocab_size} tokens has {count} joint count tables, which need {needed / 1e9:.3g} GB, "
            f"more than memory_limit = {memory_limit / 1e9:.3g} GB"
        )


def real_values(found: Any, count: int) -> np.ndarray:
    """What a kernel function returned, as float64, when it is one real number for every row."""
    try:
        values = np.asarray(found)
    except ValueError:
        raise InvalidArgumentError(f"kernel must return an array, got ragged {shown(found)}") from None
    require(values.shape == (count,), "kernel", f"must return an array of shape ({count},)", values.shape)
    if values.dtype.kind not in "fiu":
        raise InvalidTypeError(f"kernel must return real numbers, got entries of type {values.dtype}")
    return values.astype(np.float64)


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
        found = real_values(function(tables, *extra), count)
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
