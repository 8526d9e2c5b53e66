"""What a run settles by its table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hyperml_tf import TrainingConfig
from hyperml_tf.data import Interactions
from hyperml_tf.runs import recipe


def table(rows_a_user: int) -> Interactions:
    items = np.tile(np.arange(rows_a_user), 4)
    return Interactions.from_arrays(np.repeat(np.arange(4), rows_a_user), items)


@pytest.mark.parametrize(
    ("rows_a_user", "given", "curvature", "rate"),
    [
        (49, {}, 1.0, 0.05),
        (50, {}, 0.3, 0.02),
        (50, {"mode": "direct"}, 1.0, 0.05),
        (50, {"curvature": 1.0}, 1.0, 0.05),
        (50, {"curvature": 0.0}, 0.0, 0.05),
        (50, {"learning_rate": 0.1}, 1.0, 0.1),
    ],
)
def test_curvature_and_rate_follow_the_density(
    rows_a_user: int, given: dict[str, Any], curvature: float, rate: float
) -> None:
    config = TrainingConfig(dim=4, **given)
    settled = recipe.settled(table(rows_a_user), config)
    assert (settled.curvature, settled.learning_rate) == (curvature, rate)
    model = recipe.new_model(table(rows_a_user), config)
    assert float(model.curvature()) == pytest.approx(curvature)
    same = recipe.new_optimizer(settled, steps=3)
    assert float(model.optimizer.learning_rate) == pytest.approx(float(same.learning_rate))


def test_users_without_rows_make_no_table_sparse() -> None:
    dense = table(60)
    assert recipe.settled(dense.with_rows(dense.users < 1), TrainingConfig()).curvature == 0.3
