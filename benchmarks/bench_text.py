"""Symmetry of text: python benchmarks/bench_text.py [FILE ...] [--vocab V] [--length L] [--skip N]

Without a file: the power of the tests of exchangeability, the share of lazy chains e that they reject at the level .05, by number of
samples. e = 1 is independent tokens, where the share is the level itself, and e = 0 copies the first token; a frozen mixture
of two hidden states, exchangeable and not independent, comes first. With files: the report on them, its time and its peak
memory, each in a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from symrep import measures
from symrep.measures.text import exchangeability_test, read_corpus, text_report

LEVEL = 0.05
SAMPLES = (50, 200, 800, 3200)
LENGTH = 8
TOKENS = ["1/2", "1/3", "1/6"]


MEASURES = {
    "frozen mixture": measures.frozen_mixture(["1/3", "2/3"], [["1/5", "1/5", "3/5"], ["3/4", "1/8", "1/8"]]),
    **{f"lazy chain, e = {e}": measures.lazy_chain(e, TOKENS) for e in ("1", "15/16", "7/8", "3/4", "1/2")},
}


def rejected(measure: object, n: int, order: int, repeats: int) -> float:
    """The share of samples of n sequences that the test rejects."""
    generator = np.random.default_rng(n)
    found = [
        exchangeability_test(measure.sample(generator, n, LENGTH), order=order, n_permutations=99, seed=seed).p_value
        for seed in range(repeats)
    ]
    return float(np.mean(np.array(found) <= LEVEL))


def power(repeats: int) -> None:
    print(f"share rejected at level {LEVEL} of {repeats} samples of n sequences, V = 3, L = {LENGTH}, 99 permutations")
    print(f"{'measure':>24} {'positions':>9} " + " ".join(f"{f'n = {n}':>9}" for n in SAMPLES))
    for name, measure in MEASURES.items():
        for order in (2, 3):
            cells = [rejected(measure, n, order, repeats) for n in SAMPLES]
            print(f"{name:>24} {order:9} " + " ".join(f"{cell:9.3f}" for cell in cells), flush=True)


def report(files: list[str], vocab: int, length: int, skip: int) -> None:
    start = time.perf_counter()
    corpus = read_corpus(files, vocab_size=vocab, skip=skip)
    read = time.perf_counter()
    found = text_report(corpus, length)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print("\n\n".join(map(str, found.tables())))
    print(f"\n{found.summary()}\n\nread {read - start:.1f} s, measured {done - read:.1f} s, peak {peak:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--vocab", type=int, default=100)
    parser.add_argument("--length", type=int, default=32)
    parser.add_argument("--skip", type=int, default=0)
    options = parser.parse_args()
    if options.files:
        report(options.files, options.vocab, options.length, options.skip)
    else:
        power(options.repeats)


if __name__ == "__main__":
    main()
