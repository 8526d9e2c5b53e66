"""`train_run`, and the directory it leaves, on a table of a few hundred rows."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.data.synthetic import synthesize
from hyperml_tf.runs import Run, train_run
from hyperml_tf.serving import ServedModel
from hyperml_tf.settings import TrainingConfig

pytestmark = pytest.mark.slow

FILES = {
    "config.json",
    "metrics.json",
    "history.csv",
    "disk.png",
    "model/model.keras",
    "model/held_out.npz",
    "saved_model/1/assets.extra/model_card.json",
    "saved_model/1/saved_model.pb",
    "saved_model/1/fingerprint.pb",
    "saved_model/1/variables/variables.data",
    "saved_model/1/variables/variables.index",
}
MEASURES = {"mrr", *(f"{metric}@{k}" for metric in ("hr", "ndcg") for k in (5, 10, 20))}
KEYS = {f"{protocol}_{measure}" for protocol in ("full", "sampled100") for measure in MEASURES}
MONITORED = {f"val_{protocol}_{metric}@10" for protocol in ("full", "sampled100") for metric in ("hr", "ndcg")}
CONFIG = TrainingConfig(dim=4, epochs=2, batch_size=128, k=5)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "ratings.csv"
    synthesize(n_users=40, n_items=120, n_rows=500, depth=2, branching=3, seed=2).interactions.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def finished(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train_run(table, tmp_path_factory.mktemp("runs") / "last", CONFIG)


def files(path: Path) -> set[str]:
    """The files of a run; those of the variables of its export, of which there may be several, as one."""
    names = (str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())
    return {re.sub(r"data-\d+-of-\d+", "data", name) for name in names}


def without_time(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if name != "seconds"}


# What it writes --------------------------------------------------------------------------------------------------


def test_the_files(finished: Run) -> None:
    assert files(finished.path) == FILES


def test_the_metrics(finished: Run) -> None:
    metrics = json.loads((finished.path / "metrics.json").read_text())
    assert set(metrics) == {"users", "items", "train_rows", "seconds", "validation", "test", "popularity"}
    assert metrics["users"] == 40
    assert metrics["items"] <= 120
    assert metrics["train_rows"] == 500 - 2 * 40
    assert metrics["seconds"] > 0
    for part in (metrics["validation"], metrics["test"], *metrics["popularity"].values()):
        assert set(part) == KEYS
        assert all(0 <= value <= 1 for value in part.values())
    assert set(metrics["popularity"]) == {"validation", "test"}


def test_the_history_has_a_line_an_epoch(finished: Run) -> None:
    rows = list(csv.DictReader((finished.path / "history.csv").open()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"loss", "val_loss", *MONITORED} <= set(rows[0])


def test_the_settings(finished: Run, table: Path) -> None:
    stored = json.loads((finished.path / "config.json").read_text())
    assert stored["settings"] == finished.config.to_dict()
    assert stored["table"] == str(table)
    assert stored["fingerprint"] == Interactions.from_file(table).fingerprint()
    # The settings of the run are those given, and what was chosen for the table where nothing was given.
    assert TrainingConfig.from_file(finished.path / "config.json") == CONFIG
    resolved = CONFIG.resolved(finished.training)
    assert finished.config == resolved
    assert set(stored["automatic"].items()) == set(resolved.to_dict().items()) - set(CONFIG.to_dict().items())


def test_it_opens_again(finished: Run, table: Path) -> None:
    run = Run.load(finished.path)
    assert run.metrics == finished.metrics
    assert run.evaluate() == without_time({k: v for k, v in run.metrics.items() if isinstance(v, dict)})
    history = run.model.fit(run.training, batch_size=128, verbose=0).history  # compiled, and it goes on
    assert np.isfinite(history["loss"]).all()


def test_users_are_served_by_all_their_rows(finished: Run, table: Path) -> None:
    data, run = Interactions.from_file(table), Run.load(finished.path)
    assert run.table.fingerprint() == data.fingerprint()
    assert run.card["table"]["fingerprint"] == data.fingerprint()
    assert ServedModel(run.path / "saved_model" / "1").card["data"]["fingerprint"] == data.fingerprint()
    assert len(run.training) == run.metrics["train_rows"] < len(data)
    newest = dict(zip(data.users.tolist(), data.items.tolist(), strict=True))
    users = np.arange(5)
    got = run.model.recommend(data.user_ids[users], 500)
    for user, row in zip(users, got.ids, strict=True):
        assert data.item_ids[newest[user]] not in row.tolist()


def test_evaluation_by_the_older_protocol(finished: Run) -> None:
    report = Run.load(finished.path).evaluate(test_history="train")
    assert report["validation"] == finished.metrics["validation"]
    assert report["popularity"] == finished.metrics["popularity"]  # which knows nobody's history
    assert report["test"] != finished.metrics["test"]
    with pytest.raises(ValueError, match=r"`test_history` must be one of .*Received: test_history='all'"):
        finished.evaluate(test_history="all")


def test_the_export_answers_as_the_model(finished: Run) -> None:
    users = finished.table.user_ids[:5].tolist()
    got = ServedModel(finished.path / "saved_model" / "1").recommend(users)
    np.testing.assert_array_equal(got.ids, Run.load(finished.path).model.recommend(users, 5).ids)


def test_the_weights_are_those_of_the_best_epoch(finished: Run) -> None:
    rows = list(csv.DictReader((finished.path / "history.csv").open()))
    best = max(float(row["val_sampled100_ndcg@10"]) for row in rows)
    # Validation in `fit` ranks in float32 against other samples; the full protocol is the same up to rounding.
    full = [float(row["val_full_ndcg@10"]) for row in rows if float(row["val_sampled100_ndcg@10"]) == best]
    assert finished.metrics["validation"]["full_ndcg@10"] == pytest.approx(full[0], abs=1e-3)


def test_a_random_split_in_direct_mode(finished: Run, table: Path, tmp_path: Path) -> None:
    run = train_run(table, tmp_path / "run", dataclasses.replace(CONFIG, split="random", mode="direct", epochs=1))
    assert files(run.path) == FILES
    assert set(run.metrics["test"]) == KEYS
    assert run.metrics["users"] == finished.metrics["users"]
    assert run.metrics["popularity"] != finished.metrics["popularity"]  # other rows are held out
    assert run.model.mode == "direct"


def test_the_same_seed_gives_the_same_metrics(finished: Run, table: Path, tmp_path: Path) -> None:
    again = train_run(table, tmp_path / "again", CONFIG)
    assert without_time(again.metrics) == without_time(finished.metrics)
    assert (again.path / "history.csv").read_text() == (finished.path / "history.csv").read_text()


# What it refuses -------------------------------------------------------------------------------------------------


def test_a_run_is_not_overwritten(finished: Run, table: Path) -> None:
    before = finished.path.joinpath("metrics.json").read_bytes()
    with pytest.raises(FileExistsError, match="already holds a run"):
        train_run(table, finished.path, CONFIG)
    assert finished.path.joinpath("metrics.json").read_bytes() == before


def test_a_file_in_the_way(table: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="must be a directory"):
        train_run(table, tmp_path / "file", CONFIG)


def test_a_missing_column_leaves_nothing(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="customer"):
        train_run(table, tmp_path / "run", dataclasses.replace(CONFIG, user_column="customer"))
    with pytest.raises(FileNotFoundError):
        train_run(tmp_path / "no.csv", tmp_path / "run", CONFIG)
    assert not (tmp_path / "run").exists()


def test_a_table_too_small_to_split(tmp_path: Path) -> None:
    table = Interactions.from_arrays(["u", "u", "v"], ["a", "b", "a"])
    with pytest.raises(ValueError, match="at least 3 distinct items"):
        train_run(table, tmp_path / "run", CONFIG)
    assert not (tmp_path / "run").exists()


def test_an_interrupted_run_is_not_a_run(table: Path, tmp_path: Path) -> None:
    class Stop(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(table, tmp_path / "run", CONFIG, callbacks=[Stop()])
    assert not (tmp_path / "run" / "metrics.json").exists()
    with pytest.raises(FileNotFoundError, match="not a finished run"):
        Run.load(tmp_path / "run")


def test_without_a_split(table: Path, tmp_path: Path) -> None:
    run = train_run(table, tmp_path / "run", dataclasses.replace(CONFIG, split="none", epochs=1))
    assert files(run.path) == FILES - {"model/held_out.npz"}
    assert set(run.metrics) == {"users", "items", "train_rows", "seconds"}
    assert run.metrics["train_rows"] == 500
    assert len(list(csv.DictReader((run.path / "history.csv").open()))) == 1
    with pytest.raises(ValueError, match="no held-out rows"):
        run.evaluate()


def test_a_diverged_run_is_not_a_run(table: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="diverged in epoch 1"):
        train_run(table, tmp_path / "run", dataclasses.replace(CONFIG, learning_rate=1e30, curvature=0.0, split="none"))
    assert not (tmp_path / "run" / "metrics.json").exists()
