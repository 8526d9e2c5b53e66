"""One list of checks that every layer goes through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

HALF_POLICIES = ("mixed_float16", "mixed_bfloat16", "float16")


def check_layer(
    cls: type,
    kwargs: dict[str, Any],
    inputs: Any,
    output_shape: tuple[int, ...],
    weights: int,
    folder: Path | None = None,
) -> None:
    """Round trip, shapes, dtypes, weights, a training step, mixed precision and saving of one layer.

    Args:
        cls: the class.
        kwargs: its arguments.
        inputs: an array or a list of arrays, the batch first.
        output_shape: the shape of the output for `inputs`.
        weights: the number of trainable weights; there must be no others.
        folder: where models are saved; None leaves out `fit` and saving, which take most of the time.
    """
    layer = cls(**kwargs)
    config = layer.get_config()
    assert cls.from_config(config).get_config() == config

    tensors = tf.nest.map_structure(tf.constant, inputs)
    outputs = layer(tensors)
    assert outputs.shape == output_shape
    assert outputs.dtype == tf.float32
    assert len(layer.trainable_weights) == len(layer.weights) == weights
    assert tuple(layer.compute_output_shape(tf.nest.map_structure(lambda x: x.shape, tensors))) == output_shape

    model = _functional(cls(**kwargs), inputs)
    assert tuple(model.output_shape) == (None, *output_shape[1:])
    _check_training(model, tensors)
    if folder is not None:
        _check_fit(model, tensors)
        _check_saving(model, tensors, folder)
    for policy in HALF_POLICIES:
        _check_policy(policy, cls(**kwargs), tensors)


def _functional(layer: Any, inputs: Any) -> Any:
    symbolic = tf.nest.map_structure(lambda x: tf.keras.Input(x.shape[1:], dtype=x.dtype), inputs)
    return tf.keras.Model(symbolic, layer(symbolic))


def _check_training(model: Any, tensors: Any) -> None:
    variables = [x for x in tf.nest.flatten(tensors) if x.dtype.is_floating] + model.trainable_weights
    with tf.GradientTape() as tape:
        tape.watch(variables)
        loss = tf.reduce_sum(tf.square(model(tensors) - 0.1))
    for gradient in tape.gradient(loss, variables):
        assert gradient is not None
        assert np.isfinite(tf.convert_to_tensor(gradient)).all()


def _check_fit(model: Any, tensors: Any) -> None:
    before = [w.numpy() for w in model.trainable_weights]
    model.compile("sgd", "mse")
    model.fit(tensors, np.full(model(tensors).shape, 0.1), epochs=2, verbose=0)
    assert all((w.numpy() != old).any() for w, old in zip(model.trainable_weights, before, strict=True))


def _check_saving(model: Any, tensors: Any, folder: Path) -> None:
    expected = model(tensors)
    model.save(folder / "model.keras")
    restored = tf.keras.models.load_model(folder / "model.keras")
    np.testing.assert_array_equal(restored(tensors), expected)
    assert [w.shape for w in restored.trainable_weights] == [w.shape for w in model.trainable_weights]
    for name in ("weights.h5", "checkpoint"):
        clone = tf.keras.models.clone_model(model)
        model.save_weights(folder / name)
        clone.load_weights(folder / name)
        np.testing.assert_array_equal(clone(tensors), expected)


def _check_policy(policy: str, layer: Any, tensors: Any) -> None:
    half = tf.bfloat16 if "bfloat16" in policy else tf.float16
    tf.keras.mixed_precision.set_global_policy(policy)
    try:
        layer = type(layer).from_config({**layer.get_config(), "dtype": None})
        outputs = layer(tf.nest.map_structure(lambda x: tf.cast(x, half) if x.dtype.is_floating else x, tensors))
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    assert outputs.dtype == tf.float32
    assert all(w.dtype == tf.float32 for w in layer.weights)
    assert np.isfinite(outputs).all()
