"""What commands write: tables in every format, files replaced whole, pictures."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from textwrap import fill
from typing import Any

import click

from symrep.display import FORMATS, Prose, Table
from symrep.display.cells import plain_text, sentence, text_cell
from symrep.display.tables import MOST_FIELDS
from symrep.errors import InvalidArgumentError, require

_BETWEEN_COLUMNS, _NARROWEST, _MOST_PARAGRAPHS = 3, 4, 50
_TITLE_WIDTH = 80
_QUIET = "symrep.quiet"
# for completion alone: whether a file can be used is told where it is
FILE = click.Path(readable=False)


def quiet_option(function: Any) -> Any:
    """``--quiet``, before or behind the name of a command."""

    def remember(context: click.Context, parameter: click.Parameter, is_quiet: bool) -> None:
        context.meta[_QUIET] = is_quiet or context.meta.get(_QUIET, False)

    help_text = "Results and errors alone: no progress bars, no messages."
    option = click.option("--quiet", "-q", is_flag=True, expose_value=False, callback=remember, help=help_text)
    return option(function)


def is_quiet() -> bool:
    return click.get_current_context().meta.get(_QUIET, False)


def shows_progress() -> bool:
    """Whether progress bars are shown: on a terminal, unless it is to be quiet."""
    return sys.stderr is not None and sys.stderr.isatty() and not is_quiet()


def say(message: str, err: bool = False) -> None:
    """A message beside the results."""
    if not is_quiet():
        click.echo(message, err=err)


_LATEX_OPTIONS = {
    "fit": {
        "is_flag": True,
        "help": "For latex: scaled down to the line, such as the column of a paper (package graphicx); wide tables get small print.",
    },
    "wide": {"is_flag": True, "help": "For latex: across both columns of a page, scaled down to them."},
    "label": {
        "metavar": "NAME",
        "help": "For latex: the label, behind tab:; of several tables the beginning of theirs.",
    },
    "caption": {"metavar": "TEXT", "help": "For latex: the caption of one table, in which $...$ is mathematics."},
}


_FORMATS_BY_SUFFIX = {".tex": "latex", ".md": "markdown", ".csv": "csv", ".json": "json"}


def latex_options(function: Any) -> Any:
    """``--fit``, ``--wide``, ``--label`` and ``--caption``, which are refused unless the format is latex."""

    def remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        context.meta[f"symrep.{parameter.name}"] = value

    @wraps(function)
    def checked(*arguments: Any, format_: str, **options: Any) -> None:
        for option in _latex_form():
            if format_ != "latex":
                raise InvalidArgumentError(f"--{option} must be left out unless --format is latex, got {format_!r}")
        function(*arguments, format_=format_, **options)

    for name, described in reversed(_LATEX_OPTIONS.items()):
        checked = click.option(f"--{name}", expose_value=False, callback=remember, **described)(checked)
    return checked


def _latex_form() -> dict[str, Any]:
    """The options for LaTeX that were given, as arguments of ``Table.to_latex``; ``--wide`` asks for ``--fit``."""
    meta = click.get_current_context().meta
    given = {name: value for name in _LATEX_OPTIONS if (value := meta.get(f"symrep.{name}")) not in (None, False)}
    return given | {"fit": True} if "wide" in given else given


def output_options(formats: Sequence[str] = FORMATS) -> Callable[[Any], Any]:
    """What becomes of the results: ``--format``, ``--out``, ``--quiet``, and how LaTeX is written."""

    def decorate(function: Any) -> Any:
        function = _format_of_suffix(latex_options(function) if "latex" in formats else function, formats)
        help_text = "Write to FILE instead of standard output."
        function = click.option("--out", type=FILE, metavar="FILE", callback=output_file, help=help_text)(function)
        suffixes = ", ".join(suffix for suffix, known in _FORMATS_BY_SUFFIX.items() if known in formats)
        help_text = f"Output format; unless given that of the suffix of --out ({suffixes}), else text."
        function = click.option("--format", "format_", type=click.Choice(formats), help=help_text)(function)
        return quiet_option(function)

    return decorate


def _format_of_suffix(function: Any, formats: Sequence[str]) -> Any:
    """The format that the name of the output asks for where none is given."""

    @wraps(function)
    def decided(*arguments: Any, format_: str | None, out: str | None, **options: Any) -> None:
        meant = _FORMATS_BY_SUFFIX.get(Path(out or "").suffix.lower())
        own = format_ or (meant if meant in formats else "text")
        function(*arguments, format_=own, out=out, **options)

    return decided


def output_file(context: click.Context, parameter: click.Parameter, path: str | None) -> str | None:
    """Refuse a file in a directory that is not there before the work that is to be written."""
    if path is not None and path.strip() and not Path(os.path.realpath(path)).parent.is_dir():
        raise InvalidArgumentError(f"{parameter.opts[0]} must be a writable file, got {path!r}: no such directory")
    return path


def emit(text: str, out: str | None) -> None:
    """Print, or write to a file: a regular file is replaced whole, a pipe or a device is written to."""
    if out is None:
        click.echo(text)
        return
    if not out.strip():
        raise InvalidArgumentError(f"--out must name a file, got {out!r}")
    path = Path(os.path.realpath(out))
    try:
        if path.exists() and not path.is_file():
            path.write_text(text + "\n", encoding="utf-8")
        else:
            replace_file(path, (text + "\n").encode())
    except OSError as error:
        raise InvalidArgumentError(f"--out must be a writable file, got {out!r}: {error.strerror or error}") from None


def replace_file(path: Path, content: bytes) -> None:
    """Write to a temporary file beside ``path`` and rename it, with the mode of the file that was there."""
    current_umask = os.umask(0)
    os.umask(current_umask)
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~current_umask
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def show(table: Table, format_: str, out: str | None) -> None:
    if is_terminal(format_, out):
        _print_rich(table)
    else:
        emit(written([table], format_), out)


def written(tables: list[Table], format_: str) -> str:
    """Tables in a format, in LaTeX as its options ask for: a label begins those of several tables, a caption is for one."""
    if format_ != "latex":
        return "\n\n".join(table.to(format_) for table in tables)
    form = _latex_form()
    if len(tables) > 1:
        require("caption" not in form, "--caption", f"must be left out for {len(tables)} tables", form.get("caption"))
    labels = [form.get("label", table.label) for table in tables]
    if len(tables) > 1 and "label" in form:
        labels = [f"{form['label']}-{table.label}" for table in tables]
    return "\n\n".join(table.to_latex(**form | {"label": label}) for table, label in zip(tables, labels))


def show_all(tables: list[Table], format_: str, out: str | None) -> None:
    """Several tables; csv holds the first alone."""
    if format_ == "csv":
        tables = tables[:1]
    if format_ == "json":
        emit(json.dumps([json.loads(table.to_json()) for table in tables], indent=2), out)
    elif is_terminal(format_, out):
        for place, table in enumerate(tables):
            if place:
                click.echo()
            _print_rich(table)
    else:
        emit(written(tables, format_), out)


def is_terminal(format_: str, out: str | None) -> bool:
    return format_ == "text" and out is None and sys.stdout is not None and sys.stdout.isatty()


def _print_rich(table: Table) -> None:
    """A grid whose cells break between words; a paragraph for every row where that does not fit the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console()
    heading, *rows = table.text_grid()
    available = console.width - _BETWEEN_COLUMNS * len(heading) - 1
    widths = _column_widths([heading, *rows], available, len(rows) > _MOST_PARAGRAPHS)
    caption, notes = table.text_prose()
    if widths is None:
        caption, *notes = (fill(part, console.width, break_long_words=False) for part in (caption, *notes))
        click.echo(replace(table, caption=caption, notes=tuple(notes)).to_text(width=console.width))
        return
    grid = RichTable(
        title=Text(caption),
        caption=Text("\n".join(notes)) if notes else None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )
    for title, width in zip(heading, widths):
        grid.add_column(Text(title), width=width, overflow="fold")
    for row in rows:
        grid.add_row(*map(Text, row))
    console.print(grid)


def _unbroken(word: str) -> str:
    """What of a word stays in one piece whatever the width: a number all of it, others their beginning.

    >>> _unbroken("1.5e-07"), _unbroken("samples-linear-pool-v2")
    ('1.5e-07', 'samp')
    """
    return word if word.lstrip("+-(")[:1].isdigit() else word[:_NARROWEST]


def _column_widths(grid: list[list[str]], available: int, may_break_words: bool) -> list[int] | None:
    """The widths of columns that fit together, of which the widest give way first; None where none do.

    >>> _column_widths([["a", "b"], ["1234", "six words of text in here"]], 14, False)
    [4, 10]
    >>> _column_widths([["a", "b"], ["1234", "unbreakable"]], 14, False), _column_widths([["a", "b"], ["1234", "unbreakable"]], 14, True)
    (None, [4, 10])
    """
    columns = list(zip(*grid))
    widest = [max(map(len, cells)) for cells in columns]
    least = [max(len(word) for cell in cells for word in [*cell.split(), ""]) for cells in columns]
    if may_break_words and len(columns) <= MOST_FIELDS:
        least = [max(len(word) for word in ["", *map(_unbroken, " ".join(cells).split())]) for cells in columns]
    for limit in range(max(widest), 0, -1):
        widths = [max(low, min(high, limit)) for low, high in zip(least, widest)]
        if sum(widths) <= available:
            return widths
    return None


def picture_file(context: click.Context, parameter: click.Parameter, path: str | None) -> str | None:
    """Refuse a bad name before the work that is to be drawn."""
    if path is not None and Path(path).suffix.lower() not in (".png", ".pdf", ".svg"):
        raise InvalidArgumentError(f"--plot must name a png, pdf or svg file, got {path!r}")
    return output_file(context, parameter, path)


def save_plot(axes: Any, path: str, title: Prose | None = None) -> None:
    """Write a picture whole, or not at all; the title comes above the one that it may have."""
    if title is not None:
        lines = [fill(sentence(title, text_cell, plain_text), _TITLE_WIDTH), axes.get_title()]
        axes.set_title("\n".join(filter(None, lines)), fontsize="small")
    buffer = io.BytesIO()
    axes.figure.savefig(buffer, format=Path(path).suffix[1:].lower(), bbox_inches="tight", dpi=150)
    try:
        replace_file(Path(os.path.realpath(path)), buffer.getvalue())
    except OSError as error:
        raise InvalidArgumentError(f"--plot must be a writable file, got {path!r}: {error.strerror or error}") from None
