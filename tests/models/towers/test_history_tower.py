"""`HistoryTower`: users placed by their items, against float64 arithmetic."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.geometry import poincare
from hyperml_tf.models import History, HistoryTower, HyperML, IdTower
from hyperml_tf.models.batches import Windows

N_ITEMS, DIM = 12, 3
HISTORIES = [[3, 1, 4], [5], [], [9, 2, 6, 8, 0, 7, 11, 10]]


def tower(**kwargs: Any) -> HistoryTower:
    """Four users, the last of whom has more items than a step reads."""
    chosen = {
        "length": 4,
        "weight": 0.5,
        "shrinkage": 2.0,
        "half_life": 2.0,
        "recent_weight": 0.7,
        "recent_half_life": 0.5,
    }
    history = History(**{**chosen, **kwargs})
    made = HistoryTower(list("abcd"), DIM, N_ITEMS, history)
    made.embedding.embeddings.assign(np.random.default_rng(2).normal(size=(4, DIM)))
    made.context.assign(np.random.default_rng(0).normal(size=(N_ITEMS, DIM)))
    if made.recent is not None:
        made.recent.assign(np.random.default_rng(1).normal(size=(N_ITEMS, DIM)))
    made.seen.set(np.repeat(np.arange(4), list(map(len, HISTORIES))), np.concatenate(HISTORIES).astype(np.int32))
    return made


def expected(
    made: HistoryTower, user: int, before: list[int], around: list[int] | None = None, n: int | None = None
) -> Any:
    """The formula of the class for a user with the items `before`; in training, context may be that of the items `around`."""
    history = made.history
    context, offset = made.context.numpy().astype(float), made.embedding.embeddings.numpy()[user].astype(float)
    n = len(before) if n is None else n
    tangent = n / (n + history.shrinkage) * offset if n else np.zeros(DIM)
    items = before if around is None else around
    if items:
        halvings = np.arange(len(items))[::-1] / (history.half_life or math.inf) * (around is None)
        mean = np.average(context[items], axis=0, weights=0.5**halvings)
        tangent = tangent + history.weight * math.sqrt(min(len(items), history.length)) * mean
    if made.recent is not None:
        newest = before[::-1][: math.ceil(6 * history.recent_half_life)]
        for age, item in enumerate(newest):
            weight = history.recent_weight * 0.5 ** (age / history.recent_half_life)
            tangent = tangent + weight * made.recent.numpy()[item]
    return poincare.expmap0(tf.constant(tangent), 1.0).numpy()


@pytest.mark.parametrize("half_life", [None, 2.0])
@pytest.mark.parametrize("recent_weight", [0.0, 0.7])
def test_points(half_life: float | None, recent_weight: float) -> None:
    made = tower(half_life=half_life, recent_weight=recent_weight)
    points = made(["a", "b", "c", "d", "nobody"]).numpy()
    for user, items in enumerate(HISTORIES):
        np.testing.assert_allclose(points[user], expected(made, user, items), rtol=1e-5, atol=1e-7)
    assert (points[2] == 0).all()
    assert (points[4] == 0).all()
    made.block = 3
    np.testing.assert_allclose(made.all_points(), points[:4], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(made([["a", "d"], ["b", "c"]]), points[[[0, 3], [1, 2]]], rtol=1e-6, atol=1e-7)


def test_what_is_very_old_is_not_read() -> None:
    made = tower(half_life=0.01, weight=0.25, recent_weight=0.0)
    alone = tower(half_life=None, length=1, weight=0.5, recent_weight=0.0)
    alone.embedding.set_weights(made.embedding.get_weights())
    alone.seen.set(np.full(1, 3), np.full(1, 10, np.int32))
    made.embedding.embeddings.assign(tf.zeros_like(made.embedding.embeddings))
    alone.embedding.embeddings.assign(tf.zeros_like(made.embedding.embeddings))
    np.testing.assert_allclose(made(["d"])[0], alone(["d"])[0], rtol=1e-5)


def training_points(made: HistoryTower, in_windows: bool, step: int = 1) -> dict[tuple[int, int], np.ndarray]:
    """The points of all pairs of a user and one of their items in a training step."""
    users, items = made.seen.users, made.seen.items
    seed = tf.constant([0, step], tf.int64)
    if not in_windows:
        points = made.training_points(tf.constant(users), tf.constant(items), seed)
    else:
        rows = Interactions.from_arrays(users, items)
        rows = rows.recode(np.arange(4), np.arange(N_ITEMS))
        (batch,) = made.training_batches(rows, 100, seed=3, progress=lambda: tf.constant(0))
        windows = Windows.of(batch)
        users, items = (codes.numpy() for codes in windows.codes())
        points = made.training_points(tf.constant(users), tf.constant(items), seed, windows)
    keys = zip(users.tolist(), items.tolist(), strict=True)
    return dict(zip(keys, points.numpy(), strict=True))


@pytest.mark.parametrize("in_windows", [False, True], ids=["rows", "runs"])
def test_training_reads_the_items_before_the_positive(in_windows: bool) -> None:
    made = tower(around=0.0)
    points = training_points(made, in_windows)
    assert len(points) == sum(map(len, HISTORIES))
    for (user, item), point in points.items():
        items = HISTORIES[user]
        before = items[: items.index(item)][-made.history.length :]
        np.testing.assert_allclose(point, expected(made, user, before, n=len(items) - 1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("in_windows", [False, True], ids=["rows", "runs"])
def test_training_reads_the_items_on_both_sides(in_windows: bool) -> None:
    made = tower(around=1.0)
    for (user, item), point in training_points(made, in_windows).items():
        items = HISTORIES[user]
        place = items.index(item)
        before = items[:place][-made.history.length :]
        around = before + items[place + 1 :][: made.history.length]
        right = expected(made, user, before, around, n=len(items) - 1)
        np.testing.assert_allclose(point, right, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_a_share_of_the_positives_is_placed_by_both_sides() -> None:
    causal, both = (training_points(tower(around=share), True) for share in (0.0, 1.0))
    telling = {pair for pair in both if not np.allclose(causal[pair], both[pair])}
    found = {True: 0, False: 0}
    for step in range(10):
        for pair, point in training_points(tower(around=0.5), True, step).items():
            if pair in telling:
                found[np.allclose(point, both[pair])] += 1
                assert np.allclose(point, both[pair]) or np.allclose(point, causal[pair])
    assert min(found.values()) > 0.2 * sum(found.values())


@pytest.mark.slow
def test_of_wide_sides_a_part_is_drawn_anew_in_every_step() -> None:
    made = tower(around=1.0, spread=2)
    length, drawn = made.history.length, {}
    for step in range(4):
        for (user, item), point in training_points(made, True, step).items():
            items = HISTORIES[user]
            place = items.index(item)
            near = items[max(0, place - 2 * length) : place] + items[place + 1 :][: 2 * length]
            sets = [list(chosen) for n in range(len(near) + 1) for chosen in itertools.combinations(near, n)]
            # No other set of items has this mean, because context vectors are random.
            (found,) = (
                chosen
                for chosen in sets
                if np.allclose(
                    point, expected(made, user, items[:place], chosen, n=len(items) - 1), rtol=1e-5, atol=1e-6
                )
            )
            drawn.setdefault((user, item), []).append(len(found) / max(len(near), 1))
            if len(items) <= length + 1:
                assert found == near
    shares = [values for (user, _), values in drawn.items() if len(HISTORIES[user]) > length + 1]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.15)
    assert len({value for values in shares for value in values}) > 1


def test_an_item_that_is_not_known_is_predicted_from_the_whole_history() -> None:
    made = tower(around=0.0)
    points = made.training_points(tf.constant([0, 1]), tf.constant([7, 0]), tf.constant([0, 1], tf.int64))
    for row, user in enumerate((0, 1)):
        np.testing.assert_allclose(points[row], expected(made, user, HISTORIES[user]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("in_windows", [False, True], ids=["rows", "runs"])
def test_a_step_reads_and_changes_few_rows(in_windows: bool) -> None:
    made = tower()
    tables = [made.context, made.recent, made.embedding.embeddings]
    seed = tf.constant([0, 1], tf.int64)
    run = {"user": [3], "item": [[6, 8, 0, -1]], "history": [[-1, -1, 9, 2, 6, 8, 0, 7, 11, 10, -1, -1]]}
    with tf.GradientTape() as tape:
        if in_windows:
            windows = Windows.of({name: tf.constant(codes) for name, codes in run.items()})
            points = made.training_points(*windows.codes(), seed, windows)
        else:
            points = made.training_points(tf.fill([3], 3), tf.constant([6, 6, 11]), seed)
        total = tf.reduce_sum(points)
    gradients = tape.gradient(total, tables)
    assert all(isinstance(gradient, tf.IndexedSlices) for gradient in gradients)
    assert all(np.isfinite(gradient.values).all() for gradient in gradients)
    for gradient in gradients[:2]:
        rows = gradient.indices.numpy().tolist()
        assert len(rows) == len(set(rows))
        assert set(rows) <= set(HISTORIES[3])


def test_which_models_have_a_history() -> None:
    ids = [["u"], ["x", "y"]]
    assert isinstance(HyperML(*ids).query_tower, HistoryTower)
    assert HyperML(*ids, history=5).query_tower.history == History(length=5)
    assert type(HyperML(*ids, history=0).query_tower) is IdTower
    assert type(HyperML(*ids, mode="direct").query_tower) is IdTower
    rows = (["u", "u", "v"], ["x", "y", "y"])
    assert HyperML.from_interactions(Interactions.from_arrays(*rows)).query_tower.history == History.unordered()
    ordered = Interactions.from_arrays(*rows, order=[1, 2, 1])
    undirected = History(around=1.0, recent_weight=0.0)
    assert HyperML.from_interactions(ordered).query_tower.history == undirected
    walk = np.tile(["x", "y", "z"], 30)
    directed = Interactions.from_arrays(np.repeat(np.arange(30), 3), walk, order=np.arange(90))
    assert HyperML.from_interactions(directed).query_tower.history == History()
    with pytest.raises(ValueError, match=r"`history` must be 0 or None in direct mode.*Received: history=3"):
        HyperML(*ids, mode="direct", history=3)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (-1, "`history` must be a `History`.*Received: history=-1"),
        (True, "`history` must be a `History`"),
        ("all", "`history` must be a `History`.*'all'"),
        ({"length": 0}, "`length` must be an integer >= 1. Received: length=0"),
        ({"half_life": 0.0}, '`half_life` must be a number > 0 or "inf"'),
        ({"around": 1.5}, "`around` must be a finite number >= 0 and <= 1. Received: around=1.5"),
        ({"recent_weight": -1.0}, "`recent_weight` must be a finite number >= 0"),
        ({"neighbours": "near"}, "`neighbours` must be one of"),
        ({"weight": float("nan")}, "`weight` must be a finite number >= 0"),
        ({"shrinkage": -1.0}, "`shrinkage` must be a finite number >= 0"),
    ],
)
def test_bad_histories(history: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HyperML(["u"], ["x", "y"], history=history)
    with pytest.raises(ValueError, match="must have a length"):
        HistoryTower(["u"], 2, 3, 0)


def test_new_items_move_a_user_without_training() -> None:
    model = HyperML(["u", "v"], ["x", "y", "z"], dim=2)
    model.query_tower.context.assign([[5.0, 0.0], [0.0, 5.0], [0.0, 0.0]])
    model.candidate_tower.embedding.embeddings.assign([[1.0, 0.0], [0.0, 1.0], [2.0, 0.1]])
    model.compile()
    model.set_seen(Interactions.from_arrays(["u", "v"], ["x", "y"]))
    assert model.recommend(["u"], k=1).ids.tolist() == [["z"]]
    model.set_seen(Interactions.from_arrays(["u", "u", "v"], ["x", "y", "y"]))
    assert model.recommend(["u"], k=1, exclude_seen=False).ids.tolist() == [["y"]]
