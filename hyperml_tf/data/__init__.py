"""Interaction data: loading, splitting, negative sampling, `tf.data` pipelines, and a synthetic data set.

The pipelines are imported lazily, because they require TensorFlow, which tables are read without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperml_tf.data.inspection import Inspection, inspect_table
from hyperml_tf.data.interactions import Interactions
from hyperml_tf.data.item_table import ItemTable
from hyperml_tf.data.negatives import sampled_negatives
from hyperml_tf.data.splits import Split, k_folds, leave_one_out, time_split
from hyperml_tf.data.synthetic import SyntheticCatalogue, synthesize

__all__ = [
    "Inspection",
    "Interactions",
    "ItemTable",
    "Split",
    "SyntheticCatalogue",
    "inspect_table",
    "k_folds",
    "leave_one_out",
    "raw_dataset",
    "sampled_negatives",
    "synthesize",
    "time_split",
    "training_dataset",
]

if TYPE_CHECKING:
    from hyperml_tf.data.pipelines import raw_dataset, training_dataset
else:
    from hyperml_tf._lazy import lazy_names

    __getattr__, __dir__ = lazy_names(__name__, {"raw_dataset": "pipelines", "training_dataset": "pipelines"})
