"""The table of nonlinear blocks at finite lengths against the operator on functions that name three positions."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, log2
from typing import Any

import numpy as np

from symrep.comparison import Comparison, Deviations
from symrep.kernels import NONLINEAR_ARCHITECTURES, architecture
from symrep.learning.invariant_operator import operator_matrix
from symrep.learning.invariant_space import InvariantSpace
from symrep.measures import iid_uniform
from symrep.tables import FINITE_DEPTHS, FINITE_LENGTHS

_HALF_A_DIGIT = 0.5001


def verify_finite_lengths(rows: list[dict[str, Any]]) -> Iterator[Comparison]:
    """Every eigenvalue and exponent of the table, which has three digits of them."""
    deviations = Deviations()
    expected = [(name, length) for name in NONLINEAR_ARCHITECTURES for length in FINITE_LENGTHS]
    deviations.add("rows", 0.0 if [(row["architecture"], row["length"]) for row in rows] == expected else inf, 0.0)
    before: dict[int, float] = {}
    for row in rows:
        own = _largest_eigenvalues(row["architecture"], int(row["length"]))
        for k in FINITE_DEPTHS:
            deviations.add("eigenvalue", *_printed(row[f"eigenvalue_{k}"], own[k]))
            if row[f"exponent_{k}"] is not None:
                deviations.add("exponent", *_printed(row[f"exponent_{k}"], log2(before[k] / own[k])))
        before = own
    return deviations.comparisons(lambda q: "finite-length", "functions of three tokens and counts")


def _printed(entry: float, value: float) -> tuple[float, float]:
    """Both as the printed number where they differ by no more than it was rounded."""
    digit = 10.0 ** (np.floor(np.log10(abs(value))) - 2)
    return (entry, entry) if abs(entry - value) <= _HALF_A_DIGIT * digit else (entry, value)


def _largest_eigenvalues(name: str, length: int) -> dict[int, float]:
    net = architecture(name, token_variance=1, position_variance=1)
    space = InvariantSpace(2, length, max(FINITE_DEPTHS), iid_uniform(2))
    matrix = operator_matrix(net, space)
    found = {}
    for shape, basis in space.sectors:
        depth = sum(shape.parts[1:])
        if depth not in found:
            found[depth] = float(np.linalg.eigvalsh(basis.T @ (basis.T @ matrix).T)[-1])
    return found
