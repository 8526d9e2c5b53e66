"""The Poincaré ball, and the conventions of the whole package.

**The ball.** For a curvature parameter `c >= 0`, points satisfy `c |x|^2 < 1`, and the sectional curvature is `-c`. The metric at
`x` is the Euclidean metric times the square of the conformal factor `lambda_x = 2 / (1 - c|x|^2)`, so `lambda_0 = 2`. Distances
are lengths of geodesics: at `c = 1`, `d(0, x) = 2 artanh |x|`.

**c = 0** is Euclidean space, exactly: Möbius addition is `+`, `expmap0` and `logmap0` are the identity, and the distance is
`2 |x - y|`, the limit for `c -> 0`, because `lambda_0 = 2`. All functions are smooth at `c = 0`, in the points and in `c`.

**Arguments.** Points, vectors and curvatures can be tensors, variables, NumPy arrays, lists or Python numbers. The base point
comes first, and the curvature last.

**Shapes.** Points and tangent vectors are `(..., dim)`: the last axis holds the coordinates, and leading axes broadcast. `c` is
a scalar or a tensor that broadcasts with the leading axes `(...)`, such as one curvature per point.

**Dtypes.** Computations are in float32, or in float64 if an argument is float64. Half precision is converted to float32, and
results *stay* float32, because float16 and bfloat16 cannot represent points near the boundary.

**The boundary.** Functions that return points keep them at `sqrt(c)|x| <= 1 - eps^(3/4)`, which is `numerics.ball_limit`.
Distances are computed by asinh and never clamped, because the gradient of a clamped value is zero. All gradients are finite,
including those at the origin, at equal points, at the boundary and at `c = 0`.

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
