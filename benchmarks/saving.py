"""Saves and loads a model with many string ids, beside a Keras model with as many.

    python benchmarks/saving.py [--ids 1000000] [--dim 8]

- *ours*: a `HyperML` with so many users and as many items, whose ids are assets of its lookups;
- *Keras*: two `StringLookup` layers, each with an `Embedding`, over the same ids.

Each side saves to a `.keras` file, and is loaded by a process of its own, which answers for one id. The sides take turns. Printed
are seconds, megabytes and the peak of memory while loading, and how many times as long or as large each side is as ours.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import timing

_ROUNDS = 3


def ids_of(kind: str, n: int) -> np.ndarray:
    return np.array([f"{kind}_{number:09d}" for number in range(n)], dtype=object)


def ours(n: int, dim: int) -> Any:
    import hyperml_tf as hml

    return hml.HyperML(ids_of("user", n), ids_of("item", n), dim=dim, history=0)


def keras(n: int, dim: int) -> Any:
    import tensorflow as tf

    import hyperml_tf  # noqa: F401  # which selects Keras 2

    inputs = {name: tf.keras.Input([], dtype=tf.string, name=name) for name in ("user", "item")}
    vectors = [
        tf.keras.layers.Embedding(n + 1, dim)(tf.keras.layers.StringLookup(vocabulary=ids_of(name, n).tolist())(column))
        for name, column in inputs.items()
    ]
    return tf.keras.Model(inputs, tf.keras.layers.Dot(-1)(vectors))


SIDES: dict[str, Callable[[int, int], Any]] = {"ours": ours, "Keras": keras}


def load(side: str, path: Path) -> None:
    """Loads a model and asks it, in a process of its own; prints the seconds that took, and the peak of memory in MB."""
    import tensorflow as tf

    import hyperml_tf  # noqa: F401

    tf.constant(0)
    before, started = timing.peak_bytes(), time.perf_counter()
    model = tf.keras.models.load_model(path)
    if side == "ours":
        model.call({"user_id": tf.constant(["user_000000001"]), "item_id": tf.constant(["item_000000001"])})
    else:
        model({"user": tf.constant(["user_000000001"]), "item": tf.constant(["item_000000001"])})
    print(time.perf_counter() - started, (timing.peak_bytes() - before) / 1e6)


def saved(side: str, model: Any, folder: Path) -> dict[str, float]:
    path = folder / f"{side}.keras"
    started = time.perf_counter()
    model.save(path)
    seconds = time.perf_counter() - started
    command = [sys.executable, __file__, "--load", side, str(path)]
    loaded, peak = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-2:]
    return {"save": seconds, "load": float(loaded), "peak": float(peak), "MB": path.stat().st_size / 1e6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ids", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    parser.add_argument("--load", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        load(arguments.load[0], Path(arguments.load[1]))
        return
    models = {side: make(arguments.ids, arguments.dim) for side, make in SIDES.items()}
    measured: dict[str, list[dict[str, float]]] = {side: [] for side in models}
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(arguments.rounds):
            for side, model in models.items():
                measured[side].append(saved(side, model, Path(scratch)))
    figures = {
        side: {name: float(np.median([row[name] for row in rows])) for name in rows[0]}
        for side, rows in measured.items()
    }
    print(f"2 x {arguments.ids:,} ids, dim {arguments.dim}, median of {arguments.rounds}\n")
    print(
        "| side | save, s | load, s | peak of loading, MB | file, MB | save / ours | load / ours | peak / ours | file / ours |"
    )
    print("|---|" + "--:|" * 8)
    for side, row in figures.items():
        ratios = [row[name] / figures["ours"][name] for name in ("save", "load", "peak", "MB")]
        print(
            f"| {side} | {row['save']:.2f} | {row['load']:.2f} | {row['peak']:.0f} | {row['MB']:.0f} | "
            + " | ".join(f"{r:.2f}" for r in ratios)
            + " |"
        )


if __name__ == "__main__":
    main()
