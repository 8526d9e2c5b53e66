"""Accuracy by the popularity of the held-out item and by the activity of the user.

Items are sorted by their number of training rows, in descending order, with ties in the order of codes. The *head* has the
first third of all training rows, the *middle* the second and the *tail* the last; an item across a boundary belongs to the
band in which it starts. Items without training rows are in the tail.

The evaluated users are divided at the terciles of their number of training rows: *low* is up to the first tercile, *high* is
above the second. Users with equal numbers are in the same band, so the bands can differ in size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from results import PROTOCOLS, StoredRun

ITEM_BANDS = ("head", "middle", "tail")
USER_BANDS = ("low", "middle", "high")


def item_bands(popularity: np.ndarray) -> np.ndarray:
    """The band of each item as a position in `ITEM_BANDS`: `(n_items,)` training rows -> `(n_items,)`."""
    order = np.argsort(-popularity, kind="stable")
    before = np.cumsum(popularity[order]) - popularity[order]
    bands = np.empty(len(popularity), int)
    # In integers, because a third of the rows is rarely exact in floating point.
    bands[order] = np.minimum(3 * before // max(1, popularity.sum()), 2)
    return bands


def user_bands(activity: np.ndarray) -> np.ndarray:
    """The band of each evaluated user as a position in `USER_BANDS`: `(users,)` training rows -> `(users,)`."""
    cuts = np.quantile(activity, (1 / 3, 2 / 3), method="inverted_cdf")
    return np.searchsorted(cuts, activity, side="left")


def banded_ndcg(runs: list[StoredRun]) -> dict[str, Any]:
    """nDCG@10 of a model in each band: `{"items" | "users": {band: {"share", "sampled100_ndcg@10", "full_ndcg@10"}}}`.

    Metrics are means over users and seeds, and None for a band without users; `share` is the share of the evaluated users.
    """
    arrays = runs[0].arrays
    bands = {
        "items": (ITEM_BANDS, item_bands(arrays["train_popularity"])[arrays["items"]]),
        "users": (USER_BANDS, user_bands(arrays["user_activity"])),
    }
    metrics = {f"{protocol}_ndcg@10": mean_per_user(runs, f"{protocol}_ndcg@10") for protocol in PROTOCOLS}
    report: dict[str, Any] = {}
    for name, (labels, codes) in bands.items():
        report[name] = {}
        for code, label in enumerate(labels):
            inside = codes == code
            means = {
                metric: float(values[inside].mean()) if inside.any() else None for metric, values in metrics.items()
            }
            report[name][label] = {"share": float(inside.mean()), **means}
    return report


def mean_per_user(runs: list[StoredRun], metric: str) -> np.ndarray:
    """A metric of each evaluated user, averaged over seeds, `(users,)`."""
    return np.mean([run.per_user(metric) for run in runs], axis=0)
