"""The project directory of a search: its files, which are written whole or not at all, and who may write them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

Curve = Sequence[tuple[int, float]]
"""A learning curve: the values of the objective by epoch."""

ORACLE = "oracle.json"
_CURVES = "curves.json"


def is_worker() -> bool:
    """Whether this process is a worker of a distributed search, by the environment variables of keras-tuner."""
    return "KERASTUNER_ORACLE_IP" in os.environ and "chief" not in os.environ.get("KERASTUNER_TUNER_ID", "")


def write_json(path: str, value: Any, indent: int | None = None) -> str:
    """Writes a JSON file by moving a complete one into place, so that a kill or a full disk leaves the old one intact."""
    text = json.dumps(value, indent=indent)
    scratch = f"{path}.tmp"
    try:
        with tf.io.gfile.GFile(scratch, "w") as file:
            file.write(text)
        tf.io.gfile.rename(scratch, path, overwrite=True)
    except BaseException:
        if tf.io.gfile.exists(scratch):
            tf.io.gfile.remove(scratch)
        raise
    return text


def read_json(path: str, default: Any = None) -> Any:
    """Returns the value in a JSON file of a search, or `default` if there is no such file. It may come from anybody.

    Raises:
        ValueError: If the file is damaged, or names a class that is not a hyperparameter or a trial outside of the directory.
    """
    if not tf.io.gfile.exists(path):
        return default
    try:
        with tf.io.gfile.GFile(path, "r") as file:
            value = json.loads(file.read())
        _check(value, path)
    except (json.JSONDecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"`{path}` is damaged: it must be JSON. Received: {error}") from error
    return value


_HYPERPARAMETERS = ("Boolean", "Choice", "Fixed", "Float", "HyperParameter", "HyperParameters", "Int")
_TRIAL_IDS = ("trial_id", "tuner/trial_id")


def _check(value: Any, path: str) -> None:
    """keras-tuner makes objects of what a file names; in a search these are hyperparameters."""
    if isinstance(value, list):
        for inner in value:
            _check(inner, path)
    if not isinstance(value, dict):
        return
    if "class_name" in value and value["class_name"] not in _HYPERPARAMETERS:
        raise ValueError(f"`{path}` must name no classes but hyperparameters. Received: {value['class_name']!r}")
    for name in _TRIAL_IDS:
        # It is a part of the path of the weights.
        if isinstance(value.get(name), str) and not re.fullmatch(r"[\w-]*", value[name]):
            raise ValueError(f"`{path}` must name trials by letters and digits. Received: {value[name]!r}")
    for inner in value.values():
        _check(inner, path)


def best_weights(trial_dir: str) -> str:
    """Returns the checkpoint prefix of the best epoch of a trial."""
    return os.path.join(trial_dir, "best.weights")


def last_weights(trial_dir: str) -> str:
    """Returns the checkpoint prefix of the end of a trial's training."""
    return os.path.join(trial_dir, "last.weights")


def restore_weights(model: Any, prefix: str) -> Any:
    """Loads a checkpoint of a trial into a model, built or not, and returns the model.

    Raises:
        ValueError: If there is no such checkpoint.
    """
    if not tf.io.gfile.exists(f"{prefix}.index"):
        raise ValueError(
            f"The trial has saved no weights at `{prefix}`: a `fit` or `run_trial` of your own must pass the callbacks that it "
            "receives to the `fit` of the model."
        )
    # A checkpoint holds arrays only. The optimizer state of a model that is not trained any further stays in the file.
    model.load_weights(prefix).expect_partial()
    return model


def write_curves(trial_dir: str, curves: Sequence[Curve]) -> None:
    """Stores the learning curve of each execution of a trial."""
    write_json(os.path.join(trial_dir, _CURVES), curves)


def read_curves(project_dir: str, exclude: str) -> list[Curve]:
    """Returns the learning curves of all finished trials, also those of other workers, but of the trial `exclude`."""
    paths = set(tf.io.gfile.glob(os.path.join(project_dir, "trial_*", _CURVES)))
    paths.discard(os.path.join(project_dir, f"trial_{exclude}", _CURVES))
    return [curve for path in sorted(paths) for curve in read_json(path)]


def check_files(project_dir: str) -> None:
    """Raises a `ValueError` if the files of a search, which keras-tuner is about to read, are not what `read_json` takes.

    Not those of the trials beside an oracle's file that holds them all: they are not read, and a kill may have cut one short.
    """
    if "trials" in (read_json(os.path.join(project_dir, ORACLE)) or {}):
        return
    for path in tf.io.gfile.glob(os.path.join(project_dir, "trial_*", "trial.json")):
        read_json(path)


def check_replaceable(project_dir: str) -> None:
    """Raises a `FileExistsError` if there is a directory that is no search: keras-tuner would remove it to begin a new one."""
    if not tf.io.gfile.exists(project_dir) or tf.io.gfile.exists(os.path.join(project_dir, ORACLE)):
        return
    if found := tf.io.gfile.listdir(project_dir):
        raise FileExistsError(
            f"`overwrite` replaces the directory of a search only. Received: {project_dir} with {', '.join(found[:5])}"
        )


def make_resumable(project_dir: str) -> None:
    """Makes keras-tuner resume a search that a chief has begun: it looks for the file of a tuner, not for that of the oracle."""
    tuner = os.path.join(project_dir, f"{os.environ.get('KERASTUNER_TUNER_ID', 'tuner0')}.json")
    if tf.io.gfile.exists(os.path.join(project_dir, ORACLE)) and not tf.io.gfile.exists(tuner):
        write_json(tuner, read_json(os.path.join(project_dir, "chief.json"), {}))
