"""Covariance matrices of tokens and of positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

from symrep.errors import InvalidArgumentError, InvalidTypeError, require, shown
from symrep.kernels.parameters import as_coefficient, as_float

Covariance = tuple[tuple[sympy.Expr, ...], ...]
_RELATIVE_ROUNDING = 1e-10


def as_covariance(value: Any, argument: str) -> Covariance:
    """A symmetric positive semidefinite matrix of numbers as nested tuples of exact numbers.

    >>> as_covariance([[2, "1/2"], ["1/2", 1]], "covariance")
    ((2, 1/2), (1/2, 1))
    """
    rows = value.tolist() if isinstance(value, np.ndarray | sympy.MatrixBase) else value
    try:
        entries = tuple(tuple(as_coefficient(entry, argument) for entry in row) for row in rows)
    except InvalidTypeError:
        raise
    except TypeError:
        raise InvalidArgumentError(f"{argument} must be a square matrix, got {shown(value)}") from None
    square = len(entries) > 0 and all(len(row) == len(entries) for row in entries)
    require(square, argument, "must be a square matrix", value)
    require(entries == tuple(zip(*entries)), argument, "must be symmetric", value)
    eigenvalues = np.linalg.eigvalsh(as_covariance_array(entries, argument))
    positive = eigenvalues[0] >= -_RELATIVE_ROUNDING * abs(eigenvalues[-1])
    require(bool(positive), argument, "must be positive semidefinite", value)
    return entries


def as_covariance_array(covariance: Covariance, argument: str) -> np.ndarray:
    """A covariance as an array of float64."""
    return np.array([[as_float(entry, argument) for entry in row] for row in covariance])


def gaussian_covariance(length: int, length_scale: float, other_length: int | None = None) -> np.ndarray:
    r"""The matrix (L, L'), or (L, L), :math:`e^{-(s-t)^2 / (2 \ell^2)}`.

    >>> gaussian_covariance(3, 1.0).round(4)[0]
    array([1.    , 0.6065, 0.1353])
    """
    positions, others = np.arange(length), np.arange(length if other_length is None else other_length)
    with np.errstate(over="ignore"):  # a distance of very many length scales: the covariance is 0
        distances = (positions[:, None] - others[None, :]) / length_scale
        return np.exp(-(distances**2) / 2)
