"""The rule of every layer against loops over pairs of positions, and against sampled networks of finite width."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import testing
from symrep.errors import FreeSymbolError, InvalidArchitectureError, InvalidArgumentError, InvalidTypeError
from symrep.kernels import (
    Dense,
    Flatten,
    LastToken,
    Layer,
    LinearAttention,
    MeanPool,
    Positions,
    QueryToken,
    TokenEmbedding,
    UniformAttention,
    residual,
    serial,
)
from symrep.kernels.parameters import as_float, as_parameter

X, Y = [0, 1, 1, 2, 0], [1, 1, 0, 2, 2]
L = len(X)
TOKEN, POSITION = Fraction(3, 2), Fraction(1, 3)


def loops(entry):
    return [[entry(s, t) for t in range(len(X))] for s in range(len(X))]


def token_kernel():
    return loops(lambda s, t: TOKEN * (X[s] == Y[t]) + POSITION * (s == t))


def frobenius(K):
    total = Fraction(0)
    for s in range(L):
        for t in range(L):
            total += K[s][t] * K[s][t]
    return total


def linear_attention(K, gain=1, bias=0):
    return loops(lambda s, t: gain * frobenius(K) * K[s][t] + bias)


def uniform_attention(K, gain=1, bias=0):
    return loops(lambda s, t: gain * Fraction(sum(map(sum, K)), L * L) + bias)


def add(A, B):
    return loops(lambda s, t: A[s][t] + B[s][t])


EMBEDDING = (TokenEmbedding(TOKEN), Positions(POSITION))
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
T = token_kernel()
RULES = {
    "embedding": ((), T),
    "dense": ((Dense(2, HALF),), loops(lambda s, t: 4 * T[s][t] + HALF**2)),
    "linear attention": ((LinearAttention(),), linear_attention(T)),
    "linear attention with parameters": (
        (LinearAttention(2, 3, HALF, THIRD, bias_std=2),),
        linear_attention(T, (2 * 3 * HALF * THIRD) ** 2, 4),
    ),
    "normalized": (
        (LinearAttention(bias_std=HALF, normalized=True),),
        linear_attention(T, Fraction(1, L * L), HALF**2),
    ),
    "uniform attention": ((UniformAttention(2, HALF, THIRD),), uniform_attention(T, 1, THIRD**2)),
    "two attention layers": (
        (LinearAttention(), LinearAttention(query_std=2)),
        linear_attention(linear_attention(T), 4),
    ),
    "positions after attention": (
        (UniformAttention(), Positions(2)),
        loops(lambda s, t: uniform_attention(T)[s][t] + 2 * (s == t)),
    ),
    "residual": ((residual(LinearAttention(key_std=2)),), add(T, linear_attention(T, 4))),
    "residual of two": (
        (residual(UniformAttention(), Dense(2, 1)),),
        add(T, loops(lambda s, t: 4 * uniform_attention(T)[s][t] + 1)),
    ),
    "nested residual": ((residual(residual(Dense(3)), Dense(2)),), loops(lambda s, t: T[s][t] * (1 + 4 * (1 + 9)))),
    "linear after dense with bias": (
        (Dense(1, 1), LinearAttention()),
        linear_attention(loops(lambda s, t: T[s][t] + 1)),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_layer_rules_on_arrays(name):
    layers, expected = RULES[name]
    np.testing.assert_allclose(serial(*EMBEDDING, *layers).nngp(X, Y), np.array(expected, dtype=float), rtol=1e-12)


READOUTS = {
    "pool": (MeanPool(), lambda K: sum(K[s][t] for s in range(L) for t in range(L)) / Fraction(L * L)),
    "flatten": (Flatten(), lambda K: sum(K[s][s] for s in range(L)) / Fraction(L)),
    "last": (LastToken(), lambda K: K[L - 1][L - 1]),
}


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("name", RULES)
def test_readouts_exact_and_on_arrays(name, readout):
    layers, K = RULES[name]
    layer, rule = READOUTS[readout]
    net = serial(*EMBEDDING, *layers, layer)
    expected = sympy.Rational(Fraction(rule(K)))
    assert net.exact_nngp(X, Y) == expected
    assert net.nngp(X, Y) == pytest.approx(float(expected), rel=1e-12)
    assert serial(*net.layers, Dense(3, 2)).exact_nngp(X, Y) == 9 * expected + 4


@pytest.mark.parametrize("same", [True, False])
def test_a_query_attends_and_is_not_attended_to(same):
    query = Fraction(2) * same + Fraction(1, 5)
    x, y = [*X, 1], [*Y, 1 if same else 2]

    def value(*layers):
        net = serial(*EMBEDDING, *layers, QueryToken(2, Fraction(1, 5)))
        exact = net.exact_nngp(x, y)
        assert net.nngp(x, y) == pytest.approx(float(exact), rel=1e-12)
        return exact

    frobenius_of_t, mean = frobenius(T), uniform_attention(T)[0][0]
    assert value() == query
    assert value(Positions(7)) == query
    assert value(Dense(2, 3)) == 4 * query + 9
    assert value(LinearAttention(bias_std=2)) == frobenius_of_t * query + 4
    assert value(LinearAttention(normalized=True)) == frobenius_of_t * query / L**2
    assert value(UniformAttention(value_std=2, bias_std=1)) == 4 * mean + 1
    assert value(residual(UniformAttention())) == query + mean
    second = frobenius(linear_attention(T)) * frobenius_of_t * query
    assert value(LinearAttention(), LinearAttention()) == second


def sampled_attention_outputs(rng, sequences, draws, heads, width, query_std, out_std):
    """Pooled outputs of draws x sequences, head by head; the inputs have exactly the covariance a e + p d."""
    vocab_size, length = 1 + int(sequences.max()), sequences.shape[1]
    features = np.zeros((len(sequences), length, vocab_size + length))
    for n, sequence in enumerate(sequences):
        for s, token in enumerate(sequence):
            features[n, s, token] = np.sqrt(float(TOKEN))
            features[n, s, vocab_size + s] = np.sqrt(float(POSITION))
    outputs = np.zeros((draws, len(sequences)))
    for _ in range(heads):
        queries, keys, values = (
            np.einsum("nsi,rij->rnsj", features, rng.normal(size=(draws, features.shape[2], width))) for _ in range(3)
        )
        logits = query_std * np.einsum("rnsj,rntj->rnst", queries, keys) / np.sqrt(width)
        pooled = np.einsum("rnst,rntj->rnj", logits, values) / length
        outputs += np.einsum("rnj,rj->rn", pooled, rng.normal(size=(draws, width))) * out_std / np.sqrt(heads * width)
    return outputs


def test_sampled_networks_of_finite_width_have_this_covariance():
    rng = np.random.default_rng(7)
    sequences = np.array([[0, 0, 1], [1, 0, 0], [1, 1, 1], [0, 1, 1]])
    outputs = sampled_attention_outputs(rng, sequences, draws=20_000, heads=2, width=3, query_std=0.75, out_std=2)
    products = outputs[:, :, None] * outputs[:, None, :]
    net = serial(*EMBEDDING, LinearAttention(query_std=Fraction(3, 4), out_std=2), MeanPool())
    errors = products.std(axis=0) / np.sqrt(len(outputs))
    expected = net.nngp(sequences)
    assert (errors < 0.1 * expected.max()).all()
    assert (np.abs(products.mean(axis=0) - expected) < 4 * errors).all()


@given(testing.networks(), st.integers(1, 3), st.integers(2, 4), st.booleans())
@settings(max_examples=40, deadline=None)
def test_random_networks_are_symmetric_positive_invariant_and_polynomial(net, vocab_size, length, token_symmetry):
    testing.check_kernel(net, vocab_size, length, token_symmetry=token_symmetry)


@pytest.mark.parametrize("make", [TokenEmbedding, Positions, LinearAttention, UniformAttention, Dense, QueryToken])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (-1, InvalidArgumentError, "must not be negative, got -1"),
        ("-1/2", InvalidArgumentError, "must not be negative"),
        (-sympy.Symbol("c", positive=True), InvalidArgumentError, "must not be negative"),
        (float("nan"), InvalidArgumentError, "finite"),
        (float("inf"), InvalidArgumentError, "finite"),
        (sympy.nan, InvalidArgumentError, "finite"),
        (sympy.oo, InvalidArgumentError, "finite"),
        (sympy.I, InvalidArgumentError, "finite real"),
        (True, InvalidTypeError, "got True"),
        ("1 +", InvalidArgumentError, "number or an expression"),
        ("", InvalidArgumentError, "number or an expression"),
        ("__import__", InvalidArgumentError, "number or an expression"),
        ("a, b", InvalidArgumentError, "number or an expression"),
        ("sin(a)", InvalidArgumentError, "number or an expression"),
        (None, InvalidTypeError, "got None"),
        (1j, InvalidTypeError, "got 1j"),
        ([1], InvalidTypeError, "got "),
        (np.bool_(True), InvalidTypeError, "True"),
    ],
)
def test_parameters_are_checked_and_named(make, value, error, message):
    with pytest.raises(error, match=rf"^{make.__name__} \w+ .*{message}"):
        make(value)


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        ("1/10", sympy.Rational(1, 10)),
        ("0.1", sympy.Rational(1, 10)),
        ("1e-3", sympy.Rational(1, 1000)),
        (0.5, sympy.Rational(1, 2)),
        (0.1, sympy.Rational(1, 10)),
        (1e-5, sympy.Rational(1, 100000)),
        (np.float32(0.1), sympy.Rational(1, 10)),
        (Decimal("0.1"), sympy.Rational(1, 10)),
        (sympy.Float(0.1), sympy.Rational(1, 10)),
        (sympy.Float("0.1", 40), sympy.Rational(1, 10)),
        (sympy.Float("0.1", 5), sympy.Rational(1, 10)),
        (sympy.Float("1.25e-17", 17), sympy.Rational(5, 4) / 10**17),
        (np.longdouble("0.1"), sympy.Rational(1, 10)),
        (np.float16(0.1), sympy.Rational(1, 10)),
        (0.3 * sympy.Symbol("b", positive=True), sympy.Symbol("b", positive=True) * sympy.Rational(3, 10)),
        (Fraction(2, 6), sympy.Rational(1, 3)),
        (np.int64(3), sympy.Integer(3)),
        (np.float32(0.25), sympy.Rational(1, 4)),
        ("b_1**2", sympy.Symbol("b_1", positive=True) ** 2),
        (0, sympy.Integer(0)),
    ],
)
def test_parameters_become_exact(value, exact):
    parameter = as_parameter(value, "variance")
    assert parameter == exact and isinstance(parameter, sympy.Expr)


@pytest.mark.parametrize(
    "value", [sympy.Float("1e-400"), Decimal("1e400"), Decimal("sNaN"), Decimal("Infinity"), np.inf]
)
def test_what_is_no_short_number_is_refused(value):
    with pytest.raises(InvalidArgumentError, match="variance must (be finite|have numerators and denominators)"):
        as_parameter(value, "variance")


@given(st.floats(1e-30, 1e30))
def test_floats_come_back_as_they_were(value):
    assert float(as_parameter(value, "variance")) == value
    assert float(as_parameter(sympy.Float(value), "variance")) == value


def test_as_float():
    assert as_float(sympy.Rational(1, 3), "variance") == 1 / 3
    with pytest.raises(
        FreeSymbolError,
        match="^variance must be a number here, got 2\\*a$",
    ):
        as_float(2 * sympy.Symbol("a"), "variance")


def test_layers_are_immutable_values():
    assert Dense(2, "1/2") == Dense(2, Fraction(1, 2)) != Dense(2)
    assert len({Dense(), Dense(1, 0), LinearAttention()}) == 2
    with pytest.raises(AttributeError):
        Dense().W_std = 2


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (TokenEmbedding(), "TokenEmbedding()"),
        (TokenEmbedding(2), "TokenEmbedding(variance=2)"),
        (LinearAttention(normalized=True, key_std=3), "LinearAttention(key_std=3, normalized=True)"),
        (residual(Dense(2), residual(UniformAttention())), "residual(Dense(W_std=2), residual(UniformAttention()))"),
        (QueryToken(position_variance=0), "QueryToken(position_variance=0)"),
    ],
)
def test_repr_shows_what_differs_from_the_default(layer, text):
    assert repr(layer) == text
    names = {cls.__name__: cls for cls in (TokenEmbedding, LinearAttention, Dense, UniformAttention, QueryToken)}
    assert eval(text, names | {"residual": residual}) == layer


def test_parameters_and_substitution():
    b, c = sympy.symbols("b c", positive=True)
    layer = residual(Dense(b, c), LinearAttention(out_std=b * c))
    assert layer.parameters() == {b, c}
    assert layer.substitute({b: sympy.Integer(2)}) == residual(Dense(2, c), LinearAttention(out_std=2 * c))


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ((), InvalidArchitectureError, "that is not empty"),
        ((3,), InvalidTypeError, "must be layers such as"),
        ((Dense,), InvalidTypeError, "must be layers such as"),
        ((TokenEmbedding(),), InvalidArchitectureError, "one output per position"),
        ((Dense(), MeanPool()), InvalidArchitectureError, "one output per position"),
        ((QueryToken(),), InvalidArchitectureError, "one output per position"),
    ],
)
def test_residual_errors(layers, error, message):
    with pytest.raises(error, match=message):
        residual(*layers)


def test_a_layer_without_a_rule_says_so():
    with pytest.raises(InvalidArchitectureError, match="Layer has no rule"):
        serial(TokenEmbedding(1), Layer(), MeanPool()).nngp(X, Y)


@pytest.mark.parametrize(
    "text",
    ["exec('1')", "input()", "9**9**9**9", "((2**1000)**1000)", "1e99999999", "0x10", "a.b", "[1]", "1 if a else 2"],
)
def test_text_is_never_run_and_never_makes_a_huge_number(text):
    with pytest.raises(InvalidArgumentError, match="TokenEmbedding variance must be a number or an expression"):
        TokenEmbedding(text)


@pytest.mark.parametrize("number", [10**80, sympy.Rational(1, 10**80), 1e-300])
def test_numbers_of_absurd_size(number):
    with pytest.raises(InvalidArgumentError, match="numerators and denominators of at most 256 bits"):
        TokenEmbedding(number)


@pytest.mark.parametrize("name", ["u", "m", "g", "x"])
def test_names_that_are_taken(name):
    with pytest.raises(InvalidArgumentError, match="must not use the names g, m, u, u_xx, u_yy, x"):
        TokenEmbedding(sympy.Symbol(name))
