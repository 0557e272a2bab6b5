r"""Layers as immutable records, each with the rule of its infinite-width covariance (NNGP).

A network is a :func:`serial` composition. It starts with :class:`TokenEmbedding`, and its kernel between position s of
one sequence and position t of another passes through the layers until a readout makes one number per pair of sequences.
The same rules run on arrays (``net.nngp``) and on the overlap ring (``net.overlap_polynomial``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import sympy

from symrep.errors import InvalidArchitectureError, InvalidTypeError, require
from symrep.kernels.overlaps import ArrayKernel, OverlapKernel
from symrep.kernels.parameters import as_float, as_parameter, as_text

_ONE, _ZERO = sympy.Integer(1), sympy.Integer(0)


@dataclass(frozen=True)
class KernelState:
    """What is known between two layers: the kernel between positions, that of the query token, and the readout.

    ``query`` and ``output`` are one value per pair of sequences (an expression, or an array of shape (n, m)).
    """

    context: OverlapKernel | ArrayKernel
    query: Any = None
    output: Any = None

    def number(self, parameter: sympy.Expr, argument: str) -> Any:
        """A parameter in the arithmetic of this state: itself if exact, else a float."""
        return parameter if isinstance(self.context, OverlapKernel) else as_float(parameter, argument)


@dataclass(frozen=True)
class Layer:
    """Base of all layers. Every field is a parameter: an exact number, a symbol or an expression, never negative."""

    is_embedding: ClassVar[bool] = False
    is_readout: ClassVar[bool] = False
    after_readout: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.type == "sympy.Expr":
                value = as_parameter(getattr(self, field.name), f"{type(self).__name__} {field.name}")
                object.__setattr__(self, field.name, value)

    def _value(self, state: KernelState, name: str) -> Any:
        return state.number(getattr(self, name), f"{type(self).__name__} {name}")

    def apply(self, state: KernelState) -> KernelState:
        """The state after this layer."""
        raise InvalidArchitectureError(f"{type(self).__name__} has no rule for its kernel")

    def parameters(self) -> frozenset[sympy.Symbol]:
        """The free symbols of the parameters."""
        symbols: set[sympy.Symbol] = set()
        for field in fields(self):
            value = getattr(self, field.name)
            symbols |= value.free_symbols if isinstance(value, sympy.Expr) else set()
        return frozenset(symbols)

    def substitute(self, exact: dict[sympy.Symbol, sympy.Expr]) -> Layer:
        """The layer with expressions for symbols."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{k: v.xreplace(exact) for k, v in values.items() if isinstance(v, sympy.Expr)})

    def __repr__(self) -> str:
        changed = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        shown = [f"{name}={as_text(value) if isinstance(value, sympy.Expr) else value}" for name, value in changed.items()]
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False)
class TokenEmbedding(Layer):
    r"""One-hot tokens with independent Gaussian embeddings: :math:`K_{st} = a [x_s = y_t]`, a the token variance."""

    variance: sympy.Expr = sympy.Symbol("a", positive=True)
    is_embedding: ClassVar[bool] = True

    def apply(self, state: KernelState) -> KernelState:
        return replace(state, context=state.context.add_indicators(e=self._value(state, "variance")))


@dataclass(frozen=True, repr=False)
class Positions(Layer):
    r"""Independent Gaussian position vectors, added: :math:`K_{st} \mathrel{+}= p [s = t]`, p the position variance."""

    variance: sympy.Expr = sympy.Symbol("p", positive=True)

    def apply(self, state: KernelState) -> KernelState:
        return replace(state, context=state.context.add_indicators(d=self._value(state, "variance")))


@dataclass(frozen=True, repr=False)
class LinearAttention(Layer):
    r"""Infinitely many heads of attention with the identity instead of softmax, independent queries and keys.

    With logits scaled by :math:`1/\sqrt{d}`,

    .. math:: K'_{st} = (\sigma_Q \sigma_K \sigma_O \sigma_V)^2 \langle K, K \rangle_F K_{st} + b^2.

    Parameters
    ----------
    query_std, key_std, value_std, out_std
        Standard deviations of the weights, 1 unless given.
    bias_std
        Standard deviation b of a bias added to the output, 0 unless given.
    normalized
        Whether the attention weights are divided by L.

    Notes
    -----
    ``normalized=True`` divides the attention weights by L, as the weights of softmax are of order 1/L; the first term
    then carries :math:`1/L^2` (Hron et al., ICML 2020, section 3).

    Examples
    --------
    >>> from symrep.kernels import Flatten, Positions, TokenEmbedding, serial
    >>> serial(TokenEmbedding(), LinearAttention(bias_std="b"), Flatten()).overlap_polynomial()
    (L*b**2 + a**3*m*u)/L
    """

    query_std: sympy.Expr = _ONE
    key_std: sympy.Expr = _ONE
    value_std: sympy.Expr = _ONE
    out_std: sympy.Expr = _ONE
    bias_std: sympy.Expr = _ZERO
    normalized: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.normalized, bool):
            raise InvalidTypeError(f"LinearAttention normalized must be True or False, got {self.normalized!r}")

    def apply(self, state: KernelState) -> KernelState:
        gain = 1
        for name in ("query_std", "key_std", "value_std", "out_std"):
            gain = gain * self._value(state, name) ** 2
        bias = self._value(state, "bias_std") ** 2
        kernel = state.context
        weight = gain * kernel.frobenius(kernel)
        if self.normalized:
            weight = weight / kernel.length**2
        query = None if state.query is None else weight * state.query + bias
        return replace(state, context=kernel * weight + kernel.constant(bias), query=query)


@dataclass(frozen=True, repr=False)
class UniformAttention(Layer):
    r"""Attention whose logits vanish (independent queries and keys, :math:`1/d` scaling): every weight is :math:`1/L`.

    .. math:: K'_{st} = (\sigma_O \sigma_V)^2 L^{-2} \sum_{s't'} K_{s't'} + b^2
    """

    value_std: sympy.Expr = _ONE
    out_std: sympy.Expr = _ONE
    bias_std: sympy.Expr = _ZERO

    def apply(self, state: KernelState) -> KernelState:
        gain = self._value(state, "value_std") ** 2 * self._value(state, "out_std") ** 2
        value = gain * state.context.mean() + self._value(state, "bias_std") ** 2
        return replace(state, context=state.context.constant(value), query=None if state.query is None else value)


@dataclass(frozen=True, repr=False)
class Dense(Layer):
    r"""A linear layer at every position: :math:`K' = W^2 K + b^2`."""

    W_std: sympy.Expr = _ONE
    b_std: sympy.Expr = _ZERO
    after_readout: ClassVar[bool] = True

    def apply(self, state: KernelState) -> KernelState:
        gain, bias = self._value(state, "W_std") ** 2, self._value(state, "b_std") ** 2
        if state.output is not None:
            return replace(state, output=gain * state.output + bias)
        query = None if state.query is None else gain * state.query + bias
        return replace(state, context=state.context * gain + state.context.constant(bias), query=query)


@dataclass(frozen=True)
class Residual(Layer):
    """The sum of the identity and of the layers inside, with independent weights: kernels add. Made by :func:`residual`."""

    layers: tuple[Layer, ...]

    def apply(self, state: KernelState) -> KernelState:
        inner = state
        for layer in self.layers:
            inner = layer.apply(inner)
        query = None if state.query is None else state.query + inner.query
        return replace(state, context=state.context + inner.context, query=query)

    def parameters(self) -> frozenset[sympy.Symbol]:
        return frozenset().union(*(layer.parameters() for layer in self.layers))

    def substitute(self, exact: dict[sympy.Symbol, sympy.Expr]) -> Residual:
        return Residual(tuple(layer.substitute(exact) for layer in self.layers))

    def __repr__(self) -> str:
        return f"residual({', '.join(map(repr, self.layers))})"


@dataclass(frozen=True, repr=False)
class MeanPool(Layer):
    r"""The mean over positions: :math:`L^{-2} \sum_{st} K_{st}`."""

    is_readout: ClassVar[bool] = True

    def apply(self, state: KernelState) -> KernelState:
        return replace(state, output=state.context.mean())


@dataclass(frozen=True, repr=False)
class Flatten(Layer):
    r"""A readout with its own weights at every position: :math:`L^{-1} \sum_s K_{ss}`."""

    is_readout: ClassVar[bool] = True

    def apply(self, state: KernelState) -> KernelState:
        return replace(state, output=state.context.diagonal_mean())


@dataclass(frozen=True, repr=False)
class LastToken(Layer):
    """The output at the last position, :math:`K_{LL}`: symmetric under permutations of the other L - 1 positions."""

    is_readout: ClassVar[bool] = True

    def apply(self, state: KernelState) -> KernelState:
        return replace(state, output=state.context.last())


@dataclass(frozen=True, repr=False)
class QueryToken(Layer):
    r"""The output at a query token q that attends to the context and is not attended to.

    It enters with kernel :math:`a_q [q = q'] + p_q` and follows every layer; sequences carry it behind the L context
    tokens, so arrays of sequences have L + 1 columns.
    """

    token_variance: sympy.Expr = sympy.Symbol("a_q", positive=True)
    position_variance: sympy.Expr = sympy.Symbol("p_q", positive=True)
    is_readout: ClassVar[bool] = True

    def apply(self, state: KernelState) -> KernelState:
        return replace(state, output=state.query)

    def embed(self, state: KernelState, same_token: Any) -> KernelState:
        """The state with the query's kernel before any layer; ``same_token`` is :math:`[q = q']`."""
        token, position = self._value(state, "token_variance"), self._value(state, "position_variance")
        return replace(state, query=token * same_token + position)


def residual(*layers: Layer) -> Residual:
    """The layers composed, plus the identity.

    >>> residual(LinearAttention(), Dense(2))
    residual(LinearAttention(), Dense(W_std=2))
    """
    require(len(layers) > 0, "layers", "must not be empty", layers, InvalidArchitectureError)
    for layer in layers:
        _require_layer(layer)
        if layer.is_embedding or layer.is_readout:
            raise InvalidArchitectureError(f"layers of residual must keep one output per position, got {layer!r}")
    return Residual(tuple(layers))


def _require_layer(layer: Any) -> None:
    if not isinstance(layer, Layer):
        raise InvalidTypeError(f"layers must be layers such as LinearAttention(), got {layer!r}")
