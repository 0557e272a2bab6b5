"""Networks of finite width in torch: what :func:`symrep.kernels.sample_network` draws, as a function of the weights.

The only module that knows torch (the extra ``torch``), which it imports when a network is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch
from math import prod
from types import ModuleType
from typing import Any

import numpy as np

from symrep.errors import InvalidArchitectureError, MissingPackageError, shown
from symrep.kernels import Network, activations
from symrep.kernels import finite_layers as finite
from symrep.kernels.finite_drawing import Source, draw_layers
from symrep.kernels.layers import all_layers
from symrep.kernels.nonlinearities import Erf, Gelu, Nonlinearity, Relu

# torch is imported where it is used, so its tensors have no name here
Tensor = Any


class MissingTorchError(MissingPackageError):
    """Trained networks need torch, which comes with the extra ``torch``."""


def torch_module() -> ModuleType:
    """The module torch, or an error that says how to install it."""
    try:
        import torch
    except ImportError as error:
        raise MissingTorchError("torch is needed to train networks: install symrep[torch]") from error
    return torch


def require_trainable(net: Network) -> None:
    """Refuse networks that have no form here."""
    if net.readout is None or net.extra_token == "query":
        raise InvalidArchitectureError(f"net must end in MeanPool(), Flatten() or LastToken(), got {shown(net)}")
    for layer in all_layers(net.layers):
        if isinstance(layer, Nonlinearity) and not isinstance(layer, Relu | Erf | Gelu):
            raise InvalidArchitectureError(f"net must have Relu, Erf or Gelu as nonlinearity, got {shown(layer)}")


@dataclass(frozen=True, eq=False)
class TorchNetworks:
    """Drawn layers and a linear map to one output, as a function of the weights: a row (n_weights,) per chain."""

    layers: tuple[finite.FiniteLayer, ...]
    shapes: tuple[tuple[int, ...], ...]
    weights: Tensor

    @classmethod
    def of(cls, net: Network, source: Source, precision: str) -> TorchNetworks:
        """Draws of all weights, in ``"float32"`` or ``"float64"``."""
        layers = draw_layers(net, source)
        is_flat = any(isinstance(layer, finite.FiniteFlatten) for layer in layers)
        channels = source.sizes.width * (source.length if is_flat else 1)
        arrays = [*(array for layer in layers for array in layer.weights()), source.normals(channels, 1)]
        rows = np.hstack([array.reshape(source.n_draws, -1) for array in arrays]).astype(precision)
        return cls(layers, tuple(array.shape[1:] for array in arrays), torch_module().from_numpy(rows))

    def outputs(self, weights: Tensor, sequences: np.ndarray) -> Tensor:
        """The outputs of every network, (chains, n)."""
        parts = weights.split([prod(shape) for shape in self.shapes], dim=1)
        taken = _Taken((part.reshape(-1, *shape) for part, shape in zip(parts, self.shapes)), weights)
        features = sequences
        for layer in self.layers:
            features = _applied(layer, features, taken)
        return (features[:, :, 0] @ next(taken))[..., 0] / features.shape[-1] ** 0.5


@dataclass(frozen=True, eq=False)
class _Taken:
    """The weights one after the other, and constants in the precision of ``like``."""

    weights: Iterator[Tensor]
    like: Tensor

    def __next__(self) -> Tensor:
        return next(self.weights)

    def constant(self, array: np.ndarray) -> Tensor:
        return self.like.new_tensor(array)


def _times(features: Tensor, matrices: Tensor) -> Tensor:
    return (features.flatten(1, -2) @ matrices).unflatten(1, features.shape[1:-1])


@singledispatch
def _applied(layer: finite.FiniteLayer, features: Any, taken: _Taken) -> Tensor:
    """The features (chains, sequences, positions, channels) behind a layer, which takes the next weights."""
    raise InvalidArchitectureError(f"net must have layers with a torch form, got {type(layer).__name__}")


@_applied.register
def _(layer: finite.FiniteEmbedding, features: np.ndarray, taken: _Taken) -> Tensor:
    # a product, since the derivative of indexing is slow
    return _vectors(layer.context, layer.context.rows[features.ravel()], taken).unflatten(1, features.shape)


@_applied.register
def _(layer: finite.FinitePositions, features: Tensor, taken: _Taken) -> Tensor:
    vectors = _vectors(layer.vectors, layer.vectors.rows, taken)[:, None]
    if layer.replaced is None:
        return features + vectors
    return torch_module().where(torch_module().from_numpy(layer.replaced)[:, None, None], vectors, features)


def _vectors(vectors: finite.Vectors, rows: np.ndarray, taken: _Taken) -> Tensor:
    """Combinations of unit vectors, which are the next weights if they are trained."""
    return taken.constant(rows) @ (next(taken) if vectors.is_trained else taken.constant(vectors.unit))


@_applied.register
def _(layer: finite.FiniteDense, features: Tensor, taken: _Taken) -> Tensor:
    product = layer.matrix.gain * _times(features, next(taken))
    return product + layer.bias.std * next(taken)[:, None, None]


@_applied.register
def _(layer: finite.FiniteResidual, features: Tensor, taken: _Taken) -> Tensor:
    inner = features
    for layer_inside in layer.layers:
        inner = _applied(layer_inside, inner, taken)
    return features + inner


@_applied.register
def _(layer: finite.FiniteNonlinearity, features: Tensor, taken: _Taken) -> Tensor:
    torch = torch_module()
    functions = {
        activations.RELU.function: torch.relu,
        activations.ERF.function: torch.erf,
        activations.GELU.function: torch.nn.functional.gelu,
    }
    return functions[layer.function](features)


@_applied.register
def _(layer: finite.FiniteLayerNorm, features: Tensor, taken: _Taken) -> Tensor:
    square = (features**2).mean(dim=-1, keepdim=True)
    return features / torch_module().where(square > 0, square, float("inf")).sqrt()


@_applied.register
def _(layer: finite.FiniteMean, features: Tensor, taken: _Taken) -> Tensor:
    return features.mean(dim=2, keepdim=True)


@_applied.register
def _(layer: finite.FiniteFlatten, features: Tensor, taken: _Taken) -> Tensor:
    return features.flatten(2)[:, :, None]


@_applied.register
def _(layer: finite.FiniteSelection, features: Tensor, taken: _Taken) -> Tensor:
    return features[:, :, [layer.position]]


@_applied.register
def _(layer: finite.FiniteAttention, features: Tensor, taken: _Taken) -> Tensor:
    def projected(projection: finite.Projection, vectors: Tensor) -> Tensor:
        # heads as an axis before that of the positions
        product = projection.gain * _times(vectors, matrices[id(projection)])
        return product.unflatten(-1, (layer.heads, -1)).transpose(-2, -3)

    projections = [part for part in (layer.query, layer.key, layer.value, layer.output) if part is not None]
    matrices = {id(projection): next(taken) for projection in projections}
    bias = next(taken)
    positioned = features if layer.positions is None else _applied(layer.positions, features, taken)
    queries = projected(layer.query, positioned)
    keys = queries if layer.key is None else projected(layer.key, positioned)
    values = projected(layer.value, positioned if layer.positions_on_values else features)
    logits = layer.logit_scale * queries @ keys.transpose(-1, -2)
    attended = (_weights_of_keys(layer, logits) @ values).transpose(-2, -3).flatten(-2)
    return layer.output.gain * _times(attended, matrices[id(layer.output)]) + layer.bias.std * bias[:, None, None]


def _weights_of_keys(layer: finite.FiniteAttention, logits: Tensor) -> Tensor:
    if layer.weights_of_keys is finite.softmax_weights:
        return logits.softmax(dim=-1)
    return logits.relu() if layer.weights_of_keys is finite.relu_weights else logits
