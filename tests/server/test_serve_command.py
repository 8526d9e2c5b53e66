"""`hyperml-tf serve` in a process of its own: it says where it answers, needs TensorFlow only, and ends at Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from hyperml_tf import cli

PROGRAM = """
import sys
from hyperml_tf import cli
code = cli.main(["serve", sys.argv[1], "--name", "greeter", "--port", "0", "--grpc-port", "0", "--label", "stable=1"])
print([name for name in ("tensorflow_recommenders", "hyperml_tf.models", "hyperml_tf.layers") if name in sys.modules])
sys.exit(code)
"""


@pytest.mark.slow
def test_it_serves_until_it_is_interrupted(base: Path) -> None:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", PROGRAM, str(base)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(5)]
        assert said[0] == "Serving greeter, version 1. Ctrl-C stops.\n"
        (address,) = re.findall(r"REST +(\S+)", said[2])
        for url in (address, address.replace(":predict", "/labels/stable:predict")):
            with urllib.request.urlopen(url, b'{"instances": ["ann"]}', timeout=60) as response:
                assert json.loads(response.read())["predictions"][0]["item_id"] == "hello ann"
        for line in (said[1], said[4]):
            with urllib.request.urlopen(line.split()[1], timeout=60) as response:
                assert response.status == 200
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert rest.splitlines() == ["Stopping: requests in flight are answered first.", "[]"]
    assert "Traceback" not in errors


@pytest.mark.parametrize("label", ["stable", "=1", "stable=", "stable=new", "a/b=1"])
def test_labels_have_a_name_and_a_version(label: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "runs/first", "--label", label]) == 1
    assert f"`--label` must be LABEL=VERSION, such as stable=1. Received: {label}" in capsys.readouterr().err


def test_a_missing_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "try:\n    import hyperml_tf.server\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert "pip install 'hyperml-tf[server]'" in done.stdout
