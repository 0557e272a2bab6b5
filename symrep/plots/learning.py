"""Plots of learning: curves of theory and simulation, and predicted against simulated outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from symrep.errors import require
from symrep.plots.style import axes, label_axes, style

_QUANTITIES = {"learnability": "learnability", "test_error": "mean squared error", "train_error": "mean squared error"}


def learning_curve_plot(
    curve: Any, ax: Any = None, *, quantity: str = "learnability", simulation: Any = None, label: str | None = None
) -> Any:
    """Learnability or an error against the number of samples, from theory and from simulation.

    Parameters
    ----------
    curve
        A learning curve over an array of sample numbers, at one ridge.
    ax
        Matplotlib axes to draw on; new ones unless given. Further curves get the next colour.
    quantity
        ``"learnability"``, ``"test_error"`` or ``"train_error"``.
    simulation
        The result of :func:`symrep.learning.simulate`, drawn as points with two standard errors.
    label
        In the legend; the target unless given.

    Returns
    -------
    The axes.

    Raises
    ------
    InvalidArgumentError
        When the quantity is unknown, or the curve has more than one ridge.

    Examples
    --------
    >>> from symrep import kernels, learning, measures, spectrum
    >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2), 8).substitute(a="1/2", p=1)
    >>> ax = learning_curve_plot(learning.learning_curve(s, "S", [4, 16, 64], 0.05))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('number of samples $P$', 'learnability')
    """
    require(quantity in _QUANTITIES, "quantity", f"must be one of {', '.join(_QUANTITIES)}", quantity)
    samples, ridges = np.ravel(curve.n_samples), np.ravel(curve.ridge)
    require(len(set(ridges.tolist())) == 1, "curve", "must have one ridge to be drawn", curve.ridge)
    ax = axes(ax)
    number = sum(1 for line in ax.get_lines() if line.get_gid() == "theory") % 7
    colour, marker, dashes = style(number)
    order = np.argsort(samples)
    values = np.ravel(getattr(curve, quantity))
    name = str(curve.target.name) if label is None else label
    ax.plot(samples[order], values[order], color=colour, linestyle=dashes, linewidth=1.5, label=name, gid="theory")
    if simulation is not None:
        means, errors = getattr(simulation, quantity), 2 * getattr(simulation, f"{quantity}_error")
        options = {"color": colour, "linestyle": "none", "markersize": 5, "capsize": 2}
        ax.errorbar(simulation.n_samples, means, errors, marker=marker, label=f"{name}, simulated", **options)
    ax.set_xscale("log")
    if quantity == "learnability":
        ax.set_ylim(-0.02, 1.02)
    else:
        ax.set_yscale("log")
    label_axes(ax, "number of samples $P$", _QUANTITIES[quantity])
    ax.legend(frameon=False, fontsize="small")
    return ax


def outputs_plot(
    predicted: Any, simulated: Any, ax: Any = None, *, errors: Any = None, label: str | None = None
) -> Any:
    """Simulated against predicted outputs, one point per sequence, with the diagonal and R^2.

    Parameters
    ----------
    predicted
        Mean outputs from theory, (n,), such as ``predicted_output(...).mean``.
    simulated
        Mean outputs of the simulation at the same sequences.
    ax
        Matplotlib axes to draw on; new ones unless given.
    errors
        Standard errors of the simulated ones, (n,).
    label
        In the legend, before the R^2.

    Returns
    -------
    The axes.

    Examples
    --------
    >>> ax = outputs_plot([0.0, 1.0, 2.0], [0.1, 1.0, 1.9])
    >>> ax.get_legend().get_texts()[0].get_text()
    '$R^2 = 0.9877$'
    """
    x, y = np.asarray(predicted, dtype=float), np.asarray(simulated, dtype=float)
    require(x.ndim == 1 and x.shape == y.shape and len(x) > 0, "simulated", f"must have shape {x.shape}", y.shape)
    ax = axes(ax)
    colour, marker, _ = style(len(ax.containers) % 7)
    spread = float(((y - y.mean()) ** 2).sum())
    r_squared = 1 - float(((y - x) ** 2).sum()) / spread if spread else float("nan")
    name = f"$R^2 = {r_squared:.4f}$" if label is None else f"{label}: $R^2 = {r_squared:.4f}$"
    options = {"color": colour, "linestyle": "none", "markersize": 3, "alpha": 0.7, "elinewidth": 0.6}
    ax.errorbar(x, y, None if errors is None else 2 * np.asarray(errors), marker=marker, label=name, **options)
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    ax.plot(ends, ends, color="#555555", linewidth=0.8, zorder=0)
    label_axes(ax, "predicted output", "simulated output")
    ax.legend(frameon=False, fontsize="small")
    return ax
