"""Closed forms and exact numbers against the dense operator, in one run: python benchmarks/bench_spectra.py

The dense route builds the operator on [V]^L and diagonalises it; ours solves one block per irrep at the length asked for.
Times are the best of three, in seconds, without caches.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from symrep import kernels, measures, spectrum
from symrep.spectra.dense import dense_spectrum
from symrep.spectra.solver import _problem, _solved_block


def best_of_three(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        _solved_block.cache_clear()
        _problem.cache_clear()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    print(f"{'readout':8} {'V':>2} {'L':>3} {'V^L':>6} {'dense s':>9} {'ours s':>8} {'dense/ours':>11}")
    for readout, vocab_size, lengths in (("pool", 2, (6, 8, 10)), ("flatten", 2, (6, 8, 10)), ("pool", 3, (4, 5, 6))):
        net = kernels.architecture("linear-block", readout, token_variance="2/3", position_variance="5/7")
        for length in lengths:
            dense = best_of_three(lambda: dense_spectrum(net.nngp, vocab_size, length))
            ours = best_of_three(lambda: spectrum(net, measures.iid_uniform(vocab_size), length).evaluate())
            size = vocab_size**length
            print(f"{readout:8} {vocab_size:2} {length:3} {size:6} {dense:9.3f} {ours:8.3f} {dense / ours:11.1f}")
    print(f"\n{'closed form in L':28} {'levels':>6} {'seconds':>8}")
    for readout, vocab_size in (
        ("pool", 2),
        ("flatten", 2),
        ("last", 2),
        ("pool", 3),
        ("flatten", 3),
        ("pool", 4),
        ("flatten", 4),
    ):
        net = kernels.architecture("linear-block", readout)
        seconds = best_of_three(lambda: spectrum(net, measures.iid_uniform(vocab_size)).levels)
        levels = len(spectrum(net, measures.iid_uniform(vocab_size)).levels)
        print(f"{readout + f', V = {vocab_size}':28} {levels:6} {seconds:8.2f}")


if __name__ == "__main__":
    main()
