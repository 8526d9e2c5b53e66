"""`HyperML` learns from every kind of input, and `fit` shows the metrics that it should."""

from __future__ import annotations

from typing import Any

import forked
import numpy as np
import pytest
import tensorflow as tf
from tiny import DIM, fit, new_model, split

from hyperml_tf.data import Interactions, leave_one_out
from hyperml_tf.data.pipelines import raw_dataset
from hyperml_tf.layers import Curvature, MobiusDense
from hyperml_tf.models import HyperML
from hyperml_tf.models.baselines import Popularity
from hyperml_tf.optimizers import RiemannianAdagrad


def baseline() -> float:
    train, held_out = split().train, split().validation
    popularity = Popularity.from_interactions(train)
    popularity.fit(train)
    report = popularity.evaluate_ranking(held_out)
    return report["full_ndcg@10"]


def assert_learns(model: HyperML, data: Any = None, epochs: int = 5, **kwargs: Any) -> dict[str, list[float]]:
    data = split().train if data is None else data
    if isinstance(data, Interactions):
        kwargs["batch_size"] = 128
    history = model.fit(data, epochs=epochs, verbose=0, validation_data=split().validation, **kwargs).history
    assert history["loss"][-1] < 0.96 * history["loss"][0]
    assert history["val_full_ndcg@10"][-1] > 1.1 * baseline()
    assert set(history) == {
        "loss",
        "val_loss",
        *(f"val_{protocol}_{name}@10" for protocol in ("full", "sampled100") for name in ("hr", "ndcg")),
    }
    return history


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "tangent"},
        {"mode": "direct"},
        {"curvature": 0.0, "distortion_weight": 0.0},
        {"distortion_weight": 0.5, "negatives": 1, "hardest": 1},
    ],
    ids=str,
)
def test_learns_from_interactions(arguments: dict[str, Any]) -> None:
    assert_learns(new_model(**arguments))


@pytest.mark.slow
def test_a_learned_curvature_moves() -> None:
    model = new_model(curvature=Curvature(0.5, learned=True), mode="direct")
    assert_learns(model)
    assert float(model.curvature()) != pytest.approx(0.5, rel=1e-4)


@pytest.mark.slow
def test_learns_from_a_dataset_of_strings() -> None:
    model = new_model()
    assert_learns(model, raw_dataset(split().train, 256))
    assert len(model.seen) == len(split().train)


@pytest.mark.slow
def test_learns_from_a_dataset_of_integers() -> None:
    table = split().train
    ids = {"user_id": table.users.astype(np.int64) * 7 - 5, "item_id": table.items.astype(np.int64) + 10**12}
    numbered = Interactions.from_arrays(ids["user_id"], ids["item_id"])
    model = new_model(numbered)
    data = tf.data.Dataset.from_tensor_slices(ids).shuffle(5000, seed=0).batch(256)
    history = model.fit(data, epochs=4, verbose=0, validation_data=data.take(1)).history
    assert history["loss"][-1] < 0.95 * history["loss"][0]
    assert set(history) == {"loss", "val_loss", "val_full_hr@10", "val_full_ndcg@10"}
    found = model.recommend([-5, 2], k=3)
    assert found.ids.dtype == np.int64
    assert (found.ids >= 10**12).all()


# The user's own networks -----------------------------------------------------------------------------------------


def tower(ids: np.ndarray, *last: tf.keras.layers.Layer) -> tf.keras.Sequential:
    return tf.keras.Sequential(
        [
            tf.keras.layers.StringLookup(vocabulary=ids.tolist(), mask_token=None),
            tf.keras.layers.Embedding(len(ids) + 1, DIM),
            *(last or [tf.keras.layers.Dense(DIM)]),
        ]
    )


@pytest.mark.slow
def test_learns_with_a_network_on_one_side_and_features() -> None:
    train = split().train
    inputs = {"item_id": tf.keras.Input([], dtype=tf.string), "shape": tf.keras.Input([3])}
    embedded = tower(train.item_ids, tf.keras.layers.Activation("linear"))(inputs["item_id"])
    network = tf.keras.Model(inputs, embedded + tf.keras.layers.Dense(DIM, use_bias=False)(inputs["shape"]))
    features = {"shape": 0.1 * np.random.default_rng(0).normal(size=(train.n_items, 3))}
    networks = {"candidate_network": network, "candidate_features": features}
    assert_learns(new_model(optimizer=RiemannianAdagrad(0.1), **networks))


@pytest.mark.slow
def test_learns_with_a_network_that_ends_on_the_ball() -> None:
    train = split().train
    networks = {
        "query_network": tower(train.user_ids, MobiusDense(DIM, use_bias=False)),
        "candidate_network": tower(train.item_ids, MobiusDense(DIM, use_bias=False)),
    }
    assert_learns(new_model(network_output="ball", optimizer=RiemannianAdagrad(0.05), **networks), epochs=6)


# What changes nothing, and what does -----------------------------------------------------------------------------


def weights(model: HyperML) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in model.trainable_variables]


def assert_same_weights(first: HyperML, second: HyperML, **tolerance: float) -> None:
    for one, other in zip(weights(first), weights(second), strict=True):
        np.testing.assert_allclose(one, other, **tolerance)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for seed in (0, 0, 1):
        model = new_model(seed=seed, run_eagerly=seed == 1)
        runs.append((fit(model, 2), weights(model)))
    assert runs[0][0] == runs[1][0]
    assert all(np.array_equal(a, b) for a, b in zip(runs[0][1], runs[1][1], strict=True))
    assert runs[0][0] != runs[2][0]


@pytest.mark.slow
def test_steps_per_execution_change_nothing() -> None:
    """Neither when it does not divide the steps of an epoch, nor when it is more than those; and tracing changes nothing."""
    # Without the distortion, whose gradient has a sign that rounding decides where a pair is hardly curved.
    smooth = {"distortion_weight": 0.0}
    models = [new_model(run_eagerly=True, **smooth), *(new_model(steps_per_execution=n, **smooth) for n in (3, 100))]
    histories = [fit(model, 2, validation_data=split().validation.with_rows([0, 1])) for model in models]
    for model, history in zip(models[1:], histories[1:], strict=True):
        assert history.keys() == histories[0].keys()
        for name, values in histories[0].items():
            assert history[name] == pytest.approx(values, rel=1e-5)
        assert_same_weights(model, models[0], rtol=1e-3, atol=1e-3)  # rounding grows: Adagrad starts by signs


@pytest.mark.slow
def test_each_epoch_has_its_own_order_and_negatives() -> None:
    model = new_model(optimizer=tf.keras.optimizers.SGD(0.0), run_eagerly=True)
    losses = fit(model, 3)["loss"]
    assert len(set(losses)) == 3
    assert int(model.batches) == 3 * -(-len(split().train) // 256)


@pytest.mark.slow
def test_mixed_precision() -> None:
    tf.keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        train = split().train
        model = new_model(candidate_network=tower(train.item_ids))
        assert isinstance(model.optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
        history = fit(model, 3)
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    assert history["loss"][-1] < history["loss"][0]
    assert model.recommend(train.user_ids[:2], 3).distances.dtype == np.float32


@pytest.mark.slow
def test_the_hinge_of_a_regularizer_reaches_both_roles_of_an_item() -> None:
    """With a loss that is 0, the regularizer alone moves every row looked up, positives included."""
    table = Interactions.from_arrays(["u", "u", "v"], [f"i{n}" for n in (0, 1, 0)])
    model = HyperML(
        table.user_ids,
        ["i0", "i1", *map(str, range(500))],
        dim=2,
        negatives=1,
        negatives_group=3,
        margin=1e-9,
        embeddings_regularizer="l2",
    )
    model.compile(tf.keras.optimizers.SGD(1.0))
    # Users on their items, so that there is no pull and no push.
    model.query_tower.embedding.embeddings.assign([[1.0, 0.0], [1.0, 0.0]])
    points = np.full((502, 2), -1.0, np.float32)
    points[:2] = [1.0, 0.0]
    model.candidate_tower.embedding.embeddings.assign(points)
    model.fit(table, batch_size=3, verbose=0)
    moved = model.candidate_tower.embedding.embeddings.numpy() != points
    assert moved[:2, 0].all()
    assert moved.any(axis=1).sum() == 3  # and the one negative of the group


@pytest.mark.slow
def test_dropout_in_a_network_is_active_in_training_only() -> None:
    ids = split().train.item_ids
    network = tower(ids, tf.keras.layers.Dropout(0.5))
    model = new_model(candidate_network=network)
    codes = tf.range(len(ids))
    training = model.candidate_tower.points(codes, training=True)
    assert (training.numpy() == 0).mean() > 0.3
    assert not (model.candidate_tower.points(codes).numpy() == 0).any()
    batch = {"user": tf.constant([0]), "item": tf.constant([0])}
    losses = {float(model.compute_loss(batch, training=True)) for _ in range(5)}
    assert len(losses) == 5
    assert len({float(model.compute_loss(batch)) for _ in range(3)}) == 1


@pytest.mark.slow
def test_unknown_ids_in_a_batch_weigh_nothing() -> None:
    model = new_model(optimizer=tf.keras.optimizers.SGD(0.1), distortion_weight=1.0)
    model.set_seen(split().train)
    before = weights(model)
    known = split().train.user_ids[0]
    data = tf.data.Dataset.from_tensors({"user_id": ["stranger", known], "item_id": [split().train.item_ids[0], "new"]})
    history = model.fit(data, verbose=0).history
    assert history["loss"] == [0.0]
    assert all(np.array_equal(a, b) for a, b in zip(weights(model), before, strict=True))


@pytest.mark.slow
def test_two_replicas_make_the_update_of_one() -> None:
    """Keras splits a batch between the replicas and adds their gradients up."""
    program = """
import hyperml_tf, numpy as np, tensorflow as tf
from hyperml_tf.data import Interactions
from hyperml_tf.models import HyperML
from hyperml_tf.optimizers import RiemannianSGD
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
rng = np.random.default_rng(0)
table = Interactions.from_arrays(np.arange(64) % 16, rng.integers(30, size=64))
def train(strategy):
    with strategy.scope():
        tf.keras.utils.set_random_seed(0)
        # So many draws that they hold every item: both replicas find the same hardest.
        draws = {"negatives": 400, "hardest": 1, "shallow": None, "negatives_group": 64}
        model = HyperML.from_interactions(table, dim=3, mode="direct", embeddings_regularizer="l2", **draws)
        model.compile(RiemannianSGD(0.01), run_eagerly=True)
        history = model.fit(table, batch_size=len(table), epochs=2, verbose=0, validation_data=table).history
    return model, history
one, first = train(tf.distribute.OneDeviceStrategy("/cpu:0"))
two, second = train(tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"]))
assert two.distribute_strategy.num_replicas_in_sync == 2
for a, b in zip(one.trainable_variables, two.trainable_variables):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
for name in ("loss", "val_full_ndcg@10"):
    np.testing.assert_allclose(first[name], second[name], rtol=1e-5)
print("same")
"""
    assert forked.run(program).splitlines() == ["same"]


@pytest.mark.slow
def test_splits_without_validation_protocols() -> None:
    table = Interactions.from_arrays([0, 0, 0, 1, 1, 1], [0, 1, 2, 2, 1, 0])
    parts = leave_one_out(Interactions.from_arrays([0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 4, 5]))
    model = HyperML.from_interactions(table, dim=2)
    model.compile()
    with pytest.raises(ValueError, match="user with an item that they never interacted with"):
        model.fit(table, validation_data=table, verbose=0)
    model = HyperML.from_interactions(parts.train, dim=2)
    model.compile()
    assert "val_sampled100_hr@10" in model.fit(parts.train, validation_data=parts.validation, verbose=0).history


# Arguments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": 0}, "`dim` must be an integer >= 1. Received: dim=0"),
        ({"margin": 0.0}, "`margin` must be a finite number > 0"),
        ({"margin": float("nan")}, "`margin` must be a finite number > 0"),
        ({"negatives": 0}, "`negatives` must be an integer >= 1"),
        ({"hardest": 0}, "`hardest` must be an integer >= 1"),
        ({"negatives_group": 0}, "`negatives_group` must be an integer >= 1"),
        ({"distortion_weight": -1.0}, "`distortion_weight` must be a finite number >= 0"),
        ({"distortion_reference": "other"}, "`distortion_reference` must be one of"),
        ({"mode": "other"}, "`mode` must be one of"),
        ({"query_network": tf.keras.layers.Layer(), "network_output": "other"}, "`output` must be one of"),
        ({"curvature": -1.0}, "`curvature` must be a finite number >= 0"),
        ({"query_features": {"age": [1, 2]}}, "`query_features` need a `query_network`"),
        ({"query_network": tf.keras.layers.Lambda(lambda x: tf.zeros([tf.shape(x)[0], 3]))}, "vectors of `dim` 4"),
        ({"query_ids": ["a", "a"]}, "`ids` must be distinct"),
        ({"candidate_ids": []}, "non-empty list of ids"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HyperML(**{"query_ids": ["a", "b"], "candidate_ids": ["x", "y"], "dim": 4, **arguments})


def test_bad_inputs_of_fit() -> None:
    model, train = new_model(), split().train
    raw = raw_dataset(train, 64)
    for arguments, message in (
        ({"x": train, "y": [1]}, "`y` and `validation_split` must not be given.*Received: y of type list"),
        ({"x": train, "validation_split": 0.1}, "Received: y of type NoneType, validation_split=0.1"),
        ({"x": np.zeros((3, 2))}, "`x` must be an `Interactions` or a `tf.data.Dataset`"),
        ({"x": raw, "batch_size": 4}, "`batch_size` must be None if the data is a dataset.*Received: batch_size=4"),
        ({"x": raw.unbatch()}, "`x` must be batched"),
        ({"x": raw.map(lambda row: {"user_id": row["user_id"]})}, "with 'user_id' and 'item_id'.*Received: .*user_id"),
        ({"x": raw.map(lambda row: (row["user_id"], row["item_id"]))}, "must be a dictionary"),
        ({"x": raw.repeat()}, "infinite dataset"),
        ({"x": train, "validation_data": [1]}, "`validation_data` must be an `Interactions`"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(**arguments)
    with pytest.raises(ValueError, match="must hold rows of users and items that the model knows"):
        model.fit(train, validation_data=Interactions.from_arrays(["no", "one"], ["at", "all"]))
