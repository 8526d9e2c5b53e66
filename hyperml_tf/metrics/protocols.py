"""The two evaluation protocols for held-out items, exact, for every model that scores a catalogue.

- `full`: the held-out item is ranked among all items except those excluded for the user, which are the items of the training
  set and, in a test, of the validation set. Of several held-out items of a user, each is ranked among the others, too.
- `sampled<m>`, such as `sampled100`: it is ranked among `m` given items that the user has not interacted with.

Metrics under the two protocols cannot be compared with each other: W. Krichene, S. Rendle, On Sampled Metrics for Item
Recommendation, KDD 2020. Reports therefore name the protocol of every metric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.metrics.gains import CUTOFFS
from hyperml_tf.metrics.ranked import Ranked, places_in_lists
from hyperml_tf.metrics.ranks import rank_among_sampled, rank_in_catalogue
from hyperml_tf.numerics import Tensor

Scorer = Callable[[np.ndarray], Tensor]
"""Function from user codes, `(batch_size,)`, to the scores of all items, `(batch_size, n_items)`, higher is better."""


@names_arguments
def ranking_report(
    score: Scorer,
    users: np.ndarray,
    items: np.ndarray,
    excluded: tuple[np.ndarray, np.ndarray],
    negatives: np.ndarray | None = None,
    ks: Sequence[int] = CUTOFFS,
    batch_size: int = 256,
    metrics: Sequence[str] | None = None,
) -> dict[str, float]:
    """Ranking metrics of the held-out items of users, under the full and the sampled protocol: means over users.

    Ranks are pessimistic: an item ranks behind all items with an equal or NaN score that are not held out.

    Args:
        score: Function from user codes, `(batch_size,)`, to the scores of all items, `(batch_size, n_items)`, higher is better.
        users: Codes of the users to evaluate, `(n,)`. A user may occur several times, with different items.
        items: Codes of the held-out items, `(n,)`.
        excluded: Items that do not compete, as a pair `(indptr, indices)` in compressed sparse row format over all user codes:
            those of user `u` are `indices[indptr[u]:indptr[u + 1]]`, without repetitions. A held-out item competes even if it is
            among them.
        negatives: Codes of the sampled items for each held-out item, `(n, m)`, padded with -1. Defaults to `None`, which leaves
            out the sampled protocol.
        ks: Positive integers, the cut-offs. Defaults to `(5, 10, 20)`.
        batch_size: Positive integer, number of held-out items to rank at a time. Defaults to `256`.
        metrics: Names among `"hr"`, `"recall"`, `"precision"`, `"f1"`, `"ndcg"`, `"map"` and `"mrr"`, each at every cut-off.
            Defaults to `None`: hit rate and nDCG, where users have several held-out items recall and MAP, too; and MRR without a
            cut-off.

    Returns:
        A dictionary of floats with keys such as `full_hr@<k>`, `full_ndcg@<k>` and `full_mrr`, and with `negatives` also
        `sampled<m>_hr@<k>`, `sampled<m>_ndcg@<k>` and `sampled<m>_mrr`.

    Raises:
        ValueError: If there are no users, if `users`, `items`, `negatives` or the scores are of different lengths, if a metric is
            unknown, or if a cut-off is not a positive integer.

    Example:

    >>> popularity = lambda users: np.tile([3.0, 2.0, 1.0], (len(users), 1))
    >>> nothing = (np.array([0, 0]), np.array([], int))
    >>> ranking_report(popularity, np.array([0]), np.array([0]), nothing, ks=(1,))
    {'full_hr@1': 1.0, 'full_ndcg@1': 1.0, 'full_mrr': 1.0}
    >>> ranking_report(popularity, np.array([0, 0]), np.array([0, 2]), nothing, ks=(2,), metrics=["recall", "precision"])
    {'full_recall@2': 0.5, 'full_precision@2': 0.5}
    """
    return rank_held_out(score, users, items, excluded, negatives, batch_size).means(ks, metrics)


def rank_held_out(
    score: Scorer,
    users: np.ndarray,
    items: np.ndarray,
    excluded: tuple[np.ndarray, np.ndarray],
    negatives: np.ndarray | None = None,
    batch_size: int = 256,
) -> Ranked:
    """Ranks held-out items under each protocol; `ranking_report` has the means of their metrics.

    Args:
        score, users, items, excluded, negatives, batch_size: As for `ranking_report`.

    Returns:
        A `Ranked`, in the order of the rows, with the protocols `"full"` and, with `negatives`, `"sampled<m>"`.

    Raises:
        ValueError: As for `ranking_report`.
    """
    users, items = np.asarray(users), np.asarray(items)
    _check_lengths(users, items, negatives)
    several = len(np.unique(users)) < len(users)
    indptr, indices = _with_held_out(excluded, users, items) if several else excluded
    indptr, indices = np.asarray(indptr, np.int64), np.asarray(indices, np.int64)
    full, sampled = [], []
    for start in range(0, len(users), batch_size):
        rows = slice(start, start + batch_size)
        different, owners = np.unique(users[rows], return_inverse=True)
        if len(different) == len(owners):
            scores = _checked_scores(score, users[rows])
        else:
            scores = tf.gather(_checked_scores(score, different), owners)
        target = tf.convert_to_tensor(items[rows], tf.int32)
        full.append(rank_in_catalogue(scores, target, *expand_rows(indptr, indices, users[rows])).numpy())
        if negatives is not None:
            sampled.append(rank_among_sampled(scores, target, negatives[rows]).numpy())
    ranks = {"full": np.concatenate(full)}
    if negatives is not None:
        ranks[f"sampled{negatives.shape[1]}"] = np.concatenate(sampled)
    # Ranks are those among the items that are not held out; without others they are places.
    return Ranked(users, items, {name: places_in_lists(users, one) if several else one for name, one in ranks.items()})


def _with_held_out(
    excluded: tuple[np.ndarray, np.ndarray], users: np.ndarray, items: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The excluded items with the held-out ones, which are ranked among all others first."""
    indptr, indices = (np.asarray(part, np.int64) for part in excluded)
    n = int(max(items.max(), indices.max(initial=0))) + 1
    owners = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    held_out = np.unique(users.astype(np.int64) * n + items)
    if len(held_out) < len(users):
        raise ValueError("`users` and `items` must not hold a pair twice. Received: repeated pairs")
    keys = np.union1d(owners * n + indices, held_out)
    return np.searchsorted(keys // n, np.arange(len(indptr))), keys % n


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
