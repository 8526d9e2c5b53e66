"""Trials that fail, and errors that end a search."""

from __future__ import annotations

import contextlib
import errno
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import keras_tuner
import tensorflow as tf
from keras_tuner.engine.trial import TrialStatus

_DISK_FULL = ("No space left on device", "Disk quota exceeded")


class DiskFullError(keras_tuner.errors.FatalError, OSError):
    """Raised when the disk is full. It ends the search; the finished trials are kept, and the search can be resumed."""


@contextlib.contextmanager
def disk_full_is_fatal(directory: str) -> Iterator[None]:
    """Turns the error of a full disk, however it is wrapped, into a `DiskFullError`, which is not taken for a failed trial."""
    try:
        yield
    except Exception as error:
        if isinstance(error, DiskFullError) or not _is_disk_full(error):
            raise
        raise DiskFullError(
            f"No space is left on the disk of `{directory}`. The finished trials are kept: free some space and start the same "
            "search again to resume it."
        ) from error


def _is_disk_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(error, (OSError, tf.errors.OpError)) and any(words in str(error) for words in _DISK_FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def cause(trial: Any) -> str:
    """Returns the error message of a trial without its traceback."""
    frame = r'^  File ".*\n(?:    .*\n)*'
    *_, error = re.split(frame, trial.message or "", flags=re.MULTILINE)
    return " ".join(error.split()) or "unknown; see the log of the worker that ran the trial"


def describe(trial: Any) -> str:
    """Returns the error message of a trial with its hyperparameters."""
    values = ", ".join(f"{name}={value!r}" for name, value in trial.hyperparameters.values.items())
    return f"{cause(trial)} (with {values or 'no hyperparameters'})"


def raise_if_all_failed(trials: list[Any]) -> None:
    """Raises a `FatalRuntimeError` with the most frequent causes if there are trials and none has succeeded."""
    if not trials or any(trial.status == TrialStatus.COMPLETED for trial in trials):
        return
    causes = Counter(map(cause, trials)).most_common(3)
    shown = "; ".join(f"{text} ({count} of {len(trials)})" for text, count in causes)
    raise keras_tuner.errors.FatalRuntimeError(f"All {len(trials)} trials failed: {shown}")
