"""Searches for good hyperparameters: keras-tuner for Keras 2 and TensorFlow Recommenders models.

    from hyperml_tf import tuning

    tuner = tuning.BayesianOptimization(tuning.HyperMLHyperModel(split.train, split.validation), max_trials=30)
    tuner.search()
    model = tuner.get_best_models()[0]

All names that programs use of keras-tuner are here, so `from hyperml_tf import tuning as keras_tuner` is all that changes in one.
"""

from keras_tuner import HyperModel, HyperParameters, Objective, Oracle, SklearnTuner, engine, errors, synchronized

from hyperml_tf.tuning import oracles
from hyperml_tf.tuning.bayesian_optimization import BayesianOptimization
from hyperml_tf.tuning.disk_full_error import DiskFullError
from hyperml_tf.tuning.grid_search import GridSearch
from hyperml_tf.tuning.hyperband import Hyperband
from hyperml_tf.tuning.hyperml_hyper_model import HyperMLHyperModel
from hyperml_tf.tuning.random_search import RandomSearch
from hyperml_tf.tuning.space import Space
from hyperml_tf.tuning.stop_hopeless import StopHopeless
from hyperml_tf.tuning.tuner import Tuner

__all__ = [
    "BayesianOptimization",
    "DiskFullError",
    "GridSearch",
    "HyperMLHyperModel",
    "HyperModel",
    "HyperParameters",
    "Hyperband",
    "Objective",
    "Oracle",
    "RandomSearch",
    "SklearnTuner",
    "Space",
    "StopHopeless",
    "Tuner",
    "engine",
    "errors",
    "oracles",
    "synchronized",
]
