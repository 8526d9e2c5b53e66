"""Row order and repeated pairs, compared with a plain loop."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from hyperml_tf.data.row_order import in_stored_order


@pytest.mark.parametrize("repeats", ["first", "last"])
@pytest.mark.parametrize("order", ["none", "sorted", "integers", "floats"])
def test_rows_are_those_of_a_plain_loop(order: str, repeats: Literal["first", "last"]) -> None:
    rng = np.random.default_rng(0)
    users, items = rng.integers(30, size=500), rng.integers(40, size=500)
    when = {
        "none": None,
        "sorted": np.sort(rng.integers(50, size=500)),
        "integers": rng.integers(50, size=500),
        "floats": rng.random(500),
    }[order]
    rows = sorted(range(500), key=lambda row: (users[row], 0 if when is None else when[row], row))
    pairs = [(int(users[row]), int(items[row])) for row in rows]
    expected = list(dict.fromkeys(pairs)) if repeats == "first" else list(dict.fromkeys(pairs[::-1]))[::-1]
    assert len(expected) < 500
    got = in_stored_order(users, items, 40, when, repeats)
    assert list(zip(*(part.tolist() for part in got), strict=True)) == expected
