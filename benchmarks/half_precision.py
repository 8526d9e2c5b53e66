"""Recommendations of trained models in half precision, compared with float32.

    python benchmarks/half_precision.py runs/first [...] [--users 500] [-k 10]

Prints, for each run and precision, the size of the items relative to float32, the share of equal items among the first `k`, and
the largest difference of distances at the same rank.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf

import hyperml_tf as hml
from hyperml_tf.retrieval import ExactIndex, QuantisedIndex, nearest
from hyperml_tf.retrieval.quantised_index import index_bytes


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
        full = ExactIndex.of(points, c)
        ids, distances = nearest(queries, full, c, arguments.k)
        for precision in ("float16", "bfloat16"):
            small = QuantisedIndex.of(points, c, precision)
            found, others = nearest(queries, small, c, arguments.k)
            rows = zip(ids.numpy().tolist(), found.numpy().tolist(), strict=True)
            overlap = np.mean([len(set(a) & set(b)) / arguments.k for a, b in rows])
            error = float(tf.reduce_max(tf.abs(distances - others)))
            size = index_bytes(small) / index_bytes(full)
            print(f"| {path.name} | {precision} | {size:.3f} | {overlap:.4f} | {error:.1e} |")


if __name__ == "__main__":
    main()
