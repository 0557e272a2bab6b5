"""What is learned from any training set: the bound against regression on sets that are far from symmetric."""

from itertools import product

import numpy as np
import pytest

from symrep import kernels, learning, measures, spectrum
from symrep.errors import InvalidArgumentError

NET = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
MEASURE = measures.iid(["1/3", "2/3"])
SPEC = spectrum(NET, MEASURE, 6)
X = np.array(list(product(range(2), repeat=6)))
Q = np.array([float(MEASURE.probability(row)) for row in X.tolist()])
TARGETS = ("S", "sigma_2 - S/L", "(sigma_1 - S/L) * S", "sigma_1 * sigma_2")


def overlap(target, sequences, labels, ridge):
    g = learning.target(target)(X, 2)
    weights = np.linalg.solve(NET.nngp(sequences) + ridge * np.eye(len(sequences)), labels)
    return abs(Q * g @ NET.nngp(X, sequences) @ weights) / (Q @ g**2)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("ridge", [0.01, 1.0, 100.0])
def test_no_training_set_exceeds_the_bound(target, ridge):
    source = np.random.default_rng(3)
    chain = measures.lazy_chain("1/5", ["1/2", "1/2"])
    for sequences in (chain.sample(source, 12, 6), np.tile(X[5], (4, 1)), X[:7]):
        labels = source.normal(size=len(sequences))
        bound = learning.overlap_bound(SPEC, target, sequences, labels, ridge)
        assert overlap(target, sequences, labels, ridge) <= bound * (1 + 1e-9)


@pytest.mark.parametrize("target", TARGETS[:3])
def test_the_bound_is_reached_by_the_worst_labels_at_large_ridge(target):
    sequences = measures.lazy_chain("1/5", ["1/2", "1/2"]).sample(np.random.default_rng(4), 9, 6)
    labels = NET.nngp(sequences, X) @ (Q * learning.target(target)(X, 2))
    bound = learning.overlap_bound(SPEC, target, sequences, labels, 1e9)
    assert overlap(target, sequences, labels, 1e9) == pytest.approx(bound, rel=1e-6)


def test_an_eigenfunction_has_the_bound_of_its_eigenvalue():
    target = learning.decompose(spectrum(NET, measures.iid_uniform(2), 6), "sigma_2 - S/L")
    (eigenvalue,) = target.eigenvalues
    phi = learning.target("sigma_2 - S/L")(X[:9], 2)
    spec = spectrum(NET, measures.iid_uniform(2), 6)
    expected = eigenvalue * 9 / 0.5 * np.sqrt(np.mean(phi**2)) * 2.0 / target.norm
    assert learning.overlap_bound(spec, target, X[:9], np.full(9, 2.0), 0.5) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("labels", "ridge", "sequences", "measure", "message"),
    [
        ([1.0, 2.0], 0, X[:2], MEASURE, "ridge must be one positive number, got 0"),
        ([1.0], 1, X[:2], MEASURE, "labels must be 2 numbers, one for every sequence"),
        ([1.0, 2.0], 1, X[[0, 1]], measures.urn([5, 5]), "sequences must have a probability under the reference"),
    ],
)
def test_errors(labels, ridge, sequences, measure, message):
    with pytest.raises(InvalidArgumentError, match=message):
        learning.overlap_bound(spectrum(NET, measure, 6), "S", sequences, labels, ridge)
