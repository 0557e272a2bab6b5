r"""Targets in eigenfunctions: the squared coefficients :math:`g_i^2` of a target, by eigenvalue and irrep.

A target that names k positions lies in the invariants of :math:`S_{L-k}` (:mod:`symrep.learning.invariant_space`). The
operator, restricted to them and split by the Jucys-Murphy elements of the named positions, is a small matrix for every
way to reach a shape; its eigenvectors give the target's components.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symrep.combinatorics.partitions import Partition
from symrep.display import Column, Table
from symrep.errors import InvalidTypeError, require, require_integer, shown
from symrep.kernels.sequences import as_sequences, token_counts
from symrep.learning.invariant_operator import extra_token_of, operator_matrix
from symrep.learning.invariant_space import InvariantSpace
from symrep.learning.targets import Target
from symrep.learning.targets import target as as_target
from symrep.measures import ExchangeableMeasure
from symrep.spectra.blocks import BlockSpectrum
from symrep.spectra.spectrum import Spectrum

_NEGLIGIBLE = 1e-24
_ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class TargetModes:
    """A target as a sum of eigenfunctions; made by :func:`decompose`.

    Attributes
    ----------
    target
        The function.
    eigenvalues, weights, shapes
        One entry for every component: its eigenvalue, its squared norm :math:`g_i^2` (the sum over the eigenspace), its irrep.
    space
        The invariants in which the target lies.
    components
        The components in the basis of the space, shape (dimension, components).
    """

    target: Target
    eigenvalues: np.ndarray
    weights: np.ndarray
    shapes: tuple[Partition, ...]
    space: InvariantSpace
    components: np.ndarray

    @property
    def name(self) -> str:
        """The name of the target."""
        return self.target.name

    @property
    def places(self) -> tuple[int, ...]:
        """The named positions of the space, counted from 0, one that stays in place last."""
        return named_places(self.target, self.space.entries, self.space.extra_token)

    @property
    def norm(self) -> float:
        """The squared norm, E f(x)^2."""
        return float(self.weights.sum())

    @cached_property
    def shape_weights(self) -> dict[Partition, float]:
        """The squared norm of the part in every irrep."""
        totals: dict[Partition, float] = {}
        for shape, weight in zip(self.shapes, self.weights.tolist()):
            totals[shape] = totals.get(shape, 0.0) + weight
        return totals

    def combined(self, factors: np.ndarray, x: Any) -> np.ndarray:
        """The components, times a factor each, summed at sequences: (n,) for factors (components,) and x (n, L).

        nan at sequences that have probability 0 under the measure.
        """
        space = self.space
        sequences = np.atleast_2d(as_sequences(x, "x", space.vocab_size))
        require(sequences.shape[1] == space.entries, "x", f"must have length {space.entries}", sequences.shape[1])
        tokens = sequences[:, self.places]
        counts = token_counts(sequences, space.vocab_size)
        rest = counts - token_counts(tokens, space.vocab_size)
        numbers = space.numbers(tokens, rest)
        log_probabilities = space.log_probabilities[numbers]
        values = (self.components @ factors)[numbers]
        possible = log_probabilities > -np.inf
        return np.where(possible, values * np.exp(-np.where(possible, log_probabilities, 0.0) / 2), np.nan)

    def table(self) -> Table:
        """Components by irrep and eigenvalue, with their share of the squared norm."""
        columns = (Column("shape", "shape"), Column("eigenvalue", "eigenvalue", r"$\lambda$"), Column("share", "share"))
        order = np.argsort(-self.weights)
        rows = tuple((self.shapes[i], float(self.eigenvalues[i]), float(self.weights[i] / self.norm)) for i in order)
        return Table("target", ("Components of ", self.name, "."), columns, rows)


def decompose_target(kernel: Any, measure: Any, length: int, target: Any) -> TargetModes:
    """The components of a target under a kernel and a measure, at a finite length.

    Parameters
    ----------
    kernel
        As for :func:`symrep.block_spectrum`.
    measure
        An exchangeable measure with numbers.
    length
        The context length L.
    target
        As for :func:`symrep.learning.target`. For a network with a query it is a function of all L + 1 tokens, of which the
        query is the last.

    Raises
    ------
    InvalidArgumentError
        When the target vanishes, or is no function of the sequence.
    SizeLimitError
        When the target names too many positions for the length; says how large the matrices would be.

    Examples
    --------
    >>> from symrep import kernels, measures
    >>> net = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
    >>> found = decompose_target(net, measures.iid_uniform(2), 8, "sigma_1")
    >>> {str(shape): round(weight, 6) for shape, weight in found.shape_weights.items()}
    {'(8)': 0.125, '(7,1)': 0.875}
    """
    target, length = as_target(target), require_integer(length, "length", minimum=1)
    if not isinstance(measure, ExchangeableMeasure):
        raise InvalidTypeError(f"measure must be an exchangeable measure such as iid_uniform(2), got {shown(measure)}")
    vocab_size = require_integer(measure.vocab_size, "vocab_size", minimum=1)
    extra_token = extra_token_of(kernel)
    entries = length + (extra_token == "query")
    places = named_places(target, entries, extra_token)
    space = InvariantSpace(vocab_size, length, len(places) - (extra_token is not None), measure, extra_token)
    matrix = operator_matrix(kernel, space)
    possible = space.log_probabilities > -np.inf
    vector = np.zeros(space.dimension)
    own = [places.index(place) for place in target.places(entries)]
    values = target.values(space.tokens[possible][:, own], space.counts[possible])
    vector[possible] = values * np.exp(space.log_probabilities[possible] / 2)
    norm = float(vector @ vector)
    require(norm > 0, "target", "must not vanish", target.name)
    found: dict[Partition, list[tuple[float, np.ndarray]]] = {}
    for shape, basis in space.sectors:
        coordinates = basis.T @ vector
        if coordinates @ coordinates > _NEGLIGIBLE * norm:
            own, vectors = np.linalg.eigh(basis.T @ (basis.T @ matrix).T)
            parts = (basis @ vectors) * (vectors.T @ coordinates)
            found.setdefault(shape, []).extend(zip(own.tolist(), parts.T))
    rounding = rounding_error(matrix)
    merged = [
        (shape, *part)
        for shape, own in found.items()
        for part in _merged(own, rounding)
        if part[1] @ part[1] > _NEGLIGIBLE * norm
    ]
    require(all(value >= 0 for _, value, _ in merged), "kernel", "must be positive semidefinite", kernel)
    shapes, eigenvalues, components = zip(*merged)
    eigenvalues, components = np.array(eigenvalues), np.array(components).T
    weights = (components**2).sum(axis=0)
    return TargetModes(target, eigenvalues, weights, shapes, space, sharpened(matrix, components, eigenvalues))


def named_places(target: Target, entries: int, extra_token: str | None) -> tuple[int, ...]:
    """The positions, counted from 0, that a target or the kernel names; one that stays in place comes last."""
    named = target.places(entries)
    if extra_token is None:
        return named
    return (*(place for place in named if place != entries - 1), entries - 1)


def rounding_error(matrix: np.ndarray) -> float:
    """What an eigenvalue of a symmetric matrix has to exceed, not to be taken for 0."""
    return _ROUNDING * float(np.abs(matrix).sum(axis=1).max())


def without_rounding_errors(eigenvalues: Any, rounding: float) -> np.ndarray:
    """The eigenvalues, 0 in place of those that may be: at rare sequences their eigenfunctions are huge."""
    return np.where(np.abs(eigenvalues) <= rounding, 0.0, eigenvalues)


def sharpened(matrix: np.ndarray, vectors: np.ndarray, eigenvalues: np.ndarray) -> np.ndarray:
    r"""Eigenvectors whose small entries have small errors too; the columns need no norm.

    An entry of an eigenvector has the error of the largest one. That of rare sequences is small and is divided by the root
    of their probability, so its relative error counts: :math:`(K v)_x / \lambda` is good to the rounding error of row x times
    :math:`\lambda_{max}/\lambda`, and better wherever the entry is smaller than :math:`\lambda/\lambda_{max}`.
    """
    norms = np.linalg.norm(vectors, axis=0)
    scale = np.where(eigenvalues > 0, eigenvalues, np.inf)
    small = np.abs(vectors) < norms * eigenvalues / max(np.abs(matrix).sum(axis=1).max(), np.finfo(float).tiny)
    return np.where(small, matrix @ vectors / scale, vectors)


def _merged(parts: list[tuple[float, np.ndarray]], rounding: float) -> list[tuple[float, np.ndarray]]:
    """Components of one irrep with eigenvalues that rounding errors hold apart, added up; those at zero have eigenvalue 0."""
    merged: list[tuple[float, np.ndarray]] = []
    for eigenvalue, component in sorted(parts, key=lambda part: part[0]):
        eigenvalue = float(without_rounding_errors(eigenvalue, rounding))
        if merged and eigenvalue - merged[-1][0] <= rounding:
            merged[-1] = merged[-1][0], merged[-1][1] + component
        else:
            merged.append((eigenvalue, component))
    return merged


def decompose(spec: Any, target: Any) -> TargetModes:
    """The components of a target under the kernel of a spectrum; see :func:`decompose_target`.

    Raises
    ------
    InvalidTypeError
        When it is no spectrum that knows its kernel and measure.
    """
    if not isinstance(spec, Spectrum | BlockSpectrum):
        raise InvalidTypeError(
            f"spec must be a Spectrum or a BlockSpectrum where a target is decomposed, got {shown(spec)}"
        )
    return decompose_target(spec.kernel, spec.measure, spec.length, target)
