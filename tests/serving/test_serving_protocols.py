"""gRPC and REST as clients of TensorFlow Serving speak them, against the server of the package."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from serving_cases import K
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tiny import split

from hyperml_tf.server import Server
from hyperml_tf.serving import SIGNATURES, ServedModel

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def asked(rich: Path) -> ServedModel:
    return ServedModel(rich)


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.grpc_address) as opened:
        yield opened


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> prediction_service_pb2_grpc.PredictionServiceStub:
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def address(server: Server) -> str:
    return f"{server.url}/v1/models/hyperml"


def request(signature: str, **inputs: Any) -> predict_pb2.PredictRequest:
    made = predict_pb2.PredictRequest()
    made.model_spec.name, made.model_spec.signature_name = "hyperml", signature
    for name, values in inputs.items():
        made.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return made


def values_of(signature: str) -> dict[str, Any]:
    users, items = split().train.user_ids, split().train.item_ids
    lists = [items[:3].tolist(), [items[4], "", "unknown"]]
    plain = {"filter_column": ["shelf", "none"], "filter_value": ["3", "3"]}
    plain |= {"user_id": [users[0], "stranger"], "candidates": lists, "exclude": lists, "history": lists}
    return {
        name: plain.get(name, lists if len(field.shape) == 2 else items[:2].tolist())
        for name, field in SIGNATURES[signature].inputs.items()
    }


@pytest.mark.parametrize("signature", SIGNATURES)
def test_grpc(stub: prediction_service_pb2_grpc.PredictionServiceStub, asked: ServedModel, signature: str) -> None:
    inputs = values_of(signature)
    response = stub.Predict(request(signature, **inputs), timeout=60)
    assert response.model_spec.signature_name == signature
    assert response.model_spec.version.value == 2
    expected = asked.ask(signature, **inputs)
    assert set(response.outputs) == set(expected)
    for name, values in expected.items():
        got = tf.make_ndarray(response.outputs[name])
        if values.dtype == object:
            assert [[value.decode() for value in row] for row in got] == values.tolist()
        else:
            np.testing.assert_allclose(got, values, rtol=1e-5)


def test_grpc_returns_what_is_asked_for(stub: prediction_service_pb2_grpc.PredictionServiceStub) -> None:
    asked_for = request("serving_default", user_id=["stranger"])
    asked_for.output_filter.append("item_id")
    response = stub.Predict(asked_for, timeout=60)
    assert set(response.outputs) == {"item_id"}
    default = request("", user_id=["stranger"])
    assert stub.Predict(default, timeout=60).model_spec.signature_name == "serving_default"


@pytest.mark.parametrize(
    ("signature", "inputs", "code", "message"),
    [
        ("recommend", {"user_id": ["a"]}, grpc.StatusCode.FAILED_PRECONDITION, '"recommend" not found'),
        (
            "serving_default",
            {"user_id": [7]},
            grpc.StatusCode.INVALID_ARGUMENT,
            "Expects arg[0] to be string but int32 is provided",
        ),
        (
            "serving_default",
            {"user_id": [["a"]]},
            grpc.StatusCode.INVALID_ARGUMENT,
            "[1,1] is not compatible with expected shape [?]",
        ),
        (
            "serving_default",
            {"user_id": "a"},
            grpc.StatusCode.INVALID_ARGUMENT,
            "is not compatible with expected shape",
        ),
        (
            "serving_default",
            {"user": ["a"]},
            grpc.StatusCode.INVALID_ARGUMENT,
            "input tensor alias not found in signature: user. Inputs expected to be in the set {user_id}.",
        ),
        (
            "recommend_excluding",
            {"user_id": ["a"]},
            grpc.StatusCode.INVALID_ARGUMENT,
            "input size does not match signature: 1!=2 len({user_id}) != len({exclude,user_id}). Sent extra: {}. Missing but "
            "required: {exclude}.",
        ),
        (
            "recommend_excluding",
            {"user_id": ["a", "b"], "exclude": [["c"]]},
            grpc.StatusCode.INVALID_ARGUMENT,
            "`exclude` must have one row for each of `user_id`",
        ),
    ],
)
def test_wrong_calls_by_grpc(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
    signature: str,
    inputs: dict[str, Any],
    code: grpc.StatusCode,
    message: str,
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Predict(request(signature, **inputs), timeout=60)
    assert caught.value.code() == code
    assert message in caught.value.details()
    assert len(stub.Predict(request("", user_id=["a"]), timeout=60).outputs) == 4  # and it goes on


def test_an_output_that_is_not_there_is_an_error(stub: prediction_service_pb2_grpc.PredictionServiceStub) -> None:
    for names, message in (
        (
            ["price"],
            "output tensor alias not found in signature: price Outputs expected to be in the set {distance,item_id,",
        ),
        (["item_id", "item_id"], "duplicate output tensor alias: item_id"),
    ):
        asked_for = request("serving_default", user_id=["a"])
        asked_for.output_filter.extend(names)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Predict(asked_for, timeout=60)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert message in caught.value.details()


def test_a_tensor_that_is_broken_is_an_error(stub: prediction_service_pb2_grpc.PredictionServiceStub) -> None:
    broken = request("serving_default", user_id=["a"])
    broken.inputs["user_id"].tensor_shape.dim[0].size = 5_000_000_000
    broken.inputs["user_id"].string_val.append(b"b")
    with pytest.raises(grpc.RpcError) as caught:
        stub.Predict(broken, timeout=60)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "tensor parsing error: user_id"


def test_status_and_metadata_by_grpc(
    channel: grpc.Channel, stub: prediction_service_pb2_grpc.PredictionServiceStub
) -> None:
    wanted = get_model_status_pb2.GetModelStatusRequest()
    wanted.model_spec.name = "hyperml"
    (status,) = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(wanted, timeout=60).model_version_status
    assert (status.version, status.State.Name(status.state), status.status.error_code) == (2, "AVAILABLE", 0)
    described = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    described.model_spec.name, described.model_spec.version_label = "hyperml", "canary"
    answer = stub.GetModelMetadata(described, timeout=60)
    assert answer.model_spec.version.value == 2
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    assert set(signatures.signature_def) == set(SIGNATURES)
    assert set(signatures.signature_def["score"].inputs) == {"user_id", "item_id"}


@pytest.mark.parametrize(
    ("fields", "name", "code", "message"),
    [
        ([], "hyperml", grpc.StatusCode.INVALID_ARGUMENT, "must specify at least one metadata_field"),
        (["graph"], "hyperml", grpc.StatusCode.INVALID_ARGUMENT, "Metadata field graph is not supported"),
        (["signature_def"], "other", grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(other)"),
        (["signature_def"], "", grpc.StatusCode.INVALID_ARGUMENT, "ModelSpec has no name specified."),
        (["signature_def"], None, grpc.StatusCode.INVALID_ARGUMENT, "Missing ModelSpec"),
    ],
)
def test_wrong_questions_about_the_model(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
    fields: list[str],
    name: str | None,
    code: grpc.StatusCode,
    message: str,
) -> None:
    wanted = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    if name is not None:
        wanted.model_spec.SetInParent()
        wanted.model_spec.name = name
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetModelMetadata(wanted, timeout=60)
    assert (caught.value.code(), message in caught.value.details()) == (code, True)


def test_status_and_metadata_by_rest(address: str) -> None:
    available = {"version": "2", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in ("", "/versions/2", "/labels/canary"):
        with urllib.request.urlopen(f"{address}{path}", timeout=60) as response:
            assert json.loads(response.read()) == {"model_version_status": [available]}
    with urllib.request.urlopen(f"{address}/metadata", timeout=60) as response:
        answer = json.loads(response.read())
    assert answer["model_spec"] == {"name": "hyperml", "signature_name": "", "version": "2"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == set(SIGNATURES)
    described = signatures["serving_default"]["outputs"]["distance"]
    assert described["dtype"] == "DT_FLOAT"
    assert [dim["size"] for dim in described["tensor_shape"]["dim"]] == ["-1", str(K)]


def post(address: str, body: dict[str, Any], verb: str = "predict") -> tuple[int, dict[str, Any]]:
    data = json.dumps(body, ensure_ascii=False).encode()
    call = urllib.request.Request(f"{address}:{verb}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(call, timeout=60) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.parametrize("signature", SIGNATURES)
def test_rest_in_rows_and_columns(address: str, asked: ServedModel, signature: str) -> None:
    inputs, expected = values_of(signature), None
    expected = {name: values.tolist() for name, values in asked.ask(signature, **inputs).items()}
    status, columns = post(address, {"signature_name": signature, "inputs": inputs})
    assert status == 200
    rows = [dict(zip(inputs, row, strict=True)) for row in zip(*inputs.values(), strict=True)]
    status, by_row = post(address, {"signature_name": signature, "instances": rows})
    assert status == 200
    if len(expected) == 1:  # a single output goes without its name
        (values,) = expected.values()
        np.testing.assert_allclose(columns["outputs"], values, rtol=1e-5)
        np.testing.assert_allclose(by_row["predictions"], values, rtol=1e-5)
        return
    for place, row in enumerate(by_row["predictions"]):
        assert set(row) == set(columns["outputs"]) == set(expected)
        for name, values in expected.items():
            assert row[name] == columns["outputs"][name][place]
            if np.asarray(values[place]).dtype.kind == "f":
                np.testing.assert_allclose(row[name], values[place], rtol=1e-5)
            else:
                assert row[name] == values[place]


def test_rest_takes_a_single_input_without_its_name(address: str) -> None:
    users = [split().train.user_ids[0], "stranger"]
    named = post(address, {"instances": [{"user_id": user} for user in users]})
    assert post(address, {"instances": users}) == named
    _, columns = post(address, {"inputs": users})
    assert columns["outputs"]["item_id"] == [row["item_id"] for row in named[1]["predictions"]]
    assert len(named[1]["predictions"][0]["title"]) == K


def test_nothing_left_is_infinity_in_json(address: str) -> None:
    items = split().train.item_ids.tolist()
    _, answer = post(address, {"signature_name": "recommend_from_items", "instances": [{"history": items}]})
    (row,) = answer["predictions"]
    assert row["item_id"] == [""] * K
    assert row["distance"] == [float("inf")] * K  # the token Infinity, which is not strict JSON


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (
            {"signature_name": "nope", "inputs": {"user_id": ["a"]}},
            400,
            'Serving signature name: "nope" not found in signature def',
        ),
        ({"instances": [{"user_id": "a"}, {"user": "b"}]}, 400, "does not have named input: user"),
        ({"instances": [{"user_id": 7}]}, 400, "not of expected type: string"),
        (
            {"signature_name": "recommend_from_items", "instances": [["a", "b"], ["c"]]},
            400,
            "Expecting tensor size: 2 but got: 1",
        ),
        ({"inputs": {"user_id": [["a"]]}}, 400, "[1,1] is not compatible with expected shape [?]"),
        ({"user_id": ["a"]}, 400, "Missing 'inputs' or 'instances' key"),
        (
            {"signature_name": "score", "inputs": {"user_id": ["a", "b"], "item_id": [["c"]]}},
            400,
            "`item_id` must have one row for each of `user_id`",
        ),
    ],
)
def test_wrong_calls_by_rest(address: str, body: dict[str, Any], status: int, message: str) -> None:
    code, answer = post(address, body)
    assert code == status
    assert message in answer["error"]
