"""Tables of exact objects, written as LaTeX, Markdown, CSV, JSON or plain text. A base that every room may use."""

from __future__ import annotations

import csv
import html
import io
import itertools
import json
import math
import numbers
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symrep.errors import InvalidArgumentError, require

FORMATS = ("text", "markdown", "latex", "csv", "json")


@dataclass(frozen=True)
class Code:
    """Text to be set as it is, in a typewriter font where there is one: an architecture, say."""

    text: str

    def __str__(self) -> str:
        return self.text


# Text in which $...$ is mathematics, or a sequence of such text and exact objects.
Prose = str | tuple[Any, ...]


@dataclass(frozen=True)
class Formula:
    r"""Mathematics that no sympy expression shows well: as plain text and as LaTeX.

    >>> print(Formula("EK/(L - 1)", r"\mathbb{E}K/(L-1)"))
    EK/(L - 1)
    """

    text: str
    latex: str

    def __str__(self) -> str:
        return self.text

    def _latex(self) -> str:
        return self.latex

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"


@dataclass(frozen=True)
class Equation:
    """A named exact object, ``left = right``; ``latex_left`` is the name in LaTeX."""

    left: str
    latex_left: str
    right: Any

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"

    def _latex(self) -> str:
        return f"{self.latex_left} = {math_latex(self.right)}"

    def _repr_latex_(self) -> str:
        return f"${self._latex()}$"


@dataclass(frozen=True)
class Column:
    """A column: the key in JSON and CSV, its heading, and the heading in LaTeX (the heading itself unless given).

    ``only="data"`` keeps it to CSV and JSON (exact expressions too wide for a page), ``only="display"`` to the others.
    """

    key: str
    heading: str
    latex_heading: str | None = None
    align: str = "l"
    only: str | None = None

    def __post_init__(self) -> None:
        require(self.only in (None, "data", "display"), "only", "must be None, 'data' or 'display'", self.only)


@dataclass(frozen=True)
class Table:
    """Rows of exact objects with a caption, a label and notes.

    Parameters
    ----------
    label
        A short name: the file name and the LaTeX label.
    caption
        One sentence: text in which ``$...$`` is mathematics, or a tuple of such text and exact objects.
    columns, rows
        Every row has one cell per column. Cells are strings (text), integers, floats, sympy expressions, objects with a
        ``_latex()`` method, None (empty), or a sequence of these (set one below the other in LaTeX).
    notes
        Sentences below the table, like the caption.
    latex_size
        The font size command of LaTeX for the body; ``tiny`` and ``scriptsize`` also narrow the columns.

    Examples
    --------
    >>> x = sympy.Symbol("x")
    >>> table = Table("demo", "Powers.", (Column("n", "n", "$n$"), Column("power", "power")), ((2, x**2), (3, x**3)))
    >>> print(table.to_text())
    Powers.
    <BLANKLINE>
    n  power
    -  -----
    2  x**2
    3  x**3
    >>> print(table.to_csv())
    n,power
    2,x**2
    3,x**3
    """

    label: str
    caption: Prose
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    notes: tuple[Prose, ...] = ()
    latex_size: str = "small"

    def __post_init__(self) -> None:
        for row in self.rows:
            require(len(row) == len(self.columns), "rows", f"must have {len(self.columns)} cells each", row)

    def _part(self, excluded: str) -> tuple[tuple[Column, ...], list[tuple[Any, ...]]]:
        """Columns and rows without the columns that are kept to ``excluded``."""
        kept = [i for i, column in enumerate(self.columns) if column.only != excluded]
        return tuple(self.columns[i] for i in kept), [tuple(row[i] for i in kept) for row in self.rows]

    def to(self, format: str) -> str:
        """The table in one of ``FORMATS``."""
        if format not in FORMATS:
            raise InvalidArgumentError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")
        return getattr(self, f"to_{format}")()

    def text_grid(self) -> list[list[str]]:
        """Headings and rows as plain text."""
        columns, rows = self._part("data")
        return [[column.heading for column in columns], *([_text(cell) for cell in row] for row in rows)]

    def text_prose(self) -> tuple[str, list[str]]:
        """Caption and notes as plain text."""
        return _sentence(self.caption, _text, _plain), [_sentence(note, _text, _plain) for note in self.notes]

    def to_text(self) -> str:
        """Aligned plain text."""
        grid = self.text_grid()
        caption, notes = self.text_prose()
        widths = [max(len(row[i]) for row in grid) for i in range(len(grid[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in grid]
        rule = "  ".join("-" * width for width in widths)
        return "\n".join([caption, "", lines[0], rule, *lines[1:], *(["", *notes] if notes else [])])

    def to_markdown(self) -> str:
        """A pipe table; expressions as ``$...$``."""
        columns, rows = self._part("data")
        lines = [_sentence(self.caption, _markdown, str), ""]
        lines.append(
            "| " + " | ".join((column.latex_heading or column.heading).replace("|", r"\|") for column in columns) + " |"
        )
        lines.append("| " + " | ".join("---" for _ in columns) + " |")
        for row in rows:
            lines.append("| " + " | ".join(_markdown(cell) for cell in row) + " |")
        for note in self.notes:
            lines += ["", _sentence(note, _markdown, str)]
        return "\n".join(lines)

    def to_csv(self) -> str:
        """Comma-separated values with the column keys as header."""
        columns, rows = self._part("display")
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([column.key for column in columns])
        writer.writerows([_text(cell) for cell in row] for row in rows)
        return stream.getvalue().rstrip("\n")

    def to_json(self) -> str:
        """An object with label, caption, rows as objects by column key, and notes; expressions are strings."""
        columns, cells = self._part("display")
        caption, notes = self.text_prose()
        rows = [{column.key: _json(cell) for column, cell in zip(columns, row)} for row in cells]
        content = {
            "label": self.label,
            "caption": caption,
            "rows": rows,
            "notes": notes,
        }
        return json.dumps(content, indent=2, ensure_ascii=False)

    def to_latex(self) -> str:
        r"""A ``table`` environment (booktabs and amsmath)."""
        columns, rows = self._part("data")
        align = "".join(column.align for column in columns)
        heading = " & ".join(column.latex_heading or latex_text(column.heading) for column in columns)
        caption = _sentence(self.caption, _latex, _latex_prose)
        body = [" & ".join(_latex(cell) for cell in row) + r" \\" for row in rows]
        lines = [
            r"\begin{table}[htbp]",
            r"\centering",
            r"\setlength{\belowcaptionskip}{6pt}",
            rf"\caption{{{caption}}}",
        ]
        lines += [rf"\label{{tab:{self.label}}}", rf"\{self.latex_size}"]
        if self.latex_size in ("tiny", "scriptsize"):
            lines.append(r"\setlength{\tabcolsep}{3pt}")
        elif any(r"\dfrac" in line for line in body):
            lines.append(r"\renewcommand{\arraystretch}{2.5}")
        lines += [rf"\begin{{tabular}}{{{align}}}", r"\toprule", heading + r" \\", r"\midrule"]
        lines += body
        lines += [r"\bottomrule", r"\end{tabular}"]
        if self.notes:
            lines += ["", r"\medskip", r"\begin{minipage}{0.95\linewidth}\footnotesize"]
            lines += [
                "\\par\\smallskip\n".join(_sentence(note, _latex, _latex_prose) for note in self.notes),
                r"\end{minipage}",
            ]
        lines.append(r"\end{table}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        columns, rows = self._part("data")
        head = "".join(f"<th>{html.escape(column.heading)}</th>" for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{_html(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        notes = "".join(f"<p>{_sentence(note, _html, html.escape)}</p>" for note in self.notes)
        caption = _sentence(self.caption, _html, html.escape)
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>{notes}"

    def __str__(self) -> str:
        return self.to_text()


def latex_text(text: str) -> str:
    """Plain text with the special characters of LaTeX escaped.

    >>> print(latex_text("50% of a_b"))
    50\\% of a\\_b
    """
    return "".join(
        "\\" + c if c in "&%$#_{}" else {"\\": r"\textbackslash{}", "~": r"\~{}", "^": r"\^{}"}.get(c, c) for c in text
    )


def _latex_prose(text: str) -> str:
    """Text with its special characters escaped outside ``$...$``.

    >>> print(_latex_prose("50% of $a_1$ & more"))
    50\\% of $a_1$ \\& more
    """
    pieces = text.split("$")
    if len(pieces) % 2 == 0:
        return latex_text(text)
    return "$".join(
        piece if inside else latex_text(piece) for piece, inside in zip(pieces, itertools.cycle((False, True)))
    )


def _is_sequence(cell: Any) -> bool:
    return isinstance(cell, Sequence) and not isinstance(cell, str)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if _is_sequence(cell):
        return "; ".join(map(_text, cell))
    if isinstance(cell, float):
        return f"{cell:.6g}"
    return _plain(cell) if isinstance(cell, str) else str(cell)


_COMMANDS = {"pm": "+-", "to": "->", "infty": "infinity", "le": "<=", "ge": ">=", "dim": "dim", "times": "x"}


def _plain(text: str) -> str:
    r"""Text without dollar signs, commands of LaTeX by their names.

    >>> _plain(r"at most $\lambda \le \mathbb{E}K$")
    'at most lambda <= EK'
    """
    text = re.sub(r"\\(?:mathbb|mathrm|operatorname)\{(\w+)\}", r"\1", text.replace("$", "").replace(r"\,", " "))
    return re.sub(r"\\([a-zA-Z]+)", lambda match: _COMMANDS.get(match[1], match[1]), text)


def _sentence(prose: Prose, cell_format: Callable[[Any], str], text_format: Callable[[str], str]) -> str:
    parts = (prose,) if isinstance(prose, str) else prose
    return "".join(text_format(part) if isinstance(part, str) else cell_format(part) for part in parts)


def math_latex(cell: Any) -> str:
    """The LaTeX of an exact object, without dollar signs."""
    if hasattr(cell, "_repr_latex_") and hasattr(cell, "_latex") and not isinstance(cell, sympy.Basic):
        return cell._latex()
    return sympy.latex(cell)


def float_latex(value: float) -> str:
    r"""Six significant digits, a power of ten where it has one.

    >>> float_latex(0.25), float_latex(-1.5e-07), float_latex(float("inf"))
    ('0.25', '-1.5 \\times 10^{-7}', '\\infty')
    """
    if math.isinf(value):
        return r"-\infty" if value < 0 else r"\infty"
    mantissa, _, exponent = f"{value:.6g}".partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def _latex(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Code):
        return rf"\texttt{{{latex_text(cell.text)}}}"
    if _is_sequence(cell):
        return r"\begin{tabular}[t]{@{}l@{}}" + r" \\ ".join(map(_latex, cell)) + r"\end{tabular}"
    if isinstance(cell, str):
        return _latex_prose(cell)
    if isinstance(cell, float):
        return f"${float_latex(cell)}$"
    return f"${math_latex(cell)}$".replace(r"\frac", r"\dfrac")


def _markdown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Code):
        return f"`{cell.text}`"
    if _is_sequence(cell):
        return "; ".join(map(_markdown, cell))
    if isinstance(cell, (str, int, float)):
        return (_text(cell) if not isinstance(cell, str) else cell).replace("|", r"\|")
    return f"${math_latex(cell)}$".replace("|", r"\vert ")


def _html(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Code):
        return f"<code>{html.escape(cell.text)}</code>"
    if _is_sequence(cell):
        return "<br>".join(map(_html, cell))
    if isinstance(cell, (str, int, float)):
        return html.escape(_text(cell))
    return f"${html.escape(math_latex(cell))}$"


def _json(cell: Any) -> Any:
    if isinstance(cell, float) and not math.isfinite(cell):
        return str(cell)
    if isinstance(cell, numbers.Integral):
        return int(cell)
    if cell is None or isinstance(cell, (float, str)):
        return cell
    if _is_sequence(cell):
        return [_json(item) for item in cell]
    return str(cell)
