"""Layers, a loss and an optimizer of hyperml_tf in a plain Keras functional model, which is saved and loaded.

    python examples/keras_functional.py [--epochs 5] [--out saved_models/keras_functional.keras]

Users and items are points of the Poincaré ball. A training example is a user, one item that the user interacted with, and
sampled negatives. The model returns the distances of the items, and `PullPushLoss` pulls the first item towards the user and
pushes the others away.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf

import hyperml_tf as hml


def build_model(n_users: int, n_items: int, dim: int) -> tf.keras.Model:
    """`{"user": (batch, 1), "items": (batch, n)}` codes -> distances `(batch, n)`."""
    # One curvature, learned with the points and shared by all layers.
    curvature = hml.layers.Curvature(1.0, learned=True, name="curvature")
    user = tf.keras.Input([1], dtype="int32", name="user")
    items = tf.keras.Input([None], dtype="int32", name="items")
    user_point = hml.layers.HyperbolicEmbedding(n_users, dim, curvature, mode="direct", name="users")(user)
    item_points = hml.layers.HyperbolicEmbedding(n_items, dim, curvature, mode="direct", name="catalogue")(items)
    distances = hml.layers.HyperbolicDistance(curvature=curvature)([user_point, item_points])
    return tf.keras.Model({"user": user, "items": items}, distances)


def examples(
    table: hml.Interactions, rows: hml.Interactions, negatives: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The rows, each with sampled negatives of its user. Labels are 1 for the item of the row, 0 for negatives, -1 for padding.

    Only users who have not seen fewer items than `negatives` have padding.
    """
    others = hml.data.sampled_negatives(table, rows.users, negatives)
    items = np.concatenate([rows.items[:, None], others], axis=1)
    labels = np.zeros(items.shape, np.float32)
    labels[:, 0] = 1
    labels[items < 0] = -1
    return {"user": rows.users[:, None], "items": np.maximum(items, 0)}, labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--items", type=int, default=800)
    parser.add_argument("--rows", type=int, default=25_000)
    parser.add_argument("--dim", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("saved_models/keras_functional.keras"))
    arguments = parser.parse_args()

    tf.keras.utils.set_random_seed(0)
    table = hml.synthesize(arguments.users, arguments.items, arguments.rows).table
    split = hml.leave_one_out(table)

    model = build_model(table.n_users, table.n_items, arguments.dim)
    model.compile(hml.optimizers.RiemannianAdagrad(0.3), loss=hml.losses.PullPushLoss(margin=4.0))
    x, y = examples(table, split.train, negatives=10)
    held_out_x, held_out_y = examples(table, split.test, negatives=100)
    model.fit(x, y, batch_size=256, epochs=arguments.epochs, validation_data=(held_out_x, held_out_y), verbose=2)

    hit_rate = hml.metrics.HitRate(10)
    hit_rate.update_state(held_out_y, -model.predict(held_out_x, verbose=0))  # higher is better: negated distances
    print(f"HR@10 among 100 sampled items: {float(hit_rate.result()):.4f} (10 / 101 = 0.099 by chance)")

    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    model.save(arguments.out)
    restored = tf.keras.models.load_model(arguments.out)
    np.testing.assert_array_equal(restored.predict(held_out_x, verbose=0), model.predict(held_out_x, verbose=0))
    print(f"Saved to {arguments.out} and loaded again: the same distances.")


if __name__ == "__main__":
    main()
