"""The command on text files."""

from __future__ import annotations

import json
from typing import Any

import click

from symrep.cli.output import (
    FILE,
    emit,
    is_terminal,
    output_options,
    picture_file,
    save_plot,
    show_all,
    shows_progress,
    written,
)
from symrep.errors import InvalidArgumentError


@click.command(short_help="How symmetric a text is.")
@click.argument("files", nargs=-1, type=FILE, metavar="[FILE]...")
@click.option("--length", type=int, default=16, show_default=True, metavar="L", help="Tokens in a window.")
@click.option(
    "--vocab",
    type=int,
    default=None,
    metavar="V",
    help="The V - 1 most frequent words, and <unk>; 50 unless given, or less where there are fewer words.",
)
@click.option(
    "--skip", type=int, default=0, show_default=True, metavar="N", help="The N most frequent words become <unk>."
)
@click.option(
    "--stride", type=int, default=None, metavar="N", help="From window to window; a whole window if left out."
)
@click.option("--spacing", type=int, default=1, show_default=True, metavar="N", help="From position to position.")
@click.option(
    "--tokenizer",
    type=FILE,
    metavar="FILE",
    default=None,
    help="A tokenizer.json of Hugging Face, in place of whitespace.",
)
@click.option(
    "--controls/--no-controls", default=True, show_default=True, help="Shuffled text and a Markov chain beside it."
)
@click.option(
    "--permutations",
    type=int,
    default=199,
    show_default=True,
    metavar="N",
    help="In the tests, at least 59; 0 for none.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of controls, intervals and tests.")
@click.option(
    "--plot",
    type=FILE,
    metavar="FILE",
    callback=picture_file,
    help="Also draw covariance and components: png, pdf or svg.",
)
@output_options()
def text(
    files: tuple[str, ...],
    length: int,
    vocab: int | None,
    skip: int,
    tokenizer: str | None,
    permutations: int,
    plot: str | None,
    format_: str,
    out: str | None,
    **options: Any,
) -> None:
    """How symmetric a text is under permutations of the words in its windows, with controls; csv holds the first table alone.

    FILEs are UTF-8 text, plain, .gz or .zip; without any, the text that ships with Python is read.

    Example: symrep text

    Example: symrep text train.txt --length 16 --vocab 100 --skip 100 --plot symmetry.png
    """
    from symrep.measures.text import read_corpus, text_report
    from symrep.measures.text.windows import window_options

    window_options(length, options["stride"], options["spacing"], 20)
    progress = shows_progress()
    corpus = read_corpus(files or None, vocab_size=vocab, skip=skip, tokenizer=_tokenizer(tokenizer), progress=progress)
    report = text_report(corpus, length, n_permutations=permutations, progress=progress, **options)
    if plot is not None:
        from symrep.plots import text_figure

        save_plot(text_figure(report)[0], plot)
    tables, summary = report.tables(), report.summary()
    if format_ == "json":
        parts = [json.loads(table.to_json()) for table in tables]
        emit(json.dumps({"tables": parts, "summary": summary}, indent=2, ensure_ascii=False), out)
    elif format_ == "csv":
        show_all(tables, format_, out)
    elif is_terminal(format_, out):
        emit(summary + "\n", out)
        show_all(tables, format_, out)
    else:
        from symrep.display import latex_text

        first = latex_text(summary) if format_ == "latex" else summary
        emit(f"{first}\n\n{written(list(tables), format_)}", out)


def _tokenizer(path: str | None) -> Any:
    if path is None:
        return None
    try:
        from tokenizers import Tokenizer
    except ImportError:
        rule = "needs the package tokenizers: python -m pip install 'symrep[tokenizers]'"
        raise InvalidArgumentError(f"--tokenizer {rule}, got {path!r}") from None
    try:
        return Tokenizer.from_file(path)
    except Exception as error:  # the package raises nothing more special
        raise InvalidArgumentError(f"--tokenizer must be a tokenizer.json, got {path!r}: {error}") from None
