"""Partitions of integers: the labels of the irreducible representations of S_n."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import factorial, prod
from typing import Any

from symrep.combinatorics.drawing import diagram_svg
from symrep.errors import InvalidPartitionError, InvalidTypeError, require, require_integer, shown

_INTEGER = re.compile("-?[0-9]{1,4000}")


@dataclass(frozen=True, order=False)
class Partition:
    r"""A partition :math:`\lambda = (\lambda_1 \ge \lambda_2 \ge \dots \ge \lambda_r > 0)`.

    Immutable and hashable. Diagrams are in English notation; a cell is ``(row, column)``, both from 0, and its
    content is ``column - row``. It is no tuple on purpose: ask for ``parts``.

    Parameters
    ----------
    parts
        Positive integers in weakly decreasing order, or their text, ``"(4,2,1)"``. The empty partition is ``Partition(())``.

    Raises
    ------
    InvalidPartitionError
        When a part is not a positive integer or the parts increase.

    Examples
    --------
    >>> shape = Partition((4, 2, 1))
    >>> shape.size, shape.length, shape.conjugate, shape.dimension
    (7, 3, Partition((3, 2, 1, 1)), 35)
    >>> shape.hook_lengths
    ((6, 4, 2, 1), (3, 1), (1,))
    >>> Partition("(4,2,1)") == Partition("4, 2, 1") == shape         # as text, with or without parentheses
    True
    >>> Partition((1, 2))
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidPartitionError: parts must be weakly decreasing, got (1, 2)
    """

    parts: tuple[int, ...]

    def __init__(self, parts: Iterable[int] = ()) -> None:
        try:
            if isinstance(parts, Mapping):
                raise TypeError
            given = _parts_of_text(parts) if isinstance(parts, str) else tuple(parts)
        except TypeError:
            raise InvalidPartitionError(f"parts must be a sequence of positive integers, got {parts!r}") from None
        checked = []
        for part in given:
            try:
                if isinstance(part, bool):
                    raise TypeError
                checked.append(part.__index__())
            except (TypeError, AttributeError):
                raise InvalidPartitionError(f"parts must be positive integers, got {given!r}") from None
        require(all(part > 0 for part in checked), "parts", "must be positive integers", given, InvalidPartitionError)
        decreasing = all(a >= b for a, b in zip(checked, checked[1:]))
        require(decreasing, "parts", "must be weakly decreasing", given, InvalidPartitionError)
        object.__setattr__(self, "parts", tuple(checked))

    @classmethod
    def _trusted(cls, parts: tuple[int, ...]) -> Partition:
        """A partition from parts that are known to be valid (no checks: for inner loops)."""
        self = object.__new__(cls)
        object.__setattr__(self, "parts", parts)
        return self

    @cached_property
    def size(self) -> int:
        """The integer that is partitioned."""
        return sum(self.parts)

    @property
    def length(self) -> int:
        """The number of parts."""
        return len(self.parts)

    @cached_property
    def conjugate(self) -> Partition:
        """The partition whose diagram is the transpose."""
        parts = self.parts
        if not parts:
            return self
        columns = []
        row = len(parts)
        for column in range(parts[0]):
            while parts[row - 1] <= column:
                row -= 1
            columns.append(row)
        return Partition._trusted(tuple(columns))

    def cells(self) -> Iterator[tuple[int, int]]:
        """The cells ``(row, column)``, row by row.

        >>> list(Partition((2, 1)).cells())
        [(0, 0), (0, 1), (1, 0)]
        """
        return ((row, column) for row, part in enumerate(self.parts) for column in range(part))

    def _require_cell(self, cell: tuple[int, int]) -> tuple[int, int]:
        row, column = _as_cell(cell)
        inside = 0 <= row < len(self.parts) and 0 <= column < self.parts[row]
        require(inside, "cell", f"must lie in the diagram of {self.parts}", cell)
        return row, column

    def arm_length(self, cell: tuple[int, int]) -> int:
        """The number of cells to the right of ``cell`` in its row."""
        row, column = self._require_cell(cell)
        return self.parts[row] - column - 1

    def leg_length(self, cell: tuple[int, int]) -> int:
        """The number of cells below ``cell`` in its column."""
        row, column = self._require_cell(cell)
        return self.conjugate.parts[column] - row - 1

    def hook_length(self, cell: tuple[int, int]) -> int:
        """Arm length plus leg length plus one.

        >>> Partition((4, 2, 1)).hook_length((0, 1))
        4
        """
        return self.arm_length(cell) + self.leg_length(cell) + 1

    @cached_property
    def hook_lengths(self) -> tuple[tuple[int, ...], ...]:
        """Hook lengths, row by row."""
        columns = self.conjugate.parts
        return tuple(
            tuple(part - column + columns[column] - row - 1 for column in range(part))
            for row, part in enumerate(self.parts)
        )

    def content(self, cell: tuple[int, int]) -> int:
        """``column - row`` of a cell."""
        row, column = self._require_cell(cell)
        return column - row

    @cached_property
    def dimension(self) -> int:
        r"""The dimension :math:`f^\lambda = n! / \prod h` of the irreducible representation (hook length formula).

        Costs a multiplication per cell below the first row and per column there, however long the first row is.

        >>> Partition((5, 4, 3)).dimension
        2112
        """
        if not self.parts:
            return 1
        first, *rest = self.parts
        lower = Partition._trusted(tuple(rest))
        # hooks of the first row beyond the columns of the others are 1, 2, ..., and cancel against a factorial of their number
        above = prod(first - column + length for column, length in enumerate(lower.conjugate.parts))
        free = first - (rest[0] if rest else 0)
        below = prod(hook for row in lower.hook_lengths for hook in row)
        return prod(range(free + 1, self.size + 1)) // (above * below)

    @cached_property
    def centralizer_order(self) -> int:
        r""":math:`z_\mu = \prod_i i^{m_i} m_i!` of the partition read as a cycle type.

        >>> Partition((3, 1, 1)).centralizer_order
        6
        """
        order = 1
        for part in set(self.parts):
            count = self.parts.count(part)
            order *= part**count * factorial(count)
        return order

    @cached_property
    def class_size(self) -> int:
        r"""The number :math:`n!/z_\mu` of permutations with this cycle type."""
        return factorial(self.size) // self.centralizer_order

    @cached_property
    def sign(self) -> int:
        """The sign of a permutation with this cycle type."""
        return -1 if (self.size - self.length) % 2 else 1

    def dominates(self, other: Partition | Iterable[int]) -> bool:
        r"""Whether :math:`\lambda \trianglerighteq \mu`: equal sizes and every partial sum at least as large.

        >>> Partition((4, 1, 1)).dominates((3, 3)), Partition((3, 3)).dominates((4, 1, 1))
        (False, False)
        """
        other = as_partition(other, "other", size=self.size)
        mine = theirs = 0
        for index in range(max(self.length, other.length)):
            mine += self.parts[index] if index < self.length else 0
            theirs += other.parts[index] if index < other.length else 0
            if mine < theirs:
                return False
        return True

    def contains(self, other: Partition | Iterable[int]) -> bool:
        """Whether the diagram of ``other`` lies inside this one.

        >>> Partition((4, 2, 1)).contains((3, 2)), Partition((4, 2, 1)).contains((1, 1, 1, 1))
        (True, False)
        """
        other = as_partition(other, "other")
        return other.length <= self.length and all(b <= a for a, b in zip(self.parts, other.parts))

    def removable_cells(self) -> tuple[tuple[int, int], ...]:
        """Cells whose removal leaves a partition, from top to bottom."""
        parts = self.parts + (0,)
        return tuple((row, part - 1) for row, part in enumerate(self.parts) if part > parts[row + 1])

    def addable_cells(self) -> tuple[tuple[int, int], ...]:
        """Cells whose addition leaves a partition, from top to bottom.

        >>> Partition((2, 2)).addable_cells()
        ((0, 2), (2, 0))
        """
        rows = [(0, self.parts[0] if self.parts else 0)]
        for row in range(1, len(self.parts) + 1):
            part = self.parts[row] if row < len(self.parts) else 0
            if part < self.parts[row - 1]:
                rows.append((row, part))
        return tuple(rows)

    def remove_cell(self, cell: tuple[int, int]) -> Partition:
        """The partition without a removable cell."""
        cell = _as_cell(cell)
        require(cell in self.removable_cells(), "cell", f"must be removable from {self.parts}", cell)
        row = cell[0]
        parts = self.parts[:row] + (self.parts[row] - 1,) + self.parts[row + 1 :]
        return Partition._trusted(tuple(part for part in parts if part))

    def add_cell(self, cell: tuple[int, int]) -> Partition:
        """The partition with an addable cell added."""
        cell = _as_cell(cell)
        require(cell in self.addable_cells(), "cell", f"must be addable to {self.parts}", cell)
        row = cell[0]
        parts = self.parts + (0,) if row == self.length else self.parts
        return Partition._trusted(parts[:row] + (parts[row] + 1,) + parts[row + 1 :])

    def __repr__(self) -> str:
        return f"Partition({self.parts!r})"

    def __str__(self) -> str:
        return "(" + ",".join(map(str, self.parts)) + ")"

    def diagram(self) -> str:
        """The Young diagram as text, one row per line.

        >>> print(Partition((3, 1)).diagram())
        □□□
        □
        """
        return "\n".join("□" * part for part in self.parts)

    def _latex(self, printer: Any = None) -> str:
        return "(" + ",".join(map(str, self.parts)) + ")"

    def _repr_latex_(self) -> str:
        return f"${self._latex()}$"

    def _repr_html_(self) -> str:
        return f"{self}<br>{diagram_svg(self.parts)}"


def _as_cell(cell: Any) -> tuple[int, int]:
    try:
        row, column = cell
    except (TypeError, ValueError):
        raise InvalidTypeError(f"cell must be a pair (row, column), got {cell!r}") from None
    return require_integer(row, "cell row"), require_integer(column, "cell column")


def as_composition(value: Any, argument: str) -> tuple[int, ...]:
    """Return nonnegative integers in any order as a tuple; a :class:`Partition` gives its parts.

    >>> as_composition([0, 2, 1], "weight"), as_composition(Partition((2, 1)), "weight")
    ((0, 2, 1), (2, 1))
    >>> as_composition(3, "weight")
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidTypeError: weight must be a sequence of nonnegative integers, got 3
    """
    if isinstance(value, Partition):
        return value.parts
    try:
        given = tuple(value)
    except TypeError:
        raise InvalidTypeError(f"{argument} must be a sequence of nonnegative integers, got {value!r}") from None
    return tuple(require_integer(entry, f"entry of {argument}", minimum=0) for entry in given)


def as_partition(value: Any, argument: str = "shape", size: int | None = None) -> Partition:
    """Return ``value`` as a :class:`Partition`; the message of the error names ``argument``.

    >>> as_partition([2, 1])
    Partition((2, 1))
    >>> as_partition([2, 1], "cycle_type", size=4)
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidPartitionError: cycle_type must be a partition of 4, got (2, 1)
    """
    if isinstance(value, Partition):
        partition = value
    else:
        try:
            partition = Partition(value)
        except InvalidPartitionError as error:
            raise InvalidPartitionError(f"{argument} is not a partition: {error}") from None
    if size is not None:
        rule = f"must be a partition of {size}"
        require(partition.size == size, argument, rule, partition.parts, InvalidPartitionError)
    return partition


def _parts_of_text(text: str) -> tuple[int, ...]:
    """Parts from text such as ``(4,2,1)`` or ``4,2,1``; ``21`` alone is refused, as it may mean one part or two.

    >>> _parts_of_text("(4, 2,1)"), _parts_of_text("2,1"), _parts_of_text("()"), _parts_of_text("(21)"), _parts_of_text("(3,)")
    ((4, 2, 1), (2, 1), (), (21,), (3,))
    """
    listed = text.strip()
    in_parentheses = listed.startswith("(") and listed.endswith(")")
    if in_parentheses:
        listed = listed[1:-1].strip()
    pieces = listed.removesuffix(",").split(",") if listed else []
    is_clear = in_parentheses or "," in listed
    if not is_clear or not all(_INTEGER.fullmatch(piece.strip()) for piece in pieces):
        raise InvalidPartitionError(f"parts must be integers such as (4,2,1), got {shown(text)}")
    return tuple(map(int, pieces))


def _greedy_parts(total: int, largest: int) -> tuple[int, ...]:
    """The lexicographically largest partition of ``total`` with parts at most ``largest``, which is at least 1."""
    full, rest = divmod(total, largest)
    return (largest,) * full + ((rest,) if rest else ())


def _partition_tuples(n: int, largest: int, longest: int) -> Iterator[tuple[int, ...]]:
    """Parts of the partitions of n inside a ``longest`` by ``largest`` box, reverse lexicographic."""
    if n > largest * longest:
        return
    parts = _greedy_parts(n, largest) if n else ()
    while True:
        yield parts
        tail = 0
        for index in range(len(parts) - 1, -1, -1):
            tail += parts[index]
            smaller = parts[index] - 1
            if tail <= smaller * (longest - index):
                parts = parts[:index] + _greedy_parts(tail, smaller)
                break
        else:
            return


def partitions(n: int, max_part: int | None = None, max_length: int | None = None) -> Iterator[Partition]:
    """The partitions of n in reverse lexicographic order, from ``(n)`` to ``(1, ..., 1)``, one at a time.

    Parameters
    ----------
    n
        At least 0.
    max_part, max_length
        Optional bounds, at least 0, on the largest part and on the number of parts.

    Examples
    --------
    >>> [partition.parts for partition in partitions(4)]
    [(4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1)]
    >>> [partition.parts for partition in partitions(5, max_length=2)]
    [(5,), (4, 1), (3, 2)]
    """
    n = require_integer(n, "n", minimum=0)
    largest = n if max_part is None else require_integer(max_part, "max_part", minimum=0)
    longest = n if max_length is None else require_integer(max_length, "max_length", minimum=0)
    return (Partition._trusted(parts) for parts in _partition_tuples(n, min(n, largest), min(n, longest)))


def number_of_partitions(n: int) -> int:
    """The number of partitions of n (Euler's pentagonal recurrence, O(n^1.5) additions).

    >>> number_of_partitions(100)
    190569292
    """
    n = require_integer(n, "n", minimum=0)
    counts = [1]
    for m in range(1, n + 1):
        total, k = 0, 1
        while (pentagonal := k * (3 * k - 1) // 2) <= m:
            sign = 1 if k % 2 else -1
            total += sign * counts[m - pentagonal]
            if pentagonal + k <= m:
                total += sign * counts[m - pentagonal - k]
            k += 1
        counts.append(total)
    return counts[n]
