"""Which measures are exchangeable, by an exact test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import sympy
from sympy.polys.matrices import DomainMatrix

from symrep.errors import InvalidTypeError, require_integer, shown

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class Exchangeability:
    """Whether a measure is exchangeable; true or false as it is.

    Attributes
    ----------
    exchangeable
        The answer, which ``bool()`` returns.
    witness
        When it is not: two sequences that differ by an exchange of two neighbours and have different probabilities. No
        shorter sequences tell. None when it is.
    probabilities
        The exact probabilities of the two sequences, or None.
    """

    exchangeable: bool
    witness: tuple[Tokens, Tokens] | None = None
    probabilities: tuple[sympy.Expr, sympy.Expr] | None = None

    def __bool__(self) -> bool:
        return self.exchangeable

    def __str__(self) -> str:
        if self.exchangeable:
            return "exchangeable"
        (x, y), (p, q) = self.witness, self.probabilities
        return f"not exchangeable: the sequence {x} has probability {p}, and {y} has {q}"


class AlwaysExchangeable:
    """Base of the measures that are exchangeable by construction."""

    def is_exchangeable(self) -> Exchangeability:
        """True."""
        return Exchangeability(True)


@dataclass(frozen=True, eq=False)
class OperatorModel:
    r"""A function of words given by matrices: :math:`q(x_1 \dots x_L) = f A_{x_1} \cdots A_{x_L} b`.

    Attributes
    ----------
    initial
        The row f.
    operators
        The square matrix :math:`A_v` of every token v. All matrices have entries in one field.
    final
        The column b.
    """

    initial: DomainMatrix
    operators: tuple[DomainMatrix, ...]
    final: DomainMatrix

    @property
    def n_states(self) -> int:
        """The number of rows of the operators."""
        return self.initial.shape[1]

    def value(self, word: Sequence[int]) -> sympy.Expr:
        """q of a word, exact."""
        row = self.initial
        for token in word:
            row = row * self.operators[token]
        return _entry(row * self.final)

    @property
    def vanishes(self) -> bool:
        """Whether q is 0 on all words: whether b is orthogonal to all f A_u, whose span is found with few words."""
        return all((rows * self.final).is_zero_matrix for _, rows in self._forward_span())

    def exchangeability(self) -> Exchangeability:
        r"""Whether q(x) is the same for all permutations of x, for words of every length.

        Notes
        -----
        Exchanges of neighbours generate all permutations, so q is symmetric if and only if
        :math:`f A_u [A_v, A_w] A_z b = 0` for all words u, z and tokens v, w. This is linear in the row :math:`f A_u` and
        in the column :math:`A_z b`, so it is enough to check it on bases of the spans F and B of all such rows and columns.
        Both have at most S dimensions, S the number of states. If words of length k + 1 add nothing to the span of words of
        length at most k, then that span is closed under all :math:`A_v`, and no longer word adds anything: so words of
        length below S are enough, and they are tried by length until a length adds nothing. Hence the test is exact, q is
        symmetric if it is on words of length 2 S, and the words of the bases give a shortest witness: a row of a word of
        length k is a combination of rows of basis words of length at most k, and one of these must fail where it fails.

        With symbols, the entries are rational functions: the answer is yes if q is symmetric for all values of the symbols,
        and no if it is not for generic ones.
        """
        forward, backward = list(self._forward_span()), list(self._backward_span())
        for total in range(len(forward) + len(backward) - 1):
            for i in range(max(0, total - len(backward) + 1), min(total + 1, len(forward))):
                witness = self._failing_pair(*forward[i], *backward[total - i])
                if witness is not None:
                    return Exchangeability(False, witness, tuple(map(self.value, witness)))
        return Exchangeability(True)

    def _failing_pair(
        self, prefixes: list[Tokens], rows: DomainMatrix, suffixes: list[Tokens], columns: DomainMatrix
    ) -> tuple[Tokens, Tokens] | None:
        left = [rows * operator for operator in self.operators]
        right = [operator * columns.transpose() for operator in self.operators]
        for v, w in combinations(range(len(self.operators)), 2):
            difference = left[v] * right[w] - left[w] * right[v]
            failing = next(iter(difference.to_dok()), None)
            if failing is not None:
                prefix, suffix = prefixes[failing[0]], suffixes[failing[1]]
                return (*prefix, v, w, *suffix), (*prefix, w, v, *suffix)
        return None

    def _forward_span(self) -> Iterator[tuple[list[Tokens], DomainMatrix]]:
        return _span(self.initial, self.operators, lambda word, v: (*word, v))

    def _backward_span(self) -> Iterator[tuple[list[Tokens], DomainMatrix]]:
        transposed = tuple(operator.transpose() for operator in self.operators)
        return _span(self.final.transpose(), transposed, lambda word, v: (v, *word))


def _span(
    start: DomainMatrix, operators: tuple[DomainMatrix, ...], extended: Callable[[Tokens, int], Tokens]
) -> Iterator[tuple[list[Tokens], DomainMatrix]]:
    """A basis of the span of ``start`` times all products of operators, by the length of words: words and rows."""
    words, rows = [()], start
    basis = start
    while words:
        yield words, rows
        candidates = DomainMatrix.vstack(*(rows * operator for operator in operators))
        names = [extended(word, v) for v in range(len(operators)) for word in words]
        _, pivots = basis.vstack(candidates).transpose().rref()
        new = [pivot - basis.shape[0] for pivot in pivots if pivot >= basis.shape[0]]
        words, rows = [names[i] for i in new], candidates.extract(new, list(range(start.shape[1])))
        basis = basis.vstack(rows)


def _entry(matrix: DomainMatrix) -> sympy.Expr:
    return matrix.domain.to_sympy(matrix[0, 0].element)


def is_exchangeable(measure: Any) -> Exchangeability:
    """Whether all permutations of a sequence have its probability, for sequences of every length; exact.

    Parameters
    ----------
    measure
        A hidden Markov model, which is tested (:meth:`OperatorModel.exchangeability` says why the test is exact); or an
        exchangeable measure, which is.

    Returns
    -------
    Exchangeability
        True or false, with a shortest witness when it is false.

    Raises
    ------
    InvalidTypeError
        When it is not a measure of symrep.

    Notes
    -----
    Linear algebra with at most S-dimensional spans for S states: a few products of S x S matrices per pair of tokens.

    Examples
    --------
    >>> from symrep.measures import iid_uniform, lazy_chain
    >>> print(is_exchangeable(lazy_chain("1/4", ["1/2", "1/2"])))
    not exchangeable: the sequence (0, 1, 0) has probability 1/128, and (1, 0, 0) has 7/128
    >>> bool(is_exchangeable(lazy_chain(1, ["1/2", "1/2"]))), bool(is_exchangeable(iid_uniform(2)))
    (True, True)
    """
    if (model := operator_model(measure)) is not None:
        return model.exchangeability()
    if has_moments(measure):
        return Exchangeability(True)
    raise InvalidTypeError(f"measure must be a measure such as lazy_chain(...) or iid_uniform(2), got {shown(measure)}")


def operator_model(measure: Any) -> OperatorModel | None:
    """The matrices of a hidden Markov model; None for other measures."""
    model = getattr(measure, "operator_model", None)
    return model if isinstance(model, OperatorModel) else None


def as_integers(values: Any, argument: str) -> list[int]:
    """A sequence of integers of at least 0: token ids, positions or counts."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidTypeError(f"{argument} must be a sequence of integers, got {shown(values)}")
    return [require_integer(value, argument, minimum=0) for value in values]


def has_moments(measure: Any) -> bool:
    """Whether it is one of the exchangeable measures, which have moments."""
    return hasattr(measure, "moment") and hasattr(measure, "maximal_length")
