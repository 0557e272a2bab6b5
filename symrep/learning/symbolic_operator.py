r"""The operator of a polynomial kernel on functions of named tokens and of counts, with the length and all variances as symbols.

A function is a polynomial in the centred counts of the unnamed positions for every word at the named ones. The operator
acts on it through the factorial moments of :mod:`symrep.spectra.moments`, as it acts on the test functions of spectra, and
so does the expectation, which is the operator of the kernel 1. Coefficients are polynomials in all symbols: common
denominators are kept apart.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy.polys.constructor import construct_domain
from sympy.polys.rings import PolyElement, ring

from symrep.combinatorics.partitions import Partition
from symrep.learning.polynomial_targets import NamedPositions, Values, Word
from symrep.measures import ExchangeableMeasure
from symrep.spectra.kernel_action import KernelAction
from symrep.spectra.kernel_polynomials import KernelPolynomial
from symrep.spectra.moments import count_expectations
from symrep.spectra.specht_functions import SpechtFunctions

_ONE = ((0, 0, 0), (0, 0))


class SymbolicOperator:
    """A kernel and a measure on the functions of named positions.

    Parameters
    ----------
    kernel
        The kernel polynomial.
    measure
        An exchangeable measure over a numeric vocabulary.
    space
        The named positions; a fixed one is counted in u and m.
    """

    def __init__(self, kernel: KernelPolynomial, measure: ExchangeableMeasure, space: NamedPositions) -> None:
        self.space = space
        self.unnamed = space.length - space.named - space.fixed
        lower = Partition((space.named,) if space.named else ())
        self.functions = SpechtFunctions(lower, space.vocab_size, space.fixed, 0)
        self.expectations = count_expectations(measure, self.unnamed)
        self.action = KernelAction(self.functions, self.expectations, "last" if space.fixed else None)
        terms = list(kernel.all_terms())
        fractions = [sympy.fraction(sympy.together(coefficient)) for *_, coefficient in terms]
        self.denominator = sympy.lcm_list([bottom for _, bottom in fractions]) if fractions else sympy.Integer(1)
        numerators = [sympy.cancel(top * self.denominator / bottom) for top, bottom in fractions]
        self.monomials = [(monomial, own) for monomial, own, _ in terms]
        known = [space.length, *measure.probabilities, *numerators]
        self.domain = construct_domain([sympy.Rational(1, 2), *known], extension=True)[0]
        self.coefficients = [self.domain.from_sympy(value) for value in numerators]
        self.ring = ring(self.expectations.count_ring.symbols, self.domain)[0]
        self._columns: dict[Any, Values] = {}
        self._means: dict[Any, Any] = {}

    def from_counts(self, values: Values) -> tuple[Values, sympy.Expr]:
        """A function of named tokens and total counts in centred counts, times a denominator, and that denominator."""
        over = self.space.ring
        gens = over.gens[: self.space.vocab_size - 1]
        mean = over.domain.from_sympy(self.unnamed / self.space.vocab_size)
        centred = {
            word: value.compose([(n, n + mean + word.count(v)) for v, n in enumerate(gens)]) if gens else value
            for word, value in values.items()
        }
        if over.domain == sympy.QQ:
            denominator = sympy.Integer(1)
        else:
            bottoms = {c.denom for value in centred.values() for c in value.values()}
            denominator = sympy.lcm_list([bottom.as_expr() for bottom in bottoms])
        scale = over.domain.from_sympy(denominator)
        cleared = {word: value * scale for word, value in centred.items()}
        to_sympy, convert = over.domain.to_sympy, self.domain.from_sympy
        terms = {word: {e: convert(to_sympy(c)) for e, c in value.items()} for word, value in cleared.items()}
        return {word: self.ring.from_dict(own) for word, own in terms.items()}, denominator

    def apply(self, values: Values) -> Values:
        """The image of a function, times the denominator of the kernel."""
        images: Values = {}
        named = range(self.space.named)
        for word, value in values.items():
            order = sorted(named, key=word.__getitem__)
            order += range(len(named), len(word))
            ordered = tuple(word[i] for i in order)
            total: Values = {}
            for exponents, coefficient in value.items():
                for t, image in self._column(ordered, exponents).items():
                    total[t] = total.get(t, self.ring.zero) + image * coefficient
            for t in self.space.words:
                image = total.get(tuple(t[i] for i in order))
                if image:
                    images[t] = images.get(t, self.ring.zero) + image
        return {word: value for word, value in images.items() if value}

    def inner(self, first: Values, second: Values) -> Any:
        """The expectation of the product of two functions, in ``domain``."""
        total = self.domain.zero
        for word, value in first.items():
            if word in second:
                for exponents, coefficient in (value * second[word]).items():
                    total += coefficient * self._mean(tuple(sorted(word)), exponents)
        return total

    def _column(self, word: Word, exponents: tuple[int, ...]) -> Values:
        """The image of a monomial at one word, with the named tokens in order."""
        key = word, exponents
        if key not in self._columns:
            column: Values = {}
            for image, coefficient in zip(self._images(word, exponents, self.monomials), self.coefficients):
                for t, value in image.items():
                    column[t] = column.get(t, self.ring.zero) + value.set_ring(self.ring) * coefficient
            self._columns[key] = column
        return self._columns[key]

    def _mean(self, word: Word, exponents: tuple[int, ...]) -> Any:
        """The expectation of a monomial at one word, in any order."""
        key = word, exponents
        if key not in self._means:
            image = self._images(word, exponents, [_ONE])[0].get(word)
            self._means[key] = self._constant(image) if image else self.domain.zero
        return self._means[key]

    def _constant(self, polynomial: PolyElement) -> Any:
        return polynomial.set_ring(self.ring).coeff(1)

    def _images(self, word: Word, exponents: tuple[int, ...], monomials: list[Any]) -> list[Values]:
        return self.action.images({word: self.functions.ring.from_dict({exponents: sympy.QQ(1)})}, monomials)
