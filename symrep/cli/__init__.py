"""The command line: ``symrep COMMAND``. Errors are one line on standard error and exit status 2."""

from __future__ import annotations

import os
import sys

import click

from symrep import __version__
from symrep.cli.commands import (
    bounds,
    character_command,
    character_table_command,
    curve,
    spectrum_command,
    tables,
    verify,
)
from symrep.cli.completion import completion
from symrep.cli.output import quiet_option
from symrep.cli.text import text
from symrep.errors import SymrepError, VerificationError

# what the library calls them in its refusals
_ARGUMENTS = "length readout kernel ridge noise target theory learnability seed order stride spacing skip tokenizer label caption"
_OPTIONS = {name: f"--{name}" for name in _ARGUMENTS.split()} | {
    "n_repeats": "--simulate",
    "n_permutations": "--permutations",
    "n_samples": "--samples",
    "vocab_size": "--vocab",
    "directory": "--directory",
    "positions": "--target: positions",
    "TokenEmbedding variance": "--token-variance",
    "Positions variance": "--position-variance",
    "QueryToken token_variance": "--query-token-variance",
    "QueryToken position_variance": "--query-position-variance",
}
_FAILED = 1
_BAD_INPUT = 2
_COMMANDS = (
    tables,
    verify,
    character_table_command,
    character_command,
    spectrum_command,
    bounds,
    curve,
    text,
    completion,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@quiet_option
@click.version_option(__version__, prog_name="symrep")
@click.pass_context
def cli(context: click.Context) -> None:
    """Which functions of a token sequence an infinitely wide transformer learns, exactly, per irrep of S_L."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in _COMMANDS:
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the entry point of ``symrep``."""
    if sys.stdout is None:
        _fail("standard output must be open, got none", _BAD_INPUT)
    try:
        cli.main(args=arguments, prog_name="symrep", standalone_mode=False)
        sys.stdout.flush()
    except VerificationError as error:
        _fail(str(error), _FAILED)
    except SymrepError as error:
        _fail(_with_option(str(error)), _BAD_INPUT)
    except click.ClickException as error:
        _fail(error.format_message(), _BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", 130)
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        _discard_output()
        _fail(f"standard output must be writable, got {error.strerror or error}", _BAD_INPUT)


def _with_option(message: str) -> str:
    """A refusal that begins with the name of an option, where it begins with that of the argument of Python behind it.

    >>> _with_option("n_repeats must be at least 2, got 1"), _with_option("architecture must be one of linear-block")
    ('--simulate must be at least 2, got 1', 'architecture must be one of linear-block')
    """
    limit, _, size = message.partition("memory_limit = ")
    if size:
        return f"{limit}the limit of {size}: a shorter --length or a smaller --vocab needs less"
    named = next((argument for argument in _OPTIONS if message.startswith(f"{argument} ")), None)
    return message if named is None else _OPTIONS[named] + message.removeprefix(named)


def _discard_output() -> None:
    """Send what is still buffered nowhere, or the interpreter would fail on it again when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, status: int) -> None:
    # click leaves the colour out where standard error is no terminal
    prefix = click.style("symrep:", fg="red", bold=True)
    no_colour = False if os.environ.get("NO_COLOR") else None
    click.echo(f"{prefix} {' '.join(message.split())}", err=True, color=no_colour)
    sys.exit(status)
