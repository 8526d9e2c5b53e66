"""Distances of users to items that they have, that were held out, and that they do not have."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from hyperml_tf.data import Interactions, sampled_negatives
from hyperml_tf.reports.sampling import Sampling
from hyperml_tf.reports.space import Space

_BINS = 60
# Of all distances. The others are in the last bin: a few that are far would leave little room for the rest.
_SHOWN = 0.99


def measure_pairs(
    space: Space, table: Interactions, training: Interactions, test: Interactions | None, sampling: Sampling
) -> dict[str, Any] | None:
    """Returns histograms of the distances of observed and unobserved pairs, and how well distances tell them apart.

    For each observed pair an unobserved one of the same user is drawn. Training pairs are of items by which users are placed;
    test pairs are not, and so are the fair comparison.

    Args:
        space: The `Space`, with users placed by everything but test rows.
        table: All rows.
        training: The rows that weights were trained on.
        test: Optional test rows.
        sampling: A `Sampling`.

    Returns:
        A dictionary; `None` if there are no users with an item that they do not have.
    """
    popularity = training.popularity()
    some = table.activity() < table.n_items
    parts = {"training": training, **({} if test is None else {"test": test})}
    found: dict[str, Any] = {}
    for number, (name, rows) in enumerate(parts.items()):
        rows = rows.with_rows(some[rows.users])
        if not len(rows):
            return None
        rng = np.random.default_rng([sampling.seed, number])
        chosen = np.sort(rng.permutation(len(rows))[: sampling.pairs])
        users, items = rows.users[chosen], rows.items[chosen]
        unseen = sampled_negatives(table, users, 1, sampling.seed)[:, 0]
        near, far = space.from_users(users, items), space.from_users(users, unseen)
        found[name] = {
            "pairs": len(users),
            "auc": _auc(-near, -far),
            "auc_popularity": _auc(popularity[items], popularity[unseen]),
            "nearer": _share_above(-near, -far),
            "more_popular": _share_above(popularity[items], popularity[unseen]),
            "median": float(np.median(near)),
            "unobserved_median": float(np.median(far)),
            "distances": near,
            "unobserved": far,
        }
    distances = np.concatenate([part[kind] for part in found.values() for kind in ("distances", "unobserved")])
    farthest = np.quantile(distances, _SHOWN)
    edges = np.histogram_bin_edges(np.minimum(distances, farthest), _BINS)
    for part in found.values():
        for kind in ("distances", "unobserved"):
            part[kind] = np.histogram(np.minimum(part[kind], farthest), edges)[0].tolist()
    return {**found, "edges": edges.tolist()}


def _auc(positive: np.ndarray, negative: np.ndarray) -> float:
    labels = np.repeat([1, 0], [len(positive), len(negative)])
    return float(roc_auc_score(labels, np.concatenate([positive, negative])))


def _share_above(first: np.ndarray, second: np.ndarray) -> float:
    """The share of rows in which the first is the larger one; equal ones count by half."""
    return float(np.mean((first > second) + 0.5 * (first == second)))
