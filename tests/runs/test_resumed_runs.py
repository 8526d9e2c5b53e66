"""A run that was interrupted goes on as if it had not been, and one that diverges says so."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from hyperml_tf import cli
from hyperml_tf.callbacks import DivergedError
from hyperml_tf.data.synthetic import synthesize
from hyperml_tf.models import load_model
from hyperml_tf.runs import Run, finishing, train_run
from hyperml_tf.settings import TrainingConfig

pytestmark = pytest.mark.slow

CATALOGUE = synthesize(n_users=40, n_items=120, n_rows=500, depth=2, branching=3, seed=2)
TABLE = CATALOGUE.table
CONFIG = TrainingConfig(dim=4, epochs=3, batch_size=128, k=5)


class Interrupted(tf.keras.callbacks.Callback):
    """Ends the training at the end of an epoch, or within one."""

    def __init__(self, epoch: int, within: bool) -> None:
        super().__init__()
        self.epoch, self.within, self.now = epoch, within, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.now = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.within and self.now == self.epoch:
            raise KeyboardInterrupt

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.epoch:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train_run(TABLE, tmp_path_factory.mktemp("runs") / "run", CONFIG)


def contents(run: Run) -> dict[str, Any]:
    """What must be the same: metrics, history, and all weights with the state of the optimizer."""
    return {
        "metrics": {name: value for name, value in run.metrics.items() if name != "seconds"},
        "history": (run.path / "history.csv").read_text(),
        "weights": [variable.numpy().tolist() for variable in (*run.model.variables, *run.model.optimizer.variables)],
        "files": {str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()},
    }


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a table and a run that was interrupted within its second epoch. It is shared: change nothing in it."""
    path = tmp_path_factory.mktemp("unfinished")
    CATALOGUE.interactions.to_csv(path / "table.csv", index=False)
    with pytest.raises(KeyboardInterrupt):
        train_run(path / "table.csv", path / "run", CONFIG, [Interrupted(1, within=True)])
    return path


def test_a_run_that_is_interrupted_in_its_first_epoch_is_the_same_as_an_undisturbed_one(
    undisturbed: Run, tmp_path: Path
) -> None:
    """In a later one: `test_an_unfinished_run_is_not_begun_anew_but_continued`."""
    with pytest.raises(KeyboardInterrupt):
        train_run(TABLE, tmp_path / "run", CONFIG, [Interrupted(0, within=True)])
    tf.keras.utils.set_random_seed(99)  # what another process would have
    resumed = train_run(TABLE, tmp_path / "run", resume=True)
    assert contents(resumed) == contents(undisturbed)


def test_a_run_that_was_trained_but_not_exported(
    undisturbed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(finishing, "export_saved_model", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train_run(TABLE, tmp_path / "run", CONFIG)
    assert contents(train_run(TABLE, tmp_path / "run", resume=True)) == contents(undisturbed)


def test_without_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        finishing, "export_saved_model", lambda *_, **__: None
    )  # what it writes follows from the weights
    config = dataclasses.replace(CONFIG, split="none", epochs=2, optimizer="adam")
    with pytest.raises(KeyboardInterrupt):
        train_run(TABLE, tmp_path / "1", config, [Interrupted(0, within=False)])
    assert contents(train_run(TABLE, tmp_path / "1", resume=True)) == contents(train_run(TABLE, tmp_path / "2", config))


def test_an_unfinished_run_is_not_begun_anew_but_continued(
    unfinished: Path, undisturbed: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(unfinished, tmp_path / "copy")
    table, out = str(tmp_path / "copy/table.csv"), str(tmp_path / "copy/run")
    with pytest.raises(FileExistsError, match=r"an unfinished run\. Continue it with `resume=True`, or `--resume`"):
        train_run(table, out, CONFIG)
    assert cli.main(["train", table, "--out", out, "--resume", "--dim", "8"]) == 1
    assert "with the settings that it began with" in capsys.readouterr().err
    with pytest.raises(ValueError, match="on the rows that it began with"):
        train_run(TABLE.with_rows(np.arange(len(TABLE)) != 7), out, resume=True)
    tf.keras.utils.set_random_seed(99)
    assert cli.main(["train", table, "--out", out, "--resume"]) == 0
    assert "Going on after epoch 1 of 3" in capsys.readouterr().err
    assert contents(Run.load(out)) == contents(undisturbed)


def test_what_is_known_of_the_items_outlives_an_interruption_or_is_given_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exported: list[Any] = []
    monkeypatch.setattr(finishing, "export_saved_model", lambda *_, details, **__: exported.append(details))
    table, out, ids = tmp_path / "table.csv", tmp_path / "run", TABLE.item_ids
    CATALOGUE.interactions.to_csv(table, index=False)
    pd.DataFrame({"item": ids, "title": [f"T{one}" for one in ids]}).to_csv(tmp_path / "items.csv", index=False)
    pd.DataFrame({"item": ids, "name": [f"N{one}" for one in ids]}).to_csv(tmp_path / "others.csv", index=False)
    config = dataclasses.replace(CONFIG, split="none", epochs=2)
    with pytest.raises(KeyboardInterrupt):
        train_run(table, out, config, [Interrupted(0, within=False)], items=tmp_path / "items.csv")
    shutil.copytree(out, tmp_path / "again")
    assert cli.main(["train", str(table), "--out", str(out), "--resume"]) == 0
    assert cli.main(["train", str(table), "--out", str(tmp_path / "again"), "--resume", "--detail", "name"]) == 1
    assert "`--detail` requires a table of items" in capsys.readouterr().err
    others = ["--items", str(tmp_path / "others.csv")]
    assert cli.main(["train", str(table), "--out", str(tmp_path / "again"), "--resume", *others]) == 0
    assert [list(details) for details in exported] == [["title"], ["name"]]
    assert Run.load(out).items.columns["title"][0] == f"T{ids[0]}"
    assert Run.load(tmp_path / "again").items.columns["name"][0] == f"N{ids[0]}"


def test_damaged_progress_is_an_error(unfinished: Path, tmp_path: Path) -> None:
    shutil.copytree(unfinished, tmp_path / "copy")
    (tmp_path / "copy/run/progress/state.json").write_text('{"epochs": "many"}')
    with pytest.raises(ValueError, match=r"progress` is damaged"):
        train_run(tmp_path / "copy/table.csv", tmp_path / "copy/run", resume=True)


class Poison(tf.keras.callbacks.Callback):
    """Weights that become NaN."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.epoch:
            variable = self.model.trainable_variables[0]
            variable.assign(variable * np.nan)


def test_a_run_that_diverges_keeps_its_best_weights(tmp_path: Path) -> None:
    with pytest.raises(
        DivergedError, match=r"diverged in epoch 3: .* smaller learning rate.* epoch [12] are in .*keras"
    ):
        train_run(TABLE, tmp_path, CONFIG, [Poison(2)])
    mark = json.loads((tmp_path / "diverged.json").read_text())
    assert (mark["epoch"], mark["kept_epoch"] in (1, 2)) == (3, True)
    kept = load_model(tmp_path / "model/before_divergence.keras")
    assert all(np.isfinite(variable).all() for variable in kept.trainable_variables)
    assert not (tmp_path / "saved_model").exists()
    with pytest.raises(FileNotFoundError, match="its training diverged"):
        Run.load(tmp_path)
    for resume in (False, True):
        with pytest.raises(FileExistsError, match="diverged in epoch 3"):
            train_run(TABLE, tmp_path, CONFIG, resume=resume)


def test_a_run_that_diverges_at_once(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"diverged in epoch 1: .*No epoch had ended before"):
        train_run(TABLE, tmp_path, CONFIG, [Poison(0)])


def test_a_finished_run_learns_from_new_rows(undisturbed: Run) -> None:
    model = Run.load(undisturbed.path).model
    initial = undisturbed.config.resolved(undisturbed.training).learning_rate
    assert float(model.optimizer.learning_rate) == pytest.approx(
        0.1 * float(model.default_optimizer(initial).learning_rate)
    )
    before = [variable.numpy() for variable in model.trainable_variables]
    model.fit(undisturbed.training, verbose=0)
    assert any((old != new.numpy()).any() for old, new in zip(before, model.trainable_variables, strict=True))


def test_a_schedule_that_has_ended_is_not_silent(caplog: pytest.LogCaptureFixture, undisturbed: Run) -> None:
    model = Run.load(undisturbed.path).model
    model.compile(model.default_optimizer(0.1, decay_steps=1))
    model.fit(undisturbed.training, epochs=1, batch_size=64, verbose=0)
    assert "learning rate of the optimizer is 0" not in caplog.text
    model.fit(undisturbed.training, epochs=1, batch_size=64, verbose=0)
    assert "learning rate of the optimizer is 0" in caplog.text
