"""The settings of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hyperml_tf.runs import TrainingConfig


def test_round_trip_through_json() -> None:
    config = TrainingConfig(user_column="who", split="random", mode="direct", dim=3, seed=5)
    assert TrainingConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("split", "first"),
        ("mode", "both"),
        ("dim", 0),
        ("margin", 0.0),
        ("margin", float("nan")),
        ("negatives", 0),
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("inf")),
        ("k", 0),
        ("curvature", -1.0),
        ("distortion_weight", -1.0),
        ("distortion_weight", float("nan")),
        ("seed", -1),
        ("seed", 2**31),
    ],
)
def test_values_out_of_range(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"`{name}` must be .*Received: {name}="):
        TrainingConfig(**{name: value})


def test_unknown_settings() -> None:
    with pytest.raises(ValueError, match=r"Unknown settings \['depth'\]"):
        TrainingConfig.from_dict({"depth": 3})
