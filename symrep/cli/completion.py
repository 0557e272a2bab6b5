"""Completions for shells."""

from __future__ import annotations

import click

_VARIABLE = "_SYMREP_COMPLETE"


@click.command(short_help="Completions for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and names of architectures in a shell.

    Example: symrep completion bash > ~/.symrep-complete.sh && echo ". ~/.symrep-complete.sh" >> ~/.bashrc

    Example: symrep completion fish > ~/.config/fish/completions/symrep.fish
    """
    from click.shell_completion import get_completion_class

    click.echo(get_completion_class(shell)(context.find_root().command, {}, "symrep", _VARIABLE).source(), nl=False)
