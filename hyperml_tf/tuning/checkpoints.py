"""The files of a trial beside keras-tuner's own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from keras_tuner.engine.tuner import maybe_distribute

from hyperml_tf.tuning.atomic_state import read_json, write_json
from hyperml_tf.tuning.stop_hopeless import Curve

_CURVES = "curves.json"


def best(trial_dir: str) -> str:
    """Prefix of the checkpoint of the best epoch."""
    return os.path.join(trial_dir, "best.weights")


def last(trial_dir: str) -> str:
    """Prefix of the checkpoint of the end of training."""
    return os.path.join(trial_dir, "last.weights")


def restore(model: Any, prefix: str, trial_id: str, strategy: Any) -> None:
    """Loads a checkpoint into a model, whether it is built or not.

    Raises:
        ValueError: if there is none.
    """
    if not tf.io.gfile.exists(f"{prefix}.index"):
        raise ValueError(
            f"Trial {trial_id} has saved no weights at `{prefix}`: if the hypermodel has a `fit` of its own, it must pass the "
            "callbacks it is given to the `fit` of the model."
        )
    with maybe_distribute(strategy):
        status = model.load_weights(prefix)
    # The optimizer of a model that is not trained any further stays in the file.
    status.expect_partial()


def write_curves(trial_dir: str, curves: Sequence[Curve]) -> None:
    """Stores the course of the objective in each execution of a trial."""
    write_json(os.path.join(trial_dir, _CURVES), [list(curve) for curve in curves])


def curves(project_dir: str, but: str) -> list[Curve]:
    """The courses of all finished trainings but those of one trial; also those of other workers that share the directory."""
    found: list[Curve] = []
    for path in sorted(tf.io.gfile.glob(os.path.join(project_dir, "trial_*", _CURVES))):
        if os.path.basename(os.path.dirname(path)) != f"trial_{but}":
            found += [[(int(epoch), float(value)) for epoch, value in curve] for curve in read_json(path)]
    return found


def adopt(directory: Any, project_name: str | None) -> None:
    """Lets a tuner go on with a search that another process has kept, such as a chief.

    keras-tuner looks for the file of the tuner itself, not for that of the oracle, and would begin anew over what is there.
    """
    project = os.path.join(str(directory or "."), project_name or "untitled_project")
    own = os.path.join(project, f"{os.environ.get('KERASTUNER_TUNER_ID', 'tuner0')}.json")
    if tf.io.gfile.exists(os.path.join(project, "oracle.json")) and not tf.io.gfile.exists(own):
        write_json(own, {})


def remove_unstarted(project_dir: str, started: Sequence[str]) -> None:
    """Removes the files of trials that a kill came before the start of: keras-tuner would count them."""
    known = {f"trial_{name}" for name in started}
    for path in tf.io.gfile.glob(os.path.join(project_dir, "trial_*", "trial.json")):
        if os.path.basename(os.path.dirname(path)) not in known:
            tf.io.gfile.remove(path)
