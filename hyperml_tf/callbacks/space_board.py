"""A callback that writes to TensorBoard how the learned space changes."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_checks import as_path, count
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.files.whole import whole_file
from hyperml_tf.geometry import poincare
from hyperml_tf.models import MetricRecommender


@names_arguments
class SpaceBoard(tf.keras.callbacks.Callback):
    """Writes to TensorBoard how the learned space of a `HyperML`, or of another `MetricRecommender`, changes.

    After every epoch it writes

    - `space/radius/users` and `space/radius/items`, histograms of the distances from the origin,
    - `space/curvature`, which changes if it is learned,
    - `gradients/...`, the mean norm of the gradients in a training step, of each trained variable and of all,
    - `speed/examples_per_second`, without validation,
    - `epoch/...`, the loss and the metrics.

    After training it writes the items for the embedding projector: their tangent vectors at the origin, which keep the
    distances from it and the directions, with their ids and labels. Show it by `tensorboard --logdir LOG_DIR`.

    Args:
        log_dir: String or path, the directory of the logs.
        labels: Optional mapping from names of columns, such as "title", to the labels of the items, in the order of the ids of
            the model. Defaults to `None`, ids only.
        sample: Integer >= 1, the number of users and of items in a histogram, drawn once, and the largest number of items in
            the projector: the first ones of the vocabulary. Defaults to `10000`.

    Raises:
        TypeError: In `fit`, if the model is not a `MetricRecommender`.
        ValueError: If `sample` is out of its range; in `fit`, if the model has another number of items than labels.

    Example:

    >>> import tempfile
    >>> from hyperml_tf.data import Interactions
    >>> from hyperml_tf.models import HyperML
    >>> table = Interactions.from_arrays(["u1", "u1", "u2", "u2"], ["a", "b", "b", "c"])
    >>> model = HyperML.from_interactions(table, dim=4)
    >>> model.compile()
    >>> with tempfile.TemporaryDirectory() as logs:
    ...     board = SpaceBoard(logs, labels={"title": ["Apple", "Bread", "Cheese"]})
    ...     history = model.fit(table, epochs=1, verbose=0, callbacks=[board])
    ...     print((Path(logs) / "items.tsv").read_text().split())
    ['id', 'title', 'a', 'Apple', 'b', 'Bread', 'c', 'Cheese']
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        labels: Mapping[str, Sequence[Any]] | None = None,
        sample: int = 10_000,
    ) -> None:
        super().__init__()
        self.log_dir, self.labels, self.sample = as_path(log_dir=log_dir), dict(labels or {}), count(sample=sample)

    def set_model(self, model: Any) -> None:
        """Called by Keras before it traces the training step, which measures from then on."""
        if not isinstance(model, MetricRecommender):
            raise TypeError(
                f"`model` must be a `MetricRecommender`, such as `HyperML`. Received: {type(model).__name__}"
            )
        n_items = len(model.candidate_tower)
        for column, values in self.labels.items():
            if len(values) != n_items:
                raise ValueError(
                    f"`labels` must have one label per item of the model, {n_items}. "
                    f"Received: {len(values)} in the column {column!r}"
                )
        super().set_model(model)
        self._step = model.measure_steps()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._writer = tf.summary.create_file_writer(str(self.log_dir))
        towers = {"users": self.model.query_tower, "items": self.model.candidate_tower}
        rng = np.random.default_rng(0)
        self._sampled = {
            name: (tower, tf.constant(np.sort(rng.permutation(len(tower))[: self.sample]), tf.int32))
            for name, tower in towers.items()
        }

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._step.reset()
        self._seconds = 0.0
        self._started: float | None = time.perf_counter()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._seconds, self._started = self._trained_for(), None

    def _trained_for(self) -> float:
        return self._seconds + (0.0 if self._started is None else time.perf_counter() - self._started)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        c = self.model.curvature()
        with self._writer.as_default(step=epoch):
            for name, (tower, codes) in self._sampled.items():
                tf.summary.histogram(f"space/radius/{name}", poincare.distance0(tower.points(codes), c))
            tf.summary.scalar("space/curvature", c)
            for name, norm in self._step.gradient_norms().items():
                tf.summary.scalar(f"gradients/{name}", norm)
            tf.summary.scalar("speed/examples_per_second", self._step.examples() / max(self._trained_for(), 1e-9))
            for name, value in (logs or {}).items():
                tf.summary.scalar(f"epoch/{name}", value)
        self._writer.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._writer.close()
        self._project()

    def _project(self) -> None:
        """Writes the tangent vectors of the items, and their ids and labels, where the projector finds them."""
        # TensorBoard takes a second to import.
        from tensorboard.plugins import projector

        lookup = self.model.candidate_lookup
        n = min(self.sample, len(lookup))
        points = self.model.candidate_tower.points(tf.range(n))
        vectors = poincare.logmap0(points, self.model.curvature()).numpy()
        ids = lookup.raw_array(np.arange(n)).tolist()
        rows = [[id_, *values] for id_, *values in zip(ids, *(list(v)[:n] for v in self.labels.values()), strict=True)]
        _write_tsv(self.log_dir / "vectors.tsv", vectors.tolist())
        # The projector reads a single column without a heading.
        heading = [["id", *self.labels]] if self.labels else []
        _write_tsv(self.log_dir / "items.tsv", [*heading, *rows])
        config = projector.ProjectorConfig()
        embedding = config.embeddings.add()
        embedding.tensor_name, embedding.tensor_path, embedding.metadata_path = "items", "vectors.tsv", "items.tsv"
        projector.visualize_embeddings(str(self.log_dir), config)


def _write_tsv(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    with whole_file(path) as scratch, scratch.open("w", newline="", encoding="utf-8") as file:
        for row in rows:
            # The format has no quotes: any white space within a value is a space.
            file.write("\t".join(" ".join(str(value).split()) for value in row) + "\n")
