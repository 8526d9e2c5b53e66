"""What answers say of themselves."""

from __future__ import annotations

import numpy as np

from hyperml_tf.models import Neighbours, Recommendations


def test_entries_are_found_unless_none_was_left() -> None:
    ids = np.array([["a", "b", ""]])
    assert Neighbours(ids, np.array([[0.0, 9.5, np.inf]])).found.tolist() == [[True, True, False]]
    assert Recommendations(ids, np.array([[3.0, -9.5, -np.inf]])).found.tolist() == [[True, True, False]]
