"""What gradients written out by hand would save of a training step, beside those that TensorFlow derives.

    python benchmarks/gradients.py [--negatives 20 128] [--batch-size 2048] [--dim 64]

The step is the dense part of one of HyperML: rows of two tables are looked up and mapped to the ball, the hardest negatives
are chosen, distances and losses are computed and differentiated. TensorFlow derives all gradients of `numerics` and `geometry`.
Here each of six gradients that were once written out takes the place of the derived one: alone, and as the last of the six.
A gradient is worth its code where it saves a tenth of the step.

Processor time is the steadier of the two figures on a machine that has other work to do.
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

import hyperml_tf  # noqa: F401  selects the Keras behind `tf.keras`
from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare import ordering
from hyperml_tf.geometry.poincare.measured import MeasuredPoints, measure
from hyperml_tf.geometry.poincare.pairs import Pairs
from hyperml_tf.losses import functional
from hyperml_tf.numerics import Tensor

import tensorflow as tf  # isort: skip

DERIVED = "derived"
ALL = "all written out"
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
    def gradient(upstream: Tensor) -> Tensor:
        return upstream * numerics.asinh_ratio_slope(s)

    return quotient(s, tf.asinh), gradient


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


WRITTEN: dict[str, tuple[Any, str, Any]] = {
    "squared norm in float64": (numerics, "wide_squared_norm", wide_squared_norm),
    "tanh(sqrt(s)) / sqrt(s)": (numerics, "tanh_ratio", tanh_ratio),
    "asinh(sqrt(s)) / sqrt(s)": (numerics, "asinh_ratio", asinh_ratio),
    "squared distance": (Pairs, "squared_distance", squared_distance),
    "tangent distance": (Pairs, "tangent_distance", tangent_distance),
    "differences of pairs": (Pairs, "with_shared", with_shared),
}
"""What is replaced, and by what."""


class Step:
    """The dense part of a training step, on random tables and batches."""

    def __init__(
        self, negatives: int, batch_size: int, dim: int, written: Iterable[str] = (), rows: int = 10_000
    ) -> None:
        self.negatives, self.group = negatives, max(32, negatives // 2)
        self.depths = sorted({negatives, min(negatives, 20)})
        self.tables = [tf.Variable(tf.random.stateless_normal([rows, dim], [0, i], stddev=0.1)) for i in range(2)]
        shapes = [[batch_size], [batch_size], [-(-batch_size // self.group), negatives]]
        self.codes = [
            tf.random.stateless_uniform(shape, [1, i], maxval=rows, dtype=tf.int32) for i, shape in enumerate(shapes)
        ]
        self.function = tf.function(self._gradients, autograph=False)
        with contextlib.ExitStack() as stack:
            for name in written:
                stack.enter_context(mock.patch.object(*WRITTEN[name]))
            self()

    def __call__(self) -> tuple[Tensor, list[Tensor]]:
        """The loss and the gradients of the rows that were looked up."""
        return self.function(*self.codes)

    def _gradients(self, users: Tensor, items: Tensor, drawn: Tensor) -> tuple[Tensor, list[Tensor]]:
        with tf.GradientTape() as tape:
            loss = self._loss(users, items, drawn)
        return loss, [slices.values for slices in tape.gradient(loss, self.tables)]

    def _loss(self, users: Tensor, items: Tensor, drawn: Tensor) -> Tensor:
        c = tf.constant(1.0)
        codes = [users, tf.concat([items, tf.reshape(drawn, [-1])], axis=0)]
        x, y = (
            measure(poincare.expmap0(tf.gather(table, rows), c), c)
            for table, rows in zip(self.tables, codes, strict=True)
        )
        pairs = Pairs.with_shared(x, y, self._hardest(x.detached(), y.detached().rows(tf.size(items)), c))
        squared = pairs.squared_distance(c)
        hinges = functional.pull_push(squared[:, :1], squared[:, 1:], margin=16.0)
        apart = functional.euclidean_reference(pairs.tangent_distance())
        return tf.reduce_sum(hinges) + 0.1 * tf.reduce_sum(functional.distortion(numerics.safe_sqrt(squared), apart))

    def _hardest(self, x: MeasuredPoints, pool: MeasuredPoints, c: Tensor) -> Tensor:
        """Positions in the pool of the two hardest negatives of each query, at each depth."""
        batch, groups = self.codes[0].shape[0], self.codes[2].shape[0]
        queries = tf.pad(ordering.to_klein(x.points, c), [[0, groups * self.group - batch], [0, 0]])
        pool = pool.grouped(self.negatives)
        products = tf.matmul(
            tf.reshape(queries, [groups, self.group, queries.shape[-1]]), pool.points, transpose_b=True
        )
        norms, factors = (tf.transpose(part, [0, 2, 1]) for part in (pool.squared_norm, pool.conformal_factor()))
        scores = tf.reshape(ordering.proximity(products, norms, factors), [-1, self.negatives])[:batch]
        nearest = [tf.math.top_k(scores[:, :depth], 2).indices for depth in self.depths]
        return tf.concat(nearest, axis=1) + (tf.range(batch) // self.group * self.negatives)[:, tf.newaxis]


def sides() -> dict[str, tuple[str, ...]]:
    """The gradients that are written out in each side."""
    alone = {name: (name,) for name in WRITTEN}
    without = {f"all but {name}": tuple(other for other in WRITTEN if other != name) for name in WRITTEN}
    return {DERIVED: (), **alone, **without, ALL: tuple(WRITTEN)}


def measure_sides(negatives: int, arguments: argparse.Namespace) -> tuple[dict[str, float], dict[str, float]]:
    """The median milliseconds of a step of every side, of a clock and of the processors."""
    processor: dict[str, list[float]] = {}

    def side(name: str, step: Step) -> Callable[[], float]:
        def work() -> float:
            started, busy = time.perf_counter(), time.process_time()
            for _ in range(_REPETITIONS):
                loss, _ = step()
            float(loss)
            processor.setdefault(name, []).append((time.process_time() - busy) / _REPETITIONS * 1e3)
            return (time.perf_counter() - started) / _REPETITIONS * 1e3

        return work

    made = {
        name: side(name, Step(negatives, arguments.batch_size, arguments.dim, written))
        for name, written in sides().items()
    }
    figures = timing.take_turns(made, arguments.rounds)
    print(
        f"{negatives} negatives: spread {timing.spread(figures):.0%}, of processor time {timing.spread(processor):.0%}"
    )
    return timing.medians(figures), timing.medians(processor)


def table(wall: dict[str, float], processor: dict[str, float]) -> str:
    """What each gradient saves of a step, as shares of the time and of the processor time."""

    def saved(slower: str, faster: str) -> str:
        return " / ".join(f"{1 - times[faster] / times[slower]:.0%}" for times in (wall, processor))

    rows = [[name, saved(DERIVED, name), saved(f"all but {name}", ALL)] for name in WRITTEN]
    rows.append(["all six", saved(DERIVED, ALL), ""])
    return timing.markdown(["gradient written out", "saves alone", "saves beside the five others"], rows)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--negatives", type=int, nargs="+", default=[20, 128])
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args(words)
    print(
        f"TensorFlow {tf.__version__}, {timing.threads()} threads, dim {arguments.dim}, batches of "
        f"{arguments.batch_size}; shares of time / of processor time"
    )
    for negatives in arguments.negatives:
        wall, processor = measure_sides(negatives, arguments)
        print(f"a step takes {wall[DERIVED]:.1f} ms, {processor[DERIVED]:.1f} ms of processor time\n")
        print(table(wall, processor), flush=True)


if __name__ == "__main__":
    main()
