"""The order in which levels are listed, the same on every machine: equal eigenvalues of two irreps differ by rounding errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import copysign, isinf, log
from typing import Any

_DIGITS = 1e10


def largest_first(items: Iterable[Any], eigenvalue: Callable[[Any], float]) -> tuple[Any, ...]:
    """The items by eigenvalue, the largest first; those that agree to ten digits stay in the order given.

    >>> largest_first([("a", 0.1 + 0.2), ("b", 1.0), ("c", 0.3), ("d", -1.0)], lambda item: item[1])
    (('b', 1.0), ('a', 0.30000000000000004), ('c', 0.3), ('d', -1.0))
    """
    return tuple(sorted(items, key=lambda item: -_rank(float(eigenvalue(item)))))


def _rank(value: float) -> float:
    """Increases with the value, and is the same for values that agree to ten digits."""
    if value == 0 or isinf(value):
        return value
    # the smallest positive float has a logarithm above -746
    return copysign(round((log(abs(value)) + 750) * _DIGITS), value)
