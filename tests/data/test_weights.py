"""What rows count for: events, weights, ratings and repeats; and that nothing is dropped or left out without a word."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions, leave_one_out, raw_dataset, training_dataset
from hyperml_tf.data.notes import looks_like_time
from hyperml_tf.data.windows import window_dataset

SHOP = pd.DataFrame(
    {
        "user": ["ann", "ann", "ann", "bob", "bob"],
        "item": ["x", "y", "x", "x", "y"],
        "event": ["view", "view", "purchase", "cart", "view"],
        "quantity": [1, 1, 3, 2, 1],
        "stars": [1.0, 4.0, 5.0, 3.0, 3.5],
        "time": [1, 2, 3, 1, 2],
    }
)
EVENTS = {"purchase": 4, "cart": 2, "view": 1}


def shop(**options: Any) -> Interactions:
    return Interactions.from_frame(SHOP, **options)


def weights(table: Interactions) -> dict[str, float]:
    frame = table.to_frame()
    pairs = (f"{user} {item}" for user, item in zip(frame["user"], frame["item"], strict=True))
    return dict(zip(pairs, table.row_weights().tolist(), strict=True))


# What rows count for --------------------------------------------------------------------------------------------------


def test_each_kind_of_event_has_its_weight_and_repeats_add_up() -> None:
    expected = {"ann y": 1.0, "ann x": 1.0 + 4.0, "bob x": 2.0, "bob y": 1.0}
    table = shop(event_weights=EVENTS)
    assert weights(table) == weights(shop(event_weights="purchase=4, cart=2,view=1,")) == expected
    # The last row of a pair has its place in the order of the user.
    assert list(weights(table)) == list(expected)
    assert weights(shop(event_weights=EVENTS, repeats="first"))["ann x"] == 1.0
    assert weights(shop(event_weights=EVENTS, repeats="last"))["ann x"] == 4.0
    assert table.to_frame()["weight"].tolist() == list(expected.values())
    assert table.weights is not None
    assert table.weights.dtype == np.float32


def test_weights_are_multiplied_by_those_of_events() -> None:
    assert weights(shop(weight_column="quantity")) == {"ann y": 1.0, "ann x": 4.0, "bob x": 2.0, "bob y": 1.0}
    both = shop(weight_column="quantity", event_weights=EVENTS)
    assert weights(both) == {"ann y": 1.0, "ann x": 1.0 + 12.0, "bob x": 4.0, "bob y": 1.0}


def test_repeated_rows_count_as_often_as_they_are_there() -> None:
    assert weights(shop(repeats="sum")) == {"ann y": 1.0, "ann x": 2.0, "bob x": 1.0, "bob y": 1.0}
    assert shop(repeats="first").weights is None
    # Weights that are all 1 cost nothing.
    assert Interactions.from_arrays([1, 2], [3, 4], repeats="sum").weights is None
    assert Interactions.from_arrays([1, 2], [3, 4], weights=[1, 1]).weights is None


def test_events_of_weight_0_low_ratings_and_weights_of_0_are_dropped_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    codes = pd.DataFrame({"user": [1, 1, 2, 2], "item": [1, 2, 1, 2], "action": [1, 2, 4, 1], "score": [5, 4, None, 3]})
    table = Interactions.from_frame(codes, event_weights={1: 1, 2: 0, 4: 3}, rating_column=False)
    assert table.to_frame().to_numpy().tolist() == [[1, 1, 1], [2, 1, 3], [2, 2, 1]]
    assert "Dropped 1 of 4 rows with events of weight 0 in 'action' (2)." in caplog.text
    rated = Interactions.from_frame(codes, min_rating=3, event_column=False)
    assert rated.to_frame().to_numpy().tolist() == [[1, 1], [1, 2], [2, 2]]
    assert "Dropped 1 of 4 rows without a rating in 'score'." in caplog.text
    assert Interactions.from_arrays([1, 2, 2], [1, 2, 1], weights=[2, 2, 0]).to_frame()["weight"].tolist() == [2, 2]
    assert "Dropped 1 of 3 rows with the weight 0 in 'weights'." in caplog.text
    high = shop(min_rating=3.5, repeats="last", event_column=False, weight_column=False)
    assert list(weights(high)) == ["ann y", "ann x", "bob y"]
    assert "Dropped 2 of 5 rows with a rating below 3.5 in 'stars'." in caplog.text
    assert high.origin is not None
    assert high.origin.dropped == {"with a rating below 3.5 in 'stars'": 2}


def test_datasets_have_the_same_options() -> None:
    dataset = tf.data.Dataset.from_tensor_slices(dict(SHOP)).batch(2)
    table = Interactions.from_dataset(dataset, event_weights=EVENTS, weight_column="quantity", min_rating=1)
    assert table.fingerprint() == shop(event_weights=EVENTS, weight_column="quantity", min_rating=1).fingerprint()


def test_users_and_items_of_dropped_rows_are_not_in_the_table() -> None:
    table = Interactions.from_arrays([1, 2, 3, 3], [1, 2, 1, 9], weights=[2, 2, 3, 0])
    assert (table.user_ids.tolist(), table.item_ids.tolist()) == ([1, 2, 3], [1, 2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"event_weights": {"view": 1}},
            r"`event_weights` must name every kind of event in 'event'.*'view' \(3 rows\).*'cart'",
        ),
        ({"event_weights": {"view": -1}}, r"`event_weights` must give each kind.*Received: \{'view': -1\}"),
        ({"event_weights": {"view": 0}}, r"one of them more than 0.*Received: \{'view': 0\}"),
        ({"event_weights": "view"}, r"Received: 'view'"),
        ({"event_weights": "view=many"}, r"Received: 'view=many'"),
        ({"event_weights": ""}, r"`event_weights` must give.*Received: ''"),
        ({"event_weights": 3}, r"`event_weights` must be a dictionary, or text.*Received: int 3"),
        ({"event_weights": EVENTS, "event_column": "kind"}, r"`event_column` must name a column.*Received: 'kind'"),
        ({"event_weights": EVENTS, "event_column": "user"}, r"`user_column` and `event_column` must be different"),
        ({"event_weights": EVENTS, "event_column": False}, r"`event_weights` requires a column"),
        ({"event_column": "event"}, r"`event_column` requires `event_weights`"),
        ({"rating_column": "stars"}, r"`rating_column` requires `min_rating`"),
        ({"min_rating": "high"}, r"`min_rating` must be a finite number.*'high'"),
        ({"min_rating": 3, "rating_column": "item"}, r"`item_column` and `rating_column` must be different"),
        ({"min_rating": 3, "rating_column": "event"}, r"column 'event' must hold numbers. Received: 'view' in row 0"),
        ({"min_rating": 9}, r"must hold interactions of at least two users"),
        ({"weight_column": "amount"}, r"`weight_column` must name a column.*Received: 'amount'"),
        ({"weight_column": "event"}, r"column 'event' must hold numbers. Received: 'view' in row 0"),
        ({"repeats": "all"}, r"`repeats` must be one of"),
    ],
)
def test_errors_of_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        shop(**options)


@pytest.mark.parametrize(
    ("bad", "said"),
    [(-1.0, "-1.0"), (np.inf, "inf"), (np.nan, "a missing value"), (1e300, "float32"), (1e-300, "float32")],
)
def test_weights_that_are_no_weights_are_named(bad: float, said: str) -> None:
    with pytest.raises(ValueError, match=f"Received: {said} in row 2|{said}"):
        Interactions.from_arrays([1, 1, 2, 2], [1, 2, 1, 2], weights=[1.0, 2.0, bad, 1.0])


def test_weights_of_the_constructor_are_checked() -> None:
    ids = np.arange(2)
    for wrong in ([1.0], [1.0, -1.0], [1.0, np.nan], ["a", "b"]):
        with pytest.raises(ValueError, match="`weights` must be"):
            Interactions(ids, ids, ids, ids, weights=np.array(wrong))


# What is not used is said ---------------------------------------------------------------------------------------------


def test_columns_that_look_as_if_they_were_meant_are_a_warning_with_the_option(
    caplog: pytest.LogCaptureFixture,
) -> None:
    frame = SHOP.rename(columns={"time": "purchased_on_date"})
    Interactions.from_frame(frame, repeats="last")
    warned = [record.getMessage() for record in caplog.records if "look" in record.getMessage()]
    options = ("order_column='purchased_on_date'", "`event_weights`", "weight_column='quantity'", "`min_rating=`")
    assert len(warned) == 4
    for message, option in zip(warned, options, strict=True):
        assert option in message
        assert "(`--" in message
    caplog.clear()
    silent = {f"{role}_column": False for role in ("order", "event", "weight", "rating")}
    Interactions.from_frame(frame, repeats="last", **silent)
    Interactions.from_frame(SHOP, event_weights=EVENTS, weight_column="quantity", min_rating=1)
    assert not [record for record in caplog.records if "look" in record.getMessage()]


def test_a_time_named_event_timestamp_orders_the_rows() -> None:
    table = Interactions.from_frame(
        SHOP.rename(columns={"time": "event_timestamp"}), repeats="last", event_column=False
    )
    assert table.ordered
    assert list(weights(table)) == ["ann y", "ann x", "bob x", "bob y"]


@pytest.mark.parametrize("name", ["event_timestamp", "createdAt", "orderdate", "Order Date", "visit_ts", "time:float"])
def test_names_of_times(name: str) -> None:
    assert looks_like_time(name)


@pytest.mark.parametrize("name", ["candidate", "update", "lifetime_value", "rating", "status", "at", "state", "cats"])
def test_names_of_other_things(name: str) -> None:
    assert not looks_like_time(name)


def test_times_in_two_units_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    Interactions.from_arrays([1, 1, 2], [1, 2, 1], order=[1_600_000_000, 1_600_000_000_000, 1_600_000_001])
    assert "look like Unix seconds and milliseconds" in caplog.text


def test_summed_repeats_are_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    shop(repeats="sum")
    assert "Summed the weights of 1 of 5 rows that repeat an item of their user." in caplog.text


# Weights stay with their rows -----------------------------------------------------------------------------------------


def heavy(n_users: int = 6, n_items: int = 9) -> Interactions:
    """A table in which the weight of a row tells its user and its item."""
    rng = np.random.default_rng(0)
    users, items = (
        np.repeat(np.arange(n_users), 5),
        np.concatenate([rng.permutation(n_items)[:5] for _ in range(n_users)]),
    )
    return Interactions.from_arrays(users, items, order=rng.permutation(len(users)), weights=2 + 100 * users + items)


def told(table: Interactions) -> np.ndarray:
    return 2 + 100 * table.user_ids[table.users] + table.item_ids[table.items]


def test_weights_survive_selections_splits_and_other_codes() -> None:
    table = heavy()
    split = leave_one_out(table, "random")
    parts = [table, table.with_rows(np.arange(3, 20)), split.train, split.validation, split.test, split.before_test]
    parts += [table.recode([5, 3, 1, 0], [8, 0, 7, 1, 4]), table.with_rows([0, 1]).append(table.with_rows([4, 1, 9]))]
    for part in parts:
        assert len(part)
        np.testing.assert_array_equal(part.weights, told(part))


def test_appended_rows_without_weights_have_weight_1() -> None:
    light = Interactions.from_arrays([7, 8], [1, 2])
    assert heavy().append(light).row_weights()[-2:].tolist() == [1.0, 1.0]
    assert light.append(heavy()).row_weights()[:2].tolist() == [1.0, 1.0]
    assert light.append(light).weights is None


def test_the_fingerprint_knows_the_weights() -> None:
    rows = [1, 1, 2], [1, 2, 1]
    prints = {
        Interactions.from_arrays(*rows, weights=own).fingerprint() for own in (None, [1, 1, 1], [1, 1, 2], [2, 1, 1])
    }
    assert len(prints) == 3


def test_batches_hold_the_weights_of_their_rows() -> None:
    table = heavy()
    for batch in training_dataset(table, 7).as_numpy_iterator():
        rows = 2 + 100 * table.user_ids[batch["user"]] + table.item_ids[batch["item"]]
        np.testing.assert_array_equal(batch["sample_weight"], rows)
    for batch in raw_dataset(table, 7).as_numpy_iterator():
        np.testing.assert_array_equal(batch["sample_weight"], 2 + 100 * batch["user_id"] + batch["item_id"])
    light = Interactions.from_arrays([1, 2], [1, 2])
    for dataset in (training_dataset(light, 2), raw_dataset(light, 2)):
        assert "sample_weight" not in dataset.element_spec


@pytest.mark.parametrize("arguments", [{}, {"reorder": True}, {"trim": True, "run": 4}, {"run": 3, "after": 2}])
def test_windows_hold_the_weights_of_their_positives(arguments: dict[str, Any]) -> None:
    table = heavy()
    indptr = np.concatenate([[0], np.cumsum(table.activity())])
    sequences, positive = (indptr, table.items), np.arange(len(table)) % 3 > 0
    dataset = window_dataset(sequences, positive, 8, before=2, weights=table.row_weights(), **arguments)
    found = []
    for batch in dataset.as_numpy_iterator():
        places = batch["item"] >= 0
        users = np.broadcast_to(batch["user"][:, None], places.shape)[places]
        items = batch["item"][places]
        np.testing.assert_array_equal(
            batch["sample_weight"][places], 2 + 100 * table.user_ids[users] + table.item_ids[items]
        )
        found += items.tolist()
    assert len(found) == positive.sum()
    assert "sample_weight" not in window_dataset(sequences, positive, 8, before=2).element_spec
