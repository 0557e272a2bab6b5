"""Networks of finite width against their kernels: OPENBLAS_NUM_THREADS=1 python benchmarks/bench_finite_width.py

For every block the largest deviation of the mean empirical kernel of three pairs of sequences from the infinite-width
kernel, in percent, with its standard error, at widths 16, 32 and 64 (a quarter as many heads; key dimension a quarter of
the width, or the width for tied attention). The deviation falls as 1/width until the standard error hides it.
"""

from __future__ import annotations

import time

import numpy as np

from symrep import kernels
from symrep.kernels import (
    Dense,
    Flatten,
    LayerNorm,
    LinearAttention,
    MeanPool,
    Positions,
    QueryToken,
    Relu,
    TiedAttention,
)

HEAD = (kernels.TokenEmbedding("3/2"), Positions("1/2"))
STDS = {"query_std": "11/10", "key_std": "9/10", "value_std": "6/5", "out_std": "4/5", "bias_std": "3/10"}
NORMAL = (LayerNorm(), LinearAttention(**STDS))
BLOCKS = {
    "linear, ReLU, linear, pool": (*NORMAL, Relu(), *NORMAL, MeanPool()),
    "two pre-norm residual blocks": (
        *2 * (kernels.residual(*NORMAL), kernels.residual(LayerNorm(), Dense("5/4"), Relu(), Dense())),
        Flatten(),
    ),
    "tied softmax, GELU, pool": (LayerNorm(), TiedAttention(**STDS), kernels.Gelu(), MeanPool()),
    "tied identity, flatten": (LayerNorm(), TiedAttention(**STDS, activation="identity"), Flatten()),
    "linear, query token": (*NORMAL, Relu(), Dense(1, "1/2"), QueryToken(2, "1/3")),
    "positions on queries and keys": (
        LayerNorm(),
        LinearAttention(**STDS, positions=Positions("1/3", covariance="gaussian"), positions_on_values=False),
        MeanPool(),
    ),
}
WIDTHS = (16, 32, 64)
X, Y = [[0, 1, 1, 2], [2, 2, 0, 1], [1, 1, 1, 0]], [[1, 0, 1, 2]]


def deviation(name: str, kernel: str, width: int, n_draws: int = 3000) -> tuple[float, float]:
    """The largest relative deviation of the mean empirical kernel from the limit, and its standard error."""
    net = kernels.serial(*HEAD, *BLOCKS[name])
    sample = {"nngp": kernels.empirical_nngp, "ntk": kernels.empirical_ntk}[kernel]
    limit = getattr(net, kernel)(X, Y)
    tied = any(isinstance(layer, TiedAttention) for layer in BLOCKS[name])
    sizes = {"width": width, "heads": width // 4, "key_dimension": width if tied else width // 4}
    drawn = sample(net, X, Y, **sizes, n_draws=n_draws, seed=width)
    relative, error = (drawn.values - limit) / limit, drawn.standard_error / limit
    worst = np.abs(relative).argmax()
    return float(relative.flat[worst]), float(error.flat[worst])


def main() -> None:
    print(f"{'block':32} {'kernel':6} " + " ".join(f"{'width ' + str(width):>14}" for width in WIDTHS) + f" {'s':>6}")
    for name in BLOCKS:
        for kernel in ("nngp", "ntk"):
            start, cells = time.perf_counter(), []
            for width in WIDTHS:
                relative, error = deviation(name, kernel, width)
                cells.append(f"{100 * relative:+8.1f} ± {100 * error:3.1f}")
            seconds = time.perf_counter() - start
            print(f"{name:32} {kernel:6} " + " ".join(f"{cell:>14}" for cell in cells) + f" {seconds:6.1f}", flush=True)


if __name__ == "__main__":
    main()
