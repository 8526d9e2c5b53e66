"""HyperML without the curvature."""

from __future__ import annotations

from typing import Any, ClassVar

from hyperml_tf._keras import register
from hyperml_tf.models.baselines.baseline import Baseline
from hyperml_tf.models.hyperml import HyperML
from hyperml_tf.models.training.default_optimizer import default_optimizer
from hyperml_tf.optimizers import RiemannianAdagrad


@register
class EuclideanTwin(Baseline, HyperML):
    """`HyperML` at curvature 0: the same loss, margin, negatives and training, in flat space and not confined to a ball.

    What it loses to `HyperML` is what the geometry brings; what `CML` loses to it is what negatives and margin bring. The
    distance is `2 |x - y|`, so margins are in the units of `HyperML`'s. Flat space wants other steps than the ball: try the
    learning rates .05, .015 and .005.

    Args:
        query_ids: the known users, distinct strings or integers.
        candidate_ids: the catalogue, distinct strings or integers.
        dim: dimension of the space.
        **kwargs: as for `HyperML`, but `curvature`.

    Raises:
        ValueError: if an argument is out of its range, or a curvature is given.

    Example:

    >>> model = EuclideanTwin(["u1", "u2"], ["a", "b"], dim=8)
    >>> float(model.curvature())
    0.0
    """

    LEARNING_RATE: ClassVar[float] = 0.015

    def __init__(self, query_ids: Any, candidate_ids: Any, dim: int = 64, **kwargs: Any) -> None:
        if "curvature" in kwargs:
            raise ValueError(
                f"`curvature` is 0 for the twin; give it to `HyperML`. Received: curvature={kwargs['curvature']}"
            )
        super().__init__(query_ids, candidate_ids, dim, curvature=0.0, **kwargs)

    def default_optimizer(
        self, learning_rate: float | None = None, decay_steps: int | None = None
    ) -> RiemannianAdagrad:
        """`hyperml_tf.models.default_optimizer`, which HyperML has; `LEARNING_RATE` if no rate is given."""
        rate = self.LEARNING_RATE if learning_rate is None else learning_rate
        return default_optimizer(self.mode, self.dim, rate, decay_steps)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["curvature"]
        return config
