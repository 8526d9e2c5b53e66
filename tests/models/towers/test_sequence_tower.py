"""`SequenceTower` and its encoder: what a point depends on, in training as in inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.geometry import poincare
from hyperml_tf.models import Encoding, HistoryTower, HyperML, SequenceEncoder, SequenceTower
from hyperml_tf.models.batches import Windows
from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam
from hyperml_tf.settings import TableFacts

N_ITEMS, DIM, LENGTH = 12, 4, 6
HISTORIES = [[3, 1, 4], [5], [], [9, 2, 6, 8, 0, 7, 11, 10, 1]]
HISTORY = {"length": 3, "shrinkage": 2.0, "half_life": 2.0, "recent_weight": 0.7, "recent_half_life": 0.5}


def encoder(**kwargs: Any) -> SequenceEncoder:
    tf.keras.utils.set_random_seed(3)
    made = SequenceEncoder(N_ITEMS, DIM, {"length": LENGTH, **kwargs})
    for weight in made.trainable_variables:
        weight.assign_add(tf.random.normal(weight.shape, stddev=0.5))
    return made


def tower(**kwargs: Any) -> SequenceTower:
    tf.keras.utils.set_random_seed(3)
    made = SequenceTower(list("abcd"), DIM, N_ITEMS, {**HISTORY, **kwargs}, encoding={"length": LENGTH, "dropout": 0.0})
    for weight in made.trainable_variables:
        weight.assign(tf.random.normal(weight.shape, stddev=0.3))
    made.seen.set(np.repeat(np.arange(4), list(map(len, HISTORIES))), np.concatenate(HISTORIES).astype(np.int32))
    return made


# The encoder ---------------------------------------------------------------------------------------------------------


def test_the_output_at_a_place_depends_on_the_items_up_to_it() -> None:
    made = encoder(blocks=2, heads=2)
    first, other = made(tf.constant([[1, 2, 3, 4]])), made(tf.constant([[1, 2, 5, 6]]))
    np.testing.assert_allclose(first[:, :2], other[:, :2], rtol=1e-5, atol=1e-6)
    assert not np.allclose(first[:, 2:], other[:, 2:], atol=1e-2)
    assert not np.allclose(made(tf.constant([[2, 1, 3]]))[:, 2], made(tf.constant([[1, 2, 3]]))[:, 2], atol=1e-2)


@pytest.mark.parametrize("padded", [[-1, -1, 7, 2, 5], [7, 2, 5, -1, -1], [7, -1, 2, -1, 5]])
def test_padding_may_be_anywhere(padded: list[int]) -> None:
    made = encoder(blocks=2)
    np.testing.assert_allclose(
        made.newest(tf.constant([padded])), made.newest(tf.constant([[7, 2, 5]])), rtol=1e-5, atol=1e-6
    )
    assert np.isfinite(made(tf.constant([padded, [-1] * 5]))).all()
    assert (made.newest(tf.constant([[-1, -1]])) == 0).numpy().all()


def test_only_the_newest_items_count() -> None:
    made = encoder()
    np.testing.assert_allclose(
        made.newest(tf.constant([[9, 8, -1, 0, 1, 2, 3, 4, 5]])),
        made.newest(tf.constant([[0, 1, 2, 3, 4, 5]])),
        rtol=1e-5,
        atol=1e-6,
    )


def test_dropout_is_a_function_of_the_seed() -> None:
    made, codes = encoder(dropout=0.5), tf.constant([[1, 2, 3]])
    first, again, other = (made(codes, tf.constant([0, step], tf.int64)).numpy() for step in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)
    assert not np.allclose(first, made(codes))


# The tower -----------------------------------------------------------------------------------------------------------


def expected(made: SequenceTower, user: int, before: list[int], n: int | None = None) -> np.ndarray:
    """The tangent vector of a `HistoryTower` with these items, plus the output of the encoder after them."""
    plain = HistoryTower(list("abcd"), DIM, N_ITEMS, made.history)
    for name in ("context", "recent"):
        getattr(plain, name).assign(getattr(made, name))
    plain.seen.set(np.full(len(before), user), np.array(before, np.int32))
    pulled, counts = plain.pulled(tf.constant([user]))
    n = float(counts[0] if n is None else n)
    tangent = n / (n + made.history.shrinkage) * made.embedding.embeddings[user] + pulled[0]
    encoded = made.encoder.newest(tf.constant([before[-LENGTH:]], tf.int32))[0] if before else 0.0
    return poincare.expmap0(tangent + encoded, 1.0).numpy()


def test_points() -> None:
    made = tower()
    points = made(["a", "b", "c", "d", "nobody"]).numpy()
    for user, items in enumerate(HISTORIES):
        np.testing.assert_allclose(points[user], expected(made, user, items), rtol=1e-4, atol=1e-6)
    assert (points[[2, 4]] == 0).all()
    made.block = 3
    np.testing.assert_allclose(made.all_points(), points[:4], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("in_windows", [False, True], ids=["rows", "runs"])
def test_training_reads_the_items_before_the_positive(in_windows: bool) -> None:
    made = tower(around=0.0, length=5)  # so that runs are of one place, and windows of five items before it
    users, items = made.seen.users, made.seen.items
    windows = None
    if in_windows:
        rows = Interactions.from_arrays(users, items).recode(np.arange(4), np.arange(N_ITEMS))
        batches = made.training_batches(rows, 4, seed=3, progress=lambda: tf.constant(0))
        parts = []
        for batch in batches:
            windows = Windows.of(batch)
            codes = windows.codes()
            parts.append((*codes, made.training_points(*codes, tf.constant([0, 1], tf.int64), windows)))
        users, items, points = (np.concatenate([part[column] for part in parts]) for column in range(3))
    else:
        points = made.training_points(tf.constant(users), tf.constant(items), tf.constant([0, 1], tf.int64))
    assert len(points) == sum(map(len, HISTORIES))
    for user, item, point in zip(users, items, np.asarray(points), strict=True):
        own = HISTORIES[user]
        before = own[: own.index(item)]
        # A window ends five items before the positive, but six are encoded otherwise.
        before = before[-5:] if in_windows else before[-6:]
        right = expected_in_training(made, user, before, len(own) - 1)
        np.testing.assert_allclose(point, right, rtol=1e-4, atol=1e-5)


def expected_in_training(made: SequenceTower, user: int, before: list[int], n: int) -> np.ndarray:
    """As `expected`, where the pull is that of the items within the length of the history."""
    pulled = expected(made, user, before[-made.history.length :], n)
    encoder = made.encoder
    tangent = poincare.logmap0(tf.constant(pulled), 1.0).numpy()
    if before:
        near, all_of_them = (tf.constant([part], tf.int32) for part in (before[-made.history.length :], before))
        tangent = tangent - encoder.newest(near)[0].numpy() + encoder.newest(all_of_them)[0].numpy()
    return poincare.expmap0(tf.constant(tangent), 1.0).numpy()


def test_a_run_has_the_points_of_its_places() -> None:
    """A long run, where all places are encoded at once."""
    made = tower(around=0.0)
    run = {"user": [3], "item": [[2, 6, 8]], "history": [[9, 2, 6, 8]]}
    windows = Windows.of({name: tf.constant(codes) for name, codes in run.items()})
    points = made.training_points(*windows.codes(), tf.constant([0, 1], tf.int64), windows)
    for point, item in zip(points, (2, 6, 8), strict=True):
        before = HISTORIES[3][: HISTORIES[3].index(item)]
        np.testing.assert_allclose(point, expected(made, 3, before, len(HISTORIES[3]) - 1), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_it_learns_an_order_that_a_history_does_not_show() -> None:
    """Which item follows depends on the last two together: on whether the walk goes up or down."""
    rng = np.random.default_rng(0)
    starts, steps = rng.integers(0, 20, 120), rng.choice([-1, 1], 120)
    items = (starts[:, np.newaxis] + steps[:, np.newaxis] * np.arange(9)) % 20
    known, following = items[:, :8], items[:, 8]
    rows = Interactions.from_arrays(np.repeat(np.arange(120), 8), known.ravel(), order=np.tile(np.arange(8), 120))
    tf.keras.utils.set_random_seed(0)
    model = HyperML.from_interactions(
        rows,
        dim=16,
        user_model="sequence",
        loss="softmax",
        encoding=Encoding(length=12, dropout=0.0),
        history=2,
        negatives=20,
    )
    model.compile(RiemannianAdam(0.02), steps_per_execution=4)
    model.fit(rows, batch_size=240, epochs=15, verbose=0)
    found = model.recommend(np.arange(120), k=1).ids[:, 0]
    assert np.mean(found == following) > 0.8


def test_the_loss_and_the_optimizer_depend_on_the_density_of_the_table() -> None:
    ids = ["u"], ["x", "y"]
    sparse = HyperML(*ids, dim=8, user_model="sequence")
    dense = HyperML(*ids, dim=8, user_model="sequence", table_facts=TableFacts(2, rows_per_user=100.0))
    assert (sparse.settings.loss, dense.settings.loss) == ("pull_push", "softmax")
    assert isinstance(sparse.default_optimizer(), RiemannianAdagrad)
    optimizer = dense.default_optimizer()
    assert isinstance(optimizer, RiemannianAdam)
    assert float(optimizer.learning_rate) == pytest.approx(0.001)
    assert dense.settings.curvature == 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"encoding": {"heads": 3}}, "`encoding.heads` must be a divisor of `dim`, which is 8. Received: heads=3"),
        (
            {"encoding": {"length": 16}},
            "`encoding.length` must be greater than the number of items that `history` reads",
        ),
        ({"encoding": {"dropout": 1.0}}, "`dropout` must be a finite number >= 0 and < 1"),
        ({"encoding": 5}, "`encoding` must be an `Encoding`, its arguments, or None. Received: encoding=5"),
        ({"user_model": "history", "encoding": {}}, '`encoding` must be None unless `user_model` is "sequence"'),
        ({"user_model": "history", "history": 0}, '`history` must be at least 1 or None with user_model="history"'),
        (
            {"user_model": "free", "history": 3},
            '`history` must be 0 or None with user_model="free". Received: history=3',
        ),
        ({"mode": "direct"}, '`user_model` must be "free" or None in direct mode'),
    ],
)
def test_contradictions(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HyperML(["u"], ["x", "y"], dim=8, **{"user_model": "sequence", **arguments})
