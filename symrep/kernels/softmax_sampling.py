r"""Softmax attention with Gaussian logits, by sampling the logits from their exact joint distribution.

The logits of N sequences are centred Gaussians with
:math:`\mathrm{Cov}(A_{si}(x), A_{tj}(y)) = Q_{st}(x, y) M_{ij}(x, y)`, for rows s, t and keys i, j. With factors
:math:`Q = C_Q C_Q^T` and :math:`M = C_M C_M^T` over the stacked positions of all sequences, one matrix Z of independent
standard normals gives all logits at once,

.. math:: A(x) = C_Q(x)\, Z\, C_M(x)^T .

So an estimate of a Gram matrix is a mean of Gram matrices: symmetric and positive semidefinite when W is, at any number
of samples. The factors have as many columns as the kernels have rank, which is often far below the number of positions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg.lapack import dpstrf

from symrep.errors import InvalidTypeError, require, require_integer

RANK_TOLERANCE = 1e-10
FACTOR_TOLERANCE = 1e-6
CHUNK_ENTRIES = 2**17


def softmax_monte_carlo(
    rows: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    n_samples: int,
    generator: np.random.Generator,
    *,
    tangents: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Estimate :math:`F_{st}(x, y) = \sum_{ij} E[\zeta(A_{s\cdot}(x))_i\, \zeta(A_{t\cdot}(y))_j]\, W_{ij}(x, y)`.

    Here :math:`\zeta` is the softmax over the keys of a row. There are g groups of N sequences each, with draws of
    their own: one group for a Gram matrix of N sequences, or many groups of two for many pairs.

    Parameters
    ----------
    rows : Q, shape (g, N, S, N, S), positive semidefinite per group
    keys : M, shape (g, N, L, N, L), positive semidefinite per group; factored once if it is the same object as ``rows``
    values : W, the kernel between the values at the keys, shape (g, N, L, N, L); any numbers
    n_samples : number of joint draws of the logits, at least 1
    generator : the source of randomness; the result depends on its state and the arguments only
    tangents : directions (of rows, of keys, of values), each of the shape of its kernel

    Returns
    -------
    numpy.ndarray or tuple
        F of shape (g, N, S, N, S); with ``tangents`` the triple (F, F with W replaced by its direction, logit tangent).
        The logit tangent is the derivative of F when only the cross covariance of the two rows moves; by Price's
        theorem, :math:`\sum_{ijkl} E[\partial_k\zeta_i\, \partial_l\zeta_j]\, D_{kl} W_{ij}` with
        :math:`D = \dot Q_{st} M + Q_{st} \dot M`. It is the same expression for every pair (x, s), (y, t), equal ones
        too.

    Raises
    ------
    InvalidTypeError : the number of samples is no integer or the generator is not a numpy Generator
    InvalidArgumentError : shapes do not fit, or Q or M is not symmetric and positive semidefinite

    Notes
    -----
    Cost per sample and group: O(N^2 S L (S + L)) products, about ten times the time with tangents, and
    O(N S rank(M) (rank(Q) + L)) for the logits. The standard error falls as one over the root of ``n_samples``.

    Examples
    --------
    >>> kernel = np.eye(2).reshape(1, 1, 2, 1, 2)
    >>> estimate = softmax_monte_carlo(kernel, kernel, kernel, 20000, np.random.default_rng(1))
    >>> estimate.shape, bool(0.5 < estimate[0, 0, 0, 0, 0] < 1)
    ((1, 1, 2, 1, 2), True)
    """
    n_samples = require_integer(n_samples, "n_samples", minimum=1)
    if not isinstance(generator, np.random.Generator):
        raise InvalidTypeError(f"generator must be a numpy.random.Generator, got {generator!r}")
    same = rows is keys
    rows = _checked_kernel(rows, "rows")
    keys = rows if same else _checked_kernel(keys, "keys")
    require(keys.shape[:2] == rows.shape[:2], "keys", f"must start with axes {rows.shape[:2]} of rows", keys.shape)
    values = _of_shape(values, "values", keys.shape)
    directions: list[np.ndarray] = []
    if tangents is not None:
        is_triple = isinstance(tangents, tuple) and len(tangents) == 3
        require(is_triple, "tangents", "must be a tuple of three arrays", type(tangents))
        names = ("direction of rows", "direction of keys", "direction of values")
        shapes = (rows.shape, keys.shape, keys.shape)
        directions = [_of_shape(array, name, shape) for array, name, shape in zip(tangents, names, shapes)]
    results = []
    for group in range(len(rows)):
        row_factor = _factor(rows[group], "rows")
        key_factor = row_factor if same else _factor(keys[group], "keys")
        operands = [array[group].transpose(0, 2, 1, 3) for array in (rows, keys, values, *directions)]
        results.append(_mean_over_samples(row_factor, key_factor, operands, n_samples, generator))
    outputs = [np.stack(output) for output in zip(*results)]
    return outputs[0] if tangents is None else tuple(outputs)


def _checked_kernel(kernel: Any, argument: str) -> np.ndarray:
    kernel = np.asarray(kernel, dtype=float)
    is_square = kernel.ndim == 5 and kernel.shape[1:3] == kernel.shape[3:5]
    require(is_square and kernel.size > 0, argument, "must have shape (g, N, S, N, S) and be not empty", kernel.shape)
    return kernel


def _of_shape(array: Any, argument: str, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(array, dtype=float)
    require(array.shape == shape, argument, f"must have shape {shape}", array.shape)
    return array


def _factor(kernel: np.ndarray, argument: str) -> np.ndarray:
    """A factor of shape (N, S, rank) of a positive semidefinite kernel (N, S, N, S), by pivoted Cholesky."""
    n_sequences, n_positions = kernel.shape[:2]
    matrix = kernel.reshape(n_sequences * n_positions, -1)
    scale = np.max(np.abs(matrix))
    triangle, pivots, rank, _ = dpstrf(matrix, tol=RANK_TOLERANCE * scale, lower=1)
    factor = np.empty((len(matrix), rank))
    factor[pivots - 1] = np.tril(triangle)[:, :rank]
    distance = np.max(np.abs(factor @ factor.T - matrix))
    require(
        bool(distance <= FACTOR_TOLERANCE * scale),
        argument,
        "must be symmetric, positive semidefinite and finite",
        f"a kernel at distance {distance:.1e} from its factorization, with entries up to {scale:.1e}",
    )
    return factor.reshape(n_sequences, n_positions, rank)


def _mean_over_samples(
    row_factor: np.ndarray,
    key_factor: np.ndarray,
    operands: list[np.ndarray],
    n_samples: int,
    generator: np.random.Generator,
) -> list[np.ndarray]:
    """The means of the sampled kernels of one group, over chunks of samples that bound the memory.

    The operands are rows, keys, values and perhaps their directions, as blocks (N, N, S, S) or (N, N, L, L) per pair.
    """
    n_sequences, n_rows, _ = row_factor.shape
    step = max(1, CHUNK_ENTRIES // (n_sequences * n_rows * max(key_factor.shape[1:])))
    totals = [np.zeros((n_sequences, n_rows) * 2) for _ in range(1 if len(operands) == 3 else 3)]
    for start in range(0, n_samples, step):
        attention = _attention(row_factor, key_factor, min(step, n_samples - start), generator)
        for first in range(n_sequences):
            if len(operands) == 3:
                contributions = [_weighted(attention[first], operands[2][first], attention)]
            else:
                contributions = _with_tangents(first, attention, *operands)
            for total, contribution in zip(totals, contributions):
                total[first] += contribution.transpose(1, 0, 2)
    return [total / n_samples for total in totals]


def _attention(
    row_factor: np.ndarray, key_factor: np.ndarray, n_draws: int, generator: np.random.Generator
) -> np.ndarray:
    """Joint draws of the attention weights of all sequences, shape (N, S, n_draws, L).

    Draws stand next to keys so that a sum over both is a single product of matrices.
    """
    n_sequences, n_rows, row_rank = row_factor.shape
    key_rank = key_factor.shape[2]
    normals = generator.standard_normal((n_draws, row_rank, key_rank)).transpose(1, 0, 2)
    stacked = row_factor.reshape(n_sequences * n_rows, row_rank) @ normals.reshape(row_rank, n_draws * key_rank)
    logits = stacked.reshape(n_sequences, n_rows * n_draws, key_rank) @ key_factor.transpose(0, 2, 1)
    logits -= logits.max(-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(-1, keepdims=True)
    return logits.reshape(n_sequences, n_rows, n_draws, -1)


def _applied(attention: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Attention weights (..., S, n, L) times kernels between keys (N, L, L), shape (N, S, n, L)."""
    flat = attention.reshape(*attention.shape[:-3], -1, attention.shape[-1])
    return (flat @ kernel).reshape(-1, *attention.shape[-3:])


def _contracted(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The sum over draws and keys, (..., S, n, L) with (..., T, n, L) to (..., S, T)."""
    left, right = (array.reshape(*array.shape[:-2], -1) for array in (left, right))
    return left @ np.swapaxes(right, -1, -2)


def _per_draw(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The sum over keys alone, (N, S, n, L) with (N, T, n, L) to (N, n, S, T)."""
    return left.transpose(0, 2, 1, 3) @ right.transpose(0, 2, 3, 1)


def _weighted(attention_first: np.ndarray, kernel: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """The sum over draws of zeta(x) W zeta(y)^T, for one x and all y: (N, S, S) from W(x, .) of shape (N, L, L)."""
    return _contracted(_applied(attention_first, kernel), attention)


def _with_tangents(
    first: int,
    attention: np.ndarray,
    rows: np.ndarray,
    keys: np.ndarray,
    values: np.ndarray,
    row_dot: np.ndarray,
    key_dot: np.ndarray,
    value_dot: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Sums over draws for one x and all y, of F, of F with the direction of W, and of the logit tangent.

    With the Jacobian :math:`\zeta_i(\delta_{ik} - \zeta_k)` of softmax on both sides and D = Q' M or Q M', the logit
    tangent is :math:`\zeta^T (W \circ D) \zeta' - \zeta^T (W\zeta' \circ D\zeta')
    - (\zeta^T W \circ \zeta^T D)\, \zeta' + (\zeta^T W \zeta')(\zeta^T D \zeta')`,
    where :math:`\circ` is the entrywise product.
    """
    here = attention[first]
    weights = values[first]
    left = _applied(here, weights)
    right = _applied(attention, np.swapaxes(weights, -1, -2))
    outputs = _per_draw(left, attention)
    logit_tangent = np.zeros(outputs.shape[:1] + outputs.shape[2:])
    for row_kernel, key_kernel in ((row_dot, keys), (rows, key_dot)):
        kernel = key_kernel[first]
        left_moved = _applied(here, kernel)
        tangent = _contracted(_applied(here, weights * kernel) - left * left_moved, attention)
        tangent -= _contracted(here, right * _applied(attention, np.swapaxes(kernel, -1, -2)))
        tangent += (outputs * _per_draw(left_moved, attention)).sum(1)
        logit_tangent += row_kernel[first] * tangent
    return outputs.sum(1), _weighted(here, value_dot[first], attention), logit_tangent
