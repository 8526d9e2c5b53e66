"""Undocumented parts of keras-tuner that `hyperml_tf.tuning` relies on. A test that fails names what a new version has moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from hyperml_tf import tuning

VERSION = getattr(keras_tuner, "__version__", "unknown")


def moved(what: str, where: str) -> str:
    return f"keras-tuner {VERSION} has moved {what}, which hyperml_tf/tuning/{where} relies on"


class Numbers(keras_tuner.Tuner):
    """A tuner of keras-tuner itself, without a model."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
        return trial.hyperparameters["a"]


def declare(hp: Any) -> None:
    hp.Float("a", 0.0, 1.0)


@pytest.fixture
def hyperband(tmp_path: Path) -> Any:
    """A Hyperband search by keras-tuner alone."""
    objective = tuning.Objective("score", "max")
    searcher = Numbers(keras_tuner.oracles.HyperbandOracle(objective, max_epochs=3), declare, directory=str(tmp_path))
    searcher.search(verbose=0)
    return searcher


def test_the_state_of_an_oracle(hyperband: Any) -> None:
    state = hyperband.oracle.get_state()
    assert state.get("ongoing_trials") == {}, moved("`ongoing_trials` of the state of an oracle", "oracles.py")
    assert state.get("retry_queue") == [], moved("`retry_queue` of the state of an oracle", "oracles.py")
    hyperband.oracle.set_state({**state, "retry_queue": ["0000"]})
    trial = hyperband.oracle.create_trial("tuner0")
    assert trial.trial_id == "0000", moved("the use of `retry_queue`", "oracles.py")


def test_the_brackets_of_hyperband(tmp_path: Path) -> None:
    oracle = keras_tuner.oracles.HyperbandOracle(tuning.Objective("score", "max"), max_epochs=3)
    Numbers(oracle, declare, directory=str(tmp_path))
    trials = [oracle.create_trial(f"tuner{number}") for number in range(3)]
    message = moved("`brackets` of the state of Hyperband", "oracles.py")
    assert oracle.get_state().get("brackets") == [
        {"bracket_num": 1, "rounds": [[{"past_id": None, "id": trial.trial_id} for trial in trials], []]}
    ], message


def test_the_hyperparameters_of_a_round(hyperband: Any) -> None:
    (last,) = [t for t in hyperband.oracle.trials.values() if "tuner/trial_id" in t.hyperparameters.values]
    expected = {"tuner/epochs": 3, "tuner/initial_epoch": 1, "tuner/bracket": 1, "tuner/round": 1}
    assert expected.items() <= last.hyperparameters.values.items(), moved("hyperparameters of Hyperband", "oracles.py")


def test_the_files_of_a_search(hyperband: Any, tmp_path: Path) -> None:
    names = {path.name for path in (tmp_path / "untitled_project").glob("*.json")}
    assert names == {"oracle.json", "tuner0.json"}, moved("the files of a search", "project.py")
    oracle = keras_tuner.oracles.HyperbandOracle(tuning.Objective("score", "max"), max_epochs=3)
    reloaded = Numbers(oracle, declare, directory=str(tmp_path))
    assert len(reloaded.oracle.trials) == len(hyperband.oracle.trials), moved("the files of a search", "project.py")


def test_several_objectives() -> None:
    objective = keras_tuner.Oracle(["val_loss", tuning.Objective("val_score", "max")]).objective
    names = getattr(objective, "name_to_direction", None)
    assert names == {"val_loss": "min", "val_score": "max"}, moved("`name_to_direction`", "best_epoch.py")
