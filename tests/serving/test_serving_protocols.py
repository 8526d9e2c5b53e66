"""gRPC and REST as clients of TensorFlow Serving speak them, against the stand-in of `tf_serving.py`."""

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
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tf_serving import Servable, grpc_server, rest_server
from tiny import split

from hyperml_tf.serving import SIGNATURES, ServedModel

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def servable(rich: Path) -> Servable:
    return Servable("items", rich.parent)


@pytest.fixture(scope="module")
def asked(rich: Path) -> ServedModel:
    return ServedModel(rich)


@pytest.fixture(scope="module")
def stub(servable: Servable) -> Iterator[prediction_service_pb2_grpc.PredictionServiceStub]:
    with grpc_server(servable) as port, grpc.insecure_channel(f"localhost:{port}") as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def address(servable: Servable) -> Iterator[str]:
    with rest_server(servable) as url:
        yield url


def request(signature: str, **inputs: Any) -> predict_pb2.PredictRequest:
    made = predict_pb2.PredictRequest()
    made.model_spec.name, made.model_spec.signature_name = "items", signature
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
        ("serving_default", {"user_id": [7]}, grpc.StatusCode.INVALID_ARGUMENT, "user_id to be string but int32"),
        ("serving_default", {"user_id": [["a"]]}, grpc.StatusCode.INVALID_ARGUMENT, "shape"),
        ("serving_default", {"user": ["a"]}, grpc.StatusCode.INVALID_ARGUMENT, "does not match signature"),
        ("recommend_excluding", {"user_id": ["a"]}, grpc.StatusCode.INVALID_ARGUMENT, "does not match signature"),
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
            if name == "distance":
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
        ({"signature_name": "nope", "inputs": {"user_id": ["a"]}}, 412, "not found"),
        ({"instances": [{"user_id": "a"}, {"user": "b"}]}, 400, "the same inputs"),
        ({"instances": [{"user_id": 7}]}, 400, "not of expected type: string"),
        ({"signature_name": "recommend_from_items", "instances": [["a", "b"], ["c"]]}, 400, "ragged"),
        ({"inputs": {"user_id": [["a"]]}}, 400, "shape"),
        ({"user_id": ["a"]}, 400, "one of 'instances' and 'inputs'"),
    ],
)
def test_wrong_calls_by_rest(address: str, body: dict[str, Any], status: int, message: str) -> None:
    code, answer = post(address, body)
    assert code == status
    assert message in answer["error"]
