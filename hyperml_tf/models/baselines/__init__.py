"""Baselines with the interface of `HyperML`: Euclidean models and popularity."""

from hyperml_tf.models.baselines.cml import CML
from hyperml_tf.models.baselines.euclidean_twin import EuclideanTwin
from hyperml_tf.models.baselines.lrml import LRML
from hyperml_tf.models.baselines.mfbpr import MFBPR
from hyperml_tf.models.baselines.popularity import Popularity

__all__ = ["CML", "LRML", "MFBPR", "EuclideanTwin", "Popularity"]
