"""The callbacks: the progress bar of training, and the weights of the best epoch."""

from __future__ import annotations

import copy
import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import new_model, split

from hyperml_tf.callbacks import BestWeights, SpaceBoard, TrainingProgress
from hyperml_tf.geometry import poincare
from hyperml_tf.layers import Curvature


def _fit(terminal: bool, epochs: int = 3, dataset: tf.data.Dataset | None = None, width: int = 120, **kwargs) -> str:
    stream = io.StringIO()
    callback = TrainingProgress("val_loss", Console(file=stream, force_terminal=terminal, width=width))
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


def test_nothing_is_cut_in_80_columns() -> None:
    text = _fit(terminal=True, width=80)
    assert "val_loss 0." in text
    assert "…" not in text


def test_the_protocol_of_a_metric_is_left_out() -> None:
    stream = io.StringIO()
    callback = TrainingProgress(console=Console(file=stream, force_terminal=True, width=80))
    callback.set_params({"epochs": 40, "steps": 100})
    callback.on_train_begin()
    callback.on_epoch_begin(39)
    callback.on_epoch_end(39, {"loss": 1234.5678, "val_sampled100_ndcg@10": 0.4321})
    callback.close()
    assert "40/40" in stream.getvalue()
    assert "loss 1234.5678, ndcg@10 0.4321" in stream.getvalue()


def test_where_there_is_no_terminal_every_epoch_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hyperml_tf")
    assert _fit(terminal=False) == ""
    lines = [record.getMessage() for record in caplog.records]
    assert [line.split(":")[0] for line in lines] == ["Epoch 1 of 3", "Epoch 2 of 3", "Epoch 3 of 3"]
    assert all(": loss " in line and ", val_loss " in line for line in lines)


def test_a_resumed_training_begins_where_it_was() -> None:
    assert "3/3" in _fit(terminal=True, initial_epoch=2)


def test_a_dataset_of_unknown_length() -> None:
    batch = (tf.ones([4, 2]), tf.ones([4, 1]))
    unknown = tf.data.Dataset.from_tensors(batch).repeat(5).filter(lambda *_: True)
    assert "3/3" in _fit(terminal=True, dataset=unknown)


def test_close_after_an_exception_restores_the_terminal() -> None:
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


class Score(tf.keras.callbacks.Callback):
    """Adds a given value to the logs of each epoch, and notes the weights."""

    def __init__(self, scores: list[float]) -> None:
        super().__init__()
        self.scores = scores
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        logs["score"] = self.scores[epoch]
        self.weights.append(self.model.get_weights()[0])


def _fit_with_scores(scores: list[float], monitor: str) -> tuple[BestWeights, list[np.ndarray], np.ndarray]:
    score, best = Score(scores), BestWeights(monitor)
    model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(tf.ones([4, 2]), tf.ones([4, 1]), epochs=len(scores), verbose=0, callbacks=[score, best])
    return best, score.weights, model.get_weights()[0]


def test_training_ends_with_the_weights_of_the_best_epoch() -> None:
    best, of_epochs, final = _fit_with_scores([0.1, 0.4, 0.4, 0.2], "score")
    assert (best.best, best.best_epoch) == (0.4, 1)
    np.testing.assert_array_equal(final, of_epochs[1])
    assert not np.array_equal(final, of_epochs[3])


def test_without_the_monitored_metric_the_weights_stay() -> None:
    best, of_epochs, final = _fit_with_scores([0.1, 0.4, 0.2], "unknown")
    assert best.best_epoch is None
    np.testing.assert_array_equal(final, of_epochs[2])


def scalars(events: EventAccumulator) -> list[str]:
    return [tag for tag in events.Tags()["tensors"] if not tag.startswith("space/radius")]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, EventAccumulator, Path]:
    folder = tmp_path_factory.mktemp("board")
    model = new_model(curvature=Curvature(0.7, learned=True))
    titles = [f"Title\tof {code}" for code in range(len(model.candidate_tower))]
    callback = SpaceBoard(folder, labels={"title": titles}, sample=20)
    model.fit(
        split().train, batch_size=64, epochs=2, validation_data=split().validation, verbose=0, callbacks=[callback]
    )
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    events.Reload()
    return model, events, folder


def test_a_space_board_has_scalars(board: Any) -> None:
    model, events, _ = board
    values = {
        tag: [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)] for tag in scalars(events)
    }
    assert values["space/curvature"][-1] == pytest.approx(float(model.curvature()))
    assert values["space/curvature"][0] != values["space/curvature"][1]
    assert {"epoch/loss", "epoch/val_full_ndcg@10", "speed/examples_per_second"} <= set(values)
    norms = {tag: value for tag, value in values.items() if tag.startswith("gradients/") and tag != "gradients/all"}
    assert len(norms) == len(model.trainable_variables)
    assert all(len(value) == 2 and value[0] > 0 for value in norms.values())
    # In every step the square of the whole norm is the sum of the squares, so its mean is at least that of each part.
    assert max(value[0] for value in norms.values()) <= values["gradients/all"][0] <= sum(v[0] for v in norms.values())


def test_radii_of_a_space_board_are_those_of_the_points(board: Any) -> None:
    _, events, _ = board
    assert {"space/radius/users", "space/radius/items"} <= set(events.Tags()["tensors"])
    bins = tf.make_ndarray(events.Tensors("space/radius/items")[-1].tensor_proto)
    assert bins[:, 2].sum() == 20
    assert bins[0, 0] >= 0


def test_the_projector_has_tangent_vectors_and_labels(board: Any) -> None:
    model, _, folder = board
    vectors = np.loadtxt(folder / "vectors.tsv", delimiter="\t")
    points = model.candidate_tower.points(tf.range(20))
    np.testing.assert_allclose(vectors, poincare.logmap0(points, model.curvature()), rtol=1e-4, atol=1e-6)
    heading, *rows = (folder / "items.tsv").read_text().splitlines()
    assert heading == "id\ttitle"
    assert rows[1] == f"{split().train.item_ids[1]}\tTitle of 1"
    assert 'tensor_path: "vectors.tsv"' in (folder / "projector_config.pbtxt").read_text()


def test_measuring_changes_no_weight() -> None:
    plain, measured = new_model(), new_model()
    plain.fit(split().train, batch_size=64, epochs=1, verbose=0)
    measured.measure_steps()
    measured.fit(split().train, batch_size=64, epochs=1, verbose=0)
    for first, second in zip(plain.get_weights(), measured.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_wrong_labels_and_models_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"one label per item of the model, .* 'title'"):
        SpaceBoard(tmp_path, labels={"title": ["one"]}).set_model(new_model())
    with pytest.raises(TypeError, match="MetricRecommender"):
        SpaceBoard(tmp_path).set_model(tf.keras.Sequential())
