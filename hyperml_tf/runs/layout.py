"""The names of what is in the directory of a run. Importing them requires no TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONFIG, METRICS, HISTORY, PICTURE, ITEMS = "config.json", "metrics.json", "history.csv", "disk.png", "items.parquet"
MODEL, HELD_OUT, SAVED_MODEL = "model/model.keras", "model/held_out.npz", "saved_model/1"
WEIGHTED_ROWS = "model/weighted_rows.npz"
DIVERGED, BEFORE_DIVERGENCE, PROGRESS = "diverged.json", "model/before_divergence.keras", "progress"
FOLDERS = ("model", "saved_model")
NAMES = (CONFIG, METRICS, HISTORY, PICTURE, ITEMS, DIVERGED, PROGRESS, *FOLDERS)
"""Names of what is in the directory of a run."""


def read_json(path: Path) -> dict[str, Any]:
    """Reads a file of a run.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # among them, errors of the encoding
        raise ValueError(f"`{path}` is damaged: it must be JSON. Received: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"`{path}` must hold a JSON object. Received: {type(found).__name__}")
    return found
