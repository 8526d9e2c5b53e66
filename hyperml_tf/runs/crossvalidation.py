"""k-fold cross-validation of settings on a table."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_checks import check_instance
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import Interactions
from hyperml_tf.data.splits import Split, k_folds
from hyperml_tf.runs import fitting
from hyperml_tf.runs.evaluation import Evaluation
from hyperml_tf.runs.finishing import write_json
from hyperml_tf.runs.held_out import HeldOut
from hyperml_tf.settings import TrainingConfig

logger = logging.getLogger(__name__)

Metrics = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class CrossValidation:
    """The metrics of each fold, made by `cross_validate`.

    Args:
        folds: The metrics of each fold: `"test"` of the model, and `"popularity"`, whose `"test"` is that of popularity.

    Example:

    >>> fold = {"test": {"full_recall@10": 0.2}, "popularity": {"test": {"full_recall@10": 0.1}}}
    >>> other = {"test": {"full_recall@10": 0.3}, "popularity": {"test": {"full_recall@10": 0.1}}}
    >>> CrossValidation((fold, other)).summary()["full_recall@10"]["mean"]
    0.25
    """

    folds: tuple[Metrics, ...]

    def summary(self) -> dict[str, dict[str, float]]:
        """Returns for each metric of the model its `mean` over folds, its standard deviation `std`, the ends `low` and `high` of
        the 95 % confidence interval of the mean, by Student's t, and the mean `popularity`.

        The training rows of folds overlap, so the true interval is somewhat wider. With one finished fold there is none, and
        `std`, `low` and `high` are missing.
        """
        from scipy import stats

        found = {}
        for name in self.folds[0]["test"]:
            values = np.array([fold["test"][name] for fold in self.folds])
            of_popularity = np.mean([fold["popularity"]["test"][name] for fold in self.folds])
            found[name] = {"mean": float(values.mean()), "popularity": float(of_popularity)}
            if len(values) > 1:
                deviation = float(values.std(ddof=1))
                width = float(stats.t.ppf(0.975, len(values) - 1)) * deviation / len(values) ** 0.5
                mean = found[name]["mean"]
                found[name] |= {"std": deviation, "low": mean - width, "high": mean + width}
        return found

    def to_dict(self) -> dict[str, Any]:
        """Returns the summary and all folds as plain values, for JSON."""
        return {"summary": self.summary(), "folds": list(self.folds)}


@names_arguments
def cross_validate(
    table: str | os.PathLike[str] | Interactions,
    folds: int = 5,
    config: TrainingConfig | None = None,
    callbacks: Sequence[tf.keras.callbacks.Callback] = (),
    *,
    metrics: Sequence[str] | None = None,
    out: str | os.PathLike[str] | None = None,
) -> CrossValidation:
    """Trains a model on each of several splits of a table, in which every row is for test once, and evaluates it.

    See `hyperml_tf.data.k_folds` for the splits. The weights of the epoch that is best on the validation rows are evaluated, as
    in `train_run`. Nothing is exported: train a run with the settings that you choose.

    Args:
        table: Path of a table, see `Interactions.from_file`, or an `Interactions`.
        folds: Integer >= 2, number of folds. Defaults to `5`.
        config: A `TrainingConfig`, whose `split` is not used: rows are held out at random. Defaults to `None`, the default
            settings.
        callbacks: Further Keras callbacks, for the training of every fold. Defaults to `()`.
        metrics: Names of metrics of users, see `Run.evaluate`. Defaults to `None`: hit rate, recall, nDCG and MAP, and MRR.
        out: Optional path of a JSON file, which is written after every fold. Defaults to `None`, no file.

    Returns:
        A `CrossValidation`.

    Raises:
        FileNotFoundError: If there is no such table.
        DivergedError: If the loss or the weights are no longer finite.
        ValueError: If the table is invalid, or `folds` is not an integer >= 2.

    Example:

    >>> from hyperml_tf import TrainingConfig, synthesize
    >>> table = synthesize(n_users=40, n_items=120, n_rows=400).table
    >>> found = cross_validate(table, folds=2, config=TrainingConfig(dim=4, epochs=1))
    >>> len(found.folds), sorted(found.summary()["full_ndcg@10"])
    (2, ['high', 'low', 'mean', 'popularity', 'std'])
    """
    check_instance(TrainingConfig, type(None), config=config)
    given = dataclasses.replace(config or TrainingConfig(), split="random")
    data = table if isinstance(table, Interactions) else Interactions.from_file(table, **given.reading())
    found: list[Metrics] = []
    for number, split in enumerate(k_folds(data, folds, given.seed)):
        found.append(_of_fold(data, split, given, callbacks, metrics))
        logger.info("Fold %d of %d: %d users evaluated.", number + 1, folds, len(np.unique(split.test.users)))
        if out is not None:
            write_json(Path(out), {"settings": given.to_dict(), **CrossValidation(tuple(found)).to_dict()})
    return CrossValidation(tuple(found))


def _of_fold(
    data: Interactions, split: Split, given: TrainingConfig, callbacks: Sequence[Any], metrics: Sequence[str] | None
) -> Metrics:
    config = given.resolved(split.train)
    model = fitting.new_model(split.train, config)
    validation = split.validation if len(split.validation) else None
    fitting.fit(model, split.train, validation, config.epochs, config.batch_size, callbacks)
    held_out = HeldOut.of(data, split, "random", given.seed)
    found = Evaluation(model, held_out).metrics(metrics=metrics)
    return {"test": found["test"], "popularity": {"test": found["popularity"]["test"]}}
