"""The two evaluation protocols, exact and batched, for any model that scores a catalogue.

`full_*`: the held-out item is ranked among all items outside the user's excluded rows (training, and for the test also
validation). `sampled100_*`: it is ranked among 100 given items the user never touched, drawn once. The two are different
numbers that must not be compared; reports always carry both, under names that say which is which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from hyperml_tf.metrics import ranks as ranks_lib
from hyperml_tf.numerics import Tensor

Scorer = Callable[[np.ndarray], Tensor]
"""Takes user codes `(batch,)`, returns the scores of every item, higher is better, `(batch, n_items)`."""


def ranking_report(
    score: Scorer,
    users: np.ndarray,
    items: np.ndarray,
    excluded: tuple[np.ndarray, np.ndarray],
    negatives: np.ndarray | None = None,
    ks: Sequence[int] = (10,),
    batch_size: int = 256,
) -> dict[str, float]:
    """Metrics of one held-out item a user.

    Args:
        score: the model, see `Scorer`.
        users: codes of the users evaluated, `(users,)`.
        items: code of each user's held-out item, `(users,)`.
        excluded: the rows that do not compete, as `(indptr, indices)` over all user codes: the excluded items of user `u` are
            `indices[indptr[u]:indptr[u + 1]]`, each once. The held-out item itself competes also if it is among them.
        negatives: sampled items of each user, `(users, m)`, for the sampled protocol; it is left out if None.
        ks: cut-offs.
        batch_size: users scored at once; memory is `batch_size * n_items` scores.

    Returns:
        `full_hr@k`, `full_ndcg@k` and, with negatives, `sampled<m>_hr@k`, `sampled<m>_ndcg@k`.

    Raises:
        ValueError: if there is no user to evaluate, or shapes do not agree, those of the scores included.

    Example:

    >>> popularity = lambda users: np.tile([3.0, 2.0, 1.0], (len(users), 1))
    >>> nothing = (np.array([0, 0]), np.array([], int))
    >>> ranking_report(popularity, np.array([0]), np.array([0]), nothing, ks=(1,))
    {'full_hr@1': 1.0, 'full_ndcg@1': 1.0}
    """
    ranks = ranking_ranks(score, users, items, excluded, negatives, batch_size)
    report: dict[str, float] = {}
    for protocol, values in ranks.items():
        report.update(ranks_lib.summarize(values, protocol, ks))
    return report


def ranking_ranks(
    score: Scorer,
    users: np.ndarray,
    items: np.ndarray,
    excluded: tuple[np.ndarray, np.ndarray],
    negatives: np.ndarray | None = None,
    batch_size: int = 256,
) -> dict[str, np.ndarray]:
    """0-based ranks of the held-out items under each protocol: what `ranking_report` averages. Same arguments."""
    users, items = np.asarray(users), np.asarray(items)
    indptr, indices = (np.asarray(part, np.int64) for part in excluded)
    if len(users) == 0:
        raise ValueError("`users` must hold at least one user to evaluate. Received: 0 users")
    if len(users) != len(items) or (negatives is not None and len(negatives) != len(users)):
        raise ValueError(
            "`users`, `items` and `negatives` must have one row a user. Received: "
            f"{len(users)}, {len(items)} and {None if negatives is None else len(negatives)} rows"
        )
    full, sampled = [], []
    for start in range(0, len(users), batch_size):
        rows = slice(start, start + batch_size)
        scores = tf.convert_to_tensor(score(users[rows]))
        if scores.shape.rank != 2 or scores.shape[0] != len(users[rows]):
            raise ValueError(
                "`score` must return one row a user, (batch, n_items). "
                f"Received: shape {scores.shape} for {len(users[rows])} users"
            )
        target = tf.convert_to_tensor(items[rows], tf.int32)
        excluded_rows, excluded_items = expand_rows(indptr, indices, users[rows])
        full.append(ranks_lib.rank_in_catalogue(scores, target, excluded_rows, excluded_items).numpy())
        if negatives is not None:
            others = tf.gather(scores, negatives[rows], batch_dims=1)
            sampled.append(ranks_lib.rank_among(tf.gather(scores, target, batch_dims=1), others).numpy())
    ranks = {"full": np.concatenate(full)}
    if negatives is not None:
        ranks[f"sampled{negatives.shape[1]}"] = np.concatenate(sampled)
    return ranks


def expand_rows(indptr: np.ndarray, indices: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs (position in `rows`, index) of some rows of a compressed sparse matrix, without a Python loop."""
    lengths = indptr[rows + 1] - indptr[rows]
    positions = np.repeat(np.arange(len(rows)), lengths)
    within = np.arange(len(positions)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return positions, indices[np.repeat(indptr[rows], lengths) + within]
