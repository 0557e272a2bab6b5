"""Numbers against a second route: how many were compared, and the largest relative deviation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

TOLERANCE = 1e-10


@dataclass(frozen=True)
class Comparison:
    """One column of one table against its other route: how many numbers, where, and the largest relative deviation."""

    table: str
    quantity: str
    route: str
    count: int
    deviation: float

    @property
    def passed(self) -> bool:
        """Whether the deviation is within the tolerance; it is infinite where labels or rows are wrong."""
        return self.deviation <= TOLERANCE


class Deviations:
    """The largest deviation of every quantity seen."""

    def __init__(self) -> None:
        self.largest: dict[str, float] = {}
        self.count: dict[str, int] = {}

    def add(self, quantity: str, value: Any, reference: Any, scale: Any = None) -> None:
        """Compare a value with its reference, relative to the reference unless a scale is given."""
        scale = abs(reference) if scale is None else scale
        difference = abs(value - reference)
        relative = float(difference / scale) if scale else float(difference)
        relative = relative if isfinite(relative) else inf
        self.largest[quantity] = max(self.largest.get(quantity, 0.0), relative)
        self.count[quantity] = self.count.get(quantity, 0) + 1

    def comparisons(self, table_of: Callable[[str], str], route: str) -> Iterator[Comparison]:
        """One comparison for every quantity."""
        for quantity, deviation in self.largest.items():
            yield Comparison(table_of(quantity), quantity, route, self.count[quantity], deviation)
