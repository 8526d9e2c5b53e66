"""Plot what a model has learned: items on the Poincaré disk, coloured by a taxonomy that the model has not seen.

    python examples/draw_the_space.py [--out saved_models/disk.png]

The catalogue is synthetic, with a known taxonomy. The plot in the README is the output of this program.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tensorflow as tf

import hyperml_tf as hml


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--items", type=int, default=1500)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("saved_models/disk.png"))
    arguments = parser.parse_args()

    tf.keras.utils.set_random_seed(0)
    catalogue = hml.synthesize(arguments.users, arguments.items, arguments.rows)
    table = catalogue.table
    model = hml.HyperML.from_interactions(table)
    model.compile()
    model.fit(table, epochs=arguments.epochs, verbose=2)

    # Categories are paths such as "a|b|c", most general first. The table has its items in order of first appearance.
    category = catalogue.items.set_index("item").loc[table.item_ids, "category"].str.split("|").str[0]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    hml.visualization.plot_items(model, table.popularity(), arguments.out, groups=category.tolist())
    print(f"Drawn to {arguments.out}")


if __name__ == "__main__":
    main()
