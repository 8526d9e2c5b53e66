"""Damaged runs and exports: each is refused with a message, or answers as the whole one; no code of a file is run."""

from __future__ import annotations

import contextlib
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from counts import BAD, Counts, expected

from hyperml_tf import Run, ServedModel, TrainingConfig, synthesize, train_run
from hyperml_tf.serving import serving_module, verify_export

_MODEL_FILES = ("model/model.keras", "model/held_out.npz", "config.json", "metrics.json")


def fuzz(cases: int, seed: int = 0) -> Counts:
    """Damages one file of a run or of its export, three of four times that of the run, and asks it."""
    counts = Counts("Damaged runs and exports")
    # Tracing takes most of the time of a small model, and has no part in what is read.
    with tempfile.TemporaryDirectory() as folder, eagerly():
        whole, copy = Path(folder) / "whole", Path(folder) / "copy"
        table = synthesize(n_users=30, n_items=70, n_rows=400, depth=2, branching=3).table
        train_run(table, whole, TrainingConfig(dim=2, epochs=1, k=5))
        users = table.user_ids[:5].tolist()
        answer, served = _ask(whole, users), _ask_export(whole, users)
        for case in range(cases):
            draw = random.Random(f"{seed}/{case}")
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(whole, copy)
            of_export = draw.random() < 0.25
            names = (
                [str(path.relative_to(copy)) for path in sorted((copy / "saved_model/1").rglob("*")) if path.is_file()]
                if of_export
                else list(_MODEL_FILES)
            )
            what = _damage(draw, copy, names)
            example = f"seed {seed}, case {case}: {what}"
            if of_export:
                counts.add(*_outcome("export", lambda: _ask_export(copy, users), served, example))
            else:
                counts.add(*_outcome("run", lambda: _ask(copy, users), answer, example))
    return counts


@contextlib.contextmanager
def eagerly() -> Iterator[None]:
    """Functions that are not traced; exports have one signature."""
    signatures = serving_module.SIGNATURES
    tf.config.run_functions_eagerly(True)
    serving_module.SIGNATURES = {"serving_default": signatures["serving_default"]}  # type: ignore[assignment]
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)
        serving_module.SIGNATURES = signatures


def _outcome(of: str, ask: Any, right: Any, example: str) -> tuple[str, str]:
    try:
        found = ask()
    except Exception as error:
        if expected(error):
            return f"{of}: refused", example
        return f"{BAD}{of}: an unexpected error", f"{type(error).__name__}: {error}; {example}"
    same = all(np.array_equal(one, other) for one, other in zip(found, right, strict=True))
    return (f"{of}: answers as the whole one", example) if same else (f"{BAD}{of}: a changed answer", example)


def _ask(path: Path, users: list[Any]) -> list[Any]:
    run = Run.load(path)
    report = run.evaluate()
    return [run.model.recommend(users, 5).ids, *(list(report[part].values()) for part in ("validation", "test"))]


def _ask_export(path: Path, users: list[Any]) -> list[Any]:
    export = path / "saved_model/1"
    if differences := verify_export(export):
        raise ValueError(f"`{export}` is not as it was written: {differences}")
    return [ServedModel(export).recommend(users).ids]


def _damage(draw: random.Random, run: Path, names: list[str]) -> str:
    name = draw.choice(names)
    path = run / name
    content = bytearray(path.read_bytes())
    kind = draw.choice(("bit", "bit", "bytes", "cut", "empty", "missing", "another"))
    if kind == "bit":
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    elif kind == "bytes":
        place = draw.randrange(len(content))
        content[place : place + 64] = draw.randbytes(len(content[place : place + 64]))
    elif kind == "cut":
        del content[draw.randrange(len(content)) :]
    elif kind == "empty":
        content.clear()
    elif kind == "another":
        content = bytearray((run / draw.choice(names)).read_bytes())
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(content)
    return f"{kind} in {name}"
