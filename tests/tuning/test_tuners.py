"""The tuners on a small Keras 2 model: they do what keras-tuner's do, with models that keras-tuner refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
from small import DATA, TUNERS, X, Y, build, search, tuner

from hyperml_tf import tuning


@pytest.mark.slow
@pytest.mark.parametrize("name", TUNERS)
def test_a_search_returns_models_with_the_metrics_of_their_trials(name: str, tmp_path: Path, capsys) -> None:
    searcher = tuner(name, tmp_path)
    assert isinstance(searcher, keras_tuner.Tuner)
    search(searcher)
    trials = searcher.oracle.trials
    expected = {"RandomSearch": 4, "BayesianOptimization": 4, "GridSearch": 8}
    assert len(trials) == expected.get(name, len(trials)) > 3
    best = searcher.oracle.get_best_trials(2)
    assert [trial.score for trial in best] == sorted(trial.score for trial in trials.values())[:2]
    for trial, model, values in zip(
        best, searcher.get_best_models(2), searcher.get_best_hyperparameters(2), strict=True
    ):
        assert values.values == trial.hyperparameters.values
        measured = model.evaluate(X, Y, verbose=0, return_dict=True)
        assert {f"val_{key}": value for key, value in measured.items()} == pytest.approx(
            {f"val_{key}": trial.metrics.get_last_value(f"val_{key}") for key in measured}, rel=1e-6
        )
    searcher.results_summary(1)
    searcher.search_space_summary()
    printed = capsys.readouterr().out
    assert f"Trial {best[0].trial_id} summary" in printed
    assert "activation (Choice)" in printed


@pytest.mark.slow
def test_the_first_trial_has_the_defaults_on_demand(tmp_path: Path) -> None:
    for name in ("RandomSearch", "BayesianOptimization"):
        searcher = tuner(name, tmp_path / name, start_with_defaults=True, max_trials=1)
        search(searcher)
        assert searcher.get_best_hyperparameters()[0].values == {"units": 2, "activation": "linear", "rate": 0.01}


def test_seed_zero_is_a_seed(tmp_path: Path) -> None:
    drawn = []
    for place in ("a", "b"):
        searcher = tuner("RandomSearch", tmp_path / place, max_trials=2)
        drawn.append([searcher.oracle.create_trial("t").hyperparameters.values])
    assert drawn[0] == drawn[1]


@pytest.mark.slow
def test_a_later_round_of_hyperband_continues_exactly_where_the_earlier_trial_ended(tmp_path: Path) -> None:
    searcher = tuner("Hyperband", tmp_path)
    search(searcher, shuffle=False)
    trial = next(t for t in searcher.oracle.trials.values() if t.hyperparameters.values.get("tuner/initial_epoch"))
    epochs = trial.hyperparameters.values["tuner/epochs"]
    # Adam's moments are part of what has to be there.
    whole = build(trial.hyperparameters).fit(**DATA, epochs=epochs, shuffle=False).history["val_loss"]
    assert trial.score == pytest.approx(min(whole[trial.hyperparameters.values["tuner/initial_epoch"] :]), rel=1e-5)


@pytest.mark.slow
def test_each_training_has_its_own_copy_of_the_callbacks(tmp_path: Path) -> None:
    class Counting(tf.keras.callbacks.Callback):
        begun: tuple[int, ...] = ()
        own = 0

        def on_train_begin(self, logs: Any = None) -> None:
            self.own += 1
            Counting.begun += (self.own,)

    given = Counting()
    search(tuner("RandomSearch", tmp_path, max_trials=2, executions_per_trial=2), callbacks=[given])
    assert Counting.begun == (1, 1, 1, 1)
    assert given.own == 0


def test_callbacks_that_cannot_be_copied_are_named(tmp_path: Path) -> None:
    class Stubborn(tf.keras.callbacks.Callback):
        def __deepcopy__(self, memo: Any) -> Any:
            raise TypeError("no copies")

    with pytest.raises(ValueError, match=r"`callbacks` .*copyable.*Stubborn.*no copies"):
        search(tuner("RandomSearch", tmp_path), callbacks=[Stubborn()])


@pytest.mark.slow
def test_executions_are_averaged_and_the_best_is_kept(tmp_path: Path) -> None:
    class Varied(tuning.HyperModel):
        scale = 0.0

        def build(self, hp: Any) -> Any:
            model = tf.keras.Sequential(
                [tf.keras.layers.Dense(1, kernel_initializer=tf.constant_initializer(self.scale))]
            )
            model.compile("sgd", "mse", run_eagerly=True)
            hp.Choice("a", [1, 2])
            return model

        def begin_execution(self, execution: int) -> None:
            self.scale = (1.0, 5.0)[execution]

    searcher = tuner("RandomSearch", tmp_path, Varied(), max_trials=1, executions_per_trial=2)
    search(searcher, epochs=1)
    (trial,) = searcher.oracle.get_best_trials()
    curves = json.loads((tmp_path / "p" / "trial_0" / "curves.json").read_text())
    losses = [curve[0][1] for curve in curves]
    assert trial.score == pytest.approx(np.mean(losses))
    model = searcher.get_best_models()[0]
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(min(losses), rel=1e-5)


@pytest.mark.slow
def test_hyperparameters_go_to_tensorboard(tmp_path: Path) -> None:
    board = tf.keras.callbacks.TensorBoard(str(tmp_path / "board"))
    search(tuner("RandomSearch", tmp_path, max_trials=2, executions_per_trial=2), epochs=1, callbacks=[board])
    for place in ("0/execution0", "0/execution1", "1/execution0", "1/execution1"):
        written = b"".join(path.read_bytes() for path in (tmp_path / "board" / place).glob("events*"))
        assert b"_hparams_/session_start_info" in written
        assert b"activation" in written
    assert board.log_dir == str(tmp_path / "board")


@pytest.mark.parametrize(
    ("objective", "direction"),
    [
        ("val_mae", "min"),
        ("val_accuracy", "max"),
        ("val_full_ndcg@10", "max"),
        ("sampled100_hr@20", "max"),
        ("val_factorized_top_k/top_10_categorical_accuracy", "max"),
        (tuning.Objective("val_score", "max"), "max"),
        (tuning.Objective("val_full_ndcg@10", "min"), "min"),
    ],
)
def test_objectives_have_their_direction(objective: Any, direction: str) -> None:
    oracle = tuning.oracles.RandomSearchOracle(objective)
    assert oracle.objective.direction == direction


def test_an_unknown_direction_is_asked_for() -> None:
    with pytest.raises(ValueError, match="Could not infer optimization direction"):
        tuning.oracles.RandomSearchOracle("val_happiness")


@pytest.mark.slow
def test_several_objectives_are_summed(tmp_path: Path) -> None:
    searcher = tuner("RandomSearch", tmp_path, objective=["val_loss", tuning.Objective("val_mae", "max")], max_trials=2)
    search(searcher)
    for trial in searcher.oracle.trials.values():
        value = trial.metrics.get_last_value("val_loss") - trial.metrics.get_last_value("val_mae")
        assert trial.score == pytest.approx(value)


@pytest.mark.slow
def test_without_validation_in_every_epoch_the_best_validated_one_counts(tmp_path: Path) -> None:
    searcher = tuner("RandomSearch", tmp_path, max_trials=2)
    search(searcher, epochs=5, validation_freq=[2, 5])
    for trial in searcher.oracle.trials.values():
        ((second, _), (fifth, _)) = json.loads(
            (tmp_path / "p" / f"trial_{trial.trial_id}" / "curves.json").read_text()
        )[0]
        assert (second, fifth) == (1, 4)
        assert trial.best_step in (1, 4)
        assert searcher.load_model(trial).evaluate(X, Y, verbose=0)[0] == pytest.approx(trial.score, rel=1e-6)


@pytest.mark.slow
def test_a_fit_of_the_hypermodel_may_return_a_number_a_dictionary_or_a_history(tmp_path: Path) -> None:
    class Returning(tuning.HyperModel):
        def __init__(self, what: Any) -> None:
            super().__init__()
            self.what = what

        def build(self, hp: Any) -> Any:
            return build(hp)

        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            # Without the callbacks, as some do.
            kwargs.pop("callbacks")
            history = model.fit(*args, epochs=2, **kwargs)
            return self.what(history)

    best = {}
    for name, objective, what in (
        ("number", None, lambda history: min(history.history["val_loss"])),
        ("dictionary", "val_loss", lambda history: {"val_loss": min(history.history["val_loss"])}),
        ("history", "val_loss", lambda history: history),
    ):
        searcher = tuner("RandomSearch", tmp_path / name, Returning(what), objective, max_trials=2)
        searcher.search(**DATA)
        best[name] = searcher.oracle.get_best_trials()[0].score
        with pytest.raises(ValueError, match="must pass the callbacks"):
            searcher.get_best_models()
    assert best["number"] == pytest.approx(best["dictionary"])
    assert best["history"] == pytest.approx(best["dictionary"])


@pytest.mark.slow
def test_a_tfrs_model_is_a_model(tmp_path: Path) -> None:
    import tensorflow_recommenders as tfrs

    class Linear(tfrs.Model):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.layer = tf.keras.layers.Dense(units)

        def compute_loss(self, inputs: Any, training: bool = False) -> Any:
            x, y = inputs
            return tf.reduce_mean((tf.reduce_sum(self.layer(x), axis=1, keepdims=True) - y) ** 2)

    def make(hp: Any) -> Any:
        model = Linear(hp.Choice("units", [1, 2, 3]))
        model.compile(tf.keras.optimizers.Adam(0.1), run_eagerly=True)
        return model

    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    searcher = tuner("RandomSearch", tmp_path, make, max_trials=2)
    searcher.search(dataset, validation_data=dataset, epochs=2, verbose=0)
    measured = searcher.get_best_models()[0].evaluate(dataset, verbose=0, return_dict=True)
    (trial,) = searcher.oracle.get_best_trials()
    assert measured["loss"] == pytest.approx(trial.metrics.get_last_value("val_loss"), rel=1e-5)


@pytest.mark.slow
def test_what_the_tuner_compiles_takes_the_place_of_what_the_model_has(tmp_path: Path) -> None:
    searcher = tuner("RandomSearch", tmp_path, max_trials=1, optimizer=tf.keras.optimizers.SGD(0.02), loss="mae")
    search(searcher, epochs=1)
    model = searcher.get_best_models()[0]
    assert type(model.optimizer).__name__ == "SGD"
    assert model.loss == "mae"


def test_a_subclass_of_tuner_may_run_trials_its_own_way(tmp_path: Path) -> None:
    class Own(tuning.RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return (trial.hyperparameters.Float("x", -1.0, 1.0) - 0.5) ** 2

    searcher = Own(max_trials=5, seed=1, directory=str(tmp_path))
    searcher.search(verbose=0)
    assert searcher.oracle.get_best_trials()[0].score == min(trial.score for trial in searcher.oracle.trials.values())
    with pytest.raises(ValueError, match="`hypermodel` must be given"):
        tuning.RandomSearch(max_trials=1, directory=str(tmp_path))
    with pytest.raises(ValueError, match="`hypermodel` must be given"):
        tuning.Hyperband(directory=str(tmp_path))


def test_hooks_around_epochs_and_batches_are_called(tmp_path: Path) -> None:
    calls: list[str] = []

    class Hooked(tuning.RandomSearch):
        def on_epoch_begin(self, trial: Any, model: Any, epoch: int, logs: Any = None) -> None:
            calls.append(f"epoch {epoch}")

        def on_batch_end(self, trial: Any, model: Any, batch: int, logs: Any = None) -> None:
            calls.append(f"batch {batch}")

    Hooked(build, "val_loss", max_trials=1, directory=str(tmp_path)).search(**DATA, epochs=2)
    assert calls == ["epoch 0", "batch 0", "epoch 1", "batch 0"]


def test_run_trial_of_a_subclass_may_return_a_history(tmp_path: Path) -> None:
    class Own(tuning.RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            histories = [self.hypermodel.build(trial.hyperparameters).fit(*args, **kwargs) for _ in range(2)]
            self.histories = histories
            return histories[0] if trial.trial_id == "0" else histories

    searcher = Own(build, "val_mae", max_trials=1, seed=0, directory=str(tmp_path))
    searcher.search(**DATA, epochs=3)
    (trial,) = searcher.oracle.trials.values()
    values = searcher.histories[0].history["val_mae"]
    assert (trial.score, trial.best_step) == (min(values), values.index(min(values)))
    row = {name: column[trial.best_step] for name, column in searcher.histories[0].history.items()}
    assert {name: trial.metrics.get_last_value(name) for name in row} == row
    searcher = Own(build, "val_mae", max_trials=2, seed=0, directory=str(tmp_path))
    searcher.search(**DATA, epochs=3)
    both = [min(history.history["val_mae"]) for history in searcher.histories]
    assert searcher.oracle.trials["1"].score == pytest.approx(np.mean(both))


def test_run_trial_of_a_subclass_must_return_the_objective(tmp_path: Path) -> None:
    class Own(tuning.RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            return self.hypermodel.build(trial.hyperparameters).fit(*args, **kwargs)

    searcher = Own(build, tuning.Objective("val_hapiness", "max"), max_trials=1, directory=str(tmp_path))
    with pytest.raises(ValueError, match=r"`objective` must be in the logs of `fit`, .*Received: val_hapiness"):
        searcher.search(**DATA)


@pytest.mark.slow
def test_an_oracle_of_keras_tuner_serves_too(tmp_path: Path) -> None:
    oracle = keras_tuner.oracles.RandomSearchOracle("val_loss", max_trials=2, seed=1)
    searcher = tuning.Tuner(oracle, build, directory=str(tmp_path))
    search(searcher)
    assert len(searcher.get_best_models(2)) == 2
    assert "best_epoch" not in oracle.get_best_trials()[0].metrics.metrics


def test_our_oracles_serve_the_tuner_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn.linear_model import Ridge

    def new() -> Any:
        oracle = tuning.oracles.RandomSearchOracle(tuning.Objective("score", "max"), max_trials=3, seed=1)
        return tuning.SklearnTuner(oracle, lambda hp: Ridge(hp.Float("alpha", 0.1, 10.0)), directory=str(tmp_path))

    searcher = new()
    searcher.search(X, Y[:, 0])
    assert new().oracle.get_best_trials()[0].score == searcher.oracle.get_best_trials()[0].score


class Sum(tuning.Tuner):
    """Runs trials without a model: the score is a sum of hyperparameters, of which the last is discovered in a trial."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
        score = declare(hp := trial.hyperparameters)
        # keras-tuner draws what Hyperband discovers without a seed.
        discovers = hp["more"] and "tuner/epochs" not in hp
        return score + (hp.Choice("c", [0.5, 0.25]) if discovers else 0.0)


def declare(hp: Any) -> float:
    hp.Boolean("more")
    return hp.Choice("a", [3, 1, 2], default=1) + hp.Float("b", 0.0, 1.0, step=0.25)


def trials_of(oracle: Any, directory: Path) -> list[dict[str, Any]]:
    Sum(oracle, declare, directory=str(directory)).search(verbose=0)
    return [dict(sorted(trial.hyperparameters.values.items())) for trial in oracle.trials.values()]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("GridSearchOracle", {}),
        ("HyperbandOracle", {"max_epochs": 5}),
        ("HyperbandOracle", {"max_epochs": 9, "factor": 2, "hyperband_iterations": 2}),
    ],
)
def test_trials_are_those_of_keras_tuner(name: str, arguments: dict[str, Any], tmp_path: Path) -> None:
    def new(module: Any) -> Any:
        return getattr(module, name)(tuning.Objective("score", "min"), seed=3, **arguments)

    trials = trials_of(new(tuning.oracles), tmp_path / "ours")
    assert trials == trials_of(new(keras_tuner.oracles), tmp_path / "theirs")
    assert len(trials) >= 10


def test_any_number_of_workers_can_walk_the_grid(tmp_path: Path) -> None:
    oracle = tuning.oracles.GridSearchOracle(tuning.Objective("score", "min"))
    tuning.Tuner(oracle, lambda hp: (hp.Choice("a", [1, 2]), hp.Boolean("b")), directory=str(tmp_path))
    trials = [oracle.create_trial(f"worker_{number}") for number in range(5)]
    assert [trial.status for trial in trials] == ["RUNNING"] * 4 + ["IDLE"]
    assert len({tuple(trial.hyperparameters.values.items()) for trial in trials[:4]}) == 4
