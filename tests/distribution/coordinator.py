"""Trains on parameter servers, with two shards of each table, and compares the model with that of one device."""

from __future__ import annotations

import sys

import numpy as np
import tensorflow as tf

import hyperml_tf  # noqa: F401  selects the Keras behind `tf.keras`

cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver()
strategy = tf.distribute.ParameterServerStrategy(
    cluster, variable_partitioner=tf.distribute.experimental.partitioners.FixedShardsPartitioner(2)
)

import equality  # noqa: E402  makes tensors
import tiny  # noqa: E402

from hyperml_tf.ball_variables import ball_curvature  # noqa: E402
from hyperml_tf.callbacks import StopOnDivergence, TrainingProgress  # noqa: E402
from hyperml_tf.models import load_model  # noqa: E402

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
expected = equality.made("direct", tf.distribute.get_strategy(), run_eagerly=True)
model = equality.made("direct", strategy, like=expected)
on_ball = [ball_curvature(variable) is not None for variable in model.trainable_variables if variable.shape.rank]
assert on_ball == [True] * 4, "two shards of both tables"

workers = cluster.cluster_spec().num_tasks("worker")
arguments = {"weighted": True, "validation_data": tiny.split().validation, "epochs": 2}
callbacks = [TrainingProgress(), StopOnDivergence()]
logs = equality.fit(model, callbacks=callbacks, **arguments)
if workers == 1:
    equality.check(model, logs, expected, equality.fit(expected, **arguments))
exact = model.evaluate_ranking(tiny.split().validation)["full_ndcg@10"]
assert np.isclose(exact, logs["val_full_ndcg@10"][-1], rtol=1e-6)

# The file has whole tables, so it loads on one machine and on shards, and training goes on in the same way.
model.save("sharded.keras")
alone = load_model("sharded.keras")
with strategy.scope():
    again = load_model("sharded.keras")
assert equality.difference(alone, model) == equality.difference(alone, again) == 0.0
assert len(again.trainable_variables) == len(alone.trainable_variables) + 2
assert len(alone.seen) == len(model.seen)
users = equality.table().user_ids[:5]
assert np.array_equal(alone.recommend(users, 5).ids, model.recommend(users, 5).ids)
slots = [variable.numpy() for variable in alone.optimizer.variables[1:]]
assert any(np.any(slot) for slot in slots)
sys.stdout.write("equal" if workers == 1 else "trained")
