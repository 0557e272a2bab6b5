"""Isotypic projectors against the direct character sum over all group elements, and their laws beyond its reach."""

from fractions import Fraction
from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Matrix, Rational, Symbol, eye, zeros
from sympy.combinatorics import Permutation

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import semistandard_tableaux
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError, SizeLimitError
from symrep.representations.fourier import fourier_transform
from symrep.representations.group_algebra import central_idempotent, represent
from symrep.representations.irreps import natural, orthogonal, seminormal
from symrep.representations.modules import direct_sum, tensor_product
from symrep.representations.permutation_modules import permutation_module, regular
from symrep.representations.permutations import act_on_positions
from symrep.representations.projectors import isotypic_projector
from symrep.representations.specht import specht_module

SIZES = [(1, 3), (2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (3, 2), (3, 3), (4, 3)]


def character_sum(shape, f):
    """f^shape / n! times the sum of chi(g) rho(g) f over all g, as integers times that factor."""
    rho = seminormal(shape)
    total = 0
    for images in permutations(range(shape.size)):
        total = total + rho.character(images) * act_on_positions(Permutation(list(images)), f)
    return total * shape.dimension


def random_function(vocab_size, length, seed=0):
    return np.random.default_rng(seed).integers(-50, 50, (vocab_size,) * length)


@pytest.mark.parametrize(("vocab_size", "length"), [*SIZES, (3, 4), (3, 5)])
def test_apply_is_the_character_sum(vocab_size, length):
    f = random_function(vocab_size, length)
    for shape in partitions(length):
        projector = isotypic_projector(shape, vocab_size=vocab_size)
        expected = character_sum(shape, f)
        exact = projector.apply(f)
        assert exact.shape == f.shape and exact.dtype == object
        assert np.array_equal(exact * factorial(length), expected)
        floats = projector.apply(f.astype(float))
        assert floats.dtype == np.float64
        assert np.abs(floats - expected / factorial(length)).max() < 1e-12


@pytest.mark.parametrize(("vocab_size", "length"), SIZES)
def test_matrices_are_a_resolution_of_the_identity(vocab_size, length):
    projectors = [isotypic_projector(shape, vocab_size=vocab_size) for shape in partitions(length)]
    matrices = [projector.matrix() for projector in projectors]
    total = eye(vocab_size**length) * 0
    for i, (projector, matrix) in enumerate(zip(projectors, matrices)):
        assert matrix.trace() == projector.rank
        assert matrix == matrix.T
        for j, other in enumerate(matrices[: i + 1]):
            assert matrix * other == (matrix if i == j else matrix * 0)
        total += matrix
    assert total == eye(vocab_size**length)


@pytest.mark.parametrize(("shape", "vocab_size"), [((3, 1), 2), ((2, 1), 3), ((3, 2), 2), ((2, 1, 1), 3)])
def test_matrices_columns_and_shapes_agree_with_apply(shape, vocab_size):
    projector = isotypic_projector(shape, vocab_size=vocab_size)
    size = vocab_size**projector.length
    matrix, dense = projector.matrix(), projector.to_numpy()
    everything = projector.apply(np.eye(size, dtype=int))
    assert everything.shape == (size, size)
    assert everything.ravel().tolist() == [Fraction(int(entry.p), int(entry.q)) for entry in matrix]
    assert np.array_equal(dense, np.array(matrix, dtype=float)) and dense.dtype == np.float64
    f = random_function(vocab_size, projector.length)
    assert np.array_equal(projector.apply(f.reshape(-1)), projector.apply(f).reshape(-1))
    pair = np.stack([f.reshape(-1), random_function(vocab_size, projector.length, seed=1).reshape(-1)], axis=1)
    assert np.array_equal(projector.apply(pair)[:, 0], projector.apply(f).reshape(-1))
    assert projector.apply(np.zeros((size, 0))).shape == (size, 0)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_projectors_commute_with_the_action(data):
    vocab_size, length = data.draw(st.sampled_from([(2, 5), (2, 6), (3, 4), (3, 5), (4, 4)]))
    shape = data.draw(st.sampled_from(list(partitions(length))))
    g = data.draw(st.permutations(range(length)).map(Permutation))
    f = random_function(vocab_size, length, data.draw(st.integers(0, 1000)))
    projector = isotypic_projector(shape, vocab_size=vocab_size)
    moved_first = projector.apply(act_on_positions(g, f))
    assert np.array_equal(moved_first, act_on_positions(g, projector.apply(f)))
    assert np.array_equal(projector.apply(projector.apply(f)), projector.apply(f))


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 10), (2, 14), (3, 8), (4, 6)])
def test_floats_keep_their_digits(vocab_size, length):
    f = np.random.default_rng(3).standard_normal(vocab_size**length)
    parts = {shape: isotypic_projector(shape, vocab_size=vocab_size).apply(f) for shape in partitions(length)}
    assert np.abs(sum(parts.values()) - f).max() < 1e-12
    shapes = [shape for shape in parts if shape.length <= vocab_size]
    for shape in shapes[:: max(1, len(shapes) // 4)]:
        projector = isotypic_projector(shape, vocab_size=vocab_size)
        assert np.abs(projector.apply(parts[shape]) - parts[shape]).max() < 1e-12
        other = parts[shapes[shapes.index(shape) - 1]]
        assert np.abs(projector.apply(other)).max() < 1e-12


@pytest.mark.parametrize(("shape", "vocab_size"), [((7, 7), 2), ((8, 6), 2), ((3, 3, 2), 3)])
def test_floats_against_exact_values(shape, vocab_size):
    projector = isotypic_projector(shape, vocab_size=vocab_size)
    f = random_function(vocab_size, projector.length).reshape(-1)
    assert np.abs(projector.apply(f.astype(float)) - projector.apply(f).astype(float)).max() < 1e-12 * np.abs(f).max()


@pytest.mark.parametrize(("vocab_size", "length"), [*SIZES, (3, 6)])
def test_rank_and_multiplicity(vocab_size, length):
    for shape in partitions(length):
        projector = isotypic_projector(shape, vocab_size=vocab_size)
        assert projector.multiplicity == sum(1 for _ in semistandard_tableaux(shape, vocab_size))
        assert projector.rank == projector.multiplicity * shape.dimension and type(projector.rank) is int
    ranks = (isotypic_projector(shape, vocab_size=vocab_size).rank for shape in partitions(length))
    assert sum(ranks) == vocab_size**length


def test_shapes_with_the_same_sum_of_contents_are_told_apart():
    first, second = isotypic_projector((4, 1, 1), vocab_size=3), isotypic_projector((3, 3), vocab_size=3)
    f = random_function(3, 6)
    assert not np.any(first.apply(second.apply(f)))
    assert np.any(first.apply(f)) and np.any(second.apply(f))


def test_exact_entries_of_every_kind_become_fractions():
    projector = isotypic_projector((2, 1), vocab_size=2)
    values = [0, 1, 1, 2, Fraction(1, 3), 0, 5, 0]
    expected = projector.apply(np.array(values, dtype=object))
    assert all(type(entry) is Fraction for entry in expected)
    as_sympy = [Rational(entry.numerator, entry.denominator) for entry in map(Fraction, values)]
    assert np.array_equal(projector.apply(as_sympy), expected)
    assert np.array_equal(
        projector.apply(np.array([0, 1, 1, 2, 0, 0, 5, 0], dtype=np.uint8)), projector.apply([0, 1, 1, 2, 0, 0, 5, 0])
    )


def test_other_floats_become_double():
    projector = isotypic_projector((2, 1), vocab_size=2)
    f = random_function(2, 3).astype(float)
    assert projector.apply(f.astype(np.float32)).dtype == np.float64
    both = projector.apply(f + 1j * f[::-1])
    assert both.dtype == np.complex128
    assert np.allclose(both.imag, projector.apply(f[::-1]), atol=1e-12)


@pytest.mark.parametrize("vocab_size", [1, 2])
def test_extreme_sizes(vocab_size):
    empty = isotypic_projector((), vocab_size=vocab_size)
    assert (empty.rank, empty.length) == (1, 0) and empty.matrix()[0, 0] == 1
    assert empty.apply(np.array(3.0)) == 3.0
    single = isotypic_projector((1,), vocab_size=vocab_size)
    assert single.matrix() == eye(vocab_size)
    assert isotypic_projector((40,), vocab_size=1).matrix()[0, 0] == 1
    assert isotypic_projector((39, 1), vocab_size=1).matrix()[0, 0] == 0


def test_repr_and_equality():
    projector = isotypic_projector([2, 1], vocab_size=3)
    assert repr(projector) == "isotypic_projector((2, 1), vocab_size=3)"
    assert projector == isotypic_projector(Partition((2, 1)), vocab_size=3)
    assert projector != isotypic_projector((2, 1), vocab_size=2)


@pytest.mark.parametrize("f", [np.zeros(9), np.zeros((2, 2)), np.zeros((4, 2)), np.zeros((2, 2, 2, 1))])
def test_functions_of_another_shape_are_refused(f):
    message = r"^f must have shape \(V,\)\*L, \(V\^L,\) or \(V\^L, m\) for V = 2 and L = 3, got \("
    with pytest.raises(InvalidArgumentError, match=message):
        isotypic_projector((2, 1), vocab_size=2).apply(f)


@pytest.mark.parametrize("entry", [0.5, True, Symbol("a"), "x"])
def test_entries_that_are_not_exact_are_refused(entry):
    f = np.array([entry, 1, 2, 3], dtype=object)
    with pytest.raises(InvalidTypeError, match=r"^f must have float or exact rational entries, got"):
        isotypic_projector((2,), vocab_size=2).apply(f)


def test_other_errors():
    with pytest.raises(InvalidTypeError, match=r"^f must have float or exact rational entries, got dtype\('bool'\)$"):
        isotypic_projector((2,), vocab_size=2).apply(np.ones(4, dtype=bool))
    with pytest.raises(InvalidPartitionError, match=r"^shape is not a partition"):
        isotypic_projector((1, 2), vocab_size=2)
    with pytest.raises(InvalidArgumentError, match=r"^vocab_size must be at least 1, got 0$"):
        isotypic_projector((2, 1), vocab_size=0)
    with pytest.raises(InvalidTypeError, match=r"^vocab_size must be an integer, got 2\.0$"):
        isotypic_projector((2, 1), vocab_size=2.0)
    large = isotypic_projector((10, 3), vocab_size=2)
    message = r"^the {} matrix of {} would be 8192 x 8192, the limit is {}: apply\(f\) projects functions without it$"
    name = r"isotypic_projector\(\(10, 3\), vocab_size=2\)"
    with pytest.raises(SizeLimitError, match=message.format("float64", name, "4096 x 4096")):
        large.to_numpy()
    with pytest.raises(SizeLimitError, match=message.format("exact", name, "1024 x 1024")):
        large.matrix()


MODULES = [
    permutation_module((2, 1)),
    permutation_module((1, 0, 2, 1)),
    permutation_module((2, 2)),
    natural(4),
    specht_module((2, 1, 1)),
    seminormal((3, 1)),
    regular(4),
    tensor_product(seminormal((3, 1)), specht_module((2, 2))),
    direct_sum(seminormal((2, 2)), natural(4), seminormal((2, 2))),
    tensor_product(natural(4), permutation_module((1, 3))),
    permutation_module((2, 1, 2)),
]


@pytest.mark.parametrize("module", MODULES, ids=repr)
def test_module_projectors_are_the_central_idempotents(module):
    total = zeros(module.dimension)
    for shape in partitions(module.n):
        projector = isotypic_projector(shape, module=module)
        matrix = projector.matrix()
        assert matrix == represent(module, central_idempotent(shape))
        assert matrix.trace() == projector.rank == shape.dimension * projector.multiplicity
        assert projector.multiplicity == module.multiplicities.get(shape, 0)
        assert np.abs(projector.to_numpy() - np.array(matrix, dtype=float)).max() < 1e-12
        total += matrix
    assert total == eye(module.dimension)


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_module_projectors_commute_with_the_action(data):
    module = data.draw(
        st.sampled_from(
            [
                permutation_module((3, 2, 1)),
                permutation_module((2, 2, 2)),
                tensor_product(natural(5), seminormal((3, 2))),
            ]
        )
    )
    shape = data.draw(st.sampled_from(list(partitions(module.n))))
    matrix = module.matrix(data.draw(st.permutations(range(module.n))))
    vector = np.random.default_rng(data.draw(st.integers(0, 99))).integers(-9, 9, module.dimension)
    projector = isotypic_projector(shape, module=module)

    def act(v):
        return np.array([Fraction(int(x.p), int(x.q)) for x in matrix * Matrix(v.tolist())], dtype=object)

    projected = projector.apply(vector)
    assert np.array_equal(projector.apply(act(vector)), act(projected))
    assert np.array_equal(projector.apply(projected), projected)


@pytest.mark.parametrize("composition", [(2, 2), (1, 3), (2, 1, 1)])
def test_functions_with_given_token_counts_are_a_permutation_module(composition):
    module, vocab_size = permutation_module(composition), len(composition)
    values = np.arange(module.dimension) ** 2
    f = np.zeros((vocab_size,) * module.n, dtype=int)
    for word, value in zip(module.words, values):
        f[word] = value
    for shape in partitions(module.n):
        on_functions = isotypic_projector(shape, vocab_size=vocab_size).apply(f)
        on_module = isotypic_projector(shape, module=module).apply(values)
        assert [on_functions[word] for word in module.words] == on_module.tolist()


@pytest.mark.parametrize("n", [3, 4])
def test_left_isotypic_parts_of_functions_on_the_group(n):
    """On the regular representation the projector keeps one block of the Fourier transform."""
    f = np.random.default_rng(n).integers(-9, 9, factorial(n))
    for shape in partitions(n):
        fhat = fourier_transform(isotypic_projector(shape, module=regular(n)).apply(f))
        for other in partitions(n):
            assert fhat[other] == (fourier_transform(f)[other] if other == shape else zeros(other.dimension))


def test_large_module_in_floating_point():
    projector = isotypic_projector((5, 3, 2), module=permutation_module((4, 3, 3)))
    f = np.random.default_rng(1).standard_normal((projector.module.dimension, 2))
    once = projector.apply(f)
    assert once.shape == f.shape and np.abs(projector.apply(once) - once).max() < 1e-12
    assert np.abs(isotypic_projector((6, 3, 1), module=projector.module).apply(once)).max() < 1e-12
    assert np.allclose(projector.apply(f + 1j * f[:, ::-1]).imag, once[:, ::-1], atol=1e-12)


def test_module_projectors_of_extreme_sizes():
    assert isotypic_projector((), module=permutation_module(())).matrix() == eye(1)
    assert isotypic_projector((1,), module=natural(1)).apply([5]).tolist() == [5]
    absent = isotypic_projector((1, 1, 1), module=permutation_module((2, 1)))
    assert absent.rank == 0 and absent.apply([1, 2, 3]).tolist() == [0, 0, 0]
    assert repr(absent) == "isotypic_projector((1, 1, 1), module=permutation_module((2, 1)))"


def test_module_errors():
    with pytest.raises(InvalidArgumentError, match=r"^vocab_size or module must be given, got None$"):
        isotypic_projector((2, 1))
    with pytest.raises(InvalidArgumentError, match=r"^vocab_size must not be given together with module, got 2$"):
        isotypic_projector((2, 1), vocab_size=2, module=natural(3))
    with pytest.raises(InvalidTypeError, match=r"^module must be a representation of S_n, got 3$"):
        isotypic_projector((2, 1), module=3)
    with pytest.raises(InvalidArgumentError, match=r"^module must belong to S_3, got natural\(4\)$"):
        isotypic_projector((2, 1), module=natural(4))
    with pytest.raises(InvalidTypeError, match=r"^module must have rational matrices, got orthogonal\(\(2, 1\)\)$"):
        isotypic_projector((2, 1), module=orthogonal((2, 1))).apply([1, 0])
    for wrong in (np.zeros(4), np.zeros((3, 1, 1)), np.array(1.0)):
        with pytest.raises(InvalidArgumentError, match=r"^f must have shape \(d,\) or \(d, m\) for d = 3, got \("):
            isotypic_projector((2, 1), module=natural(3)).apply(wrong)
    large = isotypic_projector((7, 2), module=permutation_module((4, 3, 2)))
    message = r"^the exact matrix of isotypic_.* would be 1260 x 1260, the limit is 1024 x 1024: apply\(f\) projects"
    with pytest.raises(SizeLimitError, match=message):
        large.matrix()


def test_ragged_arrays_are_refused():
    with pytest.raises(InvalidArgumentError, match="f must be an array, got ragged"):
        isotypic_projector((2, 1), vocab_size=2).apply([[1, 2], [3]])
