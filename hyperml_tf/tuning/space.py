"""What a search over HyperML may try."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hyperml_tf.models import HyperML
from hyperml_tf.runs import TrainingConfig
from hyperml_tf.tuning.dimension import Choices, Dimension, Fixed, Range

SETTINGS = (
    "mode",
    "dim",
    "curvature",
    "margin",
    "distortion_weight",
    "negatives",
    "hardest",
    "shallow",
    "history",
    "half_life",
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
)
"""The settings of `TrainingConfig` that change what is learned."""

_WHOLE = ("dim", "negatives", "hardest", "shallow", "history", "epochs", "batch_size", "negatives_group")
_WORDS = ("mode", "optimizer", "distortion_reference")

DEFAULT: dict[str, Any] = {
    "dim": [32, 64, 128],
    "curvature": {"min": 0.1, "max": 4.0, "sampling": "log"},
    "margin": {"min": 4.0, "max": 32.0, "sampling": "log"},
    "distortion_weight": {"min": 0.01, "max": 1.0, "sampling": "log"},
    "learning_rate": {"min": 0.01, "max": 0.2, "sampling": "log"},
    "negatives": {"min": 10, "max": 256, "sampling": "log"},
    "mode": ["tangent", "direct"],
    "optimizer": ["adagrad", "adam", "sgd"],
    "batch_size": [512, 1024, 2048, 4096],
}
"""The space that is searched unless another is given."""


class Space:
    """For each setting a value, a list of values, or a range; what is not in it stays as `TrainingConfig` has it.

    Args:
        entries: the settings by name. A number, a word or None fixes a setting; a list is a choice; a mapping with `min` and
            `max`, and maybe `step` and `sampling` ("linear" or "log"), is a range. Besides the settings of `TrainingConfig`
            every argument of `HyperML` may be named.

    Raises:
        ValueError: if a name is not known, or a value not allowed.

    Example:

    >>> space = Space.default().updated({"dim": 16, "mode": ["direct"]})
    >>> space.entries["dim"], space.entries["mode"]
    (Fixed(value=16), Choices(values=('direct',)))
    """

    def __init__(self, entries: Mapping[str, Any]) -> None:
        if not isinstance(entries, Mapping):
            raise ValueError(f"`space` must map names of settings to what they may be. Received: {entries!r}")
        if unknown := sorted(str(name) for name in entries if name not in (*SETTINGS, *arguments_of_the_model())):
            raise ValueError(
                f"`space` must name settings, which are {', '.join(SETTINGS)}. Received: {', '.join(unknown)}"
            )
        self.entries: dict[str, Dimension] = {name: _dimension(name, entry) for name, entry in entries.items()}

    @classmethod
    def default(cls) -> Space:
        """The space that is searched unless another is given."""
        return cls(DEFAULT)

    def updated(self, entries: Mapping[str, Any]) -> Space:
        """The same space with some settings fixed, narrowed or added."""
        changed = Space(entries)
        space = Space({})
        space.entries = {**self.entries, **changed.entries}
        return space

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str]) -> Space:
        """The default space as a file changes it. `only: true` in the file leaves out what it does not name.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if it is not YAML, or not a space of settings of `TrainingConfig`.
        """
        import yaml

        try:
            entries = yaml.safe_load(Path(path).read_text())
        except yaml.YAMLError as error:
            raise ValueError(f"`{path}` must be YAML. Received: {' '.join(str(error).split())}") from error
        if not isinstance(entries, Mapping):
            raise ValueError(f"`{path}` must map names of settings to what they may be. Received: {entries!r}")
        entries = dict(entries)
        only = entries.pop("only", False)
        if unknown := sorted(str(name) for name in entries if name not in SETTINGS):
            raise ValueError(
                f"`{path}` must name settings, which are {', '.join(SETTINGS)}. Received: {', '.join(unknown)}"
            )
        try:
            return cls(entries) if only else cls.default().updated(entries)
        except ValueError as error:
            raise ValueError(f"In `{path}`: {error}") from error

    def to_dict(self) -> dict[str, Any]:
        """The space as JSON or YAML can hold it."""
        return {name: entry.to_plain() for name, entry in self.entries.items()}

    def choose(self, hp: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Declares the settings to keras-tuner.

        Args:
            hp: `keras_tuner.HyperParameters`.
            defaults: the values to start from, where they lie in the space.

        Returns:
            The value of each setting in this trial.
        """
        return {name: entry.declare(hp, name, defaults.get(name)) for name, entry in self.entries.items()}


def arguments_of_the_model() -> list[str]:
    """What `HyperML` can be given besides the settings: numbers and words only."""
    others = ("distortion_reference", "negatives_group", "max_tangent_norm")
    return [name for name in others if name in inspect.signature(HyperML).parameters]


def _dimension(name: str, entry: Any) -> Dimension:
    if isinstance(entry, Mapping):
        return _range(name, dict(entry))
    if isinstance(entry, (list, tuple)):
        if not entry:
            raise ValueError(f"`{name}` must have at least one value. Received: {entry}")
        values = tuple(_value(name, value) for value in entry)
        if None in values:
            raise ValueError(f"`{name}` must be a choice of values. Received: {list(entry)}, in which one is none")
        return Choices(values)
    return Fixed(None if entry is None else _value(name, entry))


def _range(name: str, entry: dict[str, Any]) -> Range:
    if name in _WORDS:
        raise ValueError(f"`{name}` must be a word or a list of words. Received: {entry}")
    if not {"min", "max"} <= set(entry) <= {"min", "max", "step", "sampling"}:
        raise ValueError(f"`{name}` must have `min` and `max`, maybe `step` and `sampling`. Received: {entry}")
    low, high = _value(name, entry["min"]), _value(name, entry["max"])
    sampling = entry.get("sampling", "linear")
    step = None if entry.get("step") is None else _number(name, entry["step"])
    if sampling not in ("linear", "log"):
        raise ValueError(f"`{name}` must have `sampling` linear or log. Received: {sampling!r}")
    if not low < high:
        raise ValueError(f"`{name}` must have `min` below `max`. Received: {entry}")
    if sampling == "log" and low <= 0:
        raise ValueError(f"`{name}` must have a positive `min` to be sampled by its logarithm. Received: {entry}")
    if step is not None and step <= (1 if sampling == "log" else 0):
        raise ValueError(
            f"`{name}` must have `step` > 0, and > 1 with sampling log, where it is a factor. Received: {entry}"
        )
    return Range(low, high, step, sampling)


def _value(name: str, value: Any) -> Any:
    """One value of a setting, of its type, or an error that says what the setting takes."""
    value = str(value) if name in _WORDS and isinstance(value, str) else _number(name, value)
    if name in SETTINGS:
        TrainingConfig(**{name: value})
    return value


def _number(name: str, value: Any) -> int | float:
    expected = "words" if name in _WORDS else "whole numbers" if name in _WHOLE else "numbers"
    try:
        # YAML takes 1e-3 for a word.
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    whole = number.is_integer()
    if isinstance(value, bool) or name in _WORDS or not math.isfinite(number) or (name in _WHOLE and not whole):
        raise ValueError(f"`{name}` must be of {expected}. Received: {value!r}")
    return int(number) if name in _WHOLE else number
