"""The settings of a run, and their defaults."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any, Literal

_CHOICES = {
    "split": ("last", "random", "none"),
    "mode": ("tangent", "direct"),
    "optimizer": ("adagrad", "adam", "sgd"),
}
_POSITIVE = (
    "dim", "margin", "negatives", "hardest", "shallow", "half_life", "epochs", "batch_size", "learning_rate", "k",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How a table is read, split and trained on. The defaults are one set of rules for all data; the README says how.

    Args:
        user_column, item_column, order_column: columns of the table; found by the usual names if None.
        split: "last" and "random" hold out two items a user, by order or at random; "none" trains on every row.
        mode: "tangent" or "direct".
        dim: dimension of the space.
        curvature: the curvature, >= 0. None: 1, or 0.3 where the table is dense, with 50 rows a user or more on average, the
            mode is "tangent" and `learning_rate` is None too.
        margin: margin of the hinge, in units of squared distance; None: 16 in tangent mode, 8 in direct mode.
        distortion_weight: weight of the distortion loss.
        negatives: candidates drawn for each group of positives; None: one in a hundred of the catalogue, see `HyperML`.
        hardest: how many of them each positive is compared with, see `HyperML`.
        shallow: a second comparison, with the hardest of so many draws; None: no such comparison, see `HyperML`.
        history: how many of a user's items a training step reads to place the user, 0: none, every user is a free point; None: as
            the model has it, see `hyperml_tf.models.History`.
        half_life: after training, places after which an item of a user weighs twice as much. None: 3, and with split "random",
            where what is held out may be older than what is not, no such difference.
        epochs: passes over the table. The learning rate falls linearly to 0 over them.
        batch_size: positives a step.
        optimizer: "adagrad" (`default_optimizer`), "adam" or "sgd", all of them Riemannian.
        learning_rate: the initial learning rate, see `default_optimizer`; Adam scales it, see `recipe.new_optimizer`. None:
            0.05, or 0.02 where `curvature` is 0.3 for density.
        seed: of initial points, order of rows and negatives. The same seed gives the same run.
        k: length of the answers of the exported model.

    Raises:
        ValueError: if a value is out of its range.
    """

    user_column: str | None = None
    item_column: str | None = None
    order_column: str | None = None
    split: Literal["last", "random", "none"] = "last"
    mode: Literal["tangent", "direct"] = "tangent"
    dim: int = 64
    curvature: float | None = None
    margin: float | None = None
    distortion_weight: float = 0.1
    negatives: int | None = None
    hardest: int = 2
    shallow: int | None = 20
    history: int | None = None
    half_life: float | None = None
    epochs: int = 40
    batch_size: int = 2048
    optimizer: Literal["adagrad", "adam", "sgd"] = "adagrad"
    learning_rate: float | None = None
    seed: int = 0
    k: int = 100

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"`{name}` must be one of {allowed}. Received: {name}={getattr(self, name)!r}")
        for name in _POSITIVE:
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
        for name in ("curvature", "distortion_weight", "history"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"`{name}` must be >= 0. Received: {name}={value}")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"`seed` must be in [0, 2^31). Received: seed={self.seed}")

    def to_dict(self) -> dict[str, Any]:
        """The settings as they are written to `config.json`."""
        return dataclasses.asdict(self)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> TrainingConfig:
        """Settings from a JSON file: the `config.json` of a run, the `best.json` of a search, or the settings alone.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it does not hold settings, a name is unknown or a value out of its range.
        """
        try:
            values = json.loads(Path(path).read_text())
        except json.JSONDecodeError as error:
            raise ValueError(f"`{path}` must be a JSON file with settings. Received: {error}") from error
        values = values.get("settings", values) if isinstance(values, dict) else values
        if not isinstance(values, dict):
            raise ValueError(f"`{path}` must hold settings by name. Received: {type(values).__name__}")
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainingConfig:
        """Settings from a dictionary; names it does not know are refused.

        Raises:
            ValueError: if a name is unknown or a value out of its range.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"Unknown settings {unknown}. Known: {sorted(known)}")
        return cls(**values)
