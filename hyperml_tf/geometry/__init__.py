"""Hyperbolic geometry as pure functions of tensors, with the curvature as an explicit argument."""

from hyperml_tf.geometry import lorentz, poincare

__all__ = ["lorentz", "poincare"]
