"""Trained blocks of finite width against infinite width: OPENBLAS_NUM_THREADS=1 python benchmarks/bench_langevin.py

Needs the extra ``torch``; other widths than 8, 32 and 128 may follow the command, and ``--record FILE`` keeps the mean outputs
of the first table with their standard errors as JSON, for tests to compare with infinite width where torch is not installed. All weights of a block are trained by
Langevin dynamics on 16 uniform sequences with V = 2, L = 5; half as many heads as channels, of key dimension 2; the
kernel is scaled to mean K(x, x) = 1, and the ridge is 1/10.

The first table compares the mean output at all 32 sequences with the posterior mean of the Gaussian process on the same
training set. "Of it noise" is the mean squared standard error of the chains, and "variance" the ratio of mean
variances. The second compares outputs averaged over training sets with the prediction of the spectrum, by the
self-consistent theory.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import product
from pathlib import Path

import numpy as np

from symrep import kernels, learning, measures, spectrum
from symrep.kernels import Dense, LinearAttention, MeanPool, Network, Positions, Relu, TokenEmbedding
from symrep.learning.langevin import LangevinResult, train_langevin

LENGTH, N_SAMPLES, RIDGE, N_SETS = 5, 16, 0.1, 12
UNIFORM = measures.iid_uniform(2)
ALL = np.array(list(product(range(2), repeat=LENGTH)))
BEHIND_ATTENTION = {"linear": (MeanPool(),), "linear, ReLU": (Relu(), Dense(), MeanPool())}
RUNS = (("linear", "S/sqrt(L)"), ("linear", "sigma_1 - S/L"), ("linear, ReLU", "sigma_1 - S/L"))
WIDTHS = [8, 32, 128]


def normalized_block(name: str) -> Network:
    """A block with mean K(x, x) = 1 over all sequences."""

    def block(out_std: float) -> Network:
        attention = LinearAttention(out_std=out_std, normalized=True)
        return kernels.serial(TokenEmbedding("1/2"), Positions(1), attention, *BEHIND_ATTENTION[name])

    return block(float(block(1).nngp(ALL).diagonal().mean() ** -0.5))


def trained(net: Network, target: str, training: np.ndarray, width: int, **effort: int) -> LangevinResult:
    sizes = {"width": width, "heads": width // 2, "key_dimension": 2}
    labels = learning.target(target)(training, 2)
    return train_langevin(
        net, training, labels, **sizes, ridge=RIDGE, n_leapfrog=20, test_sequences=ALL, precision="float32", **effort
    )


def training_set() -> np.ndarray:
    """The sequences on which all blocks of the first table are trained."""
    return UNIFORM.sample(np.random.default_rng(0), N_SAMPLES, LENGTH)


def same_training_set(widths: list[int]) -> list[dict[str, object]]:
    """Print the first table; the outputs that it is made of."""
    print("| block | target | width | R^2 | mean squared deviation | of it noise | variance | R-hat | s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    training, outputs = training_set(), []
    for name, target in RUNS:
        net = normalized_block(name)
        for width in widths:
            start = time.perf_counter()
            chains = 12 if width > 100 else 16
            found = trained(net, target, training, width, n_steps=160, burn_in=80, n_chains=chains, seed=width)
            noise, ratio = np.mean(found.standard_error**2), found.variance.mean() / found.limit_variance.mean()
            cells = [name, target, width, f"{found.r_squared:.4f}", f"{found.squared_deviation:.5f}", f"{noise:.5f}"]
            cells += [f"{ratio:.2f}", f"{found.r_hat.max():.2f}", f"{time.perf_counter() - start:.0f}"]
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)
            own = {"block": name, "target": target, "width": width, "r_hat": round(float(found.r_hat.max()), 3)}
            arrays = {"mean": found.mean, "standard_error": found.standard_error}
            outputs.append(own | {key: [float(f"{value:.6g}") for value in array] for key, array in arrays.items()})
    return outputs


def averaged_over_training_sets(name: str = "linear", target: str = "sigma_1 - S/L", width: int = 32) -> None:
    net, generator = normalized_block(name), np.random.default_rng(1)
    outputs, limits = [], []
    for seed in range(N_SETS):
        training = UNIFORM.sample(generator, N_SAMPLES, LENGTH)
        found = trained(net, target, training, width, n_steps=60, burn_in=60, n_chains=8, seed=seed)
        outputs.append(found.mean)
        limits.append(found.limit_mean)
    predicted = learning.predicted_output(spectrum(net, UNIFORM, LENGTH), target, ALL, N_SAMPLES, RIDGE)
    print(f"\n{name} block, {target}, {N_SETS} training sets, mean output at all sequences:\n")
    print("| | R^2 to the prediction | mean squared deviation | of it noise | learnability |")
    print("| --- | --- | --- | --- | --- |")
    for label, values in ((f"width {width}", np.array(outputs)), ("Gaussian process", np.array(limits))):
        mean, noise = values.mean(axis=0), np.mean(values.var(axis=0, ddof=1)) / len(values)
        deviation = np.mean((mean - predicted.mean) ** 2)
        learned = mean @ predicted.target / (predicted.target @ predicted.target)
        r_squared = 1 - deviation / predicted.mean.var()
        print(f"| {label} | {r_squared:.3f} | {deviation:.4f} | {noise:.4f} | {learned:.3f} |")
    learned = predicted.mean @ predicted.target / (predicted.target @ predicted.target)
    print(f"| prediction | 1 | 0 | 0 | {learned:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("widths", nargs="*", type=int, default=WIDTHS)
    parser.add_argument("--record", metavar="FILE", type=Path)
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    outputs = same_training_set(options.widths)
    if options.record:
        content = {"torch": torch.__version__.split("+")[0], "outputs": outputs}
        options.record.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    averaged_over_training_sets()


if __name__ == "__main__":
    main()
