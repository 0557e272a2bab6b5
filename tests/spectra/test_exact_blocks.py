"""Exact block spectra against the Gram matrix of all sequences, the symbolic solver, and classical eigenvalues."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from functools import cache
from math import comb, factorial, prod

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import (
    Partition,
    block_spectrum,
    compare_spectra,
    cumulative_trace,
    kernels,
    measures,
    partitions,
    spectrum,
    testing,
)
from symrep.errors import (
    FreeSymbolError,
    InvalidArchitectureError,
    InvalidArgumentError,
    InvalidPartitionError,
    InvalidTypeError,
    NotInvariantError,
    SizeLimitError,
)
from symrep.kernels.overlaps import first_overlap_symbol, matches_symbol, overlap_symbol, second_overlap_symbol
from symrep.spectra import exact_roots
from symrep.spectra.column_space import ColumnSpace
from symrep.spectra.count_tables import count_tables
from symrep.spectra.exact import exact_block, exact_characteristic_polynomial
from symrep.spectra.exact_blocks import ExactBlock, exact_block_spectrum
from symrep.spectra.exact_column_space import RationalSubspace
from symrep.spectra.exact_roots import IsolatedRoot, number_of_roots_above, rational_factors

x = sympy.Symbol("x")
POLYNOMIAL = (
    kernels.TokenEmbedding(1),
    kernels.Positions("1/2"),
    kernels.LinearAttention(),
    kernels.Polynomial([1, -1, "1/2"]),
)


def random_kernel(seed, bits=8):
    """Independent random rationals at all joint count tables, symmetric."""

    @cache
    def value(table):
        generator = random.Random(repr((table, seed)))
        return Fraction(generator.randrange(-(2**bits), 2**bits), generator.randrange(1, 6))

    def kernel(N):
        transposed = tuple(zip(*N))
        return value(min(N, transposed))

    return kernel


def generic_kernel(N):
    """A rational function of the joint counts without any structure but symmetry."""
    tokens = range(len(N))
    mixed = sum((v + 1) * (w + 1) * (v + w + 2) * N[v][w] for v in tokens for w in tokens)
    matches = sum(N[v][v] for v in tokens)
    return Fraction(mixed * mixed % 101 + matches * matches, 7)


def joint_table(first, second, vocab_size):
    pairs = list(zip(first, second))
    return tuple(tuple(pairs.count((v, w)) for w in range(vocab_size)) for v in range(vocab_size))


def expected_polynomial(kernel, measure, length, shape):
    """det(x - block) from the Gram matrix of all sequences."""
    vocab_size = measure.vocab_size

    def probability(sequence):
        return Fraction(*measure.probability(sequence).as_numer_denom())

    def gram(first, second):
        return kernel(joint_table(first, second, vocab_size))

    polynomial = exact_characteristic_polynomial(gram, vocab_size, length, shape, probability)
    return polynomial.all_coeffs()


def found_polynomial(found, shape):
    """det(x - block), where blocks without eigenvalues are left out."""
    if shape in found.shapes:
        return found.block(shape).characteristic_polynomial.all_coeffs()
    return [1] + [0] * len(RationalSubspace(ColumnSpace(shape, found.vocab_size)).pivots)


def any_measure(vocab_size):
    concentrations = st.lists(st.sampled_from(["1/2", 1, "4/3", 3]), min_size=vocab_size, max_size=vocab_size)
    contents = st.lists(st.integers(2, 4), min_size=vocab_size, max_size=vocab_size)
    return st.one_of(
        testing.measures(vocab_size),
        concentrations.map(measures.dirichlet_multinomial),
        contents.map(lambda own: measures.urn([own[0] + 2, *own[1:]])),
    )


@given(
    st.sampled_from([(1, 3), (2, 1), (2, 2), (2, 3), (2, 4), (3, 2), (3, 3), (4, 2)]),
    st.integers(0, 2**20),
    st.sampled_from([8, 80]),
    st.data(),
)
@settings(max_examples=25, deadline=None)
def test_random_kernels_and_measures_against_the_gram_matrix(sizes, seed, bits, data):
    vocab_size, length = sizes
    measure, kernel = data.draw(any_measure(vocab_size)), random_kernel(seed, bits)
    found = exact_block_spectrum(kernel, measure, length)
    for shape in partitions(length, max_length=vocab_size):
        assert found_polynomial(found, shape) == expected_polynomial(kernel, measure, length, shape)
    assert found.trace() == found.expected_trace
    assert found.total_dimension == vocab_size**length


@pytest.mark.parametrize(
    ("vocab_size", "length", "shape"), [(3, 4, (2, 2)), (3, 4, (2, 1, 1)), (4, 3, (2, 1)), (2, 5, (3, 2))]
)
def test_deeper_shapes_against_the_gram_matrix(vocab_size, length, shape):
    measure = measures.iid([sympy.Rational(2 * v + 1, vocab_size**2) for v in range(vocab_size)])
    found = exact_block_spectrum(generic_kernel, measure, length, shapes=[shape])
    expected = expected_polynomial(generic_kernel, measure, length, shape)
    assert found.block(shape).characteristic_polynomial.all_coeffs() == expected


@pytest.mark.parametrize("readout", [kernels.LastToken(), kernels.QueryToken(2, "1/3"), kernels.MeanPool()], ids=repr)
def test_polynomial_networks_and_extra_tokens(readout):
    """A polynomial nonlinearity behind attention: its kernel has u_xx and u_yy, beyond the symbolic solver."""
    net = kernels.serial(*POLYNOMIAL, readout)
    measure, length = measures.frozen_mixture(["1/3", "2/3"], [["1/4", "3/4"], ["2/3", "1/3"]]), 3
    found = exact_block_spectrum(net, measure, length)
    extra = int(net.extra_token is not None)
    moving = length - (net.extra_token == "last")
    for shape in partitions(moving, max_length=2):
        expected = exact_block(
            lambda first, second: Fraction(*net.exact_nngp(first, second).as_numer_denom()),
            2,
            moving,
            shape,
            lambda sequence: Fraction(*measure.probability(sequence).as_numer_denom()),
            extra_tokens=extra,
        )
        block = found.block(shape)
        assert [sympy.QQ.to_sympy(c) for c in expected.charpoly()] == block.characteristic_polynomial.all_coeffs()
        assert len(set(block.sequences)) == block.size
        assert {len(sequence) for sequence in block.sequences} == {moving + extra}
    assert found.trace() == found.expected_trace


@given(testing.kernels_polynomial(2), st.sampled_from([(2, 3), (2, 6), (3, 4)]), st.data())
@settings(max_examples=12, deadline=None)
def test_polynomials_against_the_symbolic_solver(kernel, sizes, data):
    vocab_size, length = sizes
    measure = data.draw(testing.measures(vocab_size))
    found, symbolic = exact_block_spectrum(kernel, measure, length), spectrum(kernel, measure, length)
    assert found.expected_trace == symbolic.expected_trace == found.trace()
    assert found.zero_degeneracy == symbolic.zero_degeneracy
    for shape in partitions(length, max_length=vocab_size):
        assert_same_levels(found, symbolic, shape)


def assert_same_levels(found, symbolic, shape):
    ours, theirs = (numbered_levels(s, shape) for s in (found, symbolic))
    assert [count for _, count in ours] == [count for _, count in theirs]
    assert all(abs(a - b) <= 1e-25 * max(abs(a), abs(b)) for (a, _), (b, _) in zip(ours, theirs))


def numbered_levels(found, shape):
    """Different eigenvalues of a shape to 30 digits, in order, with their degeneracies."""
    counts = {}
    for level in found.levels:
        if level.shape == shape:
            value = next((v for v in counts if abs(v - level.eigenvalue.evalf(30)) <= 1e-25 * abs(v)), None)
            value = level.eigenvalue.evalf(30) if value is None else value
            counts[value] = counts.get(value, 0) + level.degeneracy
    return sorted(counts.items())


@pytest.mark.slow
@pytest.mark.parametrize("readout", ["pool", "last"])
def test_presets_at_length_30(readout):
    net = kernels.architecture("linear-block", readout, token_variance=1, position_variance="1/2")
    first = 30 - (readout == "last")
    shapes = [(first,), (first - 1, 1), (first - 2, 2)]
    for measure in (measures.iid_uniform(2), measures.iid(["1/4", "3/4"])):
        found, symbolic = exact_block_spectrum(net, measure, 30, shapes=shapes), spectrum(net, measure, 30)
        for shape in map(Partition, shapes):
            assert_same_levels(found, symbolic, shape)
            assert found.trace(shape) == symbolic.trace(shape)


def krawtchouk(degree, j, length, vocab_size):
    terms = (
        (-1) ** i * (vocab_size - 1) ** (degree - i) * comb(j, i) * comb(length - j, degree - i)
        for i in range(degree + 1)
    )
    return sum(terms)


@pytest.mark.parametrize(
    ("vocab_size", "length"), [(2, 9), (3, 5), (4, 4), pytest.param(2, 24, marks=pytest.mark.slow)]
)
def test_hamming_scheme(vocab_size, length):
    """Kernels of the matches alone: eigenvalue V^-L sum_j K_j(k) kernel(L - j), binomial(L, k) (V-1)^k times."""
    generator = random.Random(length)
    values = np.array([Fraction(generator.randrange(-99, 99), generator.randrange(1, 9)) for _ in range(length + 1)])
    found = exact_block_spectrum(
        lambda tables: values[np.trace(tables, axis1=1, axis2=2)], measures.iid_uniform(vocab_size), length
    )
    expected = {}
    for k in range(length + 1):
        own = (
            sum(krawtchouk(j, k, length, vocab_size) * values[length - j] for j in range(length + 1))
            / vocab_size**length
        )
        expected[sympy.Rational(own)] = comb(length, k) * (vocab_size - 1) ** k
    counted = {}
    for level in found.levels:
        counted[level.eigenvalue] = counted.get(level.eigenvalue, 0) + level.degeneracy
    assert counted == expected


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 12), (3, 5), (4, 3)])
def test_sums_of_squares(vocab_size, length):
    """sum degeneracy eigenvalue^2 = E K(x, y)^2, over joint count tables; traces from the diagonal."""
    probabilities = [Fraction(2 * v + 1, vocab_size**2) for v in range(vocab_size)]
    found = exact_block_spectrum(generic_kernel, measures.iid(probabilities), length)
    assert found.trace() == found.expected_trace == sum(found.trace(shape) for shape in found.shapes)
    squares = sum(block.degeneracy * (block.matrix**2).trace() for block in found.blocks)
    expected = Fraction(0)
    for row in count_tables(length, vocab_size**2).tolist():
        N = [row[vocab_size * v : vocab_size * (v + 1)] for v in range(vocab_size)]
        pairs = factorial(length) // prod(map(factorial, row))
        weight = prod(
            (probabilities[v] * probabilities[w]) ** N[v][w] for v in range(vocab_size) for w in range(vocab_size)
        )
        expected += pairs * weight * generic_kernel(N) ** 2
    assert squares == sympy.Rational(expected)


@pytest.mark.parametrize("kernel", [
    generic_kernel,
    lambda N: generic_kernel(N.tolist()) if N.shape == (2, 2) else None,
    lambda tables: [generic_kernel(table) for table in tables],
    lambda tables: np.array([sympy.Rational(generic_kernel(table)) for table in tables]),
], ids=["tuples", "array", "list", "rationals"])  # fmt: skip
def test_kinds_of_kernel_functions(kernel):
    block = exact_block_spectrum(kernel, measures.iid(["1/3", "2/3"]), 4, shapes=[(3, 1)]).block((3, 1))
    expected = exact_block_spectrum(generic_kernel, measures.iid(["1/3", "2/3"]), 4).block((3, 1))
    assert block.matrix == expected.matrix and block.size == 3


def test_integers_do_not_overflow():
    """Vectorised powers beyond int64, and a polynomial that is the same kernel."""
    u, m, u_xx, u_yy = overlap_symbol, matches_symbol, first_overlap_symbol, second_overlap_symbol

    def kernel(tables):
        return np.trace(tables, axis1=1, axis2=2) ** 25 + 10**20 * (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1)

    found = exact_block_spectrum(kernel, measures.iid_uniform(2), 8)
    same = exact_block_spectrum(m**25 + 10**20 * u + 0 * u_xx, measures.iid_uniform(2), 8)
    assert found.expected_trace == 8**25 + 10**20 * 36
    assert [block.matrix for block in found.blocks] == [block.matrix for block in same.blocks]
    named = sympy.sympify("u_xx*u_yy*m/L")
    assert exact_block_spectrum(named, measures.iid_uniform(2), 4).expected_trace == sympy.Rational(
        16**2 * 2 + 8 * 10**2 + 6 * 8**2, 16
    )
    assert exact_block_spectrum(u_xx + u_yy, measures.iid_uniform(2), 4).shapes == (Partition((4,)),)


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 5), (3, 3)])
def test_differences_of_the_largest_short_integers(vocab_size, length):
    """Values fit int64 and their differences do not; four times the values never did."""

    def kernel(N, factor=1):
        matches = sum(N[v][v] for v in range(vocab_size))
        return factor * (-1) ** (matches + N[0][0]) * (2**61 - matches)

    measure = measures.iid([Fraction(2 * v + 1, vocab_size**2) for v in range(vocab_size)])
    found = exact_block_spectrum(kernel, measure, length)
    larger = exact_block_spectrum(lambda N: kernel(N, 4), measure, length)
    assert [4 * block.matrix for block in found.blocks] == [block.matrix for block in larger.blocks]
    assert found.trace() == found.expected_trace


@given(st.integers(2, 7), st.integers(0, 10**6), st.sampled_from([1, 30]))
@settings(max_examples=30, deadline=None)
def test_isolated_roots(degree, seed, spread):
    """Against sympy's count of roots: every bracket of 60 digits holds one, of eigenvalues that may differ by 10^40."""
    generator = random.Random(seed)
    scales = [2 ** generator.randrange(-spread, spread) for _ in range(degree)]
    scales = [sympy.Rational(scale) for scale in scales]
    entries = [[generator.randrange(-9, 10) for _ in range(degree)] for _ in range(degree)]
    matrix = sympy.Matrix(degree, degree, lambda i, j: scales[i] * scales[j] * (entries[i][j] + entries[j][i]))
    polynomial = matrix.charpoly(x).as_poly(x) if hasattr(matrix.charpoly(x), "as_poly") else matrix.charpoly(x)
    for factor, _ in sympy.Poly(polynomial.as_expr(), x, domain="QQ").factor_list()[1]:
        if factor.degree() == 1:
            continue
        roots = [IsolatedRoot(factor.monic().all_coeffs(), index).evalf(60) for index in range(factor.degree())]
        assert roots == sorted(roots, reverse=True)
        for root in map(sympy.Rational, roots):
            width = abs(root) / 10**58
            assert factor.count_roots(root - width, root + width) == 1
        middle = sympy.Rational(1, 4)
        integers = [int(c) for c in factor.clear_denoms(convert=True)[1].all_coeffs()]
        assert number_of_roots_above(integers, 1, 2) == factor.count_roots(middle, None)


@given(st.lists(st.lists(st.integers(-20, 20), min_size=2, max_size=7).filter(lambda c: c[0]), min_size=1, max_size=2))
@settings(max_examples=60, deadline=None)
def test_factors_without_factoring(lists):
    """What primes prove irreducible is so, whatever the degree; nearly all irreducible polynomials are found."""
    product = sympy.prod([sympy.Poly(own, x, domain="QQ") for own in lists])
    expected = {(factor.monic(), power) for factor, power in product.factor_list()[1]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_roots, "_SLOW_DEGREE", 1)
        assert set(rational_factors(product)) == expected
    assert set(rational_factors(product)) == expected


@pytest.mark.parametrize("coefficients", [(1, 0, 0, 0, 0, 1), (1, -4, 6, -4, 2), (1, -3, 3, -2)])
def test_polynomials_with_other_roots_end(coefficients):
    with pytest.raises(InvalidArgumentError, match="polynomial must have distinct and real roots only, got"):
        IsolatedRoot(coefficients, 0).evalf(20)


def test_the_text_of_long_roots():
    short = IsolatedRoot((1, 0, -15, 0, 60, 0, -50), 5)
    assert str(short) == "OrderedRoot((1, 0, -15, 0, 60, 0, -50), 5)" and short < 0
    long = IsolatedRoot(sympy.Poly((x**3 - 3 * x + 1) ** 1 * 10**200 - 10**190, x).all_coeffs(), 0)
    assert str(long).startswith("1.53208888") and str(long).endswith("(root 0 of degree 3)")
    assert sympy.latex(long) == r"\operatorname{root}_{1}\left[p_{3}\right]"


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 5), (3, 4)])
def test_coordinates_are_values_at_the_sequences(vocab_size, length):
    """Eigenfunctions in float64, from orthonormal bases, are eigenvectors of the rational matrix at its sequences."""
    measure = measures.iid([Fraction(2 * v + 1, vocab_size**2) for v in range(vocab_size)])
    numeric = block_spectrum(lambda N: np.array([float(generic_kernel(t)) for t in N.tolist()]), measure, length)
    for block in exact_block_spectrum(generic_kernel, measure, length).blocks:
        assert all(
            list(sequence[start : start + height]) == sorted(set(sequence[start : start + height]))
            for sequence in block.sequences
            for start, height in column_starts(block.shape)
        )
        matrix, compared = np.array(block.matrix.tolist(), dtype=float), numeric.block(block.shape)
        for index, eigenvalue in enumerate(compared.eigenvalues):
            values = compared.eigenfunction(index)(np.array(block.sequences))
            np.testing.assert_allclose(matrix @ values, eigenvalue * values, atol=1e-10)
            assert np.abs(values).max() > 1e-3


def column_starts(shape):
    heights = shape.conjugate.parts
    return [(sum(heights[:i]), height) for i, height in enumerate(heights)]


def test_the_result_is_a_spectrum():
    found = exact_block_spectrum(generic_kernel, measures.iid(["1/4", "3/4"]), 8)
    assert repr(found).startswith("<Spectrum of generic_kernel under iid(['1/4', '3/4']), length=8: ")
    assert isinstance(found.blocks[0], ExactBlock) and repr(found.blocks[1]) == "Block((7,1), size=7)"
    values = [level.eigenvalue.evalf(30) for level in found.levels]
    assert values == sorted(values, reverse=True) and len(values) == 9 + 7 + 5 + 3 + 1
    assert found.zero_degeneracy == 0 and sum(level.degeneracy for level in found.levels) == 2**8
    assert found.evaluate().trace() == pytest.approx(float(found.trace()), rel=1e-14)
    numeric = block_spectrum(
        lambda tables: np.array([float(generic_kernel(t)) for t in tables.tolist()]), found.measure, 8
    )
    np.testing.assert_allclose(
        found.evaluate().eigenvalues, numeric.evaluate().eigenvalues, atol=1e-14 * float(values[0])
    )
    assert json.loads(found.to_json())["levels"][0]["value"] == pytest.approx(float(values[0]), rel=1e-15)
    assert len(found.table().rows) == len(values)
    assert found.substitute().blocks == found.blocks
    some = exact_block_spectrum(generic_kernel, measures.iid(["1/4", "3/4"]), 8, shapes=[(6, 2), (6, 2)])
    assert some.blocks == (found.block((6, 2)),) and some.zero_degeneracy == 2**8 - 5 * 20
    assert some.trace() == found.trace((6, 2))
    with pytest.raises(InvalidArgumentError, match=r"shape must be one that was asked for, \(6,2\), got"):
        some.trace((8,))
    with pytest.raises(InvalidArgumentError, match=r"shape must be one of \(6,2\), got \(8\)"):
        some.block(Partition((8,)))
    with pytest.raises(InvalidArgumentError, match="symbol must be left out where all values are numbers, got 'a'"):
        found.substitute(a=1)


def test_some_shapes_are_said_to_be_some():
    """Comparisons leave the other shapes out, and shares are those of the whole trace."""
    measure = measures.iid(["1/4", "3/4"])
    found, shapes = exact_block_spectrum(generic_kernel, measure, 6), [(5, 1), (4, 2)]
    some = exact_block_spectrum(generic_kernel, measure, 6, shapes=(shape for shape in shapes))
    numeric = block_spectrum(lambda N: np.array([float(generic_kernel(t)) for t in N.tolist()]), measure, 6)
    assert found.covered is None and some.covered == tuple(map(Partition, shapes)) == some.substitute().covered
    for own in (some, some.evaluate(), some.level_list()):
        for other in (found, numeric):
            for comparison in (compare_spectra(own, other), compare_spectra(other, own)):
                assert comparison and comparison.not_compared == "not compared: (3,3), (6)"
                assert {level.shape for level in comparison.levels} == set(some.covered)
        whole, part = cumulative_trace(found), cumulative_trace(own)
        assert part.shares[-1] == pytest.approx(sum(whole.by_shape[s].shares[-1] for s in some.covered), rel=1e-14)
    assert some.expected_trace == found.trace() != some.trace()
    assert (
        some.shares() == {shape: found.shares()[shape] for shape in some.shapes} and sum(found.shares().values()) == 1
    )
    assert "Shapes asked for: (5,1), (4,2)." in str(some.table()) and "asked for" not in str(found.table())
    assert json.loads(some.to_json())["shapes"] == [[5, 1], [4, 2]] and "shapes" not in json.loads(found.to_json())
    with pytest.raises(InvalidArgumentError, match="trace must be nonzero to be shared out"):
        exact_block_spectrum(lambda N: 0, measure, 2).shares()
    with pytest.raises(InvalidArgumentError, match="first must have eigenvalues within the range of float64"):
        compare_spectra(exact_block_spectrum(lambda N: 10**400, measure, 2), found)


def test_roots_that_share_more_bits_than_the_stack_is_deep():
    """10^1000 (x - 1)^2 (x - 3) = 2 (x - 4): two roots agree to 500 digits, and the third is 3 to 1000."""
    polynomial = sympy.Poly(10**1000 * (x - 1) ** 2 * (x - 3) - 2 * (x - 4), x)
    first, second, third = (IsolatedRoot(polynomial.all_coeffs(), index).evalf(540) for index in range(3))
    assert abs(first - 3) < sympy.Float("1e-500") and second > 1 > third
    assert float((second - third) * 10**500) == pytest.approx(12**0.5, rel=1e-15)


def test_blocks_without_eigenvalues_are_left_out():
    """Rows of impossible sequences make matrices that are not 0 while their eigenvalues are."""
    found = exact_block_spectrum(lambda N: N[0][1] + N[1][0], measures.iid([1, 0]), 3)
    assert found.blocks == () and found.expected_trace == found.trace() == 0 and found.zero_degeneracy == 8
    assert exact_block_spectrum(lambda N: 0, measures.iid_uniform(2), 3).blocks == ()


def test_eigenvalues_of_very_different_sizes():
    """Two eigenvalues 400 digits apart: as a difference of square roots the smaller one would be lost."""
    small = sympy.Rational(1, 10**400)
    matrix = sympy.ImmutableMatrix([[1, 1 - small], [1 + small, 1]]) / 3
    block = ExactBlock(Partition((1,)), None, None, matrix, (), 1, ((0,), (1,)))
    values = [root.evalf(20) for root, _ in block.eigenvalues]
    assert values[0] == sympy.Rational(2, 3).evalf(20) and values[1] == sympy.Rational(1, 6 * 10**800).evalf(20)


@pytest.mark.slow
@pytest.mark.parametrize("measure", [measures.iid_uniform(2), measures.iid(["3/4", "1/4"])], ids=repr)
def test_the_errors_of_floats_at_length_60(measure):
    """Blocks in float64 against exact eigenvalues: errors relative to the largest, which fall with k in (60-k, k).

    Measured over all k: 9e-15 for uniform tokens, 9e-16 for (3/4, 1/4), both at k = 0; below 1e-24 at k = 20.
    """
    exact = exact_block_spectrum(generic_kernel, measure, 60)
    numeric = block_spectrum(lambda tables: np.array([float(generic_kernel(t)) for t in tables.tolist()]), measure, 60)
    largest = max(abs(level.eigenvalue) for level in numeric.levels)
    for k, block in enumerate(exact.blocks):
        roots = (float(root.evalf(17)) for root, power in block.eigenvalues for _ in range(power))
        compared = numeric.block(block.shape)
        error = np.abs(np.array(sorted(roots, reverse=True)) - compared.eigenvalues).max()
        assert error < 3e-14 * 2.0**-k * largest and error <= compared.rounding
    assert exact.shapes == tuple(partitions(60, max_length=2)) and exact.trace() == exact.expected_trace


HALF = measures.iid_uniform(2)


def asymmetric(N):
    return N[0][1]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((3, HALF, 4), {}, InvalidTypeError, "kernel must be a network, a polynomial in u and m or a function"),
        ((generic_kernel, "iid", 4), {}, InvalidTypeError, "measure must be an exchangeable measure"),
        ((generic_kernel, measures.iid_uniform(), 4), {}, FreeSymbolError, "measure must have numbers, got symbols V"),
        ((generic_kernel, measures.iid(["h", "1-h"]), 4), {}, FreeSymbolError, "measure must have numbers, got symbols h"),
        ((generic_kernel, measures.iid(["sqrt(2)/2", "1-sqrt(2)/2"]), 4), {}, InvalidArgumentError, "measure must have rational"),
        ((generic_kernel, measures.urn([2, 1]), 4), {}, InvalidArgumentError, "length must be at most 3 for this measure"),
        ((generic_kernel, HALF, 0), {}, InvalidArgumentError, "length must be at least 1, got 0"),
        ((generic_kernel, HALF, 4.0), {}, InvalidTypeError, "length must be an integer"),
        ((generic_kernel, HALF, 4), {"shapes": []}, InvalidArgumentError, "shapes must not be empty"),
        ((generic_kernel, HALF, 4), {"shapes": -1}, InvalidArgumentError, "shapes must be at least 0, got -1"),
        ((generic_kernel, HALF, 4), {"shapes": [(3,)]}, InvalidPartitionError, "shapes must be a partition of 4"),
        ((generic_kernel, HALF, 4), {"shapes": [(2, 1, 1)]}, InvalidArgumentError, "shapes must have at most 2 rows"),
        ((lambda N: 0.5 * N[0][0], HALF, 4), {}, InvalidTypeError, r"exact|ints, Fractions or sympy Rationals, got .* at N = "),
        ((lambda t: t[:, 0, 0] / 2.0, HALF, 4), {}, InvalidTypeError, "kernel must return .*block_spectrum takes floats"),
        ((lambda t: np.sin(t[:, 0, 0].astype(float)), HALF, 4), {}, InvalidTypeError, "kernel must return exact .* float64"),
        ((lambda N: float("nan"), HALF, 4), {}, InvalidTypeError, "got nan at N = .*block_spectrum takes floats"),
        ((lambda N: sympy.nan, HALF, 4), {}, InvalidTypeError, "got nan at N ="),
        ((lambda N: True, HALF, 4), {}, InvalidTypeError, "got True at N ="),
        ((lambda N: "1", HALF, 4), {}, InvalidTypeError, "got .*1.* at N ="),
        ((lambda t: np.ones(3, dtype=int), HALF, 4), {}, InvalidArgumentError, r"must return an array of shape \(35,\)"),
        ((lambda t: t.nonsense, HALF, 4), {}, AttributeError, "nonsense"),
        ((asymmetric, HALF, 2), {}, InvalidArgumentError, r"kernel must be symmetric, got 0 at N = .* and 1 at N = \[\[0, 1\], \[0, 1\]\]"),
        ((first_overlap_symbol + 0, HALF, 2), {}, InvalidArgumentError, "kernel must be symmetric, got .* at N ="),
        ((sympy.log(overlap_symbol), HALF, 4), {}, InvalidArgumentError, "kernel must be a polynomial in u and m"),
        ((sympy.sqrt(2) * overlap_symbol, HALF, 4), {}, InvalidArgumentError, "kernel must have rational coefficients"),
        ((sympy.Symbol("z") * overlap_symbol, HALF, 4), {}, InvalidArgumentError, "no symbols but u, m, u_xx, u_yy and L"),
        ((sympy.sympify("u/(L-4)"), HALF, 4), {}, InvalidArgumentError, "length must not be a pole of the kernel, got 4"),
        ((generic_kernel, HALF, 10**6), {}, SizeLimitError, "length 1000000 with 2 tokens has .* values of the kernel, more than"),
        ((generic_kernel, HALF, 9), {"limit_numbers": 100}, SizeLimitError, "has 220 values .*: raise it, or use block_spectrum"),
        ((generic_kernel, measures.iid_uniform(4), 7), {"limit_numbers": 180_000}, SizeLimitError, r"shape \(.* differences"),
        ((generic_kernel, HALF, 4), {"limit_numbers": 0}, InvalidArgumentError, "limit_numbers must be at least 1"),
    ],
)  # fmt: skip
def test_errors(arguments, options, error, message):
    with pytest.raises(error, match=message):
        exact_block_spectrum(*arguments, **options)


def test_errors_of_the_kernel_itself():
    """What a function raises for one table is not hidden behind what it raises for an array."""
    with pytest.raises(TypeError) as caught:
        exact_block_spectrum(lambda N: Fraction(1, N[0][0]), HALF, 2)
    assert "one table ((0, 0), (0, 2)) the kernel raised ZeroDivisionError" in caught.value.__notes__[0]
    with pytest.raises(ZeroDivisionError):
        exact_block_spectrum(lambda N: Fraction(1, N[1][1]), HALF, 2)


def test_networks_that_are_refused():
    decaying = kernels.serial(
        kernels.TokenEmbedding(1), kernels.Positions(1, covariance="gaussian"), kernels.MeanPool()
    )
    with pytest.raises(NotInvariantError, match="kernel must be symmetric under permutations of the positions"):
        exact_block_spectrum(decaying, HALF, 4)
    with pytest.raises(FreeSymbolError, match="kernel must have numbers for its parameters, got the symbols a, p"):
        exact_block_spectrum(kernels.architecture("linear-block"), HALF, 4)
    relu = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), kernels.Relu(), kernels.MeanPool())
    with pytest.raises(InvalidArchitectureError, match=r"got Relu\(\); block_spectrum takes it at a finite length"):
        exact_block_spectrum(relu, HALF, 4)
    irrational = kernels.serial(kernels.TokenEmbedding("sqrt(2)"), kernels.MeanPool())
    with pytest.raises(InvalidArgumentError, match="kernel must have rational coefficients"):
        exact_block_spectrum(irrational, HALF, 4)
    last = kernels.architecture("linear-block", "last", token_variance=1, position_variance=1)
    with pytest.raises(InvalidArgumentError, match="length must be at least 2 for a last-token readout"):
        exact_block_spectrum(last, HALF, 1)
