"""What `RankingModel.fit` and `evaluate` are given, turned into batches of codes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.data import Interactions, sampled_negatives, training_dataset
from hyperml_tf.models.catalogue import Catalogue
from hyperml_tf.numerics import Tensor

QUERY, CANDIDATE = "user_id", "item_id"
"""Keys of raw ids in a batch."""
QUERY_CODE, CANDIDATE_CODE, NEGATIVES = "user", "item", "negatives"
"""Keys of codes in a batch."""

_BATCH_SIZE = 2048
_VALIDATION_USERS = 2000
_VALIDATION_BATCH = 500


def codes_or_ids(batch: Any) -> tuple[Tensor, Tensor]:
    """The two columns of a batch, as they are in it.

    Raises:
        ValueError: if the batch is not a dictionary with one of the two pairs of keys.
    """
    if isinstance(batch, dict):
        for keys in ((QUERY_CODE, CANDIDATE_CODE), (QUERY, CANDIDATE)):
            if all(key in batch for key in keys):
                return batch[keys[0]], batch[keys[1]]
    received = sorted(batch) if isinstance(batch, dict) else type(batch).__name__
    raise ValueError(f"A batch must be a dictionary with {QUERY!r} and {CANDIDATE!r}. Received: {received}")


def codes(model: Catalogue, batch: Any) -> tuple[Tensor, Tensor]:
    """Query and candidate codes of a batch, `(batch,)` int32, -1 where unknown."""
    queries, candidates = codes_or_ids(batch)
    if QUERY_CODE in batch:
        return tf.cast(queries, tf.int32), tf.cast(candidates, tf.int32)
    return model.query_lookup(queries), model.candidate_lookup(candidates)


def training_data(model: Catalogue, x: Any, batch_size: int | None, seed: int) -> tf.data.Dataset:
    """What Keras is to iterate over in `fit`."""
    if isinstance(x, Interactions):
        model.set_seen(x)
        # The permutation of an epoch follows from the batches before it, so a resumed run goes on as it would have.
        return training_dataset(
            recode(model, x), batch_size or _BATCH_SIZE, seed=seed, progress=lambda: model.batches.read_value()
        )
    _check_dataset(x, "x", batch_size)
    if not len(model.seen):
        if x.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                "`x` is an infinite dataset, so what each user has seen cannot be read from it, and a user's own items "
                "would be drawn as negatives. Call `set_seen` with the interactions first."
            )
        model.set_seen(Interactions.from_dataset(x, QUERY, CANDIDATE))
    return x


def validation_data(model: Catalogue, data: Any) -> tf.data.Dataset | None:
    """What Keras is to iterate over to validate: for `Interactions` a fixed sample of users with fixed sampled negatives."""
    if data is None:
        return None
    if not isinstance(data, Interactions):
        _check_dataset(data, "validation_data", None)
        return data
    held_out = recode(model, data)
    if len(held_out) == 0:
        raise ValueError("`validation_data` must hold rows of users and items that the model knows. Received: none")
    if len(held_out) > _VALIDATION_USERS:
        chosen = np.random.default_rng(0).choice(len(held_out), _VALIDATION_USERS, replace=False)
        held_out = held_out.with_rows(np.sort(chosen))
    known = _with_seen(model, held_out)
    # Who has touched every item has none to be ranked against.
    held_out = held_out.with_rows(known.activity()[held_out.users] < known.n_items)
    if len(held_out) == 0:
        raise ValueError("`validation_data` must hold a user with an item that they never touched. Received: none")
    batch = {
        QUERY_CODE: held_out.users,
        CANDIDATE_CODE: held_out.items,
        NEGATIVES: sampled_negatives(known, held_out.users, 100, seed=0),
    }
    return tf.data.Dataset.from_tensor_slices(batch).batch(_VALIDATION_BATCH)


def _with_seen(model: Catalogue, held_out: Interactions) -> Interactions:
    """The held-out rows and those seen in training, each pair once."""
    seen = np.repeat(np.arange(len(model.seen.indptr) - 1), np.diff(model.seen.indptr)) * held_out.n_items
    keys = np.union1d(seen + model.seen.indices, held_out.keys())
    return dataclasses.replace(held_out, users=keys // held_out.n_items, items=keys % held_out.n_items)


def recode(model: Catalogue, interactions: Interactions) -> Interactions:
    """The same rows in the codes of the model's vocabularies; rows it does not know are left out."""
    user_ids, item_ids = model.query_lookup.ids, model.candidate_lookup.ids
    if _same(user_ids, interactions.user_ids) and _same(item_ids, interactions.item_ids):
        return interactions
    target = Interactions(np.zeros(0, np.int32), np.zeros(0, np.int32), user_ids, item_ids)
    users = target.codes_of(interactions.user_ids)[interactions.users]
    items = target.item_codes_of(interactions.item_ids)[interactions.items]
    known = np.flatnonzero((users >= 0) & (items >= 0))
    rows = known[np.argsort(users[known], kind="stable")]
    return dataclasses.replace(target, users=users[rows], items=items[rows])


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    return first is second or (first.dtype == second.dtype and np.array_equal(first, second))


def _check_dataset(x: Any, name: str, batch_size: int | None) -> None:
    if not isinstance(x, (tf.data.Dataset, tf.distribute.DistributedDataset)):
        raise ValueError(f"`{name}` must be an `Interactions` or a `tf.data.Dataset`. Received: {type(x).__name__}")
    if batch_size is not None:
        raise ValueError("`batch_size` goes with `Interactions` only: batch the dataset itself. Received: both")
    columns = codes_or_ids(x.element_spec)
    if any(column.shape.rank != 1 for column in columns):
        raise ValueError(f"`{name}` must be batched, with columns of shape (batch,). Received: {x.element_spec}")
