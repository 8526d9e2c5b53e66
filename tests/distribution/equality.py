"""The models of the equality tests, and the comparison of two of them; imported by programs in processes of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tiny

from hyperml_tf.data import Interactions
from hyperml_tf.layers import Curvature
from hyperml_tf.models import HyperML
from hyperml_tf.models.baselines import CML, LRML, MFBPR
from hyperml_tf.models.copies import shards_of_tables
from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam, RiemannianSGD
from hyperml_tf.settings import History

# Four batches, of which the last one has a single run: one replica has nothing to do.
ROWS, BATCH = 385, 128

CASES: dict[str, tuple[Callable[..., Any], dict[str, Any], Callable[[], Any]]] = {
    "history": (HyperML, {"history": History(around=0.5, spread=2)}, lambda: RiemannianAdagrad(0.02)),
    "direct": (HyperML, {"mode": "direct", "learned": True}, lambda: RiemannianAdam(0.02, global_clipnorm=1.0)),
    "free": (HyperML, {"user_model": "free", "negatives_group": 7}, lambda: RiemannianSGD(0.005, momentum=0.9)),
    "sequence": (HyperML, {"user_model": "sequence", "loss": "softmax"}, lambda: RiemannianSGD(0.0001)),
    "dense": (LRML, {}, lambda: tf.keras.optimizers.SGD(0.01)),
    "CML": (CML, {}, lambda: RiemannianAdagrad(0.1)),
    "MF-BPR": (MFBPR, {}, lambda: RiemannianAdagrad(0.1)),
}


def table(weighted: bool = False) -> Interactions:
    train = tiny.split().train
    rows = train.with_rows(np.arange(ROWS))
    weights = np.random.default_rng(0).uniform(0.5, 2.0, ROWS).astype(np.float32)
    return dataclasses.replace(rows, weights=weights) if weighted else rows


def made(case: str, strategy: Any, like: Any = None, **compiled: Any) -> Any:
    """A compiled model, with the weights of another one."""
    kind, arguments, optimizer = CASES[case]
    arguments = dict(arguments)
    with strategy.scope():
        tf.keras.utils.set_random_seed(0)
        if arguments.pop("learned", False):
            arguments["curvature"] = Curvature(0.7, learned=True)
        model = kind.from_interactions(table(), dim=4, **arguments)
        model.compile(optimizer(), **compiled)
    if like is not None:
        for source, target in zip(like.trainable_variables, shards_of_tables(model.trainable_variables), strict=True):
            begin = 0
            for shard in target:
                end = begin + (shard.shape[0] if shard.shape.rank else 0)
                shard.assign(source[begin:end] if shard.shape.rank else source)
                begin = end
    return model


def fit(model: Any, weighted: bool = False, **arguments: Any) -> dict[str, list[float]]:
    return model.fit(table(weighted), batch_size=BATCH, verbose=0, **arguments).history


def tables(model: Any) -> list[np.ndarray]:
    groups = shards_of_tables(model.trainable_variables)
    return [
        np.concatenate([part.numpy() for part in group]) if len(group) > 1 else group[0].numpy() for group in groups
    ]


def difference(model: Any, other: Any) -> float:
    """The largest difference of two models' weights."""
    return max(float(np.abs(a - b).max()) for a, b in zip(tables(model), tables(other), strict=True))


def check(model: Any, logs: Any, expected: Any, expected_logs: Any) -> None:
    assert sorted(logs) == sorted(expected_logs)
    for name, values in expected_logs.items():
        np.testing.assert_allclose(logs[name], values, rtol=1e-5, atol=1e-5, err_msg=name)
    assert difference(model, expected) < 1e-5
