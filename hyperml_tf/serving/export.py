"""Export of a trained model as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyarrow.compute as pc
import tensorflow as tf

from hyperml_tf._argument_checks import as_path, check_instance
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.files.scratch import scratch_directory
from hyperml_tf.files.whole import move_in_place_of, move_new
from hyperml_tf.models import HistoryTower, HyperML, SequenceTower
from hyperml_tf.models.copies import outside_of_scopes
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.retrieval.exact_index import ExactIndex
from hyperml_tf.retrieval.nearest import Index
from hyperml_tf.retrieval.quantised_index import QuantisedIndex
from hyperml_tf.serving import model_card, warm_up
from hyperml_tf.serving.approximate_index import ApproximateIndex
from hyperml_tf.serving.fold_in import FoldIn, HistoryFoldIn, MidpointFoldIn, SequenceFoldIn
from hyperml_tf.serving.serving_module import ServingModule
from hyperml_tf.serving.signatures import SIGNATURES
from hyperml_tf.serving.user_rows import UserRows
from hyperml_tf.serving.verification import check_replaceable
from hyperml_tf.serving.versions import next_version
from hyperml_tf.serving.written_in_parts import write_rows
from hyperml_tf.tables import IdTable

logger = logging.getLogger(__name__)

HALF_LIFE = 3.0
"""Default half-life, in items, for models with an embedding per user. On validation data, 1 to 4 were about equally good."""

_NAMES = {name for signature in SIGNATURES.values() for name in (*signature.inputs, *signature.outputs)}

Precision = Literal["float32", "float16", "bfloat16"]


@names_arguments
def export_saved_model(
    model: HyperML,
    path: str | os.PathLike[str],
    k: int = 100,
    overwrite: bool = False,
    *,
    new_version: bool = False,
    exclude_seen: bool = True,
    details: Mapping[str, Sequence[str]] | None = None,
    filter_columns: Sequence[str] = (),
    precision: Precision = "float32",
    half_life: float | None = None,
    warm_up_requests: bool = False,
    card: Mapping[str, Any] | None = None,
    index: ApproximateIndex | None = None,
) -> Path:
    """Exports a model as a SavedModel that takes and returns raw ids, and loads without `hyperml_tf`, TFRS or Keras.

    It has the signatures of `hyperml_tf.serving.SIGNATURES`. All ids are strings; integer ids become decimal strings.

    - `serving_default`: `user_id` `(batch,)` -> `item_id` `(batch, k)` and `distance`, float32 `(batch, k)`, ascending
      hyperbolic distances.
    - `recommend_excluding`: `user_id` `(batch,)`, `exclude` `(batch, n)` padded with `""` -> the same. If fewer than `k`
      items are left, `item_id` is `""` and `distance` infinite.
    - `recommend_among`: `user_id` `(batch,)`, `candidates` `(batch, n)` padded with `""` -> the same, among these items only.
      Unknown candidates are ignored, and repeated ones count once.
    - `recommend_where`, with `filter_columns`: `user_id`, `filter_column` and `filter_value`, `(batch,)` each -> the same, among
      the items with this value in this column, or with it in a list like `Comedy|Drama`.
    - `recommend_from_items`: `history` `(batch, n)`, oldest first, padded with `""` -> the same for a new user with these items,
      which are excluded. Fold-in: the point is computed from the items, see `HistoryFoldIn`, or `MidpointFoldIn` for a model
      with `history=0`.
    - `similar_items`: `item_id` `(batch,)` -> the same, without the item itself; only `""` for an unknown item.
    - `score`: `user_id` `(batch,)`, `item_id` `(batch, n)` -> `distance` `(batch, n)`; infinite for an unknown item.
    - `explain`: `user_id` `(batch,)`, `item_id` `(batch,)` -> `history`, `share` and `pull`, `(batch, k)`, the items of the
      user's history that draw them to the item, see `hyperml_tf.models.Explanation`; and `distance` `(batch,)`.
    - `embed_user`, `embed_item`: ids `(batch,)` -> `vector`, float32 `(batch, dim + 1)`, whose dot products rank by distance.

    Unknown users are at the origin, so their recommendations are the popular, general items.

    Args:
        model: A trained `HyperML`.
        path: Path of the directory to write, such as `.../1` with a version number for TensorFlow Serving. It appears only when
            it is complete, and at every moment there is the old export, or the new one.
        k: Integer >= 1, number of items in results, at most the size of the catalogue. Defaults to `100`.
        overwrite: Boolean, whether to replace an export that is at `path`. Nothing else is replaced: no other directory, and no
            export with files that this package has not written. Defaults to `False`.
        new_version: Boolean, whether `path` is the directory of all versions, in which the next one is written, see
            `next_version`. Of two processes that do so at once, each gets a version. Defaults to `False`.
        exclude_seen: Boolean, whether `serving_default`, `recommend_excluding` and `recommend_among` exclude the items of the
            user's history in the model, as `recommend` does. `recommend_from_items` always excludes its `history`; `score`
            excludes nothing. Defaults to `True`.
        details: Columns of strings to return with `item_id`, such as titles, by name, each in the order of the catalogue: the
            `columns` of an `ItemTable`. Defaults to `None`.
        filter_columns: Names of those of `details` by which `recommend_where` filters. Defaults to `()`, without this signature.
        precision: String, "float32", "float16" or "bfloat16". Half precision stores items in three quarters of the space, see
            `QuantisedIndex`; the model card then reports size and overlap. Defaults to `"float32"`.
        half_life: Optional float > 0. In the `history` of `recommend_from_items`, the weight of an item halves every `half_life`
            later items. Pass `float("inf")`, equal weights, if callers do not know the order. Defaults to that of the model, or
            3 for a model with `history=0`.
        warm_up_requests: Boolean, whether to write requests that TensorFlow Serving runs when it loads the model. Requires the
            extra `hyperml-tf[serving]`. Defaults to `False`.
        card: Further entries of `assets.extra/model_card.json`, such as metrics. Defaults to `None`.
        index: An `ApproximateIndex` of the model to write beside it. Defaults to `None`.

    Returns:
        The path of the exported model.

    Raises:
        FileExistsError: If `path` exists and `overwrite` is `False`, or if it is not an export that may be replaced.
        ImportError: If `warm_up_requests` is `True` and the extra is not installed.
        ValueError: If the points or the curvature of the model are not finite, if an item has the id `""`, if an argument is out
            of its range or does not match the catalogue, or if the model was trained and users are represented by their
            histories, but all of these are empty.

    Example:

    >>> model = HyperML(["ann", "bob"], ["a", "b", "c"], dim=4, history=0)
    >>> path = export_saved_model(model, "models/items/1", k=2, overwrite=True)
    >>> signatures = tf.saved_model.load(path).signatures
    >>> signatures["recommend_from_items"](history=tf.constant([["a", ""]]))["item_id"].shape
    TensorShape([1, 2])
    """
    check_instance(HyperML, model=model)
    target = as_path(path=path)
    if new_version:
        target = next_version(path)
    elif overwrite:
        check_replaceable(target)
    elif target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise FileExistsError(f"`path` exists. Pass `overwrite=True` to replace it. Received: path={str(target)!r}")
    arguments = k, exclude_seen, details, precision, half_life, filter_columns
    # What is exported is in the memory of this process, wherever the tables are.
    users, module = outside_of_scopes(lambda: serving_module(model, *arguments))
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch_directory(target) as scratch:
        written = scratch / "saved_model"
        tf.saved_model.save(module, str(written), signatures=module.signatures())
        outside_of_scopes(lambda: write_rows(written, users.rows()))
        extra = written / model_card.FOLDER
        extra.mkdir()
        if warm_up_requests:
            column = next(iter(filter_columns), "")
            filters = column, next(iter((details or {}).get(column, [])), "")
            known = (_first_ids(tower) for tower in (model.query_tower, model.candidate_tower))
            warm_up.write_warm_up(extra / warm_up.FILE, module.exported, next(known), next(known), filters)
        if index is not None:
            index.write_files(written)
        # Last, because it has the hashes of all other files.
        model_card.write(written, model_card.model_card(model, module, users.radii, card))
        target = _put(written, target, scratch, overwrite, new_version)
    logger.info("Exported %d users and %d items to %s.", len(model.query_tower), len(model.candidate_tower), target)
    return target


def _first_ids(tower: Tower) -> list[str]:
    places = np.arange(min(len(tower), warm_up.MOST_IDS))
    return [str(value) for value in tower.lookup.id_list.take(places).tolist()]


def _put(written: Path, target: Path, scratch: Path, overwrite: bool, new_version: bool) -> Path:
    """Moves an export to its path, or to that of the next version, and returns the path."""
    while True:
        try:
            move_new(written, target)
            return target
        except FileExistsError:
            if new_version:  # another process has taken this one
                target = next_version(target.parent)
            elif overwrite:
                check_replaceable(target)  # again: it has been a while
                move_in_place_of(written, target, scratch)
                return target
            else:
                raise


def _check_history(model: HyperML) -> None:
    """Refuses a model that was trained and has lost its histories. One that was not trained may be exported, to try it out."""
    if int(model.batches) or len(model.seen) or model.query_tower.seen is None:
        model.check_history()
    else:
        logger.warning("The model is not trained and has seen nothing: in the export, all users are at the origin.")


def serving_module(
    model: HyperML,
    k: int,
    exclude_seen: bool,
    details: Mapping[str, Sequence[str]] | None,
    precision: Precision,
    half_life: float | None,
    filter_columns: Sequence[str],
) -> tuple[UserRows, ServingModule]:
    """Returns the module to export, and the rows of users that it lacks."""
    _check_history(model)
    item_points, c = model.candidate_tower.all_points(), model.curvature()
    curvature = tf.Variable(c, trainable=False, name="curvature")
    for name, values in (("item", item_points), ("curvature", c)):
        if not bool(tf.reduce_all(tf.math.is_finite(values))):
            raise ValueError(
                f"`model` must have finite points and curvature: its {name} values are not all finite. Did training diverge? "
                f"Received: model={model.name!r}"
            )
    items = model.candidate_tower.lookup.id_list.as_text()
    if pc.any(pc.equal(items.values, "")).as_py():
        raise ValueError(
            '`model` must not have an item with the id "", which means "no item" in results. Received: the id ""'
        )
    if precision not in get_args(Precision):
        raise ValueError(f"`precision` must be one of {get_args(Precision)}. Received: precision={precision!r}")
    _check_details(details or {}, len(model.candidate_tower))
    if missing := [name for name in filter_columns if name not in (details or {})]:
        raise ValueError(f"`filter_columns` must be of `details`, which has {list(details or {})}. Received: {missing}")
    index: Index = (
        ExactIndex.of(item_points, c) if precision == "float32" else QuantisedIndex.of(item_points, c, precision)
    ).in_variables()
    # Histories also explain recommendations, if users are represented by them.
    users = UserRows(model, exclude_seen or isinstance(model.query_tower, HistoryTower))
    return users, ServingModule(
        users.users,
        users.points,
        IdTable.of(items, variable="item_ids"),
        index,
        curvature,
        fold_in_of(model, index, curvature, half_life, precision),
        k,
        users.histories,
        exclude_seen,
        details,
        filter_columns,
    )


def fold_in_of(
    model: HyperML,
    index: Index,
    curvature: tf.Variable,
    half_life: float | None = None,
    precision: Precision = "float32",
) -> FoldIn:
    """Returns the fold-in of new users for a model. See `export_saved_model` for the arguments."""
    tower = model.query_tower
    if not isinstance(tower, HistoryTower):
        return MidpointFoldIn(index, curvature, HALF_LIFE if half_life is None else half_life)
    own = float("inf") if tower.history.half_life is None else tower.history.half_life
    kind = SequenceFoldIn if isinstance(tower, SequenceTower) else HistoryFoldIn
    return kind(tower, curvature, own if half_life is None else half_life, precision)


def _check_details(details: Mapping[str, Sequence[str]], n_items: int) -> None:
    if taken := sorted(_NAMES & set(details)):
        raise ValueError(f"`details` must not have the names {sorted(_NAMES)} of the signatures. Received: {taken}")
    for name, values in details.items():
        if len(values) != n_items or not all(isinstance(value, str) for value in values):
            raise ValueError(
                f"`details[{name!r}]` must be text for each of the {n_items} items of the catalogue, in its order. "
                f"Received: {len(values)} values, the first {next(iter(values), None)!r}"
            )
