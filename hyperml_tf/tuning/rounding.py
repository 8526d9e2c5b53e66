"""Between a chief and its workers keras-tuner sends numbers in single precision: 0.1 arrives as 0.10000000149."""

from __future__ import annotations

from typing import Any

import keras_tuner
import numpy as np


def undo_from(known: dict[str, Any], values: dict[str, Any]) -> None:
    """Puts exact values in place of rounded ones.

    Args:
        known: exact values by name.
        values: values by name, of which some may be rounded; they are changed.
    """
    for name, value in values.items():
        if _rounded(known.get(name), value):
            values[name] = known[name]


def undo_in_space(space: Any, values: dict[str, Any]) -> None:
    """Puts the exact value of a choice, of a range with steps, or of what is fixed in place of a rounded one.

    Args:
        space: the `keras_tuner.HyperParameters` as this process has declared them.
        values: values by name, of which some may be rounded; they are changed.
    """
    for hp in space.space:
        for exact in _values(hp):
            undo_from({hp.name: exact}, values)


def _values(hp: Any) -> list[Any]:
    types = keras_tuner.engine.hyperparameters
    discrete = isinstance(hp, (types.Choice, types.Fixed)) or getattr(hp, "step", None) is not None
    return [hp.default, *hp.values] if discrete else [hp.default]


def _rounded(exact: Any, value: Any) -> bool:
    return isinstance(value, float) and isinstance(exact, float) and np.float32(exact) == np.float32(value)
