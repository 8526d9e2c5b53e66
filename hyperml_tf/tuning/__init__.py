"""Hyperparameter search: keras-tuner for Keras 2 and TensorFlow Recommenders models.

    from hyperml_tf import tuning

    tuner = tuning.BayesianOptimization(
        tuning.HyperMLHyperModel(split.train, split.validation), "val_sampled100_ndcg@10", max_trials=30
    )
    tuner.search()
    model = tuner.get_best_models()[0]

The public names of keras-tuner are here too: a program that uses it changes one line, `from hyperml_tf import tuning as
keras_tuner`.
"""

from keras_tuner import HyperModel, HyperParameters, Objective, Oracle, SklearnTuner, engine, errors, synchronized

from hyperml_tf.tuning import oracles
from hyperml_tf.tuning.failures import DiskFullError
from hyperml_tf.tuning.hyperml_hyper_model import HyperMLHyperModel
from hyperml_tf.tuning.median_pruning import MedianPruning
from hyperml_tf.tuning.search_space import SearchSpace
from hyperml_tf.tuning.tune import TuningResult, tune_table
from hyperml_tf.tuning.tuner import Tuner
from hyperml_tf.tuning.tuners import BayesianOptimization, GridSearch, Hyperband, RandomSearch

__all__ = [
    "BayesianOptimization",
    "DiskFullError",
    "GridSearch",
    "HyperMLHyperModel",
    "HyperModel",
    "HyperParameters",
    "Hyperband",
    "MedianPruning",
    "Objective",
    "Oracle",
    "RandomSearch",
    "SearchSpace",
    "SklearnTuner",
    "Tuner",
    "TuningResult",
    "engine",
    "errors",
    "oracles",
    "synchronized",
    "tune_table",
]
