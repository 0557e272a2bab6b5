"""Every entry of the tables against an independent numeric route, at sampled lengths, vocabularies and variances.

The entries are read back from the JSON text of the tables, so that what is verified is what is printed.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import inf, log2
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import sympy

from symrep.combinatorics.partitions import Partition, partitions
from symrep.comparison import Comparison, Deviations
from symrep.display import Column, Table
from symrep.errors import InvalidArgumentError, VerificationError
from symrep.kernels import ARCHITECTURES, READOUTS, Network, architecture
from symrep.kernels.parameters import parse_expression
from symrep.representations.irreps import orthogonal
from symrep.spectra.dense import DenseSpectrum, all_sequences, dense_spectrum
from symrep.tables import MODELS, Model, all_tables, table_files
from symrep.verification_of_lengths import verify_finite_lengths

_MAX_SEQUENCES = 130
_FAR = 10**24


def verify(directory: str | Path | None = None) -> Iterator[Comparison]:
    """Compare the tables, as written in a directory or as made now, with numpy; yields one result per compared column.

    Eigenvalues, degeneracies, labels, traces and bounds against the dense operator on [V]^L, split by both symmetries;
    samples needed against a numeric solution of the self-consistent equation; leading terms against the exact entries at
    L = 10^24; nonlinear blocks against the operator on functions of three tokens and the counts of the others; kernels against the layer rules on sequences; dimensions against the hook length formula; characters against traces of orthogonal matrices. Files in a
    directory must besides be those that this version writes, so that captions, notes and the other formats count too.

    Raises
    ------
    InvalidArgumentError
        When the directory lacks a table.
    VerificationError
        When a table cannot be read as what it should be.
    """
    read = _reader(directory)
    irreps = read("irreps")
    yield from _readable("irreps", lambda: _verify_irreps(irreps))
    networks = read("kernels")
    yield from _readable("kernels", lambda: _verify_kernels(networks))
    for model in MODELS:
        rows = {kind: read(f"{kind}-{model.key}") for kind in ("spectrum", "bounds", "samples")}
        yield from _readable(model.key, lambda: _verify_finite(model, rows))
        yield from _readable(model.key, lambda: _verify_asymptotics(model, rows))
    finite = read("finite-length")
    yield from _readable("finite-length", lambda: verify_finite_lengths(finite))
    for n in range(2, 9):
        characters = read(f"characters-s{n}")
        yield from _readable(f"characters-s{n}", lambda: _verify_characters(n, characters))
    if directory is not None:
        yield from _verify_files(Path(directory))


def _readable(label: str, work: Callable[[], Iterator[Comparison]]) -> Iterator[Comparison]:
    try:
        yield from work()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise VerificationError(f"table {label} cannot be read: {type(error).__name__}: {error}") from None


def _verify_files(directory: Path) -> Iterator[Comparison]:
    files = table_files()
    for suffix in (".tex", ".md", ".csv", ".json"):
        expected = {name: text for name, text in files.items() if name.endswith(suffix)}
        found = {name: (directory / name).read_text("utf-8") for name in expected if (directory / name).is_file()}
        wrong = sorted(name for name in expected if found.get(name) != expected[name])
        yield Comparison(
            wrong[0] if wrong else f"*{suffix}", "text", "what is written now", len(expected), inf if wrong else 0.0
        )


def require_verified(comparisons: Iterable[Comparison]) -> None:
    """Raise VerificationError naming the first comparison that failed."""
    for comparison in comparisons:
        if comparison.deviation == inf and comparison.quantity == "text":
            raise VerificationError(f"{comparison.table} differs from what is written now")
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
    return Table(
        "verification", "Entries of the tables against a second route, largest relative deviation.", columns, rows
    )


def _reader(directory: str | Path | None) -> Callable[[str], list[dict[str, Any]]]:
    if directory is None:
        texts = {table.label: table.to_json() for table in all_tables()}
        return lambda label: json.loads(texts[label])["rows"]

    def read(label: str) -> list[dict[str, Any]]:
        path = Path(directory) / f"{label}.json"
        try:
            return json.loads(path.read_text(encoding="utf-8"))["rows"]
        except OSError as error:
            raise InvalidArgumentError(
                f"directory must hold the tables that write_tables makes, got {str(path)!r}: {error.strerror or error}"
            ) from None
        except (ValueError, KeyError) as error:
            raise InvalidArgumentError(f"directory must hold the tables, got {str(path)!r}: {error}") from None

    return read


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
        larger = trace / 2 + mpmath.sqrt(max(trace**2 / 4 - determinant, mpmath.mpf(0)))
        return [larger, determinant / larger]


def _sample_points(model: Model) -> Iterator[tuple[int, int, Network, dict[str, Any]]]:
    """Lengths and vocabularies with a small dense operator, each with rational parameters drawn from a fixed seed."""
    generator = random.Random(model.key)
    net = architecture(model.architecture, model.readout)
    extra = 1 if model.readout == "query" else 0
    first_length = {"pool": 2, "query": 2, "last": 3, "flatten": 4}[model.readout]
    smallest = model.spectrum().smallest_vocabulary
    for vocab_size in (model.vocab_size,) if model.vocab_size else range(max(2, smallest), 5):
        length = first_length
        while vocab_size ** (length + extra) <= _MAX_SEQUENCES:
            values = {
                s.name: sympy.Rational(generator.randint(1, 9), generator.randint(1, 9)) for s in net.parameters()
            }
            values |= {
                "L": sympy.Integer(length),
                "V": sympy.Integer(vocab_size),
                "delta": sympy.Rational(generator.randint(1, 9), 10),
            }
            network = net.substitute(**{s.name: values[s.name] for s in net.parameters()})
            yield vocab_size, length, network, values
            length += 1


Labels = tuple[Partition, Partition, Partition | None]


@dataclass(frozen=True)
class _Operator:
    """A dense operator: its eigenvalues by labels, each as often as it occurs."""

    by_labels: dict[Labels, list[float]]

    @classmethod
    def of(cls, vocab_size: int, length: int, network: Network) -> _Operator:
        by_labels: dict[Labels, list[float]] = {}
        for query_shape, spectrum in _sectors(vocab_size, length, network):
            times = 1 if query_shape is None else query_shape.dimension
            for level in spectrum.levels:
                labels = (level.shape, level.token_shape, query_shape)
                by_labels.setdefault(labels, []).extend([level.eigenvalue] * level.degeneracy * times)
        return cls(by_labels)

    @property
    def all(self) -> list[float]:
        return [value for values in self.by_labels.values() for value in values]

    def trace(self, shape: Partition | None = None) -> float:
        return sum(sum(values) for labels, values in self.by_labels.items() if shape in (None, labels[0]))

    def nearest(self, labels: Labels, value: Any) -> float:
        return min(self.by_labels.get(labels, [inf]), key=lambda eigenvalue: abs(eigenvalue - float(value)))


def _sectors(vocab_size: int, length: int, network: Network) -> Iterator[tuple[Partition | None, DenseSpectrum]]:
    """The operator whole, or for a query split by hand into functions constant in the query and of zero mean in it."""
    if network.extra_token != "query":
        last = network.extra_token == "last"
        yield None, dense_spectrum(network.nngp, vocab_size, length - last, extra_tokens=int(last), token_symmetry=True)
        return
    gram = network.nngp(all_sequences(vocab_size, length + 1))
    gram = gram.reshape(vocab_size**length, vocab_size, vocab_size**length, vocab_size)
    constant = gram.mean(axis=(1, 3))
    zero_mean = (gram[:, 0, :, 0] - gram[:, 0, :, 1]) / vocab_size
    yield Partition((vocab_size,)), dense_spectrum(constant, vocab_size, length, token_symmetry=True)
    yield Partition((vocab_size - 1, 1)), dense_spectrum(zero_mean, vocab_size, length, token_symmetry=True)


def _labels_at(row: dict[str, Any], numbers: dict[str, Any]) -> Labels:
    query_shape = _shape_at(row["query_shape"], numbers) if "query_shape" in row else None
    return _shape_at(row["shape"], numbers), _shape_at(row["token_shape"], numbers), query_shape


def _verify_finite(model: Model, rows: dict[str, list[dict[str, Any]]]) -> Iterator[Comparison]:
    deviations = Deviations()
    _compare_rows(deviations, rows)
    for vocab_size, length, network, numbers in _sample_points(model):
        operator = _Operator.of(vocab_size, length, network)
        _compare_spectrum(deviations, rows["spectrum"], operator, numbers)
        eigenvalues = [value for row in rows["spectrum"] for value in _eigenvalues_of(row["eigenvalue"], numbers)]
        _compare_bounds(deviations, zip(rows["bounds"], eigenvalues), operator, numbers)
        _compare_samples(deviations, zip(rows["samples"], eigenvalues), operator, numbers)
    bounds = ("eigenvalue (bounds)", "dimension", "dimension_bound", "trace_bound", "tightness")
    kinds = {"eigenvalue": "spectrum", "rows": "bounds, samples"} | dict.fromkeys(bounds, "bounds")
    yield from deviations.comparisons(lambda q: f"{kinds.get(q, 'samples')}-{model.key}", "dense operator")


def _compare_rows(deviations: Deviations, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Bounds and samples have one row per eigenvalue of the spectrum, with its labels and in its order."""
    names = ("shape", "token_shape", "query_shape")
    expected = []
    for row in rows["spectrum"]:
        count = len(row["eigenvalue"]) if isinstance(row["eigenvalue"], list) else 1
        expected += [[row.get(name) for name in names]] * count
    for kind in ("bounds", "samples"):
        same = [[row.get(name) for name in names] for row in rows[kind]] == expected
        deviations.add("rows", 0.0 if same else inf, 0.0)


def _compare_spectrum(deviations: Deviations, rows: Any, operator: _Operator, numbers: dict[str, Any]) -> None:
    """Label by label: the eigenvalues of the table, padded with zeros, against those of the operator."""
    ours: dict[Labels, list[float]] = {}
    for row in rows:
        degeneracy = int(mpmath.nint(_evaluate(row["degeneracy"], numbers)))
        for value in _eigenvalues_of(row["eigenvalue"], numbers):
            if value != 0 and degeneracy:
                ours.setdefault(_labels_at(row, numbers), []).extend([float(value)] * degeneracy)
    scale = max(operator.all)
    for labels in set(operator.by_labels) | set(ours):
        theirs, mine = operator.by_labels.get(labels, []), ours.get(labels, [])
        padded = mine + [0.0] * (len(theirs) - len(mine))
        if len(padded) > len(theirs):
            deviations.add("eigenvalue", inf, 0.0)
        for value, reference in zip(sorted(padded), sorted(theirs)):
            deviations.add("eigenvalue", value, reference, scale)


def _compare_bounds(deviations: Deviations, pairs: Any, operator: _Operator, numbers: dict[str, Any]) -> None:
    mean_diagonal = operator.trace()
    scale = max(operator.all)
    for row, listed in _existing(pairs, numbers):
        labels = _labels_at(row, numbers)
        dimension = labels[0].dimension
        eigenvalue = operator.nearest(labels, listed)
        deviations.add("eigenvalue (bounds)", _evaluate(row["eigenvalue"], numbers), eigenvalue, scale)
        deviations.add("dimension", _evaluate(row["dimension"], numbers), dimension)
        deviations.add("dimension_bound", _evaluate(row["dimension_bound"], numbers), mean_diagonal / dimension)
        deviations.add("trace_bound", _evaluate(row["trace_bound"], numbers), operator.trace(labels[0]) / dimension)
        deviations.add("tightness", _evaluate(row["tightness"], numbers), eigenvalue * dimension / mean_diagonal, 1)


def _compare_samples(deviations: Deviations, pairs: Any, operator: _Operator, numbers: dict[str, Any]) -> None:
    """Bounds by their definition; the self-consistent number by the learnability it gives when kappa is solved for."""
    ridge = float(numbers["delta"])
    for row, listed in _existing(pairs, numbers):
        labels = _labels_at(row, numbers)
        dimension = labels[0].dimension
        by_dimension, by_trace = ridge * dimension / operator.trace(), ridge * dimension / operator.trace(labels[0])
        deviations.add("dimension_bound (samples)", _evaluate(row["dimension_bound"], numbers), by_dimension)
        deviations.add("trace_bound (samples)", _evaluate(row["trace_bound"], numbers), by_trace)
        eigenvalue = operator.nearest(labels, listed)
        n_samples = float(_evaluate(row["equivalent_kernel"], numbers))
        deviations.add("equivalent_kernel", eigenvalue / (eigenvalue + ridge / n_samples), 0.5, 1)
        kappa = _solved_kappa(float(_evaluate(row["self_consistent"], numbers)), ridge, np.array(operator.all))
        deviations.add("self_consistent", eigenvalue / (eigenvalue + kappa), 0.5, 1)


def _existing(pairs: Any, numbers: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Rows, with the eigenvalue that the spectrum lists, where it is not zero at these numbers and the labels exist."""
    for row, listed in pairs:
        names = [name for name in ("shape", "token_shape", "query_shape") if name in row]
        if listed != 0 and all(_label_exists(row[name], numbers) for name in names):
            yield row, listed


def _label_exists(text: str, numbers: dict[str, Any]) -> bool:
    parts = _parts_at(text, numbers)
    return all(a >= b for a, b in zip(parts, parts[1:])) and all(part >= 0 for part in parts)


def _solved_kappa(n_samples: float, ridge: float, eigenvalues: np.ndarray) -> float:
    """The positive root of the self-consistent equation for kappa, by bracketing."""
    from scipy.optimize import brentq

    positive = np.maximum(eigenvalues, 0)

    def excess(log_kappa: float) -> float:
        kappa = np.exp(log_kappa)
        return float(np.sum(positive / (positive + kappa)) + ridge / kappa - n_samples)

    upper = np.log((np.sum(positive) + ridge) / n_samples)
    return float(np.exp(brentq(excess, np.log(ridge / n_samples) - 1e-9, upper + 1e-9, xtol=1e-15, rtol=1e-15)))


def _verify_asymptotics(model: Model, rows: dict[str, list[dict[str, Any]]]) -> Iterator[Comparison]:
    """Leading terms, limits and exponents against the exact entries far out, to more digits than the distance has."""
    generator = random.Random(model.key + " far")
    names = [s.name for s in architecture(model.architecture, model.readout).parameters()]
    numbers: dict[str, Any] = {name: sympy.Rational(generator.randint(1, 9), generator.randint(1, 9)) for name in names}
    numbers |= {"L": sympy.Integer(_FAR), "V": sympy.Integer(5), "delta": sympy.Rational(generator.randint(1, 9), 10)}
    deviations = Deviations()
    digits = 160
    for row in rows["spectrum"]:
        leading = row["leading"] if isinstance(row["leading"], list) else [row["leading"]]
        for value, term in zip(_eigenvalues_of(row["eigenvalue"], numbers, digits), leading):
            deviations.add("spectrum leading", _evaluate(term, numbers, digits), value)
    for row in rows["bounds"]:
        deviations.add(
            "bounds leading", _evaluate(row["leading"], numbers, digits), _evaluate(row["eigenvalue"], numbers, digits)
        )
        tightness = _evaluate(row["tightness"], numbers, digits)
        deviations.add("bounds leading_tightness", _evaluate(row["leading_tightness"], numbers, digits), tightness)
        deviations.add("bounds limit", _evaluate(row["limit"], numbers, digits), tightness, 1)
        trace_tightness = _evaluate(f"({row['eigenvalue']})/({row['trace_bound']})", numbers, digits)
        deviations.add("bounds trace_limit", _evaluate(row["trace_limit"], numbers, digits), trace_tightness, 1)
        for exponent, quantity in zip(row["exponents"].split("/"), ("dimension_bound", "trace_bound", "eigenvalue")):
            measured = _measured_exponent(
                f"({row[quantity]})/(({row['dimension_bound']})*({row['dimension']}))", numbers
            )
            deviations.add("bounds exponents", float(exponent), measured, 1)
    for row in rows["samples"]:
        for quantity in ("equivalent_kernel", "self_consistent"):
            exact = _evaluate(row[quantity], numbers, digits)
            deviations.add(f"samples leading_{quantity}", _evaluate(row[f"leading_{quantity}"], numbers, digits), exact)
    for comparison in deviations.comparisons(lambda q: f"{q.split()[0]}-{model.key}", "exact entry at L = 1e24"):
        yield Comparison(
            comparison.table, comparison.quantity.split()[1], comparison.route, comparison.count, comparison.deviation
        )


def _measured_exponent(text: str, numbers: dict[str, Any]) -> float:
    near, far = (_evaluate(text, numbers | {"L": sympy.Integer(_FAR) * factor}, 160) for factor in (1, 2))
    return -log2(far / near)


def _verify_irreps(rows: list[dict[str, Any]]) -> Iterator[Comparison]:
    deviations = Deviations()
    far = {"L": sympy.Integer(_FAR)}
    lowers = []
    for row in rows:
        first = int(row["first_length"])
        for length in range(first, first + 12):
            numbers = {"L": sympy.Integer(length)}
            deviations.add(
                "dimension", _evaluate(row["dimension"], numbers), _shape_at(row["shape"], numbers).dimension
            )
        below = first == 0 or not _label_exists(row["shape"], {"L": sympy.Integer(first - 1)})
        deviations.add("first_length", 0.0 if below else inf, 0.0)
        lower = _shape_at(row["shape"], far).parts[1:]
        lowers.append(lower)
        deviations.add("depth", row["depth"], sum(lower), 1)
        deviations.add("leading", _evaluate(row["leading"], far, 160), _evaluate(row["dimension"], far, 160))
    expected = [partition.parts for depth in range(max(map(sum, lowers)) + 1) for partition in partitions(depth)]
    deviations.add("rows", 0.0 if lowers == expected else inf, 0.0)
    return deviations.comparisons(lambda q: "irreps", "hook length formula")


def _verify_kernels(rows: list[dict[str, Any]]) -> Iterator[Comparison]:
    deviations = Deviations()
    names = [(name, readout) for name in ARCHITECTURES for readout in READOUTS]
    labels = [tuple(row[key] for key in ("architecture", "readout", "kernel")) for row in rows]
    expected = [(*name, kernel) for name in names for kernel in ("NNGP", "NTK")]
    deviations.add("rows", 0.0 if labels == expected else inf, 0.0)
    source = np.random.default_rng(5)
    for row in rows:
        net = architecture(row["architecture"], row["readout"])
        numbers = {s.name: sympy.Rational(i + 2, 3) for i, s in enumerate(net.parameters())}
        gram = getattr(net.substitute(**numbers), row["kernel"].lower())
        for x, y in source.integers(3, size=(6, 2, 5)):
            counts = _counts(*((x[:-1], y[:-1]) if net.extra_token == "query" else (x, y)))
            value = _evaluate(row["polynomial"], numbers | counts | {"g": sympy.Integer(int(x[-1] == y[-1]))})
            deviations.add(row["kernel"], value, gram(x, y, method="positions"))
    return deviations.comparisons(lambda q: "kernels", "layer rules, position by position")


def _counts(x: np.ndarray, y: np.ndarray) -> dict[str, sympy.Integer]:
    counts = {"L": len(x), "u": (x[:, None] == y).sum(), "m": (x == y).sum()}
    return {name: sympy.Integer(int(value)) for name, value in counts.items()}


def _verify_characters(n: int, rows: list[dict[str, Any]]) -> Iterator[Comparison]:
    deviations = Deviations()
    cycle_types = {",".join(map(str, partition.parts)): partition.parts for partition in partitions(n)}
    for row, shape in zip(rows, partitions(n), strict=True):
        labelled = row["shape"] == str(shape) and list(row) == ["shape", *cycle_types]
        deviations.add("labels", 0.0 if labelled else inf, 0.0)
        matrices = orthogonal(shape)
        for key, cycle_type in cycle_types.items():
            trace = float(np.trace(matrices.to_numpy(_representative(cycle_type))))
            deviations.add("character", row[key], trace, 1)
    return deviations.comparisons(lambda q: f"characters-s{n}", "trace of the orthogonal matrix")


def _representative(cycle_type: tuple[int, ...]) -> sympy.combinatorics.Permutation:
    start, images = 0, []
    for part in cycle_type:
        images += [start + (i + 1) % part for i in range(part)]
        start += part
    return sympy.combinatorics.Permutation(images)
