"""An optimizer restored from a config, a checkpoint or a `.keras` file continues where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import EACH, OPTIMIZERS, apply_sparse, gradients, state, table
from points_model import FEED, model_of_points


@EACH
def test_the_config_restores_the_optimizer(name: str) -> None:
    schedule = tf.keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    for arguments in ({"learning_rate": 0.25, "clipnorm": 1.0}, {"learning_rate": schedule}):
        optimizer = OPTIMIZERS[name](name="mine", **arguments)
        serialized = tf.keras.optimizers.serialize(optimizer)
        assert serialized["registered_name"].startswith("hyperml_tf>Riemannian")
        restored = tf.keras.optimizers.deserialize(serialized)
        assert type(restored) is type(optimizer)
        assert restored.get_config() == optimizer.get_config()


@EACH
@pytest.mark.parametrize("restore_first", [True, False])
def test_training_from_a_checkpoint_continues_bit_for_bit(name: str, restore_first: bool, tmp_path: Path) -> None:
    def steps(optimizer: Any, points: tf.Variable, numbers: range) -> None:
        for step in numbers:
            apply_sparse(optimizer, points, [step % 6, 2, 3], gradients(step, 3))

    points, optimizer = table(), OPTIMIZERS[name]()
    steps(optimizer, points, range(3))
    path = tf.train.Checkpoint(points=points, optimizer=optimizer).write(str(tmp_path / "middle"))
    steps(optimizer, points, range(3, 6))

    resumed, fresh = table(), OPTIMIZERS[name]()
    if not restore_first:
        fresh.build([resumed])
    status = tf.train.Checkpoint(points=resumed, optimizer=fresh).read(path)
    steps(fresh, resumed, range(3, 6))
    status.assert_existing_objects_matched()
    np.testing.assert_array_equal(resumed, points)
    for ours, theirs in zip(state(fresh), state(optimizer), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["momentum", "adagrad", "adam"])
def test_a_saved_model_continues_training_bit_for_bit(name: str, tmp_path: Path) -> None:
    model = model_of_points(OPTIMIZERS[name]())
    model.fit(*FEED, epochs=2, verbose=0, shuffle=False)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is type(model.optimizer)
    for each in (model, loaded):
        each.fit(*FEED, epochs=2, verbose=0, shuffle=False)
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])


@EACH
def test_a_checkpoint_holds_each_slot_once_and_no_trained_variable(name: str, tmp_path: Path) -> None:
    points, optimizer = table(), OPTIMIZERS[name]()
    apply_sparse(optimizer, points, [2, 3], gradients(0, 2))
    path = tf.train.Checkpoint(optimizer=optimizer).write(str(tmp_path / "checkpoint"))
    stored = [shape for key, shape in tf.train.list_variables(path) if "OBJECT_GRAPH" not in key]
    expected = [list(variable.shape) for variable in (*optimizer.variables, optimizer.learning_rate)]
    assert sorted(stored) == sorted(expected)
