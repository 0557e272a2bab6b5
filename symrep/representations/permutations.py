"""Permutations: the one place that converts sympy's 0-based permutations to cycle types, words and array actions.

Conventions, everywhere in symrep:

* a permutation is a ``sympy.combinatorics.Permutation`` and ``p * q`` is sympy's product, first p, then q:
  ``(p * q)(i) == q(p(i))``;
* every representation satisfies ``rho(p * q) == rho(p) * rho(q)`` for that product;
* the adjacent transposition :math:`s_i`, i = 1..n-1, swaps the points i - 1 and i of 0..n-1, that is the letters i and
  i + 1 of a tableau with entries 1..n.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sympy.combinatorics import Permutation

from symrep.combinatorics.partitions import Partition
from symrep.errors import InvalidPermutationError, InvalidTypeError, require, require_integer


def as_permutation(value: Any, argument: str = "g", degree: int | None = None) -> Permutation:
    """Return ``value`` as a sympy ``Permutation`` of 0..degree-1.

    Parameters
    ----------
    value
        A sympy ``Permutation`` of size at most ``degree``: a smaller one fixes the remaining points, as in sympy's own
        products; a larger one is refused, even if it fixes the points beyond. Or the array form, a sequence of exactly
        ``degree`` integers.
    argument
        The name that error messages use.
    degree
        n of the symmetric group; without it the size of ``value`` is kept.

    Raises
    ------
    InvalidPermutationError
        When ``value`` is not a permutation or has the wrong size.

    Examples
    --------
    >>> as_permutation([1, 2, 0], "g", 3).array_form, as_permutation(Permutation(0, 1), "g", 4).array_form
    ([1, 2, 0], [1, 0, 2, 3])
    >>> as_permutation([1, 0], "g", 3)
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidPermutationError: g must list the images of 0..2, got [1, 0]
    """
    if isinstance(value, Permutation):
        if degree is None or value.size == degree:
            return value
        rule = f"must permute at most the points 0..{degree - 1}"
        require(value.size < degree, argument, rule, value.array_form, InvalidPermutationError)
        return Permutation(value.array_form, size=degree)
    try:
        images = [require_integer(image, argument) for image in value]
    except (TypeError, InvalidTypeError):
        rule = "must be a sympy Permutation or a sequence of integers"
        raise InvalidPermutationError(f"{argument} {rule}, got {value!r}") from None
    size = len(images) if degree is None else degree
    require(
        sorted(images) == list(range(size)),
        argument,
        f"must list the images of 0..{size - 1}",
        images,
        InvalidPermutationError,
    )
    return Permutation(images)


def cycle_type(g: Any, n: int | None = None) -> Partition:
    """The cycle lengths of g as a partition of n, fixed points included.

    >>> cycle_type(Permutation([1, 2, 0, 4, 3, 5]))
    Partition((3, 2, 1))
    >>> cycle_type(Permutation(0, 1), 4)
    Partition((2, 1, 1))
    """
    g = as_permutation(g, "g", n)
    lengths = [length for length, count in g.cycle_structure.items() for _ in range(count)]
    return Partition(sorted(lengths, reverse=True))


def permutation_of_cycle_type(shape: Partition | Iterable[int]) -> Permutation:
    """One permutation with the given cycle type: consecutive points form the cycles.

    >>> permutation_of_cycle_type((3, 2)).array_form
    [1, 2, 0, 4, 3]
    """
    parts = shape.parts if isinstance(shape, Partition) else Partition(shape).parts
    images: list[int] = []
    for part in parts:
        start = len(images)
        images += [*range(start + 1, start + part), start]
    return Permutation(images)


def adjacent_transposition(i: int, n: int) -> Permutation:
    """:math:`s_i` in S_n: swaps the points i - 1 and i, for i = 1..n-1.

    >>> adjacent_transposition(1, 3).array_form, adjacent_transposition(2, 3).array_form
    ([1, 0, 2], [0, 2, 1])
    """
    n = require_integer(n, "n", minimum=0)
    i = require_integer(i, "i")
    require(1 <= i < n, "i", f"must lie in 1..{n - 1}", i)
    images = list(range(n))
    images[i - 1], images[i] = i, i - 1
    return Permutation(images)


def coset_steps(images: Sequence[int]) -> list[range]:
    r"""Factors of a reduced word along S_1 < S_2 < ... < S_n: the k-th belongs to the step from S_k to S_{k+1}.

    With the array form ``images`` of g, :math:`g = w_{n-1} * \dots * w_2 * w_1`, where
    :math:`w_k = s_j * s_{j+1} * \dots * s_k` for the indices j..k of entry k - 1 of the result (an empty range is the
    identity).
    """
    remaining = list(images)
    steps = []
    for k in range(len(remaining) - 1, 0, -1):
        position = remaining.index(k)
        steps.append(range(position + 1, k + 1))
        del remaining[position]
    return steps[::-1]


def reduced_word(g: Any) -> tuple[int, ...]:
    r"""A shortest tuple :math:`(i_1, i_2, \dots)` with :math:`g = s_{i_1} * s_{i_2} * \dots` in sympy's product.

    :math:`s_i` swaps the points i - 1 and i. The length is the number of inversions of g; O(n^2) steps.

    >>> reduced_word(Permutation([1, 2, 0]))
    (2, 1)
    >>> adjacent_transposition(2, 3) * adjacent_transposition(1, 3) == Permutation([1, 2, 0])
    True
    """
    steps = coset_steps(as_permutation(g, "g").array_form)
    return tuple(i for step in reversed(steps) for i in step)


def act_on_sequence(g: Any, x: Sequence[Any]) -> tuple[Any, ...]:
    r"""The sequence :math:`x \circ g^{-1}`: entry g(i) is ``x[i]``, the token at i moves to position g(i).

    For sympy's product ``act_on_sequence(p * q, x) == act_on_sequence(q, act_on_sequence(p, x))``.

    >>> act_on_sequence(Permutation([1, 2, 0]), "abc")
    ('c', 'a', 'b')
    """
    images = as_permutation(g, "g", len(x)).array_form
    moved = [None] * len(x)
    for i, image in enumerate(images):
        moved[image] = x[i]
    return tuple(moved)


def act_on_positions(g: Any, f: Any, vocab_size: int | None = None) -> np.ndarray:
    r"""The representation of S_L on functions of a sequence: :math:`(\rho(g) f)(x) = f(x \circ g^{-1})`.

    :math:`\rho(p * q) = \rho(p) \rho(q)`, and the function :math:`x \mapsto [x_j = v]` goes to
    :math:`x \mapsto [x_{g^{-1}(j)} = v]`, as in the natural representation.

    Parameters
    ----------
    g
        A permutation of the L positions.
    f
        An array with one axis per position, or, with ``vocab_size``, a vector of the V^L values in the order of
        ``itertools.product(range(V), repeat=L)``.
    vocab_size
        V, only for a vector.

    Returns
    -------
    numpy.ndarray
        An array of the shape of ``f`` with its axes permuted; the entries are those of ``f``.

    Examples
    --------
    >>> f = np.arange(8).reshape(2, 2, 2)
    >>> p = Permutation([1, 2, 0])
    >>> int(act_on_positions(p, f)[0, 0, 1]), int(f[act_on_sequence(p, (0, 0, 1))])
    (4, 4)
    """
    f = np.asarray(f)
    if vocab_size is None:
        g = as_permutation(g, "g", f.ndim)
        return f.transpose(g.array_form)
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=1)
    length = as_permutation(g, "g").size
    while 1 < vocab_size and vocab_size**length < f.size:
        length += 1
    rule = f"must be a vector of {vocab_size}^L values, L at least the size of g"
    require(f.shape == (vocab_size**length,), "f", rule, f.shape)
    g = as_permutation(g, "g", length)
    return f.reshape((vocab_size,) * length).transpose(g.array_form).reshape(f.shape)
