"""Retrieval models."""

from hyperml_tf.models import baselines
from hyperml_tf.models.default_optimizer import default_optimizer
from hyperml_tf.models.distance_index import DistanceIndex
from hyperml_tf.models.history import History
from hyperml_tf.models.history_tower import HistoryTower
from hyperml_tf.models.hyperml import HyperML
from hyperml_tf.models.id_tower import IdTower
from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.models.network_tower import NetworkTower
from hyperml_tf.models.recommendations import Recommendations

__all__ = [
    "DistanceIndex",
    "History",
    "HistoryTower",
    "HyperML",
    "IdTower",
    "Neighbours",
    "NetworkTower",
    "Recommendations",
    "baselines",
    "default_optimizer",
]
