"""How the baselines are trained unless another optimizer is given."""

from __future__ import annotations

from typing import Any, ClassVar

from hyperml_tf.models.ranking_model import RankingModel
from hyperml_tf.models.training.default_optimizer import undamped_adagrad
from hyperml_tf.optimizers import RiemannianAdagrad


class Baseline(RankingModel):
    """Base class: `compile` without an optimizer takes `default_optimizer()`.

    That is what `hyperml_tf.models.default_optimizer` is to HyperML, at the scale of the gradients of the baseline: Adagrad whose
    accumulators start high, and so like SGD. From 0 it is clearly worse on sparse data.
    """

    LEARNING_RATE: ClassVar[float] = 0.3
    """The default of `default_optimizer`."""
    ACCUMULATOR: ClassVar[float] = 0.1
    """What the squared gradients of a coordinate have to add up to before its steps become smaller."""

    def default_optimizer(
        self, learning_rate: float | None = None, decay_steps: int | None = None
    ) -> RiemannianAdagrad:
        """Adagrad that starts like SGD, and touches the rows of the batch only.

        Args:
            learning_rate: the initial rate of a row that is seen rarely, which moves by this times its gradient; the class's
                `LEARNING_RATE` if None. The best one differs from table to table: try some.
            decay_steps: the number of steps over which the learning rate falls linearly to 0; constant if None.
        """
        rate = self.LEARNING_RATE if learning_rate is None else learning_rate
        return undamped_adagrad(rate, self.ACCUMULATOR, decay_steps)

    def compile(self, optimizer: Any = None, **kwargs: Any) -> None:
        """Configures training.

        Args:
            optimizer: `default_optimizer()` unless given; another learning rate: `compile(model.default_optimizer(0.1))`.
            **kwargs: as in Keras.
        """
        super().compile(optimizer=self.default_optimizer() if optimizer is None else optimizer, **kwargs)
