"""Reports on text: tables, words, plots, and the command line."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from command_line import run

from symrep.errors import InvalidArgumentError, InvalidTypeError
from symrep.measures.text import Corpus, read_corpus, text_report
from symrep.plots import text_plot


def corpus_of(ids, vocab_size):
    vocabulary = ("<unk>", *(f"word{n}" for n in range(1, vocab_size)))
    return Corpus(ids.astype(np.uint16), vocabulary, np.bincount(ids, minlength=vocab_size), vocab_size, "made up")


def topics(rng, n_windows, length):
    """Every window has a topic of its own, and its words in random order."""
    topic = rng.integers(0, 2, n_windows)
    other = rng.random((n_windows, length)) < 0.25
    return (np.where(other, 1 - topic[:, None], topic[:, None]) + 2 * rng.integers(0, 2, (n_windows, length))).ravel()


@pytest.fixture(scope="module")
def ordered():
    return text_report(read_corpus(vocab_size=12), 5, n_permutations=59)


@pytest.fixture(scope="module")
def exchangeable():
    return text_report(corpus_of(topics(np.random.default_rng(1), 8000, 5), 4), 5, n_permutations=59)


def test_a_text_with_order(ordered):
    share, markov = (ordered.symmetry[name].off_diagonal_fraction for name in ("text", "Markov chain, same bigrams"))
    assert share.high < 0.6 and markov.is_known
    words = ordered.summary()
    assert f"{100 * share.value:.3g} % is symmetric under permutations" in words
    assert "Word order matters, by pairs of positions (p = 0.0167)" in words
    assert "for exchangeable data hold for its symmetric part alone" in words


def test_a_text_without_order(exchangeable):
    share = exchangeable.symmetry["text"].off_diagonal_fraction
    assert share.low < 1.02 and share.high > 0.98
    words = exchangeable.summary()
    assert "the text is more symmetric than these pairs explain" in words
    assert "Exchangeability is not rejected" in words and "does not prove that there is none" in words
    assert "trivial: it tells which words a window has" in words


def test_a_text_of_independent_words():
    ids = np.random.default_rng(2).integers(0, 4, 20_000)
    found = text_report(corpus_of(ids, 4), 4, n_permutations=59)
    assert "No covariance between different positions is resolved in 5000 windows" in found.summary()
    assert found.table().rows[0][1] is None and "Exchangeability is not rejected" in found.summary()


def test_what_the_covariance_does_not_see_is_said():
    rng = np.random.default_rng(3)
    frequencies = corpus_of((rng.random((10_000, 4)) < [0.1, 0.9, 0.1, 0.9]).astype(int).ravel(), 2)
    words = text_report(frequencies, 4, n_permutations=59).summary()
    assert "by frequencies of words (p = 0.0167)" in words and "same frequencies" not in words
    x = rng.integers(0, 2, (10_000, 4))
    x[:, 2] = x[:, 0] ^ x[:, 1]
    found = text_report(corpus_of(x.ravel(), 2), 4, n_permutations=59)
    assert "Word order matters, by triples of positions" in found.summary()


def test_texts_with_nothing_to_measure():
    for ids in (np.tile([0, 1, 2, 3], 2000), np.zeros(8000, dtype=int)):
        assert "windows are alike at every position" in text_report(corpus_of(ids, 4), 4, n_permutations=59).summary()


def test_windows_of_two_tokens():
    found = text_report(read_corpus(vocab_size=8), 2, n_permutations=59)
    assert [test.order for test in found.tests] == [1] and "(smallest p = " in found.summary()


def test_controls_do_not_move_the_tests():
    corpus = read_corpus(vocab_size=8)
    with_controls, alone = (text_report(corpus, 4, n_permutations=59, controls=c).tests for c in (True, False))
    assert [test.p_value for test in with_controls] == [test.p_value for test in alone]
    assert [test.statistic for test in with_controls] == [test.statistic for test in alone]


def test_tables(ordered):
    table, components, tests = ordered.tables()
    rows = json.loads(table.to_json())["rows"]
    assert [row["data"] for row in rows] == list(ordered.symmetry)
    for row, found in zip(rows, ordered.symmetry.values()):
        share = found.off_diagonal_fraction
        value = share.value if share.is_known else None
        assert row["off_diagonal_fraction"] == value and row["multiplet_spread"] == found.multiplets[0].spread.value
        assert row["off_diagonal_energy_low"] == found.energy("off_diagonal").low
    (first, *_) = csv.DictReader(io.StringIO(table.to_csv()))
    assert float(first["toeplitz_gap_high"]) == pytest.approx(ordered.symmetry["text"].toeplitz_gap.high, rel=1e-5)
    assert str(ordered.symmetry["text"].off_diagonal_fraction) in table.to_text()
    assert r"\text{ to }" in table.to_latex() and r"\text{not resolved}" in table.to_latex()
    assert [row["trivial_weight"] for row in json.loads(components.to_json())["rows"]] == [
        component.trivial_weight for component in ordered.components
    ]
    assert [row[0] for row in tests.rows] == [1, 2, 3] and "p cannot be below 0.0167" in str(tests)
    assert "<table>" in ordered._repr_html_()


def test_the_seed_decides():
    corpus = read_corpus(vocab_size=8)
    first, second, third = (text_report(corpus, 4, n_permutations=0, seed=seed) for seed in (0, 0, 1))
    assert first.table().to_json() == second.table().to_json() != third.table().to_json()
    assert len(first.tables()) == 2 and "Word order" not in first.summary()
    assert list(text_report(corpus, 4, n_permutations=0, controls=False).symmetry) == ["text"]


def test_plots(ordered):
    pytest.importorskip("matplotlib")
    image = text_plot(ordered).get_images()[0].get_array()
    energies = ordered.symmetry["text"].block_energies
    shown = np.ma.filled(image, np.nan)
    assert shown[0, 1] == pytest.approx(energies[0, 1] ** 0.5) and np.isnan(np.diag(shown)).all()
    lines = ordered.plot(quantity="components").get_lines()
    profile = lines[0].get_ydata()
    strengths = np.linalg.svd(ordered.components[0].vector, compute_uv=False)
    assert np.linalg.norm(profile) == pytest.approx(strengths[0])
    with pytest.raises(InvalidArgumentError, match="quantity must be one of covariance, components, got 'x'"):
        text_plot(ordered, quantity="x")
    with pytest.raises(InvalidTypeError, match="report must be the result of text_report, got 3"):
        text_plot(3)


def test_errors():
    corpus = read_corpus(vocab_size=8)
    with pytest.raises(InvalidArgumentError, match="n_permutations must be 0 or at least 59, got 20"):
        text_report(corpus, 4, n_permutations=20)
    with pytest.raises(InvalidArgumentError, match="length must be at least 2, got 1"):
        text_report(corpus, 1)
    with pytest.raises(InvalidArgumentError, match="vocab_size must be at most 2000 for windows, got 2500"):
        text_report(replace(corpus, vocabulary=("<unk>",) * 2500), 4)


def test_command_line(tmp_path):
    found = run("text", "--vocab", "8", "--length", "4", "--permutations", "59", "--plot", str(tmp_path / "text.png"))
    assert found.status == 0 and found.err == "" and (tmp_path / "text.png").stat().st_size > 10_000
    assert "Permutation symmetry of the covariance of pydoc_data.topics" in found.out
    assert found.out.count("is symmetric under permutations") == 1
    path = tmp_path / "small.txt"
    path.write_text("one two three four\n" * 300, encoding="utf-8")
    as_json = run(
        "text",
        str(path),
        str(path),
        "--vocab",
        "3",
        "--length",
        "3",
        "--no-controls",
        "--permutations",
        "0",
        "--format",
        "json",
    )
    content = json.loads(as_json.out)
    assert [table["label"] for table in content["tables"]] == ["text-symmetry", "text-components"] and content[
        "summary"
    ]
    as_csv = run("text", str(path), "--vocab", "3", "--length", "3", "--permutations", "0", "--format", "csv")
    assert as_csv.out.startswith("data,off_diagonal_fraction,off_diagonal_fraction_low")
    as_latex = run("text", str(path), "--vocab", "3", "--length", "3", "--permutations", "0", "--format", "latex")
    assert r"\begin{table}" in as_latex.out and as_latex.out.startswith("Of the covariance")


def test_command_line_with_a_tokenizer(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    trained = tokenizers.Tokenizer(tokenizers.models.WordLevel({"one": 0, "two": 1, "?": 2}, unk_token="?"))
    trained.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    trained.save(str(tmp_path / "tokenizer.json"))
    path = tmp_path / "small.txt"
    path.write_text("one two three four\n" * 300, encoding="utf-8")
    options = ("--vocab", "4", "--length", "3", "--permutations", "0", "--no-controls")
    found = run("text", str(path), *options, "--tokenizer", str(tmp_path / "tokenizer.json"))
    assert found.status == 0 and "?" in found.out
    wrong = run("text", str(path), *options, "--tokenizer", str(path))
    assert wrong.status == 2 and wrong.err.startswith("symrep: --tokenizer must be a tokenizer.json, got")
    assert len(wrong.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, (), "text must be a readable file, got"),
        (b"", (), "text must not be empty"),
        (b"\xff\xfe\x00", (), "text must be UTF-8"),
        (b"a\0b", (), "text must not be binary"),
        (b"a b c\n" * 400, ("--vocab", "9"), "--vocab must be at most 5: the text has 4 words"),
        (b"a b c\n" * 400, ("--vocab", "3", "--length", "1"), "--length must be at least 2, got 1"),
        (b"a b c\n" * 40, ("--vocab", "3"), "text must have at least 640 tokens for two windows"),
        (
            b"a b c\n" * 400,
            ("--vocab", "3", "--length", "x"),
            "Invalid value for '--length': 'x' is not a valid integer.",
        ),
        (b"a b c\n" * 400, ("--vocab", "3", "--plot", "x.txt"), "--plot must name a png, pdf or svg file, got 'x.txt'"),
        (b"a b c\n" * 400, ("--vocab", "3", "--permutations", "9"), "--permutations must be 0 or at least 59, got 9"),
    ],
)
def test_bad_input_is_one_line(tmp_path, content, options, message):
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    found = run("text", str(path), *options)
    assert found.status == 2 and found.out == ""
    assert found.err.startswith(f"symrep: {message}") and len(found.err.splitlines()) == 1


def test_the_usual_vocabulary_is_no_larger_than_the_text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a b c a b\n" * 100)
    assert len(read_corpus(path, end_of_line=None).vocabulary) == 4
    assert len(read_corpus().vocabulary) == 50
    with pytest.raises(InvalidArgumentError, match="vocab_size must be at most 4: the text has 3 words"):
        read_corpus(path, vocab_size=50, end_of_line=None)
    assert ", V = 5)" in run("text", str(path), "--length", "4", "--permutations", "0", "--no-controls").out
