"""Targets in eigenfunctions, against the dense operator on all sequences and against isotypic projectors."""

from itertools import product

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import block_spectrum, isotypic_projector, kernels, learning, measures, spectrum
from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError
from symrep.kernels import Dense, LinearAttention, MeanPool, Positions, Relu, TiedAttention, TokenEmbedding
from symrep.learning.decomposition import decompose_target
from symrep.learning.invariant_operator import operator_matrix
from symrep.learning.invariant_space import InvariantSpace
from symrep.learning.targets import Target, copy_token, majority, next_token, same_token, target, token_at, token_count

LINEAR = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
RELU = kernels.serial(TokenEmbedding(1), Positions("1/3"), LinearAttention(normalized=True), Relu(), MeanPool())
SOFTMAX = kernels.serial(TokenEmbedding(1), Positions("1/3"), TiedAttention(), Dense(1, 1), Relu(), MeanPool())
MIXTURE = measures.frozen_mixture(["1/3", "2/3"], [["1/5", "4/5"], ["3/4", "1/4"]])

CASES = [
    (LINEAR, measures.iid(["1/3", "2/3"]), 6, "sigma_2 * sigma_5 + n_0"),
    (RELU, MIXTURE, 6, "(sigma_1 - S/L) * S + sigma_L"),
    (SOFTMAX, measures.dirichlet_multinomial([1, 2]), 6, majority()),
    (SOFTMAX, measures.iid_uniform(2), 7, same_token(1, -1)),
    (RELU, measures.iid(["1/2", "1/3", "1/6"]), 4, "e_1_0 * e_3_2 - n_1 * e_2_0"),
    (RELU, measures.iid_uniform(3), 4, token_at(-2, 1)),
    (LINEAR, measures.urn([3, 4]), 6, "sigma_1 * sigma_2 * sigma_4"),
    (SOFTMAX, measures.iid(["1/3", "2/3"]), 5, lambda x: np.sin(x @ np.arange(1, 6))),
]


def enumerated(measure, length):
    X = np.array(list(product(range(measure.vocab_size), repeat=length)))
    return X, np.array([float(measure.probability(row)) for row in X.tolist()])


@pytest.mark.parametrize(("net", "measure", "length", "described"), CASES)
def test_components_are_those_of_the_dense_operator(net, measure, length, described):
    found = decompose_target(net, measure, length, described)
    X, q = enumerated(measure, length)
    f = target(described)(X, measure.vocab_size)
    assert found.norm == pytest.approx(q @ f**2, rel=1e-10)
    eigenvalues, vectors = np.linalg.eigh(np.sqrt(q)[:, None] * net.nngp(X) * np.sqrt(q))
    for kappa in (1e-3, 0.1, 3.0):
        learned = vectors @ (eigenvalues / (eigenvalues + kappa) * (vectors.T @ (np.sqrt(q) * f)))
        own = found.eigenvalues / (found.eigenvalues + kappa)
        assert own @ found.weights == pytest.approx(np.sqrt(q) * f @ learned, rel=1e-8, abs=1e-10)
        possible = q > 0
        got = found.combined(own, X)
        assert np.isnan(got[~possible]).all()
        np.testing.assert_allclose(
            got[possible], (learned / np.where(possible, np.sqrt(q), 1))[possible], rtol=1e-7, atol=1e-8
        )


@pytest.mark.parametrize(("net", "measure", "length", "described"), CASES[:6])
def test_weights_of_irreps_are_norms_of_projections(net, measure, length, described):
    found = decompose_target(net, measure, length, described)
    X, q = enumerated(measure, length)
    f = target(described)(X, measure.vocab_size)
    for shape, weight in found.shape_weights.items():
        projected = np.asarray(isotypic_projector(shape, vocab_size=measure.vocab_size).apply(f), dtype=float)
        assert weight == pytest.approx(q @ projected**2, rel=1e-9, abs=1e-12)
    assert sum(found.shape_weights.values()) == pytest.approx(found.norm, rel=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 3), st.integers(1, 5), st.data())
def test_polynomial_and_table_routes_agree(vocab_size, length, data):
    named = data.draw(st.integers(0, min(length, 2)))
    weights = data.draw(st.lists(st.integers(1, 5), min_size=vocab_size, max_size=vocab_size))
    measure = measures.dirichlet_multinomial(weights)
    space = InvariantSpace(vocab_size, length, named, measure)
    tables = operator_matrix(lambda N: LINEAR.joint_count_kernel()(N), space)
    np.testing.assert_allclose(operator_matrix(LINEAR, space), tables, rtol=1e-11, atol=1e-12 * abs(tables).max())
    assert sum(basis.shape[1] for _, basis in space.sectors) == space.dimension


@pytest.mark.parametrize(("length", "named"), [(4, 0), (5, 1), (5, 3), (3, 3)])
def test_powers_of_matches_are_those_of_tables(length, named):
    m, u = sympy.symbols("m u")
    space = InvariantSpace(2, length, named, measures.iid(["1/3", "2/3"]))
    for kernel, function in (
        (m**3, lambda N: np.trace(N, axis1=1, axis2=2) ** 3),
        (
            u * m**2 + m,
            lambda N: (
                (N.sum(axis=1) * N.sum(axis=2)).sum(axis=1) * np.trace(N, axis1=1, axis2=2) ** 2
                + np.trace(N, axis1=1, axis2=2)
            ),
        ),
    ):
        np.testing.assert_allclose(
            operator_matrix(kernel, space), operator_matrix(function, space), rtol=1e-11, atol=1e-11
        )


@pytest.mark.parametrize(("vocab_size", "length", "named"), [(3, 5, 0), (3, 5, 2), (3, 4, 4), (4, 3, 1)])
def test_matches_and_tables_give_one_operator(vocab_size, length, named):
    measure = measures.dirichlet_multinomial(range(1, vocab_size + 1))
    space = InvariantSpace(vocab_size, length, named, measure)
    tables = operator_matrix(lambda N: RELU.joint_count_kernel()(N), space)
    np.testing.assert_allclose(operator_matrix(RELU, space), tables, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(operator_matrix(RELU.match_kernel(), space), tables, rtol=1e-11, atol=1e-13)


def test_sectors_are_orthonormal_and_reduce_the_operator():
    space = InvariantSpace(3, 5, 2, measures.iid(["1/2", "1/3", "1/6"]))
    matrix = operator_matrix(SOFTMAX, space)
    bases = [basis.toarray() for _, basis in space.sectors]
    everything = np.concatenate(bases, axis=1)
    np.testing.assert_allclose(everything.T @ everything, np.eye(space.dimension), atol=1e-12)
    for i, first in enumerate(bases):
        for second in bases[:i]:
            assert abs(first.T @ matrix @ second).max() < 1e-12
    same = [
        np.linalg.eigvalsh(b.T @ matrix @ b) for (shape, _), b in zip(space.sectors, bases) if str(shape) == "(4,1)"
    ]
    assert len(same) == 2
    np.testing.assert_allclose(same[0], same[1], atol=1e-13)


def test_long_sequences():
    found = decompose_target(LINEAR, measures.iid_uniform(2), 400, "sigma_7")
    assert found.shape_weights[found.shapes[0]] == pytest.approx(1 / 400, rel=1e-9)
    assert found.norm == pytest.approx(1, rel=1e-11)
    assert found.space.dimension == 800


@pytest.mark.parametrize(
    ("made", "x", "vocab_size", "value"),
    [
        (target("e_2_1 + 10*n_0"), [0, 1, 0], 3, 21.0),
        (target("sigma_1 + 10*sigma_L + 100*S + 1000*L"), [1, 0, 0], 2, 3109.0),
        (token_count(2), [2, 0, 2], 3, 2.0),
        (token_at(2, 1), [0, 1, 0], 2, 1.0),
        (token_at(-1, 1), [0, 1, 0], 2, 0.0),
        (majority(1, 2), [1, 2, 1, 0], 3, 1.0),
        (same_token(1, -1), [0, 1, 1], 2, -1.0),
        (copy_token(1, 2), [0, 1, 0], 2, 1.0),
        (target(lambda x: x.sum(axis=1)), [0, 1, 2], 3, 3.0),
        (Target("last of two", (2,), lambda tokens, counts: tokens[:, 0] * counts[:, 1]), [0, 1, 1], 2, 2.0),
    ],
)
def test_values(made, x, vocab_size, value):
    assert made(x, vocab_size) == value
    assert made([x, x], vocab_size).tolist() == [value, value]


def test_next_token_is_the_conditional_probability():
    f = next_token(MIXTURE, 1)
    for x in product(range(2), repeat=3):
        expected = MIXTURE.probability((*x, 1)) / MIXTURE.probability(x)
        assert f(list(x), 2) == pytest.approx(float(expected), rel=1e-12)


def test_next_token_of_a_hidden_markov_model_depends_on_the_order():
    chain = measures.mixture(["1/3", "2/3"], [measures.lazy_chain("1/4", ["1/2", "1/2"]), measures.iid(["1/5", "4/5"])])
    f = next_token(chain, 1)
    X = np.array(list(product(range(2), repeat=4)))
    expected = [float(chain.probability((*x, 1)) / chain.probability(x)) for x in map(tuple, X.tolist())]
    np.testing.assert_allclose(f(X, 2), expected, rtol=1e-12)
    assert abs(f([0, 0, 1, 1], 2) - f([1, 1, 0, 0], 2)) > 0.1
    found = decompose_target(LINEAR, measures.iid_uniform(2), 4, f)
    assert found.norm == pytest.approx(np.mean(np.square(expected)))


@pytest.mark.parametrize(
    ("described", "error", "message"),
    [
        ("banana", InvalidArgumentError, "target must use the symbols .* got banana"),
        ("sigma_9", InvalidArgumentError, "positions must be within the length 4"),
        ("sigma_0", InvalidArgumentError, "positions must be counted from 1"),
        ("e_1_2", InvalidArgumentError, "target must use tokens below 2"),
        ("n_0 - n_0", InvalidArgumentError, "target must not vanish"),
        (3, InvalidTypeError, "target must be an expression or a function of sequences, got 3"),
        (
            lambda x: x,
            InvalidArgumentError,
            r"target must take sequences as an array \(n, L\) and give n values, .* here of shape \(16,\)",
        ),
        (lambda x: x[:, 0] / 0.0, InvalidArgumentError, "target must be finite"),
        (lambda x: x[:, 0] * 1j, InvalidTypeError, "target must have real values"),
        (
            lambda x: np.random.default_rng().random(len(x)),
            InvalidArgumentError,
            "target must be a function of the sequence",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
def test_bad_targets(described, error, message):
    with pytest.raises(error, match=message):
        decompose_target(LINEAR, measures.iid_uniform(2), 4, described)


def test_limits_and_other_errors():
    with pytest.raises(
        SizeLimitError, match="13 named positions at length 13 with 2 tokens need matrices of size 8192"
    ):
        decompose_target(LINEAR, measures.iid_uniform(2), 13, lambda x: x[:, 0])
    with pytest.raises(InvalidArgumentError, match="target must not use sigma and S unless there are 2 tokens, got 3"):
        decompose_target(LINEAR, measures.iid_uniform(3), 4, "S")


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        ("sign(S)", lambda x: np.sign((1 - 2 * x).sum(axis=1))),
        ("sign(n_0 - 3)", lambda x: np.sign((x == 0).sum(axis=1) - 3)),
        ("sign(n_1)", lambda x: np.sign((x == 1).sum(axis=1))),
        ("abs(sigma_1 - S/L)", lambda x: np.abs(1 - 2 * x[:, 0] - (1 - 2 * x).mean(axis=1))),
        ("sign(e_1_0) * sqrt(n_0**2)", lambda x: (x[:, 0] == 0) * (x == 0).sum(axis=1)),
    ],
)
def test_signs_and_absolute_values(text, by_hand):
    x = np.array(list(product(range(2), repeat=5)))
    assert target(text)(x, 2) == pytest.approx(by_hand(x), abs=1e-14)


def test_functions_of_the_wrong_kind_are_explained():
    how = (
        r"target must take sequences as an array \(n, L\) and give n values, such as lambda x: x\[:, 0\] == x\[:, 1\], "
    )
    x = np.array([[0, 1, 1], [1, 0, 1]])
    with pytest.raises(InvalidArgumentError, match=how + r"got TypeError"):
        target(lambda x: float(x[0] == x[1]))(x, 2)
    with pytest.raises(InvalidArgumentError, match=how + r"here of shape \(2,\), got \(3,\)"):
        target(lambda x: x[0])(x, 2)
    with pytest.raises(InvalidTypeError, match="target must be an expression or a function of sequences, got array"):
        target(np.array([1.0, 2.0, 3.0]))
    with pytest.raises(InvalidArgumentError, match="target must have numbers within the range of float64"):
        target("1e99*1e99*1e99*1e99*S")(x, 2)
    with pytest.raises(InvalidTypeError, match=r"call learning.majority\(...\), got the function"):
        target(majority)


def test_shares_in_the_null_space():
    net = kernels.architecture("linear-block", token_variance=1, position_variance=1)
    modes = decompose_target(net, measures.iid_uniform(2), 8, "sigma_1*sigma_2")
    assert modes.null_share == pytest.approx(5 / 7, rel=1e-12)
    assert repr(modes).startswith("<TargetModes of sigma_1*sigma_2: squared norm 1; shares (8): 0.0357")
    assert "<table" in modes._repr_html_()


@pytest.mark.parametrize("readout", ["pool", "last", "query"])
def test_all_positions_named_are_the_same_matrix_pair_by_pair(readout, monkeypatch):
    from symrep.learning import invariant_operator

    numbers = {"query_token_variance": 2, "query_position_variance": "1/3"} if readout == "query" else {}
    net = kernels.architecture("relu-block", readout, token_variance=1, position_variance="1/2", **numbers)
    monkeypatch.setattr(invariant_operator, "_CELLS_AT_ONCE", 150)
    for measure in (measures.iid(["1/3", "2/3"]), MIXTURE):
        space = InvariantSpace(2, 5, 5 - (readout == "last"), measure, None if readout == "pool" else readout)
        assert space.unnamed == 0
        symmetric = invariant_operator.as_symmetric_kernel(net)
        values, _ = invariant_operator.kernel_values(symmetric.of_tables, space.moving, 2, space.extra_token, 10**9)
        expected = invariant_operator._table_matrix(values, space)
        assert operator_matrix(net, space) == pytest.approx(expected, rel=1e-12, abs=1e-15)
        assert invariant_operator._named_matrix(values, space) == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_decompositions_of_texts_are_kept_and_those_of_functions_made_anew():
    net = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
    first, second = (spectrum(net, measures.iid_uniform(2), 6) for _ in range(2))
    kept = learning.decompose(first, "sigma_1 * sigma_2")
    assert learning.decompose(second, "sigma_1 * sigma_2") is kept
    assert not any(array.flags.writeable for array in (kept.eigenvalues, kept.weights, kept.components))
    assert learning.decompose(spectrum(net, measures.iid_uniform(2), 7), "sigma_1 * sigma_2") is not kept
    assert learning.decompose(spectrum(net, measures.iid(["1/3", "2/3"]), 6), "sigma_1 * sigma_2") is not kept
    kept.shape_weights.clear()
    assert kept.shape_weights
    with pytest.raises(ValueError, match="read-only"):
        kept.space.log_probabilities[:] = 0
    sign = 1.0

    def function(x):
        return sign * x[:, 0] + x[:, 1]

    before = learning.decompose(first, function).norm
    sign = 2.0
    assert learning.decompose(first, function).norm > before

    def kernel(tables):
        return sign * np.exp(tables[:, 0, 0] + tables[:, 1, 1])

    blocks = block_spectrum(kernel, measures.iid_uniform(2), 4)
    before = learning.decompose(blocks, "S").eigenvalues.max()
    sign = 4.0
    assert learning.decompose(blocks, "S").eigenvalues.max() == pytest.approx(2 * before, rel=1e-12)


def test_numbers_are_checked_before_a_target_is_decomposed():
    spec = spectrum(
        kernels.architecture("linear-block", token_variance=1, position_variance=1), measures.iid_uniform(2), 6
    )
    for options, message in (
        ({"ridge": -1}, "ridge must not be negative, got -1"),
        ({"noise": -1}, "noise must be one number of at least 0, got -1"),
        ({"theory": "exact"}, "theory must be one of"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            learning.learning_curve(spec, "no target", **{"n_samples": 4, "ridge": 0.1} | options)
    with pytest.raises(InvalidArgumentError, match="learnability must be strictly between 0 and 1, got 2"):
        learning.samples_to_learn(spec, "no target", ridge=0.1, learnability=2)


@pytest.mark.parametrize(
    ("text", "preset"),
    [
        ("majority()", majority()),
        ("majority(1, 0)", majority(1, 0)),
        (" same_token(2, -1)", same_token(2, -1)),
        ("token_count(1)", token_count(1)),
        ("token_at(-2, 1)", token_at(-2, 1)),
        ("copy_token(1, 3)", copy_token(1, 3)),
        ("same_token (1, L)", same_token(1, -1)),
        ("same_token(1,3)", same_token(1, 3)),
    ],
)
def test_presets_as_text(text, preset):
    x = np.array(list(product(range(2), repeat=5)))
    assert target(text).name == preset.name and target(text).positions == preset.positions
    assert (target(text)(x, vocab_size=2) == preset(x, vocab_size=2)).all()


def test_presets_within_text():
    x = np.array(list(product(range(2), repeat=5)))
    spins, counts = 1 - 2 * x, 5 - x.sum(axis=1)
    found = target("sign(same_token(2, L) - 1/2)*sigma_1 + majority()**2 * token_count(0)/2")
    expected = np.sign(spins[:, 1] * spins[:, 4] - 0.5) * spins[:, 0] + counts / 2
    assert (found(x, vocab_size=2) == expected).all() and set(found.positions) == {1, 2, -1}
    with_three = target("same_token(1, 2) - token_at(1, 2)")([[2, 2, 0], [1, 0, 0]], vocab_size=3)
    assert with_three.tolist() == [0.0, -1.0]


@pytest.mark.slow
@pytest.mark.parametrize("vocab_size", [2, 3])
def test_polynomial_presets_with_a_symbol_for_the_length(vocab_size):
    closed = spectrum(kernels.architecture("linear-block"), measures.iid_uniform(vocab_size))
    numbers = {"L": 6, "a": "1/2", "p": 1}
    for text in ("same_token(1, L) - token_count(1)/3", "token_at(2, 1)*token_count(1)/sqrt(4) + copy_token(0)"):
        symbolic = learning.symbolic_target(closed, text)
        found = learning.decompose(closed.substitute(**numbers), text)
        assert float(symbolic.norm.subs({s: 6 for s in symbolic.norm.free_symbols})) == pytest.approx(
            found.norm, rel=1e-12
        )
    for text, message in (
        ("majority()", r"target must be a polynomial in the tokens, got majority\(\)"),
        ("token_at(-2, 1)", r"target must count positions from 1, or be at the last, L, got token_at\(-2, 1\)"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            learning.symbolic_target(closed, text)
    with pytest.raises(InvalidTypeError, match="presets as text, such as"):
        learning.symbolic_target(closed, same_token(1, 2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("same_tokens(1, 2)", r"^target must call one of sqrt, abs, sign, majority, .*, got same_tokens\(1, 2\)$"),
        ("next_token(0)", r"got next_token\(0\): learning.next_token\(measure, token\) makes a target$"),
        ("same_token(1,,2)", r"target must be same_token\(first, second\) with integers, got same_token\(1,,2\)$"),
        ("majority(token=1)", r"target must be majority\(token=0, other=1\) with integers"),
        ("S < 0", r"got 'S < 0': sign\(a - b\) tells which of two is larger$"),
        ("majority", r"got majority: majority\(token=0, other=1\) is a preset$"),
        ("same_token(1)", r"^target must be same_token\(first, second\) with integers, got same_token\(1\)$"),
        ("token_at(1, 2, 3)", r"^target must be token_at\(position, token\) with integers"),
        ("token_count(-)", r"^target must be token_count\(token\) with integers, got token_count\(-\)$"),
        ("sigma_1 == sigma_2", r"1 - abs\(sign\(a - b\)\) is 1 where two are equal, else 0$"),
        ("S >= 0", r"sign\(a - b\) tells which of two is larger$"),
        ("S^2", r"powers are written \*\*$"),
        ("majority() - 1/4*", r"got 'majority\(\) - 1/4\*'$"),
    ],
)
def test_what_text_cannot_say_is_told_how(text, message):
    with pytest.raises(InvalidArgumentError, match=message):
        target(text)


@pytest.mark.parametrize(("net", "vocab_size"), [(SOFTMAX, 2), (RELU, 3), (LINEAR, 2)])
def test_bars_are_shown_when_asked_for_and_make_no_other_difference(net, vocab_size, capsys):
    spec = block_spectrum(net, measures.iid_uniform(vocab_size), 4)
    capsys.readouterr()
    found = learning.decompose(spec, "e_1_0 + 3*n_0", progress=True)
    out, err = capsys.readouterr()
    assert not out and "kernel: " in err and "target: " in err
    assert (
        learning.decompose(spec, "e_1_0 + 3*n_0") is found is learning.decompose(spec, "e_1_0 + 3*n_0", progress=True)
    )
    learning.learning_curve(spec, lambda x: 2.0 * x[:, 0] - 1, 16, 0.1)
    assert capsys.readouterr() == ("", "")
    learning.learning_curve(spec, lambda x: 2.0 * x[:, 0] - 1, 16, 0.1, progress=True)
    assert "target: " in capsys.readouterr().err
    for wrong in (
        lambda: learning.decompose(spec, "S", progress=1),
        lambda: learning.learning_curve(spec, found, 16, 0.1, progress=1),
        lambda: decompose_target(net, spec.measure, 4, "S", progress=1),
    ):
        with pytest.raises(InvalidTypeError, match="progress must be True or False, got 1"):
            wrong()


@pytest.mark.parametrize("at_once", [1, 100])
def test_means_that_are_made_in_parts_are_those_made_at_once(monkeypatch, at_once):
    from symrep.learning import kernel_means

    cases = ((LINEAR, measures.iid(["1/3", "2/3"]), 7, 2), (LINEAR, measures.urn([3, 2, 1]), 4, 1))
    for net, measure, length, named in cases:
        space = InvariantSpace(measure.vocab_size, length, named, measure)
        whole = operator_matrix(net, space)
        monkeypatch.setattr(kernel_means, "_ENTRIES_AT_ONCE", at_once)
        np.testing.assert_allclose(operator_matrix(net, space), whole, rtol=1e-14, atol=1e-16)
        monkeypatch.undo()
