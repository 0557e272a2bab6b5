"""Character tables as tables that are written as text, LaTeX, Markdown, CSV or JSON."""

from __future__ import annotations

from typing import Any

from symrep.combinatorics.partitions import Partition, number_of_partitions
from symrep.display import Column, Formula, Table
from symrep.errors import SizeLimitError

_MOST_ENTRIES = 4_000_000
_LARGEST_COUNTED, _FIRST_SMALL_PRINT = 1000, 6


def require_few_entries(n: int) -> None:
    """Refuse tables of so many entries that their text alone fills gigabytes.

    >>> require_few_entries(60)
    Traceback (most recent call last):
    ...
    symrep.errors.SizeLimitError: n must be small enough for a table of at most 4000000 entries, got 60: S_60 has 9.3e+11; symrep.stream_rows(n) makes them row by row, symrep.character single values
    """
    entries = number_of_partitions(min(n, _LARGEST_COUNTED)) ** 2
    if entries > _MOST_ENTRIES:
        more = "more than " if n > _LARGEST_COUNTED else ""
        rule = f"must be small enough for a table of at most {_MOST_ENTRIES} entries, got {n}: S_{n} has {more}{entries:.1e}"
        raise SizeLimitError(f"n {rule}; symrep.stream_rows(n) makes them row by row, symrep.character single values")


def labelled_table(characters: Any) -> Table:
    """A :class:`~symrep.representations.characters.CharacterTable` with labelled rows and columns."""
    n = characters.n
    require_few_entries(n)
    columns = [Column("shape", "shape")]
    for cycle_type in characters.cycle_types:
        key = ",".join(map(str, cycle_type.parts))
        heading = _cycle_heading(cycle_type, "{base}^{power}", " ") or "()"
        columns.append(Column(key or "()", heading, _cycle_latex(cycle_type), "r"))
    rows = tuple((shape, *characters.row(shape)) for shape in characters.shapes)
    size = "small" if n < _FIRST_SMALL_PRINT else "scriptsize"
    name = Formula(f"S_{n}", f"S_{n}" if n < 10 else f"S_{{{n}}}")
    caption = "Character table of ", name, "; columns are cycle types."
    return Table(f"characters-s{n}", caption, tuple(columns), rows, (), size)


def _cycle_latex(cycle_type: Partition) -> str:
    return "$" + (_cycle_heading(cycle_type, "{base}^{{{power}}}", r"\,") or r"\emptyset") + "$"


def _cycle_heading(cycle_type: Partition, template: str, separator: str) -> str:
    pieces = []
    for part in dict.fromkeys(cycle_type.parts):
        count = cycle_type.parts.count(part)
        pieces.append(str(part) if count == 1 else template.format(base=part, power=count))
    return separator.join(pieces)
