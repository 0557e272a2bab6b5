r"""Whether a kernel on sequences is invariant under permutations of positions: a search for a counterexample.

For a permutation g of the positions, x o g is the sequence with token :math:`x_{g(s)}` at position s. Invariance is
:math:`K(x \circ g, y \circ g) = K(x, y)` for all x, y and g: what makes irreps of S_L labels of eigenspaces.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from sympy.combinatorics import Permutation

from symrep.errors import InvalidTypeError, NotInvariantError, require, require_integer, shown
from symrep.representations.permutations import adjacent_transposition
from symrep.spectra.gram_functions import GramFunction, gram_function
from symrep.spectra.kernel_functions import require_room_for_query

_EXHAUSTIVE = 64


class InvarianceWitness(NamedTuple):
    """Two sequences and a permutation with K(x, y) != K(x o g, y o g)."""

    x: tuple[int, ...]
    y: tuple[int, ...]
    permutation: Permutation


def find_invariance_witness(
    kernel: Any,
    vocab_size: int,
    length: int,
    generator: np.random.Generator | None = None,
    *,
    extra_tokens: int = 0,
    n_sequences: int = 40,
    n_permutations: int = 10,
    tolerance: float = 1e-9,
) -> InvarianceWitness | None:
    r"""Two sequences and a transposition of neighbouring positions that change the kernel, or None if none is found.

    With at most 64 sequences all of them and all transpositions of neighbours are tried, which decides. Otherwise random
    sequences and permutations are; a permutation that changes the kernel is then taken apart into transpositions of
    neighbours, one of which changes it.

    Parameters
    ----------
    kernel
        A network with numbers for its parameters, a function of integer arrays X (n, length + extra_tokens) and
        Y (m, same) that returns the n x m Gram matrix, or any other kernel that :func:`symrep.block_spectrum` takes (which
        are symmetric by their form, given the ``extra_tokens`` that they leave in place).
    vocab_size, length
        V and L, at least 1.
    generator
        Source of the random sequences and permutations; a fixed one unless given.
    extra_tokens
        Number of further positions that permutations leave alone.
    n_sequences, n_permutations
        How many to draw; every pair of sequences is tried with every permutation.
    tolerance
        Differences up to this times the largest value are rounding.

    Returns
    -------
    InvarianceWitness or None
        ``(x, y, permutation)``, the permutation one of the first ``length`` positions.

    Raises
    ------
    InvalidTypeError, InvalidArgumentError
        When the kernel is no function of two arrays, or returns another shape or numbers that are not finite.

    Notes
    -----
    Cost: the kernel at n_sequences^2 pairs for every permutation.

    Examples
    --------
    >>> x, y, g = find_invariance_witness(lambda X, Y: 1.0 * (X[:, None, 0] == Y[:, 0]), 2, 3)
    >>> x, y, g.array_form
    ((0, 0, 0), (0, 1, 0), [1, 0, 2])
    >>> find_invariance_witness(lambda X, Y: (X[:, None] == Y).sum(axis=2), 5, 20) is None
    True
    """
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=1)
    length = require_integer(length, "length", minimum=1)
    extra_tokens = require_integer(extra_tokens, "extra_tokens", minimum=0)
    require_room_for_query(kernel, extra_tokens)
    n_sequences = require_integer(n_sequences, "n_sequences", minimum=1)
    n_permutations = require_integer(n_permutations, "n_permutations", minimum=1)
    number = isinstance(tolerance, int | float) and not isinstance(tolerance, bool) and tolerance >= 0
    require(number, "tolerance", "must be a number of at least 0", tolerance)
    generator = np.random.default_rng(0) if generator is None else generator
    if not isinstance(generator, np.random.Generator):
        raise InvalidTypeError(f"generator must be a numpy.random.Generator, got {shown(generator)}")
    gram_of = gram_function(kernel, vocab_size)
    columns = length + extra_tokens
    if vocab_size == 1:
        # one sequence, which permutations leave as it is
        length = 1
    if vocab_size**columns <= _EXHAUSTIVE:
        x = np.arange(vocab_size**columns)[:, None] // vocab_size ** np.arange(columns)[::-1] % vocab_size
        permutations = [list(g.array_form) for g in map(adjacent_transposition, range(1, length), [length] * length)]
    else:
        x = generator.integers(vocab_size, size=(n_sequences, columns))
        # tokens that sequences share are rare in a large vocabulary: half of the sequences have two tokens only
        shared = generator.integers(vocab_size, size=2)
        x[::2] = shared[generator.integers(2, size=x[::2].shape)]
        permutations = [generator.permutation(length).tolist() for _ in range(n_permutations)]
    gram = gram_of(x, x)
    allowed = tolerance * np.abs(gram).max()
    for places in permutations:
        moved = _moved(x, places)
        different = np.abs(gram_of(moved, moved) - gram) > allowed
        if different.any():
            i, j = np.argwhere(different)[0]
            return _smallest_step(gram_of, x[i : i + 1], x[j : j + 1], places, allowed)
    return None


def require_invariant(kernel: Any, vocab_size: int, length: int, **options: Any) -> None:
    """Raise NotInvariantError with a witness if one is found; arguments as :func:`find_invariance_witness`.

    Examples
    --------
    >>> require_invariant(lambda X, Y: 1.0 * (X[:, None, 0] == Y[:, 0]), 2, 3)
    Traceback (most recent call last):
    ...
    symrep.errors.NotInvariantError: kernel must not change when positions are permuted, got K(x, y) = 1 at x = (0, 0, 0), y = (0, 1, 0) and K(x o g, y o g) = 0 for g = [1, 0, 2]
    """
    witness = find_invariance_witness(kernel, vocab_size, length, **options)
    if witness is None:
        return
    x, y, g = np.array([witness.x]), np.array([witness.y]), witness.permutation.array_form
    gram_of = gram_function(kernel, vocab_size)
    before, after = (float(gram_of(*pair)[0, 0]) for pair in ((x, y), (_moved(x, g), _moved(y, g))))
    raise NotInvariantError(
        f"kernel must not change when positions are permuted, got K(x, y) = {before:.9g} at x = {witness.x}, "
        f"y = {witness.y} and K(x o g, y o g) = {after:.9g} for g = {g}"
    )


def _smallest_step(
    gram_of: GramFunction, x: np.ndarray, y: np.ndarray, places: list[int], allowed: float
) -> InvarianceWitness:
    """The step along the permutation, neighbour by neighbour, that changes the kernel most."""
    steps = []
    value = gram_of(x, y)[0, 0]
    for s in _neighbours(places):
        swap = list(range(len(places)))
        swap[s], swap[s + 1] = s + 1, s
        after = _moved(x, swap), _moved(y, swap)
        changed = gram_of(*after)[0, 0]
        steps.append((abs(changed - value), x, y, swap))
        (x, y), value = after, changed
    _, x, y, swap = max(steps, key=lambda step: step[0])
    return InvarianceWitness(tuple(x[0].tolist()), tuple(y[0].tolist()), Permutation(swap))


def _neighbours(places: list[int]) -> Iterator[int]:
    """Positions s whose exchanges with s + 1, one after another, bring the tokens where ``places`` does."""
    current = list(range(len(places)))
    for target, wanted in enumerate(places):
        for s in range(current.index(wanted) - 1, target - 1, -1):
            current[s], current[s + 1] = current[s + 1], current[s]
            yield s


def _moved(x: np.ndarray, places: list[int]) -> np.ndarray:
    return np.concatenate([x[:, places], x[:, len(places) :]], axis=1)
