"""The options that describe a network and its data, and the spectrum they ask for."""

from __future__ import annotations

from itertools import chain
from typing import Any

import click

from symrep.cli.output import shows_progress
from symrep.errors import InvalidArgumentError


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


def model_options(function: Any) -> Any:
    options = [
        click.argument("architecture", type=Name("ARCHITECTURES", "NONLINEAR_ARCHITECTURES")),
        click.option(
            "--readout", type=Name("READOUTS"), default="pool", show_default=True, help="pool, flatten, last or query."
        ),
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


def solve(architecture: str, readout: str, vocab: str, length: str, **variances: str | None) -> Any:
    from symrep.measures import iid_uniform
    from symrep.spectra.solver import spectrum

    net = _network(architecture, readout, **variances)
    measure = iid_uniform() if vocab == "V" else iid_uniform(integer(vocab, "--vocab", "V"))
    return spectrum(net, measure, "L" if length == "L" else integer(length, "--length", "L"))


def solve_blocks(architecture: str, readout: str, vocab: str, length: str, **variances: str | None) -> Any:
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
    measure = iid_uniform(integer(vocab, "--vocab", "V"))
    return block_spectrum(net, measure, integer(length, "--length", "L"), n_jobs=None, progress=shows_progress())


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
