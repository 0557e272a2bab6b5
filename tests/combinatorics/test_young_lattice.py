"""Young's lattice, branching graphs, dominance and weak order."""

from itertools import product

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import StandardTableau, standard_tableaux
from symrep.combinatorics.young_lattice import (
    branching_graph,
    dominance_order,
    path_from_tableau,
    tableau_from_path,
    weak_order,
    young_lattice,
)
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTableauError, InvalidTypeError

small_shapes = st.integers(0, 7).flatmap(lambda n: st.sampled_from(list(partitions(n))))


def test_young_lattice_is_inclusion_of_diagrams():
    graph = young_lattice(6)
    assert list(graph) == [shape for n in range(7) for shape in partitions(n)]
    covers = {(a, b) for a, b in product(graph, repeat=2) if b.size == a.size + 1 and b.contains(a)}
    assert set(graph.edges) == covers
    for smaller, larger, edge in graph.edges(data=True):
        assert set(larger.cells()) - set(smaller.cells()) == {edge["cell"]}
        assert edge["content"] == edge["cell"][1] - edge["cell"][0]
    for shape, node in graph.nodes(data=True):
        expected = {"size": shape.size, "dimension": shape.dimension, "label": str(shape), "layer": shape.size}
        assert node == expected


def test_young_lattice_is_differential():
    """Down after up minus up after down is the identity, the relation behind sum of squares = n!."""
    graph = young_lattice(7)
    for a, b in product((shape for shape in graph if shape.size < 7), repeat=2):
        if a.size == b.size:
            common_above = len(set(graph.successors(a)) & set(graph.successors(b)))
            common_below = len(set(graph.predecessors(a)) & set(graph.predecessors(b)))
            assert common_above - common_below == (a == b)


def test_graphs_can_be_drawn_in_layers():
    graph = branching_graph((3, 2))
    positions = nx.multipartite_layout(graph, subset_key="layer")
    assert len({tuple(position) for position in positions.values()}) == len(graph)


@given(small_shapes)
@settings(deadline=None, max_examples=30)
def test_paths_in_the_branching_graph_are_standard_tableaux(shape):
    graph = branching_graph(shape)
    empty = Partition(())
    everything = young_lattice(shape.size)
    inside = [node for node in everything if shape.contains(node)]
    assert list(graph) == inside and nx.utils.graphs_equal(graph, nx.DiGraph(everything.subgraph(inside)))
    paths = nx.all_simple_paths(graph, empty, shape) if shape.size else [[empty]]
    assert {tableau_from_path(path) for path in paths} == set(standard_tableaux(shape))


@given(small_shapes.filter(lambda shape: shape.size > 0), st.data())
@settings(deadline=None)
def test_path_and_tableau_are_inverse_and_contents_are_edge_labels(shape, data):
    tableau = data.draw(st.sampled_from(list(standard_tableaux(shape))))
    path = path_from_tableau(tableau)
    assert tableau_from_path(path) == tableau and path[-1] == shape
    graph = branching_graph(shape)
    assert tuple(graph.edges[edge]["content"] for edge in nx.utils.pairwise(path)) == tableau.content_vector


@pytest.mark.parametrize("n", range(9))
def test_dominance_order_is_the_transitive_reduction(n):
    order = nx.DiGraph()
    order.add_nodes_from(partitions(n))
    order.add_edges_from((a, b) for a, b in product(partitions(n), repeat=2) if a != b and b.dominates(a))
    graph = dominance_order(n)
    assert list(graph) == list(partitions(n))
    assert set(graph.edges) == set(nx.transitive_reduction(order).edges)


def test_dominance_order_is_no_chain_and_not_graded():
    graph = dominance_order(7)
    layer = nx.get_node_attributes(graph, "layer")
    assert layer[Partition((1,) * 7)] == 0 and layer[Partition((7,))] == nx.dag_longest_path_length(graph)
    assert all(layer[low] < layer[high] for low, high in graph.edges)
    assert any(layer[low] + 1 < layer[high] for low, high in graph.edges)
    incomparable = Partition((4, 1, 1)), Partition((3, 3))
    assert not any(nx.has_path(dominance_order(6), a, b) for a, b in (incomparable, incomparable[::-1]))


@given(small_shapes)
@settings(deadline=None, max_examples=40)
def test_weak_order_connects_all_tableaux_by_adjacent_transpositions(shape):
    graph = weak_order(shape)
    listed = list(standard_tableaux(shape))
    assert list(graph) == listed
    expected = {
        frozenset((tableau, tableau.swap(i))): i
        for tableau in listed
        for i in range(1, shape.size)
        if tableau.swap(i) is not None
    }
    assert {frozenset((low, high)): edge["i"] for low, high, edge in graph.edges(data=True)} == expected
    for low, high, edge in graph.edges(data=True):
        assert graph.nodes[high]["layer"] == graph.nodes[low]["layer"] + 1
        assert edge["axial_distance"] == low.axial_distance(edge["i"]) <= -2
    assert [tableau for tableau in graph if graph.in_degree(tableau) == 0] == listed[:1]
    assert [tableau for tableau in graph if graph.out_degree(tableau) == 0] == listed[-1:]


def test_weak_order_by_hand():
    first, last = StandardTableau([(1, 2, 3), (4, 5)]), StandardTableau([(1, 3, 5), (2, 4)])
    graph = weak_order((3, 2))
    assert graph.nodes[first] == {"label": "1,2,3/4,5", "layer": 0}
    assert graph.nodes[last] == {"label": "1,3,5/2,4", "layer": 3}
    assert {edge["i"] for _, _, edge in graph.out_edges(first, data=True)} == {3}
    assert {edge["i"] for _, _, edge in graph.in_edges(last, data=True)} == {2, 4}


def test_errors():
    with pytest.raises(InvalidArgumentError, match="n must be at least 0, got -1"):
        young_lattice(-1)
    with pytest.raises(InvalidTypeError, match="n must be an integer, got 2.5"):
        dominance_order(2.5)
    with pytest.raises(InvalidPartitionError, match="shape is not a partition"):
        branching_graph((1, 2))
    with pytest.raises(InvalidPartitionError, match="shape is not a partition"):
        weak_order((1, 2))
    with pytest.raises(InvalidTableauError, match="tableau is not a standard tableau"):
        path_from_tableau([(2, 1)])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ([], "path must start at the empty partition"),
        ([(1,), (2,)], "path must start at the empty partition"),
        ([(), (1,), (2, 1)], r"path must add one cell at every step, got a step from \(1\) to \(2,1\)"),
        ([(), (1,), (2,), (1, 1, 1)], r"path must add one cell at every step, got a step from \(2\) to \(1,1,1\)"),
        ([(), (1,), ()], "path must add one cell at every step"),
        ([(), (0,)], "path is not a partition"),
    ],
)
def test_paths_that_are_no_paths(path, message):
    with pytest.raises(InvalidArgumentError, match=message):
        tableau_from_path(path)
