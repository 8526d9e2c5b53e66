"""A sparse gradient moves the rows it names, by one step each, and no operation touches the whole table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import EACH, OPTIMIZERS, apply_sparse, gradients, state, table

from hyperml_tf.ball_variables import mark_on_ball
from hyperml_tf.optimizers import RiemannianAdam


@EACH
@pytest.mark.parametrize("c", [None, 0.0, 1.0], ids=["flat", "c=0", "c=1"])
def test_sparse_update_is_the_dense_one_on_touched_rows_and_nothing_elsewhere(name: str, c: float | None) -> None:
    dense, sparse = table(c=c), table(c=c)
    by_dense, by_sparse = OPTIMIZERS[name](), OPTIMIZERS[name]()
    by_sparse.build([sparse])
    initial_slots = state(by_sparse)
    initial = sparse.numpy()
    touched, rest = [4, 1], [0, 2, 3, 5]
    for step in range(3):
        values = gradients(step, 2)
        full = np.zeros((6, 3), np.float32)
        full[touched] = values
        by_dense.apply_gradients([(tf.constant(full), dense)])
        apply_sparse(by_sparse, sparse, touched, values)
    np.testing.assert_allclose(sparse.numpy()[touched], dense.numpy()[touched], rtol=1e-6, atol=1e-7)
    assert not np.array_equal(sparse.numpy()[touched], initial[touched])
    np.testing.assert_array_equal(sparse.numpy()[rest], initial[rest])
    for before, after, expected in zip(initial_slots, state(by_sparse), state(by_dense), strict=True):
        if after.ndim == 2:
            np.testing.assert_allclose(after[touched], expected[touched], rtol=1e-5, atol=1e-7)
            np.testing.assert_array_equal(after[rest], before[rest])


@EACH
def test_duplicate_rows_are_summed(name: str) -> None:
    values = gradients(0, 4)
    merged, repeated = table(), table()
    apply_sparse(OPTIMIZERS[name](), merged, [2, 5], [values[0] + values[2] + values[3], values[1]])
    apply_sparse(OPTIMIZERS[name](), repeated, [2, 5, 2, 2], values)
    np.testing.assert_allclose(repeated.numpy(), merged.numpy(), rtol=1e-5, atol=1e-6)


@EACH
def test_a_gradient_without_rows_changes_nothing(name: str) -> None:
    points = table()
    before = points.numpy()
    apply_sparse(OPTIMIZERS[name](), points, [], np.zeros((0, 3), np.float32))
    np.testing.assert_array_equal(points.numpy(), before)


def whole_table_operations(optimizer: Any, rows: int) -> list[str]:
    """Operations of a traced step with an input or output that has as many rows as the table."""
    points, flat = table(rows), table(rows, c=None)
    optimizer.build([points, flat])

    @tf.function
    def step(indices: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(points, indices) ** 2) + tf.reduce_sum(tf.gather(flat, indices) ** 2)
        optimizer.apply_gradients(zip(tape.gradient(loss, [points, flat]), [points, flat], strict=True))

    graph = step.get_concrete_function(tf.TensorSpec([4], tf.int32)).graph
    operations = graph.get_operations()
    assert sum(op.type == "ResourceGather" for op in operations) >= 2
    assert not [op.name for op in operations if op.type in ("PartitionedCall", "While", "If")], "look inside these too"
    return [op.name for op in operations if any(t.shape.rank and t.shape[0] == rows for t in (*op.inputs, *op.outputs))]


@EACH
@pytest.mark.parametrize("clip", [{}, {"clipnorm": 10.0}])
def test_a_step_has_no_operation_of_the_size_of_the_table(name: str, clip: dict[str, float]) -> None:
    assert whole_table_operations(OPTIMIZERS[name](**clip), 12_345) == []


def test_the_search_for_whole_table_operations_finds_those_of_keras() -> None:
    assert len(whole_table_operations(tf.keras.optimizers.Adam(), 12_345)) > 4


def test_tables_of_more_than_two_axes() -> None:
    points = tf.Variable(np.full((5, 2, 3), 0.1, np.float32))
    mark_on_ball(points, 1.0)
    optimizer = RiemannianAdam(0.1)
    values = np.ones((2, 2, 3), np.float32)
    apply_sparse(optimizer, points, [3, 3], values)
    assert [tuple(v.shape) for v in optimizer.variables][1:3] == [(5, 2, 3), (5, 2, 1)]
    assert (points.numpy()[3] < 0.1).all()
    assert (points.numpy()[:3] == np.float32(0.1)).all()
