"""`load_model` loads what Keras has saved, and runs nothing that a file names."""

from __future__ import annotations

import errno
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import pytest
import tensorflow as tf
import tiny
from hostile import Config, function, functional, lambda_layer, layer

from hyperml_tf.layers import Curvature
from hyperml_tf.models import HyperML, load_model
from hyperml_tf.models.allowed_classes import KERAS_CLASSES, KERAS_FUNCTIONS, check_config

IDS = ["a", "b", "c"]


@tf.keras.utils.register_keras_serializable("test_loading")
class Doubled(tf.keras.layers.Dense):
    """A layer of somebody else."""

    def call(self, inputs: Any) -> Any:
        return 2 * super().call(inputs)


def network(last: Any) -> Any:
    return tf.keras.Sequential(
        [tf.keras.layers.StringLookup(vocabulary=IDS), tf.keras.layers.Embedding(len(IDS) + 1, 3), last]
    )


def new_model(last: Any = None) -> HyperML:
    model = HyperML(IDS, IDS, dim=2, query_network=network(last or tf.keras.layers.Dense(2, activation="tanh")))
    model.compile()
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    new_model().save(path)
    return path


@pytest.mark.slow
def test_a_model_in_training_goes_on(tmp_path: Path) -> None:
    model = tiny.new_model(curvature=Curvature(learned=True))
    tiny.fit(model)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras", kind=HyperML)
    users = tiny.split().train.user_ids[:5]
    np.testing.assert_array_equal(loaded.recommend(users).ids, model.recommend(users).ids)
    assert tiny.fit(loaded) == tiny.fit(model)


def test_towers_of_keras_layers(tmp_path: Path) -> None:
    inputs = tf.keras.Input((), dtype=tf.string)
    vectors = tf.keras.layers.Embedding(4, 2)(tf.keras.layers.StringLookup(vocabulary=IDS)(inputs))
    both = tf.concat([vectors, tf.keras.layers.Dense(2, kernel_regularizer="l2")(vectors) + vectors], axis=-1)
    recurrent = tf.keras.layers.Bidirectional(tf.keras.layers.LSTM(1))(tf.expand_dims(both, 1))
    model = HyperML(IDS, IDS, dim=2, candidate_network=tf.keras.Model(inputs, recurrent))
    model.compile(tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(0.1, 10)))
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.candidate_tower.all_points(), model.candidate_tower.all_points())


def test_layers_of_ones_own_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    new_model(Doubled(2)).save(path)
    with pytest.raises(ValueError, match=r"custom_objects.*'Doubled'.*config\.query_network"):
        load_model(path)
    for objects in ({"Doubled": Doubled}, {"test_loading>Doubled": Doubled}):
        assert isinstance(load_model(path, objects).query_tower.network.layers[-1], Doubled)


def test_every_name_on_the_list_is_one_of_keras() -> None:
    for module, names in KERAS_CLASSES.items():
        if module.count(".") < 2 or module == "keras.optimizers.schedules":
            home: Any = tf.keras
            for part in module.split(".")[1:]:
                home = getattr(home, part)
            assert not [name for name in names if not isinstance(getattr(home, name, None), type)]
    homes = (tf.keras.activations, tf.keras.losses, tf.keras.metrics)
    assert not [name for name in KERAS_FUNCTIONS if not any(hasattr(home, name) for home in homes)]
    check_config(tf.keras.utils.serialize_keras_object(tf.keras.layers.LSTM(2, kernel_constraint="max_norm")), "it")


def put(place: str, value: Any) -> Callable[[Config], None]:
    """A change of the object at a place such as `config.query_network`."""

    def change(config: Config) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in place.split(".")]
        holder: Any = config
        for part in parents:
            holder = holder[part]
        holder[last] = value

    return change


TOUCH = "touch RAN"
SYSTEM = lambda_layer(function("system", "os"))
DENSE = "config.query_network.config.layers.3"
HOSTILE = {
    "a Lambda of os.system, called with a constant": put("config.query_network", functional(SYSTEM, TOUCH)),
    "the same as the whole model": lambda _: functional(SYSTEM, TOUCH),
    "a marshalled lambda": put(
        "config.query_network", functional(lambda_layer(["4wAAAA==", None, None], "lambda"), 1.0)
    ),
    "a lambda object": put(
        f"{DENSE}.config.activation", {"class_name": "__lambda__", "config": {"value": ["4wAAAA==", None, None]}}
    ),
    "a Lambda in a wrapper": put(
        DENSE, layer("TimeDistributed", name="t", layer=lambda_layer(function("system", "os")))
    ),
    "a layer of a module": put(DENSE, layer("Popen", "subprocess", args=TOUCH, shell=True)),
    "a module that is imported": put(DENSE, layer("Dense", "antigravity")),
    "a layer without a module": put(DENSE, {"class_name": "Lambda", "config": {"function": "system"}}),
    "an initializer": put(f"{DENSE}.config.kernel_initializer", layer("Popen", "subprocess", args=TOUCH)),
    "a function as an initializer": put(f"{DENSE}.config.kernel_initializer", function("system", "os")),
    "a function of Python as an activation": put(f"{DENSE}.config.activation", function("exec", "builtins")),
    "a function under the name of another": put(
        f"{DENSE}.config.activation", function("relu", "keras.activations", "system")
    ),
    "the config of compile": put("compile_config", {"loss": function("system", "os")}),
    "the optimizer": put("compile_config.optimizer", layer("Popen", "subprocess", args=TOUCH)),
    "a setting of the optimizer": put("compile_config.optimizer.config.learning_rate", function("system", "os")),
    "the config of build": put(f"{DENSE}.build_config", {"input_shape": layer("Popen", "subprocess", args=TOUCH)}),
    "the curvature": put("config.curvature", layer("Popen", "subprocess", args=TOUCH)),
    "our class, registered as another": put(
        "config.curvature", layer("Curvature", "hyperml_tf.layers", "test_loading>Doubled", units=1)
    ),
    "Keras's class, registered as another": put(DENSE, layer("Dense", "keras.layers", "test_loading>Doubled", units=2)),
    "a registered name as text": put(f"{DENSE}.config.activation", "test_loading>Doubled"),
    "our module, somebody's class": put("config.curvature", layer("os", "hyperml_tf.serving.export", "os")),
    "our name, no class": put("config.curvature", layer("Nothing", "hyperml_tf.layers", "hyperml_tf>Nothing")),
    "a module that only begins like Keras": put(DENSE, layer("Dense", "keras_evil.layers")),
    "a class of Keras's that is not on the list": put(DENSE, layer("Wrapper", name="w")),
    "a type": put(
        f"{DENSE}.config.dtype",
        {
            "class_name": "__typespec__",
            "spec_name": "Popen",
            "registered_name": None,
            "module": "subprocess",
            "config": [],
        },
    ),
    "an operation that writes": put(
        "config.query_network",
        functional(
            layer("TFOpLambda", "tf_keras.src.layers.core.tf_op_layer", name="w", function="io.write_file"), "RAN", "x"
        ),
    ),
    "an operation in a graph": put(DENSE, layer("TensorFlowOpLayer", "tf_keras.src.engine.base_layer", node_def="")),
    "a method of a tensor": put(DENSE, layer("InstanceMethod", "tf_keras.src.layers.core.tf_op_layer", attr_name="x")),
    "a vocabulary in a file": put("config.query_network.config.layers.1.config.vocabulary", "/etc/passwd"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_config_is_refused(kind: str, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = hostile.with_config(saved, tmp_path / "model.keras", HOSTILE[kind])
    with pytest.raises(
        ValueError, match=r"model\.keras` must hold only classes of hyperml_tf and of Keras .* at config"
    ):
        load_model(path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]


def test_functions_of_ones_own_do_not_open_the_door_to_others(saved: Path, tmp_path: Path) -> None:
    def system(x: Any) -> Any:
        return x

    path = hostile.with_config(
        saved, tmp_path / "model.keras", put(f"{DENSE}.config.activation", function("system", "os"))
    )
    with pytest.raises(ValueError, match="'system' of the module 'os'"):
        load_model(path, {"mine": system})
    assert load_model(path, {"system": system}).query_tower.network.layers[-1].activation is system


def test_hdf5_is_refused(tmp_path: Path) -> None:
    model = tf.keras.Sequential([tf.keras.layers.Input((1,)), tf.keras.layers.Lambda(lambda x: x)])
    with pytest.warns(UserWarning, match="HDF5"):
        model.save(tmp_path / "model.h5")
    (tmp_path / "model.h5").rename(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="must be a whole zip archive"):
        load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"must be the path of a `\.keras` file"):
        load_model(tmp_path / "model.h5")


def test_a_saved_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.keras").mkdir()
    with pytest.raises(FileNotFoundError, match="a directory"):
        load_model(tmp_path / "model.keras")


@pytest.mark.parametrize(
    "name", ["../RAN", "/RAN", "assets/../../RAN", "assets\\..\\RAN", "pickled.pkl", "model.weights.npz"]
)
def test_members_that_keras_does_not_write(name: str, saved: Path, tmp_path: Path) -> None:
    path = hostile.write(tmp_path / "model.keras", {**hostile.members(saved), name: b"x"})
    with pytest.raises(ValueError, match="must hold no such member"):
        load_model(path)


def test_a_member_that_grows_when_it_is_extracted(saved: Path, tmp_path: Path) -> None:
    path = hostile.write(tmp_path / "model.keras", hostile.members(saved), zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="uncompressed"):
        load_model(path)


@pytest.mark.parametrize(
    "missing", ["config.json", "metadata.json", "model.weights.h5", "assets/query_tower/lookup/ids.npz"]
)
def test_a_member_is_missing(missing: str, saved: Path, tmp_path: Path) -> None:
    parts = hostile.members(saved)
    parts.pop(missing)
    with pytest.raises(ValueError, match=r"model\.keras` (must be a model|cannot be loaded)"):
        load_model(hostile.write(tmp_path / "model.keras", parts))


def linked(file: Any) -> None:
    import h5py

    file["elsewhere"] = h5py.ExternalLink("/etc/other.h5", "/vars")


def beyond(file: Any) -> None:
    file.create_dataset("huge", shape=(10**9,), dtype="float32", chunks=(1024,))


def endless(file: Any) -> None:
    file["_round"] = file["/"]


@pytest.mark.parametrize("change", [linked, beyond, endless])
def test_weights_that_are_not_in_the_file(change: Callable[[Any], None], saved: Path, tmp_path: Path) -> None:
    parts = hostile.members(saved)
    parts["model.weights.h5"] = hostile.weights(change, parts["model.weights.h5"])
    with pytest.raises(ValueError, match="must hold its weights"):
        load_model(hostile.write(tmp_path / "model.keras", parts))


def test_pickled_arrays_are_refused(saved: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "ids.npz", ids=np.array(IDS, dtype=object))  # as a pickle
    parts = hostile.members(saved)
    parts["assets/query_tower/lookup/ids.npz"] = (tmp_path / "ids.npz").read_bytes()
    with pytest.raises(ValueError, match="allow_pickle=False"):
        load_model(hostile.write(tmp_path / "model.keras", parts))


def test_a_model_of_another_class(tmp_path: Path) -> None:
    network(tf.keras.layers.Dense(1)).save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"must hold a HyperML\. Received: Sequential"):
        load_model(tmp_path / "model.keras", kind=HyperML)


def test_damage_is_an_error_or_changes_nothing(saved: Path, tmp_path: Path) -> None:
    whole, path, rng = saved.read_bytes(), tmp_path / "model.keras", np.random.default_rng(0)
    expected = load_model(saved).query_tower.all_points().numpy()
    for _ in range(25):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged[: rng.integers(len(whole))] if rng.random() < 0.3 else damaged)
        try:
            found = load_model(path)
        except ValueError:
            continue
        np.testing.assert_array_equal(found.query_tower.all_points(), expected)


def test_a_full_disk_is_no_damage(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tf.keras.models, "load_model", full)
    with pytest.raises(OSError, match="No space left") as raised:
        load_model(saved)
    assert raised.value.errno == errno.ENOSPC


@pytest.mark.parametrize("text", ["[" * 100_000, "nonsense", "[]", "{}", '{"class_name": [1], "config": {}}', "null"])
def test_a_config_that_is_none(text: str, saved: Path, tmp_path: Path) -> None:
    parts = {**hostile.members(saved), "config.json": text.encode()}
    with pytest.raises(ValueError, match=r"model\.keras`"):
        load_model(hostile.write(tmp_path / "model.keras", parts))
