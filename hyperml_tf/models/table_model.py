"""Tables and datasets become the histories of a recommender, and the batches that it is trained and validated on."""

from __future__ import annotations

import logging
from typing import Any

import tensorflow as tf

from hyperml_tf.data import Interactions, training_dataset
from hyperml_tf.data.pipelines import KNOWN, Progress
from hyperml_tf.distribution import has_workers
from hyperml_tf.models import batches
from hyperml_tf.models.batch_model import BatchModel
from hyperml_tf.models.parameter_servers import endless_batches, made_here
from hyperml_tf.preparation import PreparedTable
from hyperml_tf.tables import IdList

logger = logging.getLogger(__name__)


class TableModel(BatchModel):
    """Base class of `Recommender`: a model that knows what its users have seen, and reads tables in batches.

    Args: those of `Recommender`.
    """

    def set_seen(self, interactions: Interactions | PreparedTable) -> None:
        """Replaces the interaction histories of all users.

        Items of a user's history are never sampled as negatives for that user and are excluded from recommendations by default.
        Users that are represented by their history move.

        Args:
            interactions: An `Interactions` with the rows of each user from the oldest to the newest. Rows with ids that the
                model does not know are dropped, with a warning. Or a `PreparedTable` that has those of the model.
        """
        if isinstance(interactions, PreparedTable):
            self._check_vocabularies(interactions)
            self.seen.set_histories(*interactions.histories())
        else:
            self.seen.set_interactions(self._recode(interactions, "interactions"))

    def add_seen(self, interactions: Interactions) -> None:
        """Extends the interaction histories, as `fit` does, without training.

        Args:
            interactions: An `Interactions`, as for `set_seen`. Its rows count as newer than those that are known; pairs that
                are known already keep their position.
        """
        self.seen.add_interactions(self._recode(interactions, "interactions"))

    def check_history(self) -> None:
        """Raises a `ValueError` if users are represented by their histories and all histories are empty."""

    def training_batches(
        self, rows: Interactions, batch_size: int, progress: Progress | None = None
    ) -> tf.data.Dataset:
        """Returns the dataset that `fit` makes of rows in the codes of the model. Their pairs must be in the histories.

        The shuffle of an epoch depends on the number of batches before it, so that a resumed run is reproducible.

        Args:
            rows: An `Interactions` in the codes of the model.
            batch_size: Integer >= 1, number of positives per batch.
            progress: Dataset of the numbers of batches before each epoch, see `training_dataset`. Defaults to `None`: one epoch,
                after the batches so far.
        """
        progress = self.batches.read_value if progress is None else progress
        return training_dataset(rows, batch_size, seed=self.seed, progress=progress)

    def prepared_batches(self, table: PreparedTable, batch_size: int, **arguments: Any) -> tf.data.Dataset:
        """Returns the dataset that `fit` makes of a prepared table.

        Args:
            table: A `PreparedTable` with the vocabularies of the model.
            batch_size: Integer >= 1, number of positives per batch.
            **arguments: Further arguments of `PreparedTable.dataset`.
        """
        self._check_vocabularies(table)
        own = {"seed": self.seed, "progress": self.batches.read_value, **self.window_options}
        return table.dataset(batch_size, **{**own, **arguments})

    @property
    def window_options(self) -> dict[str, Any]:
        """The arguments of `PreparedTable.dataset` for the histories that a training step reads; none if it reads none."""
        return {}

    def validation_dataset(self, data: Any) -> tf.data.Dataset | None:
        """Returns the dataset that Keras iterates over for validation.

        Args:
            data: An `Interactions` or a batched dataset, as `validation_data` of `fit`, or `None`.
        """
        if data is None:
            return None
        if isinstance(data, Interactions):
            held_out = self._recode(data, "validation_data")
            return batches.validation_dataset(held_out, self.seen.users, self.seen.items)
        batches.check_dataset(data, "validation_data")
        return data

    def _training_data(self, x: Any, batch_size: int | None, replace_seen: bool) -> tuple[Any, int | None]:
        """The dataset that Keras iterates over in `fit`, and the number of steps of an epoch if the dataset does not end."""
        if isinstance(x, Interactions):
            rows = self._recode(x, "x")
            if replace_seen:
                self.seen.set_interactions(rows)
            else:
                self.seen.add_interactions(rows)
            size = batch_size or batches.BATCH_SIZE
            if not has_workers(self.distribute_strategy):
                return self.training_batches(rows, size), None
            return endless_batches(
                lambda progress: self.training_batches(rows, size, progress),
                int(self.batches.read_value()),
            )
        if isinstance(x, PreparedTable):
            return self._prepared_data(x, batch_size or batches.BATCH_SIZE)
        if isinstance(x, tf.keras.utils.experimental.DatasetCreator):
            made = made_here(x, endless=has_workers(self.distribute_strategy))
            self._check_batches(made, batch_size)
            if KNOWN not in made.element_spec and not len(self.seen):
                raise ValueError(
                    "`set_seen` must be called before `fit` if the datasets of `x` are made by the workers: otherwise the "
                    "histories are unknown. Received: a DatasetCreator, and a model without histories"
                )
            return x, None
        self._check_batches(x, batch_size)
        if KNOWN not in x.element_spec and not len(self.seen):
            if x.cardinality() == tf.data.INFINITE_CARDINALITY:
                raise ValueError(
                    "`x` must be a finite dataset, or `set_seen` must be called first: otherwise the histories are unknown and "
                    "the items of a user would be drawn as negatives. Received: an infinite dataset"
                )
            # Histories have no weights.
            self.set_seen(
                Interactions.from_dataset(
                    x, batches.QUERY, batches.CANDIDATE, event_column=False, weight_column=False, rating_column=False
                )
            )
        if has_workers(self.distribute_strategy) and isinstance(x, tf.data.Dataset) and x.cardinality() >= 0:
            return x.repeat(), int(x.cardinality())
        return x, None

    def _check_batches(self, dataset: Any, batch_size: int | None) -> None:
        """Checks the dataset `x` of `fit`, and gives workers of parameter servers what they need to read its batches."""
        batches.check_dataset(dataset, "x", batch_size)
        spec, workers = dataset.element_spec, has_workers(self.distribute_strategy)
        if KNOWN in spec or workers:  # workers have no histories to read
            self._check_windows(spec)
        if workers and batches.QUERY in spec:
            # Outside of the graphs that read them.
            self.query_lookup.prepare()
            self.candidate_lookup.prepare()

    def _prepared_data(self, table: PreparedTable, batch_size: int) -> tuple[Any, int | None]:
        """As `_training_data`, of a prepared table."""
        strategy, before = self.distribute_strategy, int(self.batches.read_value())
        if has_workers(strategy):
            return endless_batches(lambda progress: self.prepared_batches(table, batch_size, progress=progress), before)
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return self._batches_of_own_shards(table, batch_size, before)
        return self.prepared_batches(table, batch_size), None

    def _batches_of_own_shards(self, table: PreparedTable, batch_size: int, before: int) -> tuple[Any, int]:
        """Batches of which each worker reads a part, from shards of its own, and their number in an epoch."""
        steps = -(-len(table.training) // batch_size)

        def own(context: tf.distribute.InputContext) -> tf.data.Dataset:
            return self.prepared_batches(
                table,
                context.get_per_replica_batch_size(batch_size),
                shard=(context.input_pipeline_id, context.num_input_pipelines),
                progress=tf.data.Dataset.counter(before, steps),
            )

        return self.distribute_strategy.distribute_datasets_from_function(own), steps

    def _for_replicas(self, data: Any, given: Any) -> Any:
        """The dataset, made from what was given, with what the replicas of a strategy need to draw as one device would."""
        strategy = self.distribute_strategy
        if strategy.num_replicas_in_sync == 1 or not isinstance(data, tf.data.Dataset):
            return data
        if isinstance(given, Interactions) or not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return batches.with_places(data)
        # Workers may read files of their own: their batches are then no parts of the same ones.
        policy = data.options().experimental_distribute.auto_shard_policy
        return batches.with_places(data) if policy == tf.data.experimental.AutoShardPolicy.DATA else data

    def _check_windows(self, spec: Any) -> None:
        """Raises a `ValueError` unless the rows of a dataset carry the histories that a training step reads."""
        wanted = self.window_options
        if not wanted:
            return
        around = wanted["before"] + wanted["after"]
        if batches.HISTORY in spec:
            window, run = spec[batches.HISTORY].shape[1], spec[batches.CANDIDATE_CODE].shape[1]
            around = around if window is None or run is None else window - run
        if batches.HISTORY not in spec or around != wanted["before"] + wanted["after"]:
            raise ValueError(
                "`x` must carry the items around each run that the model reads: make it by `table.dataset(batch_size, "
                f"**model.window_options)`. Received: {spec}"
            )

    def _check_vocabularies(self, table: PreparedTable) -> None:
        own = self.query_lookup.id_list, self.candidate_lookup.id_list
        if own != tuple(IdList.of(ids, "table") for ids in table.id_columns()):
            raise ValueError(
                f"A prepared table must have the users and items of the model, in their order. Received: {table}"
            )

    def _recode(self, interactions: Interactions, name: str) -> Interactions:
        """The rows in the codes of the model. Rows with unknown ids are dropped, with a warning."""
        rows = interactions.recode(self.query_lookup.ids, self.candidate_lookup.ids)
        if len(rows) < len(interactions):
            logger.warning(
                "Left out %d of %d rows of `%s`: the model does not know their user or item.",
                len(interactions) - len(rows),
                len(interactions),
                name,
            )
        return rows
