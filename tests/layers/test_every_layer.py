"""Every layer through the same checks, with a fixed and a learned curvature and at curvature 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layer_checks import check_layer

from hyperml_tf import layers


def points(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).uniform(-0.4, 0.4, shape).astype("float32")


IDS = np.array([[1, 2, 2], [0, 4, 3]], dtype="int32")
X, Y, SETS = points(2, 3), points(2, 3)[::-1].copy(), points(2, 4, 3)
FACTORS = np.array([[0.5], [-2.0]], dtype="float32")

# class, arguments, inputs, output shape, number of weights
Case = tuple[str, dict[str, Any], Any, tuple[int, ...], int]
CASES: list[Case] = [
    ("ExpMap", {}, X, (2, 3), 0),
    ("ExpMap", {}, [X, Y], (2, 3), 0),
    ("Gyromidpoint", {}, SETS, (2, 3), 0),
    ("HyperbolicDistance", {}, [X, Y], (2,), 0),
    ("HyperbolicDistance", {"squared": True}, [X[:, np.newaxis], SETS], (2, 4), 0),
    ("HyperbolicEmbedding", {"input_dim": 5, "output_dim": 4}, IDS, (2, 3, 4), 1),
    (
        "HyperbolicEmbedding",
        {
            "input_dim": 5,
            "output_dim": 4,
            "mode": "direct",
            "max_tangent_norm": 0.05,
            "embeddings_regularizer": "l2",
            "mask_zero": True,
        },
        IDS,
        (2, 3, 4),
        1,
    ),
    ("LogMap", {}, X, (2, 3), 0),
    ("LogMap", {}, [X, Y], (2, 3), 0),
    ("LorentzLift", {"role": "candidate"}, SETS, (2, 4, 4), 0),
    ("LorentzLift", {"role": "query"}, X, (2, 4), 0),
    ("MobiusAdd", {}, [X, Y], (2, 3), 0),
    ("MobiusAdd", {}, [X[:, np.newaxis], SETS], (2, 4, 3), 0),
    ("MobiusDense", {"units": 5}, X, (2, 5), 2),
    ("MobiusDense", {"units": 5, "activation": "tanh", "bias_initializer": "ones"}, SETS, (2, 4, 5), 2),
    ("MobiusDense", {"units": 5, "use_bias": False}, X, (2, 5), 1),
    ("MobiusMatVec", {"units": 2, "kernel_regularizer": "l2"}, SETS, (2, 4, 2), 1),
    ("MobiusScalarMul", {}, [FACTORS, X], (2, 3), 0),
    ("MobiusScalarMul", {}, [FACTORS[:, 0], X], (2, 3), 0),
    ("MobiusScalarMul", {"factor": -0.5}, SETS, (2, 4, 3), 0),
    ("MobiusScalarMul", {"factor": 0.5, "learned": True}, X, (2, 3), 1),
    ("ProjectToBall", {}, 5 * SETS, (2, 4, 3), 0),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_layer_with_a_learned_curvature(case: Case, tmp_path: Path) -> None:
    name, kwargs, inputs, shape, weights = case
    kwargs = {**kwargs, "curvature": layers.Curvature(0.7, learned=True)}
    check_layer(getattr(layers, name), kwargs, inputs, shape, weights + 1, folder=tmp_path)


@pytest.mark.parametrize("curvature", [0.0, 1.5])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_layer_with_a_fixed_curvature(case: Case, curvature: float) -> None:
    name, kwargs, inputs, shape, weights = case
    check_layer(getattr(layers, name), {**kwargs, "curvature": curvature}, inputs, shape, weights)


def test_every_exported_layer_has_a_case() -> None:
    assert {case[0] for case in CASES} == set(layers.__all__) - {"Curvature"}
