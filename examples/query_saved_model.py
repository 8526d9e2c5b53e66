"""Query an exported SavedModel for recommendations with plain TensorFlow, without importing hyperml_tf.

    python examples/query_saved_model.py runs/first/saved_model/1 --user ann [--exclude 7 12] [--why]

The export leaves out what the user has already (unless it was written with `--include-seen`), and returns the columns of the item
table that it was written with, such as titles. With `--why`, the items of the user's history that draw them most to each item are
shown, too.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """Discards standard error of native code: TensorFlow reports the GPUs that it does not find before its log level counts."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


with muted():
    import tensorflow as tf

    tf.constant(0)  # the first tensor looks for devices


def rows(answer: dict[str, tf.Tensor]) -> list[dict[str, str | float]]:
    """The outputs for the first row of a batch, as one dictionary per item."""
    columns = {name: values.numpy()[0].tolist() for name, values in answer.items() if values.shape.rank == 2}
    decoded = {
        name: [value.decode() if isinstance(value, bytes) else value for value in values]
        for name, values in columns.items()
    }
    return [dict(zip(decoded, values, strict=True)) for values in zip(*decoded.values(), strict=True)]


def described(row: dict[str, str | float], skipped: tuple[str, ...]) -> str:
    """The columns of the item table beside an id."""
    return "  ".join(str(value) for name, value in row.items() if name not in skipped and value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", help="the directory with saved_model.pb")
    parser.add_argument("--user", required=True)
    parser.add_argument("--exclude", nargs="*", default=[], metavar="ITEM")
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument(
        "--why", action="store_true", help="show which items of the user's history draw them to each item"
    )
    arguments = parser.parse_args()

    signatures = tf.saved_model.load(arguments.path).signatures
    # The first axis of every input is the batch, here of one user. "" is padding, so an empty list becomes [""].
    user = tf.constant([arguments.user])
    answer = signatures["recommend_excluding"](user_id=user, exclude=tf.constant([arguments.exclude or [""]]))
    print(f"Recommended to {arguments.user}:")
    # If fewer items are left than the export returns, the rest is padded with "".
    for place, row in enumerate([row for row in rows(answer) if row["item_id"]][: arguments.k], start=1):
        text = described(row, ("item_id", "distance"))
        print(f"{place:>4}  {row['distance']:8.4f}  {row['item_id']}  {text}".rstrip())
        if arguments.why:
            why = signatures["explain"](user_id=user, item_id=tf.constant([row["item_id"]]))
            for reason in [one for one in rows(why) if one["share"] > 0][:3]:
                text = described(reason, ("history", "share", "pull"))
                print(f"      {reason['share']:>8.0%}  because of {reason['history']}  {text}".rstrip())


if __name__ == "__main__":
    main()
