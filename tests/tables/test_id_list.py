"""`IdList`: a vocabulary in compact form."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hyperml_tf.tables import IdList, IdLookup

TEXT = ["b", "", "a\0", "ü"]


def in_pieces(values: list[Any]) -> pa.ChunkedArray:
    return pa.chunked_array([values[:1], values[1:]])


@pytest.mark.parametrize("values", [TEXT, [5, -3, 2**62]])
def test_ids_of_numpy_and_of_arrow_are_the_same(values: list[Any]) -> None:
    lists = [IdList.of(ids, "ids") for ids in (values, pa.array(values), in_pieces(values))]
    assert all(one.array().tolist() == values for one in lists)
    assert lists[0] == lists[1] == lists[2] != IdList.of(values[::-1], "ids")
    assert len({one.fingerprint() for one in lists}) == 1
    assert [value.decode() if isinstance(value, bytes) else value for value in lists[2].tensor().numpy()] == values
    assert lists[0].take(np.array([[1, 1]])).tolist() == [[values[1], values[1]]]


def test_integers_as_text() -> None:
    assert IdList.of([7, -1], "ids").as_text().array().tolist() == ["7", "-1"]


def test_the_array_is_kept_only_while_somebody_holds_it() -> None:
    ids = IdList.of(pa.array(TEXT), "ids")
    held = ids.array()
    assert ids.array() is held
    gone = weakref.ref(held)
    del held
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("ids", [pa.array([], pa.string()), pa.array(["a", None]), pa.array([1.5])])
def test_what_is_no_vocabulary_is_refused(ids: Any) -> None:
    with pytest.raises(ValueError, match="`ids` must be a non-empty array of text or of integers, without nulls"):
        IdList.of(ids, "ids")


def test_a_repeated_id_is_named() -> None:
    assert IdList.of(["a", "b", "b"], "ids").repeated() == "b"
    with pytest.raises(ValueError, match=r"`ids` must be distinct\. Received: 7 more than once"):
        IdLookup(pa.array([7, 1, 7]))
