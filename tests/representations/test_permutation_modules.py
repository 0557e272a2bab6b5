"""Young permutation modules and their Specht modules: laws, Kostka numbers, intertwiners, the kernel intersection."""

import json
from itertools import permutations, product
from math import factorial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Matrix
from sympy.combinatorics import Permutation
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import SemistandardTableau, kostka_number, semistandard_tableaux
from symrep.errors import InvalidArgumentError, InvalidTableauError, InvalidTypeError, SizeLimitError
from symrep.representations.group_algebra import GroupAlgebraElement
from symrep.representations.irreps import natural
from symrep.representations.modules import decompose
from symrep.representations.permutation_modules import (
    permutation_module,
    regular,
    semistandard_homomorphism,
    semistandard_homomorphisms,
)
from symrep.representations.permutations import act_on_positions
from symrep.representations.specht import specht_module
from symrep.testing import check_representation

ORACLE = json.loads((Path(__file__).parents[1] / "oracles" / "modules_gap.json").read_text(encoding="utf-8"))
SMALL = [(), (1,), (0, 2), (2, 1), (1, 2), (1, 1, 1), (4,), (1, 0, 3), (2, 2), (1, 2, 1), (1, 1, 1, 1)]
MEDIUM = [(2, 3), (2, 1, 2), (1, 1, 1, 2), (3, 3), (1, 3, 2)]


def compositions(n):
    return st.lists(st.integers(0, n), min_size=1, max_size=4).filter(lambda parts: sum(parts) == n).map(tuple)


def rank(matrix):
    return DomainMatrix.from_Matrix(Matrix(matrix)).to_field().rank()


@pytest.mark.parametrize("composition", [*SMALL, *MEDIUM])
def test_it_is_a_representation(composition):
    check_representation(permutation_module(composition))


@pytest.mark.parametrize("composition", [c for c in SMALL if sum(c)] + MEDIUM)
def test_braid_relations(composition):
    module = permutation_module(composition)
    s = [module.generator(i) for i in range(1, module.n)]
    for i, j in product(range(len(s)), repeat=2):
        if abs(i - j) == 1:
            assert s[i] * s[j] * s[i] == s[j] * s[i] * s[j]
        elif i != j:
            assert s[i] * s[j] == s[j] * s[i]


@pytest.mark.parametrize(("composition", "expected"), ORACLE["young_modules"], ids=lambda value: str(value)[:24])
def test_decompositions_of_gap(composition, expected):
    module = permutation_module(composition)
    assert module.multiplicities == {Partition(shape): number for shape, number in expected} == decompose(module)


@pytest.mark.parametrize("composition", [(2, 1), (1, 2, 1), (2, 2), (2, 0, 1, 2)])
def test_it_lies_in_the_functions_on_sequences(composition):
    module, vocab_size = permutation_module(composition), len(composition)
    place_of = {word: index for index, word in enumerate(module.words)}
    for images in permutations(range(module.n)):
        g = Permutation(list(images))
        for index, word in enumerate(module.words):
            f = np.zeros((vocab_size,) * module.n)
            f[word] = 1
            (moved,) = np.argwhere(act_on_positions(g, f))
            assert place_of[tuple(moved.tolist())] == module.images(g)[index]


def test_natural_is_a_permutation_module():
    module, rho = permutation_module((1, 4)), natural(5)
    order = [module.basis.index(((letter,), tuple(x for x in range(1, 6) if x != letter))) for letter in range(1, 6)]
    for images in list(permutations(range(5)))[::11]:
        assert module.matrix(images).extract(order, order) == rho.matrix(images)


def test_basis_images_and_repr():
    module = permutation_module([2, 0, 1])
    assert module.basis == (((1, 2), (), (3,)), ((1, 3), (), (2,)), ((2, 3), (), (1,)))
    assert module.words == ((0, 0, 2), (0, 2, 0), (2, 0, 0))
    g = Permutation([1, 2, 0])
    assert module.images(g).tolist() == [1, 2, 0]
    for column, row in enumerate(module.images(g)):
        assert module.matrix(g)[int(row), column] == 1
    assert repr(module) == "permutation_module((2, 0, 1))" and module == permutation_module((2, 0, 1))
    assert permutation_module((5, 4, 3)).dimension == 27720


class TestHomomorphisms:
    @pytest.mark.parametrize("n", [1, 2, 3, 4])
    def test_all_intertwine(self, n):
        for mu in partitions(n):
            self.check_intertwiners(mu.parts)

    @pytest.mark.parametrize("composition", [mu.parts for mu in partitions(5)] + [(1, 3, 1), (0, 2, 3), (1, 2, 0, 2)])
    def test_all_intertwine_in_degree_5(self, composition):
        self.check_intertwiners(composition)

    @pytest.mark.slow
    @pytest.mark.parametrize("composition", [(2, 2, 2), (1, 2, 2, 1), (3, 2, 2)])
    def test_all_intertwine_in_larger_degrees(self, composition):
        self.check_intertwiners(composition)

    def check_intertwiners(self, composition):
        module = permutation_module(composition)
        homomorphisms = semistandard_homomorphisms(composition)
        for tableau, matrix in homomorphisms.items():
            rho = specht_module(tableau.shape)
            assert matrix.shape == (module.dimension, rho.dimension)
            for i in range(1, module.n):
                assert matrix * rho.generator(i) == module.generator(i) * matrix
        # Side by side they are square and invertible: independent, and together all of the module.
        full = Matrix.hstack(*(matrix.as_mutable() for matrix in homomorphisms.values()))
        assert full.shape == (module.dimension, module.dimension) and rank(full) == module.dimension

    @settings(deadline=None, max_examples=25)
    @given(st.integers(1, 6).flatmap(compositions))
    def test_one_for_every_semistandard_tableau(self, composition):
        if permutation_module(composition).dimension > 100:
            composition = (sum(composition),)
        labels = list(semistandard_homomorphisms(composition))
        weight = tuple(composition)
        while weight and weight[-1] == 0:
            weight = weight[:-1]
        expected = [
            tableau
            for shape in partitions(sum(weight))
            for tableau in semistandard_tableaux(shape, len(weight))
            if tableau.weight == weight
        ]
        assert len(labels) == len(set(labels)) and set(labels) == set(expected)
        assert sum(kostka_number(shape, weight) for shape in partitions(sum(weight))) == len(labels)

    def test_the_definition_for_every_polytabloid(self):
        tableau = SemistandardTableau([(1, 1, 2), (2, 3)])
        module, rho = permutation_module((2, 2, 1)), specht_module((3, 2))
        matrix = semistandard_homomorphism(tableau)
        fillings = set(product(set(permutations((1, 1, 2))), set(permutations((2, 3)))))
        for column, standard in enumerate(rho.basis):
            image = dict.fromkeys(module.words, 0)
            top, bottom = standard.rows
            for flips in product((0, 1), repeat=2):
                upper, lower = list(top), list(bottom)
                for j, flip in enumerate(flips):
                    if flip:
                        upper[j], lower[j] = lower[j], upper[j]
                for first, second in fillings:
                    row_of = dict(zip(upper + lower, first + second))
                    image[tuple(row_of[letter] - 1 for letter in range(1, 6))] += (-1) ** sum(flips)
            assert list(matrix[:, column]) == list(image.values())

    @pytest.mark.parametrize("shape", [(2, 1), (3, 1), (2, 2), (2, 1, 1), (3, 2), (2, 2, 1)])
    def test_the_specht_module_is_the_kernel_intersection(self, shape):
        """James: S^shape is where all maps vanish that merge a part of row r + 1 into row r."""
        module = permutation_module(shape)
        conditions = []
        for r in range(len(shape) - 1):
            for kept in range(shape[r + 1]):
                # Letters of row r + 1 are moved to row r in all ways that leave ``kept`` of them.
                image: dict[tuple[int, ...], list[int]] = {}
                for column, word in enumerate(module.words):
                    lower = [i for i, row in enumerate(word) if row == r + 1]
                    for stay in product((0, 1), repeat=len(lower)):
                        if sum(stay) == kept:
                            moved = list(word)
                            for i, stays in zip(lower, stay):
                                moved[i] = r + 1 if stays else r
                            image.setdefault(tuple(moved), [0] * module.dimension)[column] += 1
                conditions += image.values()
        polytabloids = semistandard_homomorphism([[r + 1] * part for r, part in enumerate(shape)])
        kernel_size = module.dimension - rank(conditions)
        assert kernel_size == Partition(shape).dimension == rank(polytabloids)
        assert (Matrix(conditions) * polytabloids).is_zero_matrix

    def test_specht_modules_sit_inside_their_own_permutation_module(self):
        matrix = semistandard_homomorphism([(1, 1), (2, 2)])
        module, rho = permutation_module((2, 2)), specht_module((2, 2))
        # e_T for T = 1,2/3,4 is {12/34} - {32/14} - {14/32} + {34/12}.
        signs = {((1, 2), (3, 4)): 1, ((2, 3), (1, 4)): -1, ((1, 4), (2, 3)): -1, ((3, 4), (1, 2)): 1}
        assert rho.basis[0].rows == ((1, 2), (3, 4))
        assert list(matrix[:, 0]) == [signs.get(tabloid, 0) for tabloid in module.basis]

    def test_weights_with_trailing_zeros(self):
        short, long = (semistandard_homomorphism([(1, 2)], weight=w) for w in ((1, 1), (1, 1, 0)))
        assert short == long
        assert semistandard_homomorphism([(2, 2)], weight=(0, 2)).shape == (1, 1)
        assert semistandard_homomorphism(()).shape == (1, 1)


class TestRegular:
    @pytest.mark.parametrize("n", range(6))
    def test_it_is_a_representation(self, n):
        check_representation(regular(n))

    def test_it_multiplies_from_the_left(self):
        rho = regular(4)
        g = Permutation([1, 3, 0, 2])
        for h, image in zip(rho.basis, rho.images(g)):
            assert rho.basis[image] == g * h
            assert GroupAlgebraElement({g: 1}, 4) * GroupAlgebraElement({h: 1}, 4) == GroupAlgebraElement({g * h: 1}, 4)

    @pytest.mark.parametrize("n", range(5))
    def test_every_irrep_occurs_as_often_as_its_dimension(self, n):
        rho = regular(n)
        assert decompose(rho) == rho.multiplicities == {shape: shape.dimension for shape in partitions(n)}
        assert rho.dimension == factorial(n) and repr(rho) == f"regular({n})"


class TestErrors:
    @pytest.mark.parametrize(
        ("composition", "error", "message"),
        [
            ((2, -1), InvalidArgumentError, r"^entry of composition must be at least 0, got -1$"),
            ((2, 1.0), InvalidTypeError, r"^entry of composition must be an integer, got 1\.0$"),
            (3, InvalidTypeError, r"^composition must be a sequence of nonnegative integers, got 3$"),
            ((10, 10, 10), SizeLimitError, r"^permutation_module\(\(10, 10, 10\)\) would have 5550996791340 basis vec"),
        ],
    )
    def test_compositions(self, composition, error, message):
        with pytest.raises(error, match=message):
            permutation_module(composition)

    def test_homomorphisms(self):
        with pytest.raises(InvalidTableauError, match=r"^rows must increase strictly down every column, got"):
            semistandard_homomorphism([(1, 1), (1,)])
        with pytest.raises(InvalidTableauError, match=r"^weight must be the weight \(1, 1\) of tableau, got \(2,\)$"):
            semistandard_homomorphism([(1, 2)], weight=(2,))
        with pytest.raises(InvalidTableauError, match=r"^weight must be the weight \(2,\) of tableau, got \(2, 1\)$"):
            semistandard_homomorphism([(1, 1)], weight=(2, 1))
        with pytest.raises(SizeLimitError, match=r"^the homomorphism of Semi.* would be 369600 x 132, the limit is 1"):
            semistandard_homomorphism([(1, 1, 1, 2, 2, 2), (3, 3, 3, 4, 4, 4)])

    def test_others(self):
        with pytest.raises(SizeLimitError, match=r"^regular\(7\) would have 7! basis vectors, the limit is n = 6"):
            regular(7)
        with pytest.raises(InvalidArgumentError, match=r"^g must permute at most the points 0\.\.2, got \[1, 0"):
            permutation_module((2, 1)).images(Permutation(3)(0, 1))
        with pytest.raises(InvalidArgumentError, match=r"^i must lie in 1\.\.2, got 3$"):
            permutation_module((2, 1)).generator(3)
