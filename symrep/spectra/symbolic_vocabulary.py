r"""The blocks of a polynomial kernel under independent uniform tokens, with the vocabulary size V and the length L as symbols.

The operator :math:`f \mapsto E_y[K(\cdot, y) f(y)]` commutes with permutations of the positions and of the tokens. A term
:math:`u^i m^j g^l` maps any function to a sum of functions that read i + j + l positions at most (two more for every
u_xx), so the eigenfunctions of nonzero eigenvalue are combinations of diagrams of bounded size
(:mod:`symrep.spectra.token_diagrams`), and the shapes that occur are :math:`(n-k, \mu)` with :math:`k \le j` and
:math:`(V-q, \nu)` with q at most that number. On each pair of shapes the operator is a finite matrix with entries in
:math:`\mathbb{Q}[n, V, 1/V]`, in a basis of diagrams (:mod:`symrep.spectra.diagram_spaces`), where every
:math:`[x_s = v]` is centred to :math:`[x_s = v] - 1/V`, which makes the entries short. At small integers n, where diagrams
depend on each other, the relations between them are found from their values on all sequences, and diagrams stay as they
are. The matrices of the terms do not depend on the coefficients of the kernel; they are computed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from math import factorial, prod
from typing import Any

import sympy

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidArgumentError, SizeLimitError, require
from symrep.representations.stable import PaddedShape
from symrep.spectra.diagram_spaces import DiagramSpace
from symrep.spectra.isotypic_block import Block, at_known_degree, blocks_with_progress, may_exist
from symrep.spectra.kernel_polynomials import KernelPolynomial, Monomial, OwnPowers
from symrep.spectra.moments import multinomial, stirling

_MOST_POSITIONS = 4


def symbolic_vocabulary_blocks(
    kernel: KernelPolynomial, vocab_size: Any, length: Any, extra_token: str | None = None, progress: bool = False
) -> list[Block]:
    r"""The nonzero blocks of a kernel under independent uniform tokens, by the irreps of :math:`S_n \times S_V`.

    Parameters
    ----------
    kernel
        A polynomial in u, m, u_xx and u_yy, and in g where there is a last token. Its coefficients are taken as they are:
        L and V in them are not replaced where ``length`` and ``vocab_size`` are integers.
    vocab_size
        The number of tokens: a symbol, or an integer of at least :func:`smallest_vocabulary`.
    length
        The number n of permuted positions: a symbol, an expression in symbols, or an integer.
    extra_token
        None, or ``"last"``: one more token that stays in place, is counted in u and m, and is compared by g.
    progress
        Whether to show a bar over the blocks, under which their eigenvalues are found too.

    Returns
    -------
    list
        Blocks with labels of type :class:`PaddedShape` where n or V is a symbol, and partitions where it is an integer.
        With n a symbol they hold at the lengths where those of a numeric vocabulary do; with V a symbol, at every V
        from :func:`smallest_vocabulary` on, where labels that are no partitions are to be left out (their dimension
        is 0).

    Raises
    ------
    InvalidArgumentError
        When the kernel contains g and there is no last token, or n or V is an integer that is too small.
    SizeLimitError
        When a term of the kernel reads more than 4 positions at once (u, m and g one each, u_xx two).

    Notes
    -----
    The cost depends on the degree of the kernel alone: a fraction of a second for degree 2 in u and m, seconds for degree 3,
    minutes for degree 4.

    Examples
    --------
    >>> from symrep.kernels import architecture
    >>> K = KernelPolynomial.from_expression(architecture("uniform-block").overlap_polynomial())
    >>> V, L = sympy.symbols("V L", integer=True, positive=True)
    >>> for block in symbolic_vocabulary_blocks(K, V, L):
    ...     print(block.shape, block.token_shape, block.matrix[0])
    (L) (V) (L*a + V*p)/(L*V)
    (L) (V-1,1) a/(L*V)
    """
    require(extra_token in (None, "last"), "extra_token", 'must be None or "last"', extra_token)
    has_last = extra_token == "last"
    if kernel.has_same_token and not has_last:
        raise InvalidArgumentError(f"kernel must not contain g where there is no last token, got {kernel.terms}")
    most = _most_positions(kernel)
    if most > _MOST_POSITIONS:
        raise SizeLimitError(
            f"kernel must read at most {_MOST_POSITIONS} positions at once for any number of tokens, got {most}"
        )
    n = _as_count(length, "length", 0 if has_last else 1)
    vocab_size = _as_count(vocab_size, "vocab_size", smallest_vocabulary(kernel))
    spaces = tuple(_spaces(kernel, n, vocab_size, has_last))
    blocks = (
        _block(kernel, space, PaddedShape(space.lower, n), PaddedShape(space.token_lower, vocab_size))
        for space in spaces
    )
    found = blocks_with_progress(blocks, len(spaces), progress)
    return [block for block in found if any(entry != 0 for entry in block.matrix)]


def smallest_vocabulary(kernel: KernelPolynomial) -> int:
    r"""The number of tokens from which the blocks with V a symbol are those of V, a bound by the degree of the kernel.

    Functions of r positions contain the shape :math:`(V-q, \nu)` as often as for large V when :math:`V \ge r + \nu_1`;
    where q = r one token less will do, because the dimension polynomial vanishes one step before the shape exists. So
    :math:`2r - 1` tokens are enough, and any number for r = 1.

    >>> smallest_vocabulary(KernelPolynomial((((1, 1, 0), sympy.Integer(1)),)))
    3
    """
    return max(2 * _most_positions(kernel) - 1, 1)


def symbolic_trace(kernel: KernelPolynomial, vocab_size: Any, length: Any) -> sympy.Expr:
    r""":math:`E\,K(x, x)` under independent uniform tokens: the sum of all eigenvalues.

    Parameters
    ----------
    kernel
        A polynomial in u, m, g, u_xx and u_yy.
    vocab_size
        The number of tokens: a symbol or an integer of at least 1.
    length
        The number of positions that are counted in u and m, a last token included: a symbol or an integer.

    Notes
    -----
    There m is the length, g = 1 and :math:`u = u_{xx} = u_{yy} = \sum_v n_v^2`. Expand :math:`u^i` in the powers of distinct
    tokens and these in falling factorials, :math:`E \prod_v (n_v)_{r_v} = (L)_{|r|} V^{-|r|}`.

    Examples
    --------
    >>> V, L = sympy.symbols("V L", integer=True, positive=True)
    >>> symbolic_trace(KernelPolynomial((((1, 0, 0), sympy.Integer(1)),)), V, L)
    L*(L + V - 1)/V
    """
    length = _as_count(length, "length", 1)
    vocab_size = _as_count(vocab_size, "vocab_size", 1)
    own_counts = ((i + sum(own), j, c) for (i, j, _), own, c in kernel.all_terms())
    return sympy.factor(sympy.Add(*(c * length**j * _overlap_moment(i, vocab_size, length) for i, j, c in own_counts)))


@cache
def _overlap_moment(power: int, vocab_size: sympy.Expr, length: sympy.Expr) -> sympy.Expr:
    r""":math:`E (\sum_v n_v^2)^i`."""
    total = sympy.Integer(0)
    for exponents in partitions(power):
        alike = prod(factorial(exponents.parts.count(part)) for part in set(exponents.parts))
        ways = sympy.ff(vocab_size, len(exponents.parts)) * sympy.Rational(multinomial(exponents.parts), alike)
        for r in product(*(range(1, 2 * part + 1) for part in exponents.parts)):
            weight = prod(stirling(2 * part, k) for part, k in zip(exponents.parts, r))
            total += ways * weight * sympy.ff(length, sum(r)) / vocab_size ** sum(r)
    return sympy.expand(total)


def _as_count(value: Any, argument: str, minimum: int) -> sympy.Expr:
    value = sympy.sympify(value)
    require(bool(value.free_symbols) or value.is_Integer, argument, "must be an integer or a symbol", value)
    require(
        bool(value.free_symbols) or value >= minimum, argument, f"must be at least {minimum} for this kernel", value
    )
    return value


def _spaces(kernel: KernelPolynomial, n: sympy.Expr, vocab_size: sympy.Expr, has_last: bool) -> Iterator[DiagramSpace]:
    """The pairs of shapes that the kernel reaches and, where n or V is an integer, that exist."""
    for depth in range(kernel.match_degree + 1):
        terms = [term for term in kernel.all_terms() if term[0][1] >= depth]
        sizes = frozenset(size for monomial, own, _ in terms for size in _sizes(monomial, own, depth, has_last))
        for lower in partitions(depth):
            for token_lower in _partitions_up_to(max(map(sum, sizes), default=0)):
                if may_exist(PaddedShape(lower, n)) and may_exist(PaddedShape(token_lower, vocab_size)):
                    yield DiagramSpace(lower, token_lower, sizes, has_last)


def _sizes(monomial: Monomial, own: OwnPowers, depth: int, has_last: bool) -> Iterator[tuple[int, int]]:
    """How many permuted positions and last tokens an image reads that names ``depth`` positions."""
    most = _positions_read(monomial, own)
    for count, with_last in product(range(depth, most - monomial[2] + 1), range(has_last + 1)):
        if count + with_last <= most:
            yield count, with_last


def _positions_read(monomial: Monomial, own: OwnPowers) -> int:
    """How many positions of x the monomial reads at once: u, m and g one each, u_xx two."""
    return sum(monomial) + 2 * own[0]


def _most_positions(kernel: KernelPolynomial) -> int:
    return max((_positions_read(monomial, own) for monomial, own, _ in kernel.all_terms()), default=0)


def _partitions_up_to(size: int) -> Iterator[Partition]:
    for k in range(size + 1):
        yield from partitions(k)


def _block(kernel: KernelPolynomial, space: DiagramSpace, shape: PaddedShape, token_shape: PaddedShape) -> Block:
    n = shape.degree
    numbers = (n, token_shape.degree, 1 / token_shape.degree)
    dependent = n.is_Integer and n < space.stable_from
    matrix = sympy.zeros(space.dimension, space.dimension)
    for monomial, own, coefficient in kernel.all_terms():
        if monomial[1] >= shape.depth:
            term = space.matrix((*monomial, *own))
            if not dependent:
                term = space.inverse_centring * term * space.centring
            values = [weight.as_expr(*numbers) for row in term.to_list() for weight in row]
            matrix += coefficient * sympy.Matrix(space.dimension, space.dimension, values)
    if dependent:
        rows, pivots = space.relations(int(n))
        relations = sympy.Matrix(len(pivots), space.dimension, [sympy.QQ.to_sympy(c) for row in rows for c in row])
        matrix = relations * matrix.extract(list(range(space.dimension)), list(pivots))
    degeneracy = sympy.factor(shape.dimension * token_shape.dimension)
    return Block(
        at_known_degree(shape),
        at_known_degree(token_shape),
        None,
        sympy.ImmutableMatrix(matrix.applyfunc(sympy.factor)),
        (),
        int(degeneracy) if degeneracy.is_Integer else degeneracy,
    )
