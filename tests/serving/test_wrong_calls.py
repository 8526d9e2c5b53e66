"""What callers should not send but will: each gets a documented answer or an error that says what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from serving_cases import K
from tiny import split

from hyperml_tf.serving import SIGNATURES, ServedModel

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("recommend", {"user_id": ["a"]}, r"`signature` must be one of .*'serving_default'.*Received: 'recommend'"),
        ("serving_default", {"user": ["a"]}, r"takes the inputs \['user_id'\]. Received: \['user'\]"),
        ("score", {"user_id": ["a"]}, r"takes the inputs \['item_id', 'user_id'\]"),
        ("serving_default", {"user_id": "ann"}, r"`user_id` must be a list of ids"),
        (
            "serving_default",
            {"user_id": [["ann"]]},
            r"`user_id` must hold ids, strings or integers. Received: \['ann'\]",
        ),
        ("serving_default", {"user_id": [1.5]}, r"`user_id` must hold ids.*1\.5"),
        ("serving_default", {"user_id": [None]}, r"`user_id` must hold ids.*None"),
        (
            "serving_default",
            {"user_id": ["half \ud83d"]},
            r"`user_id` must be text that can be encoded in UTF-8.*'half \\ud83d'",
        ),
        ("recommend_from_items", {"history": ["abc"]}, r"`history` must be a list of ids, or of such lists.*'abc'"),
    ],
)
def test_the_python_client_says_what_is_wrong(
    loaded: ServedModel, signature: str, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        loaded.ask(signature, **inputs)


@pytest.mark.parametrize(
    ("signature", "inputs"),
    [
        ("serving_default", {"user_id": tf.constant([1, 2])}),
        ("serving_default", {"user_id": tf.constant([["a"]])}),
        ("recommend_excluding", {"user_id": tf.constant(["a"]), "exclude": tf.constant(["b"])}),
        ("recommend_from_items", {"history": tf.ragged.constant([["a"], ["b", "c"]])}),
        ("serving_default", {"unknown": tf.constant(["a"])}),
    ],
)
def test_plain_tensorflow_refuses(loaded: ServedModel, signature: str, inputs: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError, tf.errors.InvalidArgumentError)) as caught:
        loaded._loaded.signatures[signature](**inputs)
    assert str(caught.value)


@pytest.mark.parametrize("rows", [1, 3])
def test_rows_that_do_not_match_are_refused(loaded: ServedModel, rows: int) -> None:
    """A single row would broadcast silently: every user but the first would get what they exclude."""
    for signature, name in (
        ("recommend_excluding", "exclude"),
        ("recommend_among", "candidates"),
        ("score", "item_id"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"`{name}` must have one row for each of `user_id`"):
            loaded.ask(signature, **{"user_id": ["a", "b"], name: [["c"]] * rows})


def test_empty_batches_have_answers_of_the_right_shape(loaded: ServedModel) -> None:
    for name, signature in SIGNATURES.items():
        if name == "recommend_where":  # which needs columns to filter by
            continue
        answer = loaded.ask(name, **{field: [] for field in signature.inputs})
        assert all(values.shape[0] == 0 for values in answer.values())
        if "item_id" in signature.outputs:
            assert answer["item_id"].shape == (0, K)


def test_ten_thousand_exclusions(loaded: ServedModel) -> None:
    user, items = split().train.user_ids[0], split().train.item_ids.tolist()
    best = loaded.recommend([user]).ids[0].tolist()
    noise = [f"no such item {number}" for number in range(10_000 - 3)]
    got = loaded.recommend([user], [[*noise, *best[:3]]])
    assert got.ids[0, : K - 3].tolist() == best[3:]
    assert loaded.recommend([user], [(items * 100)[:10_000]]).ids[0].tolist() == [""] * K
    assert loaded.recommend_from_items([(items[:50] * 200)[:10_000]]).ids.shape == (1, K)
    assert loaded.score([user], [(items * 100)[:10_000]]).shape == (1, 10_000)


def test_a_million_unknown_users(loaded: ServedModel) -> None:
    """As tensors: the conversion of a million Python strings is not tested."""
    users = tf.strings.join([tf.constant("nobody "), tf.strings.as_string(tf.range(1_000_000))])
    answer = loaded._loaded.signatures["serving_default"](user_id=users)
    origin = loaded.recommend(["stranger"])
    assert answer["item_id"].shape == (1_000_000, K)
    assert bool(tf.reduce_all(answer["item_id"] == tf.constant(origin.ids[0].tolist())))
    np.testing.assert_allclose(answer["distance"][-1], origin.distances[0], rtol=1e-6)


@pytest.mark.parametrize(
    "text", ["", "\0", "\U0001f600", "é" * 10_000, "a b\tc\r\n", "\ud7ff\ue000", "'; drop table", "NaN"]
)
def test_any_text_is_an_id(loaded: ServedModel, text: str) -> None:
    origin = loaded.recommend(["stranger"]).ids.tolist()
    assert loaded.recommend([text]).ids.tolist() == origin
    assert loaded.recommend(["stranger"], [[text]]).ids.tolist() == origin
    assert loaded.similar_items([text]).ids.tolist() == [[""] * K]
    assert np.isposinf(loaded.score(["stranger"], [[text]])).all()


def test_bytes_that_are_not_text_are_unknown(loaded: ServedModel) -> None:
    assert loaded.recommend([b"\xff\xfe"]).ids.tolist() == loaded.recommend(["stranger"]).ids.tolist()
