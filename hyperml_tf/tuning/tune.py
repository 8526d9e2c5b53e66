"""From a table to good hyperparameters: the search behind `hyperml-tf tune`."""

from __future__ import annotations

import dataclasses
import logging
import math
import os
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from hyperml_tf._argument_checks import as_path, check_instance, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.files.whole import whole_file
from hyperml_tf.runs import TrainingConfig, fitting, reading
from hyperml_tf.runs.held_out import HeldOut
from hyperml_tf.tuning import project
from hyperml_tf.tuning.analysis import trials_table
from hyperml_tf.tuning.failures import disk_full_is_fatal
from hyperml_tf.tuning.hyperml_hyper_model import HyperMLHyperModel
from hyperml_tf.tuning.listener import Listener
from hyperml_tf.tuning.pictures import draw_search
from hyperml_tf.tuning.search_space import SearchSpace
from hyperml_tf.tuning.tuner import Tuner
from hyperml_tf.tuning.tuners import BayesianOptimization, GridSearch, Hyperband, RandomSearch

logger = logging.getLogger(__name__)

TUNERS = ("bayesian", "random", "hyperband", "grid")
OBJECTIVES = ("val_sampled100_ndcg@10", "val_sampled100_hr@10", "val_full_ndcg@10", "val_full_hr@10")
"""What a search can maximize. Not the loss, which grows with the margin, a hyperparameter."""
_MAX_TRIALS = 30
_TRIALS = "trials"
_RESULTS = _BEST, _TABLE, _PICTURE, _PAGE = ("best.json", "trials.csv", "search.png", "search.html")


@dataclasses.dataclass(frozen=True)
class TuningResult:
    """The result of a search.

    Args:
        path: The directory with its files.
        config: The settings of the best trial.
        score: Float, the objective of the best trial.
        trials: All trials, see `trials_table`.

    Example:

    >>> result = TuningResult(Path("search"), TrainingConfig(dim=32), 0.25, pd.DataFrame())
    >>> result.config.dim
    32
    """

    path: Path
    config: TrainingConfig
    score: float
    trials: pd.DataFrame


@names_arguments
def tune_table(
    table: reading.Table,
    out: str | os.PathLike[str],
    tuner: Literal["bayesian", "random", "hyperband", "grid"] = "bayesian",
    max_trials: int | None = None,
    space: SearchSpace | None = None,
    config: TrainingConfig | None = None,
    objective: str = fitting.MONITOR,
    validate_every: int = 2,
    listener: Listener | None = None,
) -> TuningResult | None:
    """Searches for the hyperparameters that are best on the validation rows of a table. The test rows are not used.

    Writes `best.json`, which `hyperml-tf train --config` takes, `trials.csv`, `search.png`, `search.html`, and the trials in the
    format of keras-tuner. Called again with the same arguments, it resumes a search that was interrupted; with a higher
    `max_trials` also one that had ended. A random or Bayesian search begins with the settings of `config`, as a baseline.

    With the environment variables of keras-tuner for a chief and workers, several processes share a search.

    Args:
        table: The path of a table, see `Interactions.from_file`, or of a directory that `prepare` wrote; `Interactions` or a
            `PreparedTable`.
        out: The path of the directory to write.
        tuner: String, one of `"bayesian"`, `"random"`, `"hyperband"` and `"grid"`. Defaults to `"bayesian"`.
        max_trials: Optional integer, at least 1, the number of trials. Defaults to 30, with `"hyperband"` and `"grid"` to all.
        space: What to search. Defaults to `SearchSpace.default()`.
        config: The settings that are not searched, among them columns, split, epochs and seed. Defaults to `TrainingConfig()`.
        objective: String, one of `OBJECTIVES`. Defaults to `"val_sampled100_ndcg@10"`.
        validate_every: Integer, at least 1, the epochs between validations. Defaults to 2.
        listener: Optional object, see `Tuner`.

    Returns:
        A `TuningResult`; `None` in a worker.

    Raises:
        DiskFullError: If the disk is full.
        FatalRuntimeError: If every trial has failed.
        FileExistsError: If `out` is a file, or holds files of others with the names of those of a search.
        FileNotFoundError: If there is no such table.
        ValueError: If an argument is out of its range, or if `out` holds a search that began with other arguments.

    Example:

    >>> from hyperml_tf.data import synthesize
    >>> table = synthesize(n_users=40, n_items=120, n_rows=400).table
    >>> config = TrainingConfig(epochs=1, batch_size=256)
    >>> result = tune_table(table, "search", "random", max_trials=1, space=SearchSpace({"dim": [4, 8]}), config=config)
    >>> len(result.trials), result.config.dim
    (1, 4)
    """
    check_instance(TrainingConfig, type(None), config=config)
    config, path = config or TrainingConfig(), as_path(out=out)
    if tuner not in TUNERS:
        raise ValueError(f"`tuner` must be one of {TUNERS}. Received: tuner={tuner!r}")
    if max_trials is not None:
        count(max_trials=max_trials)
    if objective not in OBJECTIVES:
        raise ValueError(f"`objective` must be one of {OBJECTIVES}. Received: objective={objective!r}")
    if config.split == "none":
        raise ValueError(
            "`split` must be 'last', 'random' or 'time:...', to hold rows out for validation. Received: split='none'"
        )
    if path.is_file():
        raise FileExistsError(f"`out` must be a directory. Received a file: {path}")
    if not (path / _TRIALS).exists() and (taken := [name for name in _RESULTS if (path / name).exists()]):
        raise FileExistsError(
            "`out` must not hold files of others with the names of those of a search. Choose another directory. "
            f"Received: {str(path)!r} with {', '.join(taken)}"
        )
    data = reading.loaded(table, config)
    split = HeldOut.draw(data, config.split, seed=0).split
    hypermodel = HyperMLHyperModel(
        split.train, split.validation, space or SearchSpace.default(), config, validate_every
    )
    searcher = _new_tuner(tuner, hypermodel, objective, max_trials, path, listener)
    logger.info("%d users, %d items, %d validation rows", data.n_users, data.n_items, len(split.validation))
    if tuner == "grid":
        grid = math.prod(len(tuple(hp.values)) for hp in searcher.oracle.get_space().space)
        logger.info("The grid has %s combinations.", f"{grid:,}")
    if not project.is_worker() and (finished := len(searcher.oracle.end_order)):
        logger.info("Resuming after %d finished trials.", finished)
    searcher.search(verbose=0)
    if project.is_worker():
        return None
    with disk_full_is_fatal(str(path)):
        return _write_result(path, searcher, hypermodel)


def _new_tuner(
    tuner: str,
    hypermodel: HyperMLHyperModel,
    objective: str,
    max_trials: int | None,
    path: Path,
    listener: Listener | None,
) -> Tuner:
    arguments: dict[str, Any] = {
        "hypermodel": hypermodel,
        "objective": objective,
        "seed": hypermodel.config.seed,
        "directory": str(path),
        "project_name": _TRIALS,
        "listener": listener,
    }
    if tuner == "hyperband":
        hyperband = Hyperband(max_epochs=hypermodel.config.epochs, **arguments)
        hyperband.oracle.max_trials = max_trials
        return hyperband
    if tuner == "grid":
        return GridSearch(max_trials=max_trials, **arguments)
    arguments |= {"max_trials": max_trials or _MAX_TRIALS, "start_with_defaults": True}
    if tuner == "random":
        return RandomSearch(**arguments)
    # keras-tuner's default, three random trials for each hyperparameter, would leave hardly any to be guided.
    return BayesianOptimization(num_initial_points=max(3, arguments["max_trials"] // 3), **arguments)


def _write_result(path: Path, searcher: Tuner, hypermodel: HyperMLHyperModel) -> TuningResult:
    oracle = searcher.oracle
    best = oracle.get_best_trials(1)[0]
    config, score, table = hypermodel.config_of(best.hyperparameters), float(best.score), trials_table(oracle)
    with whole_file(path / _TABLE) as scratch:
        table.to_csv(scratch, index=False)
    found = {
        "settings": config.to_dict(),
        "objective": oracle.objective.name,
        "score": score,
        "trial": best.trial_id,
        "epoch": best.best_step + 1,
    }
    project.write_json(str(path / _BEST), found, indent=2)
    try:
        with whole_file(path / _PICTURE) as picture, whole_file(path / _PAGE) as page:
            draw_search(oracle, picture, page)
    except ImportError as error:
        logger.warning("No picture was drawn: %s", error)
    return TuningResult(path, config, score, table)
