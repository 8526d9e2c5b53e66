"""Query an exported SavedModel for recommendations with plain TensorFlow, without importing hyperml_tf.

    python examples/query_saved_model.py runs/first/saved_model/1 --user ann [--interactions ratings.csv] [--items items.csv]

With `--interactions` (columns `user` and `item`) the user's own items are excluded from the recommendations, as are those given
by `--exclude`. With `--items` (columns `item`, `title` and `category`) titles and categories of the items are shown.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections import Counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf


def read_rows(path: str) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def recommend(path: str, user: str, exclude: list[str], k: int) -> list[tuple[str, float]]:
    """The nearest items of one user with their hyperbolic distances, nearest first."""
    signatures = tf.saved_model.load(path).signatures
    # The first axis of every input is the batch, here of one user. "" is padding, so an empty list becomes [""].
    answer = signatures["recommend_excluding"](user_id=tf.constant([user]), exclude=tf.constant([exclude or [""]]))
    pairs = zip(answer["item_id"].numpy()[0], answer["distance"].numpy()[0], strict=True)
    # If fewer items are left than the export returns, the rest is padded with "".
    return [(item.decode(), float(distance)) for item, distance in pairs if item][:k]


def describe(item: dict[str, str]) -> str:
    return "  ".join(item[column] for column in ("title", "category") if item.get(column))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", help="the directory with saved_model.pb")
    parser.add_argument("--user", required=True)
    parser.add_argument("--exclude", nargs="*", default=[], metavar="ITEM")
    parser.add_argument("--interactions", help="CSV with columns user and item")
    parser.add_argument("--items", help="CSV with columns item, title and category")
    parser.add_argument("-k", type=int, default=10)
    arguments = parser.parse_args()

    details = {row["item"]: row for row in read_rows(arguments.items)} if arguments.items else {}
    rows = read_rows(arguments.interactions) if arguments.interactions else []
    own = [row["item"] for row in rows if row["user"] == arguments.user]
    answer = recommend(arguments.path, arguments.user, own + arguments.exclude, arguments.k)
    if own:
        print(f"{arguments.user} has {len(own)} items.")
    if own and all("category" in details.get(item, {}) for item in own):
        favourites = Counter(details[item]["category"] for item in own).most_common(3)
        print("Most are of " + ", ".join(f"{category} ({count})" for category, count in favourites) + ".")
    print(f"Recommended to {arguments.user}:")
    for place, (item, distance) in enumerate(answer, start=1):
        print(f"{place:>4}  {distance:8.4f}  {item}  {describe(details.get(item, {}))}".rstrip())


if __name__ == "__main__":
    main()
