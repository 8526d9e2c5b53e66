"""An argument of another type or shape is refused by an error that names it, wherever it is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import HyperML, Run, TrainingConfig, export_saved_model, recommend_to_file, train_run
from hyperml_tf._argument_checks import check_not_negative, check_positive, check_positive_integer
from hyperml_tf.data import Interactions
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.losses import HyperMLLoss
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
