"""Fixtures shared by the suite. hyperml_tf is imported first, so that `tf.keras` is Keras 2 in every test.

TensorFlow is not imported here: pytest-xdist's controlling process, which waits for this file, has no use for it.
"""

from __future__ import annotations

import gc
import logging
import os
import warnings
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hyperml_tf  # noqa: F401, I001
import pytest
import quick


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help=quick.__doc__)


def pytest_configure(config: pytest.Config) -> None:
    quick.set_up(config.getoption("--quick"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        kept = set(quick.chosen(items))
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]


def pytest_collection_finish() -> None:
    """Takes what TensorFlow and the test files have made so far, which stays, out of the garbage collections to come.

    Each would walk through all of it, which takes longer than many a test.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _one_signature() -> Iterator[None]:
    """Exports have one signature, unless a test asks for more."""
    import tiny

    with tiny.exporting("serving_default"):
        yield


@pytest.fixture(scope="session", autouse=True)
def _graphs_as_they_are() -> None:
    """Graphs are not optimized, which takes longer than the few steps that tests run. In other processes they are, as in use."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test starts from the same random state."""
    import tensorflow as tf

    tf.keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Commands that run in the process of the tests configure its log, which is that of the other tests, too."""
    loggers = [logging.getLogger(name) for name in ("hyperml_tf", "tensorflow", "absl")]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    with warnings.catch_warnings():
        yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
