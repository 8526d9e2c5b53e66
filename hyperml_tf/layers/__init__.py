"""Keras layers of the Poincaré ball.

Every layer takes a `curvature`, a number or a `Curvature`, which may be learned and shared between layers. Points and tangent
vectors are `(..., dim)`. All layers compute in float32 under half-precision policies. The conventions of the geometry are
described in `hyperml_tf.geometry.poincare`.
"""

from hyperml_tf.layers.curvature import Curvature
from hyperml_tf.layers.exp_map import ExpMap
from hyperml_tf.layers.gyromidpoint import Gyromidpoint
from hyperml_tf.layers.hyperbolic_distance import HyperbolicDistance
from hyperml_tf.layers.hyperbolic_embedding import HyperbolicEmbedding
from hyperml_tf.layers.log_map import LogMap
from hyperml_tf.layers.lorentz_lift import LorentzLift
from hyperml_tf.layers.mobius_add import MobiusAdd
from hyperml_tf.layers.mobius_dense import MobiusDense
from hyperml_tf.layers.mobius_matvec import MobiusMatVec
from hyperml_tf.layers.mobius_scalar_mul import MobiusScalarMul
from hyperml_tf.layers.project_to_ball import ProjectToBall

__all__ = [
    "Curvature",
    "ExpMap",
    "Gyromidpoint",
    "HyperbolicDistance",
    "HyperbolicEmbedding",
    "LogMap",
    "LorentzLift",
    "MobiusAdd",
    "MobiusDense",
    "MobiusMatVec",
    "MobiusScalarMul",
    "ProjectToBall",
]
