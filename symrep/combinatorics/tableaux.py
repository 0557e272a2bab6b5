"""Young tableaux: standard and semistandard fillings of a partition, their enumeration and their numbers.

Diagrams are in English notation; a cell is ``(row, column)``, both from 0, and its content is ``column - row``.
Insertion (Robinson, Schensted, Knuth) lives in :mod:`symrep.combinatorics.rsk`. The number of standard tableaux of
a shape is :attr:`Partition.dimension <symrep.combinatorics.partitions.Partition.dimension>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from math import prod
from typing import Any, ClassVar, Self

from symrep.combinatorics.drawing import diagram_svg
from symrep.combinatorics.partitions import Partition, as_composition, as_partition
from symrep.errors import InvalidArgumentError, InvalidTableauError, InvalidTypeError, require, require_integer

Rows = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class _Tableau:
    """What standard and semistandard tableaux share: a filling of a diagram with strictly increasing columns."""

    rows: Rows

    _rows_increase_by: ClassVar[int]

    def __init__(self, rows: Iterable[Iterable[int]] = ()) -> None:
        checked = _checked_rows(rows)
        step = self._rows_increase_by
        rows_ordered = all(b - a >= step for row in checked for a, b in pairwise(row))
        rule = "strictly" if step else "weakly"
        require(rows_ordered, "rows", f"must increase {rule} from left to right", checked, InvalidTableauError)
        columns_ordered = all(a < b for upper, lower in pairwise(checked) for a, b in zip(upper, lower))
        require(columns_ordered, "rows", "must increase strictly down every column", checked, InvalidTableauError)
        object.__setattr__(self, "rows", checked)

    @classmethod
    def _trusted(cls, rows: Rows) -> Self:
        """A tableau from rows that are known to be valid (no checks: for inner loops)."""
        self = object.__new__(cls)
        object.__setattr__(self, "rows", rows)
        return self

    @cached_property
    def shape(self) -> Partition:
        """The partition that is filled."""
        return Partition._trusted(tuple(map(len, self.rows)))

    @property
    def size(self) -> int:
        """The number of cells."""
        return self.shape.size

    def entry(self, cell: tuple[int, int]) -> int:
        """The entry in the cell ``(row, column)``."""
        row, column = self.shape._require_cell(cell)
        return self.rows[row][column]

    @property
    def reading_word(self) -> tuple[int, ...]:
        """The rows from bottom to top, each from left to right: row insertion of this word gives the tableau back."""
        return tuple(chain.from_iterable(reversed(self.rows)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.rows!r})"

    def __str__(self) -> str:
        return "/".join(",".join(map(str, row)) for row in self.rows)

    def diagram(self) -> str:
        """The tableau as text, one row per line, columns aligned.

        >>> print(SemistandardTableau([(1, 1, 10), (2, 3)]).diagram())
         1  1 10
         2  3
        """
        width = max((len(str(entry)) for row in self.rows for entry in row), default=0)
        return "\n".join(" ".join(f"{entry:{width}d}" for entry in row) for row in self.rows)

    def _latex(self, printer: Any = None) -> str:
        if not self.rows:
            return r"\varnothing"
        body = r"\\".join("&".join(map(str, row)) for row in self.rows)
        return rf"\begin{{array}}{{{'c' * len(self.rows[0])}}}{body}\end{{array}}"

    def _repr_latex_(self) -> str:
        return f"${self._latex()}$"

    def _repr_html_(self) -> str:
        return diagram_svg(self.shape.parts, self.rows)


@dataclass(frozen=True, init=False, repr=False)
class StandardTableau(_Tableau):
    """A filling of a diagram by 1..n, each once, that increases along rows and down columns.

    Parameters
    ----------
    rows
        The rows from top to bottom. The empty tableau is ``StandardTableau(())``.

    Raises
    ------
    InvalidTableauError
        When the row lengths are no partition, the entries are not 1..n, or a row or a column does not increase.

    Examples
    --------
    >>> tableau = StandardTableau([(1, 2, 4), (3, 5)])
    >>> tableau.shape, tableau.position(5), tableau.content_vector
    (Partition((3, 2)), (1, 1), (0, 1, -1, 2, 0))
    >>> tableau.axial_distance(3), tableau.swap(3)
    (3, StandardTableau(((1, 2, 3), (4, 5))))
    >>> StandardTableau([(1, 2), (2, 3)])
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidTableauError: rows must contain each of 1..4 exactly once, got ((1, 2), (2, 3))
    """

    _rows_increase_by: ClassVar[int] = 1

    def __init__(self, rows: Iterable[Iterable[int]] = ()) -> None:
        super().__init__(rows)
        n = self.size
        complete = sorted(chain.from_iterable(self.rows)) == list(range(1, n + 1))
        require(complete, "rows", f"must contain each of 1..{n} exactly once", self.rows, InvalidTableauError)

    @classmethod
    def _from_row_indices(cls, row_of_entry: Iterable[int]) -> Self:
        """The tableau in which entry i sits in row ``row_of_entry[i - 1]``; the word must be a lattice word."""
        rows: list[list[int]] = []
        for entry, row in enumerate(row_of_entry, start=1):
            if row == len(rows):
                rows.append([])
            rows[row].append(entry)
        return cls._trusted(tuple(map(tuple, rows)))

    @cached_property
    def entry_positions(self) -> tuple[tuple[int, int], ...]:
        """The cells of the entries 1, ..., n, in this order."""
        cell_of = {entry: (i, j) for i, row in enumerate(self.rows) for j, entry in enumerate(row)}
        return tuple(cell_of[entry] for entry in range(1, self.size + 1))

    def position(self, entry: int) -> tuple[int, int]:
        """The cell ``(row, column)`` of an entry."""
        return self.entry_positions[self._require_entry(entry, self.size) - 1]

    def _require_entry(self, entry: Any, largest: int) -> int:
        entry = require_integer(entry, "entry")
        require(1 <= entry <= largest, "entry", f"must lie in 1..{largest}", entry)
        return entry

    @cached_property
    def content_vector(self) -> tuple[int, ...]:
        """The contents of the cells of 1, ..., n: the joint eigenvalues of the Jucys-Murphy elements X_1, ..., X_n."""
        return tuple(column - row for row, column in self.entry_positions)

    def axial_distance(self, entry: int) -> int:
        """``content(entry + 1) - content(entry)``: positive when the next entry sits further up and to the right.

        Never 0; 1 when the next entry is right of ``entry`` in its row, -1 when it is below it in its column.
        """
        entry = self._require_entry(entry, self.size - 1)
        return self.content_vector[entry] - self.content_vector[entry - 1]

    def swap(self, entry: int) -> StandardTableau | None:
        """The tableau with ``entry`` and ``entry + 1`` exchanged, or None when that is not standard.

        >>> StandardTableau([(1, 2), (3, 4)]).swap(1) is None
        True
        """
        if abs(self.axial_distance(entry)) == 1:
            return None
        exchanged = {entry: entry + 1, entry + 1: entry}
        return StandardTableau._trusted(tuple(tuple(exchanged.get(e, e) for e in row) for row in self.rows))

    @cached_property
    def conjugate(self) -> StandardTableau:
        """The transpose."""
        columns = range(len(self.rows[0]) if self.rows else 0)
        return StandardTableau._trusted(tuple(tuple(r[j] for r in self.rows if j < len(r)) for j in columns))


@dataclass(frozen=True, init=False, repr=False)
class SemistandardTableau(_Tableau):
    """A filling of a diagram by positive integers, weakly increasing along rows and strictly down columns.

    Parameters
    ----------
    rows
        The rows from top to bottom. The empty tableau is ``SemistandardTableau(())``.

    Raises
    ------
    InvalidTableauError
        When the row lengths are no partition, an entry is not a positive integer, a row decreases or a column does
        not increase.

    Examples
    --------
    >>> tableau = SemistandardTableau([(1, 1, 3), (2, 3)])
    >>> tableau.weight, tableau.reading_word
    ((2, 1, 2), (2, 3, 1, 1, 3))
    >>> SemistandardTableau([(1, 2), (1, 3)])
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidTableauError: rows must increase strictly down every column, got ((1, 2), (1, 3))
    """

    _rows_increase_by: ClassVar[int] = 0

    @cached_property
    def weight(self) -> tuple[int, ...]:
        """How often 1, 2, ... occur, up to the largest entry."""
        counts = [0] * max(chain.from_iterable(self.rows), default=0)
        for entry in chain.from_iterable(self.rows):
            counts[entry - 1] += 1
        return tuple(counts)


def _checked_rows(rows: Any) -> Rows:
    """``rows`` as a tuple of tuples of positive ints whose lengths are the parts of a partition."""
    try:
        given = tuple(map(tuple, rows))
    except TypeError:
        raise InvalidTableauError(f"rows must be a sequence of rows of positive integers, got {rows!r}") from None
    try:
        checked = tuple(tuple(require_integer(entry, "entry", minimum=1) for entry in row) for row in given)
    except (InvalidTypeError, InvalidArgumentError):
        raise InvalidTableauError(f"rows must contain positive integers only, got {given!r}") from None
    lengths = tuple(map(len, checked))
    fits = all(lengths) and all(a >= b for a, b in pairwise(lengths))
    require(fits, "rows", "must have positive, weakly decreasing lengths", checked, InvalidTableauError)
    return checked


def as_standard_tableau(value: Any, argument: str = "tableau", shape: Partition | None = None) -> StandardTableau:
    """Return ``value`` as a :class:`StandardTableau`; the message of the error names ``argument``.

    >>> as_standard_tableau([[1, 3], [2]])
    StandardTableau(((1, 3), (2,)))
    """
    if isinstance(value, StandardTableau):
        tableau = value
    else:
        try:
            tableau = StandardTableau(value)
        except InvalidTableauError as error:
            raise InvalidTableauError(f"{argument} is not a standard tableau: {error}") from None
    if shape is not None:
        require(tableau.shape == shape, argument, f"must have shape {shape}", tableau.rows, InvalidTableauError)
    return tableau


def standard_tableaux(shape: Partition | Iterable[int]) -> Iterator[StandardTableau]:
    r"""The standard tableaux of a shape in last-letter order, one at a time.

    Compare two tableaux at the largest entry whose positions differ: the one in which that entry sits in the lower
    row (larger row index) comes first. So the first tableau is filled row by row, ``(1, 2, 3), (4, 5), ...``, and the
    last one column by column. Whenever ``swap(i)`` is standard, the tableau in which i + 1 sits below i comes first.

    Parameters
    ----------
    shape
        A partition of any size, 0 included (one tableau, the empty one).

    Notes
    -----
    Memory and the worst step are O(n), n = size; there are ``shape.dimension`` tableaux.

    Examples
    --------
    >>> for tableau in standard_tableaux((3, 2)):
    ...     print(tableau)
    1,2,3/4,5
    1,2,4/3,5
    1,3,4/2,5
    1,2,5/3,4
    1,3,5/2,4
    """
    return map(StandardTableau._from_row_indices, _lattice_words(as_partition(shape).parts))


def _lattice_words(parts: tuple[int, ...]) -> Iterator[list[int]]:
    """Row indices of the entries 1..n of all standard tableaux, in last-letter order; one list, updated in place."""
    word = [row for row, part in enumerate(parts) for _ in range(part)]
    while True:
        yield word
        filled = [0] * (len(parts) + 1)
        for index, row in enumerate(word):
            filled[row] += 1
            higher = next((r for r in range(row - 1, -1, -1) if filled[r] > filled[r + 1]), None)
            if higher is not None:
                filled[higher] -= 1
                word[: index + 1] = [r for r, count in enumerate(filled) for _ in range(count)] + [higher]
                break
        else:
            return


def semistandard_tableaux(shape: Partition | Iterable[int], max_entry: int) -> Iterator[SemistandardTableau]:
    """The semistandard tableaux of a shape with entries at most ``max_entry``, one at a time.

    They come in lexicographic order of the entries read row by row from the top, so that the first one has only
    i in row i.

    Parameters
    ----------
    shape
        A partition; no tableau exists when it has more than ``max_entry`` parts.
    max_entry
        At least 0.

    Examples
    --------
    >>> for tableau in semistandard_tableaux((2, 1), 3):
    ...     print(tableau, end="  ")
    1,1/2  1,1/3  1,2/2  1,2/3  1,3/2  1,3/3  2,2/3  2,3/3
    """
    shape = as_partition(shape)
    max_entry = require_integer(max_entry, "max_entry", minimum=0)
    return map(SemistandardTableau._trusted, _semistandard_rows(shape, max_entry))


def _semistandard_rows(shape: Partition, max_entry: int) -> Iterator[Rows]:
    if shape.length > max_entry:
        return
    rows = [[i + 1] * part for i, part in enumerate(shape.parts)]
    # An entry leaves room for the strictly larger ones below it exactly when it is at most its ceiling.
    ceilings = {(i, j): max_entry - shape.leg_length((i, j)) for i, j in shape.cells()}
    cells_backwards = tuple(reversed(ceilings))
    while True:
        yield tuple(map(tuple, rows))
        grown = next(((i, j) for i, j in cells_backwards if rows[i][j] < ceilings[i, j]), None)
        if grown is None:
            return
        first, column = grown
        rows[first][column:] = [rows[first][column] + 1] * (shape.parts[first] - column)
        if first:
            above = rows[first - 1]
            for j in range(column + 1, shape.parts[first]):
                rows[first][j] = max(rows[first][j - 1], above[j] + 1)
        for i in range(first + 1, shape.length):
            rows[i] = [rows[i - 1][j] + 1 for j in range(shape.parts[i])]


def number_of_semistandard_tableaux(shape: Partition | Iterable[int], max_entry: int) -> int:
    r"""The number of semistandard tableaux with entries at most V, the dimension of the irreducible
    representation of :math:`GL_V` with this highest weight (hook content formula):

    .. math:: \prod_{c \in \lambda} \frac{V + \mathrm{content}(c)}{\mathrm{hook}(c)}.

    >>> number_of_semistandard_tableaux((2, 1), 3), number_of_semistandard_tableaux((1, 1, 1), 2)
    (8, 0)
    """
    shape = as_partition(shape)
    max_entry = require_integer(max_entry, "max_entry", minimum=0)
    numerator = prod(max_entry + column - row for row, column in shape.cells())
    return numerator // prod(chain.from_iterable(shape.hook_lengths))


def kostka_number(shape: Partition | Iterable[int], weight: Iterable[int]) -> int:
    r"""The Kostka number :math:`K_{\lambda\mu}`: semistandard tableaux of a shape with ``weight[i - 1]`` entries i.

    It is also the multiplicity of the irreducible representation of this shape in the permutation representation
    of :math:`S_n` on words with these letter counts.

    Parameters
    ----------
    shape
        A partition of n.
    weight
        Nonnegative integers with sum n; the number does not depend on their order.

    Raises
    ------
    InvalidArgumentError
        When the weight has a negative entry or another sum.

    Notes
    -----
    Horizontal strips are removed, the largest first; diagrams reached along several ways are merged, those that do
    not dominate the rest of the weight are dropped, and weights 1 are left to the hook length formula. The cost is
    the number of diagrams inside ``shape`` in the worst case.

    Examples
    --------
    >>> kostka_number((4, 2), (2, 2, 1, 1)), kostka_number((4, 2), (0, 1, 2, 1, 2)), kostka_number((2, 2), (3, 1))
    (4, 4, 0)
    """
    shape = as_partition(shape)
    counts = sorted(as_composition(weight, "weight"), reverse=True)
    require(sum(counts) == shape.size, "weight", f"must sum to {shape.size}, the size of the shape", tuple(counts))
    ways = {shape.parts: 1}
    for index, count in enumerate(counts):
        if count <= 1:
            break
        rest = counts[index + 1 :]
        smaller_ways: dict[tuple[int, ...], int] = {}
        for parts, number in ways.items():
            for smaller in _without_horizontal_strips(parts, count):
                if _dominates(smaller, rest):
                    smaller_ways[smaller] = smaller_ways.get(smaller, 0) + number
        ways = smaller_ways
    return sum(number * Partition._trusted(parts).dimension for parts, number in ways.items())


def _without_horizontal_strips(parts: tuple[int, ...], size: int) -> list[tuple[int, ...]]:
    """All partitions that a horizontal strip of this size, no two cells in one column, completes to ``parts``."""
    movable = [part - below for part, below in zip(parts, (*parts[1:], 0))]
    movable_below = sum(movable)
    prefixes: list[tuple[tuple[int, ...], int]] = [((), size)]
    for part, most in zip(parts, movable):
        movable_below -= most
        prefixes = [
            (prefix + (part - removed,) if part > removed else prefix, left - removed)
            for prefix, left in prefixes
            for removed in range(max(0, left - movable_below), min(most, left) + 1)
        ]
    return [prefix for prefix, _ in prefixes]


def _dominates(parts: tuple[int, ...], counts: list[int]) -> bool:
    """Whether ``parts`` dominates the weakly decreasing ``counts``, both of the same sum."""
    if len(parts) > len(counts):
        return False
    surplus = 0
    for part, count in zip(parts, counts):
        surplus += part - count
        if surplus < 0:
            return False
    return True
