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
    """How a table is read, split and trained on. The defaults are one set of rules for all tables.

    None leaves a value to `resolve`, which chooses it by the other settings and the table.

    Args: the fields below.

    Raises:
        ValueError: if a value is out of its range.

    Example:

    >>> TrainingConfig(epochs=10, half_life="inf").half_life
    inf
    """

    user_column: str | None = setting(None, "Column of the users.", auto=_FOUND, group="table")
    item_column: str | None = setting(None, "Column of the items.", auto=_FOUND, group="table")
    order_column: str | Literal[False] | None = setting(
        None, "Column that orders the rows of a user.", auto=f"{_FOUND}, if any", also=(False,), group="table"
    )
    split: Literal["last", "random", "none"] = setting(
        "last", 'Which two items per user are held out; "none": train on every row.', group="table"
    )
    epochs: int = setting(
        40, "Passes over the table. The learning rate falls linearly to 0 over them.", at_least=1, group="training"
    )
    optimizer: Literal["adagrad", "adam", "sgd"] = setting(
        "adagrad", "The optimizer; all of them are Riemannian.", search=["adagrad", "adam", "sgd"], group="training"
    )
    batch_size: int = setting(2048, "Positives per step.", at_least=1, search=[512, 1024, 2048, 4096], group="training")
    k: int = setting(100, "Length of the answers of the exported model.", at_least=1, group="training")

    def resolved(self, training: Table) -> TrainingConfig:
        """The settings with a value in place of each None, for the rows that a model is trained on; see `resolve`."""
        return resolve(self, TableFacts.of(training, self.split))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> TrainingConfig:
        """Settings from a JSON file: the `config.json` of a run, the `best.json` of a search, or the settings alone.

        What the `config.json` of a run lists under `automatic` is chosen anew, for the table and the options it is used with.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it does not hold settings, a name is unknown or a value out of its range.
        """
        try:
            document = json.loads(Path(path).read_text())
        except json.JSONDecodeError as error:
            raise ValueError(f"`{path}` must be a JSON file with settings. Received: {error}") from error
        values = document.get("settings", document) if isinstance(document, dict) else document
        if not isinstance(values, dict):
            raise ValueError(f"`{path}` must hold settings by name. Received: {type(values).__name__}")
        automatic = document.get("automatic", {}) if values is not document else {}
        # A value that was edited in the file is one that is given.
        return cls.from_dict({name: v for name, v in values.items() if name not in automatic or automatic[name] != v})
