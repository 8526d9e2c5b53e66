"""What the tests of the tuners share: a small model, its data, and the four tuners on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf import tuning

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
DATA: dict[str, Any] = {"x": X, "y": Y, "validation_data": (X, Y), "batch_size": 64, "verbose": 0}

TUNERS = ("RandomSearch", "BayesianOptimization", "Hyperband", "GridSearch")
_OWN = {
    "RandomSearch": {"max_trials": 4},
    "BayesianOptimization": {"max_trials": 4, "num_initial_points": 3},
    "Hyperband": {"max_epochs": 3},
    "GridSearch": {},
}


def build(hp: Any) -> Any:
    """A linear model, run eagerly: tracing would take longer than the training."""
    units, kind = hp.Choice("units", [2, 4]), hp.Choice("activation", ["linear", "tanh"])
    tf.keras.utils.set_random_seed(0)
    model = tf.keras.Sequential([tf.keras.layers.Dense(units, kind), tf.keras.layers.Dense(1)])
    model.compile(tf.keras.optimizers.Adam(hp.Float("rate", 0.01, 0.1, step=0.09)), "mse", ["mae"], run_eagerly=True)
    return model


def tuner(name: str, directory: Path, hypermodel: Any = build, objective: Any = "val_loss", **kwargs: Any) -> Any:
    """One of the four tuners, made as a program makes it each time it is started."""
    options = {**_OWN[name], "seed": 0, "directory": str(directory), "project_name": "p", **kwargs}
    return getattr(tuning, name)(hypermodel, objective, **options)


def search(searcher: Any, **kwargs: Any) -> None:
    """Searches with two epochs per trial, except with Hyperband, which decides itself."""
    searcher.search(**{**DATA, "epochs": 2, **kwargs})
