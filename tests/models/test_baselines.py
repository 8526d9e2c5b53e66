"""The baselines: each learns, answers and saves as `HyperML` does. Their formulas: `test_baseline_formulas.py`."""

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
from hyperml_tf.models import HyperML, baselines
from hyperml_tf.models.baselines.vector_tower import VectorTower
from hyperml_tf.optimizers import RiemannianAdagrad
from hyperml_tf.retrieval import Neighbours, Recommendations

pytestmark = pytest.mark.slow

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
    popularity = baselines.Popularity.from_interactions(train)
    popularity.fit(train)
    popular = popularity.evaluate_ranking(held_out)
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
    assert {key: config[key] for key in given} == {**given, "query_ids": 2, "candidate_ids": 2}
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
def test_rows_with_unknown_ids_have_weight_0(name: str) -> None:
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


# Of their own ----------------------------------------------------------------------------------------------------


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
    restored.lookup.set_ids(["a", "b"])
    np.testing.assert_array_equal(restored(["b", "?"]), tower(["b", "?"]))
    assert np.linalg.norm(tower(["a", "b"]), axis=1).max() <= 0.7 + 1e-6
