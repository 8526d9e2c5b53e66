"""Interaction data: loading, splitting, negative sampling, `tf.data` pipelines, and a synthetic data set."""

from hyperml_tf.data.interactions import Interactions
from hyperml_tf.data.item_table import ItemTable
from hyperml_tf.data.negatives import sampled_negatives
from hyperml_tf.data.pipelines import raw_dataset, training_dataset
from hyperml_tf.data.splits import Split, leave_one_out
from hyperml_tf.data.synthetic import SyntheticCatalogue, synthesize

__all__ = [
    "Interactions",
    "ItemTable",
    "Split",
    "SyntheticCatalogue",
    "leave_one_out",
    "raw_dataset",
    "sampled_negatives",
    "synthesize",
    "training_dataset",
]
