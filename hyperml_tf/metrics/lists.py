"""What lists of recommendations are like, beside how often they hit.

Lists are codes of items, `(users, k)`, padded with -1. Popularity is the number of training rows of each item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.metrics.protocols import Scorer, expand_rows

LIST_METRICS = ("coverage", "gini", "novelty", "diversity", "distinct_categories", "popularity_lift")
"""Names of what `describe_lists` returns."""

_BATCH = 256
# Coordinates of pairs in memory at a time: 64 MiB of float64.
_COORDINATES = 2**23
# Distances in memory at a time: 32 MiB of float64.
_DISTANCES = 2**22


def top_lists(score: Scorer, users: np.ndarray, excluded: tuple[np.ndarray, np.ndarray], k: int = 10) -> np.ndarray:
    """Returns the `k` items with the highest scores for each user, without those that are excluded.

    Args:
        score: A `Scorer`.
        users: Codes of the users, `(n,)`.
        excluded: Items that are not recommended, see `ranking_report`.
        k: Integer, the length of the lists. Defaults to `10`.

    Returns:
        Codes of items, `(n, k)`, the best first; -1 where no item is left.

    Example:

    >>> nothing = (np.array([0, 1]), np.array([2]))
    >>> top_lists(lambda users: np.array([[1.0, 2.0, 3.0]]), np.array([0]), nothing, k=3).tolist()
    [[1, 0, -1]]
    """
    found = []
    for start in range(0, len(users), _BATCH):
        batch = users[start : start + _BATCH]
        scores = np.array(score(batch), np.float64)
        scores[expand_rows(*excluded, batch)] = -np.inf
        best = tf.math.top_k(scores, min(k, scores.shape[1]))
        found.append(np.where(np.isneginf(best.values.numpy()), -1, best.indices.numpy()))
    lists = np.concatenate(found)
    return np.pad(lists, [(0, 0), (0, k - lists.shape[1])], constant_values=-1)


def coverage(lists: np.ndarray, n_items: int) -> float:
    """Returns the share of the catalogue that is in at least one list.

    Example:

    >>> coverage(np.array([[0, 1], [1, -1]]), n_items=4)
    0.5
    """
    return len(np.unique(lists[lists >= 0])) / n_items


def gini(lists: np.ndarray, n_items: int) -> float | None:
    """Returns the Gini coefficient of how often items are in lists: 0 if all are equally often, near 1 if few have all places.

    Reference:
        - D. Fleder, K. Hosanagar, Blockbuster culture's next rise or fall, 2009

    Example:

    >>> gini(np.array([[0, 1], [0, 1]]), n_items=4)
    0.5
    """
    counts = np.sort(np.bincount(lists[lists >= 0], minlength=n_items))
    total = int(counts.sum())
    return float((2 * np.arange(1, n_items + 1) - n_items - 1) @ counts / (n_items * total)) if total else None


def novelty(lists: np.ndarray, popularity: np.ndarray, n_users: int) -> float:
    """Returns the mean self-information of the recommended items, `-log2(popularity / n_users)`, in bits.

    Items without rows count as if they had one.

    Reference:
        - T. Zhou et al., Solving the apparent diversity-accuracy dilemma of recommender systems, 2010

    Example:

    >>> novelty(np.array([[0, 1]]), np.array([4, 1]), n_users=4)
    1.0
    """
    return float(np.mean(-np.log2(np.maximum(popularity[lists[lists >= 0]], 1) / n_users)))


def diversity(distances: Callable[[np.ndarray], np.ndarray], lists: np.ndarray) -> float | None:
    """Returns the mean distance of two items of a list, averaged over the lists with two items.

    Args:
        distances: Function from lists to the distances between their items, `(lists, k)` to `(lists, k, k)`.
        lists: Codes of items, `(users, k)`.

    Reference:
        - C.-N. Ziegler et al., Improving recommendation lists through topic diversification, 2005

    Example:

    >>> diversity(lambda lists: np.abs(lists[:, :, None] - lists[:, None, :]), np.array([[0, 3]]))
    3.0
    """
    size = max(1, _DISTANCES // lists.shape[1] ** 2)
    parts = [_mean_distances(distances, lists[start : start + size]) for start in range(0, len(lists), size)]
    means = np.concatenate([np.zeros(0), *parts])
    return float(means.mean()) if len(means) else None


def _mean_distances(distances: Callable[[np.ndarray], np.ndarray], lists: np.ndarray) -> np.ndarray:
    """The mean distance of two items of each list that has two."""
    there = lists >= 0
    both = there[:, :, None] & there[:, None, :] & ~np.eye(lists.shape[1], dtype=bool)
    pairs = both.sum(axis=(1, 2))
    sums = np.where(both, distances(lists), 0.0).sum(axis=(1, 2))
    return sums[pairs > 0] / pairs[pairs > 0]


def distances_within(points: np.ndarray, curvature: float, lists: np.ndarray) -> np.ndarray:
    """Returns the distances between the items of each list in the Poincaré ball, `(lists, k, k)`; -1 counts as item 0.

    Args:
        points: Points of all items, `(n_items, dim)`, float64.
        curvature: Float >= 0.
        lists: Codes of items, `(lists, k)`.

    Example:

    >>> distances_within(np.array([[0.5], [-0.5]]), 0.0, np.array([[0, 1]])).tolist()
    [[[0.0, 2.0], [2.0, 0.0]]]
    """
    c = tf.constant(curvature, tf.float64)
    size = max(1, _COORDINATES // (lists.shape[1] ** 2 * points.shape[1]))
    parts = [points[np.maximum(lists[start : start + size], 0)] for start in range(0, len(lists), size)]
    return np.concatenate([poincare.pairwise_distance(part, part, c).numpy() for part in parts])


def distinct_categories(lists: np.ndarray, categories: tuple[tuple[str, ...], ...]) -> float | None:
    """Returns the number of categories in a list as a share of what it would be if no two items had one in common.

    Averaged over the lists of which an item has categories.

    Example:

    >>> distinct_categories(np.array([[0, 1]]), (("a", "b"), ("a", "c")))
    0.75
    """
    shares = []
    for row in lists.tolist():
        names = [name for item in row if item >= 0 for name in set(categories[item])]
        if names:
            shares.append(len(set(names)) / len(names))
    return float(np.mean(shares)) if shares else None


def popularity_lift(lists: np.ndarray, popularity: np.ndarray, histories: np.ndarray) -> float | None:
    """Returns how much more popular recommended items are than those of the histories: the ratio of the means, less 1.

    Args:
        lists: Codes of items, `(users, k)`.
        popularity: Number of training rows of each item, `(n_items,)`.
        histories: Mean popularity of the items of the history of each user, `(users,)`.

    Returns:
        A float, 0 if recommended items are as popular as those that users have; `None` without any lists.

    Reference:
        - H. Abdollahpouri et al., The unfairness of popularity bias in recommendation, 2019

    Example:

    >>> popularity_lift(np.array([[0, 0]]), np.array([6, 2]), histories=np.array([4.0]))
    0.5
    """
    there = lists >= 0
    filled = there.any(axis=1)
    before = float(histories[filled].mean()) if filled.any() else 0.0
    if not before > 0:
        return None
    sums = np.where(there, popularity[np.maximum(lists, 0)], 0).sum(axis=1)
    return float(np.mean(sums[filled] / there[filled].sum(axis=1))) / before - 1


def describe_lists(
    lists: np.ndarray,
    popularity: np.ndarray,
    n_users: int,
    histories: np.ndarray,
    distances: Callable[[np.ndarray], np.ndarray],
    categories: tuple[tuple[str, ...], ...] | None = None,
    metrics: Sequence[str] = LIST_METRICS,
) -> dict[str, Any]:
    """Returns what lists are like, by the names of `LIST_METRICS`; `None` for what cannot be said of them.

    Args:
        lists: Codes of items, `(users, k)`.
        popularity: Number of training rows of each item, `(n_items,)`.
        n_users: Integer, number of users that gave these rows.
        histories: See `popularity_lift`.
        distances: See `diversity`.
        categories: Optional categories of each item. Defaults to `None`, unknown.
        metrics: Names of what is asked for. Defaults to all of `LIST_METRICS`.

    Example:

    >>> lists, popularity = np.array([[0, 1]]), np.array([4, 1, 1])
    >>> describe_lists(lists, popularity, 4, np.array([2.5]), lambda lists: np.ones((1, 2, 2)), metrics=["novelty", "coverage"])
    {'novelty': 1.0, 'coverage': 0.6666666666666666}
    """
    found: dict[str, Callable[[], Any]] = {
        "coverage": lambda: coverage(lists, len(popularity)),
        "gini": lambda: gini(lists, len(popularity)),
        "novelty": lambda: novelty(lists, popularity, n_users) if (lists >= 0).any() else None,
        "diversity": lambda: diversity(distances, lists),
        "distinct_categories": lambda: None if categories is None else distinct_categories(lists, categories),
        "popularity_lift": lambda: popularity_lift(lists, popularity, histories),
    }
    return {name: found[name]() for name in metrics}


def mean_popularity(users: np.ndarray, items: np.ndarray, popularity: np.ndarray, n_users: int) -> np.ndarray:
    """Returns the mean popularity of the items of each user, `(n_users,)`, 0 for users without any.

    Example:

    >>> mean_popularity(np.array([0, 0]), np.array([0, 1]), np.array([3, 1]), n_users=2).tolist()
    [2.0, 0.0]
    """
    counts = np.maximum(np.bincount(users, minlength=n_users), 1)
    return np.bincount(users, popularity[items], minlength=n_users) / counts
