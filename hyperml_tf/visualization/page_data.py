"""What the explorer shows of a model, as plain values that JSON can hold."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_checks import count
from hyperml_tf.models.distance_index import DistanceIndex
from hyperml_tf.models.metric_recommender import MetricRecommender
from hyperml_tf.retrieval.results import Neighbours
from hyperml_tf.tables.ids import id_array
from hyperml_tf.visualization.facets import Facet, number_facet
from hyperml_tf.visualization.item_columns import checked_columns, column_facets, label_column, telling
from hyperml_tf.visualization.layout import DiskLayout, check_weights, disk_layout, layout_beside

# The newest items of a history that the page holds, and how many of them explain a recommendation.
HISTORY, REASONS = 100, 3


def page_data(
    model: MetricRecommender,
    items: Mapping[str, Sequence[str]] | None,
    label: str | None,
    colour: str | None,
    popularity: Any,
    users: int | Sequence[Any],
    k: int,
    title: str,
) -> dict[str, Any]:
    """Returns everything that the page needs; for the arguments see `write_explorer`.

    Arrays are in base64, see `encoded`; items are their codes, in the order of the catalogue.
    """
    count(k=k)
    columns = checked_columns(items, len(model.candidate_tower))
    label = label_column(columns, label)
    found = column_facets(columns, label, colour)
    codes = _chosen_users(model, users)
    points = model.candidate_tower.all_points().numpy()
    curvature = float(model.curvature())
    weights = check_weights(len(points), popularity=_popularity(model) if popularity is None else popularity)
    layout = disk_layout(points, weights, curvature)
    first = telling(found, colour) or 0
    found += [*number_facet("popularity", weights), *number_facet("distance from the origin", layout.distances)]
    index = DistanceIndex(model, compiled=False)
    neighbours = index.similar_items(model.candidate_tower.ids, min(k, len(points) - 1)) if len(points) > 1 else None
    return {
        "title": title,
        "dim": int(points.shape[1]),
        "curvature": curvature,
        "layout": {"centre": layout.centre, "scale": layout.scale, "flat": layout.flat},
        "ids": [str(value) for value in model.candidate_tower.ids.tolist()],
        "label": label,
        "columns": {name: _column(texts) for name, texts in columns.items()},
        "facets": [_facet(facet) for facet in found],
        "facet": first,
        "popularity": encoded(weights.astype(np.float32)),
        "distances": encoded(layout.distances.astype(np.float32)),
        "angles": encoded(layout.angles.astype(np.float32)),
        "k": 0 if neighbours is None else int(neighbours.ids.shape[1]),
        "neighbours": encoded(_codes(model, neighbours.ids) if neighbours is not None else np.zeros(0, np.uint32)),
        "neighbour_distances": encoded(neighbours.distances if neighbours is not None else np.zeros(0, np.float32)),
        "users": _users(model, index, codes, points, layout, curvature, k) if len(codes) else [],
    }


def encoded(values: np.ndarray) -> dict[str, str]:
    """Returns an array as text: its type, "u8", "u16", "u32" or "f32", and its bytes, little-endian, in base64.

    Whole numbers that are not negative take the smallest type.

    Example:

    >>> encoded(np.array([1, 2, 300]))
    {'type': 'u16', 'data': 'AQACACwB'}
    """
    if values.dtype.kind == "f":
        kind = "f4"
    else:
        largest = int(values.max(initial=0))
        kind = "u1" if largest < 2**8 else "u2" if largest < 2**16 else "u4"
    data = np.ascontiguousarray(values, f"<{kind}").tobytes()
    return {"type": f"{kind[0]}{8 * int(kind[1])}", "data": base64.b64encode(data).decode("ascii")}


def _chosen_users(model: MetricRecommender, users: int | Sequence[Any]) -> np.ndarray:
    """The codes of the users in the page."""
    if not isinstance(users, (int, np.integer)):
        if not hasattr(users, "__len__"):
            raise ValueError(f"`users` must be a number >= 0, or a list of ids. Received: users={users!r}")
        if len(users) == 0:
            return np.zeros(0, np.int64)
        ids = id_array(users, "users")
        codes = model.query_lookup(ids).numpy()
        if (codes < 0).any():
            raise ValueError(f"`users` must be users of the model. Received unknown ids: {ids[codes < 0][:5].tolist()}")
        return codes.astype(np.int64)
    if users < 0:
        raise ValueError(f"`users` must be a number >= 0, or a list of ids. Received: users={users}")
    lengths = np.diff(model.seen.indptr)
    by_length = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    places = np.linspace(0, len(by_length) - 1, min(int(users), len(by_length))).round().astype(np.int64)
    return by_length[places].astype(np.int64)


def _popularity(model: MetricRecommender) -> np.ndarray:
    return np.bincount(model.seen.items, minlength=len(model.candidate_tower))


def _column(texts: list[str]) -> dict[str, Any]:
    """A column as its different values and their codes, or, if most are different, as it is."""
    different, codes = np.unique(np.array(texts, object).astype(str), return_inverse=True)
    if 2 * len(different) > len(texts):
        return {"values": texts}
    return {"values": different.tolist(), "codes": encoded(codes)}


def _facet(facet: Facet) -> dict[str, Any]:
    counts = np.diff(facet.offsets)
    described = {"column": facet.column, "name": facet.name, "values": facet.values, "ordered": facet.ordered}
    return {**described, "counts": encoded(counts), "members": encoded(facet.members)}


def _codes(model: MetricRecommender, ids: np.ndarray) -> np.ndarray:
    return model.candidate_lookup(ids.ravel()).numpy().reshape(ids.shape)


def _users(
    model: MetricRecommender,
    index: DistanceIndex,
    codes: np.ndarray,
    points: np.ndarray,
    layout: DiskLayout,
    curvature: float,
    k: int,
) -> list[dict[str, Any]]:
    ids = model.query_lookup.raw_array(codes)
    answer = index.recommend(ids, k)
    reasons = _reasons(model, ids, answer)
    recommended = _codes(model, answer.ids)
    places = layout_beside(model.query_tower.points(tf.constant(codes, tf.int32)), points, layout, curvature)
    offsets, seen = model.seen.indptr, model.seen.items
    found = []
    for row, code in enumerate(codes.tolist()):
        history = seen[offsets[code] : offsets[code + 1]]
        near = recommended[row][answer.found[row]]
        found.append(
            {
                "id": str(ids[row]),
                "distance": round(float(places.distances[row]), 5),
                "angle": round(float(places.angles[row]), 5),
                "interactions": len(history),
                "history": history[::-1][:HISTORY].tolist(),
                "recommended": near.tolist(),
                "distances": [round(value, 5) for value in answer.distances[row][: len(near)].tolist()],
                "reasons": reasons[row],
            }
        )
    return found


def _reasons(model: MetricRecommender, users: np.ndarray, answer: Neighbours) -> list[list[list[list[float]]]]:
    """The items of the histories that draw users most to each recommended item, with their shares, as `explain` finds them."""
    rows, places = np.nonzero(answer.found)
    reasons: list[list[list[list[float]]]] = [[] for _ in users]
    if len(rows):
        why = model.explain(users[rows], answer.ids[rows, places])
        shares = why.shares[:, :REASONS]
        items = _codes(model, why.ids[:, :REASONS])
        for row, theirs, parts in zip(rows.tolist(), items.tolist(), shares.tolist(), strict=True):
            reasons[row].append([[item, round(part, 5)] for item, part in zip(theirs, parts, strict=True) if part > 0])
    return reasons
