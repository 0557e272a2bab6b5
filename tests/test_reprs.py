"""What results print at a prompt: one short line, and text or a table where they are asked for one."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import symrep
from symrep import kernels, learning, measures, spectrum
from symrep.errors import InvalidArgumentError, InvalidTypeError
from symrep.measures.text import read_corpus, text_report

UNIFORM = measures.iid_uniform(2)
NET = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
SPECTRUM = spectrum(NET, UNIFORM, 6)
CURVE = learning.learning_curve(SPECTRUM, "S", [4, 16], 0.05)


def report():
    return text_report(read_corpus(vocab_size=6), 4, controls=False, n_permutations=0)


SHORT = {
    "curve": (lambda: CURVE, "<LearningCurve of S: 4 to 16 samples, learnability 0."),
    "curve of one number": (lambda: learning.learning_curve(SPECTRUM, "S", 8, 0.05), "<LearningCurve of S: 8 samples"),
    "output": (
        lambda: learning.predicted_output(SPECTRUM, "S", [0, 1, 1, 1, 0, 1], 8, 0.05),
        "<PredictedOutput of S: mean -1.8",
    ),
    "outputs": (
        lambda: learning.predicted_output(SPECTRUM, "S", [[0] * 6, [1] * 6], 8, 0.05),
        "<PredictedOutput of S at 2 sequences>",
    ),
    "simulation": (
        lambda: learning.simulate(NET, UNIFORM, 6, "S", [4, 8], 0.05, n_repeats=2),
        "<Simulation: 2 training sets each of 4, 8 samples, 64 test sequences>",
    ),
    "evaluated": (
        lambda: spectrum(kernels.architecture("linear-block"), UNIFORM).evaluate(L=6, a=1, p=1),
        "<EvaluatedSpectrum of serial(TokenEmbedding(), Positions(), LinearAttention(), MeanPool()): 5 nonzero levels>",
    ),
    "modes": (lambda: CURVE.modes, "<Modes: 5 positive levels>"),
    "report": (report, "<TextReport of pydoc_data.topics: "),
    "covariance": (lambda: report().symmetry["text"], "<CovarianceSymmetry: 0."),
    "monte carlo": (
        lambda: kernels.serial(
            kernels.TokenEmbedding(1), kernels.SoftmaxAttention(n_samples=50), kernels.MeanPool()
        ).monte_carlo([[0, 1]], [[0, 1]], n_replicates=3),
        "<MonteCarloKernel (1, 1): 3 replicates, standard error up to",
    ),
}


@pytest.mark.parametrize("name", SHORT)
def test_results_are_one_short_line(name):
    make, start = SHORT[name]
    assert repr(make()).startswith(start) and "\n" not in repr(make()) and len(repr(make())) < 200


def test_evaluated_spectra_have_tables():
    found = SHORT["evaluated"][0]()
    table = found.table()
    assert [row[-1] for row in table.rows] == found.degeneracies and [
        row[-2] for row in table.rows
    ] == found.eigenvalues
    assert table.rows[0][:2] == (symrep.Partition((6,)), symrep.Partition((2,))) and "<table" in found._repr_html_()
    assert table.to_text().endswith("Other eigenvalues are 0, with total degeneracy 51.")


def test_character_tables_print_themselves():
    lines = str(symrep.character_table(3)).splitlines()
    assert [line.split() for line in lines] == [
        ["(3)", "(2,1)", "(1,1,1)"],
        ["(3)", "1", "1", "1"],
        ["(2,1)", "-1", "0", "2"],
        ["(1,1,1)", "1", "-1", "1"],
    ]
    assert str(symrep.character_table(9)) == repr(symrep.character_table(9)) == "CharacterTable(n=9)"


@pytest.mark.parametrize("rate", ["1/3", "e", 0])
def test_lazy_chains_know_their_name(rate):
    chain = measures.lazy_chain(rate, ["1/4", "3/4"])
    assert repr(chain) == f"lazy_chain({'0' if rate == 0 else repr(rate)}, ['1/4', '3/4'])"
    assert eval(repr(chain), vars(measures)) == chain
    for transition in (
        [["1/4", "3/4"], ["3/4", "1/4"]],
        [[0, 1], [1, 0]],
        [["1/2", "1/2"], ["1/2", "1/2"]],
        [["1/2", "1/2"], ["1/4", "3/4"]],
    ):
        for emission in ([[1, 0], [0, 1]], [["1/2", "1/2"], [0, 1]]):
            model = measures.hidden_markov(["1/2", "1/2"], transition, emission)
            named = transition == [["1/2", "1/2"], ["1/2", "1/2"]] and emission == [[1, 0], [0, 1]]
            assert repr(model).startswith("lazy_chain(" if named else "hidden_markov(")
            assert eval(repr(model), vars(measures)) == model
    three = [["1/2", "1/4", "1/4"], ["1/4", "1/2", "1/4"], ["1/4", "1/2", "1/4"]]
    model = measures.hidden_markov(["1/3", "1/3", "1/3"], three, [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert repr(model).startswith("hidden_markov(")
    with_bars = measures.iid(["abs(e - f)", "1 - abs(e - f)"])
    assert eval(repr(with_bars), vars(measures)) == with_bars
    turned = measures.hidden_markov(["1/2", "1/2"], [["1/3", "2/3"], ["1/4", "3/4"]], [[1, 0], [0, 1]])
    assert repr(turned).startswith("hidden_markov(") and eval(repr(turned), vars(measures)) == turned


def test_sums_of_floats_that_are_no_short_decimals_are_explained():
    with pytest.raises(
        InvalidArgumentError, match=r"got sum 1 - 1e-16: floats are read as the decimals that they print"
    ):
        measures.iid([1 / 3, 2 / 3])
    assert measures.iid([0.1, 0.2, 0.7]) == measures.iid(["1/10", "2/10", "7/10"])
    with pytest.raises(InvalidArgumentError, match=r"got sum 0.75$"):
        measures.iid([0.25, 0.5])


def test_exact_objects_in_lists_are_latex():
    x = sympy.Symbol("x")
    shown = sympy.latex([symrep.Partition((2, 1)), x, symrep.PaddedShape((1,)), symrep.StandardTableau([(1, 2), (3,)])])
    assert shown.startswith(r"\left[ (2,1), \  x, \  (L - 1,1), \  \begin{array}")


def test_values_by_name():
    law = learning.scaling_law(spectrum(kernels.architecture("linear-block"), UNIFORM)).select((1,), (1, 1))[0]
    samples = law.samples("equivalent-kernel")
    assert symrep.substitute(samples, L=10, a=1, p="1/2", delta=0.25) == sympy.Rational(10, 11)
    assert symrep.substitute(samples, delta="2*delta") == 2 * samples
    # all at once: what is put in is not replaced again
    a, b = sympy.symbols("a b", positive=True)
    assert symrep.substitute(a - 2 * b, a="b", b="a") == b - 2 * a
    assert symrep.substitute(sympy.Matrix([[a, b]]), a=2) == sympy.Matrix([[2, b]])
    assert symrep.substitute("a + b/2", a=1, b=0.5) == sympy.Rational(5, 4)
    for value in ([a], None, {"a": 1}, symrep.PaddedShape((1,))):
        with pytest.raises(InvalidTypeError, match="expression must be a sympy object or text, got"):
            symrep.substitute(value, a=1)
    with pytest.raises(InvalidArgumentError, match="expression must be a number or an expression in names"):
        symrep.substitute("__import__('os').getcwd()", a=1)
    with pytest.raises(InvalidArgumentError, match="symbol must be one of L, a, delta, p, got 'V'"):
        symrep.substitute(samples, V=2)
    twice = sympy.Symbol("a") + sympy.Symbol("a", positive=True)
    assert symrep.substitute(twice, a=1) == 2


def test_the_names_of_the_package_are_listed():
    assert dir(symrep) == sorted(symrep.__all__) and "Any" not in dir(symrep)
    assert np.array_equal(symrep.all_sequences(2, 2), [[0, 0], [0, 1], [1, 0], [1, 1]])
