"""The table of points: what it returns, its gradients, its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import ball_variables, numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.initializers import RadialUniform
from hyperml_tf.layers import Curvature, HyperbolicDistance, HyperbolicEmbedding

MODES = ("tangent", "direct")
IDS = tf.constant([[1, 2, 2], [0, 4, 3]])


def built(table: Any = None, **kwargs: Any) -> HyperbolicEmbedding:
    layer = HyperbolicEmbedding(5, 3, **kwargs)
    layer.build(None)
    if table is not None:
        layer.embeddings.assign(tf.broadcast_to(tf.constant(table, layer.embeddings.dtype), layer.embeddings.shape))
    return layer


@pytest.mark.parametrize("c", [0.0, 0.3, 4.0])
def test_both_modes_start_at_the_same_points(c: float) -> None:
    start = RadialUniform(0.5, 3.0, seed=3)
    tangent, direct = (built(mode=mode, curvature=c, embeddings_initializer=start)(IDS) for mode in MODES)
    np.testing.assert_allclose(tangent, direct, rtol=1e-6)
    np.testing.assert_allclose(tangent, poincare.expmap0(start((5, 3)).numpy()[IDS.numpy()], c), rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_default_start_is_a_distance_of_about_016(mode: str) -> None:
    layer = HyperbolicEmbedding(500, 64, mode=mode)
    distances = poincare.distance0(layer(tf.range(500)), 1.0)
    assert float(tf.sqrt(tf.reduce_mean(distances**2))) == pytest.approx(0.16, rel=0.02)


@pytest.mark.parametrize("mode", MODES)
def test_at_curvature_0_it_is_an_ordinary_embedding(mode: str) -> None:
    layer = built(mode=mode, curvature=0.0, embeddings_initializer=RadialUniform(0.0, 50.0))
    plain = tf.keras.layers.Embedding(5, 3, weights=[layer.embeddings.numpy()])
    for ids in (IDS, tf.constant(3), tf.constant([], tf.int64)):
        with tf.GradientTape() as tape, tf.GradientTape() as plain_tape:
            value, expected = layer(ids), plain(ids)
            loss, plain_loss = tf.reduce_sum(value**3), tf.reduce_sum(expected**3)
        np.testing.assert_array_equal(value, expected)
        gradient = tf.convert_to_tensor(tape.gradient(loss, layer.embeddings))
        np.testing.assert_allclose(
            gradient, tf.convert_to_tensor(plain_tape.gradient(plain_loss, plain.embeddings)), rtol=1e-6
        )


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", [{}, {"max_tangent_norm": 0.01, "embeddings_regularizer": "l2"}])
def test_gradient_of_the_table_is_sparse(mode: str, options: dict[str, Any]) -> None:
    layer = built(mode=mode, curvature=Curvature(0.5, learned=True), **options)

    @tf.function
    def step(ids: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(poincare.squared_distance(layer(ids), tf.ones(3) / 2, layer.curvature())) + sum(
                layer.losses
            )
        return tape.gradient(loss, [layer.embeddings, layer.curvature.raw])

    for run in (step, step.python_function):
        table_gradient, curvature_gradient = run(IDS)
        assert isinstance(table_gradient, tf.IndexedSlices)
        assert table_gradient.values.shape == (6, 3)
        assert np.isfinite(table_gradient.values).all()
        assert np.isfinite(curvature_gradient)


def test_only_direct_tables_are_marked_as_points() -> None:
    assert ball_variables.ball_curvature(built(mode="tangent").embeddings) is None
    assert ball_variables.ball_curvature(built(mode="direct", curvature=0.5).embeddings) == 0.5
    learned = Curvature(0.5, learned=True)
    table = built(mode="direct", curvature=learned).embeddings
    learned.raw.assign(numerics.softplus_inverse(3.0))
    assert float(ball_variables.ball_curvature(table)) == pytest.approx(3.0)


@pytest.mark.slow
def test_mark_survives_saving(tmp_path: Path) -> None:
    model = tf.keras.Sequential([HyperbolicEmbedding(5, 3, mode="direct", curvature=0.5)])
    model(IDS)
    model.save(tmp_path / "model.keras")
    restored = tf.keras.models.load_model(tmp_path / "model.keras")
    assert ball_variables.ball_curvature(restored.layers[0].embeddings) == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_learned_curvature_trains_in_fit(mode: str) -> None:
    curvature = Curvature(0.5, learned=True)
    ids = tf.keras.Input([3], dtype="int32")
    start = RadialUniform(1.0, 3.0)
    points = HyperbolicEmbedding(5, 3, mode=mode, curvature=curvature, embeddings_initializer=start)(ids)
    model = tf.keras.Model(ids, HyperbolicDistance(curvature=curvature)([points[:, :1], points[:, 1:]]))
    model.compile(tf.keras.optimizers.Adam(0.05), "mse")
    history = model.fit(IDS, tf.fill([2, 2], 8.0), epochs=25, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    assert abs(float(curvature()) - 0.5) > 0.01


def test_points_stay_inside_when_the_curvature_grows() -> None:
    learned = Curvature(0.5, learned=True)
    layer = built([1.0, 0.5, 0.5], mode="direct", curvature=learned)
    learned.raw.assign(numerics.softplus_inverse(9.0))
    norms = np.linalg.norm(layer(IDS), axis=-1)
    np.testing.assert_allclose(norms, numerics.ball_limit(tf.float32) / 3.0, rtol=1e-6)
    assert np.isfinite(poincare.distance0(layer(IDS), 9.0)).all()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("c", [0.0, 0.5, 2.0])
def test_max_tangent_norm_is_half_the_largest_distance(mode: str, c: float) -> None:
    layer = built(mode=mode, curvature=c, max_tangent_norm=0.75, embeddings_initializer=RadialUniform(0.0, 10.0))
    free = built(mode=mode, curvature=c)
    free.embeddings.assign(layer.embeddings)
    expected = tf.minimum(poincare.distance0(free(tf.range(5)), c), 1.5)
    np.testing.assert_allclose(poincare.distance0(layer(tf.range(5)), c), expected, rtol=1e-5)
    assert float(tf.reduce_max(expected)) == 1.5


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("limit", [None, 0.5])
def test_a_row_beyond_the_limit_can_come_back(mode: str, limit: float | None) -> None:
    layer = built([20.0, 0.0, 0.0], mode=mode, max_tangent_norm=limit)

    def gradient(loss: Any) -> np.ndarray:
        with tf.GradientTape() as tape:
            value = loss(layer(tf.constant([2])))
        return tape.gradient(value, layer.embeddings).values.numpy()[0]

    inward = gradient(lambda x: poincare.squared_distance(x, tf.zeros(3), 1.0))
    assert np.isfinite(inward).all()
    assert inward[0] > 0
    outward = gradient(lambda x: -poincare.squared_distance(x, tf.zeros(3), 1.0))
    # Two radial parts cancel, each thousands of times as long as the inward gradient: what is left is their rounding.
    np.testing.assert_allclose(outward, 0.0, atol=1e-3 * inward[0])
    sideways = gradient(lambda x: poincare.squared_distance(x, [0.0, 0.6, 0.0], 1.0))
    assert np.isfinite(sideways).all()
    assert sideways[1] < 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_a_foreign_optimizer_cannot_leave_the_ball_for_good(mode: str) -> None:
    layer = built([0.9, 0.0, 0.0], mode=mode, curvature=1.0)
    optimizer = tf.keras.optimizers.Adam(0.1)

    @tf.function
    def step(weight: Any) -> Any:
        with tf.GradientTape() as tape:
            point = layer(tf.constant([0]))
            loss = weight * tf.reduce_sum(poincare.squared_distance(point, tf.zeros(3), 1.0))
        optimizer.apply_gradients([(tape.gradient(loss, layer.embeddings), layer.embeddings)])
        return point

    outwards = [step(tf.constant(-1.0)) for _ in range(30)]
    back = [step(tf.constant(1.0)) for _ in range(100)]
    distances = poincare.distance0(tf.concat(outwards + back, 0), 1.0).numpy()
    assert (np.linalg.norm(outwards + back, axis=-1) < 1.0).all()
    assert distances.max() > 5.0
    assert distances[-1] < 1.0


@pytest.mark.parametrize("mode", MODES)
def test_regularizer_sees_the_tangent_vectors_looked_up(mode: str) -> None:
    layer = built(mode=mode, curvature=0.5, embeddings_initializer=RadialUniform(1.0, 2.0, seed=1))
    regularized = built(
        mode=mode,
        curvature=0.5,
        embeddings_initializer=RadialUniform(1.0, 2.0, seed=1),
        embeddings_regularizer=tf.keras.regularizers.L2(2.0),
    )
    distances = poincare.distance0(layer(IDS), 0.5)
    regularized(IDS)
    assert float(regularized.losses[0]) == pytest.approx(float(2.0 * tf.reduce_mean((distances / 2) ** 2)), rel=1e-5)


def test_mask() -> None:
    assert built().compute_mask(IDS) is None
    assert built(mask_zero=True).compute_mask(IDS).numpy().tolist() == [[True, True, True], [False, True, True]]


def test_id_dtypes() -> None:
    layer = built()
    for dtype in ("uint8", "int16", "int64", "uint64", "float32"):
        np.testing.assert_array_equal(layer(tf.cast(IDS, dtype)), layer(IDS))


@pytest.mark.parametrize("bad", [5, -1])
def test_id_out_of_range_names_the_layer_and_the_range(bad: int) -> None:
    layer = built(name="items")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"'items' must be ids in \[0, 5\).*Received"):
        layer(tf.constant([1, bad]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="items"):
        tf.function(layer)(tf.constant([1, bad]))


def test_float64() -> None:
    layer = built([0.1, 0.2, 0.3], dtype="float64", curvature=0.3)
    assert layer.embeddings.dtype == tf.float64
    expected = np.tanh(np.sqrt(0.3 * 0.14)) / np.sqrt(0.3 * 0.14) * np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(layer(tf.constant(1)), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"input_dim": 0}, "`input_dim`.*Received"),
        ({"input_dim": 2.5}, "`input_dim`.*Received"),
        ({"output_dim": -2}, "`output_dim`.*Received"),
        ({"mode": "both"}, "`mode`.*Received"),
        ({"max_tangent_norm": 0.0}, "`max_tangent_norm`.*Received"),
        ({"curvature": -1.0}, ">= 0.*Received"),
    ],
)
def test_invalid_arguments(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HyperbolicEmbedding(**{"input_dim": 5, "output_dim": 3, **kwargs})
