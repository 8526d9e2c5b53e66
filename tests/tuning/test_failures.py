"""Trials that fail, and searches that cannot continue: the message is clear, and what was found before is kept."""

from __future__ import annotations

import errno
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from small import DATA, X, build, search, tuner

from hyperml_tf import tuning


def failing_for(condition: Any, error: Exception) -> Any:
    def make(hp: Any) -> Any:
        model = build(hp)
        if condition(hp):
            raise error
        return model

    return make


@pytest.mark.slow
def test_a_trial_that_fails_is_explained_and_the_search_continues(tmp_path: Path, caplog) -> None:
    # In a grid the failures follow one another; keras-tuner ends a search after three of them.
    bad = failing_for(lambda hp: hp["units"] == 4, ValueError("`units` must be even\n  and small. Received: 4"))
    searcher = tuner("GridSearch", tmp_path, bad)
    with caplog.at_level(logging.WARNING, "hyperml_tf"):
        search(searcher)
    trials = searcher.oracle.trials.values()
    assert [trial.status for trial in trials].count("COMPLETED") == 4
    assert [trial.status for trial in trials].count("FAILED") == 4
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 4
    assert messages[0].startswith(
        "Trial 0004 failed: ValueError: `units` must be even and small. Received: 4 (with units=4"
    )
    assert all(hp.values["units"] == 2 for hp in searcher.get_best_hyperparameters(8))
    assert len(searcher.get_best_models(8)) == 4


@pytest.mark.slow
def test_a_limit_of_consecutive_failures_can_be_asked_for(tmp_path: Path) -> None:
    bad = failing_for(lambda hp: hp["units"] == 4, ValueError("no"))
    searcher = tuner("GridSearch", tmp_path, bad, max_consecutive_failed_trials=2)
    with pytest.raises(RuntimeError, match="consecutive failures"):
        search(searcher)
    assert len(searcher.oracle.trials) == 6


@pytest.mark.parametrize("trials", [1, 2, 4])
def test_a_search_without_one_success_raises(trials: int, tmp_path: Path) -> None:
    for _ in range(2):  # also when it is called again
        first = iter([True])  # the first build finds the space
        bad = failing_for(lambda hp, first=first: not next(first, False), ValueError("it cannot be"))
        searcher = tuner("RandomSearch", tmp_path, bad, max_trials=trials)
        with pytest.raises(
            RuntimeError, match=rf"All {trials} trials failed: ValueError: it cannot be \({trials} of {trials}\)"
        ):
            search(searcher)
    assert searcher.get_best_models() == []
    assert searcher.get_best_hyperparameters() == []


def test_a_build_that_fails_from_the_start_raises_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="it cannot be"):
        tuner("RandomSearch", tmp_path, failing_for(lambda hp: True, ValueError("it cannot be")))


def test_an_objective_that_is_not_a_number_is_a_failure(tmp_path: Path, caplog) -> None:
    def make(hp: Any) -> Any:
        model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
        # With 2 the loss grows to infinity and then is not a number.
        model.compile(tf.keras.optimizers.SGD(hp.Choice("rate", [0.01, 1e30])), "mse", run_eagerly=True)
        return model

    searcher = tuner("GridSearch", tmp_path, make)
    with caplog.at_level(logging.WARNING, "hyperml_tf"):
        search(searcher, epochs=3)
    assert [trial.status for trial in searcher.oracle.trials.values()] == ["COMPLETED", "FAILED"]
    assert "`val_loss` must be a finite number in at least one epoch" in caplog.text
    assert "rate=1e+30" in caplog.text


def test_a_training_that_diverges_before_it_is_validated_is_a_failure(tmp_path: Path, caplog) -> None:
    """`TerminateOnNaN` ends it in the first epoch: the objective is never among the logs, but that is no wrong name."""

    def make(hp: Any) -> Any:
        start = tf.keras.initializers.Constant(hp.Choice("start", [0.0, 1e30]))
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer=start)])
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    searcher = tuner("GridSearch", tmp_path, make)
    with caplog.at_level(logging.WARNING, "hyperml_tf"):
        search(searcher, callbacks=[tf.keras.callbacks.TerminateOnNaN()], validation_freq=2)
    assert [trial.status for trial in searcher.oracle.trials.values()] == ["COMPLETED", "FAILED"]
    assert (
        "`val_loss` must be a finite number in at least one epoch. Received: none; loss was inf in epoch 1"
        in caplog.text
    )


@pytest.mark.slow
def test_one_good_epoch_before_it_diverges_counts(tmp_path: Path) -> None:
    class Diverging(tf.keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch:
                self.model.layers[0].kernel.assign(tf.fill([3, 2], float("nan")))

    searcher = tuner("GridSearch", tmp_path, max_trials=1)
    search(searcher, epochs=3, callbacks=[Diverging()])
    (trial,) = searcher.oracle.get_best_trials()
    assert (trial.status, trial.best_step) == ("COMPLETED", 0)
    assert searcher.get_best_models()[0].evaluate(X, X[:, :1], verbose=0)[0] < 1e6


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"val_loss": float("nan")}])
def test_a_result_that_is_not_a_number_is_a_failure(value: Any, tmp_path: Path, caplog) -> None:
    class Returning(tuning.RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return value if trial.hyperparameters.Boolean("a") else 1.0

    searcher = Returning(objective="val_loss", max_trials=2, seed=1, directory=str(tmp_path))
    with caplog.at_level(logging.WARNING, "hyperml_tf"):
        searcher.search(verbose=0)
    assert sorted(trial.status for trial in searcher.oracle.trials.values()) == ["COMPLETED", "FAILED"]
    assert "`val_loss` must be a finite number. Received:" in caplog.text


def test_an_objective_that_is_not_measured_ends_the_search(tmp_path: Path) -> None:
    searcher = tuner("RandomSearch", tmp_path, objective=tuning.Objective("val_hapiness", "max"))
    with pytest.raises(
        ValueError, match=r"`objective` must be in the logs of `fit`, .*'val_mae'.*Received: val_hapiness"
    ):
        search(searcher)


def test_a_history_without_an_objective_ends_the_search(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="`objective` must be given"):
        search(tuner("RandomSearch", tmp_path, objective=None))


def test_models_that_are_too_large_are_failures(tmp_path: Path, caplog) -> None:
    def make(hp: Any) -> Any:
        model = tf.keras.Sequential([tf.keras.layers.Dense(hp.Choice("n", [1, 1000]), input_shape=(3,))])
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    searcher = tuner("GridSearch", tmp_path, make, max_model_size=100)
    with caplog.at_level(logging.WARNING, "hyperml_tf"):
        search(searcher, epochs=1)
    assert [trial.status for trial in searcher.oracle.trials.values()] == ["COMPLETED", "FAILED"]
    assert "The model has 4000 parameters, more than `max_model_size`" in caplog.text


def test_a_model_of_keras_3_is_refused_with_the_fix(tmp_path: Path) -> None:
    import keras

    def make(hp: Any) -> Any:
        hp.Choice("n", [1, 2])
        return keras.Sequential([keras.layers.Dense(1)])

    with pytest.raises(TypeError, match=r"must return a Keras 2 model.*write `from tensorflow import keras`"):
        search(tuner("RandomSearch", tmp_path, make))
    with pytest.raises(TypeError, match=r"must return a Keras 2 model.*Received: None"):
        search(tuner("RandomSearch", tmp_path / "none", lambda hp: None))


def test_hyperband_and_early_ends_do_not_go_together(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`median_pruning` must be False with Hyperband"):
        tuner("Hyperband", tmp_path, median_pruning=True)


@pytest.mark.slow
@pytest.mark.parametrize("failing", [(1,), (0, 2), (0, 1, 2), (3,)])
def test_hyperband_continues_the_best_of_those_that_did_not_fail(failing: tuple[int, ...], tmp_path: Path) -> None:
    """The rounds are of three trials, and one that continues the best of them; then two long ones."""
    built = iter(range(-1, 100))  # the first build finds the space
    bad = failing_for(lambda hp: next(built) in failing, ValueError("no"))
    searcher = tuner("Hyperband", tmp_path, bad)
    search(searcher)
    trials = list(searcher.oracle.trials.values())
    failed = [place for place, trial in enumerate(trials) if trial.status == "FAILED"]
    continued = [trial for trial in trials if "tuner/trial_id" in trial.hyperparameters.values]
    assert failed == list(failing)
    assert len(trials) == (5 if len(failing) == 3 else 6)
    first = [trial for trial in trials[:3] if trial.status == "COMPLETED"]
    best = min(first, key=lambda trial: trial.score, default=None)
    assert [trial.hyperparameters.values["tuner/trial_id"] for trial in continued] == ([best.trial_id] if best else [])
    for trial in continued:
        values = {name: value for name, value in trial.hyperparameters.values.items() if "/" not in name}
        assert values.items() <= best.hyperparameters.values.items()
        assert trial.hyperparameters.values["tuner/initial_epoch"] == best.hyperparameters.values["tuner/epochs"]


# A full disk ------------------------------------------------------------------------------------------------------


class Filling(tf.keras.callbacks.Callback):
    """Fails like a disk that has become full, once armed."""

    armed = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if Filling.armed:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.slow
def test_an_error_of_the_disk_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search(tuner("RandomSearch", tmp_path, max_trials=1))
    monkeypatch.setattr(Filling, "armed", True)
    searcher = tuner("RandomSearch", tmp_path, max_trials=3)
    with pytest.raises(tuning.DiskFullError, match=r"No space is left .*finished trials are kept"):
        search(searcher, callbacks=[Filling()])
    monkeypatch.setattr(Filling, "armed", False)
    resumed = tuner("RandomSearch", tmp_path, max_trials=3)
    assert resumed.oracle.get_state()["retry_queue"] == ["1"]
    search(resumed, callbacks=[Filling()])
    assert [trial.status for trial in resumed.oracle.trials.values()] == ["COMPLETED"] * 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    def make(hp: Any) -> Any:
        model = tf.keras.Sequential([tf.keras.layers.Dense(10_000), tf.keras.layers.Dense(1)])
        model.compile(tf.keras.optimizers.SGD(hp.Float("rate", 1e-4, 1e-3)), "mse", run_eagerly=True)
        return model

    def new() -> Any:
        return tuner("RandomSearch", small_disk, make, max_trials=4)

    with pytest.raises(tuning.DiskFullError, match=f"No space is left on the disk of `{small_disk}"):
        new().search(**DATA, epochs=1)
    finished = new().oracle.get_best_trials(4)
    kept = [trial for trial in finished if trial.status == "COMPLETED"]
    assert 0 < len(kept) < 4
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    searcher = new()
    searcher.search(**DATA, epochs=1)
    assert [trial.status for trial in searcher.oracle.trials.values()] == ["COMPLETED"] * 4
    for trial in kept:
        assert searcher.oracle.trials[trial.trial_id].score == trial.score
