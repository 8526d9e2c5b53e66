"""What training steps measure when asked: the norms of their gradients, and the number of examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from hyperml_tf.numerics import Tensor


class StepMeasures:
    """The mean norms of gradients and the number of examples since the last reset, see `Recommender.measure_steps`.

    They are no state of a model, so Keras does not track them.

    Args:
        variables: The trained variables.

    Example:

    >>> measures = StepMeasures([tf.Variable([0.0], name="offset")])
    >>> measures.update([tf.constant([3.0])], examples=tf.constant(2.0))
    >>> measures.gradient_norms(), measures.examples()
    ({'offset': 3.0, 'all': 3.0}, 2.0)
    """

    def __init__(self, variables: Sequence[tf.Variable]) -> None:
        names = [variable.name.split(":")[0] for variable in variables]
        # Layers of the same name have variables of the same name.
        self._names = [name if names.count(name) == 1 else f"{name}_{place}" for place, name in enumerate(names)]
        self._norms = [tf.keras.metrics.Mean(name=name) for name in (*self._names, "all")]
        self._examples = tf.keras.metrics.Sum(name="examples")

    def update(self, gradients: Sequence[Any], examples: Tensor) -> None:
        """Adds a training step.

        Args:
            gradients: The gradients of the variables, tensors or `tf.IndexedSlices`; `None` counts as zero.
            examples: Scalar, the number of rows.
        """
        squares = [
            0.0 if gradient is None else tf.cast(tf.square(tf.linalg.global_norm([gradient])), tf.float32)
            for gradient in gradients
        ]
        for norm, square in zip(self._norms, [*squares, tf.add_n(squares or [0.0])], strict=True):
            norm.update_state(tf.sqrt(square))
        self._examples.update_state(examples)

    def gradient_norms(self) -> dict[str, float]:
        """Returns the mean norm in a step, by the name of the variable, and of all of them under "all".

        Gradients of lookups are sparse: rows that occur twice in a batch count twice.
        """
        return {norm.name: float(norm.result()) for norm in self._norms}

    def examples(self) -> float:
        """Returns the number of examples."""
        return float(self._examples.result())

    def reset(self) -> None:
        """Begins anew."""
        for metric in (*self._norms, self._examples):
            metric.reset_state()
