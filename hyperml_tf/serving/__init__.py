"""Serving: export of trained models as SavedModels, and a client for them."""

from hyperml_tf.serving.answer_files import (
    recommend_in_batches,
    recommend_to_file,
    similar_in_batches,
    similar_to_file,
)
from hyperml_tf.serving.approximate_index import ApproximateIndex
from hyperml_tf.serving.export import export_saved_model
from hyperml_tf.serving.served_model import ServedModel
from hyperml_tf.serving.signatures import SIGNATURES
from hyperml_tf.serving.verification import verify_export
from hyperml_tf.serving.versions import next_version

__all__ = [
    "SIGNATURES",
    "ApproximateIndex",
    "ServedModel",
    "export_saved_model",
    "next_version",
    "recommend_in_batches",
    "recommend_to_file",
    "similar_in_batches",
    "similar_to_file",
    "verify_export",
]
