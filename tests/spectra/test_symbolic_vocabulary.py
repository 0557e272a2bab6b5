"""Closed forms in L and V against the solver of a numeric vocabulary, the dense oracle, traces and typed formulas."""

from __future__ import annotations

from collections import defaultdict
from math import comb

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import Partition, kernels, measures, partitions, spectrum
from symrep.errors import InvalidArgumentError, SizeLimitError
from symrep.kernels.overlaps import first_overlap_symbol as u_xx
from symrep.kernels.overlaps import length_symbol as L
from symrep.kernels.overlaps import matches_symbol as m
from symrep.kernels.overlaps import overlap_symbol as u
from symrep.kernels.overlaps import second_overlap_symbol as u_yy
from symrep.kernels.overlaps import vocabulary_symbol as V
from symrep.representations.stable import PaddedShape
from symrep.spectra.dense import dense_spectrum
from symrep.spectra.kernel_polynomials import KernelPolynomial
from symrep.spectra.symbolic import BlockProblem, kernel_trace, reached_shapes
from symrep.spectra.symbolic_vocabulary import smallest_vocabulary, symbolic_trace, symbolic_vocabulary_blocks

x = sympy.Symbol("x")
a, p = sympy.symbols("a p", positive=True)


def polynomial(expression):
    return KernelPolynomial.from_expression(sympy.sympify(expression))


def linear_block(readout):
    """The polynomial, the extra token and the number of permuted positions."""
    net = kernels.architecture("linear-block", readout)
    return polynomial(net.overlap_polynomial()), net.extra_token, L - 1 if readout == "last" else L


@st.composite
def kernel_polynomials(draw, degree, with_g=False):
    monomials = [(i, j, l) for i in range(degree + 1) for j in range(degree + 1 - i) for l in range(1 + with_g)]
    coefficients = st.fractions(min_value=-3, max_value=3, max_denominator=4).filter(bool)
    terms = draw(st.dictionaries(st.sampled_from(monomials), coefficients, min_size=1, max_size=4))
    return KernelPolynomial(tuple(sorted((key, sympy.Rational(str(c))) for key, c in terms.items())))


def without_zero_roots(matrix):
    coefficients = sympy.Poly(matrix.charpoly(x).as_expr(), x).all_coeffs()
    while len(coefficients) > 1 and sympy.cancel(coefficients[-1]) == 0:
        coefficients.pop()
    return tuple(sympy.cancel(c) for c in coefficients)


def at(label, numbers):
    """The partition at numbers for L and V, or None where there is none; symbolic labels stay if they are not set."""
    if isinstance(label, Partition):
        return label
    degree = label.degree.subs(numbers)
    if not degree.is_Integer:
        return PaddedShape(label.lower, degree)
    return label.at(int(degree)) if label.exists(int(degree)) else None


def characteristic_polynomials(blocks, numbers):
    """Per pair of labels that exist, without zero roots; labels that do not exist must have dimension 0."""
    result = {}
    for block in blocks:
        labels = (at(block.shape, numbers), at(block.token_shape, numbers))
        if labels[1] is None:
            assert sympy.sympify(block.degeneracy).subs(numbers) == 0
        elif labels[0] is not None:
            result[labels] = without_zero_roots(block.matrix.subs(numbers))
    return {labels: coefficients for labels, coefficients in result.items() if len(coefficients) > 1}


def solved_with_numeric_vocabulary(kernel, vocab_size, degree, extra_token=None):
    """The same polynomials by test functions that name every token."""
    measure, result = measures.iid_uniform(vocab_size), {}
    for shape in reached_shapes(kernel, vocab_size, degree):
        for token_shape in partitions(vocab_size):
            problem = BlockProblem(kernel, measure, shape, extra_token)
            basis = problem.functions.basis(token_shape)
            if len(basis):
                result[at(shape, {}), token_shape] = without_zero_roots(problem.matrix(basis))
    return {labels: coefficients for labels, coefficients in result.items() if len(coefficients) > 1}


def gram(kernel):
    """The kernel of arrays of sequences, positions all counted, the last compared by g."""

    def values(first, second):
        same = (first[:, None, :, None] == second[None, :, None, :]).sum(axis=(2, 3))
        agree = (first[:, None, :] == second[None, :, :]).sum(axis=2)
        last = first[:, None, -1] == second[None, :, -1]
        own = [(z[:, :, None] == z[:, None, :]).sum(axis=(1, 2)) for z in (first, second)]
        return sum(
            float(c) * same**i * agree**j * last**l * own[0][:, None] ** k * own[1] ** h
            for (i, j, l), (k, h), c in kernel.all_terms()
        )

    return values


def assert_agrees_with_dense(blocks, numbers, dense):
    expected, found = defaultdict(list), defaultdict(list)
    for level in dense.levels:
        expected[level.shape, level.token_shape] += [level.eigenvalue] * level.degeneracy
    for block in blocks:
        labels = (at(block.shape, numbers), at(block.token_shape, numbers))
        if None not in labels:
            matrix = np.array(block.matrix.subs(numbers).tolist(), dtype=float)
            roots = np.linalg.eigvals(matrix).real
            found[labels] += [root for root in roots for _ in range(labels[0].dimension * labels[1].dimension)]
    scale = max(abs(level.eigenvalue) for level in dense.levels)
    assert set(found) <= set(expected)
    for labels, values in expected.items():
        ours = sorted(found[labels] + [0.0] * (len(values) - len(found[labels])))
        np.testing.assert_allclose(ours, sorted(values), atol=1e-9 * scale, err_msg=str(labels))


def trace(blocks):
    return sum((block.trace * block.degeneracy for block in blocks), sympy.Integer(0))


@settings(max_examples=3, deadline=None)
@given(kernel_polynomials(2))
def test_random_quadratic_kernels_against_the_solver_of_three_tokens(kernel):
    found = characteristic_polynomials(symbolic_vocabulary_blocks(kernel, V, L), {V: 3})
    assert found == solved_with_numeric_vocabulary(kernel, 3, L)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("readout", "vocab_size"), [("pool", 3), ("pool", 4), ("pool", 5), ("flatten", 3), ("flatten", 4)]
)
def test_linear_blocks_against_numeric_vocabularies(readout, vocab_size):
    kernel, extra_token, degree = linear_block(readout)
    found = characteristic_polynomials(symbolic_vocabulary_blocks(kernel, V, degree, extra_token), {V: vocab_size})
    net = kernels.architecture("linear-block", readout)
    assert found == characteristic_polynomials(spectrum(net, measures.iid_uniform(vocab_size)).blocks, {})


def test_the_linear_block_with_a_last_token_against_three_tokens():
    kernel, extra_token, degree = linear_block("last")
    found = characteristic_polynomials(symbolic_vocabulary_blocks(kernel, V, degree, extra_token), {V: 3})
    assert found == solved_with_numeric_vocabulary(kernel, 3, degree, extra_token)


@settings(max_examples=5, deadline=None)
@given(kernel_polynomials(2, with_g=True), st.sampled_from([(3, 1), (3, 2), (5, 1), (6, 1), (3, 3)]))
def test_random_kernels_with_a_last_token_against_the_dense_oracle(kernel, sizes):
    vocab_size, degree = sizes
    vocab_size = max(vocab_size, smallest_vocabulary(kernel))
    if vocab_size**degree > 27:
        degree = 1
    dense = dense_spectrum(gram(kernel), vocab_size, degree, extra_tokens=1, token_symmetry=True)
    for size in (V, vocab_size):
        blocks = symbolic_vocabulary_blocks(kernel, size, degree, "last")
        assert_agrees_with_dense(blocks, {V: vocab_size}, dense)


@settings(max_examples=8, deadline=None)
@given(kernel_polynomials(2), st.sampled_from([(3, 1), (3, 2), (3, 3), (4, 2), (4, 3), (5, 2), (3, 4)]))
def test_random_kernels_at_short_lengths_against_the_dense_oracle(kernel, sizes):
    vocab_size, length = sizes
    dense = dense_spectrum(gram(kernel), vocab_size, length, token_symmetry=True)
    for size in (V, vocab_size):
        assert_agrees_with_dense(symbolic_vocabulary_blocks(kernel, size, length), {V: vocab_size}, dense)


@settings(max_examples=4, deadline=None)
@given(kernel_polynomials(2), st.integers(3, 9))
def test_a_symbolic_length_holds_from_the_length_of_numeric_vocabularies_on(kernel, vocab_size):
    deepest = [2 * kernel.match_degree - (kernel.match_degree > 0), 1]
    for length in (max(deepest), max(deepest) + 1):
        numbers = {L: length, V: vocab_size}
        symbolic = characteristic_polynomials(symbolic_vocabulary_blocks(kernel, V, L), numbers)
        assert symbolic == characteristic_polynomials(symbolic_vocabulary_blocks(kernel, vocab_size, length), {})


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(kernel_polynomials(2, with_g=True))
def test_traces_with_two_symbols(kernel):
    blocks = symbolic_vocabulary_blocks(kernel, V, L - 1, "last")
    assert sympy.simplify(trace(blocks) - symbolic_trace(kernel, V, L)) == 0


@pytest.mark.parametrize(
    ("kernel", "vocab_size", "length"),
    [(2 * u_xx * u_yy - m, 5, 2), (u_xx + u_yy + m, 4, 3)],
)
def test_counts_of_one_sequence_alone(kernel, vocab_size, length):
    kernel = polynomial(kernel)
    dense = dense_spectrum(gram(kernel), vocab_size, length, token_symmetry=True)
    blocks = symbolic_vocabulary_blocks(kernel, V, length)
    assert_agrees_with_dense(blocks, {V: vocab_size}, dense)
    assert sympy.simplify(trace(blocks) - symbolic_trace(kernel, V, length)) == 0


@pytest.mark.parametrize("vocab_size", [1, 2, 5])
def test_the_symbolic_trace_against_the_moments_of_numeric_vocabularies(vocab_size):
    kernel = polynomial(u**4 - 2 * u**3 * m + a * u**2 + m**3 + 5 + u * u_xx * u_yy)
    expected = kernel_trace(kernel, measures.iid_uniform(vocab_size), L)
    assert sympy.expand(symbolic_trace(kernel, V, L).subs(V, vocab_size) - expected) == 0
    assert sympy.expand(symbolic_trace(kernel, vocab_size, L) - expected) == 0


@pytest.mark.parametrize(
    ("kernel", "extra_token"),
    [((1 + u + m) ** 2, None), (1 + u + m, "last"), pytest.param((1 + m) ** 3, None, marks=pytest.mark.slow)],
)
def test_blocks_fill_the_functions_of_bounded_degree(kernel, extra_token):
    """Multiplicity times dimension, summed: functions that read at most r positions number C(n, j) (V-1)^j, j <= r."""
    kernel = polynomial(kernel)
    degree = max(i + j for (i, j, _), _ in kernel.terms)
    blocks = symbolic_vocabulary_blocks(kernel, V, L, extra_token)
    found = sum(block.size * block.degeneracy for block in blocks)
    sizes = [(j, last) for j in range(degree + 1) for last in range(1 + (extra_token == "last")) if j + last <= degree]
    expected = sum(sympy.ff(L, j) / sympy.factorial(j) * (V - 1) ** (j + last) for j, last in sizes)
    assert sympy.expand(found - sympy.expand_func(expected)) == 0


def test_multiplicities_of_quadratic_kernels():
    """Sym^2 and Lambda^2 of the functions of zero mean, split by the renaming of tokens, by hand."""
    blocks = symbolic_vocabulary_blocks(polynomial((1 + u + m) ** 2), V, L)
    expected = {"(L)": [2, 2, 1, 0], "(L-1,1)": [1, 2, 1, 1], "(L-2,2)": [1, 1, 1, 0], "(L-2,1,1)": [0, 0, 0, 1]}
    token_shapes = ["(V)", "(V-1,1)", "(V-2,2)", "(V-2,1,1)"]
    table = {(shape, t): size for shape, sizes in expected.items() for t, size in zip(token_shapes, sizes) if size}
    assert {(str(b.shape), str(b.token_shape)): b.size for b in blocks} == table


def test_kernels_of_m_have_krawtchouk_eigenvalues():
    """m = sum_s (1 + h_s)/V where h_s reproduces functions of zero mean of one position, h_s^2 = V - 1 + (V - 2) h_s."""
    by_degree = [(L**2 + L * (V - 1)) / V**2, (2 * L + V - 2) / V**2, 2 / V**2]
    occurring = {"(L)": {"(V)": [0, 2], "(V-1,1)": [1, 2]}, "(L-1,1)": {"(V)": [2], "(V-1,1)": [1, 2]}}
    for block in symbolic_vocabulary_blocks(polynomial(m**2), V, L):
        degrees = occurring.get(str(block.shape), {}).get(str(block.token_shape), [2])
        expected = sympy.prod(x - by_degree[degree] for degree in degrees)
        assert block.matrix.is_diagonal(), "centred functions have a definite degree"
        assert sympy.simplify(block.characteristic_polynomial.as_expr() - expected) == 0


def test_the_pooled_linear_block_in_closed_form():
    blocks = {
        (b.shape.lower.parts, b.token_shape.lower.parts): b
        for b in symbolic_vocabulary_blocks(linear_block("pool")[0], V, L)
    }
    typed = {
        ((), (2,)): 2 * a**2 * (L - 1) * (a * L + 2 * p) / (L**2 * V**2),
        ((1,), ()): 2 * a**2 * p * (L - 2) / (L**2 * V**2),
        ((1,), (2,)): 2 * a**2 * p * (L - 2) / (L**2 * V**2),
        ((1,), (1, 1)): 2 * a**2 * p / (L * V**2),
    }
    determinants = {
        ((), ()): 2
        * a**2
        * (L - 1)
        * (a * L + 2 * p)
        * (a * L + p * V)
        * (a**2 * L + 2 * a * p + p**2 * V)
        / (L**2 * V**4),
        ((1,), (1,)): 4 * a**3 * p**2 * (L - 2) * (a * L + p * V) / (L**3 * V**4),
    }
    own = {s: {"a": a, "p": p}[s.name] for b in blocks.values() for s in b.matrix.free_symbols if s.name in "ap"}
    for labels, eigenvalue in typed.items():
        assert sympy.simplify(blocks[labels].matrix[0].subs(own) - eigenvalue) == 0
    for labels, determinant in determinants.items():
        assert sympy.simplify(blocks[labels].matrix.det().subs(own) - determinant) == 0


def test_the_smallest_vocabulary_is_not_smaller():
    """With two tokens squares of counts add no new antisymmetric function, and (V-2,2) has dimension -1."""
    kernel = polynomial(u**2)
    assert smallest_vocabulary(kernel) == 3
    numbers = {V: 2}
    found = characteristic_polynomials(
        [b for b in symbolic_vocabulary_blocks(kernel, V, L) if b.token_shape.exists(2)], numbers
    )
    assert found != solved_with_numeric_vocabulary(kernel, 2, L)
    assert [smallest_vocabulary(polynomial(k)) for k in (5, u - m, u * m**2)] == [1, 1, 5]


def test_large_numbers_of_tokens_and_positions():
    kernel = polynomial(a**2 * u**2 / 16 + p * u * m / 3 + a * m)
    symbolic = symbolic_vocabulary_blocks(kernel, V, L)
    numbered = symbolic_vocabulary_blocks(kernel, 50_000, 128)
    assert [b.matrix.subs({V: 50_000, L: 128}).applyfunc(sympy.factor) for b in symbolic] == [
        b.matrix for b in numbered
    ]
    assert numbered[2].token_shape == Partition((49_998, 2)) and numbered[2].degeneracy == comb(50_000, 2) - 50_000
    assert sympy.expand(trace(numbered) - symbolic_trace(kernel, 50_000, 128)) == 0


@pytest.mark.slow
def test_a_cubic_kernel_against_its_trace_and_five_tokens():
    kernel = polynomial(4 * u**2 * m + u * m / 2 - m**3 + 3)
    blocks = symbolic_vocabulary_blocks(kernel, V, L)
    assert sympy.simplify(trace(blocks) - symbolic_trace(kernel, V, L)) == 0
    dense = dense_spectrum(gram(kernel), 5, 3, token_symmetry=True)
    assert_agrees_with_dense(symbolic_vocabulary_blocks(kernel, V, 3), {V: 5}, dense)


@pytest.mark.parametrize(
    ("kernel", "vocab_size", "length", "extra_token", "message"),
    [
        (KernelPolynomial((((1, 0, 1), sympy.Integer(2)),)), V, L, None, "kernel must not contain g"),
        (polynomial(u**2), 2, L, None, "vocab_size must be at least 3 for this kernel, got 2"),
        (polynomial(u), V, 0, None, "length must be at least 1"),
        (polynomial(u), V, sympy.Rational(3, 2), None, "length must be an integer or a symbol, got 3/2"),
        (polynomial(u), 2.5, L, None, "vocab_size must be an integer or a symbol, got 2.5"),
        (polynomial(u), V, L, "query", "extra_token must be None or \"last\", got 'query'"),
    ],
)
def test_what_is_refused(kernel, vocab_size, length, extra_token, message):
    with pytest.raises(InvalidArgumentError, match=message):
        symbolic_vocabulary_blocks(kernel, vocab_size, length, extra_token)


@pytest.mark.parametrize("kernel", [m**5, u_xx**2 * u_yy**2 * m])
def test_high_degrees_are_refused(kernel):
    with pytest.raises(
        SizeLimitError, match="kernel must read at most 4 positions at once for any number of tokens, got 5"
    ):
        symbolic_vocabulary_blocks(polynomial(kernel), V, L)


def test_a_last_token_alone():
    kernel = polynomial(u)
    blocks = symbolic_vocabulary_blocks(kernel, V, 0, "last")
    assert sympy.simplify(trace(blocks) - symbolic_trace(kernel, V, 1)) == 0 and len(blocks) == 2


def test_terms_without_the_query_token_count_for_the_smallest_vocabulary():
    from symrep.spectra.solver import _closed_from

    one = sympy.Integer(1)
    kernel = KernelPolynomial((((0, 0, 1), one), ((2, 0, 0), one)))
    assert _closed_from(kernel, V, "query") == 3
