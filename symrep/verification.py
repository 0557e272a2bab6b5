"""Every entry of the tables against an independent numeric route, at sampled lengths, vocabularies and variances.

The entries are read back from the JSON text of the tables, so that what is verified is what is printed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import log2
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import sympy

from symrep.combinatorics.partitions import Partition
from symrep.display import Column, Table
from symrep.errors import InvalidArgumentError, VerificationError
from symrep.kernels import Network, architecture
from symrep.kernels.parameters import parse_expression
from symrep.representations.irreps import orthogonal
from symrep.spectra.dense import DenseSpectrum, dense_spectrum
from symrep.tables import MODELS, Model, all_tables

TOLERANCE = 1e-10
_MAX_SEQUENCES = 260
_FAR = 10**24


@dataclass(frozen=True)
class Comparison:
    """One column of one table against its other route: how many numbers, where, and the largest relative deviation."""

    table: str
    quantity: str
    route: str
    count: int
    deviation: float

    @property
    def passed(self) -> bool:
        """Whether the deviation is within the tolerance."""
        return self.deviation <= TOLERANCE


def verify(directory: str | Path | None = None) -> Iterator[Comparison]:
    """Compare the tables, as written in a directory or as made now, with numpy; yields one result per compared column.

    Eigenvalues, traces and bounds against the dense operator on [V]^L; samples needed against a numeric solution of the
    self-consistent equation; leading terms against the exact entries at L = 10^24; dimensions against the hook length
    formula; characters against traces of orthogonal matrices.

    Raises
    ------
    InvalidArgumentError
        When the directory lacks a table.
    """
    read = _reader(directory)
    yield _verify_irreps(read("irreps"))
    for model in MODELS:
        rows = {kind: read(f"{kind}-{model.key}") for kind in ("spectrum", "bounds", "samples")}
        yield from _verify_finite(model, rows)
        yield from _verify_asymptotics(model, rows)
    for n in range(2, 9):
        yield _verify_characters(n, read(f"characters-s{n}"))


def require_verified(comparisons: Iterable[Comparison]) -> None:
    """Raise VerificationError naming the first comparison that failed."""
    for comparison in comparisons:
        if not comparison.passed:
            raise VerificationError(
                f"{comparison.quantity} in table {comparison.table} deviates by {comparison.deviation:.2e} from {comparison.route}"
            )


def report(comparisons: Iterable[Comparison]) -> Table:
    """What was compared, as a table."""
    columns = (
        Column("table", "table"),
        Column("quantity", "quantity"),
        Column("route", "against"),
        Column("count", "numbers", align="r"),
        Column("deviation", "largest deviation", align="r"),
    )
    rows = tuple((c.table, c.quantity, c.route, c.count, c.deviation) for c in comparisons)
    return Table("verification", "Entries of the tables against a second route, largest relative deviation.", columns, rows)


def _reader(directory: str | Path | None) -> Callable[[str], list[dict[str, Any]]]:
    if directory is None:
        texts = {table.label: table.to_json() for table in all_tables()}
        return lambda label: json.loads(texts[label])["rows"]

    def read(label: str) -> list[dict[str, Any]]:
        path = Path(directory) / f"{label}.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))["rows"]
        except (OSError, ValueError, KeyError) as error:
            raise InvalidArgumentError(f"directory must hold the tables, got {str(path)!r}: {error}") from None

    return read


class _Deviations:
    """The largest deviation of every quantity seen."""

    def __init__(self) -> None:
        self.largest: dict[str, float] = {}
        self.count: dict[str, int] = {}

    def add(self, quantity: str, value: Any, reference: Any, scale: Any = None) -> None:
        scale = abs(reference) if scale is None else scale
        difference = abs(value - reference)
        relative = float(difference / scale) if scale else float(difference)
        self.largest[quantity] = max(self.largest.get(quantity, 0.0), relative)
        self.count[quantity] = self.count.get(quantity, 0) + 1

    def comparisons(self, table_of: Callable[[str], str], route: str) -> Iterator[Comparison]:
        for quantity, deviation in self.largest.items():
            yield Comparison(table_of(quantity), quantity, route, self.count[quantity], deviation)


@lru_cache(maxsize=4096)
def _compiled(text: str) -> tuple[tuple[str, ...], Callable[..., Any]]:
    """The names of the symbols of an entry, and its value as a function of them in arithmetic of any precision."""
    expression = parse_expression(text, "entry")
    symbols = sorted(expression.free_symbols, key=str)
    return tuple(symbol.name for symbol in symbols), sympy.lambdify(symbols, expression, "mpmath", cse=True)


def _evaluate(entry: Any, numbers: dict[str, Any], digits: int = 30) -> Any:
    """An entry as an mpmath number of ``digits`` digits; infinity at a pole."""
    names, function = _compiled(str(entry))
    with mpmath.workdps(digits):
        try:
            return mpmath.mpf(1) * function(*(mpmath.mpf(numbers[name].p) / numbers[name].q for name in names))
        except ZeroDivisionError:
            return mpmath.inf


def _shape_at(text: str, numbers: dict[str, Any]) -> Partition:
    return Partition(part for part in _parts_at(text, numbers) if part)


def _parts_at(text: str, numbers: dict[str, Any]) -> list[int]:
    return [int(mpmath.nint(_evaluate(part, numbers))) for part in text.strip("()").split(",") if part]


def _eigenvalues_of(entry: Any, numbers: dict[str, Any], digits: int = 30) -> list[Any]:
    """The eigenvalues that an entry of a spectrum table stands for, largest first."""
    if not isinstance(entry, list):
        return [_evaluate(entry, numbers, digits)]
    trace, determinant = (_evaluate(part.split("=")[1], numbers, digits) for part in entry)
    with mpmath.workdps(digits):
        larger = trace / 2 + mpmath.sqrt(trace**2 / 4 - determinant)
        return [larger, determinant / larger]


def _sample_points(model: Model) -> Iterator[tuple[int, int, Network, dict[str, Any]]]:
    """Lengths and vocabularies with a small dense operator, each with rational parameters drawn from a fixed seed."""
    generator = random.Random(model.key)
    net = architecture(model.architecture, model.readout)
    extra = 1 if model.readout == "query" else 0
    first_length = {"pool": 2, "query": 2, "last": 3, "flatten": 4}[model.readout]
    for vocab_size in (model.vocab_size,) if model.vocab_size else (2, 3, 4):
        length = first_length
        while vocab_size ** (length + extra) <= _MAX_SEQUENCES:
            values = {s.name: sympy.Rational(generator.randint(1, 9), generator.randint(1, 9)) for s in net.parameters()}
            values |= {"L": sympy.Integer(length), "V": sympy.Integer(vocab_size), "delta": sympy.Rational(generator.randint(1, 9), 10)}
            network = net.substitute(**{s.name: values[s.name] for s in net.parameters()})
            yield vocab_size, length, network, values
            length += 1


def _dense(vocab_size: int, length: int, network: Network) -> DenseSpectrum:
    extra = 0 if network.extra_token is None else 1
    permuted = length - 1 if network.extra_token == "last" else length
    return dense_spectrum(network.nngp, vocab_size, permuted, extra_tokens=extra)


def _verify_finite(model: Model, rows: dict[str, list[dict[str, Any]]]) -> Iterator[Comparison]:
    deviations = _Deviations()
    for vocab_size, length, network, numbers in _sample_points(model):
        dense = _dense(vocab_size, length, network)
        eigenvalues = np.array([level.eigenvalue for level in dense.levels])
        counts = np.array([level.degeneracy for level in dense.levels])
        _compare_spectrum(deviations, rows["spectrum"], dense, numbers)
        _compare_bounds(deviations, rows["bounds"], dense, numbers)
        _compare_samples(deviations, rows["samples"], dense, eigenvalues, counts, numbers)
    kinds = {"eigenvalue": "spectrum", "eigenvalue (bounds)": "bounds", "dimension_bound": "bounds", "trace_bound": "bounds", "tightness": "bounds"}
    yield from deviations.comparisons(lambda q: f"{kinds.get(q, 'samples')}-{model.key}", "dense operator")


def _compare_spectrum(deviations: _Deviations, rows: Any, dense: DenseSpectrum, numbers: dict[str, Any]) -> None:
    """Shape by shape: the eigenvalues of the table, padded with zeros, against those of the operator."""
    ours: dict[Partition, list[float]] = {}
    for row in rows:
        degeneracy = int(mpmath.nint(_evaluate(row["degeneracy"], numbers)))
        if degeneracy:
            shape = _shape_at(row["shape"], numbers)
            for value in _eigenvalues_of(row["eigenvalue"], numbers):
                if value != 0:
                    ours.setdefault(shape, []).extend([float(value)] * degeneracy)
    scale = max(level.eigenvalue for level in dense.levels)
    for shape in {level.shape for level in dense.levels} | set(ours):
        theirs = np.repeat(dense.eigenvalues(shape), shape.dimension)
        mine = np.zeros(len(theirs))
        mine[: len(ours.get(shape, []))] = ours.get(shape, [])
        for value, reference in zip(sorted(mine), sorted(theirs)):
            deviations.add("eigenvalue", value, reference, scale)


def _compare_bounds(deviations: _Deviations, rows: Any, dense: DenseSpectrum, numbers: dict[str, Any]) -> None:
    mean_diagonal = dense.trace()
    scale = max(level.eigenvalue for level in dense.levels)
    for row in _existing(rows, numbers):
        shape = _shape_at(row["shape"], numbers)
        eigenvalue = _evaluate(row["eigenvalue"], numbers)
        nearest = min(dense.eigenvalues(shape), key=lambda value: abs(value - float(eigenvalue)))
        deviations.add("eigenvalue (bounds)", eigenvalue, nearest, scale)
        deviations.add("dimension_bound", _evaluate(row["dimension_bound"], numbers), mean_diagonal / shape.dimension)
        deviations.add("trace_bound", _evaluate(row["trace_bound"], numbers), dense.trace(shape) / shape.dimension)
        deviations.add("tightness", _evaluate(row["tightness"], numbers), nearest * shape.dimension / mean_diagonal, 1)


def _compare_samples(deviations: _Deviations, rows: Any, dense: DenseSpectrum, eigenvalues: Any, counts: Any, numbers: dict[str, Any]) -> None:
    """Bounds by their definition; the self-consistent number by the learnability it gives when kappa is solved for."""
    ridge = float(numbers["delta"])
    for row in _existing(rows, numbers):
        shape = _shape_at(row["shape"], numbers)
        deviations.add("dimension_bound (samples)", _evaluate(row["dimension_bound"], numbers), ridge * shape.dimension / dense.trace())
        reference = ridge * shape.dimension / dense.trace(shape)
        deviations.add("trace_bound (samples)", _evaluate(row["trace_bound"], numbers), reference)
        n_samples = float(_evaluate(row["equivalent_kernel"], numbers))
        eigenvalue = min(dense.eigenvalues(shape), key=lambda value: abs(value - ridge / n_samples))
        deviations.add("equivalent_kernel", eigenvalue / (eigenvalue + ridge / n_samples), 0.5, 1)
        kappa = _solved_kappa(float(_evaluate(row["self_consistent"], numbers)), ridge, eigenvalues, counts)
        deviations.add("self_consistent", eigenvalue / (eigenvalue + kappa), 0.5, 1)


def _existing(rows: Any, numbers: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows whose eigenvalue is not zero at these numbers and whose labels exist."""
    for row in rows:
        key = "eigenvalue" if "eigenvalue" in row else "equivalent_kernel"
        value = _evaluate(row[key], numbers)
        if mpmath.isfinite(value) and value != 0 and all(_label_exists(row[label], numbers) for label in row if label.endswith("_shape")):
            yield row


def _label_exists(text: str, numbers: dict[str, Any]) -> bool:
    parts = _parts_at(text, numbers)
    return all(a >= b for a, b in zip(parts, parts[1:])) and all(part >= 0 for part in parts)


def _solved_kappa(n_samples: float, ridge: float, eigenvalues: Any, counts: Any) -> float:
    """The positive root of the self-consistent equation for kappa, by bracketing."""
    from scipy.optimize import brentq

    positive = np.maximum(eigenvalues, 0)

    def excess(log_kappa: float) -> float:
        kappa = np.exp(log_kappa)
        return float(np.sum(counts * positive / (positive + kappa)) + ridge / kappa - n_samples)

    upper = np.log((np.sum(counts * positive) + ridge) / n_samples)
    return float(np.exp(brentq(excess, np.log(ridge / n_samples) - 1e-9, upper + 1e-9, xtol=1e-15, rtol=1e-15)))


def _verify_asymptotics(model: Model, rows: dict[str, list[dict[str, Any]]]) -> Iterator[Comparison]:
    """Leading terms, limits and exponents against the exact entries far out, to more digits than the distance has."""
    generator = random.Random(model.key + " far")
    names = [s.name for s in architecture(model.architecture, model.readout).parameters()]
    numbers: dict[str, Any] = {name: sympy.Rational(generator.randint(1, 9), generator.randint(1, 9)) for name in names}
    numbers |= {"L": sympy.Integer(_FAR), "V": sympy.Integer(5), "delta": sympy.Rational(generator.randint(1, 9), 10)}
    deviations = _Deviations()
    digits = 160
    for row in rows["spectrum"]:
        leading = row["leading"] if isinstance(row["leading"], list) else [row["leading"]]
        for value, term in zip(_eigenvalues_of(row["eigenvalue"], numbers, digits), leading):
            deviations.add("spectrum leading", _evaluate(term, numbers, digits), value)
    for row in rows["bounds"]:
        deviations.add("bounds leading", _evaluate(row["leading"], numbers, digits), _evaluate(row["eigenvalue"], numbers, digits))
        tightness = _evaluate(row["tightness"], numbers, digits)
        deviations.add("bounds leading_tightness", _evaluate(row["leading_tightness"], numbers, digits), tightness)
        deviations.add("bounds limit", _evaluate(row["limit"], numbers, digits), tightness, 1)
        trace_tightness = _evaluate(f"({row['eigenvalue']})/({row['trace_bound']})", numbers, digits)
        deviations.add("bounds trace_limit", _evaluate(row["trace_limit"], numbers, digits), trace_tightness, 1)
        for exponent, quantity in zip(row["exponents"].split("/"), ("dimension_bound", "trace_bound", "eigenvalue")):
            measured = _measured_exponent(f"({row[quantity]})/(({row['dimension_bound']})*({row['dimension']}))", numbers)
            deviations.add("bounds exponents", float(exponent), measured, 1)
    for row in rows["samples"]:
        for quantity in ("equivalent_kernel", "self_consistent"):
            exact = _evaluate(row[quantity], numbers, digits)
            deviations.add(f"samples leading_{quantity}", _evaluate(row[f"leading_{quantity}"], numbers, digits), exact)
    for comparison in deviations.comparisons(lambda q: f"{q.split()[0]}-{model.key}", "exact entry at L = 1e24"):
        yield Comparison(comparison.table, comparison.quantity.split()[1], comparison.route, comparison.count, comparison.deviation)


def _measured_exponent(text: str, numbers: dict[str, Any]) -> float:
    near, far = (_evaluate(text, numbers | {"L": sympy.Integer(_FAR) * factor}, 160) for factor in (1, 2))
    return -log2(far / near)


def _verify_irreps(rows: list[dict[str, Any]]) -> Comparison:
    deviations = _Deviations()
    for row in rows:
        for length in range(int(row["first_length"]), 13):
            numbers = {"L": sympy.Integer(length)}
            deviations.add("dimension", _evaluate(row["dimension"], numbers), _shape_at(row["shape"], numbers).dimension)
    return next(deviations.comparisons(lambda q: "irreps", "hook length formula"))


def _verify_characters(n: int, rows: list[dict[str, Any]]) -> Comparison:
    deviations = _Deviations()
    for row in rows:
        matrices = orthogonal(_shape_at(row["shape"], {}).parts)
        for key in row:
            if key != "shape":
                cycle_type = [int(part) for part in key.split(",")]
                trace = float(np.trace(matrices.to_numpy(_representative(cycle_type))))
                deviations.add("character", row[key], trace, 1)
    return next(deviations.comparisons(lambda q: f"characters-s{n}", "trace of the orthogonal matrix"))


def _representative(cycle_type: list[int]) -> sympy.combinatorics.Permutation:
    start, images = 0, []
    for part in cycle_type:
        images += [start + (i + 1) % part for i in range(part)]
        start += part
    return sympy.combinatorics.Permutation(images)
