"""The fingerprint of a table of interactions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

BLOCK = 100_000
"""Identifiers that are text at a time, while they are hashed."""


def table_hash(
    users: np.ndarray,
    items: np.ndarray,
    vocabularies: Iterable[Iterable[Sequence[Any]]],
    weights: np.ndarray | None = None,
) -> str:
    """Hashes rows, weights and vocabularies to 32 hexadecimal digits. Equal tables have equal hashes on every machine.

    Args:
        users: `(rows,)` codes.
        items: `(rows,)` codes.
        vocabularies: those of the users and of the items, each as lists of some identifiers at a time.
        weights: `(rows,)` the weights, or None.
    """
    digest = hashlib.blake2b(digest_size=16)
    for codes in (users, items):
        digest.update(np.ascontiguousarray(codes, dtype="<i4").data)
    for blocks in vocabularies:
        hash_ids(digest, blocks)
    if weights is not None:
        digest.update(np.ascontiguousarray(weights, dtype="<f4").data)
    return digest.hexdigest()


def hash_ids(digest: Any, blocks: Iterable[Sequence[Any]]) -> None:
    """Hashes a vocabulary, as a list in JSON.

    Args:
        digest: an object of `hashlib`.
        blocks: the identifiers, some at a time.
    """
    digest.update(b"[")
    for place, ids in enumerate(blocks):
        digest.update((", " if place else "").encode() + json.dumps(ids)[1:-1].encode())
    digest.update(b"]")


def blocks_of(ids: np.ndarray) -> Iterable[list[Any]]:
    """Yields the identifiers of an array, some at a time."""
    return (ids[start : start + BLOCK].tolist() for start in range(0, len(ids), BLOCK))
