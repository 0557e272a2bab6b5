"""Plots: the only room that knows matplotlib (the extra ``plots``), which it imports when it draws.

Every function takes axes or makes new ones, and returns them.
"""

from symrep.plots.lattices import lattice_plot
from symrep.plots.learning import learning_curve_plot, outputs_plot
from symrep.plots.spectra import exponents_plot, spectra_plot, spectrum_plot
from symrep.plots.style import MissingMatplotlibError
from symrep.plots.text import text_figure, text_plot

__all__ = [
    "MissingMatplotlibError",
    "exponents_plot",
    "lattice_plot",
    "learning_curve_plot",
    "outputs_plot",
    "spectra_plot",
    "spectrum_plot",
    "text_figure",
    "text_plot",
]
