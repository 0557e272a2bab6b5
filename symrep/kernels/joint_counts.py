r"""Kernels as functions of the joint count table :math:`N_{vw} = \#\{s : x_s = v, y_s = w\}`.

A kernel that is symmetric under permutations of the positions depends on a pair of sequences through N alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symrep.errors import (
    InvalidArchitectureError,
    InvalidArgumentError,
    InvalidTypeError,
    NotInvariantError,
    require,
    shown,
)
from symrep.kernels.cells import CountCells, OverlapCells
from symrep.kernels.gram import ARRAYS_AT_ONCE, BLOCK_BYTES, MEMORY_LIMIT, Sides, own_cells, position_sides, values_of
from symrep.kernels.layers import COUNTS, OVERLAPS
from symrep.kernels.sequences import as_sequences, require_memory

_LARGEST_COUNT = 10**9


@dataclass(frozen=True)
class JointCountKernel:
    """The NNGP kernel of a network (or its NTK, with ``tangent``) as a function of joint count tables.

    Made by :meth:`Network.joint_count_kernel`. Calling it takes an integer array N of shape (..., V, V) whose tables all have
    the same sum (the positions they count), and gives an array of shape (...), or a float for one table. Where a last or
    query token stays in place, N counts the other positions and ``extra`` holds the two tokens there, shape (..., 2).
    """

    net: Any
    tangent: bool = False

    def __post_init__(self) -> None:
        if self.net.readout is None:
            raise InvalidArchitectureError(f"net must end in a readout such as MeanPool(), got {shown(self.net)}")
        invariance = self.net.invariance()
        if invariance.positions == "none":
            raise NotInvariantError(
                f"net must be symmetric under permutations of the positions, got {invariance.reason}"
            )

    def __call__(self, N: Any, extra: Any = None) -> Any:
        """The values of the kernel at the tables N.

        Raises
        ------
        InvalidArgumentError
            When a table is not square, has negative entries, or when sums differ.
        """
        tables = _as_tables(N, self.net.vocab_size, smallest_sum=0 if self.net.extra_token == "last" else 1)
        extra = self._as_extra(extra, tables)
        flat = tables.reshape(-1, *tables.shape[-2:])
        pairs = None if extra is None else extra.reshape(-1, 2)
        sides, cells = self._layout(flat)
        needed = 8 * cells * ARRAYS_AT_ONCE
        require_memory(needed, MEMORY_LIMIT, f"a table of {tables.shape[-1]} x {tables.shape[-1]} tokens")
        step = max(1, BLOCK_BYTES // needed)
        blocks = []
        for i in range(0, len(flat), step):
            part = flat[i : i + step]
            of_part = sides(part, None if pairs is None else pairs[i : i + step])
            blocks.append(values_of(self.net, of_part, self.tangent, len(part)))
        values = np.concatenate(blocks).reshape(tables.shape[:-2])
        return float(values) if values.ndim == 0 else values

    def _as_extra(self, extra: Any, tables: np.ndarray) -> np.ndarray | None:
        token = self.net.extra_token
        if token is None:
            require(extra is None, "extra", "must be left out for a network without a last or query token", extra)
            return None
        require(extra is not None, "extra", f"must hold the {token} tokens of both sequences", extra)
        pairs = _as_integers(extra, "extra")
        shape = (*tables.shape[:-2], 2)
        require(pairs.shape == shape, "extra", f"must be of shape {shape}", pairs.shape)
        as_sequences(pairs.reshape(-1), "extra", tables.shape[-1])
        return pairs

    def _layout(self, tables: np.ndarray) -> tuple[Callable[..., Sides], int]:
        """The layout with the fewest cells that the network works on, and their number."""
        of_classes = (tables.shape[-1] ** 2 + 1) ** 2
        of_positions = (int(tables[0].sum()) + 1) ** 2
        if OVERLAPS in self.net.layouts:
            return self._overlap_sides, 5
        if COUNTS in self.net.layouts and of_classes < of_positions:
            return self._count_sides, of_classes
        return self._representatives, of_positions

    def _overlap_sides(self, tables: np.ndarray, extra: np.ndarray | None) -> Sides:
        same, last = None, self.net.extra_token == "last"
        tables = tables.astype(np.float64)
        if extra is not None:
            same = extra[:, 0] == extra[:, 1]
        if last:
            tables = tables.copy()
            tables[np.arange(len(tables)), extra[:, 0], extra[:, 1]] += 1
        of_x, of_y = tables.sum(axis=2), tables.sum(axis=1)
        length, query = int(tables[0].sum()), self.net.extra_token == "query"
        matches = np.trace(tables, axis1=1, axis2=2)
        pair = OverlapCells.from_counts(length, (of_x * of_y).sum(axis=1), matches, same, query)
        return pair, *(own_cells(length, (counts**2).sum(axis=1), query) for counts in (of_x, of_y))

    def _count_sides(self, tables: np.ndarray, extra: np.ndarray | None) -> Sides:
        vocab_size = tables.shape[-1]
        x, y = (tokens.reshape(-1, 1) for tokens in np.divmod(np.arange(vocab_size**2), vocab_size))
        counts = tables.reshape(len(tables), -1).T
        if extra is not None:
            x, y = (np.concatenate([np.repeat(t, len(tables), axis=1), own[None]]) for t, own in zip((x, y), extra.T))
            counts = np.concatenate([counts, np.ones((1, len(tables)), dtype=counts.dtype)])
        query = self.net.extra_token == "query"
        return tuple(CountCells.from_classes(*pair, counts, query) for pair in ((x, y), (x, x), (y, y)))

    def _representatives(self, tables: np.ndarray, extra: np.ndarray | None) -> Sides:
        vocab_size = tables.shape[-1]
        classes = [np.repeat(np.arange(vocab_size**2), table.ravel()) for table in tables]
        x, y = np.divmod(np.stack(classes), vocab_size)
        if extra is not None:
            x, y = (np.concatenate([t, own[:, None]], axis=1) for t, own in zip((x, y), extra.T))
        return position_sides(x, y, self.net.extra_token, aligned=True)


def _as_integers(value: Any, argument: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidArgumentError(f"{argument} must be an array, got ragged {shown(value)}") from None
    if array.dtype.kind not in "iu":
        raise InvalidTypeError(f"{argument} must hold integers, got entries of type {array.dtype}")
    return array


def _as_tables(value: Any, vocab_size: int | None, smallest_sum: int) -> np.ndarray:
    tables = _as_integers(value, "N")
    square = tables.ndim >= 2 and tables.shape[-1] == tables.shape[-2] and tables.size > 0
    require(square, "N", "must be of shape (..., V, V)", tables.shape)
    known = vocab_size in (None, tables.shape[-1])
    require(known, "N", f"must have tables of {vocab_size} x {vocab_size} tokens", tables.shape)
    require(int(tables.min()) >= 0, "N", "must hold counts of at least 0", int(tables.min()))
    require(
        int(tables.max()) <= _LARGEST_COUNT, "N", f"must hold counts of at most {_LARGEST_COUNT}", int(tables.max())
    )
    sums = tables.sum(axis=(-1, -2)).ravel()
    require(int(sums[0]) >= smallest_sum, "N", f"must count at least {smallest_sum} positions", int(sums[0]))
    require(
        bool((sums == sums[0]).all()), "N", "must have tables of one sum", sorted({int(total) for total in sums})[:3]
    )
    return tables.astype(np.int64)
