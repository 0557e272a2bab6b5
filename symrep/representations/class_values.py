"""Exact values on the conjugacy classes of symmetric groups, and the classes: shared by the class functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm
from numbers import Rational
from typing import Any, NamedTuple

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidTypeError, require_integer
from symrep.representations.character_streams import stream_rows
from symrep.representations.characters import character_table

Value = int | Fraction

_LARGEST_KEPT_TABLE = 16


class Classes(NamedTuple):
    """The cycle types of S_n, reverse lexicographic, with their numbers of permutations and their places."""

    cycle_types: tuple[Partition, ...]
    sizes: tuple[int, ...]
    index: dict[Partition, int]


@lru_cache(maxsize=32)
def classes_of(n: int) -> Classes:
    cycle_types = tuple(partitions(n))
    sizes = tuple(cycle_type.class_size for cycle_type in cycle_types)
    return Classes(cycle_types, sizes, {cycle_type: index for index, cycle_type in enumerate(cycle_types)})


def rows_of_table(n: int, shapes: tuple[Partition, ...] | None = None) -> Iterator[tuple[Partition, Iterable[int]]]:
    """Irreducible characters of S_n by shape, all unless some are asked for; only small tables are made whole."""
    if n <= _LARGEST_KEPT_TABLE:
        table = character_table(n)
        return ((shape, table.row(shape)) for shape in (table.shapes if shapes is None else shapes))
    return ((shape, row.tolist()) for shape, row in stream_rows(n, shapes))


def union(left: Partition, right: Partition) -> Partition:
    """The cycle type of a permutation of two sets of letters, from those on both."""
    return Partition._trusted(tuple(sorted(left.parts + right.parts, reverse=True)))


def power(cycle_type: Partition, k: int) -> Partition:
    """The cycle type of the k-th power: a cycle of length c falls into gcd(c, k) equal ones."""
    parts = (part // gcd(part, k) for part in cycle_type.parts for _ in range(gcd(part, k)))
    return Partition._trusted(tuple(sorted(parts, reverse=True)))


def reduced(value: Value) -> Value:
    """An int instead of an integral fraction, so that equal class functions have equal values of equal type."""
    return value.numerator if value.denominator == 1 else value


def exact_values(values: Iterable[Any], argument: str) -> tuple[Value, ...]:
    try:
        given = tuple(values)
    except TypeError:
        raise InvalidTypeError(f"{argument} must be a sequence of exact numbers, got {values!r}") from None
    return tuple(exact_value(value, f"entry of {argument}") for value in given)


def exact_value(value: Any, argument: str) -> Value:
    """An int, or a Fraction that is none, from an exact number of any library; floats and bools are refused."""
    if isinstance(value, Rational) and not isinstance(value, bool):
        return reduced(Fraction(int(value.numerator), int(value.denominator)))
    try:
        return require_integer(value, argument)
    except InvalidTypeError:
        raise InvalidTypeError(f"{argument} must be an integer or a fraction, got {value!r}") from None


def over_common_denominator(values: Iterable[Value]) -> tuple[list[int], int]:
    """Integer numerators and one denominator."""
    values = tuple(values)
    denominator = lcm(*(value.denominator for value in values))
    return [int(value * denominator) for value in values], denominator
