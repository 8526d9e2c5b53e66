"""What the tests of exports share."""

from __future__ import annotations

from typing import Any

import numpy as np

from hyperml_tf.models import HyperML

K = 7
"""Length of the answers of the shared exports."""

# Ids that break naive code: non-ASCII, white space, separators, quotes, a backslash, a NUL, what looks like a number.
ODD_IDS = [
    "Žižkov 東京",
    "a\nb",
    " lead",
    "trail ",
    "a,b;c",
    '"quoted"',
    "back\\slash",
    "nu\0l",
    "007",
    "[UNK]",
    "None",
]


def odd_model(ids: Any = ODD_IDS) -> HyperML:
    model = HyperML(ids, ids, dim=2, history=0)
    for tower in (model.query_tower, model.candidate_tower):
        tower.embedding.embeddings.assign(np.random.default_rng(0).normal(size=(len(ids), 2)) * 0.3)
    return model
