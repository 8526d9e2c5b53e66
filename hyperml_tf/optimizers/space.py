"""What an optimizer needs to know about the space its points live in."""

from __future__ import annotations

from abc import ABC, abstractmethod

from hyperml_tf.numerics import Tensor


class Space(ABC):
    """The tangent spaces at given points, with a way back to the space.

    An update rule written with these five operations is at once the Euclidean and the Riemannian one.

    Attributes:
        points: the base points, `(..., dim)`.
    """

    points: Tensor

    @abstractmethod
    def gradient(self, egrad: Tensor) -> Tensor:
        """The gradient as a tangent vector, `(..., dim)`, from the Euclidean one, `(..., dim)`."""

    @abstractmethod
    def square(self, egrad: Tensor) -> Tensor:
        """The square of a Euclidean gradient `(..., dim)` that adaptive methods accumulate.

        A number a coordinate, `(..., dim)`, or the squared length in the metric, a number a point, `(..., 1)`.
        """

    @abstractmethod
    def move(self, tangent: Tensor) -> Tensor:
        """The points reached by a step along the tangent vectors `(..., dim)`."""

    @abstractmethod
    def transport(self, tangent: Tensor, to: Tensor) -> Tensor:
        """The tangent vectors `(..., dim)` carried to the points `to`."""
