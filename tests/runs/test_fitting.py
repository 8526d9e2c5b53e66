"""Models as runs train them."""

from __future__ import annotations

import pytest

from hyperml_tf.data import Interactions
from hyperml_tf.runs.fitting import new_model
from hyperml_tf.settings import TrainingConfig


@pytest.mark.parametrize(("epochs", "expected"), [(19, 1), (20, 16)])
def test_a_loop_of_steps_is_traced_only_for_a_thousand_steps(epochs: int, expected: int) -> None:
    table = Interactions.from_arrays([0, 1] * 25, range(50))
    model = new_model(table, TrainingConfig(dim=2, epochs=epochs, batch_size=1))
    assert model.get_compile_config()["steps_per_execution"] == expected
