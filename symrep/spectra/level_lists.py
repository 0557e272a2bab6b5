"""The levels of any spectrum with numbers as one kind of list; the cumulative trace, and the table of block spectra."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf, isfinite
from types import MappingProxyType
from typing import Any

import numpy as np

from symrep.display import Code, Column, Formula, Table, float_latex
from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_integer, shown
from symrep.spectra.blocks import BlockSpectrum
from symrep.spectra.dense import DenseSpectrum
from symrep.spectra.exact_results import EvaluatedBlocks
from symrep.spectra.isotypic_block import Shape
from symrep.spectra.level_order import largest_first
from symrep.spectra.level_views import LevelViews
from symrep.spectra.spectrum import EigenLevel, EvaluatedSpectrum, Spectrum
from symrep.spectra.token_labels import token_blocks

_NULL_SPACE = 1e-12


_NEARLY_ALL = 1e-4
_SAME_TRACE = 1e-9


@dataclass(frozen=True)
class LevelList(LevelViews):
    """Levels in float64 with integer degeneracies, largest first, and what is known of the rest. Made by :func:`level_list`.

    Attributes
    ----------
    name
        The architecture, or the kind of spectrum.
    levels
        The nonzero ones; ``shape`` is None where eigenvalues came without labels.
    total_dimension
        The dimension of the space of functions, None where it is not known.
    expected_trace
        E K(x, x).
    rounding
        For every shape a bound on the errors of its eigenvalues, where the spectrum states it; eigenvalues below it are
        left out.
    shapes
        The only shapes that were looked at, None for all.
    """

    name: str
    levels: tuple[EigenLevel, ...]
    total_dimension: Any
    expected_trace: float
    rounding: Mapping[Shape, float] = field(default_factory=dict)
    shapes: frozenset[Shape] | None = None

    @property
    def is_labelled(self) -> bool:
        """Whether all levels know their irrep of the permutations of positions."""
        return all(level.shape is not None for level in self.levels)

    def __repr__(self) -> str:
        return f"<LevelList of {self.name}: {len(self.levels)} levels>"


def level_list(spectrum: Any, argument: str = "spectrum", *, token_labels: bool = False, **values: Any) -> LevelList:
    """The levels of a spectrum of any kind.

    Parameters
    ----------
    spectrum
        From :func:`symrep.spectrum`, its ``evaluate``, :func:`symrep.block_spectrum`, the dense oracle; or a sequence of
        eigenvalues, each once per mode (zeros may be left out).
    token_labels
        Split the levels of a block spectrum by the irreps of renaming tokens, see :func:`symrep.token_labelled_levels`.
    **values
        Numbers for all symbols of a symbolic spectrum, by name.

    Raises
    ------
    InvalidTypeError
        When it is no spectrum.
    FreeSymbolError
        When a symbol is left without a number.
    NotInvariantError
        When token labels are asked for and the tokens are not alike.

    Examples
    --------
    >>> from symrep import measures, spectrum
    >>> from symrep.kernels.overlaps import matches_symbol as m
    >>> for level in level_list(spectrum(m, measures.iid_uniform(2)), L=3).levels:
    ...     print(level.shape, level.eigenvalue, level.degeneracy)
    (3) 1.5 1
    (3) 0.5 1
    (2,1) 0.5 2
    """
    if isinstance(spectrum, Spectrum):
        spectrum, values = spectrum.evaluate(**values), {}
    if values:
        raise InvalidArgumentError(f"{argument} must have symbols to be given values for {', '.join(values)}")
    if isinstance(spectrum, LevelList):
        return spectrum
    if isinstance(spectrum, BlockSpectrum):
        return _of_blocks(spectrum, token_labels)
    if isinstance(spectrum, EvaluatedSpectrum):
        return _of_evaluated(spectrum, argument)
    if isinstance(spectrum, DenseSpectrum):
        return _of_dense(spectrum)
    return _of_eigenvalues(spectrum, argument)


def _of_evaluated(spectrum: EvaluatedSpectrum, argument: str) -> LevelList:
    levels = _largest_first(spectrum.levels)
    finite = all(isfinite(level.eigenvalue) for level in levels)
    require(finite, argument, "must have eigenvalues within the range of float64", spectrum.architecture)
    trace, shapes = _trace(levels), None
    if isinstance(spectrum, EvaluatedBlocks):
        trace = spectrum.expected_trace
        shapes = None if spectrum.covered is None else frozenset(spectrum.covered)
    return LevelList(spectrum.architecture, levels, spectrum.total_dimension, trace, shapes=shapes)


def _of_blocks(spectrum: BlockSpectrum, token_labels: bool) -> LevelList:
    levels = [level for _, level in _block_levels(spectrum, token_labels)]
    rounding = {block.shape: float(block.rounding) for block in spectrum.blocks}
    return LevelList(
        spectrum.architecture,
        _largest_first(levels),
        spectrum.total_dimension,
        float(spectrum.expected_trace),
        rounding,
        frozenset(spectrum.shapes),
    )


def _block_levels(spectrum: BlockSpectrum, token_labels: bool) -> Iterator[tuple[int, EigenLevel]]:
    """The levels above the rounding errors, with the number of each in its block (or its part of one token shape)."""
    for block in spectrum.blocks:
        for part in token_blocks(block) if token_labels else (block,):
            token_shape = part.token_shape if token_labels else None
            for index in np.flatnonzero(np.abs(part.eigenvalues) > block.rounding).tolist():
                yield index, EigenLevel(block.shape, float(part.eigenvalues[index]), part.degeneracy, token_shape)


def _of_dense(spectrum: DenseSpectrum) -> LevelList:
    largest = max(abs(level.eigenvalue) for level in spectrum.levels)
    levels = _largest_first(
        EigenLevel(level.shape, level.eigenvalue, level.degeneracy, level.token_shape)
        for level in spectrum.levels
        if abs(level.eigenvalue) > _NULL_SPACE * largest
    )
    total = spectrum.vocab_size ** (spectrum.length + spectrum.extra_tokens)
    return LevelList("dense oracle", levels, total, spectrum.trace())


def _of_eigenvalues(values: Any, argument: str) -> LevelList:
    rule = "must be a spectrum or a sequence of eigenvalues"
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
        raise InvalidTypeError(f"{argument} {rule}, got {shown(values)}")
    try:
        array = np.asarray(values if len(values) else np.zeros(0))
    except ValueError:
        raise InvalidTypeError(f"{argument} {rule}, got ragged {shown(values)}") from None
    require(array.dtype.kind in "iuf" and array.ndim == 1, argument, rule, values, InvalidTypeError)
    require(bool(np.isfinite(array).all()), argument, "must be finite", values)
    levels = _largest_first(EigenLevel(None, float(value), 1) for value in array if value)
    return LevelList("eigenvalues", levels, None, _trace(levels))


def _largest_first(levels: Iterable[EigenLevel]) -> tuple[EigenLevel, ...]:
    return largest_first(levels, lambda level: level.eigenvalue)


def _trace(levels: Iterable[EigenLevel]) -> float:
    """Summed exactly before it is rounded: degeneracies may exceed the range of floats, and deep levels are small."""
    return _as_float(sum((Fraction(level.eigenvalue) * level.degeneracy for level in levels), Fraction(0)))


def _as_float(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return inf if number > 0 else -inf


@dataclass(frozen=True, eq=False)
class CumulativeTrace:
    """How much of the trace the leading modes hold; made by :func:`cumulative_trace`.

    Attributes
    ----------
    eigenvalues
        Of every level, largest first.
    n_modes
        The number of modes up to and with every level: Python integers, which may be very large.
    shares
        The share of the trace that these modes hold.
    by_shape
        The same for every shape alone, with its modes counted by themselves and its share of the whole trace.
    """

    eigenvalues: np.ndarray
    n_modes: tuple[int, ...]
    shares: np.ndarray
    by_shape: Mapping[Shape, CumulativeTrace]

    def share(self, n_modes: int) -> float:
        """The share of the trace that the leading modes hold, any number of them.

        Modes beyond the levels are zero, or were left out as too small to resolve.
        """
        n_modes = require_integer(n_modes, "n_modes", minimum=0)
        counts, shares = (0, *self.n_modes), (0.0, *self.shares.tolist())
        last = sum(count <= n_modes for count in counts) - 1
        if last == len(self.n_modes):
            return shares[-1]
        part = Fraction(n_modes - counts[last], counts[last + 1] - counts[last])
        return float(shares[last] + part * Fraction(shares[last + 1] - shares[last]))

    def modes_for(self, share: float) -> int:
        """The least number of leading modes that hold this share of the trace.

        Raises
        ------
        InvalidArgumentError
            When no number of modes of these levels does.
        """
        number = isinstance(share, int | float) and not isinstance(share, bool)
        require(number, "share", "must be a number", share, InvalidTypeError)
        held = float(self.shares.max(initial=0.0))
        require(share <= held, "share", f"must be at most {held:.12g}, what the levels hold", share)
        if share <= 0:
            return 0
        level = int(np.argmax(self.shares >= share))
        before, start = (0, 0.0) if level == 0 else (self.n_modes[level - 1], float(self.shares[level - 1]))
        part = (Fraction(share) - Fraction(start)) / (Fraction(float(self.shares[level])) - Fraction(start))
        return before - int(-part * (self.n_modes[level] - before) // 1)

    def __repr__(self) -> str:
        held = f"{float(self.shares[-1]):.6g} of the trace" if len(self.shares) else "nothing"
        return f"<CumulativeTrace of {len(self.n_modes)} levels of {len(self.by_shape)} shapes: {held}>"


def cumulative_trace(spectrum: Any, **values: Any) -> CumulativeTrace:
    """The share of E K(x, x) that the leading modes of a spectrum hold: all together, and shape by shape.

    Parameters
    ----------
    spectrum
        Of any kind, see :func:`symrep.spectra.level_lists.level_list`.
    **values
        Numbers for all symbols of a symbolic spectrum, by name.

    Raises
    ------
    InvalidArgumentError
        When the trace is 0.

    Notes
    -----
    Eigenvalues of a kernel that is not positive count with their sign and come last, so that shares can exceed 1 on the
    way. For a block spectrum, exact or not, the shares end below 1 by what is unresolved or was not asked for. Sums are exact before
    they are rounded.

    Examples
    --------
    >>> from symrep import measures, spectrum
    >>> from symrep.kernels.overlaps import matches_symbol as m
    >>> cumulative = cumulative_trace(spectrum(m, measures.iid_uniform(2)), L=4)
    >>> cumulative.n_modes, cumulative.shares.tolist(), cumulative.share(3), cumulative.modes_for(0.7)
    ((1, 2, 5), [0.5, 0.625, 1.0], 0.75, 3)
    """
    listed = level_list(spectrum, **values)
    trace = listed.expected_trace
    require(trace != 0 and isfinite(trace), "trace", "must be finite and nonzero to be shared out", trace)
    shapes = dict.fromkeys(level.shape for level in listed.levels if level.shape is not None)
    alone = {s: _accumulated([level for level in listed.levels if level.shape == s], listed, {}) for s in shapes}
    return _accumulated(listed.levels, listed, MappingProxyType(alone))


def _accumulated(levels: Iterable[EigenLevel], listed: LevelList, by_shape: Mapping[Shape, Any]) -> CumulativeTrace:
    count, held, total = 0, Fraction(0), Fraction(listed.expected_trace)
    eigenvalues, counts, shares = [], [], []
    for level in levels:
        count += level.degeneracy
        held += Fraction(level.eigenvalue) * level.degeneracy
        eigenvalues.append(level.eigenvalue)
        counts.append(count)
        shares.append(_as_float(held / total))
    arrays = np.array(eigenvalues, dtype=float), np.array(shares, dtype=float)
    for array in arrays:
        array.flags.writeable = False
    return CumulativeTrace(arrays[0], tuple(counts), arrays[1], by_shape)


def block_table(spectrum: BlockSpectrum, *, token_labels: bool = False, limit: int | None = None) -> Table:
    """The levels of a block spectrum as a table: shape, number in the block, eigenvalue, degeneracy, share of the trace.

    ``index`` is what ``block(shape).eigenfunction`` takes, or with ``token_labels`` counts within the token shape.
    ``limit`` keeps the leading levels only. Notes say what the levels leave out.

    Raises
    ------
    NotInvariantError
        When token labels are asked for and the tokens are not alike.

    Examples
    --------
    >>> from symrep import block_spectrum, measures
    >>> from symrep.kernels.overlaps import matches_symbol as m
    >>> print(block_table(block_spectrum(m, measures.iid_uniform(2), 3)))
    Spectrum of m under iid_uniform(2), length 3.
    <BLANKLINE>
    shape  degeneracy  index  eigenvalue  share of the trace
    -----  ----------  -----  ----------  ------------------
    (3)    1           0      1.5         0.5
    (3)    1           1      0.5         0.166667
    (2,1)  2           0      0.5         0.333333
    <BLANKLINE>
    The levels hold all of EK(x,x) = 3.
    Within rounding errors of 0: 3 eigenvalues of these blocks, of total degeneracy 4.
    """
    if limit is not None:
        limit = require_integer(limit, "limit", minimum=1)
    levels = largest_first(_block_levels(spectrum, token_labels), lambda numbered: numbered[1].eigenvalue)
    shares = cumulative_trace(LevelList("", tuple(level for _, level in levels), None, spectrum.expected_trace)).shares
    columns = [Column("shape", "shape")]
    columns += [Column("token_shape", "token shape")] if token_labels else []
    columns += [Column("degeneracy", "degeneracy"), Column("index", "index"), Column("eigenvalue", "eigenvalue")]
    columns.append(Column("share", "share of the trace"))
    rows = []
    for (index, level), share in zip(levels[:limit], np.diff(shares, prepend=0.0).tolist()):
        labels = (level.shape, level.token_shape) if token_labels else (level.shape,)
        rows.append((*labels, level.degeneracy, index, level.eigenvalue, share))
    caption = ("Spectrum of ", Code(spectrum.architecture), " under ", Code(repr(spectrum.measure)))
    notes = _notes(spectrum, [level for _, level in levels], float(shares[-1]) if len(shares) else 0.0)
    if limit is not None and limit < len(levels):
        notes = (hidden_levels(len(levels) - limit), *notes)
    return Table("block-spectrum", (*caption, ", length ", spectrum.length, "."), tuple(columns), tuple(rows), notes)


def hidden_levels(number: int) -> tuple[Any, ...]:
    """A note on levels that a table leaves out."""
    return "Not shown: ", number, " smaller level." if number == 1 else " smaller levels."


def _notes(spectrum: BlockSpectrum, levels: list[EigenLevel], held: float) -> tuple[Any, ...]:
    missing = 1 - held
    share = "all" if abs(missing) < _SAME_TRACE else f"all but {missing:.1e}" if abs(missing) < _NEARLY_ALL else held
    trace = float(spectrum.expected_trace)
    mean = Formula(f"EK(x,x) = {trace:.6g}", rf"\operatorname{{E}}K(x,x) = {float_latex(trace)}")
    notes: list[Any] = [("The levels hold ", share, " of ", mean, ".")]
    hidden = [(block, int((np.abs(block.eigenvalues) <= block.rounding).sum())) for block in spectrum.blocks]
    number = sum(count for _, count in hidden)
    if number:
        modes = sum(block.degeneracy * count for block, count in hidden)
        notes.append(
            ("Within rounding errors of 0: ", number, " eigenvalues of these blocks, of total degeneracy ", modes, ".")
        )
    if spectrum.degeneracy_of_other_shapes != 0:
        notes.append(("Shapes not asked for have the total degeneracy ", spectrum.degeneracy_of_other_shapes, "."))
    return tuple(notes)
