"""What holds for every optimizer: rows, slots, saving, Keras's options, and the ball."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from optimizer_cases import OPTIMIZERS, apply_sparse, gradients, state, table

from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.manifold import mark_on_ball
from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam, RiemannianSGD

EACH = pytest.mark.parametrize("name", OPTIMIZERS)
SPACES = pytest.mark.parametrize("c", [None, 0.0, 1.0], ids=["flat", "c=0", "c=1"])


# Rows ------------------------------------------------------------------------------------------------------------


@EACH
@SPACES
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
def test_duplicate_rows_are_summed_on_every_path(name: str) -> None:
    values = gradients(0, 4)
    merged, repeated, direct = table(), table(), table()
    apply_sparse(OPTIMIZERS[name](), merged, [2, 5], [values[0] + values[2] + values[3], values[1]])
    apply_sparse(OPTIMIZERS[name](), repeated, [2, 5, 2, 2], values)
    optimizer = OPTIMIZERS[name]()
    optimizer.build([direct])
    optimizer.update_step(tf.IndexedSlices(tf.constant(values), tf.constant([2, 5, 2, 2])), direct)
    np.testing.assert_allclose(repeated.numpy(), merged.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(direct.numpy(), repeated.numpy())


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


# The ball --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@EACH
@pytest.mark.parametrize("c", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_frechet_mean_is_found(name: str, c: float, dtype: str) -> None:
    """Sums of squared distances on the ball have one stationary point, where the mean logarithm is 0."""
    targets = tf.constant(np.random.default_rng(7).uniform(-0.4, 0.4, (8, 3)).astype(dtype))
    mean = table(rows=1, c=c, dtype=dtype)
    schedule = tf.keras.optimizers.schedules.PiecewiseConstantDecay([60, 90, 120, 150], [0.2, 0.05, 0.01, 2e-3, 1e-4])
    optimizer = OPTIMIZERS[name](learning_rate=0.2 if name in ("sgd", "projection", "adagrad") else schedule)

    @tf.function
    def step() -> None:
        optimizer.minimize(lambda: tf.reduce_mean(poincare.squared_distance(mean, targets, c)), [mean])

    for _ in range(180):
        step()
    residual = tf.reduce_mean(poincare.logmap(tf.convert_to_tensor(mean), targets, c), axis=0)
    np.testing.assert_allclose(residual, 0, atol=1e-3)


@EACH
@pytest.mark.parametrize("rate", [1e3, 1e8])
def test_points_stay_inside_however_large_the_step(name: str, rate: float) -> None:
    points = table(c=2.0)
    optimizer = OPTIMIZERS[name](learning_rate=rate)
    for step in range(4):
        apply_sparse(optimizer, points, range(6), 100 * gradients(step, 6))
        radius = np.sqrt(2.0) * np.linalg.norm(points.numpy().astype(np.float64), axis=1)
        assert (radius <= numerics.ball_limit(tf.float32) + 2e-7).all()
    assert np.isfinite(state(optimizer)[-1]).all()


@pytest.mark.slow
@EACH
def test_points_at_the_limit_radius_move_back(name: str) -> None:
    points = tf.Variable([[0.0, numerics.ball_limit(tf.float32)]])
    mark_on_ball(points, 1.0)
    optimizer = OPTIMIZERS[name](learning_rate=0.05)
    distances = [float(poincare.distance0(points, 1.0)[0])]
    for _ in range(50):
        optimizer.minimize(lambda: tf.reduce_sum(poincare.distance0(points, 1.0) ** 2), [points])
        distances.append(float(poincare.distance0(points, 1.0)[0]))
    assert distances[0] > 12
    assert distances[-1] < distances[0] - 0.2
    assert distances[1] < distances[0]


@EACH
def test_the_limit_of_small_curvature_is_curvature_zero(name: str) -> None:
    flat, nearly = table(c=0.0, dtype="float64"), table(c=1e-9, dtype="float64")
    for points in (flat, nearly):
        optimizer = OPTIMIZERS[name]()
        for step in range(3):
            apply_sparse(optimizer, points, range(6), gradients(step, 6, dtype="float64"))
    np.testing.assert_allclose(nearly, flat, atol=1e-7)


def test_rows_are_brought_inside_when_a_learned_curvature_grew() -> None:
    raw = tf.Variable(-2.0)
    points = tf.Variable([[0.0, 0.9], [0.9, 0.0]])
    mark_on_ball(points, lambda: tf.exp(raw))
    optimizer = RiemannianSGD(1e-3)

    @tf.function
    def step() -> None:
        gradient = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0]), tf.constant([2, 2]))
        optimizer.apply_gradients([(gradient, points)])

    step()
    np.testing.assert_allclose(points[0], [0.0, 0.9], atol=1e-2)
    raw.assign(np.log(4.0))
    step()
    np.testing.assert_allclose(np.linalg.norm(points[0]), 0.5, rtol=1e-4)
    np.testing.assert_array_equal(points[1], np.float32([0.9, 0.0]))


@EACH
@SPACES
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_gradient_is_visible_in_its_row_only(name: str, c: float | None, bad: float) -> None:
    points = table(c=c)
    apply_sparse(OPTIMIZERS[name](), points, [1, 2], np.float32([[bad, 0, 0], [1, 1, 1]]))
    finite = np.isfinite(points.numpy()).all(axis=1)
    np.testing.assert_array_equal(finite, [True, False, True, True, True, True])


# Keras's options -------------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("clip", [{"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.2}])
def test_clipping_acts_on_the_summed_euclidean_gradient(name: str, clip: dict[str, float]) -> None:
    dense, sparse, by_hand = table(), table(), table()
    values = gradients(0, 3)
    full = np.zeros((6, 3), np.float32)
    np.add.at(full, [2, 5, 2], values)
    clipped = np.clip(full, -0.2, 0.2) if "clipvalue" in clip else full * 0.5 / np.linalg.norm(full)
    OPTIMIZERS[name](**clip).apply_gradients([(tf.constant(full), dense)])
    apply_sparse(OPTIMIZERS[name](**clip), sparse, [2, 5, 2], values)
    OPTIMIZERS[name]().apply_gradients([(tf.constant(clipped), by_hand)])
    np.testing.assert_allclose(sparse, by_hand, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dense, by_hand, rtol=1e-5, atol=1e-6)


@EACH
def test_a_schedule_sets_the_rate_of_each_step(name: str) -> None:
    schedule = tf.keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.1, 0.0])
    points = table()
    optimizer = OPTIMIZERS[name](learning_rate=schedule)
    before = points.numpy()
    apply_sparse(optimizer, points, [0], gradients(0, 1))
    after = points.numpy()
    assert not np.array_equal(after[0], before[0])
    if name != "momentum":  # whose velocity goes on
        apply_sparse(optimizer, points, [0], gradients(1, 1))
        np.testing.assert_allclose(points, after, atol=1e-7)


def test_weight_decay_is_refused_on_the_ball_only() -> None:
    points, flat = table(), table(c=None)
    with pytest.raises(ValueError, match="`weight_decay`"):
        RiemannianAdam(weight_decay=0.1).build([flat, points])
    RiemannianAdam(weight_decay=0.0).build([points])
    excluding = RiemannianAdam(weight_decay=0.1)
    excluding.exclude_from_weight_decay([points])
    before = points.numpy()
    excluding.apply_gradients([(tf.zeros([6, 3]), flat), (tf.zeros([6, 3]), points)])
    np.testing.assert_allclose(points, before, atol=1e-7)
    assert np.linalg.norm(flat) < np.linalg.norm(before)


def test_half_precision_points_are_refused() -> None:
    points = tf.Variable(np.zeros((2, 3), np.float16))
    RiemannianAdam().build([points])
    mark_on_ball(points, 1.0)
    with pytest.raises(ValueError, match=r"float32 or float64.*float16"):
        RiemannianAdam().build([points])


def test_moving_averages_work() -> None:
    points = table()
    optimizer = RiemannianSGD(0.5, use_ema=True, ema_momentum=0.5)
    before = points.numpy()
    apply_sparse(optimizer, points, [0], gradients(0, 1))
    after = points.numpy()
    optimizer.finalize_variable_values([points])
    np.testing.assert_allclose(points, (before + after) / 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RiemannianSGD(momentum=1.0), r"`momentum`.*Received: momentum=1.0"),
        (lambda: RiemannianSGD(retraction="exp"), r"`retraction`.*Received: retraction='exp'"),
        (lambda: RiemannianAdagrad(initial_accumulator_value=-1.0), r"`initial_accumulator_value`.*Received"),
        (lambda: RiemannianAdagrad(epsilon=0.0), r"`epsilon`.*Received: epsilon=0.0"),
        (lambda: RiemannianAdam(beta_1=1.0), r"`beta_1`.*Received: beta_1=1.0"),
        (lambda: RiemannianAdam(beta_2=-0.1), r"`beta_2`.*Received: beta_2=-0.1"),
        (lambda: RiemannianAdam(epsilon=0.0), r"`epsilon`.*Received: epsilon=0.0"),
    ],
)
def test_bad_arguments_are_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# Saving ----------------------------------------------------------------------------------------------------------


@EACH
def test_config_round_trip(name: str) -> None:
    schedule = tf.keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    for arguments in ({"learning_rate": 0.25, "clipnorm": 1.0}, {"learning_rate": schedule}):
        optimizer = OPTIMIZERS[name](name="mine", **arguments)
        serialized = tf.keras.optimizers.serialize(optimizer)
        assert serialized["registered_name"].startswith("hyperml_tf>Riemannian")
        restored = tf.keras.optimizers.deserialize(serialized)
        assert type(restored) is type(optimizer)
        assert restored.get_config() == optimizer.get_config()


@EACH
@pytest.mark.parametrize("restore_first", [True, False])
def test_a_checkpoint_continues_bit_for_bit(name: str, restore_first: bool, tmp_path: Path) -> None:
    def steps(optimizer: Any, points: tf.Variable, numbers: range) -> None:
        for step in numbers:
            apply_sparse(optimizer, points, [step % 6, 2, 3], gradients(step, 3))

    points, optimizer = table(), OPTIMIZERS[name]()
    steps(optimizer, points, range(3))
    path = tf.train.Checkpoint(points=points, optimizer=optimizer).write(str(tmp_path / "middle"))
    steps(optimizer, points, range(3, 6))

    resumed, fresh = table(), OPTIMIZERS[name]()
    if not restore_first:
        fresh.build([resumed])
    status = tf.train.Checkpoint(points=resumed, optimizer=fresh).read(path)
    steps(fresh, resumed, range(3, 6))
    status.assert_existing_objects_matched()
    np.testing.assert_array_equal(resumed, points)
    for ours, theirs in zip(state(fresh), state(optimizer), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@tf.keras.utils.register_keras_serializable(package="test_riemannian_optimizer")
class Squares(tf.keras.layers.Layer):
    """Squared distances of looked-up points from the origin; a small layer with a table on the ball."""

    def build(self, input_shape: Any) -> None:
        uniform = tf.keras.initializers.RandomUniform(-0.3, 0.3, seed=1)
        self.points = self.add_weight(name="points", shape=(20, 4), initializer=uniform)
        mark_on_ball(self.points, 1.0)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        distances = poincare.distance0(tf.gather(self.points, inputs), 1.0)
        return tf.reduce_sum(tf.square(distances), -1, keepdims=True)


def model_of_points(optimizer: Any) -> tf.keras.Model:
    model = tf.keras.Sequential([tf.keras.Input((2,), dtype="int32"), Squares()])
    model.compile(optimizer, loss="mean_squared_error")
    return model


FEED = (np.arange(16, dtype=np.int32).reshape(8, 2), np.ones((8, 1), np.float32))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["momentum", "adagrad", "adam"])
def test_a_saved_model_goes_on_training(name: str, tmp_path: Path) -> None:
    model = model_of_points(OPTIMIZERS[name]())
    model.fit(*FEED, epochs=2, verbose=0, shuffle=False)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is type(model.optimizer)
    for each in (model, loaded):
        each.fit(*FEED, epochs=2, verbose=0, shuffle=False)
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["momentum", "adagrad", "adam"])
def test_mixed_precision_with_loss_scaling(name: str) -> None:
    expected = model_of_points(OPTIMIZERS[name]())
    expected.fit(*FEED, epochs=3, verbose=0, shuffle=False)
    tf.keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = model_of_points(OPTIMIZERS[name]())
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    model.fit(*FEED, epochs=3, verbose=0, shuffle=False)
    assert isinstance(model.optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
    assert model.layers[0].points.dtype == tf.float32
    np.testing.assert_allclose(model.get_weights()[0], expected.get_weights()[0], atol=2e-2)
    rows = [tuple(v.shape) for v in model.optimizer.variables if v.shape.rank == 2]
    assert rows == {"momentum": [(20, 4)], "adagrad": [(20, 1)], "adam": [(20, 4), (20, 1)]}[name]


# Distribution ----------------------------------------------------------------------------------------------------

MIRRORED = """
import numpy as np, sys
import hyperml_tf, tensorflow as tf
from hyperml_tf.manifold import mark_on_ball
from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

def train(strategy, policy, make):
    with strategy.scope():
        holder = tf.keras.layers.Layer(dtype=policy)
        start = tf.keras.initializers.RandomUniform(-0.3, 0.3, seed=1)
        points = holder.add_weight(name="points", shape=(9, 3), initializer=start)
        raw = holder.add_weight(name="raw", shape=(), initializer="zeros")
        mark_on_ball(points, lambda: tf.nn.softplus(tf.convert_to_tensor(raw)))
        optimizer = make()
    replicas = strategy.num_replicas_in_sync

    def replica_step(indices):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(points, indices) ** 2) + raw / replicas
        optimizer.apply_gradients(zip(tape.gradient(loss, [points, raw]), [points, raw]))

    @tf.function
    def step(indices):
        strategy.run(replica_step, args=(indices,))

    batches = [[0, 1, 1, 2], [2, 3, 3, 0], [5, 5, 5, 5]]
    for batch in batches:
        parts = np.split(np.array(batch, np.int32), replicas)
        step(strategy.experimental_distribute_values_from_function(lambda context: tf.constant(
            parts[context.replica_id_in_sync_group])) if replicas > 1 else tf.constant(parts[0]))
    assert [v.shape[-1] for v in optimizer.variables if v.shape.rank == 2] in ([3], [1], [3, 1])
    return points.numpy()

for make, policies in (
    (lambda: RiemannianAdam(0.1), ("float32", "mixed_float16")),
    (lambda: RiemannianAdagrad(0.1), ("mixed_float16",)),
):
    one = train(tf.distribute.get_strategy(), "float32", make)
    for policy in policies:
        two = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), policy, make)
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-7)
print("same")
"""


@pytest.mark.slow
def test_two_mirrored_replicas_do_what_one_does() -> None:
    process = subprocess.run([sys.executable, "-c", MIRRORED], capture_output=True, text=True, timeout=300, check=False)
    assert process.stdout.strip().endswith("same"), process.stderr[-3000:]
