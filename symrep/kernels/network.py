"""Networks: layers composed with ``serial``, and their kernels on sequences and in the overlap ring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from symrep.errors import InvalidArchitectureError, InvalidArgumentError, InvalidTypeError, require
from symrep.kernels.layers import KernelState, LastToken, Layer, QueryToken, _require_layer
from symrep.kernels.overlaps import (
    ArrayKernel,
    OverlapKernel,
    length_symbol,
    matches_symbol,
    overlap_symbol,
    same_token_symbol,
)
from symrep.kernels.parameters import as_parameter

_BLOCK_BYTES = 2**26
_LARGEST_FACTORED = 200


@dataclass(frozen=True)
class Network:
    """A composition of layers, made by :func:`serial`."""

    layers: tuple[Layer, ...]

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

    def substitute(self, **values: Any) -> Network:
        """The network with numbers or expressions for symbols given by name.

        >>> from symrep.kernels import architecture
        >>> architecture("uniform-block").substitute(a="1/2").parameters()
        (p,)
        """
        known = {symbol.name: symbol for symbol in self.parameters()}
        for name in values:
            rule = f"must be one of {', '.join(known) or 'none'}"
            require(name in known, "symbol", rule, name)
        exact = {known[name]: as_parameter(value, name) for name, value in values.items()}
        return Network(tuple(layer.substitute(exact) for layer in self.layers))

    def position_kernel(self) -> OverlapKernel:
        """The kernel between positions just before the readout, in the overlap ring."""
        return self._run(KernelState(OverlapKernel.indicators()), same_token_symbol, stop_at_readout=True).context

    def overlap_polynomial(self) -> sympy.Expr:
        r"""The NNGP kernel as a polynomial in u, m and g with coefficients in L and the parameters.

        Factored, or expanded where that would be long. :math:`u = \sum_v n_v(x) n_v(y)`, :math:`m = \#\{s : x_s = y_s\}`, and g tells whether the last
        (or query) tokens agree; with a last-token readout u and m include the last token, with a query they do not.

        Raises
        ------
        InvalidArchitectureError
            When the network has no readout.
        """
        return self._overlap_polynomial

    @cached_property
    def _overlap_polynomial(self) -> sympy.Expr:
        g = same_token_symbol
        output = sympy.expand(self._overlap_output)
        if output.has(g):
            output = output.subs(g, 0) + g * sympy.expand(output.subs(g, 1) - output.subs(g, 0))
        # factoring a polynomial in many variables can take hours where expanding takes a second
        return sympy.factor(output) if len(sympy.Add.make_args(output)) <= _LARGEST_FACTORED else output

    @cached_property
    def _overlap_output(self) -> sympy.Expr:
        self._require_readout()
        return self._run(KernelState(OverlapKernel.indicators()), same_token_symbol).output

    def nngp(self, x: Any, y: Any = None) -> Any:
        """The NNGP kernel between sequences of token ids, by the layer rules on arrays.

        Parameters
        ----------
        x, y
            Integer arrays of shape (n, L) and (m, L), or single sequences of shape (L,); y is x unless given. With a
            query readout the sequences have L + 1 entries and the query is the last one.

        Returns
        -------
        A Gram matrix (n, m), or (n, m, L, L) for a network without readout; the axis of a single sequence is dropped,
        and two single sequences give a float. Cost O(n m L^2) per layer, in blocks of bounded memory.

        Raises
        ------
        FreeSymbolError
            When a parameter is not a number.

        Examples
        --------
        >>> from symrep import kernels
        >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions("1/2"), kernels.LinearAttention(), kernels.MeanPool())
        >>> net.nngp([0, 1, 1], [1, 1, 0])
        4.875
        """
        first, second = _as_sequences(x, "x"), _as_sequences(x if y is None else y, "y")
        same = first.shape[-1] == second.shape[-1]
        require(same, "y", f"must have sequences of length {first.shape[-1]} as x", second.shape[-1])
        if self.extra_token == "query":
            require(first.shape[-1] >= 2, "x", "must hold at least one context token and the query", first.shape[-1])
        rows, columns = np.atleast_2d(first), np.atleast_2d(second)
        pairs = max(1, _BLOCK_BYTES // (8 * rows.shape[1] ** 2))
        across = min(pairs, len(columns))
        down = max(1, pairs // across)
        bands = []
        for i in range(0, len(rows), down):
            band = [self._array(rows[i : i + down], columns[j : j + across]) for j in range(0, len(columns), across)]
            bands.append(np.concatenate(band, axis=1))
        gram = np.concatenate(bands)
        gram = gram if first.ndim == 2 else gram[0]
        if second.ndim == 1:
            gram = gram[:, 0] if first.ndim == 2 else gram[0]
        return float(gram) if gram.ndim == 0 else gram

    def exact_nngp(self, x: Any, y: Any) -> sympy.Expr:
        """The kernel of two sequences as an exact expression: the overlap polynomial at their counts.

        >>> from symrep import kernels
        >>> net = kernels.serial(kernels.TokenEmbedding(), kernels.Positions(), kernels.UniformAttention(), kernels.MeanPool())
        >>> net.exact_nngp([0, 1, 1], [1, 1, 0])
        5*a/9 + p/3
        """
        first, second = _as_sequences(x, "x"), _as_sequences(y, "y")
        require(first.ndim == 1, "x", "must be one sequence", first.shape)
        require(second.shape == first.shape, "y", f"must be one sequence of length {len(first)}", second.shape)
        same_token = int(first[-1] == second[-1])
        if self.extra_token == "query":
            require(len(first) >= 2, "x", "must hold at least one context token and the query", len(first))
            first, second = first[:-1], second[:-1]
        counts = {
            length_symbol: len(first),
            overlap_symbol: int((first[:, None] == second[None, :]).sum()),
            matches_symbol: int((first == second).sum()),
            same_token_symbol: same_token,
        }
        return sympy.expand(self._overlap_output.xreplace({symbol: sympy.Integer(n) for symbol, n in counts.items()}))

    def _array(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        same_token = (x[:, None, -1] == y[None, :, -1]).astype(np.float64)
        if self.extra_token == "query":
            x, y = x[:, :-1], y[:, :-1]
        state = self._run(KernelState(ArrayKernel.zero(x, y)), same_token)
        return state.context.values if state.output is None else state.output

    def _run(self, state: KernelState, same_token: Any, stop_at_readout: bool = False) -> KernelState:
        if isinstance(self.readout, QueryToken):
            state = self.readout.embed(state, same_token)
        for layer in self.layers:
            if stop_at_readout and layer.is_readout:
                break
            state = layer.apply(state)
        return state

    def _require_readout(self) -> None:
        if self.readout is None:
            raise InvalidArchitectureError(f"layers must end in a readout such as MeanPool(), got {self!r}")

    def __repr__(self) -> str:
        return f"serial({', '.join(map(repr, self.layers))})"


def serial(*layers: Layer | Network) -> Network:
    """Compose layers (or networks) into a network.

    Raises
    ------
    InvalidArchitectureError
        When the first layer is not :class:`~symrep.kernels.TokenEmbedding`, when there is a second embedding or a
        second readout, or when a layer that needs positions follows the readout.

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
        flat.extend(layer.layers if isinstance(layer, Network) else (layer,))
    require(len(flat) > 0, "layers", "must not be empty", layers, InvalidArchitectureError)
    readout = None
    for index, layer in enumerate(flat):
        _require_layer(layer)
        if layer.is_embedding != (index == 0):
            raise InvalidArchitectureError(f"layers must start with one TokenEmbedding, got {layer!r} as layer {index + 1}")
        if readout is not None and not layer.after_readout:
            reason = f"needs one kernel per pair of positions, but {readout!r} before it has read them out"
            raise InvalidArchitectureError(f"{layer!r} {reason}")
        if layer.is_readout:
            readout = layer
    return Network(tuple(flat))


def _as_sequences(value: Any, argument: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidArgumentError(f"{argument} must be sequences of one length, got ragged {value!r}") from None
    require(array.size > 0, argument, "must not be empty", value)
    if array.dtype.kind not in "iu":
        raise InvalidTypeError(f"{argument} must hold integer token ids, got entries of type {array.dtype}")
    require(array.ndim in (1, 2), argument, "must be of shape (L,) or (n, L)", array.shape)
    require(int(array.min()) >= 0, argument, "must hold token ids of at least 0", int(array.min()))
    return array
