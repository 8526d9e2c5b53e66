"""Evaluation of large batches in chunks, so that memory is bounded whatever the size of a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from hyperml_tf.numerics import Tensor

# Numbers in memory at a time: 256 MiB of float32, which is 64 users if there are a million items.
_NUMBERS = 2**26


def in_chunks(
    function: Callable[..., tuple[Tensor, ...]],
    inputs: Sequence[Tensor],
    numbers_per_row: Tensor,
    outputs: Sequence[tf.TensorSpec],
) -> tuple[Tensor, ...]:
    """Computes `function(*inputs)` in chunks of rows that fit into memory.

    Args:
        function: A function of tensors like `inputs`, with fewer rows, that returns tensors with the same number of rows.
        inputs: Tensors, `(batch, ...)`.
        numbers_per_row: Integer scalar, how many numbers `function` allocates per row.
        outputs: The `tf.TensorSpec` of each output.

    Returns:
        The outputs for the whole batch.
    """
    batch = tf.shape(inputs[0])[0]
    rows = tf.maximum(_NUMBERS // tf.maximum(numbers_per_row, 1), 1)
    # At least one chunk, so that an empty batch has outputs of the right shape.
    count = tf.maximum((batch + rows - 1) // rows, 1)
    arrays = tuple(
        tf.TensorArray(spec.dtype, size=count, element_shape=spec.shape, infer_shape=False) for spec in outputs
    )

    def step(i: Tensor, written: tuple[tf.TensorArray, ...]) -> tuple[Tensor, tuple[tf.TensorArray, ...]]:
        results = function(*(value[i * rows : (i + 1) * rows] for value in inputs))
        return i + 1, tuple(array.write(i, result) for array, result in zip(written, results, strict=True))

    _, arrays = tf.while_loop(lambda i, _: i < count, step, (tf.constant(0), arrays), parallel_iterations=1)
    joined = tuple(array.concat() for array in arrays)
    return tuple(tf.ensure_shape(value, spec.shape) for value, spec in zip(joined, outputs, strict=True))
