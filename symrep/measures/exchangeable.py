"""Exchangeable measures on token sequences, given by their exact moments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import sympy

from symrep.errors import FreeSymbolError, InvalidArgumentError, InvalidTypeError, require, require_integer
from symrep.kernels.overlaps import vocabulary_symbol
from symrep.kernels.parameters import as_float, as_parameter, as_text
from symrep.measures.exchangeability import AlwaysExchangeable


@dataclass(frozen=True)
class FrozenMixture(AlwaysExchangeable):
    r"""A mixture of iid measures: a hidden state z is drawn once, then every token independently from its distribution.

    .. math:: q(x) = \sum_z w_z \prod_s h_z(x_s)

    Hidden Markov models whose hidden state never changes are of this kind; one state gives iid tokens. By de Finetti
    these are the exchangeable measures that extend to any length.

    Parameters
    ----------
    weights
        :math:`w_z`, not negative, of sum exactly 1.
    distributions
        :math:`h_z`, one probability vector of length V per state.
    """

    weights: tuple[sympy.Expr, ...]
    distributions: tuple[tuple[sympy.Expr, ...], ...]
    maximal_length: ClassVar[int | None] = None

    def __post_init__(self) -> None:
        weights = _probabilities(self.weights, "weights")
        try:
            rows = tuple(self.distributions)
        except TypeError:
            raise InvalidTypeError(f"distributions must be probability vectors, got {self.distributions!r}") from None
        rule = f"must be {len(weights)} probability vectors, one per weight"
        require(len(rows) == len(weights), "distributions", rule, len(rows))
        rows = tuple(_probabilities(row, f"distributions[{z}]") for z, row in enumerate(rows))
        lengths = {len(row) for row in rows}
        require(len(lengths) == 1, "distributions", "must have one common length", sorted(lengths))
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "distributions", rows)

    @property
    def vocab_size(self) -> int:
        """V, the number of tokens."""
        return len(self.distributions[0])

    @property
    def probabilities(self) -> tuple[sympy.Expr, ...]:
        """All numbers that the measure is made of: weights, then distributions."""
        return self.weights + tuple(probability for row in self.distributions for probability in row)

    @cached_property
    def is_token_symmetric(self) -> bool:
        """Whether renaming the tokens leaves the measure unchanged (decided for swaps of neighbouring tokens)."""
        components = _as_multiset(self.weights, self.distributions)
        for v in range(self.vocab_size - 1):
            swapped = tuple(row[:v] + (row[v + 1], row[v]) + row[v + 2 :] for row in self.distributions)
            if _as_multiset(self.weights, swapped) != components:
                return False
        return True

    def moment(self, exponents: Sequence[int]) -> sympy.Expr:
        r"""The probability that :math:`\sum_v r_v` given positions hold :math:`r_v` copies of token v in a given order.

        >>> iid(["1/3", "2/3"]).moment((1, 2))
        4/27
        """
        exponents = _exponents(exponents, self.vocab_size)
        total = sympy.Integer(0)
        for weight, row in zip(self.weights, self.distributions):
            term = weight
            for probability, exponent in zip(row, exponents):
                term = term * probability**exponent
            total += term
        return total

    def probability(self, sequence: Sequence[int]) -> sympy.Expr:
        """The exact probability of one sequence.

        >>> iid(["1/3", "2/3"]).probability([1, 0, 1])
        4/27
        """
        tokens = [require_integer(token, "sequence", minimum=0) for token in sequence]
        inside = all(token < self.vocab_size for token in tokens)
        require(inside, "sequence", f"must hold token ids below {self.vocab_size}", tokens)
        return self.moment([tokens.count(v) for v in range(self.vocab_size)])

    def sample(self, generator: np.random.Generator, n_samples: int, length: int) -> np.ndarray:
        """Draw sequences: an integer array of shape (n_samples, length).

        >>> iid_uniform(3).sample(np.random.default_rng(0), 2, 4).shape
        (2, 4)
        """
        if not isinstance(generator, np.random.Generator):
            raise InvalidTypeError(f"generator must be a numpy.random.Generator, got {generator!r}")
        n_samples = require_integer(n_samples, "n_samples", minimum=0)
        length = require_integer(length, "length", minimum=1)
        weights = np.array([as_float(w, "weights") for w in self.weights])
        table = np.array([[as_float(h, "distributions") for h in row] for row in self.distributions])
        states = generator.choice(len(weights), size=n_samples, p=weights / weights.sum())
        cumulative = np.cumsum(table, axis=1) / table.sum(axis=1, keepdims=True)
        uniform = generator.random((n_samples, length))
        return (uniform[:, :, None] >= cumulative[states][:, None, :-1]).sum(axis=2)

    def parameters(self) -> tuple[sympy.Symbol, ...]:
        """The free symbols of the weights and distributions, sorted by name."""
        symbols = frozenset().union(*(probability.free_symbols for probability in self.probabilities))
        return tuple(sorted(symbols, key=str))

    def __repr__(self) -> str:
        rows = ["[" + ", ".join(map(as_text, row)) + "]" for row in self.distributions]
        if len(rows) == 1:
            return f"iid({rows[0]})"
        return f"frozen_mixture([{', '.join(map(as_text, self.weights))}], [{', '.join(rows)}])"


@dataclass(frozen=True)
class UniformTokens(AlwaysExchangeable):
    """Independent tokens, uniform over a vocabulary whose size V may be a symbol. Made by :func:`iid_uniform`."""

    vocab_size: int | sympy.Expr
    maximal_length: ClassVar[int | None] = None

    def __post_init__(self) -> None:
        size = self.vocab_size
        if isinstance(size, str):
            known = size == vocabulary_symbol.name or size.isdecimal()
            require(known, "vocab_size", "must be an integer or the symbol V", size)
            size = int(size) if size.isdecimal() else vocabulary_symbol
        if isinstance(size, sympy.Expr) and size.free_symbols:
            require(str(size) == vocabulary_symbol.name, "vocab_size", "must be an integer or the symbol V", size)
            object.__setattr__(self, "vocab_size", vocabulary_symbol)
        else:
            object.__setattr__(self, "vocab_size", require_integer(size, "vocab_size", minimum=1))

    @property
    def probabilities(self) -> tuple[sympy.Expr, ...]:
        """The probability of a token, 1/V."""
        return (1 / sympy.sympify(self.vocab_size),)

    @property
    def is_token_symmetric(self) -> bool:
        """True: all tokens are alike."""
        return True

    def moment(self, exponents: Sequence[int]) -> sympy.Expr:
        r"""The probability :math:`V^{-|r|}` that given positions hold given tokens."""
        count = self.vocab_size if isinstance(self.vocab_size, int) else len(tuple(exponents))
        return sympy.Integer(1) / sympy.sympify(self.vocab_size) ** sum(_exponents(exponents, count))

    def _with_numbers(self) -> FrozenMixture:
        if not isinstance(self.vocab_size, int):
            raise FreeSymbolError(f"vocab_size must be a number here, got {self.vocab_size}")
        return iid([sympy.Rational(1, self.vocab_size)] * self.vocab_size)

    def probability(self, sequence: Sequence[int]) -> sympy.Expr:
        """The exact probability of one sequence."""
        return self._with_numbers().probability(sequence)

    def sample(self, generator: np.random.Generator, n_samples: int, length: int) -> np.ndarray:
        """Draw sequences: an integer array of shape (n_samples, length)."""
        return self._with_numbers().sample(generator, n_samples, length)

    def parameters(self) -> tuple[sympy.Symbol, ...]:
        """The symbol V if the vocabulary size is one."""
        return tuple(sorted(getattr(self.vocab_size, "free_symbols", ()), key=str))

    def __repr__(self) -> str:
        return f"iid_uniform({as_text(sympy.sympify(self.vocab_size))})"


def iid_uniform(vocab_size: Any = vocabulary_symbol) -> UniformTokens:
    """Independent uniform tokens; ``vocab_size`` is an integer of at least 1, or the symbol V (unless given).

    >>> iid_uniform(3).moment((1, 0, 2)), iid_uniform().moment((1, 2))
    (1/27, V**(-3))
    >>> iid_uniform(0)
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: vocab_size must be at least 1, got 0
    """
    return UniformTokens(vocab_size)


def iid(probabilities: Iterable[Any]) -> FrozenMixture:
    """Independent tokens with the given exact probabilities.

    >>> iid(["1/2", "1/3", "1/6"])
    iid(['1/2', '1/3', '1/6'])
    >>> iid([0.1, 0.9])
    iid(['1/10', '9/10'])
    >>> iid([0.1, 0.2])
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: probabilities must sum to exactly 1 (write a third as '1/3'), got sum 0.3
    """
    return FrozenMixture((sympy.Integer(1),), (_probabilities(probabilities, "probabilities"),))


def frozen_mixture(weights: Iterable[Any], distributions: Iterable[Iterable[Any]]) -> FrozenMixture:
    """A mixture of iid measures, see :class:`FrozenMixture`.

    >>> mixture = frozen_mixture(["1/2", "1/2"], [["1/4", "3/4"], ["3/4", "1/4"]])
    >>> mixture.moment((1, 1)), mixture.is_token_symmetric
    (3/16, True)
    """
    return FrozenMixture(weights, distributions)


def _probabilities(values: Iterable[Any], argument: str) -> tuple[sympy.Expr, ...]:
    try:
        given = tuple(values)
    except TypeError:
        raise InvalidTypeError(f"{argument} must be a sequence of probabilities, got {values!r}") from None
    require(len(given) > 0, argument, "must not be empty", given)
    exact = tuple(as_parameter(value, f"{argument}[{i}]") for i, value in enumerate(given))
    total = sympy.simplify(sum(exact))
    if total != 1:
        raise InvalidArgumentError(
            f"{argument} must sum to exactly 1 (write a third as '1/3'), got sum {_near_one(total)}"
        )
    return exact


def _near_one(total: sympy.Expr) -> str:
    """A sum as text that does not read as 1, as those of floats would.

    >>> _near_one(sympy.Rational(str(1 / 3)) + sympy.Rational(str(2 / 3))), _near_one(sympy.Rational(1, 4))
    ('1 - 1e-16: floats are read as the decimals that they print as', '0.25')
    """
    if total.free_symbols:
        return str(total)
    gap = float(total - 1)
    if abs(gap) > 1e-9:
        return f"{float(total):.12g}"
    sign = "-" if gap < 0 else "+"
    return f"1 {sign} {abs(gap):.2g}: floats are read as the decimals that they print as"


def _exponents(exponents: Sequence[int], vocab_size: int) -> tuple[int, ...]:
    checked = tuple(require_integer(r, "exponents", minimum=0) for r in exponents)
    require(len(checked) == vocab_size, "exponents", f"must be {vocab_size} numbers, one per token", checked)
    return checked


def _as_multiset(weights: tuple[sympy.Expr, ...], rows: tuple[tuple[sympy.Expr, ...], ...]) -> dict[Any, sympy.Expr]:
    merged: dict[Any, sympy.Expr] = {}
    for weight, row in zip(weights, rows):
        row = tuple(sympy.expand(probability) for probability in row)
        merged[row] = sympy.simplify(merged.get(row, 0) + weight)
    return {row: weight for row, weight in merged.items() if weight != 0}
