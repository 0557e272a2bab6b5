r"""The blocks of a polynomial kernel, one per irrep, with the context length and all variances as symbols.

The kernel is a polynomial in u, m, g, u_xx and u_yy (see :mod:`symrep.kernels.overlaps`). One power of m carries one pair
of agreeing positions, so a kernel of degree r in m reaches only the shapes :math:`(n-k, \mu)` with :math:`k \le r`. On
each of them the operator acts on the test functions of :mod:`symrep.spectra.specht_functions`, by the moments of
:mod:`symrep.spectra.moments`: both are finite, whatever n is. The counts u_yy and u_xx, which permutations leave alone,
multiply the test function before and the image after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

import sympy

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import VerificationError
from symrep.measures import ExchangeableMeasure
from symrep.representations.stable import PaddedShape
from symrep.spectra.isotypic_block import may_exist
from symrep.spectra.kernel_action import KernelAction
from symrep.spectra.kernel_polynomials import KernelPolynomial
from symrep.spectra.moments import compositions, count_expectations, multinomial, stirling
from symrep.spectra.specht_functions import SpechtBasis, SpechtFunctions


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
    def action(self) -> KernelAction:
        """The operator on seeds; row one holds n - k positions."""
        expectations = count_expectations(self.measure, self.shape.degree - self.shape.depth)
        return KernelAction(self.functions, expectations, self.extra_token)

    def matrix(self, basis: SpechtBasis) -> sympy.ImmutableMatrix:
        """The operator in a basis of test functions, column j the image of basis function j.

        Raises
        ------
        VerificationError
            When an image leaves the span of the basis, which would be an error of the derivation.
        """
        size = len(basis)
        entries = [[sympy.Integer(0)] * size for _ in range(size)]
        expectations, depth = self.action.expectations, self.shape.depth
        # one power of m for every box below row one, or nothing is left
        terms = [term for term in self.kernel.all_terms() if term[0][1] >= depth]
        for column, seed in enumerate(basis.seeds):
            images = self.action.images(seed, [(monomial, own) for monomial, own, _ in terms])
            for (_, _, coefficient), image in zip(terms, images):
                vector = self.functions.antisymmetrized(image, expectations.count_ring)
                coordinates = basis.coordinates(vector, expectations.domain)
                if coordinates is None:
                    raise VerificationError(f"image of test function {column} left its span for shape {self.shape}")
                for row, value in enumerate(coordinates):
                    if value:
                        entries[row][column] += coefficient * expectations.domain.to_sympy(value)
        return sympy.ImmutableMatrix([[sympy.factor(entry) for entry in row] for row in entries])


def reached_shapes(kernel: KernelPolynomial, vocab_size: int, degree: Any) -> Iterator[PaddedShape]:
    """The padded shapes that the kernel can reach: depth at most r, at most V rows; at an integer degree, those that exist.

    >>> from symrep.kernels import architecture
    >>> from symrep.kernels.overlaps import length_symbol
    >>> flat = KernelPolynomial.from_expression(architecture("linear-block", "flatten").overlap_polynomial())
    >>> [str(shape) for shape in reached_shapes(flat, 3, length_symbol)]
    ['(L)', '(L-1,1)', '(L-2,2)', '(L-2,1,1)']
    """
    for depth in range(kernel.match_degree + 1):
        for lower in partitions(depth, max_length=max(vocab_size - 1, 0)):
            shape = PaddedShape(lower, degree)
            if may_exist(shape):
                yield shape


def token_shapes(measure: ExchangeableMeasure) -> Iterator[Partition | None]:
    """The irreps of token renaming when the measure allows it, else None once."""
    if measure.is_token_symmetric:
        yield from partitions(int(measure.vocab_size))
    else:
        yield None


def kernel_trace(kernel: KernelPolynomial, measure: ExchangeableMeasure, length: Any) -> sympy.Expr:
    r""":math:`E\,K(x, x)` for sequences with ``length`` positions counted in u and m.

    There :math:`u = u_{xx} = u_{yy} = \sum_v n_v^2`, m = length and g = 1.

    >>> from symrep.kernels import architecture
    >>> from symrep.kernels.overlaps import length_symbol
    >>> from symrep.measures import iid_uniform
    >>> K = KernelPolynomial.from_expression(architecture("uniform-block").overlap_polynomial())
    >>> kernel_trace(K, iid_uniform(2), length_symbol).factor()
    (L*a + a + 2*p)/(2*L)
    """
    length = sympy.sympify(length)
    by_power: dict[int, sympy.Expr] = {}
    for (i, j, _), own, coefficient in kernel.all_terms():
        power = i + sum(own)
        by_power[power] = by_power.get(power, 0) + coefficient * length**j
    total = sympy.Integer(0)
    for power, coefficient in by_power.items():
        expectation = sympy.Integer(0)
        for beta in compositions(power, int(measure.vocab_size)):
            expectation += multinomial(beta) * _power_expectation(measure, tuple(2 * b for b in beta), length)
        total += coefficient * expectation
    return sympy.expand(total)


def _power_expectation(measure: ExchangeableMeasure, exponents: tuple[int, ...], length: sympy.Expr) -> sympy.Expr:
    r""":math:`E \prod_v n_v^{\alpha_v}` over ``length`` positions."""
    total = sympy.Integer(0)
    for r in product(*(range(min(a, 1), a + 1) for a in exponents)):
        weight = prod(stirling(a, b) for a, b in zip(exponents, r))
        ways = sympy.ff(length, sum(r))
        if ways != 0:
            total += weight * ways * measure.moment(r)
    return total
