"""Softmax attention with Gaussian logits: the series in the variance and the sampler, each beside quadrature."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symrep.errors import InvalidArgumentError, InvalidTypeError, SizeLimitError
from symrep.kernels import softmax_sampling
from symrep.kernels import softmax_series as series_module
from symrep.kernels.softmax_sampling import softmax_monte_carlo
from symrep.kernels.softmax_series import softmax_series, softmax_series_tangent

GRAPHS_WITH_EXACTLY = (1, 3, 16, 90, 524, 3152)


# ----------------------------------------------------------------------------- kernels and references
def random_kernel(rng, n_sequences, n_positions, rank, scale=1.0):
    """A kernel (1, N, S, N, S) of this rank from a random factor whose entries are not centred."""
    factor = rng.standard_normal((n_sequences, n_positions, rank)) + 0.4
    return scale / rank * np.einsum("aik,bjk->aibj", factor, factor)[None]


def series_arguments(rows, keys, values, x=0, y=1):
    """The arguments of the series for sequences x and y of joint kernels (1, N, S, N, S) and (1, N, L, N, L)."""
    rows, keys, values = rows[0], keys[0], values[0]
    first, second, pair = keys[x, :, x], keys[y, :, y], keys[x, :, y]
    return first, second, pair, values[x, :, y], np.diag(rows[x, :, x]), np.diag(rows[y, :, y]), rows[x, :, y]


def logit_covariance(arguments, s, t):
    """The joint covariance (2 L, 2 L) of the logits of row s of x and row t of y."""
    first, second, pair, _, row_first, row_second, row_pair = arguments
    cross = row_pair[s, t] * pair
    return np.block([[row_first[s] * first, cross], [cross.T, row_second[t] * second]])


def gaussian_mean(covariance, function, n_nodes):
    """Gauss-Hermite mean of a function of the two rows of logits that ignores constants added to either."""
    length = len(covariance) // 2
    centring = np.kron(np.eye(2), np.eye(length) - 1 / length)
    spectrum, vectors = np.linalg.eigh(centring @ covariance @ centring)
    kept = spectrum > 1e-13 * spectrum[-1]
    factor = vectors[:, kept] * np.sqrt(spectrum[kept])
    nodes, weights = np.polynomial.hermite_e.hermegauss(n_nodes)
    grid = np.stack(np.meshgrid(*[nodes] * kept.sum(), indexing="ij"), -1).reshape(-1, kept.sum())
    products = np.prod(np.stack(np.meshgrid(*[weights] * kept.sum(), indexing="ij"), -1).reshape(len(grid), -1), -1)
    logits = grid @ factor.T
    return products @ function(logits[:, :length], logits[:, length:]) / products.sum()


def softmax(logits):
    powers = np.exp(logits)
    return powers / powers.sum(-1, keepdims=True)


def table(arguments, function, n_nodes):
    """The matrix over rows (s, t) of Gaussian means; the function also gets s and t."""
    result = np.empty(arguments[6].shape)
    for s, t in np.ndindex(result.shape):
        covariance = logit_covariance(arguments, s, t)
        result[s, t] = gaussian_mean(covariance, lambda a, b: function(a, b, s, t), n_nodes)
    return result


def quadrature(arguments, n_nodes):
    values = arguments[3]
    return table(arguments, lambda a, b, s, t: np.einsum("ni,nj,ij->n", softmax(a), softmax(b), values), n_nodes)


def quadrature_tangent(arguments, pair_dot, row_pair_dot, n_nodes):
    """The logit tangent as Price's theorem writes it, with the Jacobian matrices of softmax."""

    def jacobian(logits):
        weights = softmax(logits)
        return np.eye(weights.shape[1]) * weights[:, :, None] - weights[:, :, None] * weights[:, None, :]

    def integrand(a, b, s, t):
        direction = row_pair_dot[s, t] * arguments[2] + arguments[6][s, t] * pair_dot
        left = np.einsum("nik,kl,njl->nij", jacobian(a), direction, jacobian(b), optimize=True)
        return np.einsum("nij,ij->n", left, arguments[3])

    return table(arguments, integrand, n_nodes)


def softmax_taylor(logits, degree):
    """The Taylor coefficients of softmax(u A) in u, at u = 0."""
    exponential = [np.ones_like(logits)]
    for d in range(1, degree + 1):
        exponential.append(exponential[-1] * logits / d)
    sums = [term.sum(-1, keepdims=True) for term in exponential]
    result = []
    for d in range(degree + 1):
        result.append((exponential[d] - sum(result[c] * sums[d - c] for c in range(d))) / sums[0])
    return result


def taylor_reference(order, arguments):
    """The series by another route: Taylor coefficients along rays, and quadrature that is exact for polynomials."""

    def integrand(a, b, s, t):
        left, right = softmax_taylor(a, 2 * order), softmax_taylor(b, 2 * order)
        pairs = [(c, d) for c in range(2 * order + 1) for d in range(2 * order + 1 - c)]
        return sum(np.einsum("ni,nj,ij->n", left[c], right[d], arguments[3]) for c, d in pairs)

    return table(arguments, integrand, order + 1)


def two_sequences(seed, length, n_first=2, n_second=3, scale=1.0):
    """Arguments with S = 2 and T = 3 rows, cut out of joint kernels of two different sequences."""
    rng = np.random.default_rng(seed)
    rows = random_kernel(rng, 2, max(n_first, n_second), 7, scale)
    keys = random_kernel(rng, 2, length, 2 * length + 1)
    first, second, pair, values, alpha, beta, gamma = series_arguments(rows, keys, rng.standard_normal(keys.shape))
    return first, second, pair, values, alpha[:n_first], beta[:n_second], gamma[:n_first, :n_second]


def close(actual, expected, tolerance=1e-11):
    scale = np.max(np.abs(expected))
    return np.shape(actual) == np.shape(expected) and np.allclose(actual, expected, rtol=0, atol=tolerance * scale)


# ----------------------------------------------------------------------------- the series
@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6), st.integers(0, 3), st.integers(2, 3))
def test_series_is_the_taylor_expansion(seed, order, length):
    arguments = two_sequences(seed, length)
    assert close(softmax_series(order, *arguments), taylor_reference(order, arguments), 1e-9)


@pytest.mark.parametrize(("order", "length"), [(4, 2), (5, 2), (4, 3), (5, 3), (3, 4), (5, 4)])
def test_series_of_higher_orders_is_the_taylor_expansion(order, length):
    arguments = two_sequences(5, length, 1, 2)
    assert close(softmax_series(order, *arguments), taylor_reference(order, arguments), 1e-10)


def test_orders_zero_and_one_by_hand():
    first, second, pair, values, alpha, beta, gamma = arguments = two_sequences(1, 5)
    assert close(softmax_series(0, *arguments), np.full((2, 3), values.mean()))
    centring = np.eye(5) - 1 / 5
    variances = [np.diag(centring @ kernel @ centring) for kernel in (first, second)]
    covariance = centring @ pair @ centring
    expected = (
        values.mean()
        + gamma * (values * covariance).mean()
        + alpha[:, None] / 2 * (values.mean(1) @ (variances[0] - variances[0].mean())) / 5
        + beta[None, :] / 2 * (values.mean(0) @ (variances[1] - variances[1].mean())) / 5
    )
    assert close(softmax_series(1, *arguments), expected)


@pytest.mark.parametrize("order", range(5))
def test_error_is_of_the_next_order_in_the_variance(order):
    first, second, pair, values, alpha, beta, gamma = two_sequences(2, 2, 1, 1)
    errors = []
    for scale in (0.04, 0.02):
        scaled = (first, second, pair, values, scale * alpha, scale * beta, scale * gamma)
        errors.append(np.abs(softmax_series(order, *scaled) - quadrature(scaled, 40)).item())
    assert errors[0] > 1e-13
    assert abs(np.log2(errors[0] / errors[1]) - (order + 1)) < 0.25


def test_graphs_are_merged():
    assert tuple(len(series_module._graphs(n)) for n in range(6)) == GRAPHS_WITH_EXACTLY
    assert sum(len(terms) for _, terms in series_module._plan(5)) == sum(GRAPHS_WITH_EXACTLY) == 3786


def test_coefficients_add_up_exactly():
    # All sites at one standard normal z turn 1 + (monomials with a power of a_i) into 1 + (e^z - 1) / (e^z - z).
    z = sympy.Symbol("z")
    one_side = 1 + (sympy.exp(z) - 1) / (sympy.exp(z) - z)
    polynomial = sympy.Poly(sympy.series(one_side**2, z, 0, 11).removeO(), z)
    for n_edges in range(6):
        coefficients = series_module._graphs(n_edges).values()
        assert all(type(coefficient) is Fraction for coefficient in coefficients)
        expected = polynomial.coeff_monomial(z ** (2 * n_edges)) * sympy.factorial2(2 * n_edges - 1)
        total = sum(coefficients)
        assert sympy.Rational(total.numerator, total.denominator) == expected


def parts_of(expression):
    """All expressions inside a nested tuple, itself included."""
    yield expression
    for part in expression:
        if isinstance(part, tuple):
            yield from parts_of(part)


def test_numbers_of_matrix_products_and_of_fixed_keys():
    def is_of_pairs(expression):
        kinds = {part[1] for part in parts_of(expression) if part[:1] in (("kernel",), ("diagonal",))}
        return "xy" in kinds or len(kinds) == 2

    products, averages = [], []
    for order in range(6):
        parts = set(parts_of(series_module._plan(order)))
        products.append(sum(part[:1] == ("chain",) and is_of_pairs(part) for part in parts))
        averages.append([part for part in parts if part[:1] == ("average",)])
    assert products == [0, 0, 2, 13, 74, 454]
    assert list(map(len, averages)) == [0, 0, 0, 0, 0, 3]
    for average in averages[5]:  # one fixed key at a time, of a dummy joined once to each of three sites
        fixed = [part for part in parts_of(average[1]) if part[:1] == ("fixed",)]
        assert average[1] not in averages[5] and len(fixed) == 3


@pytest.mark.parametrize("order", range(6))
def test_leading_axes_broadcast(order, monkeypatch):
    rng = np.random.default_rng(order)
    rows, keys = random_kernel(rng, 5, 2, 6), random_kernel(rng, 5, 3, 8)
    values = rng.standard_normal((2, *keys.shape))
    x, y = [0, 1], [2, 3, 4]
    pairs = np.ix_(x, y)
    own_keys, own_rows = np.einsum("xixj->xij", keys[0]), np.einsum("xsxs->xs", rows[0])
    pair_keys, pair_rows = keys[0].transpose(0, 2, 1, 3)[pairs], rows[0].transpose(0, 2, 1, 3)[pairs]
    stacked = values[:, 0].transpose(0, 1, 3, 2, 4)[:, pairs[0], pairs[1]]
    arguments = (own_keys[x, None], own_keys[y], pair_keys, stacked, own_rows[x, None], own_rows[None, y], pair_rows)
    expected = [[[softmax_series(order, *series_arguments(rows, keys, w, a, b)) for b in y] for a in x] for w in values]
    assert close(softmax_series(order, *arguments), expected)
    monkeypatch.setattr(series_module, "CHUNK_ENTRIES", 20)
    assert close(softmax_series(order, *arguments), expected)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.integers(0, 4), st.integers(2, 5))
def test_symmetries_of_the_series(seed, order, length):
    rng = np.random.default_rng(seed)
    first, second, pair, values, alpha, beta, gamma = arguments = two_sequences(seed, length)
    expected = softmax_series(order, *arguments)
    swapped = softmax_series(order, second, first, pair.T, values.T, beta, alpha, gamma.T)
    assert close(swapped.T, expected, 1e-9)
    g, h = rng.permutation(length), rng.permutation(length)
    permuted = first[np.ix_(g, g)], second[np.ix_(h, h)], pair[np.ix_(g, h)], values[np.ix_(g, h)]
    assert close(softmax_series(order, *permuted, alpha, beta, gamma), expected, 1e-9)
    shift, other = rng.standard_normal((2, length))
    shifted = (first + shift + shift[:, None], second + other + other[:, None], pair + other + shift[:, None])
    assert close(softmax_series(order, *shifted, values, alpha, beta, gamma), expected, 1e-7)
    constant = softmax_series(order, first, second, pair, np.full_like(values, 2.5), alpha, beta, gamma)
    assert close(constant, np.full((2, 3), 2.5))


@pytest.mark.parametrize("order", range(6))
def test_series_tangent_is_the_derivative_of_the_series(order):
    rng = np.random.default_rng(order)
    first, second, pair, values, alpha, beta, gamma = arguments = two_sequences(order, 4)
    pair_dot, gamma_dot = rng.standard_normal(pair.shape), rng.standard_normal(gamma.shape)

    def moved(step):
        moved_pair, moved_gamma = pair + step * pair_dot, gamma + step * gamma_dot
        return softmax_series(order, first, second, moved_pair, values, alpha, beta, moved_gamma)

    steps = np.arange(1, 7) * 0.1  # enough symmetric steps to differentiate a polynomial of degree 11 exactly
    weights = np.linalg.solve(np.vander(steps, 6, increasing=True).T ** 2 * 1.0, np.eye(6)[0])
    differences = [(moved(step) - moved(-step)) / (2 * step) for step in steps]
    derivative = sum(weight * difference for weight, difference in zip(weights, differences))
    tangent = softmax_series_tangent(order, *arguments, pair_dot, gamma_dot)
    assert tangent.dtype == float
    assert np.allclose(tangent, derivative, rtol=0, atol=1e-6 * max(1.0, np.abs(derivative).max()))
    assert (np.abs(derivative).max() > 1e-3) == (order > 0)


def test_series_tangent_is_the_logit_tangent_at_small_variance():
    rng = np.random.default_rng(4)
    arguments = two_sequences(4, 3, 1, 2, scale=0.02)
    pair_dot, gamma_dot = rng.standard_normal((3, 3)), 0.02 * rng.standard_normal((1, 2))
    expected = quadrature_tangent(arguments, pair_dot, gamma_dot, 10)
    errors = [np.abs(softmax_series_tangent(k, *arguments, pair_dot, gamma_dot) - expected).max() for k in range(1, 6)]
    assert errors[0] > 1e-5 and errors[4] < 1e-8
    assert all(later < earlier / 4 for earlier, later in zip(errors, errors[1:]))


# ----------------------------------------------------------------------------- the sampler
def independent_batches(rows, keys, values, n_samples, n_batches, tangents=None):
    """The mean and its standard error of every output, from batches with generators of their own."""
    generators = np.random.default_rng(2024).spawn(n_batches)
    batches = [softmax_monte_carlo(rows, keys, values, n_samples, each, tangents=tangents) for each in generators]
    outputs = [np.stack(output) for output in (zip(*batches) if tangents else [batches])]
    return [(output.mean(0)[0], output.std(0, ddof=1)[0] / np.sqrt(n_batches)) for output in outputs]


def in_standard_errors(estimate, expected):
    mean, error = estimate
    return np.max(np.abs(mean - expected) / error)


def random_problem(seed, n_sequences, n_rows, length, scale):
    """Rows, keys, values that are not symmetric, and directions that are not symmetric."""
    rng = np.random.default_rng(seed)
    rows, keys = random_kernel(rng, n_sequences, n_rows, 5, scale), random_kernel(rng, n_sequences, length, 9)
    directions = rng.standard_normal(rows.shape), rng.standard_normal(keys.shape), rng.standard_normal(keys.shape)
    return rows, keys, rng.standard_normal(keys.shape), directions


@pytest.mark.parametrize(("length", "n_rows", "n_nodes"), [(2, 3, 40), (3, 2, 14)])
def test_sampler_agrees_with_quadrature(length, n_rows, n_nodes):
    rows, keys, values, directions = random_problem(3, 2, n_rows, length, 2.0)
    function, moved, tangent = independent_batches(rows, keys, values, 1500, 40, directions)
    for x, y in np.ndindex(2, 2):
        arguments = series_arguments(rows, keys, values, x, y)
        in_direction = series_arguments(rows, keys, directions[2], x, y)
        row_dot, key_dot = directions[0][0, x, :, y], directions[1][0, x, :, y]
        at = (x, slice(None), y)
        expected = quadrature(arguments, n_nodes)
        assert np.ptp(expected) > 10 * function[1][at].max()
        assert in_standard_errors([part[at] for part in function], expected) < 4
        assert in_standard_errors([part[at] for part in moved], quadrature(in_direction, n_nodes)) < 4
        expected = quadrature_tangent(arguments, key_dot, row_dot, n_nodes)
        assert np.ptp(expected) > 10 * tangent[1][at].max()
        assert in_standard_errors([part[at] for part in tangent], expected) < 4


def test_logit_tangent_is_the_derivative_in_the_cross_covariance():
    rows, keys, values, directions = random_problem(8, 2, 2, 2, 1.5)
    _, _, tangent = independent_batches(rows, keys, values, 1500, 40, directions)
    first, second, pair, weights, alpha, beta, gamma = series_arguments(rows, keys, values)
    row_dot, key_dot = directions[0][0, 0, :, 1], directions[1][0, 0, :, 1]

    def moved(step):
        return quadrature((first, second, pair + step * key_dot, weights, alpha, beta, gamma + step * row_dot), 40)

    derivative = (moved(1e-3) - moved(-1e-3)) / 2e-3
    assert in_standard_errors([part[0, :, 1] for part in tangent], derivative) < 4


def test_sampler_agrees_with_the_series_at_small_variance():
    rows, keys, values, directions = random_problem(5, 3, 2, 6, 0.05)
    function, _, tangent = independent_batches(rows, keys, values, 400, 40, directions)
    for x, y in [(0, 2), (2, 1), (1, 1)]:
        arguments, at = series_arguments(rows, keys, values, x, y), (x, slice(None), y)
        directed = (directions[1][0, x, :, y], directions[0][0, x, :, y])
        assert in_standard_errors([part[at] for part in function], softmax_series(4, *arguments)) < 4
        assert in_standard_errors([part[at] for part in tangent], softmax_series_tangent(4, *arguments, *directed)) < 4


@pytest.mark.parametrize("n_samples", [1, 7])
def test_gram_matrix_is_symmetric_and_positive_semidefinite(n_samples):
    rng = np.random.default_rng(n_samples)
    rows, keys, values = random_kernel(rng, 5, 3, 4), random_kernel(rng, 5, 4, 6, 9.0), random_kernel(rng, 5, 4, 2)
    gram = softmax_monte_carlo(rows, keys, values, n_samples, rng).reshape(15, 15)
    assert close(gram, gram.T, 1e-14)
    spectrum = np.linalg.eigvalsh(gram)
    assert spectrum[0] > -1e-13 * spectrum[-1]
    assert np.sum(spectrum > 1e-12 * spectrum[-1]) == min(2 * n_samples, 14, 15)


def test_zero_logits_average_the_values():
    rows, keys, values, directions = random_problem(1, 3, 2, 4, 1.0)
    generator = np.random.default_rng(0)
    function, moved, tangent = softmax_monte_carlo(0 * rows, keys, values, 3, generator, tangents=directions)
    blocks = values.transpose(0, 1, 3, 2, 4)
    assert close(function, np.broadcast_to(blocks.mean((3, 4))[:, :, None, :, None], function.shape))
    assert close(moved[0, 1, 0, 2, 1], directions[2][0, 1, :, 2].mean())
    centring = np.eye(4) - 1 / 4
    centred = centring @ keys.transpose(0, 1, 3, 2, 4) @ centring
    expected = directions[0] * (blocks * centred).mean((3, 4))[:, :, None, :, None]
    assert close(tangent, expected)


def test_attention_weights_add_up_at_huge_logits():
    rows, keys, values, _ = random_problem(2, 2, 3, 4, 1e8)
    result = softmax_monte_carlo(rows, keys, np.ones_like(values), 20, np.random.default_rng(0))
    assert close(result, np.ones((1, 2, 3, 2, 3)))


def test_result_does_not_depend_on_chunks_and_repeats(monkeypatch):
    rows, keys, values, directions = random_problem(6, 3, 2, 4, 1.0)

    def outputs(seed):
        return softmax_monte_carlo(rows, keys, values, 23, np.random.default_rng(seed), tangents=directions)

    expected, other = outputs(1), outputs(2)
    assert all(np.array_equal(a, b) for a, b in zip(outputs(1), expected))
    assert not any(close(a, b) for a, b in zip(other, expected))
    monkeypatch.setattr(softmax_sampling, "CHUNK_ENTRIES", 3 * 2 * 9 * 5)
    assert all(close(a, b) for a, b in zip(outputs(1), expected))
    alone = softmax_monte_carlo(rows, keys, values, 23, np.random.default_rng(1))
    assert close(alone, expected[0])


def test_groups_have_draws_of_their_own():
    problems = [random_problem(seed, 2, 3, 4, 1.0)[:3] for seed in (1, 1, 2)]
    joint = softmax_monte_carlo(*(np.concatenate(parts) for parts in zip(*problems)), 50, np.random.default_rng(0))
    assert joint.shape == (3, 2, 3, 2, 3)
    assert not close(joint[0], joint[1], 1e-3)
    generator = np.random.default_rng(0)
    assert close(joint, np.concatenate([softmax_monte_carlo(*problem, 50, generator) for problem in problems]))


def test_one_kernel_for_rows_and_keys_is_factored_once(monkeypatch):
    calls, factor = [], softmax_sampling._factor
    monkeypatch.setattr(softmax_sampling, "_factor", lambda kernel, name: calls.append(name) or factor(kernel, name))
    kernel = random_kernel(np.random.default_rng(3), 3, 4, 5)
    shared = softmax_monte_carlo(kernel, kernel, kernel, 30, np.random.default_rng(0))
    assert calls == ["rows"]
    assert close(shared, softmax_monte_carlo(kernel, kernel.copy(), kernel, 30, np.random.default_rng(0)))
    assert calls == ["rows", "rows", "keys"]


def test_factor_has_as_many_columns_as_the_rank():
    kernel = random_kernel(np.random.default_rng(3), 6, 5, 4, 100.0)[0]
    factor = softmax_sampling._factor(kernel, "rows")
    assert factor.shape == (6, 5, 4)
    assert close(np.einsum("aik,bjk->aibj", factor, factor), kernel)


# ----------------------------------------------------------------------------- errors
@pytest.mark.parametrize("order", [2.0, True, "2"])
@pytest.mark.parametrize("function", [softmax_series, softmax_series_tangent])
def test_order_must_be_an_integer(function, order):
    extra = () if function is softmax_series else (np.eye(2), np.ones((2, 3)))
    with pytest.raises(InvalidTypeError, match="order must be an integer"):
        function(order, *two_sequences(0, 2), *extra)


def test_order_must_not_be_negative():
    with pytest.raises(InvalidArgumentError, match="order must be at least 0, got -1"):
        softmax_series(-1, *two_sequences(0, 2))


def test_orders_of_too_many_graphs_are_refused():
    with pytest.raises(SizeLimitError, match="order must be at most 5, got 6.*softmax_monte_carlo"):
        softmax_series(6, *two_sequences(0, 2))


@pytest.mark.parametrize(
    ("index", "shape", "message"),
    [
        (0, (2,), r"first must have at least 2 axes, got \(2,\)"),
        (1, (3, 2), r"second must end in axes \(2, 2\), got \(3, 2\)"),
        (1, (3, 3), r"pair must end in axes \(2, 3\), got \(2, 2\)"),
        (2, (2, 3), r"pair must end in axes \(2, 2\), got \(2, 3\)"),
        (3, (3, 2), r"values must end in axes \(2, 2\), got \(3, 2\)"),
        (4, (), r"row_first must have at least 1 axes, got \(\)"),
        (6, (3, 2), r"row_pair must end in axes \(2, 3\), got \(3, 2\)"),
    ],
)
def test_shapes_of_the_series(index, shape, message):
    arguments = list(two_sequences(0, 2))
    arguments[index] = np.ones(shape)
    with pytest.raises(InvalidArgumentError, match=message):
        softmax_series(1, *arguments)


def test_leading_axes_must_broadcast():
    arguments = list(two_sequences(0, 2))
    arguments[0], arguments[3] = np.ones((4, 2, 2)), np.ones((3, 2, 2))
    with pytest.raises(InvalidArgumentError, match="leading axes of the kernels must broadcast"):
        softmax_series(1, *arguments)


@pytest.mark.parametrize(("name", "shapes"), [("pair_dot", ((2, 3), (2, 3))), ("row_pair_dot", ((2, 2), (3, 2)))])
def test_directions_of_the_series_tangent(name, shapes):
    with pytest.raises(InvalidArgumentError, match=f"^{name} must have the shape"):
        softmax_series_tangent(1, *two_sequences(0, 2), *map(np.ones, shapes))


def sample(**changes):
    rows, keys, values, _ = random_problem(0, 2, 3, 2, 1.0)
    arguments = dict(rows=rows, keys=keys, values=values, n_samples=2, generator=np.random.default_rng(0))
    return softmax_monte_carlo(**{**arguments, **changes})


def not_definite(distortion):
    kernel = random_kernel(np.random.default_rng(0), 2, 3, 9).reshape(6, 6)
    return (kernel + distortion).reshape(1, 2, 3, 2, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_samples": 0}, "n_samples must be at least 1, got 0"),
        ({"rows": np.ones((2, 3, 2, 3))}, r"rows must have shape \(g, N, S, N, S\)"),
        ({"rows": np.ones((1, 2, 3, 3, 2))}, r"rows must have shape \(g, N, S, N, S\)"),
        ({"rows": np.ones((1, 0, 3, 0, 3))}, "rows must have shape .* not empty"),
        ({"keys": np.ones((1, 3, 2, 3, 2))}, r"keys must start with axes \(1, 2\) of rows"),
        ({"values": np.ones((1, 2, 3, 2, 3))}, r"values must have shape \(1, 2, 2, 2, 2\)"),
        ({"tangents": [1, 2, 3]}, "tangents must be a tuple of three arrays"),
        ({"tangents": (1, 2)}, "tangents must be a tuple of three arrays"),
        ({"tangents": (0, np.ones((1, 2, 2, 2, 2)), 0)}, r"direction of rows must have shape \(1, 2, 3, 2, 3\)"),
        ({"rows": not_definite(-3 * np.eye(6))}, "rows must be symmetric, positive semidefinite"),
        ({"rows": not_definite(np.triu(np.ones((6, 6)), 1))}, "rows must be symmetric, positive semidefinite"),
        ({"rows": not_definite(np.diag([0, 0, np.nan, 0, 0, 0]))}, "rows must be symmetric, positive semidefinite"),
        ({"keys": -np.eye(4).reshape(1, 2, 2, 2, 2)}, "keys must be symmetric, positive semidefinite and finite"),
    ],
)
def test_arguments_of_the_sampler(changes, message):
    with pytest.raises(InvalidArgumentError, match=message):
        sample(**changes)


def test_number_of_samples_must_be_an_integer():
    with pytest.raises(InvalidTypeError, match="n_samples must be an integer, got 10.0"):
        sample(n_samples=10.0)


def test_generator_must_be_one_of_numpy():
    with pytest.raises(InvalidTypeError, match=r"generator must be a numpy.random.Generator, got 0"):
        sample(generator=0)
