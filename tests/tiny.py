"""What the tests of models, retrieval and runs share: a small catalogue and models trained on it once."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from hyperml_tf.data import Interactions, Split, leave_one_out
from hyperml_tf.data.synthetic import synthesize
from hyperml_tf.models import HyperML
from hyperml_tf.optimizers import RiemannianAdagrad
from hyperml_tf.serving import SIGNATURES, ServedModel, export_saved_model, serving_module

DIM = 6


@functools.cache
def split() -> Split:
    return leave_one_out(
        synthesize(n_users=120, n_items=150, n_rows=2400, depth=2, branching=3, noise=0.05, seed=1).table
    )


def new_model(table: Interactions | None = None, **kwargs: Any) -> HyperML:
    """A compiled model of the catalogue, always with the same initial points for the same arguments.

    Where tracing a graph is beside the point, `run_eagerly=True` is several times as fast.
    """
    tf.keras.utils.set_random_seed(0)
    compiled = {name: kwargs.pop(name) for name in ("steps_per_execution", "run_eagerly") if name in kwargs}
    optimizer = kwargs.pop("optimizer", None) or RiemannianAdagrad(0.2)
    model = HyperML.from_interactions(table or split().train, **{"dim": DIM, **kwargs})
    model.compile(optimizer, **compiled)
    return model


def fit(model: HyperML, epochs: int = 1, **kwargs: Any) -> dict[str, list[float]]:
    """Trains on the catalogue."""
    return model.fit(split().train, batch_size=256, epochs=epochs, verbose=0, **kwargs).history


@functools.cache
def trained() -> HyperML:
    """A trained model. It is shared: change nothing in it."""
    model = new_model()
    fit(model, epochs=3)
    return model


@contextlib.contextmanager
def exporting(*names: str) -> Iterator[None]:
    """Exports have only the signatures of these names, or all of them if none is given.

    In tests they have `serving_default` unless a test asks for others: to trace all signatures takes most of an export's time.
    """
    signatures = {name: SIGNATURES[name] for name in names or SIGNATURES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving_module, "SIGNATURES", signatures)
        yield


def served(model: HyperML, path: Path, *signatures: str, **arguments: Any) -> ServedModel:
    """The model as exported with these signatures, or with all of them if none is given."""
    with exporting(*signatures):
        return ServedModel(export_saved_model(model, path, **arguments))


def run_python(code: str, *arguments: Any, **environment: str) -> str:
    """The output of a program in a process of its own."""
    finished = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", **environment},
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    return finished.stdout
