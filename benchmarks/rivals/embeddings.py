"""Rivals that are trained in another process, and hand over vectors of users and items."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hyperml_tf.data import Interactions
from hyperml_tf.metrics.protocols import Scorer
from hyperml_tf.runs.held_out import HeldOut
from rivals.other_environment import interpreter
from rivals.validation import Vectors


class Embeddings:
    """Vectors of users and items, for each of some histories of the users; the score of a pair is their product.

    Args:
        vectors: for each history, its rows, and the vectors given them.
        notes: how the training went.
    """

    def __init__(self, vectors: list[tuple[Interactions, Vectors]], notes: dict[str, Any] | None = None) -> None:
        self.vectors, self.notes = vectors, notes or {}

    def scorer(self, known: Interactions) -> Scorer:
        """A function from user codes, `(batch,)`, to scores of the catalogue, `(batch, n_items)`, given the histories.

        Raises:
            ValueError: if no vectors were made for these histories.
        """
        for rows, vectors in self.vectors:
            if np.array_equal(rows.users, known.users) and np.array_equal(rows.items, known.items):
                return vectors.scores
        raise ValueError(f"`known` must be one of the histories that vectors were made for. Received: {known}")


def train(worker: str, modules: tuple[str, ...], held_out: HeldOut, settings: dict[str, Any]) -> Embeddings:
    """Runs a program of this directory on the training and validation rows.

    It gets the path of a file with rows, the path of a file to write, and settings as JSON. It selects the best epoch on the
    validation rows; the test rows are not among its data.

    Args:
        worker: the name of the program.
        modules: the modules it needs, see `other_environment`.
        held_out: the split.
        settings: its settings.
    """
    python = interpreter(*modules)
    if python is None:
        raise ImportError(f"{worker} requires {', '.join(modules)}: see benchmarks/README.md")
    split = held_out.split
    histories = {"train": split.train, "before_test": split.before_test}
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch, "data.npz"), Path(scratch, "embeddings.npz")
        parts = {
            f"{part}_{name}": getattr(rows, name) for part, rows in histories.items() for name in ("users", "items")
        }
        validation = {f"validation_{name}": getattr(split.validation, name) for name in ("users", "items")}
        np.savez(source, n_users=split.train.n_users, n_items=split.train.n_items, **parts, **validation)
        command = [python, str(Path(__file__).with_name(worker)), str(source), str(target), json.dumps(settings)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        with np.load(target) as found:
            vectors = [
                (rows, Vectors(found[f"{part}_users"], found[f"{part}_items"])) for part, rows in histories.items()
            ]
            return Embeddings(vectors, json.loads(done.stdout.splitlines()[-1]))
