r"""Polynomial targets at any length, and their parts in the irreps of S_L, with the length a number or a symbol.

A target that names k positions is a polynomial in the token counts :math:`n_v` of the whole sequence for every word of
tokens at the named positions. Permutations leave the counts alone, so the Jucys-Murphy element of a named position (the
sum of its transpositions with all unnamed positions and with the named ones before it) is a matrix of size :math:`V^k` over
polynomials in the counts,

.. math:: (X_i f)(t) = \sum_v (n_v - \#_v t)\, f(t_{i \to v}) + \sum_{j < i} f(t_{i \leftrightarrow j}).

Its eigenvalues are the contents of the boxes that can be added to a shape of one box less, rational numbers or the symbol L
less an integer; Lagrange polynomials in it tell the irreps apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import sympy
from sympy.polys.rings import PolyElement, PolyRing, ring

from symrep.combinatorics.partitions import Partition
from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError, require, shown
from symrep.learning.targets import Target, presets_written_out, read_symbol, target_expression

Word = tuple[int, ...]
Values = dict[Word, PolyElement]
_LARGEST_NUMBER_OF_WORDS = 64


@dataclass(frozen=True)
class NamedPositions:
    """Functions of the tokens at named positions and, through polynomials, of the counts of all tokens.

    Parameters
    ----------
    vocab_size
        V.
    length
        L, an integer of sympy or the symbol; all positions.
    named
        How many positions are named that permutations move.
    fixed
        How many more are named that no permutation moves (0 or 1); their tokens come last in a word.
    """

    vocab_size: int
    length: sympy.Expr
    named: int
    fixed: int = 0

    def __post_init__(self) -> None:
        words = self.vocab_size ** (self.named + self.fixed)
        if words > _LARGEST_NUMBER_OF_WORDS:
            raise SizeLimitError(
                f"target must name so few positions that they hold at most {_LARGEST_NUMBER_OF_WORDS} words, got {words}"
            )

    @cached_property
    def domain(self) -> Any:
        """Rational numbers, or rational functions of the length."""
        return sympy.QQ if self.length.is_Integer else sympy.QQ.frac_field(*sorted(self.length.free_symbols, key=str))

    @cached_property
    def ring(self) -> PolyRing:
        """Polynomials in the counts of the tokens 0, ..., V-2."""
        return ring([f"n{v}" for v in range(self.vocab_size - 1)] or ["n0"], self.domain)[0]

    @cached_property
    def counts(self) -> tuple[PolyElement, ...]:
        """The counts of all V tokens in the ring."""
        free = list(self.ring.gens[: self.vocab_size - 1])
        return (*free, self.ring.ground_new(self.domain.from_sympy(self.length)) - sum(free, self.ring.zero))

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """All tokens at the named positions, the fixed ones last."""
        return tuple(product(range(self.vocab_size), repeat=self.named + self.fixed))

    def jucys_murphy(self, values: Values, slot: int) -> Values:
        """The image of a function under the Jucys-Murphy element of a named position."""
        images: Values = {}
        for word in self.words:
            total = self.ring.zero
            for v, count in enumerate(self.counts):
                moved = values.get((*word[:slot], v, *word[slot + 1 :]))
                if moved:
                    total += (count - word.count(v)) * moved
            for other in range(slot):
                swapped = list(word)
                swapped[slot], swapped[other] = swapped[other], swapped[slot]
                total += values.get(tuple(swapped), self.ring.zero)
            if total:
                images[word] = total
        return images

    def isotypic_parts(self, values: Values) -> dict[Partition, Values]:
        """The nonzero parts of a function in the irreps of the moved positions, by the partition below the first row."""
        parts = {(): values} if values else {}
        unnamed = self.length - self.named - self.fixed
        for slot in range(self.named):
            larger: dict[tuple[int, ...], Values] = {}
            for lower, own in parts.items():
                addable = list(self._addable(lower, unnamed + slot - sum(lower)))
                for shape, content in addable:
                    part = own
                    for _, other in addable:
                        if other != content:
                            part = self._without(part, slot, other, content)
                    larger[shape] = _sum(larger.get(shape, {}), part)
            parts = {shape: part for shape, part in larger.items() if part}
        return {Partition(lower): part for lower, part in parts.items()}

    def _addable(self, lower: tuple[int, ...], first: sympy.Expr) -> Any:
        """The shapes with one box more: the partition below the first row, and the content of the box."""
        yield lower, first
        padded = (*lower, 0)
        for r, part in enumerate(padded[: self.vocab_size - 1]):
            above = padded[r - 1] if r else first
            if not sympy.sympify(above).is_Integer or part < above:
                yield tuple(x for x in (*padded[:r], part + 1, *padded[r + 1 :]) if x), sympy.Integer(part - r - 1)

    def _without(self, values: Values, slot: int, other: sympy.Expr, content: sympy.Expr) -> Values:
        """The factor (X - other)/(content - other) of a Lagrange polynomial."""
        scale = 1 / self.domain.from_sympy(content - other)
        image = self.jucys_murphy(values, slot)
        image = _sum(image, {word: value * -self.domain.from_sympy(other) for word, value in values.items()})
        return {word: value * scale for word, value in image.items()}


@dataclass(frozen=True, eq=False)
class PolynomialTarget:
    """A target that is a polynomial in the counts for every word at the named positions.

    Attributes
    ----------
    name
        The expression as text.
    space, values
        The functions of the same named positions, and the polynomial of every word where it is not zero.
    stable_from
        The least length at which the named positions exist and differ.
    """

    name: str
    space: NamedPositions
    values: Values
    stable_from: int


def polynomial_target(
    description: Any, vocab_size: int, length: sympy.Expr, last_is_fixed: bool = False
) -> PolynomialTarget:
    """Read a target: text or an expression in the symbols of :func:`symrep.learning.target`.

    Parameters
    ----------
    description
        A polynomial in ``e_i_v``, ``n_v``, ``sigma_i`` and ``S`` with coefficients rational in L.
    vocab_size, length
        V, and L as an integer of sympy or the symbol.
    last_is_fixed
        Whether no permutation moves the last position.

    Raises
    ------
    InvalidArgumentError
        When the target is no polynomial, is 0, or names tokens or positions that do not exist.
    InvalidTypeError
        When it is neither text nor an expression.
    SizeLimitError
        When it names too many positions.
    """
    if not isinstance(description, str | sympy.Expr):
        hint = ': presets as text, such as "same_token(1, 2)"' if isinstance(description, Target) else ""
        raise InvalidTypeError(f"target must be a polynomial as text or expression, got {shown(description)}{hint}")
    written = presets_written_out(description, vocab_size) if isinstance(description, str) else description
    expression = target_expression(written)
    read = {symbol: read_symbol(symbol.name) for symbol in expression.free_symbols}
    for kind, _, token in read.values():
        if kind in ("S", "sigma"):
            require(vocab_size == 2, "target", "must not use sigma and S unless there are 2 tokens", vocab_size)
        require(token is None or token < vocab_size, "target", f"must use tokens below {vocab_size}", token)
    named = {position for _, position, _ in read.values() if position is not None}
    largest = max(named, default=0)
    require(0 not in named, "target", "must count positions from 1", description)
    if length.is_Integer:
        require(largest <= length, "target", f"must name positions up to the length {length}", largest)
        place = {position: position % (int(length) + 1) for position in named}
        last = int(length)
    else:
        place, last = {position: position for position in named}, -1
    moved = sorted(set(place.values()) - ({last} if last_is_fixed else set()))
    slots = {own: slot for slot, own in enumerate(moved)}
    if last_is_fixed:
        slots[last] = len(moved)
    space = NamedPositions(vocab_size, length, len(moved), int(last_is_fixed))
    counts = sympy.symbols(f"n_0:{vocab_size}", cls=sympy.Dummy)
    values: Values = {}
    for word in space.words:
        numbers = {
            symbol: _meaning(kind, token, None if position is None else word[slots[place[position]]], counts, length)
            for symbol, (kind, position, token) in read.items()
        }
        value = _as_element(expression.subs(numbers, simultaneous=True), counts, space, description)
        if value:
            values[word] = value
    require(bool(values), "target", "must not vanish", description)
    return PolynomialTarget(str(description), space, values, max(largest + (last_is_fixed or -1 in named), 1))


def _meaning(kind: str, token: int | None, own: int | None, counts: Any, length: sympy.Expr) -> sympy.Expr:
    """The value of a symbol, where its position holds the token ``own``."""
    match kind:
        case "L":
            return length
        case "n":
            return counts[token]
        case "S":
            return counts[0] - counts[1]
        case "sigma":
            return sympy.Integer(1 - 2 * own)
        case _:
            return sympy.Integer(own == token)


def _as_element(expression: sympy.Expr, counts: Any, space: NamedPositions, description: Any) -> PolyElement:
    try:
        polynomial = sympy.Poly(expression, *counts, domain=space.domain)
    except (sympy.PolynomialError, sympy.CoercionFailed, ZeroDivisionError):
        rule = "must be a polynomial in e_i_v, n_v, sigma_i and S with coefficients rational in L"
        raise InvalidArgumentError(f"target {rule}, got {description}") from None
    total = space.ring.zero
    for exponents, coefficient in polynomial.rep.terms():
        term = space.ring.ground_new(space.domain.convert(coefficient))
        for count, exponent in zip(space.counts, exponents):
            term = term * count**exponent
        total += term
    return total


def _sum(first: Values, second: Values) -> Values:
    total = dict(first)
    for word, value in second.items():
        total[word] = total[word] + value if word in total else value
    return {word: value for word, value in total.items() if value}
