"""Cost of Gram matrices against L and the number of sequences, by overlaps, by positions, and in neural-tangents.

    python benchmarks/bench_kernels.py [--neural-tangents PYTHON]

The network: one-hot tokens (V = 50), and twice identity positions, linear attention and ReLU; mean over positions. By
overlaps a pair of sequences costs four numbers per layer, by positions L x L; positions and neural-tangents are timed on
fewer sequences and compared per pair. PYTHON is the interpreter of an environment of its own with neural-tangents (see
benchmarks/neural_tangents_gram.py); its matrix is compared with ours through mean and trace.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

from symrep import kernels

VOCAB = 50


def block_network() -> kernels.Network:
    attention = kernels.LinearAttention(positions=kernels.Positions(1, trainable=False))
    block = (attention, kernels.Relu())
    return kernels.serial(kernels.TokenEmbedding(1, scale="1/V", vocab_size=VOCAB), *block, *block, kernels.MeanPool())


def sequences(count: int, length: int, seed: int = 0) -> np.ndarray:
    source = Random(seed)
    return np.array([[source.randrange(VOCAB) for _ in range(length)] for _ in range(count)])


def seconds(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def neural_tangents(python: str, count: int, length: int) -> tuple[float, float, float]:
    script = Path(__file__).with_name("neural_tangents_gram.py")
    options = ["--sequences", count, "--length", length, "--vocab", VOCAB]
    run = subprocess.run([python, script, *map(str, options)], check=True, capture_output=True, text=True)
    answer = json.loads(run.stdout.splitlines()[-1])
    return answer["seconds"], answer["mean"], answer["trace"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neural-tangents", metavar="PYTHON", help="interpreter that has neural-tangents")
    python = parser.parse_args().neural_tangents
    net = block_network()

    print(f"{'n':>5} {'L':>4} {'nngp s':>8} {'ntk s':>8} {'ns per pair and layer':>22}")
    for count, length in ((500, 32), (1000, 32), (2000, 32), (4000, 32), (1000, 8), (1000, 128), (1000, 512)):
        x = sequences(count, length)
        nngp, _ = seconds(lambda: net.nngp(x))
        ntk, _ = seconds(lambda: net.ntk(x))
        print(f"{count:5} {length:4} {nngp:8.2f} {ntk:8.2f} {nngp / (count**2 / 2) / 4 * 1e9:22.0f}")

    # every route computes the whole square here, so that times per pair compare
    print(
        f"\n{'n':>5} {'L':>4} {'overlaps s':>10} {'positions s':>11} {'ratio':>7} {'neural-tangents s':>18} {'ratio':>7}"
    )
    for count, length in ((200, 8), (200, 16), (100, 32), (50, 64)):
        x = sequences(count, length)
        ours, gram = seconds(lambda: net.nngp(x, x))
        slow, other = seconds(lambda: net.nngp(x, x, method="positions"))
        np.testing.assert_allclose(other, gram, rtol=1e-10)
        line = f"{count:5} {length:4} {ours:10.4f} {slow:11.3f} {slow / ours:7.0f}"
        if python:
            theirs, mean, trace = neural_tangents(python, count, length)
            np.testing.assert_allclose([gram.mean(), np.trace(gram)], [mean, trace], rtol=1e-10)
            line += f" {theirs:18.3f} {theirs / ours:7.0f}"
        print(line)


if __name__ == "__main__":
    main()
