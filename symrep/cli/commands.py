"""Commands on tables, characters, spectra and learning."""

from __future__ import annotations

import json
from dataclasses import replace
from inspect import cleandoc
from math import inf
from typing import Any

import click

from symrep.cli.models import (
    ARCHITECTURES_HELP,
    depth_option,
    described,
    integer,
    limit_option,
    model_options,
    require_limit,
    require_numbers,
    solve_any,
)
from symrep.cli.output import (
    FILE,
    emit,
    output_options,
    picture_file,
    quiet_option,
    save_plot,
    say,
    show,
    show_all,
    shows_progress,
)
from symrep.display import Table
from symrep.errors import InvalidArgumentError

_MOST_LEVELS = 40


@click.command(short_help="Write all tables to a directory.")
@click.option("--directory", default="tables", type=FILE, show_default=True, metavar="DIR", help="Where to write.")
@quiet_option
def tables(directory: str) -> None:
    """Write all tables (.tex, .md, .csv, .json, and all.tex) to a directory.

    Example: symrep tables --directory tables
    """
    from symrep.tables import write_tables

    if not directory.strip():
        raise InvalidArgumentError(f"--directory must name a directory, got {directory!r}")
    paths = write_tables(directory, progress=shows_progress())
    say(f"{len(paths)} files written to {directory}")


@click.command(short_help="Compare every entry of the tables with a second route.")
@click.option(
    "--directory", default=None, type=FILE, metavar="DIR", help="Verify the tables in DIR instead of those made now."
)
@output_options()
def verify(directory: str | None, format_: str, out: str | None) -> None:
    """Compare every entry of the tables with a second route; exit status 1 if one deviates by more than 1e-10.

    Example: symrep verify --directory tables
    """
    from tqdm import tqdm

    from symrep.comparison import TOLERANCE
    from symrep.verification import report, require_verified
    from symrep.verification import verify as compare

    bar = tqdm(compare(directory), "comparing", unit=" columns", disable=not shows_progress(), leave=False)
    comparisons = list(bar)
    show(report(comparisons), format_, out)
    total, largest = sum(c.count for c in comparisons), max(c.deviation for c in comparisons)
    summary = f"{total} numbers compared, largest relative deviation {largest:.1e}, tolerance {TOLERANCE:.0e}"
    say(summary, err=format_ != "text")
    require_verified(comparisons)


@click.command(
    "character-table", short_help="The character table of S_N.", context_settings={"ignore_unknown_options": True}
)
@click.argument("n", type=int)
@output_options()
def character_table_command(n: int, format_: str, out: str | None) -> None:
    """The character table of S_N, rows labelled by shapes and columns by cycle types.

    Example: symrep character-table 5 --format latex
    """
    from symrep.tables import character_table_table

    show(character_table_table(n), format_, out)


def _partition(text: str, argument: str) -> Any:
    """Parts separated by commas, with or without parentheses; a single one, or none, without them too."""
    from symrep.combinatorics.partitions import as_partition

    is_alone = text.strip().removeprefix("-").isdigit() or not text.strip()
    return as_partition(f"({text})" if is_alone else text, argument)


@click.command("character", short_help="One character value.", context_settings={"ignore_unknown_options": True})
@click.argument("shape")
@click.argument("cycle_type")
@output_options(formats=("text", "json"))
def character_command(shape: str, cycle_type: str, format_: str, out: str | None) -> None:
    """One character value, by the parts of the shape and of the cycle type.

    Example: symrep character 10,8,6 5,5,5,5,4
    """
    from symrep.representations.characters import character

    row, column = _partition(shape, "shape"), _partition(cycle_type, "cycle_type")
    value = character(row, column)
    if format_ == "json":
        emit(json.dumps({"shape": row.parts, "cycle_type": column.parts, "character": value}), out)
    else:
        emit(str(value), out)


@click.command("spectrum", short_help="Eigenvalues of a block, by irrep.")
@model_options()
@depth_option
@limit_option
@click.option(
    "--token-labels/--no-token-labels",
    default=None,
    help="For them: whether levels have the irreps of token renaming as labels too; they have unless told not to.",
)
@click.option("--symbolic", is_flag=True, help="Insist on closed forms in L: refuses a number for --length.")
@click.option(
    "--order", type=int, default=None, metavar="N", help="N terms of the expansion at large L of every eigenvalue."
)
@click.option(
    "--plot",
    type=FILE,
    metavar="FILE",
    callback=picture_file,
    help="Also draw eigenvalue against index, by irrep: png, pdf or svg.",
)
@output_options()
def spectrum_command(
    symbolic: bool,
    order: int | None,
    shape_depth: int | None,
    limit: int | None,
    token_labels: bool | None,
    plot: str | None,
    format_: str,
    out: str | None,
    **model: str,
) -> None:
    """The spectrum of an ARCHITECTURE under uniform tokens.

    linear-block and uniform-block have closed forms, and any of their numbers may be a symbol; relu-block, erf-block and
    softmax-block need numbers.

    {architectures}

    Example: symrep spectrum linear-block --vocab 3 --length 4 --token-variance 1 --position-variance 1/2

    Example: symrep spectrum relu-block --vocab 2 --length 20 --token-variance 1 --position-variance 1 --plot relu.png
    """
    from symrep.kernels import NONLINEAR_ARCHITECTURES

    is_numeric = model["architecture"] in NONLINEAR_ARCHITECTURES
    if is_numeric and (symbolic or order is not None):
        option, given = ("--symbolic", "") if symbolic else ("--order", f", got {order}")
        rule = f"must be left out for {model['architecture']}, which has no closed form"
        raise InvalidArgumentError(f"{option} {rule}{given}")
    require_limit(limit, model["architecture"])
    if not is_numeric and token_labels is not None:
        raise InvalidArgumentError(
            f"--token-labels must be left out for {model['architecture']}, whose levels are labelled"
        )
    if symbolic and model["length"] != "L":
        raise InvalidArgumentError(f"--length must be left out with --symbolic, got {model['length']!r}")
    if order is not None and model["length"] != "L":
        raise InvalidArgumentError(f"--length must be left out with --order, got {model['length']!r}")
    if plot is not None and not is_numeric:
        require_numbers("--plot draws them", **model)
    spec = solve_any(shape_depth, **model)
    if plot is not None:
        save_plot(spec.plot(), plot, described("Spectrum", **model))
    if format_ == "json":
        own = {"token_labels": token_labels is not False, "limit": limit} if is_numeric else {"order": order}
        emit(spec.to_json(**own, **{name: model[name] for name in ("architecture", "readout", "kernel")}), out)
    else:
        table = _spectrum_table(spec, order, limit, token_labels is not False, format_, is_numeric)
        show(replace(table, caption=described("Spectrum", **model)), format_, out)


def _spectrum_table(
    spec: Any, order: int | None, limit: int | None, token_labels: bool, format_: str, is_numeric: bool
) -> Table:
    if not is_numeric:
        return spec.table() if order is None else spec.table(order)
    return spec.table(token_labels=token_labels, limit=_levels_shown(limit, format_))


def _levels_shown(limit: int | None, format_: str) -> int | None:
    """The number of levels of a block without closed forms; None for all."""
    return _MOST_LEVELS if limit is None and format_ == "text" else limit


@click.command(short_help="Bounds, exponents in L, samples needed.")
@model_options()
@depth_option
@limit_option
@click.option(
    "--ridge",
    default=None,
    metavar="R",
    help="The ridge (noise variance), a number or a symbol; delta unless given.",
)
@click.option("--learnability", default="1/2", show_default=True, help="Between 0 and 1.")
@click.option(
    "--samples/--no-samples",
    default=None,
    help="Only the samples needed, or only the bounds; csv holds one table, the bounds unless --samples is given.",
)
@output_options()
def bounds(
    ridge: str | None,
    learnability: str,
    samples: bool | None,
    shape_depth: int | None,
    limit: int | None,
    format_: str,
    out: str | None,
    **model: str,
) -> None:
    """Bounds, exact eigenvalues, exponents in L and samples needed, per irrep.

    {architectures}

    Example: symrep bounds linear-block --readout flatten --vocab 3
    """
    from symrep.kernels import NONLINEAR_ARCHITECTURES
    from symrep.learning import scaling_law
    from symrep.spectra.level_lists import hidden_levels

    require_limit(limit, model["architecture"])
    goal = {"learnability": learnability} | ({} if ridge is None else {"ridge": ridge})
    some = laws = scaling_law(solve_any(shape_depth, **model), **goal)
    if model["architecture"] in NONLINEAR_ARCHITECTURES:
        laws = laws.with_token_labels()
        some = laws[: _levels_shown(limit, format_)]
    shown = []
    if not samples:
        shown.append(replace(some.table(), caption=described("Symmetry bounds against exact eigenvalues", **model)))
    if samples is not False:
        shown.append(replace(some.samples_table(), caption=described("Samples needed per eigenfunction", **model)))
    if len(some) < len(laws):
        shown = [replace(table, notes=(hidden_levels(len(laws) - len(some)), *table.notes)) for table in shown]
    show_all(shown, format_, out)


@click.command(short_help="Learnability and errors against samples.")
@model_options(only_numbers=True)
@click.option(
    "--target",
    required=True,
    help='What to learn, such as "S", "sigma_1 - S/L", "majority()", "same_token(1, 2)" or "n_0 * e_1_0 - L/4": e_i_v is 1 where '
    "position i holds token v, n_v counts a token; of two tokens sigma_i is 1 for token 0, -1 for token 1, S their sum. With the "
    "query readout the query is the last of the tokens that L counts here.",
)
@click.option("--samples", default="16,64,256", show_default=True, metavar="P,...", help="Numbers of samples.")
@click.option("--ridge", default="0.05", show_default=True, metavar="R", help="The ridge, a number of at least 0.")
@click.option("--noise", default="0", show_default=True, metavar="S", help="The variance of the noise on the labels.")
@click.option("--normalized", is_flag=True, help="Scale the kernel so that E K(x, x) = 1.")
@click.option(
    "--theory",
    default="self-consistent",
    show_default=True,
    metavar="NAME",
    help="equivalent-kernel (effective ridge R/P), self-consistent (all eigenfunctions compete for the samples) or "
    "next-order (one step from the first to the second).",
)
@click.option(
    "--learnability",
    default="1/2",
    show_default=True,
    help="Of the number of samples below the table, which the theory gives or, for next-order, the self-consistent one.",
)
@click.option("--simulate", type=int, metavar="N", help="Also N simulated training sets for every number of samples.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the simulation.")
@click.option("--plot", type=FILE, metavar="FILE", callback=picture_file, help="Also draw the curve: png, pdf or svg.")
@output_options()
def curve(
    target: str,
    samples: str,
    ridge: str,
    noise: str,
    normalized: bool,
    theory: str,
    learnability: str,
    simulate: int | None,
    seed: int,
    plot: str | None,
    format_: str,
    out: str | None,
    **model: str,
) -> None:
    """Learnability and errors of a target against the number of samples, with the network in numbers.

    {architectures}

    Example: symrep curve linear-block --length 8 --token-variance 1/2 --position-variance 1 --target "sigma_1 - S/L"
    """
    from symrep.kernels.parameters import as_float, as_parameter
    from symrep.learning import learning_curve, normalized_spectrum, samples_to_learn
    from symrep.learning import simulate as run
    from symrep.learning.kappa import DIRECT_THEORIES

    require_numbers("a learning curve is made of them", **model)
    share = as_float(as_parameter(learnability, "--learnability"), "--learnability")
    n_samples = [integer(part, "--samples", "a list of integers") for part in samples.split(",")]
    spec = solve_any(None, **model)
    spec = normalized_spectrum(spec) if normalized else spec
    found = learning_curve(spec, target, n_samples, ridge, noise=noise, theory=theory, progress=shows_progress())
    simulation = None
    if simulate is not None:
        simulation = run(
            spec.kernel,
            spec.measure,
            spec.length,
            target,
            n_samples,
            ridge,
            noise=noise,
            n_repeats=simulate,
            seed=seed,
            progress=shows_progress(),
        )
    if plot is not None:
        setting = f", {'normalised, ' if normalized else ''}ridge {ridge}, noise {noise}, {theory} theory."
        title = (*described("Learning curve", **model)[:-1], setting)
        save_plot(found.plot(simulation=simulation), plot, title)
    direct = theory if theory in DIRECT_THEORIES else DIRECT_THEORIES[0]
    needed = samples_to_learn(found.modes, found.target, ridge, learnability=share, theory=direct)
    table = found.table(simulation)
    reached = f"Learnability {learnability} is reached at {needed:.4g} samples ({direct} theory)."
    if needed == inf:
        lost = f"{100 * found.target.null_share:.3g} % of the target lies in the null space of the kernel and is never learned"
        reached = f"Learnability {learnability} is reached at no number of samples: {lost}."
    show(replace(table, notes=(*table.notes, reached)), format_, out)


for _command in (spectrum_command, bounds, curve):
    _command.help = cleandoc(_command.help or "").replace("{architectures}", cleandoc(ARCHITECTURES_HELP))
