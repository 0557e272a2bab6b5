r"""The coset order of S_n, in which the Fourier transform lists the n! values of a function.

The index of g is :math:`\sum_k c_k\, k!`, where :math:`c_k`, from 0 to k, is the number of smaller entries to the right
of the entry k in the array form of g. With :math:`w_c = s_{n-c} * \dots * s_{n-1}` the permutations with
:math:`c_{n-1} = c` are the coset :math:`w_c * S_{n-1}`: cosets are contiguous along the whole chain, the identity is
first, and S_m is the first m! elements of S_n.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import factorial
from typing import Any

from sympy.combinatorics import Permutation

from symrep.errors import require, require_integer
from symrep.representations.permutations import as_permutation


def permutation_index(g: Any) -> int:
    """The place of a permutation in the coset order of S_n, n its size.

    >>> permutation_index(Permutation([0, 2, 1])), permutation_index([2, 0, 1])
    (2, 4)
    """
    remaining = as_permutation(g, "g").array_form
    index = 0
    for k in range(len(remaining) - 1, 0, -1):
        position = remaining.index(k)
        index += (k - position) * factorial(k)
        del remaining[position]
    return index


def permutation_from_index(index: int, n: int) -> Permutation:
    """The permutation of 0..n-1 at a place of the coset order.

    >>> permutation_from_index(4, 3).array_form
    [2, 0, 1]
    """
    n = require_integer(n, "n", minimum=0)
    index = require_integer(index, "index", minimum=0)
    require(index < factorial(n), "index", f"must be less than {n}!", index)
    return Permutation(images_at(index, n))


def images_at(index: int, n: int) -> list[int]:
    """The array form of the permutation at a place that is known to exist."""
    images: list[int] = []
    for k in range(n):
        index, smaller_to_the_right = divmod(index, k + 1)
        images.insert(k - smaller_to_the_right, k)
    return images


def permutations_in_coset_order(n: int) -> Iterator[Permutation]:
    """All permutations of 0..n-1 in coset order, one at a time.

    >>> [g.array_form for g in permutations_in_coset_order(3)]
    [[0, 1, 2], [1, 0, 2], [0, 2, 1], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
    """
    n = require_integer(n, "n", minimum=0)
    return (Permutation(images_at(index, n)) for index in range(factorial(n)))
