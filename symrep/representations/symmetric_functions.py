r"""Symmetric functions with rational coefficients in five bases, and the Frobenius characteristic.

The bases, all indexed by partitions: ``s`` Schur functions, ``p`` power sums, ``h`` complete homogeneous,
``e`` elementary, ``m`` monomial.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import sympy

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.errors import InvalidTypeError, require
from symrep.representations.change_of_basis import (
    FROM_SCHUR,
    TO_SCHUR,
    Terms,
    compose_power_sums,
    conjugated,
    linear_combination,
)
from symrep.representations.littlewood_richardson import in_reverse_lexicographic_order, littlewood_richardson_product

BASES = ("s", "p", "h", "e", "m")


@dataclass(frozen=True, eq=False, repr=False)
class SymmetricFunction:
    r"""A symmetric function: a linear combination of the elements of one basis, with rational coefficients.

    Immutable. Two functions are equal when they are the same function, whatever the bases; sums and products of
    functions in different bases are written in the basis of the left one.

    Parameters
    ----------
    basis
        One of ``s``, ``p``, ``h``, ``e``, ``m``.
    coefficients
        ``{partition: rational number}``; the sizes need not agree, and the empty partition stands for 1.

    Raises
    ------
    InvalidArgumentError
        When there is no such basis.
    InvalidPartitionError
        When a key is no partition.
    InvalidTypeError
        When the basis is no str, or a coefficient is no int, Fraction or sympy Rational.

    Examples
    --------
    >>> f = SymmetricFunction("s", {(2, 1): 1})
    >>> print(f.to("p"))
    -1/3*p[3] + 1/3*p[1,1,1]
    >>> print(f.to("h"), "=", f.to("e"), "=", f.to("m"))
    -h[3] + h[2,1] = -e[3] + e[2,1] = m[2,1] + 2*m[1,1,1]
    >>> print(f * f - SymmetricFunction("h", {(3, 3): 1}))
    -s[6] - s[5,1] + s[4,1,1] + 2*s[3,2,1] + s[3,1,1,1] + s[2,2,2] + s[2,2,1,1]
    >>> f == f.to("m"), f.degree, f.scalar_product(f), f.omega() == f
    (True, 3, 1, True)
    """

    basis: str
    _terms: dict[Partition, Fraction]

    def __init__(self, basis: str, coefficients: Mapping[Partition | Iterable[int], Any]) -> None:
        _require_basis(basis)
        if not isinstance(coefficients, Mapping):
            raise InvalidTypeError(f"coefficients must be a mapping from partitions to numbers, got {coefficients!r}")
        terms: Terms = {}
        for key, value in coefficients.items():
            shape = as_partition(key, "key of coefficients")
            terms[shape] = terms.get(shape, 0) + _as_fraction(value)
        self._set(basis, terms)

    @classmethod
    def _trusted(cls, basis: str, terms: Terms) -> SymmetricFunction:
        self = object.__new__(cls)
        self._set(basis, terms)
        return self

    def _set(self, basis: str, terms: Terms) -> None:
        nonzero = {shape: Fraction(value) for shape, value in terms.items() if value}
        object.__setattr__(self, "basis", basis)
        object.__setattr__(self, "_terms", in_reverse_lexicographic_order(nonzero))

    @property
    def coefficients(self) -> dict[Partition, sympy.Rational]:
        """The nonzero coefficients, by size and then reverse lexicographic."""
        return {shape: _as_sympy(value) for shape, value in self._terms.items()}

    def coefficient(self, shape: Partition | Iterable[int]) -> sympy.Rational:
        """The coefficient of one element of the basis.

        >>> SymmetricFunction("h", {(2, 2): 1}).to("s").coefficient((3, 1))
        1
        """
        return _as_sympy(self._terms.get(as_partition(shape), Fraction(0)))

    @property
    def degree(self) -> int:
        """The largest size of a partition that occurs; -1 for the function 0."""
        return max((shape.size for shape in self._terms), default=-1)

    def to(self, basis: str) -> SymmetricFunction:
        """The same function in another basis."""
        _require_basis(basis)
        if basis == self.basis:
            return self
        schur = self._schur_terms
        return SymmetricFunction._trusted(basis, schur if basis == "s" else FROM_SCHUR[basis](schur))

    @cached_property
    def _schur_terms(self) -> Terms:
        return self._terms if self.basis == "s" else TO_SCHUR[self.basis](self._terms)

    @cached_property
    def _canonical(self) -> frozenset[tuple[Partition, Fraction]]:
        return frozenset((shape, Fraction(value)) for shape, value in self._schur_terms.items() if value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SymmetricFunction):
            return NotImplemented
        if self.basis == other.basis:
            return self._terms == other._terms
        return self._degrees == other._degrees and self._canonical == other._canonical

    @property
    def _degrees(self) -> set[int]:
        """The degrees of the homogeneous parts that are not 0, the same in every basis."""
        return {shape.size for shape in self._terms}

    def __hash__(self) -> int:
        return hash(self._canonical)

    def __bool__(self) -> bool:
        return bool(self._terms)

    def _coerced(self, other: Any) -> SymmetricFunction | None:
        """``other`` in the basis of ``self``; None when it is neither a symmetric function nor a rational number."""
        if isinstance(other, SymmetricFunction):
            return other.to(self.basis)
        try:
            return SymmetricFunction._trusted(self.basis, {Partition(): _as_fraction(other)})
        except InvalidTypeError:
            return None

    def __add__(self, other: Any) -> SymmetricFunction:
        summand = self._coerced(other)
        if summand is None:
            return NotImplemented
        return SymmetricFunction._trusted(self.basis, linear_combination([(1, self._terms), (1, summand._terms)]))

    def __neg__(self) -> SymmetricFunction:
        return self._scaled(Fraction(-1))

    def __sub__(self, other: Any) -> SymmetricFunction:
        summand = self._coerced(other)
        return NotImplemented if summand is None else self + -summand

    def __rsub__(self, other: Any) -> SymmetricFunction:
        return -self + other

    def _scaled(self, factor: Fraction) -> SymmetricFunction:
        return SymmetricFunction._trusted(self.basis, {shape: factor * x for shape, x in self._terms.items()})

    def __mul__(self, other: Any) -> SymmetricFunction:
        factor = self._coerced(other)
        if factor is None:
            return NotImplemented
        if self.basis == "m":
            return (self.to("s") * factor.to("s")).to("m")
        multiply = littlewood_richardson_product if self.basis == "s" else _union
        products = ((x * y, multiply(a, b)) for a, x in self._terms.items() for b, y in factor._terms.items())
        return SymmetricFunction._trusted(self.basis, linear_combination(products))

    __radd__ = __add__
    __rmul__ = __mul__

    def omega(self) -> SymmetricFunction:
        r"""The involution with :math:`\omega s_\lambda = s_{\lambda'}`, :math:`\omega h_\lambda = e_\lambda`.

        >>> print(SymmetricFunction("p", {(2, 1): 1}).omega(), SymmetricFunction("h", {(2, 1): 1}).omega().to("s"))
        -p[2,1] s[2,1] + s[1,1,1]
        """
        if self.basis == "p":
            return SymmetricFunction._trusted("p", {shape: shape.sign * x for shape, x in self._terms.items()})
        if self.basis == "m":
            return self.to("s").omega().to("m")
        if self.basis == "s":
            return SymmetricFunction._trusted("s", conjugated(self._terms))
        return SymmetricFunction._trusted("e" if self.basis == "h" else "h", self._terms).to(self.basis)

    def scalar_product(self, other: SymmetricFunction) -> sympy.Rational:
        r"""The Hall scalar product, for which Schur functions are orthonormal: multiplicities of irreps.

        >>> SymmetricFunction("p", {(2, 2, 1): 1}).scalar_product(SymmetricFunction("p", {(2, 2, 1): 1}))
        8
        """
        other = _require_function(other, "other")
        if self.basis == other.basis == "p":
            products = (x * other._terms.get(rho, 0) * rho.centralizer_order for rho, x in self._terms.items())
            return _as_sympy(sum(products, Fraction(0)))
        mine, theirs = self._schur_terms, other._schur_terms
        return _as_sympy(sum((x * theirs.get(shape, 0) for shape, x in mine.items()), Fraction(0)))

    def kronecker(self, other: SymmetricFunction) -> SymmetricFunction:
        r"""The internal product: :math:`p_\rho * p_\rho = z_\rho p_\rho`, the tensor product of representations.

        Parts of different degrees have product 0. The result is in the basis of ``self``.

        >>> print(SymmetricFunction("s", {(2, 1): 1}).kronecker(SymmetricFunction("s", {(2, 1): 1})))
        s[3] + s[2,1] + s[1,1,1]
        """
        mine, theirs = self.to("p")._terms, _require_function(other, "other").to("p")._terms
        product = {rho: x * theirs.get(rho, 0) * rho.centralizer_order for rho, x in mine.items()}
        return SymmetricFunction._trusted("p", product).to(self.basis)

    def plethysm(self, other: SymmetricFunction) -> SymmetricFunction:
        r"""The plethysm f[g]: linear and multiplicative in f, with :math:`p_k[g] = g(x_1^k, x_2^k, \dots)`.

        The result is in the basis of ``self``.

        >>> h2, h3 = (SymmetricFunction("h", {(k,): 1}) for k in (2, 3))
        >>> print(h3.plethysm(h2).to("s"))
        s[6] + s[4,2] + s[2,2,2]
        """
        mine, theirs = self.to("p")._terms, _require_function(other, "other").to("p")._terms
        return SymmetricFunction._trusted("p", compose_power_sums(mine, theirs)).to(self.basis)

    def __repr__(self) -> str:
        shown = {shape.parts: value for shape, value in self.coefficients.items()}
        return f"SymmetricFunction({self.basis!r}, {{{', '.join(f'{k}: {sympy.srepr(v)}' for k, v in shown.items())}}})"

    def __str__(self) -> str:
        return _signed_sum((value, f"{self.basis}[{str(shape)[1:-1]}]") for shape, value in self._terms.items())

    def _repr_latex_(self) -> str:
        terms = ((value, f"{self.basis}_{{{str(shape)[1:-1]}}}") for shape, value in self._terms.items())
        return "$" + _signed_sum(terms).replace("*", r"\,") + "$"


def frobenius_characteristic(class_function: Any) -> SymmetricFunction:
    r"""The symmetric function :math:`\mathrm{ch}(f) = \sum_\rho f(\rho) p_\rho / z_\rho`, in the basis ``p``.

    It takes the irreducible character of a shape to the Schur function, so that coefficients in ``s`` are
    multiplicities.

    Parameters
    ----------
    class_function
        ``{cycle type: rational number}``, cycle types of one size and 0 where none is given; or an object with a
        degree ``n`` that gives the value at a cycle type as ``f[cycle_type]`` (``ClassFunction``) or ``f(cycle_type)``.

    Raises
    ------
    InvalidArgumentError
        When the dictionary is empty, the cycle types differ in size, or two keys are the same cycle type.
    InvalidPartitionError
        When a key is no partition.
    InvalidTypeError
        When the class function is of another kind, or a value is no rational number.

    Examples
    --------
    >>> fixed_points = {rho: rho.parts.count(1) for rho in partitions(4)}
    >>> print(frobenius_characteristic(fixed_points).to("s"))
    s[4] + s[3,1]
    """
    if isinstance(class_function, Mapping):
        values = {as_partition(key, "cycle type"): value for key, value in class_function.items()}
        sizes = sorted({rho.size for rho in values})
        require(len(sizes) == 1, "class_function", "must have cycle types of one size", sizes)
        distinct = len(values) == len(class_function)
        require(distinct, "class_function", "must give every cycle type once", list(class_function))
    elif hasattr(class_function, "n") and (hasattr(class_function, "__getitem__") or callable(class_function)):
        value_at = getattr(class_function, "__getitem__", class_function)
        values = {rho: value_at(rho) for rho in partitions(class_function.n)}
    else:
        rule = "must be a mapping from cycle types to numbers or a class function"
        raise InvalidTypeError(f"class_function {rule}, got {class_function!r}")
    terms = {rho: _as_fraction(value) / rho.centralizer_order for rho, value in values.items()}
    return SymmetricFunction._trusted("p", terms)


def inverse_frobenius_characteristic(function: SymmetricFunction) -> dict[Partition, sympy.Rational]:
    r"""The class function on :math:`S_n` with a given characteristic, n its degree: a value for every cycle type.

    Raises
    ------
    InvalidArgumentError
        When the function is 0 or not homogeneous.
    InvalidTypeError
        When ``function`` is no symmetric function.

    Examples
    --------
    >>> list(inverse_frobenius_characteristic(SymmetricFunction("s", {(3, 1): 1})).values())
    [-1, 0, -1, 1, 3]
    """
    terms = _require_function(function, "function").to("p")._terms
    sizes = sorted({rho.size for rho in terms})
    require(len(sizes) == 1, "function", "must be homogeneous and not 0", function)
    return {rho: _as_sympy(terms.get(rho, Fraction(0)) * rho.centralizer_order) for rho in partitions(sizes[0])}


def _union(a: Partition, b: Partition) -> dict[Partition, int]:
    """The product in the multiplicative bases p, h and e."""
    return {Partition._trusted(tuple(sorted(a.parts + b.parts, reverse=True))): 1}


def _as_fraction(value: Any) -> Fraction:
    """An exact rational number of Python, numpy or sympy."""
    if isinstance(value, bool):
        raise InvalidTypeError(f"coefficient must be a rational number, got {value!r}")
    if isinstance(value, (int, Fraction)):
        return Fraction(value)
    if isinstance(value, sympy.Rational):
        return Fraction(int(value.p), int(value.q))
    try:
        return Fraction(value.__index__())
    except (TypeError, AttributeError):
        raise InvalidTypeError(f"coefficient must be a rational number, got {value!r}") from None


def _as_sympy(value: Fraction) -> sympy.Rational:
    return sympy.Rational(value.numerator, value.denominator)


def _require_basis(basis: Any) -> None:
    if not isinstance(basis, str):
        raise InvalidTypeError(f"basis must be a str, one of {', '.join(BASES)}, got {basis!r}")
    require(basis in BASES, "basis", f"must be one of {', '.join(BASES)}", basis)


def _require_function(value: Any, argument: str) -> SymmetricFunction:
    if not isinstance(value, SymmetricFunction):
        raise InvalidTypeError(f"{argument} must be a symmetric function, got {value!r}")
    return value


def _signed_sum(terms: Iterable[tuple[Fraction, str]]) -> str:
    """Terms ``coefficient * name`` in a row; the name of the constant 1 ends in empty brackets and is left out."""
    text = ""
    for value, name in terms:
        size = abs(value)
        if name.endswith(("[]", "{}")):
            shown = str(size)
        else:
            shown = name if size == 1 else f"{size}*{name}"
        sign = ("-" if value < 0 else "") if not text else (" - " if value < 0 else " + ")
        text += sign + shown
    return text or "0"
