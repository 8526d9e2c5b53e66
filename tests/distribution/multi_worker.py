"""One of several workers that train together; the first one compares the model with that of one device."""

from __future__ import annotations

import sys

import tensorflow as tf

import hyperml_tf  # noqa: F401  selects the Keras behind `tf.keras`

strategy = tf.distribute.MultiWorkerMirroredStrategy()

import equality  # noqa: E402  makes tensors
import tiny  # noqa: E402

# Compiling the graphs of a few steps takes most of the time.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
arguments = {"weighted": True, "validation_data": tiny.split().validation}
model = equality.made("direct", strategy)
first = strategy.cluster_resolver.task_id == 0
expected = equality.made("direct", tf.distribute.OneDeviceStrategy("CPU:0"), run_eagerly=True)
logs = equality.fit(model, **arguments)
if first:
    equality.check(model, logs, expected, equality.fit(expected, **arguments))
    sys.stdout.write("equal")
