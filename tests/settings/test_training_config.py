"""The settings of a run, and the files they come from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from hyperml_tf.settings import TableFacts, TrainingConfig, resolve
from hyperml_tf.settings.page import settings_page

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("split", "first"),
        ("mode", "both"),
        ("optimizer", "lion"),
        ("distortion_reference", "flat"),
        ("dim", 0),
        ("dim", 2.5),
        ("margin", 0.0),
        ("margin", float("nan")),
        ("negatives", 0),
        ("hardest", 0),
        ("shallow", -1),
        ("history", -1),
        ("half_life", 0.0),
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
        ("user_column", 3),
    ],
)
def test_values_out_of_range(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"`{name}` must be .*Received: {name}="):
        TrainingConfig(**{name: value})


def test_none_is_no_second_comparison() -> None:
    assert TrainingConfig(shallow=None).shallow == TrainingConfig(shallow=0).shallow == 0  # type: ignore[arg-type]


def test_a_file_of_settings(tmp_path: Path) -> None:
    config = TrainingConfig(user_column="who", order_column=False, split="random", mode="direct", dim=3, seed=5)
    for number, document in enumerate((config.to_dict(), {"settings": config.to_dict(), "score": 0.5})):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(document, allow_nan=False))
        assert TrainingConfig.from_file(path) == config


def test_what_a_run_chose_is_chosen_anew_unless_it_was_edited(tmp_path: Path) -> None:
    given = TrainingConfig(split="random", dim=16)
    resolved = resolve(given, TableFacts(n_items=5000, split="random"))
    settings = resolved.to_dict()
    automatic = {name: settings[name] for name in ("margin", "negatives", "half_life")}
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"settings": settings, "automatic": automatic}))
    again = TrainingConfig.from_file(path)
    assert (again.margin, again.negatives, again.half_life) == (None, None, None)
    assert (again.curvature, again.dim) == (1.0, 16)
    path.write_text(json.dumps({"settings": {**settings, "margin": 5.0}, "automatic": automatic}))
    assert TrainingConfig.from_file(path) == dataclasses.replace(again, margin=5.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be a JSON file with settings"),
        ("3", "must hold settings by name. Received: int"),
        ('{"settings": [1]}', "must hold settings by name. Received: list"),
        ('{"depth": 3}', r"Unknown settings \['depth'\]"),
        ('{"dim": "3"}', r"`dim` must be an integer >= 1. Received: dim='3'"),
    ],
)
def test_what_is_not_a_file_of_settings(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        TrainingConfig.from_file(path)


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    assert (DOCS / "settings.md").read_text() == settings_page(), "python -m hyperml_tf.settings > docs/settings.md"
