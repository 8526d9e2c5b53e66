"""`fingerprint`: a hash of arrays that fits into a weight."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from hyperml_tf.tables.fingerprint import fingerprint


def texts(*values: str) -> Any:
    return np.array([*values, None], dtype=object)[:-1]


def test_it_depends_on_the_values_alone() -> None:
    assert fingerprint(texts("b", "ü")) == fingerprint(texts("b", "ü"))
    assert fingerprint(np.array([3, 1], np.int32)) == fingerprint(np.array([3, 1], np.int64))


def test_arrays_that_differ_have_others() -> None:
    lists = [
        [texts("a", "bc")],
        [texts("bc", "a")],
        [texts("ab", "c")],
        [texts("a"), texts("bc")],
        [texts("a\0", "b")],
        [texts("a", "\0b")],
        [texts("1", "2")],
        [np.array([1, 2])],
        [np.array([2, 1])],
        [np.array([1]), np.array([2])],
        [np.array([], np.int64), np.array([1, 2])],
    ]
    for one, other in itertools.combinations(lists, 2):
        assert fingerprint(*one) != fingerprint(*other)


def test_it_is_never_zero_and_survives_the_mean_of_weights() -> None:
    for number in range(100):
        value = fingerprint(np.array([number]))
        assert 0 < value <= 2**48
        assert int(np.mean([value, value, value], dtype=np.float64)) == value
