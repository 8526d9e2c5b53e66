"""The Poincaré ball: the conventions of the whole package are stated here, once.

**The ball.** For a curvature parameter `c >= 0` points satisfy `c |x|^2 < 1`; the sectional curvature is `-c`. The metric at
`x` is the Euclidean one times the square of the conformal factor `lambda_x = 2 / (1 - c|x|^2)`, so `lambda_0 = 2` and
unit curvature is `c = 1`. Distances are in the units of the space: at `c = 1`, `d(0, x) = 2 artanh |x|`.

**c = 0 is a legal value, exactly.** Möbius addition is `+`, `expmap0` and `logmap0` are the identity, and the distance is
`2 |x - y|` (the limit, because `lambda_0 = 2`). Every function is smooth through `c -> 0`, for points and for `c` itself.

**Shapes.** Points and tangent vectors are `(..., dim)`, the geometry is along the last axis, leading axes broadcast.
`c` is a number or a tensor that broadcasts against the leading axes `(...)`: a scalar, or one curvature a point.
The base point comes first in the argument list.

**Numerics.** Computation is in float32 or float64; half precision is promoted to float32 and the result *stays* float32,
because a half cannot hold a point near the boundary. Functions that return points return them inside the ball:
`sqrt(c)|x| <= 1 - eps^(3/4)` (`numerics.ball_limit`). Distances use the asinh form and are never clamped, because a clamp is
a zero gradient. Gradients are finite everywhere, including the origin, equal points, the boundary and `c = 0`.

Sources: A. Ungar, *Analytic Hyperbolic Geometry* (2005); O. Ganea, G. Bécigneul, T. Hofmann, *Hyperbolic Neural Networks*
(2018), arXiv 1805.09112; L. V. Tran et al., *HyperML* (WSDM 2020), arXiv 1809.01703.
"""

from hyperml_tf.geometry.poincare.addition import gyration, mobius_add
from hyperml_tf.geometry.poincare.ball import conformal_factor, egrad2rgrad, project
from hyperml_tf.geometry.poincare.distances import distance, distance0, pairwise_distance, squared_distance
from hyperml_tf.geometry.poincare.gyrovector import gyromidpoint, mobius_matvec, mobius_scalar_mul
from hyperml_tf.geometry.poincare.maps import expmap, expmap0, logmap, logmap0, parallel_transport

__all__ = [
    "conformal_factor",
    "distance",
    "distance0",
    "egrad2rgrad",
    "expmap",
    "expmap0",
    "gyration",
    "gyromidpoint",
    "logmap",
    "logmap0",
    "mobius_add",
    "mobius_matvec",
    "mobius_scalar_mul",
    "pairwise_distance",
    "parallel_transport",
    "project",
    "squared_distance",
]
