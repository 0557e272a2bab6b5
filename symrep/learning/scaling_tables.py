"""Scaling laws as tables: symmetry bounds against exact eigenvalues, and the samples that they ask for."""

from __future__ import annotations

from typing import Any

import sympy

from symrep.display import Column, Formula, Table
from symrep.learning.scaling import METHODS, ScalingLaw, ScalingLaws, has_surds, ridge_symbol, tidy

_LONGEST_FRACTION = 320


def bounds_table(laws: ScalingLaws) -> Table:
    """One row per eigenvalue: dimension, both bounds, the exact value, and how tight the bounds are."""
    columns = [Column("shape", "shape"), *_label_columns(laws), Column("dimension", "dimension")]
    columns += [
        Column("dimension_bound", "EK/dim", only="data"),
        Column("dimension_bound_shown", "EK/dim", r"$\operatorname{E}K/\dim$", only="display"),
        Column("trace_bound", "tr(P K)/dim", only="data"),
        Column("trace_bound_shown", "tr(P K)/dim", r"$\operatorname{tr}(PK)/\dim$", only="display"),
        Column("eigenvalue", "eigenvalue", r"$\lambda$", only="data"),
        Column("tightness", "lambda dim/EK", r"$\lambda\dim/\operatorname{E}K$", only="data"),
    ]
    if not laws.is_symbolic:
        columns += [
            Column("eigenvalue_shown", "eigenvalue", r"$\lambda$", only="display"),
            Column("tightness_shown", "lambda dim/EK", r"$\lambda\dim/\operatorname{E}K$", only="display"),
        ]
    if laws.is_symbolic:
        columns += [
            Column("leading", "lambda at large L", r"$\lambda$ at large $L$"),
            Column("exponents", "exponents"),
            Column("leading_tightness", "lambda dim/EK at large L", r"$\lambda\dim/\operatorname{E}K$ at large $L$"),
            Column("limit", "limit"),
            Column("trace_limit", "limit of lambda dim/tr(P K)", r"$\lambda\dim/\operatorname{tr}(PK) \to$"),
        ]
    rows = []
    for law in laws:
        cells = [law.level.shape, *_label_cells(laws, law), law.dimension]
        shown = [_over_dimension(law.dimension), _trace_shown(law)]
        if not laws.is_symbolic:
            shown = [_decimal(law.dimension_bound, laws), _decimal(law.trace_bound, laws)]
        cells += [law.dimension_bound, shown[0], law.trace_bound, shown[1]]
        cells += [law.level.eigenvalue, law.tightness]
        if not laws.is_symbolic:
            cells += [_decimal(law.level.eigenvalue, laws), _decimal(law.tightness, laws)]
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
    columns = [
        Column("shape", "shape"),
        *_label_columns(laws),
        Column("dimension_bound", "dimension bound", only="data"),
        Column("dimension_bound_shown", "at least (dimension)", r"$\ge$ (dimension)", only="display"),
        Column("trace_bound", "at least (trace)", only="data"),
        Column("trace_bound_shown", "at least (trace)", r"$\ge$ (trace)", only="display"),
        Column("equivalent_kernel", "equivalent kernel", only="data"),
        Column("self_consistent", "self-consistent", only="data"),
    ]
    if not symbolic:
        columns += [
            Column("equivalent_kernel_shown", "equivalent kernel", only="display"),
            Column("self_consistent_shown", "self-consistent", only="display"),
        ]
    if symbolic:
        columns += [
            Column("equivalent_kernel_shown", "equivalent kernel", only="display"),
            Column("leading_equivalent_kernel", "equivalent kernel at large L", only="data"),
            Column("leading_self_consistent", "self-consistent at large L", "self-consistent at large $L$"),
        ]
    rows = []
    for law in laws:
        values = {method: law.samples(method) for method in METHODS}
        odds = tidy(law.ridge * law.learnability / (1 - law.learnability))
        factor = tidy(odds * law.dimension)
        odds_latex, factor_latex = _in_brackets(odds), _in_brackets(factor)
        cells = [
            values["dimension-bound"],
            Formula(f"{_grouped(factor)}/EK", rf"{factor_latex} / \operatorname{{E}}K"),
        ]
        trace_shown = (
            Formula(f"{_grouped(odds)}/T", rf"{odds_latex} / T") if law.dimension == 1 else values["trace-bound"]
        )
        if not symbolic:
            cells[1], trace_shown = _decimal(values["dimension-bound"], laws), _decimal(values["trace-bound"], laws)
        cells += [values["trace-bound"], trace_shown, values["equivalent-kernel"], values["self-consistent"]]
        if not symbolic:
            cells += [_decimal(values["equivalent-kernel"], laws), _decimal(values["self-consistent"], laws)]
        if symbolic:
            leading = law.leading_samples("equivalent-kernel")
            exact = values["equivalent-kernel"]
            asymptotic = Formula(f"~ {leading}", rf"\sim {sympy.latex(leading.as_expression())}")
            cells += [asymptotic if has_surds(exact) else exact, leading, law.leading_samples()]
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
        *laws.notes(),
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
    if trivial is not None and laws.is_symbolic:
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


def _decimal(expression: Any, laws: ScalingLaws) -> Any:
    """A number as a float; an expression in the symbols of the ridge alone with its coefficients to six digits; others exact."""
    expression = sympy.sympify(expression)
    if not expression.free_symbols:
        return float(expression.evalf(20))
    if not expression.free_symbols <= laws.ridge.free_symbols:
        return expression
    rounded = sympy.expand(expression.evalf(20)).evalf(6)
    return rounded.xreplace(
        {number: sympy.Integer(int(number)) for number in rounded.atoms(sympy.Float) if float(number).is_integer()}
    )


def _in_brackets(expression: sympy.Expr) -> str:
    text = sympy.latex(expression)
    return rf"\left({text}\right)" if expression.is_Add else text


def _grouped(expression: sympy.Expr) -> str:
    return str(expression) if expression.is_Symbol or expression.is_Integer else f"({expression})"
