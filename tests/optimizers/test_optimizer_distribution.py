"""Under `tf.distribute`, mirrored replicas together take the step of one device."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_two_mirrored_replicas_train_like_one_device() -> None:
    script = Path(__file__).with_name("mirrored_training.py")
    process = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
