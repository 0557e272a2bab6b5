"""What all plots share: axes, colours, and matplotlib, imported when something is drawn."""

from __future__ import annotations

from typing import Any

from symrep.errors import InvalidTypeError, MissingPackageError, shown

# Okabe and Ito's palette, told apart with every common colour vision; markers and dashes tell the curves apart in grey
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1, 1)),
    (0, (4, 1, 1, 1)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (2, 2)),
)


_LEAST_PLAIN, _LARGEST_PLAIN = 1e-4, 1e6


class MissingMatplotlibError(MissingPackageError):
    """Plots need matplotlib, which comes with the extra ``plots``."""


def _pyplot() -> Any:
    try:
        import matplotlib.pyplot as pyplot
    except ImportError:
        raise MissingMatplotlibError(
            "plots need matplotlib, which is not installed: python -m pip install 'symrep[plots]'"
        ) from None
    return pyplot


def axes(ax: Any) -> Any:
    """The axes given, or new ones."""
    pyplot = _pyplot()
    if ax is None:
        return pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")[1]
    if not all(hasattr(ax, name) for name in ("hlines", "set_yscale", "figure")):
        raise InvalidTypeError(f"ax must be matplotlib axes, got {shown(ax)}")
    return ax


def new_axes(count: int) -> Any:
    """Axes side by side in one figure."""
    return _pyplot().subplots(1, count, figsize=(6.4 * count, 4.2), layout="constrained")[1]


def style(number: int) -> tuple[str, str, Any]:
    """Colour, marker and dashes of curve ``number``."""
    return COLOURS[number], MARKERS[number], DASHES[number]


def plain_ticks(axis: Any, interval: tuple[float, float]) -> None:
    """On a logarithmic axis numbers that are neither small nor large in full, at 1, 2 and 5 times powers of ten where few are seen."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = interval
    is_short = low > 0 and high < 1000 * low
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if is_short else (1.0,)))
    if low >= _LEAST_PLAIN and high < _LARGEST_PLAIN:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def label_axes(ax: Any, x: str, y: str) -> None:
    """Labels, a light grid behind the data, and two spines."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(True, which="major", color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
