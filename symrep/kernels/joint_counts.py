r"""Kernels as functions of the joint count table :math:`N_{vw} = \#\{s : x_s = v, y_s = w\}`.

A kernel that is symmetric under permutations of the positions depends on a pair of sequences through N alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
import sympy

from symrep.errors import (
    InvalidArchitectureError,
    InvalidArgumentError,
    InvalidTypeError,
    NotInvariantError,
    require,
    require_symbols,
    shown,
)
from symrep.kernels.cells import CountCells, OverlapCells
from symrep.kernels.gram import (
    ARRAYS_AT_ONCE,
    BLOCK_BYTES,
    MEMORY_LIMIT,
    Sides,
    own_cells,
    position_sides,
    require_any_length,
    values_of,
)
from symrep.kernels.layers import COUNTS, OVERLAPS
from symrep.kernels.overlaps import length_symbol, vocabulary_symbol
from symrep.kernels.parameters import RESERVED_NAMES, as_float, exact_expression, substitute, with_shared_symbols
from symrep.kernels.sequences import as_sequences, require_memory

_LARGEST_COUNT = 10**9


@dataclass(frozen=True, repr=False)
class NetworkKernel:
    """One of the two kernels of a network that is symmetric in the positions; what its forms have in common.

    Attributes
    ----------
    net
        The network.
    tangent
        Whether it is the NTK, and not the NNGP kernel.
    scale
        A factor: a float, or an exact number or expression, whose symbols count among the parameters.
    """

    net: Any
    tangent: bool = False
    scale: Any = 1

    def __post_init__(self) -> None:
        if isinstance(self.scale, float):
            require(isfinite(self.scale), "scale", "must be finite", self.scale)
            return
        scale = with_shared_symbols(exact_expression(self.scale, "scale"), "scale", RESERVED_NAMES)
        require(scale.is_finite is not False and scale.is_real is not False, "scale", "must be real", self.scale)
        object.__setattr__(self, "scale", scale)

    @property
    def extra_token(self) -> str | None:
        """The token that permutations leave in place: ``"last"``, ``"query"`` or None."""
        return self.net.extra_token

    @property
    def vocab_size(self) -> int | None:
        """The number of tokens where the network has a fixed one."""
        return self.net.vocab_size

    def parameters(self) -> tuple[sympy.Symbol, ...]:
        """The symbols of the network and of the scale, by name."""
        return tuple(sorted({*self.net.parameters(), *sympy.sympify(self.scale).free_symbols}, key=str))

    def substitute(self, **values: Any) -> NetworkKernel:
        """The kernel with numbers or expressions for symbols of the network and of the scale, by name."""
        require_symbols(values, {symbol.name for symbol in self.parameters()})
        of_net = {symbol.name for symbol in self.net.parameters()}
        net = self.net.substitute(**{name: value for name, value in values.items() if name in of_net})
        in_scale = {s.name for s in sympy.sympify(self.scale).free_symbols} & values.keys()
        scale = substitute(self.scale, **{name: values[name] for name in in_scale}) if in_scale else self.scale
        return replace(self, net=net, scale=scale)

    def invariance(self) -> Any:
        """The symmetry of the kernel, see :meth:`Network.invariance`."""
        return self.net.invariance()

    def overlap_polynomial(self) -> sympy.Expr:
        """The kernel in the overlap ring, see :meth:`Network.overlap_polynomial`.

        >>> from symrep import kernels
        >>> kernels.architecture("uniform-block").match_kernel("ntk").overlap_polynomial()
        3*(L*p + a*u)/L**2
        """
        polynomial = self.net.overlap_polynomial("ntk" if self.tangent else "nngp")
        return polynomial if self.scale == 1 else exact_expression(self.scale, "scale") * polynomial

    def factor(self, length: int | None, vocab_size: int) -> float:
        """The scale as a number, with numbers for L and V; None for the L of two sequences of different lengths."""
        if isinstance(self.scale, float):
            return self.scale
        known = {vocabulary_symbol: vocab_size} | ({} if length is None else {length_symbol: length})
        return as_float(self.scale.subs(known), "scale")

    def _text(self, form: str) -> str:
        argument = "'ntk'" if self.tangent else ""
        factor = f"{self.scale:.6g}" if isinstance(self.scale, float) else f"({self.scale})"
        return f"{self.net!r}.{form}({argument})" + ("" if self.scale == 1 else f" * {factor}")


@dataclass(frozen=True, repr=False)
class JointCountKernel(NetworkKernel):
    """The NNGP kernel of a network (or its NTK, with ``tangent``) as a function of joint count tables.

    Made by :meth:`Network.joint_count_kernel`. Calling it takes an integer array N of shape (..., V, V) whose tables all have
    the same sum (the positions they count), and gives an array of shape (...), or a float for one table. Where a last or
    query token stays in place, N counts the other positions and ``extra`` holds the two tokens there, shape (..., 2).
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.net.readout is None:
            raise InvalidArchitectureError(f"net must end in a readout such as MeanPool(), got {shown(self.net)}")
        invariance = self.net.invariance()
        if invariance.positions == "none":
            raise NotInvariantError(
                f"net must be symmetric under permutations of the positions, got {invariance.reason}"
            )

    def __call__(self, N: Any, extra: Any = None) -> Any:
        """The values of the kernel at the tables N.

        Raises
        ------
        InvalidArgumentError
            When a table is not square, has negative entries, or when sums differ.
        """
        tables = _as_tables(N, self.net.vocab_size, smallest_sum=0 if self.net.extra_token == "last" else 1)
        extra = self._as_extra(extra, tables)
        flat = tables.reshape(-1, *tables.shape[-2:])
        pairs = None if extra is None else extra.reshape(-1, 2)
        sides, cells = self._layout(flat)
        needed = 8 * cells * ARRAYS_AT_ONCE
        require_memory(needed, MEMORY_LIMIT, f"a table of {tables.shape[-1]} x {tables.shape[-1]} tokens")
        step = max(1, BLOCK_BYTES // needed)
        blocks = []
        for i in range(0, len(flat), step):
            part = flat[i : i + step]
            of_part = sides(part, None if pairs is None else pairs[i : i + step])
            blocks.append(values_of(self.net, of_part, self.tangent, len(part)))
        length = int(flat[0].sum()) + (self.net.extra_token == "last")
        factor = self.factor(length, tables.shape[-1])
        values = factor * np.concatenate(blocks).reshape(tables.shape[:-2])
        return float(values) if values.ndim == 0 else values

    def _as_extra(self, extra: Any, tables: np.ndarray) -> np.ndarray | None:
        token = self.net.extra_token
        if token is None:
            require(extra is None, "extra", "must be left out for a network without a last or query token", extra)
            return None
        require(extra is not None, "extra", f"must hold the {token} tokens of both sequences", extra)
        pairs = _as_integers(extra, "extra")
        shape = (*tables.shape[:-2], 2)
        require(pairs.shape == shape, "extra", f"must be of shape {shape}", pairs.shape)
        as_sequences(pairs.reshape(-1), "extra", tables.shape[-1])
        return pairs

    def _layout(self, tables: np.ndarray) -> tuple[Callable[..., Sides], int]:
        """The layout with the fewest cells that the network works on, and their number."""
        of_classes = (tables.shape[-1] ** 2 + 1) ** 2
        of_positions = (int(tables[0].sum()) + 1) ** 2
        if OVERLAPS in self.net.layouts:
            return self._overlap_sides, 5
        if COUNTS in self.net.layouts and of_classes < of_positions:
            return self._count_sides, of_classes
        return self._representatives, of_positions

    def _overlap_sides(self, tables: np.ndarray, extra: np.ndarray | None) -> Sides:
        of_x, of_y, matches = tables.sum(axis=2), tables.sum(axis=1), np.trace(tables, axis1=1, axis2=2)
        return overlap_sides_of_counts(of_x, of_y, matches, extra, self.net.extra_token)

    def _count_sides(self, tables: np.ndarray, extra: np.ndarray | None) -> Sides:
        vocab_size = tables.shape[-1]
        x, y = (tokens.reshape(-1, 1) for tokens in np.divmod(np.arange(vocab_size**2), vocab_size))
        counts = tables.reshape(len(tables), -1).T
        if extra is not None:
            x, y = (np.concatenate([np.repeat(t, len(tables), axis=1), own[None]]) for t, own in zip((x, y), extra.T))
            counts = np.concatenate([counts, np.ones((1, len(tables)), dtype=counts.dtype)])
        query = self.net.extra_token == "query"
        return tuple(CountCells.from_classes(*pair, counts, query) for pair in ((x, y), (x, x), (y, y)))

    def _representatives(self, tables: np.ndarray, extra: np.ndarray | None) -> Sides:
        vocab_size = tables.shape[-1]
        classes = [np.repeat(np.arange(vocab_size**2), table.ravel()) for table in tables]
        x, y = np.divmod(np.stack(classes), vocab_size)
        if extra is not None:
            x, y = (np.concatenate([t, own[:, None]], axis=1) for t, own in zip((x, y), extra.T))
        return position_sides(x, y, self.net.extra_token, aligned=True)

    def __repr__(self) -> str:
        return self._text("joint_count_kernel")


@dataclass(frozen=True, repr=False)
class MatchCountKernel(NetworkKernel):
    """The kernel of a network as a function of the token counts of two sequences and the number of positions that match.

    Made by :meth:`Network.match_kernel`. Calling it takes integer arrays ``counts_x`` and ``counts_y`` of shape (..., V)
    and ``matches`` of shape (...), and gives an array of shape (...), or a float. Where a last or query
    token stays in place they count the other positions, and ``extra`` holds the two tokens there, shape (..., 2).
    The two sequences may have different lengths; then matches are counted at all positions that both have, the last one
    of the shorter sequence among them.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._on_tables()
        if OVERLAPS not in self.net.layouts:
            raise InvalidArchitectureError(
                f"net must have a kernel that token counts and matches determine, got {shown(self.net)}"
            )

    def _on_tables(self) -> JointCountKernel:
        return JointCountKernel(self.net, self.tangent)

    def __call__(self, counts_x: Any, counts_y: Any, matches: Any, extra: Any = None) -> Any:
        """The values of the kernel.

        Raises
        ------
        InvalidArgumentError
            When shapes differ, counts are negative, or sums differ.
        """
        smallest = 0 if self.net.extra_token == "last" else 1
        of_x = _as_counts(counts_x, "counts_x", self.net.vocab_size, smallest)
        of_y = _as_counts(counts_y, "counts_y", of_x.shape[-1], smallest)
        require(of_y.shape == of_x.shape, "counts_y", f"must be of shape {of_x.shape}", of_y.shape)
        lengths = [int(counts.reshape(-1, counts.shape[-1])[0].sum()) for counts in (of_x, of_y)]
        differ = lengths[0] != lengths[1]
        if differ:
            require_any_length(self.net, *lengths)
        of_both = _as_integers(matches, "matches")
        require(of_both.shape == of_x.shape[:-1], "matches", f"must be of shape {of_x.shape[:-1]}", of_both.shape)
        whole = (of_x, of_y)
        if differ and self.net.extra_token == "last":
            whole = _with_last_of_the_shorter(
                of_x, of_y, lengths, self._on_tables()._as_extra(extra, of_x[..., None, :])
            )
        in_common = np.minimum(*whole).sum(axis=-1)
        possible = int(of_both.min()) >= 0 and bool((of_both <= in_common).all())
        require(
            possible, "matches", "must be between 0 and the number of tokens in common", of_both.ravel()[:3].tolist()
        )
        pairs = self._on_tables()._as_extra(extra, of_x[..., None, :])
        pairs = None if pairs is None else pairs.reshape(-1, 2)
        of_x, of_y = (counts.reshape(-1, of_x.shape[-1]) for counts in (of_x, of_y))
        flat = of_both.reshape(-1)
        step = max(1, BLOCK_BYTES // (8 * 5 * ARRAYS_AT_ONCE))
        blocks = []
        for i in range(0, len(flat), step):
            own = slice(i, i + step)
            extras = None if pairs is None else pairs[own]
            sides = overlap_sides_of_counts(of_x[own], of_y[own], flat[own], extras, self.net.extra_token)
            blocks.append(values_of(self.net, sides, self.tangent, len(flat[own])))
        length = None if differ else lengths[0] + (self.net.extra_token == "last")
        values = self.factor(length, of_x.shape[-1]) * np.concatenate(blocks).reshape(of_both.shape)
        return float(values) if values.ndim == 0 else values

    def __repr__(self) -> str:
        return self._text("match_kernel")


def _with_last_of_the_shorter(
    of_x: np.ndarray, of_y: np.ndarray, lengths: list[int], extra: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Counts of the positions that both have: the last token of the shorter sequence faces one of the longer one's others."""
    vocabulary = np.arange(of_x.shape[-1])
    ends = (extra[..., None] == vocabulary).astype(np.int64)
    return (of_x + ends[..., 0, :], of_y) if lengths[0] < lengths[1] else (of_x, of_y + ends[..., 1, :])


def overlap_sides_of_counts(
    of_x: np.ndarray, of_y: np.ndarray, matches: np.ndarray, extra: np.ndarray | None, extra_token: str | None
) -> Sides:
    """The cells of the overlap ring for token counts (k, V) and matches (k,) of all positions but the extra one."""
    of_x, of_y, matches = (counts.astype(np.float64) for counts in (of_x, of_y, matches))
    same = None if extra is None else extra[:, 0] == extra[:, 1]
    if extra_token == "last":
        for counts, tokens in ((of_x, extra[:, 0]), (of_y, extra[:, 1])):
            counts[np.arange(len(counts)), tokens] += 1
    lengths, query = (int(of_x[0].sum()), int(of_y[0].sum())), extra_token == "query"
    if extra_token == "last" and lengths[0] == lengths[1]:
        matches = matches + same
    pair = OverlapCells.from_counts(lengths, (of_x * of_y).sum(axis=1), matches, same, query)
    own = (own_cells(length, (counts**2).sum(axis=1), query) for length, counts in zip(lengths, (of_x, of_y)))
    return pair, *own


def _as_integers(value: Any, argument: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidArgumentError(f"{argument} must be an array, got ragged {shown(value)}") from None
    if array.dtype.kind not in "iu":
        raise InvalidTypeError(f"{argument} must hold integers, got entries of type {array.dtype}")
    return array


def _as_tables(value: Any, vocab_size: int | None, smallest_sum: int) -> np.ndarray:
    tables = _as_integers(value, "N")
    square = tables.ndim >= 2 and tables.shape[-1] == tables.shape[-2] and tables.size > 0
    require(square, "N", "must be of shape (..., V, V)", tables.shape)
    known = vocab_size in (None, tables.shape[-1])
    require(known, "N", f"must have tables of {vocab_size} x {vocab_size} tokens", tables.shape)
    _require_counts(tables, "N", tables.sum(axis=(-1, -2)).ravel(), "tables", smallest_sum)
    return tables.astype(np.int64)


def _as_counts(value: Any, argument: str, vocab_size: int | None, smallest_sum: int) -> np.ndarray:
    counts = _as_integers(value, argument)
    require(counts.ndim >= 1 and counts.size > 0, argument, "must be of shape (..., V)", counts.shape)
    known = vocab_size in (None, counts.shape[-1])
    require(known, argument, f"must have counts of {vocab_size} tokens", counts.shape)
    _require_counts(counts, argument, counts.sum(axis=-1).ravel(), "rows", smallest_sum)
    return counts.astype(np.int64)


def _require_counts(array: np.ndarray, argument: str, sums: np.ndarray, name: str, smallest_sum: int) -> None:
    least, most = int(array.min()), int(array.max())
    require(least >= 0, argument, "must hold counts of at least 0", least)
    require(most <= _LARGEST_COUNT, argument, f"must hold counts of at most {_LARGEST_COUNT}", most)
    require(int(sums[0]) >= smallest_sum, argument, f"must count at least {smallest_sum} positions", int(sums[0]))
    if (sums != sums[0]).any():
        found = sorted({int(total) for total in sums})[:3]
        raise InvalidArgumentError(f"{argument} must have {name} of one sum, got {found}")
