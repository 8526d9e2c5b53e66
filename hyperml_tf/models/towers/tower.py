"""The base class of towers, which map raw ids to points of the ball."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import tensorflow as tf

from hyperml_tf.data import Interactions, training_dataset
from hyperml_tf.data.pipelines import Draw, Progress
from hyperml_tf.layers.hyperbolic_layer import CurvatureArgument, HyperbolicLayer
from hyperml_tf.models.batches import Places, Windows
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables import IdLookup, SeenItems


class Tower(HyperbolicLayer):
    """Base class of towers. Subclasses must implement `points`.

    Called with raw ids, `(...)`, a tower returns points of the ball, `(..., dim)`. Unknown ids are mapped to the origin.

    Args:
        ids: The vocabulary, distinct strings or integers, in the order of their codes; or its size if the ids are set or loaded
            later, as by `from_config`; see `IdLookup`.
        curvature: Float >= 0, or a `Curvature`, which may be learned and shared between layers. Defaults to `1.0`.
        id_dtype: String, "string" or "int64", if `ids` is a size. Defaults to `None`, "string".
        **kwargs: Base layer keyword arguments, such as `name`.
    """

    block = 65536
    """Number of ids per batch in `all_points`."""

    def __init__(
        self,
        ids: Any,
        curvature: CurvatureArgument = 1.0,
        id_dtype: Literal["string", "int64"] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(curvature=curvature, **kwargs)
        self.lookup = IdLookup(ids, id_dtype)
        # The histories of towers that represent users by them. Set on the instance: Keras does not track class attributes.
        self.seen: SeenItems | None = None
        # Subclasses create all variables when they are made. `summary` counts them before the first call, too.
        self.built = True

    @property
    def ids(self) -> np.ndarray:
        """The vocabulary, int64 or object array of `str`."""
        return self.lookup.ids

    def __len__(self) -> int:
        return len(self.lookup)

    def points(self, codes: Tensor, training: bool = False) -> Tensor:
        """Returns the points of codes. Subclasses must implement it.

        Args:
            codes: Integers in `[0, len(self))`, `(...)`.
            training: Boolean, whether the layer is in training mode. Defaults to `False`.

        Returns:
            Points of the ball, `(..., dim)`.
        """
        raise NotImplementedError("Subclasses must implement `points`.")

    def training_batches(
        self,
        rows: Interactions,
        batch_size: int,
        seed: int,
        progress: Progress | None = None,
        draw: Draw | None = None,
    ) -> tf.data.Dataset:
        """Returns the batches of an epoch, on which `training_points` is called, see `training_dataset`.

        Args:
            rows: An `Interactions` in the codes of the tower.
            batch_size: Integer >= 1, number of positives per batch.
            seed: Integer, random seed of the shuffles.
            progress: Function that returns the number of batches so far, or a dataset of the numbers at the beginnings of epochs,
                see `training_dataset`. Defaults to `None`.
            draw: A `Draw`, the rows of several epochs, which one iteration has. Defaults to `None`, one epoch of all rows.
        """
        return training_dataset(rows, batch_size, seed=seed, progress=progress, draw=draw)

    @property
    def window_options(self) -> dict[str, Any]:
        """The arguments of `window_dataset` for the histories that `training_points` reads; none if it reads none."""
        return {}

    def training_points(
        self,
        users: Tensor,
        items: Tensor,
        seed: Tensor,
        windows: Windows | None = None,
        places: Places | None = None,
    ) -> Tensor:
        """Returns the points of users in a training step, computed without the positives of that step.

        Args:
            users: User codes, `(batch,)`.
            items: Item codes of the positives, `(batch,)`.
            seed: Two integers, the seed of random draws.
            windows: The histories of the positives, if the batch holds them. Defaults to `None`.
            places: Where the rows are in the global batch, if this is a part of it. Defaults to `None`.

        Returns:
            Points, `(batch, dim)`.
        """
        return self.points(users, training=True)

    def without_one(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the points that users would have without one item of their histories, for each of the newest items.

        Args:
            codes: User codes in `[0, len(self))`, `(batch,)`.

        Returns:
            The item codes that are left out, `(batch, m)`, from the newest on, -1 beyond the end of a history; and the points
            without them, `(batch, m, dim)`. `m` is 0 if users are not represented by their histories.
        """
        points = self.points(codes)
        return tf.zeros([len(codes), 0], tf.int32), tf.zeros_like(points)[:, tf.newaxis][:, :0]

    def points_or_origin(self, codes: Tensor, training: bool = False) -> Tensor:
        """Returns the points of codes, `(...)`; the origin for -1, the code of unknown ids."""
        known = codes >= 0
        return tf.where(known[..., tf.newaxis], self.points(tf.maximum(codes, 0), training), 0.0)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if isinstance(inputs, tf.RaggedTensor):
            return inputs.with_flat_values(self.call(inputs.flat_values, training))
        return self.points_or_origin(self.lookup(inputs), training)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Tensor:
        # Keras would take a list of ids for a list of tensors.
        inputs = tf.convert_to_tensor(inputs) if isinstance(inputs, (list, np.ndarray)) else inputs
        return super().__call__(inputs, *args, **kwargs)

    def all_points(self) -> Tensor:
        """Returns the points of the whole vocabulary, `(n, dim)`, in the order of the codes, computed batch by batch.

        Raises:
            ValueError: If a point is not finite, outside of graphs. The message names the first such id.
        """
        return self._joined(
            [
                self.points(tf.range(start, min(start + self.block, len(self))))
                for start in range(0, len(self), self.block)
            ]
        )

    def points_of(self, codes: np.ndarray) -> Tensor:
        """Returns the points of some codes, `(batch, dim)`, as `all_points` does.

        Args:
            codes: Integers in `[0, len(self))`, `(batch,)`, at least one.

        Raises:
            ValueError: As `all_points`.
        """
        blocks = [
            self.points(tf.constant(codes[start : start + self.block], tf.int32))
            for start in range(0, len(codes), self.block)
        ]
        return self._joined(blocks, codes)

    def _joined(self, blocks: list[Tensor], codes: np.ndarray | None = None) -> Tensor:
        """The points of blocks, of all codes if none are given."""
        points = tf.concat(blocks, axis=0)
        if tf.executing_eagerly():
            finite = tf.reduce_all(tf.math.is_finite(points), axis=-1).numpy()
            if not finite.all():
                first = int(np.argmin(finite))
                raise ValueError(
                    self._not_finite(first if codes is None else int(codes[first]), int(np.count_nonzero(~finite)))
                )
        return points

    def _not_finite(self, code: int, count: int) -> str:
        (first,) = self.lookup.id_list.take(np.array([code])).tolist()
        return (
            f"The points of the layer {self.name!r} must be finite. Received: {count} that are not, the first that of the id "
            f"{first!r}. Training has diverged: load weights of an earlier epoch, and train with a smaller "
            "learning rate."
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ids": len(self), "id_dtype": self.lookup.id_dtype}
