"""Held-out ranks in bands of items and users, and the lists that users get, of a model and of popularity."""

from __future__ import annotations

from typing import Any

import numpy as np

from hyperml_tf.data import Interactions
from hyperml_tf.metrics.gains import mean_gains
from hyperml_tf.metrics.protocols import Scorer, held_out_ranks
from hyperml_tf.reports import lists as lists_lib
from hyperml_tf.reports.bands import ITEM_BANDS, USER_BANDS, item_bands, user_bands
from hyperml_tf.reports.categories import Categories
from hyperml_tf.reports.sampling import Sampling
from hyperml_tf.reports.space import Space
from hyperml_tf.runs.held_out import HeldOut

CUTOFF = 10


def some_users(users: np.ndarray, sampling: Sampling) -> np.ndarray:
    """Returns the positions of the users whose lists and held-out items are ranked, sorted."""
    rng = np.random.default_rng([sampling.seed, 4])
    return np.sort(rng.permutation(len(users))[: sampling.users])


def measure_bands(score: Scorer, held_out: HeldOut, chosen: np.ndarray) -> dict[str, Any]:
    """Returns the metrics of some users' test items, in all and in bands of their popularity and of the activity of the user.

    Args:
        score: A `Scorer` that knows everything before the test items.
        held_out: The held-out rows.
        chosen: Positions of the users among those that are evaluated.
    """
    split = held_out.split
    users, items = split.test.users[chosen], split.test.items[chosen]
    ranks = held_out_ranks(score, users, items, split.before_test.csr(), held_out.negatives[chosen])
    bands = {
        "items": (ITEM_BANDS, item_bands(split.train.popularity())[items]),
        "users": (USER_BANDS, user_bands(split.train.activity()[users])),
    }
    found: dict[str, Any] = {"all": _means(ranks, np.ones(len(users), bool))}
    for kind, (names, codes) in bands.items():
        found[kind] = {name: _means(ranks, codes == number) for number, name in enumerate(names)}
    return found


def _means(ranks: dict[str, np.ndarray], inside: np.ndarray) -> dict[str, Any]:
    found: dict[str, Any] = {"users": int(inside.sum())}
    for protocol, values in ranks.items():
        if inside.any():
            found |= mean_gains(values[inside], protocol, (CUTOFF,))
    return found


def measure_lists(
    score: Scorer,
    users: np.ndarray,
    known: Interactions,
    training: Interactions,
    space: Space,
    categories: Categories | None,
) -> dict[str, Any]:
    """Returns what the lists of the ten best items are like; see `hyperml_tf.reports.lists` for the measures.

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
    activity = np.maximum(known.activity(), 1)
    histories = np.bincount(known.users, popularity[known.items], minlength=known.n_users) / activity
    there = found[found >= 0]
    return {
        "coverage": lists_lib.coverage(found, training.n_items),
        "novelty": lists_lib.novelty(found, popularity, training.n_users) if len(there) else None,
        "diversity": lists_lib.diversity(space.within(found), found),
        "distinct_categories": None if categories is None else lists_lib.distinct_categories(found, categories.lists),
        "popularity_lift": lists_lib.popularity_lift(found, popularity, histories[users]),
        "share_of_head": float(np.mean(item_bands(popularity)[there] == 0)) if len(there) else None,
    }
