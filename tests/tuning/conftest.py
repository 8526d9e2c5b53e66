"""Each trial ends with a garbage collection, which in a process full of tests would take longer than the trial."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def _little_garbage() -> None:
    gc.collect()
    gc.freeze()
