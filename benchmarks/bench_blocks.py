"""Spectra of nonlinear blocks at long lengths, irrep by irrep: python benchmarks/bench_blocks.py [--long] [--only PART] [--jobs N]

First the largest eigenvalue of (L-k,k), k = 0..3, V = 2, uniform tokens, and the exponent of its fall between one length and
its double; then the cost of whole spectra against L and V, and against the dense operator where that fits, and the cost of
kernels of token counts and matches, every row in a process of its own; then blocks in parallel, against one at a time.
``--long`` adds L = 200 at V = 2, and at V = 3 lengths 32 and 40; ``--jobs N`` compares up to N at a time. Set
OPENBLAS_NUM_THREADS=1 for results that are the same to the last bit.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from math import log2
from pathlib import Path

import numpy as np
from joblib.externals.loky import get_reusable_executor

from symrep import block_spectrum, kernels, measures
from symrep.kernels import Dense, Erf, LinearAttention, MeanPool, Positions, Relu, TiedAttention, TokenEmbedding
from symrep.spectra.dense import dense_spectrum

HEAD = (TokenEmbedding(1), Positions(1))
NETWORKS = {
    "ReLU": kernels.serial(*HEAD, LinearAttention(normalized=True), Relu(), MeanPool()),
    "erf": kernels.serial(*HEAD, LinearAttention(normalized=True), Erf(), MeanPool()),
    "tied softmax": kernels.serial(*HEAD, TiedAttention(), Dense(), Relu(), MeanPool()),
}
LENGTHS = (20, 40, 80, 160)


def timed(work: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def eigenvalues() -> None:
    for name, net in NETWORKS.items():
        print(
            f"\n{name}\n{'L':>4} "
            + " ".join(f"{'(L-' + str(k) + ',' + str(k) + ')' if k else '(L)':>12} {'':>6}" for k in range(4))
            + f" {'s':>6}"
        )
        before = None
        for length in LENGTHS:
            shapes = [(length - k, k) if k else (length,) for k in range(4)]
            seconds, found = timed(lambda: block_spectrum(net, measures.iid_uniform(2), length, shapes=shapes))
            tops = [(block.eigenvalues[0], block.rounding) for block in found.blocks]
            cells = []
            for k, (top, rounding) in enumerate(tops):
                exponent = f"{log2(before[k] / top):6.2f}" if before and top > rounding else f"{'':6}"
                cells.append(f"{top:12.4e} {exponent}" if top > rounding else f"{'rounding':>12} {exponent}")
            before = [top for top, _ in tops]
            print(f"{length:4} " + " ".join(cells) + f" {seconds:6.2f}", flush=True)


def peak_megabytes() -> float:
    """The most memory that this process has held; ru_maxrss would count its parent's from before it started."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(
            float(line.split()[1]) / 1e3 for line in status.read_text().splitlines() if line.startswith("VmHWM")
        )
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def in_its_own_process(vocab_size: int, length: int, method: str) -> tuple[float, float, float, int, int, int]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(one_row, (vocab_size, length, method))


def cost(long: bool) -> None:
    print(f"\n{'V':>2} {'L':>4} {'V^L':>8} {'shapes':>6} {'resolved':>8} {'s':>7} {'peak MB':>8} {'dense s':>8}")
    sizes = (
        [(2, 10), (2, 20), (2, 40), (2, 80), (2, 160)] + [(2, 200)] * long + [(3, 6), (3, 10), (3, 16), (4, 5), (4, 8)]
    )
    for vocab_size, length in sizes:
        net = NETWORKS["ReLU"]
        seconds, _, peak, shapes, _, resolved = in_its_own_process(vocab_size, length, "tables")
        small = vocab_size**length <= 1100
        dense = f"{timed(lambda: dense_spectrum(net.nngp, vocab_size, length))[0]:8.2f}" if small else ""
        size = f"{vocab_size**length:.1e}"
        row = f"{vocab_size:2} {length:4} {size:>8} {shapes:6} {resolved:8} {seconds:7.2f} {peak:8.0f} {dense:>8}"
        print(row, flush=True)


def one_row(vocab_size: int, length: int, method: str) -> tuple[float, float, float, int, int, int]:
    """Seconds on the clock and of the processor, peak memory in MB, and the sizes of a spectrum by one method."""
    measure = measures.iid_uniform(vocab_size)
    block_spectrum(NETWORKS["ReLU"], measure, 2, method=method)
    before = time.process_time()
    seconds, found = timed(lambda: block_spectrum(NETWORKS["ReLU"], measure, length, method=method))
    peak = peak_megabytes()
    largest = max(block.size for block in found.blocks)
    return seconds, time.process_time() - before, peak, len(found.blocks), largest, len(found.levels)


def matches(long: bool) -> None:
    print(
        f"\n{'V':>2} {'L':>4} {'method':>8} {'shapes':>6} {'largest':>8} {'resolved':>8} {'s':>7} {'cpu s':>7} {'peak MB':>8} {'tables':>7}"
    )
    sizes = [(3, 8, True), (3, 12, True), (3, 16, True), (3, 24, False), (4, 8, True), (4, 12, False)]
    sizes += [(3, 32, False), (3, 40, False)] * long
    for vocab_size, length, with_tables in sizes:
        cpu = {}
        for method in ("matches", "tables") if with_tables else ("matches",):
            seconds, cpu[method], peak, *counts = in_its_own_process(vocab_size, length, method)
            ratio = f"{cpu['tables'] / cpu['matches']:6.1f}x" if method == "tables" else ""
            row = f"{vocab_size:2} {length:4} {method:>8} {counts[0]:6} {counts[1]:8} {counts[2]:8}"
            print(f"{row} {seconds:7.2f} {cpu[method]:7.2f} {peak:8.0f} {ratio:>7}", flush=True)


def processor_seconds() -> tuple[float, float]:
    """Of this process, and of its children that have ended."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime, others.ru_utime + others.ru_stime


def parallel(most: int) -> None:
    """Workers have loaded the package before the clock starts; their processor time has it."""
    print(
        f"\n{'V':>2} {'L':>4} {'jobs':>4} {'s':>7} {'ratio':>6} {'own cpu':>8} {'workers':>8} {'same':>5} {'load':>5}"
    )
    for vocab_size, length in ((3, 24), (2, 160)):
        measure, first = measures.iid_uniform(vocab_size), None
        for jobs in sorted({1, *(2**i for i in range(most.bit_length()) if 2**i <= most), most}):
            block_spectrum(NETWORKS["ReLU"], measure, 3, n_jobs=jobs)
            before = processor_seconds()
            seconds, found = timed(lambda: block_spectrum(NETWORKS["ReLU"], measure, length, n_jobs=jobs))
            own = processor_seconds()[0] - before[0]
            # only children that have ended are counted
            get_reusable_executor().shutdown(wait=True)
            workers = processor_seconds()[1] - before[1]
            first = first or (seconds, found)
            same = all(np.array_equal(a.eigenvalues, b.eigenvalues) for a, b in zip(first[1].blocks, found.blocks))
            row = f"{vocab_size:2} {length:4} {jobs:4} {seconds:7.2f} {first[0] / seconds:5.2f}x {own:8.2f} {workers:8.2f}"
            print(f"{row} {'yes' if same else 'no':>5} {os.getloadavg()[0]:5.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long", action="store_true", help="also the longest lengths")
    parser.add_argument("--only", choices=["eigenvalues", "cost", "matches", "parallel"], help="one part of four")
    parser.add_argument("--jobs", type=int, default=2, help="the most blocks at a time")
    options = parser.parse_args()
    if options.only in (None, "eigenvalues"):
        eigenvalues()
    if options.only in (None, "cost"):
        cost(options.long)
    if options.only in (None, "matches"):
        matches(options.long)
    if options.only in (None, "parallel"):
        parallel(options.jobs)


if __name__ == "__main__":
    main()
