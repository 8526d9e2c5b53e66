"""How far answers from half precision are from those of float32, for trained models.

    python benchmarks/half_precision.py runs/first [...] [--users 500] [-k 10]

For every run and precision: the bytes of the items beside float32, the share of the first `k` items that are the same, and the
largest difference between the distances in a place.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf
from hyperml_tf.retrieval.small_points import SmallPoints
from hyperml_tf.retrieval.stored_points import StoredPoints

import hyperml_tf as hml
from hyperml_tf import search


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("-k", type=int, default=10)
    arguments = parser.parse_args()
    print("| run | precision | bytes / float32 | overlap | largest error |\n|---|---|--:|--:|--:|")
    for path in arguments.runs:
        model = hml.Run.load(path).model
        c, points = model.curvature(), model.candidate_tower.all_points()
        queries = model.query_tower.points(tf.range(min(arguments.users, len(model.query_tower))))
        vectors = search.klein(queries, c)
        full = StoredPoints(points, c)
        k = arguments.k
        ids, distances = search.winners(queries, full.best(vectors, k + full.slack), full.points, c, k)
        for precision in ("float16", "bfloat16"):
            small = SmallPoints(points, c, precision)
            found, others = search.winners(queries, small.best(vectors, k + small.slack), small.points, c, k)
            rows = zip(ids.numpy().tolist(), found.numpy().tolist(), strict=True)
            overlap = np.mean([len(set(a) & set(b)) / arguments.k for a, b in rows])
            error = float(tf.reduce_max(tf.abs(distances - others)))
            print(f"| {path.name} | {precision} | {small.size / full.size:.3f} | {overlap:.4f} | {error:.1e} |")


if __name__ == "__main__":
    main()
