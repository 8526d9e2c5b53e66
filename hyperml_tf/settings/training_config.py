"""The settings of a run."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Literal

from hyperml_tf.settings.documentation import documented
from hyperml_tf.settings.model_settings import ModelSettings
from hyperml_tf.settings.resolution import Table, TableFacts, resolve
from hyperml_tf.settings.setting import setting

_FOUND = "found by its usual names"


@documented
@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingConfig(ModelSettings):
    """The settings of a run: how a table is read, split and trained on.

    `resolve` replaces `None` by a value that depends on the other settings and on the table.

    Args: the fields below.

    Raises:
        ValueError: If a value is out of its range.

    Example:

    >>> TrainingConfig(epochs=10, half_life="inf").half_life
    inf
    """

    user_column: str | None = setting(None, "Column of user ids.", auto=_FOUND, group="table")
    item_column: str | None = setting(None, "Column of item ids.", auto=_FOUND, group="table")
    order_column: str | Literal[False] | None = setting(
        None,
        "Column by which the rows of a user are ordered, such as a timestamp.",
        auto=f"{_FOUND}, if any",
        also=(False,),
        group="table",
    )
    repeats: Literal["first", "last"] = setting(
        "first", "Which row counts if a user has an item several times; the others are dropped.", group="table"
    )
    split: Literal["last", "random", "none"] = setting(
        "last",
        'Which two items per user are held out for validation and test; "none": train on all rows.',
        group="table",
    )
    epochs: int = setting(
        40, "Number of epochs, over which the learning rate decays linearly to 0.", at_least=1, group="training"
    )
    optimizer: Literal["adagrad", "adam", "sgd"] | None = setting(
        None,
        "The optimizer; all of them are Riemannian.",
        auto='"adam" for the softmax loss, otherwise "adagrad"',
        search=["adagrad", "adam", "sgd"],
        group="training",
    )
    batch_size: int = setting(2048, "Positives per step.", at_least=1, search=[512, 1024, 2048, 4096], group="training")
    k: int = setting(100, "Number of items that the exported model returns.", at_least=1, group="training")
    include_seen: bool = setting(
        False, "Whether the exported model also recommends items of the user's history.", group="training"
    )

    def resolved(self, training: Table) -> TrainingConfig:
        """Returns the settings with `None` replaced by defaults for the given training rows; see `resolve`."""
        resolved = resolve(self, TableFacts.of(training, self.split))
        default: Literal["adagrad", "adam"] = "adam" if resolved.loss == "softmax" else "adagrad"
        return dataclasses.replace(resolved, optimizer=resolved.optimizer or default)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> TrainingConfig:
        """Reads settings from a JSON file: the `config.json` of a run, the `best.json` of a search, or the settings alone.

        Values that the `config.json` of a run lists under `automatic` are derived again, for the table they are used with.

        Args:
            path: Path of the file.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it does not hold settings, if a name is unknown, or if a value is out of its range.
        """
        try:
            document = json.loads(Path(path).read_text())
        except json.JSONDecodeError as error:
            raise ValueError(f"`{path}` must be a JSON file with settings. Received: {error}") from error
        values = document.get("settings", document) if isinstance(document, dict) else document
        if not isinstance(values, dict):
            raise ValueError(f"`{path}` must hold settings by name. Received: {type(values).__name__}")
        automatic = document.get("automatic", {}) if values is not document else {}
        # A value that was edited in the file counts as set by the user.
        return cls.from_dict({name: v for name, v in values.items() if name not in automatic or automatic[name] != v})
