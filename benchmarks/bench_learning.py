"""Theory of learning against simulated Gaussian-process regression: python benchmarks/bench_learning.py [--repeats N]

First learnability and test error of three targets and three kernels (normalised to E K(x, x) = 1, ridge .05, without noise
on the labels and with as much as the ridge says), theory over simulation; then predicted against simulated mean outputs, in
and out of distribution: on all sequences of a small space, on held-out sequences of a large one, on a lazy chain, on tokens
of another frequency and on sequences half as long again. ``--plot DIRECTORY`` draws both.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from symrep import block_spectrum, kernels, learning, measures, plots

VARIANCES = {"token_variance": "1/2", "position_variance": 1}
LINEAR = kernels.architecture("linear-block", **VARIANCES)
RELU = kernels.architecture("relu-block", **VARIANCES)
LAST = kernels.architecture("linear-block", "last", **VARIANCES)
SPINS = ("S", "sigma_1 - S/L", "(sigma_1 - S/L) * S")
COUNTS = ("n_0 - L/3", "e_1_0 - n_0/L", "(e_1_0 - n_0/L) * (n_0 - L/3)")
CASES = (("linear", LINEAR, 2, 8, SPINS), ("linear", LINEAR, 3, 6, COUNTS), ("ReLU", RELU, 2, 8, SPINS))
SAMPLES = [16, 64, 256]
OUTPUTS = (
    ("linear", LINEAR, 8, 32),
    ("ReLU", RELU, 8, 32),
    ("linear, last", LAST, 8, 32),
    ("linear", LINEAR, 40, 64),
)
OUTPUT_TARGETS = ("S", "sigma_1 - S/L")
RIDGE = 0.05


def normalised(net: kernels.Network, vocab_size: int, length: int):
    return learning.normalized_spectrum(block_spectrum(net, measures.iid_uniform(vocab_size), length))


def theory_and_simulation(spec, length: int, target: str, noise: float, repeats: int):
    """The learning curve of a target, and the simulation at the same numbers of samples."""
    theory = learning.learning_curve(spec, target, SAMPLES, RIDGE, noise=noise)
    found = learning.simulate(
        spec.kernel, spec.measure, length, target, SAMPLES, RIDGE, noise=noise, n_repeats=repeats, seed=1
    )
    return theory, found


def curves(repeats: int, directory: Path | None) -> None:
    print(
        f"{'kernel':>7} V {'target':>30} {'noise':>5}  P: learnability theory/simulated (equivalent kernel), "
        "test error theory/simulated - 1"
    )
    for name, net, vocab_size, length, targets in CASES:
        spec, ax = normalised(net, vocab_size, length), None
        for target in targets:
            for noise in (0.0, RIDGE):
                theory, found = theory_and_simulation(spec, length, target, noise, repeats)
                optimistic = learning.learning_curve(
                    spec, target, SAMPLES, RIDGE, theory="equivalent-kernel"
                ).learnability
                relative = theory.test_error / found.test_error - 1
                errors = found.test_error_error / found.test_error
                cells = [
                    f"{p}: {a:.3f}/{b:.3f}±{e:.3f} ({o:.3f}), {100 * r:+.1f}±{100 * s:.1f} %"
                    for p, a, b, e, o, r, s in zip(
                        SAMPLES,
                        theory.learnability,
                        found.learnability,
                        found.learnability_error,
                        optimistic,
                        relative,
                        errors,
                    )
                ]
                print(f"{name:>7} {vocab_size} {target:>30} {noise:5.2f}  " + "   ".join(cells), flush=True)
            many = learning.learning_curve(spec, target, np.geomspace(4, 512, 60), RIDGE, noise=noise)
            ax = plots.learning_curve_plot(many, ax, simulation=found) if directory else None
        if directory:
            ax.figure.savefig(directory / f"curves-{name}-{vocab_size}.png", dpi=150)


def sequences_to_predict(length: int) -> dict[str, np.ndarray | None]:
    """Sequences on which outputs are compared, by their name: where training sequences come from, and elsewhere."""
    generator = np.random.default_rng(length)
    chain = measures.lazy_chain("1/2", ["1/2", "1/2"])
    return {
        "all sequences" if length == 8 else "held-out sequences": None,
        "lazy chain, e = 1/2": chain.sample(generator, 500, length),
        "tokens of frequency 1/4, 3/4": measures.iid(["1/4", "3/4"]).sample(generator, 500, length),
        f"length {3 * length // 2}": measures.iid_uniform(2).sample(generator, 500, 3 * length // 2),
    }


def predicted_and_simulated(spec, length: int, target: str, n_samples: int, sequences, repeats: int):
    """The predicted outputs and the simulation at the same sequences."""
    found = learning.simulate(
        spec.kernel,
        spec.measure,
        length,
        target,
        n_samples,
        RIDGE,
        noise=RIDGE,
        n_repeats=repeats,
        seed=2,
        n_test=500,
        test_sequences=sequences,
    )
    return learning.predicted_output(spec, target, found.sequences, n_samples, RIDGE, noise=RIDGE), found


def outputs(repeats: int, directory: Path | None) -> None:
    print(f"\n{'kernel':>12} {'L':>3} {'target':>22} {'sequences':>34} {'R^2 mean':>9} {'R^2 error of a sequence':>24}")
    for name, net, length, n_samples in OUTPUTS:
        spec, ax = normalised(net, 2, length), None
        for target in OUTPUT_TARGETS:
            for label, sequences in sequences_to_predict(length).items():
                theory, found = predicted_and_simulated(spec, length, target, n_samples, sequences, repeats)
                squared = (found.outputs[0] - found.targets) ** 2 + found.output_variance[0]
                scores = [r_squared(found.outputs[0], theory.mean), r_squared(squared, theory.squared_error)]
                print(f"{name:>12} {length:3} {target:>22} {label:>34} {scores[0]:9.4f} {scores[1]:24.2f}", flush=True)
                if directory and target == "sigma_1 - S/L":
                    ax = plots.outputs_plot(
                        theory.mean, found.outputs[0], ax, errors=found.output_errors[0], label=label
                    )
        if directory:
            ax.figure.savefig(directory / f"outputs-{name.replace(', ', '-')}-{length}.png", dpi=150)


def r_squared(found: np.ndarray, predicted: np.ndarray) -> float:
    return 1 - float(((found - predicted) ** 2).sum() / ((found - found.mean()) ** 2).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200, help="training sets for every number")
    parser.add_argument("--plot", type=Path, default=None, metavar="DIRECTORY", help="draw the results")
    options = parser.parse_args()
    curves(options.repeats, options.plot)
    outputs(options.repeats, options.plot)


if __name__ == "__main__":
    main()
