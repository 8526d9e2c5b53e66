"""A run is written where nothing of others is in its way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from hyperml_tf.data.synthetic import synthesize
from hyperml_tf.files.locks import InUseError
from hyperml_tf.runs import train_run
from hyperml_tf.runs.claims import alone_in
from hyperml_tf.runs.layout import NAMES
from hyperml_tf.settings import TrainingConfig

TABLE = synthesize(n_users=40, n_items=120, n_rows=500, depth=2, branching=3, seed=2).table


class Started(tf.keras.callbacks.Callback):
    """Ends training when it begins."""

    def on_train_begin(self, logs: object = None) -> None:
        raise InterruptedError


def train(out: Path) -> None:
    train_run(TABLE, out, TrainingConfig(dim=4, epochs=1), [Started()])


@pytest.mark.parametrize("name", NAMES)
def test_files_of_others_stay(tmp_path: Path, name: str) -> None:
    if "." in name:
        (tmp_path / name).write_text('{"mine": 1}')
    else:
        (tmp_path / name).mkdir()
    with pytest.raises(FileExistsError, match=f"files of others .* with {name}"):
        train(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_other_names_are_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("mine")
    with pytest.raises(InterruptedError):
        train(tmp_path)
    assert (tmp_path / "ratings.csv").read_text() == "mine"
    assert {"settings", "fingerprint"} <= set(json.loads((tmp_path / "config.json").read_text()))


def test_a_finished_run_stays(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"settings": {}, "fingerprint": "0"}')
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(FileExistsError, match="already holds a run"):
        train(tmp_path)


def test_two_at_once(tmp_path: Path) -> None:
    with alone_in(tmp_path), pytest.raises(InUseError, match="another process is training in it"):
        train(tmp_path)
    with pytest.raises(InterruptedError):
        train(tmp_path)


def test_a_search_is_not_written_over_files_of_others(tmp_path: Path) -> None:
    from hyperml_tf.tuning import Tuner, tune_table
    from hyperml_tf.tuning.oracles import RandomSearchOracle

    (tmp_path / "best.json").write_text("mine")
    with pytest.raises(FileExistsError, match=r"files of others .* with best\.json"):
        tune_table(TABLE, tmp_path)
    oracle = RandomSearchOracle("val_loss", max_trials=1)
    build: Callable[..., None] = lambda hp: None  # noqa: E731
    with pytest.raises(FileExistsError, match="directory of a search only"):
        Tuner(oracle, build, directory=tmp_path.parent, project_name=tmp_path.name, overwrite=True)
    assert (tmp_path / "best.json").read_text() == "mine"
