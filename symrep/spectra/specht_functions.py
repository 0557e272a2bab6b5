r"""Test functions that span one irrep of S_n inside the functions on sequences, with n a number or a symbol.

Fix the shape :math:`(n-k, \mu)` and a tableau with it. A *seed* h depends on the tokens at the k lower boxes (and at
extra tokens that no permutation moves) and, through a polynomial, on the token counts of row one; it is symmetric within
the lower rows. Antisymmetrising h over the columns gives a function that lies in the irrep, and every such function
arises so (Young's symmetrizer). An operator that commutes with permutations acts on seeds, and antisymmetrising its
result is all that is left to do.

Seeds are polynomials in the centred counts of row one over Q, whatever n is, and so is the antisymmetriser: the linear
algebra that finds a basis never sees the symbol n.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations, combinations_with_replacement, groupby, permutations, product
from math import prod
from typing import Any

import sympy
from sympy.polys.matrices import DomainMatrix
from sympy.polys.rings import PolyElement, PolyRing, ring

from symrep.combinatorics.partitions import Partition
from symrep.combinatorics.tableaux import StandardTableau, standard_tableaux
from symrep.spectra.moments import compositions

Seed = dict[tuple[int, ...], PolyElement]


@dataclass(frozen=True)
class SpechtFunctions:
    """The seeds of one padded shape.

    Parameters
    ----------
    lower
        The partition below row one; its k boxes hold the first k explicit tokens, row by row.
    vocab_size
        The number of tokens.
    extra_tokens
        How many tokens follow that no permutation moves (0 or 1).
    degree
        The largest total degree of seeds in the counts of row one.
    rest
        The number of positions of row one outside the columns of the lower boxes where it is a small integer, so that
        functions are compared by their values; None to compare them as polynomials.
    """

    lower: Partition
    vocab_size: int
    extra_tokens: int
    degree: int
    rest: int | None = None

    @cached_property
    def ring(self) -> PolyRing:
        """Polynomials in the centred counts of row one, over Q."""
        return ring([f"M{v}" for v in range(self.vocab_size - 1)] or ["M0"], sympy.QQ)[0]

    @cached_property
    def _boxes(self) -> tuple[tuple[int, int], ...]:
        return tuple(self.lower.cells())

    def explicit_tokens(self) -> Iterator[tuple[int, ...]]:
        """All values of the explicit tokens."""
        return product(range(self.vocab_size), repeat=len(self._boxes) + self.extra_tokens)

    def candidates(self) -> Iterator[Seed]:
        """Spanning seeds: a multiset of tokens for every lower row, extra tokens, and a monomial, low degrees first."""
        tokens = range(self.vocab_size)
        rows = [tuple(combinations_with_replacement(tokens, part)) for part in self.lower.parts]
        for monomial in self._monomials():
            for words in product(*rows):
                for extra in product(tokens, repeat=self.extra_tokens):
                    arrangements = product(*(sorted(set(permutations(word))) for word in words))
                    yield {tuple(t for row in rows_ for t in row) + extra: monomial for rows_ in arrangements}

    def _monomials(self) -> Iterator[PolyElement]:
        variables = self.vocab_size - 1
        for degree in range(self.degree + 1 if variables else 1):
            for exponents in compositions(degree, variables):
                yield self.ring.from_dict({exponents or (0,): sympy.QQ(1)})

    @cached_property
    def _columns(self) -> tuple[tuple[int, ...], ...]:
        """For every column that has lower boxes, the indices of those boxes from top to bottom."""
        width = self.lower.parts[0] if self.lower.parts else 0
        return tuple(tuple(i for i, (_, c) in enumerate(self._boxes) if c == column) for column in range(width))

    @cached_property
    def _configurations(self) -> tuple[tuple[tuple[tuple[int, ...], ...], tuple[int, ...]], ...]:
        """Increasing tokens for every column (others follow by antisymmetry), columns of one height in order; extra tokens."""
        extras = tuple(product(range(self.vocab_size), repeat=self.extra_tokens))
        by_height = []
        for height, columns in groupby(self._columns, key=len):
            choices = combinations(range(self.vocab_size), height + 1)
            # seeds are symmetric within rows, so columns of one height may trade places
            by_height.append(tuple(combinations_with_replacement(choices, len(tuple(columns)))))
        found = (tuple(chain.from_iterable(groups)) for groups in product(*by_height))
        return tuple((columns, extra) for columns in found for extra in extras)

    def _signed_fillings(
        self, columns: tuple[tuple[int, ...], ...]
    ) -> Iterator[tuple[int, tuple[int, ...], tuple[int, ...]]]:
        """All ways to permute tokens in columns: sign, tokens in row one, tokens in the lower boxes."""
        for orders in product(*(permutations(range(len(column))) for column in columns)):
            sign = 1
            boxes = [0] * len(self._boxes)
            first = []
            for indices, column, order in zip(self._columns, columns, orders):
                sign *= parity(order)
                first.append(column[order[0]])
                for index, place in zip(indices, order[1:]):
                    boxes[index] = column[place]
            yield sign, tuple(first), tuple(boxes)

    def antisymmetrized(self, seed: Seed, over: PolyRing) -> dict[Any, Any]:
        """The antisymmetrised seed as a sparse vector: its polynomial (or its values) at every configuration."""
        vector: dict[Any, Any] = {}
        for key, (columns, extra) in enumerate(self._configurations):
            total = over.zero
            for sign, first, boxes in self._signed_fillings(columns):
                polynomial = seed.get(boxes + extra)
                if polynomial:
                    total += self._shifted(polynomial, first, over) * sign
            if self.rest is None:
                vector.update(((key, monomial), value) for monomial, value in total.terms() if value)
            else:
                vector.update(((key, point), value) for point, value in self._values(total, over) if value)
        return vector

    def _shifted(self, polynomial: PolyElement, first: tuple[int, ...], over: PolyRing) -> PolyElement:
        """The polynomial in the counts of the rest of row one, where the column boxes of row one hold ``first``."""
        if not first:
            return polynomial.set_ring(over) if polynomial.ring != over else polynomial
        shift = sympy.QQ(len(first), self.vocab_size)
        moved = [
            (M, M + sympy.QQ(first.count(v)) - shift) for v, M in enumerate(polynomial.ring.gens[: self.vocab_size - 1])
        ]
        result = polynomial.compose(moved) if moved else polynomial
        return result.set_ring(over) if result.ring != over else result

    def _values(self, polynomial: PolyElement, over: PolyRing) -> Iterator[tuple[tuple[int, ...], Any]]:
        for counts, centred in self._points:
            value = over.domain.zero
            for exponents, coefficient in polynomial.items():
                scale = prod((c**e for c, e in zip(centred, exponents)), start=sympy.QQ(1))
                value += coefficient * over.domain.convert(scale)
            yield counts, value

    @cached_property
    def _points(self) -> tuple[tuple[tuple[int, ...], tuple[Any, ...]], ...]:
        """The counts that the rest of row one can have, and the same counts centred."""
        mean = sympy.QQ(self.rest, self.vocab_size)
        tables = compositions(self.rest, self.vocab_size)
        return tuple((counts, tuple(sympy.QQ(count) - mean for count in counts[:-1])) for counts in tables)

    def rename(self, seed: Seed, v: int, w: int) -> Seed:
        """The seed with tokens v and w exchanged."""
        names = list(range(self.vocab_size))
        names[v], names[w] = w, v
        gens = list(self.ring.gens[: self.vocab_size - 1])
        centred = [*gens, -sum(gens, self.ring.zero)]
        images = [(gen, centred[names[index]]) for index, gen in enumerate(gens)]
        return {
            tuple(names[t] for t in tokens): polynomial.compose(images) if images else polynomial
            for tokens, polynomial in seed.items()
        }

    def project_tokens(self, seed: Seed, tableau: StandardTableau) -> Seed:
        """The component of the seed on which the Jucys-Murphy elements of S_V act by the contents of ``tableau``."""
        contents = tableau.content_vector
        for step in range(1, self.vocab_size):
            for content in range(-step, step + 1):
                if content != contents[step]:
                    moved = add_seeds(*((self.rename(seed, v, step), 1) for v in range(step)), (seed, -content))
                    seed = scale_seed(moved, sympy.QQ(1, contents[step] - content))
        return seed

    def basis(self, token_shape: Partition | None = None) -> SpechtBasis:
        """A maximal independent set of candidates, projected on one irrep of token renaming where asked."""
        tableau = next(iter(standard_tableaux(token_shape))) if token_shape is not None else None
        seeds, vectors = [], []
        for seed in self.candidates():
            if tableau is not None:
                seed = self.project_tokens(seed, tableau)
            vector = self.antisymmetrized(seed, self.ring)
            if vector:
                seeds.append(seed)
                vectors.append(vector)
        if not seeds:
            return SpechtBasis(self, (), ())
        matrix = _dense(vectors, sorted({key for vector in vectors for key in vector}))
        pivots = matrix.rref()[1]
        return SpechtBasis(self, tuple(seeds[i] for i in pivots), tuple(vectors[i] for i in pivots))


@dataclass(frozen=True)
class SpechtBasis:
    """Independent seeds with their antisymmetrised vectors."""

    functions: SpechtFunctions
    seeds: tuple[Seed, ...]
    vectors: tuple[dict[Any, Any], ...]

    def __len__(self) -> int:
        return len(self.seeds)

    def expressions(self) -> tuple[sympy.Expr, ...]:
        """The seeds as expressions in the centred counts ``M_v`` and the indicators ``e_i_v`` of the explicit tokens."""
        return tuple(map(_expression, self.seeds))

    @cached_property
    def _keys(self) -> list[Any]:
        return sorted({key for vector in self.vectors for key in vector})

    @cached_property
    def _pivot_rows(self) -> tuple[int, ...]:
        return _dense(self.vectors, self._keys).transpose().rref()[1]

    @cached_property
    def _inverse(self) -> DomainMatrix:
        keys = [self._keys[row] for row in self._pivot_rows]
        return _dense(self.vectors, keys).inv()

    def coordinates(self, vector: dict[Any, Any], domain: Any) -> list[Any] | None:
        """The coordinates of an antisymmetrised vector in the basis, or None when it is not in its span."""
        keys = [self._keys[row] for row in self._pivot_rows]
        right = [vector.get(key, domain.zero) for key in keys]
        inverse = self._inverse.to_list()
        result = [sum((domain.convert(a) * b for a, b in zip(row, right)), domain.zero) for row in inverse]
        rebuilt: dict[Any, Any] = {}
        for coordinate, basis_vector in zip(result, self.vectors):
            for key, value in basis_vector.items():
                rebuilt[key] = rebuilt.get(key, domain.zero) + coordinate * domain.convert(value)
        keys_seen = set(rebuilt) | set(vector)
        if any(rebuilt.get(key, domain.zero) != vector.get(key, domain.zero) for key in keys_seen):
            return None
        return result


def add_seeds(*terms: tuple[Seed, int]) -> Seed:
    """The linear combination of seeds with integer coefficients."""
    total: Seed = {}
    for seed, coefficient in terms:
        for tokens, polynomial in seed.items():
            total[tokens] = total.get(tokens, polynomial.ring.zero) + polynomial * coefficient
    return {tokens: polynomial for tokens, polynomial in total.items() if polynomial}


def scale_seed(seed: Seed, factor: Any) -> Seed:
    """The seed times a rational number."""
    return {tokens: polynomial * factor for tokens, polynomial in seed.items()}


def _expression(seed: Seed) -> sympy.Expr:
    total = sympy.Integer(0)
    for tokens, polynomial in seed.items():
        variables = [sympy.Symbol(f"M_{v}") for v in range(polynomial.ring.ngens)]
        indicator = sympy.prod(sympy.Symbol(f"e_{i}_{token}") for i, token in enumerate(tokens))
        total += indicator * polynomial.as_expr(*variables)
    return sympy.factor(total)


def _dense(vectors: Any, keys: list[Any]) -> DomainMatrix:
    """The matrix whose columns are the vectors, rows in the order of the keys."""
    rows = [[vector.get(key, sympy.QQ(0)) for vector in vectors] for key in keys]
    return DomainMatrix(rows, (len(keys), len(vectors)), sympy.QQ)


def parity(order: tuple[int, ...]) -> int:
    """The sign of a permutation in array form."""
    inversions = sum(a > b for a, b in combinations(order, 2))
    return -1 if inversions % 2 else 1
