"""How much the order of rows says about what comes next."""

from __future__ import annotations

import numpy as np
import pytest

from hyperml_tf.data import Interactions
from hyperml_tf.data.direction import direction
from hyperml_tf.settings import TableFacts

USERS = np.repeat(np.arange(400), 6)


def chain(rng: np.random.Generator) -> np.ndarray:
    """Users who walk along a ring of 50 items, from a random start."""
    return ((rng.integers(50, size=400)[:, np.newaxis] + np.arange(6)) % 50).ravel()


def shuffled(items: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.permuted(items.reshape(400, 6), axis=1).ravel()


@pytest.mark.parametrize("seed", range(5))
def test_walks_have_a_direction_and_shuffled_ones_have_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = chain(rng)
    assert direction(USERS, items, 50) == 1.0
    assert abs(direction(USERS, shuffled(items, rng), 50)) < 0.2
    # Sessions: neighbours are related, but in no particular order.
    back = np.where(np.repeat(rng.random(400) < 0.5, 6), items, items.reshape(400, 6)[:, ::-1].ravel())
    assert abs(direction(USERS, back, 50)) < 0.2
    assert direction(USERS, rng.integers(1000, size=2400), 1000) == 0.0


def test_equals_counting_pairs() -> None:
    rng = np.random.default_rng(0)
    items = np.where(rng.random(2400) < 0.5, chain(rng), rng.integers(50, size=2400))
    pairs = [(a, b) for a, b, same in zip(items, items[1:], USERS[1:] == USERS[:-1], strict=False) if same]
    agree = sum(a == b for i, a in enumerate(pairs) for j, b in enumerate(pairs) if i != j)
    differ = sum(a == b[::-1] for a in pairs for b in pairs if a[0] != a[1])
    assert direction(USERS, items, 50) == pytest.approx((agree - differ) / (agree + differ))


def test_no_evidence_is_no_direction() -> None:
    assert direction(np.array([0, 1]), np.array([0, 0]), 2) == 0.0
    assert direction(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), 2) == 0.0


def test_the_default_history_follows_the_direction() -> None:
    rng = np.random.default_rng(0)
    items = chain(rng)
    for order, rows, expected in (
        (np.arange(2400), items, True),
        (np.arange(2400), shuffled(items, rng), False),
        (None, items, False),
    ):
        facts = TableFacts.of(Interactions.from_arrays(USERS, rows, order=order))
        assert facts.directed is expected
