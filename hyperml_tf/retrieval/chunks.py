"""A large batch in chunks, so that memory depends on the catalogue and not on what a caller sends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from hyperml_tf.numerics import Tensor

# Numbers held at once: 256 MiB of float32. Of a million items that is 64 users, for whom the catalogue is
# read once.
_NUMBERS = 2**26


def in_chunks(
    function: Callable[..., tuple[Tensor, ...]],
    inputs: Sequence[Tensor],
    numbers_per_row: Tensor,
    outputs: Sequence[tf.TensorSpec],
) -> tuple[Tensor, ...]:
    """`function(*inputs)`, computed for as many rows of the batch at a time as memory allows.

    Args:
        function: takes tensors like `inputs`, with fewer rows, and returns tensors with as many rows.
        inputs: tensors, `(batch, ...)`.
        numbers_per_row: how many numbers `function` holds for one row.
        outputs: dtype and shape of what it returns.

    Returns:
        The outputs for the whole batch.
    """
    batch = tf.shape(inputs[0])[0]
    rows = tf.maximum(_NUMBERS // tf.maximum(numbers_per_row, 1), 1)
    # At least one, so that an empty batch has an answer of the right shape.
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
