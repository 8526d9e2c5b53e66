"""The settings of a run."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any, Literal

from hyperml_tf._argument_checks import as_path
from hyperml_tf.settings.documentation import documented
from hyperml_tf.settings.model_settings import ModelSettings
from hyperml_tf.settings.resolution import Table, TableFacts, default_repeats, resolve
from hyperml_tf.settings.setting import setting

_FOUND = "found by its usual names"
_READING = (
    *("user_column", "item_column", "order_column", "separator", "repeats", "event_column", "event_weights"),
    *("weight_column", "rating_column", "min_rating", "columns"),
)


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
        "Column by which the rows of a user are ordered, such as a timestamp; none: the order of the table.",
        auto=f"{_FOUND}, if any",
        also=(False,),
        group="table",
    )
    event_column: str | Literal[False] | None = setting(
        None,
        "Column of kinds of events, such as views and purchases.",
        auto=f"{_FOUND}, if `event_weights` are given",
        also=(False,),
        group="table",
    )
    event_weights: str | None = setting(
        None,
        "Weight of each kind of event in the loss, such as purchase=4,cart=2,view=1; rows with weight 0 are dropped.",
        auto="kinds of events are not told apart",
        group="table",
    )
    weight_column: str | Literal[False] | None = setting(
        None,
        "Column of weights in the loss, such as a quantity; rows with weight 0 are dropped.",
        auto="all rows have weight 1",
        also=(False,),
        group="table",
    )
    rating_column: str | Literal[False] | None = setting(
        None,
        "Column of ratings.",
        auto=f"{_FOUND}, if `min_rating` is given",
        also=(False,),
        group="table",
    )
    min_rating: float | None = setting(
        None, "Rows with a lower rating are dropped.", auto="all rows are positives", group="table"
    )
    repeats: Literal["first", "last", "sum"] | None = setting(
        None,
        'What becomes of the rows of a user with the same item: the "first" or the "last" is kept, or the last with the "sum" of '
        "their weights.",
        auto='"sum" for rows with weights, otherwise "first"',
        group="table",
    )
    columns: str | None = setting(
        None,
        "Names of the columns of text files without a header, such as user,item,rating,timestamp.",
        auto="the first line of the file",
        group="table",
    )
    separator: str | None = setting(
        None, "Character between the fields of text files.", auto="found in the first line", group="table"
    )
    split: Literal["last", "random", "none"] | str = setting(
        "last",
        'Which two items per user are held out for validation and test; "time:2024-01-01": test on all rows from a time on, '
        'train on those before; "none": train on all rows.',
        prefix="time:",
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
        weighted = self.event_weights is not None or bool(self.weight_column)
        return dataclasses.replace(
            resolved, optimizer=resolved.optimizer or default, repeats=resolved.repeats or default_repeats(weighted)
        )

    def reading(self) -> dict[str, Any]:
        """Returns the settings of how a table is read, as arguments of `Interactions.from_file`."""
        return {name: getattr(self, name) for name in _READING}

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
            document = json.loads(as_path(path=path).read_text())
        except json.JSONDecodeError as error:
            raise ValueError(f"`{path}` must be a JSON file with settings. Received: {error}") from error
        values = document.get("settings", document) if isinstance(document, dict) else document
        if not isinstance(values, dict):
            raise ValueError(f"`{path}` must hold settings by name. Received: {type(values).__name__}")
        automatic = document.get("automatic", {}) if values is not document else {}
        # A value that was edited in the file counts as set by the user.
        chosen = {name: v for name, v in values.items() if name not in automatic or automatic[name] != v}
        return cls.of_argument(str(path), chosen)
