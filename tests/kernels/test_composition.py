"""Where the rules of a layer do not hold, the network is refused when it is composed."""

from __future__ import annotations

import numpy as np
import pytest

from symrep import kernels
from symrep.errors import InvalidArchitectureError, InvalidArgumentError
from symrep.kernels import (
    Dense,
    Erf,
    Flatten,
    Gelu,
    JointCountKernel,
    LastToken,
    LayerNorm,
    LinearAttention,
    MeanPool,
    Network,
    Polynomial,
    Positions,
    QueryToken,
    Relu,
    Residual,
    TiedAttention,
    TokenEmbedding,
    UniformAttention,
    empirical_nngp,
    residual,
    serial,
)

TOKENS = TokenEmbedding(1)
CONCATENATED = Positions(1, combine="concat")

ACCEPTED = [
    (Dense(), Relu(), Dense(), Relu(), MeanPool(), Dense(), Erf()),
    (Relu(), LinearAttention(), Relu(), UniformAttention(), Gelu(), TiedAttention(), Erf(), LastToken()),
    (Positions(1), Relu(), LayerNorm(), Dense(), LayerNorm(), Relu(), MeanPool()),
    (MeanPool(), Relu()),
    (LastToken(), Gelu()),
    (QueryToken(1, 1), Erf()),
    (Polynomial((0, 2)), Relu(), MeanPool()),
    (residual(LinearAttention()), Relu(), MeanPool()),
    (residual(LayerNorm(), Dense(), Relu()), MeanPool()),
    (residual(LayerNorm(), Dense(), Relu(), Dense()), LayerNorm(), Relu(), MeanPool()),
    (Erf(), residual(Dense(), Relu()), MeanPool()),
    (Relu(), residual(Dense()), MeanPool()),
    (residual(residual(Dense()), Dense()), Relu(), MeanPool()),
    (CONCATENATED, Dense(), Relu(), MeanPool()),
    (CONCATENATED, LinearAttention(positions=CONCATENATED), Relu(), MeanPool()),
    (Flatten(), Dense(), Relu()),
]

REFUSED = [
    (
        (Relu(), Relu(), MeanPool()),
        r"^Relu\(\) needs Gaussian features, which those behind Relu\(\) are not: put a Dense\(\)",
    ),
    (
        (Erf(), Polynomial((1, 1)), MeanPool()),
        r"^Polynomial\(coefficients=\(1, 1\)\) needs Gaussian features, .* Erf\(\)",
    ),
    ((Polynomial((1, 1)), Relu(), MeanPool()), "needs Gaussian features"),
    ((Polynomial((0, 1, 1)), Relu(), MeanPool()), "needs Gaussian features"),
    ((Relu(), LayerNorm(), Relu(), MeanPool()), r"needs Gaussian features, which those behind Relu\(\)"),
    ((Relu(), Positions(1), Gelu(), MeanPool()), r"^Gelu\(\) needs Gaussian features"),
    ((Relu(), MeanPool(), Relu()), "needs Gaussian features"),
    ((Relu(), residual(Dense()), Relu(), MeanPool()), r"which those behind Relu\(\) are not"),
    ((residual(Dense(), Relu()), Relu(), MeanPool()), r"which those behind Relu\(\) are not"),
    ((CONCATENATED, Relu(), MeanPool()), r"which those behind Positions\(variance=1, combine='concat'\) are not"),
    ((Dense(), Flatten(), Relu()), r"which those behind Flatten\(\) are not"),
    (
        (Relu(), residual(Dense(), Relu()), MeanPool()),
        r"needs features of mean zero before it, .* Relu\(\) have another mean",
    ),
    ((Relu(), residual(residual(Dense()), Dense(), Gelu()), MeanPool()), "needs features of mean zero"),
]


@pytest.mark.parametrize("layers", ACCEPTED, ids=repr)
def test_compositions_whose_rules_hold(layers):
    kernel = serial(TOKENS, *layers).nngp([[0, 1, 1], [1, 1, 0]])
    assert kernel.shape == (2, 2) and np.isfinite(kernel).all()


@pytest.mark.parametrize(("layers", "message"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_compositions_whose_rules_do_not_hold(layers, message):
    with pytest.raises(InvalidArchitectureError, match=message):
        serial(TOKENS, *layers)
    with pytest.raises(InvalidArchitectureError, match=message):
        Network((TOKENS, *layers))


@pytest.mark.parametrize(
    "layers", [(Relu(),), (LayerNorm(),), (Positions(1),), (residual(Dense()),), (Relu(), LayerNorm())], ids=repr
)
def test_a_residual_needs_weights_inside(layers):
    with pytest.raises(
        InvalidArchitectureError, match=r"^residual\(.*\) needs a layer with weights inside, such as Dense\(\)"
    ):
        residual(*layers)


@pytest.mark.slow
def test_the_kernels_of_a_residual_add():
    """Also where the inner features have another mean, as those before have mean zero."""
    net = serial(TokenEmbedding(2), Dense("5/4"), residual(Dense(), Relu()), Flatten())
    x, y = [[0, 1, 1]], [[0, 0, 1]]
    wide = empirical_nngp(net, x, y, width=128, n_draws=400, seed=1)
    assert abs(wide.values - net.nngp(x, y)) < 4 * wide.standard_error + 0.01
    assert wide.standard_error < 0.05 * wide.values


def test_constructors_check_what_the_functions_check():
    with pytest.raises(InvalidArchitectureError, match="layers must start with one TokenEmbedding"):
        Network((MeanPool(),))
    with pytest.raises(InvalidArchitectureError, match="layers must not be empty"):
        Network(())
    for layers in (3, (), Dense()):
        with pytest.raises(InvalidArchitectureError, match="layers must be a sequence of layers that is not empty"):
            Residual(layers)
    assert Residual([Dense()]) == residual(Dense()) and hash(Residual([Dense()])) == hash(residual(Dense()))
    assert hash(Network([TOKENS, MeanPool()])) == hash(serial(TOKENS, MeanPool()))
    with pytest.raises(InvalidArchitectureError, match="net must end in a readout"):
        JointCountKernel(serial(TOKENS))
    with pytest.raises(
        InvalidArchitectureError, match="layers must use one symbol per name, with the same assumptions, got 'p'"
    ):
        import sympy

        serial(TokenEmbedding(sympy.Symbol("p")), Positions(), MeanPool())


def test_parameters_that_are_no_variances_at_a_length():
    for make, message in (
        (lambda: serial(TokenEmbedding("3-L"), MeanPool()), "TokenEmbedding variance must not be negative, got -2"),
        (
            lambda: serial(TOKENS, Positions(1, combine="concat", share="L/3"), MeanPool()),
            "share must be between 0 and 1, got 5/3",
        ),
        (lambda: serial(TOKENS, Positions(1, "gaussian", "L-5"), MeanPool()), "length_scale must be positive, got 0"),
        (lambda: serial(TokenEmbedding("1/(L-5)"), MeanPool()), "TokenEmbedding variance must be a finite real number"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            make().nngp([0] * 5)
    with pytest.raises(InvalidArgumentError, match="TokenEmbedding variance must not be negative, got -2"):
        serial(TokenEmbedding("3-L"), MeanPool()).exact_nngp([0] * 5, [1] * 5)
    with pytest.raises(InvalidArgumentError, match="TokenEmbedding variance must not be negative"):
        TokenEmbedding("(a+b)**2-a**2-2*a*b-b**2-1")


@pytest.mark.parametrize(
    "net",
    [
        serial(TOKENS, Positions(1), *[LinearAttention()] * 6, MeanPool()),
        serial(TokenEmbedding(10**77), LinearAttention(10**77, 10**77), MeanPool()),
    ],
    ids=["deep", "large"],
)
def test_overflow_is_refused(net):
    with pytest.raises(
        InvalidArgumentError, match="^net must have a kernel within the range of float64 at length 64, got serial"
    ):
        net.nngp([[0] * 64, [0, 1] * 32])


def test_layer_norm_keeps_the_range():
    small = serial(
        TokenEmbedding("1/10"), Positions("1/10"), *[LinearAttention(normalized=True)] * 5, LayerNorm(), MeanPool()
    )
    large = serial(TokenEmbedding(10**77), Dense(10**77), LayerNorm(), MeanPool())
    for net in (small, large):
        assert net.nngp([0, 1]) == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("readout", kernels.READOUTS)
@pytest.mark.parametrize("name", kernels.NONLINEAR_ARCHITECTURES)
def test_nonlinear_presets_have_gaussian_outputs(name, readout):
    net = kernels.architecture(
        name,
        readout,
        token_variance=1,
        position_variance="1/2",
        **({"query_token_variance": 1, "query_position_variance": 1} if readout == "query" else {}),
    )
    x = [[0, 1, 1, 0, 1], [1, 1, 0, 0, 0]]
    without = serial(*net.layers[:-1])
    assert isinstance(net.layers[-1], Dense)
    assert (net.nngp(x) == without.nngp(x)).all()
    np.testing.assert_allclose(net.ntk(x), without.ntk(x) + net.nngp(x), rtol=1e-12)
