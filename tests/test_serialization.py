"""Every Keras class the package exports survives its config, and Keras finds it by its registered name.

The classes are discovered from the `__all__` of the packages below: a class exported without a case here fails. A package whose
classes have to survive is added to `PACKAGES`, its classes to `CASES`.
"""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import (
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    retrieval,
    tables,
)
from hyperml_tf._keras import PACKAGE
from hyperml_tf.models import History

PACKAGES = (
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
    "retrieval",
    "tables",
)

# Exported, but not meant to be made by itself: base classes.
ABSTRACT = {optimizers.RiemannianOptimizer, models.Recommender, models.MetricRecommender}

# Not Keras objects, or with models among their arguments, whose saving tests/models checks.
ELSEWHERE = {
    models.DistanceIndex,
    models.Encoding,
    models.History,
    models.HyperML,
    models.NetworkTower,
    models.Explanation,
    models.Neighbours,
    models.Recommendations,
    retrieval.ExactIndex,
    retrieval.QuantisedIndex,
    tables.Histories,
    tables.IdList,
    tables.IdTable,
}

# Arguments that a config holds otherwise: of ids it holds the number, because they are assets.
HELD_AS = {"ids": len}

# Arguments that are not the defaults, so that one forgotten by `get_config` shows.
CASES: dict[type, dict[str, Any]] = {
    constraints.BallConstraint: {"curvature": 0.5},
    initializers.RadialUniform: {"min_radius": 0.5, "max_radius": 1.5, "seed": 3},
    initializers.WrappedNormal: {"radius": 0.5, "seed": 3},
    layers.Curvature: {"value": 0.5, "learned": True},
    layers.ExpMap: {"curvature": 0.5, "activity_regularizer": "l2"},
    layers.Gyromidpoint: {"curvature": 0.5, "activity_regularizer": "l2"},
    layers.HyperbolicDistance: {"squared": True, "curvature": 0.5},
    layers.HyperbolicEmbedding: {
        "input_dim": 7,
        "output_dim": 3,
        "curvature": 0.5,
        "mode": "direct",
        "embeddings_initializer": initializers.RadialUniform(0.5, 1.5, seed=3),
        "embeddings_regularizer": tf.keras.regularizers.L2(0.1),
        "max_tangent_norm": 2.0,
        "mask_zero": True,
    },
    layers.LogMap: {"curvature": 0.5, "activity_regularizer": "l2"},
    layers.LorentzLift: {"role": "query", "curvature": 0.5},
    layers.MobiusAdd: {"curvature": 0.5, "activity_regularizer": "l2"},
    layers.MobiusDense: {
        "units": 3,
        "activation": "tanh",
        "use_bias": False,
        "curvature": 0.5,
        "kernel_initializer": "orthogonal",
        "bias_initializer": initializers.WrappedNormal(0.5, seed=3),
        "kernel_regularizer": "l2",
        "bias_regularizer": regularizers.RadiusRegularizer(0.1, 0.5, 0.5),
        "kernel_constraint": "max_norm",
        "bias_constraint": constraints.BallConstraint(0.5),
    },
    layers.MobiusMatVec: {
        "units": 3,
        "curvature": 0.5,
        "kernel_initializer": "orthogonal",
        "kernel_regularizer": "l1",
        "kernel_constraint": "max_norm",
    },
    layers.MobiusScalarMul: {"factor": -0.5, "learned": True, "curvature": 0.5},
    layers.ProjectToBall: {"curvature": 0.5, "activity_regularizer": "l2"},
    losses.DistortionLoss: {"reference": "tangent", "reduction": "sum", "name": "mine"},
    losses.HyperMLLoss: {
        "margin": 2.0,
        "distortion_weight": 0.5,
        "reference": "tangent",
        "reduction": "sum",
        "name": "mine",
    },
    losses.PullPushLoss: {"margin": 2.0, "squared": True, "reduction": "none", "name": "mine"},
    metrics.HitRate: {"k": 5, "name": "mine"},
    metrics.NDCG: {"k": 5, "name": "mine"},
    models.HistoryTower: {
        "ids": ["b", "a"],
        "dim": 3,
        "n_items": 5,
        "history": {
            "length": 4,
            "weight": 0.5,
            "shrinkage": 3.0,
            "half_life": 2.0,
            "around": 0.25,
            "spread": 2,
            "recent_weight": 0.5,
            "recent_half_life": 2.0,
            "neighbours": "random",
        },
        "curvature": 0.5,
        "embeddings_initializer": initializers.RadialUniform(0.5, 1.5, seed=3),
        "embeddings_regularizer": tf.keras.regularizers.L2(0.1),
        "max_tangent_norm": 2.0,
    },
    models.IdTower: {
        "ids": ["b", "a"],
        "dim": 3,
        "curvature": 0.5,
        "mode": "direct",
        "embeddings_initializer": initializers.RadialUniform(0.5, 1.5, seed=3),
        "embeddings_regularizer": tf.keras.regularizers.L2(0.1),
        "max_tangent_norm": 2.0,
    },
    models.SequenceEncoder: {
        "n_items": 5,
        "dim": 4,
        "encoding": {"length": 9, "blocks": 2, "heads": 2, "feed_forward": 3, "dropout": 0.5},
        "name": "mine",
    },
    models.SequenceTower: {
        "ids": ["b", "a"],
        "dim": 4,
        "n_items": 5,
        "history": History(length=4, around=0.25).to_dict(),
        "encoding": {"length": 9, "blocks": 2, "heads": 2, "feed_forward": 3, "dropout": 0.5},
        "curvature": 0.5,
        "embeddings_initializer": initializers.RadialUniform(0.5, 1.5, seed=3),
        "embeddings_regularizer": tf.keras.regularizers.L2(0.1),
        "max_tangent_norm": 2.0,
    },
    retrieval.NearestNeighbors: {
        "k": 3,
        "curvature": 0.5,
        "query_model": layers.ProjectToBall(0.5),
        "precision": "float16",
        "name": "mine",
    },
    tables.IdLookup: {"ids": [3, 1], "id_dtype": "int64"},
    tables.SeenItems: {"n_users": 2, "n_items": 3},
    optimizers.RiemannianAdagrad: {
        "learning_rate": 0.5,
        "initial_accumulator_value": 0.25,
        "epsilon": 1e-3,
        "retraction": "projection",
        "name": "mine",
    },
    optimizers.RiemannianAdam: {
        "learning_rate": 0.5,
        "beta_1": 0.5,
        "beta_2": 0.75,
        "epsilon": 1e-3,
        "amsgrad": True,
        "retraction": "projection",
        "name": "mine",
    },
    optimizers.RiemannianSGD: {"learning_rate": 0.5, "momentum": 0.5, "retraction": "projection", "name": "mine"},
    regularizers.RadiusRegularizer: {"strength": 0.1, "radius": 0.5, "curvature": 2.0},
}

every_class = pytest.mark.parametrize("cls", CASES, ids=lambda cls: cls.__name__)


def exported_classes() -> set[type]:
    found = set()
    for package in PACKAGES:
        module = importlib.import_module(f"hyperml_tf.{package}")
        found |= {getattr(module, name) for name in module.__all__ if inspect.isclass(getattr(module, name))}
    return found - ABSTRACT - ELSEWHERE


def same(value: Any, given: Any) -> bool:
    """Whether an entry of a config says what the argument said: numbers to float32, objects by their class."""
    if isinstance(value, dict) and "class_name" in value:
        name = given if isinstance(given, str) else type(given).__name__
        return value["class_name"].split(">")[-1].lower() == name.replace("_", "").lower()
    if isinstance(given, float):
        return bool(np.isclose(value, given, rtol=1e-6))
    return bool(value == given)


def test_every_exported_class_has_a_case() -> None:
    assert exported_classes() == set(CASES)


@every_class
def test_config_holds_every_argument(cls: type) -> None:
    config = cls(**CASES[cls]).get_config()
    parameters = inspect.signature(cls.__init__).parameters.values()
    named = {p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"}
    assert named.keys() <= config.keys()
    for argument, given in CASES[cls].items():
        assert same(config[argument], HELD_AS.get(argument, lambda value: value)(given)), argument
    forgotten = {a for a, default in named.items() if default is not inspect.Parameter.empty} - CASES[cls].keys()
    assert not forgotten, "give these arguments a value that is not the default"


@every_class
def test_round_trip_through_json(cls: type) -> None:
    original = cls(**CASES[cls])
    serialized = tf.keras.utils.serialize_keras_object(original)
    assert serialized["registered_name"] == f"{PACKAGE}>{cls.__name__}"
    restored = tf.keras.utils.deserialize_keras_object(json.loads(json.dumps(serialized)))
    assert type(restored) is cls
    assert restored.get_config() == original.get_config()


@every_class
def test_the_default_arguments_are_enough_to_restore_it(cls: type) -> None:
    required = {
        p.name: CASES[cls][p.name]
        for p in inspect.signature(cls.__init__).parameters.values()
        if p.default is p.empty and p.name in CASES[cls]
    }
    config = cls(**required).get_config()
    assert cls.from_config(dict(config)).get_config() == config


@pytest.mark.parametrize(
    "cls", [c for c in CASES if "curvature" in CASES[c] and c.__module__.startswith("hyperml_tf.layers")]
)
def test_a_learned_curvature_is_restored_as_learned(cls: type) -> None:
    layer = cls(**{**CASES[cls], "curvature": layers.Curvature(0.7, learned=True)})
    restored = cls.from_config(json.loads(json.dumps(layer.get_config())))
    assert restored.curvature is not layer.curvature
    assert restored.curvature.learned
    assert restored.curvature.initial_value == 0.7


@pytest.mark.slow
def test_a_compiled_model_continues_training_where_it_stopped(tmp_path: Path) -> None:
    curvature = layers.Curvature(0.5, learned=True)
    users, items = tf.keras.Input([1], dtype="int32"), tf.keras.Input([4], dtype="int32")
    user_points = layers.HyperbolicEmbedding(8, 6, curvature, mode="direct")(users)
    item_points = layers.HyperbolicEmbedding(10, 6, curvature, mode="direct")(items)
    model = tf.keras.Model([users, items], layers.HyperbolicDistance(curvature=curvature)([user_points, item_points]))
    ids = [tf.range(8)[:, tf.newaxis], tf.random.uniform([8, 4], maxval=10, dtype=tf.int32)]
    labels = tf.tile([[1.0, 0.0, 0.0, 0.0]], [8, 1])
    model.compile(optimizers.RiemannianAdam(0.1), losses.PullPushLoss(margin=2.0), metrics=[metrics.HitRate(1)])
    model.fit(ids, labels, epochs=3, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = tf.keras.models.load_model(tmp_path / "model.keras")
    for trained in (model, restored):
        trained.fit(ids, labels, epochs=3, verbose=0)
    assert isinstance(restored.optimizer, optimizers.RiemannianAdam)
    np.testing.assert_allclose(
        restored.evaluate(ids, labels, verbose=0), model.evaluate(ids, labels, verbose=0), rtol=1e-4
    )
    for weight, expected in zip(restored.weights, model.weights, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-3, atol=1e-6)
