r"""Linear algebra behind symmetric functions: expansions between bases, on dictionaries ``{Partition: number}``.

Every change of basis passes through Schur functions:

- h to s adds horizontal strips (Pieri), s to h expands the Jacobi-Trudi determinant; e is the same conjugated;
- s to m are Kostka numbers; m to s pairs with the Jacobi-Trudi expansions, since m and h are dual;
- p and s are tied by characters: :math:`s_\lambda = \sum_\rho \chi^\lambda(\rho) p_\rho / z_\rho` and
  :math:`p_\rho = \sum_\lambda \chi^\lambda(\rho) s_\lambda`.

The numbers are ints or Fractions and stay exact. Nothing is checked here: :mod:`symmetric_functions` is the door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from math import isqrt, lcm
from typing import Any

import numpy as np

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import kostka_number
from symrep.representations.characters import CharacterTable, character_table
from symrep.representations.littlewood_richardson import littlewood_richardson_product

Parts = tuple[int, ...]
Terms = dict[Partition, Any]

# Larger tables take too much memory to keep, smaller ones are kept by character_table.
_KEPT_TABLES = range(17, 25)
_LARGEST_TABLE_FOR_POWER_SUMS = 24
_NARROW_BITS = 28


def linear_combination(summands: Iterable[tuple[Any, dict[Any, Any]]]) -> dict[Any, Any]:
    """The sum of factor times dictionary."""
    total: dict[Any, Any] = {}
    for factor, terms in summands:
        for key, value in terms.items():
            total[key] = total.get(key, 0) + factor * value
    return total


def conjugated(terms: Terms) -> Terms:
    """The same numbers at the conjugate partitions."""
    return {shape.conjugate: value for shape, value in terms.items()}


def pair_with_characters(n: int, weights: list[int]) -> list[int]:
    r"""The integers :math:`\sum_\rho w_\rho \chi^\lambda(\rho)` for all shapes, both in the order of the table.

    Exact for weights of any size. By column orthogonality :math:`|\chi(\rho)| \le \sqrt{z_\rho}`. Columns with
    :math:`\sqrt{z_\rho} < 2^{28}` are multiplied in int64 with the digits of the weights in base :math:`2^b`, b so
    small that a sum of p(n) products stays below :math:`2^{63}`; the few other columns use Python integers.

    >>> pair_with_characters(3, [2, 3, 1])
    [6, 0, 0]
    """
    table = shared_table(n)
    matrix = table.to_numpy()
    if matrix.dtype == object:
        return (matrix @ np.array(weights, dtype=object)).tolist()
    wide = [j for j, rho in enumerate(table.cycle_types) if isqrt(rho.centralizer_order) >> _NARROW_BITS]
    narrow_weights = list(weights)
    for j in wide:
        narrow_weights[j] = 0
    bits = 62 - _NARROW_BITS - len(weights).bit_length()
    digits = max(abs(weight).bit_length() for weight in narrow_weights) // bits + 1
    products = (matrix @ _digits_of(narrow_weights, bits, digits)).tolist()
    sums = [sum(digit << bits * k for k, digit in enumerate(row)) for row in products]
    for j in wide:
        sums = [total + weights[j] * value for total, value in zip(sums, matrix[:, j].tolist())]
    return sums


def _digits_of(numbers: list[int], bits: int, digits: int) -> np.ndarray:
    """Row by row the digits in base 2^bits, lowest first: in [0, 2^bits), the last one in [-2^bits, 2^bits)."""
    mask, top = (1 << bits) - 1, bits * (digits - 1)
    return np.array([[*(x >> bits * k & mask for k in range(digits - 1)), x >> top] for x in numbers], dtype=np.int64)


def shared_table(n: int) -> CharacterTable:
    """The character table of S_n; besides those that :func:`character_table` keeps, the last two up to n = 24 are."""
    return _kept_table(n) if n in _KEPT_TABLES else character_table(n)


@lru_cache(maxsize=2)
def _kept_table(n: int) -> CharacterTable:
    return character_table(n)


def power_sums_to_schur(terms: Terms) -> Terms:
    """p to s, degree by degree: a product with the character table, or rim hooks where the table would be large."""
    result: Terms = {}
    for n, part in _by_degree(terms).items():
        if n > _LARGEST_TABLE_FOR_POWER_SUMS:
            folded = fold_products({rho.parts: x for rho, x in part.items()}, Partition(), _times_power_sum)
            result.update(folded)
            continue
        denominator = lcm(*(Fraction(x).denominator for x in part.values()))
        table = shared_table(n)
        sums = pair_with_characters(n, [int(part.get(rho, 0) * denominator) for rho in table.cycle_types])
        result.update((shape, Fraction(x, denominator)) for shape, x in zip(table.shapes, sums) if x)
    return result


def schur_to_power_sums(terms: Terms) -> Terms:
    """s to p, degree by degree, by rows of the character table."""
    result: Terms = {}
    for n, part in _by_degree(terms).items():
        denominator = lcm(*(Fraction(x).denominator for x in part.values()))
        table = shared_table(n)
        values = [0] * len(table.shapes)
        for shape, x in part.items():
            factor = int(x * denominator)
            values = [total + factor * value for total, value in zip(values, table.row(shape))]
        for rho, value in zip(table.cycle_types, values):
            if value:
                result[rho] = Fraction(value, denominator * rho.centralizer_order)
    return result


def _by_degree(terms: Terms) -> dict[int, Terms]:
    degrees: dict[int, Terms] = {}
    for shape, value in terms.items():
        degrees.setdefault(shape.size, {})[shape] = value
    return degrees


def _times_power_sum(k: int, schur: Terms) -> Terms:
    """Murnaghan-Nakayama: the product of p_k with Schur functions adds a rim hook of size k in all ways."""
    product: Terms = {}
    for shape, value in schur.items():
        # Beads of the parts and of k parts 0, which a rim hook of size k may use.
        beads = {part + place for place, part in enumerate(reversed(shape.parts + (0,) * k))}
        for bead in beads:
            if bead + k not in beads:
                jumped = sum(bead < other < bead + k for other in beads)
                moved = sorted((beads - {bead}) | {bead + k})
                parts = tuple(part for place, b in enumerate(moved) if (part := b - place))[::-1]
                key = Partition._trusted(parts)
                product[key] = product.get(key, 0) + (-value if jumped % 2 else value)
    return product


def homogeneous_to_schur(terms: Terms) -> Terms:
    """h to s."""
    return fold_products({mu.parts: x for mu, x in terms.items()}, Partition(), _times_homogeneous)


def _times_homogeneous(k: int, schur: Terms) -> Terms:
    row = Partition._trusted((k,))
    return linear_combination((value, littlewood_richardson_product(shape, row)) for shape, value in schur.items())


def schur_to_homogeneous(terms: Terms) -> Terms:
    """s to h."""
    return linear_combination((value, _jacobi_trudi(shape)) for shape, value in terms.items())


@lru_cache(maxsize=1024)
def _jacobi_trudi(shape: Partition) -> Terms:
    """The determinant of h_(shape_i - i + j), expanded row by row from the bottom; equal sets of columns are merged."""
    states: dict[tuple[int, Parts], int] = {(0, ()): 1}
    for row in range(shape.length - 1, -1, -1):
        grown: dict[tuple[int, Parts], int] = {}
        for (columns, parts), value in states.items():
            for column in range(max(0, row - shape.parts[row]), shape.length):
                if columns >> column & 1:
                    continue
                sign = -1 if (columns & ((1 << column) - 1)).bit_count() % 2 else 1
                entry = shape.parts[row] - row + column
                key = columns | 1 << column, tuple(sorted(parts + (entry,) * (entry > 0), reverse=True))
                grown[key] = grown.get(key, 0) + sign * value
        states = {key: value for key, value in grown.items() if value}
    return {Partition._trusted(parts): value for (_, parts), value in states.items()}


def schur_to_monomial(terms: Terms) -> Terms:
    """s to m."""
    return linear_combination(
        (value, {mu: kostka_number(shape, mu.parts) for mu in partitions(shape.size) if shape.dominates(mu)})
        for shape, value in terms.items()
    )


def monomial_to_schur(terms: Terms) -> Terms:
    """m to s: the coefficient of a Schur function is its scalar product, and <m_mu, h_nu> is 1 or 0."""
    result: Terms = {}
    for n, part in _by_degree(terms).items():
        for shape in partitions(n):
            dual = _jacobi_trudi(shape)
            result[shape] = sum(value * dual.get(mu, 0) for mu, value in part.items())
    return result


def compose_power_sums(outer: Terms, inner: Terms) -> Terms:
    r"""The plethysm f[g] in power sums: every :math:`p_k` in f is replaced by g with all its parts times k.

    >>> compose_power_sums({Partition((2, 1)): 1}, {Partition((3,)): 1, Partition(()): 5})
    {Partition((6, 3)): 1, Partition((6,)): 5, Partition((3,)): 5, Partition(()): 25}
    """
    largest = max((f.size for f in outer), default=0) * max((g.size for g in inner), default=0)
    place = largest.bit_length()
    powers: dict[int, dict[int, Any]] = {}

    def times_power(k: int, polynomial: dict[int, Any]) -> dict[int, Any]:
        # A product of power sums is one integer, whose digit i is the multiplicity of the part i.
        if k not in powers:
            powers[k] = {sum(1 << place * k * part for part in g.parts): x for g, x in inner.items()}
        product: dict[int, Any] = {}
        for a, x in powers[k].items():
            for b, y in polynomial.items():
                product[a + b] = product.get(a + b, 0) + x * y
        return product

    encoded = fold_products({f.parts: x for f, x in outer.items()}, 0, times_power)
    return {_decoded(monomial, place): x for monomial, x in encoded.items()}


def _decoded(monomial: int, place: int) -> Partition:
    parts: list[int] = []
    part = 0
    while monomial:
        parts += [part] * (monomial & (1 << place) - 1)
        monomial >>= place
        part += 1
    return Partition._trusted(tuple(reversed(parts)))


def fold_products(terms: dict[Parts, Any], one: Any, times: Callable[[int, dict], dict]) -> dict:
    """The sum of coefficient * times(part_1, times(part_2, ... one)), with common first parts taken out."""
    by_first: dict[int, dict[Parts, Any]] = {}
    for parts, value in terms.items():
        if parts:
            by_first.setdefault(parts[0], {})[parts[1:]] = value
    folded = [(1, {one: terms[()]})] if () in terms else []
    folded += [(1, times(first, fold_products(rest, one, times))) for first, rest in by_first.items()]
    return linear_combination(folded)


TO_SCHUR: dict[str, Callable[[Terms], Terms]] = {
    "p": power_sums_to_schur,
    "h": homogeneous_to_schur,
    "e": lambda terms: conjugated(homogeneous_to_schur(terms)),
    "m": monomial_to_schur,
}
FROM_SCHUR: dict[str, Callable[[Terms], Terms]] = {
    "p": schur_to_power_sums,
    "h": schur_to_homogeneous,
    "e": lambda terms: schur_to_homogeneous(conjugated(terms)),
    "m": schur_to_monomial,
}
