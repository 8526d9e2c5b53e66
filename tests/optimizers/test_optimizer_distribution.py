"""Under `tf.distribute`, mirrored replicas together take the step of one device."""

from __future__ import annotations

from pathlib import Path

import forked
import pytest


@pytest.mark.slow
def test_two_mirrored_replicas_train_like_one_device() -> None:
    forked.run(Path(__file__).with_name("mirrored_training.py"))
