"""The habits of Keras users: each argument is honoured, or refused with the reason and the way. None is ignored."""

from __future__ import annotations

import copy
import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import metrics
from hyperml_tf.ball_variables import ball_curvature
from hyperml_tf.data import Interactions, Split, leave_one_out, raw_dataset
from hyperml_tf.models import HyperML, baselines
from hyperml_tf.serving import ServedModel, export_saved_model

RANDOM = np.random.default_rng(0)
TABLE = Interactions.from_arrays(RANDOM.integers(0, 12, 90), RANDOM.integers(0, 16, 90), order=np.arange(90))
BATCH = {"user_id": TABLE.user_ids[:4], "item_id": TABLE.item_ids[:4]}


def new_model(cls: Any = HyperML, compiled: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    tf.keras.utils.set_random_seed(0)
    model = cls.from_interactions(TABLE, dim=3, **kwargs)
    model.compile(**{"run_eagerly": True, **(compiled or {})})
    return model


@pytest.fixture(scope="module")
def model() -> HyperML:
    """A trained model. It is shared: change nothing in it."""
    trained = new_model(mode="direct")
    trained.fit(TABLE, verbose=0)
    return trained


@pytest.fixture(scope="module")
def split() -> Split:
    return leave_one_out(TABLE)


# compile


def test_metrics_of_compile_are_computed_under_both_protocols_and_saved(split: Split, tmp_path: Path) -> None:
    model = new_model(compiled={"metrics": [metrics.NDCG(3), metrics.HitRate(10)]})
    logs = model.fit(split.train, verbose=0, validation_data=split.validation).history
    names = [f"{protocol}_{name}" for protocol in ("full", "sampled100") for name in ("hr@10", "ndcg@10", "ndcg@3")]
    assert sorted(logs) == sorted(["loss", "val_loss", *(f"val_{name}" for name in names)])
    expected = model.evaluate_ranking(split.validation, ks=(3,))["full_ndcg@3"]
    assert logs["val_full_ndcg@3"][0] == pytest.approx(expected, rel=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(split.validation, verbose=0) == model.evaluate(split.validation, verbose=0)
    assert "full_ndcg@3" in loaded.metrics_names


@pytest.mark.parametrize(
    ("argument", "value", "way"),
    [
        ("metrics", ["mae"], "NDCG"),
        ("metrics", "mae", "NDCG"),
        ("loss", "mse", "part of the model"),
        ("loss_weights", [1.0], "part of the model"),
        ("weighted_metrics", ["mae"], "sample_weight"),
        ("jit_compile", True, "XLA cannot compile lookups"),
    ],
)
def test_compile_refuses_what_it_cannot_honour(argument: str, value: Any, way: str) -> None:
    with pytest.raises(ValueError, match=rf"`{argument}` must be .*{way}.*Received"):
        HyperML(["a"], ["x", "y"], dim=2).compile(**{argument: value})


def test_xla_cannot_be_switched_on_later() -> None:
    model = new_model()
    with pytest.raises(ValueError, match="`jit_compile` must be False: XLA cannot compile lookups"):
        model.jit_compile = True
    model.jit_compile = False
    assert not model.jit_compile


def test_empty_arguments_of_compile_mean_none() -> None:
    model = HyperML(["a"], ["x", "y"], dim=2)
    model.compile("sgd", None, [], jit_compile=False, weighted_metrics=[])
    assert isinstance(model.optimizer, tf.keras.optimizers.SGD)


@pytest.mark.parametrize("mode", ["tangent", "direct"])
def test_a_model_with_a_legacy_optimizer_is_loaded_with_a_warning(
    mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = new_model(mode=mode, compiled={"optimizer": tf.keras.optimizers.legacy.Adam(0.01)})
    model.fit(TABLE, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert "state of the legacy optimizer Adam is not in `.keras` files" in caplog.text
    np.testing.assert_array_equal(loaded.recommend([1], k=3).ids, model.recommend([1], k=3).ids)
    loaded.fit(TABLE, verbose=0)


# fit and evaluate


@pytest.mark.parametrize(
    ("argument", "value", "way"),
    [
        ("class_weight", {0: 1.0}, "no classes.*column `sample_weight`"),
        ("sample_weight", np.ones(90), "column `sample_weight`"),
        ("validation_split", 0.1, "`validation_data` takes"),
        ("y", np.ones(90), "interactions are the targets"),
        ("shuffle", False, "raw_dataset"),
    ],
)
def test_fit_refuses_what_it_cannot_honour(model: HyperML, argument: str, value: Any, way: str) -> None:
    with pytest.raises(ValueError, match=rf"`{argument}`.*{way}"):
        model.fit(TABLE, verbose=0, **{argument: value})


def test_popularity_refuses_weights_too() -> None:
    with pytest.raises(ValueError, match="`class_weight`"):
        baselines.Popularity.from_interactions(TABLE).fit(TABLE, class_weight={0: 1.0})


@pytest.mark.parametrize("argument", ["y", "sample_weight", "batch_size"])
def test_evaluate_refuses_what_it_cannot_honour(model: HyperML, argument: str) -> None:
    with pytest.raises(ValueError, match=f"`{argument}` must be None"):
        model.evaluate(TABLE, verbose=0, **{argument: 3})


def weighted(weights: Any, name: str = "sample_weight") -> tf.data.Dataset:
    rows = {"user_id": TABLE.user_ids[TABLE.users], "item_id": TABLE.item_ids[TABLE.items], name: weights}
    return tf.data.Dataset.from_tensor_slices(rows).batch(32)


def losses(model: Any, weights: Any) -> float:
    rows = {"user": TABLE.users, "item": TABLE.items, "sample_weight": weights}
    return float(model.compute_loss({name: tf.constant(values) for name, values in rows.items()}))


@pytest.mark.parametrize("cls", [HyperML, baselines.CML, baselines.MFBPR, baselines.LRML], ids=lambda cls: cls.__name__)
def test_the_column_sample_weight_weights_the_rows(cls: Any) -> None:
    model = new_model(cls)
    model.set_seen(TABLE)
    weights = np.ones(len(TABLE), np.float32)
    weights[::2] = 0.0
    unweighted = model.compute_loss({"user": tf.constant(TABLE.users), "item": tf.constant(TABLE.items)})
    assert losses(model, np.ones_like(weights)) == pytest.approx(float(unweighted), rel=1e-6)
    assert losses(model, 3.0 * weights) == pytest.approx(3.0 * losses(model, weights), rel=1e-5)
    assert losses(model, weights) + losses(model, 1.0 - weights) == pytest.approx(float(unweighted), rel=1e-5)


def test_rows_of_weight_0_move_nothing() -> None:
    model = new_model()
    before = model.candidate_tower.all_points()
    model.fit(weighted(np.zeros(len(TABLE), np.float32)), verbose=0)
    np.testing.assert_array_equal(model.candidate_tower.all_points(), before)


def test_weights_count_in_the_metrics_of_validation(model: HyperML) -> None:
    only = np.zeros(len(TABLE), np.float32)
    only[5] = 2.0
    logs = model.evaluate(weighted(only), verbose=0, return_dict=True)
    one = {name: np.array([value]) for name, value in (("user", TABLE.users[5]), ("item", TABLE.items[5]))}
    alone = model.evaluate(tf.data.Dataset.from_tensors(one), verbose=0, return_dict=True)
    assert logs["full_ndcg@10"] == pytest.approx(alone["full_ndcg@10"])


def test_a_column_of_weights_of_another_name_is_refused(model: HyperML) -> None:
    with pytest.raises(ValueError, match=r"column 'sample_weight'. Received: columns \['rating_weight'\]"):
        model.fit(weighted(np.ones(len(TABLE)), "rating_weight"), verbose=0)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_weights_that_are_no_weights_are_named(model: HyperML, bad: float) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="sample_weight"):
        losses(model, np.where(np.arange(len(TABLE)) == 3, bad, 1.0))


@pytest.mark.parametrize("through", ["Interactions", "dataset"])
def test_rows_of_unknown_items_are_left_out_with_a_warning(through: str, caplog: pytest.LogCaptureFixture) -> None:
    model = new_model()
    model.set_seen(TABLE)
    newer = Interactions.from_arrays([1, 2, 3, 4, 1], [1001, 1002, 1003, 1004, 3], order=range(5))
    caplog.set_level(logging.WARNING)
    model.fit(newer if through == "Interactions" else raw_dataset(newer, 2), verbose=0)
    assert "Left out 4 " in caplog.text
    assert "does not know their user or item" in caplog.text


# one batch at a time, and predictions


def test_train_on_batch_is_a_step_of_fit() -> None:
    alone, fitted = new_model(), new_model()
    for one in (alone, fitted):
        one.set_seen(TABLE)
    loss = alone.train_on_batch({name: ids.tolist() for name, ids in BATCH.items()})
    logs = fitted.fit(tf.data.Dataset.from_tensors(BATCH), verbose=0).history
    assert loss == pytest.approx(logs["loss"][0])
    for variable, other in zip(alone.trainable_variables, fitted.trainable_variables, strict=True):
        np.testing.assert_array_equal(variable, other)


def test_train_on_batch_without_histories_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert np.isfinite(new_model().train_on_batch(BATCH))
    assert "call `set_seen` before `train_on_batch`" in caplog.text


def test_batches_with_targets_are_refused(model: HyperML) -> None:
    for use in (model.train_on_batch, model.test_on_batch):
        with pytest.raises(ValueError, match="`y` must be None: the interactions are the targets"):
            use(BATCH, np.ones(4))
        with pytest.raises(ValueError, match="`x` must be a dictionary with 'user_id' and 'item_id'"):
            use(np.ones(4))


def test_test_on_batch_is_evaluate(model: HyperML) -> None:
    expected = model.evaluate(tf.data.Dataset.from_tensors(BATCH), verbose=0)[:3]
    np.testing.assert_allclose(model.test_on_batch(BATCH), expected, rtol=1e-6)


def test_predict_returns_the_distance_of_each_pair(model: HyperML) -> None:
    expected = model(BATCH)
    for x in (BATCH, {name: ids.tolist() for name, ids in BATCH.items()}, tf.data.Dataset.from_tensors(BATCH)):
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-6)
    pairs = {"user_id": TABLE.user_ids[TABLE.users], "item_id": TABLE.item_ids[TABLE.items]}
    np.testing.assert_allclose(model.predict(TABLE, batch_size=7, verbose=0), model(pairs), rtol=1e-6)


# summary, saving and copies


def summary(model: Any) -> list[str]:
    lines: list[str] = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"mode": "direct"}], ids=str)
def test_summary_counts_all_parameters_before_and_after_the_first_batch(options: dict[str, Any]) -> None:
    model = new_model(**options)
    trainable = sum(int(tf.size(variable)) for variable in model.trainable_variables)
    assert trainable >= (12 + 16) * 3
    for _ in range(2):
        lines = summary(model)
        assert not any("unused" in line for line in lines)
        [line] = [line for line in lines if line.startswith("Trainable params")]
        assert int(line.split(":")[1].split("(")[0]) == trainable
        model.fit(TABLE, verbose=0)


@pytest.mark.parametrize("name", ["folder", "model.h5", "model.tf"])
def test_saving_in_another_format_names_those_that_work(model: HyperML, name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`filepath` must end with `.keras`.*export_saved_model.*save_weights"):
        model.save(tmp_path / name)
    with pytest.raises(ValueError, match="save_format='tf'"):
        model.save(tmp_path / "model.keras", save_format="tf")
    assert not list(tmp_path.iterdir())


def test_tensorflow_cannot_write_a_model_without_its_ids(model: HyperML, tmp_path: Path) -> None:
    model.predict(BATCH, verbose=0)  # from now on, Keras knows a forward pass
    with pytest.raises(ValueError, match=r"cannot be written by `tf.saved_model.save`. Use .*export_saved_model"):
        tf.saved_model.save(model, tmp_path / "model")


def test_a_copy_gives_the_same_answers_and_takes_the_same_steps(model: HyperML) -> None:
    expected = model.recommend(TABLE.user_ids, k=3)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(copied.recommend(TABLE.user_ids, k=3).ids, expected.ids)
        assert [ball_curvature(variable) for variable in copied.trainable_variables] == [1.0, 1.0]
        copied.fit(TABLE, verbose=0)


def test_a_clone_has_no_ids_and_says_so(model: HyperML) -> None:
    clone = tf.keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    with pytest.raises(ValueError, match=r"12 ids of the layer .* are not known"):
        clone.recommend([1])


@pytest.mark.slow
def test_weights_alone_restore_the_answers(tmp_path: Path) -> None:
    model, other = new_model(), new_model()
    checkpoint = tf.keras.callbacks.ModelCheckpoint(str(tmp_path / "of"), save_weights_only=True)
    model.fit(TABLE, epochs=2, verbose=0, callbacks=[checkpoint])
    other.load_weights(tmp_path / "of").expect_partial()
    expected = model.recommend(TABLE.user_ids, k=3)
    np.testing.assert_array_equal(other.recommend(TABLE.user_ids, k=3).ids, expected.ids)


@pytest.mark.slow
def test_a_served_model_can_be_pickled_and_copied(model: HyperML, tmp_path: Path, monkeypatch: Any) -> None:
    export_saved_model(model, tmp_path / "1", k=3)
    monkeypatch.chdir(tmp_path)
    served = ServedModel("1")
    pickled = pickle.dumps(served)
    monkeypatch.chdir("/")
    for again in (pickle.loads(pickled), copy.deepcopy(served)):
        np.testing.assert_array_equal(again.recommend([1]).ids, served.recommend([1]).ids)
