"""The geometry that an update rule is written in."""

from __future__ import annotations

from abc import ABC, abstractmethod

from hyperml_tf.numerics import Tensor


class Manifold(ABC):
    """A Riemannian manifold as an optimizer sees it, at the points it is about to move.

    An update rule written with these four operations is the Euclidean and the Riemannian rule at once. Method names follow
    `geoopt.Manifold`. There the base points `x` are the first argument of every method; here they belong to the object, because
    one step uses them several times and what depends on them alone is computed once.

    Attributes:
        points: The base points `x`, of shape `(..., dim)`.
    """

    points: Tensor

    @abstractmethod
    def egrad2rgrad(self, u: Tensor) -> Tensor:
        """Turns the Euclidean gradient `u` at `x` into the Riemannian gradient. Both have shape `(..., dim)`."""

    @abstractmethod
    def rgrad_component_inner(self, u: Tensor) -> Tensor:
        """The inner product of the Riemannian gradient with itself, which adaptive methods accumulate.

        It equals geoopt's `component_inner(x, egrad2rgrad(x, u))`, computed from the Euclidean gradient `u` directly.

        Args:
            u: The Euclidean gradient at `x`, of shape `(..., dim)`.

        Returns:
            One value for each component of the manifold: each coordinate of Euclidean space, `(..., dim)`, or each point of
            the ball, `(..., 1)`.
        """

    @abstractmethod
    def retr(self, u: Tensor) -> Tensor:
        """The retraction at `x`: the points that a step along the tangent vectors `u` reaches, `(..., dim)`."""

    @abstractmethod
    def transp(self, y: Tensor, v: Tensor) -> Tensor:
        """Transports tangent vectors `v` from `x` to the points `y`. All have shape `(..., dim)`."""
