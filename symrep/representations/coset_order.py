r"""The coset order of S_n, in which the Fourier transform lists the n! values of a function.

The index of g is :math:`\sum_k c_k\, k!`, where :math:`c_k`, from 0 to k, is the number of smaller entries to the right
of the entry k in the array form of g. With :math:`w_c = s_{n-c} * \dots * s_{n-1}` the permutations with
:math:`c_{n-1} = c` are the coset :math:`w_c * S_{n-1}`: cosets are contiguous along the whole chain, the identity is
first, and S_m is the first m! elements of S_n.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np
from sympy.combinatorics import Permutation

from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError, require, require_integer
from symrep.representations.group_algebra import GroupAlgebraElement, as_fraction, is_exact_rational
from symrep.representations.permutations import as_permutation

LARGEST_DEGREE = 10


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


_LARGEST_INDEXED_DEGREE = 1000


def permutation_from_index(index: int, n: int) -> Permutation:
    """The permutation of 0..n-1 at a place of the coset order, for n at most 1000.

    >>> permutation_from_index(4, 3).array_form
    [2, 0, 1]
    """
    n = require_integer(n, "n", minimum=0)
    index = require_integer(index, "index", minimum=0)
    if n > _LARGEST_INDEXED_DEGREE:
        raise SizeLimitError(
            f"the coset order of S_{n} has {n}! places, the limit is n = {_LARGEST_INDEXED_DEGREE}: "
            "Permutation(images) makes a single permutation"
        )
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


def require_listable(n: int) -> None:
    """Refuse the degrees for which n! values would not fit."""
    if n > LARGEST_DEGREE:
        needed = f"{8 * factorial(n)}" if n < 100 else f"8 * {n}!"
        raise SizeLimitError(
            f"a function on S_{n} has {n}! values and takes {needed} bytes in float64, the limit is "
            f"n = {LARGEST_DEGREE}: seminormal(shape) and orthogonal(shape) represent single elements"
        )


def values_in_coset_order(f: Any, n: int | None) -> tuple[np.ndarray, int]:
    """A new or the given one-dimensional array, of dtype object unless it was given as an array; and n."""
    if isinstance(f, Mapping):
        terms = [(as_permutation(g, "g"), _as_number(value, "f")) for g, value in f.items()]
        degree = max((g.size for g, _ in terms), default=0) if n is None else n
        return _summed([(as_permutation(g, "g", degree), value) for g, value in terms], degree), degree
    if isinstance(f, GroupAlgebraElement):
        require(n in (None, f.n), "n", f"must be the degree {f.n} of f", n)
        return _summed([(Permutation(list(g)), as_fraction(value)) for g, value in f._terms.items()], f.n), f.n
    if not isinstance(f, np.ndarray):
        try:
            listed = list(f)
        except TypeError:
            rule = "must be an array of n! values, a dict {permutation: value} or a GroupAlgebraElement"
            raise InvalidTypeError(f"f {rule}, got {f!r}") from None
        f = np.empty(len(listed), dtype=object)
        f[:] = listed
    require(f.ndim == 1, "f", "must be one-dimensional", f.shape)
    degree = _degree_of(f.size) if n is None else n
    require_listable(degree)
    require(f.size == factorial(degree), "f", f"must have {degree}! = {factorial(degree)} values", f.size)
    return f, degree


def _summed(terms: list[tuple[Permutation, Any]], n: int) -> np.ndarray:
    """The n! values, those of equal permutations added."""
    require_listable(n)
    values = np.zeros(factorial(n), dtype=object)
    with _within_float_range("f"):
        for g, value in terms:
            values[permutation_index(g)] += value
    return values


def _degree_of(number_of_values: int) -> int:
    n = 1
    while factorial(n) < number_of_values:
        n += 1
    require(factorial(n) == number_of_values, "f", "must have n! values in coset order", number_of_values)
    return n


def as_floats(values: np.ndarray, argument: str) -> np.ndarray:
    """A new array of float64 or complex128 from numbers that are not all exact."""
    if values.dtype == object:
        numbers = [_as_number(value, argument) for value in values.tolist()]
        kind = complex if any(isinstance(number, complex) for number in numbers) else float
        with _within_float_range(argument):
            return np.array([kind(number) for number in numbers])
    require(
        values.dtype.kind in "iufc",
        argument,
        "must have float or exact rational entries",
        values.dtype,
        InvalidTypeError,
    )
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _as_number(value: Any, argument: str) -> int | Fraction | float | complex:
    """A Python number that adds to the others without rounding when both are exact."""
    if type(value) in (int, float):
        return value
    if is_exact_rational(value):
        return as_fraction(value)
    if isinstance(value, (complex, np.complexfloating)):
        return complex(value)
    if isinstance(value, (float, np.number)):
        return float(value)
    raise InvalidTypeError(f"{argument} must have float or exact rational entries, got {value!r}")


@contextmanager
def _within_float_range(argument: str) -> Iterator[None]:
    """Name the argument when an exact number is too large to be a float."""
    try:
        yield
    except OverflowError:
        rule = "must have entries in the range of float64 unless all are exact"
        raise InvalidArgumentError(f"{argument} {rule}, got an exact number beyond 1.8e308") from None
