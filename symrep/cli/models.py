"""The options that describe a network and its data, and the spectrum they ask for."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from itertools import chain
from typing import Any

import click

from symrep.cli.output import shows_progress
from symrep.errors import InvalidArgumentError, require


class Name(click.ParamType):
    """A name from tuples of ``symrep.kernels``, offered by completion; it is checked where it is used."""

    name = "text"

    def __init__(self, *tuples: str) -> None:
        self.tuples = tuples

    def shell_complete(self, context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        from symrep import kernels

        known = chain.from_iterable(getattr(kernels, name) for name in self.tuples)
        return [CompletionItem(name) for name in known if name.startswith(incomplete)]


ARCHITECTURES_HELP = """
    ARCHITECTURE is one block, tokens drawn independently and uniformly: linear-block (linear attention), uniform-block
    (attention to all positions alike), relu-block and erf-block (linear attention, normalised by the length, then the
    nonlinearity) or softmax-block (softmax attention with tied queries and keys, weights, then ReLU), the last three with
    weights behind the readout. All weights have standard deviation 1; attention has those of queries, keys, values and outputs.
    The linear block is normalised by the length with the query readout alone.
"""


def model_options(only_numbers: bool = False) -> Callable[[Any], Any]:
    """The network and its data; ``only_numbers`` where symbols are refused."""

    def variance(name: str, symbol: str, beginning: str = "") -> Any:
        text = "a number such as 1/2" if only_numbers else f"a number such as 1/2, or a symbol; {symbol} unless given"
        text = beginning + text
        return click.option(f"--{name}", default=None, metavar=symbol[0].upper(), help=f"{text[0].upper()}{text[1:]}.")

    vocab, length = "Vocabulary size", "Context length, without the query"
    if not only_numbers:
        vocab, length = f"{vocab}, or the symbol V", f"{length}, or the symbol L"
    options = [
        click.argument("architecture", type=Name("ARCHITECTURES", "NONLINEAR_ARCHITECTURES")),
        click.option(
            "--readout",
            type=Name("READOUTS"),
            default="pool",
            show_default=True,
            metavar="NAME",
            help="pool, flatten, last or query.",
        ),
        click.option("--vocab", default="2", show_default=True, metavar="V", help=f"{vocab}."),
        click.option("--length", default="L", show_default=not only_numbers, metavar="L", help=f"{length}."),
        variance("token-variance", "a"),
        variance("position-variance", "p"),
        variance("query-token-variance", "a_q", "for the query readout: "),
        variance("query-position-variance", "p_q", "for the query readout: "),
        click.option(
            "--kernel",
            type=click.Choice(["nngp", "ntk"]),
            default="nngp",
            show_default=True,
            help="The covariance of outputs, or the neural tangent kernel.",
        ),
    ]

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def depth_option(function: Any) -> Any:
    help_text = "For blocks without closed forms: shapes with at most K boxes below the first row."
    return click.option("--shape-depth", type=int, default=None, metavar="K", help=help_text)(function)


def limit_option(function: Any) -> Any:
    help_text = "For them: the N largest levels; 40 in text unless given."
    return click.option("--limit", type=int, default=None, metavar="N", help=help_text)(function)


def require_limit(limit: int | None, architecture: str) -> None:
    """Refuse a limit of levels where they are few, and one that shows none."""
    from symrep.kernels import NONLINEAR_ARCHITECTURES

    if limit is not None and architecture not in NONLINEAR_ARCHITECTURES:
        raise InvalidArgumentError(f"--limit must be left out for {architecture}, whose levels are few, got {limit}")
    require(limit is None or limit >= 1, "--limit", "must be at least 1", limit)


def solve_any(shape_depth: int | None, architecture: str, **model: str) -> Any:
    """The spectrum of any preset."""
    from symrep.kernels import NONLINEAR_ARCHITECTURES

    if architecture in NONLINEAR_ARCHITECTURES:
        return solve_blocks(architecture, shape_depth=shape_depth, **model)
    if shape_depth is not None:
        rule = f"must be left out for {architecture}, whose shapes are few"
        raise InvalidArgumentError(f"--shape-depth {rule}, got {shape_depth}")
    return solve(architecture, **model)


def solve(architecture: str, readout: str, vocab: str, length: str, kernel: str, **variances: str | None) -> Any:
    from symrep.measures import iid_uniform
    from symrep.spectra.solver import spectrum

    net = _network(architecture, readout, **variances)
    measure = iid_uniform() if vocab == "V" else iid_uniform(integer(vocab, "--vocab", "V"))
    length_or_symbol = "L" if length == "L" else integer(length, "--length", "L")
    return spectrum(_of_kind(net, kernel), measure, length_or_symbol, progress=shows_progress())


def solve_blocks(
    architecture: str,
    readout: str,
    vocab: str,
    length: str,
    kernel: str,
    shape_depth: int | None = None,
    **variances: str | None,
) -> Any:
    """The spectrum of a block without closed forms: numbers for everything; shapes to a depth, or all."""
    from symrep.measures import iid_uniform
    from symrep.spectra.blocks import block_spectrum

    net = _network(architecture, readout, **variances)
    require_numbers(f"{architecture} has no closed form", architecture, readout, vocab, length, **variances)
    measure, n_positions = iid_uniform(integer(vocab, "--vocab", "V")), integer(length, "--length", "L")
    if shape_depth is not None:
        require(shape_depth >= 0, "--shape-depth", "must be at least 0", shape_depth)
    own = _of_kind(net, kernel)
    return block_spectrum(own, measure, n_positions, shapes=shape_depth, n_jobs=None, progress=shows_progress())


def described(
    beginning: str, architecture: str, readout: str, vocab: str, length: str, kernel: str, **variances: str | None
) -> tuple[Any, ...]:
    """A caption: the preset in words, its data, and the numbers or symbols of its variances."""
    from symrep.kernels import architecture as preset
    from symrep.kernels.architectures import in_words
    from symrep.kernels.parameters import as_parameter

    symbols = signature(preset).parameters
    caption = [f"{beginning}: {in_words(architecture, readout)}{', tangent kernel' if kernel == 'ntk' else ''}, "]
    caption += [f"uniform tokens, {'any $V$' if vocab == 'V' else f'$V = {vocab}$'}, length ${length}$"]
    for name, value in variances.items():
        if readout == "query" or not name.startswith("query"):
            own = symbols[name].default if value is None else as_parameter(value, name)
            caption += [f", {name.replace('_', ' ')} ", own]
    return *caption, "."


def _of_kind(net: Any, kernel: str) -> Any:
    """A network stands for its NNGP kernel."""
    return net if kernel == "nngp" else net.joint_count_kernel(kernel)


def require_numbers(
    reason: str, architecture: str, readout: str, vocab: str, length: str, kernel: str = "", **variances: str | None
) -> None:
    """Refuse a model with symbols, all of them named at once."""
    _network(architecture, readout, **variances)
    given = {"--vocab": None if vocab == "V" else vocab, "--length": None if length == "L" else length}
    own = [name for name in variances if readout == "query" or not name.startswith("query")]
    given |= {"--" + name.replace("_", "-"): _number_or_none(variances[name]) for name in own}
    missing = [option for option, value in given.items() if value is None]
    if missing:
        listed = ", ".join(missing[:-1]) + (" and " if len(missing) > 1 else "") + missing[-1]
        raise InvalidArgumentError(f"{listed} must be given as {'numbers' if missing[1:] else 'a number'}: {reason}")


def _number_or_none(text: str | None) -> str | None:
    """What is no number, and no name of a symbol, is left to the network to refuse."""
    return None if text is None or text.strip().isidentifier() else text


def _network(architecture: str, readout: str, **variances: str | None) -> Any:
    from symrep.kernels import architecture as preset

    for name in ("query_token_variance", "query_position_variance"):
        if variances[name] is not None and readout != "query":
            option = "--" + name.replace("_", "-")
            raise InvalidArgumentError(f"{option} must be left out unless --readout is query, got {variances[name]!r}")
    return preset(architecture, readout, **{name: value for name, value in variances.items() if value is not None})


def integer(text: str, argument: str, symbol: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidArgumentError(f"{argument} must be an integer or {symbol}, got {text!r}") from None
