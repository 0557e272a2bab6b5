r"""Layers as immutable records, each with the rules of its infinite-width kernels, NNGP and NTK.

A network is a :func:`~symrep.kernels.serial` composition. It starts with :class:`TokenEmbedding`, and its kernel between
position s of one sequence and position t of another passes through the layers until a readout makes one number per pair
of sequences. The same rules run on arrays (``net.nngp``, ``net.ntk``) and on the overlap ring (``net.overlap_polynomial``).

The neural tangent kernel is that of the standard parametrisation with unit Gaussian weights scaled by their standard
deviation over the square root of the fan-in (Jacot, Gabriel, Hongler 2018), all weights trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import sympy

from symrep.errors import InvalidArchitectureError, InvalidTypeError, require, require_integer, shown
from symrep.kernels.covariances import as_covariance, as_covariance_array, gaussian_covariance
from symrep.kernels.features import Features
from symrep.kernels.invariance import PositionUse
from symrep.kernels.overlaps import vocabulary_symbol
from symrep.kernels.parameters import as_parameter, as_text
from symrep.kernels.state import KernelState

_ONE, _ZERO = sympy.Integer(1), sympy.Integer(0)
OVERLAPS, COUNTS, POSITIONS = "overlaps", "counts", "positions"


@dataclass(frozen=True)
class Layer:
    """Base of all layers.

    Fields of type ``sympy.Expr`` are parameters: an exact number, a symbol or an expression, never negative.
    """

    is_embedding: ClassVar[bool] = False
    is_readout: ClassVar[bool] = False
    after_readout: ClassVar[bool] = False
    needs_variances: ClassVar[bool] = False
    is_random: ClassVar[bool] = False
    has_weights: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type in ("sympy.Expr", sympy.Expr):
                object.__setattr__(self, field.name, as_parameter(value, self._argument(field.name)))
            elif field.type in ("bool", bool) and not isinstance(value, bool):
                raise InvalidTypeError(f"{self._argument(field.name)} must be True or False, got {shown(value)}")

    def _argument(self, name: str) -> str:
        return f"{type(self).__name__} {name}"

    def _value(self, state: KernelState, name: str) -> Any:
        return state.number(getattr(self, name), self._argument(name))

    def apply(self, state: KernelState) -> KernelState:
        """The state after this layer."""
        raise InvalidArchitectureError(f"{type(self).__name__} has no rule for its kernel")

    @property
    def layouts(self) -> tuple[str, ...]:
        """The partitions of position pairs into cells that this layer can work on, coarsest first."""
        return (OVERLAPS, COUNTS, POSITIONS)

    def overlap_degree(self, before: int) -> int | None:
        """A bound on the degree in u and m behind this layer, given that before it; None where the layer is not polynomial."""
        return before

    def inner_layers(self) -> tuple[Layer, ...]:
        """The layers that this one is made of."""
        return ()

    def features(self, before: Features) -> Features:
        """The kind of features behind this layer, given those before it; refuses features that its rules do not hold for."""
        return before

    def position_use(self, use: PositionUse) -> PositionUse:
        """How the kernel behind this layer uses equal positions, given how the kernel before it does."""
        return use

    def asymmetry(self) -> str:
        """What tells the positions apart, or an empty text."""
        return next(filter(None, (layer.asymmetry() for layer in self.inner_layers())), "")

    def parameters(self) -> frozenset[sympy.Symbol]:
        """The free symbols of the parameters."""
        return frozenset().union(*(_symbols(getattr(self, field.name)) for field in fields(self)))

    def substitute(self, exact: dict[sympy.Symbol, sympy.Expr]) -> Layer:
        """The layer with expressions for symbols."""
        return replace(self, **{f.name: _substituted(getattr(self, f.name), exact) for f in fields(self)})

    def __repr__(self) -> str:
        changed = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return f"{type(self).__name__}({', '.join(f'{name}={_shown(value)}' for name, value in changed.items())})"


def _symbols(value: Any) -> frozenset[sympy.Symbol]:
    if isinstance(value, sympy.Expr):
        return frozenset(value.free_symbols)
    if isinstance(value, Layer):
        return value.parameters()
    return frozenset().union(*map(_symbols, value)) if isinstance(value, tuple) else frozenset()


def _substituted(value: Any, exact: dict[sympy.Symbol, sympy.Expr]) -> Any:
    if isinstance(value, sympy.Expr):
        return value.xreplace(exact)
    if isinstance(value, Layer):
        return value.substitute(exact)
    return tuple(_substituted(entry, exact) for entry in value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value))}{',' if len(value) == 1 else ''})"
    return as_text(value) if isinstance(value, sympy.Expr) else repr(value)


@dataclass(frozen=True, repr=False)
class TokenEmbedding(Layer):
    r"""One-hot tokens with independent Gaussian embeddings: :math:`K_{st} = a [x_s = y_t]`, a the token variance.

    Parameters
    ----------
    variance
        The variance a.
    scale
        A factor of the variance: ``"1/V"`` for one-hot inputs whose kernel is a mean over V channels. 1 unless given.
    vocab_size
        V, where token ids are to be checked against it, or where ``scale`` needs it.
    trainable
        Whether the embeddings are trained, so that the NTK starts as a copy of the kernel; else it starts at 0, as for
        fixed inputs.
    covariance
        A symmetric positive semidefinite V x V matrix C of numbers, for embeddings that are not independent:
        :math:`K_{st} = a C_{x_s y_t}`. Such a kernel changes when tokens are renamed.

    Examples
    --------
    >>> TokenEmbedding(1, scale="1/V", vocab_size=50)
    TokenEmbedding(variance=1, scale='1/50', vocab_size=50)
    """

    variance: sympy.Expr = sympy.Symbol("a", positive=True)
    scale: sympy.Expr = _ONE
    vocab_size: int | None = None
    trainable: bool = True
    covariance: tuple[tuple[sympy.Expr, ...], ...] | None = None
    is_embedding: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.covariance is not None:
            object.__setattr__(self, "covariance", as_covariance(self.covariance, self._argument("covariance")))
            size = len(self.covariance)
            consistent = self.vocab_size in (None, size)
            require(
                consistent, self._argument("vocab_size"), f"must be {size}, the size of covariance", self.vocab_size
            )
            object.__setattr__(self, "vocab_size", size)
        if self.vocab_size is not None:
            size = require_integer(self.vocab_size, self._argument("vocab_size"), minimum=1)
            object.__setattr__(self, "vocab_size", size)
            for name in ("variance", "scale"):
                object.__setattr__(self, name, getattr(self, name).xreplace({vocabulary_symbol: sympy.Integer(size)}))

    @property
    def layouts(self) -> tuple[str, ...]:
        return super().layouts if self.covariance is None else (COUNTS, POSITIONS)

    def overlap_degree(self, before: int) -> int | None:
        return before if self.covariance is None else None

    @property
    def is_token_symmetric(self) -> bool:
        """Whether the covariance stays the same when tokens are renamed."""
        if self.covariance is None:
            return True
        own = {row[i] for i, row in enumerate(self.covariance)}
        others = {entry for i, row in enumerate(self.covariance) for j, entry in enumerate(row) if i != j}
        return len(own) == 1 and len(others) <= 1

    def apply(self, state: KernelState) -> KernelState:
        variance = self._value(state, "variance") * self._value(state, "scale")
        if self.covariance is None:
            return state.map(lambda kernel: kernel.add_tokens(variance), tangent=self.trainable)
        if state.is_exact:
            raise InvalidArchitectureError(
                f"layers must have independent tokens for an overlap polynomial, got {shown(self)}"
            )
        covariance = as_covariance_array(self.covariance, self._argument("covariance")) * variance
        return state.map(lambda kernel: kernel.add_token_covariance(covariance), tangent=self.trainable)


@dataclass(frozen=True, repr=False)
class Positions(Layer):
    r"""Independent Gaussian position vectors, added: :math:`K_{st} \mathrel{+}= p [s = t]`, p the position variance.

    Parameters
    ----------
    variance
        The variance p.
    covariance
        ``"identity"``, or ``"gaussian"`` for :math:`p\, e^{-(s-t)^2 / (2 \ell^2)}`: no longer symmetric under
        permutations of the positions.
    length_scale
        The length scale of the Gaussian covariance.
    combine
        ``"sum"``, or ``"concat"`` where the positions take a share c of the channels:
        :math:`K' = (1 - c) K + c\, p [s = t]`.
    share
        The share c of the channels, between 0 and 1; 1/2 unless given.
    trainable
        Whether the position vectors are trained; they enter the NTK if they are.
    """

    variance: sympy.Expr = sympy.Symbol("p", positive=True)
    covariance: str = "identity"
    length_scale: sympy.Expr = _ONE
    combine: str = "sum"
    share: sympy.Expr = sympy.Rational(1, 2)
    trainable: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, known in (("covariance", ("identity", "gaussian")), ("combine", ("sum", "concat"))):
            require(
                getattr(self, name) in known, self._argument(name), f"must be {' or '.join(known)}", getattr(self, name)
            )
        require(
            self.length_scale.is_zero is not True, self._argument("length_scale"), "must be positive", self.length_scale
        )
        inside = (1 - self.share).is_negative is not True
        require(inside, self._argument("share"), "must be between 0 and 1", self.share)

    @property
    def layouts(self) -> tuple[str, ...]:
        return super().layouts if self.covariance == "identity" else (POSITIONS,)

    def apply(self, state: KernelState) -> KernelState:
        added = state.map(lambda kernel: self.add_to(kernel, state))
        return added.with_tangent(lambda tangent: self.add_to_tangent(tangent, state))

    def overlap_degree(self, before: int) -> int | None:
        return before if self.covariance == "identity" else None

    def features(self, before: Features) -> Features:
        # concatenated channels have two variances: a mixture
        return before if self.combine == "sum" else replace(before, gaussian=False, source=shown(self))

    def position_use(self, use: PositionUse) -> PositionUse:
        return use if self.variance.is_zero else replace(use, identity=True)

    def asymmetry(self) -> str:
        symmetric = self.covariance == "identity" or self.variance.is_zero
        return "" if symmetric else f"{self!r} tells positions apart by their distance"

    def add_to(self, kernel: Any, state: KernelState) -> Any:
        """The kernel with these positions, at the parameters of ``state``."""
        kernel, variance = self._scaled(kernel, state)
        if self.covariance == "identity":
            return kernel.add_positions(variance)
        if state.is_exact:
            raise InvalidArchitectureError(
                f"layers must be symmetric in the positions for an overlap polynomial, got {shown(self)}"
            )
        length, other = kernel.lengths
        return kernel.add_position_covariance(
            variance * gaussian_covariance(length, self._value(state, "length_scale"), other)
        )

    def add_to_tangent(self, tangent: Any, state: KernelState) -> Any:
        """The tangent kernel with these positions, which enter it if they are trained."""
        return self.add_to(tangent, state) if self.trainable else self._scaled(tangent, state)[0]

    def _scaled(self, kernel: Any, state: KernelState) -> tuple[Any, Any]:
        variance = self._value(state, "variance")
        if self.combine == "sum":
            return kernel, variance
        share = self._value(state, "share")
        return kernel.scale_context(1 - share), share * variance


@dataclass(frozen=True, repr=False)
class Dense(Layer):
    r"""A linear layer at every position: :math:`K' = W^2 K + b^2`, :math:`\Theta' = W^2 \Theta + K'`."""

    W_std: sympy.Expr = _ONE
    b_std: sympy.Expr = _ZERO
    after_readout: ClassVar[bool] = True
    has_weights: ClassVar[bool] = True

    def features(self, before: Features) -> Features:
        return Features()

    def apply(self, state: KernelState) -> KernelState:
        gain, bias = self._value(state, "W_std") ** 2, self._value(state, "b_std") ** 2
        after = state.map(lambda kernel: kernel * gain + kernel.constant(bias))
        return after.with_tangent(lambda tangent: tangent * gain + after.pair)


@dataclass(frozen=True)
class Residual(Layer):
    """The sum of the identity and of the layers inside: kernels add. Made by :func:`residual`.

    One layer inside must have weights (Dense or attention), so that the two terms are uncorrelated. A nonlinearity behind
    it is allowed where one of the terms has mean zero; the sum is then no longer Gaussian.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        layers = self.layers
        sequence = isinstance(layers, list | tuple) and len(layers) > 0
        require(sequence, "layers", "must be a sequence of layers that is not empty", layers, InvalidArchitectureError)
        for layer in layers:
            require_layer(layer)
            if layer.is_embedding or layer.is_readout:
                raise InvalidArchitectureError(
                    f"layers of residual must keep one output per position, got {shown(layer)}"
                )
        object.__setattr__(self, "layers", tuple(layers))
        if not any(layer.has_weights for layer in layers):
            reason = (
                "needs a layer with weights inside, such as Dense(): without one its sum is not of independent terms"
            )
            raise InvalidArchitectureError(f"{shown(self)} {reason}")

    @property
    def after_readout(self) -> bool:
        """Whether it may stand behind a readout: when all layers inside may."""
        return all(layer.after_readout for layer in self.layers)

    @property
    def needs_variances(self) -> bool:
        """Whether a layer inside asks for the kernels of both sequences with themselves."""
        return any(layer.needs_variances for layer in self.layers)

    @property
    def layouts(self) -> tuple[str, ...]:
        return common_layouts(self.layers)

    def inner_layers(self) -> tuple[Layer, ...]:
        return self.layers

    def overlap_degree(self, before: int) -> int | None:
        inner: int | None = before
        for layer in self.layers:
            inner = None if inner is None else layer.overlap_degree(inner)
        return None if inner is None else max(before, inner)

    def features(self, before: Features) -> Features:
        inner = before
        for layer in self.layers:
            inner = layer.features(inner)
        if not (before.centred or inner.centred):
            reason = "needs features of mean zero before it, or a last layer inside with weights"
            raise InvalidArchitectureError(
                f"{shown(self)} {reason}, but those behind {before.source} have another mean"
            )
        if before.gaussian and inner.gaussian:
            return Features()
        return Features(False, before.centred and inner.centred, before.source if not before.gaussian else inner.source)

    def position_use(self, use: PositionUse) -> PositionUse:
        inner = use
        for layer in self.layers:
            inner = layer.position_use(inner)
        return use | inner

    def apply(self, state: KernelState) -> KernelState:
        inner = state
        for layer in self.layers:
            inner = layer.apply(inner)
        sums = {
            name: None if getattr(state, name) is None else getattr(state, name) + getattr(inner, name)
            for name in ("pair", "first", "second", "tangent")
        }
        return KernelState(**sums, draws=inner.draws)

    def __repr__(self) -> str:
        return f"residual({', '.join(map(repr, self.layers))})"


def all_layers(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """These layers and the layers inside them."""
    for layer in layers:
        yield layer
        yield from all_layers(layer.inner_layers())


def common_layouts(layers: tuple[Layer, ...]) -> tuple[str, ...]:
    """The partitions into cells on which all of these layers work."""
    return tuple(kind for kind in (OVERLAPS, COUNTS, POSITIONS) if all(kind in layer.layouts for layer in layers))


def residual(*layers: Layer) -> Residual:
    """The layers composed, plus the identity.

    >>> residual(Dense(2), Dense("1/2"))
    residual(Dense(W_std=2), Dense(W_std='1/2'))
    """
    return Residual(layers)


def require_layer(layer: Any) -> None:
    """Raise InvalidTypeError unless this is a layer."""
    if not isinstance(layer, Layer):
        raise InvalidTypeError(f"layers must be layers such as LinearAttention(), got {shown(layer)}")
