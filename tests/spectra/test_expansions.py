"""Expansions at large L against exact roots, planted Puiseux series, series of radicals, and leading terms."""

from __future__ import annotations

import mpmath
import pytest
import sympy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from symrep import kernels, measures, spectrum
from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError, SizeLimitError
from symrep.kernels.overlaps import length_symbol
from symrep.spectra.asymptotics import LeadingTerm, leading_roots
from symrep.spectra.expansions import Expansion, expand_block, expand_rational, expand_roots
from symrep.spectra.isotypic_block import Block

x = sympy.Symbol("x")
L = length_symbol
a, p = sympy.symbols("a p", positive=True)
numbers = {a: sympy.Rational(2, 3), p: sympy.Rational(5, 7)}
half = sympy.Rational(1, 2)

rationals = st.fractions(min_value=-3, max_value=3, max_denominator=3).map(
    lambda q: sympy.Rational(q.numerator, q.denominator)
)
series = st.dictionaries(st.integers(-2, 2).map(sympy.Integer), rationals.filter(bool), max_size=3)
halves = st.dictionaries(st.integers(-4, 4).map(lambda k: half * k), rationals.filter(bool), min_size=1, max_size=3)


def poly(expression):
    return sympy.Poly(sympy.expand(expression), x)


def from_dict(terms):
    return sympy.Add(*(c * L**e for e, c in terms.items()))


# an error of L^-72 beside a root of L^3, at L = 10^6
_DIGITS = 500


def roots_at(polynomial, length):
    """All real roots at a length, largest first, by mpmath, with as many digits as the smallest of errors takes."""
    with mpmath.workdps(_DIGITS):
        values = [c.subs({**numbers, L: length}) for c in polynomial.all_coeffs()]
        coefficients = [mpmath.mpf(int(v.p)) / int(v.q) for v in values]
        roots = mpmath.polyroots(coefficients, maxsteps=500, extraprec=400)
        assert all(abs(mpmath.im(root)) < mpmath.mpf(10) ** -60 for root in roots)
        return sorted((mpmath.re(root) for root in roots), reverse=True)


def value_at(expansion, length):
    return mpmath.mpf(str(expansion.as_expression().subs({**numbers, L: length}).evalf(_DIGITS)))


def check_errors_fall_as_stated(factor, expansions):
    """Fits the exponent of the error over L = 10^2 .. 10^6, for the roots of one irreducible factor in their order."""
    lengths = [10**k for k in range(2, 7)]
    exact = [roots_at(factor, length) for length in lengths]
    with mpmath.workdps(_DIGITS):
        for place, expansion in enumerate(expansions):
            errors = [abs(roots[place] - value_at(expansion, length)) for roots, length in zip(exact, lengths)]
            if expansion.is_exact:
                assert max(errors) < mpmath.mpf(10) ** -50
                continue
            slope = mpmath.log10(errors[-1] / errors[-2])
            assert abs(slope - mpmath.mpf(str(expansion.next_exponent.evalf(30)))) < 0.01, (expansion, errors)


def linear_blocks():
    for readout in ("pool", "flatten"):
        for vocab_size in (2, 3):
            net = kernels.architecture("linear-block", readout)
            yield from spectrum(net, measures.iid_uniform(vocab_size)).blocks


class TestBlocks:
    @pytest.mark.parametrize("order", [1, 2, 4, 6])
    @pytest.mark.slow
    def test_error_falls_with_the_exponent_of_the_first_omitted_term(self, order):
        for block in linear_blocks():
            expansions = expand_block(block, order)
            assert [m for _, m in expansions] == [m for _, m in block.eigenvalues]
            place = 0
            for factor, _ in block.factors:
                check_errors_fall_as_stated(factor, [e for e, _ in expansions[place : place + factor.degree()]])
                place += factor.degree()

    def test_order_is_that_of_the_eigenvalues_and_leading_terms_agree(self):
        for block in linear_blocks():
            for (expansion, _), (eigenvalue, _), leading in zip(
                expand_block(block, 3), block.eigenvalues, block.leading_terms, strict=True
            ):
                at = {**numbers, L: 10**8}
                assert sympy.Abs((expansion.as_expression() / eigenvalue).subs(at).evalf(60) - 1) < 1e-15
                assert sympy.simplify(expansion.leading.as_expression() - leading.as_expression()) == 0

    @pytest.mark.slow
    @pytest.mark.parametrize("place, exponents", [(0, (2, 1, 0, -1)), (1, (0, -1, -2, -3))])
    def test_even_trivial_block_of_pooling_is_the_series_of_its_radical(self, place, exponents):
        cubic = L**3 * a**2 + 2 * L**2 * a * p + 2 * L**2 * p**2 + 3 * L * a**2 - 2 * a**2
        trace = (L * a + 2 * p) * cubic / (4 * L**2)
        determinant = a**2 * (L - 1) * (L * a + 2 * p) ** 2 * (L * a**2 + 2 * a * p + 2 * p**2) / (8 * L**2)
        t = sympy.Symbol("t", positive=True)
        # the root over L^2 is a power series in t = 1/L
        tau, delta = (sympy.expand((e / L**k).subs(L, 1 / t)) for e, k in ((trace, 2), (determinant, 4)))
        larger = sympy.series(tau / 2 + sympy.sqrt(sympy.expand(tau**2 / 4 - delta)), t, 0, 7).removeO()
        series = sympy.expand((larger if place == 0 else tau - larger) / t**2)
        block = spectrum(kernels.architecture("linear-block", "pool"), measures.iid_uniform(2)).blocks[0]
        expansion = expand_block(block, 4)[place][0]
        assert tuple(e for _, e in expansion.terms) == exponents
        for coefficient, exponent in expansion.terms:
            assert sympy.simplify(coefficient - series.coeff(t, -exponent)) == 0

    def test_numeric_lengths_give_exact_constants(self):
        block = Block((1,), None, None, sympy.ImmutableMatrix([[2, 1, 0], [1, 3, 1], [0, 1, 5]]), (), 1)
        expansions = expand_block(block, 2)
        assert all(expansion.is_exact and m == 1 for expansion, m in expansions)
        assert [expansion.as_expression() for expansion, _ in expansions] == [e for e, _ in block.eigenvalues]


class TestPlantedRoots:
    @settings(deadline=None, max_examples=30)
    @given(st.lists(series, min_size=1, max_size=4))
    def test_laurent_polynomials_are_recovered_with_multiplicity(self, planted):
        expansions = expand_roots(poly(sympy.prod(x - from_dict(root) for root in planted)), 3)
        assert all(expansion.is_exact for expansion in expansions)
        found = [{e: c for c, e in expansion.terms} for expansion in expansions]
        assert sorted(map(str, map(from_dict, found))) == sorted(map(str, map(from_dict, planted)))

    @settings(deadline=None, max_examples=40)
    @given(halves, st.integers(1, 3))
    def test_series_in_the_square_root_of_length_are_recovered_with_their_conjugates(self, planted, order):
        root = from_dict(planted)
        conjugate = from_dict({e: c * (-1) ** (2 * e) for e, c in planted.items()})
        expansions = expand_roots(poly((x - root) * (x - conjugate)), order)
        assert len(expansions) == 2
        for one in (root, conjugate):
            start = sum(c * L**e for c, e in _first(one, order))
            best = [e for e in expansions if sympy.expand(start - e.as_expression()) == 0]
            assert best and all(e.is_exact == (len(planted) <= order) for e in best)
            assert all(e.is_exact or e.next_exponent == _first(one, order + 1)[-1][1] for e in best)

    @settings(deadline=None, max_examples=5)
    @given(st.lists(series, min_size=2, max_size=3), st.integers(3, 6))
    @example([{}, {}, {}], 6)
    def test_perturbed_products_still_fall_as_stated(self, planted, power):
        shifted = [root | {sympy.Integer(3): sympy.Integer(k)} for k, root in enumerate(planted, start=1)]
        polynomial = poly(sympy.prod(x - from_dict(root) for root in shifted) - L**-power)
        factors = polynomial.factor_list()[1]
        expansions = expand_roots(polynomial, 3)
        if len(factors) == 1 and factors[0][1] == 1:
            check_errors_fall_as_stated(polynomial, expansions)
        assert [e.leading.exponent for e in expansions] == [3] * len(planted)


def _first(expression, order):
    terms = sorted((t.as_coeff_exponent(L) for t in sympy.Add.make_args(expression)), key=lambda t: -t[1])
    return terms[:order]


IRREDUCIBLE = {
    "square root": x**2 - L - 1,
    "multiple edge root": (x - 1) ** 2 - 2 / L**3 - 1 / L**4,
    "multiple irrational edge root": (x**2 - 2) ** 2 - 1 / L,
    "irrational edge root that splits over its own field": ((x - L) ** 2 - 2 - 4 / L) * ((x - L) ** 2 - 2) - 1 / L**3,
    "nested square roots": (x**2 - 6 * x + 7) ** 2 - (x - 2) ** 2 / L,
    "symbolic radicals": x**2 - a * x - p - x / L,
    "symbolic edge of degree three": x**3 - 3 * a * x + p / 5 + 1 / L,
    "numeric edge of degree three": x**3 - 3 * x + 1 + 1 / L,
    "three exponents": (x - L**2) * (x - a) * (x - p / L) - 1 / L**2,
    "difference of edge roots whose sign depends on parameters": x**2 - (a + p) * x + a * p - 1 / L,
    "gap": (x - 1) * (x + 1) - 1 / L**8,
}


class TestIrreducibleFactors:
    @pytest.mark.slow
    @pytest.mark.parametrize("order", [1, 3])
    @pytest.mark.parametrize("name", IRREDUCIBLE)
    def test_error_falls_as_stated_in_the_order_of_the_roots(self, name, order):
        polynomial = poly(IRREDUCIBLE[name])
        expansions = expand_roots(polynomial, order)
        assert len(expansions) == polynomial.degree()
        assert all(len(e.terms) == order for e in expansions)
        check_errors_fall_as_stated(polynomial, expansions)

    def test_leading_terms_are_those_of_the_newton_polygon(self):
        for name in ("square root", "symbolic radicals", "three exponents", "numeric edge of degree three"):
            polynomial = poly(IRREDUCIBLE[name])
            found = sorted(float(e.leading.coefficient.subs(numbers).evalf(30)) for e in expand_roots(polynomial, 1))
            known = sorted(float(t.coefficient.subs(numbers).evalf(30)) for t in leading_roots(polynomial))
            assert found == pytest.approx(known, abs=1e-12)

    def test_edge_roots_are_ordered_as_at_the_reference_point(self):
        one, other = expand_roots(poly(IRREDUCIBLE["difference of edge roots whose sign depends on parameters"]), 2)
        assert (str(one), str(other)) == ("p + 1/(L*(-a + p)) + O(L**(-2))", "a - 1/(L*(-a + p)) + O(L**(-2))")

    def test_a_rational_factor_of_the_radical_keeps_its_sign(self):
        expansions = expand_roots(poly(x**2 - (a - p) ** 2 * (a + p) - 1 / L), 2)
        for expansion in expansions:
            c, d = (coefficient for coefficient, _ in expansion.terms)
            assert not (c.has(sympy.Abs) or d.has(sympy.Abs))
            assert sympy.simplify(2 * c * d - 1) == 0

    def test_multiple_roots_and_zero_are_repeated_factor_by_factor(self):
        expansions = expand_roots(poly(x**2 * (x - a / L) ** 3 * (x**2 - L)), 2)
        texts = [str(e) for e in expansions]
        assert sorted(texts) == sorted(["0"] * 2 + ["a/L"] * 3 + ["sqrt(L)", "-sqrt(L)"])
        assert texts.index("sqrt(L)") < texts.index("-sqrt(L)")


class TestExpandRational:
    def test_laurent_polynomials_are_exact_when_the_order_reaches(self):
        expression = (a * L + p) ** 2 / (3 * L)
        assert expand_rational(expression, 3).is_exact
        assert sympy.expand(expand_rational(expression, 3).as_expression() - expression) == 0
        assert expand_rational(expression, 2).next_exponent == -1
        assert expand_rational(0, 1) == Expansion((), True)

    def test_geometric_series(self):
        expansion = expand_rational(1 / (L**2 - a), 4)
        assert expansion.terms == tuple((a**k, -2 * k - 2) for k in range(4))
        assert expansion.next_exponent == -10


class TestExpansion:
    def test_text_and_latex(self):
        assert str(expand_rational(L + a - p - 1 / L, 3)) == "L + (a - p) - 1/L"
        assert str(expand_rational(-1 / (L + 1), 2)) == "-1/L + L**(-2) + O(L**(-3))"
        assert str(expand_rational(L, 1)) == "L"
        exact = expand_rational(a * L**2 / 3, 1)
        assert exact._latex() == exact.leading._latex()
        assert exact._repr_latex_() == exact.leading._repr_latex_()
        assert expand_rational(L**2 + a - p, 1)._latex() == r"L^{2} + O\left(1\right)"

    def test_leading_of_zero(self):
        assert expand_rational(0, 3).leading == LeadingTerm(sympy.Integer(0), sympy.Integer(0))

    def test_evaluation_takes_numbers_by_name(self):
        expansion = expand_roots(poly(x**2 - a * L - p), 2)[0]
        assert expansion.evaluate(L=100, a=4, p="1/2") == pytest.approx(20 + 0.5 / 40, rel=1e-15)

    def test_errors_of_evaluation(self):
        expansion = expand_rational(a * L, 1)
        with pytest.raises(FreeSymbolError, match="evaluate needs numbers for a, got"):
            expansion.evaluate(L=2)
        with pytest.raises(InvalidArgumentError, match="numbers must be for"):
            expansion.evaluate(L=2, a=1, b=1)

    def test_exponents_must_decrease(self):
        with pytest.raises(InvalidArgumentError, match="exponents must strictly decrease"):
            Expansion(((a, sympy.Integer(0)), (p, sympy.Integer(0))), True)

    def test_exactness_must_fit_the_next_exponent(self):
        with pytest.raises(InvalidArgumentError, match="next_exponent must be None exactly when is_exact"):
            Expansion(((a, sympy.Integer(0)),), False)


class TestErrors:
    @pytest.mark.parametrize("order", [0, -1])
    def test_order_below_one(self, order):
        with pytest.raises(InvalidArgumentError, match="order must be at least 1"):
            expand_rational(L, order)

    @pytest.mark.parametrize("order", [True, 2.0, "2"])
    def test_order_of_another_type(self, order):
        with pytest.raises(InvalidTypeError, match="order must be an integer"):
            expand_rational(L, order)

    def test_polynomial_of_another_type(self):
        with pytest.raises(InvalidTypeError, match="polynomial must be a sympy Poly"):
            expand_roots(x**2 - L, 1)

    def test_block_of_another_type(self):
        with pytest.raises(InvalidTypeError, match="block must be a Block"):
            expand_block(poly(x - L), 1)

    @pytest.mark.parametrize("polynomial", [sympy.Poly(x + L, x, L), sympy.Poly(L**2 - 1, L), sympy.Poly(3, x)])
    def test_polynomial_in_the_wrong_symbols(self, polynomial):
        with pytest.raises(InvalidArgumentError, match="polynomial must have positive degree in one symbol"):
            expand_roots(polynomial, 1)

    def test_another_symbol_named_like_the_length(self):
        with pytest.raises(InvalidArgumentError, match="coefficients must write L as"):
            expand_roots(sympy.Poly(x - sympy.Symbol("L"), x), 1)

    @pytest.mark.parametrize(
        "value", [2**L, sympy.sqrt(L), sympy.sqrt(2), sympy.Float("0.5"), sympy.pi, sympy.I * a, sympy.sin(a)]
    )
    def test_coefficients_that_are_not_rational(self, value):
        with pytest.raises(InvalidArgumentError, match="coefficients must be rational in symbols"):
            expand_roots(sympy.Poly(x - value, x), 1)

    @pytest.mark.parametrize("expression", [x**2 + L, x**3 - L, (x - 1) ** 2 + 1 / L, x**4 + a * x + 1])
    def test_roots_that_are_not_real(self, expression):
        with pytest.raises(InvalidArgumentError, match="polynomial must have only real roots"):
            expand_roots(poly(expression), 3)

    def test_coefficients_that_grow_too_large(self):
        symbols = sympy.symbols("b:6", positive=True)
        with pytest.raises(SizeLimitError, match="use a smaller order or numbers for some parameters"):
            expand_rational(1 / (sum(symbols) + sum(s**2 / L for s in symbols)), 12)
