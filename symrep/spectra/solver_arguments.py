"""What the door to spectra takes: networks or polynomials, lengths, measures; and numbers put in their place later."""

from __future__ import annotations

from typing import Any

import sympy

from symrep.errors import (
    InvalidArchitectureError,
    InvalidTypeError,
    NotInvariantError,
    require,
    require_integer,
    shown,
)
from symrep.kernels.joint_counts import NetworkKernel
from symrep.kernels.network import Network
from symrep.kernels.overlaps import (
    first_overlap_symbol,
    length_symbol,
    same_token_symbol,
    second_overlap_symbol,
    vocabulary_symbol,
)
from symrep.kernels.parameters import as_parameter, exact_expression, with_shared_symbols
from symrep.measures import (
    DirichletMultinomial,
    ExchangeableMeasure,
    FrozenMixture,
    HiddenMarkov,
    SymmetricPart,
    UniformTokens,
    Urn,
    iid_uniform,
)
from symrep.spectra.kernel_polynomials import KernelPolynomial

_OWN_OVERLAPS = {symbol.name: symbol for symbol in (first_overlap_symbol, second_overlap_symbol)}
_NOT_IN_POLYNOMIALS = frozenset({same_token_symbol.name, "x"})


def read_network(net: Any) -> tuple[KernelPolynomial, str | None, str]:
    """The kernel, the extra token (None, "last" or "query") and the text of a network, its NTK, or a polynomial."""
    if isinstance(net, Network | NetworkKernel):
        invariance = net.invariance()
        if invariance.positions == "none":
            raise NotInvariantError(
                f"net must be symmetric under permutations of the positions, got {invariance.reason}"
            )
        return KernelPolynomial.from_expression(overlap_polynomial(net)), net.extra_token, repr(net)
    if isinstance(net, sympy.Expr):
        expression = exact_expression(net, "net")
        own = {s: _OWN_OVERLAPS[s.name] for s in expression.free_symbols if s.name in _OWN_OVERLAPS}
        kernel = with_shared_symbols(expression.xreplace(own), "net", _NOT_IN_POLYNOMIALS)
        require(not kernel.has(sympy.I), "net", "must be real", net)
        return KernelPolynomial.from_expression(kernel), None, str(kernel)
    rule = 'must be a network, net.joint_count_kernel("ntk") for its NTK, or a polynomial in u and m'
    raise InvalidTypeError(f"net {rule}, got {shown(net)}")


def overlap_polynomial(net: Any) -> sympy.Expr:
    """The kernel of a network in the overlap ring; the refusal names what takes the network."""
    try:
        return net.overlap_polynomial()
    except InvalidArchitectureError as error:
        if isinstance(net, Network) and net.readout is None:
            raise
        raise InvalidArchitectureError(f"{error}; block_spectrum takes it at a finite length, in float64") from None


def read_length(length: Any, extra_token: str | None, measure: ExchangeableMeasure) -> sympy.Expr:
    """The length as an integer of sympy or the symbol L, where the measure has sequences of that length."""
    length = _integer_or_symbol(length, extra_token)
    longest = measure.maximal_length
    if longest is not None:
        rule = f"must be a number for an urn, whose sequences have at most {longest} tokens"
        require(bool(length.is_Integer), "length", rule, length)
        positions = longest - (extra_token == "query")
        beside = " (a query is drawn as well)" if extra_token == "query" else ""
        require(
            length <= positions, "length", f"must be at most {positions} for an urn of {longest}{beside}", int(length)
        )
    return length


def _integer_or_symbol(length: Any, extra_token: str | None) -> sympy.Expr:
    if isinstance(length, str):
        length = sympy.Symbol(length)
    if isinstance(length, sympy.Symbol):
        require(length.name == "L", "length", "must be an integer or the symbol L", length)
        return length_symbol
    number = require_integer(length, "length", minimum=1)
    if extra_token == "last":
        require(number >= 2, "length", "must be at least 2 for a last-token readout", number)
    return sympy.Integer(number)


def kernel_at(kernel: KernelPolynomial, length: sympy.Expr, vocab_size: sympy.Expr) -> KernelPolynomial:
    """The kernel with the length, and the number of tokens where it is one, in its coefficients; they must be rational in L."""
    given = [c for _, _, c in kernel.all_terms()]
    require(_all_finite(given), "net", "must have a kernel with finite coefficients", sympy.Add(*given))
    known = {length_symbol: length} | ({vocabulary_symbol: vocab_size} if vocab_size.is_Integer else {})
    found = kernel.map_coefficients(lambda c: c.subs(known))
    coefficients = [c for _, _, c in found.all_terms()]
    require(_all_finite(coefficients), "length", "must not be a pole of the kernel", length)
    rational = all(c.is_rational_function(length_symbol) for c in coefficients)
    require(rational, "net", "must have a kernel that is rational in L", sympy.Add(*coefficients))
    return found


def _all_finite(coefficients: list[sympy.Expr]) -> bool:
    return not any(c.has(sympy.zoo, sympy.nan) for c in coefficients)


def measure_at_length(measure: ExchangeableMeasure, length: sympy.Expr) -> ExchangeableMeasure:
    """The measure with the length in its moments."""
    return measure if length == length_symbol else measure_with(measure, {length_symbol.name: length})


def substituted(net: Any, measure: Any, length: sympy.Expr, values: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Network, measure and length with exact values for symbols given by name."""
    exact = {name: as_parameter(value, name) for name, value in values.items()}
    if "L" in exact and length == length_symbol:
        length = values["L"]
    if isinstance(measure, UniformTokens) and "V" in exact:
        measure = iid_uniform(values["V"])
    if isinstance(net, Network | NetworkKernel):
        known = {symbol.name for symbol in net.parameters()}
        net = net.substitute(**{name: value for name, value in exact.items() if name in known})
    else:
        net = _replace_names(net, {name: value for name, value in exact.items() if name != "L"})
    return net, measure_with(measure, exact), length


def measure_with(measure: ExchangeableMeasure, exact: dict[str, sympy.Expr]) -> ExchangeableMeasure:
    """The measure with exact values for its symbols, given by name; raises where they are no probabilities."""

    def replaced(values: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, ...]:
        return tuple(_replace_names(value, exact) for value in values)

    match measure:
        case FrozenMixture():
            return FrozenMixture(replaced(measure.weights), tuple(map(replaced, measure.distributions)))
        case DirichletMultinomial():
            return DirichletMultinomial(replaced(measure.concentrations))
        case SymmetricPart(measure=model):
            rows = (tuple(map(replaced, matrix)) for matrix in (model.transition, model.emission))
            return SymmetricPart(HiddenMarkov(replaced(model.initial), *rows), measure.length)
        case UniformTokens() | Urn():
            return measure


def _replace_names(expression: sympy.Expr, exact: dict[str, sympy.Expr]) -> sympy.Expr:
    return expression.xreplace({s: exact[s.name] for s in expression.free_symbols if s.name in exact})
