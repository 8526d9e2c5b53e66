"""Held-out ranks in bands of items and users, and the lists that users get, of a model and of popularity."""

from __future__ import annotations

from typing import Any

import numpy as np

from hyperml_tf.data import Interactions
from hyperml_tf.data.categories import Categories
from hyperml_tf.metrics import lists as lists_lib
from hyperml_tf.metrics.protocols import Scorer
from hyperml_tf.metrics.ranked import Ranked
from hyperml_tf.reports.bands import ITEM_BANDS, USER_BANDS, item_bands, user_bands
from hyperml_tf.reports.sampling import Sampling
from hyperml_tf.reports.space import Space
from hyperml_tf.runs.held_out import HeldOut

CUTOFF = 10


def some_users(users: np.ndarray, sampling: Sampling) -> np.ndarray:
    """Returns the positions of the users whose lists and held-out items are ranked, sorted."""
    rng = np.random.default_rng([sampling.seed, 4])
    return np.sort(rng.permutation(len(users))[: sampling.users])


def measure_bands(score: Scorer, held_out: HeldOut, users: np.ndarray) -> dict[str, Any]:
    """Returns the metrics of some users' test items, in all and in bands of their popularity and of the activity of the user.

    Args:
        score: A `Scorer` that knows everything before the test items.
        held_out: The held-out rows.
        users: Codes of the users.
    """
    split = held_out.split
    test = split.test.with_rows(np.isin(split.test.users, users))
    ranked = held_out.rank(score, test, split.before_test)
    bands = {
        "items": (ITEM_BANDS, item_bands(split.train.popularity())[test.items]),
        "users": (USER_BANDS, user_bands(split.train.activity()[test.users])),
    }
    found: dict[str, Any] = {"all": _means(ranked, np.ones(len(test), bool))}
    for kind, (names, codes) in bands.items():
        found[kind] = {name: _means(ranked, codes == number) for number, name in enumerate(names)}
    return found


def _means(ranked: Ranked, inside: np.ndarray) -> dict[str, Any]:
    some = ranked.with_rows(inside)
    return {"users": len(np.unique(some.users)), **(some.means((CUTOFF,)) if inside.any() else {})}


def measure_lists(
    score: Scorer,
    users: np.ndarray,
    known: Interactions,
    training: Interactions,
    space: Space,
    categories: Categories | None,
) -> dict[str, Any]:
    """Returns what the lists of the ten best items are like; see `hyperml_tf.metrics.lists` for the measures.

    Args:
        score: A `Scorer`.
        users: Codes of the users.
        known: The rows whose items are not recommended.
        training: The rows that give popularity.
        space: The learned `Space`, whose distances measure how diverse lists are, those of popularity, too.
        categories: Optional `Categories`.
    """
    popularity, excluded = training.popularity(), known.csr()
    found = lists_lib.top_lists(score, users, excluded, CUTOFF)
    histories = lists_lib.mean_popularity(known.users, known.items, popularity, known.n_users)
    there = found[found >= 0]
    return {
        **lists_lib.describe_lists(
            found,
            popularity,
            training.n_users,
            histories[users],
            space.within,
            None if categories is None else categories.lists,
        ),
        "share_of_head": float(np.mean(item_bands(popularity)[there] == 0)) if len(there) else None,
    }
