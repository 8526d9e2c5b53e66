"""A finished run on disk."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.data import Interactions
from hyperml_tf.models import HyperML
from hyperml_tf.models.baselines import Popularity
from hyperml_tf.runs.held_out import HeldOut
from hyperml_tf.settings import TrainingConfig

CONFIG, METRICS, HISTORY, PICTURE = "config.json", "metrics.json", "history.csv", "disk.png"
MODEL, HELD_OUT, SAVED_MODEL = "model/model.keras", "model/held_out.npz", "saved_model/1"


@dataclasses.dataclass(frozen=True)
class Run:
    """The directory that `train_run` wrote.

    `config.json` the settings, `metrics.json` the metrics, `history.csv` a line an epoch, `model/` the model to resume or
    reload and the held-out rows, `saved_model/1/` the export, `disk.png` the picture.

    Args:
        path: the directory.
    """

    path: Path

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Run:
        """Opens a run.

        Raises:
            FileNotFoundError: if there is no finished run at `path`.
        """
        run = cls(Path(path))
        for name in (CONFIG, METRICS, MODEL):
            if not (run.path / name).is_file():
                raise FileNotFoundError(f"`{path}` is not a finished run: it has no {name}.")
        return run

    @functools.cached_property
    def config(self) -> TrainingConfig:
        """The settings it was trained with, with the values that were chosen for its table."""
        return TrainingConfig.from_dict(json.loads((self.path / CONFIG).read_text())["settings"])

    @functools.cached_property
    def metrics(self) -> dict[str, Any]:
        """What was measured, as in `metrics.json`."""
        return json.loads((self.path / METRICS).read_text())

    @functools.cached_property
    def model(self) -> HyperML:
        """The trained model, compiled, with its optimizer's state: `fit` goes on from here."""
        return tf.keras.models.load_model(self.path / MODEL)

    @functools.cached_property
    def held_out(self) -> HeldOut | None:
        """The held-out rows and their negatives; None for a run that trained on every row."""
        if self.config.split == "none":
            return None
        return HeldOut.load(self.path / HELD_OUT, self._vocabulary())

    @functools.cached_property
    def table(self) -> Interactions:
        """The rows the model was trained on, in the codes of its vocabularies."""
        vocabulary = self._vocabulary()
        return dataclasses.replace(vocabulary, users=self.model.seen.users, items=self.model.seen.items)

    @property
    def card(self) -> dict[str, Any]:
        """What the model card of an export says of the run: see `export_saved_model`."""
        return card(json.loads((self.path / CONFIG).read_text()), self.metrics)

    def _vocabulary(self) -> Interactions:
        nothing = np.zeros(0, np.int32)
        return Interactions(nothing, nothing, self.model.query_tower.ids, self.model.candidate_tower.ids)

    def evaluate(self) -> dict[str, Any]:
        """Ranks the stored held-out rows anew: `validation`, `test` and `popularity`, as in `metrics.json`.

        Raises:
            ValueError: if the run held nothing out.
        """
        if self.held_out is None:
            raise ValueError(f"`{self.path}` was trained with split 'none': it has no held-out rows to evaluate.")
        return evaluate(self.model, self.held_out)


def evaluate(model: HyperML, held_out: HeldOut) -> dict[str, Any]:
    """Metrics of a model and of popularity on the same held-out rows."""
    popularity = Popularity.from_interactions(held_out.split.train)
    popularity.fit(held_out.split.train)
    return {**held_out.report(model.scorer()), "popularity": held_out.report(popularity.scorer())}


def card(config: dict[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    """The entries of a model card that a run knows, from what its `config.json` and `metrics.json` hold."""
    measured = {name: metrics[name] for name in ("validation", "test", "popularity") if name in metrics}
    return {"table": {"fingerprint": config["fingerprint"]}, "settings": config["settings"], "metrics": measured}
