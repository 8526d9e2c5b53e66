"""What `pytest --quick` leaves out: slow tests, the middle of parametrizations, and most examples of each property."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import HealthCheck, settings

CASES = 2
"""How many cases of a parametrized test are kept: the first, the last, and others evenly between them."""
SHARE = 0.2
"""The share of the examples of a property that is kept."""

_is_quick = False


def set_up(is_quick: bool) -> None:
    """Sets the defaults of hypothesis, before the test files are imported. No test depends on a clock."""
    global _is_quick
    _is_quick = is_quick
    number = examples(settings().max_examples)
    settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=number)
    settings.load_profile("suite")


def examples(number: int) -> int:
    """Returns the `max_examples` of a property that needs another number than the default."""
    return max(3, round(SHARE * number)) if _is_quick else number


def chosen(tests: list[Any]) -> list[Any]:
    """Returns the tests of a quick run."""
    cases = defaultdict(list)
    for test in tests:
        if test.get_closest_marker("slow") is None:
            cases[test.nodeid.split("[")[0]].append(test)
    return [test for alike in cases.values() for test in _spread(alike)]


def _spread(cases: list[Any]) -> list[Any]:
    last = len(cases) - 1
    return [cases[place] for place in sorted({round(last * part / (CASES - 1)) for part in range(CASES)})]
