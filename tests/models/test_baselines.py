"""The baselines: each learns, does what its formula says, and answers and saves as `HyperML` does."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tiny import split

from hyperml_tf.data import Interactions
from hyperml_tf.metrics import ranking_report
from hyperml_tf.models import HyperML, baselines
from hyperml_tf.models.baselines.vector_tower import VectorTower
from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.models.recommendations import Recommendations
from hyperml_tf.models.seen_items import SeenItems
from hyperml_tf.models.uniform_negatives import uniform_negatives
from hyperml_tf.optimizers import RiemannianAdagrad

DIM = 6
SMALL = Interactions.from_arrays(["u", "u", "v", "w"], ["a", "b", "b", "c"])

# Arguments that are not the defaults.
MODELS: dict[str, dict[str, Any]] = {
    "MFBPR": {"regularization": 0.02, "negatives": 2, "initial_stddev": 0.05},
    "CML": {"margin": 0.4, "negatives": 8, "covariance_weight": 0.1, "initial_stddev": 0.05},
    "EuclideanTwin": {"margin": 8.0, "negatives": 8},
    "LRML": {"memories": 3, "margin": 0.3, "negatives": 2, "initial_stddev": 0.2},
}
every_model = pytest.mark.parametrize("name", MODELS)
# The twin is trained by the code of `HyperML`, whose own tests are enough; the last test here says that it is.
but_the_twin = pytest.mark.parametrize("name", [name for name in MODELS if name != "EuclideanTwin"])


def new_model(name: str, table: Interactions | None = None, eager: bool = False, **kwargs: Any) -> Any:
    tf.keras.utils.set_random_seed(0)
    model = getattr(baselines, name).from_interactions(table or split().train, **{"dim": DIM, **kwargs})
    model.compile(RiemannianAdagrad(0.1), run_eagerly=eager)
    return model


def fit(model: Any, epochs: int = 1) -> list[float]:
    return model.fit(split().train, batch_size=512, epochs=epochs, verbose=0).history["loss"]


@functools.cache
def trained(name: str) -> Any:
    """A trained model. It is shared: change nothing in it."""
    # Tracing the graph of a model costs more than training it here; that of one of them is enough.
    model = new_model(name, eager=name != "MFBPR", **MODELS[name])
    fit(model, epochs=4 if name == "EuclideanTwin" else 8)
    return model


def tables(model: Any) -> list[np.ndarray]:
    return [variable.numpy().astype(np.float64) for variable in model.trainable_variables]


# All of them ------------------------------------------------------------------------------------------------------


@every_model
def test_beats_popularity(name: str) -> None:
    held_out, train = split().validation, split().train
    popular = ranking_report(
        baselines.Popularity(train).score_all, held_out.users, held_out.items, train.csr(), negatives=None
    )
    report = trained(name).evaluate_ranking(held_out)
    assert report["full_ndcg@10"] > 1.1 * popular["full_ndcg@10"]


@but_the_twin
def test_the_same_seed_gives_the_same_run(name: str) -> None:
    runs = []
    for seed in (0, 0, 1):
        model = new_model(name, seed=seed, eager=True)
        runs.append((fit(model), tables(model)))
    assert runs[0][0] == runs[1][0]
    assert all(np.array_equal(one, other) for one, other in zip(runs[0][1], runs[1][1], strict=True))
    assert runs[0][0] != runs[2][0]


@every_model
def test_a_saved_model_is_the_model(name: str, tmp_path: Path) -> None:
    model = new_model(name, eager=True, seed=3, **MODELS[name])
    fit(model)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    users = split().train.user_ids[:20]
    for one, other in zip(model.recommend(users, 5), loaded.recommend(users, 5), strict=True):
        np.testing.assert_array_equal(one, other)
    # The state of the optimizer and the count of batches came along.
    assert fit(loaded) == fit(model)


@every_model
def test_every_argument_is_in_the_config(name: str) -> None:
    given = {"query_ids": [3, 1], "candidate_ids": ["ü", ""], "dim": 3, "seed": 4, "name": "mine", **MODELS[name]}
    cls = getattr(baselines, name)
    config = json.loads(json.dumps(cls(**given).get_config()))
    assert {key: config[key] for key in given} == given
    assert cls.from_config(config).get_config() == config


@every_model
def test_recommends_the_best_that_was_not_seen(name: str) -> None:
    model, train = trained(name), split().train
    users = np.array([5, 0, 17])
    got = model.recommend(train.user_ids[users], k=7)
    scores = np.array(model.scorer()(users), np.float64)
    indptr, indices = train.csr()
    for row, user in enumerate(users):
        scores[row, indices[indptr[user] : indptr[user + 1]]] = -np.inf
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :7]
    assert got.ids.tolist() == train.item_ids[expected].tolist()
    everything = model.recommend(train.user_ids[users], k=10**6, exclude_seen=False)
    assert all(sorted(ids) == sorted(train.item_ids) for ids in everything.ids.tolist())


@every_model
def test_the_score_of_a_pair_is_that_of_the_catalogue(name: str) -> None:
    model, train = trained(name), split().train
    scores = model.score_catalogue(tf.constant([3, 8])).numpy()
    for row, user in enumerate((3, 8)):
        pairs = {"user_id": np.repeat(train.user_ids[user], train.n_items).astype(str), "item_id": train.item_ids}
        pairs = {key: tf.constant(ids.tolist()) for key, ids in pairs.items()}
        values = model(pairs).numpy()
        values = -values if isinstance(model, (HyperML, baselines.CML)) else values
        assert (np.argsort(-values)[:20] == np.argsort(-scores[row])[:20]).all()


@every_model
def test_validation_is_what_an_exact_evaluation_says(name: str) -> None:
    model = trained(name)
    logs = model.evaluate(split().validation, return_dict=True, verbose=0)
    report = model.evaluate_ranking(split().validation)
    assert logs["full_ndcg@10"] == pytest.approx(report["full_ndcg@10"], abs=1e-3)
    assert 0 < logs["sampled100_ndcg@10"] < 1


@but_the_twin
def test_a_model_with_its_defaults_trains_and_answers_strangers(name: str) -> None:
    model = getattr(baselines, name).from_interactions(SMALL, dim=4)
    model.compile(run_eagerly=True)
    assert np.isfinite(model.fit(SMALL, epochs=2, verbose=0).history["loss"]).all()
    got = model.recommend(["nobody", "u"], k=3)
    assert sorted(got.ids[0]) == ["a", "b", "c"]
    assert got.ids[1].tolist() == ["c", "", ""]
    assert np.isinf(got[1][1, 1:]).all()
    assert type(got) is (Neighbours if name == "CML" else Recommendations)


@but_the_twin
def test_rows_of_unknown_ids_weigh_nothing(name: str) -> None:
    model = new_model(name, SMALL, **{**MODELS[name], **({"covariance_weight": 0.0} if name == "CML" else {})})
    unknown = {"user_id": tf.constant(["nobody", "u"]), "item_id": tf.constant(["a", "nothing"])}
    assert float(model.compute_loss(unknown)) == 0


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("MFBPR", {"regularization": -1.0}),
        ("MFBPR", {"negatives": 0}),
        ("CML", {"margin": 0.0}),
        ("CML", {"covariance_weight": float("nan")}),
        ("LRML", {"memories": 0}),
        ("LRML", {"initial_stddev": -0.1}),
        ("EuclideanTwin", {"curvature": 1.0}),
    ],
    ids=str,
)
def test_errors_name_the_argument(name: str, argument: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(argument))}`.*Received: {next(iter(argument))}="):
        getattr(baselines, name).from_interactions(SMALL, **argument)
    with pytest.raises(ValueError, match="`k`"):
        trained("MFBPR").recommend(["user_00001"], k=0)


@every_model
def test_the_default_optimizer_and_its_learning_rate(name: str) -> None:
    model = getattr(baselines, name).from_interactions(SMALL, dim=4)
    model.compile()
    default = float(model.optimizer.learning_rate)
    assert default > 0
    model.compile(model.default_optimizer(2 * model.LEARNING_RATE, decay_steps=10))
    schedule = model.optimizer._learning_rate
    assert [float(schedule(step)) for step in (0, 5, 10)] == pytest.approx([2 * default, default, 0.0])


# Negatives --------------------------------------------------------------------------------------------------------


def seen(pairs: dict[int, list[int]], n: int) -> SeenItems:
    layer = SeenItems()
    lists = [pairs.get(user, []) for user in range(max(pairs) + 1)]
    layer.set(np.cumsum([0, *map(len, lists)]), np.concatenate(lists), n)
    return layer


def test_own_items_are_never_negatives_and_the_others_are_uniform() -> None:
    own = {0: [0, 1, 2], 1: [], 2: [9]}
    users = tf.constant(np.arange(3000) % 3)
    codes, found = (t.numpy() for t in uniform_negatives(users, 10, 2, seen(own, 10), [1, 2]))
    assert codes.shape == found.shape == (3000, 2)
    assert found.mean() > 0.99
    for user, items in own.items():
        drawn = codes[user::3][found[user::3]]
        counts = np.bincount(drawn, minlength=10)
        assert (counts[items] == 0).all()
        rest = np.delete(counts, items)
        assert np.abs(rest / rest.mean() - 1).max() < 0.25
    # Each positive has its own.
    assert len({tuple(row) for row in codes[1::3]}) > 90


def test_who_has_seen_everything_has_no_negative() -> None:
    codes, found = uniform_negatives(tf.constant([0, 1]), 3, 2, seen({0: [0, 1, 2], 1: [1]}, 3), [0, 0])
    assert found.numpy().tolist() == [[False, False], [True, True]]
    assert 1 not in codes[1].numpy()


def has_seen(model: Any, items: list[int]) -> None:
    """Tells a model of one user which items they have seen."""
    model.seen.set(np.array([0, len(items)]), np.array(items), len(model.candidate_lookup))


@pytest.mark.parametrize("name", ["MFBPR", "CML", "LRML"])
def test_a_step_moves_the_rows_of_positive_and_negative_alone(name: str) -> None:
    """Of four items the user has seen all but the third: it is the only negative there can be."""
    model = getattr(baselines, name)(["u"], list("abcd"), dim=2, negatives=3, initial_stddev=0.1)
    model.compile(tf.keras.optimizers.SGD(0.1), run_eagerly=True)
    has_seen(model, [0, 1, 3])
    before = model.candidate_tower.embeddings.numpy()
    model.train_step({"user": tf.constant([0]), "item": tf.constant([0])})
    moved = (model.candidate_tower.embeddings.numpy() != before).any(axis=1)
    assert moved.tolist() == [True, False, True, False]


# Formulas, by hand ------------------------------------------------------------------------------------------------


def one_triplet(name: str, **kwargs: Any) -> Any:
    """Two items, one of them seen: of the batch that holds the other, the negative is certain."""
    model = getattr(baselines, name)(["u"], ["a", "b"], dim=2, initial_stddev=0.3, **kwargs)
    has_seen(model, [0])
    return model


def loss_and_gradients(model: Any) -> tuple[float, list[np.ndarray]]:
    with tf.GradientTape() as tape:
        loss = model.compute_loss({"user": tf.constant([0]), "item": tf.constant([0])}, training=True)
    gradients = tape.gradient(loss, model.trainable_variables)
    return float(loss), [tf.convert_to_tensor(g).numpy() for g in gradients]


def test_mfbpr_loss_and_gradient() -> None:
    model = one_triplet("MFBPR", regularization=0.3)
    user, items = tables(model)
    p, (q_i, q_j), (b_i, b_j) = user[0], items[:, :2], items[:, 2]
    s = p @ q_i + b_i - p @ q_j - b_j
    squares = (p**2).sum() + (items**2).sum()
    loss, (user_gradient, item_gradient) = loss_and_gradients(model)
    assert loss == pytest.approx(np.log1p(np.exp(-s)) + 0.15 * squares, rel=1e-5)
    pull = -1 / (1 + np.exp(s))
    np.testing.assert_allclose(user_gradient[0], pull * (q_i - q_j) + 0.3 * p, rtol=1e-5)
    np.testing.assert_allclose(item_gradient[0], [*(pull * p + 0.3 * q_i), pull + 0.3 * b_i], rtol=1e-5)
    np.testing.assert_allclose(item_gradient[1], [*(-pull * p + 0.3 * q_j), -pull + 0.3 * b_j], rtol=1e-5)


def test_cml_loss_and_gradient() -> None:
    model = one_triplet("CML", margin=2.0, negatives=5)
    (x,), (y, z) = tables(model)
    hinge = 2.0 + ((x - y) ** 2).sum() - ((x - z) ** 2).sum()
    weight = np.log(1 + 2)  # all five draws violate the margin: floor(2 * 5 / 5)
    loss, (user_gradient, item_gradient) = loss_and_gradients(model)
    assert hinge > 0
    assert loss == pytest.approx(weight * hinge, rel=1e-5)
    np.testing.assert_allclose(user_gradient[0], weight * 2 * (z - y), rtol=1e-4)
    np.testing.assert_allclose(item_gradient, weight * 2 * np.array([y - x, x - z]), rtol=1e-4)


def test_cml_takes_the_nearest_negative_and_counts_imposters() -> None:
    model = baselines.CML(["u"], list("abcd"), dim=1, margin=0.1, negatives=60)
    has_seen(model, [0])
    model.query_tower.embeddings.assign([[0.0]])
    model.candidate_tower.embeddings.assign([[0.5], [0.4], [0.55], [0.9]])
    users, items = tf.constant([0]), tf.constant([0])
    drawn, _ = uniform_negatives(users, 4, 60, model.seen, model._seed(True))
    imposters = np.isin(drawn.numpy(), [1, 2]).sum()  # .16 and .3025 are below .25 + .1, .81 is not
    weight = np.log(1 + np.floor(4 * imposters / 60))
    loss = model.compute_loss({"user": users, "item": items}, training=True)
    assert float(loss) == pytest.approx(weight * (0.1 + 0.25 - 0.16), rel=1e-5)


def test_cml_covariance() -> None:
    plain, penalized = (new_model("CML", SMALL, covariance_weight=weight) for weight in (0.0, 0.5))
    batch = {"user": tf.constant([0, 1, 2]), "item": tf.constant([0, 1, 2])}
    points = np.concatenate(tables(plain))
    covariance = np.cov(points.T, bias=True)
    off_diagonal = covariance[~np.eye(DIM, dtype=bool)]
    got = float(penalized.compute_loss(batch)) - float(plain.compute_loss(batch))
    assert got == pytest.approx(0.5 * 3 * (off_diagonal**2).sum(), rel=1e-2)


@pytest.mark.parametrize("name", ["CML", "LRML"])
def test_vectors_stay_in_the_unit_ball(name: str) -> None:
    model = new_model(name)
    model.compile(RiemannianAdagrad(1.0))
    fit(model, epochs=2)
    for tower in (model.query_tower, model.candidate_tower):
        norms = np.linalg.norm(tower.all_points(), axis=1)
        assert norms.max() <= 1 + 1e-5
        assert norms.max() > 0.9  # the limit was reached


def lrml_score(model: Any, p: np.ndarray, q: np.ndarray) -> float:
    """The formula, a memory at a time."""
    keys, values = model.memory_keys.numpy(), model.memory_values.numpy()
    logits = [sum(p[d] * q[d] * key[d] for d in range(len(p))) for key in keys]
    weights = np.exp(logits) / np.exp(logits).sum()
    relation = sum(weight * value for weight, value in zip(weights, values, strict=True))
    return -float(((p + relation - q) ** 2).sum())


def lrml_of_wide_spread() -> Any:
    return baselines.LRML(range(5), range(11), dim=3, memories=4, margin=1.5, negatives=3, initial_stddev=0.6, seed=1)


def test_lrml_scores_are_those_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    model = lrml_of_wide_spread()
    users, items = model.query_tower.all_points().numpy(), model.candidate_tower.all_points().numpy()
    assert np.linalg.norm(items, axis=1).max() == pytest.approx(1)
    expected = [[lrml_score(model, p, q) for q in items] for p in [*users, np.zeros(3)]]
    codes = tf.constant([0, 1, 2, 3, 4, -1])
    for weights in (10**6, 100, 1):  # one block, some with a rest, one an item
        monkeypatch.setattr("hyperml_tf.models.baselines.lrml._WEIGHTS", weights)
        np.testing.assert_allclose(model.score_catalogue(codes), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(tf.function(model.score_catalogue)(codes), expected, rtol=1e-4, atol=1e-5)


def test_lrml_loss() -> None:
    model = lrml_of_wide_spread()
    model.set_seen(Interactions.from_arrays([0, 1], [3, 4]))
    users, items = np.array([0, 1]), np.array([3, 4])
    drawn, _ = uniform_negatives(tf.constant(users), 11, 3, model.seen, model._seed(True))
    p, q = model.query_tower.all_points().numpy(), model.candidate_tower.all_points().numpy()
    expected = 0.0
    for user, item, negatives in zip(users, items, drawn.numpy(), strict=True):
        for negative in negatives:
            hinge = 1.5 - lrml_score(model, p[user], q[item]) + lrml_score(model, p[user], q[negative])
            expected += max(0.0, hinge) / 3
    got = model.compute_loss({"user": tf.constant(users), "item": tf.constant(items)}, training=True)
    assert float(got) == pytest.approx(expected, rel=1e-4)


def test_the_twin_is_hyperml_at_curvature_0() -> None:
    models = [new_model("EuclideanTwin", eager=True)]
    tf.keras.utils.set_random_seed(0)
    models.append(HyperML.from_interactions(split().train, dim=DIM, curvature=0.0))
    models[1].compile(RiemannianAdagrad(0.1), run_eagerly=True)
    assert fit(models[0]) == fit(models[1])


def test_a_vector_tower_survives_its_config() -> None:
    tower = VectorTower(["a", "b"], 3, initial_stddev=0.5, max_norm=0.7, seed=3)
    restored = tf.keras.utils.deserialize_keras_object(
        json.loads(json.dumps(tf.keras.utils.serialize_keras_object(tower)))
    )
    assert restored.get_config() == tower.get_config()
    np.testing.assert_array_equal(restored(["b", "?"]), tower(["b", "?"]))
    assert np.linalg.norm(tower(["a", "b"]), axis=1).max() <= 0.7 + 1e-6
