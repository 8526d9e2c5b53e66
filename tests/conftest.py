"""Fixtures shared by the suite. hyperml_tf is imported first, so that `tf.keras` is Keras 2 in every test."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hyperml_tf  # noqa: F401, I001
import pytest
import quick
import tensorflow as tf


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help=quick.__doc__)


def pytest_configure(config: pytest.Config) -> None:
    quick.set_up(config.getoption("--quick"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        kept = set(quick.chosen(items))
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test starts from the same random state."""
    tf.keras.utils.set_random_seed(0)
