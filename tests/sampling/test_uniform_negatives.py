"""`uniform_negatives`: never a known pair, and uniform among the others."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from hyperml_tf.sampling import uniform_negatives
from hyperml_tf.tables import SeenItems


def seen(pairs: dict[int, list[int]], n: int) -> SeenItems:
    layer = SeenItems(max(pairs) + 1, n)
    layer.set(
        np.concatenate([[user] * len(items) for user, items in sorted(pairs.items())]).astype(int),
        np.concatenate([items for _, items in sorted(pairs.items())]),
    )
    return layer


def test_own_items_are_never_negatives_and_the_others_are_uniform() -> None:
    own = {0: [0, 1, 2], 1: [], 2: [9]}
    users = tf.constant(np.arange(3000) % 3)
    codes, found = (t.numpy() for t in uniform_negatives(users, 10, 2, seen(own, 10), [1, 2]))
    assert codes.shape == found.shape == (3000, 2)
    assert found.mean() > 0.99
    for user, items in own.items():
        drawn = codes[user::3][found[user::3]]
        counts = np.bincount(drawn, minlength=10)
        assert (counts[items] == 0).all()
        rest = np.delete(counts, items)
        assert np.abs(rest / rest.mean() - 1).max() < 0.25
    # Each positive has its own.
    assert len({tuple(row) for row in codes[1::3]}) > 90


def test_users_who_have_seen_everything_have_no_negative() -> None:
    codes, found = uniform_negatives(tf.constant([0, 1]), 3, 2, seen({0: [0, 1, 2], 1: [1]}, 3), [0, 0])
    assert found.numpy().tolist() == [[False, False], [True, True]]
    assert 1 not in codes[1].numpy()
