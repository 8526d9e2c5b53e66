"""Metrics of the list of each user, from the places of their held-out items in it, which may be several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

METRICS = ("hr", "recall", "precision", "f1", "ndcg", "map", "mrr")
"""Names of the metrics, each at a cut-off."""

UNCUT = "mrr"
"""The metric that reports have without a cut-off, too."""


def default_metrics(several: bool) -> tuple[str, ...]:
    """Returns the metrics of reports: with one held-out item per user, hit rate is recall, and `k` times the precision."""
    return ("hr", "recall", "ndcg", "map") if several else ("hr", "ndcg")


def check_metrics(names: Sequence[str], known: Sequence[str] = METRICS) -> None:
    """Raises a `ValueError` if a name is not among the known ones."""
    if isinstance(names, str) or (unknown := [name for name in names if name not in known]):
        raise ValueError(
            f"`metrics` must be names among {', '.join(known)}. Received: {names if isinstance(names, str) else unknown}"
        )


def check_cutoffs(ks: Sequence[int]) -> None:
    """Raises a `ValueError` if a cut-off is no positive integer."""
    wrong = [k for k in ks if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1]
    if wrong or not len(ks):
        raise ValueError(f"`ks` must be positive integers. Received: ks={tuple(ks)}")


class Places:
    """The places of held-out items in the lists of their users.

    Args:
        users: The user of each held-out item, `(rows,)`.
        places: The 0-based place of each item in the list of its user, `(rows,)`. No two items of a user have the same place.

    Example:

    The first user has two held-out items, at the top and at the third place.

    >>> places = Places(np.array([7, 7, 9]), np.array([0, 2, 1]))
    >>> places.users.tolist(), places.metric("recall", k=2).tolist()
    ([7, 9], [0.5, 1.0])
    """

    def __init__(self, users: np.ndarray, places: np.ndarray) -> None:
        order = np.lexsort((places, users))
        self.users, self.owners = np.unique(np.asarray(users)[order], return_inverse=True)
        self.places = np.asarray(places)[order].astype(np.int64)
        self.counts = np.bincount(self.owners, minlength=len(self.users))
        # The number of held-out items of the same user before each.
        self.before = np.arange(len(self.places)) - (np.cumsum(self.counts) - self.counts)[self.owners]

    @property
    def several(self) -> bool:
        """Whether a user has more than one held-out item."""
        return bool((self.counts > 1).any())

    def metric(self, name: str, k: int | None = None) -> np.ndarray:
        """Returns a metric of each user, `(users,)` float64.

        - `hr`: whether a held-out item is among the first `k`.
        - `recall`: the share of the held-out items that are among the first `k`.
        - `precision`: the share of the first `k` that are held-out items.
        - `f1`: the harmonic mean of precision and recall.
        - `ndcg`: the sum of `1 / log2(place + 2)` over the held-out items among the first `k`, over the largest possible sum.
        - `map`: the sum of the precision at the places of the held-out items among the first `k`, over the number of all held-out
            items.
        - `mrr`: `1 / (place + 1)` of the first held-out item, if it is among the first `k`.

        Args:
            name: String, one of `METRICS`.
            k: Positive integer, the cut-off. Defaults to `None`, the whole list.
        """
        return _FORMULAS[name](self, np.iinfo(np.int64).max if k is None else int(k))

    def _sum(self, values: np.ndarray, k: int) -> np.ndarray:
        """Sums over the held-out items of each user that are among the first `k`."""
        return np.bincount(self.owners, np.where(self.places < k, values, 0.0), minlength=len(self.users))

    def _hits(self, k: int) -> np.ndarray:
        return self._sum(np.ones(len(self.places)), k)


def _f1(places: Places, k: int) -> np.ndarray:
    # The harmonic mean of hits / k and hits / count.
    return 2.0 * places._hits(k) / (k + places.counts)


def _ndcg(places: Places, k: int) -> np.ndarray:
    ideal = np.cumsum(1.0 / np.log2(np.arange(int(places.counts.max(initial=1))) + 2.0))
    return places._sum(1.0 / np.log2(places.places + 2.0), k) / ideal[np.minimum(places.counts, k) - 1]


def _map(places: Places, k: int) -> np.ndarray:
    return places._sum((places.before + 1) / (places.places + 1), k) / places.counts


def _mrr(places: Places, k: int) -> np.ndarray:
    return places._sum((places.before == 0) / (places.places + 1.0), k)


_FORMULAS: dict[str, Callable[[Places, int], np.ndarray]] = {
    "hr": lambda places, k: (places._hits(k) > 0).astype(np.float64),
    "recall": lambda places, k: places._hits(k) / places.counts,
    "precision": lambda places, k: places._hits(k) / k,
    "f1": _f1,
    "ndcg": _ndcg,
    "map": _map,
    "mrr": _mrr,
}
