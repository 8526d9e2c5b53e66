"""Milliseconds of one optimizer step on an embedding table, ours against Keras's, by the number of rows of the table.

    python benchmarks/optimizer_step.py [--rows 10000 100000 1000000] [--lookups 8192] [--dim 64]

The gradient is that of a lookup of `--lookups` random rows; it is the same for every optimizer of one table. `ball` means the
table holds points of the Poincaré ball, `flat` an ordinary table. Each figure is the median over `--rounds` blocks of steps.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

import hyperml_tf  # noqa: F401  selects the Keras behind `tf.keras`
from hyperml_tf import optimizers
from hyperml_tf.ball_variables import mark_on_ball


def cases() -> dict[str, tuple[bool, Callable[[], Any]]]:
    """Name, whether the table is on the ball, and a function that makes the optimizer."""
    keras = tf.keras.optimizers
    return {
        "Keras SGD, flat": (False, lambda: keras.SGD(0.01)),
        "RiemannianSGD, flat": (False, lambda: optimizers.RiemannianSGD(0.01)),
        "RiemannianSGD, ball": (True, lambda: optimizers.RiemannianSGD(0.01)),
        "RiemannianSGD projection, ball": (True, lambda: optimizers.RiemannianSGD(0.01, retraction="projection")),
        "Keras Adagrad, flat": (False, lambda: keras.Adagrad(0.05)),
        "RiemannianAdagrad, flat": (False, lambda: optimizers.RiemannianAdagrad(0.05)),
        "RiemannianAdagrad, ball": (True, lambda: optimizers.RiemannianAdagrad(0.05)),
        "Keras Adam, flat": (False, lambda: keras.Adam(0.001)),
        "RiemannianAdam, flat": (False, lambda: optimizers.RiemannianAdam(0.001)),
        "RiemannianAdam, ball": (True, lambda: optimizers.RiemannianAdam(0.001)),
    }


def milliseconds(on_ball: bool, make: Callable[[], Any], rows: int, lookups: int, dim: int, rounds: int) -> float:
    """The median time of a step."""
    table = tf.Variable(tf.random.stateless_normal([rows, dim], [0, 1], stddev=0.05))
    if on_ball:
        mark_on_ball(table, 1.0)
    gradient = tf.random.stateless_normal([lookups, dim], [2, 3])
    batches = tf.random.stateless_uniform([16, lookups], [4, 5], maxval=rows, dtype=tf.int32)
    optimizer = make()
    optimizer.build([table])

    @tf.function
    def step(indices: tf.Tensor) -> None:
        optimizer.apply_gradients([(tf.IndexedSlices(gradient, indices, tf.constant([rows, dim])), table)])

    step(batches[0])
    times = []
    for _ in range(rounds):
        count, start = 0, time.perf_counter()
        while count < 16 and time.perf_counter() - start < 2.0:
            step(batches[count])
            count += 1
        times.append((time.perf_counter() - start) / count * 1000)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--lookups", type=int, default=8192)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"TensorFlow {tf.__version__}, {arguments.lookups} lookups of dimension {arguments.dim}, ms a step")
    print(f"{'rows':<32}" + "".join(f"{rows:>10}" for rows in arguments.rows))
    for name, (on_ball, make) in cases().items():
        figures = [
            milliseconds(on_ball, make, rows, arguments.lookups, arguments.dim, arguments.rounds)
            for rows in arguments.rows
        ]
        print(f"{name:<32}" + "".join(f"{figure:>10.1f}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
