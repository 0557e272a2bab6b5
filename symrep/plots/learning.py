"""Plots of learning: curves of theory and simulation, and predicted against simulated outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from symrep.errors import InvalidArgumentError, InvalidTypeError, require, shown
from symrep.learning.curves import LearningCurve
from symrep.plots.style import axes, label_axes, plain_ticks, style

_FEW = 12
_POINTS_DRAWN = 200
_QUANTITIES = {"learnability": "learnability", "test_error": "mean squared error", "train_error": "mean squared error"}


def learning_curve_plot(
    curve: Any,
    ax: Any = None,
    *,
    quantity: str = "learnability",
    simulation: Any = None,
    label: str | None = None,
    simulation_label: str | None = None,
) -> Any:
    """Learnability or an error against the number of samples, from theory and from simulation.

    The line runs through many numbers of samples between the first and the last; where these are few, and without a
    simulation, they are marked.

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
    label, simulation_label
        In the legend; the target, and "simulated" behind the first label, unless given.

    Returns
    -------
    matplotlib.axes.Axes
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
    known = isinstance(quantity, str) and quantity in _QUANTITIES
    require(known, "quantity", f"must be one of {', '.join(_QUANTITIES)}", quantity)
    if not isinstance(curve, LearningCurve):
        raise InvalidTypeError(f"curve must be a learning curve, got {shown(curve)}")
    if simulation is not None and not hasattr(simulation, f"{quantity}_error"):
        raise InvalidTypeError(f"simulation must be the result of simulate, got {shown(simulation)}")
    if simulation is not None:
        curve.require_simulated(simulation)
    samples, ridges = np.ravel(curve.n_samples), np.ravel(curve.ridge)
    require(len(set(ridges.tolist())) == 1, "curve", "must have one ridge to be drawn", curve.ridge)
    ax = axes(ax)
    number = sum(1 for line in ax.get_lines() if line.get_gid() == "theory") % 7
    colour, marker, dashes = style(number)
    between = np.geomspace(samples.min(), samples.max(), _POINTS_DRAWN)
    drawn = np.unique(np.clip(np.concatenate([samples, between]), samples.min(), samples.max()))
    values = getattr(curve.at(drawn), quantity)
    name = str(curve.target.name) if label is None else label
    options = {"color": colour, "linestyle": dashes, "linewidth": 1.5}
    if len(drawn) == 1 or (len(samples) <= _FEW and simulation is None):
        options |= {"marker": marker, "markersize": 4, "markevery": np.flatnonzero(np.isin(drawn, samples)).tolist()}
    ax.plot(drawn, values, label=name, gid="theory", **options)
    if simulation is not None:
        simulated = f"{name}, simulated" if simulation_label is None else simulation_label
        means, errors = getattr(simulation, quantity), 2 * getattr(simulation, f"{quantity}_error")
        options = {"color": colour, "linestyle": "none", "markersize": 5, "capsize": 2}
        ax.errorbar(simulation.n_samples, means, errors, marker=marker, label=simulated, **options)
    ax.set_xscale("log")
    plain_ticks(ax.xaxis, ax.dataLim.intervalx)
    if quantity == "learnability":
        ax.set_ylim(-0.02, 1.02)
    elif (np.isfinite(values) & (values > 0)).any() or simulation is not None:
        ax.set_yscale("log")
        plain_ticks(ax.yaxis, ax.dataLim.intervaly)
    label_axes(ax, "number of samples $P$", _QUANTITIES[quantity])
    title = "bars: 2 standard errors" if ax.containers else None
    ax.legend(title=title, title_fontsize="small", frameon=False, fontsize="small")
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
    matplotlib.axes.Axes
        The axes.

    Examples
    --------
    >>> ax = outputs_plot([0.0, 1.0, 2.0], [0.1, 1.0, 1.9])
    >>> ax.get_legend().get_texts()[0].get_text()
    '$R^2 = 0.9877$'
    """
    x, y = _finite(predicted, "predicted"), _finite(simulated, "simulated")
    require(x.shape == y.shape, "simulated", f"must have shape {x.shape}", y.shape)
    if errors is not None:
        errors = _finite(errors, "errors")
        require(errors.shape == x.shape, "errors", f"must have shape {x.shape}", errors.shape)
        require(bool((errors >= 0).all()), "errors", "must not be negative", errors)
    ax = axes(ax)
    colour, marker, _ = style(len(ax.containers) % 7)
    spread = float(((y - y.mean()) ** 2).sum())
    r_squared = 1 - float(((y - x) ** 2).sum()) / spread if spread else float("nan")
    name = f"$R^2 = {r_squared:.4f}$" if label is None else f"{label}: $R^2 = {r_squared:.4f}$"
    options = {"color": colour, "linestyle": "none", "markersize": 3, "alpha": 0.7, "elinewidth": 0.6}
    ax.errorbar(x, y, None if errors is None else 2 * errors, marker=marker, label=name, **options)
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    ax.plot(ends, ends, color="#555555", linewidth=0.8, zorder=0)
    label_axes(ax, "predicted output", "simulated output")
    ax.legend(frameon=False, fontsize="small")
    return ax


def _finite(values: Any, argument: str) -> np.ndarray:
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{argument} must be an array of numbers, got {shown(values)}") from None
    require(numbers.ndim == 1 and len(numbers) > 0, argument, "must be one row of numbers", numbers.shape)
    require(bool(np.isfinite(numbers).all()), argument, "must be finite", values)
    return numbers
