"""The two evaluation protocols for one held-out item per user, exact, for every model that scores a catalogue.

- `full`: the held-out item is ranked among all items except those excluded for the user, which are the items of the training
  set and, in a test, of the validation set.
- `sampled<m>`, such as `sampled100`: it is ranked among `m` given items that the user has not interacted with.

Metrics under the two protocols cannot be compared with each other: W. Krichene, S. Rendle, On Sampled Metrics for Item
Recommendation, KDD 2020. Reports therefore name the protocol of every metric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from hyperml_tf.metrics.gains import CUTOFFS, mean_gains
from hyperml_tf.metrics.ranks import rank_among_sampled, rank_in_catalogue
from hyperml_tf.numerics import Tensor

Scorer = Callable[[np.ndarray], Tensor]
"""Function from user codes, `(batch_size,)`, to the scores of all items, `(batch_size, n_items)`, higher is better."""


def ranking_report(
    score: Scorer,
    users: np.ndarray,
    items: np.ndarray,
    excluded: tuple[np.ndarray, np.ndarray],
    negatives: np.ndarray | None = None,
    ks: Sequence[int] = CUTOFFS,
    batch_size: int = 256,
) -> dict[str, float]:
    """Hit rate, nDCG and MRR of one held-out item per user, under the full and the sampled protocol.

    Ranks are pessimistic: an item ranks behind all items with an equal or NaN score.

    Args:
        score: Function from user codes, `(batch_size,)`, to the scores of all items, `(batch_size, n_items)`, higher is better.
        users: Codes of the users to evaluate, `(n,)`.
        items: Code of the held-out item of each user, `(n,)`.
        excluded: Items that do not compete, as a pair `(indptr, indices)` in compressed sparse row format over all user codes:
            those of user `u` are `indices[indptr[u]:indptr[u + 1]]`, without repetitions. A held-out item competes even if it is
            among them.
        negatives: Codes of the sampled items of each user, `(n, m)`, padded with -1. Defaults to `None`, which leaves out the
            sampled protocol.
        ks: Positive integers, the cut-offs of hit rate and nDCG. MRR has none. Defaults to `(5, 10, 20)`.
        batch_size: Positive integer, number of users to score at a time. Defaults to `256`.

    Returns:
        A dictionary of floats with the keys `full_hr@<k>`, `full_ndcg@<k>` and `full_mrr`, and with `negatives` also
        `sampled<m>_hr@<k>`, `sampled<m>_ndcg@<k>` and `sampled<m>_mrr`.

    Raises:
        ValueError: If there are no users, or if `users`, `items`, `negatives` or the scores are of different lengths.

    Example:

    >>> popularity = lambda users: np.tile([3.0, 2.0, 1.0], (len(users), 1))
    >>> nothing = (np.array([0, 0]), np.array([], int))
    >>> ranking_report(popularity, np.array([0]), np.array([0]), nothing, ks=(1,))
    {'full_hr@1': 1.0, 'full_ndcg@1': 1.0, 'full_mrr': 1.0}
    """
    ranks = held_out_ranks(score, users, items, excluded, negatives, batch_size)
    report: dict[str, float] = {}
    for protocol, values in ranks.items():
        report.update(mean_gains(values, protocol, ks))
    return report


def held_out_ranks(
    score: Scorer,
    users: np.ndarray,
    items: np.ndarray,
    excluded: tuple[np.ndarray, np.ndarray],
    negatives: np.ndarray | None = None,
    batch_size: int = 256,
) -> dict[str, np.ndarray]:
    """0-based ranks of the held-out items under each protocol, of which `ranking_report` takes the mean gains.

    Args:
        score, users, items, excluded, negatives, batch_size: As for `ranking_report`.

    Returns:
        A dictionary from `"full"` and, with `negatives`, `"sampled<m>"` to ranks, `(n,)`.

    Raises:
        ValueError: As for `ranking_report`.
    """
    users, items = np.asarray(users), np.asarray(items)
    indptr, indices = (np.asarray(part, np.int64) for part in excluded)
    _check_lengths(users, items, negatives)
    full, sampled = [], []
    for start in range(0, len(users), batch_size):
        rows = slice(start, start + batch_size)
        scores = _checked_scores(score, users[rows])
        target = tf.convert_to_tensor(items[rows], tf.int32)
        full.append(rank_in_catalogue(scores, target, *expand_rows(indptr, indices, users[rows])).numpy())
        if negatives is not None:
            sampled.append(rank_among_sampled(scores, target, negatives[rows]).numpy())
    ranks = {"full": np.concatenate(full)}
    if negatives is not None:
        ranks[f"sampled{negatives.shape[1]}"] = np.concatenate(sampled)
    return ranks


def _check_lengths(users: np.ndarray, items: np.ndarray, negatives: np.ndarray | None) -> None:
    if len(users) == 0:
        raise ValueError("`users` must not be empty. Received: 0 users")
    if len(users) != len(items) or (negatives is not None and len(negatives) != len(users)):
        raise ValueError(
            "`users`, `items` and `negatives` must have the same length. Received: "
            f"{len(users)}, {len(items)} and {None if negatives is None else len(negatives)}"
        )


def _checked_scores(score: Scorer, users: np.ndarray) -> Tensor:
    scores = tf.convert_to_tensor(score(users))
    if scores.shape.rank != 2 or scores.shape[0] != len(users):
        raise ValueError(
            f"`score` must return scores of shape ({len(users)}, n_items) for {len(users)} users. "
            f"Received: scores of shape {scores.shape}"
        )
    return scores


def expand_rows(indptr: np.ndarray, indices: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The entries of some rows of a matrix in compressed sparse row format.

    Args:
        indptr: Start of each row in `indices`, and the end of the last, `(n_rows + 1,)`.
        indices: Column of each entry, `(entries,)`.
        rows: Rows to select, `(n,)`.

    Returns:
        Two arrays of equal length: the position in `rows` and the column of each entry.

    Example:

    >>> expand_rows(np.array([0, 2, 3]), np.array([7, 8, 9]), np.array([1, 0]))
    (array([0, 1, 1]), array([9, 7, 8]))
    """
    lengths = indptr[rows + 1] - indptr[rows]
    positions = np.repeat(np.arange(len(rows)), lengths)
    within = np.arange(len(positions)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return positions, indices[np.repeat(indptr[rows], lengths) + within]
