"""The result object: traces, degeneracies, blocks, JSON, evaluation, substitution, and every error at the door."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections import defaultdict
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy

from symrep import PaddedShape, Partition, block_spectrum, kernels, measures, spectrum
from symrep.errors import FreeSymbolError, InvalidArchitectureError, InvalidArgumentError, InvalidTypeError
from symrep.kernels.overlaps import length_symbol, matches_symbol, overlap_symbol, same_token_symbol
from symrep.spectra.roots import OrderedRoot

L, u, m = length_symbol, overlap_symbol, matches_symbol
READOUTS = ("pool", "flatten", "last", "query")
MEASURES = {
    "uniform 2": measures.iid_uniform(2),
    "uniform 3": measures.iid_uniform(3),
    "iid 2": measures.iid(["1/3", "2/3"]),
    "iid 3": measures.iid(["1/5", "3/10", "1/2"]),
    "mixture 2": measures.frozen_mixture(["1/3", "2/3"], [["1/4", "3/4"], ["4/5", "1/5"]]),
    "symmetric mixture 2": measures.frozen_mixture(["1/2", "1/2"], [["1/4", "3/4"], ["3/4", "1/4"]]),
    "uniform V": measures.iid_uniform(),
}


def architecture(name, readout="pool", **variances):
    return kernels.architecture(name, readout, **variances)


def sum_of_levels(s):
    """Sum of eigenvalue times degeneracy; implicit roots are summed by their polynomial, once all of them are there."""
    total, families = sympy.Integer(0), defaultdict(list)
    for level in s.levels:
        if isinstance(level.eigenvalue, OrderedRoot):
            key = (level.labels, level.eigenvalue.args[0], level.degeneracy)
            families[key].append(int(level.eigenvalue.args[1]))
        else:
            total += level.eigenvalue * level.degeneracy
    for (_, coefficients, degeneracy), indices in families.items():
        assert sorted(indices) == list(range(len(coefficients) - 1))
        total -= coefficients[1] * degeneracy
    return total


def _cases(names=("linear-block", "uniform-block")):
    cases = []
    for measure in MEASURES:
        for name in names:
            for readout in READOUTS:
                marks = []
                if name == "linear-block" and measure in ("iid 3", "mixture 2", "uniform 3"):
                    marks.append(pytest.mark.slow)
                if measure == "uniform V" and name == "linear-block" and readout != "query":
                    continue
                cases.append(pytest.param(measure, name, readout, marks=marks))
    return cases


@pytest.mark.slow
@pytest.mark.parametrize(("measure", "name", "readout"), _cases())
def test_levels_sum_to_the_trace_and_to_the_expectation_of_the_diagonal(measure, name, readout):
    s = spectrum(architecture(name, readout), MEASURES[measure])
    assert sympy.simplify(s.trace() - s.expected_trace) == 0
    assert sympy.simplify(sum_of_levels(s) - s.trace()) == 0
    assert sympy.simplify(sum(s.trace(shape) for shape in s.shapes) - s.trace()) == 0


@pytest.mark.parametrize(
    "measure",
    ["iid 2", pytest.param("mixture 2", marks=pytest.mark.slow), pytest.param("uniform 3", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("name", ["linear-block", "uniform-block"])
def test_expected_trace_is_that_of_enumeration(measure, readout, name):
    """K(x, x) by the layer rules on arrays, weighted by the probability of x."""
    measure = MEASURES[measure]
    s = spectrum(architecture(name, readout), measure)
    numbers = {"a": Fraction(2, 3), "p": Fraction(5, 7), "a_q": Fraction(3, 4), "p_q": Fraction(7, 5)}
    variances = ("token_variance", "position_variance", "query_token_variance", "query_position_variance")
    net = architecture(name, readout, **dict(zip(variances, numbers.values())))
    for length in (2, 3, 4):
        tokens = length + int(readout == "query")
        rows = list(product(range(measure.vocab_size), repeat=tokens))
        total = sum(float(measure.probability(row)) * net.nngp(list(row), list(row)) for row in rows)
        exact = s.expected_trace.subs(L, length)
        exact = exact.subs({symbol: sympy.Rational(str(numbers[symbol.name])) for symbol in exact.free_symbols})
        assert float(exact) == pytest.approx(total, rel=1e-12)
        assert spectrum(net, measure, length).trace() == exact


@pytest.mark.parametrize(
    ("measure", "name", "readout"), [c for c in _cases(("linear-block",)) if c.values[::2] != ("iid 3", "query")]
)
def test_degeneracies_fill_the_space(measure, name, readout):
    s = spectrum(architecture(name, readout), MEASURES[measure])
    symbolic = sum(level.degeneracy for level in s.levels)
    assert sympy.expand(symbolic + s.zero_degeneracy - s.total_dimension) == 0
    V = s.vocab_size
    assert sympy.simplify(s.total_dimension / V ** (L + int(readout == "query"))) == 1
    symbols = {"a": "2/3", "p": "5/7", "a_q": "3/4", "p_q": "7/5"}
    numbers = {name: value for name, value in symbols.items() if name in {x.name for x in s.free_symbols()}}
    if measure == "uniform V":
        numbers["V"], V = 3, 3
    for length in (2, 3, 6):
        evaluated = s.evaluate(L=length, **numbers)
        assert evaluated.total_dimension == V ** (length + int(readout == "query"))
        assert sum(evaluated.degeneracies) + evaluated.zero_degeneracy == evaluated.total_dimension
        assert min(evaluated.degeneracies) >= 1 and evaluated.zero_degeneracy >= 0
        assert all(type(count) is int for count in evaluated.degeneracies)
        exact = {x: sympy.Rational(numbers[x.name]) for x in s.expected_trace.free_symbols - {L}}
        assert evaluated.trace() == pytest.approx(float(s.expected_trace.subs(L, length).subs(exact)), rel=1e-13)
        assert evaluated.eigenvalues == sorted(evaluated.eigenvalues, reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "measure", ["uniform 2", pytest.param("uniform 3", marks=pytest.mark.slow), "symmetric mixture 2"]
)
@pytest.mark.parametrize("readout", ["pool", "flatten", "last"])
@pytest.mark.parametrize("length", [L, 3])
def test_a_whole_block_is_the_product_of_its_parts_by_token_shape(measure, readout, length):
    s = spectrum(architecture("linear-block", readout), MEASURES[measure], length)
    x = sympy.Symbol("x")
    for shape in s.shapes:
        whole = s.block(shape)
        parts = [block for block in s.blocks if block.shape == shape]
        polynomial = sympy.prod(b.characteristic_polynomial.as_expr() ** b.token_shape.dimension for b in parts)
        missing = whole.size - sum(b.size * b.token_shape.dimension for b in parts)
        assert missing >= 0
        a, p = (next(s_ for s_ in s.free_symbols() if s_.name == name) for name in "ap")
        for numbers in (
            {a: sympy.Rational(2, 3), p: sympy.Rational(5, 7), L: 7},
            {a: 3, p: sympy.Rational(1, 8), L: 4},
        ):
            left = sympy.Poly(whole.characteristic_polynomial.as_expr().subs(numbers), x)
            right = sympy.Poly(x**missing * sympy.sympify(polynomial).subs(numbers), x)
            assert left == right
        if len(parts) > 1:
            assert whole.token_shape is None
            assert sympy.simplify(whole.trace - sum(b.trace * b.token_shape.dimension for b in parts)) == 0
            for part in parts:
                assert s.block(shape, part.token_shape) == part


class TestBlock:
    s = spectrum(architecture("linear-block"), measures.iid_uniform(2))
    at_four = spectrum(architecture("linear-block"), measures.iid_uniform(2), 4)

    def test_shapes_are_named_in_several_ways(self):
        standard = self.s.block(PaddedShape((1,)), (1, 1))
        assert standard == self.s.block((1,), Partition((1, 1))) == self.s.block(Partition((1,)), [1, 1])
        assert str(standard.shape) == "(L-1,1)"
        assert self.at_four.block((3, 1), (1, 1)).shape == Partition((3, 1))

    def test_a_single_block_needs_no_token_shape(self):
        s = spectrum(architecture("linear-block"), MEASURES["iid 2"])
        assert s.block((1,)) == s.blocks[1]
        assert s.block((1,)).size == 2

    @pytest.mark.parametrize("shape", [(2,), (1, 1), (3, 1)])
    def test_a_shape_that_is_not_reached(self, shape):
        with pytest.raises(
            InvalidArgumentError, match=r"shape must be one of \(L\), \(L-1,1\), written .* \(1,\) for \(L-1,1\), got"
        ):
            self.s.block(shape)

    def test_a_shape_that_is_not_reached_at_an_integer_length(self):
        with pytest.raises(InvalidArgumentError, match=r"shape must be one of \(4\), \(3,1\), got \(2, 2\)"):
            self.at_four.block((2, 2))

    def test_an_unknown_token_shape(self):
        with pytest.raises(InvalidArgumentError, match=r"token_shape must be one of \(2\), \(1,1\), got \(3,\)"):
            self.s.block((1,), (3,))

    def test_query_blocks_are_not_told_apart_by_token_shape(self):
        s = spectrum(architecture("linear-block", "query"), measures.iid_uniform(3))
        with pytest.raises(
            InvalidArgumentError, match=r"query_shape must be given, one of \(3\), \(2,1\), got none beside token_shape"
        ):
            s.block((), (3,))
        for block in s.blocks:
            assert s.block(block.shape, block.token_shape, block.query_shape) == block
        assert s.block((), (3,), (2, 1)).query_shape == Partition((2, 1))
        with pytest.raises(InvalidArgumentError, match=r"query_shape must be one of \(3\), \(2,1\), got '\(1, 1, 1\)'"):
            s.block((), (3,), (1, 1, 1))
        with pytest.raises(InvalidArgumentError, match="query_shape must be left out without a token_shape"):
            s.block((), query_shape=(3,))
        with pytest.raises(InvalidArgumentError, match=r"token_shape must be one of \(3\), \(2,1\), got \(1, 1, 1\)"):
            s.block((), (1, 1, 1), (3,))
        with pytest.raises(
            InvalidArgumentError, match=r"query_shape must be left out where no query is read, got '\(2,\)'"
        ):
            self.s.block((1,), (2,), (2,))

    def test_no_whole_block_with_a_symbolic_vocabulary(self):
        s = spectrum(architecture("uniform-block"), measures.iid_uniform())
        assert sympy.expand(s.block((), (1,)).trace * s.vocab_size * L) == sympy.Symbol("a", positive=True)
        with pytest.raises(
            InvalidArgumentError, match=r"token_shape must be one of \(V\), \(V-1,1\) where V is a symbol, got none"
        ):
            s.block(())

    def test_titles_of_numbers_tell_what_they_are_at(self):
        s = spectrum(architecture("uniform-block"), measures.iid_uniform())
        table = s.evaluate(L=4, V=3, a="1/2", p=1).table()
        assert " under iid_uniform('V'), length L, at L = 4, V = 3, a = 1/2, p = 1.\n" in str(table)
        assert ", length 4.\n" in str(s.substitute(L=4, V=3, a="1/2", p=1).evaluate().table())
        numbers = block_spectrum(
            architecture("relu-block", token_variance=1, position_variance=1), measures.iid_uniform(2), 4
        )
        assert str(numbers.evaluate().table()).split("\n")[0] == str(numbers.table()).split("\n")[0]

    def test_trace_of_a_shape_that_is_not_reached(self):
        assert self.s.trace((2,)) == 0
        assert self.at_four.trace((2, 2)) == 0


@pytest.mark.parametrize(
    ("kernel", "measure", "length"),
    [
        (architecture("linear-block"), "uniform 2", L),
        (architecture("linear-block", "last"), "uniform 3", L),
        (architecture("linear-block", "flatten"), "iid 2", L),
        (architecture("linear-block", "query"), "uniform V", L),
        (architecture("linear-block", token_variance="2/3", position_variance="5/7"), "mixture 2", 4),
        (architecture("linear-block", token_variance="2/3", position_variance="5/7"), "uniform 2", 4),
        (m**3 - 2 * u, "iid 2", 5),
    ],
)
def test_json_is_read_back_by_value(kernel, measure, length):
    s = spectrum(kernel, MEASURES[measure], length)
    content = json.loads(s.to_json())
    assert content == s.to_dict()
    assert content["length"] == ("L" if length == L else length)
    assert content["vocab_size"] == ("V" if measure == "uniform V" else s.vocab_size)
    assert content["measure"] == repr(MEASURES[measure])
    assert len(content["levels"]) == len(s.levels)
    values = {
        "L": 7,
        "a": sympy.Rational(2, 3),
        "p": sympy.Rational(5, 7),
        "a_q": sympy.Rational(3, 4),
        "p_q": 2,
        "V": 3,
    }

    def at_numbers(expression):
        expression = sympy.sympify(expression)
        return expression.subs({symbol: values[symbol.name] for symbol in expression.free_symbols})

    for written, level in zip(content["levels"], s.levels):
        exact = at_numbers(level.eigenvalue)
        if written["eigenvalue"] is None:
            polynomial = sympy.sympify(written["polynomial"])
            y = sympy.Symbol("x")
            numeric = sympy.Poly(polynomial.subs({s_: values[s_.name] for s_ in polynomial.free_symbols - {y}}), y)
            roots = np.sort(np.roots([float(c) for c in numeric.all_coeffs()]).real)[::-1]
            assert roots[written["root_index"]] == pytest.approx(float(exact.evalf(20)), rel=1e-6)
        else:
            assert at_numbers(written["eigenvalue"]).evalf(40) == pytest.approx(exact.evalf(40), rel=1e-30)
        assert at_numbers(written["degeneracy"]) == at_numbers(level.degeneracy)
        if "value" in written:
            assert written["value"] == pytest.approx(float(exact.evalf(20)), rel=1e-15)
        assert ("value" in written) == (not level.eigenvalue.free_symbols)
        assert ("leading" in written) == (length == L)
        shape = list(level.shape.parts) if length != L else str(level.shape)
        assert written["shape"] == shape
    assert sympy.simplify(at_numbers(content["trace"]) - at_numbers(s.trace())) == 0
    assert at_numbers(content["zero_degeneracy"]) == at_numbers(s.zero_degeneracy)


def test_tables_and_text():
    s = spectrum(architecture("linear-block"), measures.iid_uniform(2))
    table = s.table()
    assert [column.key for column in table.columns] == [
        *("shape", "token_shape", "degeneracy", "leading", "eigenvalue", "eigenvalue_shown")
    ]
    assert len(table.rows) == len(s.levels) == 5
    assert [row[4] for row in table.rows] == [level.eigenvalue for level in s.levels]
    numeric = spectrum(architecture("linear-block", token_variance=1, position_variance=2), MEASURES["iid 2"], 3)
    assert [column.key for column in numeric.table().columns] == [
        *("shape", "degeneracy", "eigenvalue", "eigenvalue_shown", "value")
    ]
    values = [row[-1] for row in numeric.table().rows]
    assert values == sorted(values, reverse=True)
    query = spectrum(architecture("linear-block", "query"), measures.iid_uniform())
    assert "query_shape" in [column.key for column in query.table().columns]
    assert repr(s).startswith("<Spectrum of serial(TokenEmbedding(), ") and repr(s).endswith(
        "length=L: 5 nonzero levels>"
    )
    assert "<table" in s._repr_html_()


def test_long_square_roots_are_shown_by_their_polynomial():
    s = spectrum(architecture("linear-block"), measures.iid_uniform(2))
    table = s.table()
    first, second = (row[-1] for row in table.rows[:2])
    (tau, delta), roots = (equation.right for equation in first), [level.eigenvalue for level in s.levels[:2]]
    assert sympy.expand(sum(roots) - tau) == 0 and sympy.expand(roots[0] * roots[1] - delta) == 0
    assert str(second) == "other root" and table.to_text().endswith("tau/2 +- sqrt(tau^2/4 - Delta).")
    assert (
        "sqrt" in table.to_csv() and "tau" not in table.to_csv() and max(map(len, table.to_text().splitlines())) < 250
    )
    short = spectrum(architecture("linear-block"), measures.iid_uniform(2)).substitute(L=5, a=1, p=1).table()
    assert "7*sqrt(12361)/100 + 833/100" in short.to_text() and "tau" not in short.to_text()


def test_roots_that_are_sorted_apart_are_shown_by_their_values():
    net = architecture("linear-block", "last", token_variance="123/457", position_variance="789/1011")
    table = spectrum(net, measures.iid(["1/4", "1/4", "1/2"]), 109).table()
    keys = [column.key for column in table.columns]
    assert any(row[keys.index("eigenvalue_shown")] is None for row in table.rows)
    for row in table.rows:
        exact, shown, value = (row[keys.index(key)] for key in ("eigenvalue", "eigenvalue_shown", "value"))
        assert shown in (exact, None) and value == pytest.approx(float(exact.evalf(20)), rel=1e-12)
    assert "other root" not in table.to_text() and max(map(len, table.to_text().splitlines())) < 220


def test_pairs_are_kept_apart():
    s = spectrum(architecture("linear-block", "flatten"), measures.iid_uniform(3))
    shown = [row[-1] for row in s.table().rows]
    pairs = 0
    for number, (cell, level) in enumerate(zip(shown, s.levels)):
        if isinstance(cell, tuple) and len(cell) == 2:
            other = s.levels[number + 1]
            assert str(shown[number + 1]) == "other root" and other.shape == level.shape
            at = {symbol: sympy.Rational(k + 3, 2) for k, symbol in enumerate(sorted(s.free_symbols(), key=str))}
            tau, delta = (equation.right.subs(at) for equation in cell)
            roots = [value.eigenvalue.subs(at).evalf(30) for value in (level, other)]
            assert abs(sum(roots) - tau) < 1e-20 * abs(tau) and abs(roots[0] * roots[1] - delta) < 1e-20 * abs(delta)
            pairs += 1
    assert pairs == 3


@pytest.mark.slow
def test_factors_of_one_block_are_numbered_each_by_itself():
    s = spectrum(architecture("linear-block", "flatten"), measures.iid(["1/4", "1/4", "1/2"]))
    cells = [row[-1] for row in s.table().rows]
    assert len(cells[0]) == 2 and len(cells[2]) == 1 and len(cells[6]) == 1 and len(cells[9]) == 1
    others = ["other root", "root 2", "root 3", "root 4", "root 2", "root 3", "root 2", "root 3"]
    assert [str(cells[i]) for i in (1, 3, 4, 5, 7, 8, 10, 11)] == others


@pytest.mark.slow
def test_roots_of_higher_polynomials_are_numbered():
    s = spectrum(architecture("linear-block", "last"), measures.iid(["1/4", "1/4", "1/2"]))
    cells = [row[-1] for row in s.table().rows]
    assert [str(cell) for cell in cells[1:4]] == ["root 2", "root 3", "root 4"]
    polynomial, roots = cells[0][0].right, [level.eigenvalue for level in s.levels[:4]]
    at = {symbol: sympy.Rational(k + 5, 2) for k, symbol in enumerate(sorted(s.free_symbols(), key=str))}
    (x,) = polynomial.free_symbols - s.free_symbols()
    found = sorted(sympy.Poly(polynomial.subs(at), x).nroots(n=30), key=sympy.re, reverse=True)
    for root, expected in zip(roots, found, strict=True):
        assert abs(root.subs(at).evalf(30) - expected) < 1e-15 * abs(found[0])


def test_the_note_on_the_null_space():
    s = spectrum(architecture("linear-block"), measures.iid_uniform(2))
    assert "2**L - 2*L - 1 (more where one of these vanishes)." in s.table().to_text()
    for length in (1, 2, 3):
        at = s.substitute(L=length, a=1, p=1)
        vanishing = sum(
            level.degeneracy.subs(L, length) if isinstance(level.degeneracy, sympy.Expr) else level.degeneracy
            for level in s.levels
            if level.eigenvalue.subs({L: length, **{x: 1 for x in s.free_symbols() - {L}}}) == 0
        )
        assert at.zero_degeneracy == s.zero_degeneracy.subs(L, length) + vanishing
        total = f", with total degeneracy {at.zero_degeneracy}."
        assert total in str(at.table()) or (at.zero_degeneracy == 0 and "No eigenvalue is 0." in str(at.table()))


class TestExpansions:
    @pytest.mark.parametrize("kernel", [architecture("linear-block"), m * u - m, sympy.Integer(3)])
    def test_they_are_those_of_the_levels_and_begin_with_the_leading_terms(self, kernel):
        s = spectrum(kernel, MEASURES["uniform 2"])
        expansions = s.expansions(2)
        at = {"a": sympy.Rational(7, 10), "p": sympy.Rational(11, 10), "L": 10**12}
        for level, expansion in zip(s.levels, expansions, strict=True):
            numbers = {symbol: at[symbol.name] for symbol in s.free_symbols()}
            ratio = (expansion.as_expression() / level.eigenvalue).subs(numbers).evalf(50)
            assert abs(ratio - 1) < 1e-20
            assert sympy.simplify(expansion.leading.as_expression() - level.leading.as_expression()) == 0
        rows = s.table(order=2).rows
        place = [column.key for column in s.table().columns].index("leading")
        assert [row[place] for row in rows] == list(expansions)
        others = [[cell for i, cell in enumerate(row) if i != place] for row in (*rows, *s.table().rows)]
        assert others[: len(rows)] == others[len(rows) :]

    def test_a_length_that_is_a_number(self):
        s = spectrum(u, MEASURES["uniform 2"], 4)
        for call in (s.expansions, s.table):
            with pytest.raises(InvalidArgumentError, match="length must be the symbol L for expansions, got 4"):
                call(order=2)

    @pytest.mark.parametrize(("order", "error"), [(0, InvalidArgumentError), (True, InvalidTypeError)])
    def test_orders_that_make_no_sense(self, order, error):
        with pytest.raises(error, match="order must be"):
            spectrum(u, MEASURES["uniform 2"]).expansions(order)


def test_exact_numbers_are_sorted_and_exact():
    s = spectrum(
        architecture("linear-block", token_variance="1/10", position_variance="1/3"), measures.iid_uniform(3), 4
    )
    assert all(level.leading is None for level in s.levels)
    values = [level.eigenvalue for level in s.levels]
    assert not any(value.atoms(sympy.Float) for value in values)
    assert [float(value) for value in values] == sorted(map(float, values), reverse=True)


class TestEvaluate:
    s = spectrum(architecture("linear-block"), measures.iid_uniform(2))

    @pytest.mark.parametrize("length", [1, 2, 3, 6, 30])
    def test_it_equals_the_spectrum_solved_for_numbers(self, length):
        solved = self.s.substitute(L=length, a="2/3", p="5/7")
        assert solved.length == length
        evaluated, expected = self.s.evaluate(L=length, a="2/3", p="5/7"), solved.evaluate()
        assert evaluated.eigenvalues == pytest.approx(expected.eigenvalues, rel=1e-14)
        labels = [(level.shape, level.token_shape, level.degeneracy) for level in evaluated.levels]
        assert labels == [(level.shape, level.token_shape, level.degeneracy) for level in expected.levels]
        assert evaluated.zero_degeneracy == solved.zero_degeneracy

    @pytest.mark.parametrize("length", [4, np.int64(4), sympy.Integer(4)])
    def test_exact_numbers_of_many_types(self, length):
        reference = self.s.evaluate(L=4, a="1/4", p="1/2").eigenvalues
        assert self.s.evaluate(L=length, a=Fraction(1, 4), p=sympy.Rational(1, 2)).eigenvalues == reference

    @pytest.mark.parametrize("number", [float, np.float64])
    def test_floats_are_as_good_as_fractions(self, number):
        """a = p = 1 at a long context: the smaller root of the 2x2 block is a difference of far larger numbers."""
        reference = self.s.evaluate(L=10**9, a=1, p=1).eigenvalues
        found = self.s.evaluate(L=10**9, a=number(1), p=number(1)).eigenvalues
        assert found == pytest.approx(reference, rel=1e-13)

    def test_zero_variances_drop_levels(self):
        no_positions = self.s.evaluate(L=4, a=1, p=0)
        assert {level.shape for level in no_positions.levels} == {Partition((4,))}
        assert self.s.evaluate(L=4, a=0, p=1).eigenvalues == [1.0]
        assert self.s.evaluate(L=4, a=0, p=1).zero_degeneracy == 15

    def test_large_lengths_keep_integers(self):
        evaluated = self.s.evaluate(L=200, a=1, p=1)
        assert evaluated.total_dimension == 2**200
        assert evaluated.zero_degeneracy == 2**200 - 401

    def test_a_vocabulary_of_one_token(self):
        s = spectrum(architecture("linear-block", "query"), measures.iid_uniform())
        evaluated = s.evaluate(L=3, V=1, a=1, p=1, a_q=1, p_q=1)
        assert evaluated.eigenvalues == pytest.approx([4.0])
        assert (evaluated.degeneracies, evaluated.total_dimension) == ([1], 1)

    def test_unknown_symbol(self):
        with pytest.raises(InvalidArgumentError, match="symbol must be one of L, a, p, got 'z'"):
            self.s.evaluate(L=4, a=1, p=1, z=1)

    def test_missing_numbers(self):
        with pytest.raises(FreeSymbolError, match=r"evaluate needs numbers for a, p, got L"):
            self.s.evaluate(L=4)

    @pytest.mark.parametrize("length", [0, -1])
    def test_lengths_below_one(self, length):
        with pytest.raises(InvalidArgumentError, match=f"length must be at least 1, got {length}"):
            self.s.evaluate(L=length, a=1, p=1)

    def test_a_length_that_is_no_integer_on_short_sequences(self):
        with pytest.raises(InvalidTypeError, match="length must be an integer, got 1.5"):
            self.s.evaluate(L=1.5, a=1, p=1)

    @pytest.mark.parametrize(
        "numbers",
        [
            dict(L=2.5),
            dict(L=True),
            dict(a=-1),
            dict(a=float("nan")),
            dict(a="b"),
            dict(p=None),
            dict(a=1j),
            dict(p=True),
        ],
    )
    def test_numbers_that_make_no_sense(self, numbers):
        with pytest.raises(
            (InvalidArgumentError, InvalidTypeError, FreeSymbolError), match=rf"\b(length|{next(iter(numbers))})\b"
        ):
            self.s.evaluate(**(dict(L=4, a=1, p=1) | numbers))

    @pytest.mark.parametrize("vocab_size", [0, -1, 2.5, True])
    def test_vocabularies_that_make_no_sense(self, vocab_size):
        s = spectrum(architecture("uniform-block"), measures.iid_uniform())
        with pytest.raises((InvalidArgumentError, InvalidTypeError), match="vocab_size must be"):
            s.evaluate(L=3, V=vocab_size, a=1, p=1)

    def test_last_token_of_a_single_position(self):
        s = spectrum(architecture("linear-block", "last"), measures.iid_uniform(2))
        with pytest.raises(InvalidArgumentError, match="length must be at least 2 for a last-token readout, got 1"):
            s.evaluate(L=1, a=1, p=1)


class TestSubstitute:
    def test_in_steps_or_at_once(self):
        s = spectrum(architecture("linear-block", "query"), measures.iid_uniform())
        in_steps = s.substitute(V=3).substitute(a="1/2", p=2).substitute(L=4).substitute(a_q=1, p_q="1/3")
        at_once = s.substitute(V=3, a="1/2", p=2, L=4, a_q=1, p_q="1/3")
        assert in_steps.levels == at_once.levels
        assert at_once.free_symbols() == frozenset()
        assert in_steps.total_dimension == at_once.total_dimension == 3**5

    def test_expressions_and_new_symbols(self):
        s = spectrum(architecture("linear-block"), measures.iid_uniform(2)).substitute(a="b/2")
        assert {symbol.name for symbol in s.free_symbols()} == {"L", "b", "p"}
        assert s.evaluate(L=3, b=1, p=2).eigenvalues == pytest.approx(
            spectrum(architecture("linear-block"), measures.iid_uniform(2)).evaluate(L=3, a="1/2", p=2).eigenvalues
        )

    def test_symbols_of_polynomials_and_measures(self):
        c, q = sympy.symbols("c q", positive=True)
        s = spectrum(c * u + m, measures.iid([q, 1 - q]))
        assert s.free_symbols() == {L, c, q}
        solved = s.substitute(c="1/2", q="1/3")
        assert solved.levels == spectrum(u / 2 + m, measures.iid(["1/3", "2/3"])).levels
        assert s.evaluate(L=4, c="1/2", q="1/3").eigenvalues == pytest.approx(solved.evaluate(L=4).eigenvalues)

    def test_symbols_of_the_measure_beside_a_network(self):
        q = sympy.Symbol("q", positive=True)
        s = spectrum(architecture("uniform-block"), measures.iid([q, 1 - q])).substitute(q="1/3")
        assert s.levels == spectrum(architecture("uniform-block"), measures.iid(["1/3", "2/3"])).levels

    @pytest.mark.parametrize("variance", ["1/V", 1 / measures.iid_uniform().vocab_size])
    def test_parameters_that_contain_the_vocabulary_size(self, variance):
        s = spectrum(architecture("uniform-block", token_variance=variance), measures.iid_uniform()).substitute(V=3)
        assert s.levels == spectrum(architecture("uniform-block", token_variance="1/3"), measures.iid_uniform(3)).levels

    def test_unknown_symbol(self):
        with pytest.raises(InvalidArgumentError, match="symbol must be one of L, a, p, got 'zz'"):
            spectrum(architecture("uniform-block"), measures.iid_uniform(2)).substitute(zz=1)

    def test_an_integer_length_is_no_symbol(self):
        with pytest.raises(InvalidArgumentError, match="symbol must be one of a, p, got 'L'"):
            spectrum(architecture("uniform-block"), measures.iid_uniform(2), 3).substitute(L=4)

    def test_no_symbols_left(self):
        with pytest.raises(InvalidArgumentError, match="symbol must be left out where all values are numbers, got 'a'"):
            spectrum(m, measures.iid_uniform(2), 3).evaluate(a=4)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (dict(a=-1), "a must not be negative, got -1"),
            (dict(V=0), "vocab_size must be at least 1, got 0"),
            (dict(V=2.5), "vocab_size must be an integer, got 2.5"),
            (dict(L=0), "length must be at least 1, got 0"),
        ],
    )
    def test_values_that_make_no_sense(self, values, message):
        with pytest.raises((InvalidArgumentError, InvalidTypeError), match=message):
            spectrum(architecture("uniform-block"), measures.iid_uniform()).substitute(**values)


class TestErrorsAtTheDoor:
    @pytest.mark.parametrize(
        ("length", "error", "message"),
        [
            (0, InvalidArgumentError, "length must be at least 1, got 0"),
            (-1, InvalidArgumentError, "length must be at least 1, got -1"),
            (2.5, InvalidTypeError, "length must be an integer, got 2.5"),
            (True, InvalidTypeError, "length must be an integer, got True"),
            (None, InvalidTypeError, "length must be an integer, got None"),
            (2 * L, InvalidTypeError, r"length must be an integer, got 2\*L"),
            ("M", InvalidArgumentError, "length must be an integer or the symbol L, got M"),
            (sympy.Symbol("n"), InvalidArgumentError, "length must be an integer or the symbol L, got n"),
        ],
    )
    def test_lengths(self, length, error, message):
        with pytest.raises(error, match=message):
            spectrum(architecture("linear-block"), measures.iid_uniform(2), length)

    @pytest.mark.parametrize("length", ["L", sympy.Symbol("L"), L])
    def test_the_symbol_in_every_form(self, length):
        assert spectrum(m, measures.iid_uniform(2), length).length == L

    @pytest.mark.parametrize("length", [np.int64(3), sympy.Integer(3), 3])
    def test_integers_in_every_form(self, length):
        assert type(spectrum(m, measures.iid_uniform(2), length).length) is int

    def test_last_token_of_a_single_position(self):
        with pytest.raises(InvalidArgumentError, match="length must be at least 2 for a last-token readout, got 1"):
            spectrum(architecture("linear-block", "last"), measures.iid_uniform(2), 1)

    def test_a_network_without_readout(self):
        with pytest.raises(InvalidArchitectureError, match="layers must end in a readout such as MeanPool"):
            spectrum(kernels.serial(kernels.TokenEmbedding(), kernels.LinearAttention()), measures.iid_uniform(2))

    @pytest.mark.parametrize("measure", ["iid", None, 2, [0.5, 0.5]])
    def test_measures(self, measure):
        with pytest.raises(InvalidTypeError, match="measure must be an exchangeable measure such as"):
            spectrum(architecture("linear-block"), measure)

    @pytest.mark.parametrize("net", [5, "linear-block", None])
    def test_networks(self, net):
        with pytest.raises(InvalidTypeError, match="net must be a network, .* or a polynomial in u and m, got"):
            spectrum(net, measures.iid_uniform(2))

    def test_the_indicator_needs_a_readout(self):
        with pytest.raises(InvalidArgumentError, match="net must not use the names g, x, got 'g'"):
            spectrum(same_token_symbol * u, measures.iid_uniform(2))

    @pytest.mark.parametrize("kernel", [sympy.sqrt(u), 1 / (u + 1), 2**m])
    def test_kernels_that_are_no_polynomials(self, kernel):
        with pytest.raises(InvalidArgumentError, match="kernel must be a polynomial in u, m and g, got"):
            spectrum(kernel, measures.iid_uniform(2))


class TestEdges:
    def test_the_zero_kernel(self):
        s = spectrum(sympy.Integer(0), measures.iid_uniform(2))
        assert (s.levels, s.trace(), s.expected_trace) == ((), 0, 0)
        assert s.zero_degeneracy == 2**L
        assert s.evaluate(L=3).zero_degeneracy == 8

    def test_a_constant_kernel(self):
        s = spectrum(sympy.Integer(5), MEASURES["mixture 2"])
        (level,) = s.levels
        assert (level.eigenvalue, level.degeneracy, str(level.shape)) == (5, 1, "(L)")

    @pytest.mark.parametrize("readout", READOUTS)
    def test_one_token(self, readout):
        s = spectrum(architecture("linear-block", readout), measures.iid_uniform(1))
        (level,) = s.levels
        assert sympy.expand(level.eigenvalue - s.expected_trace) == 0
        assert s.zero_degeneracy == 0

    def test_a_negative_kernel_mirrors_the_spectrum(self):
        plus, minus = (spectrum(sign * (u * m + u), MEASURES["iid 2"], 4).evaluate() for sign in (1, -1))
        assert minus.eigenvalues == pytest.approx([-value for value in reversed(plus.eigenvalues)])

    def test_symbolic_mixtures(self):
        q = sympy.Symbol("q", positive=True)
        measure = measures.frozen_mixture(["1/2", "1/2"], [[q, 1 - q], [1 - q, q]])
        s = spectrum(u + m, measure)
        assert {block.token_shape for block in s.blocks} == {Partition((2,)), Partition((1, 1))}
        for length in (2, 5):
            expected = spectrum(u + m, MEASURES["symmetric mixture 2"], length).evaluate()
            assert s.evaluate(L=length, q="1/4").eigenvalues == pytest.approx(expected.eigenvalues, rel=1e-13)

    @pytest.mark.parametrize("assumptions", [{}, {"positive": True}])
    def test_the_unknown_of_the_characteristic_polynomial_is_no_parameter(self, assumptions):
        with pytest.raises(InvalidArgumentError, match="net must not use the names g, x, got 'x'"):
            spectrum(1 + sympy.Symbol("x", **assumptions) * u, MEASURES["iid 2"], 3)

    def test_symbols_are_known_by_name(self):
        plain = sympy.Symbol("u") * sympy.Symbol("L") + sympy.Symbol("m")
        assert spectrum(plain, MEASURES["iid 2"], 3).levels == spectrum(u * L + m, MEASURES["iid 2"], 3).levels

    def test_a_pole_at_the_length(self):
        with pytest.raises(InvalidArgumentError, match="length must not be a pole of the kernel, got 2"):
            spectrum(u / (L - 2), MEASURES["iid 2"], 2)

    @pytest.mark.parametrize(
        "probability", [sympy.sqrt(2) / 2, sympy.Symbol("q", positive=True) / (1 + sympy.Symbol("q", positive=True))]
    )
    def test_probabilities_that_are_not_polynomials(self, probability):
        s = spectrum(m, measures.iid([probability, 1 - probability]))
        assert sympy.simplify(s.trace() - s.expected_trace) == 0


def test_spectra_survive_pickling():
    s = spectrum(architecture("linear-block"), measures.iid_uniform(2))
    again = pickle.loads(pickle.dumps(s))
    assert again.levels == s.levels
    assert again.substitute(L=4, a=1, p=1).levels == s.substitute(L=4, a=1, p=1).levels
    assert again.block((1,)).matrix == s.block((1,)).matrix


def test_a_trace_of_another_size_is_refused():
    s = spectrum(architecture("linear-block"), measures.iid_uniform(2), 4)
    with pytest.raises(InvalidArgumentError, match="shape must be a partition of 4, got "):
        s.trace((77,))
    assert s.block(s.block((3, 1)).shape) == s.block((3, 1))


@pytest.mark.parametrize("kernel", [sympy.I * u, u * sympy.sqrt(L)])
def test_kernels_that_are_not_real_and_rational_in_the_length(kernel):
    with pytest.raises(InvalidArgumentError, match="net must (be real|have a kernel that is rational in L)"):
        spectrum(kernel, measures.iid_uniform(2), L)


def test_floats_in_a_polynomial_are_exact():
    assert spectrum(0.5 * u, measures.iid_uniform(2), 3).levels == spectrum(u / 2, measures.iid_uniform(2), 3).levels


def _half():
    """Expressions that sympy does not leave alone: (L + 1)/2 read from a pickle is L/2 + 1/2."""
    p = sympy.Symbol("p1", positive=True)
    return [
        spectrum(u / L, measures.iid_uniform(2)),
        spectrum((u + m) ** 2 / L**2 + m**3, measures.iid_uniform(2)),
        spectrum(u + m, measures.frozen_mixture([p, 1 - p], [["1/3", "2/3"], ["1/2", "1/2"]])),
        spectrum(m, measures.iid_uniform(), 3),
    ]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_copies_and_pickles_are_equal_and_hold_no_caches(copied):
    for s in _half():
        assert s.levels and s.zero_degeneracy is not None and all(b.characteristic_polynomial for b in s.blocks)
        again = copied(s)
        assert set(vars(again)) == {field.name for field in dataclasses.fields(s)}
        new = [b for b, old in zip(again.blocks, s.blocks) if b is not old]
        assert all(set(vars(b)) == {f.name for f in dataclasses.fields(b)} for b in new)
        assert again == s and hash(again) == hash(s)
        assert str(again.expected_trace) == str(s.expected_trace)
        assert [copied(level) for level in s.levels] == list(s.levels) == list(again.levels)


def test_pickled_expansions_leading_terms_and_ordered_roots():
    s = spectrum((u + m) ** 2 / L**2, measures.iid(["1/3", "2/3"]))
    assert any(isinstance(level.eigenvalue, OrderedRoot) for level in s.levels)
    for part in (*s.expansions(2), *(level.leading for level in s.levels), *s.levels):
        again = pickle.loads(pickle.dumps(part))
        assert again == part and str(again) == str(part)


def test_a_pickled_power_is_not_worked_out():
    s = spectrum(u, measures.iid_uniform(3), 10**12)
    again = pickle.loads(pickle.dumps(s))
    assert again.total_dimension == s.total_dimension and str(again.total_dimension) == "3**1000000000000"


def test_numbers_that_are_no_probabilities_are_refused():
    p = sympy.Symbol("p1", positive=True)
    s = spectrum(u, measures.frozen_mixture([p, 1 - p], [["1/3", "2/3"], ["1/2", "1/2"]]))
    for solved in (s.evaluate, s.substitute):
        with pytest.raises(InvalidArgumentError, match=r"weights\[1\] must not be negative, got -1"):
            solved(p1=2, L=3)


def test_no_shape_to_choose_from():
    with pytest.raises(InvalidArgumentError, match=r"shape must be one of none, got \(1,\)"):
        spectrum(sympy.Integer(0), measures.iid_uniform(2)).block((1,))


def test_a_kernel_that_is_not_finite():
    s = spectrum(u / (measures.iid_uniform().vocab_size - 3), measures.iid_uniform())
    with pytest.raises(InvalidArgumentError, match="net must have a kernel with finite coefficients, got zoo"):
        s.substitute(V=3)
    with pytest.raises(InvalidArgumentError, match="net must have a kernel with finite coefficients, got nan"):
        spectrum(sympy.nan * u, measures.iid_uniform(2), 3)


@pytest.mark.parametrize("kernel", [u * m, (u + m) ** 2])
@pytest.mark.parametrize("vocab_size", [1, 2, 3])
def test_evaluation_at_few_tokens_solves_anew(kernel, vocab_size):
    s = spectrum(kernel, measures.iid_uniform())
    assert s.smallest_vocabulary == 3
    ours, theirs = s.evaluate(L=4, V=vocab_size), spectrum(kernel, measures.iid_uniform(vocab_size), 4).evaluate()
    assert ours.eigenvalues == pytest.approx(theirs.eigenvalues, rel=1e-12)
    assert ours.degeneracies == theirs.degeneracies and ours.zero_degeneracy == theirs.zero_degeneracy


def test_evaluation_at_a_pole():
    with pytest.raises(InvalidArgumentError, match="symbols must not be at a pole of the kernel, got {L: 3}"):
        spectrum(u / (L - 3), measures.iid_uniform(2)).evaluate(L=3)


def test_labels_by_their_text():
    s = spectrum(architecture("linear-block"), measures.iid_uniform(2))
    assert s.block("(L-1,1)", "(1,1)") is s.block((1,), (1, 1))
    assert s.substitute(L=6).block("(5,1)", "(2)").shape == Partition((5, 1))
    with pytest.raises(InvalidArgumentError, match=r"shape must be one of \(L\), \(L-1,1\), got '\(L-2,2\)'"):
        s.block("(L-2,2)")


def test_symbols_are_listed_in_order():
    with pytest.raises(InvalidArgumentError, match="symbol must be one of L, a, p, got 'z'"):
        spectrum(architecture("linear-block"), measures.iid_uniform(2)).substitute(z=1)


def test_the_vocabulary_of_the_measure_is_that_of_the_parameters():
    net = architecture("linear-block", token_variance="1/V", position_variance="1/L")
    two = architecture("linear-block", token_variance="1/2", position_variance="1/L")
    found = spectrum(net, measures.iid_uniform(2))
    assert found.levels == spectrum(two, measures.iid_uniform(2)).levels and {s.name for s in found.free_symbols()} == {
        "L"
    }
    with pytest.raises(InvalidArgumentError, match="symbol must be one of L, got 'V'"):
        found.evaluate(L=4, V=3)
    any_vocabulary = spectrum(net, measures.iid_uniform())
    assert any_vocabulary.substitute(V=5, L=3).levels == spectrum(net, measures.iid_uniform(5), 3).levels


def test_a_spectrum_without_null_space_says_so():
    match = spectrum(m, measures.iid_uniform(2), 1)
    assert match.zero_degeneracy == 0 and "No eigenvalue is 0." in str(match.table())
    scaled = spectrum(sympy.Symbol("b", positive=True) * matches_symbol, measures.iid_uniform(2), 1)
    assert "No eigenvalue is 0, unless one of these vanishes." in str(scaled.table())


def test_arguments_of_presets_are_told_their_symbols():
    net = architecture("linear-block", "query")
    for argument, symbol in (("token_variance", "a"), ("position_variance", "p"), ("query_token_variance", "a_q"),
                             ("query_position_variance", "p_q")):  # fmt: skip
        with pytest.raises(InvalidArgumentError, match=f"got '{argument}': it has the symbol {symbol}$"):
            net.substitute(**{argument: 1})
    s = spectrum(net, measures.iid_uniform())
    for argument, symbol in (("length", "L"), ("vocab_size", "V")):
        with pytest.raises(InvalidArgumentError, match=f"got '{argument}': it has the symbol {symbol}$"):
            s.evaluate(**{argument: 1})
