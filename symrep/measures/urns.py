"""Tokens drawn from urns; and the float64 probabilities of all exchangeable measures, from token counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import log, prod
from typing import Any, ClassVar

import mpmath
import numpy as np
import sympy

from symrep.errors import (
    FreeSymbolError,
    InvalidTypeError,
    SizeLimitError,
    require,
    require_integer,
    shown,
)
from symrep.kernels.parameters import as_float, as_parameter, as_text
from symrep.measures.exchangeability import AlwaysExchangeable, as_integers
from symrep.measures.exchangeable import FrozenMixture, UniformTokens
from symrep.measures.symmetric_part import SymmetricPart

_WORKING_BITS = 128
_WORKING_DIGITS = 40
_LARGEST_LENGTH = 100_000
_FAR_BELOW = -(2**30)


class _TokenUrn(AlwaysExchangeable):
    r"""Tokens drawn one by one from an urn, which then gains (change 1) or loses (change -1) one of the token drawn.

    With contents :math:`c_v` of sum C and change s, the probability of a sequence with :math:`r_v` tokens v is

    .. math:: \prod_v \prod_{i < r_v} (c_v + i s) \Big/ \prod_{i < |r|} (C + i s).
    """

    _argument: ClassVar[str]
    _change: ClassVar[int]
    _contents: tuple[Any, ...]
    maximal_length: int | None

    @property
    def vocab_size(self) -> int:
        """V, the number of tokens."""
        return len(self._contents)

    @cached_property
    def is_token_symmetric(self) -> bool:
        """Whether renaming the tokens leaves the measure unchanged: whether the urn holds as much of every token."""
        return all(sympy.simplify(content - self._contents[0]) == 0 for content in self._contents)

    def moment(self, exponents: Sequence[int]) -> sympy.Expr:
        r"""The probability that :math:`\sum_v r_v` given positions hold :math:`r_v` copies of token v in a given order.

        >>> dirichlet_multinomial([1, 1]).moment((1, 2)), urn([2, 2]).moment((1, 2)), urn([2, 2]).moment((3, 0))
        (1/12, 1/6, 0)
        """
        exponents = tuple(as_integers(exponents, "exponents"))
        rule = f"must be {self.vocab_size} numbers, one per token"
        require(len(exponents) == self.vocab_size, "exponents", rule, exponents)
        self._require_length(sum(exponents), "exponents", "must sum to")
        wanted = prod(self._draws(content, r) for content, r in zip(self._contents, exponents))
        return sympy.sympify(wanted) / self._draws(sum(self._contents), sum(exponents))

    def probability(self, sequence: Sequence[int]) -> sympy.Expr:
        """The exact probability of one sequence.

        >>> dirichlet_multinomial([1, 1]).probability([1, 0, 1]), urn([2, 1]).probability([1, 0, 1])
        (1/12, 0)
        """
        tokens = as_integers(sequence, "sequence")
        inside = all(token < self.vocab_size for token in tokens)
        require(inside, "sequence", f"must hold token ids below {self.vocab_size}", tokens)
        self._require_length(len(tokens), "sequence", "must have a length of")
        return self.moment([tokens.count(v) for v in range(self.vocab_size)])

    def sample(self, generator: np.random.Generator, n_samples: int, length: int) -> np.ndarray:
        """Draw sequences: an integer array of shape (n_samples, length).

        >>> np.sort(urn([2, 1]).sample(np.random.default_rng(0), 2, 3)).tolist()
        [[0, 0, 1], [0, 0, 1]]
        """
        if not isinstance(generator, np.random.Generator):
            raise InvalidTypeError(f"generator must be a numpy.random.Generator, got {generator!r}")
        n_samples = require_integer(n_samples, "n_samples", minimum=0)
        length = require_integer(length, "length", minimum=1)
        self._require_length(length, "length", "must be")
        first = [as_float(sympy.sympify(content), self._argument) for content in self._contents]
        contents = np.tile(first, (n_samples, 1))
        samples = np.empty((n_samples, length), dtype=np.int64)
        for position in range(length):
            cumulative = np.cumsum(contents, axis=1)
            level = generator.random((n_samples, 1)) * cumulative[:, -1:]
            drawn = (level >= cumulative[:, :-1]).sum(axis=1)
            contents[np.arange(n_samples), drawn] += self._change
            samples[:, position] = drawn
        return samples

    def _draws(self, content: Any, number: int) -> Any:
        return prod(content + i * self._change for i in range(number))

    def _require_length(self, length: int, argument: str, rule: str) -> None:
        if self.maximal_length is not None:
            rule = f"{rule} at most {self.maximal_length}, the size of the urn"
            require(length <= self.maximal_length, argument, rule, length)


@dataclass(frozen=True)
class DirichletMultinomial(_TokenUrn):
    r"""A Polya urn: every token drawn goes back with one more of its kind. Made by :func:`dirichlet_multinomial`.

    .. math:: q(x) = \prod_v \alpha_v^{(n_v)} \Big/ \Big(\sum_v \alpha_v\Big)^{(L)},
        \qquad a^{(n)} = a (a + 1) \cdots (a + n - 1),

    for sequences with :math:`n_v` tokens v: iid tokens whose probabilities are one Dirichlet draw.

    Parameters
    ----------
    concentrations
        :math:`\alpha_v`, positive: what the urn holds of every token at the start. Symbols count as positive.
    """

    concentrations: tuple[sympy.Expr, ...]

    _argument: ClassVar[str] = "concentrations"
    _change: ClassVar[int] = 1

    def __post_init__(self) -> None:
        given = _as_tuple(self.concentrations, "concentrations", "positive numbers or expressions")
        exact = tuple(as_parameter(value, f"concentrations[{v}]") for v, value in enumerate(given))
        for v, concentration in enumerate(exact):
            positive = concentration.is_positive is not False
            require(positive, f"concentrations[{v}]", "must be positive", given[v])
        require(sympy.Add(*exact).is_positive is not False, "concentrations", "must have a positive sum", given)
        object.__setattr__(self, "concentrations", exact)

    @property
    def _contents(self) -> tuple[sympy.Expr, ...]:
        return self.concentrations

    @property
    def maximal_length(self) -> None:
        """None: there are sequences of any length."""
        return None

    @property
    def probabilities(self) -> tuple[sympy.Expr, ...]:
        """All numbers that the measure is made of: concentrations, then one over their sum (moments are fractions)."""
        return (*self.concentrations, 1 / sympy.Add(*self.concentrations))

    def parameters(self) -> tuple[sympy.Symbol, ...]:
        """The free symbols of the concentrations, sorted by name."""
        symbols = frozenset().union(*(concentration.free_symbols for concentration in self.concentrations))
        return tuple(sorted(symbols, key=str))

    def __repr__(self) -> str:
        return f"dirichlet_multinomial([{', '.join(map(as_text, self.concentrations))}])"


@dataclass(frozen=True)
class Urn(_TokenUrn):
    r"""Tokens drawn from an urn without replacement. Made by :func:`urn`.

    .. math:: q(x) = \prod_v (c_v)_{n_v} \Big/ \Big(\sum_v c_v\Big)_L, \qquad (a)_n = a (a - 1) \cdots (a - n + 1),

    for sequences with :math:`n_v` tokens v, of a length L up to the size of the urn; no longer ones exist.

    Parameters
    ----------
    counts
        :math:`c_v`, not negative, not all zero: the number of tokens v in the urn.
    """

    counts: tuple[int, ...]

    _argument: ClassVar[str] = "counts"
    _change: ClassVar[int] = -1

    def __post_init__(self) -> None:
        given = _as_tuple(self.counts, "counts", "integers")
        counts = tuple(require_integer(count, f"counts[{v}]", minimum=0) for v, count in enumerate(given))
        require(any(counts), "counts", "must not all be zero", counts)
        object.__setattr__(self, "counts", counts)

    @property
    def _contents(self) -> tuple[int, ...]:
        return self.counts

    @property
    def maximal_length(self) -> int:
        """The size of the urn: there are no longer sequences."""
        return sum(self.counts)

    @property
    def probabilities(self) -> tuple[sympy.Expr, ...]:
        """All numbers that the measure is made of: the counts."""
        return tuple(map(sympy.Integer, self.counts))

    def parameters(self) -> tuple[sympy.Symbol, ...]:
        """Empty: an urn has numbers."""
        return ()

    def __repr__(self) -> str:
        return f"urn({list(self.counts)})"


ExchangeableMeasure = FrozenMixture | UniformTokens | DirichletMultinomial | Urn | SymmetricPart


def dirichlet_multinomial(concentrations: Iterable[Any]) -> DirichletMultinomial:
    """Tokens drawn from a Polya urn, which is iid given a Dirichlet draw, see :class:`DirichletMultinomial`.

    >>> dirichlet_multinomial(["a", "a"]).moment((1, 1))
    a/(2*(2*a + 1))
    >>> dirichlet_multinomial([1, 0])
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: concentrations[1] must be positive, got 0
    """
    return DirichletMultinomial(concentrations)


def urn(counts: Iterable[int]) -> Urn:
    """Tokens drawn without replacement from an urn, see :class:`Urn`.

    >>> urn([3, 2]).moment((1, 1)), urn([3, 2]).maximal_length
    (3/10, 5)
    >>> urn([1, 1]).probability([0, 1, 0])
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: sequence must have a length of at most 2, the size of the urn, got 3
    """
    return Urn(counts)


def count_probabilities(measure: ExchangeableMeasure, counts: Any) -> np.ndarray:
    r"""The probabilities of single sequences, given by how often they hold every token, in float64.

    Parameters
    ----------
    measure
        An exchangeable measure with numbers.
    counts
        An integer array of shape (k, V): every row the token counts of sequences of one length L, common to all rows.

    Returns
    -------
    numpy.ndarray
        The k probabilities :math:`q(x)`, each of one sequence with such counts: ``measure.moment(row)``, rounded.
        Impossible sequences have exactly 0. Probabilities below the normal numbers of float64, about 2e-308, lose
        digits or become 0; the logarithms of :func:`log_count_probabilities` do not.

    Raises
    ------
    InvalidTypeError, InvalidArgumentError
        When the counts are not integers, of another shape, negative, of several sums, or more than an urn holds in all.
    FreeSymbolError
        When the measure has symbols.
    SizeLimitError
        When L is above 100000.

    Notes
    -----
    Every probability is a product over tokens of factors that depend on one count, summed over hidden states. The
    factors for all counts from 0 up are tabulated with 128 bits and rounded once, to a mantissa and an exponent of two.
    So nothing overflows on the way, and the relative error is below (2 V + number of states + 1) 2^-53 whatever the
    length. The cost: L products per token and state for the tables, and k V operations in float64 per state.

    Examples
    --------
    >>> count_probabilities(urn([4, 1]), [[2, 0], [1, 1], [0, 2]])
    array([0.6, 0.2, 0. ])
    """
    mantissas, exponents = _scaled_probabilities(measure, counts)
    return np.ldexp(mantissas, exponents)


def log_count_probabilities(measure: ExchangeableMeasure, counts: Any) -> np.ndarray:
    """The natural logarithms of :func:`count_probabilities`, where these would underflow too; minus infinity for zero.

    >>> from symrep.measures import iid_uniform
    >>> log_count_probabilities(iid_uniform(10), [[500] + 9 * [0]]) / np.log(10)
    array([-500.])
    """
    mantissas, exponents = _scaled_probabilities(measure, counts)
    with np.errstate(divide="ignore"):
        return np.log(mantissas) + exponents * log(2)


def _scaled_probabilities(measure: ExchangeableMeasure, counts: Any) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities as mantissas, zero or in [1/2, 1), and exponents of two."""
    counts = _as_counts(measure, counts)
    if isinstance(measure, SymmetricPart):
        return measure.scaled_probabilities(counts)
    length = int(counts[0].sum()) if len(counts) else 0
    with mpmath.workprec(_WORKING_BITS):
        states = [_scaled_products(*state, counts) for state in _states(measure, length)]
    mantissas, exponents = (np.array(parts) for parts in zip(*states))
    exponents = np.where(mantissas > 0, exponents, _FAR_BELOW)
    largest = exponents.max(axis=0)
    mantissas, shifts = np.frexp(np.ldexp(mantissas, exponents - largest).sum(axis=0))
    return mantissas, largest + shifts


def _states(measure: ExchangeableMeasure, length: int) -> Iterator[tuple[Any, tuple[Any, ...], int]]:
    """For every hidden state a factor common to all sequences, the contents of an urn, and their change with a draw."""
    match measure:
        case FrozenMixture():
            for weight, row in zip(measure.weights, measure.distributions):
                yield _number(weight), tuple(map(_number, row)), 0
        case UniformTokens():
            yield mpmath.mpf(measure.vocab_size) ** -length, (), 0
        case _:
            contents = tuple(_number(sympy.sympify(content)) for content in measure._contents)
            total = _number(sympy.sympify(sum(measure._contents)))
            yield 1 / _draws_up_to(length, total, measure._change)[-1], contents, measure._change


def _scaled_products(
    factor: Any, contents: tuple[Any, ...], change: int, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    mantissa, exponent = _mantissas_and_exponents([factor])
    mantissas, exponents = np.repeat(mantissa, len(counts)), np.repeat(exponent, len(counts))
    for content, column in zip(contents, counts.T):
        table = _mantissas_and_exponents(_draws_up_to(int(column.max(initial=0)), content, change))
        mantissas, shifts = np.frexp(mantissas * table[0][column])
        exponents = exponents + table[1][column] + shifts
    return mantissas, exponents


def _draws_up_to(largest: int, content: Any, change: int) -> list[Any]:
    """The products of the first 0, 1, ..., ``largest`` of content, content + change, content + 2 change, and so on."""
    return list(accumulate((content + i * change for i in range(largest)), lambda a, b: a * b, initial=mpmath.mpf(1)))


def _mantissas_and_exponents(numbers: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    pairs = [mpmath.frexp(number) for number in numbers]
    return np.array([float(m) for m, _ in pairs]), np.array([e for _, e in pairs], dtype=np.int32)


def _number(expression: sympy.Expr) -> Any:
    if expression.is_Rational:
        return mpmath.mpf(int(expression.p)) / int(expression.q)
    return mpmath.mpf(0 if expression.equals(0) else expression.evalf(_WORKING_DIGITS))


def _as_counts(measure: ExchangeableMeasure, counts: Any) -> np.ndarray:
    if not isinstance(measure, ExchangeableMeasure):
        raise InvalidTypeError(f"measure must be an exchangeable measure such as iid_uniform(2), got {shown(measure)}")
    if measure.parameters():
        names = ", ".join(map(str, measure.parameters()))
        raise FreeSymbolError(f"measure must be made of numbers here, got the symbols {names}")
    try:
        array = np.asarray(counts)
    except ValueError:
        array = np.empty(0)
    if array.dtype.kind not in "iu":
        raise InvalidTypeError(f"counts must be an integer array, got {shown(counts)}")
    rule = f"must have shape (k, {measure.vocab_size}), one column per token"
    require(array.ndim == 2 and array.shape[1] == measure.vocab_size, "counts", rule, array.shape)
    require(bool((array >= 0).all()), "counts", "must not be negative", counts)
    # float64, because integers would wrap around
    lengths = [int(total) for total in np.unique(array.sum(axis=1, dtype=float))]
    require(len(lengths) <= 1, "counts", "must have rows of one common sum", lengths)
    for length in lengths:
        if length > _LARGEST_LENGTH:
            raise SizeLimitError(f"counts must have rows that sum to at most {_LARGEST_LENGTH}, got {length}")
        if isinstance(measure, Urn | SymmetricPart):
            measure._require_length(length, "counts", "must have rows that sum to")
    return array


def _as_tuple(values: Iterable[Any], argument: str, what: str) -> tuple[Any, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidTypeError(f"{argument} must be a sequence of {what}, got {shown(values)}")
    given = tuple(values)
    require(len(given) > 0, argument, "must not be empty", given)
    return given
