"""Runs on a prepared table that is read shard by shard: held-out rows, validation and evaluation by shards of users."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from hyperml_tf.data import Interactions, sampled_negatives
from hyperml_tf.data.splits import Split
from hyperml_tf.metrics.gains import CUTOFFS
from hyperml_tf.metrics.ranked import Ranked
from hyperml_tf.models import HyperML
from hyperml_tf.preparation import PreparedTable
from hyperml_tf.runs.held_out import NEGATIVES, HeldOut, TestHistory

logger = logging.getLogger(__name__)

VALIDATION_USERS = 2000
"""Users who are evaluated after every epoch, as many as of an `Interactions`."""
EVALUATED_USERS = 100_000
"""Users who are evaluated in the end, at most: enough for a standard error of .16 %."""


def held_out_shards(table: PreparedTable, users: int | None = None, seed: int = 0) -> Iterator[HeldOut]:
    """Yields the held-out rows of each shard, with the whole history of their users and of nobody else.

    Args:
        table: A `PreparedTable` with a split.
        users: Optional integer, the number of users to draw, from each shard by its share. Defaults to `None`, all users with
            held-out rows.
        seed: Integer, random seed of the negatives and of the users. Defaults to `0`.
    """
    total = table.manifest.total("evaluated")
    share = 1.0 if users is None else min(1.0, users / max(1, total))
    for number, shard in enumerate(table.shards):
        if not shard.evaluated:
            continue
        split = table.shard_split(number)
        rng = np.random.default_rng([seed, number])
        if share < 1.0:
            # So that shards of few users have some in the sample, too, the expected number is kept, not the rounded one.
            wanted = int(share * shard.evaluated + rng.random())
            split = _of_users(split, np.sort(rng.choice(split.users, wanted, replace=False)))
            if not len(split.users):
                continue
        negatives = sampled_negatives(table.shard_rows(number), split.users, NEGATIVES, seed + number)
        yield HeldOut(split, negatives, table.manifest.split)


def all_held_out(table: PreparedTable) -> HeldOut:
    """Returns the held-out rows of all shards as one, for tables that fit into memory."""
    negatives = np.concatenate([one.negatives for one in held_out_shards(table)])
    return HeldOut(table.split(), negatives, table.manifest.split)


def validation_rows(table: PreparedTable, seed: int = 0) -> tuple[Interactions, Interactions]:
    """Returns the validation rows of a sample of users, and the training rows of these users."""
    rows = [one.split for one in held_out_shards(table, VALIDATION_USERS, seed)]
    return _joined([one.validation for one in rows]), _joined([one.train for one in rows])


def evaluate(
    model: HyperML,
    table: PreparedTable,
    test_history: TestHistory = "before_test",
    ks: Sequence[int] = CUTOFFS,
    metrics: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Returns the metrics of a model and of popularity, as `Run.evaluate`, from one shard of users at a time.

    Args:
        model: A model with the vocabularies of the table.
        table: A `PreparedTable` with a split.
        test_history: String, see `Run.evaluate`. Defaults to `"before_test"`.
        ks: Positive integers, the cut-offs. Defaults to `(5, 10, 20)`.
        metrics: Names of metrics of users, see `Run.evaluate`. Defaults to `None`, those of `metrics.json`.
    """
    popularity = table.popularity().astype(np.float32)
    total = table.manifest.total("evaluated")
    if total > EVALUATED_USERS:
        logger.info("Evaluating a sample of %d of %d users.", EVALUATED_USERS, total)
    scorers = model.scorer, lambda _: lambda users: np.broadcast_to(popularity, (len(users), len(popularity)))
    ranked: tuple[dict[str, list[Ranked]], ...] = ({}, {})
    for held_out in held_out_shards(table, EVALUATED_USERS):
        for scorer, found in zip(scorers, ranked, strict=True):
            for part, rows in held_out.rank_all(scorer, test_history).items():
                found.setdefault(part, []).append(rows)
    means, popular = ({part: Ranked.joined(rows).means(ks, metrics) for part, rows in one.items()} for one in ranked)
    return {**means, "popularity": popular}


def _of_users(split: Split, users: np.ndarray) -> Split:
    parts = (split.train, split.validation, split.test)
    return Split(*(part.with_rows(np.isin(part.users, users)) for part in parts))


def _joined(parts: list[Interactions]) -> Interactions:
    """The rows of shards, which are in the order of their users."""
    weighted = any(part.weights is not None for part in parts)
    return dataclasses.replace(
        parts[0],
        users=np.concatenate([part.users for part in parts]),
        items=np.concatenate([part.items for part in parts]),
        weights=np.concatenate([part.row_weights() for part in parts]) if weighted else None,
    )
