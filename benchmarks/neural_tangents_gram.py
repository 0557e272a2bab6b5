"""Time of the NNGP Gram matrix in the package neural-tangents, to set beside symrep's.

    python neural_tangents_gram.py --sequences 100 --length 8 --vocab 3 --blocks 2 --seed 0

The network: one-hot tokens, ``blocks`` times (identity attention with identity positions added for queries, keys and
values, then Relu), and the mean over positions; all standard deviations 1, no bias, float64 on the CPU. In symrep's
terms the token variance is 1 / vocab and, in every block, the position variance 1. The sequences are those of
``random.Random(seed)``, token by token. Runs in an environment of its own with Python 3.11: pip install
neural-tangents==0.6.5 jax==0.4.30 jaxlib==0.4.30 "numpy<2" "scipy<1.13".

Time and memory grow as (sequences * length)^2. Memory is about 32 bytes times that, unless ``--batch`` (a divisor of
the number of sequences) limits it to one batch of rows and columns.

One line of JSON is printed: the settings, ``seconds_first`` (with compilation), ``seconds`` (best of ``--repeat`` later
calls), ``mean`` and ``trace`` of the matrix so that another program can confirm that it computes the same kernel.
"""

import argparse
import json
import time
from random import Random

import jax
import jax.numpy as jnp
import neural_tangents as nt
from neural_tangents import stax

jax.config.update("jax_enable_x64", True)


def gram_function(blocks, batch):
    layers = []
    for _ in range(blocks):
        layers.append(
            stax.GlobalSelfAttention(
                1, 1, 1, 1, linear_scaling=False, attention_mechanism="IDENTITY", pos_emb_type="SUM", val_pos_emb=True
            )
        )
        layers.append(stax.Relu())
    _, _, kernel = stax.serial(*layers, stax.GlobalAvgPool())
    if batch:
        return nt.batch(lambda x, y: kernel(x, y, "nngp"), batch_size=batch)
    return jax.jit(lambda x, y: kernel(x, y, "nngp"))


def timed(work):
    start = time.perf_counter()
    result = work().block_until_ready()
    return time.perf_counter() - start, result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("sequences", 100), ("length", 8), ("vocab", 3), ("blocks", 2), ("seed", 0), ("repeat", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--batch", type=int, default=0, help="rows and columns at a time; 0 (default): all at once")
    options = parser.parse_args()

    source = Random(options.seed)
    sequences = [[source.randrange(options.vocab) for _ in range(options.length)] for _ in range(options.sequences)]
    x = jax.nn.one_hot(jnp.array(sequences), options.vocab, dtype=jnp.float64)
    gram = gram_function(options.blocks, options.batch)
    first, matrix = timed(lambda: gram(x, x))
    later = min((timed(lambda: gram(x, x))[0] for _ in range(options.repeat)), default=None)
    answer = vars(options) | {"seconds_first": first, "seconds": later}
    print(json.dumps(answer | {"mean": float(matrix.mean()), "trace": float(jnp.trace(matrix))}))


if __name__ == "__main__":
    main()
