"""Every program in examples/ runs to its end on tiny data and says what it promises. The notebooks have tests of their own."""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

from hyperml_tf.serving import export_saved_model

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"
TINY = ("--users=60", "--items=70", "--rows=900", "--epochs=2")


def run(name: str, *arguments: str | Path) -> str:
    """What an example prints. It runs in this process, because TensorFlow takes seconds to import."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return printed.getvalue()


def run_alone(name: str, *arguments: str | Path, **environment: str) -> str:
    """What an example prints in a process of its own."""
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    result = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_every_example_is_tested_and_listed() -> None:
    tested = set(re.findall(r'(?:run|run_alone)\("(\w+\.py)"', Path(__file__).read_text()))
    programs = {path.name for path in EXAMPLES.glob("*.py")}
    assert programs == tested
    assert programs == set(re.findall(r"\[`(\w+\.py)`\]", (EXAMPLES / "README.md").read_text()))


def test_query_saved_model(tmp_path: Path) -> None:
    model = tiny.trained()
    titles = {"title": [f"Title of {item}" for item in model.candidate_tower.ids]}
    with tiny.exporting("serving_default", "recommend_excluding", "explain"):
        path = export_saved_model(model, tmp_path / "export" / "1", k=10, details=titles)
    for package in ("hyperml_tf", "tensorflow_recommenders", "tf_keras"):
        (tmp_path / f"{package}.py").write_text(f"raise ImportError('{package} is blocked')")
    plain = {"PYTHONPATH": str(tmp_path), "TF_USE_LEGACY_KERAS": "0"}
    every = recommended(run_alone("query_saved_model.py", path, "--user", "user_00003", **plain))
    assert every == model.recommend(["user_00003"], k=10).ids[0].tolist()
    first, second, *rest = every
    output = run("query_saved_model.py", path, "--user", "user_00003", "--exclude", first, "-k", "7", "--why")
    assert recommended(output)[:7] == [second, *rest[:6]]
    assert re.search(r"  because of (item_\d+)  Title of \1", output)


def recommended(output: str) -> list[str]:
    """The items of a printed answer, in its order."""
    return re.findall(r"^ *\d+ +\d+\.\d{4}  (\S+)", output, re.MULTILINE)


def test_cluster_demo_survives_the_loss_of_a_worker(tmp_path: Path) -> None:
    output = run_alone("cluster_demo.py", tmp_path / "demo", *TINY, "--workers=1", "--servers=1")
    assert re.search(r"1 workers, 1 parameter servers; killed: worker 0; \d+ restarts; ", output)
