"""One export in several loaders: the same answers from plain TensorFlow, saved_model_cli, a TF1 session and a program in C."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from c_client import CClient, compiled
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tiny import exporting, new_model, run_python, split

from hyperml_tf.server import rest_format
from hyperml_tf.server.loaded_version import LoadedVersion
from hyperml_tf.serving import SIGNATURES, ServedModel, export_saved_model

pytestmark = pytest.mark.slow

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="session")
def calls(users: list[str]) -> Calls:
    """One call of every signature, with unknown ids, padding and ids of several bytes a letter."""
    items = split().train.item_ids
    lists = [[*items[row : row + 4].tolist(), "", "unknown 品"] for row in range(len(users))]
    values = {
        "user_id": users,
        "candidates": lists,
        "exclude": lists,
        "history": [["", "nothing", "", "", "", ""], *lists[1:]],
    }
    made = []
    for name, signature in SIGNATURES.items():
        if name == "recommend_where":  # which needs columns to filter by
            continue
        items_of = {1: [*items[: len(users) - 1].tolist(), "unknown"], 2: lists}
        made.append(
            (name, {f: items_of[len(s.shape)] if f == "item_id" else values[f] for f, s in signature.inputs.items()})
        )
    return made


@pytest.fixture(scope="session")
def expected(loaded: ServedModel, calls: Calls) -> list[dict[str, np.ndarray]]:
    return [loaded.ask(name, **inputs) for name, inputs in calls]


@pytest.fixture(scope="session")
def c_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("c"))


@pytest.fixture(scope="session")
def c_client(c_program: Path, served: Path) -> CClient:
    return CClient(c_program, served)


def agree(got: Any, expected: dict[str, np.ndarray]) -> None:
    assert set(got) == set(expected)
    for name, values in expected.items():
        if values.dtype == object:
            assert np.array(got[name], object).tolist() == values.tolist(), name
        else:
            np.testing.assert_allclose(np.array(got[name], np.float32), values, rtol=1e-5, atol=1e-5, err_msg=name)


def test_a_program_in_c(c_client: CClient, calls: Calls, expected: list[dict[str, np.ndarray]]) -> None:
    for got, answer in zip(c_client.ask(*calls), expected, strict=True):
        agree(got, answer)


def test_a_sequence_model_in_c(c_program: Path, tmp_path: Path) -> None:
    model = new_model(user_model="sequence", encoding={"length": 20})
    model.set_seen(split().train)
    for weight in model.query_tower.encoder.trainable_variables:
        weight.assign_add(tf.random.normal(weight.shape, stddev=0.1))
    with exporting("serving_default", "recommend_from_items"):
        path = export_saved_model(model, tmp_path / "1", k=7)
    user = split().train.user_ids[3]
    items = split().train.item_ids[split().train.items[split().train.users == 3]].tolist()
    calls: Calls = [("serving_default", {"user_id": [user]}), ("recommend_from_items", {"history": [["", *items]]})]
    loaded, client = ServedModel(path), CClient(c_program, path)
    for (name, inputs), got in zip(calls, client.ask(*calls), strict=True):
        agree(got, loaded.ask(name, **inputs))
    nearest = model.recommend([user], k=7)
    assert loaded.ask(*calls[0][:1], **calls[0][1])["item_id"].tolist() == nearest.ids.tolist()


def test_wrong_shapes_are_errors_in_c(c_client: CClient) -> None:
    """The C library, as TensorFlow Serving, feeds any shape: the graph itself has to refuse what it was not made for."""
    user = split().train.user_ids[0]
    wrong = [
        ("serving_default", {"user_id": [[user]]}),
        ("serving_default", {"user_id": user}),
        ("recommend_excluding", {"user_id": [user], "exclude": ["a"]}),
        ("recommend_among", {"user_id": [user], "candidates": ["a"]}),
        ("recommend_from_items", {"history": ["a", "b"]}),
        ("embed_item", {"item_id": [["a", "b"], ["c", "d"]]}),
    ]
    mismatched = [
        ("recommend_excluding", {"user_id": [user, user], "exclude": [["a"]]}),
        ("recommend_among", {"user_id": [user, user], "candidates": [["a"]]}),
        ("score", {"user_id": [user], "item_id": [["a"], ["b"]]}),
    ]
    right = ("serving_default", {"user_id": [user]})
    *answers, last = c_client.ask(*wrong, *mismatched, right)
    for answer in answers[: len(wrong)]:
        assert isinstance(answer, str)
        assert "is not compatible with expected shape" in answer
    for answer, name in zip(answers[len(wrong) :], ("exclude", "candidates", "item_id"), strict=True):
        assert isinstance(answer, str)
        assert f"`{name}` must have one row for each of `user_id`" in answer
    assert last["item_id"].shape == (1, 7)  # and the session goes on


def test_every_operation_is_of_the_library(served: Path, rich: Path, c_client: CClient) -> None:
    registered = {op.name for op in op_def_pb2.OpList.FromString(c_client.operations()).op}
    assert len(registered) > 1000
    for path in (served, rich):
        used = operations(path)
        assert {"MatMul", "TopKV2", "LookupTableFindV2"} <= used
        assert used - registered == set()
        assert not any("PyFunc" in name for name in used)


def operations(path: Path) -> set[str]:
    """All operations of an export, those inside functions included."""
    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    (meta,) = saved.meta_graphs
    functions = {function.signature.name for function in meta.graph_def.library.function}
    nodes = [*meta.graph_def.node, *(n for function in meta.graph_def.library.function for n in function.node_def)]
    return {node.op for node in nodes} - functions


def test_no_graph_holds_the_catalogue(served: Path) -> None:
    """Ids and points are in the files of the variables: a graph is a protobuf, which ends at 2 GB."""
    saved = saved_model_pb2.SavedModel.FromString((served / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    nodes = [*graph.node, *(n for function in graph.library.function for n in function.node_def)]
    constants = [tf.make_ndarray(node.attr["value"].tensor) for node in nodes if node.op == "Const"]
    assert max(value.size for value in constants) < 20
    assert split().train.item_ids[0].encode() not in (served / "saved_model.pb").read_bytes()


def test_plain_tensorflow(served: Path, calls: Calls, expected: list[dict[str, np.ndarray]]) -> None:
    """In a process where none of our packages, nor Keras, can be imported."""
    program = """
import json, sys
from importlib.machinery import ModuleSpec
OURS = ("hyperml_tf", "tensorflow_recommenders", "tf_keras", "keras")
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in OURS:
            return ModuleSpec(name, self)
    def create_module(self, spec):
        raise ImportError(f"{spec.name} is blocked")
    def exec_module(self, module):
        raise ImportError
sys.meta_path.insert(0, Blocked())
for name in OURS:
    try:
        __import__(name)
    except ImportError as error:
        assert "is blocked" in str(error)
    else:
        raise AssertionError(name)
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
answers = []
for name, inputs in json.loads(sys.argv[2]):
    answer = loaded.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
    answers.append({
        key: [[v.decode() for v in row] for row in value.numpy()] if value.dtype == tf.string else value.numpy().tolist()
        for key, value in answer.items()
    })
print(json.dumps({"answers": answers, "modules": [name for name in OURS if name in sys.modules]}))
"""
    got = json.loads(run_python(program, served, json.dumps(calls)).splitlines()[-1])
    assert got["modules"] == []
    for answer, truth in zip(got["answers"], expected, strict=True):
        agree(answer, truth)


def test_a_session_of_tensorflow_1(served: Path, calls: Calls, expected: list[dict[str, np.ndarray]]) -> None:
    """As TensorFlow Serving loads an export, and `hyperml-tf serve`."""
    version = LoadedVersion(1, served)
    for (name, inputs), answer in zip(calls, expected, strict=True):
        call, _ = rest_format.call_of({"signature_name": name, "inputs": inputs}, version)
        outputs = version.run(name, call.inputs)
        plain = {key: np.vectorize(_decoded, otypes=[object])(value) for key, value in outputs.items()}
        agree(plain, answer)


def _decoded(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def test_saved_model_cli(served: Path, tmp_path: Path, calls: Calls, expected: list[dict[str, np.ndarray]]) -> None:
    name = "recommend_excluding"
    place = [call[0] for call in calls].index(name)
    command = [str(Path(sys.executable).with_name("saved_model_cli")), "run", "--dir", str(served)]
    command += ["--tag_set", "serve", "--signature_def", name, "--outdir", str(tmp_path), "--input_exprs"]
    # The answers of the last two rows, to keep the line short.
    inputs = {key: list(value[-2:]) for key, value in calls[place][1].items()}
    expression = ";".join(f"{key}={value!r}" for key, value in inputs.items())
    finished = subprocess.run([*command, expression], capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr[-2000:]
    answer = {key: value[-2:] for key, value in expected[place].items()}
    ids = np.load(tmp_path / "item_id.npy", allow_pickle=True)
    agree(
        {"item_id": [[v.decode() for v in row] for row in ids], "distance": np.load(tmp_path / "distance.npy")}, answer
    )
