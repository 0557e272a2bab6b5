"""``spectrum(net, measure, length)``: one door to closed forms and exact numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import sympy

from symrep.combinatorics.partitions import Partition
from symrep.errors import (
    InvalidArchitectureError,
    InvalidArgumentError,
    InvalidTypeError,
    NotInvariantError,
    SizeLimitError,
    require,
    require_integer,
)
from symrep.kernels.network import Network
from symrep.kernels.overlaps import (
    first_overlap_symbol,
    length_symbol,
    same_token_symbol,
    second_overlap_symbol,
    vocabulary_symbol,
)
from symrep.kernels.parameters import as_parameter, exact_expression, with_shared_symbols
from symrep.measures import ExchangeableMeasure, FrozenMixture, UniformTokens, iid_uniform
from symrep.representations.stable import PaddedShape
from symrep.spectra.affine import affine_blocks
from symrep.spectra.isotypic_block import Block
from symrep.spectra.spectrum import Spectrum, power_or_number
from symrep.spectra.symbolic import BlockProblem, KernelPolynomial, kernel_trace, reached_shapes, token_shapes

_LARGEST_VOCABULARY = 10
_OWN_OVERLAPS = frozenset({first_overlap_symbol, second_overlap_symbol})
_NOT_IN_POLYNOMIALS = frozenset({same_token_symbol.name, "x", *(symbol.name for symbol in _OWN_OVERLAPS)})


def spectrum(net: Network | sympy.Expr, measure: ExchangeableMeasure, length: Any = length_symbol) -> Spectrum:
    r"""The spectrum of the integral operator :math:`f \mapsto \mathbb{E}_y K(\cdot, y) f(y)`, exact, irrep by irrep.

    Parameters
    ----------
    net
        A network with a polynomial kernel, or the kernel itself as a polynomial in u and m.
    measure
        An exchangeable measure. With a symbol for the vocabulary size (``measures.iid_uniform()``) the kernel must have
        degree one in u and m together.
    length
        The context length L: an integer of at least 1, or the symbol L (default), which keeps everything a function of L.
        A last-token readout counts the last token in L; a query token comes on top of L.

    Returns
    -------
    A :class:`Spectrum`: levels labelled by the irreps of the permutations of positions, and of the renaming of tokens
    where the measure has that symmetry. Symbolic levels hold from ``stable_from`` on; integers are solved at their length.

    Raises
    ------
    InvalidArchitectureError
        When the network has no readout, or a layer that is not polynomial.
    NotInvariantError
        When a layer tells the positions apart.
    InvalidArgumentError
        When the length is below 1 or V is a symbol in a kernel of higher degree.

    Notes
    -----
    The cost grows with the degree of the kernel and the vocabulary, not with the length. Derivation: a kernel of degree r
    in m reaches the shapes (n-k, mu) with k <= r; on each, the operator acts on test functions through factorial moments.

    Examples
    --------
    >>> from symrep import kernels, measures
    >>> net = kernels.serial(kernels.TokenEmbedding(), kernels.Positions(), kernels.LinearAttention(), kernels.MeanPool())
    >>> s = spectrum(net, measures.iid_uniform(2))
    >>> s.block((1,), (1, 1)).eigenvalues
    ((a*p*(L*a + 2*p)/(2*L), 1),)
    >>> sympy.expand(s.trace() - s.expected_trace)
    0
    """
    kernel, extra_token, architecture = _read_network(net)
    if not isinstance(measure, ExchangeableMeasure):
        raise InvalidTypeError(f"measure must be an exchangeable measure such as iid_uniform(2), got {measure!r}")
    if not isinstance(measure, FrozenMixture | UniformTokens):
        rule = "must be iid or a mixture of iid measures (block_spectrum takes others at a finite length)"
        raise InvalidArgumentError(f"measure {rule}, got {measure!r}")
    length = _read_length(length, extra_token)
    kernel = _at_length(kernel, length)
    vocab_size = sympy.sympify(measure.vocab_size)
    context_degree = length - 1 if extra_token == "last" else length
    blocks = tuple(_blocks(kernel, measure, context_degree, extra_token))

    names = {symbol.name for symbol in (net.parameters() if isinstance(net, Network) else ())}
    return Spectrum(
        architecture,
        measure,
        _plain(length),
        blocks,
        power_or_number(vocab_size, length + (1 if extra_token == "query" else 0)),
        _expected_trace(kernel, measure, length),
        partial(_solve_anew, net, measure, length),
        partial(_whole_block, kernel, measure, context_degree, extra_token),
        _stable_from(kernel, blocks, extra_token),
        frozenset(names),
    )


def _read_network(net: Any) -> tuple[KernelPolynomial, str | None, str]:
    if isinstance(net, Network):
        invariance = net.invariance()
        if invariance.positions == "none":
            raise NotInvariantError(f"net must be symmetric under permutations of the positions, got {invariance.reason}")
        polynomial = _overlap_polynomial(net)
        if _OWN_OVERLAPS & polynomial.free_symbols:
            reason = "a polynomial nonlinearity behind attention brings the counts u_xx and u_yy (block_spectrum takes it at a finite length)"
            raise InvalidArchitectureError(f"net must have a kernel in u, m and g alone, but {reason}, got {net!r}")
        return KernelPolynomial.from_expression(polynomial), net.extra_token, repr(net)
    if isinstance(net, sympy.Expr):
        kernel = with_shared_symbols(exact_expression(net, "net"), "net", _NOT_IN_POLYNOMIALS)
        require(not kernel.has(sympy.I), "net", "must be real", net)
        return KernelPolynomial.from_expression(kernel), None, str(kernel)
    raise InvalidTypeError(f"net must be a network or a polynomial in u and m, got {net!r}")


def _overlap_polynomial(net: Network) -> sympy.Expr:
    try:
        return net.overlap_polynomial()
    except InvalidArchitectureError as error:
        if net.readout is None:
            raise
        raise InvalidArchitectureError(f"{error}; block_spectrum takes it at a finite length") from None


def _read_length(length: Any, extra_token: str | None) -> sympy.Expr:
    if isinstance(length, str):
        length = sympy.Symbol(length)
    if isinstance(length, sympy.Symbol):
        require(length.name == "L", "length", "must be an integer or the symbol L", length)
        return length_symbol
    number = require_integer(length, "length", minimum=1)
    if extra_token == "last":
        require(number >= 2, "length", "must be at least 2 for a last-token readout", number)
    return sympy.Integer(number)


def _at_length(kernel: KernelPolynomial, length: sympy.Expr) -> KernelPolynomial:
    terms = [(key, c.subs(length_symbol, length)) for key, c in kernel.terms]
    finite = not any(c.has(sympy.zoo, sympy.nan) for _, c in terms)
    require(finite, "length", "must not be a pole of the kernel", length)
    rational = all(c.is_rational_function(length_symbol) for _, c in terms)
    require(rational, "net", "must have a kernel that is rational in L", sympy.Add(*(c for _, c in terms)))
    return KernelPolynomial(tuple((key, c) for key, c in terms if c != 0))


def _blocks(kernel: KernelPolynomial, measure: Any, degree: sympy.Expr, extra_token: str | None) -> Iterator[Block]:
    if extra_token == "query" and isinstance(measure, UniformTokens):
        for part, query_shape in _query_sectors(kernel, measure):
            for block in _context_blocks(part, measure, degree, None):
                degeneracy = sympy.factor(block.degeneracy * query_shape.dimension)
                yield Block(block.shape, block.token_shape, query_shape, block.matrix, block.basis, _plain(degeneracy))
    else:
        yield from _context_blocks(kernel, measure, degree, extra_token)


def _query_sectors(kernel: KernelPolynomial, measure: UniformTokens) -> Iterator[tuple[KernelPolynomial, Any]]:
    """A uniform query token is independent of the context, and g has eigenvalue 1/V on functions of the query.

    So the operator splits into functions constant in the query (g acts as 1/V, 1 as 1) and of zero mean in it (1 as 0).
    """
    vocab_size = sympy.sympify(measure.vocab_size)
    symbolic = not vocab_size.is_Integer
    for lower, keeps_constant in (((), True), ((1,), False)):
        terms: dict[Any, sympy.Expr] = {}
        for (i, j, l), coefficient in kernel.terms:
            if l or keeps_constant:
                terms[i, j, 0] = terms.get((i, j, 0), 0) + (coefficient / vocab_size if l else coefficient)
        label = PaddedShape(lower, vocab_size)
        if symbolic or label.exists(int(vocab_size)):
            part = KernelPolynomial(tuple((key, sympy.factor(c)) for key, c in sorted(terms.items())))
            yield part, label if symbolic else label.at(int(vocab_size))


def _context_blocks(kernel: KernelPolynomial, measure: Any, degree: sympy.Expr, extra_token: str | None) -> tuple[Block, ...]:
    vocab_size = sympy.sympify(measure.vocab_size)
    if not vocab_size.is_Integer:
        if extra_token == "last":
            blocks = _without_last(affine_blocks(kernel, vocab_size, degree + 1))
        else:
            blocks = affine_blocks(kernel, vocab_size, degree)
        if degree.is_Integer:
            blocks = [_numbered(block, int(degree)) for block in blocks if block.shape.exists(int(degree))]
        return tuple(blocks)
    if vocab_size > _LARGEST_VOCABULARY:
        return tuple(_large_vocabulary_blocks(kernel, measure, degree, extra_token))
    return _solved_blocks(kernel, measure, degree, extra_token)


def _large_vocabulary_blocks(kernel: KernelPolynomial, measure: Any, degree: sympy.Expr, extra_token: str | None) -> Iterator[Block]:
    """Kernels of degree one under uniform tokens by their closed form in V, at the number of tokens."""
    vocab_size = int(measure.vocab_size)
    if not isinstance(measure, UniformTokens) or any(i + j > 1 for (i, j, _), _ in kernel.terms):
        raise SizeLimitError(
            f"vocab_size must be at most {_LARGEST_VOCABULARY} for this kernel and measure, got {vocab_size}: the test functions "
            "are as many as monomials in the token counts; uniform tokens and a kernel of degree 1 in u and m allow any size"
        )
    for block in _context_blocks(kernel, UniformTokens(vocabulary_symbol), degree, extra_token):
        token_shape = block.token_shape.at(vocab_size)
        numbers = {vocabulary_symbol: vocab_size}
        yield replace(
            block,
            token_shape=token_shape,
            matrix=block.matrix.subs(numbers),
            degeneracy=_plain(sympy.factor(sympy.sympify(block.degeneracy).subs(numbers))),
        )


def _without_last(blocks: list[Block]) -> list[Block]:
    """Blocks of a kernel that treats all n positions alike, by the irreps of the permutations of the first n - 1.

    Branching: (n) restricts to (n-1), and (n-1,1) to (n-1) and (n-2,1).
    """
    restricted = []
    for block in blocks:
        degree = block.shape.degree - 1
        token_dimension = block.degeneracy / block.shape.dimension
        for lower in ((), (1,)) if block.shape.depth else ((),):
            shape = PaddedShape(lower, degree)
            degeneracy = sympy.factor(shape.dimension * token_dimension)
            restricted.append(Block(shape, block.token_shape, None, block.matrix, block.basis, degeneracy))
    return restricted


def _numbered(block: Block, degree: int) -> Block:
    return Block(block.shape.at(degree), block.token_shape, block.query_shape, block.matrix, block.basis, block.degeneracy)


@lru_cache(maxsize=256)
def _solved_blocks(kernel: KernelPolynomial, measure: Any, degree: sympy.Expr, extra_token: str | None) -> tuple[Block, ...]:
    blocks = []
    for shape in reached_shapes(kernel, int(measure.vocab_size), degree):
        for token_shape in token_shapes(measure):
            block = _solved_block(BlockProblem(kernel, measure, shape, extra_token), token_shape)
            if block is not None and any(eigenvalue != 0 for eigenvalue, _ in block.eigenvalues):
                blocks.append(block)
    return tuple(blocks)


def _solved_block(problem: BlockProblem, token_shape: Partition | None) -> Block | None:
    basis = problem.functions.basis(token_shape)
    if not len(basis):
        return None
    degree = problem.shape.degree
    shape = problem.shape.at(int(degree)) if degree.is_Integer else problem.shape
    degeneracy = sympy.factor(problem.shape.dimension * (1 if token_shape is None else token_shape.dimension))
    return Block(shape, token_shape, None, problem.matrix(basis), basis.expressions(), _plain(degeneracy))


def _whole_block(kernel: KernelPolynomial, measure: Any, degree: sympy.Expr, extra_token: str | None, shape: Any) -> Block:
    if not sympy.sympify(measure.vocab_size).is_Integer:
        raise InvalidArgumentError(f"token_shape must be given where vocab_size is a symbol, got None for shape {shape}")
    padded = shape if isinstance(shape, PaddedShape) else PaddedShape(shape.parts[1:], degree)
    block = _solved_block(BlockProblem(kernel, measure, padded, extra_token), None)
    if block is None:
        raise InvalidArgumentError(f"shape must have at most {measure.vocab_size} rows, got {shape}")
    return block


def _expected_trace(kernel: KernelPolynomial, measure: Any, length: sympy.Expr) -> sympy.Expr:
    vocab_size = sympy.sympify(measure.vocab_size)
    if vocab_size.is_Integer and vocab_size <= _LARGEST_VOCABULARY:
        return sympy.factor(kernel_trace(kernel, measure, length))
    # larger and symbolic vocabularies have uniform tokens and kernels of degree one in u
    overlap = length + length * (length - 1) / vocab_size
    return sympy.factor(sum(c * overlap**i * length**j for (i, j, _), c in kernel.terms))


def _stable_from(kernel: KernelPolynomial, blocks: tuple[Block, ...], extra_token: str | None) -> int:
    """The length from which the symbolic blocks are those of every length.

    On the shape (n-k, mu) a kernel of degree r in m leaves polynomials of degree r - k in m on the positions of row one
    outside the columns of mu, so there must be at least r - k of them: n >= r + mu_1. Where k = r one less will do,
    because the dimension polynomial vanishes one step before the shape exists.
    """
    degree = kernel.match_degree
    needed = [degree + max(_lower(block).parts, default=0) - (_lower(block).size == degree > 0) for block in blocks]
    return max(needed, default=1) + (1 if extra_token == "last" else 0) or 1


def _lower(block: Block) -> Partition:
    return block.shape.lower if isinstance(block.shape, PaddedShape) else Partition(block.shape.parts[1:])


def _solve_anew(net: Any, measure: Any, length: sympy.Expr, values: dict[str, Any]) -> Spectrum:
    return spectrum(*_substituted(net, measure, length, values))


def _substituted(net: Any, measure: Any, length: sympy.Expr, values: dict[str, Any]) -> tuple[Any, Any, Any]:
    exact = {name: as_parameter(value, name) for name, value in values.items()}
    if "L" in exact and length == length_symbol:
        length = values["L"]
    if isinstance(measure, UniformTokens) and "V" in exact:
        measure = iid_uniform(values["V"])
    if isinstance(net, Network):
        known = {symbol.name for symbol in net.parameters()}
        net = net.substitute(**{name: value for name, value in exact.items() if name in known})
    else:
        net = _replace_names(net, {name: value for name, value in exact.items() if name != "L"})
    return net, _measure_with(measure, exact), length


def _measure_with(measure: Any, exact: dict[str, sympy.Expr]) -> Any:
    if isinstance(measure, UniformTokens):
        return measure
    weights = tuple(_replace_names(w, exact) for w in measure.weights)
    return FrozenMixture(weights, tuple(tuple(_replace_names(h, exact) for h in row) for row in measure.distributions))


def _replace_names(expression: sympy.Expr, exact: dict[str, sympy.Expr]) -> sympy.Expr:
    return expression.xreplace({s: exact[s.name] for s in expression.free_symbols if s.name in exact})


def _plain(value: Any) -> Any:
    """Integers of sympy as Python integers."""
    return int(value) if getattr(value, "is_Integer", False) else value
