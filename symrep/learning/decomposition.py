r"""Targets in eigenfunctions: the squared coefficients :math:`g_i^2` of a target, by eigenvalue and irrep.

A target that names k positions lies in the invariants of :math:`S_{L-k}` (:mod:`symrep.learning.invariant_space`). The
operator, restricted to them and split by the Jucys-Murphy elements of the named positions, is a small matrix for every
way to reach a shape; its eigenvectors give the target's components.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from tqdm import tqdm

from symrep.combinatorics.partitions import Partition
from symrep.display import Column, Table
from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_integer, shown
from symrep.kernels import Network, NetworkKernel
from symrep.kernels.sequences import as_sequences, token_counts
from symrep.learning.invariant_operator import operator_matrix
from symrep.learning.invariant_space import InvariantSpace
from symrep.learning.targets import Target
from symrep.learning.targets import target as as_target
from symrep.measures import ExchangeableMeasure
from symrep.spectra.blocks import BlockSpectrum
from symrep.spectra.kernel_functions import extra_token_of
from symrep.spectra.spectrum import Spectrum

_MOST_KEPT = 4
_NEGLIGIBLE = 1e-24
_ROUNDING = 1e-13
_SMALLEST_NORM, _LARGEST_NORM = 1e-250, 1e250


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
        The invariants in which the target lies; None for weights alone, which are known to belong to any spectrum.
    components
        The components in the basis of the space, shape (dimension, components).
    kernel
        The kernel whose eigenfunctions these are.
    rounding
        Eigenvalues up to this one count as 0.
    """

    target: Target
    eigenvalues: np.ndarray
    weights: np.ndarray
    shapes: tuple[Partition, ...]
    space: InvariantSpace | None
    components: np.ndarray
    kernel: Any = None
    rounding: float = 0.0

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

    @property
    def null_share(self) -> float:
        """The share of the squared norm in the null space of the kernel, which is never learned."""
        return float(self.weights[self.eigenvalues == 0].sum()) / self.norm

    def __repr__(self) -> str:
        shapes = ", ".join(f"{shape}: {weight / self.norm:.3g}" for shape, weight in self.shape_weights.items())
        return f"<TargetModes of {self.name}: squared norm {self.norm:.4g}; shares {shapes}>"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    @property
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


@dataclass(frozen=True)
class _Bar:
    """Whether bars are shown: no part of what is asked for, so that all are equal."""

    shown: bool = field(compare=False)


def decompose_target(kernel: Any, measure: Any, length: int, target: Any, *, progress: bool = False) -> TargetModes:
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
    progress
        Show bars: some thousand classes of sequences take seconds.

    Raises
    ------
    InvalidArgumentError
        When the target vanishes, is no function of the sequence, or has a squared norm beyond float64.
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
    require(isinstance(progress, bool), "progress", "must be True or False", progress, InvalidTypeError)
    return _decomposition(kernel, measure, length, target, _Bar(progress))


def _decomposition(kernel: Any, measure: Any, length: int, target: Any, bar: _Bar) -> TargetModes:
    target, length = as_target(target), require_integer(length, "length", minimum=1)
    if not isinstance(measure, ExchangeableMeasure):
        raise InvalidTypeError(f"measure must be an exchangeable measure such as iid_uniform(2), got {shown(measure)}")
    vocab_size = require_integer(measure.vocab_size, "vocab_size", minimum=1)
    extra_token = extra_token_of(kernel)
    entries = length + (extra_token == "query")
    places = named_places(target, entries, extra_token)
    space = InvariantSpace(vocab_size, length, len(places) - (extra_token is not None), measure, extra_token)
    matrix = operator_matrix(kernel, space, progress=bar.shown)
    possible = space.log_probabilities > -np.inf
    vector = np.zeros(space.dimension)
    own = [places.index(place) for place in target.places(entries)]
    values = target.values(space.tokens[possible][:, own], space.counts[possible])
    vector[possible] = values * np.exp(space.log_probabilities[possible] / 2)
    with np.errstate(over="ignore"):
        norm = float(vector @ vector)
    require(bool(vector.any()), "target", "must not vanish", target.name)
    in_range = _SMALLEST_NORM < norm < _LARGEST_NORM
    require(in_range, "target", f"must have a squared norm between {_SMALLEST_NORM} and {_LARGEST_NORM}", target.name)
    found: dict[Partition, list[tuple[float, np.ndarray]]] = {}
    for shape, basis in tqdm(space.sectors, "target", disable=not bar.shown, leave=False, unit=" blocks"):
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
    components = sharpened(matrix, components, eigenvalues)
    for array in (eigenvalues, weights, components):
        array.flags.writeable = False
    return TargetModes(target, eigenvalues, weights, shapes, space, components, kernel, rounding)


def named_places(target: Target, entries: int, extra_token: str | None) -> tuple[int, ...]:
    """The positions, counted from 0, that a target or the kernel names; one that stays in place comes last."""
    named = tuple(dict.fromkeys(target.places(entries)))
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
    of their probability, so its relative error counts: :math:`(K v)_x / \lambda` is good to rounding errors of row x of the matrix
    over :math:`\lambda`, and so better wherever that row is smaller than :math:`\lambda`.
    """
    scale = np.where(eigenvalues > 0, eigenvalues, np.inf)
    rare = np.linalg.norm(matrix, axis=1)[:, None] < eigenvalues[None, :]
    return np.where(rare, matrix @ vectors / scale, vectors)


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


_kept_decomposition = lru_cache(maxsize=_MOST_KEPT)(_decomposition)


def decompose(spec: Any, target: Any, *, progress: bool = False) -> TargetModes:
    """The components of a target under the kernel of a spectrum; see :func:`decompose_target`.

    The last few of targets given as text or expressions are kept for the next call. ``progress`` shows bars: some thousand
    classes of sequences take seconds.

    Raises
    ------
    InvalidTypeError
        When it is no spectrum that knows its kernel and measure.
    InvalidArgumentError
        When a part of the target belongs to an eigenvalue that is exact in the spectrum, but below the rounding errors of
        float64 beside the largest: :func:`symrep.learning.symbolic_target` is exact there.
    """
    if not isinstance(spec, Spectrum | BlockSpectrum):
        raise InvalidTypeError(
            f"spec must be a Spectrum or a BlockSpectrum where a target is decomposed, got {shown(spec)}"
        )
    require(isinstance(progress, bool), "progress", "must be True or False", progress, InvalidTypeError)
    # functions of Python may depend on more than their arguments: what they gave before is not kept
    is_fixed = isinstance(target, str | sympy.Expr) and isinstance(spec.kernel, Network | NetworkKernel | sympy.Expr)
    decomposition = _kept_decomposition if is_fixed else _decomposition
    found = decomposition(spec.kernel, spec.measure, spec.length, target, _Bar(progress))
    if isinstance(spec, Spectrum):
        _require_resolved(spec, found)
    return found


def decomposed(spec: Any, target: Any, progress: bool = False) -> TargetModes:
    """A target, or its decomposition, decomposed under the kernel and the measure of this very spectrum.

    Raises
    ------
    InvalidArgumentError
        When it was decomposed under others, or has a part in a shape that a block spectrum was not asked for.
    """
    if not isinstance(target, TargetModes):
        target = decompose(spec, target, progress=progress)
    elif isinstance(spec, Spectrum | BlockSpectrum) and target.space is not None:
        pairs = {
            "vocabulary size": (target.space.vocab_size, int(spec.vocab_size)),
            "length": (target.space.length, int(spec.length)),
            "measure": (target.space.measure, spec.measure),
            "kernel": (target.kernel, spec.kernel),
        }
        for name, (own, wanted) in pairs.items():
            require(bool(own == wanted), "target", f"must be decomposed under the {name} {shown(wanted)}", own)
    if isinstance(spec, BlockSpectrum):
        missing = [shape for shape in dict.fromkeys(target.shapes) if shape not in spec.shapes]
        if missing:
            deepest = max(sum(shape.parts[1:]) for shape in missing)
            rule = f"must have the shapes of the target, which has a part in {missing[0]}"
            raise InvalidArgumentError(f"spec {rule}: block_spectrum(..., shapes={deepest}) has them, got {spec!r}")
    return target


def _require_resolved(spec: Spectrum, found: TargetModes) -> None:
    unresolved = {shape for shape, value in zip(found.shapes, found.eigenvalues) if value == 0}
    for level in spec.evaluate().levels if unresolved else ():
        if level.shape in unresolved and 0 < level.eigenvalue <= found.rounding:
            reason = (
                f"has a part in {level.shape}, where the eigenvalue {level.eigenvalue:.3g} is below rounding errors"
            )
            raise InvalidArgumentError(f"target {reason}: use symbolic_target, got {found.name}")
