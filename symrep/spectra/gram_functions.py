"""Kernels as functions of two arrays of sequences that give Gram matrices: every result is checked, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from symrep.errors import InvalidArgumentError, InvalidTypeError, require, shown
from symrep.kernels import Network

GramFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


def gram_function(kernel: Any) -> GramFunction:
    """A network (its NNGP kernel) or a function as a function whose every result is checked.

    Raises
    ------
    InvalidTypeError
        At once when it is neither; on a call when values are not real.
    InvalidArgumentError
        On a call when the result has another shape than (len(x), len(y)), or a value that is not finite.

    Examples
    --------
    >>> gram_function(lambda x, y: np.ones((1, 2)))(np.zeros((1, 3), int), np.zeros((1, 3), int))
    Traceback (most recent call last):
    ...
    symrep.errors.InvalidArgumentError: kernel(X, Y) must have shape (1, 1), got (1, 2)
    """
    if isinstance(kernel, Network):
        # equal arguments take the route that computes half of a symmetric matrix
        def evaluate(x: np.ndarray, y: np.ndarray) -> np.ndarray:
            return kernel.nngp(x) if x is y else kernel.nngp(x, y)

    elif callable(kernel):
        evaluate = kernel
    else:
        raise InvalidTypeError(f"kernel must be a network or a function of two arrays, got {shown(kernel)}")

    def gram_of(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        gram = real_array(evaluate(x, y), "kernel(X, Y)")
        expected = (len(x), len(y))
        require(gram.shape == expected, "kernel(X, Y)", f"must have shape {expected}", gram.shape)
        require_finite(gram, x, y)
        return gram

    return gram_of


def real_array(value: Any, argument: str) -> np.ndarray:
    """An array of real numbers as float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise InvalidTypeError(f"{argument} must be an array of real numbers, got dtype {array.dtype}")
    return array.astype(np.float64, copy=False)


def require_finite(gram: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Raise InvalidArgumentError naming a pair of sequences whose kernel is not a finite number."""
    if not np.isfinite(gram).all():
        i, j = np.argwhere(~np.isfinite(gram))[0]
        raise InvalidArgumentError(f"kernel must be finite, got K(x, y) = {gram[i, j]} at {shown_pair(x[i], y[j])}")


def shown_pair(x: np.ndarray, y: np.ndarray) -> str:
    """Two sequences as text in a message."""
    return f"x = {shown(tuple(x.tolist()))}, y = {shown(tuple(y.tolist()))}"
