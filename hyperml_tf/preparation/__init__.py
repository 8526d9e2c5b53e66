"""Tables that are larger than memory: prepared once by DuckDB, then read shard by shard.

`prepare` requires the extra `prepare`; reading what it wrote does not.
"""

from __future__ import annotations

from hyperml_tf.preparation.prepare import prepare
from hyperml_tf.preparation.prepared_table import PreparedTable, TrainingRows

__all__ = ["PreparedTable", "TrainingRows", "prepare"]
