"""Serving: the exported SavedModel, its interface, and what goes with it."""

from hyperml_tf.retrieval.approximate_index import ApproximateIndex
from hyperml_tf.retrieval.export import export_saved_model
from hyperml_tf.retrieval.item_details import item_details
from hyperml_tf.retrieval.served_model import ServedModel
from hyperml_tf.retrieval.signatures import SIGNATURES
from hyperml_tf.retrieval.versions import next_version

__all__ = ["SIGNATURES", "ApproximateIndex", "ServedModel", "export_saved_model", "item_details", "next_version"]
