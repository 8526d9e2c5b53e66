"""The part of this process in a cluster, which the environment variable TF_CONFIG describes. It does not require TensorFlow."""

from __future__ import annotations

import json
import os
from typing import Literal, NamedTuple, get_args

StrategyName = Literal["mirrored", "multi-worker", "parameter-server"]


class Task(NamedTuple):
    """The part that this process has in a cluster.

    Attributes:
        kind: String, "chief", "worker" or "ps".
        number: Integer, its place among the tasks of its kind.
        cluster: Addresses of the tasks of each kind.

    Example:

    >>> Task("worker", 1, {"worker": ["a:2222", "b:2222"]}).leads
    False
    """

    kind: str
    number: int
    cluster: dict[str, list[str]]

    @classmethod
    def of_environment(cls) -> Task:
        """Reads TF_CONFIG.

        Raises:
            ValueError: If it is not set, or does not describe a cluster and a task of it.
        """
        given = os.environ.get("TF_CONFIG", "")
        try:
            config = json.loads(given)
            task = cls(str(config["task"]["type"]), int(config["task"]["index"]), dict(config["cluster"]))
            task.cluster[task.kind][task.number]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ValueError(
                "The environment variable TF_CONFIG must describe a cluster, and the task of this process: "
                '{"cluster": {"worker": ["host:port", ...], ...}, "task": {"type": "worker", "index": 0}}. '
                f"Received: {given or 'nothing'}"
            ) from error
        return task

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes the run: the chief, or the first worker where there is none."""
        return self.kind == "chief" or (self.kind == "worker" and self.number == 0 and "chief" not in self.cluster)


def leads(name: StrategyName | None) -> bool:
    """Returns whether this process writes the run; without a cluster, it does.

    Raises:
        ValueError: As `Task.of_environment`.
    """
    return name in (None, "mirrored") or Task.of_environment().leads


def check_strategy(name: str) -> StrategyName:
    """Checks the name of a strategy.

    Raises:
        ValueError: If it is unknown.
    """
    if name not in get_args(StrategyName):
        raise ValueError(f"`strategy` must be one of {get_args(StrategyName)}. Received: strategy={name!r}")
    return name  # type: ignore[return-value]  # one of them
