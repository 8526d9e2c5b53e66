"""The learning rate of `compile()` falls to 0 in each `fit`; another one is that of the user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tiny

from hyperml_tf.models import HyperML

ROWS, BATCH = 200, 50


class Rates(tf.keras.callbacks.Callback):
    """The learning rate of every step."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen.append(float(self.model.optimizer.learning_rate))


def fitted(model: HyperML, epochs: int = 2, callbacks: tuple[Any, ...] = ()) -> list[float]:
    rates = Rates()
    rows = tiny.split().train.with_rows(np.arange(ROWS))
    model.fit(rows, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[*callbacks, rates])
    return rates.seen


@pytest.fixture
def model() -> HyperML:
    made = HyperML.from_interactions(tiny.split().train, dim=3, history=0)
    made.compile(run_eagerly=True)
    return made


def test_it_falls_linearly_over_the_steps_of_each_fit(model: HyperML) -> None:
    initial = float(model.optimizer.learning_rate)
    for epochs in (2, 1):
        steps = epochs * ROWS // BATCH
        expected = initial * (1 - np.arange(steps) / steps)
        np.testing.assert_allclose(fitted(model, epochs), expected, rtol=1e-5)
        assert float(model.optimizer.learning_rate) == initial


def test_that_of_a_given_optimizer_is_constant(model: HyperML) -> None:
    model.compile(model.default_optimizer(0.25), run_eagerly=True)
    assert set(fitted(model)) == {float(model.optimizer.learning_rate)}


def test_another_callback_may_set_it(model: HyperML) -> None:
    schedule = tf.keras.callbacks.LearningRateScheduler(lambda epoch: 0.5**epoch)
    assert fitted(model, 2, (schedule,)) == [1.0] * 4 + [0.5] * 4
    assert float(model.optimizer.learning_rate) == 0.5


def test_it_is_restored_after_an_error(model: HyperML) -> None:
    def fail(*_: Any) -> None:
        raise KeyboardInterrupt

    initial = float(model.optimizer.learning_rate)
    with pytest.raises(KeyboardInterrupt):
        fitted(model, 2, (tf.keras.callbacks.LambdaCallback(on_epoch_end=fail),))
    assert float(model.optimizer.learning_rate) == initial


def test_a_saved_model_goes_on_so(model: HyperML, tmp_path: Path) -> None:
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    rates = fitted(loaded, 1)
    assert rates[0] > rates[-1] > 0
