"""HyperML at curvature 0."""

from __future__ import annotations

from typing import Any, ClassVar

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.models.hyperml import DEFAULT, HyperML


@names_arguments
@register
class EuclideanTwin(HyperML):
    """`HyperML` at curvature 0: the same loss, margin, negatives and training in Euclidean space, without the ball.

    The gap between it and `HyperML` is the contribution of hyperbolic geometry; the gap between `CML` and it is that of hard
    negatives and the margin. The distance is `2 |x - y|`, so the margin has the same unit as in `HyperML`. The best learning rate
    differs from that in the ball: try 0.05, 0.015 and 0.005.

    Args:
        query_ids: The known users, distinct strings or integers, or their number, see `HyperML`.
        candidate_ids: The catalogue, likewise.
        dim: Integer >= 1, dimension of the space. Defaults to `64`.
        **kwargs: Other arguments of `HyperML`, except `curvature`. `learning_rate` defaults to `0.015`.

    Raises:
        ValueError: If an argument is out of its range, or if a curvature is given.

    Example:

    >>> model = EuclideanTwin(["u1", "u2"], ["a", "b"], dim=8)
    >>> float(model.curvature())
    0.0
    """

    LEARNING_RATE: ClassVar[float] = 0.015

    def __init__(self, query_ids: Any, candidate_ids: Any, dim: int = DEFAULT.dim, **kwargs: Any) -> None:
        if "curvature" in kwargs:
            raise ValueError(
                f"`curvature` must not be given: it is 0 here, see `HyperML`. Received: curvature={kwargs['curvature']}"
            )
        if kwargs.get("learning_rate") is None:
            kwargs["learning_rate"] = self.LEARNING_RATE
        super().__init__(query_ids, candidate_ids, dim, curvature=0.0, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["curvature"]
        return config
