"""What is said of trials that have failed."""

from __future__ import annotations

from typing import Any

import keras_tuner
from keras_tuner.engine.trial import TrialStatus


def cause(trial: Any) -> str:
    """The error of a trial, without its traceback."""
    lines = (trial.message or "").strip().splitlines()
    if not lines:
        return "unknown; the log of the worker that ran it says more"
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    after = lines[frames[-1] + 1 :] if frames else lines
    # The lines of a frame are indented, those of the error are not, or at least the first of them.
    first = next((number for number, line in enumerate(after) if not line.startswith(" ")), 0)
    return " ".join(" ".join(after[first:]).split())


def described(trial: Any) -> str:
    """The cause with the hyperparameters it came of."""
    values = ", ".join(f"{name}={value!r}" for name, value in trial.hyperparameters.values.items())
    return f"{cause(trial)} (with {values or 'no hyperparameters'})"


def raise_if_all_failed(oracle: Any) -> None:
    """Ends a search that has found nothing.

    Raises:
        FatalRuntimeError: if there are trials and none has succeeded.
    """
    trials = list(oracle.trials.values())
    if not trials or any(trial.status == TrialStatus.COMPLETED for trial in trials):
        return
    counts: dict[str, int] = {}
    for trial in trials:
        counts[cause(trial)] = counts.get(cause(trial), 0) + 1
    causes = "; ".join(f"{text} ({count} of {len(trials)})" for text, count in list(counts.items())[:3])
    raise keras_tuner.errors.FatalRuntimeError(f"All {len(trials)} trials failed: {causes}")
