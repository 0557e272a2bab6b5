"""Reading text: formats, words, vocabularies, and files that are none."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from symrep.errors import InvalidArgumentError, InvalidTypeError
from symrep.measures.text import read_corpus

TEXT = "the cat and the dog\n\n  \nthe <unk> end\nand the <unk>\n"
WORDS = "the cat and the dog <eos> the <unk> end <eos> and the <unk> <eos>".split()


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def decoded(corpus):
    return [corpus.vocabulary[number] for number in corpus.ids]


def test_words_and_numbers(plain):
    corpus = read_corpus(plain, vocab_size=4)
    assert corpus.vocabulary == ("<unk>", "the", "<eos>", "and")
    assert decoded(corpus) == [word if word in corpus.vocabulary else "<unk>" for word in WORDS]
    assert corpus.counts.tolist() == [5, 4, 3, 2] and corpus.n_tokens == 14
    assert corpus.n_types == 7 and corpus.source == "plain.txt" and corpus.ids.dtype == np.uint16


def test_skipped_words_are_unknown(plain):
    corpus = read_corpus(plain, vocab_size=3, skip=1)
    assert corpus.vocabulary == ("<unk>", "<eos>", "and") and corpus.counts.tolist() == [9, 3, 2]


def test_the_whole_vocabulary_has_no_unknown_words_of_its_own(plain):
    assert read_corpus(plain, vocab_size=7).counts.tolist() == [2, 4, 3, 2, 1, 1, 1]


def test_other_ends_of_lines(plain):
    assert "<eos>" not in read_corpus(plain, vocab_size=3, end_of_line=None).vocabulary
    assert read_corpus(plain, vocab_size=3, end_of_line="END").vocabulary == ("<unk>", "the", "END")


def test_compressed_and_several_files(plain, tmp_path):
    packed = tmp_path / "text.gz"
    packed.write_bytes(gzip.compress(TEXT.encode()))
    archive = tmp_path / "text.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("folder/", "")
        file.writestr("folder/first.txt", TEXT[:24])
        file.writestr("second.txt", TEXT[24:])
    expected = read_corpus(plain, vocab_size=4)
    for path in (packed, str(archive)):
        found = read_corpus(path, vocab_size=4)
        assert found.ids.tolist() == expected.ids.tolist() and found.source == Path(path).name
    both = read_corpus([plain, packed], vocab_size=4)
    assert both.ids.tolist() == expected.ids.tolist() * 2 and both.source == "plain.txt, text.gz"


def test_more_tokens_than_are_kept_in_memory_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("symrep.measures.text.corpus._IDS_AT_ONCE", 5)
    path = tmp_path / "long.txt"
    path.write_text("a b c\n" * 101, encoding="utf-8")
    assert decoded(read_corpus(path, vocab_size=5)) == ["a", "b", "c", "<eos>"] * 101


def test_memory_does_not_grow_with_the_text(tmp_path):
    import tracemalloc

    peaks = []
    for repeats in (2_000, 40_000):
        path = tmp_path / f"{repeats}.txt"
        path.write_text("the cat and the dog sat\n" * repeats, encoding="utf-8")
        tracemalloc.start()
        corpus = read_corpus(path, vocab_size=5)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert corpus.n_tokens == 7 * repeats
    assert peaks[1] < peaks[0] + 3 * 2**20


def test_the_text_that_ships_with_python():
    first, second = read_corpus(vocab_size=20), read_corpus(vocab_size=20)
    assert first.n_tokens > 20_000 and first.ids.tolist() == second.ids.tolist()
    assert first.source == "pydoc_data.topics" and "the" in first.vocabulary


class Tokenizing:
    def tokenize(self, line):
        return list(line.replace(" ", ""))


def test_tokenizers(plain, tmp_path):
    letters = read_corpus(plain, vocab_size=5, tokenizer=Tokenizing(), end_of_line=None)
    assert letters.vocabulary[1] == "t"
    assert " " in read_corpus(plain, vocab_size=5, tokenizer=list, end_of_line=None).vocabulary
    tokenizers = pytest.importorskip("tokenizers")
    trained = tokenizers.Tokenizer(tokenizers.models.WordLevel(unk_token="[UNK]"))
    trained.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    trained.train_from_iterator(TEXT.splitlines(), tokenizers.trainers.WordLevelTrainer(special_tokens=["[UNK]"]))
    assert read_corpus(plain, vocab_size=3, tokenizer=trained).vocabulary == ("<unk>", "the", "<eos>")


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.txt", None, r"^text must be a readable file, got .*missing.txt.*: No such file or directory$"),
        ("empty.txt", b"", "^text must not be empty, got 'empty.txt'$"),
        ("blank.txt", b"\n \n", "^text must hold a word, got 'blank.txt'$"),
        ("binary.txt", b"ab\nc\0d\n", "^text must not be binary, got a zero byte in line 2 of binary.txt$"),
        ("latin.txt", b"ab\ncaf\xe9\n", "^text must be UTF-8, got byte 0xe9 after line 0 of latin.txt$"),
        ("broken.gz", b"no gzip", "^text must be a readable file, got .*: Not a gzipped file"),
        (
            "corrupt.gz",
            gzip.compress(TEXT.encode() * 99, mtime=0)[:15] + b"xxxx" * 20,
            "^text must be a readable file, got",
        ),
        (
            "cut.gz",
            gzip.compress(TEXT.encode() * 99, mtime=0)[:-20],
            "^text must be a readable file, got .*ended before",
        ),
        ("broken.zip", b"no zip", "^text must be a readable file, got .*: File is not a zip file$"),
    ],
)
def test_files_that_are_no_text(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidArgumentError, match=message):
        read_corpus(path, vocab_size=2)


def test_a_folder_and_an_empty_archive(tmp_path):
    with pytest.raises(InvalidArgumentError, match="^text must be a readable file, got .*: Is a directory"):
        read_corpus(tmp_path)
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(InvalidArgumentError, match="^text must not be an empty archive, got 'empty.zip'"):
        read_corpus(tmp_path / "empty.zip")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"vocab_size": 1}, InvalidArgumentError, "vocab_size must be at least 2, got 1"),
        ({"vocab_size": 8}, InvalidArgumentError, "vocab_size must be at most 7: the text has 6 words, less 0 skipped"),
        (
            {"vocab_size": 5, "skip": 3},
            InvalidArgumentError,
            "vocab_size must be at most 4: the text has 6 words, less 3",
        ),
        (
            {"vocab_size": 2, "skip": 60},
            InvalidArgumentError,
            "skip must be below 6, the number of words, got 60",
        ),
        ({"vocab_size": 10**6}, InvalidArgumentError, "vocab_size must be at most 65536, got 1000000"),
        ({"vocab_size": 2.5}, InvalidTypeError, "vocab_size must be an integer, got 2.5"),
        ({"skip": -1}, InvalidArgumentError, "skip must be at least 0, got -1"),
        ({"tokenizer": 3}, InvalidTypeError, "tokenizer must be a function from a line to its words, got 3"),
        ({"tokenizer": len}, InvalidTypeError, "tokenizer must give a list of words, got 19"),
        ({"tokenizer": lambda line: [3]}, InvalidTypeError, r"tokenizer must give a list of words, got \[3\]"),
        ({"end_of_line": ""}, InvalidTypeError, "end_of_line must be a word or None, got ''"),
    ],
)
def test_bad_options(plain, options, error, message):
    with pytest.raises(error, match=message):
        read_corpus(plain, **options)


@pytest.mark.parametrize("paths", [3, [], [3], b"text"])
def test_paths_of_other_types(paths):
    with pytest.raises(InvalidTypeError, match="paths must be a file or a list of files"):
        read_corpus(paths)


def test_long_lines_in_pieces(tmp_path, monkeypatch):
    path = tmp_path / "long.txt"
    path.write_text("one two  three four\nfive\n\nsix seven eight nine ten", encoding="utf-8")
    whole = decoded(read_corpus(path, vocab_size=11))
    for limit in (7, 11, 12, 30):
        monkeypatch.setattr("symrep.measures.text.files._LONGEST_PIECE", limit)
        assert decoded(read_corpus(path, vocab_size=11)) == whole


def test_capitals_in_file_names(plain, tmp_path):
    path = tmp_path / "TEXT.GZ"
    path.write_bytes(gzip.compress(TEXT.encode()))
    assert read_corpus(path, vocab_size=4).ids.tolist() == read_corpus(plain, vocab_size=4).ids.tolist()


def test_what_cannot_be_read_twice(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidArgumentError, match="text must be a regular file, for it is read twice, got .*pipe"):
        read_corpus(tmp_path / "pipe")
    with pytest.raises(InvalidArgumentError, match="text must be a readable file, got"):
        read_corpus("a\0b")
    with pytest.raises(InvalidArgumentError, match="paths must name a file, got ''"):
        read_corpus("")


@pytest.mark.parametrize("factor", [0, 2])
def test_a_text_that_changes_while_it_is_read(plain, factor):
    calls = iter(range(1000))
    with pytest.raises(InvalidArgumentError, match="text must not change while it is read, got"):
        read_corpus(plain, vocab_size=4, tokenizer=lambda line: line.split() * (1 if next(calls) < 3 else factor))


def test_tokenizers_add_and_drop_nothing(plain):
    tokenizers = pytest.importorskip("tokenizers")
    trained = tokenizers.Tokenizer(tokenizers.models.WordLevel({"the": 0, "cat": 1, "?": 2, "[CLS]": 3}, unk_token="?"))
    trained.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    trained.post_processor = tokenizers.processors.TemplateProcessing("[CLS] $A", special_tokens=[("[CLS]", 3)])
    trained.enable_truncation(2)
    trained.enable_padding(length=32)
    corpus = read_corpus(plain, vocab_size=4, tokenizer=trained, end_of_line=None)
    assert corpus.n_tokens == 11 and set(corpus.vocabulary) == {"<unk>", "?", "the", "cat"}
    assert trained.truncation is not None  # the caller's own is left as it is


class Numbering:
    def encode(self, line, add_special_tokens):
        return [3]


@pytest.mark.parametrize("tokenizer", [lambda line: ["a", 3], lambda line: ["a", ["b"]], Numbering()])
def test_words_of_other_types(plain, tokenizer):
    with pytest.raises(InvalidTypeError, match="tokenizer must"):
        read_corpus(plain, vocab_size=3, tokenizer=tokenizer)
