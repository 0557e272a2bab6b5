"""Networks: layers composed with ``serial``, and their kernels on sequences and in the overlap ring."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from symrep.errors import InvalidArchitectureError, InvalidTypeError, require, require_integer, require_symbols, shown
from symrep.kernels.features import Features
from symrep.kernels.gram import MEMORY_LIMIT, gram, require_any_length
from symrep.kernels.invariance import Invariance
from symrep.kernels.joint_counts import JointCountKernel, MatchCountKernel
from symrep.kernels.layers import Layer, Residual, all_layers, common_layouts, require_layer
from symrep.kernels.overlaps import (
    ALL_COUNTS,
    OverlapKernel,
    Overlaps,
    counts_between,
    first_overlap_symbol,
    length_symbol,
    matches_symbol,
    overlap_symbol,
    same_token_symbol,
    second_overlap_symbol,
    vocabulary_symbol,
)
from symrep.kernels.parameters import as_parameter
from symrep.kernels.readouts import LastToken, QueryToken, invariance
from symrep.kernels.sequences import as_sequences
from symrep.kernels.state import KernelState

_LARGEST_FACTORED = 200


@dataclass(frozen=True)
class MonteCarloKernel:
    """An estimate of a Gram matrix: mean and standard error over independent repetitions."""

    values: Any
    standard_error: Any
    n_replicates: int

    def __repr__(self) -> str:
        largest = float(np.max(self.standard_error))
        return f"<MonteCarloKernel {np.shape(self.values)}: {self.n_replicates} replicates, standard error up to {largest:.2g}>"


@dataclass(frozen=True)
class Network:
    """A composition of layers, made by :func:`serial`."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        _require_composable(self.layers)
        names = [symbol.name for symbol in self.parameters()]
        twice = next((name for name in names if names.count(name) > 1), None)
        require(
            twice is None,
            "layers",
            "must use one symbol per name, with the same assumptions",
            twice,
            InvalidArchitectureError,
        )

    @property
    def readout(self) -> Layer | None:
        """The readout layer, or None while the network still has one output per position."""
        return next((layer for layer in self.layers if layer.is_readout), None)

    @property
    def extra_token(self) -> str | None:
        """The token that the symmetric group leaves in place: ``"last"``, ``"query"`` or None."""
        return {LastToken: "last", QueryToken: "query"}.get(type(self.readout))

    def parameters(self) -> tuple[sympy.Symbol, ...]:
        """The free symbols of all layers, sorted by name."""
        return tuple(sorted(frozenset().union(*(layer.parameters() for layer in self.layers)), key=str))

    def substitute(self, /, **values: Any) -> Network:
        """The network with numbers or expressions for symbols given by name.

        >>> from symrep.kernels import architecture
        >>> architecture("uniform-block").substitute(a="1/2").parameters()
        (p,)
        """
        known = {symbol.name: symbol for symbol in self.parameters()}
        require_symbols(values, known)
        exact = {known[name]: as_parameter(value, name) for name, value in values.items()}
        return Network(tuple(layer.substitute(exact) for layer in self.layers))

    def at_length(self, length: int) -> Network:
        """The network with numbers for L, and for V where the embedding states it, in its parameters."""
        known = {length_symbol: length, vocabulary_symbol: self.vocab_size}
        numbers = {symbol: sympy.Integer(n) for symbol, n in known.items() if n is not None}
        if numbers.keys().isdisjoint(self.parameters()):
            return self
        return Network(tuple(layer.substitute(numbers) for layer in self.layers))

    @property
    def vocab_size(self) -> int | None:
        """The vocabulary size, where the embedding states it."""
        return getattr(self.layers[0], "vocab_size", None)

    @property
    def layouts(self) -> tuple[str, ...]:
        """The partitions of pairs of positions into cells on which all layers work."""
        return common_layouts(self.layers)

    @property
    def needs_variances(self) -> bool:
        """Whether a layer asks for the kernels of both sequences with themselves."""
        return any(layer.needs_variances for layer in self.layers)

    @property
    def is_random(self) -> bool:
        """Whether the kernel is a Monte Carlo estimate."""
        return any(layer.is_random for layer in all_layers(self.layers))

    def position_kernel(self) -> OverlapKernel:
        """The kernel between positions just before the readout, in the overlap ring."""
        return self.run(self._exact_state(tangent=False), stop_at_readout=True).pair

    @cached_property
    def overlap_degree(self) -> int | None:
        """A bound on the degree of the overlap polynomial, without computing it; None where a layer is not polynomial.

        >>> from symrep.kernels import architecture
        >>> architecture("linear-block").overlap_degree, architecture("relu-block").overlap_degree
        (2, None)
        """
        degree: int | None = 0
        for layer in self.layers:
            degree = None if degree is None else layer.overlap_degree(degree)
        return degree

    def overlap_polynomial(self, kernel: str = "nngp", lengths: tuple[int, int] | None = None) -> sympy.Expr:
        r"""The kernel (``"nngp"`` or ``"ntk"``) as a polynomial in u, m and g with coefficients in L and the parameters.

        Factored, or expanded where that would be long. :math:`u = \sum_v n_v(x) n_v(y)`, :math:`m = \#\{s : x_s = y_s\}`,
        and g tells whether the last (or query) tokens agree; with a last-token readout u and m include the last token,
        with a query they do not.
        Polynomial nonlinearities behind attention bring the counts :math:`u_{xx}, u_{yy}` of each sequence with itself.
        With numbers for ``lengths``, of x and of y, it is the kernel between sequences of these lengths; m then counts
        matches at the positions that both have.

        Cost: every linear attention multiplies the degree by 3; with symbols for all parameters three in a row take
        seconds, and beyond that numbers for some of them help.

        Raises
        ------
        InvalidArchitectureError
            When the network has no readout, or a layer that is not polynomial, or no kernel between different lengths.

        Examples
        --------
        >>> from symrep import kernels
        >>> net = kernels.serial(kernels.TokenEmbedding(), kernels.UniformAttention(), kernels.MeanPool())
        >>> net.overlap_polynomial(), net.overlap_polynomial("ntk"), net.overlap_polynomial(lengths=(2, 3))
        (a*u/L**2, 3*a*u/L**2, a*u/6)
        """
        require(kernel in ("nngp", "ntk"), "kernel", "must be nngp or ntk", kernel)
        if lengths is not None:
            return self._between(lengths, tangent=kernel == "ntk")
        return self._overlap_polynomial if kernel == "nngp" else _tidied(self._overlap_output(tangent=True))

    @cached_property
    def _overlap_polynomial(self) -> sympy.Expr:
        return _tidied(self._overlap_nngp)

    @cached_property
    def _overlap_nngp(self) -> sympy.Expr:
        return self._overlap_output(tangent=False)

    def _overlap_output(self, *, tangent: bool) -> sympy.Expr:
        self._require_readout()
        state = self.run(self._exact_state(tangent))
        return (state.tangent if tangent else state.pair).coefficients[0]

    def _between(self, lengths: Any, tangent: bool) -> sympy.Expr:
        self._require_readout()
        if not isinstance(lengths, tuple | list) or len(lengths) != 2:
            raise InvalidTypeError(f"lengths must be two integers, got {shown(lengths)}")
        length, other = lengths
        length, other = (require_integer(own, "lengths", minimum=1) for own in (length, other))
        if length != other:
            require_any_length(self, length, other)
        net = self.at_length(length)
        state = net.run(net._exact_state(tangent, counts_between(length, other)))
        return _tidied((state.tangent if tangent else state.pair).coefficients[0])

    def _exact_state(self, tangent: bool, counts: tuple[Overlaps, Overlaps, Overlaps] = ALL_COUNTS) -> KernelState:
        pair, first, second = (OverlapKernel.indicators(counts=own) for own in counts)
        own = (first, second) if self.needs_variances else (None, None)
        return KernelState(pair, *own, pair if tangent else None)

    def nngp(self, x: Any, y: Any = None, *, memory_limit: int = MEMORY_LIMIT, method: str = "auto") -> Any:
        """The NNGP kernel between sequences of token ids, by the layer rules on arrays.

        Parameters
        ----------
        x, y
            Integer arrays of shape (n, L) and (m, L'), or single sequences; y is x unless given. The lengths may differ:
            position s of one is then position s of the other, and the longer sequence has further positions behind. With
            a query readout the sequences have L + 1 entries and the query is the last one.
        memory_limit
            Bytes that the result, and the arrays of a block of pairs, may take; 2 GiB unless given.
        method
            ``"overlaps"`` (four numbers per pair of sequences), ``"positions"`` (L x L numbers per pair), or ``"auto"``:
            overlaps wherever the layers see of two positions only whether their tokens, and they themselves, are equal.

        Returns
        -------
        numpy.ndarray or float
            A Gram matrix (n, m), or (n, m, L, L') for a network without readout; the axis of a single sequence is
            dropped, and two single sequences give a float. Cost O(n m) per layer and O(n m L) once by overlaps,
            O(n m L^2) per layer by positions (L^3 with tied attention), in blocks of bounded memory.

        Raises
        ------
        InvalidTypeError, InvalidArgumentError
            When x or y do not hold token ids, sequences of one length, or ids of the vocabulary.
        FreeSymbolError
            When a parameter is not a number.
        InvalidArchitectureError
            When lengths differ and the network has weights of their own at every position (Flatten), parameters in L, or
            Monte Carlo layers.
        SizeLimitError
            When the result is larger than the memory limit; says how large.

        Examples
        --------
        >>> from symrep import kernels
        >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions("1/2"), kernels.LinearAttention(), kernels.MeanPool())
        >>> net.nngp([0, 1, 1], [1, 1, 0])
        4.875
        """
        return gram(self, x, y, tangent=False, memory_limit=memory_limit, method=method)

    def ntk(self, x: Any, y: Any = None, *, memory_limit: int = MEMORY_LIMIT, method: str = "auto") -> Any:
        r"""The neural tangent kernel between sequences of token ids; arguments and shapes as for :meth:`nngp`.

        :math:`\Theta(x, y) = \sum_\theta \partial_\theta f(x)\, \partial_\theta f(y)` over all weights, at infinite width.

        Examples
        --------
        >>> from symrep import kernels
        >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Relu(), kernels.Dense(2), kernels.MeanPool())
        >>> net.nngp([0, 0], [0, 0]), net.ntk([0, 0], [0, 0])
        (2.0, 4.0)
        """
        return gram(self, x, y, tangent=True, memory_limit=memory_limit, method=method)

    def monte_carlo(self, x: Any, y: Any = None, *, kernel: str = "nngp", n_replicates: int = 8) -> MonteCarloKernel:
        """The kernel of a network with Monte Carlo layers, and its standard error from independent repetitions.

        Every repetition draws anew with ``n_samples`` samples per layer. Behind a second random or a nonlinear layer the
        estimate has a bias of order ``1 / n_samples``, which the standard error does not show.

        Examples
        --------
        >>> from symrep import kernels
        >>> attention = kernels.SoftmaxAttention(n_samples=200)
        >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), attention, kernels.MeanPool())
        >>> estimate = net.monte_carlo([[0, 1, 1], [1, 1, 1]])
        >>> estimate.values.shape, bool((estimate.standard_error < 0.02).all())
        ((2, 2), True)
        """
        require(kernel in ("nngp", "ntk"), "kernel", "must be nngp or ntk", kernel)
        n_replicates = require_integer(n_replicates, "n_replicates", minimum=2)
        if not self.is_random:
            raise InvalidArchitectureError(f"net must have a SoftmaxAttention with n_samples, got {shown(self)}")
        runs = [
            gram(Network(tuple(_reseeded(layer, i) for layer in self.layers)), x, y, tangent=kernel == "ntk")
            for i in range(n_replicates)
        ]
        values = np.stack(runs)
        return MonteCarloKernel(values.mean(axis=0), values.std(axis=0, ddof=1) / n_replicates**0.5, n_replicates)

    def joint_count_kernel(self, kernel: str = "nngp") -> JointCountKernel:
        """The kernel as a function of the joint count table N, for every network that is symmetric in the positions.

        Raises
        ------
        NotInvariantError
            When a layer tells the positions apart.

        Examples
        --------
        >>> from symrep import kernels
        >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions("1/2"), kernels.LinearAttention(), kernels.MeanPool())
        >>> net.joint_count_kernel()([[0, 1], [1, 1]])  # the pair 011 and 110 of the example of nngp
        4.875
        """
        require(kernel in ("nngp", "ntk"), "kernel", "must be nngp or ntk", kernel)
        return JointCountKernel(self, tangent=kernel == "ntk")

    def match_kernel(self, kernel: str = "nngp") -> MatchCountKernel:
        """The kernel as a function of the token counts of two sequences and the number of positions where they match.

        Raises
        ------
        InvalidArchitectureError
            When the kernel sees more of two sequences, as behind softmax attention.

        Examples
        --------
        >>> from symrep import kernels
        >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions("1/2"), kernels.LinearAttention(), kernels.MeanPool())
        >>> net.match_kernel()([1, 2], [1, 2], 1)  # the pair 011 and 110 of the example of nngp
        4.875
        """
        require(kernel in ("nngp", "ntk"), "kernel", "must be nngp or ntk", kernel)
        return MatchCountKernel(self, tangent=kernel == "ntk")

    def invariance(self) -> Invariance:
        """The symmetry of the kernel of a network with a readout, read off from the layers.

        Examples
        --------
        >>> from symrep import kernels
        >>> str(kernels.architecture("linear-block").invariance()), str(kernels.architecture("linear-block", "last").invariance())
        ('S_L and S_V', 'S_(L-1) and S_V')
        >>> str(kernels.serial(kernels.TokenEmbedding(), kernels.LinearAttention(), kernels.MeanPool()).invariance())
        'S_L x S_L and S_V'
        """
        self._require_readout()
        return invariance(self.layers, self.readout)

    def exact_nngp(self, x: Any, y: Any) -> sympy.Expr:
        """The kernel of two sequences as an exact expression: the overlap polynomial at their counts.

        >>> from symrep import kernels
        >>> net = kernels.serial(kernels.TokenEmbedding(), kernels.Positions(), kernels.UniformAttention(), kernels.MeanPool())
        >>> net.exact_nngp([0, 1, 1], [1, 1, 0])
        5*a/9 + p/3
        """
        first, second = as_sequences(x, "x", self.vocab_size), as_sequences(y, "y", self.vocab_size)
        require(first.ndim == 1, "x", "must be one sequence", first.shape)
        require(second.shape == first.shape, "y", f"must be one sequence of length {len(first)}", second.shape)
        same_token = int(first[-1] == second[-1])
        if self.extra_token == "query":
            require(len(first) >= 2, "x", "must hold at least one context token and the query", len(first))
            first, second = first[:-1], second[:-1]
        self.at_length(len(first))  # refuses parameters that are no variances at this length
        counts = {
            length_symbol: len(first),
            overlap_symbol: _overlap(first, second),
            matches_symbol: int((first == second).sum()),
            same_token_symbol: same_token,
            first_overlap_symbol: _overlap(first, first),
            second_overlap_symbol: _overlap(second, second),
        }
        return sympy.expand(self._overlap_nngp.xreplace({symbol: sympy.Integer(n) for symbol, n in counts.items()}))

    def run(self, state: KernelState, stop_at_readout: bool = False) -> KernelState:
        """The state behind all layers, or behind those before the readout."""
        if isinstance(self.readout, QueryToken):
            state = self.readout.embed(state)
        for layer in self.layers:
            if stop_at_readout and layer.is_readout:
                break
            state = layer.apply(state)
        return state

    def _require_readout(self) -> None:
        if self.readout is None:
            raise InvalidArchitectureError(f"layers must end in a readout such as MeanPool(), got {shown(self)}")

    def __repr__(self) -> str:
        return f"serial({', '.join(map(repr, self.layers))})"


def serial(*layers: Layer | Network) -> Network:
    """Compose layers (or networks) into a network.

    Raises
    ------
    InvalidArchitectureError
        When the first layer is not :class:`~symrep.kernels.TokenEmbedding`, when there is a second embedding or a
        second readout, when a layer that needs positions follows the readout, or when a nonlinearity or a residual stands
        where its rule does not hold: the dual of an activation needs Gaussian features, so there must be weights (Dense or
        attention) between two nonlinearities, and behind Flatten and concatenated positions.

    Examples
    --------
    >>> from symrep import kernels
    >>> net = kernels.serial(kernels.TokenEmbedding(), kernels.Positions(), kernels.LinearAttention(), kernels.MeanPool())
    >>> net.overlap_polynomial()
    (L*p + a*u)*(L*p**2 + a**2*u + 2*a*m*p)/L**2
    >>> kernels.serial(kernels.TokenEmbedding(), kernels.MeanPool(), kernels.LinearAttention())
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArchitectureError: LinearAttention() needs one kernel per pair of positions, but MeanPool() before it has read them out
    """
    flat: list[Layer] = []
    for layer in layers:
        if isinstance(layer, list | tuple):
            raise InvalidTypeError(f"layers must be given one by one, serial(*layers) for a list, got {shown(layer)}")
        flat.extend(layer.layers if isinstance(layer, Network) else (layer,))
    return Network(tuple(flat))


def _require_composable(layers: tuple[Layer, ...]) -> None:
    require(len(layers) > 0, "layers", "must not be empty", layers, InvalidArchitectureError)
    readout, features = None, Features()
    for index, layer in enumerate(layers):
        require_layer(layer)
        if layer.is_embedding != (index == 0):
            raise InvalidArchitectureError(
                f"layers must start with one TokenEmbedding, got {shown(layer)} as layer {index + 1}"
            )
        if readout is not None and not layer.after_readout:
            reason = f"needs one kernel per pair of positions, but {readout!r} before it has read them out"
            raise InvalidArchitectureError(f"{shown(layer)} {reason}")
        if layer.is_readout:
            readout = layer
        features = layer.features(features)


def _tidied(output: sympy.Expr) -> sympy.Expr:
    g = same_token_symbol
    output = sympy.expand(output)
    if output.has(g):
        output = output.subs(g, 0) + g * sympy.expand(output.subs(g, 1) - output.subs(g, 0))
    # factoring a polynomial in many variables can take hours where expanding takes a second
    return sympy.factor(output) if len(sympy.Add.make_args(output)) <= _LARGEST_FACTORED else output


def _overlap(first: np.ndarray, second: np.ndarray) -> int:
    counts = Counter(second.tolist())
    return sum(counts[token] for token in first.tolist())


def _reseeded(layer: Layer, replicate: int) -> Layer:
    if isinstance(layer, Residual):
        return Residual(tuple(_reseeded(inner, replicate) for inner in layer.layers))
    return replace(layer, seed=(layer.seed << 20) + replicate) if layer.is_random else layer
