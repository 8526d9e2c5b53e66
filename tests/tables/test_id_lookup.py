"""`IdLookup`: raw ids to codes and back, and the ids as an asset of the layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.tables import IdLookup


@pytest.mark.parametrize(
    ("ids", "asked", "codes"),
    [
        (["b", "a", "", "[UNK]", "ü"], ["ü", "", "x", "b", "[UNK]"], [4, 2, -1, 0, 3]),
        ([b"b", b"a"], ["a"], [1]),
        (np.array(["b", "a"]), ["a"], [1]),
        ([3, -1, 0], [0, 7, -1], [2, -1, 1]),
        (np.array([3, 1], np.uint8), np.array([1], np.int32), [1]),
    ],
)
def test_lookup(ids: Any, asked: Any, codes: list[int]) -> None:
    lookup = IdLookup(ids)
    got = lookup(asked)
    assert got.dtype == tf.int32
    assert got.numpy().tolist() == codes
    assert lookup(lookup.raw([1, 0])).numpy().tolist() == [1, 0]


@pytest.mark.parametrize("ids", [["b\n", "a\0", "", "ü", "x" * 10**5], [3, -1, 2**62]])
def test_ids_are_an_asset_and_their_number_the_config(ids: list[Any], tmp_path: Path) -> None:
    lookup = IdLookup(ids)
    config = lookup.get_config()
    assert config["ids"] == len(ids)
    restored = IdLookup.from_config(config)
    with pytest.raises(ValueError, match=f"The {len(ids)} ids of the layer .* are not known"):
        restored(ids)
    lookup.save_assets(str(tmp_path))
    restored.load_assets(str(tmp_path))
    assert restored.ids.tolist() == ids
    assert restored(ids).numpy().tolist() == list(range(len(ids)))
    # One long id does not make the file as long as that for every id.
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2 * 10**5


def test_ids_are_set_once_and_fit() -> None:
    with pytest.raises(ValueError, match=r"`ids` must be 3 ids, as many as there are rows. Received: 2"):
        IdLookup(3).set_ids(["a", "b"])
    with pytest.raises(ValueError, match="`ids` are set already"):
        IdLookup(["a"]).set_ids(["b"])
    with pytest.raises(ValueError, match="at least 1"):
        IdLookup(0)


def test_other_ids_than_those_of_a_file(tmp_path: Path) -> None:
    IdLookup(["a", "b"]).save_assets(str(tmp_path))
    with pytest.raises(ValueError, match="has other ids than the file"):
        IdLookup(["b", "a"]).load_assets(str(tmp_path))


def test_lookup_of_any_shape() -> None:
    assert IdLookup(["a", "b"])(tf.constant([[["b"], ["c"]]])).numpy().tolist() == [[[1], [-1]]]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "non-empty list of ids"),
        (np.array([1, 2**63], np.uint64), r"`ids` must be integers below 2\^63.*Received: 9223372036854775808"),
        ("abc", "non-empty list of ids"),
        ([["a"]], "non-empty list of ids"),
        (["a", "b\ud83d"], r"`ids` must be text that can be encoded in UTF-8.*Received: '\\ud83d'"),
        (["a", "b", "a"], "must be distinct. Received: 'a' more than once"),
        ([1.5], "all strings or all integers"),
        ([None, "a"], "all strings or all integers"),
    ],
)
def test_bad_ids(ids: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IdLookup(ids)


def test_ids_of_the_other_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="must be strings"):
        IdLookup(["1"])(tf.constant([1]))
    with pytest.raises(TypeError, match="must be integers"):
        IdLookup([1])(tf.constant(["1"]))
