"""Plethysm and restriction to permutation matrices: monomials, matrices and words as second routes, GAP, symfn."""

import json
from collections import Counter
from fractions import Fraction
from itertools import combinations, combinations_with_replacement, product
from math import factorial
from pathlib import Path

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.combinatorics import Permutation, SymmetricGroup

from symrep.combinatorics.partitions import Partition, partitions
from symrep.combinatorics.tableaux import number_of_semistandard_tableaux, semistandard_tableaux
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError, SizeLimitError
from symrep.representations import plethysm as plethysm_module
from symrep.representations.characters import character
from symrep.representations.permutations import cycle_type, permutation_of_cycle_type
from symrep.representations.plethysm import plethysm, plethysm_coefficient, restriction, restriction_coefficient
from symrep.representations.symmetric_functions import SymmetricFunction
from symrep.testing.strategies import partitions_of

ORACLES = Path(__file__).parents[1] / "oracles"
GAP = json.loads((ORACLES / "coefficients_gap.json").read_text())
PACKAGES = json.loads((ORACLES / "coefficients_packages.json").read_text())
SIZES = [(2, 2), (2, 3), (3, 2), (3, 3), (4, 2), (2, 4), (1, 5), (5, 1)]


def as_terms(pairs):
    return {Partition(shape): number for shape, number in pairs}


def weights(shape, variables):
    """The exponent vectors of the monomials of a Schur function, with repetitions."""
    for tableau in semistandard_tableaux(shape, variables):
        entries = [entry for row in tableau.rows for entry in row]
        yield tuple(entries.count(i + 1) for i in range(variables))


def plethysm_by_monomials(outer, inner, variables):
    """The outer Schur function with the monomials of the inner one as its variables."""
    alphabet = list(weights(inner, variables))
    result = Counter()
    for tableau in semistandard_tableaux(outer, len(alphabet)):
        letters = [alphabet[entry - 1] for row in tableau.rows for entry in row]
        result[tuple(map(sum, zip(*letters)))] += 1
    return result


@pytest.mark.parametrize(
    "sizes, variables", [((2, 2), 4), ((3, 2), 3), ((2, 3), 3), ((2, 4), 2), ((4, 2), 2), ((3, 3), 2)]
)
def test_plethysm_substitutes_monomials(sizes, variables):
    for outer, inner in product(partitions(sizes[0]), partitions(sizes[1])):
        expected = Counter()
        for shape, number in plethysm(outer, inner).items():
            for monomial in weights(shape, variables):
                expected[monomial] += number
        assert plethysm_by_monomials(outer, inner, variables) == expected, (outer, inner)


@pytest.mark.parametrize("sizes", SIZES)
def test_coefficients_and_conjugation(sizes):
    for outer, inner in product(partitions(sizes[0]), partitions(sizes[1])):
        terms = plethysm(outer, inner)
        assert list(terms) == [shape for shape in partitions(sizes[0] * sizes[1]) if shape in terms]
        for shape in partitions(sizes[0] * sizes[1]):
            assert plethysm_coefficient(outer, inner, shape) == terms.get(shape, 0)
        conjugates = {shape.conjugate: number for shape, number in terms.items()}
        assert plethysm(outer.conjugate if inner.size % 2 else outer, inner.conjugate) == conjugates


@pytest.mark.parametrize("sizes", [(2, 2), (3, 2), (2, 3), (3, 3)])
def test_symmetric_functions_give_the_same_plethysm(sizes):
    """Horner's scheme in power sums against h_m[g] = (1/m) sum p_k[g] h_(m-k)[g]."""
    m, k = sizes
    for inner in partitions(k):
        g = SymmetricFunction("s", {inner: 1})
        complete = [SymmetricFunction("s", {(): 1})]
        for i in range(1, m + 1):
            total = SymmetricFunction("s", {})
            for j in range(1, i + 1):
                total += SymmetricFunction("p", {(j,): 1}).plethysm(g) * complete[i - j]
            complete.append(total * Fraction(1, i))
        assert complete[m].to("s").coefficients == plethysm((m,), inner)
        outer = SymmetricFunction("s", {(2, *[1] * (m - 2)): 1})
        assert outer.plethysm(g).coefficients == plethysm((2, *[1] * (m - 2)), inner)


@given(partitions_of(0, 4), partitions_of(1, 4))
@settings(deadline=None, max_examples=30)
def test_dimensions_of_plethysms(outer, inner):
    terms = plethysm(outer, inner)
    for vocab_size in (1, 3, 5):
        dimension = number_of_semistandard_tableaux(outer, number_of_semistandard_tableaux(inner, vocab_size))
        total = sum(number * number_of_semistandard_tableaux(shape, vocab_size) for shape, number in terms.items())
        assert total == dimension
    assert all(type(number) is int and number > 0 for number in terms.values())
    # The induced representation has one wreath product's worth of cosets.
    n = outer.size * inner.size
    cosets = factorial(n) // (factorial(outer.size) * factorial(inner.size) ** outer.size)
    dimension = cosets * outer.dimension * inner.dimension**outer.size
    assert sum(number * shape.dimension for shape, number in terms.items()) == dimension


@pytest.mark.parametrize("m", range(7))
def test_known_plethysms_with_two_boxes(m):
    """h_m[h_2] has all even rows, h_m[e_2] all even columns, e_m[h_2] Frobenius symbols (a+1|a), e_m[e_2] (a|a+1)."""
    row, column = ((m,), (1,) * m) if m else ((), ())
    even = {shape: 1 for shape in partitions(2 * m) if all(part % 2 == 0 for part in shape.parts)}
    assert plethysm(row, (2,)) == even
    assert plethysm(row, (1, 1)) == {a: 1 for a in partitions(2 * m) if a.conjugate in even}
    wide = set()
    for shape in partitions(2 * m):
        diagonal = sum(part > i for i, part in enumerate(shape.parts))
        if all(shape.parts[i] - i == shape.conjugate.parts[i] - i + 1 for i in range(diagonal)):
            wide.add(shape)
    assert set(plethysm(column, (2,))) == wide and set(plethysm(column, (2,)).values()) <= {1}
    assert plethysm(column, (1, 1)) == {a: 1 for a in partitions(2 * m) if a.conjugate in wide}


@pytest.mark.parametrize("k", range(1, 9))
def test_known_plethysms_of_degree_two_and_hermite_reciprocity(k):
    assert plethysm((2,), (k,)) == {Partition(filter(None, (2 * k - j, j))): 1 for j in range(0, k + 1, 2)}
    assert plethysm((1, 1), (k,)) == {Partition(filter(None, (2 * k - j, j))): 1 for j in range(1, k + 1, 2)}
    two_rows = [{a: x for a, x in plethysm(*pair).items() if a.length <= 2} for pair in (((3,), (k,)), ((k,), (3,)))]
    assert two_rows[0] == two_rows[1]


def test_plethysm_against_gap():
    for outer, k, terms in GAP["plethysm_with_row"]:
        assert plethysm(outer, (k,)) == as_terms(terms), (outer, k)
    for outer, inner, vocab_size, terms in GAP["restricted_plethysm"]:
        total = Counter()
        for shape, number in plethysm(outer, inner).items():
            for mu, multiplicity in restriction(shape, vocab_size).items():
                total[mu] += number * multiplicity
        assert total == as_terms(terms), (outer, inner)


def test_plethysm_against_symfn():
    for outer, inner, terms in PACKAGES["plethysms"]:
        assert plethysm(outer, inner) == as_terms(terms), (outer, inner)


def test_single_coefficients_beyond_the_kept_tables(monkeypatch):
    expected = {shape: plethysm_coefficient((3,), (3, 1), shape) for shape in partitions(12)}
    monkeypatch.setattr(plethysm_module, "_LARGEST_EASY_TABLE", 0)
    assert {shape: plethysm_coefficient((3,), (3, 1), shape) for shape in partitions(12)} == expected
    assert plethysm_coefficient((2,), (13,), (22, 4)) == 1 and plethysm_coefficient((2,), (13,), (21, 5)) == 0


def test_restriction_against_gap():
    assert len(GAP["restriction"]) >= 100
    for shape, vocab_size, terms in GAP["restriction"]:
        assert restriction(shape, vocab_size) == as_terms(terms), (shape, vocab_size)


def power_matrix(g, k, symmetric):
    """The matrix by which g, moving basis vectors, acts on the k-th symmetric or exterior power."""
    choose = combinations_with_replacement if symmetric else combinations
    basis = list(choose(range(g.size), k))
    index = {word: i for i, word in enumerate(basis)}
    matrix = sympy.zeros(len(basis))
    for j, word in enumerate(basis):
        images = [g(letter) for letter in word]
        inversions = sum(a > b for a, b in combinations(images, 2))
        matrix[index[tuple(sorted(images))], j] = 1 if symmetric else (-1) ** inversions
    return matrix


def decomposed(traces, n):
    """Multiplicities from a class function {cycle type: value}."""
    products = {
        mu: sum(Fraction(int(x) * character(mu, rho), rho.centralizer_order) for rho, x in traces.items())
        for mu in partitions(n)
    }
    return {mu: number for mu, number in products.items() if number}


@pytest.mark.parametrize("vocab_size, k", [(2, 3), (3, 2), (3, 4), (4, 2), (4, 3), (5, 2), (5, 3)])
@pytest.mark.parametrize("symmetric", [True, False])
def test_restriction_of_symmetric_and_exterior_powers_by_matrices(vocab_size, k, symmetric):
    elements = [permutation_of_cycle_type(rho) for rho in partitions(vocab_size)]
    g, h = Permutation(0, 1, size=vocab_size), Permutation(*range(vocab_size), size=vocab_size)
    matrices = [power_matrix(x, k, symmetric) for x in (g, h, g * h)]
    assert matrices[1] * matrices[0] == matrices[2]
    traces = {cycle_type(x): power_matrix(x, k, symmetric).trace() for x in elements}
    shape = (k,) if symmetric else (1,) * k
    assert restriction(shape, vocab_size) == decomposed(traces, vocab_size)


@pytest.mark.parametrize("d, vocab_size", [(2, 3), (2, 4), (3, 3), (3, 4), (4, 3)])
def test_restriction_counts_fixed_words(d, vocab_size):
    """Schur-Weyl: the character of S_d x S_V on words, letters moved by one and places by the other group."""
    fixed = {}
    words = list(product(range(vocab_size), repeat=d))
    for tau, rho in product(partitions(d), partitions(vocab_size)):
        places, letters = permutation_of_cycle_type(tau), permutation_of_cycle_type(rho)
        fixed[tau, rho] = sum(all(letters(w[i]) == w[places(i)] for i in range(d)) for w in words)
    for shape in partitions(d):
        traces = {
            rho: sum(Fraction(character(shape, tau) * fixed[tau, rho], tau.centralizer_order) for tau in partitions(d))
            for rho in partitions(vocab_size)
        }
        assert restriction(shape, vocab_size) == decomposed(traces, vocab_size)


@pytest.mark.parametrize("d, vocab_size", [(2, 4), (3, 3), (3, 5), (4, 4)])
def test_restriction_is_plethysm_with_all_complete_functions(d, vocab_size):
    """The multiplicity is the scalar product of s_lambda with s_mu[1 + h_1 + h_2 + ...]."""
    everything = SymmetricFunction("h", {(k,) if k else (): 1 for k in range(d + 1)})
    for mu in partitions(vocab_size):
        composed = SymmetricFunction("s", {mu: 1}).plethysm(everything)
        for shape in partitions(d):
            assert restriction_coefficient(shape, mu) == composed.coefficient(shape)


@given(partitions_of(0, 6), st.integers(0, 14))
@settings(deadline=None, max_examples=40)
def test_dimensions_of_restrictions(shape, vocab_size):
    terms = restriction(shape, vocab_size)
    dimension = number_of_semistandard_tableaux(shape, vocab_size)
    assert sum(mu.dimension * number for mu, number in terms.items()) == dimension
    assert all(type(number) is int and number > 0 for number in terms.values())
    assert list(terms) == [mu for mu in partitions(vocab_size) if mu in terms]


@pytest.mark.parametrize("shape", [(2,), (1, 1), (3,), (2, 1), (2, 2), (3, 1)])
def test_large_vocabularies_agree_with_characters(shape):
    shape = Partition(shape)
    for vocab_size in range(2 * shape.size, 2 * shape.size + 4):
        assert restriction(shape, vocab_size) == plethysm_module._restriction_by_characters(shape, vocab_size)


def test_restrictions_of_a_tensor_power_add_up():
    """(C^5)^(x)3 by S_3 x GL_5 and by fixed points of all of S_5."""
    total = Counter()
    for shape in partitions(3):
        for mu, number in restriction(shape, 5).items():
            total[mu] += shape.dimension * number
    traces = Counter()
    for g in SymmetricGroup(5).elements:
        traces[cycle_type(g)] += (5 - len(g.support())) ** 3
    averages = {rho: Fraction(x, rho.class_size) for rho, x in traces.items()}
    assert total == decomposed(averages, 5)


def test_small_cases():
    assert plethysm((), (2, 1)) == {Partition(()): 1} == plethysm((2,), ())
    assert plethysm((1, 1), ()) == {} and plethysm((2, 1), (1,)) == {Partition((2, 1)): 1}
    assert plethysm_coefficient((2,), (2,), (3,)) == 0
    assert restriction((), 3) == {Partition((3,)): 1} and restriction((), 0) == {Partition(()): 1}
    assert restriction((1, 1, 1), 2) == {} == restriction((1,), 0)
    assert restriction((1,), 60) == {Partition((60,)): 1, Partition((59, 1)): 1}
    assert restriction_coefficient((3, 1), (4, 2)) == restriction((3, 1), 6)[Partition((4, 2))]
    result = restriction((2, 1), 3)
    result.clear()
    assert restriction((2, 1), 3)


def test_errors():
    with pytest.raises(InvalidPartitionError, match="outer is not a partition"):
        plethysm((1, 2), (1,))
    with pytest.raises(InvalidPartitionError, match="inner is not a partition"):
        plethysm_coefficient((1,), (0,), (1,))
    with pytest.raises(InvalidPartitionError, match="result is not a partition"):
        plethysm_coefficient((1,), (1,), "a")
    with pytest.raises(InvalidPartitionError, match="mu is not a partition"):
        restriction_coefficient((1,), (1, 2))
    with pytest.raises(InvalidPartitionError, match="shape is not a partition"):
        restriction((1, 2), 4)
    with pytest.raises(InvalidArgumentError, match="vocab_size must be at least 0"):
        restriction((1,), -1)
    with pytest.raises(InvalidTypeError, match="vocab_size must be an integer"):
        restriction((1,), 2.0)


def forbid_tables(monkeypatch):
    def refuse(n):
        pytest.fail(f"the character table of S_{n} was asked for")

    monkeypatch.setattr(plethysm_module, "shared_table", refuse)
    monkeypatch.setattr(plethysm_module, "pair_with_characters", lambda n, weights: refuse(n))


def test_shapes_with_at_most_one_cell_agree_with_power_sums():
    """The short cut against p_k[g] = g(x^k), with the Schur functions of degree 0 and 1 on either side."""
    small = [Partition(()), Partition((1,))]
    shapes = [shape for n in range(5) for shape in partitions(n)]
    for a, b in [*product(small, shapes), *product(shapes, small)]:
        outer, inner = SymmetricFunction("s", {a: 1}), SymmetricFunction("s", {b: 1})
        assert plethysm(a, b) == outer.plethysm(inner).coefficients, (a, b)
        for c in partitions(a.size * b.size):
            assert plethysm_coefficient(a, b, c) == plethysm(a, b).get(c, 0)


def test_shapes_with_at_most_one_cell_need_no_tables(monkeypatch):
    forbid_tables(monkeypatch)
    large = Partition((30, 20, 1))
    assert plethysm((1,), large) == {large: 1} == plethysm(large, (1,))
    assert plethysm((), large) == {Partition(()): 1} == plethysm((51,), ()) and plethysm(large, ()) == {}
    assert plethysm_coefficient((1,), large, large) == 1 == plethysm_coefficient(large, (1,), large)
    assert plethysm_coefficient(large, (1,), (51,)) == 0 == plethysm_coefficient(large, (), ())


def test_restrictions_with_more_parts_than_letters_need_no_tables(monkeypatch):
    forbid_tables(monkeypatch)
    assert restriction((1,) * 50, 49) == {} and restriction_coefficient((9, *[1] * 40), (30, 10)) == 0


def test_sizes_are_limited_before_any_table(monkeypatch):
    forbid_tables(monkeypatch)
    with pytest.raises(SizeLimitError, match=r"product at most 34, got 5 \* 7 = 35: the characters of S_35"):
        plethysm((3, 2), (7,))
    with pytest.raises(SizeLimitError, match=r"outer and inner must .* at most 48, got 7 \* 7 = 49"):
        plethysm_coefficient((7,), (7,), (49,))
    with pytest.raises(SizeLimitError, match=r"shape of size 18 needs .* S_35 .* V = 35, the limit is n = 34"):
        restriction((18,), 35)
    with pytest.raises(SizeLimitError, match="shape of size 18 needs the character table of S_36"):
        restriction((18,), 1000)
    with pytest.raises(SizeLimitError, match="shape of size 35 needs the character table of S_35"):
        restriction((35,), 2)
    with pytest.raises(SizeLimitError, match="shape of size 18 needs the character table of S_36"):
        restriction_coefficient((9, 9), (30, 10))
    assert plethysm_coefficient((7,), (7,), (50,)) == 0


@pytest.mark.slow
def test_single_coefficients_beyond_the_largest_table():
    """The symmetric square of a row k has all (2k - j, j) with j even."""
    assert [plethysm_coefficient((2,), (18,), (36 - j, j)) for j in (3, 4)] == [0, 1]
