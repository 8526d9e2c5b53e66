"""A made-up catalogue with a known taxonomy, for demonstrations and tests; no download, no licence."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import string

import numpy as np
import pandas as pd

from hyperml_tf.data.interactions import Interactions

_START = 1_577_836_800  # 2020-01-01, in Unix seconds
_YEAR = 365 * 24 * 3600
_SPREAD = 0.6  # standard deviation of the logarithm of a user's activity
_CELLS = 4_000_000  # user x item scores held at once


@dataclasses.dataclass(frozen=True, eq=False)
class SyntheticCatalogue:
    """What `synthesize` returns.

    Args:
        interactions: columns `user` and `item` (text) and `timestamp` (Unix seconds), one row an interaction, by time.
        items: columns `item`, `name`, `category` (the path of its leaf, "a|ab|abc") and `depth` (of that leaf).
        favourites: columns `user` and `category`: the leaves each user's taste is centred on.
    """

    interactions: pd.DataFrame
    items: pd.DataFrame
    favourites: pd.DataFrame

    @functools.cached_property
    def table(self) -> Interactions:
        """The interactions as the rest of the package takes them."""
        return Interactions.from_frame(self.interactions)


def synthesize(
    n_users: int = 2000,
    n_items: int = 1500,
    n_rows: int = 60_000,
    depth: int = 3,
    branching: int = 4,
    zipf: float = 0.8,
    concentration: float = 0.75,
    noise: float = 0.1,
    seed: int = 0,
) -> SyntheticCatalogue:
    """Makes users whose tastes follow a tree of categories.

    The tree has `branching ** depth` leaves; each holds some items, the k-th most popular of a leaf with weight `k ** -zipf`.
    A user has one to three favourite leaves. To choose an item, the user starts at one of them, stays in the leaf with
    probability `concentration`, else goes up to the parent, where the same happens, at most to the root; the item is then drawn
    below that node by popularity. With probability `noise` it is drawn from the whole catalogue instead. No user repeats an
    item: when the items a taste leads to are used up, others follow. Activity is log-normal, at least
    `min(5, n_items // 2)` rows a user.

    Args:
        n_users: how many users, >= 2.
        n_items: how many items, >= `branching ** depth` and >= 6.
        n_rows: how many interactions, all different, from 5 a user to half the catalogue a user.
        depth: levels of the tree below the root, >= 1.
        branching: children of a node, 2 to 26.
        zipf: exponent of the popularity inside a leaf, >= 0; 0 is uniform.
        concentration: how narrow tastes are, in [0, 1].
        noise: share of choices without taste, in [0, 1].
        seed: the same arguments make the same tables.

    Raises:
        ValueError: if an argument is out of its range.

    Example:

    >>> catalogue = synthesize(n_users=20, n_items=64, n_rows=200)
    >>> catalogue.items.loc[0, ["item", "name", "category"]].tolist()
    ['item_00000', 'a/aa/aaa #1', 'a|aa|aaa']
    >>> len(catalogue.table)
    200
    """
    _check(n_users, n_items, n_rows, depth, branching, zipf, concentration, noise)
    rng = np.random.default_rng(seed)
    n_leaves = branching**depth
    # Every leaf has an item; the others fall at random, so that categories differ in size.
    leaves = np.sort(np.concatenate([np.arange(n_leaves), rng.integers(n_leaves, size=n_items - n_leaves)]))
    rank = np.arange(n_items) - np.searchsorted(leaves, leaves) + 1
    weights = rank.astype(np.float64) ** -zipf
    favourites = _favourites(rng, n_users, n_leaves)
    taste = _leaf_multipliers(favourites, leaves, weights, depth, branching, concentration)
    taste = (1 - noise) * taste + noise / weights.sum()
    users, items = _choose(rng, taste, leaves, weights, _activity(rng, n_users, n_rows, n_items))
    user_names = np.array([f"user_{number:05d}" for number in range(n_users)], dtype=object)
    item_names = np.array([f"item_{number:05d}" for number in range(n_items)], dtype=object)
    paths = _paths(depth, branching)
    rows = pd.DataFrame(
        {"user": user_names[users], "item": item_names[items], "timestamp": _times(rng, users, n_users)}
    )
    who, where = np.nonzero(favourites)
    return SyntheticCatalogue(
        interactions=rows.sort_values("timestamp", kind="stable", ignore_index=True),
        items=pd.DataFrame(
            {
                "item": item_names,
                "name": [
                    f"{paths[leaf].replace('|', '/')} #{number}" for leaf, number in zip(leaves, rank, strict=True)
                ],
                "category": paths[leaves],
                "depth": depth,
            }
        ),
        favourites=pd.DataFrame({"user": user_names[who], "category": paths[where]}),
    )


def _check(
    n_users: int,
    n_items: int,
    n_rows: int,
    depth: int,
    branching: int,
    zipf: float,
    concentration: float,
    noise: float,
) -> None:
    if n_users < 2:
        raise ValueError(f"`n_users` must be at least 2. Received: n_users={n_users}")
    if depth < 1:
        raise ValueError(f"`depth` must be at least 1. Received: depth={depth}")
    if not 2 <= branching <= 26:
        raise ValueError(f"`branching` must be 2 to 26. Received: branching={branching}")
    if n_items < max(6, branching**depth):
        raise ValueError(
            f"`n_items` must be at least 6 and at least one for each of the branching ** depth = {branching**depth} leaves. "
            f"Received: n_items={n_items}"
        )
    least, most = n_users * _fewest(n_items), n_users * (n_items // 2)
    if not least <= n_rows <= most:
        raise ValueError(
            f"`n_rows` must be {least} to {most} for {n_users} users and {n_items} items. Received: n_rows={n_rows}"
        )
    if not zipf >= 0:
        raise ValueError(f"`zipf` must be at least 0. Received: zipf={zipf}")
    for name, share in (("concentration", concentration), ("noise", noise)):
        if not 0 <= share <= 1:
            raise ValueError(f"`{name}` must be in [0, 1]. Received: {name}={share}")


def _fewest(n_items: int) -> int:
    return min(5, n_items // 2)


def _paths(depth: int, branching: int) -> np.ndarray:
    """The path of every leaf, such as "b|ba|bac", in the order of the leaves."""
    letters = string.ascii_lowercase[:branching]
    words = ("".join(word) for word in itertools.product(letters, repeat=depth))
    return np.array(["|".join(word[: level + 1] for level in range(depth)) for word in words], dtype=object)


def _favourites(rng: np.random.Generator, n_users: int, n_leaves: int) -> np.ndarray:
    """Which leaves a user likes, one to three of them, `(n_users, n_leaves)` bool."""
    liked = np.zeros((n_users, n_leaves), bool)
    liked[np.repeat(np.arange(n_users), 3), rng.integers(n_leaves, size=(n_users, 3)).ravel()] = True
    single = rng.random(n_users) < 0.5
    liked[single] = False
    liked[single, rng.integers(n_leaves, size=np.count_nonzero(single))] = True
    return liked


def _leaf_multipliers(
    favourites: np.ndarray, leaves: np.ndarray, weights: np.ndarray, depth: int, branching: int, concentration: float
) -> np.ndarray:
    """What the popularity of an item is multiplied by to get the chance that a user chooses it, by leaf of the item."""
    n_leaves = favourites.shape[1]
    mass = np.bincount(leaves, weights, minlength=n_leaves)
    share = favourites / favourites.sum(axis=1, keepdims=True)
    multipliers = np.zeros(share.shape)
    for height in range(depth + 1):
        # The walk stops here with probability `concentration`, and at the root for certain.
        stop = (1 - concentration) ** height * (concentration if height < depth else 1.0)
        below = branching**height
        nodes = share.reshape(len(share), -1, below).sum(axis=2) / mass.reshape(-1, below).sum(axis=1)
        multipliers += stop * np.repeat(nodes, below, axis=1)
    return multipliers


def _activity(rng: np.random.Generator, n_users: int, n_rows: int, n_items: int) -> np.ndarray:
    """Rows of every user: log-normal between the fewest and half the catalogue, `n_rows` in all."""
    fewest, most = _fewest(n_items), n_items // 2
    share = rng.lognormal(sigma=_SPREAD, size=n_users)
    spare = n_rows - fewest * n_users
    counts = np.minimum(fewest + np.floor(spare * share / share.sum()).astype(np.int64), most)
    while (missing := n_rows - counts.sum()) > 0:
        room = np.flatnonzero(counts < most)
        extra = np.full(len(room), missing // len(room))
        extra[: missing % len(room)] += 1
        counts[room] = np.minimum(counts[room] + extra, most)
    return counts


def _choose(
    rng: np.random.Generator, taste: np.ndarray, leaves: np.ndarray, weights: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Different items for every user, drawn one after the other by `taste * weights`: the Gumbel top-k trick."""
    users, items = [], []
    step = max(1, _CELLS // len(leaves))
    for start in range(0, len(counts), step):
        block = np.arange(start, min(start + step, len(counts)))
        with np.errstate(divide="ignore"):  # an item no taste leads to comes last
            scores = np.log(taste[block][:, leaves]) + np.log(weights)
        scores += rng.gumbel(size=scores.shape)
        best = np.argsort(-scores, axis=1, kind="stable")[:, : counts[block].max()]
        chosen = np.arange(best.shape[1]) < counts[block][:, None]
        users.append(np.repeat(block, counts[block]))
        items.append(best[chosen])
    all_users, all_items = np.concatenate(users), np.concatenate(items)
    # Drawn best first: mix them, or a user's last item would be the one liked least.
    mixed = np.lexsort((rng.random(len(all_users)), all_users))
    return all_users, all_items[mixed]


def _times(rng: np.random.Generator, users: np.ndarray, n_users: int) -> np.ndarray:
    """Unix seconds: a start within a year for every user, then gaps of a week on average."""
    first = np.searchsorted(users, np.arange(n_users))
    gaps = 1 + rng.exponential(_YEAR / 52, size=len(users)).astype(np.int64)
    elapsed = np.cumsum(gaps)
    return _START + rng.integers(_YEAR, size=n_users)[users] + elapsed - elapsed[first][users]
