"""One block of an operator: its matrix on the multiplicity space of an irrep, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy.polys.matrices import DomainMatrix
from tqdm import tqdm

from symrep.combinatorics.partitions import Partition
from symrep.errors import InvalidArgumentError, require_integer
from symrep.representations.stable import PaddedShape
from symrep.spectra.asymptotics import LeadingTerm, leading_roots, leading_term
from symrep.spectra.exact_pickles import ExactPickles
from symrep.spectra.expansions import Expansion, expand_factor
from symrep.spectra.roots import factor_roots, irreducible_factors

Shape = Partition | PaddedShape
eigenvalue_symbol = sympy.Symbol("x")


def may_exist(shape: PaddedShape) -> bool:
    """Whether the degree is a symbol, or an integer at which the shape is a partition."""
    return not shape.degree.is_Integer or shape.exists(int(shape.degree))


def at_known_degree(shape: PaddedShape) -> Shape:
    """The partition where the degree is an integer, else the shape as it is.

    >>> at_known_degree(PaddedShape((1,), 5)), at_known_degree(PaddedShape((1,)))
    (Partition((4, 1)), PaddedShape((1,), L))
    """
    return shape.at(int(shape.degree)) if shape.degree.is_Integer else shape


@dataclass(frozen=True)
class Block(ExactPickles):
    """The matrix of an operator on the multiplicity space of one irrep.

    Attributes
    ----------
    shape
        The irrep of the permutations of positions.
    token_shape
        The irrep of the renaming of tokens, or None where the space was not split by it.
    query_shape
        The irrep of the renaming of the query token, or None.
    matrix
        Exact; column j is the image of basis function j. It is not symmetric: the basis is not orthonormal. Its eigenvalues are
        real.
    basis
        The seeds of the basis functions, as expressions in the centred counts ``M_v`` of row one and the indicators
        ``e_i_v`` (box i below row one, or an extra token, holds token v).
    degeneracy
        How often every eigenvalue of the matrix occurs in the spectrum: the product of the dimensions of the labels.
    """

    shape: Shape
    token_shape: Shape | None
    query_shape: Shape | None
    matrix: sympy.ImmutableMatrix
    basis: tuple[sympy.Expr, ...]
    degeneracy: Any

    @property
    def size(self) -> int:
        """The number of rows."""
        return self.matrix.rows

    @cached_property
    def trace(self) -> sympy.Expr:
        """The sum of the eigenvalues of the matrix, each once."""
        return sympy.factor(self.matrix.trace())

    @cached_property
    def is_zero(self) -> bool:
        """Whether all eigenvalues are 0: whether the sum of their squares is, because they are real."""
        if all(entry == 0 for entry in self.matrix.flat()):
            return True
        symbols = sorted(self.matrix.free_symbols, key=str)
        # one point decides nearly always, and the sum as a function of the symbols can be large
        point = {symbol: sympy.Integer(sympy.prime(100 + k)) for k, symbol in enumerate(symbols)}
        there = _sum_of_squares(self.matrix.xreplace(point))
        return not (there.is_Rational and there != 0) and sympy.cancel(_sum_of_squares(self.matrix)) == 0

    @cached_property
    def characteristic_polynomial(self) -> sympy.Poly:
        """det(x - matrix) as a polynomial in x."""
        matrix = DomainMatrix.from_Matrix(self.matrix).to_field()
        return _as_poly(matrix.charpoly(), matrix.domain)

    @cached_property
    def factors(self) -> tuple[tuple[sympy.Poly, int], ...]:
        """The monic irreducible factors of the characteristic polynomial over the field of its coefficients.

        Lowest degree first. They are found part by part where the matrix is block triangular.
        """
        matrix = DomainMatrix.from_Matrix(self.matrix).to_field()
        powers: dict[sympy.Poly, int] = {}
        for coefficients, repeated in matrix.charpoly_factor_blocks():
            for factor, power in irreducible_factors(_as_poly(coefficients, matrix.domain)):
                powers[factor] = powers.get(factor, 0) + power * repeated
        return tuple(sorted(powers.items(), key=lambda entry: (entry[0].degree(), entry[1])))

    @cached_property
    def eigenvalues(self) -> tuple[tuple[sympy.Expr, int], ...]:
        """Eigenvalues and how often the matrix has them, zero included; factor by factor, largest first in each.

        Radicals up to degree two, exact algebraic numbers where the coefficients are numbers, and
        :class:`~symrep.spectra.roots.OrderedRoot` beyond.
        """
        return tuple((root, power) for factor, power in self.factors for root in factor_roots(factor))

    @cached_property
    def leading_terms(self) -> tuple[LeadingTerm, ...]:
        """The leading term in L of every entry of ``eigenvalues``, in the same order."""
        terms: list[LeadingTerm] = []
        for factor, _ in self.factors:
            if factor.degree() == 1:
                terms.append(leading_term(-factor.all_coeffs()[1]))
            else:
                terms.extend(leading_roots(factor))
        return tuple(terms)

    def expand(self, order: int) -> tuple[tuple[Expansion, int], ...]:
        """The large-L expansion of every entry of ``eigenvalues`` to ``order`` nonzero terms, with its multiplicity.

        See :func:`symrep.spectra.expansions.expand_roots`, also for errors, cost, and the order where it depends on the
        parameters; ``leading_terms`` says maximum and minimum there.

        >>> from symrep import kernels, measures, spectrum
        >>> block = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2)).block((1,), (1, 1))
        >>> [(str(expansion), multiplicity) for expansion, multiplicity in block.expand(2)]
        [('a**2*p/2 + a*p**2/L', 1)]
        """
        order = require_integer(order, "order", minimum=1)
        return tuple((expansion, power) for factor, power in self.factors for expansion in expand_factor(factor, order))

    def find_eigenvalues(self) -> None:
        """Do now what ``eigenvalues`` and ``leading_terms`` would do where they are first asked for."""
        if self.eigenvalues and isinstance(self.shape, PaddedShape):
            self.leading_terms  # noqa: B018

    def radicals(self) -> dict[sympy.Expr, int]:
        """All eigenvalues in radicals, with multiplicities: for irreducible factors of degree at most four.

        Cubics and quartics with three or more real roots pass through complex numbers, so that their floating value has
        an imaginary part of the size of rounding.

        Raises
        ------
        InvalidArgumentError
            When an irreducible factor has a degree above four.
        """
        result: dict[sympy.Expr, int] = {}
        for factor, power in self.factors:
            if factor.degree() > 4:
                raise InvalidArgumentError(f"block must have factors of degree at most 4, got degree {factor.degree()}")
            for root in factor_roots(factor) if factor.degree() <= 2 else sympy.roots(factor, multiple=True):
                result[root] = result.get(root, 0) + power
        return result

    def __repr__(self) -> str:
        labels = ", ".join(
            str(label) for label in (self.shape, self.token_shape, self.query_shape) if label is not None
        )
        return f"Block({labels}, size={self.size})"

    def _repr_latex_(self) -> str:
        return f"${sympy.latex(self.matrix)}$"


def blocks_with_progress(blocks: Iterable[Block | None], count: int | None, progress: bool) -> Iterator[Block | None]:
    """The same blocks, under a bar while the eigenvalues of each are found too, which a block keeps."""
    for block in tqdm(blocks, "blocks", count, disable=not progress, leave=False, unit=" blocks"):
        if progress and block is not None:
            block.find_eigenvalues()
        yield block


def _sum_of_squares(matrix: sympy.ImmutableMatrix) -> sympy.Expr:
    """The sum of the squares of the eigenvalues: the trace of the square."""
    size = range(matrix.rows)
    return sympy.Add(*(matrix[i, k] * matrix[k, i] for i in size for k in size))


def _as_poly(coefficients: list[Any], domain: Any) -> sympy.Poly:
    return sympy.Poly.from_list(coefficients, eigenvalue_symbol, domain=domain)
