r"""Softmax attention with Gaussian logits, as a series in the variance of the logits.

Row s of sequence x has the logits :math:`A_{si}(x)` over the keys i. They are centred Gaussians, jointly over all
sequences, with :math:`\mathrm{Cov}(A_{si}(x), A_{tj}(y)) = Q_{st}(x, y) M_{ij}(x, y)`. With the attention weights
:math:`\zeta` = softmax of a row, and a kernel W between the values at the keys, this module expands

.. math:: F_{st}(x, y) = \sum_{ij} E[\zeta(A_{s\cdot}(x))_i\, \zeta(A_{t\cdot}(y))_j]\, W_{ij}(x, y).

Softmax ignores a constant added to a row, so M may be centred on both sides; call the centred logits a, the uniform
mean over keys :math:`\langle\cdot\rangle`, and :math:`p_n = \langle a^n \rangle`, with :math:`p_1 = 0`. Then

.. math:: L\,\zeta_i = e^{a_i} \Big/ \Big(1 + \sum_{n \ge 2} p_n / n!\Big)
          = \sum_{m,\, n_1, n_2, \ldots} c\; a_i^m\, p_{n_1} p_{n_2} \cdots

The expectation of a monomial of x times a monomial of y is a sum over Wick contractions. Each is a multigraph: a site
of degree m for i, one for j, a dummy site of degree n for every :math:`p_n`; its edges are of kind xx, yy or xy, and a
graph with (p, q, r) edges of these kinds carries :math:`Q_{ss}(x,x)^p\, Q_{tt}(y,y)^q\, Q_{st}(x,y)^r` times a mean of
products of entries of M over the keys at all sites. The mean of W over i, and over j, is split off first, because
:math:`\sum_i \zeta_i = 1` makes those parts trivial; so i and j have degree at least 1, or their whole side is empty.

Up to four edges every graph is series-parallel once i and j are joined by an edge, so eliminating the dummies one
after the other needs only products of L x L matrices, entry by entry or as matrices; with five edges three graphs need
the key at one dummy to be held fixed meanwhile. Subexpressions that graphs share are computed once, and those of one
sequence once per sequence and not once per pair.

The series is asymptotic: its coefficients grow, and it is good where Q M is small against 1. Compare two orders.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

import numpy as np

from symrep.errors import InvalidArgumentError, SizeLimitError, require, require_integer

MAXIMAL_ORDER = 5
CHUNK_ENTRIES = 2**14
COMPLEX_STEP = 1e-60
CORE_RANKS = (2, 2, 2, 2, 1, 1, 2)

Component = tuple[str, tuple[tuple[int, int, int], ...]]
"""A connected multigraph: a label "i", "j", "x" or "y" per vertex, and the edges (vertex, vertex, multiplicity)."""

Expression = tuple[Any, ...]
"""A formula in the key kernels whose value is a scalar, a vector over keys or a matrix over pairs of keys."""


def softmax_series(
    order: int,
    first: np.ndarray,
    second: np.ndarray,
    pair: np.ndarray,
    values: np.ndarray,
    row_first: np.ndarray,
    row_second: np.ndarray,
    row_pair: np.ndarray,
) -> np.ndarray:
    r"""The mean of W under two softmax attentions, :math:`F_{st}(x, y)`, up to a total degree in the covariances.

    Parameters
    ----------
    order : the degree in the covariances that is kept, 0 to 5; the error is of the next order
    first, second : key kernels M(x, x) and M(y, y), symmetric, shapes (..., L, L) and (..., L', L')
    pair : key kernel M(x, y), shape (..., L, L')
    values : kernel W(x, y) between the values at the keys, shape (..., L, L')
    row_first, row_second : the diagonals :math:`Q_{ss}(x, x)`, shape (..., S), and :math:`Q_{tt}(y, y)`, shape (..., T)
    row_pair : :math:`Q_{st}(x, y)`, shape (..., S, T)

    Notes
    -----
    Leading axes broadcast. For all pairs of n and m sequences give ``first`` as (n, 1, L, L), ``second`` as
    (1, m, L, L) and the kernels of pairs as (n, m, L, L): then work on one sequence is done once. Several kernels W on
    the same logits cost little more than one when they are stacked along an additional axis in front.

    Returns an array of shape (..., S, T).

    Raises InvalidTypeError or InvalidArgumentError if the order is no integer or negative, or shapes do not fit;
    SizeLimitError if the order is above 5.

    Cost: at orders 0, 1, ..., 5 there are 1, 4, 20, 110, 634, 3786 graphs, and 0, 0, 2, 13, 74, 454 products of L x L
    matrices per pair, three of them L times at order 5. Work proceeds in blocks of pairs, within about 0.3 GB.

    Examples
    --------
    >>> values = np.array([[1.0, 2.0], [3.0, 6.0]])
    >>> softmax_series(2, *np.zeros((3, 2, 2)), values, *np.ones((2, 1)), np.ones((1, 1))).tolist()
    [[3.0]]
    """
    return _series(_checked_order(order), first, second, pair, values, row_first, row_second, row_pair)


def softmax_series_tangent(
    order: int,
    first: np.ndarray,
    second: np.ndarray,
    pair: np.ndarray,
    values: np.ndarray,
    row_first: np.ndarray,
    row_second: np.ndarray,
    row_pair: np.ndarray,
    pair_dot: np.ndarray,
    row_pair_dot: np.ndarray,
) -> np.ndarray:
    r"""The derivative of :func:`softmax_series` as M(x, y) moves along ``pair_dot``, Q(x, y) along ``row_pair_dot``.

    By Price's theorem this is :math:`\sum_{ijkl} E[\partial_k\zeta_i(x)\, \partial_l\zeta_j(y)]\, D_{kl} W_{ij}` with
    :math:`D_{kl} = \dot Q_{st} M_{kl}(x, y) + Q_{st} \dot M_{kl}(x, y)`, up to degree ``order`` - 1 in Q M beside D.
    Parameters, errors and shapes as in :func:`softmax_series`; ``pair_dot`` has the shape of ``pair`` and
    ``row_pair_dot`` that of ``row_pair``. The series is a polynomial, so the imaginary part at a tiny imaginary step is
    its derivative without any error of differencing. Cost: two to three times that of the series.

    >>> kernel, row = np.eye(2), np.ones((1, 1))
    >>> softmax_series_tangent(1, kernel, kernel, kernel, kernel, row[0], row[0], row, 0 * kernel, row).tolist()
    [[0.25]]
    """
    order = _checked_order(order)
    for argument, moving, direction in (("pair_dot", pair, pair_dot), ("row_pair_dot", row_pair, row_pair_dot)):
        rule = f"must have the shape {np.shape(moving)} of {argument[:-4]}"
        require(np.shape(direction) == np.shape(moving), argument, rule, np.shape(direction))
    moved_pair = np.asarray(pair) + 1j * COMPLEX_STEP * np.asarray(pair_dot)
    moved_rows = np.asarray(row_pair) + 1j * COMPLEX_STEP * np.asarray(row_pair_dot)
    return _series(order, first, second, moved_pair, values, row_first, row_second, moved_rows).imag / COMPLEX_STEP


def _checked_order(order: Any) -> int:
    order = require_integer(order, "order", minimum=0)
    if order > MAXIMAL_ORDER:
        raise SizeLimitError(
            f"order must be at most {MAXIMAL_ORDER}, got {order}: order 6 has 23316 graphs already, and every further"
            " order about six times more; use softmax_monte_carlo"
        )
    return order


def _series(order: int, *operands: Any) -> np.ndarray:
    arrays = [np.asarray(operand) for operand in operands]
    batch = _checked_batch(arrays)
    cores = [array.shape[-rank:] for array, rank in zip(arrays, CORE_RANKS)]
    aligned = [a.reshape((1,) * (len(batch) + len(core) - a.ndim) + a.shape) for a, core in zip(arrays, cores)]
    return _series_in_halves(order, aligned, list(batch))


def _series_in_halves(order: int, arrays: list[np.ndarray], batch: list[int]) -> np.ndarray:
    """The polynomial, with the longest leading axis halved until all shared matrices fit in memory."""
    longest = max(batch, default=1)
    if longest == 1 or math.prod(batch) * math.prod(arrays[0].shape[-2:]) <= CHUNK_ENTRIES:
        return _series_of_chunk(order, arrays)
    axis = batch.index(longest)
    halves = []
    for part in (slice(0, longest // 2), slice(longest // 2, longest)):
        index = (slice(None),) * axis + (part,)
        pieces = [array[index] if array.shape[axis] > 1 else array for array in arrays]
        halves.append(_series_in_halves(order, pieces, batch[:axis] + [part.stop - part.start] + batch[axis + 1 :]))
    return np.concatenate(halves, axis=axis)


def _checked_batch(arrays: list[np.ndarray]) -> tuple[int, ...]:
    names = ("first", "second", "pair", "values", "row_first", "row_second", "row_pair")
    for name, array, core_rank in zip(names, arrays, CORE_RANKS):
        require(array.ndim >= core_rank, name, f"must have at least {core_rank} axes", array.shape)
    keys = arrays[0].shape[-1], arrays[1].shape[-1]
    for name, array, own in zip(names[:4], arrays[:4], ((keys[0],) * 2, (keys[1],) * 2, keys, keys)):
        require(array.shape[-2:] == own, name, f"must end in axes {own}", array.shape)
    rows = (arrays[4].shape[-1], arrays[5].shape[-1])
    require(arrays[6].shape[-2:] == rows, "row_pair", f"must end in axes {rows}", arrays[6].shape)
    shapes = [array.shape[: array.ndim - core_rank] for array, core_rank in zip(arrays, CORE_RANKS)]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise InvalidArgumentError(f"leading axes of the kernels must broadcast, got {shapes}") from None


def _series_of_chunk(order: int, arrays: list[np.ndarray]) -> np.ndarray:
    first, second, pair, values, row_first, row_second, row_pair = arrays
    coefficients = _coefficients(order, first, second, pair, values)
    result: Any = 0.0
    exponents = np.arange(order + 1)
    first_powers = row_first[..., :, None] ** exponents
    second_powers = row_second[..., None, :] ** exponents[:, None]
    for r in reversed(range(order + 1)):
        table = np.stack([np.stack([coefficients[p, q, r] for q in exponents], -1) for p in exponents], -2)
        result = result * row_pair + first_powers @ table @ second_powers
    return result


def _coefficients(order: int, first: np.ndarray, second: np.ndarray, pair: np.ndarray, values: np.ndarray) -> dict:
    """The coefficients of the polynomial in the row kernels, keyed by the exponents of alpha, beta and gamma."""
    value_mean = values.mean((-1, -2))
    pieces = {
        "": value_mean,
        "i": values.mean(-1) - value_mean[..., None],
        "j": values.mean(-2) - value_mean[..., None],
        "ij": _centred(values),
    }
    evaluate = _Evaluator({"xx": _centred(first), "yy": _centred(second), "xy": _centred(pair)})
    batch = np.broadcast_shapes(*(kernel.shape[:-2] for kernel in (first, second, pair, values)))
    dtype = np.result_type(first, second, pair, values, float)
    result = {key: np.zeros(batch, dtype) for key in itertools.product(range(order + 1), repeat=3)}
    for (roots, sites), terms in _plan(order):
        root_mean = _mean_at_roots(roots, pieces[roots], {where: evaluate.once(site) for where, site in sites})
        for degrees, coefficient, scalars in terms:
            result[degrees] += coefficient * reduce(np.multiply, map(evaluate, scalars), root_mean)
    return result


def _centred(kernel: np.ndarray) -> np.ndarray:
    kernel = kernel - kernel.mean(-1, keepdims=True)
    return kernel - kernel.mean(-2, keepdims=True)


def _mean_at_roots(roots: str, piece: np.ndarray, factors: dict[str, np.ndarray]) -> np.ndarray:
    """The mean over the keys at i and j of a part of W, with the axes in its name, times what hangs on i and j."""
    subscripts = ",".join("..." + name for name in (roots, *factors))
    return np.einsum(subscripts + "->...", piece, *factors.values()) / math.prod(piece.shape[piece.ndim - len(roots) :])


class _Evaluator:
    """Values of expressions in the three key kernels; called, it computes every expression once."""

    def __init__(self, kernels: dict[str, np.ndarray]):
        self.kernels = kernels
        self.known: dict[Expression, np.ndarray] = {}

    def __call__(self, expression: Expression) -> np.ndarray:
        if expression not in self.known:
            self.known[expression] = self.once(expression)
        return self.known[expression]

    def once(self, expression: Expression) -> np.ndarray:
        """The value of an expression that is needed a single time, so not kept."""
        return getattr(self, "_" + expression[0])(*expression[1:])

    def _kernel(self, kind: str, power: int) -> np.ndarray:
        return self.kernels[kind] ** power

    def _diagonal(self, kind: str, power: int) -> np.ndarray:
        return np.diagonal(self.kernels[kind], axis1=-2, axis2=-1) ** power

    def _transpose(self, matrix: Expression) -> np.ndarray:
        return np.swapaxes(self(matrix), -1, -2)

    def _product(self, *factors: Expression) -> np.ndarray:
        return reduce(np.multiply, map(self, factors))

    def _chain(self, left: Expression, weight: Expression | None, right: Expression) -> np.ndarray:
        matrix = self(left) if weight is None else self(left) * self(weight)[..., None, :]
        return matrix @ self(right) / matrix.shape[-1]

    def _apply(self, matrix: Expression, weight: Expression | None) -> np.ndarray:
        if weight is None:
            return self(matrix).mean(-1)
        return (self(matrix) @ self(weight)[..., None])[..., 0] / self(matrix).shape[-1]

    def _scaled(self, matrix: Expression, rows: Expression | None, columns: Expression | None) -> np.ndarray:
        result = self(matrix)
        if rows is not None:
            result = result * self(rows)[..., :, None]
        return result if columns is None else result * self(columns)[..., None, :]

    def _fixed(self, matrix: Expression) -> np.ndarray:
        """The rows of a matrix, as vectors along an additional axis in front."""
        return np.moveaxis(self(matrix), -2, 0)

    def _average(self, rows: Expression) -> np.ndarray:
        return self(rows).mean(0)

    def _mean(self, weight: Expression) -> np.ndarray:
        return self(weight).mean(-1)


@lru_cache(maxsize=MAXIMAL_ORDER + 1)
def _plan(order: int) -> tuple:
    """The series, in pairs of a key (roots, components with roots) and its terms (degrees, coefficient, the rest)."""
    terms: dict[tuple, list] = {}
    for n_edges in range(order + 1):
        for components, coefficient in _graphs(n_edges).items():
            kinds: Counter[str] = Counter()
            sites, scalars = [], []
            for labels, edges in components:
                sides = labels.replace("i", "x").replace("j", "y")
                for u, v, multiplicity in edges:
                    kinds["".join(sorted(sides[u] + sides[v]))] += multiplicity
                where = "".join(label for label in labels if label in "ij")
                expression = _reduced(labels, edges)
                sites.append((where, expression)) if where else scalars.append(expression)
            roots = "".join(sorted(where for where, _ in sites))
            degrees = (kinds["xx"], kinds["yy"], kinds["xy"])
            terms.setdefault((roots, tuple(sites)), []).append((degrees, float(coefficient), tuple(scalars)))
    return tuple((key, tuple(group)) for key, group in terms.items())


@lru_cache(maxsize=MAXIMAL_ORDER + 1)
def _graphs(n_edges: int) -> dict[tuple[Component, ...], Fraction]:
    """All graphs with this number of edges, as sorted canonical components, with their exact coefficients."""
    result: dict[tuple[Component, ...], Fraction] = {}
    for degree in range(2 * n_edges + 1):
        for left, right in itertools.product(_monomials(degree), _monomials(2 * n_edges - degree)):
            labels = ["i"] * (left[0] > 0) + ["j"] * (right[0] > 0) + ["x"] * len(left[1]) + ["y"] * len(right[1])
            degrees = [power for power in (left[0], right[0]) if power] + [*left[1], *right[1]]
            for edges in _multigraphs(tuple(degrees)):
                key = tuple(sorted(_components("".join(labels), edges)))
                weight = left[2] * right[2] * _number_of_pairings(degrees, edges)
                result[key] = result.get(key, Fraction(0)) + weight
    return result


def _monomials(degree: int) -> list[tuple[int, tuple[int, ...], Fraction]]:
    """The monomials of this degree in L zeta_i that depend on i: power of a_i, indices of power means, factor."""
    if degree == 0:
        return [(0, (), Fraction(1))]
    result = []
    for power in range(1, degree + 1):
        for parts in _parts_from_two(degree - power, degree):
            orderings = math.factorial(len(parts)) // math.prod(map(math.factorial, Counter(parts).values()))
            denominator = math.factorial(power) * math.prod(map(math.factorial, parts))
            result.append((power, parts, Fraction((-1) ** len(parts) * orderings, denominator)))
    return result


def _parts_from_two(size: int, largest: int) -> Iterator[tuple[int, ...]]:
    """The partitions of ``size`` into parts from 2 to ``largest``."""
    if size == 0:
        yield ()
    for part in range(2, min(size, largest) + 1):
        for rest in _parts_from_two(size - part, part):
            yield (part, *rest)


def _multigraphs(degrees: tuple[int, ...], vertex: int = 0) -> Iterator[dict[tuple[int, int], int]]:
    """All multigraphs on labelled vertices with these degrees; a loop counts twice in the degree of its vertex."""
    if vertex == len(degrees):
        yield {}
        return
    for n_loops in range(degrees[vertex] // 2 + 1):
        ends = degrees[vertex] - 2 * n_loops
        for spread in itertools.product(*(range(min(ends, d) + 1) for d in degrees[vertex + 1 :])):
            if sum(spread) != ends:
                continue
            remaining = degrees[: vertex + 1] + tuple(d - k for d, k in zip(degrees[vertex + 1 :], spread))
            new = {(vertex, vertex + 1 + offset): k for offset, k in enumerate(spread) if k}
            if n_loops:
                new[vertex, vertex] = n_loops
            for rest in _multigraphs(remaining, vertex + 1):
                yield {**new, **rest}


def _number_of_pairings(degrees: list[int], edges: dict[tuple[int, int], int]) -> Fraction:
    """In how many ways the ends at labelled vertices pair up to this multigraph."""
    overcount = math.prod(math.factorial(k) * (2**k if u == v else 1) for (u, v), k in edges.items())
    return Fraction(math.prod(map(math.factorial, degrees)), overcount)


def _components(labels: str, edges: dict[tuple[int, int], int]) -> Iterator[Component]:
    """The connected components of a multigraph, each in canonical form."""
    remaining = set(range(len(labels)))
    while remaining:
        found, frontier = set(), {min(remaining)}
        while frontier:
            found |= frontier
            frontier = {w for edge in edges for w in edge if frontier & set(edge)} - found
        remaining -= found
        yield _canonical(labels, sorted(found), {edge: k for edge, k in edges.items() if edge[0] in found})


def _canonical(labels: str, vertices: list[int], edges: dict[tuple[int, int], int]) -> Component:
    """The component relabelled: the least list of edges over all permutations of its dummies of one side."""
    groups = [[v for v in vertices if labels[v] == label] for label in "ijxy"]
    candidates = []
    for arranged in itertools.product(*map(itertools.permutations, groups)):
        new = {v: index for index, v in enumerate(itertools.chain(*arranged))}
        candidates.append(sorted((*sorted((new[u], new[v])), k) for (u, v), k in edges.items()))
    return "".join(sorted(labels[v] for v in vertices)), tuple(min(candidates))


@lru_cache(maxsize=4096)
def _reduced(labels: str, edges: tuple[tuple[int, int, int], ...]) -> Expression:
    """Eliminate the dummies of a component: a scalar without roots, a vector over i or j, or a matrix over (i, j)."""
    sides = labels.replace("i", "x").replace("j", "y")
    weights: dict[int, list[Expression]] = {v: [] for v in range(len(labels))}
    links: dict[tuple[int, int], list[Expression]] = {}
    for u, v, power in edges:
        if u == v:
            weights[u].append(("diagonal", 2 * sides[u], power))
        else:
            kernel = ("kernel", "".join(sorted(sides[u] + sides[v])), power)
            links[u, v] = [kernel if sides[u] <= sides[v] else ("transpose", kernel)]
    has_fixed_key = False
    while any(labels[v] in "xy" for v in weights) and len(weights) > 1:
        dummies = [v for v in weights if labels[v] in "xy"]
        neighbours = {v: [w for w in weights if w != v and (min(v, w), max(v, w)) in links] for v in dummies}
        v = min(dummies, key=lambda v: (len(neighbours[v]), len({sides[v], *(sides[w] for w in neighbours[v])}), v))
        weight = _product(weights.pop(v))
        links.update({(v, w): list(map(_transposed, links.pop((w, v)))) for w in neighbours[v] if w < v})
        away = [_product(links.pop((v, w))) for w in neighbours[v]]
        if len(away) == 1:
            weights[neighbours[v][0]].append(("apply", _transposed(away[0]), weight))
        elif len(away) == 2:
            links.setdefault(tuple(neighbours[v]), []).append(_chain(_transposed(away[0]), weight, away[1]))
        else:
            has_fixed_key = True  # first met with five edges, at a dummy of degree 3, which bears no weight
            for w, matrix in zip(neighbours[v], away):
                weights[w].append(("fixed", matrix))
    if len(weights) == 2:
        result = ("scaled", _product(links[0, 1]), _product(weights[0]), _product(weights[1]))
    else:
        ((vertex, factors),) = weights.items()
        result = _product(factors) if labels[vertex] in "ij" else ("mean", _product(factors))
    return ("average", result) if has_fixed_key else result


def _product(factors: list[Expression]) -> Expression | None:
    """The entrywise product of vectors or of matrices in canonical form; None stands for the empty product."""
    if len(factors) <= 1:
        return factors[0] if factors else None
    as_given = ("product", *sorted(factors, key=repr))
    if factors[0][0] not in ("kernel", "transpose", "chain"):
        return as_given
    return _one_of_two(as_given, ("product", *sorted(map(_transposed, factors), key=repr)))


def _chain(left: Expression, weight: Expression | None, right: Expression) -> Expression:
    """The mean over the key in the middle, in canonical form."""
    return _one_of_two(("chain", left, weight, right), ("chain", _transposed(right), weight, _transposed(left)))


def _one_of_two(matrix: Expression, transposed: Expression) -> Expression:
    """The matrix, written through its transpose if that comes first, so that only one of the two is ever computed."""
    return matrix if repr(matrix) <= repr(transposed) else ("transpose", transposed)


def _transposed(matrix: Expression) -> Expression:
    name, *operands = matrix
    if name == "transpose":
        return operands[0]
    if name == "kernel" and operands[0] != "xy":
        return matrix
    if name == "chain" and operands[0] == _transposed(operands[2]):
        return matrix
    return ("transpose", matrix)
