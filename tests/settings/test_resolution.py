"""The defaults that follow the table and the other settings."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from hyperml_tf.data import Interactions
from hyperml_tf.settings import History, ModelSettings, TableFacts, TrainingConfig, resolve
from hyperml_tf.settings.resolution import history_of

FACTS = TableFacts(n_items=5000)


def table(rows_per_user: int) -> Interactions:
    items = np.tile(np.arange(rows_per_user), 4)
    return Interactions.from_arrays(np.repeat(np.arange(4), rows_per_user), items)


@pytest.mark.parametrize(
    ("rows_per_user", "given", "curvature", "rate"),
    [
        (49, {}, 1.0, 0.05),
        (50, {}, 0.3, 0.02),
        (50, {"mode": "direct"}, 1.0, 0.05),
        (50, {"curvature": 1.0}, 1.0, 0.05),
        (50, {"curvature": 0.0}, 0.0, 0.05),
        (50, {"learning_rate": 0.1}, 1.0, 0.1),
    ],
)
def test_curvature_and_rate_follow_the_density(
    rows_per_user: int, given: dict[str, Any], curvature: float, rate: float
) -> None:
    resolved = TrainingConfig(**given).resolved(table(rows_per_user))
    assert (resolved.curvature, resolved.learning_rate) == (curvature, rate)


def test_users_without_rows_make_no_table_sparse() -> None:
    dense = table(60)
    assert TableFacts.of(dense.with_rows(dense.users < 1)).rows_per_user == 60
    assert not TableFacts.of(dense.with_rows(dense.users < 0)).dense


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"margin": 16.0, "history": 16, "half_life": 3.0}),
        ({"mode": "direct"}, {"margin": 8.0, "history": 0, "half_life": None}),
        ({"mode": "direct", "margin": 5.0, "history": 0}, {"margin": 5.0, "history": 0}),
        ({"history": 4, "half_life": 2.0}, {"history": 4, "half_life": 2.0}),
        ({"half_life": math.inf}, {"half_life": math.inf}),
        ({}, {"negatives": 50, "negatives_group": 32, "hardest": 2}),
        ({"negatives": 400}, {"negatives": 400, "negatives_group": 200}),
        ({"negatives": 1}, {"negatives": 1, "negatives_group": 1, "hardest": 1}),
        ({"dim": 8}, {"negatives": 20}),
        ({"hardest": 30}, {"hardest": 20}),
        ({"hardest": 30, "shallow": 0}, {"hardest": 30}),
        ({"hardest": 70, "shallow": 0}, {"hardest": 50}),
    ],
)
def test_what_is_not_given_follows_the_other_settings(given: dict[str, Any], expected: dict[str, Any]) -> None:
    resolved = resolve(ModelSettings(**given), FACTS)
    assert {name: getattr(resolved, name) for name in expected} == expected


def test_items_weigh_the_same_where_their_order_says_nothing() -> None:
    unordered = TableFacts(n_items=5000, ordered=False)
    assert resolve(ModelSettings(), unordered).half_life == math.inf
    assert resolve(ModelSettings(half_life=2.0), unordered).half_life == 2.0
    ordered = Interactions.from_arrays([1, 1, 2], [1, 2, 1], order=[1, 2, 1])
    assert TrainingConfig().resolved(ordered).half_life == 3.0
    assert TrainingConfig(split="random").resolved(ordered).half_life == math.inf
    assert history_of(resolve(ModelSettings(), unordered), unordered) == History.unordered()
    shorter = dataclasses.replace(History.unordered(), length=4)
    assert history_of(resolve(ModelSettings(history=4), unordered), unordered) == shorter
    random = TableFacts(n_items=5000, split="random")
    assert history_of(resolve(ModelSettings(), random), random) == History(
        half_life=None, around=1.0, spread=3, recent_weight=0.0
    )
    undirected = TableFacts(n_items=5000, direction=0.1)
    assert history_of(resolve(ModelSettings(), undirected), undirected) == History(around=1.0, recent_weight=0.0)


@pytest.mark.parametrize("given", [{}, {"mode": "direct"}, {"curvature": 0.0, "negatives": 1}])
@pytest.mark.parametrize(
    "facts", [FACTS, TableFacts(300, 120.0), TableFacts(300, 5.0, ordered=False), TableFacts(300, 5.0, split="random")]
)
def test_resolved_settings_are_complete_and_stay_as_they_are(given: dict[str, Any], facts: TableFacts) -> None:
    resolved = resolve(TrainingConfig(**given), facts)
    open_ends = {name for name, value in resolved.arguments().items() if value is None}
    assert open_ends <= {"max_tangent_norm"} | ({"half_life"} if resolved.history == 0 else set())
    assert resolve(resolved, facts) == resolved
    assert resolve(resolved, FACTS) == resolved


def test_users_that_are_no_tangent_vectors_have_no_history() -> None:
    assert resolve(ModelSettings(), FACTS, has_query_network=True).history == 0
    for settings, network in ((ModelSettings(mode="direct", history=3), False), (ModelSettings(history=3), True)):
        with pytest.raises(ValueError, match=r"`history` must be 0 or None in direct mode.*Received: history=3"):
            resolve(settings, FACTS, network)
