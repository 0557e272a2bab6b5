"""Random tableaux are standard, reproducible and uniform."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from symrep.combinatorics.random_tableaux import random_standard_tableau
from symrep.combinatorics.tableaux import StandardTableau, standard_tableaux
from symrep.errors import InvalidPartitionError, InvalidTypeError


@pytest.mark.parametrize("shape", [(), (1,), (4,), (1, 1, 1), (4, 2, 1), (3, 3, 2), (9, 7, 7, 4, 1)])
def test_a_standard_tableau_of_the_shape(shape):
    tableau = random_standard_tableau(shape, np.random.default_rng(3))
    assert StandardTableau(tableau.rows) == tableau and tableau.shape.parts == shape


def test_reproducible():
    one, other = (random_standard_tableau((5, 3, 2), np.random.default_rng(7)) for _ in range(2))
    assert one == other
    assert len({random_standard_tableau((5, 3, 2), np.random.default_rng(seed)) for seed in range(20)}) > 15


@pytest.mark.parametrize("shape", [(3, 2), (3, 1, 1), (2, 2, 1), (4, 2)])
def test_uniform(shape):
    generator = np.random.default_rng(11)
    counts = Counter(random_standard_tableau(shape, generator) for _ in range(3000))
    everything = list(standard_tableaux(shape))
    assert set(counts) == set(everything)
    assert chisquare([counts[tableau] for tableau in everything]).pvalue > 1e-3


def test_errors():
    with pytest.raises(InvalidTypeError, match="generator must be a numpy.random.Generator, got 5"):
        random_standard_tableau((2, 1), 5)
    with pytest.raises(InvalidPartitionError, match="shape is not a partition"):
        random_standard_tableau((1, 2), np.random.default_rng(0))
