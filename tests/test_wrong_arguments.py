"""An argument of another type or shape is refused by an error that names it, wherever it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import HyperML, Run, TrainingConfig, export_saved_model, recommend_to_file, train_run
from hyperml_tf._argument_checks import check_not_negative, check_positive, check_positive_integer
from hyperml_tf.data import (
    Interactions,
    ItemTable,
    leave_one_out,
    raw_dataset,
    sampled_negatives,
    synthesize,
    time_split,
    training_dataset,
)
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.losses import HyperMLLoss
from hyperml_tf.models import DistanceIndex, load_model
from hyperml_tf.models.baselines import CML, LRML, MFBPR, EuclideanTwin, Popularity
from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam, RiemannianSGD
from hyperml_tf.serving import ServedModel, verify_export
from hyperml_tf.visualization import plot_items, write_explorer

MATRIX = np.ones((2, 2))


@pytest.mark.parametrize("wrong", [None, "text", [], {"a": 1}, MATRIX, np.array(["a"]), 1j, float("nan"), True])
@pytest.mark.parametrize("check", [check_not_negative, check_positive, check_positive_integer])
def test_a_number_is_one_real_number(check: Any, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"`rate` must be .* Received: rate="):
        check(rate=wrong)


@pytest.mark.parametrize("right", [2, 2.0, np.float32(2), np.int8(2), np.array(2), tf.constant(2.0)])
def test_numbers_of_other_libraries_are_taken(right: Any) -> None:
    check_not_negative(rate=right)
    check_positive_integer(rate=right)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("momentum", lambda wrong: RiemannianSGD(momentum=wrong)),
        ("beta_2", lambda wrong: RiemannianAdam(beta_2=wrong)),
        ("epsilon", lambda wrong: RiemannianAdagrad(epsilon=wrong)),
        ("margin", lambda wrong: HyperMLLoss(margin=wrong)),
        ("epochs", lambda wrong: TrainingConfig(epochs=wrong)),
        ("split", lambda wrong: TrainingConfig(split=wrong)),
    ],
)
@pytest.mark.parametrize("wrong", [[], MATRIX])
def test_settings_and_numbers_of_constructors(name: str, make: Any, wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        make(wrong)


@pytest.mark.parametrize("wrong", [None, "text", {"a": 1}, object(), np.array(["a"]), tf.constant("a"), MATRIX + 1j])
def test_points_and_curvatures_are_real_numbers(wrong: Any) -> None:
    x = tf.zeros((2, 2))
    for name, call in (
        ("y", lambda: poincare.distance(x, wrong, 1.0)),
        ("c", lambda: poincare.expmap0(x, wrong)),
        ("p", lambda: lorentz.drop(wrong, 1.0)),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be a real number, or a tensor of them. Received: "):
            call()


def test_a_curvature_that_is_a_number_is_not_negative() -> None:
    for call in (poincare.expmap0, lorentz.time_coordinate):
        with pytest.raises(ValueError, match=r"`c`, the curvature, must be >= 0. Received: c=-1.0"):
            call(np.zeros((1, 3)), -1.0)


@pytest.mark.parametrize("wrong", [None, 3, [], object()])
def test_paths(wrong: Any) -> None:
    table = Interactions.from_arrays(["a"], ["x"], partial=True)
    for name, call in (
        ("path", lambda: Run.load(wrong)),
        ("path", lambda: ServedModel(wrong)),
        ("path", lambda: verify_export(wrong)),
        ("path", lambda: Interactions.from_file(wrong)),
        ("out", lambda: train_run(table, wrong)),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be a path, a string or a `pathlib.Path`. Received: "):
            call()


@pytest.mark.parametrize("call", [export_saved_model, write_explorer, plot_items])
def test_models(call: Any) -> None:
    with pytest.raises(ValueError, match=r"`model` must be of the class `\w+`. Received: model='runs/first'"):
        call("runs/first", "out")


def test_functions() -> None:
    model = HyperML(["a"], ["x", "y"], dim=2, history=0)
    with pytest.raises(ValueError, match=r"`progress` must be a function\. Received: progress='bar'"):
        recommend_to_file(model, "answers.csv", progress="bar")


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("interactions", lambda wrong: HyperML.from_interactions(wrong)),
        ("interactions", lambda wrong: Popularity.from_interactions(wrong)),
        ("interactions", lambda wrong: leave_one_out(wrong)),
        ("interactions", lambda wrong: training_dataset(wrong, 2)),
        ("interactions", lambda wrong: raw_dataset(wrong, 2)),
        ("interactions", lambda wrong: sampled_negatives(wrong, [0])),
        ("table", lambda wrong: time_split(wrong, "2024-01-01")),
        ("frame", lambda wrong: ItemTable.from_frame(wrong, ["a"])),
        ("model", lambda wrong: DistanceIndex(wrong)),
        ("query_network", lambda wrong: HyperML(["u"], ["a"], query_network=wrong)),
        ("custom_objects", lambda wrong: load_model("model.keras", custom_objects=wrong)),
        ("history", lambda wrong: HyperML(["u"], ["a"], history={"a": wrong})),
        ("encoding", lambda wrong: HyperML(["u"], ["a"], user_model="sequence", encoding={"a": wrong})),
        ("curvature", lambda wrong: HyperML(["u"], ["a"], curvature={"a": wrong})),
    ],
)
@pytest.mark.parametrize("wrong", ["text", 7, [1]])
def test_objects_of_another_class(name: str, call: Any, wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"`{name.removeprefix('query_')}`"):
        call(wrong)


@pytest.mark.parametrize("make", [HyperML, Popularity, CML, MFBPR, LRML, EuclideanTwin])
def test_ids_are_named_as_the_argument_is(make: Any) -> None:
    for wrong in (None, "text", [], MATRIX, 0.5, 0, 2**70):
        with pytest.raises(ValueError, match=r"`query_ids` must be .* Received: "):
            make(wrong, ["a"])
        with pytest.raises(ValueError, match=r"`candidate_ids` must be .* Received: "):
            make(["u"], wrong)
    for wrong in (None, "text", -1, 0.5, float("inf"), 2**31, True):
        with pytest.raises(ValueError, match=r"`seed` must be .* Received: "):
            make(["u"], ["a"], seed=wrong)


@pytest.mark.parametrize("wrong", [None, "text", 0, 0.5, float("nan"), MATRIX, True])
def test_numbers_of_rows_are_integers(wrong: Any) -> None:
    table = Interactions.from_arrays(["u", "v"], ["a", "b"])
    for name, call in (
        ("batch_size", lambda: training_dataset(table, wrong)),
        ("n", lambda: sampled_negatives(table, [0], n=wrong)),
        ("n_users", lambda: synthesize(n_users=wrong)),
        ("depth", lambda: synthesize(depth=wrong)),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be .* Received: "):
            call()
