"""Lines of text files: plain, .gz or .zip, checked to be text, in bounded memory however long a line is."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from symrep.errors import InvalidArgumentError, InvalidTypeError, require, shown

_LONGEST_PIECE = 2**22
# RuntimeError is what zipfile raises for encrypted members and for methods of compression that it does not know
_BROKEN = (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, RuntimeError)

# a piece of text, and whether a line ends behind it
Piece = tuple[str, bool]

_MOST_NAMES = 4


def text_source(paths: Any) -> tuple[str, Callable[[], Iterator[Piece]]]:
    """What the text is called, and a function that starts reading it."""
    if paths is None:
        return "pydoc_data.topics", _python_topics
    listed = [paths] if isinstance(paths, str | Path) else paths
    if not isinstance(listed, Iterable) or not (files := list(listed)):
        raise InvalidTypeError(f"paths must be a file or a list of files, got {shown(paths)}")
    for file in files:
        if not isinstance(file, str | Path):
            raise InvalidTypeError(f"paths must be a file or a list of files, got {shown(file)}")
        require(str(file) != "", "paths", "must name a file", str(file))
    found = [_readable(Path(file)) for file in files]
    names = [file.name.encode("utf-8", "replace").decode() for file in found]
    if len(names) > _MOST_NAMES:
        names = [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more files"]
    return ", ".join(names), lambda: chain.from_iterable(map(_pieces, found))


def _readable(path: Path) -> Path:
    """The path, if it is no pipe or device: the text is read twice."""
    if "\0" in str(path):
        raise InvalidArgumentError(f"text must be a readable file, got {shown(str(path))}: a zero byte in its name")
    try:
        special = path.exists() and not path.is_file() and not path.is_dir()
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(f"text must be a readable file, got {shown(str(path))}: {error}") from None
    require(not special, "text", "must be a regular file, for it is read twice", str(path))
    return path


def _python_topics() -> Iterator[Piece]:
    from pydoc_data.topics import topics

    return ((line, True) for name in sorted(topics) for line in topics[name].splitlines())


def _pieces(path: Path) -> Iterator[Piece]:
    try:
        for name, stream in _streams(path):
            number = 0
            with io.TextIOWrapper(stream, encoding="utf-8-sig") as text:
                for number, (piece, ends) in enumerate(_bounded(text), start=1):
                    if "\0" in piece:
                        raise InvalidArgumentError(
                            f"text must not be binary, got a zero byte in line {number} of {name}"
                        )
                    yield piece, ends
            require(number > 0, "text", "must not be empty", name)
    except UnicodeDecodeError as error:
        place = f"byte {error.object[error.start]:#04x} after line {number} of {name}"
        raise InvalidArgumentError(f"text must be UTF-8, got {place}") from None
    except (OSError, *_BROKEN) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgumentError(f"text must be a readable file, got {shown(str(path))}: {reason}") from None


def _bounded(text: io.TextIOWrapper) -> Iterator[Piece]:
    """Lines, those that are too long in pieces that end between words."""
    rest = ""
    while piece := text.readline(_LONGEST_PIECE):
        piece = rest + piece
        rest = ""
        ends = piece.endswith("\n") or len(piece) < _LONGEST_PIECE
        if not ends and "\0" not in piece:
            cut = max(piece.rfind(" "), piece.rfind("\t")) + 1
            piece, rest = (piece[:cut], piece[cut:]) if cut and len(piece) - cut < _LONGEST_PIECE else (piece, "")
        yield piece, ends
    if rest:
        yield rest, True


def _streams(path: Path) -> Iterator[tuple[str, Any]]:
    """Names and binary streams of the text files that a path holds."""
    kind = path.suffix.lower()
    if kind == ".gz":
        yield path.name, gzip.open(path)
    elif kind == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            require(bool(members), "text", "must not be an empty archive", path.name)
            for member in members:
                yield f"{path.name}/{member.filename}", archive.open(member)
    else:
        yield path.name, path.open("rb")
