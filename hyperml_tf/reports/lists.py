"""What lists of recommendations are like, beside how often they hit.

Lists are codes of items, `(users, k)`, padded with -1. Popularity is the number of training rows of each item.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from hyperml_tf.metrics.protocols import Scorer, expand_rows

_BATCH = 256


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


def diversity(distances: np.ndarray, lists: np.ndarray) -> float | None:
    """Returns the mean distance of two items of a list, averaged over the lists with two items.

    Args:
        distances: Distances between the items of each list, `(users, k, k)`.
        lists: Codes of items, `(users, k)`.

    Reference:
        - C.-N. Ziegler et al., Improving recommendation lists through topic diversification, 2005

    Example:

    >>> diversity(np.array([[[0.0, 3.0], [3.0, 0.0]]]), np.array([[0, 1]]))
    3.0
    """
    there = lists >= 0
    both = there[:, :, None] & there[:, None, :] & ~np.eye(lists.shape[1], dtype=bool)
    pairs = both.sum(axis=(1, 2))
    sums = np.where(both, distances, 0.0).sum(axis=(1, 2))
    return float(np.mean(sums[pairs > 0] / pairs[pairs > 0])) if pairs.any() else None


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
