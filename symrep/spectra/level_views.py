"""What every spectrum offers about its levels once they are numbers: a plot, the cumulative trace, a comparison."""

from __future__ import annotations

from typing import Any


class LevelViews:
    """Methods shared by the spectra: each reads the levels at numbers for the symbols, given by name."""

    def level_list(self, **values: Any) -> Any:
        """The nonzero levels in float64, largest first, see :func:`symrep.spectra.level_lists.level_list`."""
        from symrep.spectra.level_lists import level_list

        return level_list(self, **values)

    def plot(self, ax: Any = None, *, n_shapes: int = 7, **values: Any) -> Any:
        """Eigenvalue against index on logarithmic axes, coloured by irrep; returns the matplotlib axes.

        ``values`` are numbers for all symbols, by name. See :func:`symrep.plots.spectrum_plot`; needs the extra ``plots``.
        """
        from symrep.plots import spectrum_plot

        return spectrum_plot(self, ax, n_shapes=n_shapes, **values)

    def cumulative_trace(self, **values: Any) -> Any:
        """The share of the trace that the leading modes hold, see :func:`symrep.cumulative_trace`."""
        from symrep.spectra.level_lists import cumulative_trace

        return cumulative_trace(self, **values)

    def compare(self, other: Any, *, rtol: float = 1e-9, **values: Any) -> Any:
        """The levels of this spectrum beside those of another, see :func:`symrep.compare_spectra`.

        ``values`` are numbers for the symbols of this spectrum, by name.
        """
        from symrep.spectra.comparisons import compare_spectra

        return compare_spectra(self.level_list(**values), other, rtol=rtol)
