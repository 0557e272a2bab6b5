"""Tables of exact objects, written as LaTeX, Markdown, CSV, JSON, plain text or data frames."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from symrep.display.cells import (
    Prose,
    Uncertain,
    csv_cell,
    html_cell,
    is_sequence,
    json_cell,
    latex_cell,
    latex_prose,
    latex_text,
    markdown_cell,
    plain_text,
    sentence,
    siunitx_cell,
    text_cell,
)
from symrep.errors import InvalidArgumentError, MissingPackageError, require, require_integer

FORMATS = ("text", "markdown", "latex", "csv", "json")
_MOST_ROWS = 40
_LONG_FORMULA = 80
MOST_FIELDS = 15
_LABEL = r"[\w:./+-]+"
_FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}"


_FITTED_HEIGHT = r"\resizebox*{!}{\ifdim\totalheight>0.75\textheight 0.75\textheight\else\totalheight\fi}"


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


def uncertain_columns(key: str, heading: str) -> list[Column]:
    """Columns for a number and its error: two in data, one that shows both elsewhere; see :func:`uncertain_cells`."""
    data = [Column(name, heading, only="data") for name in (key, f"{key}_error")]
    return [*data, Column(f"{key}_with_error", heading, only="display")]


def uncertain_cells(value: float, error: float) -> tuple[Any, ...]:
    """The cells of :func:`uncertain_columns`."""
    return value, error, Uncertain(value, error)


def _fitted_note(note: Prose) -> str:
    """A note in LaTeX: one that holds a long formula, which has no place to break, is scaled down to the line."""
    text = sentence(note, latex_cell, latex_prose)
    formulas = [latex_cell(part) for part in note if not isinstance(part, str)] if isinstance(note, tuple) else []
    return f"{_FITTED}{{{text}}}" if any(len(formula) > _LONG_FORMULA for formula in formulas) else text


def _paragraphs(headings: list[str], rows: list[tuple[Any, ...]]) -> list[str]:
    """A paragraph for every row: the heading before every cell, the parts of a cell one below the other."""
    width = max(map(len, headings))
    lines = []
    for row in rows:
        for heading, cell in zip(headings, row):
            parts = [text_cell(part) for part in cell] if is_sequence(cell) else text_cell(cell).split("\n")
            first, *others = parts or [""]
            lines += [f"{heading.ljust(width)}  {first}".rstrip(), *(" " * (width + 2) + other for other in others)]
        lines.append("")
    return lines[:-1]


def _packages(own: str | None, siunitx: bool) -> str:
    """A comment with the packages that a table needs.

    >>> _packages("longtable", False)
    '% packages: amsmath, booktabs, longtable'
    """
    return "% packages: " + ", ".join(["amsmath", "booktabs", *filter(None, [own, "siunitx" if siunitx else None])])


@dataclass(frozen=True, repr=False)
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
    >>> import sympy
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

    def select(self, *names: str, notes: bool = True) -> Table:
        """The table with some of its columns, by their keys or headings, in this order; with its notes, unless told not to.

        Raises
        ------
        InvalidArgumentError
            When there are no names, or no column has one of them.

        Examples
        --------
        >>> table = Table("demo", "Powers.", (Column("n", "n"), Column("square", "a square"), Column("cube", "cube")), ((2, 4, 8),))
        >>> print(table.select("cube", "n").to_csv())
        cube,n
        8,2
        """
        require(bool(names), "names", "must name a column", names)
        places = []
        for name in names:
            own = [i for i, column in enumerate(self.columns) if name in (column.key, column.heading)]
            known = ", ".join(dict.fromkeys(column.key for column in self.columns))
            require(bool(own), "names", f"must be among {known}", name)
            # what is displayed in another form than in data has a column for each
            forms = tuple(f"{self.columns[i].key}_" for i in own if self.columns[i].only is not None)
            places += [
                i
                for i, column in enumerate(self.columns)
                if i in own or (column.only is not None and column.key.startswith(forms))
            ]
        places = list(dict.fromkeys(places))
        chosen = [self.columns[i] for i in places]
        displayed = {column.heading for column in chosen if column.only != "data"}
        columns = tuple(column if column.heading in displayed else replace(column, only=None) for column in chosen)
        rows = tuple(tuple(row[i] for i in places) for row in self.rows)
        return replace(self, columns=columns, rows=rows, notes=self.notes if notes else ())

    def text_grid(self) -> list[list[str]]:
        """Headings and rows as plain text."""
        columns, rows = self._part("data")
        return [[column.heading for column in columns], *([text_cell(cell) for cell in row] for row in rows)]

    def text_prose(self) -> tuple[str, list[str]]:
        """Caption and notes as plain text."""
        return sentence(self.caption, text_cell, plain_text), [
            sentence(note, text_cell, plain_text) for note in self.notes
        ]

    def to_text(self, width: int | None = None) -> str:
        """Aligned plain text; where rows would be longer than ``width``, a paragraph for every row, a line for every cell.

        Lines are not broken, and tables of more than 15 columns, which would be hard to read so, stay grids.

        >>> table = Table("demo", "Powers.", (Column("n", "n"), Column("power", "a power of n")), ((2, 8), (3, (9, 27))))
        >>> print(table.to_text(width=14))
        Powers.
        <BLANKLINE>
        n             2
        a power of n  8
        <BLANKLINE>
        n             3
        a power of n  9
                      27
        """
        grid = self.text_grid()
        caption, notes = self.text_prose()
        widths = [max(len(row[i]) for row in grid) for i in range(len(grid[0]))]
        lines = ["  ".join(cell.ljust(wide) for cell, wide in zip(row, widths)).rstrip() for row in grid]
        rule = "  ".join("-" * wide for wide in widths)
        body = [lines[0], rule, *lines[1:]]
        too_wide = width is not None and len(rule) > require_integer(width, "width", minimum=1)
        if too_wide and self.rows and len(widths) <= MOST_FIELDS:
            body = _paragraphs(grid[0], self._part("data")[1])
        return "\n".join([caption, "", *body, *(["", *notes] if notes else [])])

    def to_markdown(self) -> str:
        """A pipe table; expressions as ``$...$``."""
        columns, rows = self._part("data")
        lines = [sentence(self.caption, markdown_cell, str), ""]
        lines.append(
            "| " + " | ".join((column.latex_heading or column.heading).replace("|", r"\|") for column in columns) + " |"
        )
        lines.append("| " + " | ".join("---" for _ in columns) + " |")
        for row in rows:
            lines.append("| " + " | ".join(markdown_cell(cell) for cell in row) + " |")
        for note in self.notes:
            lines += ["", sentence(note, markdown_cell, str)]
        return "\n".join(lines)

    def to_csv(self) -> str:
        """Comma-separated values with the column keys as header; numbers with all their digits."""
        columns, rows = self._part("display")
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([column.key for column in columns])
        writer.writerows([csv_cell(cell) for cell in row] for row in rows)
        return stream.getvalue().rstrip("\n")

    def to_json(self) -> str:
        """An object with label, caption, rows as objects by column key, and notes; expressions are strings."""
        columns, cells = self._part("display")
        caption, notes = self.text_prose()
        rows = [{column.key: json_cell(cell) for column, cell in zip(columns, row)} for row in cells]
        content = {
            "label": self.label,
            "caption": caption,
            "rows": rows,
            "notes": notes,
        }
        return json.dumps(content, indent=2, ensure_ascii=False)

    def to_frame(self) -> Any:
        """A pandas data frame with the column keys as names and the cells as they are: exact objects stay exact.

        Raises
        ------
        MissingPackageError
            When pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise MissingPackageError(
                "data frames need pandas, which is not installed: python -m pip install pandas"
            ) from None
        columns, rows = self._part("display")
        return pandas.DataFrame(rows, columns=[column.key for column in columns])

    def to_latex(
        self,
        long: bool | None = None,
        fit: bool = False,
        siunitx: bool = False,
        *,
        wide: bool = False,
        label: str | None = None,
        caption: Prose | None = None,
    ) -> str:
        r"""A ``table`` environment, or a ``longtable``, which breaks over pages; a comment names the packages it needs.

        Parameters
        ----------
        long
            Whether it is a longtable, which needs a page of one column; unless given, tables of more than 40 rows are that
            are not to fit.
        fit
            Scale the body, where it is wider than the line or higher than most of a page, down to it (package graphicx): for
            a column of a paper, say. Some hundred columns or rows are too many for that, and for the memory of TeX.
        siunitx
            Leave the form of numbers in the body to the package siunitx (``\num``).
        wide
            Let it span both columns of a two-column page (``table*``); with ``fit`` it is scaled where it is wider still.
        label, caption
            In place of those of the table; the label goes behind ``tab:`` unless it starts so.

        Raises
        ------
        InvalidArgumentError
            When a longtable is to fit, which cannot be scaled, or to be wide; when a wide table is higher than a page;
            when LaTeX would not take the label.
        """
        if label is not None:
            allowed = re.fullmatch(_LABEL, label) is not None
            require(allowed, "label", "must be made of letters, digits and : . / + - _", label)
        if label is not None or caption is not None:
            label = None if label is None else label.removeprefix("tab:")
            own = {name: value for name, value in (("label", label), ("caption", caption)) if value is not None}
            return replace(self, **own).to_latex(long, fit, siunitx, wide=wide)
        require(not (wide and long), "wide", "must be False for a longtable, which needs one column", wide)
        if wide and not fit and long is None and len(self.rows) > _MOST_ROWS:
            rule = f"must come with fit=True or long=False where there are more than {_MOST_ROWS} rows"
            raise InvalidArgumentError(f"wide {rule}, got {len(self.rows)} rows")
        require(not (fit and long), "fit", "must be False for a longtable, which breaks over pages", fit)
        if len(self.rows) > _MOST_ROWS and not fit if long is None else long:
            return self._to_longtable(siunitx)
        columns, rows = self._part("data")
        align = "".join(column.align for column in columns)
        heading = " & ".join(column.latex_heading or latex_text(column.heading) for column in columns)
        caption = sentence(self.caption, latex_cell, latex_prose)
        body_cell = siunitx_cell if siunitx else latex_cell
        environment = "table*" if wide else "table"
        body = [" & ".join(map(body_cell, row)) + r" \\" for row in rows]
        lines = [
            _packages("graphicx" if fit else None, siunitx),
            rf"\begin{{{environment}}}[htbp]",
            r"\centering",
            r"\setlength{\belowcaptionskip}{6pt}",
            rf"\caption{{{caption}}}",
        ]
        lines += [rf"\label{{tab:{self.label}}}", rf"\{self.latex_size}"]
        if self.latex_size in ("tiny", "scriptsize"):
            lines.append(r"\setlength{\tabcolsep}{3pt}")
        elif any(r"\dfrac" in line for line in body):
            lines.append(r"\renewcommand{\arraystretch}{2.5}")
        if fit:
            lines.append(_FITTED_HEIGHT + "{" + _FITTED + "{%")
        lines += [rf"\begin{{tabular}}{{{align}}}", r"\toprule", heading + r" \\", r"\midrule"]
        lines += body
        lines += [r"\bottomrule", r"\end{tabular}" + ("}}" if fit else "")]
        if self.notes:
            notes = [_fitted_note(note) if fit else sentence(note, latex_cell, latex_prose) for note in self.notes]
            lines += ["", r"\medskip", r"\begin{minipage}{0.95\linewidth}\footnotesize"]
            lines += ["\\par\\smallskip\n".join(notes), r"\end{minipage}"]
        lines.append(rf"\end{{{environment}}}")
        return "\n".join(lines)

    def _to_longtable(self, siunitx: bool) -> str:
        body_cell = siunitx_cell if siunitx else latex_cell
        columns, rows = self._part("data")
        heading = " & ".join(column.latex_heading or latex_text(column.heading) for column in columns) + r" \\"
        caption = sentence(self.caption, latex_cell, latex_prose)
        lines = [_packages("longtable", siunitx)]
        lines += [rf"\begingroup\{self.latex_size}", rf"\begin{{longtable}}{{{''.join(c.align for c in columns)}}}"]
        lines += [
            rf"\caption{{{caption}}}\label{{tab:{self.label}}} \\",
            r"\toprule",
            heading,
            r"\midrule",
            r"\endfirsthead",
        ]
        lines += [r"\toprule", heading, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot"]
        lines += [" & ".join(map(body_cell, row)) + r" \\" for row in rows]
        lines += [r"\end{longtable}", r"\endgroup"]
        for note in self.notes:
            lines += ["", rf"{{\footnotesize {sentence(note, latex_cell, latex_prose)}\par}}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        columns, rows = self._part("data")
        head = "".join(f"<th>{html.escape(column.latex_heading or column.heading)}</th>" for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{html_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        notes = "".join(f"<p>{sentence(note, html_cell, html.escape)}</p>" for note in self.notes)
        caption = sentence(self.caption, html_cell, html.escape)
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{body}</table>{notes}"

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        shown = ", ".join(column.heading for column in self._part("data")[0])
        return (
            f"<Table {self.label}: {len(self.rows)} rows of {shown}; print it, or call to_latex, to_csv, to_frame, ...>"
        )
