"""Daily retraining: new rows move users, and no user is lost."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tiny import DIM, new_model, split

from hyperml_tf.data import Interactions
from hyperml_tf.models import DistanceIndex, HyperML
from hyperml_tf.serving import export_saved_model


def frozen(table: Interactions) -> HyperML:
    """A model whose parameters never change: only what users have seen can move them."""
    return new_model(table, optimizer=tf.keras.optimizers.SGD(0.0), run_eagerly=True)


def part(rows: Any) -> Interactions:
    return split().train.with_rows(rows)


def halves() -> tuple[Interactions, Interactions]:
    """The older and the newer half of each user's rows."""
    table = split().train
    place = np.arange(len(table)) - np.searchsorted(table.users, table.users)
    older = place < table.activity()[table.users] // 2
    return part(older), part(~older)


@pytest.mark.slow
def test_a_small_table_loses_nobody() -> None:
    model = frozen(split().train)
    model.fit(split().train, verbose=0)
    before = model.query_tower.all_points().numpy()
    model.fit(part(np.arange(2)), verbose=0)  # rows that are known already
    np.testing.assert_array_equal(model.query_tower.all_points(), before)
    assert (np.linalg.norm(before, axis=1) > 0).all()


@pytest.mark.slow
def test_the_users_of_a_day_are_those_of_all_rows(tmp_path: Path) -> None:
    older, newer = halves()
    model = frozen(split().train)
    model.fit(older, verbose=0)
    before = model.query_tower.all_points().numpy()
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    loaded.fit(newer, verbose=0)
    at_once = frozen(split().train)
    at_once.set_seen(split().train)
    at_once.set_weights(loaded.get_weights())
    np.testing.assert_array_equal(loaded.seen.items, split().train.items)
    np.testing.assert_array_equal(loaded.query_tower.all_points(), at_once.query_tower.all_points())
    moved = np.abs(loaded.query_tower.all_points() - before).max(axis=1) > 0
    assert moved[newer.activity() > 0].all()


@pytest.mark.slow
def test_rows_replace_what_was_seen_where_that_is_asked_for() -> None:
    model = frozen(split().train)
    model.fit(split().train, verbose=0)
    model.fit(part(np.arange(5)), replace_seen=True, verbose=0)
    assert len(model.seen) == 5


def test_add_seen_puts_the_newest_last() -> None:
    model = HyperML(["u", "v"], ["x", "y", "z"], dim=2)
    model.set_seen(Interactions.from_arrays(["u", "v"], ["x", "z"]))
    model.add_seen(Interactions.from_arrays(["u", "u", "v"], ["y", "x", "x"]))
    assert model.seen.items.tolist() == [0, 1, 2, 0]
    assert model.seen.users.tolist() == [0, 0, 1, 1]


def test_unknown_ids_are_named_in_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    model = HyperML(["u", "v"], ["x", "y"], dim=2)
    with caplog.at_level(logging.WARNING):
        model.set_seen(Interactions.from_arrays(["u", "w"], ["x", "y"]))
    assert "Left out 1 of 2 rows of `interactions`: the model does not know their user or item." in caplog.text


@pytest.mark.slow
def test_the_graph_of_a_step_is_made_anew_only_for_new_pairs() -> None:
    traced = []

    class Counting(HyperML):
        def compute_loss(self, inputs: Any, training: bool = False) -> Any:
            traced.append(training)
            return super().compute_loss(inputs, training)

    older, newer = halves()
    model = Counting.from_interactions(split().train, dim=DIM)
    model.compile()
    counts = []
    for table in (older, older, newer, older, newer):
        traced.clear()
        model.fit(table, batch_size=len(table), verbose=0)
        counts.append(len(traced))
    assert counts[0] > 0
    assert counts[1] == 0
    assert counts[2] > 0
    assert counts[3:] == [0, 0] or sum(counts[3:]) <= counts[0]  # another batch size may trace once more


NOTHING_SEEN = "it has seen nothing: all users would be at the origin"


@pytest.mark.slow
@pytest.mark.parametrize(
    "use",
    [
        lambda model, path: model.recommend(["u"]),
        lambda model, path: model.evaluate_ranking(Interactions.from_arrays(["u", "v"], ["x", "y"])),
        lambda model, path: model.evaluate(Interactions.from_arrays(["u", "v"], ["x", "y"]), verbose=0),
        lambda model, path: DistanceIndex(model),
        lambda model, path: export_saved_model(model, path / "1"),
    ],
    ids=["recommend", "evaluate_ranking", "evaluate", "DistanceIndex", "export"],
)
def test_users_without_any_history_are_an_error(use: Any, tmp_path: Path) -> None:
    model = HyperML(["u", "v"], ["x", "y"], dim=2)
    model.compile()
    model.batches.assign(3)  # as if it had been trained
    with pytest.raises(ValueError, match=NOTHING_SEEN):
        use(model, tmp_path)
    # Free points need none.
    model = HyperML(["u", "v"], ["x", "y"], dim=2, history=0)
    model.compile()
    use(model, tmp_path)
