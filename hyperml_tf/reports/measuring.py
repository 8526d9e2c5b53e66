"""All numbers of a report."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import hyperml_tf
from hyperml_tf.data import ItemTable
from hyperml_tf.data.categories import Categories
from hyperml_tf.models.baselines import Popularity
from hyperml_tf.reports.answers import measure_bands, measure_lists, some_users
from hyperml_tf.reports.pair_distances import measure_pairs
from hyperml_tf.reports.radii import measure_radii
from hyperml_tf.reports.sampling import Sampling
from hyperml_tf.reports.space import Space
from hyperml_tf.reports.structure import measure_structure
from hyperml_tf.reports.verdict import verdict
from hyperml_tf.runs import Run
from hyperml_tf.runs.layout import HISTORY


class Measured(NamedTuple):
    """What was measured of a run."""

    numbers: dict[str, Any]
    """Everything that `report.json` holds."""
    radii: np.ndarray
    """Distances of the items from the origin, for a picture, `(n_items,)`."""
    popularity: np.ndarray
    """Number of training rows of the items, `(n_items,)`."""


def measure(run: Run, items: ItemTable | None, categories: Categories | None, sampling: Sampling) -> Measured:
    """Measures a run.

    Args:
        run: A `Run`.
        items: Optional `ItemTable`, for the names of items.
        categories: Optional `Categories`.
        sampling: A `Sampling`.
    """
    model, held_out, table, training = run.model, run.held_out, run.table, run.training
    known = table if held_out is None else held_out.split.before_test
    space = Space.of(model, known)
    radii, popularity = space.radii(), training.popularity()
    baseline = Popularity.from_interactions(training)
    baseline.fit(training)
    evaluated = np.flatnonzero(table.activity() > 0) if held_out is None else np.unique(held_out.split.test.users)
    chosen = evaluated[some_users(evaluated, sampling)]
    answers: dict[str, Any] = {}
    for name, score in (("model", model.scorer(known)), ("popularity", baseline.scorer())):
        answers[name] = {
            "lists": measure_lists(score, chosen, known, training, space, categories),
            "test": None if held_out is None else measure_bands(score, held_out, chosen),
        }
    numbers = {
        "report": {"hyperml_tf": hyperml_tf.__version__},
        "run": {
            "users": table.n_users,
            "items": table.n_items,
            "rows": len(table),
            "training_rows": len(training),
            "dim": model.dim,
            "curvature": space.curvature,
            "split": run.config.split,
            "epochs": run.config.epochs,
            "metrics": {name: run.metrics[name] for name in ("test", "popularity") if name in run.metrics},
        },
        "sampling": {**vars(sampling), "evaluated_users": len(chosen)},
        "radius": measure_radii(radii, popularity, _named(items, run), categories),
        "pairs": measure_pairs(space, table, training, None if held_out is None else held_out.split.test, sampling),
        **measure_structure(space, training, sampling),
        "answers": answers,
        "history": _history(run),
    }
    return Measured({**numbers, "verdict": verdict(numbers)}, radii, popularity)


def _named(items: ItemTable | None, run: Run) -> ItemTable:
    return ItemTable(run.model.candidate_tower.ids, {}) if items is None else items


def _history(run: Run) -> dict[str, list[float | None]]:
    """The columns of `history.csv`; none if it is missing or damaged."""
    try:
        frame = pd.read_csv(run.path / HISTORY).apply(pd.to_numeric, errors="coerce")
    except (OSError, ValueError):
        return {}
    finite = frame.where(np.isfinite(frame))
    return {str(name): [None if pd.isna(value) else float(value) for value in finite[name].tolist()] for name in finite}
