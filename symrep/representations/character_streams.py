r"""The character table of S_n column by column or row by row, never all of it.

With :math:`R_k` the sparse matrix of signs "remove a rim hook of size k", from partitions of n to partitions of n - k,
the columns whose largest part is k are :math:`R_k` times the columns with parts at most k of the table of
:math:`S_{n-k}`, and a row is a row of :math:`R_k` times these, one piece for every k. What has to be stored are the
columns with parts at most n - m of the tables of all smaller :math:`S_m`: 0.4 GB instead of 2.6 GB for n = 36.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import InvalidTypeError, SizeLimitError, require_integer
from symrep.representations import characters
from symrep.representations.characters import (
    _bead_masks,
    _Columns,
    _leading_columns,
    _numbers_of_restricted_partitions,
    _rim_hook_matrix,
    _rim_hook_product,
    _unsafe_columns,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_COLUMNS_AT_ONCE = 256
_ROWS_AT_ONCE = 64


def stream_columns(n: int) -> Iterator[tuple[Partition, np.ndarray]]:
    r"""The columns of the character table of :math:`S_n`, one at a time.

    Parameters
    ----------
    n
        At least 0.

    Yields
    ------
    tuple
        A cycle type and the values of all irreducible characters on it, shapes in reverse lexicographic order (that of
        :func:`~symrep.combinatorics.partitions.partitions`). Cycle types come in the same order, from (n) to
        (1, ..., 1). The array is the caller's own: int64 where every value fits, else Python ints (dtype object).

    Raises
    ------
    SizeLimitError
        When not even the columns of the smaller tables would fit in memory.

    Notes
    -----
    Time is that of the whole table, one addition per rim hook and value; memory is that of the stored columns of the
    smaller tables, :math:`8 \sum_{m<n} p(m) \cdot p(m \mid \text{parts} \le n - m)` bytes (0.4 GB for n = 36, 1.6 GB
    for n = 40), and a few columns.

    Examples
    --------
    >>> for cycle_type, values in stream_columns(4):
    ...     print(cycle_type, values)
    (4) [ 1 -1  0  1 -1]
    (3,1) [ 1  0 -1  0  1]
    (2,2) [ 1 -1  2 -1  1]
    (2,1,1) [ 1  1  0 -1 -1]
    (1,1,1,1) [1 3 2 3 1]
    """
    n = require_integer(n, "n", minimum=0)
    _require_memory(n)
    return _columns(n)


def stream_rows(
    n: int, shapes: Iterable[Partition | Iterable[int]] | None = None
) -> Iterator[tuple[Partition, np.ndarray]]:
    r"""Rows of the character table of :math:`S_n`, one at a time: whole irreducible characters.

    Parameters
    ----------
    n
        At least 0.
    shapes
        Partitions of n, in the order in which their rows are wanted; all, reverse lexicographic, unless given.

    Yields
    ------
    tuple
        A shape and the values of its character, cycle types in reverse lexicographic order (that of
        :func:`~symrep.combinatorics.partitions.partitions`). The array is the caller's own: int64 where every value
        fits, else Python ints (dtype object).

    Raises
    ------
    InvalidPartitionError
        When one of the shapes is no partition of n.
    SizeLimitError
        When not even the columns of the smaller tables would fit in memory.

    Notes
    -----
    The columns of the smaller tables are made first, whatever the shapes (3 s and 0.4 GB for n = 36); a row then costs
    one addition per rim hook of its shape and value.

    Examples
    --------
    >>> for shape, values in stream_rows(4, [(2, 2), (3, 1)]):
    ...     print(shape, values)
    (2,2) [ 0 -1  2  0  2]
    (3,1) [-1  0 -1  1  3]
    """
    n = require_integer(n, "n", minimum=0)
    if shapes is None:
        wanted = None
    else:
        try:
            given = tuple(shapes)
        except TypeError:
            raise InvalidTypeError(f"shapes must be a sequence of partitions, got {shapes!r}") from None
        wanted = tuple(as_partition(shape, "entry of shapes", size=n) for shape in given)
    _require_memory(n)
    return _rows(n, wanted)


def _require_memory(n: int) -> None:
    counted = min(n, characters._MAX_MASK_SIZE)
    restricted = _numbers_of_restricted_partitions(counted)
    # About 10 bytes per value of 8 are needed on the way, as for whole tables.
    needed = 10 * sum(restricted[m][m] * restricted[m][counted - m] for m in range(counted))
    if n > counted or needed > characters._physical_memory():
        bound = "" if counted == n else "more than "
        raise SizeLimitError(
            f"n must be small enough for memory, got {n}: streaming the character table of S_{n} needs {bound}{needed} "
            "bytes; character(shape, cycle_type) gives single values at any n"
        )


class _Block(NamedTuple):
    """The columns with one largest part k: ``hooks`` times ``source``, columns of the table of S_{n-k}."""

    hooks: csr_array
    source: _Columns

    def columns(self, start: int, stop: int) -> _Columns:
        return _rim_hook_product(self.hooks, self.source.between(start, stop))

    def rows(self, rows: list[int]) -> _Columns:
        return _rim_hook_product(self.hooks[rows], self.source)


def _blocks(n: int) -> list[_Block]:
    """The blocks for k = n, ..., 1, made of the smaller tables."""
    restricted = _numbers_of_restricted_partitions(n)
    masks = _bead_masks(n, restricted)
    tables: list[_Columns] = []
    for m in range(n):
        tables.append(_leading_columns(m, n - m, restricted, masks, tables))
    blocks = []
    for k in range(1, n + 1):
        width = restricted[n - k][k]
        hooks = _rim_hook_matrix(masks[n], masks[n - k], k)
        unsafe = _unsafe_columns(masks[n - k][-width:], n - k, int(np.diff(hooks.indptr).max()))
        # Popped, so that a table is not kept beside its copy.
        blocks.append(_Block(hooks, tables.pop().last(width).widened(unsafe)))
    return blocks[::-1]


def _columns(n: int) -> Iterator[tuple[Partition, np.ndarray]]:
    cycle_types = partitions(n)
    if n == 0:
        yield next(cycle_types), np.ones(1, dtype=np.int64)
    for block in _blocks(n):
        width = block.source.machine.shape[1]
        for start in range(0, width, _COLUMNS_AT_ONCE):
            chunk = block.columns(start, min(start + _COLUMNS_AT_ONCE, width))
            for j in range(chunk.machine.shape[1]):
                # A copy: a view would keep the whole chunk alive.
                yield next(cycle_types), chunk.column(j).copy()


def _rows(n: int, wanted: tuple[Partition, ...] | None) -> Iterator[tuple[Partition, np.ndarray]]:
    shapes = tuple(partitions(n))
    if wanted is None:
        wanted = shapes
    if n == 0:
        yield from ((shape, np.ones(1, dtype=np.int64)) for shape in wanted)
        return
    index = {shape: row for row, shape in enumerate(shapes)}
    blocks = _blocks(n)
    for start in range(0, len(wanted), _ROWS_AT_ONCE):
        chunk = wanted[start : start + _ROWS_AT_ONCE]
        rows = [index[shape] for shape in chunk]
        products = [block.rows(rows) for block in blocks]
        machine = np.concatenate([product.machine for product in products], axis=1)
        wide = _wide_columns(products)
        for i, shape in enumerate(chunk):
            yield shape, _row(machine[i], {j: exact[i] for j, exact in wide.items()})


def _wide_columns(products: list[_Columns]) -> dict[int, np.ndarray]:
    wide, offset = {}, 0
    for product in products:
        wide |= {offset + j: exact for j, exact in product.wide.items()}
        offset += product.machine.shape[1]
    return wide


def _row(machine: np.ndarray, exact: dict[int, int]) -> np.ndarray:
    """A copy of ``machine`` with the exact values put in; int64 if they fit."""
    fits = all(abs(value) < characters._INT64_BOUND for value in exact.values())
    row = machine.astype(np.int64 if fits else object)
    for j, value in exact.items():
        row[j] = value
    return row
