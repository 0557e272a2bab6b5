"""Closed forms against formulas typed here, and against the two oracles that diagonalise on all of [V]^L."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from math import prod

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import Partition, kernels, measures, partitions, spectrum
from symrep.kernels.overlaps import length_symbol, matches_symbol, overlap_symbol, same_token_symbol
from symrep.representations.stable import PaddedShape
from symrep.spectra.dense import dense_spectrum
from symrep.spectra.exact import exact_characteristic_polynomial
from symrep.spectra.kernel_polynomials import KernelPolynomial
from symrep.spectra.symbolic import BlockProblem, kernel_trace, reached_shapes

L, u, m = length_symbol, overlap_symbol, matches_symbol
x = sympy.Symbol("x")
READOUTS = ("pool", "flatten", "last", "query")
VARIANCES = [("2/3", "5/7"), ("3", "1/8"), ("1/5", "2")]
MEASURES = {
    "uniform 2": measures.iid_uniform(2),
    "uniform 3": measures.iid_uniform(3),
    "iid 2": measures.iid(["1/3", "2/3"]),
    "iid 3": measures.iid(["1/5", "3/10", "1/2"]),
    "mixture 2": measures.frozen_mixture(["1/3", "2/3"], [["1/4", "3/4"], ["4/5", "1/5"]]),
    "symmetric mixture 2": measures.frozen_mixture(["1/2", "1/2"], [["1/4", "3/4"], ["3/4", "1/4"]]),
    "mixture 3": measures.frozen_mixture(["2/7", "5/7"], [["1/5", "3/10", "1/2"], ["2/3", "0", "1/3"]]),
    "symmetric mixture 3": measures.frozen_mixture(
        ["1/3", "1/3", "1/3"], [["1/2", "1/4", "1/4"], ["1/4", "1/2", "1/4"], ["1/4", "1/4", "1/2"]]
    ),
}
QUERY = {"query_token_variance": "3/4", "query_position_variance": "7/5"}


def network(name, readout, a, p):
    return kernels.architecture(name, readout, token_variance=a, position_variance=p, **QUERY)


def typed_kernel(name, readout, a, p):
    """The kernels of a pair of sequences as exact fractions, typed once more."""
    a, p, a_q, p_q = (Fraction(value) for value in (a, p, "3/4", "7/5"))

    def kernel(first, second):
        same = first[-1] == second[-1]
        if readout == "query":
            first, second = first[:-1], second[:-1]
        n = len(first)
        pairs = sum(s == t for s in first for t in second)
        matches = sum(s == t for s, t in zip(first, second))
        if name == "uniform-block":
            return (a * pairs + p * n) / n**2
        attention = a**2 * pairs + 2 * a * p * matches + p**2 * n
        return (
            attention
            * {
                "pool": (a * pairs + p * n) / n**2,
                "flatten": (a * matches + p * n) / n,
                "last": a * same + p,
                "query": (a_q * same + p_q) / n**2,
            }[readout]
        )

    return kernel


def permuted_positions(readout, length):
    return length - 1 if readout == "last" else length


def number_of_tokens(readout, length):
    return length + 1 if readout == "query" else length


def sequence_probabilities(measure):
    return lambda sequences: np.array([float(measure.probability(row)) for row in sequences.tolist()])


def padded(eigenvalues, count):
    assert len(eigenvalues) <= count
    return np.sort(np.concatenate([np.zeros(count - len(eigenvalues)), np.array(eigenvalues, dtype=float)]))[::-1]


def assert_agrees_with_dense(levels, dense, with_tokens):
    """The same eigenvalues, each as often, under every label, up to 1e-12 of the largest one."""
    largest = max(abs(level.eigenvalue) for level in dense.levels)
    expected, found = defaultdict(list), defaultdict(list)
    for level in dense.levels:
        key = (level.shape, level.token_shape)
        expected[key] += [level.eigenvalue] * level.degeneracy
    for level in levels:
        key = (level.shape, level.token_shape if with_tokens else None)
        found[key] += [float(level.eigenvalue)] * level.degeneracy
    assert set(found) <= set(expected)
    for key, values in expected.items():
        deviation = np.abs(padded(found[key], len(values)) - np.sort(values)[::-1]).max()
        assert deviation <= 1e-12 * largest, (key, deviation / largest)


def without_zero_roots(polynomial):
    powers = min(power for (power,), _ in polynomial.terms())
    return polynomial.degree() - powers, sympy.Poly.from_list(
        polynomial.all_coeffs()[: polynomial.degree() - powers + 1], x, domain="QQ"
    )


def characteristic_polynomials(s, length=None):
    """Per partition, the product over blocks of their polynomials, zero roots removed; L replaced if it is a symbol."""
    result = defaultdict(lambda: sympy.Poly(1, x, domain="QQ"))
    numbers = {} if length is None else {L: length}
    for block in s.blocks:
        shape = block.shape
        if isinstance(shape, PaddedShape):
            degree = int(shape.degree.subs(numbers))
            if not shape.exists(degree):
                continue
            shape = shape.at(degree)
        power = sympy.sympify(block.degeneracy).subs(numbers) / shape.dimension
        polynomial = sympy.Poly(block.characteristic_polynomial.as_expr().subs(numbers), x, domain="QQ")
        result[shape] *= polynomial ** int(power)
    reduced = {shape: without_zero_roots(polynomial)[1] for shape, polynomial in result.items()}
    return {shape: polynomial for shape, polynomial in reduced.items() if polynomial.degree() > 0}


def exact_polynomials(kernel, measure, vocab_size, positions, extra_tokens=0):
    result = {}
    for shape in partitions(positions, max_length=vocab_size):
        whole = exact_characteristic_polynomial(
            kernel, vocab_size, positions, shape, measure.probability, variable=x, extra_tokens=extra_tokens
        )
        degree, polynomial = without_zero_roots(whole)
        if degree:
            result[shape] = polynomial
    return result


class TestFormulasOfThePooledBlock:
    """V = 2, uniform tokens: every closed form as it was derived by hand."""

    s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(2))
    a, p = sympy.symbols("a p", positive=True)

    def test_odd_trivial(self):
        a, p = self.a, self.p
        block = self.s.block((), (1, 1))
        assert (block.size, block.degeneracy) == (1, 1)
        assert sympy.expand(block.trace - a * (a**2 * L**2 + 3 * a * p * L + p**2 * L + 2 * p**2) / (2 * L)) == 0

    def test_standard_odd_and_even(self):
        a, p = self.a, self.p
        odd, even = self.s.block((1,), (1, 1)), self.s.block((1,), (2,))
        assert (odd.size, even.size) == (1, 1)
        assert sympy.expand(odd.degeneracy - (L - 1)) == sympy.expand(even.degeneracy - (L - 1)) == 0
        assert sympy.expand(odd.trace - a * p * (a * L + 2 * p) / (2 * L)) == 0
        assert sympy.expand(even.trace - a**2 * p * (L - 2) / (2 * L**2)) == 0

    def test_even_trivial(self):
        a, p = self.a, self.p
        block = self.s.block((), (2,))
        trace = (
            (a * L + 2 * p) * (a**2 * L**3 + 2 * a * p * L**2 + 2 * p**2 * L**2 + 3 * a**2 * L - 2 * a**2) / (4 * L**2)
        )
        determinant = a**2 * (L - 1) * (a * L + 2 * p) ** 2 * (a**2 * L + 2 * a * p + 2 * p**2) / (8 * L**2)
        assert (block.size, block.degeneracy) == (2, 1)
        assert sympy.expand(block.trace - trace) == 0
        assert sympy.expand(block.matrix.det() - determinant) == 0
        polynomial = block.characteristic_polynomial
        assert [sympy.expand(c - d) for c, d in zip(polynomial.all_coeffs(), (1, -trace, determinant))] == [0, 0, 0]
        for root, power in block.eigenvalues:
            assert power == 1
            assert sympy.simplify(root**2 - trace * root + determinant) == 0

    def test_there_is_nothing_else(self):
        assert [str(block) for block in self.s.blocks] == [
            "Block((L), (2), size=2)",
            "Block((L), (1,1), size=1)",
            "Block((L-1,1), (2), size=1)",
            "Block((L-1,1), (1,1), size=1)",
        ]


def test_formulas_of_the_query_block_with_the_vocabulary_a_symbol():
    s = spectrum(kernels.architecture("linear-block", "query"), measures.iid_uniform())
    V = s.vocab_size
    a, p, a_q, p_q = sympy.symbols("a p a_q p_q", positive=True)
    context = {
        ("(L)", "(V)"): ((a**2 * L / V + 2 * a * p / V + p**2) / L, 1),
        ("(L)", "(V-1,1)"): ((a**2 * L + 2 * a * p) / (V * L**2), V - 1),
        ("(L-1,1)", "(V-1,1)"): (2 * a * p / (V * L**2), (L - 1) * (V - 1)),
    }
    query = {"(V)": (a_q / V + p_q, 1), "(V-1,1)": (a_q / V, V - 1)}
    found = {tuple(map(str, level.labels)): (level.eigenvalue, level.degeneracy) for level in s.levels}
    assert len(found) == len(s.levels) == 6
    for labels, (eigenvalue, count) in context.items():
        for query_label, (factor, factor_count) in query.items():
            level = found[(*labels, query_label)]
            assert sympy.expand(level[0] - eigenvalue * factor) == 0
            assert sympy.expand(level[1] - count * factor_count) == 0


def test_formulas_of_the_uniform_block_with_the_vocabulary_a_symbol():
    s = spectrum(kernels.architecture("uniform-block"), measures.iid_uniform())
    V, (a, p) = s.vocab_size, sympy.symbols("a p", positive=True)
    constant, tokens = s.levels
    assert (str(constant.token_shape), str(tokens.token_shape)) == ("(V)", "(V-1,1)")
    assert sympy.expand(constant.eigenvalue - a / V - p / L) == 0
    assert sympy.expand(tokens.eigenvalue - a / (V * L)) == 0
    assert (constant.degeneracy, sympy.expand(tokens.degeneracy)) == (1, V - 1)


@pytest.mark.parametrize("vocab_size", [2, 3])
def test_the_pooled_block_reaches_only_trivial_and_standard_irreps(vocab_size):
    s = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(vocab_size))
    assert [str(shape) for shape in s.shapes] == ["(L)", "(L-1,1)"]
    at_four = spectrum(network("linear-block", "pool", "2/3", "5/7"), measures.iid_uniform(vocab_size), 4)
    assert set(at_four.shapes) == {Partition((4,)), Partition((3, 1))}


@pytest.mark.parametrize(
    ("readout", "expected"),
    [("pool", [".8301", ".1699"]), ("flatten", [".7292", ".2598", ".0074", ".0037"])],
)
def test_shares_of_the_trace(readout, expected):
    """V = 3, L = 4, a = 1/3, p = 1; the exact shares are those of the oracle's blocks."""
    net = network("linear-block", readout, "1/3", "1")
    s = spectrum(net, measures.iid_uniform(3), 4)
    shares = s.shares()
    assert [f"{float(share):.4f}"[1:] for share in shares.values()] == expected
    assert sum(shares.values()) == 1
    dense = dense_spectrum(net.nngp, 3, 4).shares()
    for shape, share in dense.items():
        assert float(shares.get(shape, 0)) == pytest.approx(share, abs=1e-12)
    oracle = exact_polynomials(typed_kernel("linear-block", readout, "1/3", "1"), measures.iid_uniform(3), 3, 4)
    traces = {shape: -polynomial.all_coeffs()[1] * shape.dimension for shape, polynomial in oracle.items()}
    assert shares == {shape: trace / sum(traces.values()) for shape, trace in traces.items()}
    symbolic = spectrum(kernels.architecture("linear-block", readout), measures.iid_uniform(3)).shares()
    numbers = {"L": 4, "a": sympy.Rational(1, 3), "p": 1}
    for shape, share in symbolic.items():
        assert share.subs({s: numbers[s.name] for s in share.free_symbols}) == shares[shape.at(4)]


@pytest.mark.parametrize(("a", "p"), VARIANCES)
@pytest.mark.parametrize(
    "length", [2, 3, 4, 5, 6, pytest.param(7, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("readout", ["pool", "flatten"])
def test_two_uniform_tokens_against_the_dense_oracle(readout, length, a, p):
    s = spectrum(kernels.architecture("linear-block", readout), measures.iid_uniform(2))
    dense = dense_spectrum(network("linear-block", readout, a, p).nngp, 2, length, token_symmetry=True)
    assert_agrees_with_dense(s.evaluate(L=length, a=a, p=p).levels, dense, with_tokens=True)


@pytest.mark.parametrize("length", [2, 3, 4, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("readout", ["pool", "flatten"])
def test_three_uniform_tokens_against_the_dense_oracle(readout, length):
    a, p = VARIANCES[0]
    s = spectrum(kernels.architecture("linear-block", readout), measures.iid_uniform(3))
    dense = dense_spectrum(network("linear-block", readout, a, p).nngp, 3, length, token_symmetry=True)
    assert_agrees_with_dense(s.evaluate(L=length, a=a, p=p).levels, dense, with_tokens=True)


def _measure_cases():
    for name in MEASURES:
        for readout in READOUTS:
            heavy = name.endswith("3") or readout in ("last", "query") and name in ("iid 2", "mixture 2")
            yield pytest.param(name, readout, marks=[pytest.mark.slow] if heavy else [])


@pytest.mark.slow
@pytest.mark.parametrize(("measure", "readout"), list(_measure_cases()))
def test_every_measure_and_readout_against_the_dense_oracle(measure, readout):
    """Closed forms in L, at numbers for a and p; asked also below ``stable_from``."""
    measure = MEASURES[measure]
    vocab_size = measure.vocab_size
    net = network("linear-block", readout, "2/3", "5/7")
    s = spectrum(net, measure)
    with_tokens = measure.is_token_symmetric and readout != "query"
    for length in range(2, 7 if vocab_size == 2 else 5):
        extra = {"last": 1, "query": 1}.get(readout, 0)
        dense = dense_spectrum(
            net.nngp,
            vocab_size,
            number_of_tokens(readout, length) - extra,
            probabilities=sequence_probabilities(measure),
            extra_tokens=extra,
            token_symmetry=with_tokens,
        )
        assert_agrees_with_dense(s.evaluate(L=length).levels, dense, with_tokens)


def _exact_cases():
    for measure in MEASURES:
        for readout in READOUTS:
            marks = [pytest.mark.slow] if measure.endswith("3") else []
            yield pytest.param(measure, readout, marks=marks)


@pytest.mark.parametrize(("measure", "readout"), list(_exact_cases()))
def test_characteristic_polynomials_are_those_of_the_exact_oracle(measure, readout):
    vocab_size = MEASURES[measure].vocab_size
    a, p = VARIANCES[0]
    lengths = range(2, 5) if vocab_size == 2 else range(2, 4)
    for length in lengths:
        found = characteristic_polynomials(spectrum(network("linear-block", readout, a, p), MEASURES[measure], length))
        positions = permuted_positions(readout, length)
        kernel = typed_kernel("linear-block", readout, a, p)
        extra = number_of_tokens(readout, length) - positions
        assert found == exact_polynomials(kernel, MEASURES[measure], vocab_size, positions, extra)


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 5), (3, 3), (4, 2)])
@pytest.mark.slow
def test_the_query_block_exactly(vocab_size, length):
    a, p = VARIANCES[0]
    measure = measures.iid_uniform(vocab_size)
    found = characteristic_polynomials(spectrum(network("linear-block", "query", a, p), measure, length))
    assert found == exact_polynomials(typed_kernel("linear-block", "query", a, p), measure, vocab_size, length, 1)


@pytest.mark.parametrize(
    ("vocab_size", "length", "a", "p"),
    [
        (2, 5, "2/3", "5/7"),
        (2, 5, "3", "1/8"),
        (2, 6, "2/3", "5/7"),
        (3, 4, "2/3", "5/7"),
        (2, 1, "2/3", "5/7"),
        (3, 1, "3", "1/8"),
    ],
)
@pytest.mark.parametrize("readout", ["pool", "flatten"])
@pytest.mark.slow
def test_uniform_tokens_exactly(vocab_size, length, a, p, readout):
    measure = measures.iid_uniform(vocab_size)
    oracle = exact_polynomials(typed_kernel("linear-block", readout, a, p), measure, vocab_size, length)
    net = network("linear-block", readout, a, p)
    assert characteristic_polynomials(spectrum(net, measure, length)) == oracle
    symbolic = spectrum(net, measure)
    if length >= symbolic.stable_from:
        assert characteristic_polynomials(symbolic, length) == oracle


@pytest.mark.slow
@pytest.mark.parametrize(("vocab_size", "length"), [(2, 1), (2, 2), (2, 5), (3, 1), (3, 3), (4, 2), (4, 3)])
@pytest.mark.parametrize("symbolic_vocabulary", [True, False])
def test_the_query_block_against_the_dense_oracle(vocab_size, length, symbolic_vocabulary):
    numbers = {"a": "2/3", "p": "5/7", "a_q": "3/4", "p_q": "7/5", "L": length}
    net = kernels.architecture("linear-block", "query")
    if symbolic_vocabulary:
        levels = spectrum(net, measures.iid_uniform()).evaluate(V=vocab_size, **numbers).levels
    else:
        levels = spectrum(net, measures.iid_uniform(vocab_size)).evaluate(**numbers).levels
    gram = network("linear-block", "query", "2/3", "5/7").nngp
    assert_agrees_with_dense(levels, dense_spectrum(gram, vocab_size, length, extra_tokens=1), with_tokens=False)


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 4), (3, 3), (4, 3)])
@pytest.mark.parametrize("symbolic_vocabulary", [True, False])
def test_the_labels_of_the_query_block(vocab_size, length, symbolic_vocabulary):
    """Context times query: the context is diagonalised alone, the query has eigenvalues a_q/V + p_q and a_q/V."""
    a, p, a_q, p_q = Fraction(2, 3), Fraction(5, 7), Fraction(3, 4), Fraction(7, 5)
    measure = measures.iid_uniform() if symbolic_vocabulary else measures.iid_uniform(vocab_size)
    numbers = {"V": vocab_size} if symbolic_vocabulary else {}
    s = spectrum(kernels.architecture("linear-block", "query"), measure)
    levels = s.evaluate(L=length, a=a, p=p, a_q=a_q, p_q=p_q, **numbers).levels

    def context(first, second):
        pairs = (first[:, None, :, None] == second[None, :, None, :]).sum(axis=(2, 3))
        matches = (first[:, None] == second[None]).sum(axis=2)
        return (float(a**2) * pairs + float(2 * a * p) * matches + float(p**2) * length) / length**2

    factors = {Partition((vocab_size,)): a_q / vocab_size + p_q}
    factors[Partition((vocab_size - 1, 1))] = a_q / vocab_size
    dense = dense_spectrum(context, vocab_size, length, token_symmetry=True)
    assert {level.query_shape for level in levels} == set(factors)
    for query_shape, factor in factors.items():
        part = [level for level in levels if level.query_shape == query_shape]
        for level in part:
            assert level.degeneracy % query_shape.dimension == 0
        scaled = [
            type(level)(
                level.shape,
                level.eigenvalue / float(factor),
                level.degeneracy // query_shape.dimension,
                level.token_shape,
            )
            for level in part
        ]
        assert_agrees_with_dense(scaled, dense, with_tokens=True)


@pytest.mark.parametrize("vocab_size", [2, 3, 4])
@pytest.mark.parametrize("symbolic_vocabulary", [True, False])
@pytest.mark.parametrize("readout", READOUTS)
def test_the_uniform_block_against_the_dense_oracle(vocab_size, symbolic_vocabulary, readout):
    extra = {"last": 1, "query": 1}.get(readout, 0)
    net = kernels.architecture("uniform-block", readout)
    gram = network("uniform-block", readout, "2/3", "5/7").nngp
    measure, numbers = measures.iid_uniform(vocab_size), {}
    if symbolic_vocabulary:
        measure, numbers = measures.iid_uniform(), {"V": vocab_size}
    s = spectrum(net, measure)
    for length in (2, 3):
        dense = dense_spectrum(gram, vocab_size, number_of_tokens(readout, length) - extra, extra_tokens=extra)
        assert_agrees_with_dense(s.evaluate(L=length, a="2/3", p="5/7", **numbers).levels, dense, with_tokens=False)


@pytest.mark.parametrize(("vocab_size", "length"), [(2, 4), (3, 3), (4, 2), (3, 1), (1, 3)])
def test_affine_kernels_with_a_symbolic_vocabulary_against_numeric_ones(vocab_size, length):
    kernel = 3 - u / 5 + (L + 2) * m / 7
    symbolic = spectrum(kernel, measures.iid_uniform()).evaluate(L=length, V=vocab_size)
    numeric = spectrum(kernel, measures.iid_uniform(vocab_size), length).evaluate()
    for one, other in zip(symbolic.levels, numeric.levels, strict=True):
        assert one.eigenvalue == pytest.approx(other.eigenvalue, rel=1e-14)
        assert (one.shape, one.token_shape, one.degeneracy) == (other.shape, other.token_shape, other.degeneracy)
    assert symbolic.zero_degeneracy == numeric.zero_degeneracy


def _counts(first, second):
    return sum(s == t for s in first for t in second), sum(s == t for s, t in zip(first, second))


MONOMIALS = [(i, j) for i in range(4) for j in range(4) if i + j <= 3]
coefficients = st.fractions(min_value=-3, max_value=3, max_denominator=4)
polynomials = st.dictionaries(st.sampled_from(MONOMIALS), coefficients, min_size=1, max_size=4)


@st.composite
def token_measures(draw, vocab_size):
    rows = [
        draw(st.lists(st.integers(1, 4), min_size=vocab_size, max_size=vocab_size))
        for _ in range(draw(st.integers(1, 2)))
    ]
    rows = [[Fraction(w, sum(row)) for w in row] for row in rows]
    if len(rows) == 1:
        return measures.iid_uniform(vocab_size) if len(set(rows[0])) == 1 else measures.iid(rows[0])
    return measures.frozen_mixture(["1/3", "2/3"], rows)


def check_polynomial_kernel(terms, measure, lengths):
    """Integer lengths against the exact oracle, and the closed form from ``stable_from`` on."""
    expression = sympy.Integer(0) + sum(sympy.Rational(str(c)) * u**i * m**j for (i, j), c in terms.items())
    symbolic = spectrum(expression, measure)

    def kernel(first, second):
        pairs, matches = _counts(first, second)
        return sum((c * pairs**i * matches**j for (i, j), c in terms.items()), Fraction(0))

    for length in lengths:
        oracle = exact_polynomials(kernel, measure, measure.vocab_size, length)
        assert characteristic_polynomials(spectrum(expression, measure, length)) == oracle
        if length >= symbolic.stable_from:
            assert characteristic_polynomials(symbolic, length) == oracle


@settings(deadline=None, max_examples=6)
@given(polynomials, token_measures(2))
def test_random_polynomial_kernels_of_two_tokens_in_short(terms, measure):
    check_polynomial_kernel(terms, measure, range(1, 4))


@pytest.mark.slow
@settings(deadline=None, max_examples=16)
@given(polynomials, token_measures(2))
def test_random_polynomial_kernels_of_two_tokens(terms, measure):
    check_polynomial_kernel(terms, measure, range(1, 6))


@pytest.mark.slow
@settings(deadline=None, max_examples=5)
@given(polynomials, token_measures(3))
def test_random_polynomial_kernels_of_three_tokens(terms, measure):
    check_polynomial_kernel(terms, measure, range(1, 4))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("terms", "measure"),
    [
        ({(0, 3): 1, (3, 0): "-1/2"}, "uniform 2"),
        ({(0, 2): "1/3", (2, 0): 1, (1, 1): -1}, "mixture 2"),
        ({(1, 2): 1, (0, 0): "2/5"}, "iid 2"),
        ({(0, 3): 1, (2, 1): "1/7"}, "mixture 2"),
    ],
)
def test_closed_forms_at_and_beyond_the_length_they_hold_from(terms, measure):
    """Cubic kernels hold from L = 5 on, which random kernels rarely reach."""
    terms = {key: Fraction(value) for key, value in terms.items()}
    expression = sum(sympy.Rational(str(c)) * u**i * m**j for (i, j), c in terms.items())
    stable = spectrum(expression, MEASURES[measure]).stable_from
    assert stable == 2 * max(j for _, j in terms) - 1
    check_polynomial_kernel(terms, MEASURES[measure], (stable, min(stable + 1, 6)))


def test_eigenvalues_that_one_block_has_twice():
    """Three tokens of one probability, and a fourth: S_3 is not told to the solver, so its copies meet in one block."""
    probabilities = ["1/6", "1/6", "1/6", "1/2"]
    s = spectrum(m, measures.iid(probabilities))
    assert {power for block in s.blocks for _, power in block.eigenvalues} == {1, 2}

    def matches(first, second):
        return (first[:, None] == second[None]).sum(axis=2)

    dense = dense_spectrum(matches, 4, 3, probabilities=[float(Fraction(q)) for q in probabilities])
    assert_agrees_with_dense(s.evaluate(L=3).levels, dense, with_tokens=False)
    assert sympy.expand(sum(level.eigenvalue * level.degeneracy for level in s.levels) - s.expected_trace) == 0


def test_the_closed_form_of_a_cubic_kernel_is_wrong_on_shorter_sequences():
    """So ``stable_from`` is no idle bound: evaluate must solve anew below it, and does."""
    s = spectrum(m**3 + u, MEASURES["iid 2"])
    assert s.stable_from == 5
    anew = spectrum(m**3 + u, MEASURES["iid 2"], 3)
    assert characteristic_polynomials(s, 3) != characteristic_polynomials(anew)
    found, expected = s.evaluate(L=3), anew.evaluate()
    assert found.eigenvalues == pytest.approx(expected.eigenvalues, rel=1e-13)
    assert found.degeneracies == expected.degeneracies


@pytest.mark.parametrize("length", [5, 6, 9, 14])
@pytest.mark.parametrize("measure", ["uniform 2", "mixture 2", pytest.param("uniform 3", marks=pytest.mark.slow)])
def test_long_sequences_solved_at_their_length_equal_the_closed_form(measure, length):
    """Beyond every oracle: the route that compares functions by value and the one that compares polynomials."""
    expression = 2 * m**2 - u * m / 3 + u + 1
    symbolic = spectrum(expression, MEASURES[measure])
    assert symbolic.stable_from <= 5
    assert characteristic_polynomials(symbolic, length) == characteristic_polynomials(
        spectrum(expression, MEASURES[measure], length)
    )


class TestKernelPolynomial:
    def test_powers_of_the_indicator_are_one(self):
        g = same_token_symbol
        kernel = KernelPolynomial.from_expression(3 * g**2 * u - g * u + m**2 + 0 * u**5)
        assert kernel.terms == (((0, 2, 0), sympy.Integer(1)), ((1, 0, 1), sympy.Integer(2)))
        assert (kernel.match_degree, kernel.has_same_token) == (2, True)

    @pytest.mark.parametrize("expression", [sympy.sqrt(u), 1 / (u + 1), 2**m, sympy.sin(m) + u])
    def test_other_functions_are_refused(self, expression):
        with pytest.raises(ValueError, match="kernel must be a polynomial in u, m and g, got"):
            KernelPolynomial.from_expression(expression)

    def test_row_degree(self):
        kernel = KernelPolynomial.from_expression(u**2 * m + m**2)
        assert [kernel.row_degree(depth) for depth in range(4)] == [3, 2, 0, 0]

    def test_reached_shapes_at_integer_degrees_exist(self):
        kernel = KernelPolynomial.from_expression(m**3)
        assert [shape.lower for shape in reached_shapes(kernel, 3, 4)] == [
            shape.lower for shape in reached_shapes(kernel, 3, L) if shape.exists(4)
        ]
        assert [str(shape) for shape in reached_shapes(kernel, 2, L)] == ["(L)", "(L-1,1)", "(L-2,2)", "(L-3,3)"]

    @pytest.mark.parametrize("measure", ["iid 3", "mixture 2", "uniform 2"])
    @pytest.mark.parametrize("length", [1, 2, 3, 4])
    def test_trace_is_the_mean_of_the_diagonal(self, measure, length):
        measure = MEASURES[measure]
        kernel = KernelPolynomial.from_expression(2 + u**2 * m / 3 - u + m**2)
        expected = sympy.Integer(0)
        for index in np.ndindex((measure.vocab_size,) * length):
            pairs = sum(s == t for s in index for t in index)
            diagonal = 2 + sympy.Rational(pairs**2 * length, 3) - pairs + length**2
            expected += measure.probability(index) * diagonal
        assert kernel_trace(kernel, measure, length) == expected
        assert kernel_trace(kernel, measure, L).subs(L, length) == expected


@pytest.mark.parametrize("measure", ["iid 2", "uniform 2"])
def test_the_matrix_of_a_block_is_the_operator_on_its_basis(measure):
    """On (L): apply the operator to the basis functions M^k by enumeration and compare with the columns."""
    measure = MEASURES[measure]
    kernel = KernelPolynomial.from_expression(u * m - m + 2)
    length = 4
    problem = BlockProblem(kernel, measure, PaddedShape((), L))
    basis = problem.functions.basis(None)
    matrix = problem.matrix(basis).subs(L, length)
    functions = [expression.subs({}) for expression in basis.expressions()]
    M = sympy.Symbol("M_0")
    sequences = list(np.ndindex((2,) * length))
    values = [[f.subs(M, x_.count(0) - sympy.Rational(length, 2)) for f in functions] for x_ in sequences]
    for row, first in enumerate(sequences):
        image = [sympy.Integer(0)] * len(functions)
        for second, at_second in zip(sequences, values):
            pairs, matches = _counts(first, second)
            weight = (pairs * matches - matches + 2) * prod(measure.probability([t]) for t in second)
            image = [total + weight * value for total, value in zip(image, at_second)]
        assert image == [
            sum(matrix[i, j] * values[row][i] for i in range(len(functions))) for j in range(len(functions))
        ]
