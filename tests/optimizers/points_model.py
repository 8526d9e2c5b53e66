"""A small Keras model with a table of points on the ball, and data to fit it to."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.ball_variables import mark_on_ball
from hyperml_tf.geometry import poincare


@tf.keras.utils.register_keras_serializable(package="points_model")
class Squares(tf.keras.layers.Layer):
    """Looks points of a table up and returns the sum of their squared distances from the origin."""

    def build(self, input_shape: Any) -> None:
        uniform = tf.keras.initializers.RandomUniform(-0.3, 0.3, seed=1)
        self.points = self.add_weight(name="points", shape=(20, 4), initializer=uniform)
        mark_on_ball(self.points, 1.0)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        distances = poincare.distance0(tf.gather(self.points, inputs), 1.0)
        return tf.reduce_sum(tf.square(distances), -1, keepdims=True)


def model_of_points(optimizer: Any) -> tf.keras.Model:
    model = tf.keras.Sequential([tf.keras.Input((2,), dtype="int32"), Squares()])
    model.compile(optimizer, loss="mean_squared_error")
    return model


FEED = (np.arange(16, dtype=np.int32).reshape(8, 2), np.ones((8, 1), np.float32))
