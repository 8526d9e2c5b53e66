"""Trains models on one device and on mirrored replicas, and compares them. Arguments: the number of replicas, cases."""

from __future__ import annotations

import sys

import tensorflow as tf

import hyperml_tf  # noqa: F401  selects the Keras behind `tf.keras`

replicas, cases = int(sys.argv[1]), sys.argv[2:]
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)

import equality  # noqa: E402  makes tensors
import tiny  # noqa: E402

mirrored = tf.distribute.MirroredStrategy(
    [f"CPU:{number}" for number in range(replicas)], cross_device_ops=tf.distribute.ReductionToOneDevice()
)
for case in cases:
    validation = {"validation_data": tiny.split().validation} if case == "history" else {}
    arguments = {"weighted": case in ("history", "CML"), **validation}
    expected = equality.made(case, tf.distribute.get_strategy(), run_eagerly=True)
    model = equality.made(case, mirrored, like=expected, run_eagerly=True)
    logs, expected_logs = equality.fit(model, **arguments), equality.fit(expected, **arguments)
    sys.stdout.write(f"{case} {equality.difference(model, expected)}\n")
    equality.check(model, logs, expected, expected_logs)
