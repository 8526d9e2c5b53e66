"""A finished run on disk."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hyperml_tf._argument_checks import as_path
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import Interactions, ItemTable
from hyperml_tf.metrics import user_metrics
from hyperml_tf.metrics.gains import CUTOFFS
from hyperml_tf.models import HyperML, load_model
from hyperml_tf.preparation import PreparedTable
from hyperml_tf.runs import streamed
from hyperml_tf.runs.evaluation import Evaluation
from hyperml_tf.runs.held_out import HeldOut, TestHistory, check_test_history
from hyperml_tf.runs.layout import CONFIG, DIVERGED, HELD_OUT, ITEMS, METRICS, MODEL, WEIGHTED_ROWS, read_json
from hyperml_tf.runs.weighted_rows import load_weighted_rows
from hyperml_tf.settings import TrainingConfig


@names_arguments
@dataclasses.dataclass(frozen=True)
class Run:
    """A finished run: the directory that `train_run` or `update_run` wrote.

    It has the settings in `config.json`, metrics in `metrics.json`, one line per epoch in `history.csv`, the Keras model and the
    held-out rows in `model/`, the exported model in `saved_model/1/`, a picture of the items in `disk.png`, and what was given of
    the items, such as titles, in `items.parquet`.

    The weights were trained on the training rows only (`training`). The histories in the saved and in the exported model are all
    rows of the table (`table`), so that users are served by all that is known of them; `recommend` excludes all of it. Metrics
    are independent of these histories: a user is represented by the rows before the held-out one, see `evaluate`.

    A run of `update_run` has the same files. Its `lineage` says which run it continues.

    A run may come from anybody: reading it runs no code that it holds, see `load_model`. Its export is another matter: a
    SavedModel is a program.

    Args:
        path: Path of the directory. To check that it holds a finished run, use `Run.load`.
        custom_objects: Classes and functions of your own in the model, see `load_model`. Defaults to `None`.

    Example:

    >>> from hyperml_tf import TrainingConfig, synthesize, train_run
    >>> table = synthesize(n_users=40, n_items=120, n_rows=400).table
    >>> path = train_run(table, "runs/example", TrainingConfig(dim=4, epochs=1)).path
    >>> Run.load(path).config.dim
    4
    """

    path: Path
    custom_objects: Mapping[str, Any] | None = None

    @classmethod
    def load(cls, path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None) -> Run:
        """Opens a run.

        Args:
            path: Path of its directory.
            custom_objects: Classes and functions of your own in the model, see `load_model`. Defaults to `None`.

        Raises:
            FileNotFoundError: If there is no finished run at `path`.
        """
        run = cls(as_path(path=path), custom_objects)
        for name in (CONFIG, METRICS, MODEL):
            if not (run.path / name).is_file():
                why = "its training diverged" if (run.path / DIVERGED).is_file() else f"it has no {name}"
                raise FileNotFoundError(f"`{path}` is not a finished run: {why}.")
        return run

    @functools.cached_property
    def config(self) -> TrainingConfig:
        """The settings, including the values that were derived from the table."""
        return TrainingConfig.of_argument(str(self.path / CONFIG), self.described["settings"])

    @functools.cached_property
    def metrics(self) -> dict[str, Any]:
        """The metrics, as in `metrics.json`."""
        return read_json(self.path / METRICS)

    @functools.cached_property
    def described(self) -> dict[str, Any]:
        """The contents of `config.json`."""
        described = read_json(self.path / CONFIG)
        if not isinstance(described.get("settings"), dict) or not isinstance(described.get("fingerprint"), str):
            raise ValueError(
                f"`{self.path / CONFIG}` must be that of a run, with its settings. Received: {sorted(described)}"
            )
        return described

    @functools.cached_property
    def model(self) -> HyperML:
        """The trained model, compiled and with the state of its optimizer, so that `fit` trains it further.

        The learning rate has fallen to 0 in training; further training has a tenth of the initial one. `compile` it for another.
        To continue on the training rows, `model.fit(run.training, replace_seen=True)`: its histories have the held-out rows, too.
        """
        return load_model(self.path / MODEL, self.custom_objects, HyperML)

    @functools.cached_property
    def held_out(self) -> HeldOut | None:
        """The held-out rows and their negatives; `None` if the run was trained on all rows."""
        if self.config.split == "none":
            return None
        if self._prepared is not None:
            return streamed.all_held_out(self._prepared)
        table = self.table if self._is_weighted else self._vocabulary()
        return HeldOut.load(self.path / HELD_OUT, table, self.described["fingerprint"])

    @functools.cached_property
    def table(self) -> Interactions:
        """All rows of the table, with their weights, in the codes of the vocabularies of the model, whose histories they are."""
        if self._prepared is not None:
            return self._prepared.interactions()
        vocabulary = self._vocabulary()
        if self._is_weighted:
            return load_weighted_rows(self.path / WEIGHTED_ROWS, vocabulary, self.described["fingerprint"])
        return dataclasses.replace(vocabulary, users=self.model.seen.users, items=self.model.seen.items)

    @functools.cached_property
    def items(self) -> ItemTable | None:
        """What the run knows of its items, such as titles; `None` if it was trained without a table of items."""
        path = self.path / ITEMS
        return ItemTable.from_file(path, self.model.candidate_tower.ids, item_column="item") if path.exists() else None

    @property
    def training(self) -> Interactions:
        """The rows that the weights were trained on; those of `table` if no rows were held out."""
        return self.table if self.held_out is None else self.held_out.split.train

    @property
    def fingerprint(self) -> str:
        """The fingerprint of `table`, see `Interactions.fingerprint`."""
        return str(self.described["fingerprint"])

    @property
    def lineage(self) -> list[dict[str, Any]]:
        """The updates that made this run of a first one, oldest first, see `update_run`; empty for a run of `train_run`."""
        found = self.described.get("lineage", [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ValueError(
                f"`{self.path / CONFIG}` is damaged: `lineage` must be a list of updates. Received: {found!r}"
            )
        return found

    @property
    def card(self) -> dict[str, Any]:
        """The entries of the run in model cards; see `export_saved_model`."""
        return card(self.described, self.metrics)

    @functools.cached_property
    def _prepared(self) -> PreparedTable | None:
        """The prepared table that the run was trained on shard by shard, if it was."""
        if "prepared" not in self.described:
            return None
        table = PreparedTable.open(str(self.described["prepared"]))
        if table.fingerprint != self.fingerprint:
            raise ValueError(
                f"`{table.path}` must be the prepared table of the run in {str(self.path)!r}, {self.fingerprint}. "
                f"Received: {table.fingerprint}"
            )
        return table

    @property
    def _is_weighted(self) -> bool:
        return (self.path / WEIGHTED_ROWS).is_file()

    def _vocabulary(self) -> Interactions:
        nothing = np.zeros(0, np.int32)
        return Interactions(nothing, nothing, self.model.query_tower.ids, self.model.candidate_tower.ids)

    def evaluation(self, test_history: TestHistory = "before_test", items: ItemTable | None = None) -> Evaluation:
        """Returns the evaluation of the model on the stored held-out rows: of single users, of lists, and against another run.

        Args:
            test_history: See `evaluate`. Defaults to `"before_test"`.
            items: Optional `ItemTable`, for titles and categories. Defaults to `None`, that of the run, if it has one.

        Raises:
            ValueError: If the run has no held-out rows, or `test_history` is unknown.
        """
        if self.held_out is None:
            raise ValueError(
                "`split` of the run must be 'last', 'random' or 'time:...': without, there are no held-out rows to evaluate. "
                f"Received: split='none' in {str(self.path)!r}"
            )
        if not len(self.held_out.split.test):
            raise ValueError(
                "The run must have held-out rows: its update had too few new rows to hold any out. "
                f"Received: none in {str(self.path)!r}"
            )
        return Evaluation(self.model, self.held_out, test_history, self.items if items is None else items)

    def evaluate(
        self,
        test_history: TestHistory = "before_test",
        ks: Sequence[int] = CUTOFFS,
        metrics: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Evaluates the model on the stored held-out rows again.

        Everything before the held-out item is known: validation items are ranked for users with their training rows as history,
        test items for users with their training and validation rows.

        Args:
            test_history: String, "before_test" or "train". The latter is the older protocol, in which users are represented by
                their training rows in the test, too. Defaults to `"before_test"`.
            ks: Positive integers, the cut-offs. Defaults to `(5, 10, 20)`.
            metrics: Names of metrics, each at every cut-off. Of the rank of held-out items `"hr"`, `"recall"`, `"precision"`,
                `"f1"`, `"ndcg"`, `"map"` and `"mrr"`, see `hyperml_tf.metrics.user_metrics`; of the lists of users `"coverage"`,
                `"gini"`, `"novelty"`, `"diversity"`, `"distinct_categories"` and `"popularity_lift"`, see
                `hyperml_tf.metrics.lists`. Defaults to `None`, those of `metrics.json`: hit rate and nDCG, and where users have
                several test items recall and MAP, too; and MRR without a cut-off.

        Returns:
            Metrics of held-out items under `"validation"`, `"test"` and `"popularity"`, with names such as `"full_ndcg@10"`; by
            default those in `metrics.json`. Those of lists are under `"lists"`, see `Evaluation.lists`. A run of `update_run` has
            no validation rows.

        Raises:
            ValueError: If the run has no held-out rows, `test_history` or a metric is unknown, or a cut-off is not a positive
                integer.
        """
        check_test_history(test_history)
        of_users = metrics is None or set(metrics) <= set(user_metrics.METRICS)
        if self._prepared is not None and self.config.split != "none" and of_users:
            return streamed.evaluate(self.model, self._prepared, test_history, ks, metrics)
        return self.evaluation(test_history).metrics(ks, metrics)


def card(config: dict[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    """Returns the entries of a run in model cards, from the contents of `config.json` and `metrics.json`."""
    measured = {name: metrics[name] for name in ("validation", "test", "before", "popularity") if name in metrics}
    lineage = {"lineage": config["lineage"]} if "lineage" in config else {}
    return {
        "table": {"fingerprint": config["fingerprint"]},
        "settings": config["settings"],
        "metrics": measured,
        **lineage,
    }
