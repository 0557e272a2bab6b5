r"""Bounds on what is learned from any training set, whatever it was drawn from.

The reference measure q is symmetric under permutations, the training set x_1, ..., x_P is anything: text, say. The
prediction is :math:`\hat f = \sum_\mu K(\cdot, x_\mu) \alpha_\mu` with :math:`\alpha = (K(X,X) + \delta)^{-1} y`, so that
:math:`|\alpha| \le |y| / \delta`. With a target :math:`g = \sum_i g_i \phi_i` and
:math:`K g = \sum_i \lambda_i g_i \phi_i`,

.. math:: |\langle g, \hat f \rangle_q| = \Big|\sum_\mu (K g)(x_\mu)\, \alpha_\mu\Big|
    \le \frac{P}{\delta}\, \operatorname{rms}_\mu (K g)(x_\mu)\, \operatorname{rms}_\mu y_\mu .

For one eigenfunction this is :math:`(\lambda P/\delta)\, \phi_{rms}\, y_{rms}`: what has a small eigenvalue under the
symmetric measure is not learned from few samples of any other (after Lavie and Ringel, 2024).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symrep.errors import require
from symrep.kernels.sequences import as_sequences
from symrep.learning.decomposition import decomposed
from symrep.learning.kappa import as_numbers


def overlap_bound(spec: Any, target: Any, sequences: Any, labels: Any, ridge: Any) -> float:
    r"""The largest :math:`|\langle g, \hat f\rangle_q| / \langle g, g\rangle_q` that a training set allows.

    Below a learnability one cares about, the target is not learned from this training set, whatever the labels'
    relation to it.

    Parameters
    ----------
    spec
        A spectrum with numbers; its measure is the symmetric reference.
    target
        As for :func:`symrep.learning.target`, or its decomposition.
    sequences, labels
        The training set: sequences (P, L) that the reference gives some probability, and P real labels.
    ridge
        :math:`\delta > 0`.

    Raises
    ------
    InvalidArgumentError
        When the ridge is not positive, labels do not match the sequences, or a sequence has probability 0.

    Examples
    --------
    >>> from symrep import kernels, learning, measures, spectrum
    >>> net = kernels.architecture("linear-block", token_variance="1/2", position_variance=1)
    >>> s = learning.normalized_spectrum(spectrum(net, measures.iid_uniform(2), 100))
    >>> x = measures.lazy_chain("1/10", ["1/2", "1/2"]).sample(np.random.default_rng(0), 8, 100)
    >>> learning.overlap_bound(s, "(sigma_1 - S/L) * S", x, np.ones(8), ridge=1) < 1e-3
    True
    """
    found = decomposed(spec, target)
    rows = np.atleast_2d(as_sequences(sequences, "sequences", found.space.vocab_size))
    values = as_numbers(labels, "labels")
    require(
        values.shape == (len(rows),), "labels", f"must be {len(rows)} numbers, one for every sequence", values.shape
    )
    ridge = as_numbers(ridge, "ridge")
    require(ridge.ndim == 0 and ridge > 0, "ridge", "must be one positive number", ridge.tolist())
    image = found.combined(found.eigenvalues, rows)
    require(not np.isnan(image).any(), "sequences", "must have a probability under the reference", found.space.measure)
    rms = float(np.sqrt(np.mean(image**2) * np.mean(values**2)))
    return len(rows) / float(ridge) * rms / found.norm
