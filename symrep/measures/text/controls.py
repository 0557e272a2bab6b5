"""Controls beside a text: windows whose symmetry is known, with the same words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symrep.measures.text.windows import Windows

_WINDOWS_AT_ONCE = 2**14


def shuffled_windows(windows: Windows, generator: np.random.Generator) -> Windows:
    """Every window with its tokens in random order: exchangeable.

    >>> from symrep.measures.text import sampled_windows
    >>> windows = sampled_windows(np.arange(400).reshape(100, 4) % 7, 7)
    >>> found = shuffled_windows(windows, np.random.default_rng(0))
    >>> bool((np.sort(found.chunks[0]) == np.sort(windows.chunks[0])).all())
    True
    """
    return windows.map(lambda chunk: generator.permuted(chunk, axis=1), f"{windows.source}, shuffled within windows")


def shuffled_corpus(windows: Windows, generator: np.random.Generator) -> Windows:
    """Independent tokens with the frequencies of the text: no covariance between positions."""
    frequencies = np.zeros(windows.vocab_size)
    for chunk in windows.chunks:
        frequencies += np.bincount(np.asarray(chunk).ravel(), minlength=windows.vocab_size)
    cumulative = _cumulative(frequencies)
    return windows.map(
        lambda chunk: np.searchsorted(cumulative, generator.random(chunk.shape), side="right"),
        f"{windows.source}, shuffled over the corpus",
    )


def markov_windows(windows: Windows, generator: np.random.Generator) -> Windows:
    """Windows of the stationary Markov chain with the transitions between neighbouring positions of these windows.

    What a chain of order 1 shares with a text is symmetric too, in part: only what is beyond it speaks for more.
    """
    vocab_size = windows.vocab_size
    pairs = np.zeros((vocab_size, vocab_size))
    for chunk in windows.chunks:
        for s in range(windows.length - 1):
            joint = np.asarray(chunk[:, s], dtype=np.int64) * vocab_size + chunk[:, s + 1]
            pairs += np.bincount(joint, minlength=vocab_size**2).reshape(pairs.shape)
    start = _cumulative(_stationary(pairs))
    steps = np.array([_cumulative(row) if row.any() else start for row in pairs])

    def drawn(chunk: np.ndarray) -> np.ndarray:
        parts = range(0, len(chunk), _WINDOWS_AT_ONCE)
        return np.concatenate(
            [_chains(start, steps, (min(_WINDOWS_AT_ONCE, len(chunk) - i), windows.length), generator) for i in parts]
        )

    return windows.map(drawn, f"{windows.source}, Markov chain")


def _cumulative(frequencies: np.ndarray) -> np.ndarray:
    """Cumulative probabilities; the last one that occurs is exactly 1, so that no draw is beyond it."""
    cumulative = np.cumsum(frequencies) / frequencies.sum()
    cumulative[np.flatnonzero(frequencies)[-1] :] = 1.0
    return cumulative


def _stationary(pairs: np.ndarray) -> np.ndarray:
    """The stationary distribution of a chain with these transition counts, from its frequencies on."""
    totals = pairs.sum(axis=1)
    transition = pairs / np.where(totals > 0, totals, 1.0)[:, None]
    distribution = totals / totals.sum()
    for _ in range(1000):
        # half a step, so that a chain that alternates settles as well
        step = distribution @ transition
        step += (1 - step.sum()) * totals / totals.sum()
        following = (distribution + step) / 2
        if np.abs(following - distribution).max() < 1e-15:
            break
        distribution = following
    return distribution


def _chains(start: np.ndarray, steps: np.ndarray, shape: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    n_windows, length = shape
    found = np.empty(shape, dtype=np.int64)
    draws = generator.random((length, n_windows))
    found[:, 0] = np.searchsorted(start, draws[0], side="right")
    for s in range(1, length):
        order = np.argsort(found[:, s - 1], kind="stable")
        states, firsts = np.unique(found[order, s - 1], return_index=True)
        for state, own in zip(states, np.split(order, firsts[1:])):
            found[own, s] = np.searchsorted(steps[state], draws[s, own], side="right")
    return found


Control = Callable[[Windows, np.random.Generator], Windows]
CONTROLS: dict[str, Control] = {
    "shuffled within windows": shuffled_windows,
    "shuffled over the corpus": shuffled_corpus,
    "Markov chain, same bigrams": markov_windows,
}
