"""Text files as sequences of token ids, read in one stream: nothing grows with the text but a temporary file of ids."""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_integer, shown

UNKNOWN = "<unk>"
END_OF_LINE = "<eos>"
_IDS_AT_ONCE = 2**20
_LARGEST_VOCABULARY = 2**16
Tokenizer = Callable[[str], Sequence[str]]


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text as token ids; made by :func:`read_corpus`.

    Attributes
    ----------
    ids
        The tokens in order, integers below ``vocab_size``; 0 is every word outside the vocabulary.
    vocabulary
        The words of the ids, ``<unk>`` first.
    counts
        How often every id occurs.
    n_types
        The number of different words in the text.
    source
        Where the text comes from.
    """

    ids: np.ndarray = field(repr=False)
    vocabulary: tuple[str, ...] = field(repr=False)
    counts: np.ndarray = field(repr=False)
    n_types: int
    source: str

    @property
    def vocab_size(self) -> int:
        """The number V of ids."""
        return len(self.vocabulary)

    @property
    def n_tokens(self) -> int:
        """The number of tokens."""
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<Corpus {self.source}: {self.n_tokens} tokens, {self.n_types} types, {self.vocab_size} kept>"


def read_corpus(
    paths: Any = None,
    *,
    vocab_size: int = 50,
    skip: int = 0,
    tokenizer: Any = None,
    end_of_line: str | None = END_OF_LINE,
    progress: bool = False,
) -> Corpus:
    """Read text and number its most frequent words.

    Parameters
    ----------
    paths
        A file or several: UTF-8 text, plain, .gz, or .zip with any number of text files. Without one the text that ships with
        Python (the topics of its help) is read.
    vocab_size
        V: the V - 1 most frequent words keep an id of their own; all others become ``<unk>``, id 0.
    skip
        How many of the most frequent words are left out of these, and become ``<unk>`` too.
    tokenizer
        Whitespace unless given: a function from a line to its words, or an object with a method ``tokenize`` (transformers)
        or ``encode(line).tokens`` (tokenizers).
    end_of_line
        A word put behind every line that is not empty, as WikiText has it; None for none.
    progress
        Show a progress bar.

    Raises
    ------
    InvalidArgumentError
        When a file is missing, unreadable, empty, binary or not UTF-8, or has fewer words than the vocabulary asks for.

    Notes
    -----
    Two passes, the first of which counts the words. ``<unk>`` in the text is taken for the unknown word. Words of equal
    frequency are ranked by their first occurrence.

    Examples
    --------
    >>> corpus = read_corpus(vocab_size=5)
    >>> corpus.vocabulary[0], "the" in corpus.vocabulary, int(corpus.ids.max())
    ('<unk>', True, 4)
    """
    vocab_size = require_integer(vocab_size, "vocab_size", minimum=2)
    skip = require_integer(skip, "skip", minimum=0)
    require(vocab_size <= _LARGEST_VOCABULARY, "vocab_size", f"must be at most {_LARGEST_VOCABULARY}", vocab_size)
    if end_of_line is not None and (not isinstance(end_of_line, str) or not end_of_line):
        raise InvalidTypeError(f"end_of_line must be a word or None, got {shown(end_of_line)}")
    source, lines_of = _source(paths)
    words_of = as_tokenizer(tokenizer)

    def words(description: str) -> Iterator[list[str]]:
        return _words(lines_of(), words_of, end_of_line, progress, description)

    frequencies = Counter(chain.from_iterable(words("counting words")))
    require(frequencies.total() > 0, "text", "must hold a word", source)
    unknown = frequencies.pop(UNKNOWN, 0)
    ranked = [word for word, _ in frequencies.most_common(skip + vocab_size - 1)]
    kept = ranked[skip:]
    rule = f"must be at most {max(len(kept), 0) + 1}: the text has {len(frequencies)} words, less {skip} skipped"
    require(len(kept) == vocab_size - 1, "vocab_size", rule, vocab_size)
    numbers = {word: number for number, word in enumerate(kept, start=1)}
    counts = np.array([0, *(frequencies[word] for word in kept)])
    counts[0] = unknown + frequencies.total() - counts.sum()
    ids = _spooled((numbers.get(word, 0) for word in chain.from_iterable(words("numbering"))), int(counts.sum()))
    return Corpus(ids, (UNKNOWN, *kept), counts, len(frequencies) + (unknown > 0), source)


def as_tokenizer(tokenizer: Any) -> Tokenizer:
    """A function from a line to its words.

    >>> as_tokenizer(None)("To be ,  or")
    ['To', 'be', ',', 'or']
    """
    if tokenizer is None:
        return str.split
    if callable(getattr(tokenizer, "tokenize", None)):
        return tokenizer.tokenize
    if callable(getattr(tokenizer, "encode", None)):
        return lambda line: tokenizer.encode(line).tokens
    if callable(tokenizer):
        return tokenizer
    raise InvalidTypeError(f"tokenizer must be a function from a line to its words, got {shown(tokenizer)}")


def _words(
    lines: Iterator[str], words_of: Tokenizer, end_of_line: str | None, progress: bool, description: str
) -> Iterator[list[str]]:
    from tqdm import tqdm

    end = [] if end_of_line is None else [end_of_line]
    for line in tqdm(lines, desc=description, unit=" lines", disable=not progress, leave=False, mininterval=0.5):
        stripped = line.strip()
        found = words_of(stripped) if stripped else []
        if not isinstance(found, list | tuple) or (found and not isinstance(found[0], str)):
            raise InvalidTypeError(f"tokenizer must give a list of words, got {shown(found)}")
        if found:
            yield [*found, *end]


def _spooled(numbers: Iterator[int], count: int) -> np.ndarray:
    """Numbers below 2^16 as an array that lives in a file without a name."""
    with tempfile.TemporaryFile() as stream:
        while len(block := np.fromiter(islice(numbers, _IDS_AT_ONCE), dtype=np.uint16)):
            stream.write(block.tobytes())
        stream.flush()
        return np.memmap(stream, dtype=np.uint16, mode="r", shape=(count,))


def _source(paths: Any) -> tuple[str, Callable[[], Iterator[str]]]:
    """What the text is called, and a function that starts reading its lines."""
    if paths is None:
        return "pydoc_data.topics", _python_topics
    listed = [paths] if isinstance(paths, str | Path) else paths
    if not isinstance(listed, Iterable) or not (files := list(listed)):
        raise InvalidTypeError(f"paths must be a file or a list of files, got {shown(paths)}")
    for file in files:
        if not isinstance(file, str | Path):
            raise InvalidTypeError(f"paths must be a file or a list of files, got {shown(file)}")
    files = [Path(file) for file in files]
    return ", ".join(file.name for file in files), lambda: chain.from_iterable(map(_lines, files))


def _python_topics() -> Iterator[str]:
    from pydoc_data.topics import topics

    return chain.from_iterable(topics[name].splitlines() for name in sorted(topics))


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file, checked to be text."""
    try:
        for name, stream in _streams(path):
            number = 0
            with io.TextIOWrapper(stream, encoding="utf-8-sig") as text:
                for number, line in enumerate(text, start=1):
                    if "\0" in line:
                        raise InvalidArgumentError(
                            f"text must not be binary, got a zero byte in line {number} of {name}"
                        )
                    yield line
            require(number > 0, "text", "must not be empty", name)
    except UnicodeDecodeError as error:
        place = f"byte {error.object[error.start]:#04x} after line {number} of {name}"
        raise InvalidArgumentError(f"text must be UTF-8, got {place}") from None
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgumentError(f"text must be a readable file, got {str(path)!r}: {reason}") from None


def _streams(path: Path) -> Iterator[tuple[str, Any]]:
    """Names and binary streams of the text files that a path holds."""
    if path.suffix == ".gz":
        yield path.name, gzip.open(path)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            require(bool(members), "text", "must not be an empty archive", path.name)
            for member in members:
                yield f"{path.name}/{member.filename}", archive.open(member)
    else:
        yield path.name, path.open("rb")
