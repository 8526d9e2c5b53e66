"""The daily loop: a finished run goes on with new rows, and becomes another run."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tensorflow as tf

from hyperml_tf._argument_checks import as_path, check_not_negative, check_positive, check_positive_integer
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import Interactions, ItemTable
from hyperml_tf.data.identifiers import as_integers
from hyperml_tf.data.item_table import as_item_table
from hyperml_tf.models import HyperML
from hyperml_tf.runs import fitting, layout
from hyperml_tf.runs.claims import alone_in, check_claimable, is_run
from hyperml_tf.runs.evaluation import Evaluation
from hyperml_tf.runs.finishing import check_versions, mark_finished, provenance, write_json, write_model
from hyperml_tf.runs.held_out import HeldOut
from hyperml_tf.runs.replay import fit_with_replay, steps_of_epoch
from hyperml_tf.runs.resumable import fit_resumably
from hyperml_tf.runs.run import Run
from hyperml_tf.runs.run_data import InMemory
from hyperml_tf.settings import defaults
from hyperml_tf.settings.resolution import chosen


@names_arguments
def update_run(
    run: str | os.PathLike[str] | Run,
    table: str | os.PathLike[str] | Interactions,
    out: str | os.PathLike[str],
    epochs: int = defaults.UPDATE.epochs,
    replay: float = defaults.UPDATE.replay,
    learning_rate: float | None = None,
    callbacks: Sequence[tf.keras.callbacks.Callback] = (),
    resume: bool = False,
    *,
    items: str | os.PathLike[str] | pd.DataFrame | ItemTable | None = None,
) -> Run:
    """Trains the model of a finished run further on new rows, and writes a new run: the daily loop.

    The rows may be of users and items that the run does not know: the model is extended by these. Its old rows are in the run, so
    only the new ones are given. They count as the newest of their users. What becomes of pairs that the run has already follows
    from its setting `repeats`.

    Each epoch trains on all rows that the weights have not been trained on, the held-out rows of the old run among them, and on a
    random sample of the others. The newest row of half of the users with new rows, 2,000 users at most, is held out for test,
    unless the `split` of the run is "none". The metrics under `"test"` are those of the updated model, those under `"before"` of
    the old one with the same histories. `"lineage"` in `config.json` and in the model card of the export says where the run comes
    from.

    Args:
        run: Path of a finished run, or a `Run`. Nothing of it is changed.
        table: Path of a table with the columns that the run was trained with, or an `Interactions`, the new rows.
        out: Path of the directory to write, which must not hold a run, or an unfinished update with `resume=True`.
        epochs: Integer >= 1, number of epochs, over which the learning rate falls linearly to 0. Defaults to `6`.
        replay: Float >= 0, number of old rows per new one in each epoch. Defaults to `1.0`.
        learning_rate: Optional float > 0, the initial learning rate. Defaults to that of the run. The
            accumulators of its optimizer are kept, by which frequent rows move less.
        callbacks: Further Keras callbacks. Their state is not kept. Defaults to `()`.
        resume: Boolean, whether to continue an unfinished update in `out`; if there is none, a new one begins. Defaults to
            `False`.
        items: Optional table of items, see `train_run`, for what is known of new ones. Defaults to `None`, that of the run.

    Returns:
        The new `Run`.

    Raises:
        FileNotFoundError: If there is no finished run, or no such table.
        DivergedError: As `train_run`.
        ValueError: If the table is invalid, has no row that the run does not have, or has ids of another type; if an argument is
            out of its range; or if an update is resumed with other arguments or rows than it began with.
        FileExistsError: As `train_run`.
        InUseError: As `train_run`.

    Example:

    >>> from hyperml_tf import TrainingConfig, synthesize, train_run
    >>> table = synthesize(n_users=40, n_items=120, n_rows=400).table
    >>> run = train_run(table, "runs/monday", TrainingConfig(dim=4, epochs=1))
    >>> rows = Interactions.from_arrays(["somebody new"] * 2, [table.item_ids[0], "something new"], partial=True)
    >>> later = update_run(run, rows, "runs/tuesday", epochs=1)
    >>> later.table.n_users - table.n_users, later.table.n_items - table.n_items
    (1, 1)
    """
    check_positive_integer(epochs=epochs)
    check_not_negative(replay=replay)
    path, started = as_path(out=out), time.perf_counter()
    check_claimable(path, resume)
    stored = layout.read_json(path / layout.CONFIG) if resume and is_run(path) else None
    parent = run if isinstance(run, Run) else Run.load(as_path(run=run))
    config = parent.config
    rate = defaults.UPDATE.rate * chosen(config.learning_rate) if learning_rate is None else float(learning_rate)
    check_positive(learning_rate=rate)
    read = {**config.reading(), "partial": True}
    added = table if isinstance(table, Interactions) else Interactions.from_file(as_path(table=table), **read)
    rows = _Rows.of(parent, added)
    written = _described(parent, rows, {"epochs": epochs, "replay": float(replay), "learning_rate": rate})
    if stored is not None:
        written["lineage"] = _checked_lineage(path, stored, written)
    known = None if parent.items is None else parent.items.for_items(rows.table.item_ids)
    if items is not None:
        known = as_item_table(items, rows.table.item_ids)
    path.mkdir(parents=True, exist_ok=True)
    with alone_in(path, resume):
        if stored is None:
            write_json(path / layout.CONFIG, written)
        if known is not None:
            known.save(path / layout.ITEMS)
        # So that an update that was killed in its first epoch draws the same rows of new ids.
        tf.keras.utils.set_random_seed(config.seed)
        # New items are behind all others, as if they were unknown.
        extended = parent.model.extended(rows.table.user_ids, rows.table.item_ids)
        metrics: dict[str, Any] = {
            "users": rows.table.n_users,
            "items": rows.table.n_items,
            "train_rows": len(rows.new) + len(rows.old),
            "new_rows": len(rows.new),
        }
        if rows.held_out is not None:
            metrics["before"] = rows.held_out.report(extended.scorer)
        further = extended.optimizer.get_config()["learning_rate"]

        def begin() -> HyperML:
            model = extended.extended(rows=rows.train)
            model.set_seen(rows.train)
            steps = epochs * steps_of_epoch(rows.new, rows.old, replay, config.batch_size)
            falling = fitting.falling_again(model, config, rate, steps)
            fitting.change_rate(model, falling, fitting.steps_in_a_loop(steps))
            return model

        def fit(model: HyperML, callbacks: Sequence[Any], initial_epoch: int, best: Any) -> HyperML:
            return fit_with_replay(
                model, rows.new, rows.old, epochs, replay, config.batch_size, callbacks, initial_epoch
            )

        model, before = fit_resumably(path, epochs, begin, fit, callbacks)
        if rows.held_out is not None:
            metrics |= Evaluation(model, rows.held_out).metrics()
        model.set_seen(rows.table)
        fitting.change_rate(model, further)
        write_model(path, model, InMemory(rows.table, rows.held_out), written, metrics, config, known)
        metrics["seconds"] = round(before + time.perf_counter() - started, 2)
        mark_finished(path, metrics)
    return Run.load(path)


class _Rows(NamedTuple):
    """The rows of a run and those that are added, in the codes of one table."""

    table: Interactions
    held_out: HeldOut | None
    new: Interactions
    old: Interactions
    added: dict[str, int]

    @classmethod
    def of(cls, parent: Run, added: Interactions) -> _Rows:
        """Appends rows to those of a run, and parts them into those to hold out, to learn and to repeat."""
        before, config = parent.table, parent.config
        table = before.append(added, config.repeats or "first")
        for name, ids, known in (
            ("user", table.user_ids, before.user_ids),
            ("item", table.item_ids, before.item_ids),
        ):
            if ids.dtype != known.dtype:
                raise ValueError(
                    f"`table` must have integers as {name} ids, as the run has. Received: text, such as "
                    f"{_first_text(added, name)!r}"
                )
        fresh = ~_has(before, table)
        if table.fingerprint() == before.fingerprint():
            raise ValueError(
                f"`table` must have a row that the run does not have. Received: {len(added)} rows, all of which it has"
            )
        held_out = None
        if config.split != "none":
            held_out = HeldOut.draw_newest(table, fresh, config.split, config.seed + len(parent.lineage))
        train = table if held_out is None else held_out.split.train
        learned = _has(parent.training, train)
        numbers = {
            "rows": int(np.count_nonzero(fresh)),
            "users": table.n_users - before.n_users,
            "items": table.n_items - before.n_items,
        }
        return cls(table, held_out, train.with_rows(~learned), train.with_rows(learned), numbers)

    @property
    def train(self) -> Interactions:
        """All rows that are not held out."""
        return self.table if self.held_out is None else self.held_out.split.train


def _has(known: Interactions, table: Interactions) -> np.ndarray:
    """Whether each row of a table is among known ones, `(rows,)`. The table has their vocabularies, perhaps with more ids."""
    keys = [part.users.astype(np.int64) * table.n_items + part.items for part in (table, known)]
    return np.isin(*keys)


def _first_text(table: Interactions, role: str) -> Any:
    """The first id of a table that is no integer."""
    ids = getattr(table, f"{role}_ids")
    return next(one for one, number in zip(ids.tolist(), as_integers(ids), strict=True) if number is None)


def _described(parent: Run, rows: _Rows, arguments: dict[str, Any]) -> dict[str, Any]:
    """The contents of `config.json`: those of the parent, whose settings stay, with the table and the lineage of the new run."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    origin = {"parent": parent.fingerprint, **rows.added, **arguments, "written": now}
    described = {name: value for name, value in parent.described.items() if name != "prepared"}
    return {**described, **provenance(InMemory(rows.table, rows.held_out)), "lineage": [*parent.lineage, origin]}


def _checked_lineage(path: Path, stored: dict[str, Any], now: dict[str, Any]) -> list[dict[str, Any]]:
    """The lineage of an unfinished update, if it is to be resumed as it began."""
    lineage = Run(path).lineage
    if not lineage:
        raise ValueError(
            "`out` must hold an unfinished update to be resumed. Received: an unfinished run of `train_run`, in "
            f"{str(path)!r}: continue it with `train_run`, or `train --resume` on the command line"
        )
    began, asked = (
        {name: value for name, value in one[-1].items() if name != "written"} for one in (lineage, now["lineage"])
    )
    if began != asked or stored["fingerprint"] != now["fingerprint"]:
        raise ValueError(
            "An update is resumed with the run, the rows and the arguments that it began with. "
            f"In {str(path)!r} these are {began}. Received: {asked}, rows with the fingerprint {now['fingerprint']}"
        )
    check_versions(stored, now)
    return list(lineage)
