"""A trained model as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import tensorflow as tf

from hyperml_tf.models import HistoryTower, HyperML
from hyperml_tf.retrieval.exact_index import ExactIndex
from hyperml_tf.retrieval.nearest import Index
from hyperml_tf.retrieval.quantised_index import QuantisedIndex
from hyperml_tf.serving import model_card, warm_up
from hyperml_tf.serving.fold_in import FoldIn, HistoryFoldIn, MidpointFoldIn
from hyperml_tf.serving.serving_module import ServingModule
from hyperml_tf.tables import Histories, IdTable

logger = logging.getLogger(__name__)

EXTRA = "assets.extra"
"""The folder of an export for files that its graph does not use."""

HALF_LIFE = 3.0
"""Of an item in a history, in places, for models whose users are free points. On validation figures 1 to 4 were about as good."""

Precision = Literal["float32", "float16", "bfloat16"]


def export_saved_model(
    model: HyperML,
    path: str | os.PathLike[str],
    k: int = 100,
    overwrite: bool = False,
    *,
    exclude_seen: bool = False,
    details: Mapping[str, Sequence[str]] | None = None,
    precision: Precision = "float32",
    half_life: float | None = None,
    warm_up_requests: bool = False,
    card: Mapping[str, Any] | None = None,
) -> Path:
    """Writes a SavedModel that answers from raw ids and needs no Python package of ours to load.

    Its signatures are those of `hyperml_tf.serving.SIGNATURES` (every id is a string; integer ids are their decimal text):

    - `serving_default`: `user_id` `(batch,)` -> `item_id` `(batch, k)`, `distance` float32 `(batch, k)`, hyperbolic
      distances, ascending.
    - `recommend_excluding`: `user_id` `(batch,)`, `exclude` `(batch, n)` padded with `""` -> the same. Where fewer than `k`
      items are left, `item_id` is `""` and `distance` infinite.
    - `recommend_from_items`: `history` `(batch, n)`, oldest first, padded with `""` -> the same for a user placed by these
      items, which are left out: users that were not trained on are served by what they have, see `HistoryFoldIn`, or for a
      model with `history=0` `MidpointFoldIn`.
    - `similar_items`: `item_id` `(batch,)` -> the same, without the item itself; nothing for an unknown item.
    - `score`: `user_id` `(batch,)`, `item_id` `(batch, n)` -> `distance` `(batch, n)`; infinite for an unknown item.
    - `embed_user`, `embed_item`: ids `(batch,)` -> `vector` float32 `(batch, dim + 1)`, whose dot products rank by distance.

    An unknown user lies at the origin and gets its neighbours, the general and popular items.

    Args:
        model: a trained model.
        path: the directory to write, such as `.../1` with a version number for TensorFlow Serving, see `next_version`. It
            appears only when it is complete.
        k: length of the answers, at least 1; clamped to the catalogue.
        overwrite: whether a directory that exists is replaced.
        exclude_seen: whether `serving_default` and `recommend_excluding` leave out what the model has seen of each user, its
            training rows. `recommend_from_items` always leaves out its `history`; `score` leaves out nothing.
        details: text to return beside `item_id`, such as titles: columns by name, each as long as the catalogue, see
            `item_details`.
        precision: "float16" and "bfloat16" hold items in three quarters of the space and search half of it, see `QuantisedIndex`;
            the model card then has the size and how the answers compare.
        half_life: in the `history` of `recommend_from_items` an item weighs half as much as the one so many places after it.
            Recent items say most of what comes next. Give `float("inf")` where callers have no order: all then weigh the same.
            None: as for the known users of the model, or 3 for a model with `history=0`.
        warm_up_requests: whether to write requests that TensorFlow Serving runs when it loads the model. It needs the extra
            `hyperml-tf[serving]`.
        card: further entries for `assets.extra/model_card.json`, such as metrics.

    Returns:
        The path written.

    Raises:
        FileExistsError: if `path` exists and is not to be overwritten.
        ImportError: if warm-up requests are asked for and the extra is not installed.
        ValueError: if the points or the curvature of the model are not finite, an item has the id `""`, `details` do not fit the
            catalogue, `precision` is unknown, `k` or `half_life` is not positive, or the model has seen nothing while its users
            are placed by what they have seen, or seen items are to be left out.

    Example:

    >>> model = HyperML(["ann", "bob"], ["a", "b", "c"], dim=4, history=0)
    >>> path = export_saved_model(model, "models/items/1", k=2, overwrite=True)
    >>> signatures = tf.saved_model.load(path).signatures
    >>> signatures["recommend_from_items"](history=tf.constant([["a", ""]]))["item_id"].shape
    TensorShape([1, 2])
    """
    target = Path(path)
    if target.exists() and not overwrite and not (target.is_dir() and not any(target.iterdir())):
        raise FileExistsError(f"`path` exists. Pass `overwrite=True` to replace it. Received: path={str(target)!r}")
    module = serving_module(model, k, exclude_seen, details, precision, half_life)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        written = Path(scratch) / "saved_model"
        tf.saved_model.save(module, str(written), signatures=module.signatures())
        extra = written / EXTRA
        extra.mkdir()
        if warm_up_requests:
            ids = [tower.ids[: warm_up.MOST_IDS] for tower in (model.query_tower, model.candidate_tower)]
            warm_up.write_warm_up(extra / warm_up.FILE, *([str(value) for value in own.tolist()] for own in ids))
        text = json.dumps(model_card.model_card(model, module, card), indent=2, ensure_ascii=False)
        (extra / model_card.FILE).write_text(text + "\n", encoding="utf-8")
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


def serving_module(
    model: HyperML,
    k: int,
    exclude_seen: bool = False,
    details: Mapping[str, Sequence[str]] | None = None,
    precision: Precision = "float32",
    half_life: float | None = None,
) -> ServingModule:
    """The graph of a model as it stands now; training it further does not change what was made from it."""
    model.check_history()
    user_points, item_points = model.query_tower.all_points(), model.candidate_tower.all_points()
    c = model.curvature()
    curvature = tf.Variable(c, trainable=False, name="curvature")
    for name, values in (("user", user_points), ("item", item_points), ("curvature", c)):
        if not bool(tf.reduce_all(tf.math.is_finite(values))):
            raise ValueError(f"`model` cannot be exported: its {name} values are not all finite. Did training diverge?")
    if "" in model.candidate_tower.ids.tolist():
        raise ValueError('`model` cannot be exported: an item has the id "", which means "no item" in the answers.')
    if precision not in get_args(Precision):
        raise ValueError(f"`precision` must be one of {get_args(Precision)}. Received: precision={precision!r}")
    if exclude_seen and not len(model.seen):
        raise ValueError("`exclude_seen` needs a model that has seen something: `fit` it, or call `set_seen`.")
    _check_details(details or {}, len(model.candidate_tower))
    index: Index = (
        ExactIndex.of(item_points, c) if precision == "float32" else QuantisedIndex.of(item_points, c, precision)
    ).in_variables()
    return ServingModule(
        IdTable.of(_as_text(model.query_tower.ids), variable="user_ids"),
        user_points,
        IdTable.of(_as_text(model.candidate_tower.ids), variable="item_ids"),
        index,
        curvature,
        fold_in_of(model, index, curvature, half_life, precision),
        k,
        Histories.of(model.seen.indptr, model.seen.items, variables="seen") if exclude_seen else None,
        details,
    )


def fold_in_of(
    model: HyperML,
    index: Index,
    curvature: tf.Variable,
    half_life: float | None = None,
    precision: Precision = "float32",
) -> FoldIn:
    """Where an export of a model places users by their items. Arguments: as there."""
    tower = model.query_tower
    if not isinstance(tower, HistoryTower):
        return MidpointFoldIn(index, curvature, HALF_LIFE if half_life is None else half_life)
    own = float("inf") if tower.history.half_life is None else tower.history.half_life
    return HistoryFoldIn(tower, curvature, own if half_life is None else half_life, precision)


def _as_text(ids: np.ndarray) -> np.ndarray:
    """Ids as they are served: integers as their decimal text."""
    return np.array([str(value) for value in ids.tolist()], dtype=object)


def _check_details(details: Mapping[str, Sequence[str]], n_items: int) -> None:
    for name, values in details.items():
        if len(values) != n_items or not all(isinstance(value, str) for value in values):
            raise ValueError(
                f"`details[{name!r}]` must be text for each of the {n_items} items of the catalogue, in its order. "
                f"Received: {len(values)} values, the first {next(iter(values), None)!r}"
            )
