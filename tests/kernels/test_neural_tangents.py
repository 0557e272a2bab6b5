"""NNGP and NTK against the package neural-tangents, on stored answers (tests/oracles/neural_tangents_kernels.py)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from symrep import kernels

ORACLE = Path(__file__).parents[1] / "oracles" / "neural_tangents_kernels.json"
CASES = json.loads(ORACLE.read_text(encoding="utf-8"))["cases"]


def layer_of(name, parameters):
    given = {key: value for key, value in parameters.items() if value is not None}
    if name == "Residual":
        return kernels.residual(*(layer_of(*layer) for layer in given["layers"]))
    if "positions" in given:
        given["positions"] = kernels.Positions(**{k: v for k, v in given["positions"].items() if v is not None})
    return getattr(kernels, name)(**given)


def test_the_oracle_is_varied():
    assert len(CASES) == 34 and len({case["name"] for case in CASES}) == 34
    used = json.dumps([case["layers"] for case in CASES])
    names = (
        "LinearAttention",
        "TiedAttention",
        "Relu",
        "Erf",
        "Gelu",
        "LayerNorm",
        "Residual",
        "gaussian",
        "concat",
        "Flatten",
    )
    assert all(name in used for name in names)
    assert all(np.ptp(case[kernel]) > 1e-3 * np.abs(case[kernel]).max() for case in CASES for kernel in ("nngp", "ntk"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_kernels_of_another_library(case):
    net = kernels.serial(*(layer_of(*layer) for layer in case["layers"]))
    x, y = np.array(case["x"]), np.array(case["y"])
    np.testing.assert_allclose(net.nngp(x, y), case["nngp"], rtol=1e-11)
    # at equal inputs the derivative of the ReLU's dual has a square root singularity, which magnifies the last bit
    has_relu = "Relu()" in repr(net)
    np.testing.assert_allclose(net.ntk(x, y), case["ntk"], rtol=1e-7 if has_relu else 1e-11)
