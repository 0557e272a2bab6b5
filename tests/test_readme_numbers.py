"""The measured numbers of the README are what its commands print, from their seeds.

Times belong to a machine, trained networks need torch, and WikiText-2 is not part of the repository: their figures are those of
benchmarks/records/, which the commands beside them wrote, and what the trained networks are compared with is computed anew.
"""

from __future__ import annotations

import importlib.util
import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from symrep import learning

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CLAIMS = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
WIKITEXT = ROOT.parent / "shared" / "data" / "wikitext-2" / "train.txt"


def benchmark(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def record(name):
    return (ROOT / "benchmarks" / "records" / name).read_text(encoding="utf-8")


def table(first_cell):
    """The rows of the table whose heading starts with a cell, below the heading."""
    lines = README.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_cell} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def said(pattern):
    """The groups of the one place of the README, line breaks apart, that a pattern matches."""
    (found,) = re.finditer(pattern, " ".join(README.split()))
    return found.groups()


def numbers(text):
    return [float(part) for part in text.replace("±", " ").replace("%", " ").replace("/", " ").split()]


def rounds_to(value, text):
    return f"{value:.{len(text.partition('.')[2])}f}" == text


@pytest.mark.slow
@pytest.mark.parametrize("row", table("target"), ids=lambda row: ", ".join(row[:2]))
def test_learning_against_simulation(row):
    bench = benchmark("bench_learning")
    target, labels, *cells = row
    noise = {"exact": 0.0, "noise .05": 0.05}[labels]
    spec = bench.normalised(bench.LINEAR, 2, 8)
    theory, found = bench.theory_and_simulation(spec, 8, target.strip("`"), noise, repeats=200)
    require_as_close_as_claimed(theory, found)
    for place, at in ((0, 1), (1, 2)):
        expected = [theory.learnability[at], found.learnability[at]]
        assert numbers(cells[place]) == pytest.approx(expected, abs=0.0006)
        ratio, error = (
            theory.test_error[at] / found.test_error[at],
            found.test_error_error[at] / found.test_error[at],
        )
        assert numbers(cells[2 + place]) == pytest.approx([100 * (ratio - 1), 100 * error], abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["S", "sigma_1 - S/L", "(sigma_1 - S/L) * S"])
def test_learnability_of_a_relu_block_against_simulation(target):
    bench = benchmark("bench_learning")
    _, net, vocab_size, length, targets = bench.CASES[-1]
    assert net == bench.RELU and vocab_size == 2 and target in targets
    spec = bench.normalised(net, vocab_size, length)
    for noise in (0.0, bench.RIDGE):
        require_as_close_as_claimed(*bench.theory_and_simulation(spec, length, target, noise, repeats=200))


def require_as_close_as_claimed(theory, found):
    assert "learnability within .020 of simulation from 16 samples on (V = 2)" in " ".join(CLAIMS.split())
    assert theory.n_samples[0] == 16
    assert np.abs(theory.learnability - found.learnability).max() < 0.0205


@pytest.mark.slow
@pytest.mark.parametrize("place", range(4))
def test_predicted_outputs_in_and_out_of_distribution(place):
    bench = benchmark("bench_learning")
    assert "has $R^2$ of 0.998 or more" in README and "mean outputs with $R^2$ of .998 or more" in CLAIMS
    assert len(bench.OUTPUTS) == 4
    _, net, length, n_samples = bench.OUTPUTS[place]
    spec, scores = bench.normalised(net, 2, length), []
    for target, sequences in product(bench.OUTPUT_TARGETS, bench.sequences_to_predict(length).values()):
        theory, found = bench.predicted_and_simulated(spec, length, target, n_samples, sequences, repeats=200)
        scores.append(bench.r_squared(found.outputs[0], theory.mean))
    assert len(scores) == 8 and min(scores) >= 0.998


@pytest.mark.slow
@pytest.mark.parametrize("row", table("block | kernel"), ids=lambda row: ", ".join(row[:2]))
def test_finite_width(row):
    bench = benchmark("bench_finite_width")
    name, kernel, *cells = row
    for width, cell in zip(bench.WIDTHS, cells, strict=True):
        relative, error = bench.deviation(name, kernel.lower(), width)
        assert numbers(cell) == pytest.approx([100 * relative, 100 * error], abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("row", table("measure"), ids=lambda row: row[0])
def test_power_of_the_exchangeability_test(row):
    bench = benchmark("bench_text")
    names = {
        "frozen mixture (exchangeable)": "frozen mixture",
        "lazy chain, e = 1 (independent tokens)": "lazy chain, e = 1",
    }
    name, *cells = row
    measure = bench.MEASURES[names.get(name, name if name.startswith("lazy") else f"lazy chain, {name}")]
    for n, cell in zip(bench.SAMPLES, cells, strict=True):
        assert float(cell) == pytest.approx(bench.rejected(measure, n, 2, 200), abs=0.0051)


def test_tables_have_a_row_for_everything_that_was_measured():
    assert len(table("target")) == 6
    blocks = benchmark("bench_finite_width").BLOCKS
    rows = [tuple(row[:2]) for row in table("block | kernel")]
    assert sorted(rows) == sorted((name, kernel) for name in blocks for kernel in ("NNGP", "NTK"))
    assert len(table("measure")) == len(benchmark("bench_text").MEASURES)


def test_trained_networks_against_infinite_width():
    bench = benchmark("bench_langevin")
    outputs = json.loads(record("langevin.json"))["outputs"]
    training = bench.training_set()
    rows = table("block | target | width")
    assert len(rows) == len(outputs) == 9
    for row, own in zip(rows, outputs):
        assert row[:3] == [own["block"], f"`{own['target']}`", str(own["width"])]
        net, labels = bench.normalized_block(own["block"]), learning.target(own["target"])(training, 2)
        gram = net.nngp(training) + bench.RIDGE * np.eye(len(training))
        limit = net.nngp(bench.ALL, training) @ np.linalg.solve(gram, labels)
        deviation = np.mean((np.array(own["mean"]) - limit) ** 2)
        noise = np.mean(np.array(own["standard_error"]) ** 2)
        expected = [1 - deviation / limit.var(), deviation, noise]
        assert [float(cell) for cell in row[3:6]] == pytest.approx(expected, abs=6e-5)
        assert float(row[6]) == pytest.approx(own["r_hat"], abs=0.0051)


def test_times_of_blocks():
    rows = [line.split() for line in record("bench_blocks.txt").splitlines()]
    matches = {tuple(map(int, row[:2])): row for row in rows if row[2:3] == ["matches"]}
    tables = {
        tuple(map(int, row[:2])): row for row in rows if len(row) in (7, 8) and row[0] in "234" and "e+" in row[2]
    }
    pattern = (
        r"V = 2, L = 160 in (\S+) s; V = 3, L = 16 in (\S+) s, L = 24 in (\S+) s, L = 40 \((\d+) shapes, blocks up to (\d+)\) "
        r"in (\S+) s; V = 4, L = 8 in (\S+) s, L = 12 in (\S+) s; at most (\S+) GB\. A kernel .*? takes (\S+) s at V = 3, "
        r"L = 16 and (\S+) s at V = 4, L = 8\."
    )
    *stated, memory, table_3, table_4 = said(pattern)
    shapes, largest = stated[3:5]
    assert [matches[3, 40][i] for i in (3, 4)] == [shapes, largest]
    seconds = [float(tables[2, 160][5])]
    seconds += [float(matches[key][6]) for key in ((3, 16), (3, 24), (3, 40), (4, 8), (4, 12))]
    for value, text in zip(seconds, stated[:3] + stated[5:], strict=True):
        assert rounds_to(value, text)
    assert rounds_to(float(tables[3, 16][5]), table_3) and rounds_to(float(tables[4, 8][5]), table_4)
    used = [float(tables[2, 160][6]), *(float(matches[key][8]) for key in ((3, 16), (3, 24), (3, 40), (4, 8), (4, 12)))]
    assert rounds_to(max(used) / 1000, memory)


def test_times_of_gram_matrices():
    rows = [line.split() for line in record("bench_kernels.txt").splitlines()]
    (whole,) = (row for row in rows if row[:2] == ["2000", "32"])
    ratios = [row for row in rows if len(row) == 7 and row[1] in ("16", "32", "64")]
    assert len(ratios) == 3
    pattern = (
        r"2000 sequences of length 32 over 50 tokens .* take (\S+) s \(NTK (\S+) s\), (\d+) to (\d+) times less than position by "
        r"position for L = 16 to 64, and (\d+) to (\d+) times less than neural-tangents"
    )
    nngp, ntk, *bounds = said(pattern)
    assert rounds_to(float(whole[2]), nngp) and rounds_to(float(whole[3]), ntk)
    found = [[int(row[place]) for row in ratios] for place in (4, 6)]
    assert list(map(int, bounds)) == [f(own) for own in found for f in (min, max)]


KINDS = ("text", "Markov chain, same bigrams", "shuffled within windows")
OPTIONS = ((50, 0), (100, 100))


def recorded_wikitext(vocab):
    """Of every kind of data the off-diagonal fraction with its interval, and the leading irrep with its weight."""
    symmetry, components = (own["rows"] for own in json.loads(record(f"wikitext-{vocab}.json"))["tables"][:2])
    ends = ("", "_low", "_high")
    shares = {row["data"]: [row[f"off_diagonal_fraction{end}"] for end in ends] for row in symmetry}
    weight, irrep = max((components[0][f"{name}_weight"], name) for name in ("trivial", "standard"))
    return shares, f"{irrep}, {weight:.2f}".replace("0.", ".")


@pytest.mark.parametrize(("number", "vocab"), list(enumerate(vocab for vocab, _ in OPTIONS)))
def test_wikitext_of_the_record(number, vocab):
    options, *cells = table("`symrep text train.txt`")[number]
    assert options.startswith(f"`--vocab {vocab}") and options.endswith("--length 16`")
    shares, leading = recorded_wikitext(vocab)
    for cell, kind in zip(cells, KINDS):
        shown = numbers(cell.replace("(", "").replace("to", "").replace(")", ""))
        assert shown == pytest.approx(shares[kind], abs=0.0051 if kind == KINDS[2] else 0.0006)
    assert cells[3] == leading
    for cell in cells[:2]:
        assert cell in " ".join(CLAIMS.split())


@pytest.mark.skipif(not WIKITEXT.exists(), reason="needs WikiText-2 in ../shared/data/wikitext-2")
@pytest.mark.slow
@pytest.mark.parametrize(("vocab", "skip"), OPTIONS)
def test_the_record_of_wikitext(vocab, skip):
    from symrep.measures.text import read_corpus, text_report

    report = text_report(read_corpus(WIKITEXT, vocab_size=vocab, skip=skip), 16)
    recorded = json.loads(record(f"wikitext-{vocab}.json"))["tables"]
    for own, kept in zip(report.tables(), recorded, strict=True):
        rows = json.loads(own.to_json())["rows"]
        for row, expected in zip(rows, kept["rows"], strict=True):
            assert row.keys() == expected.keys()
            for key, value in expected.items():
                assert row[key] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    ("sentence", "shape", "token_shape", "samples"),
    [
        ("$(3a + 2p)/2a$ samples however long the sequence", (), (1, 1), "(3*a + 2*p)/(2*a)"),
        ("needs $L/2$ of\nthem", (1,), (1, 1), "L/2"),
    ],
)
def test_the_first_page_counts_samples_as_the_tables_do(sentence, shape, token_shape, samples):
    from symrep import kernels, measures, spectrum
    from symrep.kernels.parameters import parse_expression

    assert sentence in README
    law = learning.scaling_law(spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2)))
    found = law.select(shape, token_shape)[0].leading_samples().as_expression()
    assert (found - parse_expression(samples, "samples")).simplify() == 0
