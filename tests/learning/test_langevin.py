import doctest
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from symrep import kernels
from symrep.errors import FreeSymbolError, InvalidArchitectureError, InvalidArgumentError, InvalidTypeError
from symrep.kernels import Dense, Erf, Flatten, Gelu, LastToken, LayerNorm, LinearAttention, MeanPool, Positions, Relu
from symrep.kernels import finite_layers as finite
from symrep.kernels.finite_drawing import Sizes, Source, draw_layers
from symrep.learning import langevin
from symrep.learning.langevin import train_langevin
from symrep.learning.torch_networks import MissingTorchError, TorchNetworks

HEAD = (kernels.TokenEmbedding("3/2"), Positions("1/2"))
STDS = {"query_std": "11/10", "key_std": "9/10", "value_std": "6/5", "out_std": "4/5", "bias_std": "3/10"}
BLOCKS = {
    "linear, pool": (*HEAD, LinearAttention(**STDS), MeanPool()),
    "normalized linear, ReLU, dense, flatten": (
        *HEAD,
        LinearAttention(**STDS, normalized=True),
        Relu(),
        Dense("5/4", "1/2"),
        Flatten(),
    ),
    "uniform, erf, last": (*HEAD, kernels.UniformAttention(), Dense(), Erf(), LastToken()),
    "tied softmax": (*HEAD, kernels.TiedAttention(**STDS), MeanPool()),
    "tied identity": (*HEAD, kernels.TiedAttention(**STDS, activation="identity"), MeanPool()),
    "tied relu": (*HEAD, kernels.TiedAttention(**STDS, activation="relu"), MeanPool()),
    "residual, norm, GELU": (
        *HEAD,
        kernels.residual(LayerNorm(), LinearAttention(**STDS)),
        kernels.residual(LayerNorm(), Dense(), Gelu(), Dense()),
        MeanPool(),
    ),
    "correlated tokens, concatenated and own positions": (
        kernels.TokenEmbedding(1, covariance=[[2, 1, 0], [1, 2, 1], [0, 1, 3]]),
        Positions(1, combine="concat", trainable=False),
        LinearAttention(positions=Positions("1/3", covariance="gaussian"), positions_on_values=False),
        MeanPool(),
    ),
}
X = np.array([[0, 1, 1, 2], [2, 2, 0, 1], [1, 1, 1, 0]])
FROZEN = kernels.serial(kernels.TokenEmbedding(1, trainable=False), MeanPool())
PAIRS = np.array(list(product(range(2), repeat=3)))


@pytest.fixture(scope="module")
def one_thread():
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


needs_torch = pytest.mark.usefixtures("one_thread")


def source(n_draws, width, length, vocab_size, seed, heads=4, key_dimension=2):
    generator = np.random.default_rng(seed)
    return Source(generator, n_draws, Sizes(width, heads, key_dimension), length, np.arange(vocab_size), False)


def prior_outputs(net, x, n_draws, vocab_size, **sizes):
    """Outputs of networks of the prior, (draws, n), without torch."""
    drawn = source(n_draws, length=x.shape[1], vocab_size=vocab_size, **sizes)
    features = finite.compose(draw_layers(net, drawn), x)[0][:, :, 0]
    return (features @ drawn.normals(features.shape[-1], 1))[..., 0] / features.shape[-1] ** 0.5


@pytest.mark.slow
@needs_torch
@pytest.mark.parametrize("layers", BLOCKS.values(), ids=BLOCKS)
def test_torch_network_is_the_numpy_network_with_the_same_weights(layers):
    net = kernels.serial(*layers)
    trained = TorchNetworks.of(net, source(1, 8, 4, 3, seed=5), "float64")
    drawn = kernels.sample_network(
        net, width=8, heads=4, key_dimension=2, length=4, vocab_size=3, generator=np.random.default_rng(5)
    )
    features = drawn.features(X)
    channels = features.shape[1]
    readout = trained.weights[0, -channels:].numpy()
    np.testing.assert_array_equal(np.concatenate([w.ravel() for w in drawn.weights()]), trained.weights[0, :-channels])
    expected = features @ readout / channels**0.5
    np.testing.assert_allclose(trained.outputs(trained.weights, X)[0], expected, rtol=1e-12, atol=1e-12)


@needs_torch
def test_gradient_of_the_potential_is_that_of_its_differences():
    net = kernels.serial(*BLOCKS["normalized linear, ReLU, dense, flatten"])
    trained = TorchNetworks.of(net, source(2, 4, 4, 3, seed=6), "float64")
    repeated, labels = X[[0, 1, 2, 1, 1]], np.array([1.0, -2.0, 0.5, 3.0, 0.0])
    loss = langevin._Loss.of(trained, repeated, labels, 0.3)

    def potential(weights):
        errors = ((trained.outputs(weights, repeated).numpy() - labels) ** 2).sum(axis=1)
        return errors / 0.6 + (weights.numpy() ** 2).sum(axis=1) / 2

    gradient = loss.potential(trained.weights)[1].numpy()
    for index in (0, 7, 40, 100, trained.weights.shape[1] - 1):
        up, down = trained.weights.clone(), trained.weights.clone()
        up[:, index] += 1e-5
        down[:, index] -= 1e-5
        np.testing.assert_allclose((potential(up) - potential(down)) / 2e-5, gradient[:, index], rtol=1e-5, atol=1e-6)
    mean_squares = ((trained.outputs(trained.weights, repeated).numpy() - labels) ** 2).mean()
    assert loss.mean_squared_error(loss.potential(trained.weights)[0]) == pytest.approx(mean_squares)


@needs_torch
@pytest.mark.parametrize("name", ["linear, pool", "normalized linear, ReLU, dense, flatten"])
def test_prior_has_the_kernel_of_infinite_width(name):
    net = kernels.serial(*BLOCKS[name])
    trained = TorchNetworks.of(net, source(3000, 32, 4, 3, seed=7, heads=16), "float64")
    outputs = trained.outputs(trained.weights, X).numpy()
    products = outputs[:, :, None] * outputs[:, None]
    limit, error = net.nngp(X), products.std(axis=0) / len(products) ** 0.5
    assert (abs(products.mean(axis=0) - limit) < 4 * error + limit / 32).all()
    assert (error < 0.1 * limit.max()).all()


@pytest.mark.slow
@needs_torch
@pytest.mark.parametrize("adjusted", [True, False])
def test_linear_map_of_frozen_features_has_its_exact_law(adjusted):
    """A Gaussian posterior of precision A; steps eta without Metropolis have the covariance 1/(A (1 - eta A/2))."""
    training, labels, ridge, width = PAIRS[[1, 3, 3, 6]], np.array([1.0, -1.0, -2.0, 2.0]), 0.5, 3
    drawn = source(6, width, 3, 2, seed=8)
    layers = draw_layers(FROZEN, drawn)
    seen, asked = (finite.compose(layers, x)[0][:, :, 0] / width**0.5 for x in (training, PAIRS))
    precision = np.eye(width) + seen.swapaxes(1, 2) @ seen / ridge
    # far from small, so that many proposals are refused, or the law is far off
    rate = 1.4 / np.linalg.eigvalsh(precision).max()
    means = (asked @ np.linalg.solve(precision, seen.swapaxes(1, 2) @ labels[:, None] / ridge))[..., 0]
    covariance = np.linalg.inv(precision if adjusted else precision @ (np.eye(width) - rate / 2 * precision))
    variances = ((asked @ covariance) * asked).sum(axis=-1)
    found = train_langevin(
        FROZEN,
        training,
        labels,
        width=width,
        ridge=ridge,
        n_steps=2500,
        burn_in=50,
        learning_rate=rate,
        n_chains=6,
        adjusted=adjusted,
        seed=8,
        test_sequences=PAIRS,
    )
    np.testing.assert_allclose(found.mean, means.mean(axis=0), atol=0.06)
    np.testing.assert_allclose(found.variance, variances.mean(axis=0) + means.var(axis=0), rtol=0.06)
    assert found.acceptance < 0.9 if adjusted else found.acceptance == 1
    np.testing.assert_allclose(found.standard_error, means.std(axis=0, ddof=1) / 6**0.5, atol=0.02)


def test_averages_are_those_of_all_outputs():
    outputs = np.random.default_rng(12).normal(np.arange(3)[:, None], [1.0, 0.1], size=(9, 3, 2)) + [0, 5]
    averages = langevin._Averages.of(9, 3, np.array([7.0, -1.0]))
    for step, row in enumerate(outputs):
        averages.add(step, row)
    of_chains = outputs.mean(axis=0)
    expected = of_chains.mean(axis=0), of_chains.std(axis=0, ddof=1) / 3**0.5, outputs.var(axis=(0, 1))
    np.testing.assert_allclose(averages.mean_error_variance(), expected)
    halves = [half[:, chain] for half in (outputs[:5], outputs[5:]) for chain in range(3)]
    within = np.mean([half.var(axis=0) for half in halves], axis=0)
    between = np.var([half.mean(axis=0) for half in halves], axis=0, ddof=1)
    np.testing.assert_allclose(averages.r_hat(), np.sqrt((within + between) / within))


@needs_torch
@pytest.mark.slow
def test_stationary_law_is_the_posterior_at_finite_width():
    """A narrow block is far from Gaussian: the second route is the prior, without torch, weighted by the likelihood."""
    net = kernels.serial(*HEAD, LinearAttention(normalized=True), Relu(), MeanPool())
    training, labels, ridge = PAIRS[[1, 3, 6]], np.array([1.0, -1.0, 2.0]), 1.0
    sizes = {"width": 2, "heads": 2, "key_dimension": 1}
    outputs = np.concatenate([prior_outputs(net, PAIRS, 30000, 2, seed=seed, **sizes) for seed in range(4)])
    weights = np.exp(-((outputs[:, [1, 3, 6]] - labels) ** 2).sum(axis=1) / (2 * ridge))
    weights /= weights.sum()
    mean = weights @ outputs
    error = np.sqrt(weights**2 @ (outputs - mean) ** 2)
    found = train_langevin(
        net, training, labels, **sizes, ridge=ridge, n_steps=1500, burn_in=150, n_chains=50, n_leapfrog=6,
        test_sequences=PAIRS, precision="float32", seed=9,
    )  # fmt: skip
    assert (abs(mean - found.limit_mean) > 10 * error).any()
    assert (abs(found.mean - mean) < 4.5 * np.hypot(error, found.standard_error)).all()
    np.testing.assert_allclose(found.variance, weights @ (outputs - mean) ** 2, rtol=0.1)
    assert (found.standard_error < 0.05).all() and (found.r_hat < 1.1).all() and 0.5 < found.acceptance < 0.9
    assert len(found.loss_trace) == 1650


@needs_torch
@pytest.mark.slow
def test_trained_networks_tend_to_the_prediction():
    """Width 32 is nearer to the Gaussian process than width 4, in mean and variance."""
    net = kernels.serial(
        kernels.TokenEmbedding(1), Positions(1), LinearAttention(out_std="3/4", normalized=True), MeanPool()
    )
    x = np.array(list(product(range(2), repeat=4)))
    training = x[np.random.default_rng(10).integers(0, 16, 12)]
    labels = (training[:, 0] == 0) - (training == 0).mean(axis=1)
    found = [
        train_langevin(
            net, training, labels, width=width, heads=width // 2, key_dimension=2, ridge=0.1, n_steps=150, burn_in=60,
            n_chains=12, n_leapfrog=16, test_sequences=x, precision="float32", seed=11,
        )
        for width in (4, 32)
    ]  # fmt: skip
    narrow, wide = (result.squared_deviation for result in found)
    assert wide < narrow / 2 and found[0].r_squared < 0.92 and found[1].r_squared > 0.95
    narrow, wide = (np.mean((result.variance - result.limit_variance) ** 2) for result in found)
    assert wide < narrow / 4


def trained(**changes):
    arguments = {"net": FROZEN, "sequences": PAIRS, "labels": np.ones(8), "width": 2, "ridge": 0.1, "n_steps": 4}
    arguments |= {"learning_rate": 0.01, "burn_in": 0, "n_chains": 2, **changes}
    return train_langevin(**arguments)


@needs_torch
def test_same_seed_same_result():
    first, again, other = trained(), trained(), trained(seed=1)
    np.testing.assert_array_equal(first.mean, again.mean)
    assert (first.mean != other.mean).any()


@needs_torch
def test_table_lists_the_test_sequences():
    found = trained(test_sequences=[0, 1, 1])
    text = found.table().to_text()
    assert "0 1 1" in text and f"{found.mean[0]:.3g}"[:4] in text
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"net": "linear"}, InvalidTypeError, r"net must be a Network made by serial, got 'linear'"),
        ({"net": kernels.serial(*HEAD)}, InvalidArchitectureError, r"net must end in MeanPool\(\), Flatten\(\) or"),
        (
            {"net": kernels.architecture("linear-block", "query", token_variance=1, position_variance=1)},
            InvalidArchitectureError,
            r"net must end in MeanPool\(\), Flatten\(\) or LastToken\(\), got serial",
        ),
        (
            {"net": kernels.serial(*HEAD, Dense(), kernels.Polynomial([0, 1, 1]), MeanPool())},
            InvalidArchitectureError,
            r"net must have Relu, Erf or Gelu as nonlinearity, got Polynomial",
        ),
        ({"sequences": [[0, 1], [1]]}, InvalidArgumentError, r"sequences must be sequences of one length"),
        ({"labels": [1, 2]}, InvalidArgumentError, r"labels must be 8 numbers, got \(2,\)"),
        ({"labels": [float("nan")] * 8}, InvalidArgumentError, r"labels must be finite"),
        ({"labels": [1e15] + [0] * 7}, InvalidArgumentError, r"labels must be below 1e\+15, got \[1000000000000000.0"),
        ({"test_sequences": [[0, 1]]}, InvalidArgumentError, r"test_sequences must have length 3, got 2"),
        ({"ridge": 0}, InvalidArgumentError, r"ridge must be one number above 0, got 0"),
        ({"learning_rate": -1.0}, InvalidArgumentError, r"learning_rate must be one number above 0, got -1.0"),
        ({"learning_rate": None}, InvalidArgumentError, r"burn_in must be at least 50 to choose .*, got 0"),
        ({"learning_rate": None, "adjusted": False}, InvalidArgumentError, r"learning_rate must be given where"),
        ({"adjusted": 1}, InvalidTypeError, r"adjusted must be True or False, got 1"),
        ({"precision": "float16"}, InvalidArgumentError, r"precision must be float32 or float64, got 'float16'"),
        ({"width": 0}, InvalidArgumentError, r"width must be at least 1, got 0"),
        ({"n_steps": 3}, InvalidArgumentError, r"n_steps must be at least 4, got 3"),
        ({"burn_in": -1}, InvalidArgumentError, r"burn_in must be at least 0, got -1"),
        ({"n_chains": 1}, InvalidArgumentError, r"n_chains must be at least 2, got 1"),
        ({"n_leapfrog": 0.5}, InvalidTypeError, r"n_leapfrog must be an integer, got 0.5"),
        ({"seed": -1}, InvalidArgumentError, r"seed must be at least 0, got -1"),
    ],
)  # fmt: skip
def test_errors(changes, error, message):
    with pytest.raises(error, match=message) as raised:
        trained(**changes)
    assert "\n" not in str(raised.value)


@needs_torch
@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"net": kernels.architecture("linear-block")}, FreeSymbolError, r"TokenEmbedding variance"),
        ({"ridge": 1e-20}, InvalidArgumentError, r"ridge must be above 5.3e-12 to be told from rounding .*, got 1e-20"),
        (
            {"labels": np.full(8, 9e14), "ridge": 1e-11, "precision": "float32"},
            InvalidArgumentError,
            r"ridge must be large enough for a finite loss in torch.float32, got 1e-11",
        ),
        (
            {"learning_rate": 1e6, "adjusted": False, "n_steps": 100},
            InvalidArgumentError,
            r"learning_rate must be small enough for a finite descent, got 1000000.0",
        ),
    ],
)
def test_errors_that_need_the_network(changes, error, message):
    with pytest.raises(error, match=message) as raised:
        trained(**changes)
    assert "\n" not in str(raised.value)


def test_missing_torch_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingTorchError, match=r"install symrep\[torch\]"):
        trained()


@needs_torch
def test_example_of_the_docstring():
    source_text = train_langevin.__doc__.replace("# doctest: +SKIP", "")
    test = doctest.DocTestParser().get_doctest(source_text, {}, "train_langevin", None, 0)
    assert len(test.examples) >= 4
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test).failed == 0


def test_learning_does_not_load_torch():
    code = "from symrep.learning import langevin; langevin.train_langevin; import sys; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
