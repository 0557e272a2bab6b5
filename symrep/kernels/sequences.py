"""Sequences of token ids: what is accepted, and the pairs of them in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError, require, shown

_LARGEST_ID = 2**31


def as_sequences(value: Any, argument: str, vocab_size: int | None = None) -> np.ndarray:
    """An integer array of shape (L,) or (n, L) with token ids below ``vocab_size``, if it is known."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidArgumentError(f"{argument} must be sequences of one length, got ragged {shown(value)}") from None
    require(array.size > 0, argument, "must not be empty", value)
    if array.dtype.kind not in "iu":
        raise InvalidTypeError(f"{argument} must hold integer token ids, got entries of type {array.dtype}")
    require(array.ndim in (1, 2), argument, "must be of shape (L,) or (n, L)", array.shape)
    require(int(array.min()) >= 0, argument, "must hold token ids of at least 0", int(array.min()))
    bound = _LARGEST_ID if vocab_size is None else vocab_size
    require(int(array.max()) < bound, argument, f"must hold token ids below {bound}", int(array.max()))
    return array.astype(np.int64)


def token_counts(sequences: np.ndarray, vocab_size: int) -> np.ndarray:
    """How often every token occurs in each sequence: (n, L) to (n, V).

    >>> token_counts(np.array([[0, 2, 0]]), 3).tolist()
    [[2, 0, 1]]
    """
    return (sequences[:, :, None] == np.arange(vocab_size)).sum(axis=1)


def in_blocks(
    values: Callable[[np.ndarray, np.ndarray], np.ndarray], x: np.ndarray, y: np.ndarray, pairs: int, symmetric: bool
) -> np.ndarray:
    """The array (n, m, ...) of values of all pairs of rows of x and y, at most ``pairs`` of them at a time.

    With ``symmetric`` (y is x) only blocks on and above the diagonal are computed; an entry (j, i) is then the entry (i, j)
    with its last two axes exchanged, if it has any.
    """
    side = max(1, min(int(pairs**0.5), len(x)))
    across = side if symmetric else max(1, min(pairs // side, len(y)))
    result = None
    for i in range(0, len(x), side):
        for j in range(i if symmetric else 0, len(y), across):
            block = values(x[i : i + side], y[j : j + across])
            if result is None:
                result = np.empty((len(x), len(y), *block.shape[2:]))
            result[i : i + side, j : j + across] = block
            if symmetric and j > i:
                mirrored = np.swapaxes(block, 0, 1)
                result[j : j + across, i : i + side] = np.swapaxes(mirrored, -1, -2) if mirrored.ndim == 4 else mirrored
    return result


def require_memory(needed: int, limit: int, what: str) -> None:
    """Raise SizeLimitError when an array of ``needed`` bytes would not fit."""
    if needed > limit:
        raise SizeLimitError(f"{what} needs {_bytes(needed)}, more than memory_limit = {_bytes(limit)}")


def _bytes(number: int) -> str:
    return f"{number / 1e9:.3g} GB" if number >= 10**8 else f"{number / 1e6:.3g} MB"
