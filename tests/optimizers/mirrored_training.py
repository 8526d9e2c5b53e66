"""Trains the same points on one device and on two mirrored replicas, and compares the results.

`test_optimizer_distribution.py` runs it in a process of its own, because logical devices must be configured before TensorFlow
starts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import hyperml_tf  # noqa: F401  selects the Keras behind `tf.keras`
from hyperml_tf.ball_variables import ball_curvature, mark_on_ball
from hyperml_tf.layers import Curvature
from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam, RiemannianOptimizer

BATCHES = [[0, 1, 1, 2], [2, 3, 3, 0], [5, 5, 5, 5]]


def train(strategy: tf.distribute.Strategy, policy: str, make: Callable[[], RiemannianOptimizer]) -> np.ndarray:
    """The points after one step on each batch, with a learned curvature, each batch split between the replicas."""
    with strategy.scope():
        holder = tf.keras.layers.Layer(dtype=policy)
        start = tf.keras.initializers.RandomUniform(-0.3, 0.3, seed=1)
        points = holder.add_weight(name="points", shape=(9, 3), initializer=start)
        curvature = Curvature(0.7, learned=True)
        mark_on_ball(points, curvature)
        optimizer = make()
    for copy in strategy.experimental_local_results(points):
        np.testing.assert_allclose(ball_curvature(copy), 0.7, rtol=1e-6)
    replicas = strategy.num_replicas_in_sync
    variables = [points, curvature.raw]

    def replica_step(indices: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(points, indices) ** 2) + curvature() / replicas
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    @tf.function
    def step(indices: Any) -> None:
        strategy.run(replica_step, args=(indices,))

    for batch in BATCHES:
        step(distributed(strategy, np.split(np.array(batch, np.int32), replicas)))
    slots = [variable.shape[-1] for variable in optimizer.variables if variable.shape.rank == 2]
    assert slots == [3 if slot.scalar is False else 1 for slot in optimizer.slots], slots
    return points.numpy()


def distributed(strategy: tf.distribute.Strategy, parts: list[np.ndarray]) -> Any:
    """One part for each replica."""
    if len(parts) == 1:
        return tf.constant(parts[0])
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )


def main() -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    cases: list[tuple[Callable[[], RiemannianOptimizer], list[str]]] = [
        (lambda: RiemannianAdam(0.1), ["float32", "mixed_float16"]),
        (lambda: RiemannianAdam(0.1, clipnorm=0.5), ["float32"]),
        (lambda: RiemannianAdagrad(0.1), ["mixed_float16"]),
    ]
    for make, policies in cases:
        expected = train(tf.distribute.get_strategy(), "float32", make)
        for policy in policies:
            mirrored = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), policy, make)
            np.testing.assert_allclose(mirrored, expected, rtol=1e-5, atol=1e-7)


if __name__ == "__main__":
    main()
