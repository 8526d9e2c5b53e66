"""What a search tells while it runs."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Listener(Protocol):
    """An object that a search tells how it is going."""

    def on_trial_begin(self, oracle: Any, trial: Any) -> None:
        """Is called when a trial begins."""

    def on_trial_end(self, oracle: Any, trial: Any) -> None:
        """Is called when a trial has ended."""

    def on_epoch_end(self, trial: Any, epoch: int, logs: dict[str, Any]) -> None:
        """Is called when an epoch of a trial has ended."""
