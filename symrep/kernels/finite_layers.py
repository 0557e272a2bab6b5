r"""Layers of finite width: drawn weights, the features behind each layer, and pullbacks for the neural tangent kernel.

Features are arrays (draws, sequences, positions, channels), cotangents (draws, probes, sequences, positions, channels).
The forward pass of a layer returns its output and a pullback, which takes the cotangents :math:`g` of the output to
those of the input and to the layer's part of the NTK. No gradient is formed: for a matrix W in :math:`h W` the part is

.. math:: \sum_{st} \langle h_s(x), h_t(y) \rangle \langle g_s(x), g_t(y) \rangle,

its mean over the probes, in an array (draws, sequences, sequences). A query is the position behind the ``length`` ones
of the context; nothing attends to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symrep.errors import InvalidArgumentError

Array = np.ndarray
Pullback = Callable[[Array], tuple[Array, Array]]


def times(array: Array, matrices: Array) -> Array:
    """Vectors in the last axis of (draws, ..., C) times the matrices (draws, C, C') of their draw."""
    flat = array.reshape(len(array), -1, array.shape[-1]) @ matrices
    return flat.reshape(*array.shape[:-1], -1)


def feature_gram(features: Array) -> Array:
    """Inner products between all positions of all sequences, (draws, sequences * positions, the same)."""
    flat = features.reshape(len(features), -1, features.shape[-1])
    return flat @ flat.swapaxes(-1, -2)


def cotangent_gram(cotangents: Array) -> Array:
    """Inner products of cotangents between all positions of all sequences, as a mean over probes."""
    draws, probes, sequences, positions, _ = cotangents.shape
    flat = np.moveaxis(cotangents, 1, 3).reshape(draws, sequences * positions, -1)
    return flat @ flat.swapaxes(-1, -2) / probes


def over_positions(products: Array, sequences: int) -> Array:
    """The sum over pairs of positions, (draws, sequences, sequences)."""
    positions = products.shape[-1] // sequences
    return products.reshape(-1, sequences, positions, sequences, positions).sum((2, 4))


@dataclass(frozen=True, eq=False)
class FiniteLayer:
    """Base of the drawn layers."""

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        """The output, and the pullback of its cotangents."""
        raise InvalidArgumentError(f"{type(self).__name__} has no forward pass")

    def weights(self) -> tuple[Array, ...]:
        """The trained weights, with a leading axis of draws."""
        return ()


@dataclass(frozen=True, eq=False)
class Projection:
    """A matrix of unit Gaussian weights, (draws, C, C'), times ``gain``."""

    matrix: Array
    gain: float

    def apply(self, features: Array) -> Array:
        """The features behind the matrix."""
        return self.gain * times(features, self.matrix)

    def pull(self, cotangents: Array) -> Array:
        """The cotangents before the matrix."""
        return self.gain * times(cotangents, self.matrix.swapaxes(-1, -2))

    def part(self, features: Array, cotangents: Array) -> Array:
        """The part of the NTK of the weights, from what enters and the cotangents of what leaves."""
        products = self.gain**2 * feature_gram(features) * cotangent_gram(cotangents)
        return over_positions(products, features.shape[1])


@dataclass(frozen=True, eq=False)
class Bias:
    """Unit Gaussian biases (draws, C), shared by all positions, times ``std``."""

    vector: Array
    std: float

    def apply(self, features: Array) -> Array:
        """The features with the bias."""
        return features + self.std * self.vector[:, None, None, :]

    def part(self, cotangents: Array) -> Array:
        """The part of the NTK of the bias."""
        return self.std**2 * cotangent_gram(cotangents.sum(axis=3, keepdims=True))


@dataclass(frozen=True, eq=False)
class Vectors:
    """Unit Gaussian vectors (draws, k, C), and the rows (n, k) of numbers that combine them into n correlated ones."""

    unit: Array
    rows: Array
    is_trained: bool

    def at(self, index: Array) -> Array:
        """The vectors of an array of indices, (draws, *index shape, C)."""
        return (self.rows @ self.unit)[:, index]

    def part(self, index: Array, cotangents: Array) -> Array | float:
        """The part of the NTK of vectors at the indices (sequences, positions)."""
        if not self.is_trained:
            return 0.0
        rows = self.rows[index.ravel()]
        return over_positions(rows @ rows.T * cotangent_gram(cotangents), len(index))

    def weights(self) -> tuple[Array, ...]:
        """The unit vectors, if they are trained."""
        return (self.unit,) if self.is_trained else ()


@dataclass(frozen=True, eq=False)
class FiniteEmbedding(FiniteLayer):
    """Token embeddings, and those of the query if there is one; the features are token ids (sequences, positions)."""

    context: Vectors
    query: Vectors | None
    length: int

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        tokens, query = np.split(features, [self.length], axis=1)
        output = self.context.at(tokens)
        if self.query is not None:
            output = np.concatenate([output, self.query.at(query)], axis=2)

        def pullback(cotangents: Array) -> tuple[Array, Array]:
            of_context, of_query = np.split(cotangents, [self.length], axis=3)
            part = np.zeros((len(cotangents), len(features), len(features))) + self.context.part(tokens, of_context)
            return of_context, part if self.query is None else part + self.query.part(query, of_query)

        return output, pullback

    def weights(self) -> tuple[Array, ...]:
        return self.context.weights() + (() if self.query is None else self.query.weights())


@dataclass(frozen=True, eq=False)
class FinitePositions(FiniteLayer):
    """Position vectors added to the context, or put in the place of the channels ``replaced``, True in (draws, C)."""

    vectors: Vectors
    replaced: Array | None

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        length = len(self.vectors.rows)
        index = np.tile(np.arange(length), (features.shape[1], 1))
        here = slice(0, length)
        output = features.copy()
        if self.replaced is None:
            output[:, :, here] += self.vectors.at(index)
        else:
            np.copyto(output[:, :, here], self.vectors.at(index), where=self.replaced[:, None, None, :])

        def pullback(cotangents: Array) -> tuple[Array, Array]:
            before, moved = cotangents.copy(), cotangents[..., here, :]
            if self.replaced is not None:
                replaced = self.replaced[:, None, None, None, :]
                before[..., here, :] *= ~replaced
                moved = moved * replaced
            return before, self.vectors.part(index, moved)

        return output, pullback

    def weights(self) -> tuple[Array, ...]:
        return self.vectors.weights()


@dataclass(frozen=True, eq=False)
class FiniteDense(FiniteLayer):
    """A matrix and a bias at every position."""

    matrix: Projection
    bias: Bias

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        def pullback(cotangents: Array) -> tuple[Array, Array]:
            return self.matrix.pull(cotangents), self.matrix.part(features, cotangents) + self.bias.part(cotangents)

        return self.bias.apply(self.matrix.apply(features)), pullback

    def weights(self) -> tuple[Array, ...]:
        return self.matrix.matrix, self.bias.vector


def compose(layers: tuple[FiniteLayer, ...], features: Array) -> tuple[Array, Pullback]:
    """The output of layers one behind the other, and its pullback."""
    pullbacks = []
    for layer in layers:
        features, pullback = layer.forward(features)
        pullbacks.append(pullback)

    def composed(cotangents: Array) -> tuple[Array, Array]:
        total = 0.0
        for pullback in reversed(pullbacks):
            cotangents, part = pullback(cotangents)
            total = total + part
        return cotangents, total

    return features, composed


@dataclass(frozen=True, eq=False)
class FiniteResidual(FiniteLayer):
    """The features plus those behind the layers inside."""

    layers: tuple[FiniteLayer, ...]

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        inner, inner_pullback = compose(self.layers, features)

        def pullback(cotangents: Array) -> tuple[Array, Array]:
            before, part = inner_pullback(cotangents)
            return cotangents + before, part

        return features + inner, pullback

    def weights(self) -> tuple[Array, ...]:
        return tuple(weight for layer in self.layers for weight in layer.weights())


@dataclass(frozen=True, eq=False)
class FiniteNonlinearity(FiniteLayer):
    """One function of every feature, and its derivative."""

    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        def pullback(cotangents: Array) -> tuple[Array, float]:
            return cotangents * self.derivative(features)[:, None], 0.0

        return self.function(features), pullback


@dataclass(frozen=True, eq=False)
class FiniteLayerNorm(FiniteLayer):
    """Division by the root mean square over channels. Their mean stays: behind a ReLU it is part of the kernel.

    Features that are all zero, as a narrow layer can have behind a ReLU, stay zero and get zero cotangents.
    """

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        size = np.sqrt(np.mean(features**2, axis=-1, keepdims=True))
        size[size == 0] = np.inf
        output = features / size

        def pullback(cotangents: Array) -> tuple[Array, float]:
            along = np.mean(cotangents * output[:, None], axis=-1, keepdims=True)
            return (cotangents - along * output[:, None]) / size[:, None], 0.0

        return output, pullback


@dataclass(frozen=True, eq=False)
class FiniteMean(FiniteLayer):
    """The mean over positions."""

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        positions = features.shape[2]

        def pullback(cotangents: Array) -> tuple[Array, float]:
            return np.repeat(cotangents / positions, positions, axis=3), 0.0

        return features.mean(axis=2, keepdims=True), pullback


@dataclass(frozen=True, eq=False)
class FiniteFlatten(FiniteLayer):
    """The channels of all positions as those of one position."""

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        def pullback(cotangents: Array) -> tuple[Array, float]:
            return cotangents.reshape(*cotangents.shape[:3], *features.shape[2:]), 0.0

        return features.reshape(*features.shape[:2], 1, -1), pullback


@dataclass(frozen=True, eq=False)
class FiniteSelection(FiniteLayer):
    """One position: the same in all sequences, or one for each of them."""

    position: int | Array

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        sequences = np.arange(features.shape[1])

        def pullback(cotangents: Array) -> tuple[Array, float]:
            before = np.zeros((*cotangents.shape[:2], *features.shape[1:]))
            before[:, :, sequences, self.position] = cotangents[:, :, :, 0]
            return before, 0.0

        return features[:, sequences, self.position][:, :, None], pullback


WeightsOfKeys = Callable[[Array], tuple[Array, Callable[[Array], Array]]]


def softmax_weights(logits: Array) -> tuple[Array, Callable[[Array], Array]]:
    """The softmax over keys, and its pullback."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)

    def pullback(cotangents: Array) -> Array:
        moved = weights[:, None] * cotangents
        return moved - weights[:, None] * moved.sum(axis=-1, keepdims=True)

    return weights, pullback


def linear_weights(logits: Array) -> tuple[Array, Callable[[Array], Array]]:
    """The logits themselves."""
    return logits, lambda cotangents: cotangents


def relu_weights(logits: Array) -> tuple[Array, Callable[[Array], Array]]:
    """The positive parts of the logits."""
    return np.maximum(logits, 0.0), lambda cotangents: cotangents * (logits > 0)[:, None]


@dataclass(frozen=True, eq=False)
class FiniteAttention(FiniteLayer):
    """Attention with finitely many heads; ``key`` is None where keys are the queries (of the context)."""

    query: Projection
    key: Projection | None
    value: Projection
    output: Projection
    bias: Bias
    heads: int
    length: int
    logit_scale: float
    weights_of_keys: WeightsOfKeys
    positions: FinitePositions | None
    positions_on_values: bool

    def forward(self, features: Array) -> tuple[Array, Pullback]:
        keys_only = (..., slice(0, self.length), slice(None))
        positioned, position_pullback = features, None
        if self.positions is not None:
            positioned, position_pullback = self.positions.forward(features)
        seen_by_values = (positioned if self.positions_on_values else features)[keys_only]
        queries = self._split(self.query.apply(positioned))
        keys = queries[keys_only] if self.key is None else self._split(self.key.apply(positioned[keys_only]))
        values = self._split(self.value.apply(seen_by_values))
        weights, weights_pullback = self.weights_of_keys(self.logit_scale * (queries @ keys.swapaxes(-1, -2)))
        attended = self._join(weights @ values)

        def pullback(cotangents: Array) -> tuple[Array, Array]:
            part = self.output.part(attended, cotangents) + self.bias.part(cotangents)
            of_attended = self._split(self.output.pull(cotangents))
            of_values = self._join(weights[:, None].swapaxes(-1, -2) @ of_attended)
            of_logits = self.logit_scale * weights_pullback(of_attended @ values[:, None].swapaxes(-1, -2))
            of_queries = of_logits @ keys[:, None]
            of_keys = of_logits.swapaxes(-1, -2) @ queries[:, None]
            if self.key is None:
                of_queries[keys_only] += of_keys
            of_queries = self._join(of_queries)
            of_positioned = self.query.pull(of_queries)
            part += self.query.part(positioned, of_queries) + self.value.part(seen_by_values, of_values)
            if self.key is not None:
                of_keys = self._join(of_keys)
                of_positioned[keys_only] += self.key.pull(of_keys)
                part += self.key.part(positioned[keys_only], of_keys)
            before = of_positioned
            if self.positions_on_values:
                of_positioned[keys_only] += self.value.pull(of_values)
            if position_pullback is not None:
                before, position_part = position_pullback(of_positioned)
                part += position_part
            if not self.positions_on_values:
                before[keys_only] += self.value.pull(of_values)
            return before, part

        return self.bias.apply(self.output.apply(attended)), pullback

    def _split(self, joined: Array) -> Array:
        """Heads as an axis before that of the positions."""
        return np.moveaxis(joined.reshape(*joined.shape[:-1], self.heads, -1), -2, -3)

    @staticmethod
    def _join(split: Array) -> Array:
        return np.moveaxis(split, -3, -2).reshape(*split.shape[:-3], split.shape[-2], -1)

    def weights(self) -> tuple[Array, ...]:
        projections = (self.query, self.key, self.value, self.output)
        matrices = tuple(projection.matrix for projection in projections if projection is not None)
        return (*matrices, self.bias.vector) + (() if self.positions is None else self.positions.weights())
