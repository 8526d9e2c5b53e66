"""Saving, loading, checkpoints, and the Keras callbacks that use them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import forked
import numpy as np
import pytest
import tensorflow as tf
from tiny import DIM, fit, new_model, split, trained

from hyperml_tf.data import Interactions
from hyperml_tf.layers import Curvature
from hyperml_tf.models import HyperML
from hyperml_tf.optimizers import RiemannianAdam

callbacks = tf.keras.callbacks


def features_model() -> HyperML:
    train = split().train
    inputs = {
        "item_id": tf.keras.Input([], dtype=tf.string),
        "price": tf.keras.Input([2]),
        "kind": tf.keras.Input([], dtype=tf.string),
    }
    kind = tf.keras.layers.Hashing(16)(tf.keras.layers.Reshape([1])(inputs["kind"]))
    layers = tf.keras.layers
    vectors = layers.Dense(DIM)(inputs["price"]) + layers.Flatten()(layers.Embedding(16, DIM)(kind))
    identity = layers.StringLookup(vocabulary=train.item_ids.tolist(), mask_token=None)(inputs["item_id"])
    network = tf.keras.Model(inputs, vectors + layers.Embedding(train.n_items + 1, DIM)(identity))
    rng = np.random.default_rng(0)
    features = {"price": rng.normal(size=(train.n_items, 2)), "kind": rng.choice(["é", "b"], train.n_items)}
    return new_model(candidate_network=network, candidate_features=features, run_eagerly=True)


def direct_model() -> HyperML:
    curvature = Curvature(0.5, learned=True)
    return new_model(mode="direct", curvature=curvature, optimizer=RiemannianAdam(0.05), run_eagerly=True)


MODELS = {"direct": direct_model, "features": features_model}


def as_json(config: dict[str, Any]) -> dict[str, Any]:
    """A config as a file stores it: shapes are lists there, which tf-keras 2.16 has as tuples before."""
    return json.loads(json.dumps(config))


def assert_same_answers(first: HyperML, second: HyperML) -> None:
    users = split().train.user_ids[:20]
    answers = [model.recommend(users, 5) for model in (first, second)]
    np.testing.assert_array_equal(answers[0].ids, answers[1].ids)
    np.testing.assert_allclose(answers[0].distances, answers[1].distances, rtol=1e-6)


def assert_same_weights(first: HyperML, second: HyperML, **tolerance: float) -> None:
    assert len(first.trainable_variables) == len(second.trainable_variables)
    for one, other in zip(first.trainable_variables, second.trainable_variables, strict=True):
        np.testing.assert_allclose(one, other, **tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_is_the_model(name: str, tmp_path: Path) -> None:
    model = MODELS[name]()
    fit(model)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is HyperML
    assert_same_answers(model, loaded)
    assert as_json(loaded.get_config()) == as_json(model.get_config())
    # The state of the optimizer and the count of batches came along: training goes on as if nothing had happened.
    assert type(loaded.optimizer) is type(model.optimizer)
    assert int(loaded.optimizer.iterations) == int(model.optimizer.iterations) > 0
    assert fit(loaded) == fit(model)
    assert_same_weights(model, loaded)


@pytest.mark.parametrize("name", MODELS)
def test_config_round_trip(name: str) -> None:
    model = MODELS[name]()
    config = as_json(model.get_config())
    restored = HyperML.from_config(config)
    assert as_json(restored.get_config()) == config
    assert restored.curvature.learned == model.curvature.learned
    with pytest.raises(ValueError, match=r"The \d+ ids of the layer .* are not known"):
        restored.recommend(["user_00001"])
    assert restored.query_tower.curvature is restored.candidate_tower.curvature is restored.curvature


def test_every_argument_is_in_the_config() -> None:
    given: dict[str, Any] = {
        "name": "mine",
        "query_ids": [3, 1],
        "candidate_ids": ["ü", ""],
        "dim": 3,
        "curvature": 0.5,
        "mode": "direct",
        "margin": 2.0,
        "distortion_weight": 0.5,
        "distortion_reference": "tangent",
        "negatives": 7,
        "hardest": 3,
        "negatives_group": 5,
        "max_tangent_norm": 1.5,
        "network_output": "ball",
        "seed": 4,
    }
    config = HyperML(**given, embeddings_initializer="uniform", embeddings_regularizer="l2").get_config()
    # Ids are no part of it: a config holds their number.
    assert {name: config[name] for name in given} == {**given, "query_ids": 2, "candidate_ids": 2}
    assert config["embeddings_initializer"]["class_name"] == "RandomUniform"
    assert config["embeddings_regularizer"]["class_name"] == "L2"
    assert HyperML.from_config(config).get_config() == config


@pytest.mark.slow
def test_a_process_that_only_imports_the_package(tmp_path: Path) -> None:
    model = trained()
    model.save(tmp_path / "model.keras")
    program = """
import json, sys
import hyperml_tf
import tensorflow as tf
model = tf.keras.models.load_model(sys.argv[1])
print(json.dumps(model.recommend(json.loads(sys.argv[2]), 5).ids.tolist()))
"""
    users = split().train.user_ids[:10].tolist()
    got = json.loads(forked.run(program, tmp_path / "model.keras", json.dumps(users)).splitlines()[-1])
    assert got == model.recommend(users, 5).ids.tolist()


def save_checkpoint(model: HyperML, path: Path) -> None:
    tf.train.Checkpoint(model=model).write(str(path))


def restore_checkpoint(model: HyperML, path: Path) -> None:
    tf.train.Checkpoint(model=model).read(str(path)).expect_partial()


WEIGHTS = {
    "TensorFlow's format": (lambda m, p: m.save_weights(str(p)), lambda m, p: m.load_weights(str(p)).expect_partial()),
    ".h5": (lambda m, p: m.save_weights(f"{p}.h5"), lambda m, p: m.load_weights(f"{p}.h5")),
    ".weights.h5": (lambda m, p: m.save_weights(f"{p}.weights.h5"), lambda m, p: m.load_weights(f"{p}.weights.h5")),
    "tf.train.Checkpoint": (save_checkpoint, restore_checkpoint),
}


@pytest.mark.parametrize("form", WEIGHTS)
def test_weights_hold_what_users_have_seen(form: str, tmp_path: Path) -> None:
    model = trained()
    save, load = WEIGHTS[form]
    save(model, tmp_path / "weights")
    # A fresh model, and one that has seen other things.
    for other in (HyperML.from_interactions(split().train, dim=DIM), new_model(split().test)):
        load(other, tmp_path / "weights")
        assert len(other.seen) == len(model.seen) > 0
        assert_same_answers(model, other)
        # The table that negatives are checked against follows.
        users, items = model.seen.users, model.seen.items
        assert other.seen.contains(users, items).numpy().all()
        assert not other.seen.contains(split().test.users, split().test.items).numpy().any()


def test_set_weights_holds_what_users_have_seen() -> None:
    other = HyperML.from_interactions(split().train, dim=DIM)
    other.set_weights(trained().get_weights())
    assert_same_answers(trained(), other)


@pytest.mark.slow
def test_a_checkpoint_of_weights_in_fit(tmp_path: Path) -> None:
    path = str(tmp_path / "checkpoint")
    model = new_model(run_eagerly=True)
    fit(model, callbacks=[callbacks.ModelCheckpoint(path, save_weights_only=True)])
    other = HyperML.from_interactions(split().train, dim=DIM)
    other.load_weights(path).expect_partial()
    assert_same_answers(model, other)


# Callbacks -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_early_stopping_checkpoints_and_logs(tmp_path: Path) -> None:
    model = new_model(optimizer=tf.keras.optimizers.SGD(0.0), run_eagerly=True)  # which never improves
    whole, weights, log = tmp_path / "best.keras", tmp_path / "last.weights.h5", tmp_path / "log.csv"
    history = fit(
        model,
        epochs=10,
        validation_data=split().validation,
        callbacks=[
            callbacks.EarlyStopping("val_full_ndcg@10", mode="max", patience=2, restore_best_weights=True),
            callbacks.ModelCheckpoint(str(whole), "val_sampled100_ndcg@10", mode="max", save_best_only=True),
            callbacks.ModelCheckpoint(str(weights), save_weights_only=True),
            callbacks.CSVLogger(str(log)),
            callbacks.TerminateOnNaN(),
            callbacks.ReduceLROnPlateau("val_loss", patience=1),
        ],
    )
    assert len(history["loss"]) == 3
    assert_same_answers(model, tf.keras.models.load_model(whole))
    other = new_model()
    other.load_weights(str(weights))
    assert_same_answers(model, other)
    rows = list(csv.DictReader(log.open()))
    assert [float(row["val_full_hr@10"]) for row in rows] == pytest.approx(history["val_full_hr@10"])


@pytest.mark.slow
def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorFlow writes summaries only where tensorboard is installed")
    model = new_model(run_eagerly=True)
    model.fit(split().train, verbose=0, callbacks=[callbacks.TensorBoard(str(tmp_path), histogram_freq=1)])
    assert list(tmp_path.rglob("events.out.tfevents.*"))


class Crash(callbacks.Callback):
    """Raises in the middle of an epoch."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.at, self.epoch = epoch, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.epoch == self.at and batch == 3:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_an_interrupted_training_goes_on_as_it_would_have(tmp_path: Path) -> None:
    uninterrupted = new_model()
    expected = fit(uninterrupted, epochs=3)
    first = new_model()
    with pytest.raises(KeyboardInterrupt):
        fit(first, epochs=3, callbacks=[callbacks.BackupAndRestore(str(tmp_path)), Crash(epoch=1)])
    resumed = new_model()
    history = fit(resumed, epochs=3, callbacks=[callbacks.BackupAndRestore(str(tmp_path))])
    assert history["loss"] == expected["loss"][1:]
    assert_same_weights(resumed, uninterrupted)


def test_a_model_that_was_not_compiled(tmp_path: Path) -> None:
    model = HyperML(["u"], ["a", "b"], dim=2, history=0)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.recommend(["u"]).ids, model.recommend(["u"]).ids)
    with pytest.raises(RuntimeError, match="compile"):
        loaded.fit(Interactions.from_arrays(["u", "v"], ["a", "b"]), verbose=0)
