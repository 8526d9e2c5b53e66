"""HyperML for TensorFlow: train, tune, export and serve recommenders in hyperbolic space.

    import hyperml_tf as hml

    table = hml.Interactions.from_file("ratings.csv")
    model = hml.HyperML.from_interactions(table)
    model.compile(hml.optimizers.RiemannianAdagrad(0.1))
    model.fit(table, epochs=40)
    model.recommend(["ann"], k=10)

Importing the package makes `tf.keras` Keras 2, which TensorFlow Recommenders needs, and imports nothing else: the names below
are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperml_tf import _keras, _lazy

__version__ = "0.1.0"

_keras.select_keras()

__all__ = [
    "DistanceIndex",
    "HyperML",
    "Interactions",
    "ItemTable",
    "NearestNeighbors",
    "Run",
    "ServedModel",
    "TrainingConfig",
    "__version__",
    "ball_variables",
    "callbacks",
    "constraints",
    "data",
    "export_saved_model",
    "geometry",
    "initializers",
    "inspect_table",
    "layers",
    "leave_one_out",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "preparation",
    "recommend_to_file",
    "regularizers",
    "reports",
    "retrieval",
    "runs",
    "sampling",
    "serving",
    "settings",
    "synthesize",
    "tables",
    "train_run",
    "tuning",
    "update_run",
    "visualization",
]

if TYPE_CHECKING:
    from hyperml_tf import (
        ball_variables,
        callbacks,
        constraints,
        data,
        geometry,
        initializers,
        layers,
        losses,
        metrics,
        models,
        optimizers,
        preparation,
        regularizers,
        reports,
        retrieval,
        runs,
        sampling,
        serving,
        settings,
        tables,
        tuning,
        visualization,
    )
    from hyperml_tf import server as server
    from hyperml_tf.data import Interactions, ItemTable, inspect_table, leave_one_out, synthesize
    from hyperml_tf.models import DistanceIndex, HyperML
    from hyperml_tf.retrieval import NearestNeighbors
    from hyperml_tf.runs import Run, train_run, update_run
    from hyperml_tf.serving import ServedModel, export_saved_model, recommend_to_file
    from hyperml_tf.settings import TrainingConfig
else:
    # Hidden from type checkers, which would take every misspelt name for one that this function may know.
    _HOMES = {
        "DistanceIndex": "models",
        "HyperML": "models",
        "Interactions": "data",
        "ItemTable": "data",
        "NearestNeighbors": "retrieval",
        "Run": "runs",
        "ServedModel": "serving",
        "TrainingConfig": "settings",
        "export_saved_model": "serving",
        "inspect_table": "data",
        "leave_one_out": "data",
        "recommend_to_file": "serving",
        "synthesize": "data",
        "train_run": "runs",
        "update_run": "runs",
    }
    # `server` needs an extra, so it is not in `__all__`: `from hyperml_tf import *` works without.
    _SUBPACKAGES = {name: name for name in (*__all__, "server") if name not in _HOMES and name != "__version__"}

    __getattr__, __dir__ = _lazy.lazy_names(__name__, {**_SUBPACKAGES, **_HOMES})
