r"""Functions of the tokens at k named positions and of the counts of the others: the invariants of :math:`S_{L-k}`.

A permutation-symmetric kernel maps them to themselves: on them the operator is a matrix of size
:math:`V^k \binom{L-k+V-1}{V-1}`, whatever V^L is. In the basis of normalised indicator functions it is symmetric, and the
Jucys-Murphy elements of the named positions (each the sum of its transpositions with all positions before it, the named
ones last) are commuting symmetric matrices, whose joint eigenvalues are the contents of the boxes added on the way from
the row (L-k) to a shape of L: they tell the irreps apart. A last or query token that stays in place is named beside the k.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import gammaln

from symrep.combinatorics.partitions import Partition
from symrep.errors import SizeLimitError
from symrep.kernels.sequences import token_counts
from symrep.measures import ExchangeableMeasure, log_count_probabilities
from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers

_LARGEST_DIMENSION = 6000


def _read_only(function: Callable[[Any], np.ndarray]) -> Any:
    """A cached property whose array cannot be changed: decompositions that are kept share it."""

    @wraps(function)
    def locked(self: Any) -> np.ndarray:
        array = function(self).view()
        array.flags.writeable = False
        return array

    return cached_property(locked)


@dataclass(frozen=True, eq=False)
class InvariantSpace:
    """The space for V tokens, length L and k named positions under an exchangeable measure.

    With ``extra_token``, ``"last"`` or ``"query"``, one more token is named and stays in place: the last of the L, or one behind
    them. Basis functions are numbered by the tokens at the named positions (the first slowest, the extra one fastest), then by
    the counts of the others.
    """

    vocab_size: int
    length: int
    named: int
    measure: ExchangeableMeasure
    extra_token: str | None = None

    def __post_init__(self) -> None:
        dimension = self.vocab_size ** (self.named + self.has_extra) * number_of_tables(self.unnamed, self.vocab_size)
        if dimension > _LARGEST_DIMENSION:
            raise SizeLimitError(
                f"{self.named} named positions at length {self.length} with {self.vocab_size} tokens need matrices of size "
                f"{_in_digits(dimension)}, more than {_LARGEST_DIMENSION}: write the target as an expression in few positions and "
                "in counts (a function of sequences names all of them), or simulate"
            )

    @property
    def has_extra(self) -> bool:
        """Whether a last or query token stays in place."""
        return self.extra_token is not None

    @property
    def moving(self) -> int:
        """The number of positions that are permuted."""
        return self.length - (self.extra_token == "last")

    @property
    def unnamed(self) -> int:
        """The number of positions without a name."""
        return self.moving - self.named

    @property
    def entries(self) -> int:
        """The number of tokens of a sequence, a query included."""
        return self.length + (self.extra_token == "query")

    @_read_only
    def tokens(self) -> np.ndarray:
        """The tokens at the named positions of every basis function, an extra one last: (dimension, k) or (dimension, k + 1)."""
        return np.repeat(self.words, len(self.rest), axis=0)

    @_read_only
    def words(self) -> np.ndarray:
        """All choices of tokens at the named positions."""
        return np.array(list(product(range(self.vocab_size), repeat=self.named + self.has_extra)), dtype=np.int64)

    @_read_only
    def rest(self) -> np.ndarray:
        """All count vectors of the unnamed positions: (count vectors, V)."""
        return count_tables(self.unnamed, self.vocab_size)

    @_read_only
    def rest_counts(self) -> np.ndarray:
        """The counts at the other positions of every basis function: (dimension, V)."""
        return np.tile(self.rest, (len(self.words), 1))

    @_read_only
    def counts(self) -> np.ndarray:
        """The counts of all tokens of every basis function, a query included: (dimension, V)."""
        return self.rest_counts + token_counts(self.tokens, self.vocab_size)

    @_read_only
    def context_counts(self) -> np.ndarray:
        """The counts of the tokens that attention sees: all but a query."""
        return self.rest_counts + token_counts(self.context_tokens, self.vocab_size)

    @property
    def context_tokens(self) -> np.ndarray:
        """The tokens at the named positions without a query."""
        return self.tokens[:, :-1] if self.extra_token == "query" else self.tokens

    @property
    def dimension(self) -> int:
        """The number of basis functions."""
        return len(self.tokens)

    @_read_only
    def log_sizes(self) -> np.ndarray:
        """The logarithm of the number of sequences with these tokens and counts."""
        return gammaln(self.unnamed + 1) - gammaln(self.rest_counts + 1).sum(axis=1)

    @_read_only
    def log_probabilities(self) -> np.ndarray:
        """The logarithm of the probability of these tokens and counts."""
        return self.log_sizes + log_count_probabilities(self.measure, self.counts)

    def numbers(self, tokens: np.ndarray, rest_counts: np.ndarray) -> np.ndarray:
        """The number of the basis function with these tokens (n, k) and counts of the others (n, V)."""
        words = np.zeros(len(tokens), dtype=np.int64)
        for own in tokens.T:
            words = words * self.vocab_size + own
        return words * len(self.rest) + table_numbers(rest_counts)

    def jucys_murphy(self, place: int) -> sparse.csr_array:
        """The sum of the transpositions of a named position with the unnamed ones and the named ones before it."""
        everything = np.arange(self.dimension)
        rows, columns, values = [], [], []
        own = self.tokens[:, place]
        for v in range(self.vocab_size):
            swapped = self.tokens.copy()
            swapped[:, place] = v
            rest = self.rest_counts.copy()
            rest[:, v] -= 1
            rest[everything, own] += 1
            possible = rest[:, v] >= 0
            target = self.numbers(swapped[possible], rest[possible])
            source = everything[possible]
            # n_v ways to exchange, between normalised indicators of sets of different size
            weight = self.rest_counts[source, v] * np.exp((self.log_sizes[source] - self.log_sizes[target]) / 2)
            rows.append(target), columns.append(source), values.append(weight)
        for other in range(place):
            swapped = self.tokens.copy()
            swapped[:, [place, other]] = swapped[:, [other, place]]
            rows.append(self.numbers(swapped, self.rest_counts)), columns.append(everything)
            values.append(np.ones(self.dimension))
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return sparse.csr_array(entries, shape=(self.dimension,) * 2)

    @cached_property
    def sectors(self) -> tuple[tuple[Partition, sparse.csr_array], ...]:
        """Orthonormal bases (dimension, size) of the joint eigenspaces, each with the shape that its contents lead to.

        Permutations keep the counts of all tokens, and the extra one, so the work is done for one count vector after the other.
        """
        elements = [self.jucys_murphy(place) for place in range(self.named)]
        start = (self.unnamed,)
        parts: dict[tuple[tuple[int, ...], ...], list[tuple[np.ndarray, np.ndarray]]] = {}
        for members in self._members_by_counts():
            found = [((start,), np.eye(len(members)))]
            for element in elements:
                own = element[members][:, members].toarray()
                found = [part for path, basis in found for part in _split(own, path, basis, self.vocab_size)]
            for path, basis in found:
                parts.setdefault(path, []).append((members, basis))
        return tuple((Partition([part for part in path[-1] if part]), self._joined(own)) for path, own in parts.items())

    def _members_by_counts(self) -> list[np.ndarray]:
        kept = np.concatenate([self.counts, self.tokens[:, self.named :]], axis=1)
        order = np.lexsort(kept.T)
        changes = np.flatnonzero((np.diff(kept[order], axis=0) != 0).any(axis=1)) + 1
        return np.split(order, changes)

    def _joined(self, parts: list[tuple[np.ndarray, np.ndarray]]) -> sparse.csr_array:
        rows, columns, values, width = [], [], [], 0
        for members, basis in parts:
            rows.append(np.repeat(members, basis.shape[1]))
            columns.append(np.tile(np.arange(width, width + basis.shape[1]), len(members)))
            values.append(basis.ravel())
            width += basis.shape[1]
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return sparse.csr_array(entries, shape=(self.dimension, width))


def _split(
    element: np.ndarray, path: tuple[tuple[int, ...], ...], basis: np.ndarray, vocab_size: int
) -> list[tuple[tuple[tuple[int, ...], ...], np.ndarray]]:
    """The eigenspaces of a Jucys-Murphy element within a space: its eigenvalues are the contents of the addable boxes."""
    eigenvalues, vectors = np.linalg.eigh(basis.T @ element @ basis)
    parts = []
    for larger, content in _with_one_box_more(path[-1], vocab_size):
        inside = np.abs(eigenvalues - content) < 0.5
        if inside.any():
            parts.append(((*path, larger), basis @ vectors[:, inside]))
    return parts


def _with_one_box_more(shape: tuple[int, ...], vocab_size: int) -> list[tuple[tuple[int, ...], int]]:
    """The shapes with one box added, and the contents of that box."""
    larger = []
    for i in range(min(len(shape) + 1, vocab_size)):
        rows = [*shape, 0]
        if i == 0 or rows[i - 1] > rows[i]:
            content = rows[i] - i
            rows[i] += 1
            larger.append((tuple(rows if i == len(shape) else rows[:-1]), content))
    return larger


def _in_digits(number: int) -> str:
    """
    >>> _in_digits(12345), _in_digits(3 * 10**300)
    ('12345', '3e300')
    """
    text = str(number)
    return text if len(text) <= 12 else f"{text[0]}e{len(text) - 1}"
