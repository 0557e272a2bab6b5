"""Plots of Young's lattice and other graded graphs: every element and every cover is drawn where it belongs."""

from __future__ import annotations

import matplotlib
import networkx as nx
import pytest
from matplotlib import pyplot
from matplotlib.offsetbox import AnnotationBbox
from matplotlib.patches import Rectangle

from symrep import Partition, StandardTableau, branching_graph, dominance_order, weak_order, young_lattice
from symrep.errors import InvalidArgumentError, InvalidTypeError
from symrep.plots import lattice_plot

matplotlib.use("Agg")
GRAPHS = {
    "lattice": young_lattice(6),
    "branching": branching_graph((3, 2, 1)),
    "dominance": dominance_order(7),
    "weak": weak_order((3, 2)),
}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def edges_drawn(ax, bold=None):
    lines = [line for line in ax.get_lines() if line.get_gid() == "edge"]
    if bold is not None:
        lines = [line for line in lines if (line.get_linewidth() > 2) == bold]
    return [tuple(zip(*line.get_data())) for line in lines]


def diagrams_drawn(ax):
    """Place to diagram, as the set of (row, column) of its squares."""
    found = {}
    for artist in ax.artists:
        if isinstance(artist, AnnotationBbox):
            squares = artist.findobj(lambda part: isinstance(part, Rectangle) and part.get_facecolor() == (1, 1, 1, 1))
            side = min(square.get_width() for square in squares)
            corners = [(round(square.get_y() / side), round(square.get_x() / side)) for square in squares]
            top = max(y for y, _ in corners)
            found[artist.xy] = {(top - y, x) for y, x in corners}
    return found


@pytest.mark.parametrize("name", GRAPHS)
def test_every_cover_is_a_line_that_climbs(name):
    graph = GRAPHS[name]
    drawn = edges_drawn(lattice_plot(graph))
    assert len(drawn) == len(set(drawn)) == graph.number_of_edges()
    layers = sorted((graph.nodes[low]["layer"], graph.nodes[high]["layer"]) for low, high in graph.edges)
    assert sorted((low, high) for (_, low), (_, high) in drawn) == layers


@pytest.mark.parametrize("name", ["lattice", "branching", "dominance"])
def test_every_partition_is_drawn_as_its_diagram(name):
    graph = GRAPHS[name]
    ax = lattice_plot(graph, annotate="dimension")
    drawn = diagrams_drawn(ax)
    expected = sorted(
        (shape.size if name != "dominance" else data["layer"], sorted(shape.cells()))
        for shape, data in graph.nodes(data=True)
        if shape.parts
    )
    assert sorted((y, sorted(cells)) for (_, y), cells in drawn.items()) == expected


def test_lines_join_the_diagrams_that_cover_each_other():
    ax = lattice_plot(GRAPHS["lattice"])
    cells = diagrams_drawn(ax) | {(0.0, 0): set()}
    for low, high in edges_drawn(ax):
        assert cells[low] < cells[high] and len(cells[high]) == len(cells[low]) + 1


def test_conjugates_mirror_each_other():
    drawn = {frozenset(cells): x for (x, _), cells in diagrams_drawn(lattice_plot(young_lattice(5))).items()}
    for cells, x in drawn.items():
        assert drawn[frozenset((column, row) for row, column in cells)] == -x


def test_nodes_stand_by_the_mean_place_of_those_below():
    graph = weak_order((3, 2, 1))
    ax = lattice_plot(graph)
    places = {text.get_text(): text.get_position() for text in ax.texts}
    names = {node: data["label"] for node, data in graph.nodes(data=True)}
    means = {}
    for node, name in names.items():
        below = [places[names[low]][0] for low in graph.predecessors(node)]
        means.setdefault(places[name][1], []).append((places[name][0], sum(below) / max(len(below), 1)))
    for row in means.values():
        in_order = [mean for _, mean in sorted(row)]
        assert in_order == sorted(in_order)
    # and not in the order of the graph, in some layer
    assert any(
        [places[names[node]][0] for node in graph if graph.nodes[node]["layer"] == layer]
        != sorted(places[names[node]][0] for node in graph if graph.nodes[node]["layer"] == layer)
        for layer in means
    )


def graded(edges, layers):
    graph = nx.DiGraph(edges)
    for node, layer in layers.items():
        graph.add_node(node, layer=layer, label=str(node))
    return graph


def test_paths_of_nodes_that_are_tuples():
    graph = graded([((1,), (2, 1))], {(1,): 0, (2, 1): 1})
    assert len(edges_drawn(lattice_plot(graph, path=[(1,), (2, 1)]), bold=True)) == 1


@pytest.mark.parametrize(
    ("edges", "layers", "error"),
    [
        ([(0, 0)], {0: 0}, InvalidArgumentError),
        ([(0, 1)], {0: 1, 1: 0}, InvalidArgumentError),
        ([(0, 1)], {0: 0, 1: 0}, InvalidArgumentError),
        ([(0, 1)], {0: "low", 1: "high"}, InvalidTypeError),
        ([(0, 1)], {0: None, 1: 1}, InvalidTypeError),
        ([(0, 1)], {0: 0, 1: float("nan")}, InvalidTypeError),
    ],
)
def test_graphs_that_do_not_climb(edges, layers, error):
    with pytest.raises(error, match="graph must have edges that lead to a higher layer|layer must be an integer"):
        lattice_plot(graded(edges, layers))
    assert not pyplot.get_fignums()


def test_diagrams_do_not_touch():
    ax = lattice_plot(GRAPHS["lattice"])
    ax.figure.canvas.draw()
    boxes = [artist.get_window_extent() for artist in ax.artists]
    pairs = [(a, b) for number, a in enumerate(boxes) for b in boxes[:number]]
    assert len(boxes) == len(GRAPHS["lattice"]) - 1  # the empty diagram is text
    assert not any(a.overlaps(b) for a, b in pairs)


def test_a_tableau_is_a_bold_path():
    tableau = StandardTableau([(1, 2, 4), (3, 5)])
    ax = lattice_plot(GRAPHS["lattice"], path=tableau)
    cells = diagrams_drawn(ax)
    ends = [cells[high] for _, high in sorted(edges_drawn(ax, bold=True), key=lambda edge: edge[1][1])]
    assert ends == [set(Partition(parts).cells()) for parts in ((1,), (2,), (2, 1), (3, 1), (3, 2))]
    nodes = [(2, 1), Partition((2, 2)), (3, 2)]
    assert len(edges_drawn(lattice_plot(GRAPHS["lattice"], path=nodes), bold=True)) == 2


def test_labels_and_attributes_are_written():
    ax = lattice_plot(GRAPHS["branching"], diagrams=False, annotate="dimension", edge_labels="content")
    texts = [text.get_text() for text in ax.texts]
    assert "(3,2,1)\n16" in texts and "()\n1" in texts and not diagrams_drawn(ax)
    contents = sorted(str(c) for *_, c in GRAPHS["branching"].edges(data="content"))
    assert sorted(text for text in texts if "(" not in text) == contents
    ax = lattice_plot(GRAPHS["weak"], edge_labels="i")
    assert {"1,2,3/4,5", "1,3,5/2,4"} <= {text.get_text() for text in ax.texts}
    assert (ax.get_ylabel(), lattice_plot(GRAPHS["lattice"]).get_ylabel()) == ("inversions", "size")


def test_it_draws_on_the_axes_given():
    _, (left, right) = pyplot.subplots(1, 2)
    assert lattice_plot(young_lattice(2), right) is right and not left.get_lines()


def test_one_node_alone():
    assert not edges_drawn(lattice_plot(young_lattice(0)))


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (("lattice",), InvalidTypeError, "graph must be a networkx digraph, got 'lattice'"),
        ((nx.DiGraph(),), InvalidArgumentError, "graph must have a node"),
        ((nx.path_graph(3, create_using=nx.DiGraph),), InvalidTypeError, "nodes with layer and label, got the node 0"),
        ((young_lattice(3), 5), InvalidTypeError, "ax must be matplotlib axes, got 5"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        lattice_plot(*arguments)


@pytest.mark.parametrize(
    "options, error, message",
    [
        (
            {"annotate": "color"},
            InvalidArgumentError,
            r"annotate must be an attribute of \(\) \(size, dim.*got 'color'",
        ),
        ({"edge_labels": "i"}, InvalidArgumentError, "edge_labels must be an attribute of .* got 'i'"),
        ({"annotate": ["size"]}, InvalidTypeError, "annotate must be the name of an attribute, got"),
        ({"path": [(9,)]}, InvalidArgumentError, r"path must consist of nodes of the graph, got '\(9\)'"),
        ({"path": [(1,), (3,)]}, InvalidArgumentError, r"path must follow edges of the graph, got \(1\) to \(3\)"),
        (
            {"path": StandardTableau([(1, 2, 3, 4)])},
            InvalidArgumentError,
            r"path must consist of nodes of the graph, got '\(4\)'",
        ),
        ({"path": 3}, InvalidTypeError, "path must be a standard tableau or nodes of the graph, got 3"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        lattice_plot(young_lattice(3), **options)
    assert not pyplot.get_fignums()
