r"""Towers of algebraic extensions of a field of rational functions: exact arithmetic, and factors of polynomials."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any

import sympy
from sympy.polys.fields import FracElement
from sympy.polys.matrices import DomainMatrix
from sympy.polys.rings import PolyRing

from symrep.errors import SizeLimitError
from symrep.spectra.roots import irreducible_factors

_LARGEST_PRODUCT = 10_000


@dataclass(frozen=True)
class FieldTower:
    r"""The field :math:`K(\theta_1, \dots, \theta_k)`, each theta a root of an irreducible polynomial over the last.

    Elements are those of K when there is no theta, else polynomials in the thetas reduced by the moduli, which are a
    Gröbner basis in lexicographic order: the ring lists the newest theta first, ``thetas`` the oldest.
    """

    ground: Any
    ring: PolyRing | None = None
    moduli: tuple[Any, ...] = ()
    degrees: tuple[int, ...] = ()
    minimal_polynomials: tuple[tuple[sympy.Expr, ...], ...] = ()

    @property
    def thetas(self) -> tuple[sympy.Symbol, ...]:
        return () if self.ring is None else self.ring.symbols[::-1]

    def extended(self, minimal: list[Any]) -> FieldTower:
        """The field with one more theta, a root of this monic polynomial (coefficients from the highest down)."""
        thetas = (sympy.Dummy("theta"), *self.thetas[::-1])
        ring = PolyRing(thetas, self.ground, sympy.polys.orderings.lex)
        higher = FieldTower(self.ground, ring)
        degree = len(minimal) - 1
        modulus = sum((higher.lift(c) * ring.gens[0] ** (degree - i) for i, c in enumerate(minimal)), ring.zero)
        moduli = (modulus, *(m.set_ring(ring) for m in self.moduli))
        polynomials = (*self.minimal_polynomials, tuple(self.to_sympy(c) for c in minimal))
        return FieldTower(self.ground, ring, moduli, (*self.degrees, degree), polynomials)

    def lift(self, element: Any) -> Any:
        """An element of a smaller field of the tower, or an integer, as one of this field."""
        if self.ring is None:
            return self.ground.convert(element)
        return element.set_ring(self.ring) if hasattr(element, "set_ring") else self.ring.ground_new(element)

    def product(self, a: Any, b: Any) -> Any:
        work = _size(a) * _size(b)
        if work > _LARGEST_PRODUCT:
            raise SizeLimitError(
                f"the expansion needs a product of coefficients with {work} pairs of monomials, the "
                f"limit is {_LARGEST_PRODUCT}: use a smaller order or numbers for some parameters"
            )
        return a * b if self.ring is None else (a * b).rem(self.moduli)

    def inverse(self, element: Any) -> Any:
        if self.ring is None:
            return 1 / element
        monomials = [self.ring.one]
        for generator, degree in zip(self.ring.gens, self.degrees[::-1]):
            monomials = [m * generator**k for m in monomials for k in range(degree)]
        images = [self.product(element, m) for m in monomials]
        keys, size = [m.leading_expv() for m in monomials], len(monomials)
        rows = [[image.get(key, self.ground.zero) for image in images] for key in keys]
        unit = DomainMatrix([[self.ground.convert(int(key == keys[0]))] for key in keys], (size, 1), self.ground)
        solution = DomainMatrix(rows, (size, size), self.ground).lu_solve(unit).to_list()
        return sum((m * row[0] for m, row in zip(monomials, solution)), self.ring.zero)

    def to_sympy(self, element: Any) -> sympy.Expr:
        return self.ground.to_sympy(element) if self.ring is None else element.as_expr()

    def from_sympy(self, expression: sympy.Expr) -> Any:
        if self.ring is None:
            return self.ground.from_sympy(expression)
        polynomial = sympy.Poly(expression, *self.ring.symbols, domain=self.ground)
        return self.ring.from_dict(dict(polynomial.rep.to_dict())).rem(self.moduli)

    def factors(self, edge: list[Any]) -> list[tuple[list[Any], int]]:
        """Monic irreducible factors with multiplicities; coefficients from the highest down."""
        z = sympy.Dummy("z")
        if self.ring is None:
            polynomial = sympy.Poly([self.to_sympy(c) for c in edge], z)
            return [([self.from_sympy(c) for c in f.all_coeffs()], m) for f, m in irreducible_factors(polynomial)]
        derivative = [c * (len(edge) - 1 - i) for i, c in enumerate(edge[:-1])]
        reduced = self._divided(edge, self._gcd(edge, derivative))[0]
        expression = sum(self.to_sympy(c) * z ** (len(reduced) - 1 - i) for i, c in enumerate(reduced))
        # Trager: the norm of a shift of the polynomial without repeated factors, factored over K
        for multiple in count():
            shift = sum(multiple**k * theta for k, theta in enumerate(self.thetas, start=1))
            norm = expression.subs(z, z - shift)
            for theta, modulus in zip(self.ring.symbols, self.moduli):
                norm = sympy.resultant(norm, modulus.as_expr(), theta)
            norm_factors = irreducible_factors(sympy.Poly(norm, z))
            if all(multiplicity == 1 for _, multiplicity in norm_factors):
                break
        factors = []
        for factor, _ in norm_factors:
            moved = sympy.Poly(factor.as_expr().subs(factor.gen, z + shift), z).all_coeffs()
            common = self._gcd(reduced, [self.from_sympy(c) for c in moved])
            multiplicity, (rest, remainder) = 0, self._divided(edge, common)
            while not remainder:
                multiplicity, (rest, remainder) = multiplicity + 1, self._divided(rest, common)
            factors.append((common, multiplicity))
        return factors

    def _divided(self, a: list[Any], b: list[Any]) -> tuple[list[Any], list[Any]]:
        """Quotient and remainder, the latter without leading zeros; b is monic."""
        quotient = []
        while len(a) >= len(b):
            quotient.append(a[0])
            a = [c - self.product(a[0], b[i]) if i < len(b) else c for i, c in enumerate(a)][1:]
        while a and not a[0]:
            a = a[1:]
        return quotient, a

    def _gcd(self, a: list[Any], b: list[Any]) -> list[Any]:
        """Monic."""
        while b:
            inverse = self.inverse(b[0])
            monic = [self.product(c, inverse) for c in b]
            a, b = monic, self._divided(a, monic)[1]
        return a


def _size(element: Any) -> int:
    """The number of monomials in numerators and denominators."""
    if isinstance(element, dict):
        return sum(_size(c) for c in element.values())
    return len(element.numer) + len(element.denom) if isinstance(element, FracElement) else 1
