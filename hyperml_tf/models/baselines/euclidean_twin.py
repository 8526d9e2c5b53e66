"""HyperML without the curvature."""

from __future__ import annotations

from typing import Any, ClassVar

from hyperml_tf._keras import register
from hyperml_tf.models.hyperml import DEFAULT, HyperML


@register
class EuclideanTwin(HyperML):
    """`HyperML` at curvature 0: the same loss, margin, negatives and training, in flat space and not confined to a ball.

    What it loses to `HyperML` is what the geometry brings; what `CML` loses to it is what negatives and margin bring. The
    distance is `2 |x - y|`, so margins are in the units of `HyperML`'s. Flat space wants other steps than the ball: try the
    learning rates .05, .015 and .005.

    Args:
        query_ids, candidate_ids: users and catalogue, see `HyperML`.
        dim: dimension of the space.
        **kwargs: as for `HyperML`, but `curvature`. `learning_rate` defaults to `0.015`.

    Raises:
        ValueError: if an argument is out of its range, or a curvature is given.

    Example:

    >>> model = EuclideanTwin(["u1", "u2"], ["a", "b"], dim=8)
    >>> float(model.curvature())
    0.0
    """

    LEARNING_RATE: ClassVar[float] = 0.015

    def __init__(self, query_ids: Any, candidate_ids: Any, dim: int = DEFAULT.dim, **kwargs: Any) -> None:
        if "curvature" in kwargs:
            raise ValueError(
                f"`curvature` is 0 for the twin; give it to `HyperML`. Received: curvature={kwargs['curvature']}"
            )
        if kwargs.get("learning_rate") is None:
            kwargs["learning_rate"] = self.LEARNING_RATE
        super().__init__(query_ids, candidate_ids, dim, curvature=0.0, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["curvature"]
        return config
