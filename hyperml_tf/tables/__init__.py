"""Ids and histories as saved state: each kept in one form, in training and inside an exported SavedModel.

`IdTable` and `Histories` are tensors, or variables, with the graph functions that read them. `IdLookup` and `SeenItems` are the
Keras layers that own them while a model is trained, and save them with it.
"""

from hyperml_tf.tables.histories import Histories
from hyperml_tf.tables.id_lookup import IdLookup
from hyperml_tf.tables.id_table import IdTable
from hyperml_tf.tables.seen_items import SeenItems

__all__ = ["Histories", "IdLookup", "IdTable", "SeenItems"]
