"""Parts of a batch have the random numbers that they have in the whole batch."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.models.batches import Places, Windows, with_places
from hyperml_tf.sampling import draw
from hyperml_tf.sampling.row_draws import dropout, uniform

PARTS = [range(0, 5), range(5, 9), range(9, 9)]


@pytest.mark.parametrize("shape", [[9], [9, 3], [9, 2, 5]])
def test_numbers_of_parts_are_those_of_the_whole(shape: list[int]) -> None:
    whole = uniform(shape, [1, 2])
    parts = [uniform([len(part), *shape[1:]], [1, 2], tf.constant(list(part), tf.int32)) for part in PARTS]
    np.testing.assert_array_equal(tf.concat(parts, 0), whole)


def test_dropout_of_parts_is_that_of_the_whole() -> None:
    values = tf.random.stateless_normal([9, 7], [0, 0])
    parts = [dropout(values[p.start : p.stop], 0.3, [1, 2], tf.range(p.start, p.stop)) for p in PARTS]
    np.testing.assert_allclose(tf.concat(parts, 0), dropout(values, 0.3, [1, 2]), rtol=1e-6)


def test_positives_share_the_candidates_that_they_share_in_the_whole_batch() -> None:
    whole = draw(9, 1000, 4, 3, [1, 2])
    expected = tf.gather(whole.codes, whole.groups(9))
    for part in PARTS:
        drawn = draw(len(part), 1000, 4, 3, [1, 2], tf.constant(list(part), tf.int32))
        np.testing.assert_array_equal(tf.gather(drawn.codes, drawn.groups(len(part))), expected[part.start : part.stop])


def test_values_by_group_return_to_their_positives() -> None:
    drawn = draw(4, 1000, 2, 3, [1, 2], tf.constant([4, 5, 6, 11]))
    values = tf.random.stateless_normal([4, 2], [0, 0])
    grouped = drawn.in_groups(values, padding=7.0)
    assert grouped.shape == (3, 3, 2)
    np.testing.assert_array_equal(drawn.of_positives(grouped, 4), values)
    assert np.count_nonzero(grouped == 7.0) == 2 * 5


def test_positives_of_runs_know_their_order_in_the_whole_batch() -> None:
    items = tf.constant([[3, 4, -1], [5, -1, 6], [7, 8, 9]])
    batch = {"user": tf.range(3), "item": items, "history": items}
    (placed,) = with_places(tf.data.Dataset.from_tensors(batch))
    _, whole = Windows.of(batch).codes()
    for rows in (slice(0, 2), slice(2, 3), slice(3, 3)):
        part = {name: values[rows] for name, values in placed.items()}
        _, codes = Windows.of(part).codes()
        np.testing.assert_array_equal(tf.gather(whole, Places.of(part).positives), codes)
