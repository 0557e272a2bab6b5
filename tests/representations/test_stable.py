"""Padded shapes: dimensions and characters as polynomials, against the hook formula and Murnaghan-Nakayama at every degree."""

import pytest
import sympy

from symrep.combinatorics.partitions import Partition, partitions
from symrep.errors import InvalidArgumentError, InvalidPartitionError, InvalidTypeError
from symrep.representations.characters import character
from symrep.representations.stable import PaddedShape, character_polynomial, stable_dimension

LOWERS = [lower for size in range(5) for lower in partitions(size)]


@pytest.mark.parametrize("lower", LOWERS, ids=str)
def test_dimensions_are_those_of_the_hook_formula(lower):
    shape = PaddedShape(lower)
    polynomial = sympy.Poly(shape.dimension, shape.degree)
    assert polynomial.degree() == lower.size
    assert polynomial.LC() == sympy.Rational(lower.dimension, sympy.factorial(lower.size))
    for n in range(shape.minimum_degree, shape.minimum_degree + 6):
        assert stable_dimension(lower, n) == polynomial.eval(n) == shape.at(n).dimension


@pytest.mark.parametrize("lower", LOWERS, ids=str)
def test_characters_at_every_cycle_type(lower):
    polynomial = character_polynomial(lower)
    first = PaddedShape(lower).minimum_degree
    for n in range(first, max(first, 1) + 4):
        for cycle_type in partitions(n):
            counts = {s: cycle_type.parts.count(int(s.name[2:])) for s in polynomial.free_symbols}
            assert polynomial.subs(counts) == character(PaddedShape(lower).at(n), cycle_type)


def test_the_dimension_vanishes_one_step_below_the_range():
    """What lets closed forms hold one length earlier than their deepest shapes exist."""
    assert all(stable_dimension(lower, PaddedShape(lower).minimum_degree - 1) == 0 for lower in LOWERS if lower.size)


def test_at_and_labels():
    shape = PaddedShape((2, 1))
    assert shape.minimum_degree == 5 and shape.at(5) == Partition((2, 2, 1)) and not shape.exists(4)
    assert str(shape) == "(L-3,2,1)" and shape._repr_latex_() == "$(L - 3,2,1)$"
    assert PaddedShape(()).at(0) == Partition(()) and str(PaddedShape((), "V")) == "(V)"


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (lambda: PaddedShape((1, 2)), InvalidPartitionError, "lower is not a partition"),
        (lambda: PaddedShape((2,)).at(3), InvalidPartitionError, r"n must be at least 4 for \(L-2,2\), got 3"),
        (lambda: PaddedShape((2,)).exists("a"), InvalidTypeError, "n must be an integer, got 'a'"),
        (
            lambda: stable_dimension((1,), "__import__('os')"),
            InvalidTypeError,
            "n must be an integer, a name or an expression",
        ),
        (lambda: stable_dimension((1,), -1), InvalidArgumentError, "n must be at least 0, got -1"),
        (lambda: stable_dimension((1,), 2.5), InvalidTypeError, "n must be an integer, got 2.5"),
        (lambda: stable_dimension((1,), None), InvalidTypeError, "n must be an integer, got None"),
        (lambda: character_polynomial((1, 2)), InvalidPartitionError, "mu is not a partition"),
    ],
)
def test_errors(action, error, message):
    with pytest.raises(error, match=message):
        action()
