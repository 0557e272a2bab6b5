r"""Gaussian-process regression on drawn sequences: the experiment that learning curves predict.

Training sets are drawn from the measure, labels are the target plus noise, and the prediction is the posterior mean

.. math:: \hat f(x) = K(x, X) (K(X, X) + \delta)^{-1} y .

Every figure comes with its standard error over independent training sets; where the test sequences are drawn too, that of this draw
is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from tqdm import tqdm

from symrep.display import Column, Table, uncertain_cells, uncertain_columns
from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError, require, require_integer, shown
from symrep.kernels import Network
from symrep.kernels.sequences import as_sequences
from symrep.learning.kappa import as_numbers
from symrep.learning.targets import target as as_target
from symrep.spectra.gram_functions import GramFunction, gram_function
from symrep.spectra.kernel_functions import extra_token_of

_ALL_SEQUENCES = 4096
_MEMORY_LIMIT = 8 * 10**9
_RANK_TOLERANCE = 1e-12
_NEGATIVE_TOLERANCE = 1e-9
_BAR = "{desc}: {percentage:3.0f}% |{bar}| {elapsed}<{remaining}"


@dataclass(frozen=True, eq=False)
class Simulation:
    """Means over training sets and their standard errors; made by :func:`simulate`.

    Attributes
    ----------
    n_samples
        The numbers of samples, shape (n,).
    learnability, test_error, train_error
        Means over training sets, shape (n,), as :class:`~symrep.learning.LearningCurve` defines them.
    learnability_error, test_error_error, train_error_error
        Standard errors of these means: over training sets, and over test sequences where these were drawn from the measure.
    sequences, outputs, output_errors
        The test sequences (m, L), the mean prediction at each, (n, m), and its standard error.
    output_variance
        The variance of the prediction over training sets, (n, m).
    targets
        The target at the test sequences.
    n_repeats
        The number of training sets.
    exhaustive
        Whether the test sequences are all sequences, weighted by their probability, instead of a sample.
    ridge, noise
        Of the regression, and of the labels.
    """

    n_samples: np.ndarray
    learnability: np.ndarray
    learnability_error: np.ndarray
    test_error: np.ndarray
    test_error_error: np.ndarray
    train_error: np.ndarray
    train_error_error: np.ndarray
    sequences: np.ndarray
    outputs: np.ndarray
    output_errors: np.ndarray
    output_variance: np.ndarray
    targets: np.ndarray
    n_repeats: int
    exhaustive: bool
    ridge: float
    noise: float

    def table(self) -> Table:
        """One row for every number of samples: means and standard errors."""
        keys = ("learnability", "test_error", "train_error")
        columns = [Column("n_samples", "samples", "$P$")]
        columns += [column for key in keys for column in uncertain_columns(key, key.replace("_", " "))]
        rows = []
        for i, n_samples in enumerate(self.n_samples.tolist()):
            pairs = [(float(getattr(self, key)[i]), float(getattr(self, f"{key}_error")[i])) for key in keys]
            rows.append((n_samples, *(cell for pair in pairs for cell in uncertain_cells(*pair))))
        notes = (f"Means over {self.n_repeats} training sets with their standard errors.",)
        return Table("simulation", "Simulated Gaussian-process regression.", tuple(columns), tuple(rows), notes)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()

    def __repr__(self) -> str:
        samples = ", ".join(map(str, self.n_samples.tolist()))
        return f"<Simulation: {self.n_repeats} training sets each of {samples} samples, {len(self.sequences)} test sequences>"


def simulate(
    kernel: Network | GramFunction,
    measure: Any,
    length: int,
    target: Any,
    n_samples: Any,
    ridge: float,
    *,
    noise: float = 0.0,
    n_repeats: int = 100,
    seed: int = 0,
    n_test: int = 1000,
    test_sequences: Any = None,
    progress: bool = False,
) -> Simulation:
    r"""Regression with a kernel on training sets drawn from a measure, repeated.

    Parameters
    ----------
    kernel
        A network with numbers for its parameters, a function of two arrays of sequences that gives their Gram matrix, or
        any other kernel that :func:`symrep.block_spectrum` takes.
    measure
        Draws the sequences: anything with ``vocab_size`` and ``sample(generator, n_samples, length)``.
    length
        L, without the query that a network with a query readout takes behind it.
    target
        As for :func:`symrep.learning.target`.
    n_samples
        Numbers of samples, integers of at least 1.
    ridge, noise
        :math:`\delta` and the variance of the noise on the labels, not negative. Without ridge the prediction is the
        interpolation of least norm.
    n_repeats
        Training sets for every number of samples, at least 2.
    seed
        Of the generator; the same seed gives the same result.
    n_test
        Test sequences drawn from the measure where V^L exceeds 4096; else all sequences are used, with their probabilities.
    test_sequences
        Sequences (m, L') to test on instead, all of one weight: from another distribution, say, or of another length.
    progress
        Show a progress bar.

    Returns
    -------
    Simulation
        Means over training sets, with standard errors. The cost is ``n_repeats`` times :math:`O(P^3 + P n_{test})`
        and the Gram matrices.

    Examples
    --------
    >>> from symrep import kernels, learning, measures
    >>> net = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
    >>> found = learning.simulate(net, measures.iid_uniform(2), 6, "S", [8, 32], ridge=0.05, n_repeats=20)
    >>> (found.learnability > 0.5).tolist()
    [True, True]
    """
    if not callable(getattr(measure, "sample", None)):
        raise InvalidTypeError(f"measure must be a measure that draws sequences, got {shown(measure)}")
    vocab_size = require_integer(measure.vocab_size, "vocab_size", minimum=1)
    gram_of = gram_function(kernel, vocab_size)
    length = require_integer(length, "length", minimum=1) + (extra_token_of(kernel) == "query")
    samples = [require_integer(p, "n_samples", minimum=1) for p in _listed(n_samples)]
    n_repeats = require_integer(n_repeats, "n_repeats", minimum=2)
    ridge, noise = (_nonnegative(value, name) for value, name in ((ridge, "ridge"), (noise, "noise")))
    n_test = require_integer(n_test, "n_test", minimum=1)
    target, generator = as_target(target), np.random.default_rng(require_integer(seed, "seed", minimum=0))
    tests, weights, exhaustive = _test_set(measure, length, n_test, test_sequences, generator)
    are_tests_drawn = test_sequences is None and not exhaustive
    most = max(samples)
    if 8 * most * (most + len(tests)) > _MEMORY_LIMIT:
        raise SizeLimitError(f"n_samples must leave Gram matrices below {_MEMORY_LIMIT} bytes, got {most}")
    truth = np.atleast_1d(target(tests, vocab_size))
    norm = float(weights @ truth**2)
    require(norm > 0, "target", "must not vanish on the test sequences", target.name)

    figures, outputs, from_tests = [], [], []
    bar = tqdm(total=sum(samples) * n_repeats, desc="training sets", disable=not progress, leave=False, bar_format=_BAR)
    for p in samples:
        own_figures, own_outputs = [], []
        for _ in range(n_repeats):
            training = measure.sample(generator, p, length)
            clean = np.atleast_1d(target(training, vocab_size))
            labels = clean + noise**0.5 * generator.standard_normal(p)
            fitted, predicted = _regression(*_grams(gram_of, training, tests), labels, ridge)
            learned = weights @ (predicted * truth) / norm
            error = weights @ (predicted - truth) ** 2 + noise
            own_figures.append((learned, error, np.mean((fitted - labels) ** 2)))
            own_outputs.append(predicted)
            bar.update(p)
        figures.append(own_figures)
        outputs.append(own_outputs)
        from_tests.append(_errors_of_drawn_tests(np.array(own_outputs), truth) if are_tests_drawn else (0.0, 0.0, 0.0))
    bar.close()
    means, errors = _mean_and_error(np.array(figures))
    errors = np.hypot(errors, from_tests)
    output_means, output_errors = _mean_and_error(np.array(outputs))
    return Simulation(
        np.array(samples),
        *(part[:, i] for i in range(3) for part in (means, errors)),
        tests,
        output_means,
        output_errors,
        np.array(outputs).var(axis=1, ddof=1),
        truth,
        n_repeats,
        exhaustive,
        ridge,
        noise,
    )


def _errors_of_drawn_tests(predicted: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """What the draw of the test sequences adds to the errors of learnability, test error and (nothing) train error."""
    norm = np.mean(truth**2)
    learned = predicted * truth / norm
    # the learnability is a ratio of means over the test sequences, whose errors partly cancel
    learned = learned - learned.mean() * truth**2 / norm
    return _error_of_columns(learned), _error_of_columns((predicted - truth) ** 2), 0.0


def _error_of_columns(values: np.ndarray) -> float:
    """The part of the standard error of the mean of a table of rows and columns, both drawn, that comes from the columns.

    It is the variance between the means of columns, less what these owe to the draw of the rows; inf for a single column.

    >>> _error_of_columns(np.array([[1.0, 2.0, 6.0], [1.0, 2.0, 6.0]])) ** 2       # 7 / 3: rows are alike
    2.3333333333333335
    """
    n_rows, n_columns = values.shape
    if n_columns == 1:
        return np.inf
    of_columns = values.mean(axis=0)
    rest = values - of_columns - values.mean(axis=1, keepdims=True) + values.mean()
    of_entries = (rest**2).sum() / ((n_rows - 1) * (n_columns - 1))
    return float(max(of_columns.var(ddof=1) - of_entries / n_rows, 0.0) / n_columns) ** 0.5


def _test_set(
    measure: Any, length: int, n_test: int, test_sequences: Any, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, bool]:
    vocab_size = int(measure.vocab_size)
    if test_sequences is not None:
        tests = np.atleast_2d(as_sequences(test_sequences, "test_sequences", vocab_size))
    elif vocab_size**length <= _ALL_SEQUENCES:
        tests = np.array(list(product(range(vocab_size), repeat=length)))
        weights = np.array([float(measure.probability(row)) for row in tests.tolist()])
        return tests, weights, True
    else:
        tests = measure.sample(generator, n_test, length)
    return tests, np.full(len(tests), 1 / len(tests)), False


def _grams(gram_of: GramFunction, training: np.ndarray, tests: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The kernels of training and of test sequences with the training set, from one call where they have one length."""
    if training.shape[1] != tests.shape[1]:
        return gram_of(training, training), gram_of(tests, training)
    both = gram_of(np.concatenate([training, tests]), training)
    return both[: len(training)], both[len(training) :]


def _regression(
    training: np.ndarray, testing: np.ndarray, labels: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """The prediction on the training and on the test sequences."""
    largest = float(np.abs(training).sum(axis=1).max())
    if ridge > _RANK_TOLERANCE * largest:
        try:
            factor = cho_factor(training + ridge * np.eye(len(labels)))
        except np.linalg.LinAlgError:
            rule = "must be positive semidefinite"
            raise InvalidArgumentError(f"kernel {rule}, got an eigenvalue below minus the ridge {ridge:g}") from None
        coefficients = cho_solve(factor, labels)
    else:
        eigenvalues, vectors = np.linalg.eigh(training)
        least = eigenvalues[0]
        require(least >= -_NEGATIVE_TOLERANCE * largest, "kernel", "must be positive semidefinite", float(least))
        kept = eigenvalues > _RANK_TOLERANCE * eigenvalues[-1]
        coefficients = vectors[:, kept] @ ((vectors[:, kept].T @ labels) / (eigenvalues[kept] + ridge))
    return training @ coefficients, testing @ coefficients


def _listed(n_samples: Any) -> list[Any]:
    try:
        listed = np.asarray(n_samples).ravel().tolist()
    except ValueError:
        listed = []
    require(len(listed) > 0, "n_samples", "must be one integer or a list of them", n_samples)
    return listed


def _mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(axis=1), values.std(axis=1, ddof=1) / values.shape[1] ** 0.5


def _nonnegative(value: Any, argument: str) -> float:
    number = as_numbers(value, argument)
    if number.ndim or number < 0:
        raise InvalidArgumentError(f"{argument} must be one number of at least 0, got {shown(value)}")
    return float(number)
