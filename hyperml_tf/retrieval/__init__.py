"""Retrieval: exact nearest-neighbour search by hyperbolic distance."""

from hyperml_tf.retrieval.among import nearest_among
from hyperml_tf.retrieval.exact_index import ExactIndex
from hyperml_tf.retrieval.nearest import nearest
from hyperml_tf.retrieval.nearest_neighbors import NearestNeighbors
from hyperml_tf.retrieval.quantised_index import QuantisedIndex
from hyperml_tf.retrieval.results import Neighbours, Recommendations

__all__ = [
    "ExactIndex",
    "NearestNeighbors",
    "Neighbours",
    "QuantisedIndex",
    "Recommendations",
    "nearest",
    "nearest_among",
]
