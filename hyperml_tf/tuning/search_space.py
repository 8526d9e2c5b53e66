"""The search space of HyperML: which hyperparameters a search varies, and in which ranges."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

import keras_tuner

from hyperml_tf._argument_checks import as_path
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.settings import Setting, TrainingConfig, settings_of

_DECLARED: dict[str, Setting] = {
    name: declared
    for name, declared in settings_of(TrainingConfig).items()
    if declared.group != "table" and name not in ("seed", "k")
}

HYPERPARAMETERS = tuple(_DECLARED)
"""The fields of `TrainingConfig` that change what is learned."""

DEFAULT: dict[str, Any] = {name: declared.search for name, declared in _DECLARED.items() if declared.search is not None}
"""The default search space, as the settings declare it."""


@names_arguments
class SearchSpace:
    """The hyperparameters of a search, each with a value, a list of values or a range. All others are as in `TrainingConfig`.

    Args:
        entries: Dictionary from the name of a hyperparameter to what it may be. A number, a string or `None` fixes it; a list is
            a choice; a dictionary with `min` and `max`, and optionally `step` and `sampling` (`"linear"` or `"log"`), is a range,
            in which `step` is a factor if `sampling` is `"log"`. The names are those of `TrainingConfig` in `HYPERPARAMETERS`.

    Attributes:
        entries: The entries, with values of the right type.

    Raises:
        ValueError: If a name is unknown or a value out of its range.

    Example:

    >>> space = SearchSpace.default().updated({"dim": 16, "mode": ["direct"]})
    >>> space.entries["dim"], space.entries["mode"]
    (16, ['direct'])
    """

    def __init__(self, entries: Mapping[str, Any]) -> None:
        _check_names("space", entries, HYPERPARAMETERS)
        self.entries = {name: _entry(name, entry) for name, entry in entries.items()}

    @classmethod
    def default(cls) -> SearchSpace:
        """Returns the search space that is used if no other is given."""
        return cls(DEFAULT)

    def updated(self, entries: Mapping[str, Any]) -> SearchSpace:
        """Returns the same space with some hyperparameters replaced or added.

        Args:
            entries: See `SearchSpace`.
        """
        return SearchSpace({**self.entries, **SearchSpace(entries).entries})

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str]) -> SearchSpace:
        """Reads the default search space with the changes in a YAML file.

        Args:
            path: The file. Its entries are those of `SearchSpace`; `only: true` removes from
                the space what the file does not name.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is not YAML, a name is unknown or a value out of its range.
        """
        import yaml

        try:
            entries = yaml.safe_load(as_path(path=path).read_text())
        except yaml.YAMLError as error:
            raise ValueError(f"`{path}` must be YAML. Received: {' '.join(str(error).split())}") from error
        _check_names(path, entries, ("only", *HYPERPARAMETERS))
        only = entries.pop("only", False)
        try:
            return cls(entries) if only else cls.default().updated(entries)
        except ValueError as error:
            raise ValueError(f"In `{path}`: {error}") from error

    def choose(self, hp: keras_tuner.HyperParameters, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Declares the hyperparameters to keras-tuner.

        Args:
            hp: A `keras_tuner.HyperParameters`.
            defaults: Values by name: a search starts from those that are in the space.

        Returns:
            The value of each hyperparameter in the trial, by name.
        """
        return {name: _declare(hp, name, entry, defaults.get(name)) for name, entry in self.entries.items()}


def _check_names(source: object, entries: Any, known: tuple[str, ...]) -> None:
    if not isinstance(entries, Mapping):
        raise ValueError(f"`{source}` must map names of hyperparameters to what they may be. Received: {entries!r}")
    if unknown := sorted(str(name) for name in entries if name not in known):
        raise ValueError(
            f"`{source}` must name hyperparameters, which are {', '.join(HYPERPARAMETERS)}. Received: {', '.join(unknown)}"
        )


def _declare(hp: Any, name: str, entry: Any, default: Any) -> Any:
    """Declares a hyperparameter to keras-tuner, and returns its value in the trial. `None` is left to the model."""
    if entry is None:
        return None
    if isinstance(entry, list):
        return hp.Choice(name, entry, default=default if default in entry else entry[0])
    if not isinstance(entry, dict):
        return hp.Fixed(name, entry)
    low, high, sampling = entry["min"], entry["max"], entry["sampling"]
    if "step" in entry:
        default = low
    elif default is None or not low <= default <= high:
        default = round(math.sqrt(low * high), 6) if sampling == "log" else (low + high) / 2
    kind, number = (hp.Int, int) if _DECLARED[name].kind is int else (hp.Float, float)
    return kind(name, low, high, step=entry.get("step"), sampling=sampling, default=number(default))


def _entry(name: str, entry: Any) -> Any:
    """Returns an entry with values of the right type: a value, `None`, a list or a dictionary."""
    if isinstance(entry, Mapping):
        return _range(name, dict(entry))
    if not isinstance(entry, (list, tuple)):
        return None if entry is None else _value(name, entry)
    if not entry:
        raise ValueError(f"`{name}` must have at least one value. Received: {entry}")
    if None in entry:
        raise ValueError(f"`{name}` must be a list of values, or None alone. Received: {entry}")
    return [_value(name, value) for value in entry]


def _range(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    if _DECLARED[name].kind is str:
        raise ValueError(f"`{name}` must be a string or a list of strings. Received: {entry}")
    if not {"min", "max"} <= set(entry) <= {"min", "max", "step", "sampling"}:
        raise ValueError(f"`{name}` must have `min` and `max`, optionally `step` and `sampling`. Received: {entry}")
    low, high = _value(name, entry["min"]), _value(name, entry["max"])
    sampling, step = entry.get("sampling", "linear"), entry.get("step")
    if sampling not in ("linear", "log"):
        raise ValueError(f"`{name}` must have `sampling` linear or log. Received: {sampling!r}")
    if not low < high < math.inf:
        raise ValueError(f"`{name}` must have `min` below a finite `max`. Received: {entry}")
    if sampling == "log" and low <= 0:
        raise ValueError(f"`{name}` must have a positive `min` with sampling log. Received: {entry}")
    checked = {"min": low, "max": high, "sampling": sampling}
    if step is None:
        return checked
    step = _number(step)
    if not isinstance(step, (int, float)) or step <= (1 if sampling == "log" else 0):
        raise ValueError(f"`{name}` must have a number as `step`, > 0, or > 1 with sampling log. Received: {entry}")
    return {**checked, "step": _DECLARED[name].kind(step)}


def _value(name: str, value: Any) -> Any:
    """Returns a value with the type of its hyperparameter, after a check of its range."""
    return _DECLARED[name].checked(_number(value))


def _number(value: Any) -> Any:
    """Returns the number in a text such as 1e-3, which YAML reads as a string, and any other value as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
