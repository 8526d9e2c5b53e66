"""What a search optimizes."""

from __future__ import annotations

import re
from typing import Any

import keras_tuner
import numpy as np

# The metrics of this package, and those of TensorFlow Recommenders, which Keras does not know: all of them hit rates or nDCG.
_HIGHER_IS_BETTER = re.compile(r"(^|_|/)(hr|ndcg|hit_rate|recall|mrr|map)@\d+$|top_\d+_categorical_accuracy$")


def as_objective(objective: Any) -> Any:
    """An objective of keras-tuner; the direction of ranking metrics is known.

    Args:
        objective: as for the tuners of keras-tuner: a name, a `keras_tuner.Objective`, a list of them, or None where `fit` of the
            hypermodel returns the number to minimize.

    Example:

    >>> as_objective("val_full_ndcg@10").direction
    'max'
    """
    if isinstance(objective, str) and _HIGHER_IS_BETTER.search(objective):
        return keras_tuner.Objective(objective, "max")
    if isinstance(objective, list):
        return [as_objective(one) for one in objective]
    return objective


def is_number(value: Any) -> bool:
    """Whether an objective's value can be compared: neither NaN nor infinite."""
    return value is not None and bool(np.isfinite(value))
