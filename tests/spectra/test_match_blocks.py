"""Block spectra from token counts and matches, against joint count tables, dense numpy, and exact eigenvalues."""

from __future__ import annotations

import itertools
import pickle
from fractions import Fraction
from math import comb

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import Partition, block_spectrum, kernels, measures, spectrum, testing
from symrep.errors import (
    InvalidArchitectureError,
    InvalidArgumentError,
    InvalidTypeError,
    SizeLimitError,
)
from symrep.kernels.overlaps import matches_symbol, overlap_symbol
from symrep.spectra import match_values as match_values_module
from symrep.spectra.count_tables import count_tables
from symrep.spectra.dense import all_sequences, dense_spectrum
from symrep.spectra.kernel_functions import MatchKernel
from symrep.spectra.kernel_values import kernel_values
from symrep.spectra.match_blocks import (
    match_block_matrix,
    multiplicity,
    require_small_block,
    solve_match_block,
)
from symrep.spectra.match_values import (
    MatchValues,
    match_values,
    possible_matches,
    require_few_matches,
)
from symrep.spectra.symmetric_powers import (
    lexicographic_places,
    reduced_minors,
    symmetric_power,
)

HEAD = (kernels.TokenEmbedding(1), kernels.Positions("1/2"), kernels.LinearAttention(normalized=True))
RELU = kernels.serial(*HEAD, kernels.Relu(), kernels.MeanPool())
TIED = kernels.serial(kernels.TokenEmbedding(1), kernels.Positions(1), kernels.TiedAttention(), kernels.MeanPool())
SKEWED = measures.iid(["6/10", "3/10", "1/10"])


def random_kernel(vocab_size, seed):
    """A symmetric function of counts and matches that is neither smooth nor a kernel of a network."""
    first, second = np.random.default_rng(seed).standard_normal((2, vocab_size))

    def function(counts_x, counts_y, matches):
        a, b = (counts @ first for counts in (counts_x, counts_y))
        return np.sin(a * b + matches**2) + matches * np.cos((counts_x * counts_y) @ second) + np.cos(a + b + matches)

    return MatchKernel(function)


def gram_of(kernel, vocab_size):
    def gram(x, y):
        counts_x, counts_y = ((z[:, :, None] == np.arange(vocab_size)).sum(axis=1) for z in (x, y))
        rows, columns = (part.ravel() for part in np.indices((len(x), len(y))))
        matches = (x[rows] == y[columns]).sum(axis=1)
        return kernel(counts_x[rows], counts_y[columns], matches).reshape(len(x), len(y))

    return gram


@st.composite
def problems(draw):
    vocab_size, length = draw(st.sampled_from([(2, 1), (2, 6), (3, 1), (3, 2), (3, 4), (3, 5), (4, 3), (4, 4)]))
    finite = draw(st.integers(0, 2))
    if finite == 0:
        measure = draw(testing.measures(vocab_size))
    elif finite == 1:
        measure = measures.dirichlet_multinomial([sympy.Rational(i + 1, 2) for i in range(vocab_size)])
    else:
        measure = measures.urn([3, 0, 4, 2][:vocab_size] if vocab_size > 2 else [3, 4])
    return vocab_size, length, measure, draw(st.integers(0, 2**20))


@pytest.mark.slow
@given(problems())
@settings(max_examples=30, deadline=None)
def test_matches_and_tables_agree(problem):
    vocab_size, length, measure, seed = problem
    kernel = random_kernel(vocab_size, seed)
    ours, other = (block_spectrum(kernel, measure, length, method=method) for method in ("matches", "tables"))
    scale = max(np.abs(block.eigenvalues).max() for block in other.blocks)
    assert ours.shapes == other.shapes
    for block, expected in zip(ours.blocks, other.blocks):
        np.testing.assert_allclose(block.matrix, expected.matrix, atol=1e-13 * scale)
        np.testing.assert_allclose(block.eigenvalues, expected.eigenvalues, atol=1e-13 * scale)
        assert np.abs(block.eigenvalues - expected.eigenvalues).max() <= block.rounding + 1e-15 * scale
    assert ours.expected_trace == pytest.approx(other.expected_trace, rel=1e-12, abs=1e-13)
    assert ours.trace() == pytest.approx(ours.expected_trace, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(
    ("readout", "measure", "length"),
    [
        (kernels.MeanPool(), SKEWED, 5),
        (
            kernels.LastToken(),
            measures.frozen_mixture(["1/3", "2/3"], [["1/2", "1/3", "1/6"], ["1/5", "1/5", "3/5"]]),
            4,
        ),
        (kernels.LastToken(), SKEWED, 2),
        (kernels.QueryToken(2, "1/3"), SKEWED, 3),
        (kernels.QueryToken(2, "1/3"), measures.iid(["1/2", "1/4", "1/8", "1/8"]), 2),
    ],
    ids=repr,
)
def test_networks_and_their_eigenfunctions_against_dense(readout, measure, length):
    net = kernels.serial(*HEAD, kernels.Relu(), readout)
    vocab_size, extra = measure.vocab_size, int(net.extra_token is not None)
    columns = length + (net.extra_token == "query")
    x = all_sequences(vocab_size, columns)
    weights = np.array([float(measure.probability(row)) for row in x.tolist()])
    blocks = block_spectrum(net, measure, length, method="matches")
    dense = dense_spectrum(net.nngp, vocab_size, columns - extra, probabilities=weights, extra_tokens=extra)
    operator = net.nngp(x) * weights
    top = blocks.levels[0].eigenvalue
    for block in blocks.blocks:
        np.testing.assert_allclose(block.eigenvalues, dense.eigenvalues(block.shape), atol=1e-13 * top)
        functions = np.array([block.eigenfunction(i)(x) for i in range(block.size)])
        np.testing.assert_allclose((functions * weights) @ functions.T, np.eye(block.size), atol=1e-10)
        images = functions @ operator.T
        atol = 1e-11 * top * np.abs(functions).max()
        np.testing.assert_allclose(images, block.eigenvalues[:, None] * functions, atol=atol)
    assert blocks.trace() == pytest.approx(blocks.expected_trace, rel=1e-10)


def test_one_last_token():
    net = kernels.serial(*HEAD, kernels.Relu(), kernels.LastToken())
    blocks = block_spectrum(net, SKEWED, 1)
    weights = np.sqrt([0.6, 0.3, 0.1])
    expected = np.linalg.eigvalsh(net.nngp([[0], [1], [2]]) * np.outer(weights, weights))[::-1]
    np.testing.assert_allclose(blocks.blocks[0].eigenvalues, expected, rtol=1e-13)


def test_random_kernels_against_dense():
    kernel = random_kernel(3, 5)
    blocks = block_spectrum(kernel, measures.urn([3, 2, 4]), 5)
    weights = np.array([float(measures.urn([3, 2, 4]).probability(x)) for x in all_sequences(3, 5).tolist()])
    dense = dense_spectrum(gram_of(kernel, 3), 3, 5, probabilities=weights)
    scale = max(abs(level.eigenvalue) for level in blocks.levels)
    for block in blocks.blocks:
        np.testing.assert_allclose(block.eigenvalues, dense.eigenvalues(block.shape), atol=1e-13 * scale)


def krawtchouk(degree, j, length, vocab_size):
    terms = (
        (-1) ** i * (vocab_size - 1) ** (degree - i) * comb(j, i) * comb(length - j, degree - i)
        for i in range(degree + 1)
    )
    return sum(terms)


@pytest.mark.parametrize(
    ("vocab_size", "shapes"),
    [
        (3, [(12, 5, 3), (9, 9, 2), (16, 2, 2)]),
        (4, [(5, 2, 1, 1), (4, 3, 2), (3, 3, 3)]),
        pytest.param(3, [(40,), (39, 1), (27, 13), (20, 20), (22, 12, 6)], marks=pytest.mark.slow),
    ],
)
def test_hamming_scheme(vocab_size, shapes):
    """Kernels of the matches alone have exact Krawtchouk eigenvalues, once for every basis vector of first weight L - k."""
    length = sum(shapes[0])
    values = np.random.default_rng(length).integers(-9, 10, length + 1)
    kernel = MatchKernel(lambda counts_x, counts_y, matches: values[matches])
    blocks = block_spectrum(kernel, measures.iid_uniform(vocab_size), length, shapes=shapes)
    exact = []
    for k in range(length + 1):
        total = sum(
            comb(length, j) * (vocab_size - 1) ** j * krawtchouk(k, j, length, vocab_size) * int(values[length - j])
            for j in range(length + 1)
        )
        exact.append(float(Fraction(total, vocab_size**length * comb(length, k) * (vocab_size - 1) ** k)))
    for block in blocks.blocks:
        weights = [basis.weight[0] for basis in block.space.weight_bases for _ in range(basis.vectors.shape[1])]
        assert len(weights) == block.size == multiplicity(block.shape, vocab_size)
        expected = sorted((exact[length - w] for w in weights), reverse=True)
        np.testing.assert_allclose(block.eigenvalues, expected, atol=1e-14 * np.abs(values).max())
        assert np.abs(block.eigenvalues - expected).max() <= block.rounding


@pytest.mark.parametrize(
    ("measure", "length"),
    [
        (measures.iid_uniform(3), 20),
        (SKEWED, 20),
        pytest.param(SKEWED, 40, marks=pytest.mark.slow),
        pytest.param(
            measures.frozen_mixture(["1/3", "2/3"], [["8/10", "1/10", "1/10"], ["1/10", "1/10", "8/10"]]),
            30,
            marks=pytest.mark.slow,
        ),
    ],
    ids=repr,
)
def test_exact_rationals(measure, length):
    """The exact spectrum of a polynomial kernel, solved over Q, where 3^length sequences exist."""
    polynomial = (overlap_symbol + 3 * matches_symbol) ** 2 / 400 + matches_symbol / 7
    exact = spectrum(polynomial, measure, length).evaluate()
    shapes = sorted({level.shape for level in exact.levels if level.shape.parts != (length,)}, key=str)
    floats = block_spectrum(polynomial, measure, length, shapes=shapes)
    for shape in shapes:
        own = [level for level in exact.levels if level.shape == shape]
        # levels of token-symmetric measures count the representation of the tokens too
        expected = [level.eigenvalue for level in own for _ in range(level.degeneracy // shape.dimension)]
        expected, found = sorted(expected, reverse=True), floats.block(shape).resolved
        assert len(expected) == len(found)
        np.testing.assert_allclose(found, expected, atol=1e-14 * exact.levels[0].eigenvalue)


def test_rounding_is_a_bound():
    """Degree 1 in m reaches (L) and (L-1,1) only: all else is rounding errors, within the bound."""
    polynomial = overlap_symbol**2 / 900 + sympy.Rational(1, 7) * matches_symbol
    for measure in (measures.iid_uniform(3), SKEWED, measures.dirichlet_multinomial([1, "1/2", 2])):
        spec = block_spectrum(polynomial, measure, 9)
        assert {level.shape.parts for level in spec.levels} == {(9,), (8, 1)}
        for block in spec.blocks[2:]:
            assert len(block.resolved) == 0 and 0 < np.abs(block.eigenvalues).max() <= block.rounding < 1e-12
        assert len(spec.block((9,)).resolved) == 6
        assert len(block_spectrum(sympy.Integer(1), measure, 9, shapes=[(9,)]).levels) == 1


def test_rounding_is_a_bound_where_columns_hold_most_of_the_measure():
    """(-1)^m is a product over positions: every eigenvalue of (15,15) is a product of those of one position."""
    weights = [Fraction(1, 1000), *[Fraction(999, 2000)] * 2]
    matrix = mpmath.matrix(3, 3)
    with mpmath.workdps(40):
        for i, j in itertools.product(range(3), repeat=2):
            matrix[i, j] = mpmath.sqrt(mpmath.mpf((p := weights[i] * weights[j]).numerator) / p.denominator)
            matrix[i, j] *= (-1) ** (i == j)
        one = mpmath.eigsy(matrix, eigvals_only=True)
        kernel = MatchKernel(lambda counts_x, counts_y, matches: (-1.0) ** matches)
        block = block_spectrum(kernel, measures.iid(list(map(str, weights))), 30, shapes=[(15, 15)]).blocks[0]
        products = [float(one[0] ** a * one[1] ** b * one[2] ** c) for a, b, c in block.basis_weights.tolist()]
    error = np.abs(np.sort(products)[::-1] - block.eigenvalues).max()
    assert 0 < error < block.rounding < 1e-15 and type(block.rounding) is float


@pytest.mark.parametrize("shape", [(7,), (6, 1), (4, 3), (5, 1, 1), (3, 2, 2)])
def test_rounding_covers_errors_of_the_values(shape):
    rng = np.random.default_rng(len(shape))
    own = match_values(random_kernel(3, 1), 7, 3, None)
    noise = rng.choice([-1e-6, 1e-6], own.array.shape)
    other = MatchValues(own.array + (noise + noise.swapaxes(1, 2)) / 2, 3, None, own.largest, 1e-6)
    first, second = (solve_match_block(Partition(shape), values, SKEWED) for values in (own, other))
    change = np.abs(first.eigenvalues - second.eigenvalues).max()
    assert second.rounding > change > first.rounding and second.rounding < 1e-3
    assert solve_match_block(Partition(shape), MatchValues(own.array, 3, None, own.largest), SKEWED).rounding > 1e-16


def test_errors_of_the_values_are_known():
    """From the type that a function works in, from values that should be equal, and from underflow."""
    for function, least, most in [
        (lambda x, y, m: 1.1 * m, 1e-15, 1e-13),
        (lambda x, y, m: (np.float32(1.1) * m).astype(np.float32), 1e-6, 1e-4),
        (lambda x, y, m: m + 3e-7 * (x[:, 0] > y[:, 0]), 2e-7, 4e-7),
        (lambda x, y, m: 1e-310 * m, 1e-308, 1e-307),
    ]:
        kernel = MatchKernel(function)
        values = match_values(kernel, 4, 3, None)
        _, of_tables = kernel_values(
            lambda t: kernel(t.sum(axis=2), t.sum(axis=1), np.trace(t, axis1=1, axis2=2)), 4, 3, None, 10**9
        )
        assert least < values.error < most and least < of_tables < most
        if values.error > 1e-12:
            block = solve_match_block(Partition((2, 2)), values, measures.iid_uniform(3))
            assert np.abs(block.eigenvalues).max() < block.rounding
    asymmetric = MatchKernel(lambda x, y, m: m + 1e-5 * (x[:, 0] > y[:, 0]))
    for method in ("matches", "tables"):
        with pytest.raises(InvalidArgumentError, match="kernel must be symmetric"):
            block_spectrum(asymmetric, measures.iid_uniform(3), 4, method=method)


def test_polynomials_in_the_length():
    polynomial, measure = (overlap_symbol + matches_symbol) / sympy.Symbol("L") ** 2, measures.iid_uniform(3)
    wanted = block_spectrum(polynomial.subs("L", 4), measure, 4)
    for kernel in (polynomial, sympy.Poly(polynomial, overlap_symbol, matches_symbol)):
        for block, expected in zip(block_spectrum(kernel, measure, 4).blocks, wanted.blocks):
            np.testing.assert_allclose(block.eigenvalues, expected.eigenvalues, atol=1e-14)


def test_values_come_in_parts(monkeypatch):
    whole, sizes = match_values(random_kernel(3, 4), 5, 3, None), []
    monkeypatch.setattr(match_values_module, "_TRIPLES_AT_ONCE", 300)
    kernel = random_kernel(3, 4)
    parts = match_values(lambda *of: sizes.append(len(of[2])) or kernel(*of), 5, 3, None)
    assert len(sizes) > 5 and max(sizes) <= 300
    np.testing.assert_array_equal(parts.array, whole.array)


def test_limits_count_extra_tokens_and_columns():
    require_few_matches(20, 3, 1, 33 * 10**7)
    with pytest.raises(SizeLimitError, match="which need 0.395 GB"):
        require_few_matches(20, 3, 9, 33 * 10**7)
    require_small_block(Partition((9, 5, 2)), 4, 1, 6 * 10**8)
    with pytest.raises(SizeLimitError, match=r"shape \(9,5,2\) with 4 tokens has a block of size 3780"):
        require_small_block(Partition((9, 5, 2)), 4, 1, 55 * 10**7)


def test_impossible_sequences_have_their_own_eigenfunctions():
    """Of norm 1, or 0 everywhere: eigenvectors of the eigenvalue 0 do not mix both kinds."""
    measure, x = measures.iid(["1/2", "1/2", 0]), all_sequences(3, 4)
    weights = (x < 2).all(axis=1) / 16
    for method in ("matches", "tables"):
        for block in block_spectrum(matches_symbol**2, measure, 4, method=method).blocks:
            functions = np.array([block.eigenfunction(i)(x) for i in range(block.size)])
            norms = np.diag(gram := (functions * weights) @ functions.T)
            np.testing.assert_allclose(gram, np.diag(np.rint(norms)), atol=1e-12)
            assert int(np.rint(norms).sum()) == max(block.shape.parts[0] * 2 - 3, 0) * (block.shape.length < 3)
    assert repr(block.eigenfunction(0)) == "Eigenfunction((2,1,1), measure=iid(['1/2', '1/2', 0]))"


def test_only_what_occurs_is_asked_for():
    pairs = list(itertools.product(itertools.product(range(3), repeat=4), repeat=2))
    occurs = {(*(tuple(z.count(v) for v in range(3)) for z in pair), sum(map(int.__eq__, *pair))) for pair in pairs}
    asked = []

    def function(counts_x, counts_y, matches):
        asked.extend(zip(map(tuple, counts_x.tolist()), map(tuple, counts_y.tolist()), matches.tolist()))
        return 1.0 * matches

    block_spectrum(MatchKernel(function), measures.iid_uniform(3), 4)
    assert len(asked) == len(set(asked)) and set(asked) == occurs


@pytest.mark.parametrize(("vocab_size", "length"), [(1, 3), (2, 5), (4, 4), (5, 3)])
def test_possible_matches(vocab_size, length):
    x = all_sequences(vocab_size, length)
    counts = count_tables(length, vocab_size)
    number = {tuple(row): i for i, row in enumerate(counts.tolist())}
    expected = np.zeros((len(counts), len(counts), length + 1), dtype=bool)
    own = np.array([number[tuple((row == np.arange(vocab_size)[:, None]).sum(axis=1).tolist())] for row in x])
    for row, i in zip(x, own):
        expected[i, own, (x == row).sum(axis=1)] = True
    np.testing.assert_array_equal(possible_matches(counts, counts), expected)


@pytest.mark.parametrize(("vocab_size", "height"), [(3, 1), (3, 2), (4, 2), (5, 3)])
def test_minors_and_their_powers(vocab_size, height):
    """Minors are those of M_t, and traces of symmetric powers are complete symmetric functions of the eigenvalues."""
    t = 1.75
    subsets = list(itertools.combinations(range(vocab_size), height))
    matrix = np.ones((vocab_size, vocab_size)) + (t - 1) * np.eye(vocab_size)
    minors = np.array([[np.linalg.det(matrix[np.ix_(rows, columns)]) for columns in subsets] for rows in subsets])
    reduced = reduced_minors(vocab_size, height) + (t - 1) * np.eye(len(subsets))
    np.testing.assert_allclose((t - 1) ** (height - 1) * reduced, minors, atol=1e-12)
    complete = [1.0]
    eigenvalues = np.linalg.eigvalsh(reduced)
    for degree in range(4):
        power = symmetric_power(reduced_minors(vocab_size, height), degree)
        at_t = np.tensordot((t - 1 + height) ** np.arange(degree + 1), power, axes=(0, 1))[
            :, lexicographic_places(degree, len(subsets))
        ]
        np.testing.assert_allclose(at_t, at_t.T, atol=1e-12 * np.abs(at_t).max())
        assert np.trace(at_t) == pytest.approx(complete[degree])
        sums = (complete[degree - i] * (eigenvalues ** (i + 1)).sum() for i in range(degree + 1))
        complete.append(sum(sums) / (degree + 1))


def test_work_on_one_shape_can_be_sent_elsewhere():
    values = match_values(random_kernel(3, 2), 6, 3, None)
    work = pickle.loads(pickle.dumps((Partition((4, 2)), values, SKEWED)))
    here = block_spectrum(random_kernel(3, 2), SKEWED, 6, shapes=[(4, 2)]).blocks[0]
    np.testing.assert_allclose(solve_match_block(*work).eigenvalues, here.eigenvalues, atol=1e-14)
    np.testing.assert_allclose(match_block_matrix(*work), here.matrix, atol=1e-15)
    assert solve_match_block(*work).rounding == here.rounding


@pytest.mark.parametrize("readout", [kernels.MeanPool(), kernels.LastToken(), kernels.QueryToken(2, "1/3")], ids=repr)
@pytest.mark.parametrize("kind", ["nngp", "ntk"])
def test_match_kernels_of_networks(readout, kind):
    net = kernels.serial(*HEAD, kernels.Erf(), readout)
    tables = np.random.default_rng(1).multinomial(7, np.ones(9) / 9, size=20).reshape(4, 5, 3, 3)
    extra = None if net.extra_token is None else np.random.default_rng(2).integers(0, 3, (4, 5, 2))
    counts = tables.sum(axis=-1), tables.sum(axis=-2), np.trace(tables, axis1=-2, axis2=-1)
    found, expected = net.match_kernel(kind)(*counts, extra), net.joint_count_kernel(kind)(tables, extra)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert found.shape == (4, 5)


@pytest.mark.parametrize("readout", [kernels.MeanPool(), kernels.LastToken()], ids=repr)
def test_tangent_kernels(readout):
    net = kernels.serial(*HEAD, kernels.Erf(), readout)
    x = all_sequences(3, 4)
    extra = int(net.extra_token is not None)
    dense = dense_spectrum(net.ntk, 3, 4 - extra, extra_tokens=extra)
    for kernel in (net.match_kernel("ntk"), net.joint_count_kernel("ntk")):
        for method in ("matches", "tables"):
            for block in block_spectrum(kernel, measures.iid_uniform(3), 4, method=method).blocks:
                np.testing.assert_allclose(block.eigenvalues, dense.eigenvalues(block.shape), atol=1e-13)
    assert np.abs(net.ntk(x) - net.nngp(x)).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1, 2], [1, 1, 1], 1), InvalidArgumentError, "counts_y must have counts of 2 tokens"),
        (([1, 2], [[1, 2]], 1), InvalidArgumentError, r"counts_y must be of shape \(2,\)"),
        (([1, -1], [1, -1], 1), InvalidArgumentError, "counts_x must hold counts of at least 0, got -1"),
        (([0, 0], [0, 0], 0), InvalidArgumentError, "counts_x must count at least 1 positions, got 0"),
        (([1, 2], [1, 2], [1]), InvalidArgumentError, r"matches must be of shape \(\)"),
        (([1, 2], [2, 1], 3), InvalidArgumentError, "matches must be between 0 and the number of tokens in common"),
        (([1.0, 2], [1, 2], 3), InvalidTypeError, "counts_x must hold integers"),
        (([1, 2], [1, 2], 3, [0, 0]), InvalidArgumentError, "extra must be left out"),
    ],
)
def test_errors_of_match_kernels_of_networks(arguments, error, message):
    with pytest.raises(error, match=message):
        RELU.match_kernel()(*arguments)


def bad(value):
    return MatchKernel(lambda counts_x, counts_y, matches: value(counts_x, counts_y, matches))


@pytest.mark.parametrize(
    ("kernel", "options", "error", "message"),
    [
        (sympy.zoo * overlap_symbol, {}, InvalidArgumentError, "kernel must be finite, got zoo"),
        (
            10**400 * overlap_symbol,
            {},
            InvalidArgumentError,
            "kernel must have coefficients within the range of float64, got 1000",
        ),
        (
            matches_symbol / (sympy.Symbol("L") - 4),
            {},
            InvalidArgumentError,
            "kernel must be finite, got inf at counts_x = .* matches = 4",
        ),
        (
            bad(lambda x, y, m: np.where(m == 2, np.inf, 1)),
            {"method": "tables"},
            InvalidArgumentError,
            r"kernel must be finite, got inf at N = \[\[0, 0,",
        ),
        (RELU, {"method": "fast"}, InvalidArgumentError, "method must be one of auto, tables, matches, got 'fast'"),
        (
            TIED,
            {"method": "matches"},
            InvalidArgumentError,
            "method must be tables for a kernel that counts and matches do not",
        ),
        (lambda tables: 1.0 * tables[:, 0, 0], {"method": "matches"}, InvalidArgumentError, "method must be tables"),
        (
            bad(lambda x, y, m: np.ones(3)),
            {},
            InvalidArgumentError,
            r"kernel must return an array of shape \(\d+,\), got \(3,\)",
        ),
        (bad(lambda x, y, m: [[1], [1, 2]]), {}, InvalidArgumentError, "kernel must return an array, got ragged"),
        (bad(lambda x, y, m: 1j * m), {}, InvalidTypeError, "kernel must return real numbers"),
        (
            bad(lambda x, y, m: np.where(m == 2, np.nan, 1)),
            {},
            InvalidArgumentError,
            "kernel must be finite, got nan at counts_x = .* matches = 2",
        ),
        (
            bad(lambda x, y, m: x[:, 0] - y[:, 1]),
            {},
            InvalidArgumentError,
            "kernel must be symmetric, got .* with x and y exchanged",
        ),
        (
            RELU,
            {"memory_limit": 10**5},
            SizeLimitError,
            "length 4 with 3 tokens has 1125 counts and matches, which need",
        ),
    ],
)
def test_errors(kernel, options, error, message):
    with pytest.raises(error, match=message):
        block_spectrum(kernel, measures.iid_uniform(3), 4, **options)


def test_limits_come_first():
    def never(counts_x, counts_y, matches):
        raise AssertionError

    with pytest.raises(SizeLimitError, match="length 1000 with 3 tokens has"):
        block_spectrum(MatchKernel(never), measures.iid_uniform(3), 1000)
    with pytest.raises(
        SizeLimitError, match=r"shape \(10,10\) with 4 tokens has a block of size \d+, whose work needs 1"
    ):
        block_spectrum(MatchKernel(never), measures.iid_uniform(4), 20, shapes=[(10, 10)], memory_limit=10**9)
    with pytest.raises(InvalidTypeError, match="function must be a function of counts and matches, got 3"):
        MatchKernel(3)
    with pytest.raises(
        InvalidArchitectureError, match="net must have a kernel that token counts and matches determine"
    ):
        TIED.match_kernel()
    assert repr(MatchKernel(never)) == "MatchKernel(never)"
