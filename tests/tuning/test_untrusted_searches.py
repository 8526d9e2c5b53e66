"""The files of a search that comes from somebody else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hyperml_tf.tuning import RandomSearch
from hyperml_tf.tuning.project import read_json


@pytest.mark.parametrize(
    "value",
    [
        {"space": [{"class_name": "Lambda", "config": {}}]},
        {
            "trials": {
                "0": {"hyperparameters": {"space": [{"class_name": "function", "config": "system", "module": "os"}]}}
            }
        },
        {"trials": {"0": {"trial_id": "../../elsewhere"}}},
        {"trials": {"0": {"hyperparameters": {"values": {"tuner/trial_id": "/elsewhere"}}}}},
    ],
)
def test_only_hyperparameters_are_made(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "oracle.json"
    path.write_text(json.dumps(value))
    with pytest.raises(ValueError, match=r"oracle\.json` must name"):
        read_json(str(path))


def test_damage_is_said_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "untitled_project").mkdir()
    (tmp_path / "untitled_project/oracle.json").write_text('{"trials": ')
    with pytest.raises(ValueError, match=r"oracle\.json` is damaged"):
        RandomSearch(lambda hp: hp.Float("rate", 0, 1), "val_loss", max_trials=1, directory=tmp_path)


def test_trials_of_an_older_search(tmp_path: Path) -> None:
    folder = tmp_path / "untitled_project"
    (folder / "trial_0").mkdir(parents=True)
    (folder / "oracle.json").write_text("{}")
    (folder / "trial_0/trial.json").write_text('{"hyperparameters": {"space": [{"class_name": "Popen"}]}}')
    with pytest.raises(ValueError, match=r"trial\.json` must name no classes but hyperparameters"):
        RandomSearch(lambda hp: hp.Float("rate", 0, 1), "val_loss", max_trials=1, directory=tmp_path)
