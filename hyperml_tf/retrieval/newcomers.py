"""Where an export places a user who was never trained on, from the items they bring."""

from __future__ import annotations

import tensorflow as tf

from hyperml_tf.numerics import Tensor


class Newcomers(tf.Module):
    """Base class: a subclass says in `points` where users with a history are.

    Args:
        half_life: an item of a history weighs half as much as the one so many places after it; infinite: all weigh the same.

    Raises:
        ValueError: if `half_life` is not positive.
    """

    def __init__(self, half_life: float) -> None:
        if not half_life > 0:
            raise ValueError(f"`half_life` must be positive. Received: half_life={half_life}")
        super().__init__(name="newcomers")
        self.half_life = float(half_life)

    def points(self, codes: Tensor) -> Tensor:
        """Item codes, oldest first, -1 for an unknown one, `(batch, n)` -> points, `(batch, dim)`; the origin without items."""
        raise NotImplementedError("Newcomers say where they are.")

    def weights(self, codes: Tensor) -> Tensor:
        """Weights of the items of a history, `(batch, n)` float32, 0 for unknown ones: the last known one has 1."""
        known = tf.cast(codes >= 0, tf.float32)
        later = tf.cumsum(known, axis=1, exclusive=True, reverse=True)
        return known * tf.pow(0.5, later / self.half_life)
