"""The pictures of a search can be read."""

from __future__ import annotations

import numpy as np
import pytest

from hyperml_tf.tuning.pictures import _log_ticks


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([128.0, 32.0, 64.0, 64.0, np.nan], [32.0, 64.0, 128.0]),
        # The labels .072 and .073 would be written over each other.
        ([0.032, 0.05, 0.072, 0.073, 0.512], [0.032, 0.064, 0.128, 0.256, 0.512]),
        # Of three trials: .05 and .062 would touch each other.
        ([0.05, 0.062, 0.4], [0.05, 0.0841, 0.1414, 0.2378, 0.4]),
        ([0.05, 0.12, 0.4], [0.05, 0.12, 0.4]),
        (range(1, 17), [1.0, 2.0, 4.0, 8.0, 16.0]),
    ],
)
def test_a_logarithmic_axis_has_few_ticks_that_stand_apart(values: list[float], ticks: list[float]) -> None:
    np.testing.assert_allclose(_log_ticks(np.array(values, float)), ticks, rtol=1e-3)
