"""The fast Fourier transform on S_n against its definition, against products in the group algebra, and against GAP."""

import json
from fractions import Fraction
from itertools import permutations
from math import factorial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import QQ, ImmutableMatrix, Rational, Symbol, diag, sqrt, zeros
from sympy.combinatorics import Permutation
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError, SizeLimitError
from symrep.representations.coset_recursion import ExactStack
from symrep.representations.fourier import (
    FourierTransform,
    fourier_transform,
    inverse_fourier_transform,
    permutation_from_index,
    permutation_index,
    permutations_in_coset_order,
)
from symrep.representations.group_algebra import GroupAlgebraElement, central_idempotent, jucys_murphy
from symrep.representations.irreps import orthogonal, seminormal
from symrep.representations.permutations import adjacent_transposition

ORACLE = json.loads((Path(__file__).parents[1] / "oracles" / "modules_gap.json").read_text(encoding="utf-8"))


def random_integers(n, seed=0, bound=50):
    return np.random.default_rng(seed).integers(-bound, bound, factorial(n))


def defining_sum(f, shape):
    """The sum of f(g) rho(g) over all g, exactly."""
    rho = seminormal(shape)
    total = zeros(rho.dimension)
    for value, g in zip(f, permutations_in_coset_order(shape.size)):
        total += value * rho.matrix(g)
    return total


def elements(n):
    rationals = st.fractions(min_value=-3, max_value=3, max_denominator=6)
    terms = st.dictionaries(st.permutations(range(n)).map(tuple), rationals, max_size=6)
    return terms.map(lambda coefficients: GroupAlgebraElement(coefficients, n))


class TestOrder:
    @pytest.mark.parametrize("n", range(6))
    def test_index_and_permutation_are_inverse(self, n):
        group = list(permutations_in_coset_order(n))
        assert len(set(map(tuple, (g.array_form for g in group)))) == factorial(n)
        for index, g in enumerate(group):
            assert permutation_index(g) == index and type(permutation_index(g)) is int
            assert permutation_from_index(index, n) == g

    @pytest.mark.parametrize("n", [2, 3, 4, 5])
    def test_cosets_are_contiguous_and_subgroups_first(self, n):
        group, subgroup = list(permutations_in_coset_order(n)), list(permutations_in_coset_order(n - 1))
        for c in range(n):
            representative = Permutation(range(n))
            for i in range(n - c, n):
                representative *= adjacent_transposition(i, n)
            coset = [representative * Permutation(h.array_form, size=n) for h in subgroup]
            assert coset == group[c * factorial(n - 1) : (c + 1) * factorial(n - 1)]

    def test_errors(self):
        with pytest.raises(InvalidArgumentError, match=r"^index must be less than 3!, got 6$"):
            permutation_from_index(6, 3)
        with pytest.raises(InvalidArgumentError, match=r"^index must be at least 0, got -1$"):
            permutation_from_index(-1, 3)
        with pytest.raises(InvalidArgumentError, match=r"^g must list the images of 0\.\.1, got \[0, 2\]$"):
            permutation_index([0, 2])
        message = r"^the coset order of S_1000000 has 1000000! places, the limit is n = 1000: Permutation\(images\)"
        with pytest.raises(SizeLimitError, match=message):
            permutation_from_index(0, 10**6)
        assert permutation_from_index(factorial(30) - 1, 30).array_form == list(range(30))[::-1]


class TestDefinition:
    @pytest.mark.parametrize("n", range(5))
    def test_exact_transform_is_the_defining_sum(self, n):
        f = random_integers(n).tolist()
        fhat = fourier_transform(f, n)
        assert fhat.is_exact and fhat.n == n and fhat.shapes == tuple(partitions(n))
        for shape in partitions(n):
            assert fhat[shape] == defining_sum(f, shape)
            assert isinstance(fhat[shape], ImmutableMatrix)
            assert fhat.domain_matrix(shape).to_Matrix() == fhat[shape]

    @pytest.mark.parametrize("n", range(6))
    def test_float_transform_is_the_defining_sum(self, n):
        f = np.random.default_rng(n).standard_normal(factorial(n))
        fhat = fourier_transform(f, n)
        assert not fhat.is_exact
        for shape in partitions(n):
            rho = orthogonal(shape)
            expected = sum(value * rho.to_numpy(g) for value, g in zip(f, permutations_in_coset_order(n)))
            assert np.abs(fhat[shape] - expected).max() < 1e-12 and fhat[shape].dtype == np.float64

    @settings(deadline=None, max_examples=25)
    @given(st.integers(5, 6).flatmap(lambda n: st.permutations(range(n))), st.data())
    def test_a_single_permutation_gives_its_matrices(self, images, data):
        shape = data.draw(st.sampled_from(list(partitions(len(images)))))
        assert fourier_transform({Permutation(images): 1})[shape] == seminormal(shape).matrix(images)
        floats = fourier_transform({Permutation(images): 1.0})[shape]
        assert np.abs(floats - orthogonal(shape).to_numpy(images)).max() < 1e-12

    @pytest.mark.parametrize("n", [2, 4])
    def test_the_forms_differ_by_the_lengths_of_the_basis(self, n):
        f = random_integers(n)
        exact, floats = fourier_transform(f), fourier_transform(f, exact=False)
        for shape in partitions(n):
            lengths = np.sqrt(np.array(exact.gram_diagonal(shape), dtype=float))
            scaled = lengths[:, None] * np.array(exact[shape], dtype=float) / lengths
            assert np.abs(scaled - floats[shape]).max() < 1e-11
            assert floats.gram_diagonal(shape) == (1,) * shape.dimension

    def test_jucys_murphy_elements_are_diagonal(self):
        for shape in partitions(5):
            for k in range(1, 6):
                contents = [tableau.content_vector[k - 1] for tableau in seminormal(shape).basis]
                assert fourier_transform(jucys_murphy(k, 5))[shape] == diag(*contents)

    def test_central_idempotents_are_the_identity_on_one_shape(self):
        fhat = fourier_transform(central_idempotent((3, 1, 1)).to_group_algebra())
        for shape in partitions(5):
            scale = int(shape == Partition((3, 1, 1)))
            assert fhat[shape] == diag(*[scale] * shape.dimension)


class TestInverse:
    @pytest.mark.parametrize("n", range(7))
    def test_exact_round_trip(self, n):
        values = [Fraction(int(a), int(b)) for a, b in zip(random_integers(n), abs(random_integers(n, 1)) + 1)]
        back = inverse_fourier_transform(fourier_transform(values, n))
        assert back.tolist() == values and all(type(value) is Fraction for value in back)

    @pytest.mark.parametrize("n", range(8))
    def test_float_round_trip(self, n):
        f = np.random.default_rng(n).standard_normal(factorial(n))
        back = inverse_fourier_transform(fourier_transform(f, n))
        assert back.dtype == np.float64 and np.abs(back - f).max() < 1e-13 * factorial(n) ** 0.5

    @pytest.mark.parametrize("n", [3, 4])
    def test_inverse_is_the_trace_formula(self, n):
        generator = np.random.default_rng(n)
        matrices = {shape: generator.integers(-9, 9, (shape.dimension,) * 2).tolist() for shape in partitions(n)}
        values = inverse_fourier_transform(FourierTransform(matrices, n))
        for value, g in zip(values, permutations_in_coset_order(n)):
            traces = {s: (seminormal(s).matrix(g**-1) * ImmutableMatrix(m)).trace() for s, m in matrices.items()}
            expected = sum(shape.dimension * trace for shape, trace in traces.items()) / factorial(n)
            assert Rational(value.numerator, value.denominator) == expected

    @pytest.mark.parametrize("n", [3, 4])
    def test_random_matrices_are_transforms(self, n):
        generator = np.random.default_rng(n)
        floats = {shape: generator.standard_normal((shape.dimension,) * 2) for shape in partitions(n)}
        again = fourier_transform(inverse_fourier_transform(FourierTransform(floats, n)))
        exact = {shape: generator.integers(-9, 9, (shape.dimension,) * 2) for shape in partitions(n)}
        exact_again = fourier_transform(inverse_fourier_transform(FourierTransform(exact, n)))
        for shape in partitions(n):
            assert np.abs(again[shape] - floats[shape]).max() < 1e-12
            assert exact_again[shape] == ImmutableMatrix(exact[shape].tolist())

    def test_missing_shapes_are_zero(self):
        only = FourierTransform({(2, 1, 1): np.eye(3, dtype=int)}, 4)
        full = {shape: zeros(shape.dimension) for shape in partitions(4)} | {Partition((2, 1, 1)): np.eye(3, dtype=int)}
        assert np.array_equal(inverse_fourier_transform(only), inverse_fourier_transform(FourierTransform(full, 4)))
        assert only[(2, 2)] == zeros(2) and only.to_group_algebra() == central_idempotent((2, 1, 1)).to_group_algebra()
        nothing = inverse_fourier_transform(FourierTransform({}, 3))
        assert nothing.tolist() == [0] * 6 and type(nothing[0]) is Fraction
        floats = FourierTransform({(2, 1): np.eye(2)}, 3)
        assert floats[(3,)].tolist() == [[0.0]] and np.array_equal(inverse_fourier_transform(floats * floats)[1:2], [0])
        empty = floats * FourierTransform({(3,): [[1.0]]}, 3)
        assert inverse_fourier_transform(empty).tolist() == [0.0] * 6

    def test_complex_values(self):
        f = random_integers(4) + 1j * random_integers(4, 1)
        fhat = fourier_transform(f)
        assert fhat[(3, 1)].dtype == np.complex128
        assert np.allclose(fhat[(3, 1)].imag, fourier_transform(f.imag)[(3, 1)])
        assert np.allclose(inverse_fourier_transform(fhat), f)
        mixed = {(0, 1): 1j, (1, 0): Fraction(1, 2)}
        assert np.allclose(inverse_fourier_transform(fourier_transform(mixed)), [1j, 0.5])


class TestConvolution:
    @settings(deadline=None, max_examples=30)
    @given(st.integers(3, 6).flatmap(lambda n: st.tuples(elements(n), elements(n))))
    def test_exactly(self, pair):
        a, b = pair
        ahat, bhat = fourier_transform(a), fourier_transform(b)
        assert (ahat * bhat).to_group_algebra() == a * b
        assert (bhat * ahat).to_group_algebra() == b * a
        for shape in list(partitions(a.n))[1:3]:
            assert (ahat * bhat)[shape] == fourier_transform(a * b)[shape] == ahat[shape] * bhat[shape]

    def test_order_matters(self):
        a, b = (GroupAlgebraElement({g: 1}, 4) for g in ((1, 2, 0, 3), (0, 3, 1, 2)))
        assert a * b != b * a
        assert (fourier_transform(a) * fourier_transform(b)).to_group_algebra() == a * b

    @pytest.mark.parametrize("n", [4, 5])
    def test_in_floating_point_against_the_double_sum(self, n):
        f, h = (np.random.default_rng(seed).standard_normal(factorial(n)) for seed in (1, 2))
        images = [g.array_form for g in permutations_in_coset_order(n)]
        index_of = {tuple(image): index for index, image in enumerate(images)}
        expected = np.zeros(factorial(n))
        for i, p in enumerate(images):
            products = [index_of[tuple([q[x] for x in p])] for q in images]
            expected[products] += f[i] * h
        product = inverse_fourier_transform(fourier_transform(f) * fourier_transform(h))
        assert np.abs(product - expected).max() < 1e-11

    @pytest.mark.parametrize("case", ORACLE["products"], ids=lambda case: f"S_{case['n']}")
    def test_products_of_gap(self, case):
        def element(terms):
            values = {tuple(i - 1 for i in images): Fraction(p, q) for images, p, q in terms}
            return GroupAlgebraElement(values, case["n"])

        a, b, product = map(element, case["factors_and_product"])
        assert (fourier_transform(a) * fourier_transform(b)).to_group_algebra() == product


class TestPlancherel:
    @settings(deadline=None, max_examples=25)
    @given(st.integers(1, 5).flatmap(lambda n: st.tuples(elements(n), elements(n))))
    def test_exactly(self, pair):
        a, b = pair
        expected = sum(a.coefficient(g) * b.coefficient(g) for g in a.support)
        inner = fourier_transform(a).inner_product(fourier_transform(b))
        assert inner == expected and isinstance(inner, Rational)

    def test_floats(self):
        f, h = random_integers(5) + 0.5j * random_integers(5, 1), random_integers(5, 2) + 1j * random_integers(5, 3)
        inner = fourier_transform(f).inner_product(fourier_transform(h))
        assert abs(inner - np.vdot(f, h)) < 1e-8 and type(inner) is complex
        assert type(fourier_transform(f.real).inner_product(fourier_transform(h.real))) is float
        assert FourierTransform({(2, 1): np.eye(2)}, 3).inner_product(FourierTransform({(3,): [[1.0]]}, 3)) == 0

    @pytest.mark.parametrize("shape", [(3, 1), (2, 1, 1), (3, 2)])
    def test_gram_diagonal_makes_the_seminormal_form_orthogonal(self, shape):
        rho, gram = seminormal(shape), diag(*FourierTransform({}, sum(shape)).gram_diagonal(shape))
        for images in list(permutations(range(rho.n)))[::7]:
            inverse = Permutation(list(images)) ** -1
            assert rho.matrix(inverse) == gram.inv() * rho.matrix(images).T * gram


class TestInput:
    def test_kinds_of_exact_values(self):
        reference = fourier_transform([1, -2, 0, 0, Fraction(1, 2), 0])
        element = GroupAlgebraElement({(0, 1, 2): 1, (1, 0, 2): -2, (2, 0, 1): Fraction(1, 2)}, 3)
        for f in (
            element,
            {Permutation(2): 1, Permutation(0, 1): -2, Permutation([2, 0, 1]): Rational(1, 2)},
            {(0, 1, 2): 1, (1, 0): -2, (2, 0, 1): Fraction(1, 2)},
            np.array([1, -2, 0, 0, Rational(1, 2), 0], dtype=object),
        ):
            for shape in partitions(3):
                assert fourier_transform(f, 3)[shape] == reference[shape]

    def test_values_of_one_permutation_are_added(self):
        swap = Permutation([1, 0])
        exact = fourier_transform({(1, 0): 1, swap: Rational(1, 2), (0, 1): np.int64(2**62)})
        assert exact.is_exact and inverse_fourier_transform(exact).tolist() == [2**62, Fraction(3, 2)]
        large = fourier_transform({(1, 0): np.int64(2**62), swap: np.int64(2**62)})
        assert inverse_fourier_transform(large).tolist() == [0, 2**63]
        for half in (0.5, np.float32(0.5), np.float64(0.5), np.complex64(0.5)):
            for mixed in ({(1, 0): half, swap: 2}, {(1, 0): Rational(2), swap: half}):
                floats = fourier_transform(mixed)
                assert not floats.is_exact and np.allclose(inverse_fourier_transform(floats), [0, 2.5])
        extended = fourier_transform({(1, 0): 1, (1, 0, 2): 2, swap: 4}, 3)
        assert inverse_fourier_transform(extended).tolist() == [0, 7, 0, 0, 0, 0]

    def test_exact_or_float(self):
        assert fourier_transform(np.arange(6)).is_exact and fourier_transform(list(range(6))).is_exact
        assert fourier_transform(np.arange(6, dtype=np.uint8)).is_exact
        assert not fourier_transform(np.arange(6.0)).is_exact
        assert not fourier_transform([0, 1, 2, 3, 4, 5.0]).is_exact
        assert not fourier_transform([Fraction(1, 2)] * 6, exact=False).is_exact
        assert fourier_transform({}, 4).is_exact

    def test_huge_integers_stay_exact(self):
        values = [2**63, -1, 2**200, Fraction(1, 3**90), 0, 7] * 4
        fhat = fourier_transform(values)
        assert inverse_fourier_transform(fhat).tolist() == values
        assert fhat[(4,)] == ImmutableMatrix([[Rational(sum(map(Fraction, values)))]])
        as_sympy = [Rational(*value.as_integer_ratio()) for value in values]
        assert fhat[(3, 1)] == defining_sum(as_sympy, Partition((3, 1)))

    def test_integers_are_int64_only_while_that_is_safe(self):
        assert ExactStack.of_integers(np.array([[2**62, 1]], dtype=object)).rows.dtype == np.int64
        assert ExactStack.of_integers(np.array([[2**62 + 1, 1]], dtype=object)).rows.dtype == object
        for signs in ([1] * 120, [1, -1] * 60, np.sign(random_integers(5) + 0.5).astype(int).tolist()):
            f = [sign * 2**61 for sign in signs]
            fhat = fourier_transform(f)
            assert fhat[(5,)] == ImmutableMatrix([[sum(f)]])
            assert inverse_fourier_transform(fhat).tolist() == f

    def test_arguments_are_not_changed(self):
        f = np.random.default_rng(0).standard_normal(24)
        copy = f.copy()
        fhat = fourier_transform(f)
        inverse_fourier_transform(fhat)
        assert np.array_equal(f, copy)
        with pytest.raises(ValueError, match="read-only"):
            fhat[(3, 1)][0, 0] = 1
        given = FourierTransform({(2, 1): np.eye(2)}, 3)
        for made in (fhat[(3, 1)], (fhat * fhat)[(2, 2)], given[(2, 1)], given[(3,)], fourier_transform([3.0])[(1,)]):
            with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
                made.flags.writeable = True
        one = fourier_transform([3.0])
        f_of_one = inverse_fourier_transform(one)
        f_of_one[0] = 4
        assert one[(1,)].tolist() == [[3.0]]
        exact = fourier_transform([1, 2])
        assert exact.domain_matrix((2,)) is not exact.domain_matrix((2,))
        values = np.array([3.0])
        single = fourier_transform(values)
        values[0] = 5
        assert single[(1,)].tolist() == [[3.0]]

    def test_matrices_may_be_given_in_every_exact_form(self):
        rows = [[1, Fraction(1, 2)], [0, 3]]
        sympy_rows = [[1, Rational(1, 2)], [0, 3]]
        domain = DomainMatrix([[QQ(1), QQ(1, 2)], [QQ(0), QQ(3)]], (2, 2), QQ)
        for matrix in (rows, ImmutableMatrix(sympy_rows), domain, np.array(sympy_rows, dtype=object)):
            assert FourierTransform({(2, 1): matrix}, 3)[(2, 1)] == ImmutableMatrix(sympy_rows)
        assert repr(FourierTransform({(2, 1): rows}, 3)) == "FourierTransform(n=3, exact)"
        assert repr(FourierTransform({(2, 1): np.eye(2)}, 3)) == "FourierTransform(n=3, float)"


class TestErrors:
    @pytest.mark.parametrize(
        ("f", "n", "error", "message"),
        [
            ([1, 2, 3], None, InvalidArgumentError, r"^f must have n! values in coset order, got 3$"),
            ([], None, InvalidArgumentError, r"^f must have n! values in coset order, got 0$"),
            ([1, 2], 3, InvalidArgumentError, r"^f must have 3! = 6 values, got 2$"),
            (np.zeros((2, 3)), None, InvalidArgumentError, r"^f must be one-dimensional, got \(2, 3\)$"),
            (7, None, InvalidTypeError, r"^f must be an array of n! values, a dict .* or a Group.*, got 7$"),
            (["x", 1], None, InvalidTypeError, r"^f must have float or exact rational entries, got 'x'$"),
            ([True, 1], None, InvalidTypeError, r"^f must have float or exact rational entries, got True$"),
            ([Symbol("a"), 1], None, InvalidTypeError, r"^f must have float or exact rational entries, got a$"),
            (np.array([True, False]), None, InvalidTypeError, r"^f must have float or exact .*dtype\('bool'\)$"),
            ({(1, 0): "a"}, None, InvalidTypeError, r"^f must have float or exact rational entries, got 'a'$"),
            ({(1, 0): None}, None, InvalidTypeError, r"^f must have float or exact rational entries, got None$"),
            ({(1, 0): [1, 2]}, None, InvalidTypeError, r"^f must have float or exact .* entries, got \[1, 2\]$"),
            ({(1, 0): True}, None, InvalidTypeError, r"^f must have float or exact rational entries, got True$"),
            ({(0, 0): 1}, None, InvalidArgumentError, r"^g must list the images of 0\.\.1, got \[0, 0\]$"),
            ({(0, 1, 2): 1}, 2, InvalidArgumentError, r"^g must permute at most the points 0\.\.1, got \[0, 1, 2\]$"),
            (GroupAlgebraElement({}, 3), 4, InvalidArgumentError, r"^n must be the degree 3 of f, got 4$"),
            ([1.0], 1.0, InvalidTypeError, r"^n must be an integer, got 1\.0$"),
        ],
    )
    def test_functions_that_are_none(self, f, n, error, message):
        with pytest.raises(error, match=message):
            fourier_transform(f, n)

    def test_floats_are_not_exact(self):
        message = r"^f must have exact rational values to be transformed exactly, got"
        with pytest.raises(InvalidTypeError, match=message):
            fourier_transform([0.5, 1], exact=True)

    @pytest.mark.parametrize(
        "f",
        [
            [10**400, 1.5],
            [Fraction(10**5000), 1j],
            [Rational(10**400), 0.5],
            {(1, 0): 10**400, Permutation(1): 1.5},
            {(1, 0): 10**400, Permutation([1, 0]): 1.5},
        ],
    )
    def test_exact_values_beyond_the_floats(self, f):
        with pytest.raises(InvalidArgumentError, match=r"^f must have entries in the range of float64 unless all are"):
            fourier_transform(f)

    def test_exact_matrix_entries_beyond_the_floats(self):
        with pytest.raises(InvalidArgumentError, match=r"^matrix must have entries in the range of float64 unless all"):
            FourierTransform({(2, 1): [[10**400, 1.5], [0, 0]]}, 3)

    def test_sizes(self):
        message = r"^a function on S_11 has 11! values and takes 319334400 bytes in float64, the limit is n = 10: "
        with pytest.raises(SizeLimitError, match=message):
            fourier_transform({Permutation(10): 1})
        with pytest.raises(SizeLimitError, match=message):
            fourier_transform([1], 11)
        with pytest.raises(SizeLimitError, match=message):
            FourierTransform({(11,): [[1]]}, 11)
        with pytest.raises(SizeLimitError, match=message):
            FourierTransform({}, 11)
        with pytest.raises(SizeLimitError, match=r"^a function on S_5000 has 5000! values and takes 8 \* 5000! bytes"):
            fourier_transform({Permutation(4999): 1})

    def test_transforms(self):
        exact, floats = fourier_transform([1, 2]), fourier_transform([1.0, 2.0])
        with pytest.raises(InvalidArgumentError, match=r"^other must be exact and belong to S_2, got Four.*float\)$"):
            exact * floats
        with pytest.raises(InvalidArgumentError, match=r"^other must be float and belong to S_2, got Four"):
            floats.inner_product(fourier_transform(np.zeros(6)))
        with pytest.raises(InvalidTypeError, match=r"^other must be a FourierTransform, got 5$"):
            FourierTransform({}, 3).inner_product(5)
        with pytest.raises(TypeError, match="unsupported operand"):
            exact * 2
        with pytest.raises(InvalidTypeError, match=r"^transform must be exact for an element of Q\[S_n\], got"):
            floats.to_group_algebra()
        with pytest.raises(InvalidTypeError, match=r"^transform must be exact to have matrices over Q, got"):
            floats.domain_matrix((2,))
        with pytest.raises(InvalidPartitionError, match=r"^shape must be a partition of 2, got \(3,\)$"):
            exact[(3,)]
        with pytest.raises(InvalidTypeError, match=r"^fhat must be a FourierTransform, got \[1\]$"):
            inverse_fourier_transform([1])
        with pytest.raises(AttributeError, match="cannot assign"):
            exact.n = 3

    def test_matrices(self):
        with pytest.raises(InvalidTypeError, match=r"^matrices must be a dict \{shape: matrix\}, got \[1\]$"):
            FourierTransform([1], 3)
        with pytest.raises(InvalidArgumentError, match=r"^matrix must be 2 x 2 for \(2,1\), got \[1\]$"):
            FourierTransform({(2, 1): [[1]]}, 3)
        with pytest.raises(InvalidTypeError, match=r"^matrix must be a matrix or a sequence of rows, got 3$"):
            FourierTransform({(3,): 3}, 3)
        with pytest.raises(InvalidTypeError, match=r"^matrices must be all exact or all floats, got"):
            FourierTransform({(3,): [[1]], (2, 1): np.eye(2)}, 3)
        with pytest.raises(InvalidTypeError, match=r"^matrix must have float or exact rational .*, got sqrt\(2\)$"):
            FourierTransform({(3,): [[sqrt(2)]]}, 3)
        with pytest.raises(InvalidPartitionError, match=r"^shape must be a partition of 4, got \(2, 1\)$"):
            FourierTransform({(2, 1): [[1]]}, 4)


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 9])
def test_large_groups(n):
    f = np.random.default_rng(n).standard_normal(factorial(n))
    fhat = fourier_transform(f)
    assert np.abs(inverse_fourier_transform(fhat) - f).max() < 1e-11
    assert abs(fhat.inner_product(fhat) / np.vdot(f, f) - 1) < 1e-12
    assert abs(fhat[(n,)].item() - f.sum()) < 1e-9
    integers = random_integers(n)
    assert np.array_equal(inverse_fourier_transform(fourier_transform(integers)), integers)
