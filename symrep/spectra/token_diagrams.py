r"""Functions on sequences that name k positions and q tokens and treat all others alike: a finite algebra for all n and V.

A *diagram* assigns some positions to tokens. Of the n positions k are named, and of the V tokens q; further positions
and tokens are anonymous, and the diagram is the function

.. math:: D(x) = \sum_{\text{anonymous positions, tokens}} \prod [x_s = v]

where distinct anonymous positions are distinct and not named, and so are anonymous tokens. A last token is one more named
position, outside the n. Multiplying by u, m, g, u_xx or u_yy, and taking expectations over uniform tokens, turns diagrams into
diagrams with coefficients in :math:`\mathbb{Q}[n, V, 1/V]`: a sum over all positions is the sum over the named ones, over
the anonymous ones that are there, and over one new anonymous position; and the same for tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import combinations, product
from math import comb, prod
from typing import Any, NamedTuple

import sympy
from sympy.polys.rings import PolyElement, ring

weights, positions_generator, tokens_generator, probability_generator = ring("n, V, w", sympy.QQ)

Powers = tuple[int, int, int, int, int]
Group = tuple[tuple[int, ...], int]
Freedom = tuple[int, int, int, int, int]
Pairs = tuple[tuple[int, int], ...]
State = tuple[Pairs, Pairs]
_X, _Y, _FREE = 0, 1, -1


class Diagram(NamedTuple):
    """The positions that hold each token: named positions, and how many anonymous ones; anonymous tokens are sorted."""

    named: tuple[Group, ...]
    anonymous: tuple[Group, ...]


Combination = dict[Diagram, PolyElement]


def diagram(named: Iterable[Group], anonymous: Iterable[Group]) -> Diagram:
    """The diagram of two lists of groups.

    >>> diagram([((1, 0), 2)], [((), 3), ((), 2)])
    Diagram(named=(((0, 1), 2),), anonymous=(((), 2), ((), 3)))
    """
    return Diagram(
        tuple((tuple(sorted(positions)), count) for positions, count in named),
        tuple(sorted((tuple(sorted(positions)), count) for positions, count in anonymous)),
    )


@dataclass(frozen=True)
class DiagramAlgebra:
    """Diagrams with given numbers of named positions and tokens.

    Parameters
    ----------
    depth
        The number k of named positions among the n that are permuted, called 0..k-1.
    token_depth
        The number q of named tokens.
    has_last
        Whether there is one more position, called k, that stays in place and is counted in u and m.
    """

    depth: int
    token_depth: int
    has_last: bool

    def basis(self, sizes: Iterable[tuple[int, int]]) -> list[Diagram]:
        """The diagrams in which all names occur and no anonymous token has a single position.

        ``sizes`` holds pairs: how many of the n positions occur, and whether the last one does (1) or not (0).
        """
        found = set()
        for count, with_last in sizes:
            if count >= self.depth and with_last <= self.has_last:
                places = [*range(self.depth), *[self.depth] * with_last, *[_FREE] * (count - self.depth)]
                found.update(map(self._assembled, _groupings(len(places), self.token_depth, places)))
        return sorted(d for d in found if all(map(_size, d.named)) and all(_size(g) > 1 for g in d.anonymous))

    def _assembled(self, groups: list[list[int]]) -> Diagram:
        sorted_groups = [(tuple(p for p in group if p != _FREE), group.count(_FREE)) for group in groups]
        return diagram(sorted_groups[: self.token_depth], sorted_groups[self.token_depth :])

    def image(self, powers: Powers, source: Diagram) -> Combination:
        r"""The function :math:`x \mapsto E_y[K(x, y) D(y)]` of a monomial K, by diagrams of :meth:`basis`.

        ``powers`` are those of u, m, g, u_xx and u_yy. Functions that :meth:`reduced` drops are left out.
        """
        power_u, power_m, power_g, power_xx, power_yy = powers
        states = {self._state_of(source): 1}
        for steps, successors in (
            (power_yy, partial(self._times_pairs, _Y, _Y)),
            (power_g, self._times_g),
            (power_m, self._times_m),
            (power_u, partial(self._times_pairs, _X, _Y)),
            (power_xx, partial(self._times_pairs, _X, _X)),
        ):
            for _ in range(steps):
                following: dict[State, int] = {}
                for state, count in states.items():
                    for successor in successors(state):
                        key = self._sorted(successor)
                        following[key] = following.get(key, 0) + count
                states = following
        total: dict[tuple[Diagram, Freedom], int] = {}
        for state, count in states.items():
            key = self._expected(state)
            total[key] = total.get(key, 0) + count
        result: Combination = {}
        for (target, freedom), count in total.items():
            add_multiple(result, self.reduced(target), _number_of_ways(freedom) * count)
        return result

    def _state_of(self, source: Diagram) -> State:
        """A diagram in y as a function of the pair (x, y): every position with its token in x and its token in y."""
        named = [(_FREE, _FREE)] * (self.depth + self.has_last)
        anonymous = []
        for label, (positions, count) in enumerate((*source.named, *source.anonymous)):
            for position in positions:
                named[position] = (_FREE, label)
            anonymous += [(_FREE, label)] * count
        return tuple(named), tuple(anonymous)

    def _labels(self, state: State) -> range:
        """The tokens that a factor may have: named ones, anonymous ones in use, and a new one."""
        used = max((label for part in state for pair in part for label in pair), default=_FREE) + 1
        return range(max(used, self.token_depth) + 1)

    def _times_pairs(self, first: int, second: int, state: State) -> Iterator[State]:
        """Times the number of pairs of positions, one in x or y, one in x or y, that hold the same token."""
        for label in self._labels(state):
            for attached in _attached(state, first, label):
                yield from _attached(attached, second, label)

    def _times_m(self, state: State) -> Iterator[State]:
        for place in _places(state):
            yield from self._matched(state, place)

    def _times_g(self, state: State) -> Iterator[State]:
        yield from self._matched(state, (0, self.depth))

    def _matched(self, state: State, place: tuple[int, int]) -> Iterator[State]:
        """The position holds the same token in x and in y."""
        x, y = _pair_at(state, place)
        if x == y == _FREE:
            choices: Iterable[int] = self._labels(state)
        elif _FREE in (x, y):
            choices = (max(x, y),)
        else:
            choices = (x,) if x == y else ()
        for label in choices:
            yield _with_pair(state, place, (label, label))

    def _sorted(self, state: State) -> State:
        """An equal function where like terms mostly look alike: anonymous tokens renumbered by where they occur."""
        named, anonymous = state
        first = self.token_depth
        signatures: dict[int, list[tuple[int, ...]]] = {}
        for place, pair in enumerate(named):
            for side, label in enumerate(pair):
                if label >= first:
                    signatures.setdefault(label, []).append((0, place, side))
        for pair in anonymous:
            for side, label in enumerate(pair):
                if label >= first:
                    other = pair[1 - side]
                    kind = first + (other == label) if other >= first else other
                    signatures.setdefault(label, []).append((1, kind, side))
        order = sorted(signatures, key=lambda label: sorted(signatures[label]))
        names = {label: first + rank for rank, label in enumerate(order)}

        def renamed(part: Pairs) -> Iterator[tuple[int, int]]:
            return ((names.get(x, x), names.get(y, y)) for x, y in part)

        return tuple(renamed(named)), tuple(sorted(renamed(anonymous)))

    def _expected(self, state: State) -> tuple[Diagram, Freedom]:
        """The expectation over uniform y: a diagram in x, and what else only y had."""
        named, anonymous = state
        groups: list[tuple[list[int], int]] = [([], 0) for _ in range(self.token_depth)]
        kept = {label: label for label in range(self.token_depth)}
        labels = set(kept)
        tokens_of_y = positions_of_x = 0
        for place, (x, y) in (*enumerate(named), *((_FREE, pair) for pair in anonymous)):
            if y != _FREE:
                tokens_of_y += 1
                labels.add(y)
            if x != _FREE:
                labels.add(x)
                if x not in kept:
                    kept[x] = len(groups)
                    groups.append(([], 0))
                positions, count = groups[kept[x]]
                if place == _FREE:
                    positions_of_x += 1
                    groups[kept[x]] = (positions, count + 1)
                else:
                    positions.append(place)
        target = diagram(groups[: self.token_depth], groups[self.token_depth :])
        free_positions = (self.depth + positions_of_x, len(anonymous) - positions_of_x)
        return target, (*free_positions, len(kept), len(labels) - len(kept), tokens_of_y)

    def centred(self, source: Diagram) -> Combination:
        """The diagram with every factor [x_s = v] replaced by [x_s = v] - 1/V, by diagrams of :meth:`basis`."""
        result: Combination = {}
        for parts in product(*(_parts(group) for group in (*source.named, *source.anonymous))):
            groups = [group for group, _ in parts]
            anonymous = [group for group in groups[self.token_depth :] if _size(group)]
            dropped = sum(map(_size, (*source.named, *source.anonymous))) - sum(map(_size, groups))
            positions = sum(count for _, count in groups)
            lost_positions = sum(count for part in source for _, count in part) - positions
            tokens = self.token_depth + len(anonymous)
            freedom = (self.depth + positions, lost_positions, tokens, len(groups) - tokens, dropped)
            weight = _number_of_ways(freedom) * ((-1) ** dropped * prod(ways for _, ways in parts))
            add_multiple(result, self.reduced(diagram(groups[: self.token_depth], anonymous)), weight)
        return result

    @cached_property
    def _reductions(self) -> dict[Diagram, Combination]:
        return {}

    def reduced(self, source: Diagram) -> Combination:
        r"""The diagram by those of :meth:`basis`, up to functions that antisymmetrising kills.

        Three rules, each of which shortens the diagram. (1) An anonymous token with a single position s: the sum of
        :math:`[x_s = v]` over all tokens is 1, so the token is dropped, minus the diagrams where s holds another token.
        (2) A named position that does not occur: where anonymous positions may take its place the function is symmetric
        in it and the positions that are not named, and antisymmetrising over a column kills that. So the diagram is minus
        the sum of those where it takes the place of an anonymous position. (3) The same for a named token.
        """
        if source not in self._reductions:
            self._reductions[source] = self._reduce(source)
        return self._reductions[source]

    def _reduce(self, source: Diagram) -> Combination:
        single = next((i for i, group in enumerate(source.anonymous) if _size(group) == 1), None)
        absent = sorted(set(range(self.depth)).difference(*(p for part in source for p, _ in part)))
        empty = next((i for i, group in enumerate(source.named) if _size(group) == 0), None)
        if single is not None:
            terms = self._without_single(source, single)
        elif absent:
            terms = (
                (_with_position(source, absent[0], *where), -weights(where_count))
                for *where, where_count in _counts(source)
            )
        elif empty is not None:
            terms = ((_with_token(source, empty, index), -weights.one) for index in range(len(source.anonymous)))
        else:
            return {source: weights.one}
        result: Combination = {}
        for target, weight in terms:
            add_multiple(result, self.reduced(target), weight)
        return result

    def _without_single(self, source: Diagram, index: int) -> Iterator[tuple[Diagram, PolyElement]]:
        positions, count = source.anonymous[index]
        rest = source.anonymous[:index] + source.anonymous[index + 1 :]
        others = self.depth + sum(c for part in (source.named, rest) for _, c in part)
        yield Diagram(source.named, rest), (positions_generator - others if count else weights.one)
        for part, groups in enumerate((source.named, rest)):
            for i, (p, c) in enumerate(groups):
                joined = [*groups]
                joined[i] = (p + positions, c + count)
                yield (diagram(joined, rest) if part == 0 else diagram(source.named, joined)), -weights.one


def _groupings(count: int, named: int, places: list[int]) -> Iterator[list[list[int]]]:
    """All ways to distribute places over named groups and further, unordered, nonempty groups."""
    if count == 0:
        yield [[] for _ in range(named)]
        return
    for groups in _groupings(count - 1, named, places):
        for i in range(len(groups) + 1):
            extended = [*groups, []] if i == len(groups) else [*groups]
            extended[i] = [*extended[i], places[count - 1]]
            yield extended


def _parts(group: Group) -> Iterator[tuple[Group, int]]:
    """Every subset of the positions of a group, and how many subsets look like it."""
    positions, count = group
    for size in range(len(positions) + 1):
        for kept in combinations(positions, size):
            yield from (((kept, number), comb(count, number)) for number in range(count + 1))


def _size(group: Group) -> int:
    return len(group[0]) + group[1]


def _places(state: State) -> Iterator[tuple[int, int]]:
    """Named positions, anonymous ones, and a new one."""
    yield from ((0, i) for i in range(len(state[0])))
    yield from ((1, i) for i in range(len(state[1]) + 1))


def _pair_at(state: State, place: tuple[int, int]) -> tuple[int, int]:
    part, i = place
    return state[part][i] if i < len(state[part]) else (_FREE, _FREE)


def _with_pair(state: State, place: tuple[int, int], pair: tuple[int, int]) -> State:
    part, i = place
    changed = (*state[part][:i], pair, *state[part][i + 1 :])
    return (changed, state[1]) if part == 0 else (state[0], changed)


def _attached(state: State, side: int, label: int) -> Iterator[State]:
    """The state times the number of positions that hold the token in x (side 0) or in y (side 1)."""
    for place in _places(state):
        pair = _pair_at(state, place)
        if pair[side] == label:
            yield state
        elif pair[side] == _FREE:
            yield _with_pair(state, place, (label, pair[_Y]) if side == _X else (pair[_X], label))


def _counts(source: Diagram) -> Iterator[tuple[int, int, int]]:
    for part, groups in enumerate(source):
        yield from ((part, i, count) for i, (_, count) in enumerate(groups) if count)


def _with_position(source: Diagram, position: int, part: int, index: int) -> Diagram:
    """The named position in place of an anonymous one of the group."""
    groups = [list(source.named), list(source.anonymous)]
    positions, count = groups[part][index]
    groups[part][index] = ((*positions, position), count - 1)
    return diagram(*groups)


def _with_token(source: Diagram, token: int, index: int) -> Diagram:
    """The named token in place of an anonymous one."""
    named = [*source.named]
    named[token] = source.anonymous[index]
    return diagram(named, source.anonymous[:index] + source.anonymous[index + 1 :])


@lru_cache(maxsize=4096)
def _number_of_ways(freedom: Freedom) -> PolyElement:
    """Ways to place further positions and tokens beside those in use, times 1/V for every token of y."""
    positions_used, positions, tokens_used, tokens, tokens_of_y = freedom
    ways = _falling(positions_generator - positions_used, positions) * _falling(tokens_generator - tokens_used, tokens)
    return ways * probability_generator**tokens_of_y


def _falling(start: PolyElement, steps: int) -> PolyElement:
    value = weights.one
    for step in range(steps):
        value = value * (start - step)
    return value


def add_multiple(total: dict[Any, Any], summand: Mapping[Any, Any], factor: Any = 1) -> None:
    """Add a multiple of a sparse vector to another in place, without zeros."""
    for key, value in summand.items():
        new = total.get(key, 0) + value * factor
        if new:
            total[key] = new
        else:
            total.pop(key, None)
