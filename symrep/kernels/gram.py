"""Gram matrices of networks on sequences of token ids, in blocks of bounded memory."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from symrep.errors import InvalidArchitectureError, InvalidArgumentError, require, require_integer, shown
from symrep.kernels.cells import CellKernel, Cells, OverlapCells, PositionCells
from symrep.kernels.layers import OVERLAPS
from symrep.kernels.overlaps import length_symbol
from symrep.kernels.readouts import Flatten
from symrep.kernels.sequences import as_sequences, in_blocks, require_memory
from symrep.kernels.state import KernelState

MEMORY_LIMIT = 2**31
ARRAYS_AT_ONCE = 16
BLOCK_BYTES = 2**28
_DENSE_VOCABULARY = 1024

Sides = tuple[Cells, Cells, Cells]


def gram(net: Any, x: Any, y: Any, *, tangent: bool, memory_limit: int = MEMORY_LIMIT, method: str = "auto") -> Any:
    """The NNGP (or tangent) kernel of a network between sequences; see :meth:`Network.nngp`."""
    known = ("auto", "overlaps", "positions")
    require(method in known, "method", f"must be one of {', '.join(known)}", method)
    memory_limit = require_integer(memory_limit, "memory_limit", minimum=1)
    first = as_sequences(x, "x", net.vocab_size)
    second = first if y is None else as_sequences(y, "y", net.vocab_size)
    if net.extra_token == "query":
        for argument, own in (("x", first), ("y", second)):
            require(own.shape[-1] >= 2, argument, "must hold at least one context token and the query", own.shape[-1])
    if first.shape[-1] != second.shape[-1]:
        require_any_length(net, first.shape[-1], second.shape[-1])
    rows, columns = np.atleast_2d(first), np.atleast_2d(second)
    matrix = _all_pairs(net, rows, columns, tangent, memory_limit, _method(net, method), y is None)
    matrix = matrix if first.ndim == 2 else matrix[0]
    if second.ndim == 1:
        matrix = matrix[:, 0] if first.ndim == 2 else matrix[0]
    return float(matrix) if matrix.ndim == 0 else matrix


def require_any_length(net: Any, length: int, other: int) -> None:
    """Raise InvalidArchitectureError where sequences of two lengths have no kernel with each other."""
    reason = ""
    if net.is_random:
        reason = "Monte Carlo draws are shared by sequences of one length"
    elif length_symbol in net.parameters():
        reason = "its parameters depend on L"
    elif any(isinstance(layer, Flatten) for layer in net.layers):
        reason = "Flatten() is followed by weights of their own at every position"
    if reason:
        raise InvalidArchitectureError(
            f"net must be the same at lengths {length} and {other}, but {reason}, got {shown(net)}"
        )


def _method(net: Any, method: str) -> str:
    closed = OVERLAPS in net.layouts and net.readout is not None
    if method == "overlaps" and not closed:
        raise InvalidArchitectureError(
            f"method must be positions for a network that u and m do not determine, got {shown(net)}"
        )
    return ("overlaps" if closed else "positions") if method == "auto" else method


def _all_pairs(
    net: Any, x: np.ndarray, y: np.ndarray, tangent: bool, memory_limit: int, method: str, symmetric: bool
) -> np.ndarray:
    sides = [own.shape[1] - (net.extra_token == "query") for own in (x, y)]
    positions = f"{sides[0]} x {sides[1]} positions"
    entries = len(x) * len(y) * (1 if net.readout is not None else prod(sides))
    what = f"an array of {len(x)} x {len(y)} sequences"
    what += "" if net.readout is not None else f" with {positions}"
    require_memory(8 * entries, memory_limit, what)
    cells = 5 if method == "overlaps" else max(x.shape[1], y.shape[1]) ** 2
    bytes_per_pair = 8 * cells * ARRAYS_AT_ONCE
    require_memory(bytes_per_pair, memory_limit, f"one pair of sequences with {positions}")
    if net.is_random:
        return _joint(net, x, y, tangent, bytes_per_pair, memory_limit, symmetric)
    make_sides = overlap_sides if method == "overlaps" else position_sides

    def block(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return values_of(net, make_sides(rows, columns, net.extra_token), tangent, len(rows), len(columns))

    pairs = max(1, min(memory_limit, BLOCK_BYTES) // bytes_per_pair)
    return in_blocks(block, x, y, pairs, symmetric)


def _joint(
    net: Any, x: np.ndarray, y: np.ndarray, tangent: bool, bytes_per_pair: int, memory_limit: int, symmetric: bool
) -> np.ndarray:
    """All sequences at once, since random layers share their draws among them."""
    together, index = np.unique(np.concatenate([x] if symmetric else [x, y]), axis=0, return_inverse=True)
    index = index.ravel()
    count = len(together)
    require_memory(count**2 * bytes_per_pair, memory_limit, f"Monte Carlo over {count} different sequences at once")
    matrix = values_of(net, position_sides(together, together, net.extra_token), tangent, count, count)
    return matrix[np.ix_(index[: len(x)], index if symmetric else index[len(x) :])]


def values_of(net: Any, sides: Sides, tangent: bool, *batch: int) -> np.ndarray:
    """The output of a network on cells: of the shape of the batch, or with two axes of positions before a readout."""
    net = net.at_length(sides[0].lengths[0])
    with np.errstate(over="ignore", invalid="ignore"):
        state = net.run(initial_state(sides, tangent, net.needs_variances))
    kernel = state.tangent if tangent else state.pair
    if not np.isfinite(kernel.values).all():
        rule = f"must have a kernel within the range of float64 at length {max(kernel.lengths)}"
        raise InvalidArgumentError(f"net {rule}, got {shown(net)}")
    if net.readout is not None:
        return np.broadcast_to(kernel.values[0], batch)
    return np.broadcast_to(kernel.cells.matrices(kernel.values), (*batch, *kernel.lengths))


def initial_state(sides: Sides, tangent: bool, needs_variances: bool) -> KernelState:
    """Zero kernels on the cells of a pair of sequences and of each with itself."""
    pair, first, second = (CellKernel.zero(cells) for cells in sides)
    own = (first, second) if needs_variances else (None, None)
    return KernelState(pair, *own, CellKernel.zero(sides[0]) if tangent else None)


def position_sides(x: np.ndarray, y: np.ndarray, extra_token: str | None, aligned: bool = False) -> Sides:
    """A cell for every pair of positions, for all pairs of sequences or for x and y row by row."""
    rows, columns = (x.T, y.T) if aligned else (x.T[:, :, None], y.T[:, None, :])
    query = extra_token == "query"
    return tuple(
        PositionCells.from_tokens(*pair, query) for pair in ((rows, columns), (rows, rows), (columns, columns))
    )


def overlap_sides(x: np.ndarray, y: np.ndarray, extra_token: str | None) -> Sides:
    """The cells of the overlap ring, for all pairs of sequences."""
    query = extra_token == "query"
    same_token = x[:, None, -1] == y[None, :, -1]
    if query:
        x, y = x[:, :-1], y[:, :-1]
    lengths = x.shape[1], y.shape[1]
    matches = np.zeros((len(x), len(y)))
    for s in range(min(lengths)):
        matches += x[:, None, s] == y[None, :, s]
    of_x, of_y = _token_counts(x, y)
    overlap = _as_array(of_x @ of_y.T)
    pair = OverlapCells.from_counts(lengths, overlap, matches, same_token, query)
    own = [_as_array((counts * counts).sum(axis=1)) for counts in (of_x, of_y)]
    return pair, own_cells(lengths[0], own[0][:, None], query), own_cells(lengths[1], own[1][None, :], query)


def own_cells(length: int, overlap: np.ndarray, has_query: bool) -> OverlapCells:
    """The cells of sequences with themselves."""
    matches = np.full(overlap.shape, float(length))
    return OverlapCells.from_counts((length, length), overlap, matches, np.ones(overlap.shape, dtype=bool), has_query)


def _token_counts(x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    """How often each of the tokens that occur is in each sequence: arrays, sparse where there are many tokens."""
    from scipy import sparse

    tokens, index = np.unique(np.concatenate([x.ravel(), y.ravel()]), return_inverse=True)
    rows = np.concatenate([np.repeat(np.arange(len(x)), x.shape[1]), len(x) + np.repeat(np.arange(len(y)), y.shape[1])])
    shape = (len(x) + len(y), len(tokens))
    counts = sparse.csr_array((np.ones(index.size), (rows, index.ravel())), shape=shape)
    if len(tokens) <= _DENSE_VOCABULARY:
        counts = counts.toarray()
    return counts[: len(x)], counts[len(x) :]


def _as_array(matrix: Any) -> np.ndarray:
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
