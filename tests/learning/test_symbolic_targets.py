"""Polynomial targets with L a symbol, against enumeration in exact arithmetic and against the numerical decomposition."""

from functools import cache
from itertools import product

import numpy as np
import pytest
import sympy
from sympy.polys.matrices import DomainMatrix

from symrep import isotypic_projector, kernels, measures, spectrum
from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError
from symrep.kernels.overlaps import length_symbol as L
from symrep.kernels.overlaps import matches_symbol, overlap_symbol
from symrep.learning.decomposition import decompose_target
from symrep.learning.samples import samples_to_learn
from symrep.learning.symbolic_targets import kappa_symbol, symbolic_target
from symrep.learning.targets import target

HALF = sympy.Rational(1, 2)
NUMBERS = {"a": HALF, "p": sympy.Rational(4, 5), "q": sympy.Rational(2, 5), "delta": sympy.Rational(1, 20)}
POOL, FLATTEN, LAST = (kernels.architecture("linear-block", readout) for readout in ("pool", "flatten", "last"))
UNIFORM, UNIFORM3 = measures.iid_uniform(2), measures.iid_uniform(3)
BIASED = measures.iid(["q", "1-q"])
BIASED3 = measures.iid(["1/2", "1/3", "1/6"])
MIXTURE = measures.frozen_mixture(["1/3", "2/3"], [["1/5", "4/5"], ["3/4", "1/4"]])
URN_LIKE = measures.dirichlet_multinomial([1, 2])
POLYA = measures.dirichlet_multinomial(["q", 2])
a, p, delta = (sympy.Symbol(name, positive=True) for name in ("a", "p", "delta"))
solved = cache(spectrum)


def at(expression, **more):
    values = NUMBERS | more
    symbols = sympy.sympify(expression).free_symbols
    return sympy.sympify(expression).subs({s: values[s.name] for s in symbols if s.name in values})


def in_numbers(measure):
    known = {BIASED: measures.iid(["2/5", "3/5"]), POLYA: measures.dirichlet_multinomial(["2/5", 2])}
    return known.get(measure, measure)


@cache
def enumerated(measure, length):
    words = list(product(range(measure.vocab_size), repeat=length))
    return words, [in_numbers(measure).probability(word) for word in words]


def exact_values(described, words, vocab_size):
    values = target(described)(np.array(words), vocab_size)
    scaled = values * len(words[0])
    assert np.allclose(scaled, np.round(scaled))
    return [sympy.Rational(int(value), len(words[0])) for value in np.round(scaled)]


EXACT_CASES = [
    (POOL, UNIFORM, "sigma_1", (3, 5)),
    (POOL, BIASED, "(sigma_1 - S/L)*S", (3,)),
    (POOL, MIXTURE, "sigma_L", (4,)),
    (FLATTEN, UNIFORM, "sigma_1*sigma_2", (4, 5)),
    pytest.param(FLATTEN, BIASED, "n_0", (3,), marks=pytest.mark.slow),
    pytest.param(POOL, UNIFORM3, "e_1_0 - n_1/L", (3,), marks=pytest.mark.slow),
    pytest.param(POOL, UNIFORM3, "e_1_0*e_2_1", (4, 5), marks=pytest.mark.slow),
    (FLATTEN, URN_LIKE, "sigma_2*e_1_0 - n_1/L", (4,)),
    pytest.param(POOL, POLYA, "sigma_1 - S/L", (3,), marks=pytest.mark.slow),
]


@pytest.mark.slow
@pytest.mark.parametrize(("net", "measure", "described", "lengths"), EXACT_CASES)
def test_weights_and_learnability_are_exact_at_small_lengths(net, measure, described, lengths):
    spec = solved(net, measure)
    found = symbolic_target(spec, described)
    for length in lengths:
        assert length >= found.stable_from
        words, probabilities = enumerated(measure, length)
        f = exact_values(described, words, measure.vocab_size)
        norm = sum(q * value**2 for q, value in zip(probabilities, f))
        assert at(found.norm, L=length) == norm
        for shape, weight in found.shape_weights.items():
            part = isotypic_projector(shape.at(length), vocab_size=measure.vocab_size).apply(np.array(f, dtype=object))
            assert at(weight, L=length) == sum(q * sympy.Rational(str(v)) ** 2 for q, v in zip(probabilities, part))
        if len(words) <= 32:
            kappa = sympy.Rational(3, 7)
            learned = exact_learned(at(net.overlap_polynomial().subs(L, length)), words, probabilities, f, kappa)
            assert sympy.factor(at(found.learnability(kappa), L=length) - learned / norm) == 0


def exact_learned(kernel, words, probabilities, f, kappa):
    """E f K (K + kappa)^-1 f, with the matrix of the operator on all sequences."""
    tokens = range(max(map(max, words)) + 1)
    counts = [[word.count(v) for v in tokens] for word in words]

    @cache
    def entry(u, m):
        return kernel.subs({overlap_symbol: u, matches_symbol: m})

    rows = [
        [
            entry(sum(map(int.__mul__, counts[i], counts[j])), sum(map(int.__eq__, x, y))) * probabilities[j]
            + (kappa if i == j else 0)
            for j, y in enumerate(words)
        ]
        for i, x in enumerate(words)
    ]
    matrix, right = (DomainMatrix.from_Matrix(sympy.Matrix(own)).convert_to(sympy.QQ) for own in (rows, f))
    solved = matrix.lu_solve(right).to_Matrix()
    return sum(q * v * (v - kappa * s) for q, v, s in zip(probabilities, f, solved))


NUMERIC_CASES = [
    (POOL, UNIFORM, "sigma_1 - S/L", (6, 11)),
    (POOL, MIXTURE, "(sigma_1 - S/L)*S + sigma_L", (7,)),
    pytest.param(FLATTEN, UNIFORM, "sigma_1*sigma_2*sigma_3", (6, 9), marks=pytest.mark.slow),
    pytest.param(FLATTEN, BIASED, "(sigma_1 - S/L)*n_0", (6, 20), marks=pytest.mark.slow),
    pytest.param(FLATTEN, UNIFORM3, "e_1_0*e_2_1", (5, 8), marks=pytest.mark.slow),
    pytest.param(POOL, BIASED3, "e_1_0*e_2_1", (5, 8), marks=pytest.mark.slow),
    pytest.param(FLATTEN, BIASED, "sigma_1*sigma_2*sigma_3", (6, 9), marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("net", "measure", "described", "lengths"), NUMERIC_CASES)
def test_agrees_with_the_numerical_decomposition(net, measure, described, lengths):
    found = symbolic_target(solved(net, measure), described)
    readout = "flatten" if net is FLATTEN else "pool"
    numeric_net = kernels.architecture("linear-block", readout, token_variance=HALF, position_variance="4/5")
    for length in lengths:
        other = decompose_target(numeric_net, in_numbers(measure), length, described)
        own = {shape.at(length): float(at(weight, L=length)) for shape, weight in found.shape_weights.items()}
        for shape in own.keys() | other.shape_weights.keys():
            assert own.get(shape, 0) == pytest.approx(other.shape_weights.get(shape, 0), abs=1e-11 * other.norm)
        for kappa in ("1/1000", "1/20", 3):
            exact = float(at(found.learnability(kappa), L=length))
            shares = other.eigenvalues / (other.eigenvalues + float(sympy.Rational(kappa)))
            assert exact == pytest.approx(shares @ other.weights / other.norm, abs=1e-11)


def test_components_are_eigenvalues_with_weights():
    found = symbolic_target(solved(POOL, MIXTURE).substitute(a=HALF, p="4/5"), "sigma_1 + n_0**2/L")
    other = decompose_target(solved(POOL, MIXTURE).substitute(a=HALF, p="4/5").kernel, MIXTURE, 9, "sigma_1 + n_0**2/L")
    for shape in found.shape_weights:
        own = [(float(at(value, L=9)), float(at(weight, L=9).evalf(20))) for value, weight in found.components(shape)]
        numeric = [
            (value, weight)
            for value, weight, label in zip(other.eigenvalues, other.weights, other.shapes)
            if label == shape.at(9)
        ]
        np.testing.assert_allclose(
            sorted(pair for pair in own if pair[1] > 1e-12 * other.norm), sorted(numeric), rtol=1e-8, atol=1e-11
        )
        assert sum(weight for _, weight in own) == pytest.approx(float(at(found.weight(shape), L=9)), rel=1e-9)


def test_closed_forms_of_the_pooled_linear_block():
    spec = solved(POOL, UNIFORM)
    odd, even = symbolic_target(spec, "sigma_1 - S/L"), symbolic_target(spec, "(sigma_1 - S/L)*S")
    lam, mu = a * p * (a * L + 2 * p) / (2 * L), a**2 * p * (L - 2) / (2 * L**2)
    assert odd.components((1,)) == [(lam, (L - 1) / L)]
    assert even.weight((1,)) == (L - 1) * (L - 2) / L
    for found, eigenvalue in ((odd, lam), (even, mu)):
        assert sympy.simplify(found.learnability() - eigenvalue / (eigenvalue + kappa_symbol)) == 0
        kernel_alone = found.samples_needed(learnability="ell", theory="equivalent-kernel")
        ell = sympy.Symbol("ell", positive=True)
        assert sympy.simplify(kernel_alone - delta * ell / (1 - ell) / eigenvalue) == 0
    ell = sympy.Symbol("ell", positive=True)
    assert odd.leading_samples(learnability="ell").as_expression() == ell * L
    expected = L * (1 + ell + 2 * delta * ell / ((1 - ell) * a**2 * p))
    assert sympy.simplify(even.leading_samples(learnability="ell").as_expression() - expected) == 0
    both = symbolic_target(spec, "sigma_1")
    assert both.norm == 1 and both.weight(()) == 1 / L
    assert sympy.factor(both.learnability(0)) == 1 and both.learnability(shape=(1,)) == odd.learnability()


@pytest.mark.slow
@pytest.mark.parametrize(
    "described", ["sigma_1 - S/L", "(sigma_1-S/L)*S", "sigma_1", "n_0", "sigma_1 + (sigma_2-S/L)*S"]
)
@pytest.mark.parametrize("learnability", ["1/4", "9/10"])
def test_samples_are_those_of_the_numerical_solution(described, learnability):
    net = kernels.architecture("linear-block", token_variance=HALF, position_variance="4/5")
    found = symbolic_target(solved(net, UNIFORM), described)
    exact = found.samples_needed("1/20", learnability)
    leading = found.leading_samples("1/20", learnability)
    for length, close in ((12, None), (10**6, 1e-2)):
        own = float(exact.subs(L, length).evalf(30))
        if close is None:
            numeric = samples_to_learn(
                solved(net, UNIFORM, length), described, 0.05, learnability=float(sympy.Rational(learnability))
            )
            assert own == pytest.approx(numeric, rel=1e-9)
        else:
            assert own == pytest.approx(float(leading.as_expression().subs(L, length)), rel=close)


def test_eigenvalues_of_larger_order_are_learned_first():
    # both halves have weight of order L; their eigenvalues are of order L and 1/L
    found = symbolic_target(solved(POOL, UNIFORM), "S + (sigma_1 - S/L)*S")
    assert found.leading_kappa("1/4").as_expression() == a**3 * L / 2
    assert found.leading_kappa("3/4").as_expression() == a**2 * p / (2 * L)
    with pytest.raises(InvalidArgumentError, match="number other than 1/2"):
        found.leading_kappa("1/2")
    with pytest.raises(InvalidArgumentError, match="number other than 1/2"):
        found.leading_kappa("ell")


@pytest.mark.slow
def test_the_last_token_is_fixed_where_only_it_is_read_out():
    found = symbolic_target(solved(LAST, MIXTURE), "sigma_L*sigma_1 + n_0")
    length = 6
    net = kernels.architecture("linear-block", "last", token_variance=HALF, position_variance="4/5")
    words, probabilities = enumerated(MIXTURE, length)
    x, q = np.array(words), np.array(probabilities, dtype=float)
    f = target("sigma_L*sigma_1 + n_0")(x, 2)
    assert float(at(found.norm, L=length)) == pytest.approx(q @ f**2, rel=1e-12)
    eigenvalues, vectors = np.linalg.eigh(np.sqrt(q)[:, None] * net.nngp(x) * np.sqrt(q))
    squares = (vectors.T @ (np.sqrt(q) * f)) ** 2
    for kappa in ("1/100", 2):
        learned = eigenvalues / (eigenvalues + float(sympy.Rational(kappa))) @ squares / (q @ f**2)
        assert float(at(found.learnability(kappa), L=length)) == pytest.approx(learned, abs=1e-11)
    assert {str(shape) for shape in found.shape_weights} == {"(L-1)", "(L-2,1)"}


@pytest.mark.parametrize("length", [1, 3, pytest.param(7, marks=pytest.mark.slow)])
def test_numbers_for_the_length_agree_with_the_symbol_and_hold_below(length):
    described = "sigma_1*sigma_L + n_0" if length > 1 else "sigma_1 + n_0"
    found = symbolic_target(solved(POOL, MIXTURE, length), described)
    numeric = kernels.architecture("linear-block", token_variance=HALF, position_variance="4/5")
    other = decompose_target(numeric, MIXTURE, length, described)
    assert {shape: float(weight) for shape, weight in found.shape_weights.items()} == pytest.approx(other.shape_weights)
    learned = (other.eigenvalues / (other.eigenvalues + 0.5)) @ other.weights / other.norm
    assert float(at(found.learnability(HALF))) == pytest.approx(learned, rel=1e-11)
    if length >= 4:
        symbolic = symbolic_target(solved(POOL, MIXTURE), described)
        assert {s.at(length): at(w, L=length) for s, w in symbolic.shape_weights.items()} == found.shape_weights


@pytest.mark.parametrize(
    ("net", "described", "stable"),
    [
        (POOL, "sigma_5", 5),
        (POOL, "sigma_5*sigma_L", 6),
        (POOL, "sigma_1*sigma_2", 4),
        (LAST, "sigma_1*sigma_L", 3),
        (LAST, "sigma_4", 5),
        (matches_symbol**3, "n_0", 5),
    ],
)
def test_the_length_from_which_the_expressions_hold(net, described, stable):
    """Named positions exist and differ, all shapes exist, and the blocks hold."""
    found = symbolic_target(solved(net, UNIFORM), described)
    assert found.stable_from == stable
    there = symbolic_target(solved(net, UNIFORM, stable), described)
    weights = {shape.at(int(at(shape.degree, L=stable))): at(w, L=stable) for shape, w in found.shape_weights.items()}
    assert weights == there.shape_weights
    assert sympy.factor(found.learnability(HALF).subs(L, stable) - there.learnability(HALF)) == 0


def test_a_position_that_is_the_last_one_is_not_another_one():
    symbolic = symbolic_target(solved(POOL, UNIFORM), "sigma_3*sigma_L")
    merged = symbolic_target(solved(POOL, UNIFORM, 3), "sigma_3*sigma_L")
    assert list(merged.shape_weights.values()) == [1] and len(symbolic.shape_weights) > 1


def test_kernels_with_own_overlaps_and_the_null_space():
    u, m, first, second = sympy.symbols("u m u_xx u_yy")
    found = symbolic_target(solved((u * m + first * second / L) / L**2, UNIFORM), "sigma_1*sigma_2")
    weights = found.shape_weights
    assert sympy.simplify(sum(weights.values()) - 1) == 0
    deepest = next(shape for shape in weights if shape.depth == 2)
    assert found.components(deepest) == [(0, weights[deepest])]
    other = decompose_target((u * m + first * second / 8) / 64, UNIFORM, 8, "sigma_1*sigma_2")
    learned = (other.eigenvalues / (other.eigenvalues + 0.5)) @ other.weights
    assert float(found.learnability(HALF).subs(L, 8)) == pytest.approx(learned, rel=1e-10)


def test_table_lists_all_of_the_norm():
    table = symbolic_target(solved(POOL, UNIFORM), "sigma_1*sigma_2").table()
    share = [column.key for column in table.columns].index("share")
    assert sympy.simplify(sum(row[share] for row in table.rows)) == 1
    assert "Holds from L = 4" in table.to("text")


@pytest.mark.parametrize(
    ("described", "error", "message"),
    [
        ("sqrt(n_0)", InvalidArgumentError, "must be a polynomial"),
        ("1/n_0", InvalidArgumentError, "must be a polynomial"),
        ("sigma_1**2 - 1", InvalidArgumentError, "must not vanish"),
        ("n_2", InvalidArgumentError, "tokens below 2"),
        ("e_0_1", InvalidArgumentError, "positions from 1"),
        ("c*sigma_1", InvalidArgumentError, "must use the symbols"),
        (np.sum, InvalidTypeError, "polynomial as text or expression"),
        ("*".join(f"sigma_{i}" for i in range(1, 10)), SizeLimitError, "so few positions"),
    ],
)
def test_targets_refused(described, error, message):
    with pytest.raises(error, match=message):
        symbolic_target(solved(POOL, UNIFORM), described)


def test_spectra_refused():
    with pytest.raises(InvalidArgumentError, match="unless there are 2 tokens"):
        symbolic_target(solved(POOL, UNIFORM3), "S")
    with pytest.raises(InvalidArgumentError, match="vocab_size must be a number"):
        symbolic_target(solved(POOL, measures.iid_uniform()), "n_0")
    with pytest.raises(InvalidArgumentError, match="no query token"):
        symbolic_target(solved(kernels.architecture("linear-block", "query"), UNIFORM), "n_0")
    with pytest.raises(InvalidTypeError, match="must be a Spectrum"):
        symbolic_target(POOL, "n_0")
    with pytest.raises(InvalidArgumentError, match="positions up to the length 3"):
        symbolic_target(solved(POOL, UNIFORM, 3), "sigma_4")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ridge": 0}, "ridge must be positive"),
        ({"ridge": "L"}, "ridge must not depend on L"),
        ({"learnability": 1}, "strictly between 0 and 1"),
        ({"theory": "best"}, "theory must be one of"),
    ],
)
def test_goals_refused(arguments, message):
    found = symbolic_target(solved(POOL, UNIFORM), "sigma_1")
    for method in (found.samples_needed, found.leading_samples):
        with pytest.raises(InvalidArgumentError, match=message):
            method(**arguments)


def test_what_is_never_learned_is_refused():
    hidden = symbolic_target(solved(POOL, UNIFORM), "sigma_1*sigma_2")
    with pytest.raises(InvalidArgumentError, match="share of the target outside the null space"):
        hidden.samples_needed()
    with pytest.raises(
        InvalidArgumentError, match=r"at large L the target lies in the null space .*outside it: 2/\(L - 1\)"
    ):
        hidden.leading_samples()
    with pytest.raises(InvalidArgumentError, match="length must be the symbol L"):
        symbolic_target(solved(POOL, UNIFORM, 8), "sigma_1").leading_samples()
    with pytest.raises(InvalidArgumentError, match="shape must be one of"):
        hidden.learnability(shape=(3,))


@pytest.mark.slow
def test_squared_norms_are_those_of_the_measure():
    q = sympy.Symbol("q", positive=True)
    spec = solved(POOL, BIASED)
    counted, product_of_two = (symbolic_target(spec, text) for text in ("n_0", "e_1_0*e_2_1 - e_2_0"))
    assert sympy.expand(counted.norm - (L * q * (1 - q) + L**2 * q**2)) == 0
    assert sympy.expand(product_of_two.norm - (q * (1 - q) + q)) == 0
