"""JSON requests and responses, and the texts of TensorFlow Serving for those that are wrong."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from hyperml_tf.server.errors import RequestError
from hyperml_tf.server.loaded_version import LoadedVersion
from hyperml_tf.server.predictor import Answer
from hyperml_tf.server.rest_format import call_of, parse, response


def read(version: LoadedVersion, **body: Any) -> dict[str, list[Any]]:
    call, _ = call_of(parse(json.dumps(body).encode()), version)
    return {alias: values.tolist() for alias, values in call.inputs.items()}


@pytest.mark.parametrize(
    "body",
    [
        {"instances": ["ann", "Žižkov 東京"]},
        {"instances": [{"user_id": "ann"}, {"user_id": "Žižkov 東京"}]},
        {"instances": [{"b64": "YW5u"}, "Žižkov 東京"]},
        {"inputs": ["ann", "Žižkov 東京"]},
        {"inputs": {"user_id": ["ann", "Žižkov 東京"], "ignored": 3}},
        {"signature_name": "", "inputs": ["ann", {"b64": "xb1pxb5rb3Yg5p2x5Lqs"}]},
    ],
)
def test_one_input_can_be_written_in_several_ways(version: LoadedVersion, body: dict[str, Any]) -> None:
    assert read(version, **body) == {"user_id": [b"ann", "Žižkov 東京".encode()]}


def test_rows_and_columns_of_several_inputs(version: LoadedVersion) -> None:
    expected = {"user_id": [b"a", b"b"], "item_id": [[b"x", b"y"], [b"z", b""]]}
    rows = [{"user_id": "a", "item_id": ["x", "y"]}, {"item_id": ["z", ""], "user_id": "b"}]
    columns = {"user_id": ["a", "b"], "item_id": [["x", "y"], ["z", ""]]}
    assert read(version, signature_name="pair", instances=rows) == expected
    assert read(version, signature_name="pair", inputs=columns) == expected
    assert read(version, signature_name="pair", inputs={"user_id": [], "item_id": []}) == {"user_id": [], "item_id": []}


def test_numbers_have_the_type_of_the_input(version: LoadedVersion) -> None:
    body = {"signature_name": "numbers", "inputs": {"x": [[1, 2.5]], "n": [3]}}
    call, _ = call_of(parse(json.dumps(body).encode()), version)
    assert {alias: values.dtype.name for alias, values in call.inputs.items()} == {"x": "float32", "n": "int64"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b'{"inputs": [}', "JSON Parse error: Invalid value. at offset: 12"),
        (b"{inputs: 3}", "JSON Parse error: Missing a name for object member. at offset: 1"),
        (b'{"a": 1} {', "JSON Parse error: The document root must not be followed by other values. at offset: 9"),
        (b"\xff\xfe{}", "JSON Parse error: "),
        (b"[" * 100_000, "JSON Parse error: "),
        (b'{"inputs": ' + b"9" * 10_000 + b"}", "JSON Parse error: "),
        (b'{"inputs": ' + b"[" * 200 + b"]" * 200 + b"}", "200 levels of lists. Expected at most 32"),
        (b"[1]", "JSON Value: [1] Is not object"),
        (b'{"signature_name": 100}', "'signature_name' key must be a string value."),
        (b'{"user_id": ["a"]}', "Missing 'inputs' or 'instances' key"),
        (b'{"inputs": ["a"], "instances": ["a"]}', "expecting only one of 'inputs' or 'instances' keys to exist"),
        (b'{"instances": "a"}', "Excepting 'instances' to be an list/array"),
        (b'{"instances": []}', "No values in 'instances' array"),
        (b'{"instances": [7]}', "JSON Value: 7 Type: Number is not of expected type: string"),
        (b'{"instances": [true]}', "JSON Value: true Type: True is not of expected type: string"),
        (b'{"instances": [null]}', "JSON Value: null Type: Null is not of expected type: string"),
        (b'{"instances": [{"b64": "?"}]}', "Unable to base64 decode"),
        (b'{"inputs": {"user_id": [{"c": "?"}]}}', 'JSON Value: {"c": "?"} not formatted correctly for base64 data'),
        (b'{"instances": ["\\ud83d"]}', "JSON Parse error: The surrogate pair in string is invalid."),
        (b'{"instances": ["a", {"user_id": "b"}]}', "Expecting value/list but got object at item 1 of input list"),
        (b'{"instances": [{"user_id": "b"}, "a"]}', "Expecting object but got list at item 1 of input list"),
        (
            b'{"instances": [{"user_id": "a"}, {"user": "b"}]}',
            "Failed to process element: 1 key: user of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have "
            "named input: user",
        ),
        (b'{"inputs": {"user": ["a"]}}', "Missing named input: user_id in 'inputs' object."),
        (b'{"signature_name": "nope", "inputs": []}', 'Serving signature name: "nope" not found in signature def'),
        (
            b'{"signature_name": "pair", "instances": ["a"]}',
            "expecting list of objects as multiple input tensors required",
        ),
        (b'{"signature_name": "pair", "inputs": ["a"]}', "expecting an object as multiple input tensors required"),
        (
            b'{"signature_name": "pair", "instances": [{"user_id": "a"}]}',
            'of \'instances\' list. JSON object: {"user_id": "a"} keys must be equal to: item_id,user_id',
        ),
        (b'{"instances": [["a", "b"], ["c"]]}', "Expecting tensor size: 2 but got: 1"),
        (b'{"instances": [["a", "b"], [["c"], ["d"]]]}', "Expecting shape [2] but got: [2,1]"),
        (b'{"inputs": [["a", "b"], ["c"]]}', "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
        (
            b'{"inputs": [["a"], "b"]}',
            'JSON Value: "b" found at incorrect level: 2 in the JSON DOM. Expected at level: 2',
        ),
        (b'{"inputs": ["a", ["b"]]}', "Encountered list at unexpected level: 1 expected < 1"),
        (b'{"signature_name": "numbers", "inputs": {"x": [["1", 2]], "n": [3]}}', "is not of expected type: float"),
        (b'{"signature_name": "numbers", "inputs": {"x": [[1, 2]], "n": [1.5]}}', "is not of expected type: int64"),
        (
            b'{"signature_name": "numbers", "inputs": {"x": [[1, 2]], "n": [99999999999999999999]}}',
            "expected type: int64",
        ),
    ],
)
def test_wrong_bodies_are_refused(version: LoadedVersion, body: bytes, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        call_of(parse(body), version)
    assert message in str(caught.value)
    assert caught.value.code.name == "INVALID_ARGUMENT"
    assert len(str(caught.value)) < 1100


def written(rows: bool, **outputs: Any) -> Any:
    arrays = {
        alias: np.array(values, object if alias != "distance" else "float32") for alias, values in outputs.items()
    }
    return json.loads(response(Answer(1, "serving_default", arrays, dict.fromkeys(arrays, 0)), rows))


def test_a_single_output_goes_without_its_name() -> None:
    assert written(True, item_id=[b"a", b"b"]) == {"predictions": ["a", "b"]}
    assert written(False, item_id=[[b"a"], [b"b"]]) == {"outputs": [["a"], ["b"]]}


def test_outputs_by_row_and_by_column() -> None:
    outputs = {
        "item_id": [[b"a", b""]],
        "distance": [[0.25, float("inf")]],
    }  # the token Infinity, which is not strict JSON
    assert written(False, **outputs) == {"outputs": {"item_id": [["a", ""]], "distance": [[0.25, float("inf")]]}}
    assert written(True, **outputs) == {"predictions": [{"item_id": ["a", ""], "distance": [0.25, float("inf")]}]}


def test_bytes_are_written_in_base64_if_the_name_says_so() -> None:
    assert written(True, raw_bytes=[b"\xff"], item_id=[b"\xff"]) == {
        "predictions": [{"raw_bytes": {"b64": "/w=="}, "item_id": "\ufffd"}]
    }


def test_numbers_are_read_back_as_they_were() -> None:
    values = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    answer = Answer(1, "serving_default", {"distance": values}, {"distance": 1})
    assert np.array_equal(np.array(json.loads(response(answer, True))["predictions"], np.float32), values)


def test_outputs_with_different_rows_have_no_row_format() -> None:
    with pytest.raises(RequestError, match="inconsistent batch size"):
        written(True, item_id=[b"a"], distance=[1.0, 2.0])
