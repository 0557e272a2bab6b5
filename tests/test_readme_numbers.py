"""The measured numbers of the README are what its commands print: every table that does not show times, from its seeds."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from symrep import learning

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
WIKITEXT = ROOT.parent / "shared" / "data" / "wikitext-2" / "train.txt"


def benchmark(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def numbers(text):
    return [float(part) for part in text.replace("±", " ").replace("%", " ").replace("/", " ").split()]


@pytest.mark.slow
def test_learning_against_simulation():
    bench = benchmark("bench_learning")
    spec = bench.normalised(bench.LINEAR, 2, 8)
    rows = table("target")
    assert len(rows) == 6
    for target, labels, *cells in rows:
        noise = {"exact": 0.0, "noise .05": 0.05}[labels]
        theory, found = bench.theory_and_simulation(spec, 8, target.strip("`"), noise, repeats=200)
        for place, at in ((0, 1), (1, 2)):
            expected = [theory.learnability[at], found.learnability[at]]
            assert numbers(cells[place]) == pytest.approx(expected, abs=0.0006)
            ratio, error = (
                theory.test_error[at] / found.test_error[at],
                found.test_error_error[at] / found.test_error[at],
            )
            assert numbers(cells[2 + place]) == pytest.approx([100 * (ratio - 1), 100 * error], abs=0.06)


@pytest.mark.slow
def test_finite_width():
    bench = benchmark("bench_finite_width")
    rows = table("block | kernel")
    assert {name for name, *_ in rows} == set(bench.BLOCKS) and len(rows) == 2 * len(bench.BLOCKS)
    assert {len(row) for row in rows} == {2 + len(bench.WIDTHS)}
    for name, kernel, *cells in rows:
        # the widest take a minute, and one block has them all
        widths = bench.WIDTHS if name == rows[0][0] else bench.WIDTHS[:1]
        for width, cell in zip(widths, cells):
            relative, error = bench.deviation(name, kernel.lower(), width)
            assert numbers(cell) == pytest.approx([100 * relative, 100 * error], abs=0.06)


@pytest.mark.slow
def test_power_of_the_exchangeability_test():
    bench = benchmark("bench_text")
    rows = table("measure")
    names = {
        "frozen mixture (exchangeable)": "frozen mixture",
        "lazy chain, e = 1 (independent tokens)": "lazy chain, e = 1",
    }
    assert len(rows) == len(bench.MEASURES)
    for name, *cells in rows:
        measure = bench.MEASURES[names.get(name, name if name.startswith("lazy") else f"lazy chain, {name}")]
        for n, cell in zip(bench.SAMPLES[:2], cells):
            assert float(cell) == pytest.approx(bench.rejected(measure, n, 2, 200), abs=0.0051)


@pytest.mark.skipif(not WIKITEXT.exists(), reason="needs WikiText-2 in ../shared/data/wikitext-2")
@pytest.mark.slow
def test_wikitext():
    from symrep.measures.text import read_corpus, text_report

    rows = table("`symrep text train.txt`")
    assert len(rows) == 2
    for (options, *cells), (vocab, skip) in zip(rows, ((50, 0), (100, 100)), strict=True):
        assert options.startswith(f"`--vocab {vocab}") and options.endswith("--length 16`")
        report = text_report(read_corpus(WIKITEXT, vocab_size=vocab, skip=skip), 16)
        kinds = ("text", "Markov chain, same bigrams", "shuffled within windows")
        for cell, kind in zip(cells, kinds):
            share = report.symmetry[kind].off_diagonal_fraction
            shown = numbers(cell.replace("(", "").replace("to", "").replace(")", ""))
            assert shown == pytest.approx(
                [share.value, share.low, share.high], abs=0.0051 if kind == kinds[2] else 0.0006
            )
        leading = report.components[0]
        irrep = max(
            ("trivial", leading.trivial_weight), ("standard", leading.standard_weight), key=lambda pair: pair[1]
        )
        assert cells[3] == f"{irrep[0]}, {irrep[1]:.2f}".replace("0.", ".")


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
