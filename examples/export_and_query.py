"""Export a trained model as a SavedModel, and query the export.

    python examples/export_and_query.py [--out saved_models/export_and_query/1]

`ServedModel` is a convenience for Python; `examples/query_saved_model.py` does the same with plain TensorFlow, and TensorFlow
Serving loads the directory above the version number as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf

import hyperml_tf as hml


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--items", type=int, default=800)
    parser.add_argument("--rows", type=int, default=25_000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("saved_models/export_and_query/1"))
    arguments = parser.parse_args()

    tf.keras.utils.set_random_seed(0)
    catalogue = hml.synthesize(arguments.users, arguments.items, arguments.rows)
    table = catalogue.table
    model = hml.HyperML.from_interactions(table, dim=32)
    model.compile()
    model.fit(table, epochs=arguments.epochs, verbose=2)

    # Names and categories come beside the ids. k, the number of recommendations per query, is fixed at export.
    items = hml.ItemTable.from_frame(catalogue.items, table.item_ids, ["title", "category"])
    path = hml.export_saved_model(model, arguments.out, k=10, overwrite=True, details=items.columns)
    served = hml.ServedModel(path)
    print(f"Exported to {path}")

    user = table.user_ids[0]
    own = table.item_ids[table.items[table.users == 0]].tolist()
    new = served.recommend([user])  # without the user's own items, as `model.recommend`
    assert new.ids.tolist() == model.recommend([user], k=10).ids.tolist()
    print(f"{user} has {len(own)} items. Nearest of the others: {', '.join(new.details['title'][0, :5])}")
    why = served.explain([user], [new.ids[0, 0]])
    print(f"The first of them mainly because of {why.details['title'][0, 0]}: {why.shares[0, 0]:.0%}")

    # For an unknown user these are the nearest items to the origin: general, popular ones.
    print(f"New user: {', '.join(served.recommend(['nobody']).ids[0, :5])}")

    # A new user with a history is computed from its items, without training (fold-in). Oldest item first.
    folded_in = served.recommend_from_items([own[-3:]])
    print(f"New user with {', '.join(own[-3:])}: {', '.join(folded_in.ids[0, :5])}")
    print(f"Similar to {own[-1]}: {', '.join(served.similar_items([own[-1]]).ids[0, :5])}")

    distances = served.score([user], [[new.ids[0, 0], own[0], "no such item"]])[0]
    print(f"Distances of the first recommendation, an own item and an unknown one: {np.round(distances, 3).tolist()}")


if __name__ == "__main__":
    main()
