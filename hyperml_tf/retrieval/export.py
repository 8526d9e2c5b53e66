"""A trained model as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

import tensorflow as tf

from hyperml_tf.models import HyperML
from hyperml_tf.retrieval.serving_module import ServingModule

logger = logging.getLogger(__name__)


def export_saved_model(model: HyperML, path: str | os.PathLike[str], k: int = 100, overwrite: bool = False) -> Path:
    """Writes a SavedModel that answers from raw ids and needs no Python package of ours to load.

    Its signatures (every id is a string; integer ids are their decimal text):

    - `serving_default`: `user_id` `(batch,)` -> `item_id` `(batch, k)`, `distance` float32 `(batch, k)`, hyperbolic
      distances, ascending.
    - `recommend_excluding`: `user_id` `(batch,)`, `exclude` `(batch, n)` padded with `""` -> the same. Where fewer than `k`
      items are left, `item_id` is `""` and `distance` infinite.
    - `score`: `user_id` `(batch,)`, `item_id` `(batch, n)` -> `distance` `(batch, n)`; infinite for an unknown item.

    An unknown user lies at the origin and gets its neighbours, the general and popular items.

    Args:
        model: a trained model.
        path: the directory to write, such as `.../1` with a version number for TensorFlow Serving. It appears only
            when it is complete.
        k: length of the answers, at least 1; clamped to the catalogue.
        overwrite: whether a directory that exists is replaced.

    Returns:
        The path written.

    Raises:
        FileExistsError: if `path` exists and is not to be overwritten.
        ValueError: if the points or the curvature of the model are not finite, or an item has the id `""`.
    """
    target = Path(path)
    if target.exists() and not overwrite and not (target.is_dir() and not any(target.iterdir())):
        raise FileExistsError(f"`path` exists. Pass `overwrite=True` to replace it. Received: path={str(target)!r}")
    module = serving_module(model, k)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        written = Path(scratch) / "saved_model"
        tf.saved_model.save(module, str(written), signatures=module.signatures())
        _put(written, target, Path(scratch) / "replaced")
    logger.info("Exported %d users and %d items to %s.", len(model.query_tower), len(model.candidate_tower), target)
    return target


def _put(written: Path, target: Path, aside: Path) -> None:
    """Moves a directory to its place. What is there is moved aside first, and back if that fails."""
    if not target.exists():
        written.rename(target)
        return
    target.rename(aside)
    try:
        written.rename(target)
    except OSError:
        aside.rename(target)
        raise


def serving_module(model: HyperML, k: int) -> ServingModule:
    """The graph of a model as it stands now; training it further does not change what was made from it."""
    user_points, item_points = model.query_tower.all_points(), model.candidate_tower.all_points()
    for name, values in (("user", user_points), ("item", item_points), ("curvature", model.curvature())):
        if not bool(tf.reduce_all(tf.math.is_finite(values))):
            raise ValueError(f"`model` cannot be exported: its {name} values are not all finite. Did training diverge?")
    if "" in model.candidate_tower.ids.tolist():
        raise ValueError('`model` cannot be exported: an item has the id "", which means "no item" in the answers.')
    return ServingModule(
        model.query_tower.ids, user_points, model.candidate_tower.ids, item_points, float(model.curvature()), k
    )
