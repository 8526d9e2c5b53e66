"""Synthetic interactions with a known hierarchy of categories, for demonstrations and tests."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pandas as pd

from hyperml_tf._argument_checks import check_not_negative, check_share, count, random_seed
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data.catalogue_names import category_paths, titles
from hyperml_tf.data.interactions import Interactions

_START = 1_577_836_800  # 2020-01-01, a Unix timestamp
_YEAR = 365 * 24 * 3600
_SPREAD = 0.6  # standard deviation of the logarithm of the number of rows per user
_CELLS = 4_000_000  # entries of the largest matrix of users and items in memory


@dataclasses.dataclass(frozen=True, eq=False)
class SyntheticCatalogue:
    """A synthetic data set, as `synthesize` returns it.

    Args:
        interactions: one row per interaction, sorted by time, with columns `user`, `item` (both text) and `timestamp`
            (Unix).
        items: one row per item, with columns `item`, `title` (distinct) and `category`, the path of its leaf in the tree of
            categories, most general first, such as "Home|Kitchen|Teapot".
        favourites: one row per user and favourite leaf, with columns `user` and `category`.

    Example:

    >>> catalogue = synthesize(n_users=20, n_items=64, n_rows=200)
    >>> catalogue.interactions.columns.tolist()
    ['user', 'item', 'timestamp']
    >>> len(catalogue.items), len(catalogue.table)
    (64, 200)
    """

    interactions: pd.DataFrame
    items: pd.DataFrame
    favourites: pd.DataFrame

    @functools.cached_property
    def table(self) -> Interactions:
        """The interactions as `Interactions`. Users and items without a row are not in its vocabularies."""
        return Interactions.from_frame(self.interactions)


@names_arguments
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
    """Generates users whose preferences follow a tree of item categories.

    The tree has `branching ** depth` leaves with at least one item each; the k-th most popular item of a leaf has weight
    `k ** -zipf`. A user has one to three favourite leaves. For each interaction the user starts at one of them, stays there
    with probability `concentration`, and otherwise moves up to the parent, where the same choice follows, up to the root; an
    item below that node is then drawn by popularity. With probability `noise` the item is drawn from the whole catalogue
    instead. No user repeats an item: when the preferred items are used up, others follow. The number of rows per user is
    log-normal, and at least `min(5, n_items // 2)`.

    Args:
        n_users: the number of users, at least 2. Defaults to 2000.
        n_items: the number of items, at least `branching ** depth` and at least 6. Defaults to 1500.
        n_rows: the number of interactions, all distinct, from `min(5, n_items // 2)` to `n_items // 2` per user. Defaults to
            60,000.
        depth: the number of levels below the root, at least 1. Defaults to 3.
        branching: the number of children per node, 2 to 26. Defaults to 4.
        zipf: the exponent of the popularity of items within a leaf, >= 0; 0 is uniform. Defaults to 0.8.
        concentration: the probability of staying at a node, in [0, 1]; higher values make narrower preferences. Defaults to
            0.75.
        noise: the share of interactions that ignore preferences, in [0, 1]. Defaults to 0.1.
        seed: the seed. Equal arguments give equal tables. Defaults to 0.

    Returns:
        The interactions, the items with their categories, and the favourite categories of users.

    Raises:
        ValueError: if an argument is out of its range.

    Example:

    >>> catalogue = synthesize(n_users=20, n_items=64, n_rows=200)
    >>> catalogue.items.loc[0].tolist()
    ['item_00000', 'Silver Floor Lamp', 'Home|Lighting|Floor Lamp']
    >>> len(catalogue.table)
    200
    """
    _check(n_users, n_items, n_rows, depth, branching, zipf, concentration, noise)
    rng = np.random.default_rng(random_seed(seed=seed))
    n_leaves = branching**depth
    # One item per leaf, and the others at random, so that categories differ in size.
    leaves = np.sort(np.concatenate([np.arange(n_leaves), rng.integers(n_leaves, size=n_items - n_leaves)]))
    rank = np.arange(n_items) - np.searchsorted(leaves, leaves) + 1
    weights = rank.astype(np.float64) ** -zipf
    favourites = _favourites(rng, n_users, n_leaves)
    taste = _leaf_multipliers(favourites, leaves, weights, depth, branching, concentration)
    taste = (1 - noise) * taste + noise / weights.sum()
    users, items = _choose(rng, taste, leaves, weights, _activity(rng, n_users, n_rows, n_items))
    user_names = np.array([f"user_{number:05d}" for number in range(n_users)], dtype=object)
    item_names = np.array([f"item_{number:05d}" for number in range(n_items)], dtype=object)
    paths = category_paths(depth, branching)
    categories = np.array(["|".join(path) for path in paths], dtype=object)
    rows = pd.DataFrame(
        {"user": user_names[users], "item": item_names[items], "timestamp": _times(rng, users, n_users)}
    )
    who, where = np.nonzero(favourites)
    return SyntheticCatalogue(
        interactions=rows.sort_values("timestamp", kind="stable", ignore_index=True),
        items=pd.DataFrame(
            {
                "item": item_names,
                "title": titles([paths[leaf][-1] for leaf in leaves], (rank - 1).tolist(), seed),
                "category": categories[leaves],
            }
        ),
        favourites=pd.DataFrame({"user": user_names[who], "category": categories[where]}),
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
    for name, number in {"n_users": n_users, "n_items": n_items, "n_rows": n_rows, "depth": depth}.items():
        count(**{name: number})
    check_not_negative(zipf=zipf)
    check_share(concentration=concentration, noise=noise)
    count(branching=branching)
    if n_users < 2:
        raise ValueError(f"`n_users` must be at least 2. Received: n_users={n_users}")
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


def _fewest(n_items: int) -> int:
    return min(5, n_items // 2)


def _favourites(rng: np.random.Generator, n_users: int, n_leaves: int) -> np.ndarray:
    """The one to three favourite leaves of each user, `(n_users, n_leaves)` bool."""
    liked = np.zeros((n_users, n_leaves), bool)
    liked[np.repeat(np.arange(n_users), 3), rng.integers(n_leaves, size=(n_users, 3)).ravel()] = True
    single = rng.random(n_users) < 0.5
    liked[single] = False
    liked[single, rng.integers(n_leaves, size=np.count_nonzero(single))] = True
    return liked


def _leaf_multipliers(
    favourites: np.ndarray, leaves: np.ndarray, weights: np.ndarray, depth: int, branching: int, concentration: float
) -> np.ndarray:
    """The factor between the popularity of an item and the probability that a user chooses it, by the leaf of the item."""
    n_leaves = favourites.shape[1]
    mass = np.bincount(leaves, weights, minlength=n_leaves)
    share = favourites / favourites.sum(axis=1, keepdims=True)
    multipliers = np.zeros(share.shape)
    for height in range(depth + 1):
        # The walk stops at this height with probability `concentration`, and at the root with probability 1.
        stop = (1 - concentration) ** height * (concentration if height < depth else 1.0)
        below = branching**height
        nodes = share.reshape(len(share), -1, below).sum(axis=2) / mass.reshape(-1, below).sum(axis=1)
        multipliers += stop * np.repeat(nodes, below, axis=1)
    return multipliers


def _activity(rng: np.random.Generator, n_users: int, n_rows: int, n_items: int) -> np.ndarray:
    """The number of rows of each user: log-normal, from the minimum to half the catalogue, `n_rows` in total."""
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
    """Samples distinct items for each user with probabilities in proportion to `taste * weights`, by the Gumbel top-k trick.

    Reference:
        W. Kool, H. van Hoof, M. Welling, *Stochastic beams and where to find them*, ICML 2019.
    """
    users, items = [], []
    step = max(1, _CELLS // len(leaves))
    for start in range(0, len(counts), step):
        block = np.arange(start, min(start + step, len(counts)))
        with np.errstate(divide="ignore"):  # log(0) puts items of probability 0 last
            scores = np.log(taste[block][:, leaves]) + np.log(weights)
        scores += rng.gumbel(size=scores.shape)
        best = np.argsort(-scores, axis=1, kind="stable")[:, : counts[block].max()]
        chosen = np.arange(best.shape[1]) < counts[block][:, None]
        users.append(np.repeat(block, counts[block]))
        items.append(best[chosen])
    all_users, all_items = np.concatenate(users), np.concatenate(items)
    # Items are sorted by score: without shuffling, the last item of a user would be the least likely one.
    mixed = np.lexsort((rng.random(len(all_users)), all_users))
    return all_users, all_items[mixed]


def _times(rng: np.random.Generator, users: np.ndarray, n_users: int) -> np.ndarray:
    """Unix timestamps: each user starts within one year, and continues with gaps of a week on average."""
    first = np.searchsorted(users, np.arange(n_users))
    gaps = 1 + rng.exponential(_YEAR / 52, size=len(users)).astype(np.int64)
    elapsed = np.cumsum(gaps)
    return _START + rng.integers(_YEAR, size=n_users)[users] + elapsed - elapsed[first][users]
