r"""Polynomial targets in eigenfunctions, exactly, with the length, the variances and the probabilities as symbols.

A target is split into its parts in the irreps of S_L (:mod:`symrep.learning.polynomial_targets`), the kernel acts on every
part (:mod:`symrep.learning.symbolic_operator`), and the spectral measure of a part follows from a few moments
(:mod:`symrep.learning.symbolic_parts`): no eigenvalue is ever solved for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symrep.combinatorics.partitions import as_partition
from symrep.display import Code, Column, Table
from symrep.errors import InvalidArgumentError, InvalidTypeError, require
from symrep.kernels.overlaps import length_symbol
from symrep.kernels.parameters import as_parameter
from symrep.learning.kappa import DIRECT_THEORIES, kappa_symbol
from symrep.learning.polynomial_targets import polynomial_target
from symrep.learning.scaling import read_goal, ridge_symbol, symbolic_effective_modes
from symrep.learning.symbolic_operator import SymbolicOperator
from symrep.learning.symbolic_parts import TargetPart, target_parts, unknown_kappa
from symrep.representations.stable import PaddedShape
from symrep.spectra.asymptotics import LeadingTerm, leading_roots, leading_term
from symrep.spectra.isotypic_block import Shape, at_known_degree
from symrep.spectra.roots import factor_roots, irreducible_factors, sign_at_reference
from symrep.spectra.solver_arguments import kernel_at, measure_at_length, read_network
from symrep.spectra.spectrum import Spectrum


@dataclass(frozen=True, eq=False)
class SymbolicTarget:
    """A polynomial target by irreps and eigenvalues, exact; made by :func:`symbolic_target`.

    Attributes
    ----------
    name
        The target as text.
    spectrum
        The spectrum it is decomposed in.
    shape_weights
        The squared norm of the part in every shape where it is not zero.
    parts
        What the kernel sees of it, by shape and irreducible polynomial; the rest is in the null space.
    stable_from
        A length from which on the expressions hold.
    degree
        The number of positions that the shapes permute: L, or one less where only the last position is read out.
    """

    name: str
    spectrum: Spectrum
    shape_weights: dict[Shape, sympy.Expr]
    parts: tuple[TargetPart, ...]
    stable_from: int
    degree: sympy.Expr

    @cached_property
    def norm(self) -> sympy.Expr:
        """The squared norm, E f(x)^2."""
        return sympy.factor(sympy.Add(*self.shape_weights.values()))

    def weight(self, shape: Any) -> sympy.Expr:
        """The squared norm of the part in a shape, 0 if there is none.

        ``shape`` is as for :meth:`symrep.spectra.spectrum.Spectrum.block`: a partition below the first row where L is a
        symbol.
        """
        return self.shape_weights.get(self._label(shape), sympy.Integer(0))

    def components(self, shape: Any) -> list[tuple[sympy.Expr, sympy.Expr]]:
        """Pairs (eigenvalue, squared norm of the component) of a shape, the null space last.

        Radicals for quadratic factors, :class:`~symrep.spectra.roots.OrderedRoot` (or algebraic numbers) beyond.
        """
        label = self._label(shape)
        own = [part for part in self.parts if part.shape == label]
        pairs = [pair for part in own for pair in part.components]
        rest = sympy.factor(self.weight(shape) - sympy.Add(*(part.weight for part in own)))
        return pairs + ([(sympy.Integer(0), rest)] if rest != 0 else [])

    @cached_property
    def learnable_share(self) -> sympy.Expr:
        """The share of the squared norm outside the null space: the learnability with unlimited samples."""
        return sympy.factor(sympy.Add(*(part.weight for part in self.parts)) / self.norm)

    def learnability(self, kappa: Any = kappa_symbol, shape: Any = None) -> sympy.Expr:
        r"""The learnability :math:`\sum_i g_i^2 \lambda_i/(\lambda_i+\kappa) / \sum_i g_i^2`, of the target or its part in a shape.

        A sum of rational functions of :math:`\kappa` and all symbols, one for every irreducible polynomial, without eigenvalues.
        """
        kappa = as_parameter(kappa, "kappa")
        norm = self.norm if shape is None else self.weight(shape)
        require(norm != 0, "shape", f"must be one of {', '.join(map(str, self.shape_weights))}", shape)
        label = None if shape is None else self._label(shape)
        fractions = [part.fraction for part in self.parts if label is None or part.shape == label]
        shares = (
            sympy.factor(factor / norm) * (top / bottom).subs(unknown_kappa, kappa) for factor, top, bottom in fractions
        )
        return sympy.Add(*shares)

    def samples_needed(
        self, ridge: Any = ridge_symbol, learnability: Any = "1/2", theory: str = "self-consistent"
    ) -> sympy.Expr:
        r"""The number of samples at which the target has a learnability, exact.

        With :math:`\kappa` the positive number at which the learnability is reached, it is :math:`\sum_i d_i
        \lambda_i/(\lambda_i+\kappa) + \delta/\kappa` over all eigenvalues of the kernel, or :math:`\delta/\kappa` for
        ``theory="equivalent-kernel"``, a lower bound. A target in one eigenvalue has :math:`\kappa` rational in all
        symbols, in two a square root, beyond an :class:`~symrep.spectra.roots.OrderedRoot`. Where the learnable share depends
        on symbols, a ``Piecewise`` that is infinite where it is not above the learnability.

        Raises
        ------
        InvalidArgumentError
            When the learnability is not strictly between 0 and 1 or not reached with any number of samples, the ridge is
            not positive or depends on L, or the theory is unknown.
        """
        ridge, learnability = _read_goal(ridge, learnability, theory)
        kappa = _positive_root(self._excess(learnability), learnability)
        symbolic = not sympy.sympify(self.spectrum.length).is_Integer
        rule = f"must be below {self.learnable_share}, the share of the target outside the null space"
        rule += " at large L" if symbolic and not self.learnable_share.is_number else ""
        require(kappa is not None, "learnability", rule, learnability)
        competing = (
            symbolic_effective_modes(self.spectrum.blocks, kappa) if theory == "self-consistent" else sympy.Integer(0)
        )
        own = ridge / kappa
        needed = competing + (sympy.factor(own) if own.is_rational_function(*own.free_symbols) else own)
        if self.learnable_share.is_number:
            return needed
        return sympy.Piecewise((needed, self.learnable_share > learnability), (sympy.oo, True))

    def leading_kappa(self, learnability: Any = "1/2") -> LeadingTerm:
        r"""The leading term at large L of the :math:`\kappa` at which the target has a learnability.

        Eigenvalues of one order in L are learned together, larger orders before. Errors as for :meth:`leading_samples`.
        """
        learnability = read_goal(1, learnability)[1]
        symbolic = not sympy.sympify(self.spectrum.length).is_Integer
        require(symbolic, "length", "must be the symbol L for leading terms", self.spectrum.length)
        exponents = {term.exponent for part in self.parts for term in leading_roots(part.factor)}
        reached = sympy.Integer(0)
        for exponent in sorted(exponents, reverse=True):
            share = self._share_at_scale(exponent)
            reached = sympy.factor(share.subs(unknown_kappa, 0))
            if _is_above(reached, learnability):
                return LeadingTerm(_positive_root(_numerator(share - learnability), learnability), exponent)
        if reached == 0:
            reason = f"at large L the target lies in the null space (share outside it: {self.learnable_share})"
            raise InvalidArgumentError(
                f"learnability must be reached by some number of samples: {reason}, got {learnability}"
            )
        rule = f"must be below {reached}, the share of the target outside the null space at large L"
        raise InvalidArgumentError(f"learnability {rule}, got {learnability}")

    def leading_samples(
        self, ridge: Any = ridge_symbol, learnability: Any = "1/2", theory: str = "self-consistent"
    ) -> LeadingTerm:
        """The leading term at large L and fixed ridge of :meth:`samples_needed`: prefactor and exponent.

        Raises
        ------
        InvalidArgumentError
            As for :meth:`samples_needed`, and when L is a number, or the learnability is that of all eigenvalues above some
            order in L (no power of L belongs to it), or whether it is depends on symbols.
        """
        ridge, learnability = _read_goal(ridge, learnability, theory)
        kappa = self.leading_kappa(learnability)
        total = leading_term(ridge) / kappa
        for level in self.spectrum.levels if theory == "self-consistent" else ():
            learned = level.leading / level.leading.plus(kappa)
            total = total.plus(leading_term(level.degeneracy) * learned)
        return total

    def table(self) -> Table:
        """One row for every shape and irreducible polynomial: squared norm, its share, and the share at large L."""
        rows = []
        for shape, weight in self.shape_weights.items():
            own = [part for part in self.parts if part.shape == shape]
            rows += [(shape, part.eigenvalue_or_polynomial, part.weight) for part in own]
            rest = sympy.factor(weight - sympy.Add(*(part.weight for part in own)))
            rows += [(shape, sympy.Integer(0), rest)] if rest != 0 else []
        columns = [Column("shape", "shape"), Column("eigenvalue", "eigenvalue"), Column("weight", "squared norm")]
        columns.append(Column("share", "share"))
        cells = [(*row, sympy.factor(row[-1] / self.norm)) for row in rows]
        notes: tuple[str, ...] = ()
        if any(part.factor.degree() > 1 for part in self.parts):
            notes += ("A polynomial in x in place of an eigenvalue stands for all its roots.",)
        if not sympy.sympify(self.spectrum.length).is_Integer:
            columns.append(Column("leading", "share at large L", "share at large $L$"))
            cells = [(*row, leading_term(row[-1])) for row in cells]
            notes += (f"Holds from L = {self.stable_from} on.",)
        return Table("target", ("Components of ", Code(self.name), "."), tuple(columns), tuple(cells), notes)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def __repr__(self) -> str:
        return f"SymbolicTarget({self.name!r}, {', '.join(map(str, self.shape_weights))})"

    def _label(self, shape: Any) -> Shape:
        if self.degree.is_Integer:
            partition = shape.at(int(self.degree)) if isinstance(shape, PaddedShape) else shape
            return as_partition(partition, "shape", size=int(self.degree))
        return shape if isinstance(shape, PaddedShape) else PaddedShape(as_partition(shape, "shape"), self.degree)

    def _excess(self, learnability: sympy.Expr) -> sympy.Poly:
        """The numerator of learnability less a wanted one, as a polynomial in kappa."""
        total, bottom = (sympy.Poly(value, unknown_kappa, field=True) for value in (-learnability * self.norm, 1))
        for part in self.parts:
            top, factor = (_mirrored(polynomial) for polynomial in (part.numerator, part.factor))
            total, bottom = total * factor - top * bottom, bottom * factor
        return total

    def _share_at_scale(self, exponent: sympy.Rational) -> sympy.Expr:
        r"""The limit of the learnability at :math:`\kappa = x L^e`, as a function of x."""
        moved = {
            length_symbol: length_symbol ** int(exponent.q),
            unknown_kappa: unknown_kappa * length_symbol ** int(exponent.p),
        }
        total = sympy.Integer(0)
        for part in self.parts:
            factor, top, bottom = part.fraction
            terms = [leading_term(value.subs(moved, simultaneous=True)) for value in (factor / self.norm, top, bottom)]
            total += (terms[0] * terms[1] / terms[2]).limit
        return sympy.factor(total)


def symbolic_target(spec: Spectrum, target: Any) -> SymbolicTarget:
    r"""Decompose a polynomial target exactly under the kernel and the measure of a spectrum.

    Parameters
    ----------
    spec
        A spectrum, with L the symbol or a number; variances and probabilities may be symbols, V is a number.
    target
        A polynomial, as text or expression, in the symbols of :func:`symrep.learning.target`: ``e_i_v``, ``n_v``,
        ``sigma_i``, ``S``, with coefficients rational in L; ``sigma_L`` names the last position.

    Raises
    ------
    InvalidArgumentError
        When the target is no polynomial, vanishes, or names tokens or positions that do not exist; for a query readout or V
        a symbol.
    SizeLimitError
        When the target names too many positions.

    Notes
    -----
    The cost grows with the number :math:`V^k` of words at the k named positions (less the last, where only the last is read
    out), the degrees of kernel and target, and the size of the blocks, not with L.

    Examples
    --------
    >>> from symrep import kernels, measures, spectrum
    >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
    >>> found = symbolic_target(s, "sigma_1")
    >>> found.weight(()), found.weight((1,))
    (1/L, (L - 1)/L)
    >>> odd = symbolic_target(s, "sigma_1 - S/L")
    >>> odd.components((1,))
    [(a*p*(L*a + 2*p)/(2*L), (L - 1)/L)]
    >>> odd.learnability()
    a*p*(L*a + 2*p)/(L*a**2*p + 2*L*kappa + 2*a*p**2)
    >>> print(odd.leading_samples())
    L/2
    """
    if not isinstance(spec, Spectrum):
        raise InvalidTypeError(f"spec must be a Spectrum, got {spec!r}")
    vocab_size, length = sympy.sympify(spec.vocab_size), sympy.sympify(spec.length)
    require(bool(vocab_size.is_Integer), "vocab_size", "must be a number for targets", spec.vocab_size)
    kernel, extra_token, _ = read_network(spec.kernel)
    taken = kappa_symbol.name in {symbol.name for symbol in spec.free_symbols()}
    require(not taken, "spec", f"must not use the name {kappa_symbol}, which is the effective ridge here", spec)
    require(extra_token != "query", "spec", "must have no query token", spec.kernel)
    found = polynomial_target(target, int(vocab_size), length, extra_token == "last")
    degree = length - found.space.fixed
    measure = measure_at_length(spec.measure, length)
    operator = SymbolicOperator(kernel_at(kernel, length, vocab_size), measure, found.space)
    weights: dict[Shape, sympy.Expr] = {}
    parts: list[TargetPart] = []
    for lower, values in found.space.isotypic_parts(found.values).items():
        vector, denominator = operator.from_counts(values)
        weight = operator.domain.to_sympy(operator.inner(vector, vector)) / denominator**2
        if weight != 0:
            shape = at_known_degree(PaddedShape(lower, degree))
            weights[shape] = sympy.factor(weight)
            blocks = [block for block in spec.blocks if block.shape == shape]
            parts += target_parts(shape, blocks, operator, vector, denominator)
    require(bool(weights), "target", "must not vanish with probability 1", target)
    stable_from = 1
    if not length.is_Integer:
        stable_from = max(2 * found.space.named + found.space.fixed, found.stable_from, spec.stable_from)
    return SymbolicTarget(found.name, spec, weights, tuple(parts), stable_from, degree)


def _mirrored(polynomial: sympy.Poly) -> sympy.Poly:
    mirrored = polynomial.compose(sympy.Poly(-polynomial.gen, polynomial.gen))
    return mirrored.replace(polynomial.gen, unknown_kappa)


def _numerator(expression: sympy.Expr) -> sympy.Poly:
    return sympy.Poly(sympy.fraction(sympy.together(expression))[0], unknown_kappa, field=True)


def _read_goal(ridge: Any, learnability: Any, theory: str) -> tuple[sympy.Expr, sympy.Expr]:
    require(theory in DIRECT_THEORIES, "theory", f"must be one of {', '.join(DIRECT_THEORIES)}", theory)
    return read_goal(ridge, learnability)


def _positive_root(excess: sympy.Poly, learnability: sympy.Expr) -> sympy.Expr | None:
    """The positive zero of the numerator of a decreasing rational function, None where it has none.

    All zeros are real, for they lie between the poles, and at most one is positive; so the irreducible factor that has it is
    the one with a negative constant term.
    """
    halfway = {learnability: sympy.Rational(1, 2)} if learnability.is_Symbol else {}
    for factor, _ in irreducible_factors(excess):
        if sign_at_reference(factor.all_coeffs()[-1].subs(halfway)) < 0:
            return factor_roots(factor)[0]
    return None


def _is_above(share: sympy.Expr, learnability: sympy.Expr) -> bool:
    if share == 0:
        return False
    if learnability.is_Symbol and share == 1:
        return True
    decided = share.is_number and learnability.is_number and share != learnability
    rule = f"must be a number other than {share}, the share of the target in the larger eigenvalues at large L"
    require(decided, "learnability", rule, learnability)
    return bool(share > learnability)
