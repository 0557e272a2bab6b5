"""Young diagrams and tableaux as SVG, for notebooks."""

from __future__ import annotations

from collections.abc import Sequence

_CELL = 24


def diagram_svg(parts: Sequence[int], entries: Sequence[Sequence[int]] | None = None) -> str:
    """The diagram of a partition, with entries in its cells where they are given, in English notation.

    >>> diagram_svg((1,), [[7]]).count("<rect"), "7" in diagram_svg((1,), [[7]])
    (1, True)
    """
    width, height = _CELL * max(parts, default=0) + 2, _CELL * len(parts) + 2
    shapes = []
    for row, part in enumerate(parts):
        for column in range(part):
            x, y = 1 + _CELL * column, 1 + _CELL * row
            shapes.append(f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" fill="white" stroke="black"/>')
            if entries is not None:
                place = f'x="{x + _CELL // 2}" y="{y + _CELL // 2}" text-anchor="middle" dominant-baseline="central"'
                shapes.append(f'<text {place} font-size="13" fill="black">{entries[row][column]}</text>')
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(shapes)}</svg>'
