"""Uniformly random standard tableaux."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.combinatorics.tableaux import StandardTableau
from symrep.errors import InvalidTypeError


def random_standard_tableau(shape: Partition | Iterable[int], generator: np.random.Generator) -> StandardTableau:
    """A standard tableau of the shape, every one equally likely (hook walk of Greene, Nijenhuis and Wilf, 1979).

    The largest entry goes to the corner where a walk ends that starts at a uniformly random cell and jumps to a uniformly
    random other cell of its hook; then the next entry on what is left. About n log n jumps.

    Parameters
    ----------
    shape
        A partition.
    generator
        A numpy Generator: the same seed gives the same tableau.

    Examples
    --------
    >>> random_standard_tableau((3, 2), np.random.default_rng(0))
    StandardTableau(((1, 3, 4), (2, 5)))
    """
    shape = as_partition(shape, "shape")
    if not isinstance(generator, np.random.Generator):
        raise InvalidTypeError(f"generator must be a numpy.random.Generator, got {generator!r}")
    rows, columns = list(shape.parts), list(shape.conjugate.parts)
    entries = [[0] * part for part in rows]
    for entry in range(shape.size, 0, -1):
        row, column = _hook_walk(rows, columns, entry, generator)
        entries[row][column] = entry
        rows[row] -= 1
        columns[column] -= 1
    return StandardTableau._trusted(tuple(map(tuple, entries)))


def _hook_walk(rows: list[int], columns: list[int], size: int, generator: np.random.Generator) -> tuple[int, int]:
    row, index = 0, int(generator.integers(size))
    while index >= rows[row]:
        index -= rows[row]
        row += 1
    column = index
    while True:
        arm, leg = rows[row] - column - 1, columns[column] - row - 1
        if arm + leg == 0:
            return row, column
        step = int(generator.integers(arm + leg))
        if step < arm:
            column += step + 1
        else:
            row += step - arm + 1
