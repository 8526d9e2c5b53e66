"""What an epoch costs: users with histories beside free users, large tables beside small ones, and the memory that steps touch.

    python benchmarks/epoch_cost.py [--rows 400000] [--sizes 5000 500000] [--dim 64] [--rounds 3]

Models are trained by `fit`, with 16 steps per call as `hyperml-tf train` does, on random interactions of as many users as items.
For each size and model it prints the seconds and CPU seconds of an epoch, and the bytes of memory that a step faults in: pages
that the process had not mapped, or had given back. A step that copies a table shows there, and only if several steps are run per
call. `--models all` lists every model with every optimizer, `--models default` free users and histories only.

The first epoch, which traces and builds indexes, is not measured. Results are medians of the rounds, in which all models take
turns.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import timing

from hyperml_tf import HyperML, Interactions
from hyperml_tf.models import baselines
from hyperml_tf.optimizers import RiemannianAdam, RiemannianSGD

PAGE = resource.getpagesize()
STEPS = 16

FREE, HISTORY = "free users", "histories"
Maker = Callable[[Any, int], Any]


def hyperml(**arguments: Any) -> Maker:
    return lambda table, dim: HyperML.from_interactions(table, dim=dim, **arguments)


def baseline(model_class: Any) -> Maker:
    return lambda table, dim: model_class.from_interactions(table, dim=dim)


DEFAULT: dict[str, Maker] = {FREE: hyperml(history=0), HISTORY: hyperml(history={})}
MAIN: dict[str, Maker] = DEFAULT | {
    "histories, both sides only": hyperml(history={"around": 1.0, "recent_weight": 0.0}),
    "sequences": hyperml(user_model="sequence"),
    "sequences, softmax": hyperml(user_model="sequence", loss="softmax"),
}
OTHERS: dict[str, Maker] = {
    "direct": hyperml(mode="direct"),
    "CML": baseline(baselines.CML),
    "MF-BPR": baseline(baselines.MFBPR),
    "LRML": baseline(baselines.LRML),
}
MODELS = {"default": DEFAULT, "main": MAIN, "all": MAIN | OTHERS}
OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "its default": lambda model: None,
    "adam": lambda model: RiemannianAdam(0.001),
    "sgd": lambda model: RiemannianSGD(0.01),
}


def epochs(make: Maker, optimizer: Callable[[Any], Any], table: Any, dim: int) -> Callable[[], tuple[float, ...]]:
    """A function that trains one epoch and returns seconds, CPU seconds and faulted bytes per step."""
    model = make(table, dim)
    model.compile(optimizer(model), steps_per_execution=STEPS)
    steps = -(-len(table) // 2048)

    def epoch() -> tuple[float, ...]:
        started, cpu, faults = time.perf_counter(), time.process_time(), faulted()
        model.fit(table, batch_size=2048, epochs=1, verbose=0)
        return (
            time.perf_counter() - started,
            time.process_time() - cpu,
            (faulted() - faults) / steps,
        )

    return epoch


def random_table(size: int, rows: int) -> Interactions:
    """Interactions of `size` users and as many items. Repeated pairs are rare, and do not matter."""
    rng = np.random.default_rng(0)
    users = np.sort(rng.integers(size, size=rows, dtype=np.int32))
    items = rng.integers(size, size=rows, dtype=np.int32)
    return Interactions(users, items, np.arange(size), np.arange(size))


def faulted() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt * PAGE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5000, 500_000])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", choices=list(MODELS), default="main")
    options = parser.parse_args()
    sides: dict[tuple[int, str], Callable[[], tuple[float, ...]]] = {}
    for size in options.sizes:
        table = random_table(size, options.rows)
        for name, make in MODELS[options.models].items():
            for optimizer, compiled in (
                OPTIMIZERS.items() if options.models == "all" else [("its default", OPTIMIZERS["its default"])]
            ):
                sides[size, f"{name}, {optimizer}"] = epochs(make, compiled, table, options.dim)
    figures = timing.take_turns(sides, options.rounds)
    print(report(figures, options))


def report(figures: dict[Any, list[Any]], options: argparse.Namespace) -> str:
    medians = {
        side: [sorted(column)[len(column) // 2] for column in zip(*rows, strict=True)] for side, rows in figures.items()
    }
    rows = []
    for (size, name), (seconds, cpu, memory) in medians.items():
        free, small = medians[size, f"{FREE}, its default"], medians[options.sizes[0], name]
        rows.append(
            [
                f"{size:,}",
                name,
                f"{seconds:.2f}",
                f"{cpu:.2f}",
                f"{cpu / free[1]:.2f}",
                f"{cpu / small[1]:.2f}",
                f"{memory / 2**20:.2f}",
                f"{memory / (4 * size * options.dim):.3f}",
            ]
        )
    header = [
        "users, items",
        "model",
        "s",
        "CPU s",
        "CPU, x free users",
        f"CPU, x {options.sizes[0]:,}",
        "MiB per step",
        "of a table",
    ]
    return timing.markdown(header, rows, left=2)


if __name__ == "__main__":
    main()
