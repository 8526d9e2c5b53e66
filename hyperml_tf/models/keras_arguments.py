"""Arguments of Keras's methods that recommenders honour in their own way or refuse, so that none is ignored."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.metrics import NDCG, HitRate
from hyperml_tf.metrics.ranking_metric import RankingMetric
from hyperml_tf.models import batches
from hyperml_tf.tables.ids import id_array

_INSTEAD = {
    "class_weight": "the data has no classes. To weight rows, give a dataset with a column `sample_weight`",
    "sample_weight": "the rows are interactions. To weight them, give a dataset with a column `sample_weight`",
    "loss": "the loss is part of the model, see `compute_loss`; its settings are arguments of the model",
    "loss_weights": "the loss is part of the model, see `compute_loss`; its settings are arguments of the model",
    "weighted_metrics": "the metrics are those of ranking. Pass `metrics`; a column `sample_weight` weights them",
    "jit_compile": (
        "XLA cannot compile lookups of ids and tables of known pairs. An optimizer of `hyperml_tf.optimizers` can be compiled "
        "by itself: pass `jit_compile=True` to it"
    ),
    "shuffle": "the rows of an `Interactions` are shuffled. To keep an order, give a dataset, see `raw_dataset`",
    "batch_size": "a dataset is batched itself, and batches of an `Interactions` have a fixed size",
    "y": "the interactions are the targets",
}
_OFF: dict[str, Any] = {"jit_compile": (None, False), "shuffle": (None, True)}


def refuse(**arguments: Any) -> None:
    """Raises a `ValueError` for the first argument that is set, with the reason and what to do instead.

    Args:
        **arguments: Values by name: of `y` and of arguments of `tf.keras.Model` that a recommender has no use for.
    """
    for name, value in arguments.items():
        allowed = _OFF.get(name, (None,))
        empty = isinstance(value, (list, tuple, dict)) and not value
        if not empty and not any(value is one for one in allowed):
            received = f"{name}={value!r}" if isinstance(value, (bool, str, int, float)) else type(value).__name__
            raise ValueError(f"`{name}` must be {allowed[-1]}: {_INSTEAD[name]}. Received: {received}")


class Measures:
    """The ranking metrics of validation under each protocol, and the number of rows that training left out.

    They are no state of a model, so Keras does not track them: weights can be loaded into a model with other metrics.

    Attributes:
        ranking: Lists of ranking metrics by protocol, "full" and "sampled100".
        unknown: The sum of training rows whose user or item is unknown.
    """

    def __init__(self, asked: Any = None) -> None:
        self.asked = _ranking_metrics(asked)
        self.ranking = {
            protocol: [_renamed(metric, f"{protocol}_{metric.name}") for metric in self._wanted()]
            for protocol in ("full", "sampled100")
        }
        self.unknown = tf.keras.metrics.Sum(name="unknown_rows")

    def _wanted(self) -> list[RankingMetric]:
        defaults = [HitRate(10), NDCG(10)]
        return list({metric.name: metric for metric in [*defaults, *self.asked]}.values())

    @property
    def all(self) -> list[RankingMetric]:
        """All ranking metrics."""
        return [metric for metrics in self.ranking.values() for metric in metrics]


def _ranking_metrics(asked: Any) -> list[RankingMetric]:
    metrics = [] if asked is None else list(asked) if isinstance(asked, (list, tuple)) else [asked]
    for metric in metrics:
        if not isinstance(metric, RankingMetric):
            raise ValueError(
                "`metrics` must be ranking metrics, such as `[hyperml_tf.metrics.NDCG(5)]`, which are computed in validation: "
                f"there are no labels and predictions for others. Received: {metric!r}"
            )
    return metrics


def _renamed(metric: RankingMetric, name: str) -> RankingMetric:
    return type(metric).from_config({**metric.get_config(), "name": name})


def one_batch(x: Any) -> Any:
    """Returns a batch for `train_on_batch` and the like: lists of ids become arrays, which Keras takes as one tensor."""
    if not isinstance(x, Mapping):
        raise ValueError(
            f"`x` must be a dictionary with {batches.QUERY!r} and {batches.CANDIDATE!r}. Received: {type(x).__name__}"
        )
    return {name: _column(name, values) for name, values in x.items()}


def _column(name: str, values: Any) -> Any:
    if tf.is_tensor(values):
        return values
    if name in (batches.QUERY, batches.CANDIDATE):
        ids = id_array(values, name)
        return tf.constant(ids.tolist() if ids.dtype.kind == "O" else ids)
    return tf.convert_to_tensor(np.asarray(values))


def unpacked(data: Any) -> Any:
    """Returns the batch of a step. Keras wraps the one of `train_on_batch` in a tuple, with its targets and weights if any.

    Raises:
        ValueError: If there are targets or weights beside the batch.
    """
    if not isinstance(data, tuple):
        return data
    for name, value in zip(("y", "sample_weight"), data[1:], strict=False):
        refuse(**{name: value})
    return data[0]


def check_saving(model: Any, path: Any, save_format: str | None) -> None:
    """Requires the format in which the ids and histories of a model are saved.

    Raises:
        ValueError: If a whole model would be saved in another format than `.keras`.
    """
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else repr(path)
    if str(name).endswith(".keras") and save_format in (None, "keras"):
        return
    raise ValueError(
        f"`filepath` must end with `.keras`: a {type(model).__name__} is saved in no other format of Keras. {WAYS_TO_SAVE} "
        f"Received: filepath={str(name)!r}, save_format={save_format!r}"
    )


WAYS_TO_SAVE = (
    'Use `model.save("model.keras")` to load it in Python again, `hyperml_tf.export_saved_model(model, path)` to serve it, or '
    "`model.save_weights(path)` for its weights alone."
)
