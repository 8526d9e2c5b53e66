"""Held-out items with their places in the lists of their users, under each protocol."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np

from hyperml_tf.metrics.gains import CUTOFFS
from hyperml_tf.metrics.user_metrics import UNCUT, Places, check_cutoffs, check_metrics, default_metrics


@dataclasses.dataclass(frozen=True, eq=False)
class Ranked:
    """Held-out items with their places in the lists of their users, made by `hyperml_tf.metrics.protocols.rank_held_out`.

    Args:
        users: Codes of the users, `(rows,)`.
        items: Codes of their held-out items, `(rows,)`.
        places: 0-based places by protocol, `"full"` or `"sampled<m>"`, `(rows,)` each.

    Example:

    >>> ranked = Ranked(np.array([0, 1]), np.array([5, 6]), {"full": np.array([0, 3])})
    >>> ranked.means(ks=(2,))
    {'full_hr@2': 0.5, 'full_ndcg@2': 0.5, 'full_mrr': 0.625}
    """

    users: np.ndarray
    items: np.ndarray
    places: Mapping[str, np.ndarray]

    @classmethod
    def joined(cls, parts: Sequence[Ranked]) -> Ranked:
        """Returns the rows of several parts of the users, which have the same protocols."""
        places = {name: np.concatenate([one.places[name] for one in parts]) for name in parts[0].places}
        return cls(np.concatenate([one.users for one in parts]), np.concatenate([one.items for one in parts]), places)

    @property
    def several(self) -> bool:
        """Whether a user has more than one held-out item."""
        return len(np.unique(self.users)) < len(self.users)

    def with_rows(self, rows: np.ndarray) -> Ranked:
        """Returns the rows of a mask, or of their numbers."""
        return Ranked(self.users[rows], self.items[rows], {name: one[rows] for name, one in self.places.items()})

    def of_users(self, ks: Sequence[int] = CUTOFFS, metrics: Sequence[str] | None = None) -> dict[str, np.ndarray]:
        """Returns metrics of each user, in the order of their codes.

        Args:
            ks: Positive integers, the cut-offs. Defaults to `(5, 10, 20)`.
            metrics: Names among `hyperml_tf.metrics.user_metrics.METRICS`, each at every cut-off. Defaults to `None`: hit rate
                and nDCG, and with several held-out items per user recall and MAP, too; and MRR without a cut-off.

        Returns:
            A dictionary from names such as `"full_ndcg@10"` to values, `(users,)` float64.

        Raises:
            ValueError: If a metric is unknown, or a cut-off is not a positive integer.
        """
        check_cutoffs(ks)
        names = default_metrics(self.several) if metrics is None else metrics
        check_metrics(names)
        found: dict[str, np.ndarray] = {}
        for protocol, places in self._lists.items():
            found |= {f"{protocol}_{name}@{k}": places.metric(name, k) for name in names for k in ks}
            if metrics is None:
                found[f"{protocol}_{UNCUT}"] = places.metric(UNCUT)
        return found

    def means(self, ks: Sequence[int] = CUTOFFS, metrics: Sequence[str] | None = None) -> dict[str, float]:
        """Returns the means of `of_users`; NaN without any users."""
        found = self.of_users(ks, metrics)
        return {name: float(values.mean()) if len(values) else float("nan") for name, values in found.items()}

    @functools.cached_property
    def _lists(self) -> dict[str, Places]:
        return {protocol: Places(self.users, places) for protocol, places in self.places.items()}


def places_in_lists(users: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """Returns places in the list of each user, from ranks among all items that are not held out.

    Args:
        users: Codes of the users, `(rows,)`.
        ranks: 0-based ranks of the held-out items among the others, `(rows,)`.

    Returns:
        0-based places, `(rows,)`: behind the other held-out items of the user that rank better.

    Example:

    >>> places_in_lists(np.array([0, 0, 1]), np.array([4, 2, 0])).tolist()
    [5, 2, 0]
    """
    order = np.lexsort((ranks, users))
    owners = users[order]
    first = np.concatenate([[True], owners[1:] != owners[:-1]])[: len(owners)]
    starts = np.maximum.accumulate(np.where(first, np.arange(len(owners)), 0))
    places = np.empty(len(ranks), np.int64)
    places[order] = ranks[order] + np.arange(len(owners)) - starts
    return places
