"""Graphs of partitions and tableaux, as networkx digraphs: Young's lattice, branching, dominance, weak order.

Every graph points upwards: an edge leads from the smaller element to one that covers it. Every node carries
``label`` (text) and ``layer`` (its height), from which :func:`symrep.plots.lattice_plot` draws it; what the height counts is
the attribute ``layer`` of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import networkx as nx

from symrep.combinatorics.partitions import Partition, as_partition, partitions
from symrep.combinatorics.tableaux import StandardTableau, as_standard_tableau, standard_tableaux
from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_integer


def young_lattice(n: int) -> nx.DiGraph:
    """Young's lattice up to size n: all partitions of 0, ..., n ordered by inclusion of diagrams.

    Parameters
    ----------
    n
        At least 0. The graph has the sum of the numbers of partitions of 0, ..., n as its number of nodes.

    Returns
    -------
    networkx.DiGraph
        Nodes are partitions, by size and then reverse lexicographic, with attributes ``size``, ``dimension``,
        ``label`` and ``layer`` (the size). An edge adds one cell and has attributes ``cell`` and ``content``.

    Examples
    --------
    >>> graph = young_lattice(4)
    >>> graph.number_of_nodes(), graph.number_of_edges()
    (12, 14)
    >>> graph.edges[Partition((2, 1)), Partition((2, 1, 1))]
    {'cell': (2, 0), 'content': -2}
    """
    n = require_integer(n, "n", minimum=0)
    return _inclusion_graph(shape for size in range(n + 1) for shape in partitions(size))


def branching_graph(shape: Partition | Iterable[int]) -> nx.DiGraph:
    """The part of Young's lattice below a shape: how its irreducible representation restricts to S_(n-1), ..., S_0.

    The paths from the empty partition to ``shape`` are its standard tableaux, see :func:`tableau_from_path`.
    Nodes and edges are as in :func:`young_lattice`.

    Parameters
    ----------
    shape
        A partition. The graph has one node for every diagram inside it.

    Examples
    --------
    >>> graph = branching_graph((2, 2))
    >>> [node.parts for node in graph]
    [(), (1,), (2,), (1, 1), (2, 1), (2, 2)]
    """
    shape = as_partition(shape)
    layers = [{shape}]
    for _ in range(shape.size):
        layers.append({node.remove_cell(cell) for node in layers[-1] for cell in node.removable_cells()})
    return _inclusion_graph(
        node for layer in reversed(layers) for node in sorted(layer, key=lambda node: node.parts, reverse=True)
    )


def _inclusion_graph(shapes: Iterable[Partition]) -> nx.DiGraph:
    """The covering relations of inclusion among ``shapes``, smaller sizes first."""
    graph = nx.DiGraph(layer="size")
    for shape in shapes:
        graph.add_node(shape, size=shape.size, dimension=shape.dimension, label=str(shape), layer=shape.size)
        for row, column in shape.removable_cells():
            smaller = shape.remove_cell((row, column))
            graph.add_edge(smaller, shape, cell=(row, column), content=column - row)
    return graph


def path_from_tableau(tableau: StandardTableau | Iterable[Iterable[int]]) -> tuple[Partition, ...]:
    """The shapes of the entries 1..k for k = 0, ..., n: the path in Young's lattice that a standard tableau encodes.

    >>> [shape.parts for shape in path_from_tableau([(1, 3), (2,)])]
    [(), (1,), (1, 1), (2, 1)]
    """
    tableau = as_standard_tableau(tableau)
    path = [Partition(())]
    for cell in tableau.entry_positions:
        path.append(path[-1].add_cell(cell))
    return tuple(path)


def tableau_from_path(path: Iterable[Partition | Iterable[int]]) -> StandardTableau:
    """The standard tableau in which k sits in the cell that the k-th step of a path in Young's lattice adds.

    Parameters
    ----------
    path
        Partitions from the empty one upwards, each with one cell more than the one before.

    Raises
    ------
    InvalidArgumentError
        When the path does not start at the empty partition or a step is no added cell.

    Examples
    --------
    >>> tableau_from_path([(), (1,), (1, 1), (2, 1)])
    StandardTableau(((1, 3), (2,)))
    """
    try:
        steps = tuple(path)
    except TypeError:
        raise InvalidTypeError(f"path must be a sequence of partitions, got {path!r}") from None
    shapes = [as_partition(step, "path") for step in steps]
    require(bool(shapes) and shapes[0].size == 0, "path", "must start at the empty partition", shapes[:1])
    return StandardTableau._from_row_indices(_added_row(smaller, larger) for smaller, larger in pairwise(shapes))


def _added_row(smaller: Partition, larger: Partition) -> int:
    for row, column in larger.removable_cells():
        if larger.remove_cell((row, column)) == smaller:
            return row
    raise InvalidArgumentError(f"path must add one cell at every step, got a step from {smaller} to {larger}")


def dominance_order(n: int) -> nx.DiGraph:
    r"""The Hasse diagram of the dominance order on the partitions of n.

    Edges are the covering relations: from :math:`\mu` to :math:`\lambda` when :math:`\lambda` dominates :math:`\mu`
    with nothing in between, which happens exactly when :math:`\lambda` arises from :math:`\mu` by moving one cell from
    row j up to row i < j with j = i + 1 or :math:`\mu_i = \mu_j` (Brylawski 1973).

    Returns
    -------
    networkx.DiGraph
        Nodes, reverse lexicographic, with ``size``, ``dimension``, ``label`` and ``layer``, the length of the longest
        chain from (1, ..., 1); the order is not graded for n >= 7, so that an edge may skip layers.

    Examples
    --------
    >>> graph = dominance_order(6)
    >>> sorted(above.parts for above in graph.successors(Partition((3, 1, 1, 1))))
    [(3, 2, 1)]
    >>> sorted(above.parts for above in graph.successors(Partition((2, 2, 2))))
    [(3, 2, 1)]
    """
    n = require_integer(n, "n", minimum=0)
    graph = nx.DiGraph(layer="longest chain from below")
    for shape in partitions(n):
        graph.add_node(shape, size=n, dimension=shape.dimension, label=str(shape))
    for shape in graph:
        graph.add_edges_from((shape, above) for above in _dominance_covers(shape))
    _set_heights(graph)
    return graph


def _dominance_covers(shape: Partition) -> Iterator[Partition]:
    parts = shape.parts
    for lower, column in shape.removable_cells():
        first_equal = parts.index(column + 1)
        for upper in {first_equal, lower - 1}:
            free_above = upper == 0 or (upper > 0 and parts[upper - 1] > parts[upper])
            if upper < lower and free_above:
                raised = list(parts)
                raised[upper] += 1
                raised[lower] -= 1
                yield Partition._trusted(tuple(part for part in raised if part))


def _set_heights(graph: nx.DiGraph) -> None:
    """Set ``layer`` to the length of the longest path that ends in a node."""
    for node in nx.topological_sort(graph):
        graph.nodes[node]["layer"] = max((graph.nodes[low]["layer"] + 1 for low in graph.predecessors(node)), default=0)


def weak_order(shape: Partition | Iterable[int]) -> nx.DiGraph:
    """The weak order on the standard tableaux of a shape: how adjacent transpositions connect them.

    An edge leads from T to T with i and i + 1 exchanged when i sits in a higher row than i + 1 (smaller row index)
    and not just above it, so that the number of inversions, pairs i < j with j in a higher row than i, grows by 1.
    The least element is filled row by row, the greatest column by column.

    Parameters
    ----------
    shape
        A partition. The graph has ``shape.dimension`` nodes.

    Returns
    -------
    networkx.DiGraph
        Nodes are standard tableaux in last-letter order with ``label`` and ``layer`` (the number of inversions).
        Edges carry ``i`` and ``axial_distance``, that of i in the lower tableau, at most -2.

    Examples
    --------
    >>> [(str(low), edge["i"], str(high)) for low, high, edge in weak_order((2, 2, 1)).edges(data=True)]
    [('1,2/3,4/5', 2, '1,3/2,4/5'), ('1,2/3,4/5', 4, '1,2/3,5/4'), ('1,3/2,4/5', 4, '1,3/2,5/4'), \
('1,2/3,5/4', 2, '1,3/2,5/4'), ('1,3/2,5/4', 3, '1,4/2,5/3')]
    """
    graph = nx.DiGraph(layer="inversions")
    graph.add_nodes_from((tableau, _weak_node(tableau)) for tableau in standard_tableaux(shape))
    for tableau in graph:
        for i in range(1, tableau.size):
            distance = tableau.axial_distance(i)
            if distance <= -2:
                graph.add_edge(tableau, tableau.swap(i), i=i, axial_distance=distance)
    return graph


def _weak_node(tableau: StandardTableau) -> dict[str, Any]:
    rows = [row for row, _ in tableau.entry_positions]
    inversions = sum(later < row for k, row in enumerate(rows) for later in rows[k + 1 :])
    return {"label": str(tableau), "layer": inversions}
