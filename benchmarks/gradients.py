"""Time that explicit gradients would save in a training step, compared with automatic differentiation.

    python benchmarks/gradients.py [--negatives 20 128] [--batch-size 2048] [--dim 64] [--rounds 60]

The package differentiates `numerics` and `geometry.poincare.pairs` automatically. For six functions this program has a version
with an explicit gradient (`tf.custom_gradient`), and measures `HyperML.compute_loss` and its gradients with each of them alone,
with all but one, and with all. An explicit gradient would be worth its code if it saved 10 % of a step. Users are free points
(`history=0`), because the share of these functions is largest in that model.

Each result is a share of the elapsed time and of the CPU time, which depends less on other load. Sides alternate, and results are
medians. Takes about five minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any
from unittest import mock

import numpy as np
import timing
from train_throughput import random_interactions

from hyperml_tf import HyperML, numerics
from hyperml_tf.geometry.poincare.measured import MeasuredPoints
from hyperml_tf.geometry.poincare.pairs import Pairs
from hyperml_tf.numerics import Tensor

import tensorflow as tf  # isort: skip

AUTOMATIC = "automatic"
ALL = "all six"
ASINH_SWITCH = numerics.eps(tf.float32) ** 0.2
_REPETITIONS = 10


@tf.custom_gradient
def wide_squared_norm(x: Tensor) -> Any:
    wide = numerics.squared_norm(tf.cast(x, tf.float64))
    return wide, lambda upstream: tf.cast(2.0 * upstream, x.dtype) * x


def quotient(s: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """A ratio without its series, which only the gradient needs."""
    root = tf.sqrt(tf.maximum(s, np.finfo(s.dtype.as_numpy_dtype).tiny))
    return function(root) / root


@tf.custom_gradient
def tanh_ratio(s: Tensor) -> Any:
    return quotient(s, tf.tanh), lambda upstream: upstream * numerics.tanh_ratio_slope(s)


@tf.custom_gradient
def asinh_ratio(s: Tensor) -> Any:
    ratio = quotient(s, tf.asinh)

    def gradient(upstream: Tensor) -> Tensor:
        far = (tf.math.rsqrt(1.0 + s) - ratio) / (2.0 * tf.maximum(s, ASINH_SWITCH))
        near = -1.0 / 6.0 + s * (3.0 / 20.0 - s * (15.0 / 112.0 - s * 105.0 / 864.0))
        return upstream * tf.where(s < ASINH_SWITCH, near, far)

    return ratio, gradient


def squared_distance(pairs: Pairs, c: Tensor) -> Tensor:
    @tf.custom_gradient
    def of_numbers(squared_difference: Tensor, x_gap: Tensor, y_gap: Tensor) -> Any:
        inverse = 1.0 / (x_gap * y_gap)
        chord = squared_difference * inverse
        ratio = numerics.asinh_ratio(c * chord)

        def gradient(upstream: Tensor) -> tuple[Tensor, ...]:
            slope = 4.0 * upstream * ratio * tf.math.rsqrt(1.0 + c * chord)  # no series
            pull = slope * chord
            return slope * inverse, -tf.reduce_sum(pull, axis=1, keepdims=True) / x_gap, -pull / y_gap

        return 4.0 * chord * tf.square(ratio), gradient

    return of_numbers(pairs.squared_difference, pairs.x_gap, pairs.y_gap)


def tangent_distance(pairs: Pairs) -> Tensor:
    numbers = pairs.squared_difference, pairs.x_squared_norm, pairs.x_factor, pairs.y_squared_norm, pairs.y_factor
    return numerics.safe_sqrt(squared_tangent_distance(*numbers))


@tf.custom_gradient
def squared_tangent_distance(
    squares: Tensor, x_norm: Tensor, x_factor: Tensor, y_norm: Tensor, y_factor: Tensor
) -> Any:
    product, apart = x_factor * y_factor, x_factor - y_factor
    radial = x_factor * x_norm - y_factor * y_norm

    def gradient(upstream: Tensor) -> tuple[Tensor, ...]:
        def of_query(numbers: Tensor) -> Tensor:
            return tf.reduce_sum(upstream * numbers, axis=1, keepdims=True)

        return (
            upstream * product,
            of_query(apart) * x_factor,
            of_query(y_factor * squares + radial + apart * x_norm),
            -upstream * apart * y_factor,
            upstream * (x_factor * squares - radial - apart * y_norm),
        )

    return product * squares + apart * radial, gradient


def with_shared(x: MeasuredPoints, y: MeasuredPoints, chosen: Tensor) -> Pairs:
    batch = tf.shape(x.points)[0]
    positions = tf.concat([tf.range(batch)[:, tf.newaxis], batch + chosen], axis=1)
    numbers = [tf.gather(number[:, 0], positions) for number in y[1:]]
    return Pairs(squared_differences(x.points, y.points, chosen), *x[1:], *numbers)


def squared_differences(x: Tensor, y: Tensor, chosen: Tensor) -> Tensor:
    @tf.custom_gradient
    def of_points(x: Tensor, y: Tensor) -> Any:
        batch, dim = tf.shape(x)[0], x.shape[-1]
        to_positive, to_others = x - y[:batch], x[:, tf.newaxis] - tf.gather(y[batch:], chosen)

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            weight = 2.0 * upstream
            positive, apart = to_positive * weight[:, :1], to_others * weight[:, 1:, tf.newaxis]
            rows, pool = tf.reshape(apart, [-1, dim]), tf.shape(y)[0] - batch
            others = tf.math.unsorted_segment_sum(rows, tf.reshape(chosen, [-1]), pool)
            return positive + tf.reduce_sum(apart, axis=1), -tf.concat([positive, others], axis=0)

        found = [numerics.squared_norm(to_positive), numerics.squared_norm(to_others, keepdims=False)]
        return tf.concat(found, axis=1), gradient

    return of_points(x, y)


EXPLICIT: dict[str, tuple[Any, str, Any]] = {
    "squared norm in float64": (numerics, "wide_squared_norm", wide_squared_norm),
    "tanh(sqrt(s)) / sqrt(s)": (numerics, "tanh_ratio", tanh_ratio),
    "asinh(sqrt(s)) / sqrt(s)": (numerics, "asinh_ratio", asinh_ratio),
    "squared distance": (Pairs, "squared_distance", squared_distance),
    "tangent distance": (Pairs, "tangent_distance", tangent_distance),
    "differences of pairs": (Pairs, "with_shared", with_shared),
}
"""The functions that are replaced, and their versions with an explicit gradient."""

Step = Callable[[], tuple[Tensor, list[Tensor]]]


def make_step(
    negatives: int, batch_size: int, dim: int, explicit: Iterable[str] = (), rows: int = 10_000, per_user: int = 10
) -> Step:
    """A function that returns the loss of a batch and its gradients, with the gradients of `explicit` replaced."""
    table = random_interactions(rows, per_user)
    model = HyperML.from_interactions(table, dim=dim, negatives=negatives, history=0)
    model.set_seen(table)
    for seed, variable in enumerate(model.trainable_variables):
        variable.assign(tf.random.stateless_normal(variable.shape, [0, seed], stddev=0.1))
    positives = np.random.default_rng(0).integers(len(table), size=batch_size)
    batch = {"user": tf.constant(table.users[positives]), "item": tf.constant(table.items[positives])}

    @tf.function(autograph=False)
    def step() -> tuple[Tensor, list[Tensor]]:
        with tf.GradientTape() as tape:
            loss = model.compute_loss(batch)
        gradients = tape.gradient(loss, model.trainable_variables)
        # The gradients of the looked-up rows. Summing equal rows is left to the optimizer.
        return loss, [gradient.values for gradient in gradients]

    with contextlib.ExitStack() as stack:
        for name in explicit:
            stack.enter_context(mock.patch.object(*EXPLICIT[name]))
        step()  # traces it
    return step


def sides() -> dict[str, tuple[str, ...]]:
    """The explicit gradients of each side."""
    alone = {name: (name,) for name in EXPLICIT}
    without = {f"all but {name}": tuple(other for other in EXPLICIT if other != name) for name in EXPLICIT}
    return {AUTOMATIC: (), **alone, **without, ALL: tuple(EXPLICIT)}


def measure(negatives: int, arguments: argparse.Namespace) -> tuple[dict[str, float], dict[str, float]]:
    """The median milliseconds per step of each side: elapsed, and of the CPU."""
    cpu: dict[str, list[float]] = {}

    def side(name: str, step: Step) -> Callable[[], float]:
        def work() -> float:
            started, cpu_started = time.perf_counter(), time.process_time()
            for _ in range(_REPETITIONS):
                loss, _ = step()
            float(loss)
            cpu.setdefault(name, []).append((time.process_time() - cpu_started) / _REPETITIONS * 1e3)
            return (time.perf_counter() - started) / _REPETITIONS * 1e3

        return work

    sizes = negatives, arguments.batch_size, arguments.dim
    ready = {name: side(name, make_step(*sizes, explicit)) for name, explicit in sides().items()}
    elapsed = timing.take_turns(ready, arguments.rounds)
    return timing.medians(elapsed), timing.medians(cpu)


def table(elapsed: dict[str, float], cpu: dict[str, float]) -> str:
    """The share of a step that each explicit gradient saves, of the elapsed time and of the CPU time."""

    def saved(slower: str, faster: str) -> str:
        return " / ".join(f"{1 - times[faster] / times[slower]:.0%}" for times in (elapsed, cpu))

    rows = [[name, saved(AUTOMATIC, name), saved(f"all but {name}", ALL)] for name in EXPLICIT]
    rows.append([ALL, saved(AUTOMATIC, ALL), ""])
    return timing.markdown(["explicit gradient", "saves alone", "saves with the five others"], rows)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--negatives", type=int, nargs="+", default=[20, 128])
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args(words)
    print(f"TensorFlow {tf.__version__}, {timing.threads()} threads, dim {arguments.dim}, batch {arguments.batch_size}")
    for negatives in arguments.negatives:
        elapsed, cpu = measure(negatives, arguments)
        print(f"\n{negatives} negatives: {elapsed[AUTOMATIC]:.1f} ms per step, {cpu[AUTOMATIC]:.1f} ms of CPU time\n")
        print(table(elapsed, cpu), flush=True)


if __name__ == "__main__":
    main()
