"""Trains on parameter servers from datasets that the worker makes, and compares the model with that of one device."""

from __future__ import annotations

import sys

import pytest
import tensorflow as tf

import hyperml_tf  # noqa: F401  selects the Keras behind `tf.keras`

cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver()
strategy = tf.distribute.ParameterServerStrategy(
    cluster, variable_partitioner=tf.distribute.experimental.partitioners.FixedShardsPartitioner(2)
)

import equality  # noqa: E402  makes tensors

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
rows = equality.table()
columns = {"user_id": rows.user_ids[rows.users].tolist(), "item_id": rows.item_ids[rows.items].tolist()}


def finite(_: tf.distribute.InputContext) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(columns).batch(equality.BATCH)


def endless(context: tf.distribute.InputContext) -> tf.data.Dataset:
    return finite(context).repeat()


def creator(function: object) -> tf.keras.utils.experimental.DatasetCreator:
    return tf.keras.utils.experimental.DatasetCreator(function)


expected = equality.made("direct", tf.distribute.get_strategy())
model = equality.made("direct", strategy, like=expected)
with pytest.raises(ValueError, match="`set_seen` must be called before `fit`"):
    model.fit(creator(endless), steps_per_epoch=4)
with pytest.raises(ValueError, match="must carry the items around each run"):
    equality.made("history", strategy).fit(creator(endless), steps_per_epoch=4)
for one in (model, expected):
    one.set_seen(rows)
with pytest.raises(ValueError, match="must not end: let them `repeat\\(\\)`"):
    model.fit(creator(finite), steps_per_epoch=4)

logs = model.fit(creator(endless), steps_per_epoch=4, epochs=2, verbose=0).history
equality.check(model, logs, expected, expected.fit(finite(tf.distribute.InputContext()), epochs=2, verbose=0).history)
sys.stdout.write("equal")
