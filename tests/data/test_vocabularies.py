from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow as tf

from hyperml_tf.data.vocabularies import lookup, positions, same, union, vocabulary

HUGE = 9_007_199_254_740_993  # 2^53 + 1, which is not a float64


def find(index, ids):
    return lookup(index, ids, "ids")


def test_lookup_accepts_text_for_integers_and_back():
    integers, texts = pd.Index(np.array([5, HUGE])), pd.Index(np.array(["a", "5"], dtype=object))
    assert find(integers, [HUGE, 5, 6]).tolist() == [1, 0, -1]
    assert find(integers, ["5", b"5", "05", "x", str(2**70)]).tolist() == [0, 0, -1, -1, -1]
    assert find(texts, ["5", "b", b"a"]).tolist() == [1, -1, 0]
    assert find(texts, [5, 6]).tolist() == [1, -1]
    assert find(texts, []).tolist() == []


@pytest.mark.parametrize(
    "ids",
    [
        np.array([HUGE, 5, 6], np.uint64),
        pd.Series([HUGE, 5, 6], index=[7, 7, 7]),
        pd.array([HUGE, 5, None], dtype="Int64"),
        [HUGE, np.int8(5), None],
        [np.str_(HUGE), "5", ""],
        (value for value in (HUGE, 5, 6)),
        pa.array([HUGE, 5, 6]),
        tf.constant([HUGE, 5, 6], tf.int64),
        pd.Categorical([HUGE, 5, 6]),
    ],
)
def test_lookup_of_vectors_of_every_kind(ids):
    assert find(pd.Index(np.array([5, HUGE])), ids).tolist() == [1, 0, -1]


def test_lookup_of_whole_floats():
    assert find(pd.Index(np.array([5, HUGE])), [5.0, float("nan"), 7.0]).tolist() == [0, -1, -1]


def test_integers_beyond_int64_do_not_wrap():
    assert find(pd.Index(np.array([-(2**63) + 5, 3])), np.array([2**63 + 5, 3], np.uint64)).tolist() == [-1, 1]
    assert find(pd.Index(np.array([str(2**63 + 5)], object)), np.array([2**63 + 5], np.uint64)).tolist() == [0]


def test_what_is_missing_is_not_the_text_none():
    texts = pd.Index(np.array(["None", "nan", "<NA>"], dtype=object))
    assert find(texts, [None, float("nan"), pd.NA, "None", "nan", "<NA>"]).tolist() == [-1, -1, -1, 0, 1, 2]


def test_nul_and_any_unicode():
    ids = ["a", "a\0", "\0", "e\u0301", "\u00e9", "\U0001f600", "\u200b", " a"]
    vocabulary_of_text = vocabulary(ids, "ids")
    assert vocabulary_of_text.tolist() == ids
    assert find(pd.Index(vocabulary_of_text), ids[::-1]).tolist() == list(range(len(ids)))[::-1]


@pytest.mark.parametrize("ids", ["abc", b"abc", 7, {"a": 1}, {"a"}, None, [["a"]], np.zeros((1, 1))])
def test_what_is_no_vector(ids):
    with pytest.raises(
        ValueError, match=r"`ids` must be a list, an array|column 'ids' must hold one identifier per row"
    ):
        lookup(pd.Index(np.array(["a"], object)), ids, "ids")


def test_vocabulary():
    for ids in (np.array([3, 1]), np.array(["b", "a"], object)):
        assert vocabulary(ids, "ids") is ids
    assert vocabulary(np.array([3, 1], np.uint8), "ids").dtype == np.int64
    assert vocabulary(np.array([2**63 + 5, 3], np.uint64), "ids").tolist() == [str(2**63 + 5), "3"]
    assert vocabulary(["b", b"a"], "ids").tolist() == ["b", "a"]
    assert vocabulary(np.array([1, 2], object), "ids").dtype == np.int64
    for ids, received in ((["b", "a", "b"], "'b' more than once"), (["b", None], "a missing one"), ([1, 1], "1 more")):
        with pytest.raises(ValueError, match=f"`ids` must be distinct identifiers. Received: {received}"):
            vocabulary(ids, "ids")
    with pytest.raises(ValueError, match=r"must be distinct. Received: 'b' more than once"):
        positions(pd.Index(np.array(["b", "b"], object)), np.array(["b"], object))


def test_same():
    integers, texts = np.array([1, 2]), np.array(["1", "2"], object)
    assert same(integers, integers)
    assert same(texts, texts.copy())
    assert not same(integers, texts)
    assert not same(texts, texts[::-1])


def test_union():
    def of(first, second):
        ids, codes = union(np.array(first, object if isinstance(first[0], str) else None), second, "user")
        return ids.tolist(), codes.tolist()

    assert of([5, 3], np.array([7, 3])) == ([5, 3, 7], [2, 1])
    assert of(["b"], np.array(["a", "b"], object)) == (["b", "a"], [1, 0])
    assert of([5, 3], np.array(["3", "9"], object)) == ([5, 3, 9], [1, 2])
    assert of([5, 3], np.array(["3", "09"], object)) == (["5", "3", "09"], [1, 2])
    assert of([5, 3], np.array(["3", str(2**70)], object)) == (["5", "3", str(2**70)], [1, 2])
    assert of(["5", "x"], np.array([3, 5])) == (["5", "x", "3"], [2, 0])
