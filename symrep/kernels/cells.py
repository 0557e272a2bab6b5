r"""Kernels between positions as arrays over cells: classes of pairs of positions on which a kernel is constant.

What a network computes between position s of x and position t of y is the same for all pairs (s, t) that its layers
cannot tell apart. Three partitions of the pairs into such cells serve:

- :class:`OverlapCells`: the four cells given by :math:`[x_s = y_t]` and :math:`[s = t]`, for layers that see nothing else;
- :class:`CountCells`: the cells given by the tokens of both sequences at s and at t, for every symmetric network;
- :class:`PositionCells`: one cell for every pair of positions, for any network.

A kernel is an array of shape (cells, \*batch); the batch is (n, m) for all pairs of n and m sequences or (k,) for k pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Cells:
    """The cells of the pairs of positions of two (batches of) sequences, which may have different lengths.

    Positions s and t of both are the same where s = t; the longer sequence has more of them behind. ``weights`` counts the
    pairs in each cell and ``diagonal_weights`` those with s = t, both without the query and of
    a shape that broadcasts to (cells, \\*batch); the variance at the first (second) position of a cell is found in the
    cell ``row_variance`` (``column_variance``) of the kernel of the first (second) sequence with itself.
    """

    lengths: tuple[int, int]
    batch: tuple[int, ...]
    weights: Array
    diagonal_weights: Array
    row_variance: Array
    column_variance: Array
    same: Array
    query_cells: Array
    query_cell: int | None

    def tokens(self) -> Array:
        """The indicator that the tokens of a cell agree, 0 at the query."""
        raise TypeError(f"{type(self).__name__} does not know tokens")

    def last(self, values: Array) -> Array:
        """The value at the last position of both sequences."""
        raise TypeError(f"{type(self).__name__} does not know the last position")

    def attend(self, values: Array, left: Array, right: Array) -> Array:
        r"""The kernel :math:`G K G'^\top`, with G a kernel of the first sequence with itself and G' of the second."""
        raise TypeError(f"{type(self).__name__} does not know single positions")

    @property
    def size(self) -> int:
        return len(self.row_variance)

    def column(self, values: Array) -> Array:
        """One number per cell, as an array that broadcasts against (cells, \\*batch)."""
        return values.reshape(-1, *(1,) * len(self.batch))


def _single_cell(lengths: tuple[int, int], batch: tuple[int, ...]) -> Cells:
    zero = np.zeros(1, dtype=np.intp)
    one = np.ones((1, *(1,) * len(batch)))
    return Cells(lengths, batch, one, one, zero, zero, np.ones(1), np.zeros(1), None)


@dataclass(frozen=True, eq=False)
class CellKernel:
    """A kernel between positions: ``values`` of shape (cells, \\*batch)."""

    values: Array
    cells: Cells

    is_exact = False

    @classmethod
    def zero(cls, cells: Cells) -> CellKernel:
        """The zero kernel."""
        return cls(np.zeros((cells.size, *cells.batch)), cells)

    def add_tokens(self, variance: float) -> CellKernel:
        """This kernel plus the token indicator times its variance."""
        return replace(self, values=self.values + variance * self.cells.tokens())

    def add_token_covariance(self, covariance: Array) -> CellKernel:
        """This kernel plus a covariance of token embeddings, (V, V)."""
        return replace(self, values=self.values + self.cells.token_values(covariance))

    def add_positions(self, variance: float) -> CellKernel:
        """This kernel plus the position indicator times its variance."""
        return replace(self, values=self.values + variance * self.cells.column(self.cells.same))

    def add_position_covariance(self, covariance: Array) -> CellKernel:
        """This kernel plus a covariance of positions, (L, L')."""
        return replace(self, values=self.values + self.cells.position_values(covariance))

    def add_query(self, token_variance: float, position_variance: float) -> CellKernel:
        """This kernel plus that of a query token."""
        values = self.values.copy()
        values[self.cells.query_cell] += token_variance * self.cells.same_query + position_variance
        return replace(self, values=values)

    def scale_context(self, scalar: float) -> CellKernel:
        """Multiplication by a number everywhere but at the query."""
        factor = np.where(self.cells.query_cells, 1.0, scalar)
        return replace(self, values=self.values * self.cells.column(factor))

    def constant(self, value: Any) -> CellKernel:
        """The kernel with one value, or one per pair of sequences, in all cells."""
        return replace(self, values=np.broadcast_to(value, (self.cells.size, *self.cells.batch)))

    def read(self, value: Array) -> CellKernel:
        """One value per pair of sequences, as the kernel of a single position."""
        cells = _single_cell(self.cells.lengths, self.cells.batch)
        return CellKernel(np.broadcast_to(value, (1, *self.cells.batch)), cells)

    def __add__(self, other: CellKernel) -> CellKernel:
        return replace(self, values=self.values + other.values)

    def __mul__(self, scalar: Any) -> CellKernel:
        """Multiplication by a number, or by one number per pair of sequences."""
        return replace(self, values=self.values * scalar)

    def hadamard(self, other: CellKernel) -> CellKernel:
        """The product in every cell."""
        return replace(self, values=self.values * other.values)

    def total(self) -> Array:
        """The sum over all pairs of positions, of the shape of the batch."""
        return np.einsum("c...,c...->...", self.cells.weights, self.values)

    def frobenius(self, other: CellKernel) -> Array:
        r"""The Frobenius product :math:`\sum_{st} A_{st} B_{st}`, of the shape of the batch."""
        return np.einsum("c...,c...->...", self.cells.weights * self.values, other.values)

    def mean(self) -> Array:
        """The mean over all pairs of positions."""
        return self.total() / self.position_pairs

    def diagonal_mean(self) -> Array:
        """The mean over equal positions, for sequences of one length."""
        return np.einsum("c...,c...->...", self.cells.diagonal_weights, self.values) / self.cells.lengths[0]

    def last(self) -> Array:
        """The value at the last position of both sequences."""
        return self.cells.last(self.values)

    @property
    def query(self) -> Array:
        """The value at the query of both sequences."""
        return self.values[self.cells.query_cell]

    @property
    def lengths(self) -> tuple[int, int]:
        """The numbers of positions of both sequences, without queries."""
        return self.cells.lengths

    @property
    def position_pairs(self) -> int:
        """The number of pairs of positions."""
        return prod(self.lengths)


@dataclass(frozen=True, eq=False)
class OverlapCells(Cells):
    """Cells numbered e + 2 d for the indicators e of equal tokens and d of equal positions; the query, if any, is cell 4."""

    same_token: Array | None = None

    @classmethod
    def from_counts(
        cls,
        lengths: tuple[int, int],
        overlap: Array,
        matches: Array,
        same_token: Array | None = None,
        has_query: bool = False,
    ) -> OverlapCells:
        """The cells of pairs of sequences with these overlaps u and matches m (arrays of the shape of the batch)."""
        pairs, shared = prod(lengths), min(lengths)
        zero = np.zeros_like(matches)
        query = [zero] if has_query else []
        weights = np.stack([pairs - shared - overlap + matches, overlap - matches, shared - matches, matches, *query])
        diagonal = np.stack([zero, zero, shared - matches, matches, *query])
        variance = np.array([3, 3, 3, 3, 4][: len(weights)])
        same = np.array([0.0, 0.0, 1.0, 1.0, 0.0][: len(weights)])
        is_query = np.arange(len(weights)) == 4
        batch = matches.shape
        cell = 4 if has_query else None
        return cls(lengths, batch, weights, diagonal, variance, variance, same, is_query, cell, same_token)

    def tokens(self) -> Array:
        return self.column(np.array([0.0, 1.0, 0.0, 1.0, 0.0][: self.size]))

    def last(self, values: Array) -> Array:
        differ, agree = (2, 3) if self.lengths[0] == self.lengths[1] else (0, 1)
        return np.where(self.same_token, values[agree], values[differ])

    @property
    def same_query(self) -> Array:
        """Whether the query tokens agree."""
        return self.same_token


@dataclass(frozen=True, eq=False)
class TokenCells(Cells):
    """Cells that know the tokens of their positions: ``row_tokens`` (classes, \\*batch), and -1 and -2 at the query."""

    row_tokens: Array | None = None
    column_tokens: Array | None = None
    same_query: Array | None = None

    def _cells_of(self, pairwise: Array) -> Array:
        raise TypeError(f"{type(self).__name__} does not arrange pairs in cells")

    @property
    def is_key(self) -> Array:
        """Whether a class of positions is attended to: all but the query."""
        keys = np.ones(len(self.row_tokens), dtype=bool)
        if self.query_cell is not None:
            keys[-1] = False
        return keys

    def tokens(self) -> Array:
        return self._cells_of((self.row_tokens[:, None] == self.column_tokens[None, :]).astype(np.float64))

    def token_values(self, covariance: Array) -> Array:
        """The entry of a (V, V) matrix at the tokens of a cell, 0 at the query."""
        rows, columns = self.row_tokens[:, None], self.column_tokens[None, :]
        known = (rows >= 0) & (columns >= 0)
        return self._cells_of(np.where(known, covariance[np.maximum(rows, 0), np.maximum(columns, 0)], 0.0))


@dataclass(frozen=True, eq=False)
class PositionCells(TokenCells):
    """One cell for every pair of positions (s, t), row by row; the query, if any, is the last position."""

    @classmethod
    def from_tokens(cls, rows: Array, columns: Array, has_query: bool = False) -> PositionCells:
        """The cells of sequences given as token ids of shape (positions, \\*batch), the query behind the context."""
        sides = len(rows), len(columns)
        lengths = len(rows) - has_query, len(columns) - has_query
        batch = np.broadcast_shapes(rows.shape[1:], columns.shape[1:])
        s, t = np.divmod(np.arange(prod(sides)), len(columns))
        context = (s < lengths[0]) & (t < lengths[1])
        ones = context.reshape(-1, *(1,) * len(batch)).astype(np.float64)
        same = (s == t) & context
        diagonal = same.reshape(ones.shape).astype(np.float64)
        query, same_query = None, None
        if has_query:
            query, same_query = prod(sides) - 1, np.broadcast_to(rows[-1] == columns[-1], batch)
            rows, columns = rows.copy(), columns.copy()
            rows[-1], columns[-1] = -1, -2
        is_query = (s == lengths[0]) & (t == lengths[1])
        diagonals = s * (sides[0] + 1), t * (sides[1] + 1)
        return cls(
            lengths, batch, ones, diagonal, *diagonals, same.astype(float), is_query, query, rows, columns, same_query
        )

    def _cells_of(self, pairwise: Array) -> Array:
        return pairwise.reshape(self.size, *pairwise.shape[2:])

    def last(self, values: Array) -> Array:
        return values[-1]

    @property
    def _sides(self) -> tuple[int, int]:
        return len(self.row_tokens), len(self.column_tokens)

    def position_values(self, covariance: Array) -> Array:
        """An (L, L') covariance of positions in cells, 0 at the query."""
        padded = np.zeros(self._sides)
        padded[: self.lengths[0], : self.lengths[1]] = covariance
        return self.column(padded.ravel())

    def matrices(self, values: Array) -> Array:
        """Values as matrices between positions, of shape (\\*batch, positions, positions)."""
        return np.moveaxis(values.reshape(*self._sides, *values.shape[1:]), (0, 1), (-2, -1))

    def from_matrices(self, matrices: Array) -> Array:
        """The inverse of :meth:`matrices`."""
        return np.moveaxis(matrices, (-2, -1), (0, 1)).reshape(self.size, *matrices.shape[:-2])

    def attend(self, values: Array, left: Array, right: Array) -> Array:
        first, second = (
            np.moveaxis(own.reshape(side, side, *own.shape[1:]), (0, 1), (-2, -1))
            for own, side in zip((left, right), self._sides)
        )
        return self.from_matrices(first @ self.matrices(values) @ np.swapaxes(second, -1, -2))

    def real_only(self, values: Array, own: float) -> Array:
        """The kernel itself: all pairs of positions exist."""
        return values

    def mask_keys(self, values: Array) -> Array:
        """The kernel with zeros where the second position is not attended to."""
        keys = np.broadcast_to(self.is_key, (len(self.is_key),) * 2)
        return values * self.column(keys.ravel())

    def softmax(self, logits: Array) -> Array:
        """The softmax over the attended second positions of every first position."""
        matrices = np.where(self.is_key, self.matrices(logits), -np.inf)
        weights = np.exp(matrices - matrices.max(axis=-1, keepdims=True))
        return self.from_matrices(weights / weights.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class CountCells(TokenCells):
    """Cells of positions in classes: all pairs of classes for s != t, row by row, and then every class for s = t.

    Positions of one class carry the same token in the first sequence, and the same in the second. A class may be
    empty: its cells have weight 0.
    """

    counts: Array | None = None

    @classmethod
    def from_classes(cls, rows: Array, columns: Array, counts: Array, has_query: bool = False) -> CountCells:
        """The cells of ``counts`` positions (classes, \\*batch) with these tokens (broadcast); a query is the last class."""
        classes, batch = len(counts), counts.shape[1:]
        lengths = (int(counts.reshape(classes, -1)[:, 0].sum()) - has_query,) * 2
        query, same_query = None, None
        counts = counts.astype(np.float64)
        if has_query:
            query, same_query = classes**2 + classes - 1, np.broadcast_to(rows[-1] == columns[-1], batch)
            rows, columns, counts = rows.copy(), columns.copy(), counts.copy()
            rows[-1], columns[-1], counts[-1] = -1, -2, 0.0
        others = np.maximum(counts[None, :] - np.eye(classes).reshape(classes, classes, *(1,) * len(batch)), 0.0)
        off = (counts[:, None] * others).reshape(classes**2, *batch)
        c, d = np.divmod(np.arange(classes**2), classes)
        own = np.arange(classes)
        diagonals = [classes**2 + np.concatenate([part, own]) for part in (c, d)]
        is_query = np.arange(classes**2 + classes) == (-1 if query is None else query)
        same = np.concatenate([np.zeros(classes**2), np.ones(classes)]) * ~is_query
        weights = np.concatenate([off, counts])
        diagonal_weights = np.concatenate([np.zeros_like(off), counts])
        return cls(
            lengths,
            batch,
            weights,
            diagonal_weights,
            *diagonals,
            same,
            is_query,
            query,
            rows,
            columns,
            same_query,
            counts,
        )

    def _cells_of(self, pairwise: Array) -> Array:
        own = np.arange(len(pairwise))
        return np.concatenate([pairwise.reshape(len(own) ** 2, *pairwise.shape[2:]), pairwise[own, own]])

    def last(self, values: Array) -> Array:
        return values[-1]

    @cached_property
    def _key_weights(self) -> tuple[Array, Array]:
        """How many second positions lie in a cell with a given first position: for s != t and for s = t."""
        classes = len(self.counts)
        own = np.eye(classes).reshape(classes, classes, *(1,) * len(self.batch))
        keys = self.column(self.is_key.astype(float))
        return np.maximum(self.counts[None, :] - own, 0.0) * np.ones_like(self.counts)[:, None], keys

    def _split(self, values: Array) -> tuple[Array, Array]:
        classes = len(self.counts)
        return values[: classes**2].reshape(classes, classes, *values.shape[1:]), values[classes**2 :]

    def _join(self, between: Array, own: Array) -> Array:
        return np.concatenate([between.reshape(-1, *between.shape[2:]), np.broadcast_to(own, between.shape[1:])])

    def attend(self, values: Array, left: Array, right: Array) -> Array:
        between, own = self._split(right)
        return self._compose(self._compose(left, values), self._join(np.swapaxes(between, 0, 1), own))

    def _compose(self, left: Array, right: Array) -> Array:
        r"""The matrix product of two kernels :math:`A_{cd} + \delta_{st} b_c` between positions s, t of classes c, d."""
        (first, first_own), (second, second_own) = self._split(left), self._split(right)
        own = np.arange(len(first))
        b, c = first_own - first[own, own], second_own - second[own, own]
        product = np.einsum("ij...,j...,jk...->ik...", first, self.counts, second)
        product = product + b[:, None] * second + first * c[None, :]
        return self._join(product, product[own, own] + b * c)

    def real_only(self, values: Array, own: float) -> Array:
        """The kernel with 0 where there is no such pair of positions, and ``own`` at classes without positions."""
        exists = (self.counts > 0) | ~self.column(self.is_key)
        between = (self._key_weights[0] > 0) | ~self.column(self.is_key)[None, :]
        between = between & exists[:, None]
        return np.where(self._join(between, exists), values, own * self.column(self.diagonal))

    @cached_property
    def diagonal(self) -> Array:
        """1 in the cells of s = t, 0 elsewhere."""
        classes = len(self.counts)
        return np.repeat([0.0, 1.0], [classes**2, classes])

    def mask_keys(self, values: Array) -> Array:
        """The kernel with zeros where the second position is not attended to, or where there is no such pair."""
        between, own = self._split(values)
        weights, own_weights = self._key_weights
        return self._join(np.where(weights > 0, between, 0.0), own * own_weights)

    def softmax(self, logits: Array) -> Array:
        """The softmax over the attended second positions of every first position."""
        between, own = self._split(logits)
        weights, own_weights = self._key_weights
        between = np.where(weights > 0, between, -np.inf)
        own = np.where(own_weights > 0, own, -np.inf)
        largest = np.maximum(between.max(axis=1), own)
        between, own = np.exp(between - largest[:, None]), np.exp(own - largest)
        total = (weights * between).sum(axis=1) + own
        return self._join(between / total[:, None], own / total)
