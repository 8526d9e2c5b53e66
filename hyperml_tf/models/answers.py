"""What a trained model is asked: recommendations, similar items, exact rankings."""

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
from hyperml_tf.models.feed import recode
from hyperml_tf.models.id_lookup import id_array
from hyperml_tf.models.neighbours import Neighbours
from hyperml_tf.models.recommendations import Recommendations
from hyperml_tf.models.two_towers import TwoTowers
from hyperml_tf.numerics import Tensor

# Scores computed at once: 256 MiB of float32.
_SCORES = 2**26


def recommend(model: TwoTowers, users: Any, k: int, exclude_seen: bool) -> Neighbours:
    """See `RetrievalModel.recommend`."""
    codes = model.query_lookup(id_array(users, "users")).numpy()

    def excluded(rows: np.ndarray) -> np.ndarray | None:
        return model.seen.padded(rows) if exclude_seen else None

    return _search(model, codes, model.query_tower.points_or_origin, k, excluded)


def similar_items(model: TwoTowers, items: Any, k: int) -> Neighbours:
    """See `RetrievalModel.similar_items`."""
    ids = id_array(items, "items")
    codes = model.candidate_lookup(ids).numpy()
    if (codes < 0).any():
        raise ValueError(f"`items` must be of the catalogue. Received unknown ids: {ids[codes < 0][:5].tolist()}")
    return _search(model, codes, model.candidate_tower.points, k, lambda rows: rows[:, None])


def _search(
    model: TwoTowers,
    codes: np.ndarray,
    points_of: Callable[[Tensor], Tensor],
    k: int,
    excluded: Callable[[np.ndarray], np.ndarray | None],
) -> Neighbours:
    if k < 1:
        raise ValueError(f"`k` must be at least 1. Received: k={k}")
    c = model.curvature()
    points = model.candidate_tower.all_points()
    lifted = lorentz.lift(points, c)
    block = max(1, _SCORES // len(points))
    found = [
        search.nearest(points_of(tf.constant(rows)), points, lifted, c, k, excluded(rows))
        for rows in np.array_split(codes, range(block, len(codes), block))
    ]
    indices = np.concatenate([result[0].numpy() for result in found])
    return Neighbours(_ids(model, indices), np.concatenate([result[1].numpy() for result in found]))


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
    return Recommendations(_ids(model, np.where(np.isneginf(best), -1, indices)), best)


def _ids(model: Catalogue, codes: np.ndarray) -> np.ndarray:
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
    return ranking_report(model.scorer(), rows.users, rows.items, excluded, negatives, ks)
