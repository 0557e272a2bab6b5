"""Drawing the weights of a network of finite width: every layer record as a layer with weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np

from symrep.errors import InvalidArchitectureError, require, require_integer
from symrep.kernels import finite_layers as finite
from symrep.kernels.attention import Attention, LinearAttention, TiedAttention, UniformAttention
from symrep.kernels.covariances import as_covariance_array, gaussian_covariance
from symrep.kernels.finite_layers import Array, FiniteLayer
from symrep.kernels.layers import Dense, Layer, Positions, Residual, TokenEmbedding
from symrep.kernels.network import Network
from symrep.kernels.nonlinearities import LayerNorm, Nonlinearity
from symrep.kernels.parameters import as_float
from symrep.kernels.readouts import Flatten, LastToken, MeanPool, QueryToken


@dataclass(frozen=True)
class Sizes:
    """Channels of hidden layers, heads of attention, and channels of each head."""

    width: int
    heads: int
    key_dimension: int

    @classmethod
    def of(cls, width: Any, heads: Any, key_dimension: Any) -> Sizes:
        """Checked sizes; heads and key dimension are a quarter of the width unless given."""
        width = require_integer(width, "width", minimum=1)
        quarter = max(1, width // 4)
        heads = quarter if heads is None else require_integer(heads, "heads", minimum=1)
        key_dimension = quarter if key_dimension is None else require_integer(key_dimension, "key_dimension", minimum=1)
        return cls(width, heads, key_dimension)


@dataclass(frozen=True)
class Source:
    """Where weights come from, and the sizes of what is drawn; ``tokens`` are the ids that are embedded."""

    generator: np.random.Generator
    n_draws: int
    sizes: Sizes
    length: int
    tokens: Array
    has_query: bool

    def normals(self, *shape: int) -> Array:
        return self.generator.standard_normal((self.n_draws, *shape))

    def projection(self, fan_in: int, fan_out: int, std: float) -> finite.Projection:
        return finite.Projection(self.normals(fan_in, fan_out), std / fan_in**0.5)

    def bias(self, channels: int, std: float) -> finite.Bias:
        return finite.Bias(self.normals(channels), std)

    def vectors(self, rows: Array, is_trained: bool = True) -> finite.Vectors:
        return finite.Vectors(self.normals(rows.shape[1], self.sizes.width), rows, is_trained)


def draw_layers(net: Network, source: Source) -> tuple[FiniteLayer, ...]:
    """The layers with weights; channels and positions change at Flatten only."""
    net = net.at_length(source.length)
    channels, drawn = source.sizes.width, []
    for layer in net.layers:
        drawn.append(_drawn(layer, source, channels))
        if isinstance(layer, TokenEmbedding) and source.has_query:
            drawn[-1] = replace(drawn[-1], query=_query_vectors(net.readout, source))
        if isinstance(layer, Flatten):
            channels *= source.length
    return tuple(drawn)


def _number(layer: Layer, name: str) -> float:
    return as_float(getattr(layer, name), f"{type(layer).__name__} {name}", "net")


def _root(covariance: Array) -> Array:
    """A matrix R with R R^T the covariance, which need not have full rank."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(eigenvalues, 0.0))


@singledispatch
def _drawn(layer: Layer, source: Source, channels: int) -> FiniteLayer:
    raise InvalidArchitectureError(f"net must not have {layer!r}, for which there is no network of finite width")


@_drawn.register
def _(layer: TokenEmbedding, source: Source, channels: int) -> FiniteLayer:
    if layer.covariance is None:
        rows = np.eye(len(source.tokens))
    else:
        rows = _root(as_covariance_array(layer.covariance, "TokenEmbedding covariance"))[source.tokens]
    std = (_number(layer, "variance") * _number(layer, "scale")) ** 0.5
    return finite.FiniteEmbedding(source.vectors(std * rows, layer.trainable), None, source.length)


def _query_vectors(layer: QueryToken, source: Source) -> finite.Vectors:
    of_tokens, of_position = (_number(layer, name) ** 0.5 for name in ("token_variance", "position_variance"))
    count = len(source.tokens)
    return source.vectors(np.hstack([of_tokens * np.eye(count), np.full((count, 1), of_position)]), layer.trainable)


@_drawn.register
def _(layer: Positions, source: Source, channels: int) -> FiniteLayer:
    length = source.length
    rows = np.eye(length)
    if layer.covariance == "gaussian":
        rows = _root(gaussian_covariance(length, _number(layer, "length_scale")))
    vectors = source.vectors(_number(layer, "variance") ** 0.5 * rows, layer.trainable)
    if layer.combine == "sum":
        return finite.FinitePositions(vectors, None)
    count = layer.share * channels
    require(bool(count.is_integer), "width", f"must make share {layer.share} of the channels a whole number", channels)
    replaced = np.tile(np.arange(channels) < int(count), (source.n_draws, 1))
    return finite.FinitePositions(vectors, source.generator.permuted(replaced, axis=1))


@_drawn.register
def _(layer: Dense, source: Source, channels: int) -> FiniteLayer:
    matrix = source.projection(channels, channels, _number(layer, "W_std"))
    return finite.FiniteDense(matrix, source.bias(channels, _number(layer, "b_std")))


@_drawn.register
def _(layer: Residual, source: Source, channels: int) -> FiniteLayer:
    return finite.FiniteResidual(tuple(_drawn(inner, source, channels) for inner in layer.layers))


@_drawn.register
def _(layer: Nonlinearity, source: Source, channels: int) -> FiniteLayer:
    return finite.FiniteNonlinearity(layer.activation.function, layer.activation.derivative)


@_drawn.register
def _(layer: LayerNorm, source: Source, channels: int) -> FiniteLayer:
    return finite.FiniteLayerNorm()


@_drawn.register
def _(layer: MeanPool, source: Source, channels: int) -> FiniteLayer:
    return finite.FiniteMean()


@_drawn.register
def _(layer: Flatten, source: Source, channels: int) -> FiniteLayer:
    return finite.FiniteFlatten()


@_drawn.register
def _(layer: LastToken | QueryToken, source: Source, channels: int) -> FiniteLayer:
    return finite.FiniteSelection(source.length - isinstance(layer, LastToken))


@_drawn.register
def _(layer: UniformAttention, source: Source, channels: int) -> FiniteLayer:
    scale = 1 / source.sizes.key_dimension
    return _attention(layer, source, channels, (1.0, 1.0), scale, finite.softmax_weights, None, True)


@_drawn.register
def _(layer: Attention, source: Source, channels: int) -> FiniteLayer:
    stds = _number(layer, "query_std"), _number(layer, "key_std")
    scale, weights_of_keys = source.sizes.key_dimension**-0.5, finite.softmax_weights
    if isinstance(layer, LinearAttention):
        weights_of_keys = finite.linear_weights
        scale = scale / source.length if layer.normalized else scale
    if isinstance(layer, TiedAttention):
        stds, scale = (1.0, None), stds[0] * stds[1] / source.sizes.key_dimension
        rules = {"softmax": finite.softmax_weights, "identity": finite.linear_weights, "relu": finite.relu_weights}
        weights_of_keys = rules[layer.activation]
    positions = None if layer.positions is None else _drawn(layer.positions, source, channels)
    on_values = positions is None or layer.positions_on_values
    return _attention(layer, source, channels, stds, scale, weights_of_keys, positions, on_values)


def _attention(
    layer: Attention | UniformAttention,
    source: Source,
    channels: int,
    logit_stds: tuple[float, float | None],
    logit_scale: float,
    weights_of_keys: finite.WeightsOfKeys,
    positions: FiniteLayer | None,
    positions_on_values: bool,
) -> FiniteLayer:
    heads, joined = source.sizes.heads, source.sizes.heads * source.sizes.key_dimension
    query, key = (None if std is None else source.projection(channels, joined, std) for std in logit_stds)
    return finite.FiniteAttention(
        query,
        key,
        source.projection(channels, joined, _number(layer, "value_std")),
        source.projection(joined, channels, _number(layer, "out_std")),
        source.bias(channels, _number(layer, "bias_std")),
        heads,
        source.length,
        logit_scale,
        weights_of_keys,
        positions,
        positions_on_values,
    )
