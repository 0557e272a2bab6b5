"""Plots of the symmetry of text: covariance blocks by pair of positions, and principal components by position."""

from __future__ import annotations

from typing import Any

import numpy as np

from symrep.errors import InvalidTypeError, require, shown
from symrep.plots.style import axes as axes_or_new
from symrep.plots.style import label_axes, new_axes, style

_QUANTITIES = ("covariance", "components")
_SHOWN_COMPONENTS = 4


def text_plot(report: Any, ax: Any = None, *, quantity: str = "covariance") -> Any:
    """What a report on a text measured, by position.

    Parameters
    ----------
    report
        From :func:`symrep.measures.text.text_report`.
    ax
        Matplotlib axes to draw on; new ones unless given.
    quantity
        ``"covariance"``: the norm of the covariance of the tokens at every pair of different positions; in an exchangeable text all
        are alike. ``"components"``: the leading principal components over the positions, each along its leading token
        direction; in an exchangeable text a component is constant, or sums to zero.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> from symrep.measures.text import read_corpus, text_report
    >>> report = text_report(read_corpus(vocab_size=10), 4, controls=False, n_permutations=0)
    >>> text_plot(report).get_xlabel()
    'position $s$'
    """
    require(
        isinstance(quantity, str) and quantity in _QUANTITIES,
        "quantity",
        f"must be one of {', '.join(_QUANTITIES)}",
        quantity,
    )
    if not (hasattr(report, "symmetry") and hasattr(report, "components")):
        raise InvalidTypeError(f"report must be the result of text_report, got {shown(report)}")
    ax = axes_or_new(ax)
    return _covariance(report, ax) if quantity == "covariance" else _components(report, ax)


def text_figure(report: Any, axes: Any = None) -> tuple[Any, Any]:
    """Covariance and components of a report on two axes, side by side in a new figure unless they are given; returns both."""
    left, right = new_axes(2) if axes is None else axes
    return text_plot(report, left), text_plot(report, right, quantity="components")


def _covariance(report: Any, ax: Any) -> Any:
    from matplotlib.ticker import MaxNLocator

    found = next(iter(report.symmetry.values())).block_energies
    length = len(found)
    norms = np.sqrt(np.maximum(found, 0.0))
    norms[np.arange(length), np.arange(length)] = np.nan
    edges = (0.5, length + 0.5)
    # viridis reads in grey, and with every common colour vision
    image = ax.imshow(norms, cmap="viridis", extent=(*edges, *edges[::-1]), vmin=0, interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label=r"norm of the covariance $|C_{st}|$")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("position $s$")
    ax.set_ylabel("position $t$")
    return ax


def _components(report: Any, ax: Any) -> Any:
    for number, component in enumerate(report.components[:_SHOWN_COMPONENTS]):
        left, strengths, right = np.linalg.svd(component.vector, full_matrices=False)
        profile = left[:, 0] * strengths[0]
        # the sign of a component means nothing: its largest entry is positive
        profile = profile * np.sign(profile[np.abs(profile).argmax()])
        colour, marker, dashes = style(number)
        label = f"{number + 1}: trivial {component.trivial_weight:.2f}, standard {component.standard_weight:.2f}"
        positions = np.arange(1, len(profile) + 1)
        ax.plot(
            positions, profile, color=colour, marker=marker, markersize=4, linestyle=dashes, linewidth=1.2, label=label
        )
    ax.axhline(0, color="#555555", linewidth=0.8, zorder=0)
    label_axes(ax, "position", "principal component")
    ax.legend(frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax
