r"""Means of a kernel between a class of sequences of the measure and a single sequence, of any length.

A class A of sequences x has given tokens at the named positions and given counts of the others
(:mod:`symrep.learning.invariant_space`). What is needed of another sequence y is :math:`E[K(x, y) | x \in A]`, the mean over
arrangements of the unnamed tokens of x. It depends on the tokens of y at the named positions, on the counts of y at the
unnamed positions that both have, on all counts of y, and on its last or query token. A polynomial in u and m needs only
the factorial moments of the number m of matches at the unnamed positions,

.. math:: E[(m)_j] = \frac{1}{(n)_j} \sum_{|r| = j} \binom{j}{r} \prod_v (n_v)_{r_v} (n'_v)_{r_v},

for n unnamed positions of x, :math:`n_v` their counts and :math:`n'_v` those of y.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb
from typing import Any

import numpy as np
import sympy
from tqdm import tqdm

from symrep.errors import InvalidArchitectureError, InvalidArgumentError, shown
from symrep.kernels import Network
from symrep.kernels.gram import require_any_length
from symrep.kernels.joint_counts import MatchCountKernel, NetworkKernel
from symrep.kernels.layers import OVERLAPS
from symrep.kernels.overlaps import (
    first_overlap_symbol,
    matches_symbol,
    overlap_symbol,
    same_token_symbol,
    second_overlap_symbol,
)
from symrep.kernels.sequences import token_counts
from symrep.learning.arrangements import arranged_pairs, match_chances, pair_values
from symrep.learning.invariant_space import InvariantSpace
from symrep.spectra.moments import compositions, multinomial, stirling

OVERLAP_GENERATORS = (overlap_symbol, first_overlap_symbol, second_overlap_symbol, same_token_symbol, matches_symbol)
NOTHING = -1
_LOW_DEGREE, _HIGH_DEGREE, _SHORT_LENGTH = 8, 14, 60
# so few that what is made on the way stays in the caches of the processor
_ENTRIES_AT_ONCE = 2**16


@dataclass(frozen=True, eq=False)
class OtherSequences:
    """What a kernel sees of sequences y beside the classes of a space; one row for every sequence.

    Attributes
    ----------
    length
        The number of positions of y, without a query.
    at_named
        The tokens at the named positions of the space that attention sees, -1 where y has none: (n, named).
    shared
        The counts at the unnamed positions that both have, (n, V).
    context
        The counts at all positions of y, without a query: (n, V).
    extra
        The last or query tokens of y, or zeros: (n,).
    """

    length: int
    at_named: np.ndarray
    shared: np.ndarray
    context: np.ndarray
    extra: np.ndarray

    def __len__(self) -> int:
        return len(self.extra)

    def rows(self) -> np.ndarray:
        """All of it in one integer array."""
        return np.concatenate([self.at_named, self.shared, self.context, self.extra[:, None]], axis=1)

    def take(self, index: Any) -> OtherSequences:
        """Some of the rows."""
        names = ("at_named", "shared", "context", "extra")
        return replace(self, **{name: getattr(self, name)[index] for name in names})


def other_sequences(space: InvariantSpace, places: tuple[int, ...], sequences: np.ndarray) -> OtherSequences:
    """What the kernel sees of sequences (n, tokens) of any length, for a space whose named positions are ``places``."""
    query = space.extra_token == "query"
    context = sequences[:, :-1] if query else sequences
    own = places[:-1] if query else places
    at_named = np.full((len(sequences), len(own)), NOTHING)
    for i, place in enumerate(own):
        if place < context.shape[1]:
            at_named[:, i] = context[:, place]
    unnamed = [s for s in range(min(space.length, context.shape[1])) if s not in own]
    extra = sequences[:, -1] if space.has_extra else np.zeros(len(sequences), dtype=np.int64)
    counts = (token_counts(tokens, space.vocab_size) for tokens in (context[:, unnamed], context))
    return OtherSequences(context.shape[1], at_named, *counts, extra)


def own_classes(space: InvariantSpace) -> OtherSequences:
    """One sequence y of every class of the space itself."""
    extra = space.tokens[:, -1] if space.has_extra else np.zeros(space.dimension, dtype=np.int64)
    return OtherSequences(space.length, space.context_tokens, space.rest_counts, space.context_counts, extra)


def is_network_kernel(kernel: Any) -> bool:
    """Whether the kernel is that of a network, NNGP or tangent, and so known for sequences of any length."""
    return isinstance(kernel, Network | NetworkKernel)


def kernel_means(kernel: Any, space: InvariantSpace, others: OtherSequences) -> np.ndarray:
    r""":math:`E[K(x, y) | x \in A]` for every class A of a space and every y: (dimension, n).

    Cost: for polynomial kernels the size of the result; else for every different y the number of classes times the number
    of positions, or, where the kernel sees whole joint count tables, the number of those.

    Raises
    ------
    InvalidArgumentError
        When the kernel is not that of a network: only there it is known for all sequences.
    InvalidArchitectureError
        When the network has no kernel between sequences of these lengths.
    SizeLimitError
        When a kernel that sees whole joint count tables has too many of them.
    """
    net = getattr(kernel, "net", kernel)
    if not is_network_kernel(kernel):
        raise InvalidArgumentError(f"spec must have the kernel of a network for such sequences x, got {shown(kernel)}")
    tangent = False if isinstance(kernel, Network) else kernel.tangent
    if space.length != others.length:
        require_any_length(net, space.length, others.length)
    _, first, index = np.unique(others.rows(), axis=0, return_index=True, return_inverse=True)
    different = others.take(first)
    if has_short_polynomial(net, space.length):
        text = "ntk" if tangent else "nngp"
        polynomial = sympy.Poly(
            net.overlap_polynomial(text, lengths=(space.length, others.length)), *OVERLAP_GENERATORS
        )
        found = polynomial_means(polynomial, space, different)
    else:
        means = _match_means if OVERLAPS in net.layouts else _table_means
        found = means(net, tangent, space, different)
    if isinstance(kernel, NetworkKernel):
        same = space.length == others.length
        found = kernel.factor(space.length if same else None, space.vocab_size) * found
    return found[:, index.ravel()]


def has_short_polynomial(net: Network, length: int) -> bool:
    """Whether the kernel is a polynomial in the overlaps of so low a degree that it is the fastest way to its means."""
    degree = net.overlap_degree
    if degree is None or degree > (_LOW_DEGREE if length <= _SHORT_LENGTH else _HIGH_DEGREE):
        return False
    try:
        net.overlap_polynomial()
    except InvalidArchitectureError:
        return False
    return True


def polynomial_means(
    polynomial: sympy.Poly, space: InvariantSpace, others: OtherSequences, *, progress: bool = False
) -> np.ndarray:
    """The means of a polynomial in u, u_xx, u_yy, g and m with numbers for coefficients: (dimension, n)."""
    found = np.empty((space.dimension, len(others)))
    shared, index = np.unique(others.shared, axis=0, return_inverse=True)
    powers_of_m = _powers_of_unnamed_matches(space, shared, max(j for *_, j in polynomial.monoms()))
    step = max(1, _ENTRIES_AT_ONCE // space.dimension)
    for start in tqdm(range(0, len(others), step), "kernel", disable=not progress, leave=False, unit=" parts"):
        part = slice(start, start + step)
        unnamed = [power[:, index.ravel()[part]] for power in powers_of_m]
        found[:, part] = _means_of_some(polynomial, space, others.take(part), unnamed)
    return found


def _means_of_some(
    polynomial: sympy.Poly, space: InvariantSpace, others: OtherSequences, unnamed: list[np.ndarray]
) -> np.ndarray:
    counts, context = space.context_counts.astype(np.float64), others.context.astype(np.float64)
    same = np.equal.outer(space.tokens[:, -1], others.extra).astype(np.float64) if space.has_extra else None
    overlaps = counts @ context.T, (counts**2).sum(axis=1)[:, None], (context**2).sum(axis=1)[None, :], same
    powers_of_m = _powers_of_matches(space, others, unnamed)
    total = np.zeros((space.dimension, len(others)))
    for (*exponents, j), coefficient in polynomial.terms():
        term = float(coefficient) * powers_of_m[j]
        for base, exponent in zip(overlaps, exponents):
            if exponent:
                term *= base**exponent
        total += term
    return total


def _agreeing(tokens: np.ndarray, others: OtherSequences) -> np.ndarray:
    """At how many named positions the tokens (k, named) and those of y agree: (k, n)."""
    return (tokens[:, None] == others.at_named[None]).sum(axis=2)


def _powers_of_matches(space: InvariantSpace, others: OtherSequences, unnamed: list[np.ndarray]) -> list[np.ndarray]:
    """The means of m^0, m^1, ... over arrangements of the unnamed tokens, (dimension, n) each, from those of the matches there."""
    n_rest = len(space.rest)
    agreeing = _agreeing(space.context_tokens[::n_rest], others)[:, None].astype(np.float64)
    powers = []
    for j in range(len(unnamed)):
        power = np.zeros((len(space.words), n_rest, len(others)))
        for i in range(j + 1):
            power += comb(j, i) * agreeing ** (j - i) * unnamed[i]
        powers.append(power.reshape(space.dimension, len(others)))
    return powers


def _powers_of_unnamed_matches(space: InvariantSpace, shared: np.ndarray, degree: int) -> list[np.ndarray]:
    """The means of the powers, up to a degree, of the matches at unnamed positions: (count vectors of the space, of y) each."""
    falling = [_falling_matches(space, shared, i) for i in range(degree + 1)]
    return [sum(stirling(j, i) * falling[i] for i in range(j + 1)) for j in range(degree + 1)]


def _falling_matches(space: InvariantSpace, shared: np.ndarray, order: int) -> np.ndarray:
    """The factorial moment of the matches at unnamed positions, for every count vector of the space and of y."""
    total = np.zeros((len(space.rest), len(shared)))
    if order > space.unnamed:
        return total
    sides = [_falling_powers(counts, order) for counts in (space.rest, shared)]
    for exponents in compositions(order, space.vocab_size):
        ours, theirs = (np.prod([side[r, :, v] for v, r in enumerate(exponents)], axis=0) for side in sides)
        total += np.outer(ours, theirs) * multinomial(exponents)
    return total / float(np.prod([space.unnamed - i for i in range(order)], dtype=np.float64))


def _falling_powers(counts: np.ndarray, order: int) -> np.ndarray:
    """The falling factorials of counts, (order + 1, n, V)."""
    falling = np.ones((order + 1, *counts.shape))
    for r in range(order):
        falling[r + 1] = falling[r] * (counts - r)
    return falling


def _match_means(net: Network, tangent: bool, space: InvariantSpace, others: OtherSequences) -> np.ndarray:
    """From the kernel at counts of x, counts of y and matches, with the distribution of the matches."""
    function = MatchCountKernel(net, tangent)
    agreeing, n_words = _agreeing(space.context_tokens, others), len(space.words)
    of_x, of_y = space.context_counts.copy(), others.context.copy()
    if space.extra_token == "last":
        of_x[np.arange(len(of_x)), space.tokens[:, -1]] -= 1
        of_y[np.arange(len(of_y)), others.extra] -= 1
        if space.length == others.length:
            agreeing = agreeing - np.equal.outer(space.tokens[:, -1], others.extra)
    found = np.empty((space.dimension, len(others)))
    for i in range(len(others)):
        chances = np.tile(match_chances(tuple(others.shared[i].tolist()), space.unnamed), (n_words, 1))
        x, rest = np.nonzero(chances)
        extra = None
        if space.has_extra:
            extra = np.stack([space.tokens[x, -1], np.broadcast_to(others.extra[i], len(x))], axis=1)
        apart = np.broadcast_to(of_y[i], (len(x), space.vocab_size))
        values = function(of_x[x], apart, agreeing[x, i] + rest, extra)
        found[:, i] = np.bincount(x, weights=values * chances[x, rest], minlength=space.dimension)
    return found


def _table_means(net: Network, tangent: bool, space: InvariantSpace, others: OtherSequences) -> np.ndarray:
    """From the kernel between sequences, a pair for every joint count table of the unnamed positions."""
    if space.extra_token == "last" and others.length < space.length:
        raise InvalidArgumentError(
            f"x must have at least length {space.length} for a kernel of whole count tables with a last token, got {others.length}"
        )
    found = np.zeros((space.dimension, len(others)))
    for i in range(len(others)):
        own = others.take(i)
        for classes, chances, x, y in arranged_pairs(space, own.at_named, own.shared, own.context, int(own.extra)):
            values = pair_values(net, tangent, x, y)
            found[:, i] += np.bincount(classes, weights=values * chances, minlength=space.dimension)
    return found
