"""Dimensions by the hook length formula against Frobenius' determinant-free product over beta numbers: python benchmarks/bench_dimensions.py"""

from __future__ import annotations

import time
from math import factorial, prod

from symrep import Partition, random_standard_tableau
from symrep.combinatorics.cores import beta_numbers


def staircase(size: int) -> Partition:
    """A shape of the given size with rows that shrink steadily, as generic shapes of that size do."""
    parts, rest, row = [], size, int(2 * size**0.5)
    while rest:
        parts.append(min(row, rest))
        rest -= parts[-1]
        row = max(1, row - 1)
    return Partition(sorted(parts, reverse=True))


def frobenius(shape: Partition) -> int:
    beta = sorted(beta_numbers(shape), reverse=True)
    differences = prod(a - b for i, a in enumerate(beta) for b in beta[i + 1 :])
    return factorial(shape.size) * differences // prod(map(factorial, beta))


def seconds(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    import numpy as np

    print(f"{'size':>6} {'hooks s':>9} {'Frobenius s':>12} {'ratio':>6}")
    for size in (100, 1000, 10000):
        shape = staircase(size)
        hooks = min(seconds(lambda: Partition(shape.parts).dimension) for _ in range(3))
        other = min(seconds(lambda: frobenius(shape)) for _ in range(3))
        assert frobenius(shape) == shape.dimension
        print(f"{size:6} {hooks:9.5f} {other:12.5f} {other / hooks:6.1f}")
    walk = seconds(lambda: random_standard_tableau(staircase(10000), np.random.default_rng(0)))
    print(f"\na uniformly random standard tableau of 10000 cells: {walk:.2f} s")


if __name__ == "__main__":
    main()
