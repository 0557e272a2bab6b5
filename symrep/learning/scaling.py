r"""Scaling laws: how small symmetry makes an eigenvalue, and how many samples its functions need, as functions of L.

The kernel is taken to be positive semidefinite, as that of every network is. An irrep of dimension f fills its eigenspace f times, so :math:`f \lambda \le \operatorname{tr}(P_{shape} K) \le \operatorname{E} K(x,x)`.
The first bound uses the trace of the block, the second nothing but the dimension. Samples follow from eigenvalues: with
ridge :math:`\delta` and P samples the equivalent kernel gives learnability :math:`\lambda/(\lambda + \delta/P)`, and the
self-consistent theory :math:`\lambda/(\lambda + \kappa)` with :math:`\sum_i \lambda_i/(\lambda_i+\kappa) + \delta/\kappa = P`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy

from symrep.display import Table
from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_symbols, shown
from symrep.kernels.overlaps import length_symbol
from symrep.kernels.parameters import as_parameter, substitute
from symrep.representations.stable import PaddedShape
from symrep.spectra.asymptotics import LeadingTerm, leading_term
from symrep.spectra.block_results import BlockSpectrum
from symrep.spectra.isotypic_block import Block, at_known_degree
from symrep.spectra.roots import OrderedRoot, horner
from symrep.spectra.spectrum import EigenLevel, Spectrum

ridge_symbol = sympy.Symbol("delta", positive=True)
METHODS = ("dimension-bound", "trace-bound", "equivalent-kernel", "self-consistent")


@dataclass(frozen=True)
class ScalingLaw:
    """What the symmetry bounds say of one eigenvalue, and what is exact.

    All fields are exact expressions; with L a symbol every quantity also has a leading term (see :meth:`leading`).

    Attributes
    ----------
    level
        The eigenvalue with its labels.
    dimension
        The dimension of the irrep of S_L.
    mean_diagonal
        E K(x, x), the trace of the operator.
    shape_trace
        The part of the trace that lies in the irrep.
    ridge, learnability
        The ridge (noise variance) and the learnability that ``samples`` refers to.
    """

    spectrum: Spectrum
    level: EigenLevel
    dimension: Any
    mean_diagonal: sympy.Expr
    shape_trace: sympy.Expr
    ridge: sympy.Expr
    learnability: sympy.Expr

    def __repr__(self) -> str:
        labels = ", ".join(map(str, self.level.labels))
        return f"<ScalingLaw of {labels}: eigenvalue {self.level.leading or self.level.eigenvalue}>"

    @property
    def shape(self) -> Any:
        """The irrep of the permutations of positions."""
        return self.level.shape

    @property
    def token_shape(self) -> Any:
        """The irrep of token renaming, None where the block is not split by it."""
        return self.level.token_shape

    @property
    def eigenvalue(self) -> Any:
        """The eigenvalue."""
        return self.level.eigenvalue

    @cached_property
    def dimension_bound(self) -> sympy.Expr:
        """E K(x, x) / dimension: no eigenvalue of the irrep is larger, whatever the kernel."""
        return sympy.factor(self.mean_diagonal / self.dimension)

    @cached_property
    def trace_bound(self) -> sympy.Expr:
        """tr(P K) / dimension: the sum of the eigenvalues of the block, over its multiplicity space."""
        return sympy.factor(self.shape_trace / self.dimension)

    @cached_property
    def normalized(self) -> sympy.Expr:
        """The eigenvalue over E K(x, x): the share of the trace of one eigenfunction."""
        return tidy(self.level.eigenvalue / self.mean_diagonal)

    @cached_property
    def tightness(self) -> sympy.Expr:
        """eigenvalue / dimension bound, at most 1."""
        return tidy(self.level.eigenvalue / self.dimension_bound)

    @cached_property
    def trace_tightness(self) -> sympy.Expr:
        """eigenvalue / trace bound, at most 1."""
        return tidy(self.level.eigenvalue / self.trace_bound)

    def samples(self, method: str = "self-consistent") -> sympy.Expr:
        r"""The number of samples at which this eigenvalue reaches the learnability.

        ``"equivalent-kernel"`` is :math:`\delta r/\lambda`; ``"dimension-bound"`` and ``"trace-bound"`` put a bound in place of
        the eigenvalue and never exceed it, as it never exceeds ``"self-consistent"``, which is :math:`\sum_i d_i \lambda_i/(\lambda_i+\kappa) + \delta/\kappa` at :math:`\kappa = \lambda/r`,
        with :math:`r = \ell/(1-\ell)` for learnability :math:`\ell`: closed forms, without solving for kappa. Simulated
        learning follows the self-consistent theory, an approximation that improves with the number of samples.
        """
        odds = self.learnability / (1 - self.learnability)
        if method == "self-consistent":
            kappa = self.level.eigenvalue / odds
            return symbolic_effective_modes(self.spectrum.blocks, kappa) + tidy(self.ridge / kappa)
        return tidy(self.ridge * odds / self._bound(method))

    def crossover_ridge(self) -> sympy.Expr:
        r"""The ridge at which noise and competition ask for as many samples as each other.

        Of the self-consistent samples :math:`\sum_i d_i \lambda_i/(\lambda_i+\kappa) + \delta/\kappa` the first part is what
        all eigenfunctions take up, the second grows with the ridge: below the crossover more samples go to the competitors,
        above it to the noise.
        """
        kappa = self.level.eigenvalue / (self.learnability / (1 - self.learnability))
        return tidy(kappa) * symbolic_effective_modes(self.spectrum.blocks, kappa)

    def _bound(self, method: str) -> sympy.Expr:
        bounds = {"dimension-bound": self.dimension_bound, "trace-bound": self.trace_bound}
        if method not in METHODS:
            raise InvalidArgumentError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
        return bounds.get(method, self.level.eigenvalue)

    def leading_samples(self, method: str = "self-consistent") -> LeadingTerm:
        """The leading term of :meth:`samples` at large L and fixed ridge."""
        self._require_symbolic()
        odds = leading_term(self.learnability / (1 - self.learnability))
        if method != "self-consistent":
            bound = self.level.leading if method == "equivalent-kernel" else leading_term(self._bound(method))
            return leading_term(self.ridge) * odds / bound
        kappa = self.level.leading / odds
        total = leading_term(self.ridge) / kappa
        for level in self.spectrum.levels:
            saturation = level.leading.plus(kappa)
            total = total.plus(leading_term(level.degeneracy) * level.leading / saturation)
        return total

    def leading(self, quantity: str) -> LeadingTerm:
        """The leading term at large L of ``"eigenvalue"``, ``"normalized"``, ``"dimension_bound"``, ``"trace_bound"``,
        ``"tightness"``, ``"trace_tightness"`` or ``"dimension"``."""
        self._require_symbolic()
        mean, eigenvalue = leading_term(self.mean_diagonal), self.level.leading
        dimension = leading_term(self.dimension)
        trace_bound = leading_term(self.trace_bound)
        known = {
            "eigenvalue": eigenvalue,
            "normalized": eigenvalue / mean,
            "dimension": dimension,
            "dimension_bound": mean / dimension,
            "trace_bound": trace_bound,
            "tightness": eigenvalue * dimension / mean,
            "trace_tightness": eigenvalue / trace_bound,
        }
        if quantity not in known:
            raise InvalidArgumentError(f"quantity must be one of {', '.join(known)}, got {quantity!r}")
        return known[quantity]

    def exponent(self, quantity: str) -> sympy.Rational:
        r"""The exponent :math:`\alpha` in :math:`quantity / \operatorname{E}K \sim L^{-\alpha}` for ``"dimension_bound"``,
        ``"trace_bound"`` and ``"eigenvalue"``."""
        return -(self.leading(quantity) / leading_term(self.mean_diagonal)).exponent

    def _require_symbolic(self) -> None:
        if self.level.leading is None:
            raise InvalidArgumentError(f"length must be the symbol L for a leading term, got {self.spectrum.length}")


@dataclass(frozen=True)
class ScalingLaws:
    """The scaling laws of all eigenvalues of a spectrum. Made by :func:`scaling_law`."""

    spectrum: Spectrum
    laws: tuple[ScalingLaw, ...]
    ridge: sympy.Expr
    learnability: sympy.Expr

    def __iter__(self) -> Iterator[ScalingLaw]:
        return iter(self.laws)

    def __len__(self) -> int:
        return len(self.laws)

    def __getitem__(self, index: int | slice) -> Any:
        """One law, or for a slice some of the laws, with tables of their own."""
        return replace(self, laws=self.laws[index]) if isinstance(index, slice) else self.laws[index]

    def select(self, shape: Any, token_shape: Any = None, query_shape: Any = None) -> ScalingLaws:
        """The laws of one shape, and of one irrep of token (and query) renaming where it is given; labels as for
        :meth:`symrep.spectra.spectrum.Spectrum.block`.

        Raises
        ------
        InvalidArgumentError
            When the spectrum has no such block.

        Examples
        --------
        >>> from symrep import kernels, measures, spectrum
        >>> laws = scaling_law(spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2)))
        >>> print(laws.select((1,), (1, 1))[0].leading_samples())
        L/2
        """
        wanted = self.spectrum.block(shape, token_shape, query_shape)
        names = [name for name in ("shape", "token_shape", "query_shape") if getattr(wanted, name) is not None]
        laws = tuple(law for law in self if all(getattr(law.level, n) == getattr(wanted, n) for n in names))
        return replace(self, laws=laws)

    def substitute(self, **values: Any) -> ScalingLaws:
        """The laws at numbers for symbols given by name, those of the ridge and the learnability among them.

        Laws that were selected are those of the same irreps.

        Raises
        ------
        InvalidArgumentError
            When no symbol has one of the names, or where a slice left out some laws of an irrep.

        Examples
        --------
        >>> from symrep import kernels, measures, spectrum
        >>> laws = scaling_law(spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2)))
        >>> at_hundred = laws.substitute(L=100, a=1, p=1, delta="1/10")
        >>> print(f"{float(at_hundred.select((99, 1), (1, 1))[0].samples()):.1f}")
        53.1
        """
        goal = self.ridge, self.learnability
        of_goal = {symbol.name for expression in goal for symbol in expression.free_symbols}
        of_spectrum = {symbol.name for symbol in self.spectrum.free_symbols()} | self.spectrum.parameter_names
        require_symbols(values, of_spectrum | of_goal)
        others = {name: value for name, value in values.items() if name in of_spectrum}
        spec = self.spectrum.substitute(**others) if others else self.spectrum
        found = scaling_law(spec, *(_with_values(expression, values) for expression in goal))
        if len(self) == len(self.spectrum.levels):
            return found
        self.require_whole_irreps(self.spectrum.levels)
        kept = {tuple(_label_at(label, others) for label in law.level.labels) for law in self}
        return replace(found, laws=tuple(law for law in found if law.level.labels in kept))

    def notes(self) -> tuple[Any, ...]:
        """What is to be said of the spectrum below the table of samples: nothing of one that is whole."""
        return ()

    def require_whole_irreps(self, levels: Iterable[EigenLevel]) -> None:
        """Numbers may exchange the eigenvalues of an irrep: some of them cannot be told from the others afterwards."""
        chosen = {law.level.labels for law in self}
        whole = sum(level.labels in chosen for level in levels)
        rule = "must be all laws of their irreps: substitute first, then take a slice"
        require(len(self) == whole, "laws", rule, self)

    def __repr__(self) -> str:
        return f"<ScalingLaws of {self.spectrum.architecture}: {len(self.laws)} eigenvalues>"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    @property
    def is_symbolic(self) -> bool:
        """Whether L is a symbol."""
        return bool(sympy.sympify(self.spectrum.length).free_symbols)

    def table(self) -> Table:
        """Bounds against the exact eigenvalues, with exponents and tightness."""
        from symrep.learning.scaling_tables import bounds_table

        return bounds_table(self)

    def samples_table(self) -> Table:
        """Samples needed, by every method."""
        from symrep.learning.scaling_tables import samples_table

        return samples_table(self)


def _label_at(label: Any, values: dict[str, Any]) -> Any:
    """An irrep at values for the symbols of its degree."""
    if not isinstance(label, PaddedShape):
        return label
    degree = _with_values(label.degree, values)
    if degree.is_Integer and not label.exists(int(degree)):
        return None
    return at_known_degree(PaddedShape(label.lower, degree))


def _with_values(expression: sympy.Expr, values: dict[str, Any]) -> sympy.Expr:
    """An expression at those of the values that it has a symbol for."""
    names = {symbol.name for symbol in expression.free_symbols}
    return substitute(expression, **{name: value for name, value in values.items() if name in names})


def scaling_law(spec: Spectrum, ridge: Any = ridge_symbol, learnability: Any = "1/2") -> ScalingLaws:
    r"""Bounds, exact eigenvalues, exponents in L and samples needed for every eigenvalue of a spectrum.

    Parameters
    ----------
    spec
        A spectrum, with L a symbol or a number, or a block spectrum, whose laws are in float64.
    ridge
        The ridge (noise variance) :math:`\delta > 0`, a number or a symbol (``delta``).
    learnability
        Strictly between 0 and 1.

    Returns
    -------
    ScalingLaws
        A sequence of :class:`ScalingLaw`, one per eigenvalue in the order of ``spec.levels``, with ``table()`` and
        ``samples_table()``.

    Raises
    ------
    InvalidArgumentError
        When the ridge is not positive or depends on L, the learnability is not strictly between 0 and 1, or an eigenvalue
        is negative.

    Examples
    --------
    >>> from symrep import kernels, measures, spectrum
    >>> s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
    >>> odd = [law for law in scaling_law(s) if str(law.level.shape) == "(L-1,1)"][1]
    >>> odd.level.eigenvalue, odd.samples("equivalent-kernel")
    (a*p*(L*a + 2*p)/(2*L), 2*L*delta/(a*p*(L*a + 2*p)))
    >>> odd.exponent("dimension_bound"), odd.exponent("eigenvalue")
    (1, 2)
    """
    taken = {symbol.name for symbol in spec.free_symbols()} if isinstance(spec, Spectrum) else set()
    if ridge is ridge_symbol and ridge_symbol.name in taken:
        raise InvalidArgumentError(f"ridge must be given where the spectrum has the symbol {ridge_symbol}, got none")
    ridge, learnability = read_goal(ridge, learnability)
    if isinstance(spec, BlockSpectrum):
        from symrep.learning.numeric_scaling import numeric_scaling_laws

        return numeric_scaling_laws(spec, ridge, learnability)
    if not isinstance(spec, Spectrum):
        raise InvalidTypeError(f"spec must be a spectrum from spectrum or block_spectrum, got {shown(spec)}")
    negative = [level for level in spec.levels if level.eigenvalue.is_negative]
    require(not negative, "spec", "must have no negative eigenvalue (a kernel is positive semidefinite)", negative[:1])
    laws = []
    for level in spec.levels:
        dimension = level.shape.dimension
        laws.append(
            ScalingLaw(spec, level, dimension, spec.expected_trace, spec.trace(level.shape), ridge, learnability)
        )
    return ScalingLaws(spec, tuple(laws), ridge, learnability)


def samples_needed(
    spec: Spectrum,
    shape: Any,
    token_shape: Any = None,
    query_shape: Any = None,
    *,
    ridge: Any = ridge_symbol,
    learnability: Any = "1/2",
    method: str = "self-consistent",
) -> list[sympy.Expr]:
    """Samples needed for every eigenvalue of a shape (and an irrep of token renaming), in the order of the levels.

    ``method`` is one of ``METHODS``: ``"self-consistent"`` (the theory that simulated learning follows),
    ``"equivalent-kernel"`` (optimistic: it forgets that other eigenfunctions compete for the samples), or the bounds
    ``"trace-bound"`` and ``"dimension-bound"``; see :meth:`ScalingLaw.samples`.

    >>> from symrep import kernels, measures, spectrum
    >>> s = spectrum(kernels.architecture("uniform-block"), measures.iid_uniform(3), length=10)
    >>> samples_needed(s.substitute(a=1, p=1), (10,), (2, 1), ridge="1/10")
    [69/14]
    """
    laws = scaling_law(spec, ridge, learnability).select(shape, token_shape, query_shape)
    return [law.samples(method) for law in laws]


def read_goal(ridge: Any, learnability: Any) -> tuple[sympy.Expr, sympy.Expr]:
    """An exact positive ridge that does not depend on L, and a learnability strictly between 0 and 1, or symbols."""
    ridge, learnability = as_parameter(ridge, "ridge"), as_parameter(learnability, "learnability")
    require(ridge != 0, "ridge", "must be positive", ridge)
    require(length_symbol not in ridge.free_symbols, "ridge", "must not depend on L", ridge)
    named = learnability.is_Symbol and learnability != length_symbol
    inside = 0 < learnability < 1 if learnability.is_number else named
    require(bool(inside), "learnability", "must be strictly between 0 and 1", learnability)
    return ridge, learnability


def symbolic_effective_modes(blocks: tuple[Block, ...], kappa: sympy.Expr) -> sympy.Expr:
    r""":math:`\sum_i d_i \lambda_i/(\lambda_i+\kappa)` from characteristic polynomials alone.

    Over the roots of :math:`\chi` of degree s, :math:`\sum x/(x+\kappa) = s + \kappa\, \chi'(-\kappa)/\chi(-\kappa)`.
    """
    total = sympy.Integer(0)
    for block in blocks:
        for factor, power in block.factors:
            if factor.as_expr() != factor.gen:
                ratio = horner(factor.diff(), -kappa) / horner(factor, -kappa)
                total += block.degeneracy * power * tidy(factor.degree() + kappa * ratio)
    return total


def tidy(expression: sympy.Expr) -> sympy.Expr:
    """Factored where the expression is rational in its symbols, as it is otherwise."""
    return expression if has_surds(expression) else sympy.factor(expression)


def has_surds(expression: sympy.Expr) -> bool:
    powers = expression.atoms(sympy.Pow)
    return expression.has(OrderedRoot, sympy.CRootOf) or any(
        power.exp.is_Rational and not power.exp.is_Integer for power in powers
    )
