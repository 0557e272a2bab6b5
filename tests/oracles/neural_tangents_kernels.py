r"""NNGP and NTK matrices of the package neural-tangents, which shares no code with symrep, written as JSON.

    python neural_tangents_kernels.py > neural_tangents_kernels.json
    python neural_tangents_kernels.py --check < neural_tangents_kernels.json      (beside the formulas, in numpy)

    (after, in an environment of its own with Python 3.11:
     pip install neural-tangents==0.6.5 jax==0.4.30 jaxlib==0.4.30 "numpy<2" "scipy<1.13")

Everything is float64 on the CPU. Each case has a vocabulary size, a length, a list of layers [name, parameters], 4 x 3
token sequences x and y (y[0] = x[0]), and the two 4 x 3 matrices. Cases come in the order of CASES, rows in the order
of x and columns in that of y. Parameters are exact numbers written as strings.

What a layer means here, with K the kernel between positions, T the tangent kernel, d = s - t. K is formal: every
layer takes the one before it as infinitely wide, also the first one, whose one-hot input has V channels. Without
positions that is exact; V channels of random positions would have another kernel.

TokenEmbedding
    The library's kernel of one-hot inputs is the mean over channels, K = [x_s = y_t] / V. Inputs are not trained: T =
    0 before the first layer with weights. This is ``variance`` 1/V, ``trainable`` false. If ``trainable`` is true, a
    Dense layer without bias follows: K = T = W^2 [x_s = y_t] / V, and ``variance`` is W^2 / V.
positions (a parameter of both attentions; the library adds them inside attention, not as a layer)
    R is the identity, or exp(-d^2 / (2 length_scale^2)), for which pos_emb_decay_fn receives d^2. "sum": Kt = K +
    variance R, where R is not divided by V. "concat": Kt = (1 - share) K + share variance R, where share is the
    fraction of all channels that carry positions, n_chan_pos_emb / (channels of the input + n_chan_pos_emb); Tt is
    mixed in the same way. Positions are trained: Tt contains variance R even where T = 0. ``positions_on_values``
    false: values see K and T themselves, not (1 - share) K. Positions of two layers are independent.
LinearAttention
    linear_scaling=False, "IDENTITY": independent queries and keys, logits over sqrt(d).
TiedAttention
    linear_scaling=True: tied queries and keys, logits over d. The logits reach the limit query_std key_std Kt(x, x),
    and softmax is over the second position. Neither T nor the positions enter the NTK through the logits: that
    gradient is a factor 1/width smaller. So positions that values do not see are not in the NTK as parameters. "relu"
    equals "identity" on all kernels here, which are nonnegative for one-hot tokens and nonnegative R.
Dense
    parameterization "ntk": K' = W^2 K + b^2, T' = K' + W^2 T, at every position. After Flatten or MeanPool it acts on
    the one remaining entry. Flatten is the mean of K_ss over s (not the sum), so Flatten, Dense is W^2 mean_s K_ss +
    b^2; MeanPool is the mean over all s, t.
Relu, Erf, Gelu
    Plain functions, Gelu the exact one. Where two preactivations agree (x = y, or equal tokens without positions),
    the angle of Relu is exactly 0 here; an implementation whose K_st and K_ss differ in the last bit gets 1e-8
    instead.
LayerNorm
    K / sqrt(K_ss(x) K_tt(y)), and T divided by the same. Nothing is subtracted: the mean over channels, and the part
    of the gradient that normalisation removes, vanish at infinite width. eps is set to 0 (the library's default is
    1e-12).
Residual
    Identity plus the layers inside, kernels and tangent kernels added.
"""

from __future__ import annotations

import json
import sys
from fractions import Fraction
from random import Random

import numpy as np
from scipy.special import ndtr

WIDTH = 6
BASE = {"query_std": "11/10", "key_std": "9/10", "value_std": "6/5", "out_std": "4/5", "bias_std": "3/10"}


def attention(positions=None, positions_on_values=False, **changed):
    return ["LinearAttention", BASE | changed | {"positions": positions, "positions_on_values": positions_on_values}]


def tied(activation, positions=None, positions_on_values=False, **changed):
    return ["TiedAttention", attention(positions, positions_on_values, **changed)[1] | {"activation": activation}]


def positions(variance, length_scale=None, share=None):
    covariance, combine = "gaussian" if length_scale else "identity", "concat" if share else "sum"
    return {"variance": variance, "covariance": covariance, "length_scale": length_scale,
            "combine": combine, "share": share, "trainable": True}  # fmt: skip


def tokens(vocab_size, variance=None):
    return ["TokenEmbedding", {"variance": variance or f"1/{vocab_size}", "trainable": variance is not None}]


def dense(W_std, b_std="0"):
    return ["Dense", {"W_std": W_std, "b_std": b_std}]


def residual(*layers):
    return ["Residual", {"layers": list(layers)}]


RELU, ERF, GELU, LAYER_NORM, MEAN_POOL, FLATTEN = (
    [name, {}] for name in ("Relu", "Erf", "Gelu", "LayerNorm", "MeanPool", "Flatten")
)
ONE_HOT, NEAR = positions("7/10"), positions("2/5", length_scale="1")
PERCEPTRON = (dense("13/10", "1/5"), RELU, dense("7/10", "1/10"))

# name, vocabulary size, length, layers behind the tokens, variance of trained tokens
CASES = [
    ("linear, flatten", 3, 4, [attention(), FLATTEN]),
    ("linear, pool", 4, 5, [attention(), MEAN_POOL]),
    ("linear without bias", 5, 3, [attention(bias_std="0"), MEAN_POOL], "9/20"),
    ("dense, linear, flatten", 3, 5, [dense("3/2", "1/5"), attention(), FLATTEN]),
    ("linear, positions on one-hot input", 3, 4, [attention(ONE_HOT), MEAN_POOL]),
    ("linear, positions on values, on one-hot input", 4, 3, [attention(ONE_HOT, True), FLATTEN]),
    ("linear, positions", 3, 4, [attention(ONE_HOT), MEAN_POOL], "3/4"),
    ("linear, positions on values", 3, 4, [attention(ONE_HOT, True), FLATTEN], "3/4"),
    ("linear, near positions", 3, 5, [attention(NEAR), FLATTEN], "4/5"),
    ("linear, near positions on values", 4, 5, [attention(positions("9/10", "3/2"), True), MEAN_POOL], "4/5"),
    ("linear, concat", 3, 4, [attention(positions("7/5", share="1/2")), FLATTEN], "5/4"),
    ("linear, concat near on values", 4, 4, [attention(positions("7/5", "3/2", "1/3"), True), MEAN_POOL], "5/4"),
    ("linear, concat near", 5, 4, [attention(positions("7/5", "3/2", "1/3")), MEAN_POOL], "5/4"),
    ("linear, concat on one-hot input", 3, 5, [attention(positions("5/4", share="2/3")), MEAN_POOL]),
    ("linear twice", 3, 4, [attention(ONE_HOT, True), attention(NEAR, key_std="1"), MEAN_POOL], "3/4"),
    (
        "linear twice, relu",
        3,
        4,
        [attention(ONE_HOT), RELU, attention(NEAR, True, out_std="1"), RELU, FLATTEN, dense("6/5", "2/5")],
        "3/4",
    ),
    ("linear, erf", 4, 4, [attention(ONE_HOT), ERF, MEAN_POOL, dense("6/5", "2/5")], "3/4"),
    ("linear, gelu", 3, 5, [attention(NEAR, True), GELU, FLATTEN], "4/5"),
    ("linear, layer norm, perceptron", 3, 4, [attention(ONE_HOT), LAYER_NORM, *PERCEPTRON, MEAN_POOL], "3/4"),
    ("residual block", 4, 4, [residual(attention(ONE_HOT)), residual(LAYER_NORM, *PERCEPTRON), MEAN_POOL], "3/4"),
    (
        "two residual blocks",
        3,
        5,
        [
            residual(LAYER_NORM, attention(NEAR)),
            residual(LAYER_NORM, *PERCEPTRON),
            residual(LAYER_NORM, attention(out_std="1")),
            residual(LAYER_NORM, dense("13/10"), GELU, dense("7/10")),
            LAYER_NORM,
            FLATTEN,
        ],
        "4/5",
    ),
    ("residual erf", 3, 4, [residual(dense("3/2", "1/5"), ERF, dense("4/5")), attention(NEAR), FLATTEN], "3/4"),
    ("perceptron on tokens", 5, 4, [dense("3/2", "1/5"), RELU, dense("7/10", "1/10"), FLATTEN]),
    ("gelu on tokens, linear", 4, 3, [dense("3/2", "1/5"), GELU, attention(), MEAN_POOL]),
    ("softmax, flatten", 3, 4, [tied("softmax"), FLATTEN]),
    ("softmax, positions", 4, 4, [tied("softmax", ONE_HOT), FLATTEN], "3/4"),
    ("softmax, near positions on values", 3, 5, [tied("softmax", NEAR, True), MEAN_POOL], "4/5"),
    ("softmax, positions on values, on one-hot input", 3, 4, [tied("softmax", ONE_HOT, True), FLATTEN]),
    ("softmax, concat near", 5, 4, [tied("softmax", positions("7/5", "3/2", "1/3")), FLATTEN], "5/4"),
    ("tied identity, concat on values", 4, 4, [tied("identity", positions("7/5", "1", "1/2"), True), MEAN_POOL], "5/4"),
    ("tied identity, positions", 3, 5, [tied("identity", ONE_HOT), FLATTEN], "3/4"),
    ("tied relu, near positions", 3, 4, [tied("relu", NEAR), MEAN_POOL], "4/5"),
    (
        "softmax, relu, linear",
        3,
        4,
        [tied("softmax", NEAR), RELU, tied("softmax", out_std="1"), attention(ONE_HOT, True), FLATTEN],
        "4/5",
    ),
    (
        "residual softmax block",
        3,
        5,
        [residual(LAYER_NORM, tied("softmax", NEAR, True)), residual(LAYER_NORM, *PERCEPTRON), LAYER_NORM, MEAN_POOL],
        "4/5",
    ),
]


def number(text):
    return float(Fraction(text))


def cases():
    source = Random(2026)
    for name, vocab_size, length, layers, *variance in CASES:
        x, y = ([[source.randrange(vocab_size) for _ in range(length)] for _ in range(count)] for count in (4, 3))
        y[0] = x[0]
        case = {"name": name, "vocab_size": vocab_size, "length": length}
        yield case | {"layers": [tokens(vocab_size, *variance), *layers], "x": x, "y": y}


# --- the library ---


def library_attention(p, channels):
    import jax.numpy as jnp
    from neural_tangents import stax

    options = {}
    if p["positions"]:
        q, scale = p["positions"], p["positions"]["length_scale"]
        options = {"pos_emb_type": q["combine"].upper(), "W_pos_emb_std": number(q["variance"]) ** 0.5}
        options["val_pos_emb"] = p["positions_on_values"]
        if q["combine"] == "concat":
            share = Fraction(q["share"])
            options["n_chan_pos_emb"] = int(channels * share / (1 - share))
        if q["covariance"] == "gaussian":
            options["pos_emb_decay_fn"] = lambda squared: jnp.exp(-squared / (2 * number(scale) ** 2))
    stds = {f"W_{name}_std": number(p[f"{name}_std"]) for name in ("query", "key", "value", "out")}
    return stax.GlobalSelfAttention(
        WIDTH, WIDTH, WIDTH, WIDTH, linear_scaling="activation" in p, b_std=number(p["bias_std"]),
        attention_mechanism=p.get("activation", "identity").upper(), **stds, **options,
    )  # fmt: skip


def library_layers(layers, vocab_size):
    from neural_tangents import stax

    channels = vocab_size
    for name, p in layers:
        if name == "TokenEmbedding":
            W_std = (number(p["variance"]) * vocab_size) ** 0.5
            layer = stax.Dense(WIDTH, W_std) if p["trainable"] else stax.Identity()
        elif name == "Dense":
            layer = stax.Dense(WIDTH, number(p["W_std"]), number(p["b_std"]))
        elif name in ("LinearAttention", "TiedAttention"):
            layer = library_attention(p, channels)
        elif name == "LayerNorm":
            layer = stax.LayerNorm(eps=0)
        elif name == "Residual":
            inner = stax.serial(*library_layers(p["layers"], channels))
            layer = stax.serial(stax.FanOut(2), stax.parallel(inner, stax.Identity()), stax.FanInSum())
        else:
            layer = {"Relu": stax.Relu, "Erf": stax.Erf, "Gelu": stax.Gelu, "MeanPool": stax.GlobalAvgPool,
                     "Flatten": stax.Flatten}[name]()  # fmt: skip
        channels = channels if name == "TokenEmbedding" and not p["trainable"] else WIDTH
        yield layer


def write_answers():
    import jax
    import jax.numpy as jnp
    import neural_tangents
    from neural_tangents import stax

    jax.config.update("jax_enable_x64", True)
    entries = []
    for case in cases():
        _, _, kernel = stax.serial(*library_layers(case["layers"], case["vocab_size"]))
        x, y = (jax.nn.one_hot(jnp.array(case[key]), case["vocab_size"], dtype=jnp.float64) for key in "xy")
        answer = kernel(x, y, ("nngp", "ntk"))
        entries.append(json.dumps(case | {"nngp": answer.nngp.tolist(), "ntk": answer.ntk.tolist()}))
    versions = {"neural-tangents": neural_tangents.__version__, "jax": jax.__version__}
    print('{\n"versions": ' + json.dumps(versions) + ',\n"cases": [\n' + ",\n".join(entries) + "\n]\n}")


# --- symrep's formulas, for one pair of sequences ---


def dual(name, a, k, b):
    """E f(u) f(v) and E f'(u) f'(v) for Gaussians u, v with variances diag(a), diag(b) and covariances k."""
    a, b = np.diag(a)[:, None], np.diag(b)[None, :]
    if name == "Relu":
        cosine = np.clip(k / np.sqrt(a * b), -1, 1)
        angle = np.arccos(cosine)
        value = np.sqrt(a * b) * (np.sqrt(1 - cosine**2) + (np.pi - angle) * cosine) / (2 * np.pi)
        return value, (np.pi - angle) / (2 * np.pi)
    if name == "Erf":
        scale = (1 + 2 * a) * (1 + 2 * b)
        return 2 / np.pi * np.arcsin(2 * k / np.sqrt(scale)), 4 / np.pi / np.sqrt(scale - 4 * k**2)
    nodes = np.linspace(-9, 9, 361)
    weights = np.exp(-np.add.outer(nodes**2, nodes**2) / 2) * (nodes[1] - nodes[0]) ** 2 / (2 * np.pi)
    a, b, k = (array[..., None, None] for array in (a, b, k))
    u = np.sqrt(a) * nodes[:, None]
    v = k / np.sqrt(a) * nodes[:, None] + np.sqrt(np.maximum(b - k**2 / a, 0)) * nodes[None, :]
    slope_u, slope_v = (ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) for z in (u, v))
    return (u * ndtr(u) * v * ndtr(v) * weights).sum((-2, -1)), (slope_u * slope_v * weights).sum((-2, -1))


def formula_attention(p, K, T):
    Kt, Tt = K, T
    if p["positions"]:
        q = p["positions"]
        distance = np.subtract.outer(*[np.arange(len(T))] * 2)
        scale = number(q["length_scale"] or "1/1000")
        R = number(q["variance"]) * np.exp(-(distance**2) / (2 * scale**2))
        share = number(q["share"]) if q["combine"] == "concat" else None
        mixed = (lambda A: A + R) if share is None else (lambda A: (1 - share) * A + share * R)
        Kt, Tt = {key: mixed(A) for key, A in K.items()}, mixed(T)
    Kv, Tv = (Kt, Tt) if p["positions_on_values"] or not p["positions"] else (K, T)
    query, key, value, out, bias = (number(p[f"{name}_std"]) for name in ("query", "key", "value", "out", "bias"))
    if "activation" not in p:
        gain = (query * key * value * out) ** 2
        dot = {pair: (Kt[pair] * Kv[pair]).sum() for pair in K}
        slopes = 4 * dot["xy"] + (Tt * Kv["xy"]).sum() + (Kt["xy"] * Tv).sum()
        T = gain * (Kt["xy"] * slopes + Tt * dot["xy"]) + bias**2
        return {pair: gain * dot[pair] * Kt[pair] + bias**2 for pair in K}, T
    gain, logits = (value * out) ** 2, {s: query * key * Kt[s + s] for s in "xy"}
    if p["activation"] == "softmax":
        G = {s: np.exp(A) / np.exp(A).sum(1, keepdims=True) for s, A in logits.items()}
    else:
        G = {s: np.maximum(A, 0) if p["activation"] == "relu" else A for s, A in logits.items()}
    new = {(s, t): gain * G[s] @ Kv[s + t] @ G[t].T + bias**2 for s, t in K}
    new = {s + t: A for (s, t), A in new.items()}
    return new, gain * G["x"] @ Tv @ G["y"].T + bias**2 + 2 * (new["xy"] - bias**2)


def formula(layers, K, T):
    for name, p in layers:
        if name == "TokenEmbedding":
            K = {pair: number(p["variance"]) * same for pair, same in K.items()}
            T = K["xy"] if p["trainable"] else 0 * K["xy"]
        elif name in ("LinearAttention", "TiedAttention"):
            K, T = formula_attention(p, K, T)
        elif name == "Dense":
            weight, bias = number(p["W_std"]) ** 2, number(p["b_std"]) ** 2
            K = {pair: weight * A + bias for pair, A in K.items()}
            T = K["xy"] + weight * T
        elif name == "LayerNorm":
            root = {s: np.sqrt(np.diag(K[s + s])) for s in "xy"}
            K, T = {s + t: K[s + t] / np.outer(root[s], root[t]) for s, t in K}, T / np.outer(root["x"], root["y"])
        elif name == "Residual":
            inner, tangent = formula(p["layers"], K, T)
            K, T = {pair: K[pair] + inner[pair] for pair in K}, T + tangent
        elif name in ("MeanPool", "Flatten"):
            readout = np.mean if name == "MeanPool" else lambda A: np.mean(np.diag(A))
            K, T = {pair: readout(A) for pair, A in K.items()}, readout(T)
        else:
            slope = dual(name, K["xx"], K["xy"], K["yy"])[1]
            K = {s + t: dual(name, K[s + s], K[s + t], K[t + t])[0] for s, t in K}
            T = slope * T
    return K, T


def check(answers):
    differing = 0
    for case in answers["cases"]:
        deviations = {"nngp": 0.0, "ntk": 0.0}
        for i, x in enumerate(case["x"]):
            for j, y in enumerate(case["y"]):
                pair = {"x": x, "y": y}
                same = {s + t: np.equal.outer(pair[s], pair[t]).astype(float) for s, t in ("xx", "xy", "yy")}
                K, T = formula(case["layers"], same, None)
                for key, value in (("nngp", K["xy"]), ("ntk", T)):
                    deviations[key] = max(deviations[key], abs(value / case[key][i][j] - 1))
        wrong = max(deviations.values()) > 1e-10
        differing += wrong
        print(f"{case['name']:48} {deviations['nngp']:8.1e} {deviations['ntk']:8.1e} {'DIFFERS' if wrong else ''}")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    check(json.load(sys.stdin)) if "--check" in sys.argv else write_answers()
