"""Random search."""

from __future__ import annotations

import keras_tuner

from hyperml_tf.tuning.oracles.resumable_oracle import ResumableOracle


class RandomSearchOracle(ResumableOracle, keras_tuner.oracles.RandomSearchOracle):
    """Arguments: see `keras_tuner.oracles.RandomSearchOracle` and `ResumableOracle`."""
