"""The tower of users that are represented by the order of their newest items, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument
from hyperml_tf.models.towers.history_tower import HistoryTower
from hyperml_tf.models.towers.sequence_encoder import SequenceEncoder, encoded_selections
from hyperml_tf.numerics import Tensor
from hyperml_tf.settings import defaults
from hyperml_tf.settings.encoding import EncodingArgument
from hyperml_tf.settings.history import HistoryArgument


@names_arguments
@register
class SequenceTower(HistoryTower):
    """Maps users to points that are computed from their items and from the order of the newest ones.

    The tangent vector of a user is that of a `HistoryTower` plus the output of a `SequenceEncoder` at the newest item:
    self-attention in the tangent space at the origin. The point is its `expmap0`. In training, all places of a run of items are
    trained at once, each with the items before it.

    Args:
        ids: The vocabulary, distinct strings or integers, or its size, see `Tower`.
        dim: Integer >= 1, dimension of the points.
        n_items: Integer >= 1, size of the catalogue.
        history: See `HistoryTower`. Its `length`, times its `spread`, must be less than the length of the encoding.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        encoding: An `Encoding` or its arguments: how the newest items are encoded. Defaults to `None`, `Encoding()`.
        **kwargs: Further arguments of `HistoryTower`.

    Attributes:
        seen: The histories, a `SeenItems`, empty at first. They are part of the state of the tower.

    Input shape:
        Raw ids, `(...)`.

    Output shape:
        Points, `(..., dim)`; the origin for unknown ids.

    Raises:
        ValueError: If a number is out of its range, or if the encoding is not longer than the history.

    Reference:
        - [Kang and McAuley, Self-attentive sequential recommendation, 2018](https://arxiv.org/abs/1808.09781)

    Example:

    >>> tower = SequenceTower(["a", "b"], dim=4, n_items=3)
    >>> tower.seen.set(users=[0, 0, 1], items=[0, 1, 2])
    >>> tower(["b", "unknown"]).shape
    TensorShape([2, 4])
    """

    # Fewer users at a time than in other towers, because attention compares all pairs of their items.
    block = 512

    def __init__(
        self,
        ids: Any,
        dim: int,
        n_items: int,
        history: HistoryArgument = defaults.HISTORY,
        curvature: CurvatureArgument = 1.0,
        encoding: EncodingArgument = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(ids, dim, n_items, history, curvature, **kwargs)
        self.encoder = SequenceEncoder(self.n_items, dim, encoding, name="encoder")
        self.encoding = self.encoder.encoding
        if self.encoding.length <= self._sides[0]:
            raise ValueError(
                "`encoding.length` must be greater than the number of items that `history` reads before a positive, its length "
                f"times its spread, which is {self._sides[0]}. "
                f"Received: length={self.encoding.length}"
            )

    def pulled(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        pulled, counts = super().pulled(codes)
        length = self.encoding.length
        newest = self.seen.histories.window(codes, counts, length, 0)[:, :length]
        return pulled + self.encoder.newest(newest), counts

    def pulled_by(self, codes: Tensor, known: Tensor) -> Tensor:
        encoded = encoded_selections(self.encoder.newest, self.encoding.length, codes, known)
        return super().pulled_by(codes, known) + encoded

    @property
    def window_options(self) -> dict[str, Any]:
        return {**super().window_options, "run": self.encoding.length - self._sides[0], "trim": True}

    @property
    def _reach(self) -> int:
        return self.encoding.length

    def _pulls(
        self,
        histories: Tensor,
        run: int | Tensor,
        seed: Tensor,
        places: Tensor | None,
        flat: Callable[[Tensor], Tensor],
    ) -> Tensor:
        _, after = self._sides
        first = tf.shape(histories)[1] - run - after
        # The output at the item before each positive, which is the last one that may be known.
        outputs = self.encoder(histories[:, : first + run - 1], seed, places)
        outputs = tf.pad(outputs, [[0, 0], [1, 0], [0, 0]])[:, first:]
        before = tf.cumsum(tf.cast(histories >= 0, tf.float32), axis=1, exclusive=True)[:, first : first + run]
        encoded = outputs * tf.cast(before > 0, tf.float32)[..., tf.newaxis]
        return super()._pulls(histories, run, seed, places, flat) + flat(encoded)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "encoding": self.encoding.to_dict()}
