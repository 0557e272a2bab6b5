"""``spectrum(net, measure, length)``: one door to closed forms and exact numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache, partial
from itertools import product
from typing import Any

import sympy

from symrep.combinatorics.partitions import Partition
from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError, require
from symrep.kernels.joint_counts import NetworkKernel
from symrep.kernels.network import Network
from symrep.kernels.overlaps import length_symbol, vocabulary_symbol
from symrep.measures import ExchangeableMeasure, UniformTokens, as_exchangeable
from symrep.representations.stable import PaddedShape
from symrep.spectra.isotypic_block import Block, at_known_degree, blocks_with_progress
from symrep.spectra.kernel_polynomials import KernelPolynomial
from symrep.spectra.solver_arguments import kernel_at, measure_at_length, read_length, read_network, substituted
from symrep.spectra.spectrum import Spectrum, power_or_number
from symrep.spectra.symbolic import BlockProblem, kernel_trace, reached_shapes, token_shapes
from symrep.spectra.symbolic_vocabulary import smallest_vocabulary, symbolic_trace, symbolic_vocabulary_blocks
from symrep.spectra.token_sectors import query_sectors

_LARGEST_VOCABULARY = 10


def spectrum(
    net: Network | NetworkKernel | sympy.Expr,
    measure: ExchangeableMeasure,
    length: Any = length_symbol,
    *,
    progress: bool = False,
) -> Spectrum:
    r"""The spectrum of the integral operator :math:`f \mapsto \mathbb{E}_y K(\cdot, y) f(y)`, exact, irrep by irrep.

    Parameters
    ----------
    net
        A network with a polynomial kernel (``net.joint_count_kernel("ntk")`` for its NTK), or the kernel itself as a
        polynomial in u and m, and in u_xx and u_yy if it does not change when these two are exchanged.
    measure
        An exchangeable measure; numbers in it may be symbols. With a symbol for the vocabulary size
        (``measures.iid_uniform()``) every term may read at most 4 positions: u, m and g one each, u_xx two. An urn needs a
        length that is a number, at most its size.
    length
        The context length L: an integer of at least 1, or the symbol L (default), which keeps everything a function of L.
        A last-token readout counts the last token in L; a query token comes on top of L.
    progress
        Whether to show a bar over the blocks. The eigenvalues, which are otherwise found where they are first asked for,
        are found under it too.

    Returns
    -------
    Spectrum
        Levels labelled by the irreps of the permutations of positions, and of the renaming of tokens where the measure
        has that symmetry. Symbolic levels hold from ``stable_from`` on; integers are solved at their length.

    Raises
    ------
    InvalidArchitectureError
        When the network has no readout, or a layer that is not polynomial.
    NotInvariantError
        When a layer tells the positions apart.
    InvalidArgumentError
        When the length is below 1 or beyond an urn, or the kernel changes under the exchange of u_xx and u_yy.

    Notes
    -----
    The cost grows with the degree of the kernel and the vocabulary, not with the length; for two blocks of linear
    attention it is long enough for ``progress``. Derivation: a kernel of degree r
    in m reaches the shapes (n-k, mu) with k <= r; on each, the operator acts on test functions through factorial moments.
    The counts u_xx and u_yy come from polynomial nonlinearities behind attention; they are the same under permutations,
    so they multiply the image and the test function, and reach no further shapes.

    Examples
    --------
    >>> from symrep import kernels, measures
    >>> net = kernels.serial(kernels.TokenEmbedding(), kernels.Positions(), kernels.LinearAttention(), kernels.MeanPool())
    >>> s = spectrum(net, measures.iid_uniform(2))
    >>> s.block((1,), (1, 1)).eigenvalues
    ((a*p*(L*a + 2*p)/(2*L), 1),)
    >>> sympy.expand(s.trace() - s.expected_trace)
    0
    >>> ntk = spectrum(net.joint_count_kernel("ntk"), measures.iid_uniform(2))
    >>> ntk.block((1,), (1, 1)).eigenvalues
    ((7*a*p*(L*a + 2*p)/(2*L), 1),)
    """
    kernel, extra_token, architecture = read_network(net)
    measure = as_exchangeable(measure, _number_of_tokens(length, extra_token))
    length = read_length(length, extra_token, measure)
    vocab_size = sympy.sympify(measure.vocab_size)
    kernel = kernel_at(kernel, length, vocab_size)
    tokens = measure_at_length(measure, length)
    context_degree = length - 1 if extra_token == "last" else length
    require(isinstance(progress, bool), "progress", "must be True or False", progress, InvalidTypeError)
    blocks = tuple(_blocks(kernel, tokens, context_degree, extra_token, progress))

    names = {symbol.name for symbol in (net.parameters() if isinstance(net, Network | NetworkKernel) else ())}
    names -= {vocabulary_symbol.name} if vocab_size.is_Integer else set()
    return Spectrum(
        architecture,
        measure,
        _plain(length),
        blocks,
        power_or_number(vocab_size, length + (1 if extra_token == "query" else 0)),
        _expected_trace(kernel, tokens, length),
        partial(_solve_anew, net, measure, length),
        partial(_whole_block, kernel, tokens, context_degree, extra_token),
        _stable_from(kernel, blocks, extra_token),
        frozenset(names),
        _closed_from(kernel, vocab_size, extra_token),
        net,
    )


def _blocks(
    kernel: KernelPolynomial, measure: Any, degree: sympy.Expr, extra_token: str | None, progress: bool
) -> Iterator[Block]:
    if extra_token == "query" and isinstance(measure, UniformTokens):
        yield from blocks_with_progress(_query_blocks(kernel, measure, degree), None, progress)
    else:
        yield from _context_blocks(kernel, measure, degree, extra_token, progress)


def _query_blocks(kernel: KernelPolynomial, measure: Any, degree: sympy.Expr) -> Iterator[Block]:
    for part, query_shape in query_sectors(kernel, measure):
        for block in _context_blocks(part, measure, degree, None, progress=False):
            degeneracy = sympy.factor(block.degeneracy * query_shape.dimension)
            yield Block(block.shape, block.token_shape, query_shape, block.matrix, block.basis, _plain(degeneracy))


def _context_blocks(
    kernel: KernelPolynomial, measure: Any, degree: sympy.Expr, extra_token: str | None, progress: bool
) -> Iterator[Block]:
    vocab_size = sympy.sympify(measure.vocab_size)
    if vocab_size.is_Integer and vocab_size <= _LARGEST_VOCABULARY:
        shapes = reached_shapes(kernel, int(vocab_size), degree)
        labels = tuple(product(shapes, token_shapes(measure)))
        solved = (_solved_block(kernel, measure, shape, extra_token, own) for shape, own in labels)
        found = blocks_with_progress(solved, len(labels), progress)
        return (block for block in found if block is not None and not block.is_zero)
    if not isinstance(measure, UniformTokens):
        raise SizeLimitError(
            f"vocab_size must be at most {_LARGEST_VOCABULARY} for this measure, got {vocab_size}: the test functions are as "
            "many as monomials in the token counts; uniform tokens allow any size"
        )
    return iter(symbolic_vocabulary_blocks(kernel, vocab_size, degree, extra_token, progress=progress))


def _number_of_tokens(length: Any, extra_token: str | None) -> Any:
    return length + (extra_token == "query") if isinstance(length, int | sympy.Integer) else length


# the token shapes of a shape come one behind the other
_problem = lru_cache(maxsize=1)(BlockProblem)


@lru_cache(maxsize=4096)
def _solved_block(
    kernel: KernelPolynomial,
    measure: Any,
    padded: PaddedShape,
    extra_token: str | None,
    token_shape: Partition | None,
) -> Block | None:
    problem = _problem(kernel, measure, padded, extra_token)
    basis = problem.functions.basis(token_shape)
    if not len(basis):
        return None
    shape = at_known_degree(problem.shape)
    degeneracy = sympy.factor(problem.shape.dimension * (1 if token_shape is None else token_shape.dimension))
    return Block(shape, token_shape, None, problem.matrix(basis), basis.expressions(), _plain(degeneracy))


def _whole_block(
    kernel: KernelPolynomial, measure: Any, degree: sympy.Expr, extra_token: str | None, shape: Any
) -> Block:
    padded = shape if isinstance(shape, PaddedShape) else PaddedShape(shape.parts[1:], degree)
    block = _solved_block(kernel, measure, padded, extra_token, None)
    if block is None:
        raise InvalidArgumentError(f"shape must have at most {measure.vocab_size} rows, got {shape}")
    return block


def _expected_trace(kernel: KernelPolynomial, measure: Any, length: sympy.Expr) -> sympy.Expr:
    vocab_size = sympy.sympify(measure.vocab_size)
    if vocab_size.is_Integer and vocab_size <= _LARGEST_VOCABULARY:
        return sympy.factor(kernel_trace(kernel, measure, length))
    return symbolic_trace(kernel, vocab_size, length)


def _stable_from(kernel: KernelPolynomial, blocks: tuple[Block, ...], extra_token: str | None) -> int:
    """The length from which the symbolic blocks are those of every length.

    On the shape (n-k, mu) a kernel of degree r in m leaves polynomials of degree r - k in m on the positions of row one
    outside the columns of mu, so there must be at least r - k of them: n >= r + mu_1. Where k = r one less will do,
    because the dimension polynomial vanishes one step before the shape exists. Powers of u, u_xx and u_yy ask for nothing:
    they are products of counts of x and counts of y, and a test function that is 0 on all sequences has the image 0.
    """
    degree = kernel.match_degree
    needed = [degree + max(_lower(block).parts, default=0) - (_lower(block).size == degree > 0) for block in blocks]
    return max(needed, default=1) + (1 if extra_token == "last" else 0) or 1


def _closed_from(kernel: KernelPolynomial, vocab_size: sympy.Expr, extra_token: str | None) -> int:
    """The number of tokens from which blocks with V a symbol are those of every V."""
    if vocab_size.is_Integer:
        return 1
    return smallest_vocabulary(kernel.for_query(1 / vocab_size, True) if extra_token == "query" else kernel)


def _lower(block: Block) -> Partition:
    return block.shape.lower if isinstance(block.shape, PaddedShape) else Partition(block.shape.parts[1:])


def _solve_anew(net: Any, measure: Any, length: sympy.Expr, values: dict[str, Any]) -> Spectrum:
    return spectrum(*substituted(net, measure, length, values))


def _plain(value: Any) -> Any:
    """Integers of sympy as Python integers."""
    return int(value) if getattr(value, "is_Integer", False) else value
