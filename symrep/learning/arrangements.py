"""Arrangements of the tokens of x at unnamed positions beside a given sequence y: matches, and joint count tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import prod

import numpy as np
from scipy.special import gammaln

from symrep.errors import SizeLimitError
from symrep.kernels import Network
from symrep.kernels.gram import ARRAYS_AT_ONCE, BLOCK_BYTES, MEMORY_LIMIT, position_sides, values_of
from symrep.kernels.sequences import require_memory, token_counts
from symrep.learning.invariant_space import InvariantSpace
from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers

_MOST_PAIRS = 2 * 10**6
_TABLES_AT_ONCE = 2**14


@lru_cache(maxsize=512)
def match_chances(shared: tuple[int, ...], unnamed: int) -> np.ndarray:
    """For all counts of x at the unnamed positions, the probability of every number of matches with y.

    Position by position: with counts r of t tokens the next one is v with probability r_v / t, so that everything stays
    positive.

    Parameters
    ----------
    shared
        The counts of y at the unnamed positions that it has.
    unnamed
        The number of unnamed positions of x.

    Returns
    -------
    numpy.ndarray
        Of shape (count vectors, unnamed + 1).

    Examples
    --------
    >>> match_chances((1, 1), 2).tolist()
    [[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]
    """
    vocab_size = len(shared)
    tokens = np.concatenate([np.repeat(np.arange(vocab_size), shared), np.full(unnamed - sum(shared), -1)])
    chances = np.ones((1, 1))
    for total, own in enumerate(tokens.tolist(), start=1):
        counts = count_tables(total, vocab_size)
        longer = np.zeros((len(counts), total + 1))
        for v in range(vocab_size):
            rows, matched = np.flatnonzero(counts[:, v]), int(v == own)
            fewer = counts[rows]
            fewer[:, v] -= 1
            share = counts[rows, v] / total
            longer[rows, matched : total + matched] += chances[table_numbers(fewer)] * share[:, None]
        chances = longer
    chances.flags.writeable = False
    return chances


def arranged_pairs(
    space: InvariantSpace, at_named: np.ndarray, shared: np.ndarray, context: np.ndarray, extra: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs of sequences (x, y), one for every class of x and every table of its unnamed tokens against those of y.

    The positions that both have come first. Yields the numbers of the classes, the probability of the table in its class,
    x (n, tokens) and y (n, tokens).

    Raises
    ------
    SizeLimitError
        When there are too many; says how many.
    """
    vocab_size, query = space.vocab_size, space.extra_token == "query"
    groups = [*shared.tolist(), space.unnamed - int(shared.sum())]
    sizes = [number_of_tables(group, vocab_size) for group in groups]
    needed = prod(sizes) * len(space.words)
    if needed > _MOST_PAIRS:
        raise SizeLimitError(
            f"a sequence x has {needed} arrangements beside those of length {space.length}, more than {_MOST_PAIRS}"
        )
    there = at_named >= 0
    y = _other_sequence(at_named[there], shared, context, extra, space.extra_token)
    compositions = [count_tables(group, vocab_size) for group in groups]
    for start in range(0, prod(sizes), _TABLES_AT_ONCE):
        numbers = np.unravel_index(np.arange(start, min(start + _TABLES_AT_ONCE, prod(sizes))), sizes)
        tables = np.stack([own[index] for own, index in zip(compositions, numbers)], axis=1)
        rest = table_numbers(tables.sum(axis=1))
        log_ways = gammaln(np.array(groups) + 1).sum() - gammaln(tables + 1).sum(axis=(1, 2))
        chances = np.exp(log_ways - space.log_sizes[rest])
        unnamed = _written_out(tables)
        beside, alone = np.split(unnamed, [int(shared.sum())], axis=1)
        for k, word in enumerate(space.words):
            of_query = word[-1:] if query else word[:0]
            named = word[: len(at_named)]
            parts = (beside, named[there], alone, named[~there], of_query)
            x = np.concatenate([np.broadcast_to(part, (len(tables), part.shape[-1])) for part in parts], axis=1)
            yield k * len(space.rest) + rest, chances, x, np.broadcast_to(y, (len(tables), len(y)))


def _other_sequence(
    named: np.ndarray, shared: np.ndarray, context: np.ndarray, extra: int, extra_token: str | None
) -> np.ndarray:
    tokens = np.arange(len(shared))
    behind = context - shared - token_counts(named[None], len(shared))[0]
    ends_behind = extra_token == "last" and behind.sum() > 0
    behind[extra] -= ends_behind
    end = [extra] if ends_behind or extra_token == "query" else []
    return np.concatenate([np.repeat(tokens, shared), named, np.repeat(tokens, behind), np.array(end, dtype=np.int64)])


def _written_out(tables: np.ndarray) -> np.ndarray:
    """Counts of tokens in every group as sequences, group after group: (n, groups, V) to (n, positions)."""
    flat = tables.reshape(len(tables), -1)
    tokens = np.tile(np.arange(tables.shape[-1]), (len(tables), tables.shape[1]))
    return np.repeat(tokens.ravel(), flat.ravel()).reshape(len(tables), -1)


def pair_values(net: Network, tangent: bool, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The kernel of the sequences x and y, row by row."""
    needed = 8 * max(x.shape[1], y.shape[1]) ** 2 * ARRAYS_AT_ONCE
    require_memory(needed, MEMORY_LIMIT, f"one pair of sequences with {x.shape[1]} x {y.shape[1]} positions")
    step = max(1, BLOCK_BYTES // needed)
    found = []
    for start in range(0, len(x), step):
        own = slice(start, start + step)
        sides = position_sides(x[own], y[own], net.extra_token, aligned=True)
        found.append(values_of(net, sides, tangent, len(x[own])))
    return np.concatenate(found)
