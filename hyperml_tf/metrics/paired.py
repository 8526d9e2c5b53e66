"""Whether two models differ on the same users: paired differences of their metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

SIGNIFICANT = 0.05
"""Differences with a smaller p-value are called significant."""


class Interval(NamedTuple):
    """A mean difference with its confidence interval and p-value."""

    mean: float
    low: float
    high: float
    p: float


@dataclasses.dataclass(frozen=True)
class Difference:
    """The difference of a metric of two models.

    Args:
        metric: String, such as `"full_ndcg@10"`.
        first: Float, the mean of the first model.
        second: Float, the mean of the second model.
        difference: Float, the mean difference, the first less the second.
        low: Float, lower end of its confidence interval.
        high: Float, upper end.
        p: Float, two-sided p-value of Student's paired t-test.
        p_holm: Float, the p-value after Holm's correction for the number of comparisons.
    """

    metric: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float

    @property
    def is_significant(self) -> bool:
        """Whether the corrected p-value is below 0.05."""
        return self.p_holm < SIGNIFICANT


def paired_interval(differences: np.ndarray, confidence: float = 0.95) -> Interval:
    """Computes the mean of differences, its confidence interval and the p-value of no difference, by Student's t-test.

    With hundreds of users or more it agrees with randomization and bootstrap tests, and is the more powerful.

    Args:
        differences: One difference per user, `(users,)`, at least two.
        confidence: Float in `(0, 1)`, confidence of the interval. Defaults to `0.95`.

    Raises:
        ValueError: If there are fewer than two differences.

    Reference:
        - M. Smucker, J. Allan, B. Carterette, A comparison of statistical significance tests for information retrieval
          evaluation, CIKM 2007

    Example:

    >>> interval = paired_interval(np.array([0.1, 0.3, 0.2, 0.2]))
    >>> round(interval.mean, 3), round(interval.low, 3), round(interval.high, 3), round(interval.p, 4)
    (0.2, 0.07, 0.33, 0.0163)
    """
    from scipy import stats

    n = len(differences)
    if n < 2:
        raise ValueError(f"`differences` must be of at least two users. Received: {n}")
    mean, deviation = float(np.mean(differences)), float(np.std(differences, ddof=1))
    if not deviation > 1e-12 * abs(mean):
        # All users differ by the same: there is no t. As likely as that all signs are alike by chance.
        return Interval(mean, mean, mean, 1.0 if mean == 0 else 2.0 ** (1 - n))
    error = deviation / n**0.5
    width = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * error
    return Interval(mean, mean - width, mean + width, float(2 * stats.t.sf(abs(mean) / error, n - 1)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrects p-values for their number, so that the chance of any false discovery stays below the level.

    Args:
        p_values: P-values of several tests.

    Returns:
        Corrected p-values, in the same order.

    Reference:
        - S. Holm, A simple sequentially rejective multiple test procedure, 1979

    Example:

    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in corrected]


def compare(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> tuple[Difference, ...]:
    """Compares metrics of two models on the same users.

    Args:
        first: Metrics of each user by name, `(users,)` each, such as from `Ranked.of_users`.
        second: The same metrics of the other model.

    Raises:
        ValueError: If there are fewer than two users.

    Example:

    >>> [found] = compare({"hr@1": np.array([1.0, 1.0, 0.0])}, {"hr@1": np.array([0.0, 1.0, 0.0])})
    >>> round(found.difference, 3), round(found.p, 3), found.is_significant
    (0.333, 0.423, False)
    """
    intervals = {name: paired_interval(values - second[name]) for name, values in first.items()}
    corrected = holm([one.p for one in intervals.values()])
    return tuple(
        Difference(name, float(first[name].mean()), float(second[name].mean()), *intervals[name], p)
        for name, p in zip(intervals, corrected, strict=True)
    )
