"""The rows of a run: in memory, or read shard by shard from a prepared table."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hyperml_tf.data import Interactions
from hyperml_tf.data.splits import TIME
from hyperml_tf.files.whole import whole_file
from hyperml_tf.models import HyperML
from hyperml_tf.preparation import PreparedTable, TrainingRows
from hyperml_tf.runs import layout, reading, streamed
from hyperml_tf.runs.evaluation import Evaluation
from hyperml_tf.runs.held_out import HeldOut
from hyperml_tf.runs.weighted_rows import save_weighted_rows
from hyperml_tf.settings import TrainingConfig


class RunData(Protocol):
    """What a run does with its rows."""

    @property
    def training(self) -> Interactions | TrainingRows:
        """The rows that are trained on."""
        ...

    @property
    def vocabulary(self) -> Interactions:
        """The users and items, with rows or without."""
        ...

    def provenance(self) -> dict[str, Any]:
        """What `config.json` says of the rows."""
        ...

    def validation(self) -> Interactions | None:
        """The rows that are ranked after each epoch."""
        ...

    def begin(self, model: HyperML) -> None:
        """Gives a new model the histories that validation needs and `fit` does not set."""
        ...

    def evaluate(self, model: HyperML) -> dict[str, Any]:
        """The metrics on held-out rows; none without a split."""
        ...

    def finish(self, model: HyperML) -> None:
        """Makes all rows the histories of a trained model, which is then the model that is served."""
        ...

    def popularity(self) -> np.ndarray:
        """The number of rows of each item, `(n_items,)`."""
        ...

    def save(self, path: Path, fingerprint: str) -> None:
        """Writes what a finished run needs of the rows besides the model into its directory."""
        ...


@dataclasses.dataclass(frozen=True)
class InMemory:
    """Rows in memory.

    Args:
        table: An `Interactions`, all rows.
        held_out: The held-out rows, or `None`.
    """

    table: Interactions
    held_out: HeldOut | None

    @property
    def training(self) -> Interactions:
        return self.table if self.held_out is None else self.held_out.split.train

    @property
    def vocabulary(self) -> Interactions:
        return self.table

    def provenance(self) -> dict[str, Any]:
        origin = self.table.origin
        return {"table": "interactions" if origin is None else origin.table, "fingerprint": self.table.fingerprint()}

    def validation(self) -> Interactions | None:
        rows = None if self.held_out is None else self.held_out.split.validation
        return rows if rows is not None and len(rows) else None

    def begin(self, model: HyperML) -> None:
        """Nothing: `fit` adds the training rows."""

    def evaluate(self, model: HyperML) -> dict[str, Any]:
        return {} if self.held_out is None else Evaluation(model, self.held_out).metrics()

    def finish(self, model: HyperML) -> None:
        if self.held_out is not None:
            model.set_seen(self.table)

    def popularity(self) -> np.ndarray:
        return self.table.popularity()

    def save(self, path: Path, fingerprint: str) -> None:
        if self.held_out is not None:
            with whole_file(path / layout.HELD_OUT) as scratch:
                self.held_out.save(scratch, fingerprint)
        if self.table.weights is not None:
            with whole_file(path / layout.WEIGHTED_ROWS) as scratch:
                save_weighted_rows(scratch, self.table)


@dataclasses.dataclass(frozen=True)
class Streamed:
    """Rows of a prepared table, of which a few shards are in memory at a time.

    Args:
        table: A `PreparedTable`.
        has_held_out: Boolean, whether its held-out rows are held out.
    """

    table: PreparedTable
    has_held_out: bool

    @property
    def training(self) -> TrainingRows:
        return TrainingRows(self.table, all_parts=not self.has_held_out)

    @property
    def vocabulary(self) -> Interactions:
        return self.table.vocabulary

    def provenance(self) -> dict[str, Any]:
        return {
            "table": self.table.manifest.origin.table,
            "prepared": str(self.table.path.absolute()),
            "fingerprint": self.table.fingerprint,
        }

    def validation(self) -> Interactions | None:
        return streamed.validation_rows(self.table)[0] if self.has_held_out else None

    def begin(self, model: HyperML) -> None:
        if self.has_held_out:
            model.set_seen(streamed.validation_rows(self.table)[1])

    def evaluate(self, model: HyperML) -> dict[str, Any]:
        return streamed.evaluate(model, self.table) if self.has_held_out else {}

    def finish(self, model: HyperML) -> None:
        model.set_seen(self.table)

    def popularity(self) -> np.ndarray:
        return self.table.popularity()

    def save(self, path: Path, fingerprint: str) -> None:
        """Nothing: the rows stay in the prepared table, whose path `config.json` has."""


def run_data(table: Interactions | PreparedTable, config: TrainingConfig, stream: bool | None) -> RunData:
    """Returns the rows of a run.

    Args:
        table: An `Interactions` or a `PreparedTable`.
        config: A `TrainingConfig`, whose `split` says which rows are held out.
        stream: Boolean, whether a prepared table is read shard by shard; `None` to choose by its size.

    Raises:
        ValueError: If no row can be held out, or if only tables in memory can be read as asked.
    """
    hold_out = config.split != "none"
    if isinstance(table, Interactions):
        if stream:
            raise ValueError(
                "`stream` requires a prepared table, see `hyperml_tf.preparation.prepare` (`hyperml-tf prepare`). "
                f"Received: {table}"
            )
        return InMemory(table, HeldOut.draw(table, config.split, seed=0) if hold_out else None)
    split = table.manifest.split
    if not reading.streams(table, stream):
        data = table.interactions()
        if not hold_out:
            return InMemory(data, None)
        if split.startswith(TIME):
            return InMemory(data, HeldOut.of(data, table.split(), split))
        return InMemory(data, HeldOut.draw(data, config.split, seed=0))
    if hold_out and (split == "none" or config.split == "random"):
        raise ValueError(
            '`split` must be that of the prepared table, or "none", where it is read shard by shard: prepare it again for '
            f"another. Received: split={config.split!r}, and a table prepared with split={split!r}"
        )
    return Streamed(table, hold_out)
