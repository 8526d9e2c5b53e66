"""The numbers behind the defaults that depend on the table and on other settings."""

from __future__ import annotations

from typing import NamedTuple

from hyperml_tf.settings.history import History


class Steps(NamedTuple):
    """A curvature and the learning rate that goes with it."""

    curvature: float
    learning_rate: float


SPARSE = Steps(1.0, 0.05)
DENSE = Steps(0.3, 0.02)
"""Where users have hundreds of rows, less curvature and smaller steps are better together; either alone is not."""

DENSE_ROWS = 50
"""Rows per user, on average, from which a table is dense. Found on validation rows: sparse tables have 5 to 7, dense ones 106 and
165."""

MARGINS = {"tangent": 16.0, "direct": 8.0}
"""By mode: larger margins in direct mode drive busy users to the boundary."""

FEWEST_NEGATIVES, MOST_NEGATIVES = 20, 128
SMALLEST_GROUP = 32

HISTORY = History()
