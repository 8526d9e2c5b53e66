"""The loss of a batch against float64 arithmetic, the choice of negatives against brute force, and what a step touches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.geometry.poincare.measured import measure
from hyperml_tf.layers import Curvature
from hyperml_tf.models import HyperML
from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianSGD
from hyperml_tf.sampling import draw, hardest
from hyperml_tf.tables import SeenItems

N_USERS, N_ITEMS, DIM, MARGIN = 9, 25, 3, 2.0


def table() -> Interactions:
    rng = np.random.default_rng(0)
    pairs = [(u, int(i)) for u in range(N_USERS) for i in rng.permutation(N_ITEMS)[:8]]
    users, items = zip(*pairs, strict=True)
    return Interactions.from_arrays(users, items)


def random_model(radius: float = 0.5, **kwargs: Any) -> HyperML:
    sizes = {"dim": DIM, "margin": MARGIN, "negatives": 10, "negatives_group": 4}
    kwargs = {**sizes, "distortion_weight": 0.0, "history": 0, **kwargs}
    model = HyperML.from_interactions(table(), **kwargs)
    rng = np.random.default_rng(1)
    for tower in (model.query_tower, model.candidate_tower):
        points = rng.uniform(-radius, radius, (len(tower), DIM)) / np.sqrt(DIM)
        tower.embedding.embeddings.assign(points)
    return model


def batch(model: HyperML, rows: int | None = None) -> dict[str, tf.Tensor]:
    data = table()
    return {"user": tf.constant(data.users[:rows]), "item": tf.constant(data.items[:rows])}


def tangent_points(model: HyperML) -> tuple[np.ndarray, np.ndarray]:
    return tuple(t.embedding.embeddings.numpy().astype(np.float64) for t in (model.query_tower, model.candidate_tower))


def distance(u: np.ndarray, v: np.ndarray, c: float) -> np.ndarray:
    """Between tangent vectors, by the formula of the paper: Möbius addition and artanh."""
    if c == 0:
        return 2 * np.linalg.norm(u - v, axis=-1)
    x, y = (
        np.tanh(np.sqrt(c) * n) * w / (np.sqrt(c) * n) for w in (u, v) for n in [np.linalg.norm(w, axis=-1)[..., None]]
    )
    dot, xx, yy = (np.sum(a * b, -1, keepdims=True) for a, b in ((-x, y), (x, x), (y, y)))
    added = ((1 + 2 * c * dot + c * yy) * -x + (1 - c * xx) * y) / (1 + 2 * c * dot + c * c * xx * yy)
    return 2 / np.sqrt(c) * np.arctanh(np.sqrt(c) * np.linalg.norm(added, axis=-1))


def expected_loss(model: HyperML, users: np.ndarray, items: np.ndarray, c: float) -> float:
    """A loop over positives, their group's draws, and the hardest of them that are not the user's own."""
    u, v = tangent_points(model)
    indptr, indices = model.seen.indptr, model.seen.items
    draws = draw(
        tf.constant(len(users)), N_ITEMS, model.negatives, model.negatives_group, model._seed({}, training=False)
    ).codes.numpy()
    reference = 2.0 if model.distortion_reference == "conformal" else 1.0
    total = 0.0
    for row, (user, item) in enumerate(zip(users, items, strict=True)):
        group = draws[row // model.negatives_group]
        own = indices[indptr[user] : indptr[user + 1]]
        others = distance(u[user], v[group], c)
        # Only the nearest few draws are looked at; if they are the user's own, a negative is missing.
        nearest = group[np.argsort(others, kind="stable")][: model.hardest + 3]
        negatives = [n for n in nearest if n not in own][: model.hardest]
        positive = distance(u[user], v[item], c)
        apart = reference * np.linalg.norm(u[user] - v[item])
        total += model.distortion_weight * abs(positive - apart) / apart
        for negative in negatives:
            far = distance(u[user], v[negative], c)
            apart = reference * np.linalg.norm(u[user] - v[negative])
            total += max(0.0, model.margin + positive**2 - far**2) / model.hardest
            total += model.distortion_weight * abs(far - apart) / apart / model.hardest
    return total


@pytest.mark.parametrize("c", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("hardest", [1, 2])
@pytest.mark.parametrize(("weight", "reference"), [(0.0, "conformal"), (0.7, "conformal"), (0.7, "tangent")])
def test_the_loss_of_a_batch(c: float, hardest: int, weight: float, reference: str) -> None:
    model = random_model(curvature=c, hardest=hardest, distortion_weight=weight, distortion_reference=reference)
    model.set_seen(table())
    data = batch(model, 30)  # not a multiple of the group size
    loss = model.compute_loss(data)
    assert loss.dtype == tf.float32
    assert float(loss) == pytest.approx(expected_loss(model, data["user"].numpy(), data["item"].numpy(), c), rel=1e-4)


def test_modes_have_one_loss() -> None:
    tangent, direct = random_model(mode="tangent"), random_model(mode="direct")
    for one, other in (
        (tangent.query_tower, direct.query_tower),
        (tangent.candidate_tower, direct.candidate_tower),
    ):
        other.embedding.embeddings.assign(one.all_points())
    for model in (tangent, direct):
        model.set_seen(table())
    losses = [float(model.compute_loss(batch(model))) for model in (tangent, direct)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_raw_ids_and_codes_have_one_loss() -> None:
    model, data = random_model(), table()
    model.set_seen(data)
    raw = {"user_id": data.user_ids[data.users], "item_id": data.item_ids[data.items]}
    assert float(model.compute_loss(raw)) == float(model.compute_loss(batch(model)))


def test_rows_with_unknown_ids_have_weight_0() -> None:
    model = random_model(distortion_weight=0.5, negatives_group=100)
    model.set_seen(table())
    data = table()
    users, items = data.user_ids[data.users[:6]], data.item_ids[data.items[:6]]
    loss = model.compute_loss({"user_id": users, "item_id": items})
    longer = model.compute_loss({"user_id": [*users, 999, users[0], 999], "item_id": [*items, items[0], 999, 999]})
    assert float(longer) == pytest.approx(float(loss), rel=1e-6)


def test_one_step_at_curvature_0_is_that_of_a_euclidean_model() -> None:
    """CML by hand: hinge of squared distances, its gradients, and a step of SGD."""
    model = random_model(curvature=0.0, negatives=1, hardest=1, negatives_group=1)
    model.set_seen(table())
    u, v = tangent_points(model)
    data = batch(model, 12)
    draws = draw(tf.constant(12), N_ITEMS, 1, 1, model._seed({}, training=True)).codes.numpy()[:, 0]
    rate, new_u, new_v = 0.01, u.copy(), v.copy()
    owned = set(table().keys().tolist())
    for user, item, other in zip(data["user"].numpy(), data["item"].numpy(), draws, strict=True):
        if int(user) * N_ITEMS + int(other) in owned:
            continue
        pull, push = u[user] - v[item], u[user] - v[other]
        if MARGIN + 4 * pull @ pull - 4 * push @ push > 0:
            new_u[user] -= rate * 8 * (pull - push)
            new_v[item] += rate * 8 * pull
            new_v[other] -= rate * 8 * push
    model.compile(tf.keras.optimizers.SGD(rate))
    model.train_step(data)
    for got, expected, before in zip(tangent_points(model), (new_u, new_v), (u, v), strict=True):
        assert not np.allclose(expected, before)
        np.testing.assert_allclose(got, expected, atol=1e-6)


# The choice of negatives -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("c", [0.0, 1.0])
@pytest.mark.parametrize("count", [1, 3])
def test_the_hardest_negative_is_the_nearest_unseen_candidate(c: float, count: int) -> None:
    rng = np.random.default_rng(0)
    group_size, negatives, rows = 5, 12, 17  # the last group is not full
    model = random_model(curvature=c)
    users = rng.integers(N_USERS, size=rows).astype(np.int32)
    u, v = tangent_points(model)
    seen = SeenItems(N_USERS, N_ITEMS)
    seen.set_interactions(table())
    drawn = draw(tf.constant(rows), N_ITEMS, negatives, group_size, [1, 2])
    assert drawn.codes.shape == (4, negatives)
    positions, found = hardest(
        drawn,
        measure(model.query_tower.points(tf.constant(users)), tf.constant(c)),
        tf.constant(users),
        measure(model.candidate_tower.points(tf.reshape(drawn.codes, [-1])), tf.constant(c)),
        tf.constant(c),
        seen,
        count,
    )
    assert positions.shape == found.shape == (rows, count)
    indptr, indices = table().csr()
    chosen = drawn.codes.numpy().ravel()[positions]
    for row, user in enumerate(users):
        group = drawn.codes.numpy()[row // group_size]
        assert (positions[row].numpy() // negatives == row // group_size).all()
        order = group[np.argsort(distance(u[user], v[group], c), kind="stable")][: count + 3]
        own = set(indices[indptr[user] : indptr[user + 1]])
        allowed = [code for code in order if code not in own]
        assert found[row].numpy().tolist() == [n < len(allowed) for n in range(count)]
        assert chosen[row][found[row].numpy()].tolist() == allowed[:count]


def test_a_positive_without_an_unseen_draw_has_weight_0() -> None:
    data = Interactions.from_arrays([0, 0, 0, 1], [0, 1, 2, 2])
    model = HyperML.from_interactions(data, dim=2, negatives=5, distortion_weight=0.0)
    model.set_seen(data)
    assert float(model.compute_loss({"user": [0, 0], "item": [0, 1]})) == 0.0
    assert float(model.compute_loss({"user": [1], "item": [2]})) > 0.0


def test_draws_follow_from_the_seed_and_cover_the_catalogue() -> None:
    first, same, other = (draw(tf.constant(64), 7, 20, 8, seed).codes for seed in ([0, 1], [0, 1], [0, 2]))
    assert first.shape == (8, 20)
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    assert set(first.numpy().ravel()) == set(range(7))


def test_no_gradient_flows_through_the_choice_of_negatives() -> None:
    model = random_model(hardest=1)
    model.set_seen(table())
    data = batch(model, 5)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(data)
    gradient = tape.gradient(loss, model.candidate_tower.embedding.embeddings)
    touched = np.unique(gradient.indices.numpy()[np.abs(gradient.values.numpy()).max(axis=1) > 0])
    assert len(touched) <= 10  # five positives and the one negative of each


# What a step costs -----------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("optimizer", [RiemannianAdagrad, RiemannianSGD])
@pytest.mark.parametrize("mode", ["tangent", "direct"])
def test_no_operation_of_a_step_is_as_large_as_a_table(mode: str, optimizer: type, learned: bool) -> None:
    users, items = 7919, 6007  # primes that no other size can be mistaken for
    model = HyperML(np.arange(users), np.arange(items), dim=DIM, mode=mode, curvature=Curvature(1.0, learned=learned))
    model.seen.set(np.arange(11), np.arange(11))
    model.compile(optimizer(0.1))
    model.optimizer.build(model.trainable_variables)
    spec = tf.TensorSpec([32], tf.int32)
    graph = tf.function(model.train_step).get_concrete_function({"user": spec, "item": spec}).graph
    pending, operations = [graph], []
    while pending:  # with the branches of every `tf.cond`
        current = pending.pop()
        operations += current.get_operations()
        pending += [function.graph for function in current._functions.values() if hasattr(function, "graph")]
    assert sum(op.type == "ResourceGather" for op in operations) >= 2
    large = [
        (op.type, op.name)
        for op in operations
        for tensor in (*op.inputs, *op.outputs)
        if tensor.shape.rank and any(size is not None and size >= items for size in tensor.shape)
    ]
    # The index of the seen pairs is as long as there are users; it is an input, and only gathered from.
    assert [name for kind, name in large if kind not in ("Placeholder", "GatherV2")] == []


@pytest.mark.parametrize("mode", ["tangent", "direct"])
def test_gradients_of_tables_are_sparse(mode: str) -> None:
    model = random_model(mode=mode)
    model.set_seen(table())
    with tf.GradientTape() as tape:
        loss = model.compute_loss(batch(model, 8), training=True)
    gradients = tape.gradient(loss, model.trainable_variables)
    assert [type(gradient) for gradient in gradients] == [tf.IndexedSlices] * 2


@pytest.mark.parametrize(
    ("n_items", "dim", "expected"), [(500, 64, 20), (5000, 64, 50), (20_000, 64, 128), (5000, 16, 32), (5000, 8, 20)]
)
def test_default_negatives_follow_the_catalogue_and_the_dimension(n_items: int, dim: int, expected: int) -> None:
    model = HyperML([1, 2], range(n_items), dim=dim)
    assert (model.negatives, model.negatives_group) == (expected, max(32, expected // 2))
