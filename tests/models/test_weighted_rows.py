"""A row of weight 2 is a row that is there twice: in the loss of every model, in what `fit` reports, and in its steps."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import HyperML, Interactions
from hyperml_tf.data import raw_dataset
from hyperml_tf.models import baselines
from hyperml_tf.settings import History

RNG = np.random.default_rng(0)
TABLE = Interactions.from_arrays(
    np.repeat(np.arange(8), 6), RNG.integers(25, size=48), order=np.arange(48), repeats="last"
)
WEIGHTS = RNG.integers(1, 4, size=len(TABLE)).astype(np.float32)
WEIGHTED = dataclasses.replace(TABLE, weights=WEIGHTS)


def new_model(cls: Any = HyperML, **arguments: Any) -> Any:
    tf.keras.utils.set_random_seed(0)
    if cls is HyperML:
        # All positives of a batch share their candidates, so that a row and its double have the same.
        arguments = {"negatives": 10, "negatives_group": 1000, "learning_rate": 0.01, **arguments}
    model = cls.from_interactions(TABLE, dim=4, **arguments)
    model.compile(run_eagerly=True)
    model.set_seen(TABLE)
    return model


def batch(rows: np.ndarray, weights: np.ndarray | None = None) -> dict[str, tf.Tensor]:
    columns = {"user": TABLE.users[rows], "item": TABLE.items[rows]}
    if weights is not None:
        columns["sample_weight"] = weights
    return {name: tf.constant(values) for name, values in columns.items()}


MODELS: dict[str, dict[str, Any]] = {
    "free users": {"user_model": "free"},
    "histories": {"history": History(around=0.0)},
    "sequences": {"user_model": "sequence", "loss": "pull_push", "encoding": {"dropout": 0.0}},
    "softmax": {"loss": "softmax", "history": History(around=1.0)},
    "direct mode": {"mode": "direct"},
}


@pytest.mark.parametrize("arguments", MODELS.values(), ids=MODELS)
def test_the_loss_is_that_of_repeated_rows(arguments: dict[str, Any]) -> None:
    model = new_model(**arguments)
    rows = np.arange(len(TABLE))
    weighted = model.compute_loss(batch(rows, WEIGHTS))
    repeated = model.compute_loss(batch(np.repeat(rows, WEIGHTS.astype(int))))
    assert float(weighted) == pytest.approx(float(repeated), rel=1e-5)


@pytest.mark.parametrize("cls", [baselines.CML, baselines.MFBPR], ids=lambda cls: cls.__name__)
def test_the_mean_loss_of_baselines_is_that_of_repeated_rows(cls: Any) -> None:
    model, rows, draws = new_model(cls), np.arange(len(TABLE)), 40
    losses = np.zeros((2, draws))
    for draw in range(draws):
        # Negatives depend on the number of batches.
        model.batches.assign(draw)
        for kind, one in enumerate((batch(rows, WEIGHTS), batch(np.repeat(rows, WEIGHTS.astype(int))))):
            losses[kind, draw] = model.compute_loss(one, training=True)
    error = np.sqrt(losses.var(axis=1).sum() / draws)
    assert losses[0].mean() == pytest.approx(losses[1].mean(), abs=4 * error)


@pytest.mark.parametrize("name", ["free users", "histories", "sequences"])
def test_batches_of_fit_weight_their_rows(name: str) -> None:
    model = new_model(**MODELS[name])
    of_rows = dict(zip(zip(TABLE.users, TABLE.items, strict=True), WEIGHTS, strict=True))
    total = 0
    for one in model.training_batches(WEIGHTED, 20):
        users, items = (codes.numpy() for codes in model.codes(one))
        got = model.weights_of(one, *model.codes(one)).numpy()
        assert got.tolist() == [of_rows[pair] for pair in zip(users, items, strict=True)]
        # Twice the weights are twice the loss, and none is no loss.
        doubled, nothing = ({**one, "sample_weight": factor * one["sample_weight"]} for factor in (2.0, 0.0))
        assert float(model.compute_loss(doubled)) == pytest.approx(2 * float(model.compute_loss(one)), rel=1e-5)
        assert float(model.compute_loss(nothing)) == 0.0
        total += len(got)
    assert total == len(TABLE)


def test_fit_on_a_dataset_with_weights_asks_for_no_option(caplog: pytest.LogCaptureFixture) -> None:
    model = HyperML.from_interactions(TABLE, dim=4, user_model="free")
    model.compile(run_eagerly=True)
    model.fit(raw_dataset(WEIGHTED, 20), verbose=0)
    assert len(model.seen) == len(TABLE)
    assert "look" not in caplog.text


def test_tables_without_weights_have_batches_without_them() -> None:
    for name in ("free users", "histories"):
        dataset = new_model(**MODELS[name]).training_batches(TABLE, 20)
        assert "sample_weight" not in dataset.element_spec


def test_fit_reports_the_loss_per_weight_and_moves_by_it() -> None:
    def trained(table: Interactions) -> tuple[float, np.ndarray]:
        model = new_model(user_model="free")
        before = model.candidate_tower.all_points().numpy()
        loss = model.fit(table, batch_size=1000, verbose=0).history["loss"][0]
        return loss, model.candidate_tower.all_points().numpy() - before

    plain, twice, other = (
        trained(dataclasses.replace(TABLE, weights=weights)) for weights in (None, np.full(len(TABLE), 2.0), WEIGHTS)
    )
    assert twice[0] == pytest.approx(plain[0], rel=1e-5)
    assert np.abs(twice[1]).sum() > 1.5 * np.abs(plain[1]).sum()
    assert np.abs(other[1] - plain[1]).max() > 1e-6
