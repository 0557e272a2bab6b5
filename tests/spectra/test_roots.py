"""Ordered real roots, and leading terms at large L, against numpy, sympy and large numbers."""

from __future__ import annotations

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import PaddedShape, kernels, measures, spectrum
from symrep.errors import InvalidArgumentError
from symrep.kernels.overlaps import length_symbol, matches_symbol, overlap_symbol
from symrep.spectra.asymptotics import LeadingTerm, leading_roots, leading_term
from symrep.spectra.field_towers import FieldTower
from symrep.spectra.isotypic_block import Block
from symrep.spectra.roots import (
    OrderedRoot,
    factor_roots,
    irreducible_factors,
    real_roots,
    require_real,
    sign_at_reference,
)

x = sympy.Symbol("x")
L = length_symbol
a, b = sympy.symbols("a b", positive=True)
rationals = st.fractions(min_value=-4, max_value=4, max_denominator=5).map(
    lambda q: sympy.Rational(q.numerator, q.denominator)
)


def poly(expression):
    return sympy.Poly(sympy.expand(expression), x)


class TestRealRoots:
    @settings(deadline=None, max_examples=40)
    @given(st.lists(rationals, min_size=1, max_size=5))
    def test_rational_roots_come_back_sorted_with_multiplicity(self, roots):
        product = sympy.prod(x - root for root in roots)
        assert real_roots(poly(product)) == sorted(roots, reverse=True)

    @pytest.mark.slow
    @settings(deadline=None, max_examples=25)
    @given(st.integers(2, 4), st.data())
    def test_roots_of_symmetric_matrices_are_those_of_numpy(self, size, data):
        entries = data.draw(st.lists(st.integers(-4, 4), min_size=size**2, max_size=size**2))
        matrix = np.reshape(entries, (size, size))
        matrix = matrix + matrix.T
        roots = real_roots(sympy.Poly(sympy.Matrix(matrix.tolist()).charpoly(x).as_expr(), x))
        assert len(roots) == size
        assert np.allclose([float(root) for root in roots], np.linalg.eigvalsh(matrix)[::-1], atol=1e-6)
        for root in roots:
            assert abs(sympy.N(sympy.Matrix(matrix.tolist()).charpoly(x).as_expr().subs(x, root), 40)) < 1e-20

    def test_quadratic_roots_with_symbols_are_roots_larger_first(self):
        quadratics = [
            x**2 - (a + b) * x + a * b / 3,
            x**2 - 2 * a / (3 * b) * x + a**2 / (9 * b**2 * (b + 1)),
            x**2 - 4 * (a + b) ** 2 * x + 3 * (a + b) ** 4 * a / (a + b + 1),
            x**2 - a,
        ]
        for quadratic in quadratics:
            roots = real_roots(sympy.Poly(quadratic, x))
            assert len(roots) == 2
            for root in roots:
                assert sympy.simplify(quadratic.subs(x, root)) == 0
            larger, smaller = (float(root.subs({a: sympy.Rational(2, 3), b: sympy.Rational(5, 7)})) for root in roots)
            assert larger > smaller

    def test_factors_multiply_back(self):
        expression = x**2 * (x - a) ** 3 * (x**2 - a * x - b) * (x**3 - 3 * a * x + 1) / (a + 1)
        product = sympy.Integer(1)
        for factor, multiplicity in irreducible_factors(sympy.Poly(sympy.expand(expression), x)):
            assert factor.LC() == 1
            product *= factor.as_expr() ** multiplicity
        assert sympy.simplify(product / (a + 1) - expression) == 0

    def test_zero_and_repeated_roots_with_symbols(self):
        assert sorted(real_roots(poly(x**2 * (x - a) ** 2)), key=str) == [0, 0, a, a]

    def test_cubics_with_symbols_are_implicit_and_ordered(self):
        roots = factor_roots(poly(x**3 - 3 * a * x + 1))
        assert [type(root) for root in roots] == [OrderedRoot] * 3
        values = [float(root.subs(a, 2).evalf(20)) for root in roots]
        assert values == pytest.approx(sorted(np.roots([1, 0, -6, 1]).real, reverse=True), abs=1e-12)

    def test_cubics_with_numbers_are_largest_first(self):
        roots = factor_roots(poly(x**3 - 3 * x + 1))
        assert [float(root) for root in roots] == pytest.approx(sorted(np.roots([1, 0, -3, 1]).real, reverse=True))


class TestOrderedRoot:
    def test_index_runs_over_all_roots_where_the_polynomial_factors_at_a_number(self):
        cubic = (1, -3 * a, 2 * a**2 + 1 - a, a**2 - a)
        polynomial = sympy.Poly.from_list(list(cubic), x).as_expr()
        for number in (3, 5):
            numbers = sorted(
                np.roots([float(c.subs(a, number)) if c != 1 else 1.0 for c in map(sympy.sympify, cubic)]).real
            )
            values = [float(OrderedRoot(cubic, index).subs(a, number).evalf(20)) for index in range(3)]
            assert values == pytest.approx(numbers[::-1], abs=1e-9)
            for index in range(3):
                root = OrderedRoot(cubic, index).subs(a, number)
                assert abs(polynomial.subs({a: number, x: root.evalf(40)})) < 1e-25

    def test_coinciding_roots_count_with_multiplicity(self):
        shifted = sympy.Poly((x - a) ** 2 * (x - 1), x).all_coeffs()
        values = [OrderedRoot(shifted, index).subs(a, 3).doit() for index in range(3)]
        assert values == [3, 3, 1]

    def test_with_symbols_it_stays_itself(self):
        root = OrderedRoot((1, 0, -3 * a, 1), 1)
        assert root.doit() == root
        assert root.evalf() == root
        assert root.free_symbols == {a}
        assert root.is_extended_real

    def test_printing_states_polynomial_and_index(self):
        root = OrderedRoot((1, 0, -3 * a, 1), 1)
        assert str(root) == "OrderedRoot((1, 0, -3*a, 1), 1)"
        assert sympy.latex(root) == r"\operatorname{root}_{2}\left[- 3 a x + x^{3} + 1\right]"

    def test_the_text_is_read_back_by_sympify(self):
        root = OrderedRoot((1, 0, -3 * a, 1), 1)
        again = sympy.sympify(str(root), locals={"OrderedRoot": OrderedRoot, "a": a})
        assert again == root


class TestLeadingTerm:
    @pytest.mark.parametrize(
        ("expression", "coefficient", "exponent"),
        [
            ((a * L**2 + b) / (2 * L**3 + 1), a / 2, -1),
            (a * (L - 2) / (2 * L**2), a / 2, -1),
            (b, b, 0),
            ((L + a) ** 3 - L**3, 3 * a, 2),
            (1 / L - 1 / (L + 1), 1, -2),
        ],
    )
    def test_rational_functions(self, expression, coefficient, exponent):
        term = leading_term(expression)
        assert sympy.expand(term.coefficient - coefficient) == 0
        assert term.exponent == exponent
        assert sympy.limit(expression / term.as_expression(), L, sympy.oo) == 1

    def test_zero(self):
        assert leading_term((L + 1) ** 2 - L**2 - 2 * L - 1) == LeadingTerm(sympy.Integer(0), sympy.Integer(0))

    def test_display(self):
        term = LeadingTerm(a / 2, sympy.Integer(-1))
        assert str(term) == "a/(2*L)"
        assert term._repr_latex_() == r"$\frac{a}{2 L}$"


class TestLeadingRoots:
    @pytest.mark.parametrize(
        ("polynomial", "expected"),
        [
            (x**2 - L, ["sqrt(L)", "-sqrt(L)"]),
            (x**2 - 2 * L**3, ["sqrt(2)*L**(3/2)", "-sqrt(2)*L**(3/2)"]),
            (x**2 * (x - L) * (x + L**2) * (x - 1), ["L", "1", "0", "0", "-L**2"]),
            ((x - 2 * L) * (x - L) * (x + 3 * L), ["2*L", "L", "-3*L"]),
            ((x + 2 * L) * (x + L) * (x + 3 / L) * (x + 5 / L), ["-3/L", "-5/L", "-L", "-2*L"]),
            ((x - 7) * (x - 7 - 1 / L), ["7", "7"]),
            ((x - L**2 - L) * (x - L**2 + 5) * (x - 3 / L), ["L**2", "L**2", "3/L"]),
            (x**3, ["0", "0", "0"]),
            ((x - a * L) * (x - b / L), ["L*a", "b/L"]),
            (x**2 - 2 * a * L * x + L**2 * (a**2 - a / 4), ["L*(sqrt(a)/2 + a)", "L*(-sqrt(a)/2 + a)"]),
        ],
    )
    def test_hand_made_polynomials(self, polynomial, expected):
        terms = [term.as_expression() for term in leading_roots(poly(polynomial))]
        assert len(terms) == len(expected)
        symbols = {"L": L, "a": a}
        for term, text in zip(terms, expected):
            assert sympy.simplify(term - sympy.sympify(text, locals=symbols | {"b": b})) == 0

    def test_points_inside_the_hull_do_not_count(self):
        """Degrees 0, 1, 0, 2 at powers 3, 2, 1, 0: the power 1 lies below the hull."""
        polynomial = x**3 - 3 * L * x**2 + x + L**2
        numbers = sorted(np.roots([1, -3e8, 1, 1e16]).real, reverse=True)
        predicted = [float(term.as_expression().subs(L, 10**8)) for term in leading_roots(poly(polynomial))]
        assert predicted == pytest.approx(numbers, rel=1e-3)

    def test_a_constant_has_no_roots(self):
        assert leading_roots(sympy.Poly(5, x)) == []

    @settings(deadline=None, max_examples=25)
    @given(
        st.lists(
            st.tuples(st.sampled_from([-3, -2, -1, 1, 2, 5]), st.integers(-2, 2)), min_size=1, max_size=4, unique=True
        )
    )
    def test_products_of_monomial_roots(self, roots):
        """Where coefficients differ or exponents do, the order is that of the values at a large number."""
        product = sympy.prod(x - c * L**e - c * L ** (e - 1) for c, e in roots)
        terms = leading_roots(poly(sympy.expand(product)))
        expected = sorted(roots, key=lambda root: root[0] * 1000.0 ** root[1], reverse=True)
        assert [(term.coefficient, term.exponent) for term in terms] == [(c, e) for c, e in expected]


def large_length_ratios(s, values, length):
    for level in s.levels:
        numbers = {symbol: sympy.sympify(values[symbol.name]) for symbol in s.free_symbols() if symbol.name != "L"}
        value = level.eigenvalue.subs(numbers).subs(L, length).evalf(60)
        leading = sympy.sympify(level.leading.as_expression()).subs(numbers).subs(L, length).evalf(60)
        yield level, float(value / leading)


VALUES = [
    {"a": "2/3", "p": "5/7", "a_q": "3/4", "p_q": "7/5", "V": 3},
    {"a": "7/2", "p": "1/9", "a_q": "1/8", "p_q": "3", "V": 5},
]
MEASURES = {
    "uniform 2": measures.iid_uniform(2),
    "uniform 3": measures.iid_uniform(3),
    "iid 2": measures.iid(["1/3", "2/3"]),
    "symmetric mixture": measures.frozen_mixture(["1/2", "1/2"], [["1/4", "3/4"], ["3/4", "1/4"]]),
    "mixture": measures.frozen_mixture(["1/3", "2/3"], [["1/4", "3/4"], ["4/5", "1/5"]]),
}


def _architectures():
    for measure in MEASURES:
        for name in ("linear-block", "uniform-block"):
            for readout in ("pool", "flatten", "last", "query"):
                marks = []
                if name == "linear-block" and measure in ("iid 2", "mixture", "uniform 3"):
                    marks.append(pytest.mark.slow)
                yield pytest.param(measure, name, readout, marks=marks)


@pytest.mark.slow
@pytest.mark.parametrize(("measure", "name", "readout"), list(_architectures()))
def test_every_leading_term_is_the_large_length_value_of_its_level(measure, name, readout):
    s = spectrum(kernels.architecture(name, readout), MEASURES[measure])
    assert s.levels
    for values in VALUES:
        for level, ratio in large_length_ratios(s, values, 10**9):
            assert ratio == pytest.approx(1, abs=1e-4), (level, values)


@pytest.mark.parametrize(
    ("name", "readout", "vocab_size"),
    [
        ("linear-block", "query", None),
        ("uniform-block", "pool", None),
        ("linear-block", "pool", 2),
        ("linear-block", "flatten", 3),
    ],
)
def test_limits_of_rational_eigenvalues(name, readout, vocab_size):
    measure = measures.iid_uniform() if vocab_size is None else measures.iid_uniform(vocab_size)
    s = spectrum(kernels.architecture(name, readout), measure)
    rational = [level for level in s.levels if level.eigenvalue.is_rational_function(L)]
    assert rational
    for level in rational:
        assert sympy.limit(sympy.cancel(level.eigenvalue / level.leading.as_expression()), L, sympy.oo) == 1


def test_limits_of_the_square_roots_of_the_pooled_block():
    s = spectrum(kernels.architecture("linear-block", token_variance=2, position_variance=3), measures.iid_uniform(2))
    pair = [level for level in s.levels if not level.eigenvalue.is_rational_function(L)]
    assert len(pair) == 2
    for level in pair:
        assert sympy.limit(level.eigenvalue / level.leading.as_expression(), L, sympy.oo) == 1


def test_leading_terms_of_a_tie_belong_to_their_roots():
    """The roots are near a L and near b L: the larger one is known only with numbers."""
    matrix = sympy.ImmutableMatrix([[a * L, 1], [1, b * L]])
    block = Block(PaddedShape(), None, None, matrix, (), 1)
    for numbers in ({a: 1, b: 2}, {a: 2, b: 1}):
        for (eigenvalue, _), term in zip(block.eigenvalues, block.leading_terms):
            ratio = (eigenvalue / term.as_expression()).subs(numbers)
            assert float(ratio.subs(L, 10**6)) == pytest.approx(1, abs=1e-3)


def test_leading_terms_of_a_kernel_with_negative_eigenvalues():
    s = spectrum(matches_symbol**3 - 2 * overlap_symbol * matches_symbol, measures.iid(["1/3", "2/3"]))
    assert any(level.leading.coefficient.is_negative for level in s.levels)
    for level, ratio in large_length_ratios(s, {}, 10**9):
        assert ratio == pytest.approx(1, abs=1e-4), level


def test_block_orders_leading_terms_as_eigenvalues():
    """A block whose two roots have the same exponent, one negative root, and a zero root."""
    matrix = sympy.ImmutableMatrix(sympy.diag(sympy.Matrix([[0, L], [2 * L, 0]]), 0, 3 / L))
    block = Block(PaddedShape(), None, None, matrix, (), 1)
    terms = {str(eigenvalue): str(term) for (eigenvalue, _), term in zip(block.eigenvalues, block.leading_terms)}
    assert terms == {"3/L": "3/L", "0": "0", "sqrt(2)*L": "sqrt(2)*L", "-sqrt(2)*L": "-sqrt(2)*L"}


def test_radicals_are_the_eigenvalues_with_multiplicity():
    companion = sympy.Matrix([[0, 0, -1], [1, 0, 3], [0, 1, 0]])
    matrix = sympy.ImmutableMatrix(sympy.diag(companion, sympy.Matrix([[2, 1], [1, 5]]), 4, 4))
    block = Block(PaddedShape(), None, None, matrix, (), 1)
    assert dict(block.eigenvalues)[sympy.Integer(4)] == 2
    radicals = block.radicals()
    assert sum(radicals.values()) == 7
    assert radicals[sympy.Integer(4)] == 2
    found = sorted(complex(root).real for root, power in radicals.items() for _ in range(power))
    assert found == pytest.approx(sorted(np.linalg.eigvals(np.array(matrix.tolist(), dtype=float)).real))


def test_radicals_refuse_quintics():
    quintic = sympy.Poly(x**5 - 5 * x**3 + 4 * x - sympy.Rational(1, 2), x)
    companion = sympy.zeros(5, 5)
    for i, coefficient in enumerate(reversed(quintic.all_coeffs()[1:])):
        companion[i, 4] = -coefficient
        if i:
            companion[i, i - 1] = 1
    block = Block(PaddedShape(), None, None, sympy.ImmutableMatrix(companion), (), 1)
    with pytest.raises(ValueError, match="block must have factors of degree at most 4, got degree 5"):
        block.radicals()


@pytest.mark.parametrize(
    ("expression", "sign"), [(L / (7 - a * L), -1), ((a - L) / (7 - a * L), 1), (1 / (a * L - 7), 1)]
)
def test_signs_of_quotients_at_large_length(expression, sign):
    assert sign_at_reference(expression) == sign


def test_roots_that_are_not_real_at_the_reference_point():
    with pytest.raises(InvalidArgumentError, match="polynomial must have only real roots"):
        require_real(poly(x**2 + a), {a: sympy.Rational(7, 10)})
    require_real(poly(x**2 - a), {a: sympy.Rational(7, 10)})


def test_factors_over_a_field_where_sums_of_generators_coincide():
    """The second generator is -sqrt(2) + sqrt(3), so that both generators add up to the same number for either sqrt(2)."""
    first = FieldTower(sympy.QQ).extended([sympy.QQ(1), sympy.QQ(0), sympy.QQ(-2)])
    both = first.extended([first.lift(1), 2 * first.ring.gens[0], first.lift(-1)])
    one, none = both.lift(1), both.lift(0)
    assert [(len(f), k) for f, k in both.factors([one, none, both.lift(-5)])] == [(3, 1)]
    assert [(len(f), k) for f, k in both.factors([one, none, both.lift(-6)])] == [(2, 1), (2, 1)]
