r"""Networks of finite width: what the kernels of :func:`~symrep.kernels.serial` compositions are the limits of.

:func:`sample_network` draws one network with the architecture of a :class:`~symrep.kernels.Network`;
:func:`empirical_nngp` and :func:`empirical_ntk` average the kernels of many draws, to be compared with ``net.nngp`` and
``net.ntk``.

Every weight is a unit Gaussian, multiplied by its standard deviation and, in matrices, by one over the square root of
the fan-in: all hidden layers have ``width`` channels, and attention has ``heads`` heads whose queries, keys and values
have ``key_dimension`` channels each. Position vectors that are concatenated take the place of a random choice of
channels, so that several such layers mix. ``LayerNorm`` divides by the root mean square over channels: subtracting the
mean first would change the kernel by order 1/width behind features with zero mean, and by order 1 behind a ReLU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symrep.errors import InvalidTypeError, require, require_integer
from symrep.kernels import finite_layers as finite
from symrep.kernels.finite_drawing import Sizes, Source, draw_layers
from symrep.kernels.finite_layers import Array, FiniteLayer
from symrep.kernels.network import Network
from symrep.kernels.sequences import as_sequences

_CHUNK_BYTES = 2**25


@dataclass(frozen=True)
class EmpiricalKernel:
    """The mean kernel of networks of finite width over independent draws, and its standard error.

    ``values`` has the shape of ``net.nngp(x, y)``. The standard error does not show the bias of order 1/width.
    """

    values: Any
    standard_error: Any
    n_draws: int
    width: int

    def extrapolated(self, wider: EmpiricalKernel) -> EmpiricalKernel:
        """The limit of infinite width from two widths, when heads and key dimensions grow like the width.

        With a bias c/width the limit is :math:`(r K_{rw} - K_w) / (r - 1)`, up to order 1/width^2. The standard error
        is that of this combination; the draws at the two widths must be independent, so give them different seeds.

        >>> narrow, wide = EmpiricalKernel(1.5, 0.01, 100, 8), EmpiricalKernel(1.25, 0.01, 100, 16)
        >>> narrow.extrapolated(wide).values
        1.0
        """
        require(wider.width > self.width, "wider", f"must have a width above {self.width}", wider.width)
        ratio = wider.width / self.width
        values = (ratio * wider.values - self.values) / (ratio - 1)
        error = np.hypot(ratio * wider.standard_error, self.standard_error) / (ratio - 1)
        return EmpiricalKernel(values, error, min(self.n_draws, wider.n_draws), wider.width)


@dataclass(frozen=True, eq=False)
class FiniteNetwork:
    """One drawn network, made by :func:`sample_network`."""

    net: Network
    width: int
    length: int
    vocab_size: int
    layers: tuple[FiniteLayer, ...] = field(repr=False)

    def features(self, x: Any) -> Array:
        """The output channels, (n, channels) for sequences (n, L), or (n, L, channels) without a readout.

        A single sequence loses the first axis. ``Flatten`` makes L * width channels.
        """
        sequences = self._sequences(x, "x")
        output = finite.compose(self.layers, np.atleast_2d(sequences))[0][0]
        output = output if self.net.readout is None else output[:, 0]
        return output if sequences.ndim == 2 else output[0]

    def nngp(self, x: Any, y: Any = None) -> Any:
        """The inner products of features over the number of channels; arguments as for :meth:`Network.nngp`."""
        pair = self._pair(x, y)
        return pair.arranged(_nngp_of_draws(self.layers, pair.stacked)[0])

    def ntk(self, x: Any, y: Any = None) -> Any:
        """The products of the derivatives by all trained weights, as a mean over the output channels.

        Arguments and shapes as for :meth:`Network.ntk`. Takes one backward pass for every output channel, all at once
        in memory; :func:`empirical_ntk` does with one.
        """
        pair = self._pair(x, y)
        return pair.arranged(_ntk_of_draws(self.layers, pair.stacked, pair.positions, _every_channel)[0])

    def weights(self) -> tuple[Array, ...]:
        """Views of the trained weights, unit Gaussians without their scales."""
        return tuple(weight[0] for layer in self.layers for weight in layer.weights())

    def _sequences(self, value: Any, argument: str) -> Array:
        sequences = as_sequences(value, argument, self.vocab_size)
        columns = self.length + (self.net.extra_token == "query")
        found = sequences.shape[-1]
        require(found == columns, argument, f"must have sequences of {columns} tokens", found)
        return sequences

    def _pair(self, x: Any, y: Any) -> _Pair:
        return _Pair(self._sequences(x, "x"), None if y is None else self._sequences(y, "y"), self.net.readout is None)


def sample_network(
    net: Network,
    *,
    width: int,
    length: int,
    generator: np.random.Generator,
    vocab_size: int | None = None,
    heads: int | None = None,
    key_dimension: int | None = None,
) -> FiniteNetwork:
    """Draw a network of finite width.

    Parameters
    ----------
    net
        The architecture, with numbers for all parameters.
    width, heads, key_dimension
        Channels of the hidden layers, heads of attention, and channels of each head; the last two are a quarter of the
        width unless given.
    length
        The number of context tokens L, without the query.
    generator
        The source of the weights.
    vocab_size
        The number of tokens, unless the embedding states it.

    Raises
    ------
    FreeSymbolError
        When a parameter is not a number.
    InvalidArgumentError
        When a size is not positive, or the share of concatenated positions is not a whole number of channels.
    InvalidTypeError
        When ``net`` is no Network or ``generator`` no numpy Generator.

    Notes
    -----
    Memory and time are those of the weights: width^2 for a dense layer, 4 width * heads * key_dimension for attention.

    Examples
    --------
    >>> from symrep import kernels
    >>> net = kernels.serial(kernels.TokenEmbedding(1, vocab_size=5), kernels.Dense(2), kernels.MeanPool())
    >>> drawn = sample_network(net, width=64, length=3, generator=np.random.default_rng(0))
    >>> drawn.features([[0, 1, 1], [4, 1, 2]]).shape, drawn.ntk([0, 1, 1], [4, 1, 2]) > 0
    ((2, 64), True)
    """
    _require_network(net)
    length = require_integer(length, "length", minimum=1)
    if not isinstance(generator, np.random.Generator):
        raise InvalidTypeError(f"generator must be a numpy.random.Generator, got {generator!r}")
    stated = net.vocab_size if vocab_size is None else vocab_size
    require(stated is not None, "vocab_size", "must be given where TokenEmbedding does not state it", stated)
    stated = require_integer(stated, "vocab_size", minimum=1)
    consistent = net.vocab_size in (None, stated)
    require(consistent, "vocab_size", f"must be {net.vocab_size}, that of TokenEmbedding", stated)
    sizes = Sizes.of(width, heads, key_dimension)
    layers = draw_layers(net, Source(generator, 1, sizes, length, np.arange(stated), net.extra_token == "query"))
    return FiniteNetwork(net, sizes.width, length, stated, layers)


def empirical_nngp(
    net: Network,
    x: Any,
    y: Any = None,
    *,
    width: int,
    heads: int | None = None,
    key_dimension: int | None = None,
    n_draws: int,
    seed: int,
) -> EmpiricalKernel:
    r"""The mean of :math:`\langle f(x), f(y) \rangle / C` over draws of a network whose output f has C channels.

    Its expectation differs from ``net.nngp(x, y)`` by order 1/width, 1/heads and 1/key_dimension; see
    :meth:`EmpiricalKernel.extrapolated`. Logits over d, in ``TiedAttention`` and ``UniformAttention``, converge slowly:
    a key dimension of the order of the width helps.

    Parameters
    ----------
    net, width, heads, key_dimension
        As for :func:`sample_network`; no vocabulary size is needed, for only tokens that occur are embedded.
    x, y
        As for :meth:`Network.nngp`.
    n_draws
        Number of independent networks, at least 2.
    seed
        The result depends on it and the other arguments only.

    Raises
    ------
    FreeSymbolError, InvalidArgumentError, InvalidTypeError
        As for :func:`sample_network` and :meth:`Network.nngp`.

    Notes
    -----
    Costs, per draw, its weights (the sampling of which dominates for a few short sequences) and their products with the
    n L features. Draws are worked through in chunks of about 32 MB, or one by one where a single draw takes more.
    Products this small gain nothing from threads: on a busy machine ``OPENBLAS_NUM_THREADS=1`` can be ten times faster.

    Examples
    --------
    >>> from symrep import kernels
    >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Dense(2), kernels.Relu(), kernels.MeanPool())
    >>> estimate = empirical_nngp(net, [0, 1, 1], [1, 1, 0], width=16, n_draws=1000, seed=0)
    >>> bool(abs(estimate.values - net.nngp([0, 1, 1], [1, 1, 0])) < 4 * estimate.standard_error)
    True
    """

    def of_draws(layers: tuple[FiniteLayer, ...], pair: _Pair, generator: np.random.Generator) -> Array:
        return _nngp_of_draws(layers, pair.stacked)

    return _empirical(net, x, y, Sizes.of(width, heads, key_dimension), n_draws, seed, 0, of_draws)


def empirical_ntk(
    net: Network,
    x: Any,
    y: Any = None,
    *,
    width: int,
    heads: int | None = None,
    key_dimension: int | None = None,
    n_draws: int,
    seed: int,
    n_probes: int = 1,
) -> EmpiricalKernel:
    r"""The mean of :math:`\sum_\theta \partial_\theta f_c(x)\, \partial_\theta f_c(y)` over channels c and draws.

    The sum is over all trained weights. The mean over channels is taken by ``n_probes`` random signs per draw,
    :math:`\mathbb{E}\, v^\top \Theta v / C = \mathrm{tr}\, \Theta / C`: exact in expectation, and part of the standard
    error. Other arguments, bias and errors as for :func:`empirical_nngp`; costs one backward pass per probe.

    Behind a ReLU the bias is of order width^(-1/2) for two different sequences whose features coincide in the limit, as
    those of equal multisets behind ``UniformAttention``: the derivative dual has a root singularity at correlation 1.

    Examples
    --------
    >>> from symrep import kernels
    >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Dense(2), kernels.Relu(), kernels.MeanPool())
    >>> estimate = empirical_ntk(net, [0, 1, 1], [1, 1, 0], width=16, n_draws=1000, seed=0)
    >>> bool(abs(estimate.values - net.ntk([0, 1, 1], [1, 1, 0])) < 4 * estimate.standard_error)
    True
    """
    n_probes = require_integer(n_probes, "n_probes", minimum=1)

    def of_draws(layers: tuple[FiniteLayer, ...], pair: _Pair, generator: np.random.Generator) -> Array:
        def signs(n_draws: int, channels: int) -> Array:
            return generator.choice((-1.0, 1.0), size=(n_draws, n_probes, channels)) / channels**0.5

        return _ntk_of_draws(layers, pair.stacked, pair.positions, signs)

    return _empirical(net, x, y, Sizes.of(width, heads, key_dimension), n_draws, seed, n_probes, of_draws)


@dataclass(frozen=True)
class _Pair:
    """Sequences x and y (or None for x again), of shape (L,) or (n, L), and whether positions are kept."""

    x: Array
    y: Array | None
    keeps_positions: bool

    @property
    def stacked(self) -> Array:
        """The sequences of both, one below the other."""
        return np.concatenate([np.atleast_2d(side) for side in (self.x, self.y) if side is not None])

    @property
    def positions(self) -> int | None:
        """The number of positions of the output, or None behind a readout."""
        return self.x.shape[-1] if self.keeps_positions else None

    def arranged(self, matrix: Array) -> Any:
        """The block of x and y of a matrix between all outputs (sequences by positions), in the shape of a kernel."""
        second = self.x if self.y is None else self.y
        positions = self.positions or 1
        n, m = (np.atleast_2d(side).shape[0] for side in (self.x, second))
        block = matrix[: n * positions, -m * positions :].reshape(n, positions, m, positions).swapaxes(1, 2)
        block = block if self.keeps_positions else block[:, :, 0, 0]
        block = block if self.x.ndim == 2 else block[0]
        if second.ndim == 1:
            block = block[:, 0] if self.x.ndim == 2 else block[0]
        return float(block) if block.ndim == 0 else block


def _nngp_of_draws(layers: tuple[FiniteLayer, ...], sequences: Array) -> Array:
    output = finite.compose(layers, sequences)[0]
    return finite.feature_gram(output) / output.shape[-1]


def _ntk_of_draws(
    layers: tuple[FiniteLayer, ...], sequences: Array, positions: int | None, probes: Callable[[int, int], Array]
) -> Array:
    if positions is not None:
        # one copy of a sequence for every position that is read, so that cotangents of different positions meet
        selection = finite.FiniteSelection(np.tile(np.arange(positions), len(sequences)))
        layers, sequences = (*layers, selection), np.repeat(sequences, positions, axis=0)
    output, pullback = finite.compose(layers, sequences)
    vectors = probes(len(output), output.shape[-1])[:, :, None, None, :]
    return pullback(np.broadcast_to(vectors, (len(output), vectors.shape[1], *output.shape[1:])))[1]


def _every_channel(n_draws: int, channels: int) -> Array:
    return np.broadcast_to(np.eye(channels), (n_draws, channels, channels))


def _empirical(
    net: Network, x: Any, y: Any, sizes: Sizes, n_draws: int, seed: int, n_probes: int, of_draws: Callable[..., Array]
) -> EmpiricalKernel:
    _require_network(net)
    n_draws = require_integer(n_draws, "n_draws", minimum=2)
    generator = np.random.default_rng(require_integer(seed, "seed", minimum=0))
    first = as_sequences(x, "x", net.vocab_size)
    second = None if y is None else as_sequences(y, "y", net.vocab_size)
    columns = first.shape[-1]
    same = second is None or second.shape[-1] == columns
    require(same, "y", f"must have sequences of length {columns} as x", None if same else second.shape[-1])
    has_query = net.extra_token == "query"
    if has_query:
        require(columns >= 2, "x", "must hold at least one context token and the query", columns)
    pair = _Pair(first, second, net.readout is None)
    tokens = np.unique(pair.stacked)
    pair = replace(pair, x=np.searchsorted(tokens, first), y=None if y is None else np.searchsorted(tokens, second))
    source = Source(generator, 1, sizes, columns - has_query, tokens, has_query)
    step = max(1, _CHUNK_BYTES // (8 * _entries_per_draw(net, source, len(pair.stacked), n_probes, pair.positions)))
    center, total, squares = 0.0, 0.0, 0.0
    for start in range(0, n_draws, step):
        chunk = replace(source, n_draws=min(step, n_draws - start))
        kernels = of_draws(draw_layers(net, chunk), pair, generator)
        # sums of deviations from any nearby number keep the digits that a sum of squares would lose
        center = kernels.mean(axis=0) if start == 0 else center
        total = total + (kernels - center).sum(axis=0)
        squares = squares + ((kernels - center) ** 2).sum(axis=0)
    variance = np.maximum(squares - total**2 / n_draws, 0.0) / (n_draws - 1)
    values, error = center + total / n_draws, np.sqrt(variance / n_draws)
    return EmpiricalKernel(pair.arranged(values), pair.arranged(error), n_draws, sizes.width)


def _entries_per_draw(net: Network, source: Source, n_sequences: int, n_probes: int, positions: int | None) -> int:
    """About how many numbers a draw takes: its weights, and the features and cotangents of all layers."""
    sizes, columns = source.sizes, source.length + source.has_query
    copies = n_sequences * (positions if positions is not None and n_probes > 0 else 1)
    layers = draw_layers(net, replace(source, generator=np.random.default_rng(0)))
    weights = sum(weight.size for layer in layers for weight in layer.weights())
    per_position = sizes.width + sizes.heads * (3 * sizes.key_dimension + columns)
    return weights + (1 + n_probes) * len(layers) * copies * columns * per_position + 3 * (copies * columns) ** 2


def _require_network(net: Any) -> None:
    if not isinstance(net, Network):
        raise InvalidTypeError(f"net must be a Network made by serial, got {net!r}")
