"""Polynomial kernels in u, m, u_xx, u_yy under every measure: closed form = block = exact oracle, and laws of spectra."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import kernels, measures, partitions, spectrum
from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError
from symrep.kernels.overlaps import first_overlap_symbol as u_xx
from symrep.kernels.overlaps import length_symbol as L
from symrep.kernels.overlaps import matches_symbol as m
from symrep.kernels.overlaps import overlap_symbol as u
from symrep.kernels.overlaps import second_overlap_symbol as u_yy
from symrep.spectra.blocks import block_spectrum
from symrep.spectra.dense import dense_spectrum
from symrep.spectra.exact import exact_characteristic_polynomial
from symrep.spectra.kernel_polynomials import KernelPolynomial
from symrep.spectra.solver import _solved_block, _stable_from
from symrep.spectra.symbolic import BlockProblem, reached_shapes

x = sympy.Symbol("x")
MEASURES = {
    "uniform 2": measures.iid_uniform(2),
    "iid 2": measures.iid(["1/3", "2/3"]),
    "iid 3": measures.iid(["1/5", "3/10", "1/2"]),
    "mixture 2": measures.frozen_mixture(["1/3", "2/3"], [["1/4", "3/4"], ["4/5", "1/5"]]),
    "dirichlet 2": measures.dirichlet_multinomial(["1/2", "2"]),
    "even dirichlet 3": measures.dirichlet_multinomial(["2/3", "2/3", "2/3"]),
    "urn 2": measures.urn([3, 4]),
    "even urn 3": measures.urn([2, 2, 2]),
}
Q = sympy.Rational


def own_overlap(first):
    return sum(s == t for s in first for t in first)


def exact_kernel(expression, length):
    """A polynomial in the counts, at two sequences, as fractions; monomials typed once more."""
    terms = sympy.Poly(expression.subs(L, length), u, m, u_xx, u_yy).terms()
    terms = [(powers, Fraction(int(c.p), int(c.q))) for powers, c in terms]

    def kernel(first, second):
        pairs = sum(s == t for s in first for t in second)
        matches = sum(s == t for s, t in zip(first, second))
        values = (pairs, matches, own_overlap(first), own_overlap(second))
        total = Fraction(0)
        for powers, coefficient in terms:
            for value, power in zip(values, powers):
                coefficient *= value**power
            total += coefficient
        return total

    return kernel


def table_kernel(expression, length):
    """The same as a function of joint count tables."""
    evaluate = sympy.lambdify((u, m, u_xx, u_yy), expression.subs(L, length), "numpy")

    def kernel(tables):
        tables = tables.astype(np.float64)
        rows, columns = tables.sum(axis=2), tables.sum(axis=1)
        counts = [(p * q).sum(axis=1) for p, q in ((rows, columns), (rows, rows), (columns, columns))]
        value = evaluate(counts[0], np.trace(tables, axis1=1, axis2=2), counts[1], counts[2])
        return np.broadcast_to(value, len(tables))

    return kernel


def nonzero_part(polynomial):
    lowest = min(power for (power,), _ in polynomial.terms())
    return sympy.Poly(sympy.cancel(polynomial.as_expr() / x**lowest), x, domain="QQ")


def polynomials_of(s, length, numbers=None):
    """Per partition the characteristic polynomial without its zero roots, at a length and numbers for the symbols."""
    values = {L: length} | (numbers or {})
    result = defaultdict(lambda: sympy.Poly(1, x, domain="QQ"))
    for block in s.blocks:
        shape = block.shape
        if not hasattr(shape, "parts"):
            if not shape.exists(length):
                continue
            shape = shape.at(length)
        matrix = block.matrix.subs(values)
        power = 1 if block.token_shape is None else block.token_shape.dimension
        result[shape] *= sympy.Poly(matrix.charpoly(x).as_expr(), x, domain="QQ") ** power
    result = {shape: nonzero_part(polynomial) for shape, polynomial in result.items()}
    return {shape: polynomial for shape, polynomial in result.items() if polynomial.degree()}


def oracle_polynomials(expression, measure, length):
    kernel = exact_kernel(expression, length)
    found = {}
    for shape in partitions(length, max_length=measure.vocab_size):
        whole = exact_characteristic_polynomial(
            kernel, measure.vocab_size, length, shape, measure.probability, variable=x
        )
        found[shape] = nonzero_part(whole)
    return {shape: polynomial for shape, polynomial in found.items() if polynomial.degree()}


def check_against_oracle(expression, measure, lengths):
    symbolic = None if isinstance(measure, measures.Urn) else spectrum(expression, measure)
    for length in lengths:
        oracle = oracle_polynomials(expression, measure, length)
        assert polynomials_of(spectrum(expression, measure, length), length) == oracle
        if symbolic is not None and length >= symbolic.stable_from:
            assert polynomials_of(symbolic, length) == oracle


HAND_MADE = [
    u_xx * u_yy - 2 * u * m + 1,
    m * (u_xx + u_yy) + Q(1, 3) * u**2,
    m**2 * u_xx * u_yy / L - u * (u_xx**2 + u_yy**2),
]


@pytest.mark.parametrize("measure", ["iid 2", "dirichlet 2", "urn 2"])
@pytest.mark.parametrize("expression", HAND_MADE[:2])
def test_kernels_of_two_tokens_exactly(expression, measure):
    check_against_oracle(expression, MEASURES[measure], (2, 3))


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["mixture 2", "even dirichlet 3", "even urn 3"])
@pytest.mark.parametrize("expression", HAND_MADE[1:])
def test_kernels_exactly_on_longer_sequences(expression, measure):
    check_against_oracle(expression, MEASURES[measure], (1, 4) if MEASURES[measure].vocab_size == 2 else (3,))


coefficients = st.fractions(min_value=-2, max_value=2, max_denominator=3).map(lambda q: Q(q.numerator, q.denominator))
MONOMIALS = [u**i * m**j for i, j in product(range(3), repeat=2) if i + j <= 3]
MONOMIALS += [m**j * u_xx * u_yy for j in (0, 1)] + [c * (u_xx**k + u_yy**k) for c in (1, m, u) for k in (1, 2)]
kernel_polynomials = st.dictionaries(st.sampled_from(MONOMIALS), coefficients, min_size=1, max_size=4)


@st.composite
def token_measures(draw, vocab_size):
    weights = st.lists(st.integers(1, 4), min_size=vocab_size, max_size=vocab_size)
    one, other = ([Fraction(w, sum(row)) for w in row] for row in (draw(weights), draw(weights)))
    return draw(
        st.sampled_from(
            [
                measures.iid(one),
                measures.frozen_mixture(["1/3", "2/3"], [one, other]),
                measures.dirichlet_multinomial([6 * q for q in one]),
                measures.urn([int(4 * q) + 2 for q in one]),
            ]
        )
    )


@settings(deadline=None, max_examples=4)
@given(kernel_polynomials, token_measures(2))
def test_random_kernels_of_two_tokens_in_short(terms, measure):
    check_against_oracle(sum(c * monomial for monomial, c in terms.items()), measure, (1, 2, 3))


@pytest.mark.slow
@settings(deadline=None, max_examples=4)
@given(kernel_polynomials, st.sampled_from([2, 3]).flatmap(token_measures))
def test_random_kernels_exactly(terms, measure):
    lengths = (4,) if measure.vocab_size == 2 else (2, 3)
    check_against_oracle(sum(c * monomial for monomial, c in terms.items()), measure, lengths)


@pytest.mark.slow
@settings(deadline=None, max_examples=8)
@given(kernel_polynomials, st.sampled_from([2, 3]).flatmap(token_measures))
def test_random_kernels_against_block_spectra(terms, measure):
    expression = sum((c * monomial for monomial, c in terms.items()), sympy.Integer(0))
    length = 6 if measure.vocab_size == 2 else 4
    ours = spectrum(expression, measure, length).evaluate().levels
    theirs = block_spectrum(table_kernel(expression, length), measure, length).levels
    largest = max((abs(level.eigenvalue) for level in theirs), default=0.0)
    found, expected = defaultdict(list), defaultdict(list)
    for levels, lists in ((ours, found), (theirs, expected)):
        for level in levels:
            lists[level.shape] += [level.eigenvalue] * (level.degeneracy // level.shape.dimension)
    for shape in {*found, *expected}:
        count = max(len(found[shape]), len(expected[shape]))
        one, other = (np.sort(lists[shape] + [0.0] * (count - len(lists[shape]))) for lists in (found, expected))
        assert np.abs(one - other).max() <= 1e-10 * largest, shape


def mean_square(expression, measure, length):
    """E K(x, y)^2 over independent x and y."""
    kernel = exact_kernel(expression, length)
    sequences = list(product(range(measure.vocab_size), repeat=length))
    weights = [measure.probability(sequence) for sequence in sequences]
    total = sympy.Integer(0)
    for first, weight in zip(sequences, weights):
        row = sum((w * Q(*kernel(first, second).as_integer_ratio()) ** 2 for second, w in zip(sequences, weights)))
        total += weight * row
    return total


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["uniform 2", "mixture 2", "dirichlet 2", "urn 2", "even urn 3"])
@pytest.mark.parametrize("expression", HAND_MADE[:2])
def test_squares_of_the_eigenvalues_sum_to_the_mean_square_of_the_kernel(expression, measure):
    measure = MEASURES[measure]
    length = 4 if measure.vocab_size == 2 else 3
    s = spectrum(expression, measure, length)
    squares = sum((block.matrix**2).trace() * block.degeneracy for block in s.blocks)
    assert squares == mean_square(expression, measure, length)
    assert s.trace() == s.expected_trace
    if not isinstance(measure, measures.Urn):
        symbolic = spectrum(expression, measure)
        assert sympy.cancel(symbolic.trace() - symbolic.expected_trace) == 0
        squares = sum((block.matrix**2).trace() * block.degeneracy for block in symbolic.blocks)
        assert length < symbolic.stable_from or squares.subs(L, length) == mean_square(expression, measure, length)


nonnegative = st.fractions(min_value=0, max_value=2, max_denominator=3).map(lambda q: Q(q.numerator, q.denominator))


@settings(deadline=None, max_examples=10)
@given(st.lists(nonnegative, min_size=6, max_size=6), token_measures(2), st.integers(2, 6))
def test_products_and_positive_sums_of_positive_kernels_are_positive(numbers, measure, length):
    """u, m and f(u_xx) f(u_yy) are positive kernels, and so are their products and sums with positive weights."""
    parts = [m, u, u * m, m**2, (u_xx - 2) * (u_yy - 2) * m, (u_xx**2 - 5) * (u_yy**2 - 5)]
    expression = sum((c * part for c, part in zip(numbers, parts)), sympy.Integer(0))
    for block in spectrum(expression, measure, length).blocks:
        coefficients = block.characteristic_polynomial.all_coeffs()
        assert all((-1) ** k * c >= 0 for k, c in enumerate(coefficients))


@pytest.mark.parametrize(
    ("degree", "stable"),
    [(1, 1), pytest.param(2, 3, marks=pytest.mark.slow), pytest.param(3, 5, marks=pytest.mark.slow)],
)
def test_own_overlaps_leave_the_length_from_which_closed_forms_hold(degree, stable):
    """Solved at lengths around it; one before it the closed form is wrong."""
    expression = m**degree * u_xx * u_yy + u * m
    symbolic = spectrum(expression, MEASURES["iid 2"])
    assert symbolic.stable_from == stable
    for length in range(max(stable - 1, 1), stable + 3):
        solved = polynomials_of(spectrum(expression, MEASURES["iid 2"], length), length)
        assert (polynomials_of(symbolic, length) == solved) == (length >= stable)


@pytest.mark.slow
@pytest.mark.parametrize("readout", [kernels.MeanPool(), kernels.Flatten(), kernels.LastToken()])
def test_a_polynomial_nonlinearity_behind_attention(readout):
    net = kernels.serial(
        kernels.TokenEmbedding("2/3"),
        kernels.Positions("1/5"),
        kernels.LinearAttention(),
        kernels.Polynomial([1, 1, "1/2"]),
        readout,
    )
    polynomial = net.overlap_polynomial()
    assert {u_xx, u_yy} <= polynomial.free_symbols
    s = spectrum(net, MEASURES["iid 2"])
    assert sympy.cancel(s.trace() - s.expected_trace) == 0
    extra = int(isinstance(readout, kernels.LastToken))
    for length in (3, 4):
        dense = dense_spectrum(net.nngp, 2, length - extra, probabilities=[1 / 3, 2 / 3], extra_tokens=extra)
        values = sorted((v for level in dense.levels for v in [level.eigenvalue] * level.degeneracy), reverse=True)
        evaluated = s.evaluate(L=length)
        ours = [v for level in evaluated.levels for v in [level.eigenvalue] * level.degeneracy]
        ours += [0.0] * (len(values) - len(ours))
        np.testing.assert_allclose(sorted(ours, reverse=True), values, atol=1e-11 * values[0])


def test_a_polynomial_nonlinearity_beside_a_query():
    net = kernels.serial(
        kernels.TokenEmbedding("2/3"),
        kernels.Positions("1/5"),
        kernels.LinearAttention(),
        kernels.Polynomial([1, 0, "1/2"]),
        kernels.QueryToken("3/4", "7/5"),
    )
    for measure in (MEASURES["uniform 2"], MEASURES["urn 2"]):
        s = spectrum(net, measure, 3)
        assert s.trace() == s.expected_trace
        theirs = block_spectrum(net, measure, 3).levels
        ours = s.evaluate().levels
        total = [sum(level.degeneracy * level.eigenvalue**k for level in ours) for k in (1, 2, 3)]
        expected = [sum(level.degeneracy * level.eigenvalue**k for level in theirs) for k in (1, 2, 3)]
        assert total == pytest.approx(expected, rel=1e-10)


class TestMeasures:
    def test_concentrations_may_be_symbols(self):
        c = sympy.Symbol("c", positive=True)
        expression = u * m + u_xx + u_yy
        s = spectrum(expression, measures.dirichlet_multinomial([c, 2 * c + 1]))
        assert s.free_symbols() == {L, c}
        for number, length in ((Q(1, 2), 3), (Q(4, 3), 5)):
            solved = spectrum(expression, measures.dirichlet_multinomial([number, 2 * number + 1]), length)
            assert polynomials_of(s, length, {c: number}) == polynomials_of(solved, length)
            assert s.substitute(c=number, L=length).levels == solved.levels

    def test_many_draws_make_a_polya_urn_independent(self):
        """With concentrations c h and c to infinity tokens are iid with probabilities h."""
        c = sympy.Symbol("c", positive=True)
        s = spectrum(u * m, measures.dirichlet_multinomial([c, 2 * c]), 4)
        iid = spectrum(u * m, MEASURES["iid 2"], 4)
        for block, limit in zip(s.blocks, iid.blocks, strict=True):
            assert block.matrix.applyfunc(lambda entry: sympy.limit(entry, c, sympy.oo)) == limit.matrix

    @pytest.mark.parametrize("kind", ["weights", "distributions", "both"])
    def test_mixtures_with_symbols(self, kind):
        w, q = sympy.symbols("w q", positive=True)
        weight = w if kind != "distributions" else Q(1, 3)
        probability = q if kind != "weights" else Q(1, 4)
        measure = measures.frozen_mixture([weight, 1 - weight], [[probability, 1 - probability], ["4/5", "1/5"]])
        s = spectrum(m**2 + u, measure)
        assert s.free_symbols() == {L} | measure.moment((1, 0)).free_symbols
        numbers = {w: Q(1, 3), q: Q(1, 4)}
        for length in (3, 6):
            solved = spectrum(m**2 + u, MEASURES["mixture 2"], length)
            assert polynomials_of(s, length, numbers) == polynomials_of(solved, length)

    def test_a_whole_urn_has_one_sequence_of_counts(self):
        """All tokens drawn: counts are constant, so u is, and m sees only the order."""
        s = spectrum(u, measures.urn([2, 1]), 3)
        assert [(level.eigenvalue, level.degeneracy) for level in s.levels] == [(5, 1)]
        s = spectrum(m, measures.urn([2, 1]), 3)
        assert sum(level.degeneracy for level in s.levels) == 3

    @pytest.mark.parametrize(
        ("net", "length", "message"),
        [
            (m, L, "length must be a number for an urn, whose sequences have at most 7 tokens, got L"),
            (m, 8, "length must be at most 7 for an urn of 7, got 8"),
            (
                kernels.architecture("linear-block", "query"),
                7,
                r"length must be at most 6 for an urn of 7 \(a query is drawn as well\), got 7",
            ),
        ],
    )
    def test_lengths_that_an_urn_does_not_have(self, net, length, message):
        with pytest.raises(InvalidArgumentError, match=message):
            spectrum(net, MEASURES["urn 2"], length)


class TestErrors:
    @pytest.mark.parametrize(
        "expression", [u_xx, u_xx * u + m, u_xx**2 * u_yy + u_yy**2 * u_xx * 2, sympy.Symbol("u_yy") * L + u]
    )
    def test_kernels_that_are_not_symmetric(self, expression):
        with pytest.raises(InvalidArgumentError, match="kernel must not change when u_xx and u_yy are exchanged, got"):
            spectrum(expression, MEASURES["iid 2"])

    def test_symbols_are_known_by_name(self):
        plain = sympy.Symbol("u_xx") * sympy.Symbol("u_yy")
        assert spectrum(plain, MEASURES["iid 2"], 3).levels == spectrum(u_xx * u_yy, MEASURES["iid 2"], 3).levels

    def test_a_vocabulary_that_is_a_symbol(self):
        with pytest.raises(SizeLimitError, match="at most 4"):
            spectrum(m**5, measures.iid_uniform())

    def test_a_large_vocabulary(self):
        with pytest.raises(SizeLimitError, match="vocab_size must be at most 10 for this measure, got 11"):
            spectrum(u + m, measures.iid([sympy.Rational(1, 11)] * 11))


def _last_token_traces(kernel, measure, degree):
    """Degeneracy times trace of every block, with one more token that counts in u and m and stays in place."""
    traces = {}
    for shape in reached_shapes(kernel, 2, degree):
        problem = BlockProblem(kernel, measure, shape, "last")
        traces[shape.lower] = problem.matrix(problem.functions.basis()).trace() * shape.dimension
    return traces


def test_a_last_token_makes_closed_forms_hold_one_length_later():
    kernel = KernelPolynomial.from_expression(m**2 + u)
    blocks = spectrum(m**2 + u, measures.iid_uniform(2)).blocks
    without, with_last = (_stable_from(kernel, blocks, token) for token in (None, "last"))
    assert (without, with_last) == (3, 4)
    symbolic = _last_token_traces(kernel, measures.iid(["1/3", "2/3"]), L - 1)
    for length in (with_last, with_last + 1):
        solved = _last_token_traces(kernel, measures.iid(["1/3", "2/3"]), sympy.Integer(length - 1))
        assert all(sympy.expand(symbolic[lower].subs(L, length) - value) == 0 for lower, value in solved.items())


@pytest.mark.parametrize("measure", [measures.iid_uniform(2), measures.iid_uniform()])
def test_a_bar_over_the_blocks_changes_nothing_and_leaves_no_eigenvalue_for_later(measure, capsys):
    kernel = u + sympy.Rational(2, 7) * m
    silent = spectrum(kernel, measure)
    assert capsys.readouterr().err == ""
    shown = spectrum(kernel, measure, progress=True)
    assert "blocks" in capsys.readouterr().err
    assert shown.levels == silent.levels
    assert all("leading_terms" in vars(block) for block in shown.blocks)
    query = spectrum(kernels.architecture("linear-block", "query"), measure, progress=True)
    assert all("leading_terms" in vars(block) for block in query.blocks)
    at_five = spectrum(kernel, measures.iid_uniform(2), 5, progress=True)
    assert all("eigenvalues" in vars(block) for block in at_five.blocks)
    with pytest.raises(InvalidTypeError, match="progress must be True or False, got 'no'"):
        spectrum(kernel, measure, progress="no")


def test_a_spectrum_that_was_solved_is_not_solved_again():
    _solved_block.cache_clear()
    first, second = (spectrum(u + sympy.Rational(5, 7) * m, measures.iid_uniform(3)) for _ in range(2))
    assert all(one is other for one, other in zip(first.blocks, second.blocks, strict=True))
