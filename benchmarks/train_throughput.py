"""Training throughput in positives per second by the number of rows of the tables: HyperML, other models and other libraries.

    pip install -e '.[benchmarks]'        # and, for PyTorch: pip install torch geoopt
    python benchmarks/train_throughput.py [--rows 10000 100000 1000000 10000000] [--negatives 1 20] [--quick]

There are as many users as items, and `--per-user` random interactions per user (at most ten million in total). Each side
trains on batches of `--batch-size` with its own input pipeline, which is included in the time; `implicit` and the fused loop
have no batches. Sides alternate in `--rounds` rounds of `--seconds`, and results are medians. The models of this package run
16 steps per call, as in `hyperml-tf train`, and so do the stock Keras models, except where a step passes over a large table.

With several negatives HyperML samples them for groups of positives, and all other sides for each positive; with one negative,
HyperML does so too. The models of this package, `implicit` and the fused loop reject the user's own items, the others do not.

Sides that do not fit into `--memory` GB together with the earlier ones are left out. Takes about 15 minutes.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import results
import tensorflow as tf
import timing

from hyperml_tf import HyperML, Interactions
from hyperml_tf.data import training_dataset
from hyperml_tf.models import baselines

OURS = "HyperML, tangent"
"""HyperML with free users, as in all other sides. The default, with histories, is a separate side."""
YARDSTICK = "HyperML, tangent, smallest tables"
_STEPS = 16

Side = tuple[int, Callable[[], Callable[[], int]]]
"""The number of copies of the tables, and a function that creates the side: it trains for a while and counts positives."""


def random_interactions(rows: int, per_user: int) -> Interactions:
    """A table of `rows` users and as many items. Repeated pairs are rare, and do not matter."""
    rng = np.random.default_rng(0)
    users = np.repeat(np.arange(rows, dtype=np.int32), per_user)
    items = rng.integers(rows, size=len(users), dtype=np.int32)
    return Interactions(users, items, np.arange(rows), np.arange(rows))


def keras_side(model: Any, table: Interactions, batch_size: int, steps: int) -> Callable[[], int]:
    """The training loop of `fit` without callbacks."""
    if hasattr(model, "set_seen"):
        model.set_seen(table)
    batches: Iterator[Any] = iter(training_dataset(table, batch_size).repeat())
    execute = model.make_train_function()

    def work() -> int:
        float(execute(batches)["loss"])
        return steps * batch_size

    return work


def of_the_package(model_class: Any, table: Interactions, arguments: argparse.Namespace, **settings: Any) -> Any:
    """Creates a side for a model of this package with its default optimizer."""

    def make() -> Callable[[], int]:
        model = model_class.from_interactions(table, dim=arguments.dim, **settings)
        model.compile(steps_per_execution=_STEPS)
        return keras_side(model, table, arguments.batch_size, _STEPS)

    return make


def stock_keras(
    table: Interactions, arguments: argparse.Namespace, negatives: int, optimizer: str, unit_ball: bool = False
) -> Any:
    """Creates a side for stock Keras."""
    from rivals.stock_keras import StockKeras

    # A step over a whole large table takes a second.
    whole_table = (optimizer == "Adam" or unit_ball) and table.n_users > 100_000
    steps = 1 if whole_table else _STEPS

    def make() -> Callable[[], int]:
        model = StockKeras(table.n_users, table.n_items, arguments.dim, negatives, unit_ball)
        model.compile(getattr(tf.keras.optimizers, optimizer)(0.01), steps_per_execution=steps)
        return keras_side(model, table, arguments.batch_size, steps)

    return make


def _geoopt(table: Interactions, arguments: argparse.Namespace, negatives: int) -> Callable[[], int]:
    from rivals.geoopt_model import GeooptModel

    model = GeooptModel(table, arguments.dim, negatives, 2, arguments.batch_size, threads=timing.threads())
    return model.step


def _implicit(table: Interactions, arguments: argparse.Namespace) -> Callable[[], int]:
    from implicit.cpu.bpr import BayesianPersonalizedRanking
    from rivals.seen_matrix import seen_matrix

    seen = seen_matrix(table)
    iterations = max(1, 1_000_000 // len(table))
    model = BayesianPersonalizedRanking(factors=arguments.dim, iterations=iterations, num_threads=timing.threads())

    def work() -> int:
        model.fit(seen, show_progress=False)
        return iterations * len(table)

    return work


def _fused_loop(table: Interactions, arguments: argparse.Namespace, negatives: int) -> Callable[[], int]:
    from rivals.fused_loop import FusedLoop

    model = FusedLoop(table, arguments.dim, negatives, threads=timing.threads())
    return lambda: model.epoch(rows=100_000)


def sides(table: Interactions, negatives: int, arguments: argparse.Namespace) -> dict[str, Side]:
    """All sides for one table, the most important ones first."""
    ours = {"negatives": negatives, "history": 0}
    found: dict[str, Side] = {
        OURS: (4, of_the_package(HyperML, table, arguments, **ours)),
        "HyperML, users by their items": (6, of_the_package(HyperML, table, arguments, negatives=negatives)),
        "HyperML, direct": (2, of_the_package(HyperML, table, arguments, mode="direct", **ours)),
        "CML of the package": (4, of_the_package(baselines.CML, table, arguments, negatives=negatives)),
        "stock Keras, Adagrad": (4, stock_keras(table, arguments, negatives, "Adagrad")),
    }
    if timing.has("numba", "fused loop"):
        found["fused numba loop"] = (4, lambda: _fused_loop(table, arguments, negatives))
    if timing.has("geoopt", "geoopt"):
        found["geoopt, sparse RiemannianAdam"] = (6, lambda: _geoopt(table, arguments, negatives))
    if negatives == 1 and timing.has("implicit", "implicit"):
        found["implicit, BPR"] = (2, lambda: _implicit(table, arguments))
    found["stock Keras, Adagrad, unit ball"] = (4, stock_keras(table, arguments, negatives, "Adagrad", True))
    found["stock Keras, Adam"] = (6, stock_keras(table, arguments, negatives, "Adam"))
    return found


def measure(rows: int, negatives: int, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Positives per second of each side that fits into memory, in each round."""
    table = random_interactions(rows, max(1, min(arguments.per_user, 10_000_000 // rows)))
    candidates = sides(table, negatives, arguments)
    if rows != min(arguments.rows):
        small = random_interactions(min(arguments.rows), arguments.per_user)
        candidates = {YARDSTICK: sides(small, negatives, arguments)[OURS], **candidates}
    budget, ready = arguments.memory * 1e9, {}
    for name, (copies, make) in candidates.items():
        # A table and its ids, and one temporary copy during the creation of variables.
        size = 0.0 if name == YARDSTICK else copies * rows * arguments.dim * 4.0 * 1.25
        if size > budget:
            print(f"{rows:,} rows: {name} left out, it would need {size / 1e9:.0f} GB more", flush=True)
            continue
        budget -= size
        work = make()
        ready[name] = lambda work=work: timing.rate(work, arguments.seconds)
    figures = timing.take_turns(ready, arguments.rounds)
    medians = ", ".join(f"{name} {speed / 1e3:,.0f}" for name, speed in timing.medians(figures).items())
    print(f"{rows:,} rows, {negatives} negatives: spread {timing.spread(figures):.0%}; {medians}", flush=True)
    del ready, candidates
    gc.collect()
    return figures


def table(figures: dict[tuple[int, int], dict[str, float]]) -> str:
    """Positives per second by (negatives, rows) and side. The last columns are the ratios of HyperML to each side."""
    sizes = sorted({rows for _, rows in figures})
    header = ["negatives", "side", *(f"{n:,} rows" for n in sizes), *(f"ours / side, {n:,}" for n in sizes)]
    lines = []
    for negatives in sorted({negatives for negatives, _ in figures}):
        runs = [figures.get((negatives, n), {}) for n in sizes]
        for name in dict.fromkeys(name for run in reversed(runs) for name in run):
            speeds = [f"{run[name] / 1e3:,.0f}" if name in run else "" for run in runs]
            ratios = [f"{run[OURS] / run[name]:.2f}" if name in run and OURS in run else "" for run in runs]
            lines.append([str(negatives), name, *speeds, *ratios])
    return timing.markdown(header, lines, left=2)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 10_000_000])
    parser.add_argument("--negatives", type=int, nargs="+", default=[1, 20])
    parser.add_argument("--batch-size", type=int, default=4096)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--per-user", type=int, default=10, help="interactions per user")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="seconds per side and round, at least one call")
    parser.add_argument("--memory", type=float, default=16.0, help="memory for all sides of one size, in GB")
    parser.add_argument("--quick", action="store_true", help="two small sizes, one round")
    parser.add_argument("--json", type=Path, help="the file to save the results to")
    arguments = parser.parse_args(words)
    if arguments.quick:
        arguments.rows, arguments.rounds, arguments.seconds = [1000, 4000], 1, 0.2
    print(
        f"TensorFlow {tf.__version__}, {timing.threads()} threads, dim {arguments.dim}, thousands of positives per second"
    )
    figures = {
        (negatives, rows): timing.medians(measure(rows, negatives, arguments))
        for negatives in arguments.negatives
        for rows in arguments.rows
    }
    print(table(figures))
    if arguments.json is not None:
        results.write_json(arguments.json, [[*key, value] for key, value in figures.items()])


if __name__ == "__main__":
    main()
