r"""The blocks of a polynomial kernel, one per irrep, with the context length and all variances as symbols.

The kernel is a polynomial in u, m and g (see :mod:`symrep.kernels.overlaps`). One power of m carries one pair of agreeing
positions, so a kernel of degree r in m reaches only the shapes :math:`(n-k, \mu)` with :math:`k \le r`. On each of them
the operator acts on the test functions of :mod:`symrep.spectra.specht_functions`, by the moments of
:mod:`symrep.spectra.moments`: both are finite, whatever n is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import comb, prod
from typing import Any

import sympy

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidArgumentError, VerificationError, require
from symrep.kernels.overlaps import matches_symbol, overlap_symbol, same_token_symbol
from symrep.measures import ExchangeableMeasure
from symrep.representations.stable import PaddedShape
from symrep.spectra.moments import CountExpectations, compositions, multinomial
from symrep.spectra.specht_functions import Seed, SpechtBasis, SpechtFunctions

Monomial = tuple[int, int, int]


@dataclass(frozen=True)
class KernelPolynomial:
    """A kernel as ``{(power of u, power of m, power of g): coefficient}``."""

    terms: tuple[tuple[Monomial, sympy.Expr], ...]

    @classmethod
    def from_expression(cls, expression: sympy.Expr) -> KernelPolynomial:
        """Read a polynomial in u, m and g; :math:`g^2 = g` is applied.

        Raises
        ------
        InvalidArgumentError
            When the expression is not polynomial in u, m and g.
        """
        generators = (overlap_symbol, matches_symbol, same_token_symbol)
        try:
            polynomial = sympy.Poly(sympy.expand(expression), *generators)
        except sympy.PolynomialError:
            raise InvalidArgumentError(f"kernel must be a polynomial in u, m and g, got {expression}") from None
        leftover = any(set(generators) & c.free_symbols for c in polynomial.coeffs())
        require(not leftover, "kernel", "must be a polynomial in u, m and g", expression)
        terms: dict[Monomial, sympy.Expr] = {}
        for (i, j, l), coefficient in polynomial.terms():
            key = (i, j, min(l, 1))
            terms[key] = terms.get(key, 0) + coefficient
        return cls(tuple(sorted((key, sympy.factor(c)) for key, c in terms.items() if sympy.expand(c) != 0)))

    @property
    def match_degree(self) -> int:
        """The degree r in m: the largest depth of a shape that the kernel reaches."""
        return max((j for (_, j, _), _ in self.terms), default=0)

    @property
    def has_same_token(self) -> bool:
        """Whether g occurs."""
        return any(l for (_, _, l), _ in self.terms)

    def row_degree(self, depth: int) -> int:
        """The largest degree in the counts of row one that the kernel leaves on shapes of this depth."""
        return max((i + j - depth for (i, j, _), _ in self.terms if j >= depth), default=0)


@dataclass(frozen=True)
class BlockProblem:
    """One shape of one kernel under one measure.

    Parameters
    ----------
    kernel
        The kernel polynomial.
    measure
        An exchangeable measure over a numeric vocabulary.
    shape
        The padded shape; its degree n (a symbol, an expression or an integer) is the number of positions permuted.
    extra_token
        None, ``"last"`` (one more token, counted in u and m) or ``"query"`` (one more token, not counted).
    """

    kernel: KernelPolynomial
    measure: ExchangeableMeasure
    shape: PaddedShape
    extra_token: str | None = None

    @cached_property
    def functions(self) -> SpechtFunctions:
        """The test functions; compared by value where n is too small for its polynomials to be distinct."""
        degree = self.kernel.row_degree(self.shape.depth)
        rest = None
        if self.shape.degree.is_Integer:
            rest = int(self.shape.degree) - self.shape.minimum_degree
            rest = rest if rest <= degree + 1 else None
        extras = 0 if self.extra_token is None else 1
        return SpechtFunctions(self.shape.lower, int(self.measure.vocab_size), extras, degree, rest)

    @cached_property
    def expectations(self) -> CountExpectations:
        """Expectations over row one, which holds n - k positions."""
        return CountExpectations(self.measure, self.shape.degree - self.shape.depth)

    def matrix(self, basis: SpechtBasis) -> sympy.ImmutableMatrix:
        """The operator in a basis of test functions, column j the image of basis function j.

        Raises
        ------
        VerificationError
            When an image leaves the span of the basis, which would be an error of the derivation.
        """
        size = len(basis)
        result = sympy.zeros(size, size)
        domain = self.expectations.domain
        for monomial, coefficient in self.kernel.terms:
            for column, seed in enumerate(basis.seeds):
                image = self._apply(monomial, seed)
                vector = self.functions.antisymmetrized(image, self.expectations.ring)
                coordinates = basis.coordinates(vector, domain)
                if coordinates is None:
                    raise VerificationError(f"image of test function {column} left its span for shape {self.shape}")
                for row, value in enumerate(coordinates):
                    if value:
                        result[row, column] += coefficient * domain.to_sympy(value)
        return sympy.ImmutableMatrix(result.applyfunc(sympy.factor))

    def _apply(self, monomial: Monomial, seed: Seed) -> Seed:
        r"""The seed of :math:`x \mapsto E_y[u^i m^j g^l h(y)]`."""
        rows = [(tokens, self._in_counts(polynomial)) for tokens, polynomial in seed.items()]
        image: Seed = {}
        for tokens in self.functions.explicit_tokens():
            value = self._image_at(monomial, tokens, rows)
            if value:
                image[tokens] = value
        return image

    def _in_counts(self, polynomial: Any) -> Any:
        """A seed polynomial as a polynomial in counts instead of centred counts, over the coefficient domain."""
        over = self.expectations.ring
        polynomial = polynomial.set_ring(over)
        mean = self.expectations.counts[0] - over.gens[0] if self.functions.vocab_size > 1 else over.zero
        moved = [(M, M - mean) for M in over.gens[: self.functions.vocab_size - 1]]
        return polynomial.compose(moved) if moved else polynomial

    def _image_at(self, monomial: Monomial, tokens: tuple[int, ...], rows: list[tuple[tuple[int, ...], Any]]) -> Any:
        power_u, power_m, power_g = monomial
        own = self._counted(tokens)
        x_counts = [N + own[v] for v, N in enumerate(self.expectations.counts)]
        x_powers = {beta: _product_of_powers(x_counts, beta, self.expectations.ring) for beta in self._betas(power_u)}
        total = self.expectations.ring.zero
        for y_tokens, polynomial in rows:
            if power_g and tokens[-1] != y_tokens[-1]:
                continue
            agreeing = sum(a == b for a, b in zip(self._attended(tokens), self._attended(y_tokens)))
            y_own, given = self._counted(y_tokens), self._all_counted(y_tokens)
            for beta, x_power in x_powers.items():
                inner = _product_of_powers(self._y_counts(y_own), beta, self.expectations.ring) * polynomial
                expectation = self._expect(inner, power_m, agreeing, given)
                total += x_power * expectation * multinomial(beta)
        return total

    def _betas(self, power: int) -> Iterator[tuple[int, ...]]:
        return compositions(power, self.functions.vocab_size)

    def _y_counts(self, own: tuple[int, ...]) -> list[Any]:
        """Token counts of y where the generators of the ring stand for its counts in row one."""
        over = self.expectations.ring
        gens = list(over.gens[: self.functions.vocab_size - 1])
        gens.append(self.expectations.row - sum(gens, over.zero))
        return [n + own[v] for v, n in enumerate(gens)]

    def _expect(self, polynomial: Any, power_m: int, agreeing: int, given: tuple[int, ...]) -> Any:
        """The expectation of a polynomial in the counts of y times a power of the number of agreements."""
        total = self.expectations.ring.zero
        for exponents, coefficient in polynomial.terms():
            exponents = (exponents if self.functions.vocab_size > 1 else ()) + (0,)
            for j in range(power_m + 1):
                constant = comb(power_m, j) * agreeing ** (power_m - j)
                if constant:
                    total += self.expectations.power_moment(exponents, j, given) * coefficient * constant
        return total

    def _attended(self, tokens: tuple[int, ...]) -> tuple[int, ...]:
        return tokens[:-1] if self.extra_token == "query" else tokens

    def _counted(self, tokens: tuple[int, ...]) -> tuple[int, ...]:
        attended = self._attended(tokens)
        return tuple(attended.count(v) for v in range(self.functions.vocab_size))

    def _all_counted(self, tokens: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(tokens.count(v) for v in range(self.functions.vocab_size))


def reached_shapes(kernel: KernelPolynomial, vocab_size: int, degree: Any) -> Iterator[PaddedShape]:
    """The padded shapes that the kernel can reach: depth at most r, at most V rows; at an integer degree, those that exist.

    >>> from symrep.kernels import architecture
    >>> from symrep.kernels.overlaps import length_symbol
    >>> flat = KernelPolynomial.from_expression(architecture("linear-block", "flatten").overlap_polynomial())
    >>> [str(shape) for shape in reached_shapes(flat, 3, length_symbol)]
    ['(L)', '(L-1,1)', '(L-2,2)', '(L-2,1,1)']
    """
    degree = sympy.sympify(degree)
    for depth in range(kernel.match_degree + 1):
        for lower in partitions(depth, max_length=max(vocab_size - 1, 0)):
            shape = PaddedShape(lower, degree)
            if not degree.is_Integer or shape.exists(int(degree)):
                yield shape


def token_shapes(measure: ExchangeableMeasure) -> Iterator[Partition | None]:
    """The irreps of token renaming when the measure allows it, else None once."""
    if measure.is_token_symmetric:
        yield from partitions(int(measure.vocab_size))
    else:
        yield None


def kernel_trace(kernel: KernelPolynomial, measure: ExchangeableMeasure, length: Any) -> sympy.Expr:
    r""":math:`E\,K(x, x)` for sequences with ``length`` positions counted in u and m: :math:`u = \sum_v n_v^2`, m = length.

    >>> from symrep.kernels import architecture
    >>> from symrep.kernels.overlaps import length_symbol
    >>> from symrep.measures import iid_uniform
    >>> K = KernelPolynomial.from_expression(architecture("uniform-block").overlap_polynomial())
    >>> kernel_trace(K, iid_uniform(2), length_symbol).factor()
    (L*a + a + 2*p)/(2*L)
    """
    length = sympy.sympify(length)
    vocab_size = int(measure.vocab_size)
    total = sympy.Integer(0)
    for (i, j, _), coefficient in kernel.terms:
        expectation = sympy.Integer(0)
        for beta in compositions(i, vocab_size):
            expectation += multinomial(beta) * _factorial_expectation(measure, tuple(2 * b for b in beta), length)
        total += coefficient * length**j * expectation
    return sympy.expand(total)


def _factorial_expectation(measure: ExchangeableMeasure, exponents: tuple[int, ...], length: sympy.Expr) -> sympy.Expr:
    r""":math:`E \prod_v n_v^{\alpha_v}` over ``length`` positions."""
    from sympy.functions.combinatorial.numbers import stirling

    total = sympy.Integer(0)
    for r in product(*(range(min(a, 1), a + 1) for a in exponents)):
        weight = prod(int(stirling(a, b)) for a, b in zip(exponents, r))
        total += weight * sympy.ff(length, sum(r)) * measure.moment(r)
    return total


def _product_of_powers(factors: list[Any], exponents: tuple[int, ...], over: Any) -> Any:
    value = over.one
    for factor, exponent in zip(factors, exponents):
        if exponent:
            value = value * factor**exponent
    return value
