"""Hyperband."""

from __future__ import annotations

from typing import Any

import keras_tuner

from hyperml_tf.tuning.oracles.resumable_oracle import ResumableOracle


class HyperbandOracle(ResumableOracle, keras_tuner.oracles.HyperbandOracle):
    """Arguments: see `keras_tuner.oracles.HyperbandOracle` and `ResumableOracle`.

    The trials are those of the brackets: there is no first one with the defaults.

    Raises:
        ValueError: if `start_with_defaults` is asked for.
    """

    def __init__(self, objective: Any = None, *args: Any, start_with_defaults: bool = False, **kwargs: Any) -> None:
        if start_with_defaults:
            raise ValueError("`start_with_defaults` must be False with Hyperband, whose first trials are short ones.")
        super().__init__(objective, *args, **kwargs)
