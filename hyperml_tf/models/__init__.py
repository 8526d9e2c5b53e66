"""Retrieval models."""

from hyperml_tf.models import baselines
from hyperml_tf.models.distance_index import DistanceIndex
from hyperml_tf.models.hyperml import HyperML
from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.models.recommendations import Recommendations
from hyperml_tf.models.towers.history import History
from hyperml_tf.models.towers.history_tower import HistoryTower
from hyperml_tf.models.towers.id_tower import IdTower
from hyperml_tf.models.towers.network_tower import NetworkTower
from hyperml_tf.models.training.default_optimizer import default_optimizer

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
