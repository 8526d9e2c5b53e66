"""The check that points can be searched."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from hyperml_tf.numerics import Tensor


def check_finite(points: Tensor, wanted: str = "be finite") -> None:
    """Requires finite points, `(n, dim)`, outside of graphs. A NaN has no place in an order, and moves others out of theirs.

    Args:
        points: Points, `(n, dim)`.
        wanted: What points must do, for the message. Defaults to `"be finite"`.

    Raises:
        ValueError: If a coordinate is NaN or infinite.
    """
    if not tf.executing_eagerly():
        return
    finite = tf.reduce_all(tf.math.is_finite(points), axis=-1).numpy()
    if not finite.all():
        first = int(np.argmin(finite))
        received = tf.cast(points[first, :8], tf.float32).numpy().tolist()
        raise ValueError(f"`points` must {wanted}. Received: {received}, the point of candidate {first}")
