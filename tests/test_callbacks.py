"""The progress bar of training."""

from __future__ import annotations

import copy
import io

import pytest
import tensorflow as tf
from rich.console import Console

from hyperml_tf.callbacks import TrainingProgress


def _fit(terminal: bool, epochs: int = 3, dataset: tf.data.Dataset | None = None, **kwargs) -> str:
    stream = io.StringIO()
    callback = TrainingProgress("val_loss", Console(file=stream, force_terminal=terminal, width=120))
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = dataset if dataset is not None else tf.data.Dataset.from_tensors((tf.ones([4, 2]), tf.ones([4, 1]))).repeat(5)
    model.fit(x, validation_data=x, epochs=epochs, verbose=0, callbacks=[callback], **kwargs)
    return stream.getvalue()


def test_epochs_loss_and_validation_are_shown() -> None:
    text = _fit(terminal=True)
    assert "3/3" in text
    assert "loss 0." in text
    assert "val_loss 0." in text


def test_nothing_is_written_where_there_is_no_terminal() -> None:
    assert _fit(terminal=False) == ""


def test_a_resumed_training_begins_where_it_was() -> None:
    assert "3/3" in _fit(terminal=True, initial_epoch=2)


def test_a_dataset_of_unknown_length() -> None:
    batch = (tf.ones([4, 2]), tf.ones([4, 1]))
    unknown = tf.data.Dataset.from_tensors(batch).repeat(5).filter(lambda *_: True)
    assert "3/3" in _fit(terminal=True, dataset=unknown)


def test_close_after_an_exception_gives_the_terminal_back() -> None:
    class Stop(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    stream = io.StringIO()
    callback = TrainingProgress(console=Console(file=stream, force_terminal=True))
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt):
        model.fit(tf.ones([4, 2]), tf.ones([4, 1]), verbose=0, callbacks=[callback, Stop()])
    assert not stream.getvalue().endswith("\x1b[?25h")
    callback.close()
    callback.close()
    # The cursor is shown again, once.
    assert stream.getvalue().count("\x1b[?25h") == 1


def test_a_copy_draws_its_own_bar_on_the_same_console() -> None:
    console = Console(file=io.StringIO())
    callback = TrainingProgress("val_loss", console)
    copied = copy.deepcopy([callback])[0]
    assert copied is not callback
    assert (copied.monitor, copied.console) == ("val_loss", console)
