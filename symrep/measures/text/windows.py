"""Windows of a text: sequences of one length, in contiguous chunks that are nearly independent of each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symrep.errors import InvalidArgumentError, require, require_integer
from symrep.kernels.sequences import as_sequences
from symrep.measures.text.corpus import Corpus

_FEWEST_CHUNKS = 8
_LARGEST_VOCABULARY = 2000


@dataclass(frozen=True, eq=False)
class Windows:
    """Sequences of token ids of one length, in chunks.

    Attributes
    ----------
    chunks
        Integer arrays (n_k, L): the windows of one stretch of the text each.
    vocab_size
        V; ids are below it.
    source
        Where they come from.
    n_overlapping
        From how many windows on they share no token: 1 unless the stride is shorter than a window.
    """

    chunks: tuple[np.ndarray, ...] = field(repr=False)
    vocab_size: int
    source: str
    n_overlapping: int = 1

    @property
    def length(self) -> int:
        """The number L of positions."""
        return self.chunks[0].shape[1]

    @property
    def sizes(self) -> np.ndarray:
        """The number of windows of every chunk."""
        return np.array([len(chunk) for chunk in self.chunks])

    def __len__(self) -> int:
        return int(self.sizes.sum())

    def __repr__(self) -> str:
        return f"<{len(self)} windows of length {self.length} from {self.source}, {self.vocab_size} tokens>"

    def map(self, change: Any, source: str) -> Windows:
        """The windows with a function applied to every chunk."""
        return replace(self, chunks=tuple(change(chunk) for chunk in self.chunks), source=source)

    def columns(self) -> Iterator[np.ndarray]:
        """Every chunk as (L, n_k), each position contiguous."""
        for chunk in self.chunks:
            yield np.ascontiguousarray(chunk.T, dtype=np.int32)

    def sample(self, n_windows: int, generator: np.random.Generator) -> np.ndarray:
        """At most so many windows that share no tokens, drawn without replacement: (n, L)."""
        chunks = [chunk[:: self.n_overlapping] for chunk in self.chunks]
        ends = np.cumsum([len(chunk) for chunk in chunks])
        chosen = np.sort(generator.choice(ends[-1], size=min(n_windows, ends[-1]), replace=False))
        parts = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
        drawn = [chunk[own - end + len(chunk)] for chunk, own, end in zip(chunks, parts, ends)]
        return np.concatenate(drawn).astype(np.int64)


def text_windows(
    corpus: Corpus, length: int = 16, *, stride: int | None = None, spacing: int = 1, n_chunks: int = 20
) -> Windows:
    """Windows of a text.

    Parameters
    ----------
    corpus
        From :func:`read_corpus`.
    length
        L, at least 2.
    stride
        Tokens from the start of a window to the start of the next; unless given the next one starts behind the last.
    spacing
        Tokens from one position of a window to the next: 1 for neighbours.
    n_chunks
        The number of stretches, at least 8; no window reaches from one into the next.

    Raises
    ------
    InvalidArgumentError
        When the text has fewer than two windows for every chunk, or a number is too small.

    Examples
    --------
    >>> from symrep.measures.text import read_corpus
    >>> windows = text_windows(read_corpus(vocab_size=5), 8, spacing=2)
    >>> windows.length, len(windows) > 2000
    (8, True)
    """
    span, stride, spacing, n_chunks = window_options(length, stride, spacing, n_chunks)
    rule = f"must be at most {_LARGEST_VOCABULARY} for windows"
    require(corpus.vocab_size <= _LARGEST_VOCABULARY, "vocab_size", rule, corpus.vocab_size)
    edges = np.linspace(0, corpus.n_tokens, n_chunks + 1).astype(np.int64)
    shortest = int(np.diff(edges).min())
    if shortest < span + stride:
        needed = n_chunks * (span + stride)
        raise InvalidArgumentError(
            f"text must have at least {needed} tokens for two windows in each of {n_chunks} chunks, got {corpus.n_tokens}"
        )
    stretches = (corpus.ids[start:end] for start, end in zip(edges, edges[1:]))
    chunks = tuple(np.lib.stride_tricks.sliding_window_view(own, span)[::stride, ::spacing] for own in stretches)
    return Windows(chunks, corpus.vocab_size, corpus.source, -(-span // stride))


def window_options(length: Any, stride: Any, spacing: Any, n_chunks: Any) -> tuple[int, int, int, int]:
    """The number of tokens that a window spans, the stride, the spacing and the number of chunks, checked."""
    length = require_integer(length, "length", minimum=2)
    spacing = require_integer(spacing, "spacing", minimum=1)
    span = (length - 1) * spacing + 1
    stride = span if stride is None else require_integer(stride, "stride", minimum=1)
    return span, stride, spacing, require_integer(n_chunks, "n_chunks", minimum=_FEWEST_CHUNKS)


def sampled_windows(samples: Any, vocab_size: int, *, n_chunks: int = 20, source: str = "samples") -> Windows:
    """Independent sequences, drawn from a measure say, as windows.

    >>> from symrep import measures
    >>> x = measures.iid_uniform(3).sample(np.random.default_rng(0), 100, 5)
    >>> sampled_windows(x, 3)
    <100 windows of length 5 from samples, 3 tokens>
    """
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=2)
    rows = np.atleast_2d(as_sequences(samples, "samples", vocab_size))
    n_chunks = require_integer(n_chunks, "n_chunks", minimum=_FEWEST_CHUNKS)
    require(rows.shape[1] >= 2, "samples", "must have at least length 2", rows.shape[1])
    require(len(rows) >= 2 * n_chunks, "samples", f"must be at least {2 * n_chunks} for {n_chunks} chunks", len(rows))
    return Windows(tuple(np.array_split(rows, n_chunks)), vocab_size, source)
