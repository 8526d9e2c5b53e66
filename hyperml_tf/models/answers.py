"""What any trained model is asked: recommendations by score, exact rankings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf import search
from hyperml_tf.data import Interactions
from hyperml_tf.geometry import lorentz
from hyperml_tf.metrics import ranking_report
from hyperml_tf.models.catalogue import Catalogue
from hyperml_tf.models.recommendations import Recommendations
from hyperml_tf.models.towers.id_lookup import id_array
from hyperml_tf.models.training.feed import recode
from hyperml_tf.models.two_towers import TwoTowers
from hyperml_tf.numerics import Tensor

# Scores computed at once: 256 MiB of float32.
_SCORES = 2**26


def recommend_by_score(model: Catalogue, users: Any, k: int, exclude_seen: bool) -> Recommendations:
    """See `RankingModel.recommend`."""
    if k < 1:
        raise ValueError(f"`k` must be at least 1. Received: k={k}")
    codes = model.query_lookup(id_array(users, "users")).numpy()
    n = len(model.candidate_lookup)
    block = max(1, _SCORES // n)
    found = []
    for rows in np.array_split(codes, range(block, len(codes), block)):
        scores = np.array(model.score_catalogue(tf.constant(rows)), np.float32)
        if exclude_seen:
            seen = model.seen.padded(rows)
            positions, columns = np.nonzero(seen >= 0)
            scores[positions, seen[positions, columns]] = -np.inf
        found.append(tf.math.top_k(scores, min(k, n)))
    best = np.concatenate([result.values.numpy() for result in found])
    indices = np.concatenate([result.indices.numpy() for result in found])
    return Recommendations(raw_ids(model, np.where(np.isneginf(best), -1, indices)), best)


def raw_ids(model: Catalogue, codes: np.ndarray) -> np.ndarray:
    """Raw ids of candidate codes; what stands for no candidate where the code is -1."""
    ids = model.candidate_lookup.ids[np.maximum(codes, 0)]
    ids[codes < 0] = -1 if ids.dtype.kind == "i" else ""
    return ids


def scorer(model: TwoTowers) -> Callable[[np.ndarray], Tensor]:
    """A function of user codes that scores the whole catalogue, in float64 so that rounding decides no rank."""
    c = tf.cast(model.curvature(), tf.float64)
    candidates = lorentz.lift(tf.cast(model.candidate_tower.all_points(), tf.float64), c)

    def score(users: np.ndarray) -> Tensor:
        queries = model.query_tower.points(tf.convert_to_tensor(users, tf.int32))
        return search.similarity(tf.cast(queries, tf.float64), candidates, c)

    return score


def evaluate_ranking(
    model: Catalogue,
    held_out: Interactions,
    seen: Interactions | None,
    negatives: np.ndarray | None,
    ks: tuple[int, ...],
) -> dict[str, float]:
    """See `RankingModel.evaluate_ranking`."""
    rows = recode(model, held_out)
    if negatives is not None and rows is not held_out:
        raise ValueError(
            "`held_out` must have the vocabularies of the model when `negatives` are given, because these are codes: take "
            f"both from a split of the table that the model was made for. Received: {held_out}"
        )
    excluded = (model.seen.indptr, model.seen.indices) if seen is None else recode(model, seen).csr()
    # Few large batches of a small catalogue, because operations cost by themselves; few users at once of a large one.
    batch_size = max(16, min(4096, _SCORES // (4 * len(model.candidate_lookup))))
    return ranking_report(model.scorer(), rows.users, rows.items, excluded, negatives, ks, batch_size)
