"""`Curvature` is a Keras layer that needs no input: called, traced, differentiated and saved."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.layers import Curvature, ExpMap

BOTH = pytest.mark.parametrize("learned", [False, True])


@BOTH
def test_a_call_without_an_input_returns_the_value(learned: bool) -> None:
    curvature = Curvature(0.7, learned=learned)
    assert curvature().shape == ()
    assert float(curvature()) == float(curvature.value()) == pytest.approx(0.7)


@BOTH
def test_a_call_with_an_input_is_a_call_of_keras(learned: bool) -> None:
    inputs = tf.keras.Input((3,))
    model = tf.keras.Model(inputs, Curvature(0.7, learned=learned)(inputs))
    assert float(model(tf.zeros([2, 3]))) == pytest.approx(0.7)
    assert len(model.trainable_variables) == learned


@BOTH
def test_a_traced_call_adds_only_the_operations_of_the_value(learned: bool) -> None:
    curvature = Curvature(0.7, learned=learned)
    called, read = (tf.function(f).get_concrete_function().graph for f in (lambda: curvature(), curvature.value))
    types = [[operation.type for operation in graph.get_operations()] for graph in (called, read)]
    assert types[0] == types[1]


def test_a_traced_call_follows_the_variable() -> None:
    curvature = Curvature(0.7, learned=True)
    traced = tf.function(lambda: curvature())
    assert float(traced()) == pytest.approx(0.7)
    curvature.raw.assign(0.0)
    assert float(traced()) == pytest.approx(np.log(2.0))


def test_the_gradient_is_that_of_the_softplus() -> None:
    curvature = Curvature(0.7, learned=True)
    with tf.GradientTape() as tape:
        value = curvature()
    assert float(tape.gradient(value, curvature.raw)) == pytest.approx(float(tf.sigmoid(curvature.raw)))


@BOTH
def test_mixed_precision_does_not_round_the_value(learned: bool) -> None:
    curvature = Curvature(0.7, learned=learned, dtype="mixed_float16")
    assert curvature().dtype == curvature(tf.zeros([1])).dtype == tf.float32


@pytest.mark.slow
def test_a_model_that_calls_it_can_be_a_saved_model(tmp_path) -> None:
    inputs = tf.keras.Input((3,))
    model = tf.keras.Model(inputs, ExpMap(curvature=Curvature(0.7, learned=True))(inputs))
    vectors = tf.constant([[0.1, 0.2, 0.3]])
    model.save(tmp_path / "model", save_format="tf")
    loaded = tf.keras.models.load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded(vectors), model(vectors))
