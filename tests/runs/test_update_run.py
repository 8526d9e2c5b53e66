"""The daily loop: a finished run and new rows become another run, and the first one stays as it is."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from hyperml_tf import cli
from hyperml_tf.data import Interactions
from hyperml_tf.data.synthetic import synthesize
from hyperml_tf.runs import Run, train_run, update_run
from hyperml_tf.serving import ServedModel
from hyperml_tf.settings import TrainingConfig

pytestmark = pytest.mark.slow

CONFIG = TrainingConfig(dim=4, epochs=2, batch_size=128, k=5, order_column="day")
ROWS = synthesize(n_users=40, n_items=100, n_rows=600, depth=2, branching=3, seed=2).table.to_frame()


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The old rows; and those of a day, of known and of new users and items, and of two pairs that are known."""
    rows = ROWS.assign(day=np.arange(len(ROWS)))
    place = rows.groupby("user").cumcount(ascending=False)
    new = pd.DataFrame(
        {"user": ["zoe"] * 4 + ["user_00001"], "item": ["new_1", "new_2", *ROWS["item"][:2], "new_1"], "day": 900}
    )
    return rows[place >= 2], pd.concat([rows[place < 2], new, rows[place == 2].head(2)])


class Killed(tf.keras.callbacks.Callback):
    """Ends the training within its second epoch."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.now == 1:
            raise KeyboardInterrupt

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.now = epoch


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """Trainings of a few steps take less time than to trace them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run `1`; the rows of the next day, `new.csv`; and `2`, an update that was killed, whose state is kept in `killed`."""
    path = tmp_path_factory.mktemp("updates")
    old, new = frames()
    new.to_csv(path / "new.csv", index=False)
    old.to_csv(path / "old.csv", index=False)
    train_run(path / "old.csv", path / "1", CONFIG)
    before = hashes(path / "1")
    with pytest.raises(KeyboardInterrupt):
        update_run(path / "1", path / "new.csv", path / "2", callbacks=[Killed()])
    shutil.copytree(path / "2", path / "killed")
    assert cli.main(["update", f"{path}/1", f"{path}/new.csv", "--out", f"{path}/2", "--resume"]) == 0
    assert hashes(path / "1") == before
    return path


@pytest.fixture
def first(folder: Path) -> Run:
    return Run.load(folder / "1")


@pytest.fixture
def second(folder: Path) -> Run:
    return Run.load(folder / "2")


def hashes(path: Path) -> dict[str, str]:
    files = [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def pairs(table: Interactions) -> set[tuple[Any, ...]]:
    return set(table.to_frame()[["user", "item"]].itertuples(index=False, name=None))


def test_the_table_is_all_rows_and_known_ids_keep_their_codes(first: Run, second: Run) -> None:
    old, new = frames()
    assert pairs(second.table) == pairs(Interactions.from_frame(pd.concat([old, new]), repeats="first"))
    assert second.table.user_ids.tolist() == [*first.table.user_ids, "zoe"]
    assert second.table.item_ids[: first.table.n_items].tolist() == first.table.item_ids.tolist()
    assert {"new_1", "new_2"} <= set(second.table.item_ids.tolist())
    # New rows are the newest of their users.
    of_user = second.table.to_frame().query("user == 'user_00001'")["item"].tolist()
    assert of_user == [*ROWS.query("user == 'user_00001'")["item"].tolist(), "new_1"]


def test_every_row_but_the_newest_of_half_of_the_users_is_learned(first: Run, second: Run) -> None:
    held_out = second.held_out
    assert held_out is not None
    fresh = pairs(second.table) - pairs(first.table)
    test = pairs(held_out.split.test)
    assert test <= fresh
    assert len(test) == len({user for user, _ in fresh}) // 2
    last = second.table.to_frame().groupby("user")["item"].last()
    assert all(last[user] == item for user, item in test)
    assert pairs(second.training) == pairs(second.table) - test
    # The rows that the first run held out are learned, too.
    assert second.metrics["new_rows"] == len(pairs(second.training) - pairs(first.training))
    assert second.metrics["train_rows"] == len(second.training)


def test_metrics_are_those_of_both_models_on_the_same_rows(first: Run, second: Run) -> None:
    evaluated = second.evaluate()
    assert set(evaluated) == {"test", "popularity"}
    for name, value in evaluated["test"].items():
        assert second.metrics["test"][name] == pytest.approx(value, abs=1e-6)
    held_out = second.held_out
    assert held_out is not None
    model = first.model
    tf.keras.utils.set_random_seed(CONFIG.seed)  # by which the vectors of new ids are drawn
    before = model.extended(second.table.user_ids, second.table.item_ids)
    expected = before.evaluate_ranking(held_out.split.test, held_out.split.train, held_out.negatives)
    for name, value in expected.items():
        assert second.metrics["before"]["test"][name] == pytest.approx(value, abs=1e-6)
    assert second.metrics["before"]["test"] != second.metrics["test"]


def test_the_lineage_says_where_a_run_comes_from(folder: Path, first: Run, second: Run) -> None:
    [origin] = second.lineage
    assert origin["parent"] == first.fingerprint == first.table.fingerprint()
    numbers = origin["rows"], origin["users"], origin["items"]
    assert numbers == (len(second.table) - len(first.table), 1, second.table.n_items - first.table.n_items)
    assert first.lineage == []
    card = json.loads((folder / "2/saved_model/1/assets.extra/model_card.json").read_text())
    assert card["lineage"] == second.lineage
    assert second.config == first.config


def test_a_resumed_update_is_the_same_as_one_that_was_not_killed(folder: Path, second: Run, tmp_path: Path) -> None:
    update_run(folder / "1", folder / "new.csv", tmp_path / "2")
    undisturbed = Run.load(tmp_path / "2")
    for one, two in zip(undisturbed.model.variables, second.model.variables, strict=True):
        np.testing.assert_array_equal(two.numpy(), one.numpy())
    for one, two in zip(undisturbed.model.optimizer.variables, second.model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(two.numpy(), one.numpy())
    without = {"seconds"}
    assert {k: v for k, v in undisturbed.metrics.items() if k not in without} == {
        k: v for k, v in second.metrics.items() if k not in without
    }
    assert set(hashes(tmp_path / "2")) == set(hashes(folder / "2"))


def test_the_export_serves_new_users_and_items(folder: Path, second: Run) -> None:
    served = ServedModel(folder / "2/saved_model/1")
    answer = served.recommend(["zoe", "user_00001"])
    expected = second.model.recommend(["zoe", "user_00001"], k=5)
    np.testing.assert_array_equal(answer.ids, expected.ids)


def test_an_update_is_updated_again_even_by_a_single_row(folder: Path, second: Run, tmp_path: Path) -> None:
    row = Interactions.from_arrays(["zoe"], ["new_3"], partial=True)
    third = update_run(second, row, tmp_path / "3", epochs=1, replay=0.0, learning_rate=0.5)
    assert [origin["rows"] for origin in third.lineage] == [second.lineage[0]["rows"], 1]
    assert third.table.to_frame().query("user == 'zoe'")["item"].tolist()[-1] == "new_3"
    # It learns this row, and those that the second run had held out.
    assert third.metrics["new_rows"] == 1 + len(second.table) - len(second.training)
    assert "test" not in third.metrics
    with pytest.raises(ValueError, match="too few new rows to hold any out"):
        third.evaluate()
    # The rate for further training is that of the first run.
    rates = [float(run.model.optimizer.learning_rate) for run in (second, third)]
    assert rates[0] == rates[1] > 0


def test_what_is_wrong_is_said(folder: Path, first: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"`table` must have a row that the run does not have. Received: 520 rows"):
        update_run(first, first.table, tmp_path / "x")
    for name, value in (("epochs", 0), ("replay", -1.0), ("learning_rate", 0.0)):
        with pytest.raises(ValueError, match=f"`{name}` must be"):
            update_run(first, folder / "new.csv", tmp_path / "x", **{name: value})
    with pytest.raises(FileExistsError, match="already holds a run"):
        update_run(first, folder / "new.csv", folder / "1")
    assert not (tmp_path / "x").exists()
    assert cli.main(["update", f"{folder}/nowhere", f"{folder}/new.csv", "--out", f"{tmp_path}/x"]) == 1
    assert "is not a finished run" in capsys.readouterr().err


def test_an_unfinished_update_is_recognised(folder: Path, first: Run, tmp_path: Path) -> None:
    shutil.copytree(folder / "killed", tmp_path / "2")
    new = folder / "new.csv"
    with pytest.raises(FileNotFoundError, match=r"is not a finished run: it has no metrics\.json"):
        Run.load(tmp_path / "2")
    with pytest.raises(FileExistsError, match="unfinished run"):
        update_run(first, new, tmp_path / "2")
    with pytest.raises(
        ValueError, match=r"resumed with the run, the rows and the arguments that it began with.*'replay': 0.5"
    ):
        update_run(first, new, tmp_path / "2", replay=0.5, resume=True)
    with pytest.raises(ValueError, match=r"an unfinished update, .*: continue it with `update_run`"):
        train_run(folder / "old.csv", tmp_path / "2", CONFIG, resume=True)


def test_ids_that_do_not_fit_are_an_error(first: Run, tmp_path: Path) -> None:
    numbered = dataclasses.replace(first.table, user_ids=np.arange(first.table.n_users))
    run = Run(first.path)
    run.__dict__["table"] = numbered
    with pytest.raises(
        ValueError, match=r"`table` must have integers as user ids, as the run has\. Received: text, such as 'zoe'"
    ):
        update_run(run, Interactions.from_arrays(["zoe", "3"], ["a", "b"]), tmp_path / "x")
