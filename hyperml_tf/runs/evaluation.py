"""The evaluation of a model on held-out rows: means, lists, single users, and the comparison with another model."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import Interactions, ItemTable
from hyperml_tf.data.categories import Categories
from hyperml_tf.metrics import lists as lists_lib
from hyperml_tf.metrics import paired
from hyperml_tf.metrics.gains import CUTOFFS
from hyperml_tf.metrics.lists import LIST_METRICS
from hyperml_tf.metrics.paired import Difference
from hyperml_tf.metrics.ranked import Ranked
from hyperml_tf.metrics.user_metrics import METRICS, check_cutoffs, check_metrics
from hyperml_tf.models import HyperML
from hyperml_tf.models.baselines import Popularity
from hyperml_tf.runs.held_out import HeldOut, TestHistory, check_test_history

NAMES = (*METRICS, *LIST_METRICS)
"""Names of all metrics that `Evaluation.metrics` computes."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The paired comparison of two runs on the same held-out rows, see `Evaluation.compare`.

    Args:
        users: Integer, number of users.
        differences: A `Difference` for each metric, of the first run less the second.
    """

    users: int
    differences: tuple[Difference, ...]

    def meaning(self) -> str:
        """Returns what the comparison says, in one line."""
        better = [one.metric for one in self.differences if one.is_significant and one.difference > 0]
        worse = [one.metric for one in self.differences if one.is_significant and one.difference < 0]
        said = [f"better in {', '.join(better)}"] * bool(better) + [f"worse in {', '.join(worse)}"] * bool(worse)
        tested = f"{len(self.differences)} comparisons over {self.users:,} users, p < {paired.SIGNIFICANT:g} after Holm"
        if not said:
            return f"No metric differs by more than chance explains ({tested})."
        rest = len(self.differences) - len(better) - len(worse)
        open_ = f"; {rest} others do not differ by more than chance explains" if rest else ""
        return f"The first run is {' and '.join(said)}{open_} ({tested})."

    def to_dict(self) -> dict[str, Any]:
        """Returns the comparison as plain values, for JSON."""
        return {
            "users": self.users,
            "differences": [dataclasses.asdict(one) for one in self.differences],
            "meaning": self.meaning(),
        }


@names_arguments
@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """Held-out rows, ranked by a model and by popularity. Nothing is ranked before it is asked for, and nothing twice.

    Args:
        model: A `HyperML`.
        held_out: The held-out rows.
        test_history: See `Run.evaluate`. Defaults to `"before_test"`.
        items: Optional `ItemTable`, for titles and categories. Defaults to `None`.

    Example:

    That of a run is `run.evaluation()`; a model that is no run is evaluated on the rows of one, or on other ones.

    >>> from hyperml_tf import synthesize
    >>> held_out = HeldOut.draw(synthesize(n_users=40, n_items=120, n_rows=400).table, "last")
    >>> evaluation = Evaluation(HyperML.from_interactions(held_out.split.train, dim=4), held_out)
    >>> list(evaluation.metrics(ks=[5], metrics=["recall", "coverage"])["test"])
    ['full_recall@5', 'sampled100_recall@5']
    >>> evaluation.per_user(ks=[5], metrics=["ndcg"]).columns.tolist()
    ['user', 'item', 'full_rank', 'sampled100_rank', 'full_ndcg@5', 'sampled100_ndcg@5']
    """

    model: HyperML
    held_out: HeldOut
    test_history: TestHistory = "before_test"
    items: ItemTable | None = None

    def __post_init__(self) -> None:
        check_test_history(self.test_history)

    def metrics(self, ks: Sequence[int] = CUTOFFS, metrics: Sequence[str] | None = None) -> dict[str, Any]:
        """Returns means over users, as `Run.evaluate` describes them."""
        names = None if metrics is None else [name for name in metrics if name in METRICS]
        check_metrics(() if metrics is None else metrics, NAMES)
        check_cutoffs(ks)
        found: dict[str, Any] = {}
        if names is None or names:
            found = {part: ranked.means(ks, names) for part, ranked in self.ranked.items()}
            found["popularity"] = {part: ranked.means(ks, names) for part, ranked in self._popular.items()}
        asked = [name for name in (() if metrics is None else metrics) if name in LIST_METRICS]
        return found if not asked else {**found, "lists": self.lists(ks, asked)}

    def lists(self, ks: Sequence[int] = CUTOFFS, metrics: Sequence[str] = LIST_METRICS) -> dict[str, dict[str, Any]]:
        """Returns what the lists are like that users with test rows get.

        Args:
            ks: Positive integers, the lengths of the lists. Defaults to `(5, 10, 20)`.
            metrics: Names among `LIST_METRICS`, see `hyperml_tf.metrics.lists`. Defaults to all of them.

        Returns:
            Under `"model"` and `"popularity"` a dictionary from names such as `"coverage@10"` to numbers; `None` for what cannot
            be said, such as `"distinct_categories"` without a table of items. Distances are those of the model for both.

        Raises:
            ValueError: If a metric is unknown, or a cut-off is not a positive integer.
        """
        check_metrics(metrics, LIST_METRICS)
        check_cutoffs(ks)
        split, known = self.held_out.split, self._known
        users, popularity = np.unique(split.test.users), split.train.popularity()
        histories = lists_lib.mean_popularity(known.users, known.items, popularity, known.n_users)[users]
        points = self.model.candidate_tower.all_points().numpy().astype(np.float64)
        distances = functools.partial(lists_lib.distances_within, points, float(self.model.curvature()))
        categories = None if self.items is None else Categories.of(self.items)
        excluded, found = split.before_test.csr(), {}
        for name, score in (("model", self.model.scorer(known)), ("popularity", self._popularity.scorer())):
            longest = lists_lib.top_lists(score, users, excluded, max(ks))
            of_k = {
                k: lists_lib.describe_lists(
                    longest[:, :k],
                    popularity,
                    split.train.n_users,
                    histories,
                    distances,
                    None if categories is None else categories.lists,
                    metrics,
                )
                for k in ks
            }
            found[name] = {f"{metric}@{k}": of_k[k][metric] for metric in metrics for k in ks}
        return found

    def per_user(self, ks: Sequence[int] = CUTOFFS, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Returns the ranks of the test items, one row for each, with the metrics of their users.

        Args:
            ks: Positive integers, the cut-offs. Defaults to `(5, 10, 20)`.
            metrics: Names of metrics of users, see `Run.evaluate`. Defaults to `None`, those of `metrics.json`.

        Returns:
            A data frame with the columns `user` and `item`, those of the table of items, `full_rank` and `sampled100_rank` from
            1, and the metrics. Where a user has several test items, the metrics of the user are in each of their rows.
        """
        ranked, table = self.ranked["test"], self.held_out.split.test
        frame = pd.DataFrame({"user": table.user_ids[ranked.users], "item": table.item_ids[ranked.items]})
        details = {} if self.items is None else self.items.beside(frame["item"].to_numpy(object))
        ranks = {f"{protocol}_rank": places + 1 for protocol, places in ranked.places.items()}
        owners = np.unique(ranked.users, return_inverse=True)[1]
        of_users = {name: values[owners] for name, values in ranked.of_users(ks, metrics).items()}
        return frame.assign(**{**details, **ranks, **of_users})

    def compare(
        self, other: Evaluation, ks: Sequence[int] = CUTOFFS, metrics: Sequence[str] | None = None
    ) -> Comparison:
        """Compares the model with another one on the same test rows, by paired differences of the metrics of users.

        Args:
            other: The `Evaluation` of the other model.
            ks: Positive integers, the cut-offs. Defaults to `(5, 10, 20)`.
            metrics: Names of metrics of users, see `Run.evaluate`. Defaults to `None`, those of `metrics.json`.

        Raises:
            ValueError: If the two do not have the same test rows, sampled negatives and items that are known before.
        """
        check_same_rows(self.held_out, other.held_out)
        first, second = (one.ranked["test"].of_users(ks, metrics) for one in (self, other))
        return Comparison(len(np.unique(self.held_out.split.test.users)), paired.compare(first, second))

    @functools.cached_property
    def ranked(self) -> dict[str, Ranked]:
        """The `"validation"` and `"test"` rows with their places in the lists of the model."""
        return self.held_out.rank_all(self.model.scorer, self.test_history)

    @functools.cached_property
    def _popular(self) -> dict[str, Ranked]:
        return self.held_out.rank_all(self._popularity.scorer, self.test_history)

    @functools.cached_property
    def _popularity(self) -> Popularity:
        train = self.held_out.split.train
        popularity = Popularity.from_interactions(train)
        popularity.fit(train)
        return popularity

    @property
    def _known(self) -> Interactions:
        split = self.held_out.split
        return split.train if self.test_history == "train" else split.before_test


def check_same_rows(first: HeldOut, second: HeldOut) -> None:
    """Raises a `ValueError` if two runs do not rank the same test items of the same users among the same others."""
    one, two = first.split, second.split
    parts = {
        "users": (one.test.user_ids, two.test.user_ids),
        "items": (one.test.item_ids, two.test.item_ids),
        "test rows": (one.test.keys(), two.test.keys()),
        "rows before the test": (one.before_test.keys(), two.before_test.keys()),
        "sampled negatives": (first.negatives, second.negatives),
    }
    for name, (of_first, of_second) in parts.items():
        if not np.array_equal(of_first, of_second):
            raise ValueError(
                "Two runs are compared on the same held-out rows: train both on the same table with the same `split`. "
                f"Received: other {name}, {len(of_first):,} and {len(of_second):,} of them"
            )
