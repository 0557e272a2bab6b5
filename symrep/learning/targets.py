r"""Targets: functions of a token sequence that a network may be trained on.

A target names some positions, and depends on the tokens there and on how often every token occurs in the whole sequence:
"the token at position 3", "which token is more frequent", "do the last two tokens agree". Such a function stays the
same when the other positions are permuted, which keeps everything about it small at any length. A function without such
a structure is one that names all positions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import sympy

from symrep.errors import InvalidArgumentError, InvalidTypeError, SymrepError, require, require_integer, shown
from symrep.kernels.parameters import exact_expression
from symrep.kernels.sequences import as_sequences, token_counts
from symrep.measures import ExchangeableMeasure, HiddenMarkov, log_count_probabilities

# a batch of another size may be summed in another order
_SAME = 1e-9
TargetFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Target:
    """A function of a sequence: of the tokens at named positions and of the counts of all tokens.

    Parameters
    ----------
    name
        Shown in tables and plots.
    positions
        The positions named, counted 1, 2, ... from the first and -1, -2, ... from the last; ``None`` for all of them.
    function
        Takes the tokens at the named positions, an integer array (n, positions), and the counts of all tokens of the
        sequence, (n, V); gives the n values.
    """

    name: str
    positions: tuple[int, ...] | None
    function: TargetFunction

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidTypeError(f"function must take tokens and counts, got {shown(self.function)}")
        if self.positions is not None:
            positions = tuple(require_integer(position, "positions") for position in self.positions)
            require(0 not in positions, "positions", "must be counted from 1, or from -1 at the end", positions)
            object.__setattr__(self, "positions", positions)

    def places(self, length: int) -> tuple[int, ...]:
        """The named positions of sequences of this length, counted from 0; twice where the first from the end is one of them."""
        if self.positions is None:
            return tuple(range(length))
        inside = all(abs(position) <= length for position in self.positions)
        require(inside, "positions", f"must be within the length {length}", self.positions)
        return tuple(position - 1 if position > 0 else position + length for position in self.positions)

    def values(self, tokens: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The values at tokens (n, positions) and counts (n, V), checked.

        Raises
        ------
        InvalidArgumentError
            When they are not n finite numbers, or differ between two calls, the second with other sequences beside them.
        """
        first = self._called(tokens, counts)
        second = self._called(tokens[::-2], counts[::-2])
        if not np.allclose(first[::-2], second, rtol=_SAME, atol=_SAME * np.abs(first).max(initial=0.0)):
            raise InvalidArgumentError(f"target must be a function of the sequence, got two values from {self.name}")
        return first

    def _called(self, tokens: np.ndarray, counts: np.ndarray) -> np.ndarray:
        try:
            found = np.asarray(self.function(tokens.copy(), counts.copy()))
        except IndexError as error:
            entries = int(counts[0].sum())
            rule = f"must be a function of sequences of {entries} tokens"
            raise InvalidArgumentError(f"target {rule}, got {error} from {self.name}") from None
        except (TypeError, ValueError) as error:
            if isinstance(error, SymrepError):
                raise
            raise InvalidArgumentError(f"target {_HOW}, got {type(error).__name__}: {error}") from None
        if found.dtype.kind not in "fiub":
            raise InvalidTypeError(f"target must have real values, got {shown(found)} from {self.name}")
        if found.shape != (len(tokens),):
            raise InvalidArgumentError(f"target {_HOW}, here of shape ({len(tokens)},), got {found.shape}")
        found = found.astype(np.float64)
        require(bool(np.isfinite(found).all()), "target", "must be finite", self.name)
        return found

    def __call__(self, x: Any, vocab_size: int) -> Any:
        """The values at sequences (n, L), or a float for one."""
        sequences = as_sequences(x, "x", vocab_size)
        rows = np.atleast_2d(sequences)
        counts = token_counts(rows, vocab_size)
        values = self.values(rows[:, self.places(rows.shape[1])], counts)
        return values if sequences.ndim == 2 else float(values[0])

    def __repr__(self) -> str:
        return f"Target({self.name!r})"


def target(description: Any) -> Target:
    r"""A target from an expression, its text, a function of sequences, or a target as it is.

    Expressions may use

    - ``e_i_v``: 1 where position i (1, 2, ..., or L for the last) holds token v, else 0,
    - ``n_v``: how often token v occurs,
    - ``sigma_i`` and ``S``: with two tokens, 1 for token 0 and -1 for token 1 at position i, and the sum over all
      positions,
    - ``L``, the number of tokens,
    - numbers, ``+ - * / **``, ``sqrt``, ``abs`` and ``sign``: ``sign(S)`` is the majority.

    - in text, calls of :func:`majority`, :func:`same_token`, :func:`token_count`, :func:`token_at` and :func:`copy_token`
      with integers (or L for the last position), such as ``"same_token(1, L) * S"``.

    For a network with a query all of this includes the query, which is the last of L + 1 tokens.

    A function takes an array of sequences (n, L) and gives n values; it names all positions, so that V^L has to be small.

    Examples
    --------
    >>> target("(sigma_1 - S/L) * S")([[0, 0, 1], [1, 0, 1]], vocab_size=2).round(3).tolist()
    [0.667, 0.667]
    >>> target("sign(n_0 - n_2)")([0, 2, 2], vocab_size=3), target(lambda x: x.max(axis=1))([0, 2, 1], vocab_size=3)
    (-1.0, 2.0)
    >>> target("same_token(1, -1)")
    Target('same token at positions 1 and -1')
    """
    if isinstance(description, Target):
        return description
    if isinstance(description, str):
        text, presets = _presets_in(description)
        if text.strip() in presets:
            return presets[text.strip()]
        try:
            expression = target_expression(text, presets.keys())
        except InvalidArgumentError as error:
            raise InvalidArgumentError(str(error).replace(shown(text), shown(description))) from None
        return _expression_target(expression, description, presets)
    if isinstance(description, sympy.Expr):
        return _expression_target(target_expression(description), str(description), {})
    if any(description is maker for maker in (*_presets(), next_token)):
        raise InvalidTypeError(f"target must be a target: call learning.{description.__name__}(...), got the function")
    if callable(description):
        name = getattr(description, "__name__", repr(description))
        return Target(name, None, lambda tokens, counts: description(tokens))
    raise InvalidTypeError(f"target must be an expression or a function of sequences, got {shown(description)}")


_HOW = "must take sequences as an array (n, L) and give n values, such as lambda x: x[:, 0] == x[:, 1]"
_CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(([^()]*)\)")
_FUNCTIONS = ("sqrt", "abs", "Abs", "sign")
_NAMES = re.compile(r"\b(S|(?:sigma|n|e)_\w+)\b")


def _presets() -> tuple[Callable[..., Target], ...]:
    return majority, same_token, token_count, token_at, copy_token


def _presets_in(text: str) -> tuple[str, dict[str, Target]]:
    """Text with a name in place of every call of a preset, and the targets by these names."""
    found: dict[str, Target] = {}

    def named(call: re.Match[str]) -> str:
        if call[1] in _FUNCTIONS:
            return call[0]
        # read as a number of either sign, like all names that begin so
        name = f"n_preset{len(found)}"
        found[name] = _called_preset(call[1], call[2])
        return name

    return _CALL.sub(named, text), found


def _called_preset(name: str, arguments: str) -> Target:
    """The target that a preset gives for integers in text."""
    preset = next((maker for maker in _presets() if maker.__name__ == name), None)
    if preset is None:
        known = ", ".join([*_FUNCTIONS[:2], _FUNCTIONS[3], *(maker.__name__ for maker in _presets())])
        hint = ": learning.next_token(measure, token) makes a target" if name == next_token.__name__ else ""
        raise InvalidArgumentError(f"target must call one of {known}, got {name}({arguments}){hint}")
    try:
        numbers = (
            [] if not arguments.strip() else [-1 if part.strip() == "L" else int(part) for part in arguments.split(",")]
        )
        signature(preset).bind(*numbers)
    except (ValueError, TypeError):
        raise InvalidArgumentError(f"target must be {_form(preset)} with integers, got {name}({arguments})") from None
    return preset(*numbers)


def presets_written_out(text: str, vocab_size: int) -> str:
    """Text with polynomials in the tokens in place of the presets that are polynomials.

    >>> presets_written_out("same_token(1, L) - token_count(1)", 2)
    '(2*(e_1_0*e_L_0 + e_1_1*e_L_1) - 1) - (n_1)'
    """

    def written(call: re.Match[str]) -> str:
        if call[1] in _FUNCTIONS:
            return call[0]
        preset = _called_preset(call[1], call[2])
        if any(position < -1 for position in preset.positions):
            raise InvalidArgumentError(f"target must count positions from 1, or be at the last, L, got {call[0]}")
        places = ["L" if position == -1 else str(position) for position in preset.positions]
        token = int(call[2].split(",")[-1 if call[1] == "token_at" else 0]) if call[1] != "majority" else 0
        match call[1]:
            case "same_token":
                pairs = (f"e_{places[0]}_{v}*e_{places[1]}_{v}" for v in range(vocab_size))
                return f"(2*({' + '.join(pairs)}) - 1)"
            case "token_count":
                return f"(n_{token})"
            case "token_at" | "copy_token":
                return f"(e_{places[0]}_{token})"
        raise InvalidArgumentError(f"target must be a polynomial in the tokens, got {call[0]}")

    return _CALL.sub(written, text)


def _form(preset: Callable[..., Target]) -> str:
    """How a preset is called.

    >>> _form(copy_token)
    'copy_token(token, back=1)'
    """
    parameters = (
        str(parameter.replace(annotation=parameter.empty)) for parameter in signature(preset).parameters.values()
    )
    return f"{preset.__name__}({', '.join(parameters)})"


def target_expression(description: Any, presets: Collection[str] = ()) -> sympy.Expr:
    """Text or an expression as an exact expression, with one real symbol for every name, those of presets included.

    The names of text are read as positive numbers, where sqrt(S**2) is S and sign(n_0) is 1; so one that may be zero or of
    either sign is read as a difference.
    """
    expression = exact_expression(description, "target")
    finite = not expression.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo)
    require(finite, "target", "must be finite", description)
    for symbol in sorted(expression.free_symbols, key=str):
        if symbol.name not in presets:
            read_symbol(symbol.name)
    if isinstance(description, str):
        expression = exact_expression(_NAMES.sub(r"(\1_up - \1_down)", description), "target")
        sides = {symbol: symbol.name.rpartition("_") for symbol in expression.free_symbols}
        signed = {symbol: name for symbol, (name, _, side) in sides.items() if side in ("up", "down")}
        parts = {
            symbol: sympy.Symbol(name, real=True) if sides[symbol][2] == "up" else sympy.Integer(0)
            for symbol, name in signed.items()
        }
        expression = expression.xreplace(parts)
    return expression.xreplace({symbol: sympy.Symbol(symbol.name, real=True) for symbol in expression.free_symbols})


_SPIN, _INDICATOR, _COUNT = re.compile(r"sigma_(\d+|L)"), re.compile(r"e_(\d+|L)_(\d+)"), re.compile(r"n_(\d+)")


def _expression_target(expression: sympy.Expr, name: str, presets: dict[str, Target]) -> Target:
    symbols = sorted(expression.free_symbols, key=str)
    parts = {symbol: presets[symbol.name] for symbol in symbols if symbol.name in presets}
    read = {symbol: read_symbol(symbol.name) for symbol in symbols if symbol not in parts}
    named = {position for _, position, _ in read.values() if position is not None}
    positions = tuple(sorted(named.union(*(part.positions for part in parts.values()))))
    evaluate = sympy.lambdify(symbols, expression, "numpy")

    def function(tokens: np.ndarray, counts: np.ndarray) -> np.ndarray:
        values = [
            np.asarray(parts[symbol].function(tokens[:, [positions.index(p) for p in parts[symbol].positions]], counts))
            if symbol in parts
            else _symbol_values(*read[symbol], positions, tokens, counts)
            for symbol in symbols
        ]
        try:
            with np.errstate(all="ignore"):
                found = np.asarray(evaluate(*values))
        except OverflowError:
            raise InvalidArgumentError(f"target must have numbers within the range of float64, got {name}") from None
        except (NameError, TypeError, AttributeError) as error:
            raise InvalidArgumentError(
                f"target must be an expression of known functions, got {name} ({error})"
            ) from None
        return np.broadcast_to(found if found.dtype.kind == "c" else found.astype(np.float64), len(tokens))

    return Target(name, positions, function)


def read_symbol(name: str) -> tuple[str, int | None, int | None]:
    """What a symbol stands for, its position and its token."""
    if name in ("S", "L"):
        return name, None, None
    if found := _SPIN.fullmatch(name):
        return "sigma", _position(found[1]), None
    if found := _INDICATOR.fullmatch(name):
        return "e", _position(found[1]), int(found[2])
    if found := _COUNT.fullmatch(name):
        return "n", None, int(found[1])
    rule = "must use the symbols e_i_v, n_v, sigma_i (positions i = 1, 2, ..., or L for the last), S and L"
    preset = next((maker for maker in _presets() if maker.__name__ == name), None)
    hint = "" if preset is None else f": {_form(preset)} is a preset"
    raise InvalidArgumentError(f"target {rule}, got {name}{hint}")


def _position(text: str) -> int:
    return -1 if text == "L" else int(text)


def _symbol_values(
    kind: str,
    position: int | None,
    token: int | None,
    positions: tuple[int, ...],
    tokens: np.ndarray,
    counts: np.ndarray,
) -> np.ndarray:
    vocab_size = counts.shape[1]
    if kind in ("S", "sigma"):
        require(vocab_size == 2, "target", "must not use sigma and S unless there are 2 tokens", vocab_size)
    if token is not None:
        require(token < vocab_size, "target", f"must use tokens below {vocab_size}", token)
    if kind == "L":
        return counts.sum(axis=1).astype(np.float64)
    if kind == "n":
        return counts[:, token].astype(np.float64)
    if kind == "S":
        return (counts[:, 0] - counts[:, 1]).astype(np.float64)
    own = tokens[:, positions.index(position)]
    return 1.0 - 2.0 * own if kind == "sigma" else (own == token).astype(np.float64)


def token_count(token: int) -> Target:
    """How often a token occurs.

    >>> token_count(1)([0, 1, 1], vocab_size=3)
    2.0
    """
    token = require_integer(token, "token", minimum=0)
    return target(f"n_{token}")


def token_at(position: int, token: int) -> Target:
    """Whether a position holds a token: 1 or 0. Positions are counted from 1, or from -1 at the end.

    >>> token_at(-1, 2)([0, 1, 2], vocab_size=3)
    1.0
    """
    token = require_integer(token, "token", minimum=0)

    def function(tokens: np.ndarray, counts: np.ndarray) -> np.ndarray:
        require(token < counts.shape[1], "token", f"must be below {counts.shape[1]}", token)
        return tokens[:, 0] == token

    return Target(f"token {token} at position {position}", (position,), function)


def majority(token: int = 0, other: int = 1) -> Target:
    """The sign of the difference of two token counts: 1, 0 or -1.

    >>> majority()([0, 1, 1, 2], vocab_size=3)
    -1.0
    """
    token, other = (require_integer(value, "token", minimum=0) for value in (token, other))

    def function(tokens: np.ndarray, counts: np.ndarray) -> np.ndarray:
        require(max(token, other) < counts.shape[1], "token", f"must be below {counts.shape[1]}", max(token, other))
        return np.sign(counts[:, token] - counts[:, other])

    return Target(f"majority of {token} over {other}", (), function)


def same_token(first: int, second: int) -> Target:
    """Whether two positions hold the same token: 1 if so, else -1; with two tokens their parity.

    ``same_token(-1, -2)`` is "does the last token copy the one before it".

    >>> same_token(1, 3)([0, 1, 0], vocab_size=2)
    1.0
    """
    return Target(
        f"same token at positions {first} and {second}",
        (first, second),
        lambda tokens, counts: np.where(tokens[:, 0] == tokens[:, 1], 1.0, -1.0),
    )


def copy_token(token: int, back: int = 1) -> Target:
    """Copying as a prediction of the next token: whether the token ``back`` places before it is the given one.

    >>> copy_token(1)([0, 0, 1], vocab_size=2), copy_token(1, back=3)([0, 0, 1], vocab_size=2)
    (1.0, 0.0)
    """
    return token_at(-require_integer(back, "back", minimum=1), token)


def next_token(measure: ExchangeableMeasure | HiddenMarkov, token: int) -> Target:
    r"""The Bayes-optimal prediction that a token comes next, after a sequence from a measure.

    .. math:: f(x) = q(x\,w) / q(x)

    For an exchangeable measure it is a function of the counts; for a mixture of hidden states, the posterior mean of
    :math:`h_z(w)`. For a hidden Markov model, or a mixture of them, it names all positions. It is 0 after sequences of
    probability 0.

    >>> from symrep import measures
    >>> mixture = measures.frozen_mixture(["1/2", "1/2"], [["1/4", "3/4"], ["3/4", "1/4"]])
    >>> next_token(mixture, 0)([0, 0, 1, 0], vocab_size=2)
    0.7
    """
    token = require_integer(token, "token", minimum=0)
    require(token < int(measure.vocab_size), "token", f"must be below {measure.vocab_size}", token)

    if isinstance(measure, HiddenMarkov):

        def after_sequence(tokens: np.ndarray, counts: np.ndarray) -> np.ndarray:
            longer = np.concatenate([tokens, np.full((len(tokens), 1), token)], axis=1)
            return _ratio(measure.log_probabilities(longer), measure.log_probabilities(tokens))

        return Target(f"next token {token} under {measure!r}", None, after_sequence)

    def after_counts(tokens: np.ndarray, counts: np.ndarray) -> np.ndarray:
        longer = counts.copy()
        longer[:, token] += 1
        return _ratio(*(log_count_probabilities(measure, own) for own in (longer, counts)))

    return Target(f"next token {token} under {measure!r}", (), after_counts)


def _ratio(log_numerator: np.ndarray, log_denominator: np.ndarray) -> np.ndarray:
    possible = log_denominator > -np.inf
    return np.where(possible, np.exp(log_numerator - np.where(possible, log_denominator, 0.0)), 0.0)
