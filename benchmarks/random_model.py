"""A model of any size with random points, for benchmarks that do not depend on training."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from hyperml_tf import HyperML, Interactions


def random_model(users: int, items: int, dim: int, rows_a_user: int = 20) -> HyperML:
    """A model with ids such as `item_0000012`, points at distances like those of a trained model, and random seen items."""
    model = HyperML([f"user_{i:07d}" for i in range(users)], [f"item_{i:07d}" for i in range(items)], dim=dim)
    rng = np.random.default_rng(0)
    for tower, near, far in ((model.query_tower, 2.5, 5.0), (model.candidate_tower, 1.5, 2.5)):
        table = tower.embedding.embeddings
        for start in range(0, len(tower), 2**16):
            codes = np.arange(start, min(start + 2**16, len(tower)))
            vectors = rng.normal(size=(len(codes), dim)).astype(np.float32)
            vectors *= rng.uniform(near, far, (len(codes), 1)) / np.linalg.norm(vectors, axis=1, keepdims=True)
            table.scatter_nd_update(codes[:, None], tf.constant(vectors, tf.float32))
    owners = np.repeat(np.arange(users, dtype=np.int32), rows_a_user)
    seen = rng.integers(items, size=len(owners), dtype=np.int32)
    keys = np.unique(owners.astype(np.int64) * items + seen)
    ids = model.query_tower.ids, model.candidate_tower.ids
    model.set_seen(Interactions((keys // items).astype(np.int32), (keys % items).astype(np.int32), *ids))
    return model
