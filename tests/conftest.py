"""Fixtures shared by the suite. hyperml_tf is imported first, so that `tf.keras` is Keras 2 in every test."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hyperml_tf  # noqa: F401, I001
import pytest
import tensorflow as tf


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test starts from the same random state."""
    tf.keras.utils.set_random_seed(0)
