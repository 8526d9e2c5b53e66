"""Load a table, split it, train with early stopping, and compare exact test metrics with two baselines.

    python examples/train_on_a_table.py [ratings.csv] [--epochs 40]

Without a table, a synthetic one is generated. The Euclidean twin is the same model with the same training at curvature 0, so its
gap to HyperML is the gain from curvature, with settings that were chosen for HyperML.
"""

from __future__ import annotations

import argparse

import tensorflow as tf

import hyperml_tf as hml
from hyperml_tf.models.baselines import Popularity

MONITOR = "val_sampled100_ndcg@10"
REPORTED = ("full_hr@10", "full_ndcg@10", "sampled100_hr@10", "sampled100_ndcg@10")


def train(split: hml.data.Split, curvature: float, dim: int, epochs: int) -> hml.HyperML:
    """Trains until the validation metric has not improved for five epochs, and restores the weights of the best epoch."""
    tf.keras.utils.set_random_seed(0)
    model = hml.HyperML.from_interactions(split.train, dim=dim, curvature=curvature)
    model.compile()  # the default optimizer; any optimizer of hyperml_tf or Keras can be passed
    stop_early = tf.keras.callbacks.EarlyStopping(MONITOR, mode="max", patience=5, restore_best_weights=True)
    history = model.fit(
        split.train, validation_data=split.validation, epochs=epochs, callbacks=[stop_early], verbose=0
    ).history
    print(f"curvature {curvature:g}: {len(history['loss'])} epochs, best {MONITOR} {max(history[MONITOR]):.4f}")
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", help="CSV or Parquet; a synthetic catalogue by default")
    parser.add_argument("--users", type=int, default=1000, help="of the synthetic catalogue")
    parser.add_argument("--items", type=int, default=800)
    parser.add_argument("--rows", type=int, default=25_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=40)
    arguments = parser.parse_args()

    if arguments.table:
        table = hml.Interactions.from_file(arguments.table)
    else:
        table = hml.synthesize(arguments.users, arguments.items, arguments.rows).table
    split = hml.leave_one_out(table, order="last")

    # A test item is ranked among all items outside the user's training and validation rows, and among 100 negatives.
    negatives = hml.data.sampled_negatives(table, split.users)
    models = {
        "HyperML": train(split, 1.0, arguments.dim, arguments.epochs),
        "Euclidean twin": train(split, 0.0, arguments.dim, arguments.epochs),
        "Popularity": Popularity.from_interactions(split.train),
    }
    models["Popularity"].fit(split.train)
    reports = {
        name: model.evaluate_ranking(split.test, seen=split.before_test, negatives=negatives)
        for name, model in models.items()
    }
    print(f"\nTest, {len(split.users)} users of {table}")
    print(f"{'':<16}" + "".join(f"{metric:>20}" for metric in REPORTED))
    for name, report in reports.items():
        print(f"{name:<16}" + "".join(f"{report[metric]:>20.4f}" for metric in REPORTED))

    user = table.user_ids[0]
    items, distances = models["HyperML"].recommend([user], k=5)
    print(f"\nNearest to {user}: " + ", ".join(f"{i} ({d:.2f})" for i, d in zip(items[0], distances[0], strict=True)))
    neighbours = models["HyperML"].similar_items([items[0, 0]], k=3)
    print(f"Similar to {items[0, 0]}: " + ", ".join(map(str, neighbours.ids[0])))


if __name__ == "__main__":
    main()
