"""Milliseconds of a training step of `HyperML`, by the number of rows of its two tables.

    python benchmarks/train_step.py [--rows 10000 100000 1000000] [--negatives 20] [--batch-size 4096] [--dim 64] [--markdown]

The step is the real one: `HyperML.fit` on `Interactions`, default loss, compiled; timed by a callback from the end
of one batch to the end of the next, so the input pipeline counts. There are as many users as items, and `--per-user`
interactions a user, all random. Both modes train with the default optimizer; the third row is the model of tangent mode with
the stock `tf.keras.optimizers.Adam`, which passes over the whole tables. Sizes take turns in `--rounds` rounds; figures are
medians over all steps after the warm-up of each round. The last column is the largest table's time over the smallest's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf import HyperML, Interactions

# Mode and optimizer; None is the default optimizer of the mode.
CASES: dict[str, tuple[str, Callable[[], Any]]] = {
    "tangent": ("tangent", lambda: None),
    "direct": ("direct", lambda: None),
    "tangent, Keras Adam": ("tangent", lambda: tf.keras.optimizers.Adam(0.001)),
}


class StepTimes(tf.keras.callbacks.Callback):
    """Times every step but the first ones, which trace and compile and fill caches.

    Args:
        warm_up: how many steps are not counted.
        seconds: training stops after that long, or when the epochs are over.
    """

    def __init__(self, warm_up: int, seconds: float) -> None:
        super().__init__()
        self.warm_up, self.seconds = warm_up, seconds
        self.milliseconds: list[float] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self._step = 0
        self._start = self._last = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = time.perf_counter()
        self._step += 1
        if self._step <= self.warm_up:
            self._start = now
        else:
            self.milliseconds.append((now - self._last) * 1000)
            self.model.stop_training = now - self._start > self.seconds
        self._last = now


def random_interactions(rows: int, per_user: int) -> Interactions:
    """A table of `rows` users and as many items; repeated pairs are rare and do no harm."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(rows, dtype=np.int32), per_user)
    items = rng.integers(rows, size=len(users), dtype=np.int32)
    return Interactions(users, items, np.arange(rows), np.arange(rows))


def measure(arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Median milliseconds of a step for every case, in the order of `--rows`."""
    tables = {rows: random_interactions(rows, arguments.per_user) for rows in arguments.rows}
    figures: dict[str, list[float]] = {}
    for name, (mode, optimizer) in CASES.items():
        models = {}
        for rows, table in tables.items():
            models[rows] = HyperML.from_interactions(table, dim=arguments.dim, mode=mode, negatives=arguments.negatives)
            models[rows].compile(optimizer())
        times: dict[int, list[float]] = {rows: [] for rows in tables}
        for _ in range(arguments.rounds):
            for rows, model in models.items():
                timer = StepTimes(arguments.warm_up, arguments.seconds)
                # Small tables have few steps an epoch: enough epochs for the timer to end the training.
                model.fit(tables[rows], batch_size=arguments.batch_size, epochs=10**6, callbacks=[timer], verbose=0)
                times[rows] += timer.milliseconds
        figures[name] = [statistics.median(times[rows]) for rows in tables]
    return figures


def table(rows: list[int], figures: dict[str, list[float]], markdown: bool) -> list[str]:
    """The lines to print."""
    header = ["ms a step", *(f"{n:,} rows" for n in rows), "largest / smallest"]
    body = [
        [name, *(f"{ms:.1f}" for ms in values), f"{values[-1] / values[0]:.2f}"] for name, values in figures.items()
    ]
    if markdown:
        lines = [header, ["---", *["---:"] * (len(header) - 1)], *body]
        return ["| " + " | ".join(cells) + " |" for cells in lines]
    return [f"{cells[0]:<22}" + "".join(f"{cell:>20}" for cell in cells[1:]) for cells in [header, *body]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--negatives", type=int, default=20, help="draws of a group of positives, for every size")
    parser.add_argument("--batch-size", type=int, default=4096)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--per-user", type=int, default=10, help="interactions a user")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm-up", type=int, default=5, help="steps of a round that are not counted")
    parser.add_argument("--seconds", type=float, default=4.0, help="time measured for every size in a round")
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    arguments.rows.sort()
    print(
        f"TensorFlow {tf.__version__}, {arguments.batch_size} positives a step, {arguments.negatives} negatives, "
        f"dim {arguments.dim}",
        flush=True,
    )
    print("\n".join(table(arguments.rows, measure(arguments), arguments.markdown)))


if __name__ == "__main__":
    main()
