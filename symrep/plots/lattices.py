"""Plots of graded graphs: Young's lattice, branching, the dominance and the weak order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from symrep.combinatorics.partitions import Partition, as_partition
from symrep.combinatorics.tableaux import StandardTableau
from symrep.combinatorics.young_lattice import path_from_tableau
from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_integer, shown
from symrep.plots.style import COLOURS, axes

_LARGEST_CELL = 9.0
_CELLS_OF_ROOM = 1.6
_FAINT = "#999999"
# nearer to one end than to the other, where edges that cross are apart
_ALONG = 0.36


def lattice_plot(
    graph: Any,
    ax: Any = None,
    *,
    diagrams: bool = True,
    annotate: str | None = None,
    edge_labels: str | None = None,
    path: StandardTableau | Iterable[Any] | None = None,
) -> Any:
    """A graded graph as its Hasse diagram, smallest elements below, partitions drawn as Young diagrams.

    Parameters
    ----------
    graph
        From :func:`symrep.young_lattice`, :func:`symrep.branching_graph`, :func:`symrep.dominance_order` or
        :func:`symrep.weak_order`, or any networkx digraph whose nodes have the attributes ``layer`` (the height) and
        ``label``.
    ax
        Matplotlib axes to draw on; new ones unless given.
    diagrams
        False draws the label of a node in place of its diagram, as is done for all nodes that are no partitions.
    annotate
        The attribute of nodes that is written below each, such as ``"dimension"``.
    edge_labels
        The attribute of edges that is written on each, such as ``"content"`` or ``"i"``.
    path
        Nodes whose connecting edges are drawn bold, or a standard tableau: the path of its shapes.

    Returns
    -------
    matplotlib.axes.Axes
        Within a layer, nodes stand in the order of the mean place of those that they cover, in the order of the graph
        where that is equal.

    Raises
    ------
    MissingMatplotlibError
        Without matplotlib.
    InvalidTypeError
        When ``graph`` is no such graph.
    InvalidArgumentError
        When it is empty, lacks an attribute that is to be written, or ``path`` is no path in it.

    Notes
    -----
    Room for 60 or so diagrams: Young's lattice up to n = 7. Larger graphs want larger axes.

    Examples
    --------
    >>> from symrep import StandardTableau, young_lattice
    >>> ax = lattice_plot(young_lattice(4), annotate="dimension", path=StandardTableau([(1, 2, 4), (3,)]))
    >>> ax.get_ylabel()
    'size'
    """
    _require_graded(graph)
    _require_attribute(graph.nodes(data=True), annotate, "annotate")
    _require_attribute(((edge[:2], edge[2]) for edge in graph.edges(data=True)), edge_labels, "edge_labels")
    bold = _bold_edges(graph, path)
    ax = axes(ax)
    layers = _layers(graph)
    places = {node: (x, layer) for layer, row in layers.items() for node, x in row.items()}
    for low, high, attributes in graph.edges(data=True):
        is_bold = (low, high) in bold
        colour, width = (COLOURS[1], 2.6) if is_bold else (_FAINT, 0.9)
        (x0, y0), (x1, y1) = places[low], places[high]
        ax.plot([x0, x1], [y0, y1], color=colour, linewidth=width, zorder=2 if is_bold else 1, gid="edge")
        if edge_labels is not None:
            place = (x0 + _ALONG * (x1 - x0), y0 + _ALONG * (y1 - y0))
            _write(ax, str(attributes[edge_labels]), place, size=7, colour="#333333")
    _frame(ax, layers, str(graph.graph.get("layer", "height")))
    cell = _cell_size(ax, layers)
    for node, place in places.items():
        below = None if annotate is None else str(graph.nodes[node][annotate])
        if diagrams and isinstance(node, Partition):
            _draw_diagram(ax, node, place, cell, below)
        else:
            label = graph.nodes[node]["label"]
            _write(ax, label if below is None else f"{label}\n{below}", place, size=8)
    return ax


def _require_graded(graph: Any) -> None:
    """Refuse what is no graph of nodes with a whole layer and a label, whose edges climb."""
    if not (hasattr(graph, "nodes") and hasattr(graph, "predecessors")):
        raise InvalidTypeError(f"graph must be a networkx digraph, got {shown(graph)}")
    require(len(graph) > 0, "graph", "must have a node", graph)
    for node, attributes in graph.nodes(data=True):
        if not {"layer", "label"} <= attributes.keys():
            raise InvalidTypeError(f"graph must have nodes with layer and label, got the node {shown(node)} without")
        require_integer(attributes["layer"], "layer")
    for low, high in graph.edges:
        climbs = graph.nodes[low]["layer"] < graph.nodes[high]["layer"]
        require(climbs, "graph", "must have edges that lead to a higher layer", f"{low} to {high}")


def _require_attribute(items: Iterable[tuple[Any, Any]], name: str | None, argument: str) -> None:
    if name is not None and not isinstance(name, str):
        raise InvalidTypeError(f"{argument} must be the name of an attribute, got {shown(name)}")
    for item, attributes in items if name is not None else ():
        if name not in attributes:
            known = ", ".join(attributes) or "none"
            raise InvalidArgumentError(f"{argument} must be an attribute of {item} ({known}), got {shown(name)}")


def _bold_edges(graph: Any, path: StandardTableau | Iterable[Any] | None) -> set[tuple[Any, Any]]:
    if path is None:
        return set()
    if isinstance(path, StandardTableau) and path not in graph:
        path = path_from_tableau(path)
    if not isinstance(path, Iterable):
        raise InvalidTypeError(f"path must be a standard tableau or nodes of the graph, got {shown(path)}")
    nodes = [node if _is_node(graph, node) else as_partition(node, "path") for node in path]
    for node in nodes:
        require(node in graph, "path", "must consist of nodes of the graph", str(node))
    edges = set(pairwise(nodes))
    for low, high in edges:
        if not graph.has_edge(low, high):
            raise InvalidArgumentError(f"path must follow edges of the graph, got {low} to {high}")
    return edges


def _is_node(graph: Any, value: Any) -> bool:
    try:
        return value in graph
    except TypeError:  # what has no hash
        return False


def _layers(graph: Any) -> dict[int, dict[Any, float]]:
    """The horizontal places of the nodes of every layer, symmetric about 0."""
    rows: dict[int, list[Any]] = {}
    for node, layer in graph.nodes(data="layer"):
        rows.setdefault(layer, []).append(node)
    layers: dict[int, dict[Any, float]] = {}
    placed: dict[Any, float] = {}
    for layer, row in sorted(rows.items()):
        row.sort(key=lambda node: np.mean([placed[low] for low in graph.predecessors(node)] or [0.0]).round(9))
        layers[layer] = {node: number - (len(row) - 1) / 2 for number, node in enumerate(row)}
        placed |= layers[layer]
    return layers


def _frame(ax: Any, layers: dict[int, dict[Any, float]], name: str) -> None:
    half = max(len(row) for row in layers.values()) / 2
    ax.set_xlim(-half - 0.1, half + 0.1)
    ax.set_ylim(min(layers) - 0.5, max(layers) + 0.5)
    ax.set_xticks([])
    ax.set_yticks(sorted(layers))
    ax.set_ylabel(name)
    for side in ("top", "right", "bottom"):
        ax.spines[side].set_visible(False)


def _cell_size(ax: Any, layers: dict[int, dict[Any, float]]) -> float:
    """The side of a cell in points with which no two diagrams touch, at the present size of the axes."""
    bounds = ax.get_window_extent()
    wide, high = (72 * side / ax.figure.dpi for side in (bounds.width, bounds.height))
    wide, high = wide / max(map(len, layers.values())), high / (max(layers) - min(layers) + 1)
    shapes = [node for row in layers.values() for node in row if isinstance(node, Partition) and node.parts]
    widest = max((shape.parts[0] for shape in shapes), default=1)
    highest = max((shape.length for shape in shapes), default=1)
    return float(min(_LARGEST_CELL, wide / (widest + _CELLS_OF_ROOM), high / (highest + _CELLS_OF_ROOM)))


def _draw_diagram(ax: Any, shape: Partition, place: tuple[float, float], cell: float, below: str | None) -> None:
    """Cells of a size in points, so that they are square whatever the scales of the axes."""
    from matplotlib.offsetbox import AnnotationBbox, DrawingArea, TextArea, VPacker
    from matplotlib.patches import Rectangle

    if not shape.parts:
        _write(ax, "∅" if below is None else f"∅\n{below}", place, size=8)
        return
    area = DrawingArea(cell * shape.parts[0], cell * shape.length)
    for row, column in shape.cells():
        corner = cell * column, cell * (shape.length - 1 - row)
        area.add_artist(Rectangle(corner, cell, cell, facecolor="white", edgecolor="black", linewidth=cell / 10))
    content: Any = area
    if below is not None:
        of_number = {"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none"}
        number = TextArea(below, textprops={"fontsize": 7, "bbox": of_number})
        content = VPacker(children=[area, number], align="center", pad=0, sep=1.5)
    # cells are white themselves: a frame around all of them would cut the edges beside a short row
    ax.add_artist(AnnotationBbox(content, place, frameon=False, pad=0.1, zorder=3))


def _write(ax: Any, text: str, place: tuple[float, float], *, size: float, colour: str = "black") -> None:
    box = {"boxstyle": "square,pad=0.15", "facecolor": "white", "edgecolor": "none"}
    ax.text(*place, text, ha="center", va="center", fontsize=size, color=colour, bbox=box, zorder=3)
