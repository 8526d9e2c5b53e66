"""Bayesian optimization."""

from __future__ import annotations

import keras_tuner

from hyperml_tf.tuning.oracles.resumable_oracle import ResumableOracle


class BayesianOptimizationOracle(ResumableOracle, keras_tuner.oracles.BayesianOptimizationOracle):
    """Arguments: see `keras_tuner.oracles.BayesianOptimizationOracle` and `ResumableOracle`."""
