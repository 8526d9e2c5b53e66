"""Paired differences against SciPy's own test, and Holm's correction by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hyperml_tf.metrics.paired import compare, holm, paired_interval


def test_interval_and_p_value_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random(50), rng.random(50)
    found = paired_interval(first - second)
    expected = stats.ttest_rel(first, second)
    assert found == pytest.approx((np.mean(first - second), *expected.confidence_interval(0.95), expected.pvalue))


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.3, 2.0**-3)])
def test_equal_differences_have_no_nan(value: float, p: float) -> None:
    assert paired_interval(np.full(4, value)) == (value, value, value, p)


def test_one_user_is_too_few() -> None:
    with pytest.raises(ValueError, match=r"at least two users\. Received: 1"):
        paired_interval(np.array([0.5]))


def test_holm_by_hand() -> None:
    # 4 * .01, 3 * .011 is raised to it, 2 * .03, and .9.
    assert holm([0.03, 0.01, 0.9, 0.011]) == pytest.approx([0.06, 0.04, 0.9, 0.04])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_metric_that_differs_is_significant_and_one_that_does_not_is_not() -> None:
    rng = np.random.default_rng(0)
    base = rng.random(200)
    found = compare({"a": base + 0.1, "b": base}, {"a": base + 0.01 * rng.random(200), "b": rng.permutation(base)})
    assert [one.is_significant for one in found] == [True, False]
    assert all(one.low <= one.difference <= one.high for one in found)
