"""NaN and infinities are named and refused before they spread: in features, in networks, in the point of one id."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.models import DistanceIndex, HyperML, IdTower, NetworkTower
from hyperml_tf.retrieval import ExactIndex, NearestNeighbors, QuantisedIndex, nearest

TABLE = Interactions.from_arrays(list("aabbcc"), list("xyyzzw"))
PRICES = np.array([[1.0], [2.0], [3.0], [4.0]], np.float32)
BAD = (np.nan, np.inf, -np.inf)
ONE = tf.constant(1.0)


def network(activation: Any = None) -> tf.keras.Model:
    price = tf.keras.Input([1], name="price")
    ids = tf.keras.Input([], dtype=tf.string, name="item_id")
    vectors = tf.keras.layers.Dense(2, activation, kernel_initializer="ones")(price)
    return tf.keras.Model({"item_id": ids, "price": price}, vectors)


def with_network(prices: Any = PRICES, **kwargs: Any) -> HyperML:
    model = HyperML.from_interactions(
        TABLE, dim=2, history=0, candidate_network=network(**kwargs), candidate_features={"price": prices}
    )
    model.compile("sgd", run_eagerly=True)
    return model


def with_one(values: Any, row: int, bad: float) -> np.ndarray:
    changed = np.array(values, np.float32)
    changed[row] = bad
    return changed


@pytest.mark.parametrize("bad", [*BAD, 1e300])
def test_a_feature_that_is_not_finite_is_named_with_its_id(bad: float) -> None:
    prices = PRICES.astype(np.float64)
    prices[2] = bad
    with pytest.raises(
        ValueError, match=r"`features\['price'\]` must be finite.*Received: .* for the id 'z', and 1 such"
    ):
        with_network(prices)


def test_before_the_ids_are_known_the_row_is_named() -> None:
    with pytest.raises(ValueError, match="for row 1, and 2 such rows"):
        NetworkTower(4, network(), {"price": [[0.0], [np.nan], [0.0], [np.nan]]}, id_name="item_id")


def test_a_training_step_fails_before_a_network_spoils_a_weight() -> None:
    model = with_network(with_one(PRICES, 2, 3e38))
    before = [variable.numpy() for variable in model.trainable_variables]
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        model.fit(TABLE, verbose=0)
    for part in ("candidate_tower", "must return finite vectors", "z", "price", "3e+38"):
        assert part in str(raised.value)
    for variable, value in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def root(x: Any) -> Any:
    """Its gradient at 0 is infinite, though its value is 0."""
    return tf.sqrt(tf.nn.relu(x))


def test_a_gradient_that_is_not_finite_is_named_before_it_is_applied() -> None:
    model = with_network(with_one(PRICES, slice(None), 0.0), activation=root)
    before = [variable.numpy() for variable in model.trainable_variables]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"gradient of .*kernel.* must be finite"):
        model.fit(TABLE, verbose=0)
    for variable, value in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def spoiled(tower: str, row: int = 2) -> HyperML:
    model = HyperML.from_interactions(TABLE, dim=2, history=0)
    table = getattr(model, f"{tower}_tower").embedding.embeddings
    table.assign(with_one(table.numpy(), row, np.nan))
    return model


def test_one_item_without_a_place_is_named_wherever_the_catalogue_is_read() -> None:
    model = spoiled("candidate")
    for use in (
        lambda: model.recommend(["a"]),
        lambda: model.similar_items(["x"]),
        lambda: model.evaluate_ranking(TABLE.with_rows([0])),
        lambda: DistanceIndex(model),
    ):
        with pytest.raises(ValueError, match=r"'candidate_tower' must be finite. Received: 1 .* of the id 'z'"):
            use()


def test_one_user_without_a_place_is_named_and_the_others_are_served() -> None:
    model = spoiled("query", row=1)
    assert len(model.recommend(["a", "c"], k=2).ids) == 2
    with pytest.raises(ValueError, match=r"1 that are not, the first that of 'b'. Training has diverged"):
        model.recommend(["a", "b"], k=2)
    with pytest.raises(ValueError, match="the first that of 'b'"):
        DistanceIndex(model).recommend(["a", "b"], k=2)


def test_a_tower_names_the_first_id_of_several() -> None:
    tower = IdTower([5, 6, 7], 2)
    tower.embedding.embeddings.assign(np.full((3, 2), np.inf))
    with pytest.raises(ValueError, match="Received: 3 that are not, the first that of the id 5"):
        tower.all_points()


@pytest.mark.parametrize("bad", BAD)
def test_an_index_refuses_a_point_that_would_hide_others(bad: float) -> None:
    points = tf.constant(with_one(np.zeros((5, 2)), (3, 1), bad))
    for index in (ExactIndex, QuantisedIndex):
        with pytest.raises(ValueError, match=r"`points` must be finite. Received: .* the point of candidate 3"):
            index.of(points, ONE)
    with pytest.raises(ValueError, match="row 3, of 'd'"):
        NearestNeighbors(2).index(points, list("abcde"))


def test_an_index_in_half_precision_refuses_points_beyond_its_range() -> None:
    points = tf.constant([[1.0, 0.0], [7e4, 0.0]])
    with pytest.raises(ValueError, match=r"fit into `precision` 'float16'; take 'bfloat16' or 'float32'.*candidate 1"):
        QuantisedIndex.of(points, tf.constant(0.0))
    assert QuantisedIndex.of(points, tf.constant(0.0), "bfloat16").n == 2


@pytest.mark.parametrize("bad", BAD)
def test_a_query_that_is_not_finite_is_near_nothing(bad: float) -> None:
    index = ExactIndex.of(tf.constant([[0.5, 0.0], [0.0, 0.5]]), ONE)
    indices, distances = nearest(tf.constant([[0.4, 0.0], [bad, 0.0]]), index, ONE, k=2)
    np.testing.assert_array_equal(indices, [[0, 1], [-1, -1]])
    assert np.isnan(distances[1]).all()
