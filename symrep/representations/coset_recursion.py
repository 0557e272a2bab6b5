r"""The two directions of Clausen's recursion between S_{k-1} and S_k, on stacks of matrices.

A *stack* holds one matrix of a shape for each of many cosets, as a two-dimensional array: one row per basis tableau,
and in it for every column of the matrix the values on all cosets. So a generator of S_k, with two entries per row,
combines long rows, for all cosets at once. There are two kinds of stacks with the same methods: floats, and integers
over one denominator per row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import factorial, gcd, lcm
from typing import Any, ClassVar, Self

import numpy as np

from symrep.combinatorics.partitions import Partition, partitions
from symrep.representations.irreps import OrthogonalForm, SeminormalForm, _apply_seminormal_generator, _Fractions
from symrep.representations.representation import INT64_SAFE


class Stack(ABC):
    """Matrices of one shape, one for each coset; ``rows[t]`` is indexed by (column, coset), flattened."""

    form: ClassVar[Any]
    rows: np.ndarray

    @abstractmethod
    def with_rows(self, rows: np.ndarray) -> Self:
        """As many rows with other columns, bounded by the old ones."""

    @abstractmethod
    def row_range(self, start: int, stop: int) -> Self:
        """Some of the rows."""

    @abstractmethod
    def acted_on(self, rho: Any, i: int) -> Self:
        """The generator s_i times every matrix."""

    @abstractmethod
    def scaled(self, factor: Fraction) -> Self:
        """A multiple."""

    @abstractmethod
    def simplified(self) -> Self:
        """The same entries written as small as possible."""

    @classmethod
    @abstractmethod
    def stacked_rows(cls, parts: list[Self]) -> Self:
        """The rows of all parts, one below the other."""

    @classmethod
    @abstractmethod
    def aligned(cls, parts: list[Self], combine: Any) -> Self:
        """What ``combine``, a sum or a concatenation of columns, makes of the rows of all parts."""


@dataclass(frozen=True)
class FloatStack(Stack):
    """Real or complex doubles, for Young's orthogonal form."""

    rows: np.ndarray
    form: ClassVar[Any] = OrthogonalForm

    def with_rows(self, rows: np.ndarray) -> FloatStack:
        return FloatStack(rows)

    def row_range(self, start: int, stop: int) -> FloatStack:
        return FloatStack(self.rows[start:stop])

    def acted_on(self, rho: OrthogonalForm, i: int) -> FloatStack:
        distances = rho._axial_distances(i)
        result = self.rows[rho._partners[i - 1]]
        result *= rho._off_diagonal_floats(distances)[:, None]
        result += self.rows * (1 / distances)[:, None]
        return FloatStack(result)

    def scaled(self, factor: Fraction) -> FloatStack:
        return FloatStack(self.rows * float(factor))

    def simplified(self) -> FloatStack:
        return self

    @classmethod
    def stacked_rows(cls, parts: list[FloatStack]) -> FloatStack:
        return cls(np.concatenate([part.rows for part in parts]))

    @classmethod
    def aligned(cls, parts: list[FloatStack], combine: Any) -> FloatStack:
        return cls(combine([part.rows for part in parts]))


@dataclass(frozen=True)
class ExactStack(Stack):
    """Integers over a denominator per row, int64 while that is provably safe; for Young's seminormal form."""

    fractions: _Fractions
    form: ClassVar[Any] = SeminormalForm

    @classmethod
    def of_integers(cls, rows: np.ndarray) -> ExactStack:
        """Integers of any size."""
        bounds = [int(bound) for bound in np.abs(rows).max(axis=1, initial=0)]
        return cls(_Fractions(rows, [1] * len(rows), bounds))._in_smallest_type()

    @property
    def rows(self) -> np.ndarray:
        return self.fractions.numerators

    def with_rows(self, rows: np.ndarray) -> ExactStack:
        return ExactStack(_Fractions(rows, self.fractions.denominators, self.fractions.bounds))

    def row_range(self, start: int, stop: int) -> ExactStack:
        parts = (self.rows, self.fractions.denominators, self.fractions.bounds)
        return ExactStack(_Fractions(*(part[start:stop] for part in parts)))

    def acted_on(self, rho: SeminormalForm, i: int) -> ExactStack:
        distances = rho._axial_distances(i).tolist()
        return ExactStack(_apply_seminormal_generator(distances, rho._partners[i - 1], self.fractions))

    def scaled(self, factor: Fraction) -> ExactStack:
        rows, bounds = self._multiplied([factor.numerator] * len(self.rows))
        return ExactStack(_Fractions(rows, [d * factor.denominator for d in self.fractions.denominators], bounds))

    def simplified(self) -> ExactStack:
        divisors, denominators = [], []
        for common, denominator in zip(np.gcd.reduce(self.rows, axis=1).tolist(), self.fractions.denominators):
            divisor = gcd(common, denominator) if common else 1
            divisors.append(divisor)
            denominators.append(denominator // divisor if common else 1)
        rows = self.rows // np.array(divisors, dtype=self.rows.dtype)[:, None]
        bounds = [int(bound) for bound in np.abs(rows).max(axis=1, initial=0)]
        return ExactStack(_Fractions(rows, denominators, bounds))._in_smallest_type()

    def _in_smallest_type(self) -> ExactStack:
        small = max(self.fractions.bounds, default=0) <= INT64_SAFE
        return self.with_rows(self.rows.astype(np.int64 if small else object, copy=False))

    def _multiplied(self, factors: list[int]) -> tuple[np.ndarray, list[int]]:
        """The numerators with every row multiplied by an integer, and their bounds."""
        bounds = [abs(factor) * max(bound, 1) for factor, bound in zip(factors, self.fractions.bounds)]
        dtype = self.rows.dtype if max(bounds, default=0) <= INT64_SAFE else object
        return self.rows.astype(dtype, copy=False) * np.array(factors, dtype=dtype)[:, None], bounds

    @classmethod
    def stacked_rows(cls, parts: list[ExactStack]) -> ExactStack:
        denominators = [d for part in parts for d in part.fractions.denominators]
        bounds = [bound for part in parts for bound in part.fractions.bounds]
        return cls(_Fractions(np.concatenate([part.rows for part in parts]), denominators, bounds))

    @classmethod
    def aligned(cls, parts: list[ExactStack], combine: Any) -> ExactStack:
        denominators = [lcm(*row) for row in zip(*(part.fractions.denominators for part in parts))]
        rows, bounds = [], [0] * len(denominators)
        for part in parts:
            own, own_bounds = part._multiplied([d // e for d, e in zip(denominators, part.fractions.denominators)])
            rows.append(own)
            bounds = [a + b for a, b in zip(bounds, own_bounds)]
        if max(bounds, default=0) > INT64_SAFE:
            rows = [own.astype(object, copy=False) for own in rows]
        return cls(_Fractions(combine(rows), denominators, bounds))


def _sum(rows: list[np.ndarray]) -> np.ndarray:
    return reduce(np.add, rows)


def _children(rho: Any) -> list[tuple[int, int, Partition]]:
    """The ranges of the basis that share the cell of the last letter, with the shape without it."""
    cells = reversed(rho.shape.removable_cells())
    ranges = rho._children(0, rho.dimension, rho.n)
    return [(start, stop, rho.shape.remove_cell(cell)) for cell, (start, stop) in zip(cells, ranges)]


def transform(values: Stack, n: int) -> dict[Partition, Stack]:
    """The matrix of every shape from one row of n! values, the coset index c_1 slowest and c_{n-1} fastest.

    n is at least 1.
    """
    stacks = {Partition((1,)): values}
    for k in range(2, n + 1):
        number_of_cosets = factorial(n) // factorial(k)
        stacks = {shape: _combined(values.form(shape), stacks, number_of_cosets) for shape in partitions(k)}
    return stacks


def _combined(rho: Any, smaller_stacks: dict[Partition, Stack], number_of_cosets: int) -> Stack:
    """The sum over c of rho(w_c) times the block-diagonal matrix of the coset c."""
    k, dimension = rho.n, rho.dimension
    children = _children(rho)
    parts = []
    for c in range(k):
        blocks = []
        for start, stop, smaller in children:
            stack, size = smaller_stacks[smaller], stop - start
            rows = np.zeros((size, dimension, number_of_cosets), dtype=stack.rows.dtype)
            rows[:, start:stop] = stack.rows.reshape(size, size, k, number_of_cosets)[:, :, c]
            blocks.append(stack.with_rows(rows.reshape(size, dimension * number_of_cosets)))
        part = type(blocks[0]).stacked_rows(blocks)
        for i in range(k - 1, k - 1 - c, -1):
            part = part.acted_on(rho, i)
        parts.append(part)
    return type(parts[0]).aligned(parts, _sum).simplified()


def inverse_transform(stacks: dict[Partition, Stack], n: int) -> Stack:
    """One row of n! values from a matrix of some shapes (the others are 0), ordered as in ``transform``."""
    for k in range(n, 1, -1):
        pieces: dict[Partition, list[Stack]] = {}
        for shape, stack in stacks.items():
            for smaller, piece in _separated(stack.form(shape), stack):
                pieces.setdefault(smaller, []).append(piece)
        stacks = {smaller: type(parts[0]).aligned(parts, _sum).simplified() for smaller, parts in pieces.items()}
    return stacks[Partition((1,))]


def _separated(rho: Any, stack: Stack) -> Iterable[tuple[Partition, Stack]]:
    """For every shape without the last cell the diagonal blocks of rho(w_c)^-1 times the matrices, for all c."""
    k, dimension = rho.n, rho.dimension
    number_of_cosets = stack.rows.shape[1] // dimension
    children = _children(rho)
    blocks: list[list[Stack]] = [[] for _ in children]
    for c in range(k):
        moved = stack
        for i in range(k - c, k):
            moved = moved.acted_on(rho, i)
        for own, (start, stop, _) in zip(blocks, children):
            part = moved.row_range(start, stop)
            columns = part.rows.reshape(stop - start, dimension, number_of_cosets)[:, start:stop]
            own.append(part.with_rows(columns.reshape(stop - start, (stop - start) * number_of_cosets)))
    for own, (start, stop, smaller) in zip(blocks, children):
        weight = Fraction(dimension, k * (stop - start))

        def interleaved(rows: list[np.ndarray], size: int = stop - start) -> np.ndarray:
            separate = [block.reshape(size, size, number_of_cosets) for block in rows]
            return np.stack(separate, axis=2).reshape(size, size * k * number_of_cosets)

        yield smaller, type(stack).aligned(own, interleaved).scaled(weight)
