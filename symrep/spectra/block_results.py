"""Block spectra as results: eigenvalues irrep by irrep, with bounds on their errors, and eigenfunctions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.display import Code, Table
from symrep.errors import InvalidArgumentError, require, require_integer
from symrep.measures import ExchangeableMeasure
from symrep.spectra.column_space import ColumnSpace
from symrep.spectra.eigenfunctions import Eigenfunction
from symrep.spectra.exact_results import EvaluatedBlocks
from symrep.spectra.level_order import largest_first
from symrep.spectra.level_views import LevelViews
from symrep.spectra.spectrum import (
    EigenLevel,
    EvaluatedSpectrum,
    plain_number,
    power_or_number,
    without,
)

_ROWS_SHOWN = 50


def _level_dict(level: EigenLevel) -> dict[str, Any]:
    labels = {"shape": list(level.shape.parts)}
    if level.token_shape is not None:
        labels["token_shape"] = list(level.token_shape.parts)
    value = level.eigenvalue
    return labels | {"eigenvalue": str(value), "value": value, "degeneracy": level.degeneracy}


@dataclass(frozen=True, eq=False)
class NumericBlock:
    """The operator on the multiplicity space of one irrep, as a symmetric matrix.

    Attributes
    ----------
    shape
        The irrep of the permutations of positions; ``degeneracy`` is its dimension.
    eigenvalues
        Largest first; as many as the multiplicity.
    rounding
        A bound on the error of its eigenvalues, from errors of some units in the last place of the kernel's values and of
        the logarithms of the weights; eigenvalues below it cannot be told from 0.
    """

    shape: Partition
    eigenvalues: np.ndarray
    rounding: float
    make_matrix: Callable[[], np.ndarray]
    space: ColumnSpace
    measure: ExchangeableMeasure
    extra_token: str | None

    @property
    def degeneracy(self) -> int:
        """How often every eigenvalue occurs."""
        return self.shape.dimension

    @property
    def size(self) -> int:
        """The multiplicity of the irrep."""
        return len(self.eigenvalues)

    @cached_property
    def matrix(self) -> np.ndarray:
        """The symmetric matrix in an orthonormal basis; from counts and matches it is computed when first asked for."""
        return self.make_matrix()

    @property
    def basis_weights(self) -> np.ndarray:
        """The token counts of the permuted positions, of every vector of the basis: (size, V)."""
        counts = [basis.weight for basis in self.space.weight_bases for _ in range(basis.vectors.shape[1])]
        return np.tile(np.array(counts), (1 if self.extra_token is None else self.space.vocab_size, 1))

    @cached_property
    def vectors(self) -> np.ndarray:
        """The eigenvectors in the basis of ``matrix``, in columns, in the order of the eigenvalues."""
        # rows of sequences of probability 0 vanish: apart, for eigenvectors of eigenvalue 0 not to mix both kinds
        occurs = np.abs(self.matrix).max(axis=1) > 0
        eigenvalues, vectors = np.zeros(self.size), np.eye(self.size)
        eigenvalues[occurs], vectors[np.ix_(occurs, occurs)] = np.linalg.eigh(self.matrix[np.ix_(occurs, occurs)])
        return vectors[:, np.argsort(-eigenvalues, kind="stable")]

    @property
    def resolved(self) -> np.ndarray:
        """The eigenvalues that exceed the rounding errors, largest first."""
        return self.eigenvalues[np.abs(self.eigenvalues) > self.rounding]

    @property
    def trace(self) -> float:
        """The sum of the resolved eigenvalues, each once."""
        return float(self.resolved.sum())

    def eigenfunction(self, index: int) -> Eigenfunction:
        """One eigenfunction of an eigenvalue, normalised under the measure: a function of arrays of sequences.

        The others of the same eigenvalue are its images under permutations of the positions. An eigenvalue 0 may belong to
        sequences of probability 0 alone: that function vanishes.
        """
        index = require_integer(index, "index", minimum=0)
        require(index < self.size, "index", f"must be below {self.size}", index)
        vector = self.vectors[:, index]
        extra = 1 if self.extra_token is None else self.space.vocab_size
        coefficients = self.space.irreducible @ vector.reshape(extra, -1).T
        return Eigenfunction(self.space, np.ascontiguousarray(coefficients), self.measure, self.extra_token)

    def __repr__(self) -> str:
        return f"NumericBlock({self.shape}, size={self.size})"


@dataclass(frozen=True, eq=False)
class BlockSpectrum(LevelViews):
    """The spectrum of a permutation-symmetric kernel at one length, made by :func:`block_spectrum`."""

    architecture: str
    measure: ExchangeableMeasure
    length: int
    extra_token: str | None
    blocks: tuple[NumericBlock, ...]
    expected_trace: float
    kernel: Any = None

    @property
    def vocab_size(self) -> int:
        """The number of tokens."""
        return int(self.measure.vocab_size)

    @property
    def total_dimension(self) -> Any:
        """V^L, the dimension of the space of functions; V^(L + 1) with a query."""
        return power_or_number(self.vocab_size, self.length + (self.extra_token == "query"))

    @property
    def shapes(self) -> tuple[Partition, ...]:
        """The shapes of the blocks."""
        return tuple(block.shape for block in self.blocks)

    @cached_property
    def levels(self) -> tuple[EigenLevel, ...]:
        """The resolved eigenvalues of all blocks, largest first."""
        levels = [EigenLevel(b.shape, float(e), b.degeneracy) for b in self.blocks for e in b.resolved]
        return largest_first(levels, lambda level: level.eigenvalue)

    @property
    def zero_degeneracy(self) -> Any:
        """The dimension of everything else: shapes not asked for, zeros, and what rounding errors hide."""
        return self.evaluate().zero_degeneracy

    def block(self, shape: Any) -> NumericBlock:
        """The block of a shape: a partition, its parts or its text, ``"(5,1)"``.

        Raises
        ------
        InvalidArgumentError
            When the shape was not asked for or does not occur.
        """
        wanted = as_partition(shape)
        found = next((block for block in self.blocks if block.shape == wanted), None)
        if found is None:
            raise InvalidArgumentError(f"shape must be one of {', '.join(map(str, self.shapes))}, got {wanted}")
        return found

    def trace(self, shape: Any = None) -> float:
        """The sum of resolved eigenvalue times degeneracy, over all blocks or over that of one shape.

        In long sequences deep shapes hold very many eigenvalues too small to resolve: compare with ``expected_trace``.
        """
        blocks = self.blocks if shape is None else (self.block(shape),)
        return float(sum(block.trace * block.degeneracy for block in blocks))

    def shares(self) -> dict[Partition, float]:
        """The share of every shape in E K(x, x)."""
        require(self.expected_trace != 0, "trace", "must be nonzero to be shared out", self.expected_trace)
        return {block.shape: self.trace(block.shape) / self.expected_trace for block in self.blocks}

    def evaluate(self) -> EvaluatedSpectrum:
        """The levels as those of other spectra in float64."""
        trace = float(self.expected_trace)
        return EvaluatedBlocks(
            self.architecture, self.levels, self.total_dimension, trace, self.shapes, title=self.title
        )

    @cached_property
    def token_levels(self) -> tuple[EigenLevel, ...]:
        """The levels split by the irreps of renaming tokens.

        Raises
        ------
        NotInvariantError
            When the measure or the kernel does not treat all tokens alike.
        """
        return self.level_list(token_labels=True).levels

    def table(self, *, token_labels: bool = False, limit: int | None = None) -> Table:
        """The levels with their shares of the trace, see :func:`symrep.spectra.level_lists.block_table`."""
        from symrep.spectra.level_lists import block_table

        return block_table(self, token_labels=token_labels, limit=limit)

    @property
    def degeneracy_of_other_shapes(self) -> Any:
        """The dimension of the functions of shapes that were not asked for, 0 where all were."""
        covered = sum(block.degeneracy * block.size for block in self.blocks)
        return 0 if covered == self.total_dimension else without(self.total_dimension, covered)

    def to_dict(self, *, token_labels: bool = False, limit: int | None = None) -> dict[str, Any]:
        """The content of :meth:`to_json`."""
        levels = self.token_levels if token_labels else self.levels
        shown = levels if limit is None else levels[: require_integer(limit, "limit", minimum=1)]
        covered = sum(block.degeneracy * block.size for block in self.blocks)
        others = plain_number(self.degeneracy_of_other_shapes)
        some = {"shapes": [list(shape.parts) for shape in self.shapes], "degeneracy_of_other_shapes": others}
        return {
            "architecture": self.architecture,
            "network": self.architecture,
            "measure": repr(self.measure),
            "vocab_size": self.vocab_size,
            "length": self.length,
            "levels": [_level_dict(level) for level in shown],
            "zero_degeneracy": plain_number(covered - sum(level.degeneracy for level in levels)),
            "trace": str(self.expected_trace),
        } | (some if others else {})

    def to_json(self, *, token_labels: bool = False, limit: int | None = None, **names: str) -> str:
        """A JSON object with the entries of that of a symbolic spectrum; ``names`` replaces some.

        The eigenvalue of a level stands there twice, as text with all its digits and as a number, ``value``. ``token_labels``
        and ``limit`` are those of :meth:`table`. Where only some shapes were asked for they are listed, with the dimension of
        the others; ``zero_degeneracy`` counts what is 0, or within rounding errors of it, in those that were asked for.
        """
        return json.dumps(self.to_dict(token_labels=token_labels, limit=limit) | names, indent=2)

    def _repr_html_(self) -> str:
        return self.table(limit=_ROWS_SHOWN)._repr_html_()

    @property
    def title(self) -> tuple[Any, ...]:
        """Architecture, measure and length, as parts of a caption."""
        return Code(self.architecture), " under ", Code(repr(self.measure)), ", length ", self.length

    def __repr__(self) -> str:
        size = f"{len(self.blocks)} blocks, {len(self.levels)} eigenvalues"
        return f"<BlockSpectrum of {self.architecture} under {self.measure!r}, length={self.length}: {size}>"
