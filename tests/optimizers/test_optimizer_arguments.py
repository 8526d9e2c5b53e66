"""Arguments out of range raise an error that names the argument."""

from __future__ import annotations

from typing import Any

import pytest

from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam, RiemannianSGD


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RiemannianSGD(momentum=1.0), r"`momentum`.*Received: momentum=1.0"),
        (lambda: RiemannianSGD(retraction="exp"), r"`retraction`.*Received: retraction='exp'"),
        (lambda: RiemannianAdagrad(initial_accumulator_value=-1.0), r"`initial_accumulator_value`.*Received"),
        (lambda: RiemannianAdagrad(epsilon=0.0), r"`epsilon`.*Received: epsilon=0.0"),
        (lambda: RiemannianAdam(beta_1=1.0), r"`beta_1`.*Received: beta_1=1.0"),
        (lambda: RiemannianAdam(beta_2=-0.1), r"`beta_2`.*Received: beta_2=-0.1"),
        (lambda: RiemannianAdam(epsilon=0.0), r"`epsilon`.*Received: epsilon=0.0"),
    ],
)
def test_the_error_names_the_argument_and_the_value(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
