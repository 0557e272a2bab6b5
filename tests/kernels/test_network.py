"""Networks: composition rules, Gram matrices and their shapes, and the overlap polynomial."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep import testing
from symrep.errors import (
    FreeSymbolError,
    InvalidArchitectureError,
    InvalidArgumentError,
    InvalidTypeError,
    SizeLimitError,
)
from symrep.kernels import (
    ARCHITECTURES,
    READOUTS,
    Dense,
    Flatten,
    LastToken,
    LinearAttention,
    MeanPool,
    Positions,
    QueryToken,
    TokenEmbedding,
    UniformAttention,
    architecture,
    gram,
    residual,
    serial,
)
from symrep.kernels.overlaps import (
    OverlapKernel,
    length_symbol,
    matches_symbol,
    overlap_symbol,
    same_token_symbol,
)

a, p, a_q, p_q = sympy.symbols("a p a_q p_q", positive=True)
L, u, m, g = length_symbol, overlap_symbol, matches_symbol, same_token_symbol
NUMBERS = {"token_variance": 2, "position_variance": "1/2", "query_token_variance": 3, "query_position_variance": "1/5"}
HEAD = (TokenEmbedding(2), Positions("1/2"))

# theory.md, section 2: <T, T>_F for T = a e + p d
SQUARE = a**2 * u + 2 * a * p * m + p**2 * L
FORMULAS = {
    ("linear-block", "pool"): (a * u + p * L) * SQUARE / L**2,
    ("linear-block", "flatten"): (a * m + p * L) * SQUARE / L,
    ("linear-block", "last"): (a * g + p) * SQUARE,
    ("linear-block", "query"): (a_q * g + p_q) * SQUARE / L**2,
    ("uniform-block", "pool"): (a * u + p * L) / L**2,
    ("uniform-block", "flatten"): (a * u + p * L) / L**2,
    ("uniform-block", "last"): (a * u + p * L) / L**2,
    ("uniform-block", "query"): (a * u + p * L) / L**2,
}


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("readout", READOUTS)
def test_overlap_polynomials_of_the_blocks(name, readout):
    net = architecture(name, readout)
    assert sympy.expand(net.overlap_polynomial() - FORMULAS[name, readout]) == 0
    assert net.extra_token == (readout if readout in ("last", "query") else None)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("readout", READOUTS)
def test_blocks_at_numbers(name, readout):
    net = architecture(name, readout, **NUMBERS)
    columns = 4 if readout == "query" else 3
    x = np.array(list(itertools.product(range(2), repeat=columns)))
    counts = [L, u, m, g]
    formula = FORMULAS[name, readout].subs({a: 2, p: sympy.Rational(1, 2), a_q: 3, p_q: sympy.Rational(1, 5)})
    for row in x:
        for column in x[::3]:
            first, second = row[:3], column[:3]
            overlap = sum(int(s == t) for s in first for t in second)
            same = int(row[-1] == column[-1])
            expected = formula.subs(dict(zip(counts, [3, overlap, int((first == second).sum()), same])))
            assert net.exact_nngp(row, column) == expected
            assert net.nngp(row, column) == pytest.approx(float(expected), rel=1e-12)


@given(testing.networks(), st.data())
@settings(max_examples=40, deadline=None)
def test_exact_and_floating_values_agree(net, data):
    length = data.draw(st.integers(2, 6))
    sequences = st.lists(st.integers(0, 2), min_size=length, max_size=length)
    x, y = data.draw(sequences), data.draw(sequences)
    exact = net.exact_nngp(x, y)
    assert exact.is_Rational
    assert net.nngp(x, y) == pytest.approx(float(exact), rel=1e-10, abs=1e-10)
    assert net.exact_nngp(y, x) == exact


def test_two_layers_with_symbols():
    net = serial(TokenEmbedding(), Positions(), LinearAttention(), Dense(1, "b"), LinearAttention(), MeanPool())
    b = sympy.Symbol("b", positive=True)
    x, y = [0, 1, 1, 2], [1, 1, 0, 2]
    exact = net.exact_nngp(x, y)
    assert exact.free_symbols == {a, p, b}
    numbers = {"a": sympy.Rational(1, 2), "p": sympy.Rational(1, 3), "b": 2}
    expected = float(exact.subs({s: numbers[s.name] for s in exact.free_symbols}))
    assert net.substitute(**numbers).nngp(x, y) == pytest.approx(expected, rel=1e-12)


def test_an_exact_kernel_keeps_symbols():
    net = serial(TokenEmbedding(), Positions(), UniformAttention(), MeanPool())
    assert net.exact_nngp([0, 1, 1], [1, 1, 0]) == 5 * a / 9 + p / 3


def test_position_kernel_is_the_one_before_the_readout():
    net = serial(TokenEmbedding(), Positions(), MeanPool(), Dense(5))
    assert net.position_kernel() == OverlapKernel.indicators(e=a, d=p)
    assert serial(TokenEmbedding(), Positions()).position_kernel() == OverlapKernel.indicators(e=a, d=p)


def test_hadamard_products_of_indicators():
    one, e, d, ed = sympy.symbols("c_0 c_e c_d c_ed")
    kernel = OverlapKernel.indicators(one, e, d, ed)
    other = OverlapKernel.indicators(2, 3, 5, 7)
    for e_value, d_value in itertools.product((0, 1), repeat=2):
        indicators = (1, e_value, d_value, e_value * d_value)

        def at(k, values=indicators):
            return sum(c * value for c, value in zip(k.coefficients, values))

        assert sympy.expand(at(kernel.hadamard(other)) - at(kernel) * at(other)) == 0
    assert sympy.expand(kernel.total() - (one * L**2 + e * u + d * L + ed * m)) == 0


X2, Y2 = [[0, 1, 1], [2, 0, 1]], [[1, 1, 0], [0, 0, 0], [2, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize(
    ("x", "y", "shape"),
    [(X2, Y2, (2, 4)), (X2[1], Y2, (4,)), (X2, Y2[2], (2,)), (X2, None, (2, 2)), (X2[:1], Y2[:1], (1, 1))],
)
def test_shapes(x, y, shape):
    scalar = serial(*HEAD, LinearAttention(), MeanPool())
    per_position = serial(*HEAD, LinearAttention())
    gram, positions = scalar.nngp(x, y), per_position.nngp(x, y)
    assert gram.shape == shape and gram.dtype == np.float64
    assert positions.shape == (*shape, 3, 3)
    np.testing.assert_allclose(positions.mean(axis=(-1, -2)), gram, rtol=1e-12)
    rows, columns = np.atleast_2d(x), np.atleast_2d(x if y is None else y)
    entries = [[scalar.nngp(row, column) for column in columns] for row in rows]
    np.testing.assert_allclose(np.reshape(entries, shape), gram, rtol=1e-12)


def test_two_sequences_give_a_float_or_a_matrix_of_positions():
    net = serial(*HEAD, UniformAttention(), MeanPool())
    assert type(net.nngp([0, 1, 1], [1, 1, 0])) is float
    assert net.nngp([0, 1, 1]) == net.nngp([0, 1, 1], [0, 1, 1])
    assert serial(*HEAD).nngp([0, 1, 1], [1, 1, 0]).tolist() == [[0.5, 0, 2], [2, 2.5, 0], [2, 2, 0.5]]


def test_gram_matrices_are_positive_semidefinite():
    x = np.array(list(itertools.product(range(3), repeat=4)))
    for readout in READOUTS:
        gram = architecture("linear-block", readout, **NUMBERS).nngp(x)
        np.testing.assert_allclose(gram, gram.T, rtol=1e-12)
        assert np.linalg.eigvalsh(gram)[0] > -1e-10 * np.abs(gram).max()


@pytest.mark.parametrize(
    ("pairs", "sizes"), [(1, [(1, 1)] * 35), (6, [(2, 3), (2, 2)] * 3 + [(1, 3), (1, 2)]), (1000, [(7, 5)])]
)
@pytest.mark.parametrize("readout", [MeanPool(), QueryToken(1, 1), None])
def test_blocks_do_not_change_the_result(monkeypatch, pairs, sizes, readout):
    net = serial(*HEAD, LinearAttention(), *([readout] if readout else []))
    rng = np.random.default_rng(1)
    x, y = rng.integers(3, size=(7, 4)), rng.integers(3, size=(5, 4))
    for method in ("positions", "overlaps") if readout else ("positions",):
        cells = 5 if method == "overlaps" else 16
        monkeypatch.undo()
        whole, seen = net.nngp(x, y, method=method), []
        values_of = gram.values_of
        monkeypatch.setattr(gram, "BLOCK_BYTES", pairs * 8 * cells * gram.ARRAYS_AT_ONCE)
        monkeypatch.setattr(gram, "values_of", lambda *a: seen.append(a[3:]) or values_of(*a))
        np.testing.assert_allclose(net.nngp(x, y, method=method), whole, rtol=1e-14)
        assert seen == sizes


def test_a_gram_matrix_of_one_set_is_computed_above_the_diagonal(monkeypatch):
    net = serial(*HEAD, LinearAttention())
    x = np.random.default_rng(2).integers(3, size=(5, 3))
    whole, seen = net.nngp(x, x), []
    values_of = gram.values_of
    monkeypatch.setattr(gram, "BLOCK_BYTES", 4 * 8 * 9 * gram.ARRAYS_AT_ONCE)
    monkeypatch.setattr(gram, "values_of", lambda *a: seen.append(a[3:]) or values_of(*a))
    np.testing.assert_allclose(net.nngp(x), whole, rtol=1e-14)
    assert seen == [(2, 2), (2, 2), (2, 1), (2, 2), (2, 1), (1, 1)]


def test_results_larger_than_the_memory_limit_are_refused():
    x = np.zeros((2000, 3), dtype=int)
    with pytest.raises(
        SizeLimitError, match=r"an array of 2000 x 2000 sequences needs 32 MB, more than memory_limit = 1 MB"
    ):
        serial(*HEAD, MeanPool()).nngp(x, memory_limit=10**6)
    with pytest.raises(SizeLimitError, match=r"2000 x 5 sequences with 3 x 3 positions needs 0.72 MB"):
        serial(*HEAD).nngp(x, x[:5], memory_limit=10**5)
    with pytest.raises(InvalidArgumentError, match="memory_limit must be at least 1"):
        serial(*HEAD, MeanPool()).nngp(x, memory_limit=0)


def test_any_integer_type_of_tokens():
    net = serial(*HEAD, LinearAttention(), Flatten())
    for dtype in (np.uint8, np.int16, np.uint64):
        assert net.nngp(np.array(X2, dtype=dtype), np.array(Y2)).tolist() == net.nngp(X2, Y2).tolist()


def test_networks_compose():
    body = serial(*HEAD)
    assert serial(body, LinearAttention(), MeanPool()) == serial(*HEAD, LinearAttention(), MeanPool())
    assert repr(serial(body, MeanPool())) == "serial(TokenEmbedding(variance=2), Positions(variance='1/2'), MeanPool())"
    assert body.readout is None and serial(body, LastToken()).readout == LastToken()


def test_parameters_and_substitution():
    net = serial(TokenEmbedding("b"), Positions(), residual(Dense("c")), QueryToken())
    assert [s.name for s in net.parameters()] == ["a_q", "b", "c", "p", "p_q"]
    numbered = net.substitute(b="1/3", c=2, p="q", a_q=0)
    assert numbered == serial(TokenEmbedding("1/3"), Positions("q"), residual(Dense(2)), QueryToken(0))
    with pytest.raises(InvalidArgumentError, match="symbol must be one of a_q, b, c, p, p_q, got 'd'"):
        net.substitute(d=1)
    with pytest.raises(InvalidArgumentError, match="^b must not be negative"):
        net.substitute(b=-1)
    with pytest.raises(InvalidArgumentError, match="must be left out where all values are numbers"):
        serial(*HEAD).substitute(a=1)


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ((), InvalidArchitectureError, "layers must not be empty"),
        (
            (Positions(), MeanPool()),
            InvalidArchitectureError,
            "must start with one TokenEmbedding, got Positions.* as layer 1",
        ),
        ((*HEAD, TokenEmbedding()), InvalidArchitectureError, "must start with one TokenEmbedding, got .* as layer 3"),
        ((*HEAD, MeanPool(), Flatten()), InvalidArchitectureError, r"Flatten\(\) needs .* MeanPool\(\) before it"),
        (
            (*HEAD, LastToken(), UniformAttention()),
            InvalidArchitectureError,
            r"UniformAttention\(\) needs one kernel per pair",
        ),
        ((*HEAD, MeanPool(), residual(UniformAttention())), InvalidArchitectureError, "needs one kernel per pair"),
        ((*HEAD, MeanPool(), Dense(), Positions()), InvalidArchitectureError, "needs one kernel per pair"),
        ((*HEAD, "MeanPool"), InvalidTypeError, "layers must be layers such as LinearAttention"),
        ((TokenEmbedding,), InvalidTypeError, "layers must be layers such as"),
        ((None,), InvalidTypeError, "layers must be layers such as"),
    ],
)
def test_composition_errors(layers, error, message):
    with pytest.raises(error, match=message):
        serial(*layers)


def test_a_readout_is_needed_for_the_polynomial():
    for method in (serial(*HEAD).overlap_polynomial, lambda: serial(*HEAD).exact_nngp([0], [0])):
        with pytest.raises(InvalidArchitectureError, match=r"must end in a readout such as MeanPool\(\)"):
            method()


@pytest.mark.parametrize(
    ("net", "name"),
    [
        (serial(TokenEmbedding(), MeanPool()), "TokenEmbedding variance must be a number here, got a"),
        (
            serial(*HEAD, LinearAttention(key_std="k"), MeanPool()),
            "LinearAttention key_std must be a number here, got k",
        ),
        (serial(*HEAD, residual(Dense(b_std="2*b")), MeanPool()), r"Dense b_std must be a number here, got 2\*b"),
        (serial(*HEAD, QueryToken(1)), "QueryToken position_variance must be a number here, got p_q"),
    ],
)
def test_numbers_are_needed_on_arrays(net, name):
    with pytest.raises(FreeSymbolError, match=rf"^{name}: net.substitute\(\w+=\.\.\.\) puts numbers for symbols$"):
        net.nngp([0, 1], [1, 1])


@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        ([[0, 1], [0]], None, InvalidArgumentError, "^x must be sequences of one length, got ragged"),
        ([[0, 1]], [[0], [0, 1]], InvalidArgumentError, "^y must be sequences of one length"),
        ([0.0, 1.0], None, InvalidTypeError, "^x must hold integer token ids, got entries of type float64"),
        ([[True, False]], None, InvalidTypeError, "type bool"),
        ("abc", None, InvalidTypeError, "^x must hold integer token ids"),
        ([0, None], None, InvalidTypeError, "type object"),
        ([0, -1], None, InvalidArgumentError, "^x must hold token ids of at least 0, got -1"),
        ([0, 1], [0, -3], InvalidArgumentError, "^y must hold token ids of at least 0, got -3"),
        ([], None, InvalidArgumentError, "^x must not be empty"),
        (np.zeros((0, 3), dtype=int), None, InvalidArgumentError, "^x must not be empty"),
        ([0, 1], [], InvalidArgumentError, "^y must not be empty"),
        (3, None, InvalidArgumentError, r"^x must be of shape \(L,\) or \(n, L\)"),
        (np.zeros((2, 2, 2), dtype=int), None, InvalidArgumentError, r"got \(2, 2, 2\)"),
    ],
)
def test_sequence_errors(x, y, error, message):
    with pytest.raises(error, match=message):
        serial(*HEAD, MeanPool()).nngp(x, y)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[0, 1]], [[0, 1]], "^x must be one sequence"),
        ([0, 1], [0, 1, 1], "^y must be one sequence of length 2"),
        ([0, 1], [[0, 1]], "^y must be one sequence"),
        ([0, -1], [0, 1], "^x must hold token ids"),
    ],
)
def test_exact_sequence_errors(x, y, message):
    with pytest.raises(InvalidArgumentError, match=message):
        serial(*HEAD, MeanPool()).exact_nngp(x, y)


def test_a_query_needs_context():
    net = architecture("uniform-block", "query", **NUMBERS)
    assert net.nngp([0, 1], [0, 1]) == 2.5
    with pytest.raises(InvalidArgumentError, match="at least one context token and the query"):
        net.nngp([0], [0])


@pytest.mark.parametrize(
    ("name", "readout", "message"),
    [
        (
            "softmax",
            "pool",
            "architecture must be one of linear-block, uniform-block, relu-block, erf-block, softmax-block, got 'softmax'",
        ),
        ("linear-block", "mean", "readout must be one of pool, flatten, last, query, got 'mean'"),
    ],
)
def test_unknown_architectures(name, readout, message):
    with pytest.raises(InvalidArchitectureError, match=message):
        architecture(name, readout)


def test_renaming_parameters_exchanges_them():
    net = serial(TokenEmbedding(), Positions(), MeanPool())
    assert net.substitute(a="p", p="a") == serial(TokenEmbedding("p"), Positions("a"), MeanPool())


def test_an_exact_query_needs_context():
    with pytest.raises(InvalidArgumentError, match="at least one context token and the query"):
        architecture("uniform-block", "query", **NUMBERS).exact_nngp([0], [0])


def test_memory_is_bounded_for_many_columns(monkeypatch):
    net = serial(*HEAD, MeanPool())
    pairs = []
    values_of = gram.values_of
    monkeypatch.setattr(gram, "BLOCK_BYTES", 8 * 5 * gram.ARRAYS_AT_ONCE * 10)
    monkeypatch.setattr(gram, "values_of", lambda *a: pairs.append(a[3] * a[4]) or values_of(*a))
    result = net.nngp([[0, 1]], np.zeros((100, 2), dtype=int))
    assert result.shape == (1, 100) and max(pairs) <= 10
