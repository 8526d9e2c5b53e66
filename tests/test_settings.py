"""One declaration of every setting, in all the places where settings appear."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import HyperML, Interactions, cli, train_run
from hyperml_tf.layers import Curvature
from hyperml_tf.models import History
from hyperml_tf.models.baselines import EuclideanTwin
from hyperml_tf.settings import ModelSettings, Setting, TrainingConfig, settings_of
from hyperml_tf.settings.documentation import default_text, type_text

DECLARED = settings_of(TrainingConfig)
OF_THE_MODEL = settings_of(ModelSettings)

# A value of each setting that is not its default.
VALUES: dict[str, Any] = {
    "user_column": "who",
    "item_column": "what",
    "order_column": "when",
    "event_column": "kind",
    "event_weights": "view=1,purchase=4",
    "weight_column": "amount",
    "rating_column": "stars",
    "min_rating": 3.5,
    "repeats": "last",
    "columns": "who,what,when",
    "separator": ";",
    "split": "random",
    "dim": 3,
    "curvature": 0.5,
    "mode": "direct",
    "margin": 4.0,
    "distortion_weight": 0.5,
    "distortion_reference": "tangent",
    "negatives": 40,
    "hardest": 3,
    "shallow": 10,
    "negatives_group": 7,
    "max_tangent_norm": 2.0,
    "user_model": "history",
    "loss": "softmax",
    "history": 5,
    "half_life": 2.0,
    "learning_rate": 0.25,
    "seed": 4,
    "epochs": 2,
    "batch_size": 64,
    "optimizer": "adam",
    "k": 9,
    "include_seen": True,
}

each = pytest.mark.parametrize("name", DECLARED)
each_of_the_model = pytest.mark.parametrize("name", OF_THE_MODEL)


def table(rows_per_user: int, n_users: int = 6, n_items: int = 80) -> Interactions:
    rng = np.random.default_rng(0)
    items = np.concatenate([rng.permutation(n_items)[:rows_per_user] for _ in range(n_users)])
    users = np.repeat(np.arange(n_users), rows_per_user)
    return Interactions.from_arrays(users, items, order=np.arange(len(items)))


# Every setting is in every place -----------------------------------------------------------------------------------


def test_there_is_a_value_for_each() -> None:
    assert set(VALUES) == set(DECLARED)


@pytest.fixture(scope="module")
def train_help() -> str:
    program = "import sys; from hyperml_tf.cli import main; sys.exit(main(['train', '--help']))"
    wide = {**os.environ, "COLUMNS": "300"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=wide)
    return " ".join(done.stdout.replace("│", " ").split())


@each
def test_in_the_help_of_train(name: str, train_help: str) -> None:
    declared = DECLARED[name]
    assert f"{declared.option} " in train_help
    assert declared.help in train_help
    default = "no-include-seen" if declared.kind is bool else declared.default
    assert f"[default: {f'({declared.auto})' if declared.auto else default}]" in train_help


def test_help_needs_no_tensorflow() -> None:
    program = (
        "import sys; from hyperml_tf.cli import main; main(['train', '--help']); "
        "sys.exit(sorted({'tensorflow', 'pandas', 'numpy'} & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def option(name: str, value: Any) -> list[str]:
    """What gives a setting a value on the command line."""
    if DECLARED[name].kind is bool:
        return [DECLARED[name].option if value else DECLARED[name].option.replace("--", "--no-")]
    return [DECLARED[name].option, str(value)]


@each
def test_in_a_file_and_on_the_command_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = TrainingConfig(**{name: VALUES[name]})
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(expected.to_dict()))
    assert TrainingConfig.from_file(path) == expected
    asked: list[TrainingConfig] = []

    def stop(table: Any, out: Any, settings: TrainingConfig, **others: Any) -> None:
        asked.append(settings)
        raise ValueError("That is all.")

    monkeypatch.setattr("hyperml_tf.cli.runs.open_and_tell", lambda *_: None)
    monkeypatch.setattr("hyperml_tf.runs.train_run", stop)
    arguments = ["train", "t.csv", "--out", "run"]
    assert cli.main([*arguments, *option(name, VALUES[name])]) == 1
    assert cli.main([*arguments, "--config", str(path)]) == 1
    # An option wins over a file, also where it asks for the default.
    if DECLARED[name].default is not None:
        assert cli.main([*arguments, "--config", str(path), *option(name, DECLARED[name].default)]) == 1
        assert asked.pop() == TrainingConfig()
    assert asked == [expected, expected]


@each_of_the_model
def test_in_the_model_and_its_config(name: str) -> None:
    parameter = inspect.signature(HyperML).parameters[name]
    assert parameter.default == OF_THE_MODEL[name].default
    model = HyperML(["u"], ["a", "b"], **{name: VALUES[name]})
    assert getattr(model.settings, name) == VALUES[name]
    config = json.loads(json.dumps(model.get_config(), allow_nan=False))
    assert (config[name]["length"] if name == "history" else config[name]) == VALUES[name]
    restored = HyperML.from_config(config)
    assert restored.settings == model.settings
    assert restored.get_config() == model.get_config()


@each_of_the_model
def test_in_the_docstring_of_the_model(name: str) -> None:
    entries = dict(re.findall(r"^        (\w+): ((?:.|\n(?!        \w))*)", str(HyperML.__doc__), flags=re.MULTILINE))
    text = " ".join(entries[name].split())
    assert text.startswith(type_text(OF_THE_MODEL[name])), text
    assert text.endswith(default_text(OF_THE_MODEL[name])), text


# Resolved in one way -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("rows_per_user", "curvature", "rate"), [(60, 0.3, 0.02), (8, 1.0, 0.05)])
def test_every_way_in_resolves_alike(rows_per_user: int, curvature: float, rate: float, tmp_path: Path) -> None:
    data = table(rows_per_user)
    model = HyperML.from_interactions(data, dim=4)
    assert (model.settings.curvature, model.settings.learning_rate) == (curvature, rate)
    assert float(model.curvature()) == pytest.approx(curvature)
    config = TrainingConfig(dim=4, epochs=1, split="none")
    run = train_run(data, tmp_path / "run", config)
    assert ModelSettings(**run.config.arguments()) == run.model.settings == model.settings
    written = json.loads((run.path / "config.json").read_text())
    card = json.loads((run.path / "saved_model" / "1" / "assets.extra" / "model_card.json").read_text())
    assert written["settings"] == card["settings"] == run.config.to_dict()
    for name in ("curvature", "learning_rate", "negatives", "negatives_group", "margin"):
        assert run.model.get_config()[name] == model.get_config()[name] == written["settings"][name] is not None
        assert name in written["automatic"]
    assert TrainingConfig.from_file(run.path / "config.json") == config


def test_the_default_optimizer_has_the_resolved_rate() -> None:
    dense, sparse = (HyperML.from_interactions(table(rows), dim=4) for rows in (60, 8))
    rates = [float(model.default_optimizer().learning_rate) for model in (dense, sparse)]
    assert rates[0] == pytest.approx(0.4 * rates[1])
    restored = HyperML.from_config(dense.get_config())
    assert float(restored.default_optimizer().learning_rate) == pytest.approx(rates[0])


def test_a_model_made_from_ids_has_the_defaults_of_sparse_tables() -> None:
    settings = HyperML(3, np.int64(5000)).settings
    assert (settings.curvature, settings.learning_rate, settings.negatives, settings.history) == (1.0, 0.05, 50, 16)


def test_the_twin_stays_flat_and_keeps_its_own_rate() -> None:
    twin = EuclideanTwin.from_interactions(table(60), dim=4)
    assert (twin.settings.curvature, twin.settings.learning_rate) == (0.0, EuclideanTwin.LEARNING_RATE)
    assert EuclideanTwin(["u"], ["a", "b"], learning_rate=0.1).settings.learning_rate == 0.1


def test_networks_have_the_defaults_of_sparse_tables() -> None:
    lookup = tf.keras.layers.IntegerLookup(vocabulary=list(range(6)))
    network = tf.keras.Sequential([lookup, tf.keras.layers.Embedding(7, 4)])
    settings = HyperML.from_interactions(table(60), dim=4, query_network=network).settings
    assert (settings.curvature, settings.learning_rate, settings.history) == (1.0, 0.05, 0)


# Objects and numbers of other types --------------------------------------------------------------------------------


def test_objects_are_arguments_of_the_model() -> None:
    history = History(length=4, weight=0.5, around=0.25, half_life=2.0)
    model = HyperML(["u"], ["a", "b"], curvature=Curvature(0.5, learned=True), history=history)
    assert model.query_tower.history == history
    assert (model.settings.curvature, model.settings.history, model.settings.half_life) == (0.5, 4, 2.0)
    assert HyperML(["u"], ["a", "b"], history=history, half_life=5).query_tower.history.half_life == 5.0
    unordered = Interactions.from_arrays(["u", "u", "v"], ["a", "b", "a"])
    assert HyperML.from_interactions(unordered, history=history).query_tower.history == history


@pytest.mark.parametrize("infinity", [float("inf"), np.float32("inf"), "inf"])
def test_infinity_is_a_half_life_everywhere(infinity: Any) -> None:
    assert History(half_life=infinity) == History(half_life=None)
    assert TrainingConfig(half_life=infinity).to_dict()["half_life"] == "inf"
    model = HyperML(["u"], ["a", "b"], half_life=infinity)
    assert model.query_tower.history.half_life is None
    assert model.get_config()["half_life"] == "inf"
    assert HyperML.from_config(model.get_config()).query_tower.history == model.query_tower.history


def test_numpy_scalars_are_numbers() -> None:
    scalars = {
        name: np.int64(value) if type(value) is int else np.float32(value) if isinstance(value, float) else value
        for name, value in VALUES.items()
    }
    scalars["mode"] = "tangent"
    assert TrainingConfig(**scalars) == TrainingConfig(**{**VALUES, "mode": "tangent"})
    model = HyperML(np.int64(3), np.int32(9), **{name: scalars[name] for name in OF_THE_MODEL})
    json.dumps(model.get_config())


@each
def test_a_bad_value_is_one_line_that_names_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    declared: Setting = DECLARED[name]
    if declared.kind is bool or not declared.limits:
        return
    assert cli.main(["train", "t.csv", "--out", "run", declared.option, "sideways" if declared.choices else "-1"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"Error: `{name}` must be {declared.expected}. Received: {name}=")
    assert error.count("\n") == 1
