r"""Products and skew quotients of Schur functions: the Littlewood-Richardson rule.

:math:`c^\lambda_{\mu\nu}` is the multiplicity of :math:`s_\lambda` in :math:`s_\mu s_\nu`, of the irreducible
representation of shape :math:`\lambda` in the one induced from :math:`S^\mu \otimes S^\nu`, and of
:math:`W_\lambda` in :math:`W_\mu \otimes W_\nu` for the general linear group. It counts the semistandard fillings of
:math:`\lambda/\mu` with :math:`\nu_i` entries i whose words, read from right to left and from top to bottom, are
lattice words. A filling is a chain of horizontal strips, strip i being the cells with entry i, such that

    (entries i in rows up to r) <= (entries i - 1 in rows above r)     for every row r and every i > 1.

The condition ties a strip to the one before it only: fillings that agree in the diagram reached and in the last
strip are counted together.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from symrep.combinatorics.partitions import Partition, as_partition

Parts = tuple[int, ...]


def littlewood_richardson_coefficient(
    outer: Partition | Iterable[int], inner_1: Partition | Iterable[int], inner_2: Partition | Iterable[int]
) -> int:
    r"""The Littlewood-Richardson coefficient :math:`c^\lambda_{\mu\nu} = \langle s_\lambda, s_\mu s_\nu \rangle`.

    Parameters
    ----------
    outer
        The shape :math:`\lambda`.
    inner_1, inner_2
        The shapes :math:`\mu` and :math:`\nu`; the coefficient is 0 unless their sizes add up to that of ``outer``.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition.

    Notes
    -----
    The strips are kept inside ``outer``, and diagrams that the strips still to come cannot complete are dropped.
    The cost is the number of pairs of a diagram and its last strip that are met.

    Examples
    --------
    >>> littlewood_richardson_coefficient((3, 2, 1), (2, 1), (2, 1))
    2
    >>> littlewood_richardson_coefficient((12, 9, 6, 3), (8, 5, 2), (7, 5, 2, 1))
    12
    """
    outer = as_partition(outer, "outer")
    inner_1, inner_2 = as_partition(inner_1, "inner_1"), as_partition(inner_2, "inner_2")
    if inner_1.size + inner_2.size != outer.size or not (outer.contains(inner_1) and outer.contains(inner_2)):
        return 0
    start, content, conjugated = _cheapest_order(inner_1, inner_2)
    bound = (outer.conjugate if conjugated else outer).parts
    return sum(_lattice_fillings(start, content, bound, complete=True).values())


def littlewood_richardson_product(a: Partition | Iterable[int], b: Partition | Iterable[int]) -> dict[Partition, int]:
    r"""The Schur functions in the product :math:`s_a s_b` with their multiplicities, in reverse lexicographic order.

    Parameters
    ----------
    a, b
        Partitions of any sizes.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition.

    Examples
    --------
    >>> for shape, multiplicity in littlewood_richardson_product((2, 1), (2, 1)).items():
    ...     print(shape, multiplicity, end="  ")
    (4,2) 1  (4,1,1) 1  (3,3) 1  (3,2,1) 2  (3,1,1,1) 1  (2,2,2) 1  (2,2,1,1) 1
    """
    a, b = as_partition(a, "a"), as_partition(b, "b")
    start, content, conjugated = _cheapest_order(a, b)
    box = (_first(start) + _first(content),) * (len(start) + len(content))
    product = {Partition._trusted(parts): n for parts, n in _lattice_fillings(start, content, box).items()}
    if conjugated:
        product = {shape.conjugate: multiplicity for shape, multiplicity in product.items()}
    return in_reverse_lexicographic_order(product)


def skew_schur(outer: Partition | Iterable[int], inner: Partition | Iterable[int]) -> dict[Partition, int]:
    r"""The skew Schur function :math:`s_{\lambda/\mu} = \sum_\nu c^\lambda_{\mu\nu} s_\nu` in Schur functions.

    Parameters
    ----------
    outer
        The shape :math:`\lambda`.
    inner
        The shape :math:`\mu`; the result is empty, the function 0, unless its diagram lies inside ``outer``.

    Raises
    ------
    InvalidPartitionError
        When one of them is no partition.

    Notes
    -----
    With :math:`\lambda^\vee` the complement of :math:`\lambda` in its bounding box turned by 180 degrees,
    :math:`c^\lambda_{\mu\nu}` is the multiplicity of :math:`\nu^\vee` in :math:`s_{\lambda^\vee} s_\mu` (Poincare
    duality on a Grassmannian): a product in which nothing leaves the box.

    Examples
    --------
    >>> skew_schur((3, 2, 1), (2, 1))
    {Partition((3,)): 1, Partition((2, 1)): 2, Partition((1, 1, 1)): 1}
    """
    outer, inner = as_partition(outer, "outer"), as_partition(inner, "inner")
    if not outer.contains(inner):
        return {}
    box = (_first(outer.parts),) * outer.length
    start, content = _complement(outer.parts, box), inner.parts
    if len(start) < len(content):
        start, content = content, start
    fillings = _lattice_fillings(start, content, box)
    return in_reverse_lexicographic_order(
        {Partition._trusted(_complement(parts, box)): multiplicity for parts, multiplicity in fillings.items()}
    )


def in_reverse_lexicographic_order(terms: dict[Partition, int]) -> dict[Partition, int]:
    """The same dictionary, smaller sizes first and partitions of one size in reverse lexicographic order."""
    return dict(sorted(terms.items(), key=lambda term: (term[0].size, tuple(-part for part in term[0].parts))))


def _first(parts: Parts) -> int:
    return parts[0] if parts else 0


def _complement(parts: Parts, box: Parts) -> Parts:
    """The cells of the box that ``parts`` leaves free, turned by 180 degrees."""
    padded = parts + (0,) * (len(box) - len(parts))
    return tuple(width - part for width, part in zip(box, reversed(padded)) if width > part)


def _cheapest_order(a: Partition, b: Partition) -> tuple[Parts, Parts, bool]:
    """Start, content and whether both are conjugated, such that the content has the fewest rows."""
    choices = [(a, b, False), (b, a, False), (a.conjugate, b.conjugate, True), (b.conjugate, a.conjugate, True)]
    start, content, conjugated = min(choices, key=lambda choice: choice[1].length)
    return start.parts, content.parts, conjugated


def _lattice_fillings(start: Parts, content: Parts, bound: Parts, complete: bool = False) -> dict[Parts, int]:
    """How many fillings lead from ``start`` to every diagram inside ``bound``, or to ``bound`` itself if ``complete``.

    The diagram ``start`` lies inside ``bound``, which has one entry per row.
    """
    rows = len(bound)
    shape = start + (0,) * (rows - len(start))
    # The first strip may lie in any row: as if all the entries 0 that it must not outnumber lay above the diagram.
    states = {(shape, (content[0] if content else 0,) * rows): 1}
    for index, size in enumerate(content):
        strips_left = len(content) - index - 1
        floor = bound[strips_left:] + (0,) * min(strips_left, rows) if complete else (0,) * rows
        grown: dict[tuple[Parts, Parts], int] = {}
        for (shape, entries_above), number in states.items():
            for strip in _strips(shape, entries_above, size, bound, floor):
                reached = tuple(map(int.__add__, shape, strip))
                above = tuple(accumulate(strip[:-1], initial=0)) if strips_left else ()
                grown[reached, above] = grown.get((reached, above), 0) + number
        states = grown
    return {tuple(filter(None, shape)): number for (shape, _), number in states.items()}


def _strips(shape: Parts, entries_above: Parts, size: int, bound: Parts, floor: Parts) -> list[Parts]:
    """The horizontal strips, as numbers of cells per row, that keep the lattice condition and the bounds."""
    room = [min(width, above) - part for width, above, part in zip(bound, bound[:1] + shape, shape)]
    room_below = sum(room)
    partial: list[tuple[Parts, int]] = [((), 0)]
    for part, most, allowed, least in zip(shape, room, entries_above, floor):
        room_below -= most
        partial = [
            (strip + (added,), placed + added)
            for strip, placed in partial
            for added in range(
                max(0, least - part, size - placed - room_below), min(most, size - placed, allowed - placed) + 1
            )
        ]
    return [strip for strip, _ in partial]
