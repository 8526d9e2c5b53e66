"""What the directory of a run gets once its model is trained: held-out rows, model, export, picture and metrics."""

from __future__ import annotations

import json
import logging
import platform
import shutil
from pathlib import Path
from typing import Any

import tensorflow as tf

import hyperml_tf
from hyperml_tf.data import ItemTable
from hyperml_tf.files.whole import whole_file
from hyperml_tf.models import HyperML
from hyperml_tf.runs import layout
from hyperml_tf.runs import run as run_lib
from hyperml_tf.runs.run_data import RunData
from hyperml_tf.serving import export_saved_model
from hyperml_tf.settings import TrainingConfig

logger = logging.getLogger(__name__)


def write_model(
    path: Path,
    model: HyperML,
    data: RunData,
    config: dict[str, Any],
    metrics: dict[str, Any],
    settings: TrainingConfig,
    items: ItemTable | None,
) -> None:
    """Writes all files of a run whose model is trained, but not `metrics.json`, which marks it as finished.

    Args:
        path: Path of the directory.
        model: The model, compiled for further training, with all rows of the table as histories.
        data: The rows of the run.
        config: The contents of `config.json`.
        metrics: The contents of `metrics.json`.
        settings: The settings of the run.
        items: What is known of the items, or `None`; the export returns it with item ids.
    """
    data.save(path, config["fingerprint"])
    with whole_file(path / layout.MODEL) as scratch:
        model.save(scratch)
    card = run_lib.card(config, metrics)
    export_saved_model(
        model,
        path / layout.SAVED_MODEL,
        k=settings.k,
        overwrite=True,
        exclude_seen=not settings.include_seen,
        details=None if items is None else items.columns,
        card=card,
    )
    _picture(model, data, items, path / layout.PICTURE)


def mark_finished(path: Path, metrics: dict[str, Any]) -> None:
    """Writes the metrics, the last file of a run, and removes the state of its training."""
    write_json(path / layout.METRICS, metrics)
    shutil.rmtree(path / layout.PROGRESS, ignore_errors=True)


def provenance(data: RunData) -> dict[str, Any]:
    """Returns what `config.json` says of the table, and with which versions the run was made."""
    return {
        **data.provenance(),
        "versions": {
            "hyperml_tf": hyperml_tf.__version__,
            "tensorflow": tf.__version__,
            "python": platform.python_version(),
        },
    }


def check_versions(stored: dict[str, Any], now: dict[str, Any]) -> None:
    """Logs a warning if a run that is resumed began with other versions."""
    if stored.get("versions") != now["versions"]:
        logger.warning(
            "The run began with other versions, %s: it goes on, but not exactly as without an interruption.",
            stored.get("versions"),
        )


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Writes a file of a run, in one step."""
    with whole_file(path) as scratch:
        scratch.write_text(json.dumps(values, indent=2) + "\n")


def _picture(model: HyperML, data: RunData, items: ItemTable | None, path: Path) -> None:
    from hyperml_tf.visualization import plot_items

    try:
        with whole_file(path) as scratch:
            plot_items(model, data.popularity(), scratch, None if items is None else items.columns)
    except ImportError as error:
        logger.warning("No picture was drawn: %s", error)
