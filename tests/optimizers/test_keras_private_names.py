"""The private names of Keras 2 that the optimizers use because there is no public way: a test for each.

A failure means that this release of tf_keras moved or changed the name. Change `RiemannianOptimizer` and the table of private
names in the documentation together with the test.
"""

from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf
from optimizer_cases import table

Optimizer = tf.keras.optimizers.Optimizer
MOVED = "tf_keras moved `Optimizer.{}`, which `RiemannianOptimizer` uses"


class Plain(Optimizer):
    """An optimizer that does nothing but what a subclass has to."""

    def __init__(self, learning_rate: Any = 0.5, **kwargs: Any) -> None:
        super().__init__(name="Plain", jit_compile=False, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)

    def build(self, var_list: Any) -> None:
        super().build(var_list)
        self._built = True

    def update_step(self, gradient: Any, variable: Any) -> None:
        variable.assign(variable - self.learning_rate * gradient)


@pytest.mark.parametrize("name", ["_build_learning_rate", "_use_weight_decay", "_var_key"])
def test_the_method_is_there(name: str) -> None:
    assert callable(getattr(Optimizer, name, None)), MOVED.format(name)


def test_learning_rate_reads_what_build_learning_rate_made() -> None:
    optimizer = Plain(0.5)
    assert isinstance(optimizer.learning_rate, tf.Variable), MOVED.format("_build_learning_rate")
    assert optimizer.learning_rate is optimizer._learning_rate, MOVED.format("_learning_rate")
    schedule = tf.keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    assert Plain(schedule)._learning_rate is schedule, MOVED.format("_learning_rate")


def test_built_is_the_flag_that_ends_configuration() -> None:
    optimizer = Plain()
    optimizer.exclude_from_weight_decay([])
    optimizer.build([table()])
    try:
        optimizer.exclude_from_weight_decay([])
    except ValueError:
        return
    pytest.fail(MOVED.format("_built"))


def test_var_key_tells_variables_apart() -> None:
    first, second = table(), table()
    optimizer = Plain()
    assert optimizer._var_key(first) == optimizer._var_key(first) != optimizer._var_key(second), MOVED.format(
        "_var_key"
    )


def test_use_weight_decay_is_false_for_excluded_variables() -> None:
    excluded, other = table(), table()
    optimizer = Plain(weight_decay=0.1)
    optimizer.exclude_from_weight_decay([excluded])
    decayed = [optimizer._use_weight_decay(variable) for variable in (excluded, other)]
    assert decayed == [False, True], MOVED.format("_use_weight_decay")
