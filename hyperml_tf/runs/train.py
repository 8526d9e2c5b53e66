"""Training on a table, with evaluation and export."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import tensorflow as tf

from hyperml_tf._argument_checks import as_path, check_instance
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import ItemTable
from hyperml_tf.data.item_table import as_item_table
from hyperml_tf.models import HyperML
from hyperml_tf.runs import fitting, layout, reading
from hyperml_tf.runs.claims import alone_in, check_claimable, is_run
from hyperml_tf.runs.finishing import check_versions, mark_finished, provenance, write_json, write_model
from hyperml_tf.runs.resumable import fit_resumably
from hyperml_tf.runs.run import Run
from hyperml_tf.runs.run_data import RunData, run_data
from hyperml_tf.settings import TrainingConfig


@names_arguments
def train_run(
    table: reading.Table,
    out: str | os.PathLike[str],
    config: TrainingConfig | None = None,
    callbacks: Sequence[tf.keras.callbacks.Callback] = (),
    resume: bool = False,
    *,
    items: str | os.PathLike[str] | pd.DataFrame | ItemTable | None = None,
    item_details: Sequence[str] | None = None,
    stream: bool | None = None,
    strategy: tf.distribute.Strategy | None = None,
) -> Run:
    """Trains a model on a table, evaluates and exports it, and writes everything to a directory; see `Run` for its files.

    With held-out rows, the weights of the epoch with the best `sampled100_ndcg@10` on validation rows are kept. The test rows are
    used once, at the end, for users whose history is their training and validation rows; see `Run.evaluate`.

    The saved and the exported model have all rows of the table as histories, with held-out rows, too: weights are trained on
    training rows only, but users are served by all that is known of them.

    The state of the training is kept in `progress/` after each epoch, until the run is finished. A run that was interrupted or
    killed is continued by `resume=True`, to the same weights and metrics as without the interruption.

    Args:
        table: Path of a table, see `Interactions.from_file`, or of a directory that `prepare` wrote; an `Interactions` or a
            `PreparedTable`.
        out: Path of the directory to write, which must not hold a run, or an unfinished one with `resume=True`.
        config: A `TrainingConfig`. Defaults to `None`, the default settings, or those of the run that is resumed.
        callbacks: Further Keras callbacks. Their state is not kept. Defaults to `()`.
        resume: Boolean, whether to continue an unfinished run in `out`; if there is none, a new one begins. Defaults to `False`.
        items: Optional table of items: a path, a data frame or an `ItemTable` of the items of the table. Its columns are copied
            into the run, and the export returns them with item ids. Defaults to `None`, no table, or that of the run that is
            resumed.
        item_details: Names of the columns of `items` to take. Defaults to `None`, all of them.
        stream: Boolean, whether a prepared table is read shard by shard, so that memory does not grow with its rows until the end
            of the training. Defaults to `None`, where it would take more than half of the memory otherwise.
        strategy: Optional `tf.distribute.Strategy` to train under, see `hyperml_tf.runs.strategies`. Of several workers that call
            this in step, each needs an `out` of its own. Defaults to `None`, one device.

    Returns:
        A `Run`.

    Raises:
        FileNotFoundError: If there is no such table.
        DivergedError: If the loss or the weights are no longer finite. The best weights before are kept in
            `model/before_divergence.keras`, and nothing is exported.
        ValueError: If a table is invalid, or if a run is resumed with other settings or rows than it began with.
        FileExistsError: If `out` is a file, or holds a run, an unfinished one without `resume`, or files of others with the names
            of those of a run.
        InUseError: If another process is training in `out`.

    Example:

    >>> from hyperml_tf import synthesize
    >>> table = synthesize(n_users=40, n_items=120, n_rows=400).table
    >>> run = train_run(table, "runs/first", TrainingConfig(dim=4, epochs=1))
    >>> [name for name in run.metrics["test"] if name.startswith("full")]
    ['full_hr@5', 'full_hr@10', 'full_hr@20', 'full_ndcg@5', 'full_ndcg@10', 'full_ndcg@20', 'full_mrr']
    """
    path = as_path(out=out)
    check_instance(TrainingConfig, type(None), config=config)
    if item_details and items is None:
        raise ValueError("`item_details` requires a table of items, `items`. Received: no table")
    check_claimable(path, resume)
    stored = layout.read_json(path / layout.CONFIG) if resume and is_run(path) else None
    given = config or (TrainingConfig() if stored is None else TrainingConfig.from_file(path / layout.CONFIG))
    started = time.perf_counter()
    source = reading.opened(table, given)
    given = reading.as_read(given, source)
    data = run_data(source, given, stream)
    config = given.resolved(data.training)
    written = {**_settings(given, config), **provenance(data)}
    if stored is not None:
        _check_same(path, stored, written)
    known = None if items is None else as_item_table(items, data.vocabulary.item_ids, item_details)
    path.mkdir(parents=True, exist_ok=True)
    with alone_in(path, resume):
        if stored is None:
            write_json(path / layout.CONFIG, written)
        if known is not None:
            known.save(path / layout.ITEMS)
        elif stored is not None and (path / layout.ITEMS).exists():
            known = ItemTable.from_file(path / layout.ITEMS, data.vocabulary.item_ids, item_column="item")
        model, before = fit_resumably(
            path,
            config.epochs,
            lambda: _new_model(data, config),
            functools.partial(
                fitting.fit,
                training=data.training,
                validation=data.validation(),
                epochs=config.epochs,
                batch_size=config.batch_size,
            ),
            callbacks,
            strategy,
        )
        users, n_items = data.vocabulary.n_users, data.vocabulary.n_items
        metrics: dict[str, Any] = {"users": users, "items": n_items, "train_rows": len(data.training)}
        metrics |= data.evaluate(model)
        # From here on it is the model that is served, to users of whom every row is known.
        data.finish(model)
        fitting.keep_learning(model)
        write_model(path, model, data, written, metrics, config, known)
        metrics["seconds"] = round(before + time.perf_counter() - started, 2)
        mark_finished(path, metrics)
    return Run.load(path)


def _new_model(data: RunData, config: TrainingConfig) -> HyperML:
    model = fitting.new_model(data.training, config)
    data.begin(model)
    return model


def _check_same(path: Path, stored: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises an error if a run is to be resumed with other settings, or on another table, than it began with."""
    if "lineage" in stored:
        raise ValueError(
            f"`out` must hold an unfinished run of `train_run` to be resumed. Received: an unfinished update, in {str(path)!r}: "
            "continue it with `update_run`, or `update --resume` on the command line"
        )
    before, settings = stored["settings"], json.loads(json.dumps(now["settings"]))
    if changed := [name for name in {**before, **settings} if before.get(name) != settings.get(name)]:
        began, received = (
            ", ".join(f"{name}={values.get(name)!r}" for name in changed) for values in (before, settings)
        )
        raise ValueError(
            f"A run is resumed with the settings that it began with. In {str(path)!r} these are {began}. Received: {received}"
        )
    if stored["fingerprint"] != now["fingerprint"]:
        raise ValueError(
            f"A run is resumed on the rows that it began with, from {stored.get('table')}. "
            f"Received: other rows, from {now['table']}"
        )
    check_versions(stored, now)


def _settings(given: TrainingConfig, config: TrainingConfig) -> dict[str, Any]:
    """The settings of a run, and those that were derived from its table; see `TrainingConfig.from_file`."""
    asked, settings = given.to_dict(), config.to_dict()
    automatic = {name: value for name, value in settings.items() if asked[name] is None and value is not None}
    return {"settings": settings, "automatic": automatic}
