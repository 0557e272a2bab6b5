r"""Broken symmetry: how the multiplets of a symmetric reference split when the data is not exchangeable.

Under an exchangeable reference :math:`\bar q` a permutation-symmetric kernel is
:math:`K(x, y) = \sum_i \lambda_i \phi_i(x) \phi_i(y)` with :math:`\mathbb{E}_{\bar q}\, \phi_i \phi_j = \delta_{ij}`; each
eigenvalue of the block of a shape has :math:`f^{shape}` eigenfunctions, a multiplet. Under another measure q the operator
:math:`f \mapsto \mathbb{E}_{y \sim q} K(\cdot, y) f(y)` has, besides zeros, the eigenvalues of

.. math:: \Lambda^{1/2} G\, \Lambda^{1/2}, \qquad G_{ij} = \mathbb{E}_q\, \phi_i \phi_j = \delta_{ij} + \Delta_{ij}:

with :math:`\Phi_{xi} = \sqrt{q(x)}\, \phi_i(x)` the operator is :math:`\Phi \Lambda \Phi^T`, and :math:`G = \Phi^T \Phi`. If
:math:`\Delta` is small, the multiplet c of eigenvalue :math:`\lambda` splits into the eigenvalues of

.. math:: \lambda G_{cc} + \sum_{k \notin c} \frac{\lambda \lambda_k}{\lambda - \lambda_k}\, G_{ck} G_{kc},

up to errors of third order in :math:`\Delta`; without the sum, of second order. Zeros of the reference do not contribute.
Multiplets whose distance is no larger than their coupling are one multiplet: inside it :math:`\lambda` is a diagonal
matrix, :math:`\lambda G` becomes :math:`\lambda^{1/2} G \lambda^{1/2}`, and the denominators are averaged from both sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from symrep.combinatorics.partitions import Partition
from symrep.display import Code, Column, Table
from symrep.errors import require, require_integer
from symrep.spectra.blocks import BlockSpectrum
from symrep.spectra.multiplets import Overlaps, jackknife_errors, overlaps


@dataclass(frozen=True, eq=False)
class PerturbedLevel:
    r"""A multiplet and what it splits into.

    Attributes
    ----------
    shapes
        The irreps: one, or several where the reference has one eigenvalue for them, or eigenvalues closer than the gap.
    eigenvalue
        Under the reference; the mean where there are several.
    predicted
        The eigenvalues it splits into, one for every eigenfunction, largest first.
    errors
        Their standard errors, from sequences; None where the measure was enumerated.
    mixing
        How strongly the multiplet couples to the others, over its distance from them (the largest of
        :math:`\sqrt{\lambda \lambda_k}\, \lVert G_{ck} \rVert / |\lambda - \lambda_k|`): the expansion needs it small.
    """

    shapes: tuple[Partition, ...]
    eigenvalue: float
    predicted: np.ndarray
    errors: np.ndarray | None
    mixing: float

    @property
    def shape(self) -> Partition:
        """The irrep, if there is one."""
        require(len(self.shapes) == 1, "shape", "must be asked of a level with one irrep", self.shapes)
        return self.shapes[0]

    @property
    def degeneracy(self) -> int:
        """The number of eigenfunctions."""
        return len(self.predicted)

    @property
    def spread(self) -> float:
        """The standard deviation of the predicted eigenvalues: 0 where the symmetry is not broken."""
        # squares may be beyond the range of floats where the eigenvalues are not
        scale = float(np.abs(self.predicted).max()) or 1.0
        return scale * float(np.std(self.predicted / scale))

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.shapes))
        return f"PerturbedLevel({names}, {self.eigenvalue:.6g} -> {self.predicted[0]:.6g}...{self.predicted[-1]:.6g})"


@dataclass(frozen=True, eq=False)
class PerturbedSpectrum:
    """The multiplets of a spectrum under another measure, made by :func:`split_multiplets`.

    Attributes
    ----------
    reference
        The symmetric spectrum.
    order
        Of perturbation theory, 1 or 2.
    levels
        The multiplets, the largest reference eigenvalue first.
    overlaps
        What they were computed from.
    """

    reference: BlockSpectrum
    order: int
    levels: tuple[PerturbedLevel, ...]
    overlaps: Overlaps

    @property
    def eigenvalues(self) -> np.ndarray:
        """All predicted eigenvalues, largest first."""
        return np.sort(np.concatenate([level.predicted for level in self.levels]))[::-1]

    def table(self) -> Table:
        """One row per multiplet: reference eigenvalue, and the range, spread and largest standard error of the prediction."""
        columns = [Column("shapes", "shape"), Column("degeneracy", "degeneracy"), Column("eigenvalue", "reference")]
        columns += [Column("largest", "largest"), Column("smallest", "smallest"), Column("spread", "spread")]
        columns.append(Column("mixing", "mixing"))
        sampled = self.overlaps.replicates is not None
        if sampled:
            columns.append(Column("error", "largest error"))
        rows = []
        for level in self.levels:
            numbers = (float(level.predicted[0]), float(level.predicted[-1]), level.spread, level.mixing)
            error = (float(level.errors.max()),) if sampled else ()
            shapes = level.shapes if len(level.shapes) > 1 else level.shape
            rows.append((shapes, level.degeneracy, level.eigenvalue, *numbers, *error))
        order = {1: "first", 2: "second"}[self.order]
        caption = (f"Multiplets split to {order} order, of ", Code(self.reference.architecture), ", reference ")
        caption += (Code(repr(self.reference.measure)), f", length {self.reference.length}.")
        notes = ["Mixing is coupling to other multiplets over distance from them; the theory needs it to be small."]
        if sampled:
            note = f"From {self.overlaps.n_sequences} sequences: noise alone spreads a multiplet of f functions too, "
            notes.append(note + "by about sqrt(f / number of sequences), relative.")
        return Table("multiplets", caption, tuple(columns), tuple(rows), tuple(notes))

    def __repr__(self) -> str:
        return (
            f"<PerturbedSpectrum to order {self.order} of {self.reference.architecture}: {len(self.levels)} multiplets>"
        )


def split_multiplets(
    spectrum: BlockSpectrum,
    data: Any,
    *,
    shapes: Iterable[Any] | None = None,
    levels: Iterable[Any] | None = None,
    order: int = 1,
    gap: float = 1e-9,
    log_weights: Any = None,
    n_blocks: int = 20,
    memory_limit: int = 2 * 10**9,
) -> PerturbedSpectrum:
    r"""What the multiplets of a symmetric kernel split into under a measure that is not exchangeable.

    Parameters
    ----------
    spectrum
        The spectrum under an exchangeable reference; nearest to a measure is its symmetric part
        (:func:`symrep.measures.shuffled`).
    data
        A measure, enumerated over all sequences; or sequences drawn from one, an integer array (n, L) (with a last or query
        token in its last column).
    shapes, levels
        Which multiplets: all those of some shapes, or pairs (shape, index) where index counts the eigenvalues of the block,
        largest first; all resolved ones unless given. At second order only these couple to each other.
    order
        1 or 2.
    gap
        Eigenvalues that differ by no more than this, relative to the larger, are treated as one multiplet (which stays exact
        in their difference). Raise it where ``mixing`` is not small.
    log_weights
        With sequences drawn from another measure p: the n numbers log(q(x) / p(x)), up to a constant.
    n_blocks
        The number of groups of consecutive sequences that are left out in turn for standard errors.
    memory_limit
        Bytes for the overlaps and their replicates.

    Raises
    ------
    InvalidArgumentError
        When sequences have another length, or are impossible under the reference; when a level does not exist or cannot be
        told from 0; when there are fewer sequences than groups.
    InvalidTypeError
        When the data is neither a measure nor an array of integers.
    SizeLimitError
        When there are more than 4 million sequences to enumerate, or the multiplets are too large together.

    Notes
    -----
    Shapes have :math:`f^{shape}` functions: D together. Cost O(n D^2) for n distinct sequences, in chunks, and O(D^3).

    With sequences, sampling noise spreads the multiplets as broken symmetry does: ``errors`` are standard errors about an
    expected value that includes this spread, so compare with exchangeable sequences, for example shuffled ones.

    Examples
    --------
    >>> from symrep import block_spectrum, kernels, measures
    >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), kernels.Relu(), kernels.MeanPool())
    >>> reference = block_spectrum(net, measures.iid_uniform(2), 4)
    >>> split = split_multiplets(reference, measures.lazy_chain("9/10", ["1/2", "1/2"]), shapes=[(3, 1)])
    >>> split.levels[0], split.levels[0].predicted.round(6).tolist()
    (PerturbedLevel((3,1), 0.00313482 -> 0.00329851...0.00265452), [0.003299, 0.002948, 0.002655])
    """
    found = overlaps(
        spectrum,
        data,
        shapes=shapes,
        levels=levels,
        log_weights=log_weights,
        n_blocks=n_blocks,
        memory_limit=memory_limit,
    )
    return split_overlaps(found, order, gap)


def split_overlaps(found: Overlaps, order: int = 1, gap: float = 1e-9) -> PerturbedSpectrum:
    """:func:`split_multiplets` from overlaps that are known, so that several orders share them."""
    order = require_integer(order, "order", minimum=1)
    require(order <= 2, "order", "must be 1 or 2", order)
    number = isinstance(gap, (int, float)) and not isinstance(gap, bool) and 0 <= gap < 1
    require(number, "gap", "must be a number from 0 to below 1", gap)
    clusters = [
        np.concatenate([found.places[i] for i in members]) for members in _clusters(found.level_eigenvalues, float(gap))
    ]
    owners = np.repeat(np.arange(len(found.levels)), [len(place) for place in found.places])
    levels = []
    for inside in clusters:
        predicted = _split(found.matrix, found.eigenvalues, inside, order)
        errors = None
        if found.replicates is not None:
            splits = [_split(replicate, found.eigenvalues, inside, order) for replicate in found.replicates]
            errors = jackknife_errors(np.array(splits))
        shapes = tuple(dict.fromkeys(found.levels[i][0] for i in owners[inside]))
        mixing = max((_mixing(found, inside, other) for other in clusters if other is not inside), default=0.0)
        levels.append(PerturbedLevel(shapes, float(found.eigenvalues[inside].mean()), predicted, errors, mixing))
    return PerturbedSpectrum(found.spectrum, order, tuple(levels), found)


def truncated_eigenvalues(spectrum: BlockSpectrum, data: Any, **options: Any) -> np.ndarray:
    r"""The eigenvalues of :math:`G^{1/2} \Lambda G^{1/2}`, largest first: to all orders, within some multiplets.

    With all multiplets they are the exact eigenvalues under the other measure (the zeros apart); with fewer, the largest
    are lower bounds, if the kernel has no negative eigenvalues. Parameters and errors: those of
    :func:`symrep.spectra.multiplets.overlaps`.

    >>> from symrep import block_spectrum, measures, kernels
    >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), kernels.Relu(), kernels.MeanPool())
    >>> chain = measures.lazy_chain("1/2", ["1/2", "1/2"])
    >>> truncated_eigenvalues(block_spectrum(net, measures.iid_uniform(2), 4), chain)[:3].round(6).tolist()
    [0.548865, 0.081463, 0.003135]
    """
    found = overlaps(spectrum, data, **options)
    weights, vectors = np.linalg.eigh(found.matrix)
    root = (vectors * np.sqrt(np.maximum(weights, 0))) @ vectors.T
    return np.linalg.eigvalsh((root * found.eigenvalues) @ root)[::-1]


def _clusters(eigenvalues: np.ndarray, gap: float) -> list[np.ndarray]:
    """The numbers of the multiplets, together while neighbours are closer than the gap; the largest eigenvalue first."""
    order = np.argsort(-eigenvalues, kind="stable")
    upper, lower = eigenvalues[order][:-1], eigenvalues[order][1:]
    apart = upper - lower > gap * np.maximum(np.abs(upper), np.abs(lower))
    return np.split(order, np.flatnonzero(apart) + 1)


def _split(overlap: np.ndarray, eigenvalues: np.ndarray, inside: np.ndarray, order: int) -> np.ndarray:
    own = eigenvalues[inside]
    root, sign = np.sqrt(np.abs(own)), np.sign(own[0])
    effective = sign * overlap[np.ix_(inside, inside)]
    if order == 2:
        outside = np.setdiff1d(np.arange(len(overlap)), inside)
        coupling = overlap[np.ix_(inside, outside)]
        half = (coupling * (eigenvalues[outside] / (own[:, None] - eigenvalues[outside]))) @ coupling.T
        effective = effective + sign * (half + half.T) / 2
    return np.linalg.eigvalsh(root[:, None] * effective * root)[::-1]


def _mixing(found: Overlaps, inside: np.ndarray, other: np.ndarray) -> float:
    """The size of the coupling of two clusters over the distance of their eigenvalues."""
    own, others = found.eigenvalues[inside], found.eigenvalues[other]
    # products of eigenvalues may be beyond the range of floats where the eigenvalues are not
    coupling = np.sqrt(np.abs(own))[:, None] * found.matrix[np.ix_(inside, other)] * np.sqrt(np.abs(others))
    return float(np.linalg.norm(coupling, 2) / np.abs(own[:, None] - others).min())
