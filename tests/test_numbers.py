"""Numbers of every type are taken where a number is taken, or refused by name; none is changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from hyperml_tf._argument_checks import count
from hyperml_tf.data import Interactions, leave_one_out, sampled_negatives
from hyperml_tf.metrics.ranks import rank_among_sampled
from hyperml_tf.models import DistanceIndex, HyperML
from hyperml_tf.models.baselines import Popularity
from hyperml_tf.retrieval import NearestNeighbors

WIDTHS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
TABLE = Interactions.from_arrays([1, 1, 1, 2, 2, 3, 3], [5, 6, 7, 6, 7, 7, 8])


@pytest.fixture(scope="module")
def model() -> HyperML:
    return HyperML.from_interactions(TABLE, dim=2, history=0)


@pytest.mark.parametrize("width", WIDTHS)
def test_integers_of_every_width_are_ids_orders_and_counts(model: HyperML, width: str) -> None:
    number = np.dtype(width).type
    k, expected = number(2), model.recommend([1], k=2).ids
    for use in (model.recommend, DistanceIndex(model, compiled=False).recommend):
        np.testing.assert_array_equal(use(np.array([1], width), k=k).ids, expected)
    largest = np.iinfo(width).max
    ids = np.array([min(largest, 2**63 - 1), 1], width)
    assert HyperML(ids, ids, dim=2, history=0).query_tower.ids.tolist() == ids.tolist()
    ordered = Interactions.from_arrays(["a", "a", "b"], ["x", "y", "y"], order=np.array([largest, 1, 1], width))
    assert ordered.to_frame()["item"].tolist() == ["y", "x", "y"]
    assert len(Popularity.from_interactions(TABLE).recommend([1], k=k).ids[0]) == 2
    points = tf.constant([[0.1, 0.0], [0.2, 0.0], [0.3, 0.0]])
    assert NearestNeighbors(k).index(points)(points, k=number(1))[0].shape == (3, 1)


def test_ids_beyond_int64_are_to_be_given_as_text() -> None:
    with pytest.raises(ValueError, match=r"`query_ids` must be integers below 2\^63; give larger ones as strings"):
        HyperML(np.array([2**63 + 5, 3], np.uint64), ["x"], dim=2)


@pytest.mark.parametrize("wrong", [2.0, "2", True, None, np.float32(2)])
def test_a_number_of_items_is_an_integer(model: HyperML, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"`k` must be an integer of at least 1. Received: k="):
        model.recommend([1], k=wrong)


def test_a_number_beyond_the_catalogue_is_the_whole_catalogue(model: HyperML) -> None:
    assert model.similar_items([5], k=2**40).ids.shape == (1, 4)


def test_counts_of_other_libraries() -> None:
    assert [count(k=value) for value in (pd.Series([3])[0], np.array(3), tf.constant(3).numpy())] == [3, 3, 3]


def test_text_that_is_no_unicode_is_named_with_its_row() -> None:
    for users in (["a", "\ud800"], np.array(["a", "\ud800"], object)):
        with pytest.raises(ValueError, match=r"The column 'users' must hold .* Received: '\\ud800' in row 1"):
            Interactions.from_arrays(users, ["x", "y"])


def test_in_a_small_catalogue_the_sampled_protocol_is_the_full_one() -> None:
    parts = leave_one_out(TABLE, "random")
    model = Popularity.from_interactions(TABLE)
    model.set_seen(parts.before_test)
    negatives = sampled_negatives(TABLE, parts.test.users, 100)
    report = model.evaluate_ranking(parts.test, parts.before_test, negatives)
    for metric in ("hr@5", "ndcg@5", "mrr"):
        assert report[f"sampled100_{metric}"] == pytest.approx(report[f"full_{metric}"])


def test_a_nan_score_ranks_behind_the_candidates_that_there_are() -> None:
    assert rank_among_sampled([[np.nan, 0.5, 0.1]], [0], [[1, -1, 2]]).numpy().tolist() == [2]
