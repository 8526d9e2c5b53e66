"""What each choice of HyperML is worth: one argument at a time is changed, all others keep their defaults.

    pip install -e '.[benchmarks]'
    python benchmarks/ablation.py run automotive.csv.gz --split random --seeds 0 1 --out runs/ablation
    python benchmarks/ablation.py draw runs/ablation --to docs/images

`run` trains as `hyperml-tf train` does and stores metrics on the *validation* rows: the test rows are not looked at. What is
stored is not trained again, so it can be stopped and started. `draw` writes a picture for each table, and prints the figures.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import fitting
import numpy as np
import results

from hyperml_tf.data import Interactions
from hyperml_tf.layers import Curvature
from hyperml_tf.runs.held_out import HeldOut
from hyperml_tf.settings import ModelSettings, TableFacts, resolve

LEARNED = "learned"

AXES: dict[str, tuple[Any, ...]] = {
    "curvature": (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, LEARNED),
    "distortion_weight": (0.0, 0.03, 0.1, 0.3, 1.0),
    "margin": (4.0, 8.0, 12.0, 16.0, 24.0, 32.0),
    "negatives": (1, 5, 20, 60, 128),
    "dim": (4, 8, 16, 32, 64, 128),
    "hardest": (1, 2, 3, 4),
    "history": (0, 4, 8, 16, 32),
    "mode": ("tangent", "direct"),
}
_RESOLVED = resolve(ModelSettings(), TableFacts(n_items=1))
DEFAULTS = {axis: getattr(_RESOLVED, axis) for axis in AXES if axis != "negatives"}
"""Of the axes whose default is one value; negatives follow the catalogue."""


def run(arguments: argparse.Namespace) -> None:
    """Fills the directory: a file a table, with a row for each seed of each setting."""
    for path in arguments.tables:
        data = path.name.split(".")[0]
        held_out = HeldOut.draw(Interactions.from_file(path), arguments.split)
        target = arguments.out / f"{data}.json"
        stored = json.loads(target.read_text()) if target.is_file() else {"split": arguments.split, "rows": []}
        if stored["split"] != arguments.split:
            raise ValueError(f"{target} holds runs of another split: {stored['split']}. Received: {arguments.split}")
        for seed in arguments.seeds:
            for axis in arguments.axes:
                for value in AXES[axis]:
                    _add(stored["rows"], held_out, seed, axis, value, arguments.epochs)
                    results.write_json(target, stored)


def _add(rows: list[dict[str, Any]], held_out: HeldOut, seed: int, axis: str, value: Any, epochs: int) -> None:
    """Trains one setting, unless it is there: the default is one run for all axes that hold it."""
    settings = {} if DEFAULTS.get(axis) == value else {axis: value}
    row: dict[str, Any] = {"seed": seed, "axis": axis, "value": value}
    if any(all(old[name] == row[name] for name in row) for old in rows):
        return
    same = [old for old in rows if old["seed"] == seed and old["settings"] == settings]
    if not same:
        started = time.process_time()
        passed = {**settings, "curvature": Curvature(1.0, learned=True)} if value == LEARNED else settings
        metrics = results.validation_metrics(
            fitting.train_hyperml(held_out, seed, {**passed, "epochs": epochs}), held_out
        )
        same = [{"settings": settings, "metrics": metrics, "cpu_seconds": time.process_time() - started}]
        print(f"seed {seed}, {axis} {value}: {_shown(metrics)}, {same[0]['cpu_seconds']:.0f} CPU s", flush=True)
    rows.append({**row, **{name: same[0][name] for name in ("settings", "metrics", "cpu_seconds")}})


def _shown(metrics: dict[str, float]) -> str:
    return " / ".join(f"{metrics[f'{protocol}_ndcg@10']:.4f}" for protocol in results.PROTOCOLS)


def draw(arguments: argparse.Namespace) -> None:
    """Prints the means over seeds as a table, and draws a panel an axis."""
    for path in sorted(arguments.out.glob("*.json")):
        stored = json.loads(path.read_text())
        means = {axis: _means(stored["rows"], axis) for axis in AXES}
        seeds = len({row["seed"] for row in stored["rows"]})
        print(f"\n## {path.stem}, split {stored['split']}, validation, mean of {seeds} seeds\n")
        print("| argument | value | sampled100_ndcg@10 | full_ndcg@10 | CPU s |\n|---|---|--:|--:|--:|")
        for axis, points in means.items():
            for value, sampled, full, seconds in points:
                print(f"| {axis} | {value} | {sampled:.4f} | {full:.4f} | {seconds:.0f} |")
        arguments.to.mkdir(parents=True, exist_ok=True)
        _draw(means, f"{path.stem}, validation rows", arguments.to / f"ablation-{path.stem}.png")


def _means(rows: list[dict[str, Any]], axis: str) -> list[tuple[Any, float, float, float]]:
    """Value, both nDCG@10 and CPU seconds, averaged over seeds, in the order of `AXES`."""
    points = []
    for value in AXES[axis]:
        chosen = [row for row in rows if row["axis"] == axis and row["value"] == value]
        if chosen:
            both = (np.mean([row["metrics"][f"{name}_ndcg@10"] for row in chosen]) for name in results.PROTOCOLS)
            points.append((value, *map(float, both), float(np.mean([row["cpu_seconds"] for row in chosen]))))
    return points


def _draw(means: dict[str, list[tuple[Any, float, float, float]]], title: str, target: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(2, 4, figsize=(15, 6.2), layout="constrained")
    colours = {"sampled100": "tab:blue", "full": "tab:orange"}
    for panel, (axis, points) in zip(grid.flat, means.items(), strict=True):
        other = panel.twinx()
        for column, (protocol, colour) in enumerate(colours.items(), start=1):
            where = panel if protocol == "sampled100" else other
            where.plot([str(p[0]) for p in points], [p[column] for p in points], "o-", color=colour, markersize=4)
            where.tick_params(axis="y", labelcolor=colour, labelsize=8)
        panel.set_title(axis, fontsize=10)
        panel.tick_params(axis="x", labelsize=8)
        for number, point in enumerate(points):
            if DEFAULTS.get(axis) == point[0]:
                panel.axvline(number, color="grey", linestyle=":", linewidth=1)
    figure.suptitle(f"{title}: sampled100_ndcg@10 (blue, left), full_ndcg@10 (orange, right); dotted: the default")
    figure.savefig(target, dpi=110)
    plt.close(figure)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="run | draw")
    add = commands.add_parser("run", help="train and store")
    add.set_defaults(command=run)
    add.add_argument("tables", nargs="+", type=Path, help="CSV or Parquet files")
    add.add_argument("--split", choices=["last", "random"], default="random")
    add.add_argument("--axes", nargs="+", choices=list(AXES), default=list(AXES))
    add.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    add.add_argument("--epochs", type=int, default=40)
    add.add_argument("--out", type=Path, required=True, help="the directory of the runs")
    show = commands.add_parser("draw", help="print and draw what is stored")
    show.set_defaults(command=draw)
    show.add_argument("out", type=Path, help="the directory of the runs")
    show.add_argument("--to", type=Path, required=True, help="the directory of the pictures")
    return parser


def main(words: list[str] | None = None) -> None:
    arguments = parser().parse_args(words)
    arguments.command(arguments)


if __name__ == "__main__":
    main()
