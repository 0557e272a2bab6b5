"""Two spectra side by side: level against level for every irrep that both know, with the worst place named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from symrep.display import Column, Table
from symrep.errors import InvalidTypeError, require
from symrep.spectra.isotypic_block import Shape
from symrep.spectra.level_lists import LevelList, level_list
from symrep.spectra.level_order import largest_first
from symrep.spectra.sampled import SampledSpectrum
from symrep.spectra.spectrum import EigenLevel

# unmatched eigenvalues this close to each other are taken for the same level with a wrong value
_RECOGNISABLE = 0.1
_Run = tuple[float, int]


@dataclass(frozen=True)
class ComparedLevel:
    """``degeneracy`` modes with one eigenvalue in either spectrum; None where a spectrum has no such level.

    Labels are None where one of the spectra does not know them. ``allowed`` is the deviation that passes.
    """

    shape: Shape | None
    token_shape: Shape | None
    query_shape: Shape | None
    first: float | None
    second: float | None
    degeneracy: int
    allowed: float

    @property
    def deviation(self) -> float:
        """The absolute difference of the eigenvalues, one that is missing taken as 0."""
        return abs((self.first or 0.0) - (self.second or 0.0))

    @property
    def agrees(self) -> bool:
        """Whether the deviation is allowed."""
        return self.deviation <= self.allowed

    @property
    def label(self) -> str:
        """The known irreps as text."""
        parts = [("token shape ", self.token_shape), ("query shape ", self.query_shape)]
        shape = [] if self.shape is None else [str(self.shape)]
        return ", ".join(shape + [f"{name}{label}" for name, label in parts if label is not None])


@dataclass(frozen=True)
class SpectrumComparison:
    """Two spectra side by side, true when they agree; made by :func:`compare_spectra`.

    Attributes
    ----------
    first, second
        The names of the spectra.
    levels
        All compared levels, largest first.
    largest
        The largest absolute eigenvalue of both.
    dimensions
        The dimensions of the spaces of functions, None where unknown.
    not_compared
        Shapes that only one of the spectra was computed for, or how many modes a sampled spectrum could not show.
    """

    first: str
    second: str
    levels: tuple[ComparedLevel, ...]
    largest: float
    dimensions: tuple[Any, Any]
    not_compared: str = ""

    def __bool__(self) -> bool:
        return self.same_dimension and all(level.agrees for level in self.levels)

    @property
    def same_dimension(self) -> bool:
        """Whether both act on spaces of one dimension, as far as it is known."""
        return None in self.dimensions or self.dimensions[0] == self.dimensions[1]

    @property
    def deviation(self) -> float:
        """The largest absolute deviation of a level, relative to the largest eigenvalue."""
        return max((level.deviation for level in self.levels), default=0.0) / (self.largest or 1.0)

    @property
    def worst(self) -> ComparedLevel | None:
        """The level that disagrees most, or deviates most where all agree; None without levels."""
        wrong = [level for level in self.levels if not level.agrees]
        return next(iter(largest_first(wrong or self.levels, lambda level: level.deviation)), None)

    @property
    def missing_in_first(self) -> tuple[ComparedLevel, ...]:
        """Levels of the second spectrum, or parts of their degeneracy, that the first does not have."""
        return tuple(level for level in self.levels if level.first is None and not level.agrees)

    @property
    def missing_in_second(self) -> tuple[ComparedLevel, ...]:
        """Levels of the first spectrum, or parts of their degeneracy, that the second does not have."""
        return tuple(level for level in self.levels if level.second is None and not level.agrees)

    def table(self, *, only_differences: bool = False) -> Table:
        """The compared levels, all or those that disagree: labels, both eigenvalues, degeneracy, relative deviation."""
        levels = [level for level in self.levels if not (only_differences and level.agrees)]
        columns = []
        for key, heading in (("shape", "shape"), ("token_shape", "token shape"), ("query_shape", "query shape")):
            if any(getattr(level, key) is not None for level in levels):
                columns.append(Column(key, heading))
        columns += [Column("first", "first"), Column("second", "second"), Column("degeneracy", "degeneracy")]
        columns += [Column("deviation", "deviation"), Column("agrees", "agrees")]
        scale = self.largest or 1.0
        rows = []
        for level in levels:
            cells = vars(level) | {"deviation": level.deviation / scale, "agrees": "yes" if level.agrees else "no"}
            rows.append(tuple(cells[column.key] for column in columns))
        caption = f"First: {self.first}. Second: {self.second}. Deviations relative to the largest eigenvalue."
        notes = (self._verdict,) + ((self.not_compared,) if self.not_compared else ())
        return Table("comparison", caption, tuple(columns), tuple(rows), notes)

    @property
    def _verdict(self) -> str:
        if not self.same_dimension:
            return f"dimensions {self.dimensions[0]} and {self.dimensions[1]} differ"
        wrong, total = sum(not level.agrees for level in self.levels), _counted(len(self.levels), "level")
        summary = f"{wrong} of {total} differ" if wrong else f"{total} agree{'s' if len(self.levels) == 1 else ''}"
        return f"{summary}, largest deviation {self.deviation:.3g}{self._worst_place}"

    @property
    def _worst_place(self) -> str:
        worst = self.worst
        if worst is None or not worst.deviation:
            return ""
        values = " and ".join("none" if value is None else f"{value:.9g}" for value in (worst.first, worst.second))
        place = f" at {worst.label}" if worst.label else ""
        return f"{place}: {values}, {_counted(worst.degeneracy, 'mode')}"

    def __repr__(self) -> str:
        rest = f"; {self.not_compared}" if self.not_compared else ""
        return f"<SpectrumComparison: {self._verdict}{rest}>"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def compare_spectra(first: Any, second: Any, *, rtol: float = 1e-9, standard_errors: float = 5.0) -> SpectrumComparison:
    """Compare two spectra level by level: eigenvalues and degeneracies, for every irrep that both know.

    Parameters
    ----------
    first, second
        Spectra of any kind with numbers: from :func:`symrep.spectrum` or its ``evaluate``, :func:`symrep.block_spectrum`,
        the dense oracle, a :class:`~symrep.spectra.level_lists.LevelList`, or a sequence of eigenvalues, each once per
        mode. One of them may be sampled.
    rtol
        Eigenvalues agree within this times the largest eigenvalue, plus the rounding errors that a block spectrum states.
    standard_errors
        How many standard errors a sampled eigenvalue may be off on top.

    Returns
    -------
    SpectrumComparison
        True when the spectra agree.

    Raises
    ------
    InvalidTypeError
        When an argument is no spectrum, or both are sampled.
    InvalidArgumentError
        When ``rtol`` or ``standard_errors`` is negative.
    FreeSymbolError
        When a spectrum has symbols.

    Notes
    -----
    Levels are matched within every irrep of the permutations of positions, and of the renamings of tokens (and of the
    query) where both spectra know it; a level that one spectrum splits by token shape is matched by parts of its
    degeneracy. Where a spectrum has no labels all modes are matched by eigenvalue alone. A missing level counts as 0: it
    agrees when its eigenvalue is within the tolerance. The tolerance does not see what is far below the largest
    eigenvalue: compare shape by shape for that.

    Sampled multiplets are compared by their means, as far as the sampled eigenvalues reach.

    Examples
    --------
    >>> from symrep import block_spectrum, measures, spectrum
    >>> from symrep.kernels.overlaps import matches_symbol as m, overlap_symbol as u
    >>> uniform = measures.iid_uniform(3)
    >>> compare_spectra(spectrum(m + u, uniform, 4), block_spectrum(m + u, uniform, 4), rtol=1e-12).deviation < 1e-14
    True
    >>> compare_spectra(spectrum(m, uniform, 4), spectrum(m + 1, uniform, 4))
    <SpectrumComparison: 1 of 3 levels differ, largest deviation 0.429 at (4), token shape (3): 1.33333333 and 2.33333333, 1 mode>
    """
    for name, value in (("rtol", rtol), ("standard_errors", standard_errors)):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        require(number, name, "must be a number", value, InvalidTypeError)
        require(value >= 0, name, "must be at least 0", value)
    if isinstance(first, SampledSpectrum) or isinstance(second, SampledSpectrum):
        return _compare_sampled(first, second, rtol, standard_errors)
    left, right = level_list(first, "first"), level_list(second, "second")
    largest = _largest(left, right)
    shapes, not_compared = _common_shapes(left, right)
    labels_of = _common_labels(left, right)
    groups: dict[Any, tuple[list[_Run], list[_Run]]] = {}
    for side, listed in enumerate((left, right)):
        for level in listed.levels:
            if shapes is None or level.shape in shapes:
                groups.setdefault(labels_of(level), ([], []))[side].append((level.eigenvalue, level.degeneracy))
    levels: list[ComparedLevel] = []
    for labels, (ours, theirs) in groups.items():
        allowed = rtol * largest + sum(_rounding(listed, labels[0]) for listed in (left, right))
        levels += (ComparedLevel(*labels, a, b, count, allowed) for a, b, count in _matched(ours, theirs, allowed))
    dimensions = (left.total_dimension, right.total_dimension)
    return SpectrumComparison(left.name, right.name, _sorted(levels), largest, dimensions, not_compared)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _largest(*lists: LevelList) -> float:
    return max((abs(level.eigenvalue) for listed in lists for level in listed.levels), default=0.0)


def _sorted(levels: list[ComparedLevel]) -> tuple[ComparedLevel, ...]:
    return largest_first(levels, lambda level: level.second if level.first is None else level.first)


def _rounding(listed: LevelList, shape: Shape | None) -> float:
    return max(listed.rounding.values(), default=0.0) if shape is None else listed.rounding.get(shape, 0.0)


def _common_shapes(left: LevelList, right: LevelList) -> tuple[frozenset[Shape] | None, str]:
    """The shapes to compare, None for all, and what is said of the others."""
    if not (left.is_labelled and right.is_labelled):
        return None, ""
    known = [listed.shapes for listed in (left, right) if listed.shapes is not None]
    if not known:
        return None, ""
    common = frozenset.intersection(*known)
    occurring = {level.shape for listed in (left, right) for level in listed.levels}
    others = sorted(map(str, occurring - common))
    shown = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
    return common, f"not compared: {shown}" if others else ""


def _common_labels(left: LevelList, right: LevelList) -> Callable[[EigenLevel], tuple[Any, Any, Any]]:
    """The labels of a level that both sides know.

    Where a query has a label of its own, the token shape is that of the context alone: another label than the one of
    renaming all tokens.
    """
    lists = (left, right)
    of_positions = all(listed.is_labelled for listed in lists)
    of_query = [_all_have(listed, "query_shape") for listed in lists]
    of_tokens = of_query[0] == of_query[1] and all(_all_have(listed, "token_shape") for listed in lists)

    def labels(level: EigenLevel) -> tuple[Any, Any, Any]:
        return (
            level.shape if of_positions else None,
            level.token_shape if of_positions and of_tokens else None,
            level.query_shape if of_positions and all(of_query) else None,
        )

    return labels


def _all_have(listed: LevelList, name: str) -> bool:
    return all(getattr(level, name) is not None for level in listed.levels)


def _matched(first: list[_Run], second: list[_Run], allowed: float) -> Iterator[tuple[float | None, float | None, int]]:
    """Eigenvalues of both sides with the number of modes they share; None for modes that the other side does not have."""
    pairs, ours, theirs = _pair_off(first, second, lambda a, b: abs(a - b) <= allowed)
    yield from pairs
    # as many modes on either side: none is missing
    same_number = sum(count for _, count in ours) == sum(count for _, count in theirs)
    pairs, ours, theirs = _pair_off(
        ours, theirs, lambda a, b: same_number or abs(a - b) <= _RECOGNISABLE * max(abs(a), abs(b))
    )
    yield from pairs
    yield from ((value, None, count) for value, count in ours)
    yield from ((None, value, count) for value, count in theirs)


def _pair_off(
    first: list[_Run], second: list[_Run], close: Callable[[float, float], bool]
) -> tuple[list[tuple[float, float, int]], list[_Run], list[_Run]]:
    """Greedy from the largest down, which pairs as many modes as possible; the pairs, and what is left of either side."""
    ours, theirs = (sorted(side, key=lambda run: run[0]) for side in (first, second))
    pairs, left, right = [], [], []
    while ours and theirs:
        (a, ours_count), (b, theirs_count) = ours.pop(), theirs.pop()
        count = min(ours_count, theirs_count)
        if close(a, b):
            pairs.append((a, b, count))
            ours += [(a, ours_count - count)] if ours_count > count else []
            theirs += [(b, theirs_count - count)] if theirs_count > count else []
        elif a > b:
            left.append((a, ours_count))
            theirs.append((b, theirs_count))
        else:
            right.append((b, theirs_count))
            ours.append((a, ours_count))
    return pairs, left + ours[::-1], right + theirs[::-1]


def _compare_sampled(first: Any, second: Any, rtol: float, standard_errors: float) -> SpectrumComparison:
    if isinstance(first, SampledSpectrum):
        both = isinstance(second, SampledSpectrum)
        require(not both, "second", "must not be sampled as well", second, InvalidTypeError)
        turned = _compare_sampled(second, first, rtol, standard_errors)
        levels = tuple(replace(level, first=level.second, second=level.first) for level in turned.levels)
        return replace(turned, first=turned.second, second=turned.first, levels=levels)
    listed = level_list(first, "first")
    largest = max(_largest(listed), float(abs(second.extrapolated[0])))
    levels, start = [], 0
    for eigenvalue, degeneracy in _multiplets(listed, rtol * largest):
        if start + degeneracy > len(second.eigenvalues):
            break
        mean, error = second.multiplet_mean(start, degeneracy)
        allowed = rtol * largest + standard_errors * error
        levels.append(ComparedLevel(None, None, None, eigenvalue, mean, degeneracy, allowed))
        start += degeneracy
    beyond = len(second.eigenvalues) - start
    left_out = f"not compared: the last {beyond} sampled eigenvalues" if beyond else ""
    name = f"{second.n_replicates} samples of {second.n_samples}"
    return SpectrumComparison(listed.name, name, tuple(levels), largest, (None, None), left_out)


def _multiplets(listed: LevelList, tolerance: float) -> Iterator[_Run]:
    """Eigenvalues, those that are equal within the tolerance once, with the number of their modes."""
    members: list[EigenLevel] = []
    for level in listed.levels:
        if members and members[-1].eigenvalue - level.eigenvalue > tolerance:
            yield _mean(members)
            members = []
        members.append(level)
    if members:
        yield _mean(members)


def _mean(levels: list[EigenLevel]) -> _Run:
    modes = sum(level.degeneracy for level in levels)
    return sum(level.eigenvalue * level.degeneracy for level in levels) / modes, modes
