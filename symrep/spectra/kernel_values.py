"""The values of a kernel at all joint count tables of one length."""

from __future__ import annotations

from typing import Any

import numpy as np
from tqdm import tqdm

from symrep.errors import (
    InvalidArgumentError,
    InvalidTypeError,
    SizeLimitError,
    require,
    shown,
)
from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers
from symrep.spectra.kernel_functions import KernelFunction

_UNITS_IN_THE_LAST_PLACE = 16
_LARGEST_ASYMMETRY = 1e-6
_ARRAYS_AT_ONCE = 6
_TABLES_AT_ONCE = 2**17


def require_few_tables(total: int, vocab_size: int, pairs: int, memory_limit: int) -> None:
    """Raise SizeLimitError when the values at all tables of this total would not fit."""
    count = number_of_tables(total, vocab_size**2)
    needed = 8 * count * (pairs * _ARRAYS_AT_ONCE + 3 * vocab_size**2)
    if needed > memory_limit:
        raise SizeLimitError(
            f"length {total} with {vocab_size} tokens has {count} joint count tables, which need {needed / 1e9:.3g} GB, "
            f"more than memory_limit = {memory_limit / 1e9:.3g} GB"
        )


def real_values(found: Any, count: int) -> tuple[np.ndarray, float]:
    """What a kernel function returned, as float64, and its relative error, when it is one real number for every row.

    The error is that of some units in the last place of the type that the function works in.
    """
    try:
        values = np.asarray(found)
    except ValueError:
        raise InvalidArgumentError(f"kernel must return an array, got ragged {shown(found)}") from None
    require(values.shape == (count,), "kernel", f"must return an array of shape ({count},)", values.shape)
    if values.dtype.kind not in "fiu":
        raise InvalidTypeError(f"kernel must return real numbers, got entries of type {values.dtype}")
    epsilon = np.finfo(values.dtype if values.dtype.kind == "f" else np.float64).eps
    return values.astype(np.float64), _UNITS_IN_THE_LAST_PLACE * max(float(epsilon), float(np.finfo(np.float64).eps))


def absolute_error(relative_error: float, largest: float, asymmetry: float) -> float:
    """A bound on the errors of values: that of their type, what symmetry shows of others, and underflow."""
    return max(relative_error * largest, asymmetry, float(np.finfo(np.float64).tiny))


def is_symmetric(asymmetry: float, largest: float, relative_error: float) -> bool:
    """Whether rounding errors explain that values change by this much when the sequences are exchanged.

    They are far above units in the last place near kinks: of tangent kernels with ReLU, at a correlation of 1.
    """
    return asymmetry <= max(_LARGEST_ASYMMETRY, relative_error) * largest


def kernel_values(
    function: KernelFunction,
    total: int,
    vocab_size: int,
    extra_token: str | None,
    memory_limit: int,
    progress: bool = False,
) -> tuple[np.ndarray, float]:
    """The kernel at all joint count tables, (pairs of extra tokens or 1, tables), and a bound on the errors of values.

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
    values, relative_error = np.empty((pairs, count)), 0.0
    parts = [(pair, start) for pair in range(pairs) for start in range(0, count, _TABLES_AT_ONCE)]
    for pair, start in tqdm(parts, "kernel", disable=not progress, leave=False, unit=" parts"):
        own = slice(start, start + _TABLES_AT_ONCE)
        some = tables[own]
        extra = () if extra_token is None else (np.broadcast_to(divmod(pair, vocab_size), (len(some), 2)),)
        found, own_error = real_values(function(some, *extra), len(some))
        wrong = np.flatnonzero(~np.isfinite(found))
        if len(wrong):
            raise InvalidArgumentError(f"kernel must be finite, got {found[wrong[0]]} at N = {some[wrong[0]].tolist()}")
        values[pair, own], relative_error = found, max(relative_error, own_error)
    largest = float(max(values.max(), -values.min()))
    asymmetry = _asymmetry(values, tables, largest, relative_error)
    return values, absolute_error(relative_error, largest, asymmetry)


def _asymmetry(values: np.ndarray, tables: np.ndarray, largest: float, relative_error: float) -> float:
    vocab_size = tables.shape[-1]
    transposed = table_numbers(np.swapaxes(tables, 1, 2).reshape(len(tables), -1))
    pairs = np.arange(len(values)) if len(values) == 1 else np.arange(vocab_size**2).reshape(vocab_size, -1).T.ravel()
    excess = np.abs(values - values[pairs][:, transposed])
    worst = np.unravel_index(excess.argmax(), excess.shape)
    if not is_symmetric(excess[worst], largest, relative_error):
        N, other = tables[worst[1]], tables[transposed[worst[1]]]
        found = values[worst], values[pairs[worst[0]], transposed[worst[1]]]
        raise InvalidArgumentError(
            f"kernel must be symmetric, got {found[0]:.6g} at N = {N.tolist()} and {found[1]:.6g} at N = {other.tolist()}"
        )
    return float(excess[worst])
