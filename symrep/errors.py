"""The exceptions of symrep: one base, one class per cause, each also the builtin a caller expects.

>>> issubclass(InvalidPartitionError, SymrepError), issubclass(InvalidPartitionError, ValueError)
(True, True)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_LONGEST_SHOWN = 200


class SymrepError(Exception):
    """Base of every error that symrep raises on purpose."""


class InvalidArgumentError(SymrepError, ValueError):
    """An argument breaks a stated rule."""


class InvalidPartitionError(InvalidArgumentError):
    """The parts are not positive integers in weakly decreasing order, or the size is not the one asked for."""


class InvalidTableauError(InvalidArgumentError):
    """The rows are not a filling of a partition with the required order."""


class InvalidPermutationError(InvalidArgumentError):
    """Not a permutation, or a permutation of another degree."""


class InvalidTypeError(SymrepError, TypeError):
    """An argument has a type that is not accepted."""


class InvalidArchitectureError(InvalidArgumentError):
    """The layers do not compose to a network, or no such architecture is known."""


class NotInvariantError(InvalidArgumentError):
    """A kernel or measure lacks the permutation symmetry that the computation needs."""


class FreeSymbolError(InvalidArgumentError):
    """A number is needed where an expression still contains symbols."""


class SizeLimitError(SymrepError, MemoryError):
    """The object asked for would not fit: says how large it would be and what to call instead."""


class VerificationError(SymrepError, ArithmeticError):
    """Two routes to the same number disagree, or a conformance check failed."""


class MissingPackageError(SymrepError, ImportError):
    """A package of an extra is needed and not installed: says which."""


def require(
    condition: bool, argument: str, rule: str, value: Any, error: type[SymrepError] = InvalidArgumentError
) -> None:
    """Raise ``error`` with a one-line message that names the argument, the rule and the value unless ``condition`` holds.

    >>> require(3 > 0, "length", "must be at least 1", 3)
    >>> require(0 > 0, "length", "must be at least 1", 0)
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: length must be at least 1, got 0
    """
    if not condition:
        raise error(f"{argument} {rule}, got {shown(value)}")


_SYMBOLS_OF_ARGUMENTS = {
    "token_variance": "a",
    "position_variance": "p",
    "query_token_variance": "a_q",
    "query_position_variance": "p_q",
    "length": "L",
    "vocab_size": "V",
}


def require_symbols(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise unless all names are those of known symbols.

    >>> require_symbols(["b"], [])
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: symbol must be left out where all values are numbers, got 'b'
    >>> require_symbols(["token_variance"], ["a", "p"])
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: symbol must be one of a, p, got 'token_variance': it has the symbol a
    """
    listed = sorted(known)
    for name in names:
        if name not in listed:
            rule = f"one of {', '.join(listed)}" if listed else "left out where all values are numbers"
            own = _SYMBOLS_OF_ARGUMENTS.get(name)
            hint = f": it has the symbol {own}" if own in listed else ""
            raise InvalidArgumentError(f"symbol must be {rule}, got {name!r}{hint}")


def shown(value: Any) -> str:
    """The repr of a value for an error message: on one line, and at most 200 characters of it.

    >>> shown("0123456789" * 30)[-8:], shown(["a", 1])
    ('12345...', "['a', 1]")
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def require_integer(value: Any, argument: str, minimum: int | None = None) -> int:
    """Return ``value`` as an int: Python, numpy and sympy integers are accepted, bools and floats are not.

    >>> require_integer(3, "length", minimum=1)
    3
    >>> require_integer(2.0, "length")
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidTypeError: length must be an integer, got 2.0
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = value.__index__()
    except (TypeError, AttributeError):
        raise InvalidTypeError(f"{argument} must be an integer, got {shown(value)}") from None
    if minimum is not None:
        require(number >= minimum, argument, f"must be at least {minimum}", number)
    return number
