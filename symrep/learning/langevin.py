r"""Trained networks of finite width: Langevin dynamics on all weights of a transformer, in torch (the extra ``torch``).

With the weights as unit Gaussians :math:`w` times fixed scales, as in :func:`symrep.kernels.sample_network`, behind a
readout with weights of its own, full-batch noisy gradient descent on

.. math:: U(w) = \frac{1}{2\delta} \sum_\mu (f_w(x_\mu) - y_\mu)^2 + \frac{1}{2} |w|^2, \qquad
    w \leftarrow w - \eta \nabla U(w) + \sqrt{2 \eta}\, \xi

has the stationary law :math:`e^{-U}`: weight decay is the prior, the loss the likelihood of noise :math:`\delta`. As
the width grows the prior of the outputs tends to the Gaussian process of the NNGP kernel K, so the mean output tends to

.. math:: K(x, X) (K(X, X) + \delta)^{-1} y ,

the prediction that learning curves average over training sets.

Steps of finite size :math:`\eta` are corrected by the rule of Metropolis, which leaves the stationary law exact
(Roberts and Tweedie, Bernoulli 1996). Between two draws of the noise the momentum may be kept for several gradient
steps: that is Hamiltonian Monte Carlo (Neal, 2011), with the same stationary law and far shorter memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import exp, log
from statistics import fmean
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from tqdm import tqdm

from symrep.display import Column, Table
from symrep.errors import InvalidArgumentError, InvalidTypeError, require, require_integer, shown
from symrep.kernels import Network
from symrep.kernels.finite_drawing import Sizes, Source
from symrep.kernels.sequences import as_sequences
from symrep.learning.kappa import as_numbers
from symrep.learning.torch_networks import Tensor, TorchNetworks, require_trainable, torch_module

_ACCEPTANCE = 0.7
_SHORTEST_SEARCH = 50
_ROUNDING = 1e-12
# its square is far from the largest number of single precision
_LARGEST_LABEL = 1e15


@dataclass(frozen=True, eq=False)
class LangevinResult:
    """What trained networks put out on average, beside the limit of infinite width; made by :func:`train_langevin`.

    Attributes
    ----------
    sequences
        The test sequences (m, L).
    mean, standard_error, variance
        Of the output at each, over the stationary law, shape (m,). The standard error of the mean is that of
        independent chains, so it knows how slowly each of them moves.
    limit_mean, limit_variance
        The posterior of the Gaussian process with ``net.nngp`` on the same training set.
    loss_trace
        The mean squared training error after every draw of the noise, burn-in included, as a mean over chains.
    r_hat
        Gelman and Rubin's ratio for the halves of the chains, (m,): 1 where all of them agree.
    acceptance
        The share of proposals that the rule of Metropolis accepted behind the burn-in.
    learning_rate
        The step size used there.
    width
        The channels of the hidden layers.
    """

    sequences: np.ndarray
    mean: np.ndarray
    standard_error: np.ndarray
    variance: np.ndarray
    limit_mean: np.ndarray
    limit_variance: np.ndarray
    loss_trace: np.ndarray
    r_hat: np.ndarray
    acceptance: float
    learning_rate: float
    width: int

    @property
    def effective_samples(self) -> np.ndarray:
        """How many independent samples would have the same standard error, (m,)."""
        return self.variance / self.standard_error**2

    @property
    def squared_deviation(self) -> float:
        """The mean over test sequences of the squared deviation of the mean output from its limit.

        Its expectation is at least the mean of ``standard_error**2``, whatever the width.
        """
        return float(np.mean((self.mean - self.limit_mean) ** 2))

    @property
    def r_squared(self) -> float:
        """The share of the variation of the limit over test sequences that the mean explains; nan if it has none."""
        variation = float(np.mean((self.limit_mean - self.limit_mean.mean()) ** 2))
        return 1 - self.squared_deviation / variation if variation > 0 else float("nan")

    def table(self) -> Table:
        """One row for every test sequence."""
        columns = (
            Column("sequence", "sequence"),
            Column("output", "output"),
            Column("standard_error", "+-", r"$\pm$"),
            Column("limit", "infinite width"),
            Column("variance", "variance"),
            Column("limit_variance", "infinite width"),
        )
        arrays = (self.mean, self.standard_error, self.limit_mean, self.variance, self.limit_variance)
        names = [" ".join(map(str, row)) for row in self.sequences.tolist()]
        rows = tuple(zip(names, *(array.tolist() for array in arrays)))
        notes = (f"Means over the stationary law of networks of width {self.width} with their standard errors.",)
        return Table("trained-network", "Output of trained networks of finite width.", columns, rows, notes)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def __repr__(self) -> str:
        return f"<LangevinResult: width {self.width}, {len(self.sequences)} test sequences, R^2 = {self.r_squared:.4f}>"


def train_langevin(
    net: Network,
    sequences: Any,
    labels: Any,
    *,
    width: int,
    heads: int | None = None,
    key_dimension: int | None = None,
    ridge: float,
    n_steps: int,
    learning_rate: float | None = None,
    burn_in: int,
    n_chains: int = 16,
    n_leapfrog: int = 1,
    adjusted: bool = True,
    seed: int = 0,
    test_sequences: Any = None,
    precision: str = "float64",
    progress: bool = False,
) -> LangevinResult:
    r"""Train networks of finite width by noisy gradient descent on all weights, and average their outputs.

    Parameters
    ----------
    net
        The architecture, with a readout and numbers for all parameters. Behind it comes a linear map to one output,
        :math:`f = r \cdot h / \sqrt{C}` with C channels h and unit Gaussians r. Embeddings that are not trainable
        stay as they are drawn, differently in every chain.
    sequences, labels
        The training set, (P, L) and (P,).
    width, heads, key_dimension
        As for :func:`symrep.kernels.sample_network`.
    ridge
        :math:`\delta`, positive: twice the temperature over the loss.
    n_steps, burn_in
        Draws of the noise that are averaged (at least 4), and those before. Networks start from a draw of the prior.
    learning_rate
        :math:`\eta`. Unless given, burn-in chooses one with which 0.7 of the proposals are accepted; it then needs
        50 or more draws.
    n_chains
        Independent networks, at least 2, side by side.
    n_leapfrog
        Gradient steps between two draws of the noise: a random number of them, 1 to ``n_leapfrog``. With 1 this is
        noisy gradient descent; about :math:`\pi / \sqrt{2 \eta}` forgets fastest.
    adjusted
        Whether proposals are accepted by the rule of Metropolis. Without it the stationary law is off by order
        :math:`\eta`.
    seed
        The same seed gives the same result with the same version of torch and number of threads.
    test_sequences
        Where the outputs are averaged, (m, L); the training sequences unless given.
    precision
        ``"float64"`` or ``"float32"``, of the networks; energies are always added up in float64.
    progress
        Show a progress bar.

    Raises
    ------
    MissingTorchError
        When torch is not installed.
    InvalidArchitectureError
        When a layer has no form in torch here (polynomials), or there is no readout but a query token.
    FreeSymbolError, InvalidArgumentError, InvalidTypeError
        When an argument breaks its rule, or the descent without the rule of Metropolis diverges.

    Notes
    -----
    Costs ``n_chains * (n_steps + burn_in) * n_leapfrog / 2`` forward and backward passes on the distinct training
    sequences, and ``n_chains * n_steps`` forward passes on the test sequences. Threads rarely help: on a busy machine
    ``torch.set_num_threads(1)`` is faster.

    Examples
    --------
    >>> from symrep import kernels, learning
    >>> net = kernels.serial(kernels.TokenEmbedding(1), kernels.Dense(), kernels.Relu(), kernels.MeanPool())
    >>> found = learning.train_langevin(  # doctest: +SKIP
    ...     net, [[0, 1, 1], [1, 1, 1]], [1, -1], width=64, ridge=0.1, n_steps=100, burn_in=50, n_leapfrog=8
    ... )
    >>> bool(abs(found.mean - found.limit_mean).max() < 0.1)  # doctest: +SKIP
    True
    """
    if not isinstance(net, Network):
        raise InvalidTypeError(f"net must be a Network made by serial, got {shown(net)}")
    require_trainable(net)
    training, labels, tests = _data(net, sequences, labels, test_sequences)
    ridge = _positive(ridge, "ridge")
    sizes = Sizes.of(width, heads, key_dimension)
    n_steps, burn_in = require_integer(n_steps, "n_steps", minimum=4), require_integer(burn_in, "burn_in", minimum=0)
    n_chains, n_leapfrog = (
        require_integer(value, name, minimum=least)
        for value, name, least in ((n_chains, "n_chains", 2), (n_leapfrog, "n_leapfrog", 1))
    )
    if not isinstance(adjusted, bool):
        raise InvalidTypeError(f"adjusted must be True or False, got {shown(adjusted)}")
    require(precision in ("float32", "float64"), "precision", "must be float32 or float64", precision)
    seed = require_integer(seed, "seed", minimum=0)
    if learning_rate is None:
        require(adjusted, "learning_rate", "must be given where adjusted is False", learning_rate)
        require(burn_in >= _SHORTEST_SEARCH, "burn_in", "must be at least 50 to choose the learning rate", burn_in)
    else:
        learning_rate = _positive(learning_rate, "learning_rate")

    torch = torch_module()
    gram = net.nngp(np.concatenate([training, tests]))
    limit_mean, limit_variance = _posterior(gram, labels, ridge)
    own = int(max(training.max(), tests.max())) + 1
    tokens = np.arange(own if net.vocab_size is None else net.vocab_size)
    source = Source(np.random.default_rng(seed), n_chains, sizes, training.shape[1], tokens, has_query=False)
    trained = TorchNetworks.of(net, source, precision)
    loss = _Loss.of(trained, training, labels, ridge)
    generator = torch.Generator().manual_seed(int(source.generator.integers(2**63)))
    if learning_rate is None:
        # the curvature that the last layer alone has in the limit
        start, tuning = 1 / (1 + np.trace(gram[: len(labels), : len(labels)]) / ridge) ** 0.5, burn_in
    else:
        start, tuning = (2 * learning_rate) ** 0.5, 0
    dynamics = _Dynamics(loss, generator, start, n_leapfrog, adjusted, tuning)
    averages = _Averages.of(n_steps, n_chains, limit_mean)
    losses, accepted = [], []
    steps = tqdm(range(-burn_in, n_steps), "noisy gradient descent", disable=not progress, leave=False)
    for step, state in zip(steps, dynamics.run(trained.weights)):
        losses.append(loss.mean_squared_error(state.potential))
        if step >= 0:
            accepted.append(state.accepted)
            averages.add(step, trained.outputs(state.weights, tests).numpy())
    return LangevinResult(
        tests,
        *averages.mean_error_variance(),
        limit_mean,
        limit_variance,
        np.array(losses),
        averages.r_hat(),
        fmean(accepted),
        dynamics.step_size**2 / 2,
        sizes.width,
    )


def _data(net: Network, sequences: Any, labels: Any, test_sequences: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    training = np.atleast_2d(as_sequences(sequences, "sequences", net.vocab_size))
    labels = as_numbers(labels, "labels")
    require(labels.shape == training.shape[:1], "labels", f"must be {len(training)} numbers", labels.shape)
    require(bool(np.abs(labels).max() < _LARGEST_LABEL), "labels", f"must be below {_LARGEST_LABEL:g}", labels.tolist())
    if test_sequences is None:
        return training, labels, training
    tests = np.atleast_2d(as_sequences(test_sequences, "test_sequences", net.vocab_size))
    length = training.shape[1]
    require(tests.shape[1] == length, "test_sequences", f"must have length {length}", tests.shape[1])
    return training, labels, tests


def _positive(value: Any, argument: str) -> float:
    number = as_numbers(value, argument)
    if number.ndim or number <= 0:
        raise InvalidArgumentError(f"{argument} must be one number above 0, got {shown(value)}")
    return float(number)


def _posterior(gram: np.ndarray, labels: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance at the rows behind those of the labels."""
    seen = len(labels)
    smallest = _ROUNDING * np.trace(gram[:seen, :seen])
    require(ridge > smallest, "ridge", f"must be above {smallest:.2g} to be told from rounding of the kernel", ridge)
    factor = cho_factor(gram[:seen, :seen] + ridge * np.eye(seen))
    across = gram[:seen, seen:]
    explained = (across * cho_solve(factor, across)).sum(axis=0)
    return across.T @ cho_solve(factor, labels), np.diag(gram)[seen:] - explained


@dataclass(frozen=True, eq=False)
class _Loss:
    """The squared error on a training set, by its distinct sequences: how often each occurs, and its mean label."""

    networks: TorchNetworks
    sequences: np.ndarray
    counts: Tensor
    labels: Tensor
    spread: float
    ridge: float

    @classmethod
    def of(cls, networks: TorchNetworks, training: np.ndarray, labels: np.ndarray, ridge: float) -> _Loss:
        sequences, which, counts = np.unique(training, axis=0, return_inverse=True, return_counts=True)
        means = np.bincount(which.ravel(), labels) / counts
        spread = float(((labels - means[which.ravel()]) ** 2).sum())
        tensors = (networks.weights.new_tensor(array) for array in (counts, means))
        return cls(networks, sequences, *tensors, spread, ridge)

    def potential(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """The loss over twice the ridge (chains,), up to a constant, and the gradient of U."""
        weights = weights.detach().requires_grad_()
        deviations = self.networks.outputs(weights, self.sequences) - self.labels
        loss = (self.counts * deviations**2).sum(dim=1) / (2 * self.ridge)
        (gradient,) = torch_module().autograd.grad(loss.sum(), weights)
        return loss.detach(), gradient + weights.detach()

    def mean_squared_error(self, potential: Tensor) -> float:
        """Over the training set and the chains."""
        return (2 * self.ridge * float(potential.mean()) + self.spread) / int(self.counts.sum())


@dataclass(frozen=True, eq=False)
class _State:
    """The weights of all chains, their loss over twice the ridge, and the share of the last proposals accepted."""

    weights: Tensor
    potential: Tensor
    accepted: float


@dataclass(eq=False)
class _Dynamics:
    """Leapfrog steps between fresh Gaussian momenta; a step squared is twice the learning rate."""

    loss: _Loss
    generator: Any
    step_size: float
    n_leapfrog: int
    adjusted: bool
    tuning: int

    def run(self, weights: Tensor) -> Iterator[_State]:
        """The states behind every draw of the noise, without end; the first ``tuning`` of them choose the step size."""
        torch = torch_module()
        # while it is chosen every chain has its own, since those that start high up need small ones
        logarithms, chosen = torch.full((len(weights), 1), log(self.step_size), dtype=torch.float64), []
        potential, gradient = self.loss.potential(weights)
        finite = bool((potential.isfinite() & gradient.isfinite().all(dim=1)).all())
        require(finite, "ridge", f"must be large enough for a finite loss in {weights.dtype}", self.loss.ridge)
        for draw in count():
            momentum = torch.randn(weights.shape, generator=self.generator, dtype=weights.dtype)
            size = logarithms.exp().to(weights.dtype)
            moved, push, at_end, new_gradient = weights, momentum, potential, gradient
            for _ in range(int(torch.randint(1, self.n_leapfrog + 1, (), generator=self.generator))):
                push = push - size / 2 * new_gradient
                moved = moved + size * push
                at_end, new_gradient = self.loss.potential(moved)
                push = push - size / 2 * new_gradient
            gain = (potential - at_end).double() + _half_square(weights, moved) + _half_square(momentum, push)
            chance = gain.clamp(max=0).exp().nan_to_num(0.0)
            if self.adjusted:
                kept = torch.rand(chance.shape, generator=self.generator, dtype=chance.dtype) < chance
            elif bool(at_end.isfinite().all()):
                kept = torch.ones_like(chance, dtype=torch.bool)
            else:
                rate = self.step_size**2 / 2
                raise InvalidArgumentError(f"learning_rate must be small enough for a finite descent, got {rate}")
            weights = torch.where(kept[:, None], moved, weights)
            gradient = torch.where(kept[:, None], new_gradient, gradient)
            potential = torch.where(kept, at_end, potential)
            if draw < self.tuning:
                logarithms = logarithms + (chance[:, None] - _ACCEPTANCE) / (1 + draw) ** 0.5
                if 2 * draw >= self.tuning:
                    chosen.append(float(logarithms.median()))
                if draw == self.tuning - 1:
                    self.step_size = exp(fmean(chosen))
                    logarithms = torch.full_like(logarithms, log(self.step_size))
            yield _State(weights, potential, float(kept.double().mean()))


def _half_square(before: Tensor, after: Tensor) -> Tensor:
    """Half the difference of the squared norms, summed in double precision without cancellation."""
    return ((before - after) * (before + after)).sum(dim=1, dtype=torch_module().float64) / 2


@dataclass(frozen=True, eq=False)
class _Averages:
    """Sums over the two halves of every chain, (2, chains, m), of deviations from a center."""

    n_steps: int
    center: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, n_steps: int, n_chains: int, center: np.ndarray) -> _Averages:
        return cls(n_steps, center, *np.zeros((2, 2, n_chains, len(center))))

    def add(self, step: int, outputs: np.ndarray) -> None:
        half, deviations = int(2 * step >= self.n_steps), outputs - self.center
        self.sums[half] += deviations
        self.squares[half] += deviations**2

    def mean_error_variance(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the outputs: mean over all chains, its standard error from their spread, and variance."""
        of_chains = self.sums.sum(axis=0) / self.n_steps
        mean, error = of_chains.mean(axis=0), of_chains.std(axis=0, ddof=1) / len(of_chains) ** 0.5
        square = self.squares.sum(axis=(0, 1)) / (self.n_steps * len(of_chains))
        return self.center + mean, error, square - mean**2

    def r_hat(self) -> np.ndarray:
        sizes = np.array([(self.n_steps + 1) // 2, self.n_steps // 2])[:, None, None]
        means = self.sums / sizes
        within = (self.squares / sizes - means**2).mean(axis=(0, 1))
        between = means.var(axis=(0, 1), ddof=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.sqrt(1 + between / within)
