"""What samplers ask of what users have interacted with."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from hyperml_tf.numerics import Tensor


@runtime_checkable
class KnownPairs(Protocol):
    """The interface of known pairs of users and items, which `SeenItems` has, and the items that the rows of a batch carry."""

    def contains(self, users: Tensor, items: Tensor) -> Tensor:
        """Returns whether each pair is known, `(batch, m)`, from user and item codes, `(batch, m)` each."""
        ...
