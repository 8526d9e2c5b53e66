"""From a table to good settings: the search behind `hyperml-tf tune`."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from hyperml_tf.data import Interactions
from hyperml_tf.runs import TrainingConfig, recipe
from hyperml_tf.runs.held_out import HeldOut
from hyperml_tf.tuning.bayesian_optimization import BayesianOptimization
from hyperml_tf.tuning.disk_full_error import DiskFullError, is_disk_full
from hyperml_tf.tuning.grid_search import GridSearch
from hyperml_tf.tuning.hyperband import Hyperband
from hyperml_tf.tuning.hyperml_hyper_model import HyperMLHyperModel
from hyperml_tf.tuning.pictures import draw_search
from hyperml_tf.tuning.random_search import RandomSearch
from hyperml_tf.tuning.space import Space
from hyperml_tf.tuning.trials_table import trials_table
from hyperml_tf.tuning.tuner import Tuner

logger = logging.getLogger(__name__)

ASKED, TRIALS, BEST, TABLE = "search.json", "trials", "best.json", "trials.csv"
PICTURE, PAGE = "search.png", "search.html"
MAX_TRIALS = 30

TUNERS = ("bayesian", "random", "hyperband", "grid")

OBJECTIVES = ("val_sampled100_ndcg@10", "val_sampled100_hr@10", "val_full_ndcg@10", "val_full_hr@10")
"""What a search can maximize. Not the loss: it grows with the margin, which is one of the settings."""


@dataclasses.dataclass(frozen=True)
class TuningResult:
    """What a search has found.

    Args:
        path: the directory it wrote.
        config: the settings of the best trial.
        score: its objective.
        trials: see `trials_table`.
    """

    path: Path
    config: TrainingConfig
    score: float
    trials: pd.DataFrame


def tune_table(
    table: str | os.PathLike[str] | Interactions,
    out: str | os.PathLike[str],
    tuner: Literal["bayesian", "random", "hyperband", "grid"] = "bayesian",
    max_trials: int | None = None,
    space: Space | None = None,
    config: TrainingConfig | None = None,
    objective: str = recipe.MONITOR,
    validate_every: int = 2,
    listener: Any = None,
) -> TuningResult | None:
    """Searches for the settings that are best on validation rows of a table; test rows are not looked at.

    Writes `best.json`, which `hyperml-tf train --config` takes, `trials.csv`, `search.png`, `search.html`, and the trials in the
    form of keras-tuner. Called again with the same arguments it goes on where it was interrupted, or with a higher `max_trials`
    where it had ended. Random and Bayesian searches begin with the settings of `config`, so that what they find can be compared.

    In several processes at once, with the variables of keras-tuner's chief and workers in the environment, they share the work.

    Args:
        table: a CSV or Parquet file, see `Interactions.from_file`, or interactions.
        out: the directory to write.
        tuner: "bayesian", "random", "hyperband" or "grid".
        max_trials: how many trials; None: 30, but as many as there are with "hyperband" and "grid".
        space: what to try; `Space.default()` if None.
        config: the settings that are not searched, its columns, split and seed among them.
        objective: a metric of validation, one of `OBJECTIVES`.
        validate_every: epochs between validations.
        listener: see `Tuner`.

    Returns:
        What was found; None in a worker, whose chief writes it.

    Raises:
        FileNotFoundError, ValueError: if the table cannot be read, an argument is not allowed, or `out` holds another search.
        DiskFullError: if nothing can be written any more.
        FatalRuntimeError: if every trial has failed.
    """
    config, space, path = config or TrainingConfig(), space or Space.default(), Path(out)
    if tuner not in TUNERS:
        raise ValueError(f"`tuner` must be one of {TUNERS}. Received: tuner={tuner!r}")
    if max_trials is not None and max_trials < 1:
        raise ValueError(f"`max_trials` must be at least 1. Received: max_trials={max_trials}")
    if objective not in OBJECTIVES:
        raise ValueError(f"`objective` must be one of {OBJECTIVES}. Received: objective={objective!r}")
    if config.split == "none":
        raise ValueError("`split` must hold rows out to search on: 'last' or 'random'. Received: split='none'")
    if path.is_file():
        raise FileExistsError(f"`out` must be a directory to write to. Received a file: {path}")
    columns = (config.user_column, config.item_column, config.order_column)
    data = table if isinstance(table, Interactions) else Interactions.from_file(table, *columns)
    split = HeldOut.draw(data, config.split, seed=0).split
    hypermodel = HyperMLHyperModel(split.train, split.validation, space, config, validate_every)
    asked = {"tuner": tuner, "objective": objective, "validate_every": validate_every, "space": space.to_dict()}
    if not _is_worker():
        # Last of the checks: a command that is refused leaves no directory that refuses the corrected one.
        _claim(path, {"table": data.fingerprint(), **asked, "config": config.to_dict()})
    searcher = _searcher(tuner, hypermodel, objective, max_trials, path, listener)
    logger.info(
        "%d users, %d items; searching on %d validation rows", data.n_users, data.n_items, len(split.validation)
    )
    if tuner == "grid":
        grid = math.prod(len(tuple(hp.values)) for hp in searcher.oracle.get_space().space)
        logger.info("The grid has %s combinations.", f"{grid:,}")
    if finished := len(searcher.oracle.end_order):
        logger.info("Going on after %d finished trials.", finished)
    searcher.search(verbose=0)
    if _is_worker():
        return None
    try:
        return _written(path, searcher, hypermodel)
    except OSError as error:
        if is_disk_full(error):
            raise DiskFullError.at(str(path)) from error
        raise


def _is_worker() -> bool:
    """Whether this process works for a chief, by the variables of keras-tuner."""
    return "KERASTUNER_ORACLE_IP" in os.environ and "chief" not in os.environ.get("KERASTUNER_TUNER_ID", "")


def _claim(path: Path, asked: dict[str, Any]) -> None:
    """Notes in the directory what is asked for, or finds that it is what was asked for before."""
    file = path / ASKED
    asked = json.loads(json.dumps(asked))
    if file.is_file():
        before = json.loads(file.read_text())
        if differing := [name for name in asked if before.get(name) != asked[name]]:
            raise ValueError(
                f"`out` must hold the same search, or none: at {path} another {', '.join(differing)} was asked for. "
                f"Choose another "
                f"directory, or remove this one. Received: {', '.join(f'{name}={asked[name]}' for name in differing)}"
            )
        return
    path.mkdir(parents=True, exist_ok=True)
    _write_json(file, asked)


def _searcher(
    tuner: str, hypermodel: HyperMLHyperModel, objective: str, max_trials: int | None, path: Path, listener: Any
) -> Tuner:
    common: dict[str, Any] = {
        "hypermodel": hypermodel,
        "objective": objective,
        "seed": hypermodel.config.seed,
        "directory": str(path),
        "project_name": TRIALS,
        "listener": listener,
    }
    if tuner == "hyperband":
        searcher: Tuner = Hyperband(max_epochs=hypermodel.config.epochs, **common)
        if max_trials is not None:
            searcher.oracle.max_trials = max_trials
        return searcher
    if tuner == "grid":
        return GridSearch(max_trials=max_trials, **common)
    trials = MAX_TRIALS if max_trials is None else max_trials
    if tuner == "random":
        return RandomSearch(max_trials=trials, start_with_defaults=True, **common)
    # A third of the trials is drawn at random; keras-tuner's three a hyperparameter would leave hardly any to be guided.
    return BayesianOptimization(
        max_trials=trials, num_initial_points=max(3, trials // 3), start_with_defaults=True, **common
    )


def _written(path: Path, searcher: Tuner, hypermodel: HyperMLHyperModel) -> TuningResult:
    """Writes what was found."""
    best = searcher.oracle.get_best_trials(1)[0]
    config = hypermodel.config_of(best.hyperparameters)
    score = float(best.score)
    table = trials_table(searcher.oracle)
    table.to_csv(path / TABLE, index=False)
    found = {
        "objective": searcher.oracle.objective.name,
        "score": score,
        "trial": best.trial_id,
        "epoch": best.best_step + 1,
    }
    _write_json(path / BEST, {"settings": config.to_dict(), **found})
    try:
        draw_search(searcher.oracle, path / PICTURE, path / PAGE)
    except ImportError as error:
        logger.warning("No picture was drawn: %s", error)
    return TuningResult(path, config, score, table)


def _write_json(path: Path, values: dict[str, Any]) -> None:
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps(values, indent=2) + "\n")
    scratch.replace(path)
