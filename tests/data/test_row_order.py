"""Row order and repeated pairs, compared with a plain loop."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from hyperml_tf.data.row_order import in_stored_order


@pytest.mark.parametrize("repeats", ["first", "last", "sum"])
@pytest.mark.parametrize("order", ["none", "sorted", "integers", "floats"])
@pytest.mark.parametrize("weighted", [False, True])
def test_rows_are_those_of_a_plain_loop(order: str, weighted: bool, repeats: Literal["first", "last", "sum"]) -> None:
    rng = np.random.default_rng(0)
    users, items = rng.integers(30, size=500), rng.integers(40, size=500)
    weights = rng.integers(1, 9, size=500) if weighted else None
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
    *got, weights_got, kept = in_stored_order(users, items, 40, when, repeats, weights)
    assert [got[1].tolist(), got[0].tolist()] == [items[kept].tolist(), users[kept].tolist()]
    assert list(zip(*(part.tolist() for part in got), strict=True)) == expected
    of_row = {row: 1 if weights is None else int(weights[row]) for row in rows}
    if repeats == "sum":
        of_pair = {
            pair: sum(of_row[row] for row, other in zip(rows, pairs, strict=True) if other == pair) for pair in pairs
        }
    else:
        # The last one that is put into a dictionary stays.
        of_pair = {pairs[at]: of_row[rows[at]] for at in (range(500) if repeats == "last" else range(499, -1, -1))}
    if weighted or repeats == "sum":
        assert weights_got.tolist() == [of_pair[pair] for pair in expected]
    else:
        assert weights_got is None
