"""Sums of nonnegative numbers of any size: arrays of float64 mantissas with exponents of two beside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

FAR_BELOW = -(2**30)


def scaled_sum(terms: Iterable[tuple[np.ndarray, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """The entrywise sum of arrays of numbers at least 0, given as mantissas times powers of two, with both in one form.

    Mantissas of the result are 0 or in [1/2, 1), so that sums of numbers of any size neither overflow nor underflow.

    >>> mantissas, exponents = scaled_sum([(np.array([0.75, 0.0]), -5000), (np.array([0.75, 1.0]), -5000)])
    >>> mantissas.tolist(), exponents.tolist()
    ([0.75, 0.5], [-4999, -4999])
    """
    total, power = None, None
    for mantissas, exponents in terms:
        exponents = np.where(mantissas > 0, exponents, FAR_BELOW)
        if total is not None:
            largest = np.maximum(exponents, power)
            mantissas = np.ldexp(mantissas, exponents - largest) + np.ldexp(total, power - largest)
            exponents = largest
        total, shift = np.frexp(mantissas)
        power = np.where(total > 0, exponents + shift, FAR_BELOW)
    return total, power
