"""Serving: the exported SavedModel."""

from hyperml_tf.retrieval.export import export_saved_model
from hyperml_tf.retrieval.served_model import ServedModel

__all__ = ["ServedModel", "export_saved_model"]
