"""Constants of the defaults that depend on the table and on other settings."""

from __future__ import annotations

from typing import NamedTuple

from hyperml_tf.settings.history import History


class Steps(NamedTuple):
    """A default curvature with its learning rate."""

    curvature: float
    learning_rate: float


class Update(NamedTuple):
    """How a finished run is trained further on new rows.

    Attributes:
        epochs: Number of epochs.
        replay: Number of old rows per new one in an epoch.
        rate: By which the initial learning rate of the run is multiplied.
    """

    epochs: int
    replay: float
    rate: float


SPARSE = Steps(1.0, 0.05)
DENSE = Steps(0.3, 0.02)
"""For users with hundreds of rows, a smaller curvature and a smaller learning rate are better together, but neither alone."""

DENSE_ROWS = 50
"""Mean number of rows per user from which a table counts as dense. Chosen on validation data: the sparse tables have 5 to 7 rows
per user, the dense ones 106 and 165."""

DIRECTED = 0.2
"""Direction of the order from which the newest items count as special, see `hyperml_tf.data.direction`. Of six tables, four have
.46 to .65 and two have .01 and .03."""

MARGINS = {"tangent": 16.0, "direct": 8.0}
"""By mode: in direct mode, larger margins drive active users to the boundary."""

SOFTMAX_RATE = 0.01
"""The learning rate of the softmax loss, for Adam, whose steps are a tenth of it."""

SOFTMAX_NEGATIVES, SOFTMAX_GROUP = 256, 2048
"""Number of candidates of the softmax loss, and of the positives that share them."""

FEWEST_NEGATIVES, MOST_NEGATIVES = 20, 128
SMALLEST_GROUP = 32

UPDATE = Update(6, 1.0, 1.0)
"""Chosen on validation rows, see `benchmarks/updates.py`."""

HISTORY = History()
