"""Plots of spectra.

Indices and degeneracies reach V^L, far beyond floats, so the horizontal axis then holds logarithms of exact integers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_integer, shown
from symrep.plots.style import COLOURS, axes, label_axes, style

# far enough below the largest float for the margins of the axes
_LARGEST_FLOAT = 10**200
_SAME = 1e-9
_CROWDED = 60
_FEW_CURVES = 4
_DEEPER = ("#999999", ".", "-")


@dataclass(frozen=True)
class _Mark:
    """One level as it is drawn: modes number ``start`` to ``stop``, and the absolute eigenvalue."""

    shape: Any
    start: int
    stop: int
    height: float
    is_negative: bool


def spectrum_plot(spectrum: Any, ax: Any = None, *, n_shapes: int = 7, **values: Any) -> Any:
    """Eigenvalue against index on logarithmic axes, coloured by irrep.

    Every level is a horizontal line as wide as its degeneracy: over the indices of its modes, the largest eigenvalue being
    mode 1. A level of a single mode is a marker alone. Negative eigenvalues come last, by their absolute value, with an
    open marker; zeros are left out.

    Parameters
    ----------
    spectrum
        Of any kind that has levels: symbolic, evaluated, block by block, dense.
    ax
        Matplotlib axes to draw on; new ones unless given.
    n_shapes
        How many shapes get a colour of their own, 1 to 7: those with fewest boxes below the first row. The others are grey.
    **values
        Numbers for all symbols of a symbolic spectrum, by name.

    Returns
    -------
    matplotlib.axes.Axes
        The axes; ``axes.figure.savefig(path)`` writes them to a file.

    Raises
    ------
    MissingMatplotlibError
        Without matplotlib.
    InvalidTypeError
        When ``spectrum`` has no levels or ``ax`` is no axes.
    InvalidArgumentError
        When there is nothing to draw: every eigenvalue is 0.

    Notes
    -----
    Where indices exceed 10^200 the axis is linear in the logarithm of the index, with the same labels.

    Examples
    --------
    >>> from symrep import kernels, measures, spectrum
    >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
    >>> ax = spectrum_plot(s, L=10, a=1, p=1)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['(10)', '(9,1)']
    """
    n_shapes = require_integer(n_shapes, "n_shapes", minimum=1)
    require(n_shapes <= len(COLOURS), "n_shapes", f"must be at most {len(COLOURS)}", n_shapes)
    marks = _marks(spectrum, "spectrum", values)
    ax = axes(ax)
    to_axis = _index_axis(ax, marks[-1].stop)
    shapes = sorted({mark.shape for mark in marks if mark.shape is not None}, key=_depth_first)
    size = 5.0 if len(marks) <= _CROWDED else 3.0
    if others := shapes[n_shapes:]:
        _draw(ax, [mark for mark in marks if mark.shape in set(others)], to_axis, _DEEPER, size)
    for number, shape in reversed(list(enumerate([*shapes[:n_shapes], *([] if shapes else [None])]))):
        _draw(ax, [mark for mark in marks if mark.shape == shape], to_axis, style(number), size)
    entries = [(style(number), str(shape)) for number, shape in enumerate(shapes[:n_shapes])]
    if others:
        entries.append((_DEEPER, f"{len(others)} deeper shape{'s' if len(others) > 1 else ''}"))
    for (colour, marker, dashes), label in entries:
        ax.plot([], [], color=colour, marker=marker, markersize=5, linestyle=dashes, linewidth=2, label=label)
    has_negative = any(mark.is_negative for mark in marks)
    if has_negative:
        ax.plot([], [], "o", color="#555555", markerfacecolor="none", label="negative (absolute value)")
    _label_logarithmic(ax, "index of the mode", "eigenvalue")
    if getattr(spectrum, "degeneracy_of_other_shapes", 0) != 0:
        ax.set_title("modes of shapes not asked for are left out of the index", fontsize="small")
    if entries or has_negative:
        # positive eigenvalues fall from left to right, negative ones come last and rise
        place = "lower left" if has_negative else "upper right"
        ax.legend(title="shape" if entries else None, loc=place, frameon=False, fontsize="small")
    return ax


def spectra_plot(spectra: Mapping[str, Any], ax: Any = None) -> Any:
    """Several spectra as staircases, eigenvalue against index on logarithmic axes; negative eigenvalues as absolute values.

    Parameters
    ----------
    spectra
        A spectrum with numbers for every name in the legend, at most 7.
    ax
        Matplotlib axes to draw on; new ones unless given.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    MissingMatplotlibError, InvalidTypeError, InvalidArgumentError
        As :func:`spectrum_plot`; when there is no spectrum, or more than 7.

    Examples
    --------
    >>> from symrep import kernels, measures, spectrum
    >>> uniform = measures.iid_uniform(2)
    >>> nets = {name: kernels.architecture("linear-block", name).substitute(a=1, p=1) for name in ("pool", "flatten")}
    >>> ax = spectra_plot({name: spectrum(net, uniform, 6) for name, net in nets.items()})
    >>> [line.get_label() for line in ax.get_lines()]
    ['pool', 'flatten']
    """
    _require_mapping(spectra, "spectra", "names to spectra")
    require(1 <= len(spectra) <= len(COLOURS), "spectra", f"must be 1 to {len(COLOURS)} spectra", len(spectra))
    marks = {name: _marks(spectrum, f"spectra[{name!r}]", {}) for name, spectrum in spectra.items()}
    ax = axes(ax)
    to_axis = _index_axis(ax, max(own[-1].stop for own in marks.values()))
    for number, (name, own) in enumerate(marks.items()):
        colour, marker, dashes = style(number)
        x = [to_axis(index) for mark in own for index in (mark.start, mark.stop)]
        y = [mark.height for mark in own for _ in range(2)]
        few = marker if len(own) <= _CROWDED else None
        ax.plot(x, y, color=colour, linestyle=dashes, marker=few, markevery=2, markersize=4, label=str(name))
    _label_logarithmic(ax, "index of the mode", "eigenvalue")
    ax.legend(frameon=False, fontsize="small")
    return ax


def exponents_plot(
    spectra: Mapping[int, Any], ax: Any = None, *, n_shapes: int = 5, index: int = 0, n_fit: int | None = None
) -> Any:
    r"""The eigenvalue of every leading shape against the length on logarithmic axes, with fitted exponents.

    Shapes of different lengths belong together when they agree below the first row: (L-1,1) is the standard
    representation at every length. The exponent is the slope of log eigenvalue against log length, by least squares.

    Parameters
    ----------
    spectra
        A spectrum with numbers for every length, at least two.
    ax
        Matplotlib axes to draw on; new ones unless given.
    n_shapes
        How many shapes to draw, 1 to 7: those with fewest boxes below the first row.
    index
        Which eigenvalue of the shape: 0 is the largest.
    n_fit
        How many of the largest lengths that have the shape the slope is fitted to, at least 2; half of all lengths unless
        given.

    Returns
    -------
    matplotlib.axes.Axes
        The axes; the exponents are in the legend.

    Raises
    ------
    MissingMatplotlibError, InvalidTypeError, InvalidArgumentError
        As :func:`spectrum_plot`; when fewer than two lengths are given, or no shape has the eigenvalue at two lengths.

    Examples
    --------
    >>> from symrep import kernels, measures, spectrum
    >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
    >>> ax = exponents_plot({L: s.evaluate(L=L, a=1, p=1) for L in (64, 128, 256)})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['$(L)$: $L^{1.97}$', '$(L-1,1)$: $L^{-0.01}$']
    """
    n_shapes = require_integer(n_shapes, "n_shapes", minimum=1)
    require(n_shapes <= len(COLOURS), "n_shapes", f"must be at most {len(COLOURS)}", n_shapes)
    index = require_integer(index, "index", minimum=0)
    _require_mapping(spectra, "spectra", "lengths to spectra")
    lengths = sorted(require_integer(length, "length", minimum=1) for length in spectra)
    require(len(lengths) >= 2, "spectra", "must have at least two lengths", lengths)
    n_fit = max(2, (len(lengths) + 1) // 2) if n_fit is None else require_integer(n_fit, "n_fit", minimum=2)
    curves: dict[tuple[int, ...], dict[int, float]] = {}
    for length in lengths:
        found: dict[tuple[int, ...], list[float]] = {}
        for mark in _marks(spectra[length], f"spectra[{length}]", {}):
            if mark.shape is not None and not mark.is_negative:
                found.setdefault(mark.shape.parts[1:], []).append(mark.height)
        for lower, eigenvalues in found.items():
            if index < len(eigenvalues):
                curves.setdefault(lower, {})[length] = eigenvalues[index]
    curves = {lower: curve for lower, curve in curves.items() if len(curve) >= 2}
    require(bool(curves), "spectra", f"must have a shape with eigenvalue number {index} at two lengths", lengths)
    ax = axes(ax)
    for number, lower in enumerate(
        sorted(curves, key=lambda lower: (sum(lower), [-part for part in lower]))[:n_shapes]
    ):
        _draw_power_law(ax, curves[lower], style(number), _padded(lower), n_fit, lengths[-n_fit:][0])
    ax.set_xscale("log")
    _label_logarithmic(ax, "length $L$", "largest eigenvalue" if index == 0 else f"eigenvalue number {index}")
    _plain_ticks(ax, lengths)
    place = {"loc": "best"}
    if min(n_shapes, len(curves)) > _FEW_CURVES:
        # below, where no title is and no figure beside it
        place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.2), "ncols": 2}
    ax.legend(title=f"fitted to $L \\geq {lengths[-n_fit:][0]}$", frameon=False, fontsize="small", **place)
    return ax


def _marks(spectrum: Any, argument: str, values: dict[str, Any]) -> list[_Mark]:
    if not hasattr(spectrum, "level_list"):
        raise InvalidTypeError(f"{argument} must be a spectrum with levels, got {shown(spectrum)}")
    levels = [level for level in spectrum.level_list(**values).levels if level.eigenvalue]
    if not levels:
        raise InvalidArgumentError(f"{argument} must have a nonzero eigenvalue to be drawn, got {spectrum!r}")
    marks, count = [], 0
    for eigenvalue, shape, degeneracy in _merged(levels):
        marks.append(_Mark(shape, count + 1, count + degeneracy, abs(eigenvalue), eigenvalue < 0))
        count += degeneracy
    return marks


def _merged(levels: Iterable[Any]) -> Iterator[tuple[float, Any, int]]:
    """Levels that differ by rounding in an order that does not depend on it, those of one shape as one."""
    clusters: list[list[Any]] = []
    for level in levels:
        if clusters and clusters[-1][-1].eigenvalue - level.eigenvalue <= _SAME * abs(level.eigenvalue):
            clusters[-1].append(level)
        else:
            clusters.append([level])
    for cluster in clusters:
        degeneracies: dict[Any, int] = {}
        for level in sorted(cluster, key=lambda level: _depth_first(level.shape)):
            degeneracies[level.shape] = degeneracies.get(level.shape, 0) + level.degeneracy
        yield from ((cluster[0].eigenvalue, shape, count) for shape, count in degeneracies.items())


def _require_mapping(value: Any, argument: str, what: str) -> None:
    if not isinstance(value, Mapping):
        raise InvalidTypeError(f"{argument} must be a mapping of {what}, got {shown(value)}")


def _depth_first(shape: Any) -> tuple[Any, ...]:
    """Few boxes below the first row first, then in reverse lexicographic order."""
    parts = shape.parts if shape is not None else ()
    return sum(parts[1:]), [-part for part in parts]


def _index_axis(ax: Any, largest: int) -> Any:
    """Set the scale of the horizontal axis; what takes an index to its place on it."""
    if largest < _LARGEST_FLOAT:
        ax.set_xscale("log")
        return float
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda exponent, _: f"$10^{{{exponent:.0f}}}$"))
    return math.log10


def _draw(ax: Any, marks: Sequence[_Mark], to_axis: Any, style: tuple[str, str, Any], size: float) -> None:
    colour, marker, dashes = style
    starts, stops = ([to_axis(getattr(mark, end)) for mark in marks] for end in ("start", "stop"))
    ax.hlines([mark.height for mark in marks], starts, stops, colors=colour, linestyles=dashes, linewidth=size / 2.5)
    # dashes may end in a gap
    ends = [(stop, mark.height) for stop, mark in zip(stops, marks) if mark.stop > mark.start]
    if ends:
        ax.plot(*zip(*ends), "|", color=colour, markersize=size, linestyle="none")
    for is_negative, face in ((False, colour), (True, "none")):
        points = [(start, mark.height) for start, mark in zip(starts, marks) if mark.is_negative == is_negative]
        if points:
            ax.plot(*zip(*points), marker, color=colour, markerfacecolor=face, markersize=size, linestyle="none")


def _draw_power_law(
    ax: Any, curve: dict[int, float], style: tuple[str, str, Any], name: str, n_fit: int, since: int
) -> None:
    """Points and the line fitted to the last of them; the label says which if they do not start where others do."""
    colour, marker, dashes = style
    x, y = list(curve), list(curve.values())
    fitted = x[-n_fit:]
    slope, intercept = _line([math.log(v) for v in fitted], [math.log(v) for v in y[-n_fit:]])
    exponent = f"{slope:.2f}".replace("-0.00", "0.00")
    own = "" if fitted[0] == since else f" (${fitted[0]} \\leq L \\leq {fitted[-1]}$)"
    ax.plot(x, y, marker, color=colour, markersize=6)
    ends = [x[0], x[-1]]
    heights = [math.exp(intercept + slope * math.log(length)) for length in ends]
    ax.plot(ends, heights, color=colour, linestyle=dashes, linewidth=1.5)
    ax.plot([], [], marker, color=colour, linestyle=dashes, label=f"${name}$: $L^{{{exponent}}}${own}")


def _line(x: list[float], y: list[float]) -> tuple[float, float]:
    """Slope and intercept by least squares."""
    mean_x, mean_y = math.fsum(x) / len(x), math.fsum(y) / len(y)
    slope = math.fsum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / math.fsum((a - mean_x) ** 2 for a in x)
    return slope, mean_y - slope * mean_x


def _padded(lower: Iterable[int]) -> str:
    """
    >>> _padded((2, 1)), _padded(())
    ('(L-3,2,1)', '(L)')
    """
    parts = tuple(lower)
    first = f"L-{sum(parts)}" if parts else "L"
    return f"({','.join([first, *map(str, parts)])})"


def _plain_ticks(ax: Any, lengths: Sequence[int]) -> None:
    """The lengths themselves as ticks where they are few."""
    if len(lengths) > 8:
        return
    from matplotlib.ticker import NullLocator

    ax.set_xticks(lengths, [str(length) for length in lengths])
    ax.xaxis.set_minor_locator(NullLocator())


def _label_logarithmic(ax: Any, x: str, y: str) -> None:
    ax.set_yscale("log")
    label_axes(ax, x, y)
