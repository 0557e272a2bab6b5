"""Text files as sequences of token ids, read in one stream: nothing grows with the text but a temporary file of ids."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import numpy as np

from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_integer, shown
from symrep.measures.text.files import Piece, text_source

UNKNOWN = "<unk>"
END_OF_LINE = "<eos>"
_IDS_AT_ONCE = 2**20
_LARGEST_VOCABULARY = 2**16
_USUAL_VOCABULARY = 50
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
    vocab_size: int | None = None,
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
        V: the V - 1 most frequent words keep an id of their own; all others become ``<unk>``, id 0. Unless given it is 50, or
        less where there are fewer words.
    skip
        How many of the most frequent words are left out of these, and become ``<unk>`` too.
    tokenizer
        Whitespace unless given: a function from a line to its words, or an object with a method ``tokenize`` (transformers)
        or ``encode(line).tokens`` (tokenizers; special tokens, truncation and padding are left out).
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
    Two passes, the first of which counts the words; so pipes are refused. ``<unk>`` in the text is taken for the unknown word. Words of equal
    frequency are ranked by their first occurrence.

    Examples
    --------
    >>> corpus = read_corpus(vocab_size=5)
    >>> corpus.vocabulary[0], "the" in corpus.vocabulary, int(corpus.ids.max())
    ('<unk>', True, 4)
    """
    wanted = _USUAL_VOCABULARY if vocab_size is None else require_integer(vocab_size, "vocab_size", minimum=2)
    skip = require_integer(skip, "skip", minimum=0)
    require(wanted <= _LARGEST_VOCABULARY, "vocab_size", f"must be at most {_LARGEST_VOCABULARY}", wanted)
    if end_of_line is not None and (not isinstance(end_of_line, str) or not end_of_line):
        raise InvalidTypeError(f"end_of_line must be a word or None, got {shown(end_of_line)}")
    source, pieces_of = text_source(paths)
    words_of = as_tokenizer(tokenizer)

    def words(description: str) -> Iterator[list[str]]:
        return _words(pieces_of(), words_of, end_of_line, progress, description)

    frequencies = Counter(chain.from_iterable(words("counting words")))
    require(frequencies.total() > 0, "text", "must hold a word", source)
    unknown = frequencies.pop(UNKNOWN, 0)
    require(skip < len(frequencies), "skip", f"must be below {len(frequencies)}, the number of words", skip)
    ranked = [word for word, _ in frequencies.most_common(skip + wanted - 1)]
    kept = ranked[skip:]
    rule = f"must be at most {len(kept) + 1}: the text has {len(frequencies)} words, less {skip} skipped"
    require(vocab_size is None or len(kept) == wanted - 1, "vocab_size", rule, vocab_size)
    numbers = {word: number for number, word in enumerate(kept, start=1)}
    counts = np.array([0, *(frequencies[word] for word in kept)])
    counts[0] = unknown + frequencies.total() - counts.sum()
    ids = _spooled((numbers.get(word, 0) for word in chain.from_iterable(words("numbering"))), counts)
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
        return _hugging_face(tokenizer)
    if callable(tokenizer):
        return tokenizer
    raise InvalidTypeError(f"tokenizer must be a function from a line to its words, got {shown(tokenizer)}")


def _hugging_face(tokenizer: Any) -> Tokenizer:
    """The words of a tokenizer of the package tokenizers, none added and none cut off."""
    if callable(getattr(tokenizer, "to_str", None)):
        tokenizer = type(tokenizer).from_str(tokenizer.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()

    def words(line: str) -> list[str]:
        encoded = tokenizer.encode(line, add_special_tokens=False)
        if not hasattr(encoded, "tokens"):
            raise InvalidTypeError(f"tokenizer must have encode(line).tokens, got {shown(tokenizer)}")
        return encoded.tokens

    return words


def _words(
    pieces: Iterator[Piece], words_of: Tokenizer, end_of_line: str | None, progress: bool, description: str
) -> Iterator[list[str]]:
    from tqdm import tqdm

    end = [] if end_of_line is None else [end_of_line]
    bar = tqdm(pieces, desc=description, unit=" lines", disable=not progress, leave=False, mininterval=0.5)
    begun = False
    for piece, ends in bar:
        stripped = piece.strip()
        found = words_of(stripped) if stripped else []
        checked = words_of is str.split or (isinstance(found, list | tuple) and all(isinstance(w, str) for w in found))
        if not checked:
            raise InvalidTypeError(f"tokenizer must give a list of words, got {shown(found)}")
        begun = begun or bool(found)
        yield [*found, *end] if ends and begun else found
        begun = begun and not ends


def _spooled(numbers: Iterator[int], counts: np.ndarray) -> np.ndarray:
    """Numbers below 2^16 as an array that lives in a file without a name; they must occur as often as ``counts`` says."""
    written = np.zeros_like(counts)
    try:
        with tempfile.TemporaryFile() as stream:
            while len(block := np.fromiter(islice(numbers, _IDS_AT_ONCE), dtype=np.uint16)):
                written += np.bincount(block, minlength=len(counts))
                stream.write(block.tobytes())
            stream.flush()
            require(
                np.array_equal(written, counts), "text", "must not change while it is read", f"{written.sum()} tokens"
            )
            return np.memmap(stream, dtype=np.uint16, mode="r", shape=(int(counts.sum()),))
    except OSError as error:
        room = f"must fit into the directory for temporary files, {2 * counts.sum()} bytes"
        raise InvalidArgumentError(f"text {room}, got {error.strerror or error}") from None
