"""The search space: what a dictionary or a file may say, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hyperml_tf.settings import ModelSettings, TrainingConfig, settings_of
from hyperml_tf.tuning import HyperParameters, SearchSpace
from hyperml_tf.tuning.search_space import DEFAULT, HYPERPARAMETERS


def test_the_default_space_names_settings_and_starts_at_their_defaults() -> None:
    hp = HyperParameters()
    by_table = {"margin": 16.0, "negatives": 20, "curvature": 1.0, "learning_rate": 0.05, "optimizer": "adagrad"}
    defaults = {**TrainingConfig().to_dict(), **by_table}
    values = SearchSpace.default().choose(hp, defaults)
    assert values == {name: defaults[name] for name in DEFAULT}
    assert {name: type(value) for name, value in values.items()} == {
        name: type(defaults[name]) for name in DEFAULT
    }  # whole numbers stay whole
    for one in hp.space:
        for seed in range(20):
            TrainingConfig(**{one.name: one.random_sample(seed)})


def test_hyperparameters_are_fixed_narrowed_and_added(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(
        "dim: 16\nmode: [direct]\nlearning_rate: {min: 1e-3, max: 1e-1, sampling: log}\nhardest: [1, 2]\nmargin: null\n"
    )
    space = SearchSpace.from_yaml(file)
    assert set(space.entries) == {*DEFAULT, "hardest"}
    plain = space.entries
    assert (plain["dim"], plain["mode"], plain["hardest"], plain["margin"]) == (16, ["direct"], [1, 2], None)
    assert plain["learning_rate"] == {"min": 0.001, "max": 0.1, "sampling": "log"}
    assert plain["negatives"] == DEFAULT["negatives"]
    assert SearchSpace(plain).entries == plain
    hp = HyperParameters()
    values = space.choose(hp, TrainingConfig().to_dict())
    assert values["margin"] is None
    assert "margin" not in hp.values
    assert hp.values["dim"] == 16
    file.write_text("only: true\nepochs: [2, 4]\n")
    assert set(SearchSpace.from_yaml(file).entries) == {"epochs"}


def test_starting_values_outside_the_space_are_replaced() -> None:
    space = SearchSpace(
        {
            "dim": [8, 16],
            "curvature": {"min": 0.25, "max": 0.64, "sampling": "log"},
            "epochs": {"min": 2, "max": 9, "step": 3},
        }
    )
    values = space.choose(HyperParameters(), {"dim": 64, "curvature": 1.0, "epochs": 40})
    assert values == {"dim": 8, "curvature": 0.4, "epochs": 2}


def test_every_setting_that_changes_what_is_learned_may_be_searched(tmp_path: Path) -> None:
    entries = {"distortion_reference": ["conformal", "tangent"], "max_tangent_norm": 2, "half_life": [1, float("inf")]}
    expected = {**entries, "max_tangent_norm": 2.0, "half_life": [1.0, float("inf")]}
    assert SearchSpace(entries).entries == expected
    (tmp_path / "s.yaml").write_text(
        "only: true\ndistortion_reference: [conformal, tangent]\nmax_tangent_norm: 2\nhalf_life: [1e0, .inf]\n"
    )
    assert SearchSpace.from_yaml(tmp_path / "s.yaml").entries == expected
    assert set(settings_of(ModelSettings)) - {"seed"} < set(HYPERPARAMETERS)
    assert not {"seed", "k", "split", "user_column"} & set(HYPERPARAMETERS)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"depth": 3}, r"`space` must name hyperparameters, which are dim, curvature.*Received: depth"),
        ({"dim": []}, r"`dim` must have at least one value"),
        ({"dim": 2.5}, r"`dim` must be an integer >= 1. Received: dim=2.5"),
        ({"dim": True}, r"`dim` must be an integer >= 1. Received: dim=True"),
        ({"dim": [8, "many"]}, r"`dim` must be an integer >= 1. Received: dim='many'"),
        ({"margin": [8, None]}, r"`margin` must be a list of values, or None alone. Received: "),
        ({"margin": [0, 4]}, r"`margin` must be a finite number > 0. Received: margin=0"),
        ({"mode": "sideways"}, r"`mode` must be one of \('tangent', 'direct'\). Received: mode='sideways'"),
        ({"mode": [1]}, r"`mode` must be one of .*Received: mode=1"),
        ({"mode": {"min": 1, "max": 2}}, r"`mode` must be a string or a list of strings"),
        ({"margin": {"min": 1}}, r"`margin` must have `min` and `max`"),
        ({"margin": {"min": 1, "max": 2, "stride": 1}}, r"`margin` must have `min` and `max`"),
        ({"margin": {"min": 2, "max": 1}}, r"`margin` must have `min` below a finite `max`"),
        ({"half_life": {"min": 2, "max": float("inf")}}, r"`half_life` must have `min` below a finite `max`"),
        (
            {"margin": {"min": 1, "max": 2, "sampling": "cubic"}},
            r"`margin` must have `sampling` linear or log. Received: 'cubic'",
        ),
        (
            {"distortion_weight": {"min": 0, "max": 1, "sampling": "log"}},
            r"`distortion_weight` must have a positive `min`",
        ),
        ({"margin": {"min": 1, "max": 2, "step": 0}}, r"`margin` must have a number as `step`, > 0"),
        ({"margin": {"min": 1, "max": 2, "step": "a"}}, r"`margin` must have a number as `step`.*'a'"),
        ([], r"`space` must map names"),
    ],
)
def test_what_is_not_a_space(entries: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SearchSpace(entries)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dim: [8", r"must be YAML"),
        ("8", r"must map names"),
        ("colour: red", r"`.*space.yaml` must name hyperparameters.*Received: colour"),
        ("dim: 0", r"In `.*space.yaml`: `dim` must be an integer >= 1"),
    ],
)
def test_what_is_not_a_space_in_a_file(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        SearchSpace.from_yaml(tmp_path / "space.yaml")
    with pytest.raises(FileNotFoundError):
        SearchSpace.from_yaml(tmp_path / "nothing.yaml")
