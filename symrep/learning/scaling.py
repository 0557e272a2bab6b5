r"""Scaling laws: how small symmetry makes an eigenvalue, and how many samples its functions need, as functions of L.

The kernel is taken to be positive semidefinite, as that of every network is. An irrep of dimension f fills its eigenspace f times, so :math:`f \lambda \le \operatorname{tr}(P_{shape} K) \le \operatorname{E} K(x,x)`.
The first bound uses the trace of the block, the second nothing but the dimension. Samples follow from eigenvalues: with
ridge :math:`\delta` and P samples the equivalent kernel gives learnability :math:`\lambda/(\lambda + \delta/P)`, and the
self-consistent theory :math:`\lambda/(\lambda + \kappa)` with :math:`\sum_i \lambda_i/(\lambda_i+\kappa) + \delta/\kappa = P`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy

from symrep.display import Column, Formula, Table
from symrep.errors import InvalidArgumentError, InvalidTypeError, require
from symrep.kernels.overlaps import length_symbol
from symrep.kernels.parameters import as_parameter
from symrep.spectra.asymptotics import LeadingTerm, leading_term
from symrep.spectra.isotypic_block import Block
from symrep.spectra.roots import OrderedRoot, horner
from symrep.spectra.spectrum import EigenLevel, Spectrum

ridge_symbol = sympy.Symbol("delta", positive=True)
_LONGEST_FRACTION = 320
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
        return _tidy(self.level.eigenvalue / self.mean_diagonal)

    @cached_property
    def tightness(self) -> sympy.Expr:
        """eigenvalue / dimension bound, at most 1."""
        return _tidy(self.level.eigenvalue / self.dimension_bound)

    @cached_property
    def trace_tightness(self) -> sympy.Expr:
        """eigenvalue / trace bound, at most 1."""
        return _tidy(self.level.eigenvalue / self.trace_bound)

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
            return symbolic_effective_modes(self.spectrum.blocks, kappa) + _tidy(self.ridge / kappa)
        return _tidy(self.ridge * odds / self._bound(method))

    def crossover_ridge(self) -> sympy.Expr:
        r"""The ridge at which noise and competition ask for as many samples as each other.

        Of the self-consistent samples :math:`\sum_i d_i \lambda_i/(\lambda_i+\kappa) + \delta/\kappa` the first part is what
        all eigenfunctions take up, the second grows with the ridge: below the crossover more samples go to the competitors,
        above it to the noise.
        """
        kappa = self.level.eigenvalue / (self.learnability / (1 - self.learnability))
        return _tidy(kappa) * symbolic_effective_modes(self.spectrum.blocks, kappa)

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

    def __getitem__(self, index: int) -> ScalingLaw:
        return self.laws[index]

    @property
    def is_symbolic(self) -> bool:
        """Whether L is a symbol."""
        return bool(sympy.sympify(self.spectrum.length).free_symbols)

    def table(self) -> Table:
        """Bounds against the exact eigenvalues, with exponents and tightness."""
        return bounds_table(self)

    def samples_table(self) -> Table:
        """Samples needed, by every method."""
        return samples_table(self)


def scaling_law(spec: Spectrum, ridge: Any = ridge_symbol, learnability: Any = "1/2") -> ScalingLaws:
    r"""Bounds, exact eigenvalues, exponents in L and samples needed for every eigenvalue of a spectrum.

    Parameters
    ----------
    spec
        A spectrum, with L a symbol or a number.
    ridge
        The ridge (noise variance) :math:`\delta > 0`, a number or a symbol (``delta``).
    learnability
        Strictly between 0 and 1.

    Returns
    -------
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
    if not isinstance(spec, Spectrum):
        raise InvalidTypeError(f"spec must be a Spectrum, got {spec!r}")
    ridge, learnability = read_goal(ridge, learnability)
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
    all_laws = scaling_law(spec, ridge, learnability)
    wanted = spec.block(shape, token_shape)
    laws = [law for law in all_laws if law.level.shape == wanted.shape]
    if token_shape is not None:
        laws = [law for law in laws if law.level.token_shape == wanted.token_shape]
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


def bounds_table(laws: ScalingLaws) -> Table:
    """One row per eigenvalue: dimension, both bounds, the exact value, and how tight the bounds are."""
    columns = [Column("shape", "shape"), *_label_columns(laws), Column("dimension", "dimension")]
    columns += [
        Column("dimension_bound", "E K/dim", only="data"),
        Column("dimension_bound_shown", "E K/dim", r"$\operatorname{E}K/\dim$", only="display"),
        Column("trace_bound", "tr(P K)/dim", only="data"),
        Column("trace_bound_shown", "tr(P K)/dim", r"$\operatorname{tr}(PK)/\dim$", only="display"),
        Column("eigenvalue", "eigenvalue", r"$\lambda$", only="data" if laws.is_symbolic else None),
        Column(
            "tightness", "lambda dim/E K", r"$\lambda\dim/\operatorname{E}K$", only="data" if laws.is_symbolic else None
        ),
    ]
    if laws.is_symbolic:
        columns += [
            Column("leading", "lambda at large L", r"$\lambda$ as $L \to \infty$"),
            Column("exponents", "exponents"),
            Column(
                "leading_tightness", "lambda dim/E K at large L", r"$\lambda\dim/\operatorname{E}K$ as $L \to \infty$"
            ),
            Column("limit", "limit"),
            Column("trace_limit", "limit of lambda dim/tr(P K)", r"$\lambda\dim/\operatorname{tr}(PK) \to$"),
        ]
    rows = []
    for law in laws:
        cells = [law.level.shape, *_label_cells(laws, law), law.dimension]
        cells += [law.dimension_bound, _over_dimension(law.dimension), law.trace_bound, _trace_shown(law)]
        cells += [law.level.eigenvalue, law.tightness]
        if laws.is_symbolic:
            exponents = "/".join(str(law.exponent(q)) for q in ("dimension_bound", "trace_bound", "eigenvalue"))
            tightness = law.leading("tightness")
            cells += [law.level.leading, exponents, tightness, tightness.limit, law.leading("trace_tightness").limit]
        rows.append(tuple(cells))
    notes = [*_trace_notes(laws)]
    if laws.is_symbolic:
        notes.append(
            r"Exponents: of the dimension bound, the trace bound and the exact eigenvalue, each divided by $\operatorname{E}K$, as powers "
            r"of $1/L$. Tightness: the exact eigenvalue divided by a bound, with its limit."
        )
    caption = ("Symmetry bounds against exact eigenvalues: ", *laws.spectrum.title, ".")
    return Table("bounds", caption, tuple(columns), tuple(rows), tuple(notes))


def samples_table(laws: ScalingLaws) -> Table:
    """One row per eigenvalue: samples needed by both bounds, the equivalent kernel and the self-consistent theory."""
    symbolic = laws.is_symbolic
    shown = "data" if symbolic else None
    columns = [
        Column("shape", "shape"),
        *_label_columns(laws),
        Column("dimension_bound", "dimension bound", only="data"),
        Column("dimension_bound_shown", "at least (dimension)", r"$\ge$ (dimension)", only="display"),
        Column("trace_bound", "at least (trace)", only="data"),
        Column("trace_bound_shown", "at least (trace)", r"$\ge$ (trace)", only="display"),
        Column("equivalent_kernel", "equivalent kernel", only=shown),
        Column("self_consistent", "self-consistent", only=shown),
    ]
    if symbolic:
        columns += [
            Column("equivalent_kernel_shown", "equivalent kernel", only="display"),
            Column("leading_equivalent_kernel", "equivalent kernel at large L", only="data"),
            Column("leading_self_consistent", "self-consistent at large L", r"self-consistent, $L \to \infty$"),
        ]
    rows = []
    for law in laws:
        values = {method: law.samples(method) for method in METHODS}
        odds = _tidy(law.ridge * law.learnability / (1 - law.learnability))
        factor = _tidy(odds * law.dimension)
        cells = [
            values["dimension-bound"],
            Formula(f"{_grouped(factor)}/EK", rf"{sympy.latex(factor)} / \operatorname{{E}}K"),
        ]
        trace_shown = Formula(f"{odds}/T", rf"{sympy.latex(odds)} / T") if law.dimension == 1 else values["trace-bound"]
        cells += [values["trace-bound"], trace_shown, values["equivalent-kernel"], values["self-consistent"]]
        if symbolic:
            leading = law.leading_samples("equivalent-kernel")
            exact = values["equivalent-kernel"]
            asymptotic = Formula(f"~ {leading}", rf"\sim {sympy.latex(leading.as_expression())}")
            cells += [asymptotic if _has_surds(exact) else exact, leading, law.leading_samples()]
        rows.append((law.level.shape, *_label_cells(laws, law), *cells))
    notes: list[Any] = [
        (
            *([r"Ridge $\delta$"] if laws.ridge == ridge_symbol else [r"Ridge $\delta =$ ", laws.ridge]),
            r", learnability $\ell =$ ",
            laws.learnability,
            ".",
        ),
        *_trace_notes(laws),
        r"Self-consistent: $\sum_i d_i \lambda_i/(\lambda_i + \kappa) + \delta/\kappa$ over all levels of degeneracy $d_i$, where "
        r"$\kappa$ is the eigenvalue of the row times $(1-\ell)/\ell$. It is never below the other columns.",
    ]
    caption = ("Samples needed per eigenfunction: ", *laws.spectrum.title, ".")
    return Table("samples", caption, tuple(columns), tuple(rows), tuple(notes))


def _over_dimension(dimension: Any) -> Formula:
    if dimension == 1:
        return Formula("EK", r"\operatorname{E}K")
    return Formula(
        f"EK/{_grouped(sympy.sympify(dimension))}",
        rf"\frac{{\operatorname{{E}}K}}{{{sympy.latex(sympy.sympify(dimension))}}}",
    )


def _trace_shown(law: ScalingLaw) -> Any:
    return Formula("T", "T") if law.dimension == 1 else law.trace_bound


def _trace_notes(laws: ScalingLaws) -> list[Any]:
    notes: list[Any] = [(r"$\operatorname{E}K(x,x) =$ ", _breakable(laws.spectrum.expected_trace), ".")]
    trivial = next((law for law in laws if law.dimension == 1), None)
    if trivial is not None:
        notes.append((r"$T = \operatorname{tr}(P_{\mathrm{trivial}} K) =$ ", _breakable(trivial.trace_bound), "."))
    return notes


def _breakable(expression: sympy.Expr) -> Any:
    """A fraction too long for a line as a quotient of sums, between whose terms LaTeX may break the line."""
    if len(sympy.latex(expression)) <= _LONGEST_FRACTION:
        return expression
    numerator, denominator = map(sympy.latex, sympy.fraction(expression))
    return Formula(str(expression), rf"\bigl({numerator}\bigr) \big/ \bigl({denominator}\bigr)")


def _label_columns(laws: ScalingLaws) -> list[Column]:
    columns = [Column("token_shape", "token shape")] if any(law.level.token_shape for law in laws) else []
    return columns + ([Column("query_shape", "query shape")] if any(law.level.query_shape for law in laws) else [])


def _label_cells(laws: ScalingLaws, law: ScalingLaw) -> list[Any]:
    return [getattr(law.level, column.key) for column in _label_columns(laws)]


def symbolic_effective_modes(blocks: tuple[Block, ...], kappa: sympy.Expr) -> sympy.Expr:
    r""":math:`\sum_i d_i \lambda_i/(\lambda_i+\kappa)` from characteristic polynomials alone.

    Over the roots of :math:`\chi` of degree s, :math:`\sum x/(x+\kappa) = s + \kappa\, \chi'(-\kappa)/\chi(-\kappa)`.
    """
    total = sympy.Integer(0)
    for block in blocks:
        for factor, power in block.factors:
            if factor.as_expr() != factor.gen:
                ratio = horner(factor.diff(), -kappa) / horner(factor, -kappa)
                total += block.degeneracy * power * _tidy(factor.degree() + kappa * ratio)
    return total


def _grouped(expression: sympy.Expr) -> str:
    return str(expression) if expression.is_Atom else f"({expression})"


def _tidy(expression: sympy.Expr) -> sympy.Expr:
    """Factored where the expression is rational in its symbols, as it is otherwise."""
    return expression if _has_surds(expression) else sympy.factor(expression)


def _has_surds(expression: sympy.Expr) -> bool:
    powers = expression.atoms(sympy.Pow)
    return expression.has(OrderedRoot, sympy.CRootOf) or any(
        power.exp.is_Rational and not power.exp.is_Integer for power in powers
    )
