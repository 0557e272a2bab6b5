"""The tables of the project: irreps, spectra, bounds, samples and characters, built from the rooms below and written as files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from math import log2
from pathlib import Path
from typing import Any

import sympy
from tqdm import tqdm

from symrep.combinatorics.partitions import partitions
from symrep.display import Code, Column, Equation, Table
from symrep.errors import InvalidArgumentError, require_integer
from symrep.kernels import ARCHITECTURES, NONLINEAR_ARCHITECTURES, READOUTS, architecture
from symrep.kernels.architectures import in_words
from symrep.learning import ScalingLaws, scaling_law
from symrep.measures import iid_uniform
from symrep.representations.character_display import require_few_entries
from symrep.representations.characters import character_table
from symrep.representations.stable import PaddedShape
from symrep.spectra.blocks import block_spectrum
from symrep.spectra.isotypic_block import Block
from symrep.spectra.solver import spectrum
from symrep.spectra.spectrum import Spectrum
from symrep.spectra.spectrum_tables import null_space_note, pair_cells

SUFFIXES = {"latex": ".tex", "markdown": ".md", "csv": ".csv", "json": ".json"}


@dataclass(frozen=True)
class Model:
    """An architecture under uniform tokens whose spectrum, bounds and samples are tabulated; V a symbol where it is None."""

    key: str
    architecture: str
    readout: str
    vocab_size: int | None

    @property
    def title(self) -> str:
        """The model in words, for captions."""
        vocabulary = "any $V$" if self.vocab_size is None else f"$V = {self.vocab_size}$"
        return f"{in_words(self.architecture, self.readout)}, uniform tokens, {vocabulary}"

    def spectrum(self) -> Spectrum:
        """The spectrum with L, the variances and possibly V as symbols."""
        measure = iid_uniform() if self.vocab_size is None else iid_uniform(self.vocab_size)
        return spectrum(architecture(self.architecture, self.readout), measure)


MODELS = (
    Model("linear-pool-v2", "linear-block", "pool", 2),
    Model("linear-pool-v3", "linear-block", "pool", 3),
    Model("linear-pool", "linear-block", "pool", None),
    Model("linear-flatten-v2", "linear-block", "flatten", 2),
    Model("linear-last-v2", "linear-block", "last", 2),
    Model("linear-query", "linear-block", "query", None),
    Model("uniform-pool", "uniform-block", "pool", None),
)


def irreps_table(max_depth: int = 3) -> Table:
    r"""The irreps :math:`(L-k, \mu)` with their dimensions as polynomials in L.

    >>> print(irreps_table(1).to_csv())
    shape,depth,dimension,leading,first_length
    (L),0,1,1,0
    "(L-1,1)",1,L - 1,L,2
    """
    columns = (
        Column("shape", "shape"),
        Column("depth", "depth", "$k$", "r"),
        Column("dimension", "dimension"),
        Column("leading", "at large L", "at large $L$"),
        Column("first_length", "from L", r"$L \ge$", "r"),
    )
    rows = []
    for depth in range(require_integer(max_depth, "max_depth", minimum=0) + 1):
        for lower in partitions(depth):
            shape = PaddedShape(lower)
            leading = sympy.Poly(shape.dimension, shape.degree).LT()
            rows.append((shape, depth, shape.dimension, leading[1] * leading[0].as_expr(), shape.minimum_degree))
    caption = r"Irreducible representations of $S_L$ in the stable range."
    return Table("irreps", caption, columns, tuple(rows))


def kernels_table() -> Table:
    r"""The kernels of the named blocks, NNGP and NTK, in the overlap ring."""
    columns = (
        Column("architecture", "block"),
        Column("readout", "readout"),
        Column("kernel", "kernel"),
        Column("polynomial", "K(x, y)", "$K(x, y)$"),
    )
    rows = []
    for name in ARCHITECTURES:
        for readout in READOUTS:
            net = architecture(name, readout)
            for kernel in ("nngp", "ntk"):
                rows.append((name, readout, kernel.upper(), net.overlap_polynomial(kernel)))
    notes = (
        r"$u = \sum_v n_v(x) n_v(y)$ with the token counts $n_v$; $m = \#\{s : x_s = y_s\}$;"
        r" $g = 1$ where the last (or query) tokens of $x$ and $y$ agree, else 0.",
        "All weights have standard deviation 1; embeddings and positions are trained.",
    )
    return Table("kernels", "Infinite-width kernels of the blocks.", columns, tuple(rows), notes, "footnotesize")


FINITE_LENGTHS = (20, 40, 80, 160)
FINITE_DEPTHS = (0, 1, 2, 3)


def finite_length_table() -> Table:
    r"""The largest eigenvalue of (L-k,k), k = 0..3, of the nonlinear blocks at finite lengths, with exponents in L."""
    columns = [Column("architecture", "block"), Column("length", "L", "$L$", "r")]
    for k in FINITE_DEPTHS:
        shape = "(L)" if k == 0 else f"(L-{k},{k})"
        columns.append(Column(f"eigenvalue_{k}", shape, f"${shape}$"))
        columns.append(Column(f"exponent_{k}", "exponent", align="r"))
    rows = []
    for name in NONLINEAR_ARCHITECTURES:
        net = architecture(name, token_variance=1, position_variance=1)
        before = None
        for length in FINITE_LENGTHS:
            shapes = [(length - k, k) if k else (length,) for k in FINITE_DEPTHS]
            found = block_spectrum(net, iid_uniform(2), length, shapes=shapes)
            tops = [float(block.eigenvalues[0]) for block in found.blocks]
            exponents = [None] * len(tops) if before is None else [log2(old / new) for old, new in zip(before, tops)]
            cells = [cell for pair in zip(map(_three_digits, tops), map(_three_digits, exponents)) for cell in pair]
            rows.append((Code(name), length, *cells))
            before = tops
    notes = (
        r"Uniform tokens, $V = 2$, $a = p = 1$, mean pool; the largest eigenvalue of the shape, not normalised.",
        r"Exponent: $\alpha$ in $\lambda \sim L^{-\alpha}$ between half the length and the length.",
    )
    caption = "Nonlinear blocks at finite lengths: eigenvalues and how fast they fall."
    return Table("finite-length", caption, tuple(columns), tuple(rows), notes, "footnotesize")


def _three_digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def spectrum_table(model: Model, spec: Spectrum | None = None) -> Table:
    """The closed forms of one model: an eigenvalue per row, conjugate pairs by their sum and product."""
    spec = model.spectrum() if spec is None else spec
    has_query = any(block.query_shape is not None for block in spec.blocks)
    columns = [Column("shape", "shape"), Column("token_shape", "token shape")]
    columns += [Column("query_shape", "query shape")] if has_query else []
    columns += [
        Column("degeneracy", "degeneracy"),
        Column("leading", "at large L", "at large $L$"),
        Column("eigenvalue", "eigenvalue"),
    ]
    rows: list[tuple[Any, ...]] = []
    for block in spec.blocks:
        labels = (block.shape, block.token_shape, *((block.query_shape,) if has_query else ()))
        rows.extend((*labels, block.degeneracy * power, leading, cell) for power, cell, leading in _factor_cells(block))
    notes = [
        null_space_note(spec),
        (r"$\operatorname{E}K(x,x) =$ ", spec.expected_trace, "."),
        rf"Valid for $L \ge {spec.stable_from}$"
        + (rf", $V \ge {spec.smallest_vocabulary}$." if model.vocab_size is None else "."),
    ]
    if any(factor.degree() == 2 for block in spec.blocks for factor, _ in block.factors):
        notes.append(r"A row with $\tau$ and $\Delta$ holds two eigenvalues: $\tau/2 \pm \sqrt{\tau^2/4 - \Delta}$.")
    return Table(
        f"spectrum-{model.key}", f"Spectrum: {model.title}.", tuple(columns), tuple(rows), tuple(notes), "footnotesize"
    )


def _factor_cells(block: Block) -> Iterator[tuple[int, Any, Any]]:
    """Multiplicity, eigenvalue cell and leading-term cell of every nonzero irreducible factor."""
    leading = iter(block.leading_terms)
    for factor, power in block.factors:
        terms = tuple(next(leading) for _ in range(factor.degree()))
        coefficients = [sympy.factor(c) for c in factor.all_coeffs()]
        if factor.degree() == 1:
            eigenvalue = sympy.factor(-coefficients[1])
            if eigenvalue != 0:
                yield power, eigenvalue, terms[0]
        elif factor.degree() == 2:
            yield power, pair_cells(factor), terms
        else:
            yield power, Equation("characteristic polynomial", r"\chi(x)", factor.as_expr()), terms


def bounds_table(model: Model, laws: ScalingLaws | None = None) -> Table:
    """Bounds against exact eigenvalues of one model."""
    laws = scaling_law(model.spectrum()) if laws is None else laws
    caption = f"Symmetry bounds against exact eigenvalues: {model.title}."
    return replace(laws.table(), label=f"bounds-{model.key}", caption=caption, latex_size="footnotesize")


def samples_table(model: Model, laws: ScalingLaws | None = None) -> Table:
    """Samples needed per eigenfunction of one model."""
    laws = scaling_law(model.spectrum()) if laws is None else laws
    caption = rf"Samples needed for learnability 1/2 at ridge $\delta$: {model.title}."
    return replace(laws.samples_table(), label=f"samples-{model.key}", caption=caption, latex_size="footnotesize")


def character_table_table(n: int) -> Table:
    """The character table of S_n with labelled rows and columns; refused before it is made where it is too large to be written.

    >>> print(character_table_table(3).to_text())
    Character table of S_3; columns are cycle types.
    <BLANKLINE>
    shape    3   2 1  1^3
    -------  --  ---  ---
    (3)      1   1    1
    (2,1)    -1  0    2
    (1,1,1)  1   -1   1
    """
    n = require_integer(n, "n", minimum=0)
    require_few_entries(n)
    return character_table(n).table()


def all_tables(progress: bool = False) -> tuple[Table, ...]:
    """Every table, in the order of ``all.tex``; made once per process. ``progress`` shows a bar."""
    steps: list[tuple[Any, ...]] = [(irreps_table,), (kernels_table,), *((_model_tables, model) for model in MODELS)]
    steps += [(finite_length_table,), *((character_table_table, n) for n in range(2, 9))]
    bar = tqdm(steps, "making tables", disable=not progress, leave=False)
    return tuple(chain.from_iterable(_made(*step) for step in bar))


@cache
def _made(maker: Callable[..., Table | tuple[Table, ...]], *arguments: Any) -> tuple[Table, ...]:
    made = maker(*arguments)
    return (made,) if isinstance(made, Table) else made


def _model_tables(model: Model) -> tuple[Table, ...]:
    spec = model.spectrum()
    laws = scaling_law(spec)
    return spectrum_table(model, spec), bounds_table(model, laws), samples_table(model, laws)


def standalone_latex(tables: Iterable[Table]) -> str:
    """A document that inputs the ``.tex`` file of every table beside it."""
    inputs = [rf"\input{{{table.label}.tex}}" for table in tables]
    lines = [
        r"\documentclass[a4paper,landscape]{article}",
        r"\usepackage[margin=1.5cm]{geometry}",
        r"\usepackage{amsmath,booktabs}",
        r"\begin{document}",
        *[f"{line}\n\\clearpage" if i % 3 == 0 else line for i, line in enumerate(inputs)],
        r"\end{document}",
    ]
    return "\n".join(lines)


def table_files(progress: bool = False) -> dict[str, str]:
    """File name to content, for every table in every format, and ``all.tex``."""
    tables = all_tables(progress)
    files = {
        f"{table.label}{suffix}": table.to(format) + "\n" for table in tables for format, suffix in SUFFIXES.items()
    }
    files["all.tex"] = standalone_latex(tables) + "\n"
    return files


def write_tables(directory: str | os.PathLike[str], progress: bool = False) -> list[Path]:
    """Write all tables to a directory, made if missing; returns the paths, sorted. ``progress`` shows a bar.

    Everything is computed and written to a temporary directory first and renamed after that, so that an error leaves the
    files there as they were.
    """
    require_directory(directory)
    return write_files(directory, table_files(progress))


def require_directory(directory: str | os.PathLike[str]) -> Path:
    """A directory that files can be written to, made if missing."""
    target = Path(directory)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=target):
            return target
    except (OSError, ValueError) as error:
        raise _not_writable(directory, error) from None


def _not_writable(directory: str | os.PathLike[str], error: Exception) -> InvalidArgumentError:
    reason = getattr(error, "strerror", None) or str(error)
    return InvalidArgumentError(f"directory must be writable, got {str(directory)!r}: {reason}")


def write_files(directory: str | os.PathLike[str], files: dict[str, str]) -> list[Path]:
    """Write text files to a directory: all of them to a temporary directory inside it, then each renamed into place."""
    target = require_directory(directory)
    try:
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=target) as temporary:
            for name, content in files.items():
                (Path(temporary) / name).write_text(content, encoding="utf-8", newline="\n")
            blocked = [name for name in sorted(files) if (target / name).is_dir()]
            if blocked:
                raise IsADirectoryError(21, f"Is a directory: {blocked[0]}")
            for name in sorted(files):
                os.replace(Path(temporary) / name, target / name)
    except OSError as error:
        raise _not_writable(directory, error) from None
    return [target / name for name in sorted(files)]
