"""Hidden Markov models with exact probabilities: chains of hidden states that emit tokens, and mixtures of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import log
from typing import Any

import numpy as np
import sympy
from sympy.polys.constructor import construct_domain
from sympy.polys.matrices import DomainMatrix

from symrep.errors import InvalidTypeError, require, require_integer, shown
from symrep.kernels.parameters import as_float, as_parameter, as_text
from symrep.kernels.sequences import as_sequences
from symrep.measures.exchangeability import Exchangeability, OperatorModel, as_integers
from symrep.measures.exchangeable import FrozenMixture, UniformTokens, _probabilities
from symrep.measures.scaled import scaled_sum

_ENTRIES_AT_ONCE = 2**22
# exact parameters have at most 256 bits: one step takes no entry from above this to below the normal numbers of float64
_SMALL = 1e-150
Row = tuple[sympy.Expr, ...]


@dataclass(frozen=True)
class HiddenMarkov:
    r"""A chain of hidden states that emits a token at every position. Made by :func:`hidden_markov`.

    .. math:: q(x_1 \dots x_L) = \sum_{z_1 \dots z_L} \pi_{z_1} e_{z_1 x_1} T_{z_1 z_2} e_{z_2 x_2} \cdots T_{z_{L-1} z_L}
        e_{z_L x_L} = \pi A_{x_1} \cdots A_{x_L} \mathbf{1}, \qquad A_v = \mathrm{diag}(e_{\cdot v})\, T.

    Such a measure is exchangeable only in special cases, which :meth:`is_exchangeable` decides.

    Parameters
    ----------
    initial
        :math:`\pi`, the probabilities of the S states at the first position.
    transition
        T, one probability vector of length S per state.
    emission
        e, one probability vector of length V per state.

    Notes
    -----
    Probabilities are exact, numbers or expressions in symbols, and every vector sums to exactly 1.
    """

    initial: Row
    transition: tuple[Row, ...]
    emission: tuple[Row, ...]

    def __post_init__(self) -> None:
        initial = _probabilities(self.initial, "initial")
        transition = _stochastic_matrix(self.transition, "transition", len(initial))
        emission = _stochastic_matrix(self.emission, "emission", len(initial))
        rule = f"must have rows of {len(initial)} probabilities, one per state"
        require(len(transition[0]) == len(initial), "transition", rule, len(transition[0]))
        for name, value in (("initial", initial), ("transition", transition), ("emission", emission)):
            object.__setattr__(self, name, value)

    @property
    def vocab_size(self) -> int:
        """V, the number of tokens."""
        return len(self.emission[0])

    @property
    def n_states(self) -> int:
        """S, the number of hidden states."""
        return len(self.initial)

    @property
    def probabilities(self) -> tuple[sympy.Expr, ...]:
        """All numbers that the measure is made of: initial, transition and emission probabilities."""
        return (*self.initial, *(p for row in (*self.transition, *self.emission) for p in row))

    def parameters(self) -> tuple[sympy.Symbol, ...]:
        """The free symbols of the probabilities, sorted by name."""
        symbols = frozenset().union(*(probability.free_symbols for probability in self.probabilities))
        return tuple(sorted(symbols, key=str))

    @cached_property
    def operator_model(self) -> OperatorModel:
        r"""The row :math:`\pi`, the observable operators :math:`A_v` and a column of ones, exact."""
        initial, transition, emission = self._matrices
        size, domain = (self.n_states, self.n_states), transition.domain
        columns = emission.transpose().to_list()
        emitting = [
            DomainMatrix.from_dok({(z, z): p for z, p in enumerate(column) if p}, size, domain) for column in columns
        ]
        ones = DomainMatrix([[domain.one]] * self.n_states, (self.n_states, 1), domain).to_dense()
        return OperatorModel(initial, tuple(diagonal.to_dense() * transition for diagonal in emitting), ones)

    @cached_property
    def is_token_symmetric(self) -> bool:
        """Whether renaming the tokens leaves the measure unchanged (decided, exactly, for swaps of neighbouring tokens).

        Seconds for a symmetric chain with 30 states and tokens, when it is asked for first. Two measures agree if their difference, a model on the states of both, vanishes on all words.
        """
        model = self.operator_model
        for v in range(self.vocab_size - 1):
            order = [*range(v), v + 1, v, *range(v + 2, self.vocab_size)]
            difference = OperatorModel(
                model.initial.hstack(-model.initial),
                tuple(_direct_sum(a, model.operators[w]) for a, w in zip(model.operators, order)),
                model.final.vstack(model.final),
            )
            if not difference.vanishes:
                return False
        return True

    def is_exchangeable(self) -> Exchangeability:
        """Whether all permutations of a sequence have its probability, see :func:`symrep.measures.is_exchangeable`.

        >>> bool(lazy_chain(0, ["1/3", "2/3"]).is_exchangeable()), bool(lazy_chain("e", ["1/3", "2/3"]).is_exchangeable())
        (True, False)
        """
        return self.operator_model.exchangeability()

    def probability(self, sequence: Sequence[int]) -> sympy.Expr:
        """The exact probability of one sequence, by the forward algorithm: S^2 operations per token.

        >>> lazy_chain("e", ["1/2", "1/2"]).probability([0, 0, 1])
        -e**2/8 + e/4
        """
        return self.operator_model.value(self._tokens(sequence, "sequence"))

    def marginal(self, positions: Sequence[int], tokens: Sequence[int]) -> sympy.Expr:
        """The exact probability that the given positions, counted from 0, hold the given tokens.

        Parameters
        ----------
        positions
            Distinct integers of at least 0, in any order; none leave nothing to happen, with probability 1.
        tokens
            As many token ids.

        Notes
        -----
        The forward algorithm on these positions; powers of the transition matrix lead from each to the next.

        Examples
        --------
        >>> lazy_chain("1/4", ["1/2", "1/2"]).marginal([0, 5], [0, 0])
        1267/4096
        """
        places = as_integers(positions, "positions")
        require(len(set(places)) == len(places), "positions", "must be distinct", places)
        wanted = self._tokens(tokens, "tokens")
        require(len(wanted) == len(places), "tokens", f"must be {len(places)} token ids, one per position", wanted)
        row, transition, emission = self._matrices
        ordered = sorted(zip(places, wanted))
        for (before, _), (position, token) in pairwise([(0, -1), *ordered]):
            row = row * transition ** (position - before)
            emitted = [[entry.element * emission[z, token].element for z, entry in enumerate(_entries(row))]]
            row = DomainMatrix(emitted, row.shape, row.domain).to_dense()
        return row.domain.to_sympy(sum((entry.element for entry in _entries(row)), row.domain.zero))

    def log_probabilities(self, sequences: Any) -> np.ndarray:
        """The natural logarithms of the probabilities of sequences, in float64; minus infinity for zero.

        The forward vector is scaled to sum 1 at every position. Sequences on which the states come to differ by more than
        150 decades are done again with an exponent for every state, S times slower, so that nothing underflows: the error
        of a probability is below (S + 4) L 2^-53, relative.

        Parameters
        ----------
        sequences
            An integer array (n, L), or one sequence.

        Raises
        ------
        InvalidTypeError, InvalidArgumentError
            When the sequences are not integers, ragged, empty or not below V.
        FreeSymbolError
            When the measure has symbols.

        Examples
        --------
        >>> lazy_chain("1/4", ["1/2", "1/2"]).log_probabilities([[0] * 5000, [0, 1] * 2500]).round(2).tolist()
        [-668.22, -10395.82]
        """
        array = np.atleast_2d(as_sequences(sequences, "sequences", self.vocab_size))
        initial, transition, emission = self._floats
        result = np.empty(len(array))
        rows = max(1, _ENTRIES_AT_ONCE // self.n_states)
        for start in range(0, len(array), rows):
            piece = array[start : start + rows]
            forward, total = np.tile(initial, (len(piece), 1)), np.zeros(len(piece))
            uneven = np.zeros(len(piece), dtype=bool)
            for position in range(piece.shape[1]):
                forward = (forward if position == 0 else forward @ transition) * emission.T[piece[:, position]]
                scale = forward.sum(axis=1)
                with np.errstate(divide="ignore"):
                    total += np.log(scale)
                forward /= np.where(scale > 0, scale, 1.0)[:, None]
                uneven |= ((forward > 0) & (forward < _SMALL)).any(axis=1)
            if uneven.any():
                total[uneven] = self._log_probabilities_state_by_state(piece[uneven])
            result[start : start + rows] = total
        return result

    def _log_probabilities_state_by_state(self, sequences: np.ndarray) -> np.ndarray:
        initial, transition, emission = self._floats
        rows, exponents = scaled_sum([(initial * emission.T[sequences[:, 0]], 0)])
        for tokens in sequences[:, 1:].T:
            terms = ((rows[:, s, None] * transition[s], exponents[:, s, None]) for s in range(self.n_states))
            moved, exponents = scaled_sum(terms)
            rows, exponents = scaled_sum([(moved * emission.T[tokens], exponents)])
        total, power = scaled_sum((rows[:, s], exponents[:, s]) for s in range(self.n_states))
        with np.errstate(divide="ignore"):
            return np.log(total) + power * log(2)

    def sample(self, generator: np.random.Generator, n_samples: int, length: int) -> np.ndarray:
        """Draw sequences: an integer array of shape (n_samples, length). All samples move on together, O(n S L).

        >>> lazy_chain("1/10", ["1/2", "1/2"]).sample(np.random.default_rng(1), 2, 12).tolist()
        [[1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]]
        """
        if not isinstance(generator, np.random.Generator):
            raise InvalidTypeError(f"generator must be a numpy.random.Generator, got {generator!r}")
        n_samples = require_integer(n_samples, "n_samples", minimum=0)
        length = require_integer(length, "length", minimum=1)
        initial, transition, emission = self._floats
        samples = np.empty((n_samples, length), dtype=np.int64)
        rows = max(1, _ENTRIES_AT_ONCE // max(self.n_states, self.vocab_size))
        for start in range(0, n_samples, rows):
            piece = samples[start : start + rows]
            states = _drawn(np.broadcast_to(initial, (len(piece), self.n_states)), generator)
            for position in range(length):
                piece[:, position] = _drawn(emission[states], generator)
                if position + 1 < length:
                    states = _drawn(transition[states], generator)
        return samples

    def _tokens(self, values: Sequence[int], argument: str) -> list[int]:
        tokens = as_integers(values, argument)
        inside = all(token < self.vocab_size for token in tokens)
        require(inside, argument, f"must hold token ids below {self.vocab_size}", tokens)
        return tokens

    @cached_property
    def _matrices(self) -> tuple[DomainMatrix, DomainMatrix, DomainMatrix]:
        """Initial row, transition and emission over one field."""
        domain, elements = construct_domain(list(self.probabilities), field=True, extension=True)
        states, tokens = self.n_states, self.vocab_size
        rows, start = [], 0
        for width in (states,) * (1 + states) + (tokens,) * states:
            rows.append(elements[start : start + width])
            start += width
        parts = ((rows[:1], states), (rows[1 : 1 + states], states), (rows[1 + states :], tokens))
        return tuple(DomainMatrix(part, (len(part), width), domain).to_dense() for part, width in parts)

    def _redraw_probability(self) -> sympy.Expr | None:
        """e where the model is the one that :func:`lazy_chain` makes with e, else None."""
        size = range(len(self.initial))
        observed = all(self.emission[v] == tuple(int(v == w) for w in range(self.vocab_size)) for v in size)
        if not observed or len(self.initial) != self.vocab_size or len(size) < 2:
            return None
        rate = sympy.expand(1 - self.transition[0][0] + self.transition[1][0])
        if rate.is_negative or (1 - rate).is_negative:
            return None
        lazy = all(
            sympy.expand(self.transition[v][w] - rate * self.initial[w] - (1 - rate) * int(v == w)) == 0
            for v in size
            for w in size
        )
        return rate if lazy else None

    @cached_property
    def _floats(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return (
            np.array([as_float(p, "initial") for p in self.initial]),
            np.array([[as_float(p, "transition") for p in row] for row in self.transition]),
            np.array([[as_float(p, "emission") for p in row] for row in self.emission]),
        )

    def __repr__(self) -> str:
        rate = self._redraw_probability()
        if rate is not None:
            return f"lazy_chain({_text([rate])[1:-1]}, {_text(self.initial)})"
        parts = (_text(self.initial), *("[" + ", ".join(map(_text, m)) + "]" for m in (self.transition, self.emission)))
        return f"hidden_markov({', '.join(parts)})"


def hidden_markov(initial: Iterable[Any], transition: Iterable[Any], emission: Iterable[Any]) -> HiddenMarkov:
    """A hidden Markov model, see :class:`HiddenMarkov`.

    >>> model = hidden_markov(["1/2", "1/2"], [["1/3", "2/3"], [0, 1]], [["a", "1 - a"], [0, 1]])
    >>> model.probability([0, 1]), model.parameters()
    (-a**2/6 + a/2, (a,))
    >>> hidden_markov([1], [[1]], [["1/2", "1/3"]])
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: emission[0] must sum to exactly 1 (write a third as '1/3'), got sum 0.833333333333
    """
    return HiddenMarkov(initial, transition, emission)


def lazy_chain(e: Any, distribution: Iterable[Any]) -> HiddenMarkov:
    r"""Tokens that stay as they are with probability 1 - e and are drawn anew with probability e.

    .. math:: T = (1 - e)\, I + e\, \mathbf{1} \pi^T, \qquad
        q(x_s = v, x_t = w) = \pi_v \pi_w + (1 - e)^{|s - t|} (\pi_v [v = w] - \pi_v \pi_w).

    The tokens are the states. At e = 1 they are independent, at e = 0 all equal; in between the measure is not exchangeable
    unless all but one token are impossible: e is a knob for broken symmetry that leaves the distribution of tokens alone.

    Parameters
    ----------
    e
        The probability of a new draw, from 0 to 1, exact, or an expression.
    distribution
        :math:`\pi`, exact probabilities of the V tokens.

    Raises
    ------
    InvalidArgumentError
        When e is not between 0 and 1, or the probabilities do not sum to 1.

    Examples
    --------
    >>> chain = lazy_chain("e", ["1/3", "2/3"])
    >>> chain.marginal([0, 1], [0, 0])
    1/3 - 2*e/9
    """
    rate = as_parameter(e, "e")
    require((1 - rate).is_negative is not True, "e", "must be at most 1", e)
    drawn = _probabilities(distribution, "distribution")
    size = range(len(drawn))
    transition = [[rate * drawn[w] + (1 - rate if v == w else 0) for w in size] for v in size]
    return HiddenMarkov(drawn, transition, [[int(v == w) for w in size] for v in size])


def mixture(weights: Iterable[Any], measures: Iterable[Any]) -> HiddenMarkov:
    """One of several measures, drawn once per sequence: a hidden Markov model on the states of all of them.

    Parameters
    ----------
    weights
        Exact probabilities, one per measure.
    measures
        Hidden Markov models and mixtures of iid measures with one common vocabulary of a known size.

    Raises
    ------
    InvalidTypeError
        When a measure is of another kind: urns have no finite number of hidden states.
    InvalidArgumentError
        When the weights do not sum to 1 or are not as many, or the vocabularies differ.

    Examples
    --------
    >>> both = mixture(["1/2", "1/2"], [lazy_chain("1/4", ["1/2", "1/2"]), lazy_chain(1, ["1/3", "2/3"])])
    >>> both.n_states, both.probability([0, 1])
    (4, 41/288)
    """
    weights = _probabilities(weights, "weights")
    if isinstance(measures, str) or not isinstance(measures, Iterable):
        raise InvalidTypeError(f"measures must be a sequence of measures, got {shown(measures)}")
    models = [as_hidden_markov(measure, f"measures[{i}]") for i, measure in enumerate(measures)]
    require(len(models) == len(weights), "measures", f"must be {len(weights)} measures, one per weight", len(models))
    sizes = sorted({model.vocab_size for model in models})
    require(len(sizes) == 1, "measures", "must have one common vocab_size", sizes)
    states, start = sum(model.n_states for model in models), 0
    transition: list[list[Any]] = []
    for model in models:
        after = states - start - model.n_states
        transition += [[*[0] * start, *row, *[0] * after] for row in model.transition]
        start += model.n_states
    initial = [weight * p for weight, model in zip(weights, models) for p in model.initial]
    return HiddenMarkov(initial, transition, [row for model in models for row in model.emission])


def as_hidden_markov(measure: Any, argument: str = "measure") -> HiddenMarkov:
    """A measure as a hidden Markov model: mixtures of iid measures have hidden states that never change.

    >>> from symrep.measures import iid
    >>> as_hidden_markov(iid(["1/3", "2/3"]))
    hidden_markov([1], [[1]], [['1/3', '2/3']])
    """
    match measure:
        case HiddenMarkov():
            return measure
        case UniformTokens():
            return as_hidden_markov(measure._with_numbers())
        case FrozenMixture():
            states = range(len(measure.weights))
            return HiddenMarkov(measure.weights, [[int(y == z) for z in states] for y in states], measure.distributions)
    raise InvalidTypeError(
        f"{argument} must be a hidden Markov model or a mixture of iid measures, got {shown(measure)}"
    )


def _stochastic_matrix(rows: Any, argument: str, n_states: int) -> tuple[Row, ...]:
    if isinstance(rows, str) or not isinstance(rows, Iterable):
        raise InvalidTypeError(f"{argument} must be probability vectors, got {shown(rows)}")
    given = tuple(rows)
    require(len(given) == n_states, argument, f"must be {n_states} probability vectors, one per state", len(given))
    exact = tuple(_probabilities(row, f"{argument}[{z}]") for z, row in enumerate(given))
    lengths = sorted({len(row) for row in exact})
    require(len(lengths) == 1, argument, "must have rows of one common length", lengths)
    return exact


def _direct_sum(a: DomainMatrix, b: DomainMatrix) -> DomainMatrix:
    upper = a.hstack(DomainMatrix.zeros((a.shape[0], b.shape[1]), a.domain).to_dense())
    lower = DomainMatrix.zeros((b.shape[0], a.shape[1]), a.domain).to_dense().hstack(b)
    return upper.vstack(lower)


def _entries(row: DomainMatrix) -> list[DomainMatrix]:
    return [row[0, z] for z in range(row.shape[1])]


def _drawn(distributions: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One index from every row of unnormalised probabilities."""
    cumulative = np.cumsum(distributions, axis=1)
    level = generator.random((len(cumulative), 1)) * cumulative[:, -1:]
    return (level >= cumulative[:, :-1]).sum(axis=1)


def _text(row: Row) -> str:
    return f"[{', '.join(map(as_text, row))}]"
