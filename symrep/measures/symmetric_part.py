"""The symmetric part of a measure that is not exchangeable: its sequences in random order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import comb, factorial, log, prod
from typing import Any

import numpy as np
import sympy
from sympy.polys.matrices import DomainMatrix

from symrep.errors import (
    FreeSymbolError,
    InvalidTypeError,
    NotInvariantError,
    SizeLimitError,
    require,
    require_integer,
    shown,
)
from symrep.kernels.sequences import as_sequences, token_counts
from symrep.measures.exchangeability import (
    AlwaysExchangeable,
    OperatorModel,
    Tokens,
    as_integers,
    has_moments,
    is_exchangeable,
    operator_model,
)
from symrep.measures.scaled import FAR_BELOW, scaled_sum

_LARGEST_TABLES = 3 * 10**7
_LARGEST_EXACT_TABLES = 10**6


@dataclass(frozen=True)
class SymmetricPart(AlwaysExchangeable):
    r"""The symmetric part of a measure at one length L: its sequences in random order. Made by :func:`shuffled`.

    .. math:: \bar q(x) = \frac{1}{L!} \sum_{\sigma \in S_L} q(x_{\sigma(1)}, \dots, x_{\sigma(L)}).

    It is exchangeable, so it has probabilities of L tokens and, by summation, of fewer; there are no longer sequences.

    Parameters
    ----------
    measure
        A hidden Markov model.
    length
        L, at least 1.

    Notes
    -----
    No permutations are listed. The mean over all arrangements of the counts r, n of them, of the forward vector
    :math:`f A_{x_1} \cdots A_{x_n}` follows from its last token, :math:`a(r) = \sum_v (r_v / n)\, a(r - e_v) A_v`, and
    a sequence of fewer has :math:`\bar q(r) = \sum_v \bar q(r + e_v)`. Both take :math:`\binom{n + V - 1}{V - 1}` vectors of
    counts for every n up to L. Exact numbers are computed only when asked for; float64 has its own tables, with
    exponents beside the mantissas, so that nothing underflows, and with sums of positive terms only: the relative error is
    below (S + 2 V + 2) L 2^-53 for S states.
    """

    measure: Any
    length: int

    def __post_init__(self) -> None:
        if operator_model(self.measure) is None:
            raise InvalidTypeError(f"measure must be a hidden Markov model, got {shown(self.measure)}")
        object.__setattr__(self, "length", require_integer(self.length, "length", minimum=1))

    @property
    def vocab_size(self) -> int:
        """V, the number of tokens."""
        return self.measure.vocab_size

    @property
    def maximal_length(self) -> int:
        """L: there are no longer sequences."""
        return self.length

    @property
    def probabilities(self) -> tuple[sympy.Expr, ...]:
        """All numbers that the measure is made of, those of the measure that is shuffled."""
        return self.measure.probabilities

    @cached_property
    def is_token_symmetric(self) -> bool:
        """Whether renaming the tokens leaves the measure unchanged (decided for swaps of neighbouring tokens)."""
        table = self._exact_tables[self.length]
        for v in range(self.vocab_size - 1):
            if any(value != table[(*r[:v], r[v + 1], r[v], *r[v + 2 :])] for r, value in table.items()):
                return False
        return True

    def moment(self, exponents: Sequence[int]) -> sympy.Expr:
        r"""The probability that :math:`\sum_v r_v \le L` given positions hold :math:`r_v` copies of v in a given order.

        >>> from symrep.measures import lazy_chain
        >>> shuffled(lazy_chain("1/4", ["1/2", "1/2"]), 3).moment((2, 1)), shuffled(lazy_chain(1, ["1/2", "1/2"]), 3).moment((1, 0))
        (5/128, 1/2)
        """
        exponents = tuple(as_integers(exponents, "exponents"))
        rule = f"must be {self.vocab_size} numbers, one per token"
        require(len(exponents) == self.vocab_size, "exponents", rule, exponents)
        self._require_length(sum(exponents), "exponents", "must sum to")
        return self.measure.operator_model.initial.domain.to_sympy(self._exact_tables[sum(exponents)][exponents])

    def probability(self, sequence: Sequence[int]) -> sympy.Expr:
        """The exact probability of one sequence of at most L tokens."""
        tokens = as_integers(sequence, "sequence")
        inside = all(token < self.vocab_size for token in tokens)
        require(inside, "sequence", f"must hold token ids below {self.vocab_size}", tokens)
        self._require_length(len(tokens), "sequence", "must have a length of")
        return self.moment([tokens.count(v) for v in range(self.vocab_size)])

    def sample(self, generator: np.random.Generator, n_samples: int, length: int | None = None) -> np.ndarray:
        """Draw sequences of L tokens, or their first ``length``: an integer array of shape (n_samples, length)."""
        length = require_integer(self.length if length is None else length, "length", minimum=1)
        self._require_length(length, "length", "must be")
        ordered = self.measure.sample(generator, n_samples, self.length)
        return generator.permuted(ordered, axis=1)[:, :length]

    def parameters(self) -> tuple[sympy.Symbol, ...]:
        """The free symbols of the measure, sorted by name."""
        return self.measure.parameters()

    def scaled_probabilities(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The float64 probabilities of single sequences with these token counts, rows (k, V) of one common sum at most L.

        Returned as mantissas, zero or in [1/2, 1), and exponents of two. Errors: see
        :func:`symrep.measures.log_count_probabilities`; ``SizeLimitError`` when (L + 1)^(V - 1) max(L + 1, V S), with S
        states, is above 30 million.
        """
        total = int(counts[0].sum()) if len(counts) else 0
        self._require_length(total, "counts", "must have rows that sum to")
        mantissas, exponents = self._float_tables[total]
        place = tuple(counts[:, :-1].T)
        return np.broadcast_to(mantissas[place], len(counts)), np.broadcast_to(exponents[place], len(counts))

    def log_probabilities(self, sequences: Any) -> np.ndarray:
        """The natural logarithms of the probabilities of sequences (n, at most L), in float64; minus infinity for zero."""
        array = np.atleast_2d(as_sequences(sequences, "sequences", self.vocab_size))
        self._require_length(array.shape[1], "sequences", "must have a length of")
        mantissas, exponents = self.scaled_probabilities(token_counts(array, self.vocab_size))
        with np.errstate(divide="ignore"):
            return np.log(mantissas) + exponents * log(2)

    @cached_property
    def _exact_tables(self) -> list[dict[Tokens, Any]]:
        """For every number of tokens the probability of one sequence, an element of the field, by its counts."""
        model, vocab_size = self.measure.operator_model, self.vocab_size
        # the counts of at most L tokens
        self._require_few(comb(self.length + vocab_size, vocab_size), _LARGEST_EXACT_TABLES)
        operators = [operator.to_dok() for operator in model.operators]
        domain, states = model.initial.domain, range(model.n_states)
        sums = {(0,) * vocab_size: [model.initial[0, s].element for s in states]}
        for _ in range(self.length):
            following: dict[Tokens, list[Any]] = {}
            for counts, row in sums.items():
                for v in range(vocab_size):
                    target = following.setdefault(_with_one_more(counts, v), [domain.zero] * len(states))
                    for (s, t), entry in operators[v].items():
                        target[t] = target[t] + row[s] * entry
            sums = following
        final = [model.final[s, 0].element for s in states]
        tables = [
            {
                counts: sum((a * b for a, b in zip(row, final)), domain.zero) / domain(_number_of_arrangements(counts))
                for counts, row in sums.items()
            }
        ]
        for _ in range(self.length):
            fewer: dict[Tokens, Any] = {}
            for counts in tables[-1]:
                for v in (v for v in range(vocab_size) if counts[v]):
                    smaller = (*counts[:v], counts[v] - 1, *counts[v + 1 :])
                    if smaller not in fewer:
                        larger = (_with_one_more(smaller, w) for w in range(vocab_size))
                        fewer[smaller] = sum((tables[-1][r] for r in larger), domain.zero)
            tables.append(fewer)
        return tables[::-1]

    @cached_property
    def _float_tables(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For every number of tokens the mantissas and exponents on the grid of the counts of all tokens but the last."""
        if self.parameters():
            names = ", ".join(map(str, self.parameters()))
            raise FreeSymbolError(f"measure must be made of numbers here, got the symbols {names}")
        grid, states = (self.length + 1) ** (self.vocab_size - 1), self.measure.operator_model.n_states
        self._require_few(grid * max(self.length + 1, self.vocab_size * states), _LARGEST_TABLES)
        initial, operators, final = _as_floats(self.measure.operator_model)
        axes = self.vocab_size - 1
        counts = np.indices((self.length + 1,) * axes).reshape(axes, *(self.length + 1,) * axes)
        others = counts.sum(axis=0) if axes else np.zeros((), dtype=np.int64)
        rows = np.zeros((*others.shape, len(initial)))
        rows[(0,) * axes] = initial
        rows, exponents = scaled_sum([(rows, 0)])
        for n in range(1, self.length + 1):
            shares = [*(counts / n), np.maximum(n - others, 0) / n]
            rows, exponents = scaled_sum(
                (share[..., None] * row[..., None] * operator[s], exponent[..., None])
                for v, (share, operator) in enumerate(zip(shares, operators))
                for s, (row, exponent) in enumerate(
                    _states(_shifted(rows, v, axes, 1), _shifted(exponents, v, axes, 1))
                )
                if operator[s].any()
            )
        tables = [scaled_sum((row * final[s], exponent) for s, (row, exponent) in enumerate(_states(rows, exponents)))]
        for _ in range(self.length):
            parts = ([_shifted(part, v, axes, -1) for part in tables[-1]] for v in range(self.vocab_size))
            tables.append(scaled_sum(parts))
        return tables[::-1]

    def _require_few(self, numbers: int, limit: int) -> None:
        if numbers > limit:
            size = str(numbers) if numbers < 10**12 else f"10^{len(str(numbers)) - 1}"
            raise SizeLimitError(
                f"the symmetric part of {self.vocab_size} tokens at length {self.length} needs tables of about {size} "
                f"numbers, more than {limit}: take a shorter length"
            )

    def _require_length(self, length: int, argument: str, rule: str) -> None:
        require(length <= self.length, argument, f"{rule} at most {self.length}, the length that was shuffled", length)

    def __repr__(self) -> str:
        return f"shuffled({self.measure!r}, {self.length})"


def shuffled(measure: Any, length: int) -> Any:
    """A measure with its positions shuffled: its symmetric part at one length, see :class:`SymmetricPart`.

    An exchangeable measure is its own symmetric part and is returned as it is, if it has sequences of this length.

    >>> from symrep.measures import iid_uniform, lazy_chain
    >>> shuffled(lazy_chain("1/4", ["1/2", "1/2"]), 3).probability([0, 1, 0]), shuffled(iid_uniform(2), 3)
    (5/128, iid_uniform(2))
    """
    length = require_integer(length, "length", minimum=1)
    if operator_model(measure) is None and has_moments(measure):
        if measure.maximal_length is not None:
            require(length <= measure.maximal_length, "length", f"must be at most {measure.maximal_length}", length)
        return measure
    return SymmetricPart(measure, length)


def as_exchangeable(measure: Any, n_tokens: Any) -> Any:
    """A measure that spectra take: itself, or a hidden Markov model that is exchangeable, which is its own symmetric part.

    Parameters
    ----------
    measure
        A measure.
    n_tokens
        The number of tokens of a sequence; an expression where the length is a symbol.

    Raises
    ------
    NotInvariantError
        When it is a hidden Markov model that is not exchangeable; names two sequences that tell.
    InvalidArgumentError
        When it is a hidden Markov model, and the length is no number.
    InvalidTypeError
        When it is no measure.

    Examples
    --------
    >>> from symrep.measures import lazy_chain
    >>> as_exchangeable(lazy_chain(1, ["1/3", "2/3"]), 4).probability([0, 1, 0, 1])
    4/81
    """
    if operator_model(measure) is None:
        if not has_moments(measure):
            rule = "must be an exchangeable measure such as iid_uniform(2)"
            raise InvalidTypeError(f"measure {rule}, got {shown(measure)}")
        return measure
    found = is_exchangeable(measure)
    if not found:
        hint = "measures.shuffled(measure, length) is its symmetric part"
        raise NotInvariantError(f"measure must be exchangeable ({hint}), got {shown(measure)}: {found}")
    number = isinstance(n_tokens, int | sympy.Integer) and not isinstance(n_tokens, bool)
    require(number, "length", "must be a number for a hidden Markov model", n_tokens)
    return SymmetricPart(measure, int(n_tokens))


def _with_one_more(counts: Tokens, v: int) -> Tokens:
    return (*counts[:v], counts[v] + 1, *counts[v + 1 :])


def _number_of_arrangements(counts: Tokens) -> int:
    return factorial(sum(counts)) // prod(map(factorial, counts))


def _as_floats(model: OperatorModel) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    def floats(matrix: DomainMatrix) -> np.ndarray:
        return np.array(matrix.to_Matrix().tolist(), dtype=float)

    return floats(model.initial)[0], [floats(operator) for operator in model.operators], floats(model.final)[:, 0]


def _shifted(array: np.ndarray, axis: int, axes: int, step: int) -> np.ndarray:
    """The entries of a grid of counts one further along an axis (step 1) or one nearer (-1); the last token has no axis."""
    if axis == axes:
        return array
    result = np.full_like(array, 0 if array.dtype.kind == "f" else FAR_BELOW)
    ahead, behind = (slice(None),) * axis + (slice(1, None),), (slice(None),) * axis + (slice(None, -1),)
    target, source = (ahead, behind) if step > 0 else (behind, ahead)
    result[target] = array[source]
    return result


def _states(mantissas: np.ndarray, exponents: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return zip(np.moveaxis(mantissas, -1, 0), np.moveaxis(exponents, -1, 0))
