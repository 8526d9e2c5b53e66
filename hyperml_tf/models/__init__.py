"""Recommenders: `HyperML`, its towers, and the baselines of the same interface."""

from hyperml_tf.models import baselines
from hyperml_tf.models.distance_index import DistanceIndex
from hyperml_tf.models.explanations import Explanation
from hyperml_tf.models.hyperml import HyperML
from hyperml_tf.models.loading import load_model
from hyperml_tf.models.metric_recommender import MetricRecommender
from hyperml_tf.models.recommender import Recommender
from hyperml_tf.models.towers.history_tower import HistoryTower
from hyperml_tf.models.towers.id_tower import IdTower
from hyperml_tf.models.towers.network_tower import NetworkTower
from hyperml_tf.models.towers.sequence_encoder import SequenceEncoder
from hyperml_tf.models.towers.sequence_tower import SequenceTower
from hyperml_tf.retrieval.results import Neighbours, Recommendations
from hyperml_tf.settings import Encoding, History

__all__ = [
    "DistanceIndex",
    "Encoding",
    "Explanation",
    "History",
    "HistoryTower",
    "HyperML",
    "IdTower",
    "MetricRecommender",
    "Neighbours",
    "NetworkTower",
    "Recommendations",
    "Recommender",
    "SequenceEncoder",
    "SequenceTower",
    "baselines",
    "load_model",
]
