"""A run on a table with weights: they are in the loss, in the run that is opened again, and in what may be resumed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions, leave_one_out
from hyperml_tf.runs import Run, train_run
from hyperml_tf.settings import TrainingConfig

pytestmark = pytest.mark.slow

CONFIG = TrainingConfig(dim=4, epochs=2, batch_size=128, k=5, event_weights="view=1,purchase=5", weight_column="amount")


class Stop(tf.keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("weighted") / "shop.csv"
    columns = {"user": rng.integers(25, size=500), "item": rng.integers(60, size=500), "time": rng.permutation(500)}
    columns |= {"event": rng.choice(["view", "purchase"], 500), "amount": rng.integers(1, 4, size=500)}
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def table(csv: Path) -> Interactions:
    return Interactions.from_file(csv, event_weights="view=1,purchase=5", weight_column="amount")


@pytest.fixture(scope="module")
def run(csv: Path, table: Interactions) -> Run:
    """A run that was interrupted, could not be resumed with other weights, and was resumed with its own."""
    out = csv.parent / "run"
    with pytest.raises(KeyboardInterrupt):
        train_run(csv, out, CONFIG, [Stop()])
    with pytest.raises(ValueError, match=r"settings that it began with.*event_weights='view=1,purchase=5'.*Received"):
        train_run(csv, out, dataclasses.replace(CONFIG, event_weights="view=1,purchase=6"), resume=True)
    other = dataclasses.replace(table, weights=table.row_weights() * 2)
    with pytest.raises(ValueError, match="on the rows that it began with"):
        train_run(other, out, CONFIG, resume=True)
    return Run.load(train_run(csv, out, resume=True).path)


def test_the_run_has_the_weights_of_its_table(run: Run, table: Interactions) -> None:
    split = leave_one_out(table)
    assert table.weights is not None
    assert run.held_out is not None
    parts = [(run.table, table), (run.training, split.train)]
    parts += [(run.held_out.split.test, split.test), (run.held_out.split.before_test, split.before_test)]
    for got, expected in parts:
        assert got.fingerprint() == expected.fingerprint()
        np.testing.assert_array_equal(got.weights, expected.weights)
    assert run.config.repeats == "sum"
    assert json.loads((run.path / "config.json").read_text())["table"].endswith("shop.csv")
    assert run.evaluate()["test"] == run.metrics["test"]


def test_further_training_weights_the_rows(run: Run) -> None:
    model = Run.load(run.path).model
    history = model.fit(run.training, batch_size=1000, verbose=0, replace_seen=True).history
    assert np.isfinite(history["loss"]).all()
    batch = next(iter(model.training_batches(run.training, 1000)))
    assert float(tf.reduce_sum(model.weights_of(batch, *model.codes(batch)))) == run.training.row_weights().sum()


@pytest.mark.parametrize("damage", ["nothing", "noise", "weights"])
def test_damaged_weights_are_named(run: Run, damage: str) -> None:
    file = run.path / "model" / "weighted_rows.npz"
    before = file.read_bytes()
    with np.load(file) as stored:
        arrays = dict(stored)
    try:
        if damage == "weights":
            np.savez_compressed(file, **{**arrays, "weights": arrays["weights"] + 1})
        else:
            file.write_bytes(b"" if damage == "nothing" else b"noise")
        with pytest.raises(ValueError, match=r"weighted_rows\.npz"):
            Run.load(run.path).table  # noqa: B018
    finally:
        file.write_bytes(before)
