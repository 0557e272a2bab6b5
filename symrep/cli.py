"""The command line: ``symrep COMMAND``. Errors are one line on standard error and exit status 2."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from symrep import __version__
from symrep.display import FORMATS, Table
from symrep.errors import InvalidArgumentError, SymrepError, VerificationError

_FAILED = 1
_BAD_INPUT = 2


def _partition_argument(text: str, argument: str) -> tuple[int, ...]:
    """Parts from text such as ``4,2,1``; the empty text is the empty partition."""
    pieces = [piece.strip() for piece in text.strip().strip("()").split(",") if piece.strip()]
    try:
        return tuple(int(piece) for piece in pieces)
    except ValueError:
        raise InvalidArgumentError(f"{argument} must be integers separated by commas, got {text!r}") from None


def _output_options(default: str = "text") -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        function = click.option("--out", metavar="FILE", help="Write to FILE instead of standard output.")(function)
        help_text = "Output format."
        return click.option(
            "--format", "format_", type=click.Choice(FORMATS), default=default, show_default=True, help=help_text
        )(function)

    return decorate


def _emit(text: str, out: str | None) -> None:
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
            _replace(path, (text + "\n").encode())
    except OSError as error:
        raise InvalidArgumentError(f"--out must be a writable file, got {out!r}: {error.strerror or error}") from None


def _replace(path: Path, content: bytes) -> None:
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


def _show(table: Table, format_: str, out: str | None) -> None:
    if _is_terminal(format_, out):
        _print_rich(table)
    else:
        _emit(table.to(format_), out)


def _show_all(tables: list[Table], format_: str, out: str | None) -> None:
    """Several tables; csv holds the first alone."""
    if format_ == "csv":
        tables = tables[:1]
    if format_ == "json":
        _emit(json.dumps([json.loads(table.to_json()) for table in tables], indent=2), out)
    elif _is_terminal(format_, out):
        for table in tables:
            _print_rich(table)
    else:
        _emit("\n\n".join(table.to(format_) for table in tables), out)


def _is_terminal(format_: str, out: str | None) -> bool:
    return format_ == "text" and out is None and sys.stdout is not None and sys.stdout.isatty()


def _print_rich(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable

    caption, notes = table.text_prose()
    grid = RichTable(
        title=caption,
        caption="\n".join(notes) or None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
    )
    heading, *rows = table.text_grid()
    for title in heading:
        grid.add_column(title, overflow="fold")
    for row in rows:
        grid.add_row(*row)
    Console().print(grid)


def _picture_file(context: click.Context, parameter: click.Parameter, path: str | None) -> str | None:
    """Refuse a bad name before the work that is to be drawn."""
    if path is not None and Path(path).suffix.lower() not in (".png", ".pdf", ".svg"):
        raise InvalidArgumentError(f"--plot must name a png, pdf or svg file, got {path!r}")
    return path


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__, prog_name="symrep")
@click.pass_context
def cli(context: click.Context) -> None:
    """Which functions of a token sequence an infinitely wide transformer learns, exactly, per irrep of S_L."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@click.option("--directory", default="tables", show_default=True, metavar="DIR", help="Where to write.")
def tables(directory: str) -> None:
    """Write all tables (.tex, .md, .csv, .json, and all.tex) to a directory.

    Example: symrep tables --directory tables
    """
    from symrep.tables import write_tables

    if not directory.strip():
        raise InvalidArgumentError(f"--directory must name a directory, got {directory!r}")
    paths = write_tables(directory)
    click.echo(f"{len(paths)} files written to {directory}")


@cli.command()
@click.option("--directory", default=None, metavar="DIR", help="Verify the tables in DIR instead of those made now.")
@_output_options()
def verify(directory: str | None, format_: str, out: str | None) -> None:
    """Compare every entry of the tables with numpy; exit status 1 if one deviates by more than 1e-10.

    Example: symrep verify --directory tables
    """
    from symrep.comparison import TOLERANCE
    from symrep.verification import report, require_verified
    from symrep.verification import verify as compare

    comparisons = list(compare(directory))
    _show(report(comparisons), format_, out)
    total, largest = sum(c.count for c in comparisons), max(c.deviation for c in comparisons)
    click.echo(
        f"{total} numbers compared, largest relative deviation {largest:.1e}, tolerance {TOLERANCE:.0e}",
        err=format_ != "text",
    )
    require_verified(comparisons)


@cli.command("character-table", context_settings={"ignore_unknown_options": True})
@click.argument("n", type=int)
@_output_options()
def character_table_command(n: int, format_: str, out: str | None) -> None:
    """The character table of S_N, rows labelled by shapes and columns by cycle types.

    Example: symrep character-table 5 --format latex
    """
    from symrep.tables import character_table_table

    _show(character_table_table(n), format_, out)


@cli.command("character", context_settings={"ignore_unknown_options": True})
@click.argument("shape")
@click.argument("cycle_type")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--out", metavar="FILE", help="Write to FILE instead of standard output.")
def character_command(shape: str, cycle_type: str, format_: str, out: str | None) -> None:
    """One character value, by the parts of the shape and of the cycle type.

    Example: symrep character 10,8,6 5,5,5,5,4
    """
    from symrep.representations.characters import character

    shape_parts, cycle_parts = _partition_argument(shape, "shape"), _partition_argument(cycle_type, "cycle_type")
    value = character(shape_parts, cycle_parts)
    if format_ == "json":
        _emit(json.dumps({"shape": shape_parts, "cycle_type": cycle_parts, "character": value}), out)
    else:
        _emit(str(value), out)


def _model_options(function: Any) -> Any:
    options = [
        click.argument("architecture"),
        click.option("--readout", default="pool", show_default=True, help="pool, flatten, last or query."),
        click.option("--vocab", default="2", show_default=True, metavar="V", help="Vocabulary size, or the symbol V."),
        click.option("--length", default="L", show_default=True, metavar="L", help="Context length, or the symbol L."),
        click.option(
            "--token-variance", default=None, metavar="A", help="A number such as 1/2; the symbol a if left out."
        ),
        click.option(
            "--position-variance", default=None, metavar="P", help="A number such as 1/2; the symbol p if left out."
        ),
        click.option(
            "--query-token-variance",
            default=None,
            metavar="A",
            help="For the query readout; the symbol a_q if left out.",
        ),
        click.option(
            "--query-position-variance",
            default=None,
            metavar="P",
            help="For the query readout; the symbol p_q if left out.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def _solve(architecture: str, readout: str, vocab: str, length: str, **variances: str | None) -> Any:
    from symrep.measures import iid_uniform
    from symrep.spectra.solver import spectrum

    net = _network(architecture, readout, **variances)
    measure = iid_uniform() if vocab == "V" else iid_uniform(_integer(vocab, "--vocab", "V"))
    return spectrum(net, measure, "L" if length == "L" else _integer(length, "--length", "L"))


def _solve_blocks(architecture: str, readout: str, vocab: str, length: str, **variances: str | None) -> Any:
    """The spectrum of a block without closed forms: numbers for everything."""
    from symrep.measures import iid_uniform
    from symrep.spectra.blocks import block_spectrum

    net = _network(architecture, readout, **variances)
    missing = {"--token-variance": variances["token_variance"], "--position-variance": variances["position_variance"]}
    missing |= {"--vocab": None if vocab == "V" else vocab, "--length": None if length == "L" else length}
    for option, value in missing.items():
        if value is None:
            raise InvalidArgumentError(
                f"{option} must be a number for {architecture}, which has no closed form, got none"
            )
    measure = iid_uniform(_integer(vocab, "--vocab", "V"))
    return block_spectrum(net, measure, _integer(length, "--length", "L"), n_jobs=None, progress=sys.stderr.isatty())


def _network(architecture: str, readout: str, **variances: str | None) -> Any:
    from symrep.kernels import architecture as preset

    for name in ("query_token_variance", "query_position_variance"):
        if variances[name] is not None and readout != "query":
            option = "--" + name.replace("_", "-")
            raise InvalidArgumentError(f"{option} must be left out unless --readout is query, got {variances[name]!r}")
    return preset(architecture, readout, **{name: value for name, value in variances.items() if value is not None})


def _integer(text: str, argument: str, symbol: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidArgumentError(f"{argument} must be an integer or {symbol}, got {text!r}") from None


@cli.command("spectrum")
@_model_options
@click.option("--symbolic", is_flag=True, help="Insist on closed forms in L: refuses a number for --length.")
@click.option(
    "--order", type=int, default=None, metavar="N", help="N terms of the expansion at large L of every eigenvalue."
)
@click.option(
    "--plot",
    metavar="FILE",
    callback=_picture_file,
    help="Also draw eigenvalue against index, by irrep: png, pdf or svg.",
)
@_output_options()
def spectrum_command(
    symbolic: bool, order: int | None, plot: str | None, format_: str, out: str | None, **model: str
) -> None:
    """The spectrum of an ARCHITECTURE under uniform tokens.

    linear-block and uniform-block have closed forms, and any of their numbers may be a symbol; relu-block, erf-block and
    softmax-block need numbers.

    Example: symrep spectrum linear-block --vocab 3 --length 4 --token-variance 1 --position-variance 1/2

    Example: symrep spectrum relu-block --vocab 2 --length 20 --token-variance 1 --position-variance 1 --plot relu.png
    """
    from symrep.kernels import NONLINEAR_ARCHITECTURES

    if symbolic and model["length"] != "L":
        raise InvalidArgumentError(f"--length must be left out with --symbolic, got {model['length']!r}")
    if order is not None and model["length"] != "L":
        raise InvalidArgumentError(f"--length must be left out with --order, got {model['length']!r}")
    spec = (_solve_blocks if model["architecture"] in NONLINEAR_ARCHITECTURES else _solve)(**model)
    if plot is not None:
        _save_plot(spec.plot(), plot)
    if format_ == "json":
        _emit(spec.to_json(architecture=model["architecture"], readout=model["readout"]), out)
    else:
        _show(spec.table() if order is None else spec.table(order), format_, out)


def _save_plot(axes: Any, path: str) -> None:
    """Write a picture whole, or not at all."""
    buffer = io.BytesIO()
    axes.figure.savefig(buffer, format=Path(path).suffix[1:].lower(), bbox_inches="tight", dpi=150)
    try:
        _replace(Path(os.path.realpath(path)), buffer.getvalue())
    except OSError as error:
        raise InvalidArgumentError(f"--plot must be a writable file, got {path!r}: {error.strerror or error}") from None


@cli.command()
@_model_options
@click.option(
    "--ridge",
    default="delta",
    show_default=True,
    metavar="R",
    help="The ridge (noise variance), a number or the symbol delta.",
)
@click.option("--learnability", default="1/2", show_default=True, help="Between 0 and 1.")
@click.option(
    "--samples", is_flag=True, help="Only the samples needed; csv holds one table, the bounds unless this is given."
)
@_output_options()
def bounds(ridge: str, learnability: str, samples: bool, format_: str, out: str | None, **model: str) -> None:
    """Bounds, exact eigenvalues, exponents in L and samples needed, per irrep.

    Example: symrep bounds linear-block --readout flatten --vocab 3
    """
    from symrep.learning import scaling_law

    laws = scaling_law(_solve(**model), ridge, learnability)
    shown = [laws.samples_table()] if samples else [laws.table(), laws.samples_table()]
    _show_all(shown, format_, out)


@cli.command()
@_model_options
@click.option(
    "--target",
    required=True,
    help='What to learn, such as "S", "sigma_1 - S/L" or "n_0 * e_1_0"; see symrep.learning.target.',
)
@click.option("--samples", default="16,64,256", show_default=True, metavar="P,...", help="Numbers of samples.")
@click.option("--ridge", default="0.05", show_default=True, metavar="R", help="The ridge, a number of at least 0.")
@click.option("--noise", default="0", show_default=True, metavar="S", help="The variance of the noise on the labels.")
@click.option("--normalized", is_flag=True, help="Scale the kernel so that E K(x, x) = 1.")
@click.option(
    "--theory", default="self-consistent", show_default=True, help="self-consistent, next-order or equivalent-kernel."
)
@click.option("--simulate", type=int, metavar="N", help="Also N simulated training sets for every number of samples.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the simulation.")
@click.option("--plot", metavar="FILE", callback=_picture_file, help="Also draw the curve: png, pdf or svg.")
@_output_options()
def curve(
    target: str,
    samples: str,
    ridge: str,
    noise: str,
    normalized: bool,
    theory: str,
    simulate: int | None,
    seed: int,
    plot: str | None,
    format_: str,
    out: str | None,
    **model: str,
) -> None:
    """Learnability and errors of a target against the number of samples, with the network in numbers.

    Example: symrep curve linear-block --length 8 --token-variance 1/2 --position-variance 1 --target "sigma_1 - S/L"
    """
    from symrep.kernels import NONLINEAR_ARCHITECTURES
    from symrep.learning import learning_curve, normalized_spectrum, samples_to_learn
    from symrep.learning import simulate as run

    n_samples = [_integer(part, "--samples", "a list of integers") for part in samples.split(",")]
    spec = (_solve_blocks if model["architecture"] in NONLINEAR_ARCHITECTURES else _solve)(**model)
    spec = normalized_spectrum(spec) if normalized else spec
    found = learning_curve(spec, target, n_samples, ridge, noise=noise, theory=theory)
    simulation = None
    if simulate is not None:
        simulation = run(
            spec.kernel, spec.measure, spec.length, target, n_samples, ridge, noise=noise, n_repeats=simulate, seed=seed
        )
    if plot is not None:
        _save_plot(found.plot(simulation=simulation), plot)
    needed = samples_to_learn(found.modes, found.target, ridge)
    table = found.table(simulation)
    table = replace(table, notes=(*table.notes, f"Half learned from {needed:.4g} samples (self-consistent theory)."))
    _show(table, format_, out)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the entry point of ``symrep``."""
    try:
        cli.main(args=arguments, prog_name="symrep", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except VerificationError as error:
        _fail(str(error), _FAILED)
    except SymrepError as error:
        _fail(str(error), _BAD_INPUT)
    except click.ClickException as error:
        _fail(error.format_message(), _BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        _discard_output()
        _fail(f"standard output must be writable, got {error.strerror or error}", _BAD_INPUT)


def _discard_output() -> None:
    """Send what is still buffered nowhere, or the interpreter would fail on it again when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, status: int) -> None:
    click.echo("symrep: " + " ".join(message.split()), err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
