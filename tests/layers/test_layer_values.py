"""What each layer computes, its masks, its errors, and layers put together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import ball_variables, layers, numerics
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.initializers import RadialUniform

C = 0.7


def ball(*shape: int, seed: int = 1) -> Any:
    return poincare.expmap0(RadialUniform(0.1, 4.0, seed=seed)(shape), C)


X, Y, SETS = ball(4, 3), ball(4, 3, seed=2), ball(4, 5, 3, seed=3)
FACTORS = tf.constant([[0.5], [2.0], [-1.0], [0.0]])


@pytest.mark.parametrize(
    ("name", "kwargs", "inputs", "expected"),
    [
        ("MobiusAdd", {}, [X, Y], poincare.mobius_add(X, Y, C)),
        ("MobiusScalarMul", {}, [FACTORS, X], poincare.mobius_scalar_mul(FACTORS[:, 0], X, C)),
        ("MobiusScalarMul", {"factor": -0.5}, X, poincare.mobius_scalar_mul(-0.5, X, C)),
        ("ExpMap", {}, X, poincare.expmap0(X, C)),
        ("ExpMap", {}, [X, Y], poincare.expmap(X, Y, C)),
        ("LogMap", {}, X, poincare.logmap0(X, C)),
        ("LogMap", {}, [X, Y], poincare.logmap(X, Y, C)),
        ("ProjectToBall", {}, 10 * X, poincare.project(10 * X, C)),
        ("HyperbolicDistance", {}, [X, Y], poincare.distance(X, Y, C)),
        ("HyperbolicDistance", {"squared": True}, [X, Y], poincare.squared_distance(X, Y, C)),
        ("Gyromidpoint", {}, SETS, poincare.gyromidpoint(SETS, C)),
        ("LorentzLift", {}, X, lorentz.lift(X, C)),
        ("LorentzLift", {"role": "query"}, X, lorentz.query(lorentz.lift(X, C), C)),
    ],
)
def test_values(name: str, kwargs: dict[str, Any], inputs: Any, expected: Any) -> None:
    np.testing.assert_array_equal(getattr(layers, name)(curvature=C, **kwargs)(inputs), expected)


def test_dense_formula() -> None:
    layer = layers.MobiusDense(2, activation="tanh", curvature=C, bias_initializer=RadialUniform(1.0, 2.0))
    outputs = layer(SETS)
    product = poincare.mobius_matvec(tf.transpose(layer.kernel), SETS, C)
    total = poincare.mobius_add(product, tf.convert_to_tensor(layer.bias), C)
    np.testing.assert_allclose(outputs, poincare.expmap0(tf.tanh(poincare.logmap0(total, C)), C), rtol=1e-5)
    assert 1.0 <= float(poincare.distance0(tf.convert_to_tensor(layer.bias), C)) <= 2.0
    assert ball_variables.ball_curvature(layer.bias) == C
    assert ball_variables.ball_curvature(layer.kernel) is None


def test_dense_at_curvature_0_is_dense() -> None:
    layer = layers.MobiusDense(2, activation="relu", curvature=0.0, bias_initializer="ones")
    outputs = layer(SETS)
    plain = tf.keras.layers.Dense(2, activation="relu", weights=[layer.kernel.numpy(), layer.bias.numpy()])
    np.testing.assert_allclose(outputs, plain(SETS), rtol=1e-6)


def test_dense_projects_a_bias_outside_the_ball() -> None:
    layer = layers.MobiusDense(3, curvature=C)
    layer.build([None, 3])
    layer.bias.assign([9.0, 9.0, 9.0])
    norms = np.sqrt(C) * np.linalg.norm(layer(X), axis=-1)
    assert (norms <= numerics.ball_limit(tf.float32) * (1 + 1e-6)).all()


@pytest.mark.slow
def test_learned_factor_and_curvature_move() -> None:
    layer = layers.MobiusScalarMul(0.5, learned=True, curvature=layers.Curvature(C, learned=True))
    model = tf.keras.Sequential([layer])
    model.compile(tf.keras.optimizers.Adam(0.05), "mse")
    model.fit(X, poincare.mobius_scalar_mul(1.5, X, C), epochs=50, verbose=0)
    assert float(layer.factor) == pytest.approx(1.5, abs=0.3)


def test_lifted_dot_products_rank_by_distance() -> None:
    queries, candidates = ball(10, 4, seed=5), ball(50, 4, seed=6)
    lifted = layers.LorentzLift("query", curvature=C)(queries), layers.LorentzLift("candidate", curvature=C)(candidates)
    by_product = tf.argsort(tf.matmul(*lifted, transpose_b=True), direction="DESCENDING")
    np.testing.assert_array_equal(by_product, tf.argsort(poincare.pairwise_distance(queries, candidates, C)))


def test_gyromidpoint_counts_neither_masked_points_nor_weights_of_zero() -> None:
    layer = layers.Gyromidpoint(curvature=C)
    mask = tf.sequence_mask([3, 5, 1, 0], 5)
    expected = tf.stack(
        [poincare.gyromidpoint(SETS[i, :n], C) if n else tf.zeros(3) for i, n in enumerate([3, 5, 1, 0])]
    )
    np.testing.assert_allclose(layer(SETS, mask=mask), expected, atol=1e-6)
    np.testing.assert_allclose(layer(SETS, weights=tf.cast(mask, tf.float32)), expected, atol=1e-6)
    weights = tf.random.uniform([4, 5])
    np.testing.assert_allclose(
        layer(SETS, weights=weights, mask=mask),
        poincare.gyromidpoint(SETS, C, weights * tf.cast(mask, tf.float32)),
        atol=1e-6,
    )


@pytest.mark.slow
def test_a_mask_reaches_the_midpoint_through_other_layers(tmp_path: Path) -> None:
    curvature = layers.Curvature(C, learned=True)
    ids = tf.keras.Input([None], dtype="int32")
    points = layers.HyperbolicEmbedding(10, 3, curvature=curvature, mask_zero=True)(ids)
    moved = layers.MobiusAdd(curvature=curvature)([points, layers.MobiusScalarMul(0.5, curvature=curvature)(points)])
    dense = layers.MobiusDense(4, curvature=curvature)(moved)
    model = tf.keras.Model(ids, layers.Gyromidpoint(curvature=curvature)(dense))
    long, short = model(tf.constant([[3, 4, 0, 0]])), model(tf.constant([[3, 4]]))
    np.testing.assert_allclose(long, short, rtol=1e-5)
    assert model(tf.constant([[0, 0]])).numpy().tolist() == [[0.0] * 4]
    assert len(model.trainable_weights) == 4  # one curvature, shared by five layers

    curvature.raw.assign(2.0)
    model.save(tmp_path / "model.keras")
    restored = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(restored(tf.constant([[3, 4]])), model(tf.constant([[3, 4]])))
    assert len(restored.trainable_weights) == 4


@pytest.mark.slow
def test_weights_of_a_midpoint_may_be_symbolic(tmp_path: Path) -> None:
    points, weights = tf.keras.Input([5, 3]), tf.keras.Input([5])
    model = tf.keras.Model([points, weights], layers.Gyromidpoint(curvature=C)(points, weights=weights))
    model.save(tmp_path / "model.keras")
    restored = tf.keras.models.load_model(tmp_path / "model.keras")
    values = tf.random.uniform([4, 5])
    np.testing.assert_allclose(restored([SETS, values]), poincare.gyromidpoint(SETS, C, values), rtol=1e-6)


@tf.keras.utils.register_keras_serializable("tests")
class Scorer(tf.keras.Model):
    """A subclassed model with layers that own their curvature."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lift = layers.ExpMap(curvature=layers.Curvature(C, learned=True))
        self.hidden = layers.MobiusDense(3, curvature=layers.Curvature(1.0, learned=True))
        self.distance = layers.HyperbolicDistance(curvature=self.hidden.curvature)

    def call(self, inputs: Any) -> Any:
        points = self.hidden(self.lift(inputs))
        return self.distance([points, tf.zeros_like(points)])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5", "checkpoint", "saved_model"])
def test_subclassed_model_saves(name: str, tmp_path: Path) -> None:
    model = Scorer()
    model.compile("adam", "mse")
    model.fit(X, tf.ones([4, 1]), epochs=2, verbose=0)
    path = str(tmp_path / name)
    if name == "saved_model":
        tf.saved_model.save(model, path)
        np.testing.assert_array_equal(tf.saved_model.load(path)(X), model(X))
    elif name == "model.keras":
        model.save(path)
        np.testing.assert_array_equal(tf.keras.models.load_model(path)(X), model(X))
    else:
        model.save_weights(path)
        other = Scorer()
        other(X)
        other.load_weights(path)
        np.testing.assert_array_equal(other(X), model(X))


@pytest.mark.slow
def test_nested_layers_with_curvatures_of_their_own_save_to_hdf5(tmp_path: Path) -> None:
    def make() -> Any:
        tower = tf.keras.Sequential([Scorer(name="scorer")], name="tower")
        tower(X)
        return tower

    model, other = make(), make()
    model.save_weights(str(tmp_path / "weights.h5"))
    other.load_weights(str(tmp_path / "weights.h5"))
    np.testing.assert_array_equal(other(X), model(X))


def test_activity_regularizer_is_kept() -> None:
    layer = layers.ExpMap(curvature=C, activity_regularizer="l2")
    restored = layers.ExpMap.from_config(layer.get_config())
    restored(X)
    assert len(restored.losses) == 1


@pytest.mark.parametrize("first", [None, [[True, False]]])
@pytest.mark.parametrize("second", [None, [[True, True]]])
def test_masks_of_two_inputs(first: Any, second: Any) -> None:
    mask = [None if m is None else tf.constant(m) for m in (first, second)]
    combined = layers.MobiusAdd().compute_mask(None, mask)
    expected = first or second
    assert combined is None if expected is None else combined.numpy().tolist() == expected
    assert layers.HyperbolicDistance().compute_mask(None, mask) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.MobiusAdd()(X), r"list of two tensors, \[x, y\]"),
        (lambda: layers.HyperbolicDistance()([X, Y, X]), r"list of two tensors, \[x, y\]"),
        (lambda: layers.ExpMap()([X]), r"list of two tensors, \[base, v\]"),
        (lambda: layers.LogMap()([X]), r"list of two tensors, \[base, y\]"),
        (lambda: layers.MobiusScalarMul()(X), "the layer has no `factor`"),
        (lambda: layers.MobiusScalarMul()([X, X]), "one factor per point"),
        (lambda: layers.MobiusScalarMul(learned=True), "`factor`"),
        (lambda: layers.MobiusDense(0), "`units`"),
        (lambda: layers.MobiusMatVec(2.5), "`units`"),
        (lambda: layers.Gyromidpoint()(SETS, weights=tf.ones([4, 1])), "`weights`"),
        (lambda: layers.Gyromidpoint()(SETS, weights=tf.ones([4, 5, 1])), "`weights`"),
        (lambda: layers.Gyromidpoint()(SETS, weights=tf.ones([3, 5])), "`weights`"),
        (lambda: layers.MobiusMatVec(2).build([None, None]), "known last axis"),
        (lambda: layers.LorentzLift("user"), "`role`"),
        (lambda: layers.ExpMap(curvature=float("nan")), ">= 0"),
        (lambda: layers.Curvature(0.0, learned=True), "> 0"),
    ],
)
def test_errors_say_what_was_expected_and_received(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=rf"(?s){message}.*Received"):
        make()


@pytest.mark.parametrize("name", ["ExpMap", "HyperbolicDistance", "LogMap", "MobiusAdd"])
@pytest.mark.parametrize("shapes", [([4, 3], [4, 1]), ([4, 3], [1]), ([4, 3], [2, 3]), ([4, 3], [])])
def test_two_points_must_have_one_dimension(name: str, shapes: Any) -> None:
    layer = getattr(layers, name)(curvature=C)
    message = rf"(?s)`inputs` must be \[.*same `dim`.*Received.*{re.escape(str(tuple(shapes[0])))}"
    for x, y in (shapes, shapes[::-1]):
        with pytest.raises(ValueError, match=message):
            layer([tf.zeros(x), tf.zeros(y)])
        with pytest.raises(ValueError, match=message):
            layer.compute_output_shape([tf.TensorShape(x), tf.TensorShape(y)])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ExpMap", "HyperbolicDistance", "LogMap", "MobiusAdd"])
def test_two_points_of_unknown_shape(name: str) -> None:
    layer = getattr(layers, name)(curvature=C)
    expected = layer([X, Y])
    for spec in (tf.TensorSpec(None), tf.TensorSpec([None, None]), tf.TensorSpec([None, 3])):
        function = tf.function(lambda x, y: layer([x, y]), input_signature=[spec, spec])
        np.testing.assert_allclose(function(X, Y), expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"same `dim`.*\(None, 3\).*\(None, 1\)"):
        layer([tf.keras.Input([3]), tf.keras.Input([1])])


def test_weights_of_a_midpoint_broadcast_over_sets() -> None:
    weights = tf.random.uniform([5])
    expected = poincare.gyromidpoint(SETS, C, tf.tile(weights[tf.newaxis], [4, 1]))
    np.testing.assert_allclose(layers.Gyromidpoint(curvature=C)(SETS, weights=weights), expected, rtol=1e-6)


@pytest.mark.parametrize("curvature", ["1.0", None, True])
def test_curvature_of_a_wrong_type(curvature: Any) -> None:
    with pytest.raises(TypeError, match=r"`curvature` must be .*Received"):
        layers.ExpMap(curvature=curvature)


@pytest.mark.parametrize("value", [1e-3, 0.5, 1.0, 30.0])
def test_a_learned_curvature_starts_at_the_value_given(value: float) -> None:
    assert float(layers.Curvature(value, learned=True)()) == pytest.approx(value, rel=1e-5)


def test_float64_layers() -> None:
    x, y = tf.cast(X, tf.float64), tf.cast(Y, tf.float64)
    distance = layers.HyperbolicDistance(curvature=0.3, dtype="float64")([x, y])
    assert distance.dtype == tf.float64
    np.testing.assert_allclose(distance, poincare.distance(x, y, 0.3), rtol=1e-14)
