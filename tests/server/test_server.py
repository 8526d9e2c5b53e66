"""The server as a whole, with a small model: what it answers beside Predict, its limits, and a new version under load."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from small_models import copy
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from hyperml_tf.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, hello: Path) -> Iterator[Server]:
    base = tmp_path_factory.mktemp("served")
    copy(hello, base / "1")
    with Server(base, "greeter", port=0, grpc_port=0, max_request_mb=0.01) as running:
        yield running


def ask(
    server: Server, path: str, body: Any = None, method: str | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method or ("GET" if body is None else "POST"), path, data, headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, text


PREDICT = "/v1/models/greeter:predict"


def test_it_answers(server: Server) -> None:
    for path in (PREDICT, "/v1/models/greeter/versions/1:predict", "/V1/models/%67reeter:Predict", f"{PREDICT}?x=1"):
        status, headers, text = ask(server, path, {"instances": ["ann"]})
        assert (status, headers["content-type"]) == (200, "application/json")
        assert json.loads(text) == {"predictions": [{"item_id": "hello ann", "length": 3}]}


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("POST", "/v1/models/other:predict", 404, "Servable not found for request: Latest(other)"),
        ("POST", "/v1/models/greeter/versions/4:predict", 404, "Servable not found for request: Specific(greeter, 4)"),
        ("POST", f"/v1/models/greeter/versions/{'9' * 400}:predict", 400, "Failed to convert version"),
        ("POST", "/v1/models/greeter/labels/best:predict", 400, "Unrecognized servable version label: best"),
        ("POST", "/v1/models/greeter:classify", 400, "Expected classify signature method_name"),
        ("POST", "/v1/models/greeter", 400, "Malformed request: POST /v1/models/greeter"),
        ("GET", PREDICT, 400, f"Malformed request: GET {PREDICT}"),
        ("DELETE", PREDICT, 400, "Malformed request: DELETE"),
        ("GET", "/v1/models/other", 404, "Could not find any versions of model other"),
        ("GET", "/v1/models/greeter/versions/4", 404, "Could not find version 4 of model greeter"),
        ("GET", "/v1/models/other/metadata", 404, "Servable not found for request: Latest(other)"),
        ("GET", "/v1/models/..%2f..%2fetc%2fpasswd", 404, "Could not find any versions of model ../../etc/passwd"),
    ],
)
def test_wrong_addresses(server: Server, method: str, path: str, status: int, message: str) -> None:
    body = {"instances": ["ann"]} if method == "POST" else None
    got, _, text = ask(server, path, body, method)
    assert got == status
    assert message in json.loads(text)["error"]


def test_nothing_is_read_from_the_disk(server: Server) -> None:
    for path in ("/page.html", "/../etc/passwd", "/static/page.html", "/v2/models/greeter"):
        assert ask(server, path)[0] == 404


def test_large_requests_are_refused_before_they_are_read(server: Server) -> None:
    large = {"instances": ["x" * 20_000]}
    status, _, text = ask(server, PREDICT, large)
    assert (status, json.loads(text)["error"]) == (413, "The request is larger than 10485 bytes")
    # Without a length in its header.
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.request("POST", PREDICT, iter([b"[" * 6000, b"[" * 6000]), encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    with grpc.insecure_channel(server.grpc_address) as channel, pytest.raises(grpc.RpcError) as caught:
        greet(channel, "x" * 20_000)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert ask(server, PREDICT, {"instances": ["ann"]})[0] == 200


def test_only_names_of_this_machine_are_served(server: Server) -> None:
    """So that no page on the web can have its own name point here, and read the answers."""
    for host in ("127.0.0.1", "localhost:8501", "LOCALHOST", "[::1]:80"):
        assert ask(server, "/v1/models/greeter", Host=host)[0] == 200
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost@evil.example:80"):
        for path in ("/", "/metrics", "/v1/models/greeter"):
            assert ask(server, path, Host=host)[0] == 403


def test_the_page_runs_its_own_program_only(server: Server) -> None:
    status, headers, text = ask(server, "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    for kind in ("script-src", "style-src"):
        assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy[kind])
    assert '<meta name="model" content="greeter">' in text
    # Ids and titles become text; nothing of the page comes from elsewhere.
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|style=|\son\w+=", text)
    assert "http" not in text
    assert "{{" not in text


def test_metrics_count_requests_errors_batches_and_versions(server: Server) -> None:
    ask(server, PREDICT, {"signature_name": "pair", "inputs": {"user_id": ["a", "b"], "item_id": [["x"], ["y"]]}})
    ask(server, PREDICT, {"signature_name": "pair", "inputs": {"user_id": ["refuse me"], "item_id": [["x"]]}})
    ask(server, PREDICT, {"signature_name": "made up by a client", "inputs": []})
    status, headers, text = ask(server, "/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        'hyperml_requests_total{code="OK",protocol="REST",signature="pair"} 1.0',
        'hyperml_requests_total{code="INVALID_ARGUMENT",protocol="REST",signature="pair"} 1.0',
        'hyperml_request_seconds_count{signature="pair"} 2.0',
        'hyperml_batch_rows_sum{signature="pair"} 3.0',
        'hyperml_version_loaded{version="1"} 1.0',
        "process_resident_memory_bytes ",
    ):
        assert line in text
    assert "made up" not in text
    assert ask(server, "/monitoring/prometheus/metrics")[0] == 200  # where TensorFlow Serving has them


def test_a_port_that_is_taken_is_named(base: Path, server: Server) -> None:
    taken = int(server.url.rpartition(":")[2])
    with pytest.raises(OSError, match=rf"`port` must be free.*port={taken}"):
        Server(base, port=taken, grpc_port=0).start()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        failing = Server(base, port=0, grpc_port=port)
        with pytest.raises(OSError, match=rf"`grpc_port` must be free.*grpc_port={port}"):
            failing.start()


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"name": "a/b"}, "`name` must be of letters"),
        ({"port": -1}, "`port` must be a finite number >= 0"),
        ({"threads": 0}, "`threads` must be at least 1"),
        ({"poll_seconds": 0.0}, "`poll_seconds` must be positive"),
        ({"max_request_mb": -1.0}, "`max_request_mb` must be positive"),
    ],
)
def test_arguments_are_checked(base: Path, argument: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Server(base, **argument)


def test_a_model_of_which_nothing_can_be_loaded_is_an_error(base: Path) -> None:
    (base / "1" / "saved_model.pb").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="`path` must have a version that can be loaded"):
        Server(base, port=0, grpc_port=0).start()


def greet(channel: grpc.Channel, user: str) -> tuple[int, str]:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "greeter"
    request.inputs["user_id"].CopyFrom(tf.make_tensor_proto([user]))
    answer = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=60)
    return answer.model_spec.version.value, tf.make_ndarray(answer.outputs["item_id"])[0].decode()


@pytest.mark.slow
def test_a_new_version_under_load_loses_no_request(base: Path, goodbye: Path) -> None:
    """Six clients of both protocols go on asking, one of them wrongly, while version 2 appears and then a broken version 3."""
    words, failures, done = {1: "hello", 2: "goodbye"}, [], threading.Event()
    answered = {1: threading.Event(), 2: threading.Event()}

    def by_grpc(server: Server, name: str) -> None:
        with grpc.insecure_channel(server.grpc_address) as channel:
            number = 0
            while not done.is_set():
                number += 1
                version, said = greet(channel, f"{name}{number}")
                assert said == f"{words[version]} {name}{number}"
                answered[version].set()

    def by_rest(server: Server, name: str) -> None:
        number = 0
        while not done.is_set():
            number += 1
            users = [f"{name}{number}.{row}" for row in range(3)]
            status, _, text = ask(server, PREDICT, {"inputs": users})
            assert status == 200, text
            said = json.loads(text)["outputs"]["item_id"]
            assert said in [[f"{word} {user}" for user in users] for word in words.values()]

    def wrongly(server: Server, name: str) -> None:
        bodies = [
            {"instances": [7]},
            {"signature_name": "pair", "inputs": {"user_id": ["refuse me"], "item_id": [["x"]]}},
        ]
        while not done.is_set():
            for body in bodies:
                assert ask(server, PREDICT, body)[0] == 400

    def client(work: Any, server: Server, name: str) -> None:
        try:
            work(server, name)
        except BaseException as error:  # reported by the test
            failures.append(repr(error))
            for event in answered.values():
                event.set()

    with Server(base, "greeter", port=0, grpc_port=0, poll_seconds=0.02) as server:
        work = [by_grpc, by_grpc, by_grpc, by_rest, by_rest, wrongly]
        threads = [threading.Thread(target=client, args=(one, server, f"{place}-")) for place, one in enumerate(work)]
        for thread in threads:
            thread.start()
        assert answered[1].wait(60)
        copy(goodbye, base / "2")
        assert answered[2].wait(60)
        (base / "3").mkdir()
        (base / "3" / "saved_model.pb").write_bytes(b"broken")
        status = ""
        while '"3"' not in status and not failures:
            status = ask(server, "/v1/models/greeter")[2]
        done.set()
        for thread in threads:
            thread.join(60)
        assert failures == []
        assert server.versions == [2]
        assert ask(server, "/v1/models/greeter/versions/1:predict", {"inputs": ["ann"]})[0] == 404


def test_requests_at_the_same_time_have_the_answers_of_single_ones(server: Server) -> None:
    alone = {user: ask(server, PREDICT, {"inputs": [user]})[2] for user in map(str, range(20))}
    together: dict[str, str] = {}

    def client(users: list[str]) -> None:
        together.update({user: ask(server, PREDICT, {"inputs": [user]})[2] for user in users})

    threads = [threading.Thread(target=client, args=(part.tolist(),)) for part in np.array_split(list(alone), 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
