"""Plots: what is drawn is the spectrum, at any size of its degeneracies."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from itertools import accumulate

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection

from symrep import Partition, block_spectrum, kernels, measures, plots, spectrum
from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError
from symrep.kernels.overlaps import matches_symbol as m
from symrep.spectra.dense import dense_spectrum
from symrep.spectra.level_lists import level_list
from symrep.spectra.spectrum import EigenLevel, EvaluatedSpectrum

matplotlib.use("Agg")
LINEAR = spectrum(kernels.architecture("linear-block", "flatten"), measures.iid_uniform(2))
FEW = EvaluatedSpectrum("few", (EigenLevel(Partition((2,)), 2.0, 1), EigenLevel(Partition((1, 1)), 0.5, 3)), 9)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def segments(ax):
    """(start, stop, height, colour) of all horizontal lines, from left to right."""
    lines = [collection for collection in ax.collections if isinstance(collection, LineCollection)]
    found = [(*s[:, 0], s[0, 1], matplotlib.colors.to_hex(c.get_color()[0])) for c in lines for s in c.get_segments()]
    return sorted(found)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def falling(count, base=10, step=4):
    """One level for every shape (300-k,k), degeneracies base^(step k)."""
    shapes = [Partition((300 - k, k)) if k else Partition((300,)) for k in range(count)]
    levels = tuple(EigenLevel(shape, 10.0 ** (-k / 2), base ** (step * k)) for k, shape in enumerate(shapes))
    return EvaluatedSpectrum("falling", levels, None)


def test_levels_are_as_wide_as_their_degeneracies():
    ax = LINEAR.plot(L=8, a=1, p=1)
    levels = LINEAR.evaluate(L=8, a=1, p=1).levels
    stops = list(accumulate(level.degeneracy for level in levels))
    expected = [(s - level.degeneracy + 1, s, level.eigenvalue) for s, level in zip(stops, levels)]
    assert np.array([found[:3] for found in segments(ax)]) == pytest.approx(np.array(expected))
    colours = {level.shape: set() for level in levels}
    for (*_, colour), level in zip(segments(ax), levels):
        colours[level.shape].add(colour)
    assert all(len(own) == 1 for own in colours.values()) and len(set.union(*colours.values())) == len(colours) == 3
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log") and legend(ax) == ["(8)", "(7,1)", "(6,2)"]
    assert ax.get_xlabel() and ax.get_ylabel()


def test_every_kind_of_spectrum_has_the_same_plot():
    net = kernels.architecture("linear-block", "flatten", token_variance=1, position_variance=1)
    uniform = measures.iid_uniform(2)
    blocks = level_list(block_spectrum(net, uniform, 6))
    kinds = [LINEAR.evaluate(L=6, a=1, p=1), spectrum(net, uniform, 6), blocks, dense_spectrum(net.nngp, 2, 6)]
    drawn = [segments(spectrum_.plot()) for spectrum_ in kinds]
    for other in drawn[1:]:
        assert [found[3] for found in other] == [found[3] for found in drawn[0]]
        first, second = (np.array([found[:3] for found in side]) for side in (drawn[0], other))
        assert second == pytest.approx(first, rel=1e-9)


def test_degeneracies_beyond_floats():
    ax = plots.spectrum_plot(falling(100))
    starts = [start for start, *_ in segments(ax)]
    assert starts == pytest.approx([0] + [math.log10(sum(10 ** (4 * j) for j in range(k)) + 1) for k in range(1, 100)])
    assert max(stop for _, stop, *_ in segments(ax)) == pytest.approx(396)
    ax.figure.canvas.draw()
    assert "$10^{400}$" in [tick.get_text() for tick in ax.get_xticklabels()] and np.isfinite(ax.get_xlim()).all()
    below = plots.spectrum_plot(falling(50))
    assert below.get_xscale() == "log" and max(s[1] for s in segments(below)) == pytest.approx(1e196, rel=1e-3)
    below.figure.canvas.draw()
    tiny = replace(FEW, levels=(*FEW.levels, EigenLevel(Partition((2,)), 5e-324, 1)))
    tiny.plot().figure.canvas.draw()


def test_deeper_shapes_share_one_entry():
    assert legend(plots.spectrum_plot(falling(10)))[-2:] == ["(294,6)", "3 deeper shapes"]
    assert legend(plots.spectrum_plot(falling(4), n_shapes=3)) == ["(300)", "(299,1)", "(298,2)", "1 deeper shape"]
    assert legend(plots.spectrum_plot(falling(7)))[-1] == "(294,6)"


def test_shapes_are_told_apart_without_colour():
    handles = plots.spectrum_plot(falling(10)).get_legend().legend_handles
    assert len({handle.get_marker() for handle in handles}) == 8
    assert len({str(handle._unscaled_dash_pattern) for handle in handles[:7]}) == 7


def test_rounding_does_not_order_equal_eigenvalues():
    shapes = [Partition((2, 2)), Partition((4,)), Partition((3, 1)), Partition((4,))]
    levels = [EigenLevel(shape, 1.0 - 1e-13 * k, k + 1) for k, shape in enumerate(shapes)]
    ax = plots.spectrum_plot(EvaluatedSpectrum("equal", tuple(levels), None))
    assert [(start, stop) for start, stop, *_ in segments(ax)] == [(1, 6), (7, 9), (10, 10)]


def test_negative_eigenvalues_have_open_markers():
    ax = plots.spectrum_plot(level_list(block_spectrum(m - 3, measures.iid_uniform(2), 4)))
    assert legend(ax) == ["(4)", "(3,1)", "negative (absolute value)"]
    drawn = [line for line in ax.get_lines() if len(line.get_xdata()) and line.get_markerfacecolor() == "none"]
    assert [line.get_xdata().tolist() for line in map(as_arrays, drawn)] == [[5]]
    assert all((height > 0) for *_, height, _ in segments(ax))


def as_arrays(line):
    line.set_xdata(np.asarray(line.get_xdata()))
    return line


def test_eigenvalues_without_labels():
    ax = plots.spectrum_plot(level_list([3.0, 1.0, 1.0]))
    assert ax.get_legend() is None and [found[:3] for found in segments(ax)] == [(1, 1, 3), (2, 3, 1)]


def test_axes_can_be_given():
    figure, (left, right) = pyplot.subplots(1, 2)
    assert FEW.plot(right) is right and not segments(left) and len(segments(right)) == 2
    assert FEW.plot().figure is not figure


def test_several_spectra():
    ax = plots.spectra_plot({"few": FEW, "more": falling(3)})
    few, more = ax.get_lines()
    assert few.get_xdata().tolist() == [1, 1, 2, 4] and few.get_ydata().tolist() == [2, 2, 0.5, 0.5]
    assert (
        legend(ax) == ["few", "more"]
        and few.get_color() != more.get_color()
        and few.get_linestyle() != more.get_linestyle()
    )
    plots.spectra_plot({"few": FEW, "many": falling(100)}).figure.canvas.draw()


def power_law(length, exponent):
    shapes = [Partition((length,)), Partition((length - 1, 1)), Partition((length - 1, 1))]
    values = [3.0, length**exponent, 0.5 * length ** (exponent - 1)]
    return EvaluatedSpectrum("law", tuple(EigenLevel(s, v, 1) for s, v in zip(shapes, values)), None)


def test_exponents():
    spectra = {length: power_law(length, -1.5) for length in (8, 16, 32, 64)}
    ax = plots.exponents_plot(spectra)
    assert legend(ax) == ["$(L)$: $L^{0.00}$", "$(L-1,1)$: $L^{-1.50}$"]
    assert legend(plots.exponents_plot(spectra, index=1)) == ["$(L-1,1)$: $L^{-2.50}$"]
    assert legend(plots.exponents_plot(spectra, n_shapes=1)) == ["$(L)$: $L^{0.00}$"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["8", "16", "32", "64"]
    bent = {**spectra, 8: power_law(8, 0)}
    assert legend(plots.exponents_plot(bent))[1] == "$(L-1,1)$: $L^{-1.50}$"
    slope = np.polyfit(np.log(list(bent)), np.log([1, 16**-1.5, 32**-1.5, 64**-1.5]), 1)[0]
    assert legend(plots.exponents_plot(bent, n_fit=4))[1] == f"$(L-1,1)$: $L^{{{slope:.2f}}}$"


def test_shapes_that_end_early_say_what_they_were_fitted_to():
    spectra = {length: power_law(length, -1.5) for length in (8, 16, 32, 64)}
    for length in (32, 64):
        spectra[length] = replace(spectra[length], levels=spectra[length].levels[:1])
    ax = plots.exponents_plot(spectra)
    assert ax.get_legend().get_title().get_text() == r"fitted to $L \geq 32$"
    assert legend(ax) == ["$(L)$: $L^{0.00}$", r"$(L-1,1)$: $L^{-1.50}$ ($8 \leq L \leq 16$)"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: plots.spectrum_plot(3), InvalidTypeError, "spectrum must be a spectrum with levels, got 3"),
        (lambda: plots.spectrum_plot(FEW, "axes"), InvalidTypeError, "ax must be matplotlib axes, got 'axes'"),
        (lambda: plots.spectrum_plot(FEW, n_shapes=8), InvalidArgumentError, "n_shapes must be at most 7, got 8"),
        (lambda: plots.spectrum_plot(FEW, n_shapes=0), InvalidArgumentError, "n_shapes must be at least 1, got 0"),
        (lambda: LINEAR.plot(L=8, a=1), FreeSymbolError, "evaluate needs numbers for p"),
        (lambda: FEW.plot(L=8), InvalidArgumentError, "must have symbols to be given values for L"),
        (
            lambda: EvaluatedSpectrum("zero", (), 4).plot(),
            InvalidArgumentError,
            "spectrum must have a nonzero eigenvalue to be drawn",
        ),
        (lambda: plots.spectra_plot([FEW]), InvalidTypeError, "spectra must be a mapping of names to spectra"),
        (lambda: plots.spectra_plot({}), InvalidArgumentError, "spectra must be 1 to 7 spectra, got 0"),
        (lambda: plots.spectra_plot({"x": 1}), InvalidTypeError, r"spectra\['x'\] must be a spectrum with levels"),
        (lambda: plots.exponents_plot({8: FEW}), InvalidArgumentError, "spectra must have at least two lengths"),
        (lambda: plots.exponents_plot({8.0: FEW, 9: FEW}), InvalidTypeError, "length must be an integer, got 8.0"),
        (lambda: plots.exponents_plot({8: FEW, 9: FEW}, n_fit=1), InvalidArgumentError, "n_fit must be at least 2"),
        (
            lambda: plots.exponents_plot({8: FEW, 9: FEW}, index=5),
            InvalidArgumentError,
            "spectra must have a shape with eigenvalue number 5 at two lengths",
        ),
    ],
)
def test_arguments_are_checked(call, error, message):
    with pytest.raises(error, match=message):
        call()
    assert not pyplot.get_fignums()


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(
        ImportError, match=r"plots need matplotlib, which is not installed: .* 'symrep\[plots\]'"
    ) as caught:
        FEW.plot()
    assert isinstance(caught.value, plots.MissingMatplotlibError)


def test_matplotlib_is_imported_when_something_is_drawn():
    code = "import sys, symrep.plots, symrep.spectra.comparisons; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize(
    ("samples", "texts"),
    [([16, 64, 256], ["20", "50", "100", "200"]), ([1, 10**5], ["1", "10", "100", "1000", "10000", "100000"])],
)
def test_numbers_of_samples_are_written_in_full(samples, texts):
    from symrep import learning

    s = spectrum(
        kernels.architecture("linear-block", token_variance=1, position_variance=1), measures.iid_uniform(2), 8
    )
    ax = learning.learning_curve(s, "S", samples, 0.05, noise=0.01).plot(quantity="test_error")
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    shown = [label.get_text() for label in ax.get_xticklabels() if low <= label.get_position()[0] <= high]
    assert shown == texts
    assert not any("10^" in label.get_text() for label in ax.get_yticklabels(which="both"))


def test_curves_run_through_many_samples_and_mark_the_few_that_were_asked_for():
    from symrep import learning

    net = kernels.architecture("linear-block", token_variance=1, position_variance=1)
    s = spectrum(net, measures.iid_uniform(2), 8)
    curve = learning.learning_curve(s, "S", [256, 16, 64], 0.05, noise=0.01, theory="next-order")
    line = curve.plot(quantity="test_error").get_lines()[0]
    x, y = line.get_data()
    assert len(x) > 100 and (x[0], x[-1]) == (16, 256) and (np.diff(x) > 0).all()
    assert line.get_marker() == "o" and x[line.get_markevery()].tolist() == [16, 64, 256]
    np.testing.assert_allclose(y[line.get_markevery()], curve.test_error[[1, 2, 0]], rtol=1e-12)
    middle = learning.learning_curve(s, "S", x[50], 0.05, noise=0.01, theory="next-order")
    assert y[50] == pytest.approx(float(middle.test_error), rel=1e-12)
    # of many none is marked, nor where simulated points stand there
    many = learning.learning_curve(s, "S", np.geomspace(4, 100, 40), 0.05).plot().get_lines()[0]
    assert many.get_marker() == "None"
    simulation = learning.simulate(s.kernel, s.measure, 8, "S", [16, 64, 256], ridge=0.05, noise=0.01, n_repeats=2)
    assert curve.plot(simulation=simulation).get_lines()[0].get_marker() == "None"
    with pytest.raises(InvalidTypeError, match="curve must be a learning curve"):
        plots.learning_curve_plot(simulation)
    with pytest.raises(InvalidArgumentError, match="ridge must be one number for other numbers of samples"):
        learning.learning_curve(s, "S", 16, [0.05, 0.1]).at(20)
    # one number of samples is a point, simulated or not; a theory without a finite value is drawn all the same
    one = learning.learning_curve(s, "S", 16, 0.05)
    simulation = learning.simulate(s.kernel, s.measure, 8, "S", 16, ridge=0.05, n_repeats=2)
    assert one.plot(simulation=simulation).get_lines()[0].get_marker() == "o"
    hopeless = learning.learning_curve(s, "S", [1, 2], 0, theory="next-order")
    assert np.isinf(hopeless.test_error).all()
    hopeless.plot(quantity="test_error").figure.canvas.draw()


def test_simulations_of_something_else_are_refused():
    from symrep import learning

    net = kernels.architecture("linear-block", token_variance=1, position_variance=1)
    s = spectrum(net, measures.iid_uniform(2), 8)
    curve = learning.learning_curve(s, "S", [4, 8], 0.05, noise=0.01)

    def simulated(target="n_0 - n_1", ridge=0.05, noise=0.01):
        return learning.simulate(net, s.measure, 8, target, [4, 8], ridge, noise=noise, n_repeats=2)

    assert len(curve.table(simulated()).rows) == 2  # the same function by another name
    for wrong, message in (
        (simulated(target="majority()"), "simulation must be of the target S, got <Simulation"),
        (simulated(ridge=0.1), "simulation must have the ridge of the curve, 0.05, got 0.1"),
        (simulated(noise=0), "simulation must have the noise of the curve, 0.01, got 0.0"),
    ):
        for use in (curve.table, lambda found: curve.plot(simulation=found)):
            with pytest.raises(InvalidArgumentError, match=message):
                use(wrong)


def test_simulated_points_have_a_label_of_their_own():
    from symrep import learning

    net = kernels.architecture("linear-block", token_variance=1, position_variance=1)
    s = spectrum(net, measures.iid_uniform(2), 5)
    simulation = learning.simulate(net, measures.iid_uniform(2), 5, "S", [4, 8], 0.1, n_repeats=3)
    ax = learning.learning_curve(s, "S", [4, 8], 0.1).plot(
        simulation=simulation, label="theory", simulation_label="200 sets"
    )
    assert legend(ax) == ["theory", "200 sets"]
    assert ax.get_legend().get_title().get_text() == "bars: 2 standard errors"
    with pytest.raises(
        InvalidTypeError, match="ax must be matplotlib axes: a simulation goes by its name, simulation=..."
    ):
        learning.learning_curve(s, "S", [4, 8], 0.1).plot(simulation)
    alone = learning.learning_curve(s, "S", [4, 8], 0.1).plot()
    assert alone.get_legend().get_title().get_text() == ""


def test_legends_of_many_curves_stand_below_the_axis():
    spectra = {length: falling_powers(length, 6) for length in (64, 128, 256)}
    below, inside = plots.exponents_plot(spectra, n_shapes=6), plots.exponents_plot(spectra, n_shapes=3)
    for ax in (below, inside):
        ax.figure.canvas.draw()
    box, axes = below.get_legend().get_window_extent(), below.get_window_extent()
    assert box.y1 <= below.xaxis.label.get_window_extent().y0
    assert axes.x0 <= box.x0 and box.x1 <= axes.x1
    assert inside.get_legend().get_window_extent().y1 <= inside.get_window_extent().y1 + 1


def falling_powers(length, count):
    levels = tuple(
        EigenLevel(Partition((length - k, k) if k else (length,)), float(length) ** -k, 1) for k in range(count)
    )
    return EvaluatedSpectrum("powers", levels, None)


def test_levels_of_several_modes_end_in_a_mark():
    s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
    ax = plots.spectrum_plot(s, L=10, a=1, p=1)
    caps = [line for line in ax.get_lines() if line.get_marker() == "|"]
    ends = sorted(x for line in caps for x in line.get_xdata())
    assert ends == [11.0, 21.0]


def test_plots_of_some_shapes_say_so():
    net = kernels.architecture("relu-block", token_variance=1, position_variance=1)
    some, whole = (block_spectrum(net, measures.iid_uniform(2), 6, shapes=shapes) for shapes in (1, None))
    assert (
        some.plot().get_title() == "modes of shapes not asked for are left out of the index"
        and whole.plot().get_title() == ""
    )
    assert LINEAR.plot(L=6, a=1, p=1).get_title() == ""
