"""Direct sums, tensor products, restrictions and decompositions: laws, and multiplicities by a second route."""

from functools import reduce
from itertools import combinations_with_replacement, product
from operator import mul

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import QQ, Matrix, Rational, diag, kronecker_product
from sympy.combinatorics import Permutation
from sympy.polys.matrices import DomainMatrix

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import (
    InvalidArgumentError,
    InvalidPermutationError,
    InvalidTypeError,
    VerificationError,
)
from symrep.representations.characters import character, character_table
from symrep.representations.irreps import natural, orthogonal, seminormal, sign, standard, trivial
from symrep.representations.modules import decompose, direct_sum, tensor_product
from symrep.representations.permutation_modules import permutation_module, regular
from symrep.representations.representation import Representation
from symrep.representations.restrictions import restriction, young_subgroup_restriction
from symrep.representations.specht import specht_module
from symrep.testing import check_representation

COMPOSED = [
    direct_sum(seminormal((2, 1)), natural(3), orthogonal((2, 1))),
    direct_sum(specht_module((2, 1, 1)), sign(4), direct_sum(standard(4))),
    tensor_product(seminormal((3, 1)), specht_module((2, 2))),
    tensor_product(orthogonal((2, 1)), orthogonal((2, 1)), natural(3)),
    tensor_product(orthogonal((2, 2)), seminormal((2, 1, 1))),
    tensor_product(direct_sum(trivial(4), seminormal((2, 2))), permutation_module((2, 2))),
    restriction(seminormal((3, 1, 1)), 4),
    restriction(orthogonal((3, 2)), 3),
    restriction(tensor_product(natural(5), specht_module((3, 2)))),
    tensor_product(seminormal((3, 2)), seminormal((2, 2, 1))),
]


@pytest.mark.parametrize("rho", COMPOSED, ids=repr)
def test_it_is_a_representation(rho):
    check_representation(rho)
    assert decompose(rho) == rho.multiplicities
    assert sum(count * shape.dimension for shape, count in rho.multiplicities.items()) == rho.dimension
    assert len(rho.basis) == len(set(rho.basis)) == rho.dimension


@pytest.mark.parametrize("rho", COMPOSED, ids=repr)
def test_braid_relations(rho):
    s = [rho.domain_matrix(g) for g in generators(rho.n)]
    for i, j in product(range(len(s)), repeat=2):
        if abs(i - j) == 1:
            assert (s[i] * s[j] * s[i]).to_Matrix() == (s[j] * s[i] * s[j]).to_Matrix()
        elif i != j:
            assert (s[i] * s[j]).to_Matrix() == (s[j] * s[i]).to_Matrix()


def generators(n):
    return [Permutation([[i - 1, i]], size=n) for i in range(1, n)]


class TestSumsAndProducts:
    @settings(deadline=None, max_examples=25)
    @given(st.permutations(range(5)), st.data())
    def test_matrices(self, g, data):
        shapes = st.sampled_from(list(partitions(5)))
        a, b = seminormal(data.draw(shapes)), specht_module(data.draw(shapes))
        assert direct_sum(a, b).matrix(g) == diag(a.matrix(g), b.matrix(g))
        assert tensor_product(a, b).matrix(g) == kronecker_product(a.matrix(g), b.matrix(g))
        floats = tensor_product(b, orthogonal(a.shape)).to_numpy(g)
        assert np.abs(floats - np.kron(b.to_numpy(g), orthogonal(a.shape).to_numpy(g))).max() < 1e-12

    @pytest.mark.parametrize("n", [2, 3, 4])
    def test_generators_are_the_matrices_of_transpositions(self, n):
        a, b = seminormal((n - 1, 1)), natural(n)
        for rho in (direct_sum(a, b), tensor_product(a, b), restriction(direct_sum(a, b), n)):
            for i, g in enumerate(generators(n), start=1):
                assert rho.generator(i) == rho.matrix(g)

    @pytest.mark.parametrize("n", [3, 4, 5])
    def test_tensor_multiplicities_are_inner_products_of_characters(self, n):
        table = character_table(n)
        for a, b in combinations_with_replacement(table.shapes, 2):
            multiplicities = tensor_product(seminormal(a), seminormal(b)).multiplicities
            for c in table.shapes:
                inner = sum(
                    Rational(table[a, mu] * table[b, mu] * table[c, mu], mu.centralizer_order)
                    for mu in table.cycle_types
                )
                assert multiplicities.get(c, 0) == inner

    def test_the_sign_conjugates(self):
        for shape in partitions(6):
            assert tensor_product(seminormal(shape), sign(6)).multiplicities == {shape.conjugate: 1}

    def test_the_tensor_power_of_the_natural_representation(self):
        """Tuples of points under S_4: as many trivial summands as orbits."""
        rho = tensor_product(*[natural(4)] * 3)
        assert rho.dimension == 64 and rho.multiplicities[Partition((4,))] == 5
        assert (
            tensor_product(natural(4), natural(4)).multiplicities
            == direct_sum(permutation_module((1, 3)), permutation_module((1, 1, 2))).multiplicities
        )

    def test_bases_and_reprs(self):
        total = direct_sum(natural(3), standard(3))
        assert total.basis == ((0, 0), (0, 1), (0, 2), *((1, tableau) for tableau in standard(3).basis))
        square = tensor_product(natural(2), natural(2))
        assert square.basis == ((0, 0), (0, 1), (1, 0), (1, 1))
        assert repr(total) == "direct_sum(natural(3), standard(3))"
        assert repr(square) == "tensor_product(natural(2), natural(2))"
        assert total == direct_sum(natural(3), standard(3)) != direct_sum(standard(3), natural(3))
        assert repr(restriction(total)) == "restriction(direct_sum(natural(3), standard(3)), 2)"
        with pytest.raises(AttributeError, match="cannot assign"):
            total.parts = ()

    def test_latex(self):
        labels = {
            seminormal((2, 1)): "$S^{(2,1)}$",
            natural(3): r"$S^{(3)} \oplus S^{(2,1)}$",
            permutation_module((2, 0, 1)): "$M^{(2,0,1)}$",
            regular(3): r"$\mathbb{Q}[S_{3}]$",
            direct_sum(sign(3), permutation_module((1, 2))): r"$S^{(1,1,1)} \oplus M^{(1,2)}$",
            tensor_product(sign(3), natural(3)): r"$S^{(1,1,1)} \otimes \left(S^{(3)} \oplus S^{(2,1)}\right)$",
            restriction(seminormal((2, 1))): r"$\operatorname{Res}_{S_{2}} \left(S^{(2,1)}\right)$",
            young_subgroup_restriction(
                sign(3), (2, 1)
            ): r"$\operatorname{Res}_{S_{2} \times S_{1}} \left(S^{(1,1,1)}\right)$",
        }
        assert {rho: rho._repr_latex_() for rho in labels} == labels

    def test_exact_surds_of_two_orthogonal_forms(self):
        rho = tensor_product(orthogonal((2, 1)), orthogonal((2, 1)))
        assert rho.generator(2)[0, 3] == Rational(3, 4)


class TestRestriction:
    @pytest.mark.parametrize("form", [seminormal, orthogonal])
    @pytest.mark.parametrize("n", [2, 3, 4, 5])
    def test_branching_blocks_are_smaller_irreps(self, form, n):
        for shape in partitions(n):
            rho = form(shape)
            for m in range(1, n + 1):
                restricted = restriction(rho, m)
                for g in generators(m) + [Permutation([*range(1, m), 0])]:
                    matrix = Matrix(restricted.matrix(g))
                    for block in restricted.blocks:
                        inside = matrix[block.start : block.stop, block.start : block.stop]
                        assert inside == Matrix(form(block.shape).matrix(g))
                        matrix[block.start : block.stop, block.start : block.stop] *= 0
                    assert matrix.is_zero_matrix

    @pytest.mark.parametrize("shape", [(3, 2, 1), (4, 2), (2, 2, 1, 1)])
    @pytest.mark.parametrize("m", range(7))
    def test_branching_rule(self, shape, m):
        restricted = restriction(seminormal(shape), m)
        counts = {}
        for block in restricted.blocks:
            counts[block.shape] = counts.get(block.shape, 0) + 1
            grown = reduce(lambda inner, cell: inner.add_cell(cell), block.cells, block.shape)
            assert grown == Partition(shape) and len(block.cells) == 6 - m
            assert block.stop - block.start == block.shape.dimension
            upper = {tableau.entry_positions[m:] for tableau in restricted.basis[block.start : block.stop]}
            assert upper == {block.cells}
        assert counts == restricted.multiplicities == decompose(restricted)
        starts, stops = zip(*((block.start, block.stop) for block in restricted.blocks))
        assert (0, *stops) == (*starts, restricted.dimension)

    def test_one_step_is_multiplicity_free_with_the_lowest_cell_first(self):
        blocks = restriction(orthogonal((4, 2, 1))).blocks
        assert [block.shape.parts for block in blocks] == [(4, 2), (4, 1, 1), (3, 2, 1)]
        assert [block.cells for block in blocks] == [((2, 0),), ((1, 1),), ((0, 3),)]

    @pytest.mark.parametrize("m", [0, 1, 3, 4, 5])
    def test_any_representation(self, m):
        rho = tensor_product(natural(5), specht_module((3, 2)))
        restricted = restriction(rho, m)
        assert restricted.multiplicities == decompose(restricted)
        if m > 1:
            g = [1, 0, *range(2, m)]
            assert restricted.matrix(g) == rho.matrix([1, 0, 2, 3, 4])
            assert restricted.character(g) == rho.character([1, 0, 2, 3, 4])
            assert np.array_equal(restricted.to_numpy(g), rho.to_numpy([1, 0, 2, 3, 4]))

    def test_steps_compose(self):
        rho = seminormal((3, 2))
        assert restriction(restriction(rho, 4), 3).multiplicities == restriction(rho, 3).multiplicities


class TestYoungSubgroups:
    @pytest.mark.parametrize("composition", [(5,), (4, 1), (2, 3), (3, 2), (2, 1, 2), (1, 1, 3), (0, 5), (2, 0, 3)])
    @pytest.mark.parametrize("shape", [(5,), (3, 2), (3, 1, 1), (2, 2, 1)])
    def test_multiplicities_are_inner_products_of_characters(self, shape, composition):
        restricted = young_subgroup_restriction(seminormal(shape), composition)
        expected = {}
        for shapes in product(*map(partitions, composition)):
            inner = 0
            for types in product(*map(partitions, composition)):
                merged = Partition(sorted((part for mu in types for part in mu.parts), reverse=True))
                values = reduce(mul, (character(inside, mu) for inside, mu in zip(shapes, types)), 1)
                order = reduce(mul, (mu.centralizer_order for mu in types), 1)
                inner += Rational(character(shape, merged) * values, order)
            if inner:
                expected[shapes] = inner
        assert restricted.multiplicities == expected

    def test_frobenius_reciprocity(self):
        """Trivial constituents under a Young subgroup are counted by the permutation module induced from it."""
        for composition in [(3, 2), (2, 1, 2), (1, 4)]:
            module = permutation_module(composition)
            for shape in partitions(5):
                restricted = young_subgroup_restriction(seminormal(shape), composition)
                trivials = tuple(Partition((part,)) for part in composition)
                assert restricted.multiplicities.get(trivials, 0) == module.multiplicities.get(shape, 0)

    def test_matrices_of_pairs(self):
        rho = specht_module((3, 1, 1))
        restricted = young_subgroup_restriction(rho, (3, 2))
        g, h = [1, 2, 0], [1, 0]
        assert restricted.matrix(g, h) == rho.matrix([1, 2, 0, 4, 3])
        assert restricted.matrix(g, [0, 1]) * restricted.matrix([0, 1, 2], h) == restricted.matrix(g, h)
        assert restricted.matrix(g, h).trace() == restricted.character(g, h)
        assert np.array_equal(restricted.to_numpy(g, h), rho.to_numpy([1, 2, 0, 4, 3]))
        assert restricted.dimension == 6
        assert repr(restricted) == "young_subgroup_restriction(specht_module((3, 1, 1)), (3, 2))"
        assert young_subgroup_restriction(regular(4), (2, 2)).multiplicities == {
            (a, b): 6 for a in partitions(2) for b in partitions(2)
        }


class Broken(Representation):
    """All transpositions act by a number that is none of a representation."""

    n, dimension, multiplicities = 3, 1, {}

    def __init__(self, value):
        self.value = value

    def _generator(self, i):
        return self._domain_matrix(None)

    def _domain_matrix(self, g):
        return DomainMatrix([[self.value]], (1, 1), QQ)

    def _to_numpy(self, g):
        return np.array([[float(self.value)]])

    def __repr__(self):
        return "Broken"


class TestErrors:
    def test_sums_and_products(self):
        for make in (direct_sum, tensor_product):
            with pytest.raises(InvalidArgumentError, match=r"^representations must be at least one, got \(\)$"):
                make()
            message = r"^representation must belong to S_3 like the first one, got natural\(4\)$"
            with pytest.raises(InvalidArgumentError, match=message):
                make(natural(3), natural(4))
            with pytest.raises(InvalidTypeError, match=r"^representation must be a representation of S_n, got 'x'$"):
                make("x")

    def test_restrictions(self):
        with pytest.raises(InvalidArgumentError, match=r"^m must lie in 0\.\.3, got 4$"):
            restriction(natural(3), 4)
        with pytest.raises(InvalidTypeError, match=r"^m must be an integer, got 2\.0$"):
            restriction(natural(3), 2.0)
        with pytest.raises(InvalidTypeError, match=r"^representation must be a representation of S_n, got \(2, 1\)$"):
            restriction((2, 1))
        message = r"^representation must be a seminormal or orthogonal form to have branching blocks, got natural\(3\)$"
        with pytest.raises(InvalidTypeError, match=message):
            restriction(natural(3)).blocks
        with pytest.raises(InvalidPermutationError, match=r"^g must permute at most the points 0\.\.1, got \[0"):
            restriction(natural(3)).matrix(Permutation([0, 2, 1]))
        with pytest.raises(InvalidPermutationError, match=r"^g must permute at most the points 0\.\.1, got \[0"):
            restriction(natural(3)).character(Permutation([0, 2, 1]))

    def test_young_subgroups(self):
        with pytest.raises(InvalidArgumentError, match=r"^composition must sum to 3, got \(2, 2\)$"):
            young_subgroup_restriction(natural(3), (2, 2))
        with pytest.raises(InvalidTypeError, match=r"^composition must be a sequence of nonnegative integers, got 3$"):
            young_subgroup_restriction(natural(3), 3)
        with pytest.raises(InvalidArgumentError, match=r"^elements must be 2 permutations, got \(\[0, 1\],\)$"):
            young_subgroup_restriction(natural(3), (2, 1)).matrix([0, 1])

    def test_decompositions(self):
        with pytest.raises(InvalidTypeError, match=r"^representation must be a representation of S_n, got 3$"):
            decompose(3)
        assert decompose(direct_sum(trivial(3), trivial(3))) == {Partition((3,)): 2}
        with pytest.raises(VerificationError, match=r"^\[-1, -1, -1\] are no values of a character of S_3: the pro"):
            decompose(Broken(QQ(-1)))
        message = r"^Broken has the traces \[1/2, 1/2, 1/2\], which are no integers$"
        with pytest.raises(VerificationError, match=message):
            decompose(Broken(QQ(1, 2)))


def test_multiplicities_are_copies():
    from symrep.representations.permutation_modules import permutation_module

    for module in (
        permutation_module((2, 1)),
        direct_sum(seminormal((2, 1)), seminormal((3,))),
        tensor_product(seminormal((2, 1)), seminormal((2, 1))),
    ):
        before = dict(module.multiplicities)
        module.multiplicities.clear()
        assert module.multiplicities == before and before
