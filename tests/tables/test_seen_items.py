"""`SeenItems`: known pairs as state that grows, and the questions that are asked of it."""

from __future__ import annotations

import copy

import numpy as np
import tensorflow as tf

from hyperml_tf.tables import SeenItems


def seen() -> SeenItems:
    """User 0 has seen items 0 and 1, user 1 item 2, user 2 item 0."""
    layer = SeenItems(3, 3)
    layer.set(np.array([0, 0, 1, 2]), np.array([0, 1, 2, 0]))
    return layer


def pairs_of(layer: SeenItems) -> list[tuple[int, int]]:
    return list(zip(layer.users.tolist(), layer.items.tolist(), strict=True))


def test_contains() -> None:
    queries, candidates = np.meshgrid(np.arange(-1, 3), np.arange(3), indexing="ij")
    got = seen().contains(tf.constant(queries, tf.int32), tf.constant(candidates, tf.int32)).numpy()
    found = {(int(q), int(i)) for q, i in zip(queries[got], candidates[got], strict=True)}
    assert found == {(0, 0), (0, 1), (1, 2), (2, 0)}


def test_histories() -> None:
    histories = seen().histories
    owners, items, newer = (part.numpy().tolist() for part in histories.newest(tf.constant([2, 0])))
    assert (owners, items, newer) == ([0, 1, 1], [0, 0, 1], [0, 1, 0])
    owners, items, newer = (part.numpy().tolist() for part in histories.newest(tf.constant([2, 0]), limit=1))
    assert (owners, items, newer) == ([0, 1], [0, 1], [0, 0])
    assert histories.counts(tf.constant([0, 1, 2])).numpy().tolist() == [2, 1, 1]


def test_an_unknown_user_has_no_history() -> None:
    owners, items = seen().histories.pairs(tf.constant([-1, 1, 0, -1]))
    assert owners.numpy().tolist() == [1, 2, 2]
    assert items.numpy().tolist() == [2, 0, 1]


def test_new_pairs_come_after_known_ones() -> None:
    layer = seen()
    assert layer.add(np.array([0, 0, 1, 1, 1]), np.array([2, 1, 0, 1, 0])) == 3
    assert pairs_of(layer) == [(0, 0), (0, 1), (0, 2), (1, 2), (1, 0), (1, 1), (2, 0)]
    assert layer.contains(tf.constant([0, 1]), tf.constant([2, 1])).numpy().all()
    assert layer.find(tf.constant([1, 2]), tf.constant([1, 2])).numpy().tolist() == [5, -1]


def test_known_pairs_change_nothing() -> None:
    layer = seen()
    version, table = layer.version, layer._places.of(layer)
    assert layer.add(np.array([0, 1]), np.array([1, 2])) == 0
    layer.set(layer.users, layer.items)
    assert layer.version == version
    assert layer._places.of(layer) is table


def test_the_version_differs_with_the_pairs() -> None:
    layer = seen()
    versions = [layer.version]
    for users, items in (([0, 0, 1, 2], [1, 0, 2, 0]), ([0, 1, 1, 2], [0, 1, 2, 0]), ([], [])):
        layer.set(np.array(users, int), np.array(items, int))
        versions.append(layer.version)
    assert len(set(versions)) == 4
    assert versions[-1] == 0


def test_a_graph_reads_histories_as_they_are() -> None:
    layer = seen()
    counts = tf.function(lambda users: layer.histories.counts(users))
    assert counts(tf.constant([0])).numpy().tolist() == [2]
    layer.add(np.array([0]), np.array([2]))
    assert counts(tf.constant([0])).numpy().tolist() == [3]


def test_weights_and_copies_hold_the_pairs() -> None:
    layer, other = seen(), SeenItems(3, 3)
    other.set_weights(layer.get_weights())
    for same in (other, copy.deepcopy(layer)):
        assert pairs_of(same) == pairs_of(layer)
        assert same.contains(tf.constant([0]), tf.constant([1])).numpy().all()


def test_nothing_seen() -> None:
    empty = SeenItems(2, 6)
    assert len(empty) == 0
    assert pairs_of(empty) == []
    assert not empty.contains(tf.constant([0, 1]), tf.constant([5, 0])).numpy().any()
    assert empty.histories.pairs(tf.constant([0]))[0].shape == (0,)
    assert empty.histories.counts(tf.constant([0, 1])).numpy().tolist() == [0, 0]


def test_a_repeated_pair_is_found_at_its_first_place() -> None:
    layer = SeenItems(2, 3)
    layer.set(np.array([0, 0, 0, 1]), np.array([2, 2, 1, 2]))
    assert layer.find(tf.constant([0, 0, 1, 1]), tf.constant([2, 1, 2, 0])).numpy().tolist() == [0, 2, 3, -1]
    assert layer.histories.counts(tf.constant([0, 1])).numpy().tolist() == [3, 1]


def test_the_window_around_an_item() -> None:
    seen = SeenItems(3, 50)
    seen.set(np.array([0, 0, 0, 0, 2]), np.array([9, 4, 7, 5, 4]))

    def window(user: int, item: int, before: int, after: int) -> list[int]:
        return seen.window(tf.constant([user]), tf.constant([item]), before, after).numpy()[0].tolist()

    assert window(0, 7, 2, 1) == [9, 4, -1, 5]
    assert window(0, 9, 2, 2) == [-1, -1, -1, 4, 7]
    assert window(2, 4, 1, 1) == [-1, -1, -1]
    # An item that is not known comes after all of them.
    assert window(0, 30, 3, 1) == [4, 7, 5, -1, -1]
    assert window(1, 30, 1, 0) == [-1, -1]
    nothing = SeenItems(1, 1)
    assert nothing.window(tf.constant([0]), tf.constant([0]), 2, 2).numpy().tolist() == [[-1] * 5]
