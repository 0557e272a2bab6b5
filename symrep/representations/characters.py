r"""Character tables of the symmetric groups, exact at every size.

They are made by the Murnaghan-Nakayama rule: removing a rim hook of size k from a diagram moves one bead of its bead
set (beta numbers) down by k to an empty place, with sign :math:`(-1)^{\text{beads jumped over}}`. Bead sets are
stored as the set bits of an integer. Single values are made in :mod:`symrep.representations.character_values`, tables
that no memory holds in :mod:`symrep.representations.character_streams`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from math import factorial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from symrep.combinatorics.cores import parts_of_mask
from symrep.combinatorics.partitions import Partition, as_partition, number_of_partitions, partitions
from symrep.errors import InvalidTypeError, SizeLimitError, require_integer
from symrep.representations.character_values import character

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from sympy import ImmutableMatrix

    from symrep.display import Table

__all__ = ["CharacterTable", "character", "character_table"]

_INT64_BOUND = 2**63
_MAX_MASK_SIZE = 62  # the bead set of a partition of n, with as many beads as parts, has n + 1 bits
_MAX_CACHED_DEGREE = 16
_MAX_DISPLAYED_DEGREE = 8


@dataclass(frozen=True)
class CharacterTable:
    r"""All irreducible characters of :math:`S_n`. Make one with :func:`character_table`.

    Rows are ``shapes`` and columns are ``cycle_types``, both in reverse lexicographic order: from (n), the trivial
    character and the n-cycles, to (1, ..., 1), the sign character and the identity.

    Examples
    --------
    >>> T = character_table(5)
    >>> T[(3, 2), (3, 1, 1)], T.row((4, 1)), T.column((5,))
    (-1, (-1, 0, -1, 1, 0, 2, 4), (1, -1, 0, 1, 0, -1, 1))
    >>> print(character_table(3))
             (3)  (2,1)  (1,1,1)
        (3)    1      1        1
      (2,1)   -1      0        2
    (1,1,1)    1     -1        1
    """

    n: int
    shapes: tuple[Partition, ...] = field(repr=False, compare=False)
    _table: _Columns = field(repr=False, compare=False)

    @property
    def cycle_types(self) -> tuple[Partition, ...]:
        """The labels of the columns, reverse lexicographic."""
        return self.shapes

    @cached_property
    def _index(self) -> dict[Partition, int]:
        return {shape: index for index, shape in enumerate(self.shapes)}

    def _find(self, value: Partition | Iterable[int], argument: str) -> int:
        return self._index[as_partition(value, argument, size=self.n)]

    def __getitem__(self, labels: tuple[Partition | Iterable[int], Partition | Iterable[int]]) -> int:
        if not isinstance(labels, tuple) or len(labels) != 2:
            raise InvalidTypeError(f"index must be a pair T[shape, cycle_type], got {labels!r}")
        shape, cycle_type = labels
        return self._table.value(self._find(shape, "shape"), self._find(cycle_type, "cycle_type"))

    def row(self, shape: Partition | Iterable[int]) -> tuple[int, ...]:
        """The values of one character, in the order of ``cycle_types``."""
        row = self._find(shape, "shape")
        values = self._table.machine[row].tolist()
        for column, exact in self._table.wide.items():
            values[column] = exact[row]
        return tuple(values)

    def column(self, cycle_type: Partition | Iterable[int]) -> tuple[int, ...]:
        """The values of all characters on one class, in the order of ``shapes``."""
        return tuple(self._table.column(self._find(cycle_type, "cycle_type")).tolist())

    @cached_property
    def class_sizes(self) -> tuple[int, ...]:
        """The numbers of permutations with each cycle type, in the order of ``cycle_types``."""
        return tuple(cycle_type.class_size for cycle_type in self.cycle_types)

    def to_numpy(self) -> np.ndarray:
        """The table as a read-only array: an int64 view where every value fits, else Python ints (dtype object).

        >>> character_table(3).to_numpy()
        array([[ 1,  1,  1],
               [-1,  0,  2],
               [ 1, -1,  1]])
        """
        if not self._table.wide:
            return self._table.machine.view()
        _require_memory(self.n, bytes_per_value=40)
        table = self._table.machine.astype(object)
        for column, exact in self._table.wide.items():
            table[:, column] = exact
        table.flags.writeable = False
        return table

    def to_matrix(self) -> ImmutableMatrix:
        """The table as an immutable sympy matrix (slow beyond n of about 15).

        >>> character_table(3).to_matrix().det()
        6
        """
        from sympy import ImmutableMatrix

        return ImmutableMatrix([self.row(shape) for shape in self.shapes])

    def table(self) -> Table:
        r"""The table with labelled rows and columns, to be written as LaTeX, Markdown, CSV or JSON.

        Raises
        ------
        SizeLimitError
            When it has more than four million entries.

        Examples
        --------
        >>> print(character_table(3).table().to_markdown())
        Character table of $S_3$; columns are cycle types.
        <BLANKLINE>
        | shape | $3$ | $2\,1$ | $1^{3}$ |
        | --- | --- | --- | --- |
        | $(3)$ | 1 | 1 | 1 |
        | $(2,1)$ | -1 | 0 | 2 |
        | $(1,1,1)$ | 1 | -1 | 1 |
        """
        from symrep.representations.character_display import labelled_table

        return labelled_table(self)

    def _labels(self) -> list[str]:
        return [str(cycle_type) for cycle_type in self.cycle_types]

    def __str__(self) -> str:
        """The table as aligned text up to n = 8."""
        if self.n > _MAX_DISPLAYED_DEGREE:
            return repr(self)
        grid = [["", *self._labels()], *([str(shape), *map(str, self.row(shape))] for shape in self.shapes)]
        widths = [max(map(len, column)) for column in zip(*grid)]
        return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in grid)

    def _repr_html_(self) -> str:
        if self.n > _MAX_DISPLAYED_DEGREE:
            return f"<code>{self!r}</code>"
        head = "".join(f"<th>{label}</th>" for label in self._labels())
        body = "".join(
            f"<tr><th>{shape}</th>" + "".join(f"<td>{value}</td>" for value in self.row(shape)) + "</tr>"
            for shape in self.shapes
        )
        return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _repr_latex_(self) -> str:
        if self.n > _MAX_DISPLAYED_DEGREE:
            return rf"$\text{{{self!r}}}$"
        head = "&".join(["", *self._labels()])
        body = r"\\".join("&".join(map(str, (shape, *self.row(shape)))) for shape in self.shapes)
        return rf"$\begin{{array}}{{r|{'r' * len(self.shapes)}}}{head}\\\hline {body}\end{{array}}$"


def character_table(n: int) -> CharacterTable:
    r"""The character table of :math:`S_n`.

    With :math:`R_k` the sparse matrix of signs "remove a rim hook of size k", from partitions of n to partitions of
    n - k, the columns whose largest part is k are :math:`R_k` times the columns with parts at most k of the table of
    :math:`S_{n-k}`. Only columns with parts at most n - m are ever made of a smaller table :math:`S_m`.

    Parameters
    ----------
    n
        At least 0.

    Raises
    ------
    SizeLimitError
        When the table would not fit in memory; then :func:`~symrep.representations.character_streams.stream_columns`
        and ``stream_rows`` make it piece by piece, and :func:`character` single values.

    Notes
    -----
    The result takes 8 bytes per value, :math:`8 p(n)^2` with p(n) partitions of n, and about 10 are needed on the way:
    0.3 GB for n = 30, 14 GB for n = 40. A value costs one addition per rim hook. Values are exact: column
    orthogonality gives :math:`\sum_\lambda \chi^\lambda(\mu)^2 = z_\mu`, so by Cauchy-Schwarz a sum over h rim hooks
    never leaves :math:`\pm\sqrt{h z_\mu}`, and columns for which that is not below :math:`2^{63}` (only for n >= 35)
    are made with Python integers.

    Examples
    --------
    >>> T = character_table(4)
    >>> T
    CharacterTable(n=4)
    >>> T[(2, 1, 1), (3, 1)], T[(2, 2), (2, 2)]
    (0, 2)
    """
    n = require_integer(n, "n", minimum=0)
    _require_memory(n, bytes_per_value=10)
    return _cached_table(n) if n <= _MAX_CACHED_DEGREE else _make_table(n)


@lru_cache(maxsize=_MAX_CACHED_DEGREE + 1)
def _cached_table(n: int) -> CharacterTable:
    return _make_table(n)


def _require_memory(n: int, bytes_per_value: int) -> None:
    """Refuse a table that physical memory cannot hold."""
    counted = min(n, 1000)
    needed = bytes_per_value * number_of_partitions(counted) ** 2
    if counted > _MAX_MASK_SIZE or needed > _physical_memory():
        bound = "" if counted == n else "more than "
        raise SizeLimitError(
            f"n must be small enough for memory, got {n}: the character table of S_{n} needs {bound}{needed} bytes; "
            "stream_columns(n) and stream_rows(n) make it piece by piece, character(shape, cycle_type) single values"
        )


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**34


class _Columns(NamedTuple):
    """Some columns of a character table: int64 where that is proven safe, Python ints for the columns in ``wide``.

    ``machine`` has a column of zeros at the place of every wide one.
    """

    machine: np.ndarray
    wide: dict[int, np.ndarray]

    def column(self, index: int) -> np.ndarray:
        return self.wide[index] if index in self.wide else self.machine[:, index]

    def value(self, row: int, column: int) -> int:
        return int(self.column(column)[row])

    def last(self, width: int) -> _Columns:
        """The last ``width`` columns, as a view."""
        return self.between(self.machine.shape[1] - width, self.machine.shape[1])

    def between(self, start: int, stop: int) -> _Columns:
        """The columns from ``start`` to ``stop``, as a view."""
        wide = {j - start: exact for j, exact in self.wide.items() if start <= j < stop}
        return _Columns(self.machine[:, start:stop], wide)

    def widened(self, columns: list[int]) -> _Columns:
        """The same with these columns among the wide ones."""
        if not columns:
            return self
        machine = self.machine.copy()
        machine[:, columns] = 0
        return _Columns(machine, self.wide | {j: self.column(j).astype(object) for j in columns})


def _make_table(n: int) -> CharacterTable:
    restricted = _numbers_of_restricted_partitions(n)
    masks = _bead_masks(n, restricted)
    tables: list[_Columns] = []
    for m in range(n + 1):
        tables.append(_leading_columns(m, n - m if m < n else n, restricted, masks, tables))
    tables[n].machine.flags.writeable = False
    return CharacterTable(n, tuple(partitions(n)), tables[n])


def _numbers_of_restricted_partitions(n: int) -> list[list[int]]:
    """Entry [m][k]: how many partitions of m have parts at most k, the last ones in reverse lexicographic order."""
    numbers = [[1] * (n + 1)]
    for m in range(1, n + 1):
        row = [0]
        for k in range(1, n + 1):
            row.append(row[-1] + (numbers[m - k][k] if k <= m else 0))
        numbers.append(row)
    return numbers


def _bead_masks(n: int, restricted: list[list[int]]) -> list[np.ndarray]:
    """Entry m: the bead sets (one bead per part) of the partitions of m, reverse lexicographic, as uint64."""
    masks, lengths = [np.zeros(1, dtype=np.uint64)], [np.zeros(1, dtype=np.uint64)]
    for m in range(1, n + 1):
        rests = [(first, slice(-restricted[m - first][first], None)) for first in range(m, 0, -1)]
        one = np.uint64(1)
        top = [one << (np.uint64(first) + lengths[m - first][rest]) for first, rest in rests]
        masks.append(np.concatenate([masks[m - first][rest] | bead for (first, rest), bead in zip(rests, top)]))
        lengths.append(np.concatenate([lengths[m - first][rest] + one for first, rest in rests]))
    return masks


def _leading_columns(
    m: int, largest: int, restricted: list[list[int]], masks: list[np.ndarray], tables: list[_Columns]
) -> _Columns:
    """The columns of the table of S_m with parts at most ``largest``, from those of the smaller groups."""
    if m == 0:
        return _Columns(np.ones((1, 1), dtype=np.int64), {})
    machine = np.zeros((len(masks[m]), restricted[m][largest]), dtype=np.int64)
    wide: dict[int, np.ndarray] = {}
    start = 0
    for k in range(min(m, largest), 0, -1):
        width = restricted[m - k][k]
        hooks = _rim_hook_matrix(masks[m], masks[m - k], k)
        unsafe = _unsafe_columns(masks[m - k][-width:], m - k, int(np.diff(hooks.indptr).max()))
        product = _rim_hook_product(hooks, tables[m - k].last(width).widened(unsafe))
        machine[:, start : start + width] = product.machine
        wide |= {start + j: exact for j, exact in product.wide.items()}
        start += width
    return _Columns(machine, wide)


def _rim_hook_product(hooks: csr_array, source: _Columns) -> _Columns:
    """A matrix of signs times columns, of which the wide ones and no others might leave the range of int64."""
    machine, wide = hooks @ source.machine, {}
    for j, column in source.wide.items():
        exact = _exact_product(hooks, column)
        if max(map(abs, exact)) < _INT64_BOUND:
            machine[:, j] = exact
        else:
            wide[j] = exact
    return _Columns(machine, wide)


def _unsafe_columns(cycle_masks: np.ndarray, size: int, most_hooks: int) -> list[int]:
    """Columns that a product with at most ``most_hooks`` signs per row might take out of the range of int64."""
    if most_hooks * factorial(size) < _INT64_BOUND**2:
        return []
    cycle_types = (Partition._trusted(parts_of_mask(int(mask))) for mask in cycle_masks)
    return [j for j, mu in enumerate(cycle_types) if most_hooks * mu.centralizer_order >= _INT64_BOUND**2]


def _exact_product(hooks: csr_array, column: np.ndarray) -> np.ndarray:
    """The product with Python integers."""
    product = np.zeros(hooks.shape[0], dtype=object)
    rows = np.repeat(np.arange(hooks.shape[0]), np.diff(hooks.indptr))
    np.add.at(product, rows, hooks.data.astype(object) * column[hooks.indices])
    return product


def _rim_hook_matrix(larger: np.ndarray, smaller: np.ndarray, k: int) -> csr_array:
    """The signs of removing one rim hook of size k, from bead sets ``larger`` (rows) to ``smaller`` (columns)."""
    from scipy.sparse import csr_array

    one, shift = np.uint64(1), np.uint64(k)
    movable = (larger & ~(larger << shift)) >> shift
    # Bit b of the parities is the parity of the beads at places 0..b.
    parities = larger.copy()
    for power in range(6):
        parities ^= parities << np.uint64(2**power)
    rows, targets, signs = [], [], []
    for place in range(int(movable.max()).bit_length()):
        low = np.uint64(place)
        row = np.flatnonzero((movable >> low) & one)
        moved = larger[row] ^ (one << (low + shift)) ^ (one << low)
        # Beads at the bottom stand for parts 0: shift them out, they are the bits below the lowest empty place.
        moved //= ~moved & (moved + one)
        jumped = (parities[row] >> (low + shift - one) ^ parities[row] >> low) & one
        rows.append(row)
        targets.append(moved)
        signs.append(1 - 2 * jumped.astype(np.int64))
    order = np.argsort(smaller)
    columns = order[np.searchsorted(smaller, np.concatenate(targets), sorter=order)]
    shape = (len(larger), len(smaller))
    return csr_array((np.concatenate(signs), (np.concatenate(rows), columns)), shape=shape)
