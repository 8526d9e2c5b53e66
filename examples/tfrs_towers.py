"""TensorFlow Recommenders towers, trained by HyperML and searched by the index of TFRS.

    python examples/tfrs_towers.py [--epochs 10]

The item tower takes the id and the category of an item, and ends in a dense layer. `HyperML` maps the outputs of the towers to
the ball. TFRS scores by dot product: `LorentzLift` lifts points so that dot products rank candidates by hyperbolic distance, and
`tfrs.layers.factorized_top_k.BruteForce` finds the same items as `recommend`.
"""

from __future__ import annotations

import argparse

import tensorflow as tf

import hyperml_tf as hml  # before tensorflow_recommenders, which needs the Keras that this import selects

# isort: split
import tensorflow_recommenders as tfrs


def user_tower(user_ids: list[str], dim: int) -> tf.keras.Model:
    """A tower that takes raw ids, `(batch,)`."""
    lookup = tf.keras.layers.StringLookup(vocabulary=user_ids)
    return tf.keras.Sequential([lookup, tf.keras.layers.Embedding(lookup.vocabulary_size(), dim)])


def item_tower(item_ids: list[str], categories: list[str], dim: int) -> tf.keras.Model:
    """A tower that takes a dictionary of ids and features, each `(batch,)`."""
    inputs = {name: tf.keras.Input([], dtype=tf.string, name=name) for name in ("item_id", "category")}
    vectors = []
    for name, vocabulary in (("item_id", item_ids), ("category", categories)):
        lookup = tf.keras.layers.StringLookup(vocabulary=vocabulary)
        vectors.append(tf.keras.layers.Embedding(lookup.vocabulary_size(), dim)(lookup(inputs[name])))
    return tf.keras.Model(inputs, tf.keras.layers.Dense(dim)(tf.keras.layers.Concatenate()(vectors)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--items", type=int, default=800)
    parser.add_argument("--rows", type=int, default=25_000)
    parser.add_argument("--dim", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()

    tf.keras.utils.set_random_seed(0)
    catalogue = hml.synthesize(arguments.users, arguments.items, arguments.rows)
    split = hml.leave_one_out(catalogue.table)
    user_ids, item_ids = split.train.user_ids.tolist(), split.train.item_ids.tolist()
    # Features are in the order of the ids.
    category = catalogue.items.set_index("item")["category"]
    categories = category[item_ids].tolist()

    model = hml.HyperML(
        user_ids,
        item_ids,
        dim=arguments.dim,
        query_network=user_tower(user_ids, arguments.dim),
        candidate_network=item_tower(item_ids, sorted(set(categories)), arguments.dim),
        candidate_features={"category": categories},
    )
    # The loss is a sum over the batch. Adam is invariant to its scale.
    model.compile(tf.keras.optimizers.Adam(0.005))
    # A batched dataset of raw ids, as for any TFRS model. `fit` also takes `Interactions`.
    dataset = hml.data.raw_dataset(split.train, batch_size=1024)
    model.fit(dataset, validation_data=split.validation, epochs=arguments.epochs, verbose=2)

    # Queries and candidates are lifted, so the index of TFRS needs no change.
    query_model = tf.keras.Sequential([model.query_tower, hml.layers.LorentzLift("query", model.curvature)])
    lifted = hml.layers.LorentzLift("candidate", model.curvature)(model.candidate_tower.all_points())
    index = tfrs.layers.factorized_top_k.BruteForce(query_model, k=10).index(lifted, tf.constant(item_ids))
    asked = user_ids[:3]
    _, found = index(tf.constant(asked))
    expected = model.recommend(asked, k=10, exclude_seen=False).ids
    for user, ours, theirs in zip(asked, expected.tolist(), found.numpy().astype(str).tolist(), strict=True):
        print(f"{user}: {', '.join(f'{item} ({category[item]})' for item in theirs[:3])}")
        print(f"  TFRS's BruteForce and recommend agree on {len(set(ours) & set(theirs))} of 10 items")


if __name__ == "__main__":
    main()
