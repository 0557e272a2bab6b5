"""Block spectra of any symmetric kernel against dense numpy, exact closed forms, and classical eigenvalues."""

from __future__ import annotations

import itertools
from dataclasses import replace
from math import comb

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import Partition, block_spectrum, kernels, measures, partitions, spectrum, testing
from symrep.errors import (
    FreeSymbolError,
    InvalidArchitectureError,
    InvalidArgumentError,
    InvalidPartitionError,
    InvalidTypeError,
    NotInvariantError,
    SizeLimitError,
)
from symrep.kernels.overlaps import matches_symbol, overlap_symbol
from symrep.spectra.column_differences import column_differences, full_column_difference
from symrep.spectra.column_space import ColumnSpace
from symrep.spectra.count_tables import count_tables, number_of_tables, table_numbers
from symrep.spectra.dense import all_sequences, dense_spectrum

RELU = kernels.serial(
    kernels.TokenEmbedding(1),
    kernels.Positions(1),
    kernels.LinearAttention(normalized=True),
    kernels.Relu(),
    kernels.MeanPool(),
)
TIED = (
    kernels.TokenEmbedding(1),
    kernels.Positions("1/2"),
    kernels.TiedAttention(),
    kernels.Dense(2, 1),
    kernels.Relu(),
)


def random_kernel(vocab_size, seed):
    """A symmetric function of joint counts that is no polynomial and no kernel of a network."""
    rng = np.random.default_rng(seed)
    first, second = rng.standard_normal((2, vocab_size, vocab_size))
    first, second = first + first.T, second + second.T

    def kernel(tables):
        linear = (tables * first).sum(axis=(1, 2))
        return np.sin(linear) + 0.1 * (tables * second).sum(axis=(1, 2)) ** 2 + (tables**2 * first).sum(axis=(1, 2))

    return kernel


def joint_tables(x, y, vocab_size):
    hot = [(z[:, :, None] == np.arange(vocab_size)).astype(int) for z in (x, y)]
    return np.einsum("isv,jsw->ijvw", *hot)


def gram_of(kernel, vocab_size):
    def gram(x, y):
        tables = joint_tables(x, y, vocab_size)
        return kernel(tables.reshape(-1, vocab_size, vocab_size)).reshape(len(x), len(y))

    return gram


def probabilities_of(measure, vocab_size, columns):
    return np.array([float(measure.probability(x)) for x in all_sequences(vocab_size, columns).tolist()])


def largest_deviation(blocks, dense):
    deviations = []
    for block in blocks.blocks:
        expected = dense.eigenvalues(block.shape)
        assert len(expected) == block.size
        deviations.append(np.abs(expected - block.eigenvalues).max())
    return max(deviations) / max(abs(level.eigenvalue) for level in blocks.levels)


@given(
    st.sampled_from([(1, 3), (2, 2), (2, 5), (2, 6), (3, 1), (3, 3), (3, 4), (4, 3)]), st.integers(0, 2**20), st.data()
)
@settings(max_examples=40, deadline=None)
def test_random_kernels_and_measures_against_dense(sizes, seed, data):
    vocab_size, length = sizes
    measure = data.draw(testing.measures(vocab_size))
    kernel = random_kernel(vocab_size, seed)
    blocks = block_spectrum(kernel, measure, length)
    weights = probabilities_of(measure, vocab_size, length)
    dense = dense_spectrum(gram_of(kernel, vocab_size), vocab_size, length, probabilities=weights)
    assert largest_deviation(blocks, dense) < 1e-10
    assert blocks.expected_trace == pytest.approx(dense.trace(), rel=1e-9, abs=1e-9)
    assert sum(block.size * block.degeneracy for block in blocks.blocks) == vocab_size**length


@pytest.mark.slow
@pytest.mark.parametrize(("vocab_size", "length"), [(2, 10), (3, 6), (4, 5)])
def test_larger_spaces_against_dense(vocab_size, length):
    weights = [sympy.Rational(i + 1, comb(vocab_size + 1, 2)) for i in range(vocab_size)]
    kernel = random_kernel(vocab_size, length)
    blocks = block_spectrum(kernel, measures.iid(weights), length)
    dense = dense_spectrum(gram_of(kernel, vocab_size), vocab_size, length, probabilities=list(map(float, weights)))
    assert largest_deviation(blocks, dense) < 1e-12


@pytest.mark.parametrize(
    ("readout", "vocab_size", "length"),
    [
        (kernels.MeanPool(), 3, 4),
        (kernels.LastToken(), 2, 5),
        (kernels.LastToken(), 3, 4),
        (kernels.QueryToken(2, "1/3"), 2, 5),
        (kernels.QueryToken(2, "1/3"), 3, 3),
    ],
    ids=repr,
)
@pytest.mark.parametrize("mixed", [False, True])
def test_networks_and_their_eigenfunctions(readout, vocab_size, length, mixed):
    net = kernels.serial(*TIED, readout)
    rows = [[sympy.Rational(i + 1, comb(vocab_size + 1, 2)) for i in range(vocab_size)]]
    rows.append(rows[0][::-1])
    measure = measures.frozen_mixture(["1/3", "2/3"], rows) if mixed else measures.iid_uniform(vocab_size)
    columns = length + (net.extra_token == "query")
    extra = 0 if net.extra_token is None else 1
    weights = probabilities_of(measure, vocab_size, columns)
    blocks = block_spectrum(net, measure, length)
    dense = dense_spectrum(net.nngp, vocab_size, columns - extra, probabilities=weights, extra_tokens=extra)
    assert largest_deviation(blocks, dense) < 1e-12
    x = all_sequences(vocab_size, columns)
    operator = net.nngp(x) * weights
    top = blocks.levels[0].eigenvalue
    for block in blocks.blocks:
        functions = np.array([block.eigenfunction(i)(x) for i in range(block.size)])
        np.testing.assert_allclose((functions * weights) @ functions.T, np.eye(block.size), atol=1e-10)
        images = functions @ operator.T
        np.testing.assert_allclose(
            images, block.eigenvalues[:, None] * functions, atol=1e-11 * top * np.abs(functions).max()
        )
        assert block.eigenfunction(0)(x[1]) == pytest.approx(functions[0][1])


@pytest.mark.parametrize("readout", ["pool", "flatten"])
@pytest.mark.parametrize(
    "measure",
    [
        measures.iid_uniform(2),
        measures.iid(["1/4", "3/4"]),
        measures.frozen_mixture(["1/3", "2/3"], [["1/4", "3/4"], ["2/3", "1/3"]]),
    ],
    ids=repr,
)
def test_exact_rationals_at_length_60(readout, measure):
    """How stable float64 is: the exact spectrum, solved over Q, at a length where 2^60 sequences exist."""
    net = kernels.architecture("linear-block", readout, token_variance=1, position_variance="1/2")
    exact, floats = spectrum(net, measure, 60).evaluate(), block_spectrum(net, measure, 60)
    assert [level.shape for level in floats.levels] == [level.shape for level in exact.levels]
    for ours, theirs in zip(floats.levels, exact.levels):
        assert ours.eigenvalue == pytest.approx(theirs.eigenvalue, abs=5e-14 * exact.levels[0].eigenvalue)
        assert ours.degeneracy == theirs.degeneracy
    assert floats.trace() == pytest.approx(floats.expected_trace, rel=1e-10)


@given(testing.kernels_polynomial(2), st.integers(2, 7), st.data())
@settings(max_examples=25, deadline=None)
def test_polynomials_against_their_closed_forms(kernel, length, data):
    measure = data.draw(testing.measures(2))
    exact, floats = spectrum(kernel, measure, length).evaluate(), block_spectrum(kernel, measure, length)
    scale = max(map(abs, [1e-12, *exact.eigenvalues]))
    for shape in partitions(length, max_length=2):
        own = [level for level in exact.levels if level.shape == shape and abs(level.eigenvalue) > 1e-11 * scale]
        # levels of token-symmetric measures count the representation of the tokens too
        expected = [level.eigenvalue for level in own for _ in range(level.degeneracy // shape.dimension)]
        found = [e for e in floats.block(shape).eigenvalues if abs(e) > 1e-11 * scale]
        np.testing.assert_allclose(sorted(found), sorted(expected), atol=1e-10 * scale)


@pytest.mark.parametrize("measure", [measures.urn([4, 3]), measures.dirichlet_multinomial(["1/2", "3/2"])], ids=repr)
def test_urns(measure):
    kernel = random_kernel(2, 7)
    blocks = block_spectrum(kernel, measure, 6)
    weights = probabilities_of(measure, 2, 6)
    dense = dense_spectrum(gram_of(kernel, 2), 2, 6, probabilities=weights)
    assert largest_deviation(blocks, dense) < 1e-12
    if measure.maximal_length is not None:
        with pytest.raises(InvalidArgumentError, match="length must be at most 7 for this measure, got 8"):
            block_spectrum(kernel, measure, 8)


def krawtchouk(degree, j, length, vocab_size):
    terms = (
        (-1) ** i * (vocab_size - 1) ** (degree - i) * comb(j, i) * comb(length - j, degree - i)
        for i in range(degree + 1)
    )
    return sum(terms)


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 9), (2, 30), (3, 5), (3, 7), (4, 4)])
def test_hamming_scheme(vocab_size, length):
    """Kernels of the matches alone have Krawtchouk polynomials for eigenvalues, binomial(L, k) (V-1)^k times each."""
    values = np.random.default_rng(length).standard_normal(length + 1)
    blocks = block_spectrum(
        lambda tables: values[np.trace(tables, axis1=1, axis2=2)], measures.iid_uniform(vocab_size), length
    )
    classes = {
        k: sum(
            comb(length, j) * (vocab_size - 1) ** j * krawtchouk(k, j, length, vocab_size) * values[length - j]
            for j in range(length + 1)
        )
        / (vocab_size**length * comb(length, k) * (vocab_size - 1) ** k)
        for k in range(length + 1)
    }
    scale = max(map(abs, classes.values()))
    found = {k: 0 for k in classes}
    for block in blocks.blocks:
        for eigenvalue in block.eigenvalues:
            k = min(classes, key=lambda degree: abs(classes[degree] - eigenvalue))
            assert abs(classes[k] - eigenvalue) < 1e-12 * scale
            found[k] += block.degeneracy
    assert found == {k: comb(length, k) * (vocab_size - 1) ** k for k in classes}


@pytest.mark.parametrize("lengths", [(20, 40), pytest.param((80, 160), marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("activation", "third"), [(kernels.Erf(), (5.7, 6.0)), (kernels.Relu(), (5.3, 5.6))], ids=["erf", "relu"]
)
def test_the_exponents_of_nonlinear_blocks(activation, third, lengths):
    """The largest eigenvalue of (L-k,k) falls as L^(-2k); with the kink of ReLU more slowly from k = 3 on."""
    net = kernels.serial(*RELU.layers[:3], activation, kernels.MeanPool())
    tops = []
    for length in lengths:
        shapes = [(length - k, k) if k else (length,) for k in range(4)]
        blocks = block_spectrum(net, measures.iid_uniform(2), length, shapes=shapes).blocks
        tops.append([block.eigenvalues[0] for block in blocks])
    exponents = np.log2(np.array(tops[0]) / tops[1])
    np.testing.assert_allclose(exponents[:3], [0, 2, 4], atol=0.25)
    assert third[0] < exponents[3] < third[1]


def test_shapes_on_their_own():
    whole = block_spectrum(RELU, measures.iid_uniform(3), 6)
    some = block_spectrum(RELU, measures.iid_uniform(3), 6, shapes=[(2, 2, 2), (4, 1, 1), (2, 2, 2)])
    assert some.shapes == (Partition((2, 2, 2)), Partition((4, 1, 1)))
    for block in some.blocks:
        np.testing.assert_allclose(block.matrix, whole.block(block.shape).matrix, atol=1e-16)
    assert some.zero_degeneracy == 3**6 - sum(level.degeneracy for level in some.levels)
    assert sum(whole.shares().values()) == pytest.approx(1, rel=1e-12)
    assert whole.evaluate().trace() == pytest.approx(whole.trace(), rel=1e-12)
    assert repr(whole).startswith("<BlockSpectrum of serial(TokenEmbedding(variance=1), ")
    assert repr(whole.blocks[1]) == "NumericBlock((5,1), size=35)"


def test_rounding_is_a_bound():
    """A kernel of degree 1 in m reaches (L) and (L-1,1): all else is rounding errors, and within the bound."""
    polynomial = overlap_symbol**2 / 900 + sympy.Rational(1, 7) * matches_symbol
    spec = block_spectrum(polynomial, measures.iid(["1/3", "2/3"]), 30)
    assert {level.shape.parts for level in spec.levels} == {(30,), (29, 1)}
    for block in spec.blocks[2:]:
        assert len(block.resolved) == 0 and 0 < np.abs(block.eigenvalues).max() <= block.rounding < 1e-12


@pytest.mark.parametrize("length", [100, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "measure",
    [
        measures.dirichlet_multinomial([1, 1]),
        measures.frozen_mixture(["1/2", "1/2"], [["9/10", "1/10"], ["1/10", "9/10"]]),
        measures.iid(["1/3", "2/3"]),
        measures.urn([150, 150]),
    ],
    ids=repr,
)
def test_ranks_of_simple_kernels(measure, length):
    """On functions of the token counts 1 has rank 1, u and m rank 2: nothing else may be taken for an eigenvalue."""
    for kernel, rank in ((sympy.Integer(1), 1), (overlap_symbol + 0, 2), (matches_symbol + 0, 2)):
        block = block_spectrum(kernel, measure, length, shapes=[(length,)]).blocks[0]
        assert len(block.resolved) == rank
        if rank == 1:
            assert abs(block.eigenvalues[0] - 1) <= block.rounding < 1e-11


def test_impossible_sequences():
    """Eigenfunctions are 0 where the measure is, and the eigenvalues those of the possible sequences."""
    measure, kernel = measures.urn([2, 0, 1]), random_kernel(3, 5)
    block = block_spectrum(kernel, measure, 3).block((3,))
    function = block.eigenfunction(int(np.abs(block.eigenvalues).argmax()))
    assert function([[0, 0, 0], [1, 0, 0], [2, 2, 0]]).tolist() == [0, 0, 0]
    assert abs(function([0, 2, 0])) == pytest.approx(1)


@pytest.mark.parametrize(
    ("vocab_size", "length"), [(12, 1), (26, 1), (7, 2), pytest.param(10, 2, marks=pytest.mark.slow)]
)
def test_many_tokens(vocab_size, length):
    blocks = block_spectrum(matches_symbol + 0, measures.iid_uniform(vocab_size), length)
    assert blocks.trace() == pytest.approx(length, rel=1e-12)


def test_limits_come_first():
    for arguments, options in (((10**9,), {}), ((2,), {"shapes": [(1, 1)], "memory_limit": 10**6})):
        vocab_size = 2 if arguments[0] > 2 else 26
        with pytest.raises(SizeLimitError, match="more than memory_limit"):
            block_spectrum(constant, measures.iid_uniform(vocab_size), *arguments, **options)

    def careless(tables):
        tables[:] = 0

    with pytest.raises(ValueError, match="read-only"):
        block_spectrum(careless, measures.iid_uniform(2), 4)


@pytest.mark.parametrize(("total", "parts"), [(0, 1), (5, 1), (0, 4), (4, 4), (3, 9), (2, 0), (0, 0)])
def test_tables_are_numbered(total, parts):
    tables = count_tables(total, parts)
    assert len(tables) == number_of_tables(total, parts) == len(set(map(tuple, tables.tolist())))
    assert (tables.sum(axis=1) == total).all() and (tables >= 0).all()
    if parts:
        np.testing.assert_array_equal(table_numbers(tables), np.arange(len(tables)))


def test_differences_by_hand():
    """Over one column of two at V = 2, and over columns of height 2 at V = 3."""
    values = np.random.default_rng(1).standard_normal(number_of_tables(4, 4))
    tables = {tuple(row): value for row, value in zip(count_tables(4, 4).tolist(), values)}
    for row, value in zip(count_tables(2, 4).tolist(), full_column_difference(values, 4, 2)):
        a, b, c, d = row
        assert value == pytest.approx(tables[a + 1, b, c, d + 1] - tables[a, b + 1, c + 1, d])
    values = np.random.default_rng(2).standard_normal(number_of_tables(3, 9))
    result = column_differences(values, 3, 2, 1, 3)
    assert result.shape == (9, 9)
    pair, single = 1 * 3 + 2, 4  # columns 02 and 12, and a position with token 1 in both sequences
    plus, minus = np.zeros((2, 9), dtype=int)
    for table, cells in ((plus, [(0, 1), (2, 2)]), (minus, [(0, 2), (2, 1)])):
        for v, w in [*cells, (1, 1)]:
            table[3 * v + w] += 1
    last = int(table_numbers(np.eye(9, dtype=int)[single]))
    row = int(table_numbers(np.eye(9, dtype=int)[pair]))
    assert result[row, last] == pytest.approx(values[table_numbers(plus)] - values[table_numbers(minus)])


@pytest.mark.parametrize("vocab_size", [1, 2, 3, 4])
def test_irreducible_components(vocab_size):
    """Their dimensions are those of Weyl, and the bases are orthonormal."""
    for shape in itertools.chain.from_iterable(partitions(n, max_length=vocab_size) for n in range(1, 7)):
        parts = (*shape.parts, *(0,) * (vocab_size - shape.length))
        pairs = list(itertools.combinations(range(vocab_size), 2))
        dimension = sympy.prod([sympy.Rational(parts[i] - parts[j] + j - i, j - i) for i, j in pairs])
        basis = ColumnSpace(shape, vocab_size).irreducible.toarray()
        assert basis.shape[1] == dimension
        np.testing.assert_allclose(basis.T @ basis, np.eye(int(dimension)), atol=1e-12)


def constant(tables):
    return np.ones(len(tables))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (
            (3, measures.iid_uniform(2), 4),
            {},
            InvalidTypeError,
            "kernel must be a network, a polynomial in u and m, a MatchKernel or",
        ),
        ((constant, "iid", 4), {}, InvalidTypeError, "measure must be an exchangeable measure such as"),
        ((constant, measures.iid_uniform(), 4), {}, FreeSymbolError, "measure must have numbers, got symbols V"),
        ((constant, measures.iid(["h", "1-h"]), 4), {}, FreeSymbolError, "measure must have numbers, got symbols h"),
        ((constant, measures.iid_uniform(2), 0), {}, InvalidArgumentError, "length must be at least 1, got 0"),
        ((constant, measures.iid_uniform(2), "L"), {}, InvalidTypeError, "length must be an integer"),
        ((constant, measures.iid_uniform(2), 4), {"shapes": []}, InvalidArgumentError, "shapes must not be empty"),
        (
            (constant, measures.iid_uniform(2), 4),
            {"shapes": [(3,)]},
            InvalidPartitionError,
            "shapes must be a partition of 4",
        ),
        (
            (constant, measures.iid_uniform(2), 4),
            {"shapes": [(2, 1, 1)]},
            InvalidArgumentError,
            "must have at most 2 rows",
        ),
        (
            (lambda t: np.ones(3), measures.iid_uniform(2), 4),
            {},
            InvalidArgumentError,
            r"must return an array of shape \(35,\)",
        ),
        (
            (lambda t: t[:, 0, 0] * 1j, measures.iid_uniform(2), 4),
            {},
            InvalidTypeError,
            "kernel must return real numbers",
        ),
        (
            (lambda t: np.log(t[:, 0, 0] - 1.0 + 0j).real, measures.iid_uniform(2), 4),
            {},
            InvalidArgumentError,
            "must be finite",
        ),
        (
            (lambda t: 1.0 * t[:, 0, 1], measures.iid_uniform(2), 4),
            {},
            InvalidArgumentError,
            "kernel must be symmetric, got .* at N =",
        ),
        (
            (constant, measures.iid_uniform(5), 20),
            {},
            SizeLimitError,
            "length 20 with 5 tokens has 1761039350070 joint count tables",
        ),
        (
            (sympy.log(overlap_symbol), measures.iid_uniform(2), 4),
            {},
            InvalidArgumentError,
            "must be a polynomial in u and m",
        ),
        (
            (lambda t: [[1], [1, 2]], measures.iid_uniform(2), 4),
            {},
            InvalidArgumentError,
            "kernel must return an array, got ragged",
        ),
        (
            (constant, measures.iid_uniform(2), 4),
            {"memory_limit": "x"},
            InvalidTypeError,
            "memory_limit must be an integer",
        ),
        (
            (constant, measures.iid_uniform(2), 4),
            {"shapes": -1},
            InvalidArgumentError,
            "shapes must be at least 0, got -1",
        ),
        (
            (sympy.Symbol("z") * overlap_symbol, measures.iid_uniform(2), 4),
            {},
            InvalidArgumentError,
            "no symbols but u, m and L",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_errors(arguments, options, error, message):
    with pytest.raises(error, match=message):
        block_spectrum(*arguments, **options)


def test_networks_that_are_refused():
    decaying = kernels.serial(
        kernels.TokenEmbedding(1), kernels.Positions(1, covariance="gaussian"), kernels.MeanPool()
    )
    with pytest.raises(NotInvariantError, match="net must be symmetric under permutations of the positions"):
        block_spectrum(decaying, measures.iid_uniform(2), 4)
    with pytest.raises(FreeSymbolError, match="TokenEmbedding variance must be a number here, got a"):
        block_spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2), 4)
    with pytest.raises(InvalidArchitectureError, match=r"got Relu\(\); block_spectrum takes it at a finite length"):
        spectrum(RELU, measures.iid_uniform(2), 4)
    with pytest.raises(InvalidArgumentError, match=r"shape must be one of \(3\), \(2,1\), got \(1,1,1\)"):
        block_spectrum(RELU, measures.iid_uniform(2), 3).block((1, 1, 1))


def test_eigenfunction_errors():
    block = block_spectrum(RELU, measures.iid_uniform(2), 3).block((2, 1))
    with pytest.raises(InvalidArgumentError, match="index must be below 2, got 2"):
        block.eigenfunction(2)
    with pytest.raises(InvalidArgumentError, match="x must have sequences of length 3, got 2"):
        block.eigenfunction(0)([0, 1])
    with pytest.raises(InvalidArgumentError, match="x must hold token ids below 2, got 2"):
        block.eigenfunction(0)([0, 1, 2])


def test_blocks_are_known_by_the_text_of_their_shapes():
    net = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
    spec = block_spectrum(net, measures.iid_uniform(2), 6)
    assert spec.block("(5,1)") is spec.block((5, 1)) and spec.trace("(5,1)") == spec.trace((5, 1))
    assert block_spectrum(net, measures.iid_uniform(2), 6, shapes=["(5,1)", "(4,2)"]).shapes == spec.shapes[1:3]
    with pytest.raises(
        InvalidArgumentError, match=r"shape is not a partition: parts must be integers such as .*'\(L-1,1\)'"
    ):
        spec.block("(L-1,1)")


def test_notes_have_their_formulas_in_latex():
    net = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
    spec = replace(block_spectrum(net, measures.iid_uniform(2), 6), expected_trace=2.5e-07)
    assert r" of $\operatorname{E}K(x,x) = 2.5 \times 10^{-7}$." in spec.table().to_latex()
    assert " of EK(x,x) = 2.5e-07." in str(spec.table())
