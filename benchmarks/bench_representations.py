"""Irreps, projectors and Fourier transforms, each beside a naive way to the same numbers in the same run.

    python benchmarks/bench_representations.py

Times are the best of three in seconds, caches included in the first call of each object. A ratio says how many times
longer the naive way takes; "~" marks a naive time extrapolated from a part of the n! group elements.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice, permutations
from math import factorial
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_array
from sympy import QQ
from sympy.combinatorics import Permutation
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition, partitions
from symrep.representations.coset_order import permutations_in_coset_order
from symrep.representations.fourier import fourier_transform, inverse_fourier_transform
from symrep.representations.group_algebra import GroupAlgebraElement
from symrep.representations.irreps import orthogonal, seminormal
from symrep.representations.permutations import act_on_positions, reduced_word
from symrep.representations.projectors import isotypic_projector

SEED = 5
LARGEST_FULL_SUM = 6
SAMPLED_ELEMENTS = 2000


def best_time(action: Callable[[], Any], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        start = perf_counter()
        action()
        times.append(perf_counter() - start)
    return min(times)


def random_permutation(n: int) -> Permutation:
    return Permutation(np.random.default_rng(SEED).permutation(n).tolist())


def seminormal_matrix(shape: Partition) -> tuple[float, float]:
    """All generators and one exact matrix; the naive way multiplies sparse rational generators along a reduced word."""
    g = random_permutation(shape.size)

    def ours() -> None:
        rho = seminormal(shape)
        for i in range(1, rho.n):
            rho.generator(i)
        rho.matrix(g)

    def naive() -> DomainMatrix:
        rho = seminormal(shape)
        generators = [rho.generator(i).to_DM().to_sparse() for i in range(1, rho.n)]
        matrix = DomainMatrix.eye(rho.dimension, QQ)
        for i in reduced_word(g):
            matrix = matrix * generators[i - 1]
        return matrix

    assert naive().to_Matrix() == seminormal(shape).matrix(g).as_mutable()
    return best_time(ours), best_time(naive, repeats=1)


def orthogonal_matrix(shape: Partition) -> tuple[float, float]:
    """One float matrix, the basis included; the naive way multiplies scipy's sparse generators along a reduced word."""
    g = random_permutation(shape.size)

    def naive() -> np.ndarray:
        rho = orthogonal(shape)
        generators = [csr_array(rho.to_numpy(Permutation([[i - 1, i]], size=rho.n))) for i in range(1, rho.n)]
        matrix = np.eye(rho.dimension)
        for i in reversed(reduced_word(g)):
            matrix = generators[i - 1] @ matrix
        return matrix

    assert np.abs(naive() - orthogonal(shape).to_numpy(g)).max() < 1e-10
    return best_time(lambda: orthogonal(shape).to_numpy(g)), best_time(naive, repeats=1)


def projection(shape: Partition, vocab_size: int) -> tuple[float, float]:
    """One function on [V]^L; the naive way adds chi(g) rho(g) f over the group, a part of it, and extrapolates."""
    f = np.random.default_rng(SEED).standard_normal((vocab_size,) * shape.size)
    rho = seminormal(shape)

    def naive() -> None:
        total = 0
        for images in islice(permutations(range(shape.size)), SAMPLED_ELEMENTS):
            total = total + rho.character(images) * act_on_positions(Permutation(list(images)), f)

    ours = best_time(lambda: isotypic_projector(shape, vocab_size=vocab_size).apply(f))
    return ours, best_time(naive, repeats=1) * factorial(shape.size) / SAMPLED_ELEMENTS


def transform(n: int, exact: bool, inverse: bool = False) -> tuple[float, float]:
    """The naive way adds f(g) rho(g) for every shape, over the group or a part of it, and extrapolates."""
    generator = np.random.default_rng(SEED)
    f = generator.integers(-50, 50, factorial(n)) if exact else generator.standard_normal(factorial(n))
    fhat = fourier_transform(f)
    assert np.abs(inverse_fourier_transform(fhat) - f).max() < 1e-9
    number = factorial(n) if n <= LARGEST_FULL_SUM else 20
    if exact:
        number = min(number, 20)
    group = list(islice(permutations_in_coset_order(n), number))
    forms = [seminormal(shape) if exact else orthogonal(shape) for shape in partitions(n)]

    def naive() -> None:
        for rho in forms:
            total: Any = 0
            for value, g in zip(f.tolist(), group):
                matrix = rho.domain_matrix(g) * QQ(value) if exact else value * rho.to_numpy(g)
                total = matrix if isinstance(total, int) else total + matrix

    ours = best_time(lambda: inverse_fourier_transform(fhat) if inverse else fourier_transform(f))
    return ours, best_time(naive, repeats=1) * factorial(n) / number


def convolution(n: int) -> tuple[float, float]:
    """The product of two elements of Q[S_n] with all coefficients; the naive way is the double sum over the group."""
    generator = np.random.default_rng(SEED)
    group = [tuple(g.array_form) for g in permutations_in_coset_order(n)]
    a, b = (
        GroupAlgebraElement(dict(zip(group, generator.integers(-9, 9, factorial(n)).tolist())), n) for _ in range(2)
    )

    def ours() -> GroupAlgebraElement:
        return (fourier_transform(a) * fourier_transform(b)).to_group_algebra()

    assert ours() == a * b
    return best_time(ours), best_time(lambda: a * b, repeats=1)


def main() -> None:
    table = Table("what", "symrep s", "naive s", "naive/symrep", title="Representations of S_n")
    rows: list[tuple[str, bool, Callable[[], tuple[float, float]]]] = [
        ("seminormal (5,3,2), generators and a matrix", False, lambda: seminormal_matrix(Partition((5, 3, 2)))),
        ("orthogonal (6,4,2), basis and a float matrix", False, lambda: orthogonal_matrix(Partition((6, 4, 2)))),
        ("isotypic projection (4,3,1), V = 3, L = 8", True, lambda: projection(Partition((4, 3, 1)), 3)),
        ("isotypic projection (8,6), V = 2, L = 14", True, lambda: projection(Partition((8, 6)), 2)),
        *(
            (f"Fourier transform S_{n}, float", n > LARGEST_FULL_SUM, lambda n=n: transform(n, False))
            for n in range(5, 10)
        ),
        *((f"inverse Fourier transform S_{n}, float", True, lambda n=n: transform(n, False, True)) for n in (7, 9)),
        *((f"Fourier transform S_{n}, exact", True, lambda n=n: transform(n, True)) for n in (5, 6, 7, 8)),
        *((f"product of two full elements of Q[S_{n}]", False, lambda n=n: convolution(n)) for n in (5, 6)),
    ]
    for name, extrapolated, measure in rows:
        ours, naive = measure()
        sign = "~" if extrapolated else ""
        table.add_row(name, f"{ours:.4f}", f"{sign}{naive:.4g}", f"{sign}{naive / ours:.3g}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
