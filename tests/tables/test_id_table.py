"""`IdTable` in a SavedModel, and the private parts of TensorFlow's hash table that this rests on."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.tables import IdTable

IDS = np.array(["b", "a\n", "nu\0l", ""], dtype=object)


@pytest.mark.parametrize("variable", [None, "ids"])
def test_codes_and_ids(variable: str | None) -> None:
    table = IdTable.of(IDS, variable)
    assert table.codes(tf.constant([["a\n", "?"], ["", "b"]])).numpy().tolist() == [[1, -1], [3, 0]]
    assert table.raw(tf.constant([2, -1])).numpy().tolist() == [b"nu\0l", b""]
    numbers = IdTable.of(np.array([7, -1]), variable)
    assert numbers.raw(numbers.codes(tf.constant([-1, 8], tf.int64))).numpy().tolist() == [-1, -1]


def test_a_saved_model_fills_the_table_from_its_variable(tmp_path: Path) -> None:
    module = tf.Module()
    module.table = IdTable.of(IDS, variable="ids")
    module.codes = tf.function(module.table.codes, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(tmp_path))
    # The ids are stored beside the graph, not in it.
    assert b"nu\0l" not in (tmp_path / "saved_model.pb").read_bytes()
    loaded = tf.saved_model.load(str(tmp_path))
    assert loaded.codes(tf.constant(["nu\0l", "x"])).numpy().tolist() == [2, -1]


def test_what_tensorflow_asks_of_an_initializer() -> None:
    """`IdTable` stands in for an initializer: these are all the attributes that TensorFlow reads of one."""
    lookup = inspect.getmodule(tf.lookup.StaticHashTable)
    source = inspect.getsource(lookup.StaticHashTable) + inspect.getsource(lookup.InitializableLookupTableBase)
    for name in ("key_dtype", "value_dtype", "_shared_name", "initialize"):
        assert f"initializer.{name}" in source, f"TensorFlow no longer reads `{name}` of a table's initializer"
