"""docs/serving.md says what the code does: its table is the constant, and its calls work."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest

from hyperml_tf.server import Server
from hyperml_tf.serving import SIGNATURES
from hyperml_tf.serving.signatures import Field

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")


def described(fields: dict[str, Field]) -> str:
    return ", ".join(f"`{name}` {field.dtype} `[{', '.join(field.shape)}]`" for name, field in fields.items())


def test_the_table_is_the_constant() -> None:
    rows = [
        f"| `{name}` | {signature.answers} | {described(signature.inputs)} | {described(signature.outputs)} |"
        for name, signature in SIGNATURES.items()
    ]
    assert "\n".join(rows) in PAGE


def test_the_payloads_are_answered(server: Server) -> None:
    """Every `curl -d`: its ids are of another catalogue, but it is a call of the right form."""
    calls = re.findall(
        r"curl -d '(\{.*?\})' localhost:8501(/v1/models/hyperml(?:/labels/\w+)?:predict)", PAGE, re.DOTALL
    )
    assert len(calls) >= 3
    for body, path in calls:
        with urllib.request.urlopen(server.url + path, body.encode(), timeout=60) as response:
            assert len(json.loads(response.read())) == 1


def test_the_grpc_client_runs(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = [code for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "insecure_channel" in code]
    there = program.replace("localhost:8500", server.grpc_address).replace("timeout=1.0", "timeout=60")
    exec(compile(there, "docs/serving.md", "exec"), {})
    assert capsys.readouterr().out.startswith("[")


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        if "://" not in target:
            assert (Path(__file__).parents[2] / "docs" / target).exists(), target
