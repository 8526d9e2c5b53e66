"""Hyperbolic geometry as pure functions on tensors, the curvature explicit in every call."""

from hyperml_tf.geometry import lorentz, poincare

__all__ = ["lorentz", "poincare"]
