"""Do the items that a recommendation is explained by resemble the recommended item?

    python benchmarks/explanations.py RUN --column genres [--users 200] [--json figures.json]

For users of a run of `hyperml-tf train --items`, the strongest item of the history is found for each of ten recommendations:
by its pull, which is measured by the lead over the origin, and, for comparison, by the distance alone. *Overlap* is that of
the lists of the two items in a column of the item table, the number of common members divided by the number of all; beside it
is the mean overlap with all items of the history. *Different reasons* is the number of different strongest items for the ten
recommendations.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import tensorflow as tf

import hyperml_tf as hml
from hyperml_tf.data.conditions import members
from hyperml_tf.geometry import poincare

K = 10


def overlap(first: set[str], second: set[str]) -> float:
    return len(first & second) / max(len(first | second), 1)


def changes(model: hml.HyperML, user: int, items: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The items of a user's history, and how leaving out each changes distances and leads of items, `(history, items)`."""
    c, codes = model.curvature(), tf.constant([user])
    left_out, without = model.query_tower.without_one(codes)
    points, targets = model.query_tower.points(codes), model.candidate_tower.points(tf.constant(items))
    origin = tf.zeros_like(points)
    distance = poincare.distance(without[0][:, tf.newaxis], targets, c) - poincare.distance(points, targets, c)
    outward = poincare.distance(without[0], origin, c) - poincare.distance(points, origin, c)
    return left_out.numpy()[0], {"lead": (distance - outward[:, tf.newaxis]).numpy(), "distance": distance.numpy()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--column", required=True, help="a column of lists, such as genres")
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()

    run = hml.Run.load(arguments.run)
    if run.items is None:
        raise SystemExit(f"{arguments.run} was trained without a table of items.")
    lists = [set(members(text)) for text in run.items.columns[arguments.column]]
    counts = np.bincount(run.table.users, minlength=run.table.n_users)
    users = np.random.default_rng(0).permutation(np.flatnonzero(counts))[: arguments.users]
    places = {item: code for code, item in enumerate(run.table.item_ids.tolist())}
    overlaps: dict[str, list[float]] = {"lead": [], "distance": [], "history": []}
    reasons: dict[str, list[int]] = {"lead": [], "distance": []}
    for user in users.tolist():
        found = run.model.recommend(run.table.user_ids[[user]], k=K)
        items = np.array([places[item] for item in found.ids[found.found].tolist()])
        history, by = changes(run.model, user, items)
        for name, values in by.items():
            strongest = history[values.argmax(axis=0)]
            reasons[name].append(len(set(strongest.tolist())))
            overlaps[name] += [overlap(lists[a], lists[b]) for a, b in zip(strongest, items, strict=True)]
        overlaps["history"] += [float(np.mean([overlap(lists[a], lists[b]) for a in history])) for b in items]
    figures = {
        "overlap": {name: float(np.mean(values)) for name, values in overlaps.items()},
        "different_reasons": {name: float(np.mean(values)) for name, values in reasons.items()},
    }
    print(f"{len(users)} users, {K} recommendations each")
    for name, title in (("lead", "by the lead"), ("distance", "by the distance alone")):
        resembles, different = (figures[measure][name] for measure in ("overlap", "different_reasons"))
        print(f"  strongest {title}: overlap {resembles:.3f}, different reasons {different:.1f}")
    print(f"  all items of the history: overlap {figures['overlap']['history']:.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
