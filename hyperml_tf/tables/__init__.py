"""Vocabularies and interaction histories, as part of the saved state of models.

`IdTable` and `Histories` hold tensors or variables, and have methods for use in graphs; exported SavedModels contain them.
`IdLookup` and `SeenItems` are the Keras layers that own them in a model, and save them with it.
"""

from hyperml_tf.tables.histories import Histories
from hyperml_tf.tables.id_list import IdList
from hyperml_tf.tables.id_lookup import IdLookup
from hyperml_tf.tables.id_table import IdTable
from hyperml_tf.tables.seen_items import SeenItems

__all__ = ["Histories", "IdList", "IdLookup", "IdTable", "SeenItems"]
