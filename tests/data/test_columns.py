from __future__ import annotations

import pytest

from hyperml_tf.data.columns import find_columns


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["user", "item", "timestamp"], ("user", "item", "timestamp")),
        (["rating", "User_ID", "Movie ID", "Date"], ("User_ID", "Movie ID", "Date")),
        (["reviewerID", "asin", "unixReviewTime"], ("reviewerID", "asin", "unixReviewTime")),
        (["user_id:token", "item_id:token", "timestamp:float"], ("user_id:token", "item_id:token", "timestamp:float")),
        (["visitor-id", "product_id"], ("visitor-id", "product_id", None)),
        (["position", "time", "iid", "uid"], ("uid", "iid", "time")),
        (["customer_id", "user", "asin", "item"], ("user", "item", None)),
    ],
)
def test_usual_names(columns, expected):
    assert find_columns(columns, None, None, None) == expected


def test_given_names_win():
    columns = ["user", "item", "timestamp", "buyer", "thing", "when"]
    assert find_columns(columns, "buyer", "thing", "when") == ("buyer", "thing", "when")
    assert find_columns(columns, "BUYER", None, False) == ("buyer", "item", None)
    assert find_columns(["USER", "user", "item"], "user", None, None)[0] == "user"


def test_labels_that_are_not_text():
    assert find_columns([0, "item", "user"], None, None, None) == ("user", "item", None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((["a", "item"], None, None, None), r"No user column.*Pass `user_column=`.*Received: 'a', 'item'"),
        ((["user", "b"], None, None, None), r"No item column.*Pass `item_column=`.*Received: 'user', 'b'"),
        (([], None, None, None), r"No user column.*Received: no columns"),
        ((["user", "item"], "buyer", None, None), r"`user_column` must name.*'user', 'item'\. Received: 'buyer'"),
        ((["user", "item"], None, "thing", None), r"`item_column` must name.*Received: 'thing'"),
        ((["user", "item"], None, None, "when"), r"`order_column` must name.*Received: 'when'"),
        ((["user", "item", "item"], None, None, None), r"item column must occur once.*Received: 2 named 'item'"),
        ((["user", "item"], "item", None, None), r"`user_column` and `item_column` must be different.*'item'"),
        ((["user", "item"], None, None, "user"), r"`user_column` and `order_column` must be different.*'user'"),
        ((["user", "item"], None, None, "item"), r"`item_column` and `order_column` must be different.*'item'"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        find_columns(*arguments)
