"""Searches over HyperML: trials train as `train_run` does, and share what does not differ between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from hyperml_tf import tuning
from hyperml_tf.data import Split, leave_one_out, synthesize
from hyperml_tf.models import batches
from hyperml_tf.runs import TrainingConfig, fitting
from hyperml_tf.tuning import HyperMLHyperModel, HyperParameters
from hyperml_tf.tuning.tune import OBJECTIVES

pytestmark = pytest.mark.slow

CONFIG = TrainingConfig(epochs=4, batch_size=256, dim=4)
SMALL = {"dim": [4, 8], "batch_size": 256, "negatives": [8, 20], "optimizer": ["adagrad", "adam", "sgd"]}


@pytest.fixture(scope="module")
def split() -> Split:
    return leave_one_out(synthesize(n_users=40, n_items=150, n_rows=500, depth=2, branching=3, seed=2).table)


@pytest.fixture(autouse=True)
def _eagerly() -> Iterator[None]:
    """To trace the graphs of a model takes longer than to train one this small."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def trained_alone(split: Split, config: TrainingConfig) -> list[float]:
    """The objective in every epoch of a run with the same settings."""
    model = fitting.new_model(split.train, config)
    fitting.fit(model, split.train, split.validation, config.epochs, config.batch_size, [kept := Keeping()])
    return kept.values


class Keeping(tf.keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.values: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.values.append(logs[fitting.MONITOR])


def test_a_trial_is_a_run_with_its_settings(split: Split, tmp_path: Path) -> None:
    hypermodel = HyperMLHyperModel(split.train, split.validation, SMALL, CONFIG, validate_every=1)
    searcher = tuning.RandomSearch(
        hypermodel, hypermodel.objective, max_trials=2, seed=0, directory=str(tmp_path), start_with_defaults=True
    )
    searcher.search(verbose=0)
    for trial in searcher.oracle.trials.values():
        config = hypermodel.config_of(trial.hyperparameters)
        alone = trained_alone(split, config)
        assert trial.score == max(alone)
        assert alone[trial.best_step] == trial.score
    first = hypermodel.config_of(searcher.oracle.trials["0"].hyperparameters)
    assert first == dataclasses.replace(
        CONFIG, **{name: getattr(CONFIG.resolved(split.train), name) for name in hypermodel.space.entries}
    )
    (best,) = searcher.oracle.get_best_trials()
    (model,) = searcher.get_best_models()
    measured = hypermodel.evaluate(model)
    assert {f"val_{name}" for name in measured} == {"val_loss", *OBJECTIVES}
    assert measured == {name: best.metrics.get_last_value(f"val_{name}") for name in measured}
    assert len(model.recommend(split.train.user_ids[:2], k=3).ids) == 2


def test_the_rounds_of_hyperband_make_one_training(split: Split, tmp_path: Path) -> None:
    hypermodel = HyperMLHyperModel(split.train, split.validation, SMALL, CONFIG, validate_every=1)
    searcher = tuning.Hyperband(
        hypermodel, hypermodel.objective, max_epochs=4, factor=4, seed=0, directory=str(tmp_path)
    )
    searcher.oracle.max_trials = 5
    searcher.search(verbose=0)
    (trial,) = [t for t in searcher.oracle.trials.values() if "tuner/trial_id" in t.hyperparameters.values]
    assert trial.hyperparameters.values["tuner/initial_epoch"] == 1
    alone = trained_alone(split, hypermodel.config_of(trial.hyperparameters))
    assert trial.score == pytest.approx(max(alone[1:]), abs=1e-7)


def test_trials_share_what_does_not_differ(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    hypermodel = HyperMLHyperModel(split.train, split.validation, SMALL, CONFIG)
    drawn = []
    real = batches.sampled_negatives
    monkeypatch.setattr(batches, "sampled_negatives", lambda *a, **k: drawn.append(1) or real(*a, **k))
    models = []
    for _ in range(2):
        hp = HyperParameters()
        model = hypermodel.build(hp)
        hypermodel.fit(hp, model, epochs=1)
        models.append(model)
    assert drawn == [1]
    assert models[0] is not models[1]
    assert models[0].seen._places is models[1].seen._places
    assert len(models[0].seen) == len(split.train)


def test_executions_differ_in_their_seed(split: Split) -> None:
    hypermodel = HyperMLHyperModel(split.train, split.validation, SMALL, CONFIG)
    seeds = []
    for execution in (0, 1, 0):
        hypermodel.begin_execution(execution)
        seeds.append(hypermodel.build(HyperParameters()).seed)
    assert seeds == [0, 1, 0]


def test_validation_every_few_epochs_and_at_the_end(split: Split) -> None:
    hypermodel = HyperMLHyperModel(split.train, split.validation, SMALL, CONFIG, validate_every=3)
    hp = HyperParameters()
    history = hypermodel.fit(hp, hypermodel.build(hp)).history
    assert len(history["loss"]) == 4
    assert len(history[fitting.MONITOR]) == 2


def test_every_setting_of_the_model_can_be_searched(split: Split) -> None:
    space = {**SMALL, "distortion_reference": ["tangent", "conformal"], "max_tangent_norm": 1.5}
    hypermodel = HyperMLHyperModel(split.train, split.validation, space, CONFIG)
    model = hypermodel.build(HyperParameters())
    # The search starts from the defaults, where the space has them.
    assert (model.settings.distortion_reference, model.settings.max_tangent_norm) == ("conformal", 1.5)


def test_trials_in_direct_mode_have_no_history(split: Split) -> None:
    hypermodel = HyperMLHyperModel(split.train, split.validation, {**SMALL, "mode": ["direct"], "history": 8}, CONFIG)
    assert hypermodel.config_of(HyperParameters()).history is None
    assert hypermodel.build(HyperParameters()).settings.history == 0


def test_an_invalid_combination_is_a_failed_trial(split: Split, tmp_path: Path, caplog) -> None:
    class Picky(HyperMLHyperModel):
        def build(self, hp: Any) -> Any:
            if hp.Choice("dim", [4, 8]) == 8 and hp.Choice("negatives", [8, 20]) == 20:
                raise ValueError("`negatives` must be 8 with `dim` 8. Received: 20")
            return super().build(hp)

    space = tuning.SearchSpace({"dim": [4, 8], "negatives": [8, 20]})
    config = dataclasses.replace(CONFIG, epochs=1)
    hypermodel = Picky(split.train, split.validation, space, config)
    searcher = tuning.GridSearch(hypermodel, hypermodel.objective, directory=str(tmp_path))
    searcher.search(verbose=0)
    assert [trial.status for trial in searcher.oracle.trials.values()].count("COMPLETED") == 3
    assert (
        "failed: ValueError: `negatives` must be 8 with `dim` 8. Received: 20 (with dim=8, negatives=20)" in caplog.text
    )


def test_data_is_not_given_twice(split: Split, tmp_path: Path) -> None:
    hypermodel = HyperMLHyperModel(split.train, split.validation, SMALL, CONFIG)
    searcher = tuning.RandomSearch(hypermodel, hypermodel.objective, directory=str(tmp_path))
    with pytest.raises(ValueError, match=r"`search` takes no data.*Received: \['validation_data'\]"):
        searcher.search(validation_data=split.validation)
    with pytest.raises(ValueError, match="`validate_every` must be at least 1"):
        HyperMLHyperModel(split.train, split.validation, validate_every=0)
