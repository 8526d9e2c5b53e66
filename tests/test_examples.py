"""Every program in examples/ runs to its end on tiny data and says what it promises."""

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

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"
TINY = ("--users", "60", "--items", "70", "--rows", "900", "--epochs", "2")


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


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The export of `export_and_query.py`, and what that program printed."""
    path = tmp_path_factory.mktemp("export") / "1"
    return path, run("export_and_query.py", *TINY, "--out", path)


def test_every_example_is_tested_and_listed() -> None:
    tested = set(re.findall(r'(?:run|run_alone)\("(\w+\.py)"', Path(__file__).read_text()))
    programs = {path.name for path in EXAMPLES.glob("*.py")}
    assert programs == tested
    assert programs == set(re.findall(r"\[`(\w+\.py)`\]", (EXAMPLES / "README.md").read_text()))


def test_keras_functional(tmp_path: Path) -> None:
    output = run("keras_functional.py", *TINY, "--dim", "8", "--out", tmp_path / "model.keras")
    assert re.search(r"HR@10 among 100 sampled items: [01]\.\d{4} ", output)
    assert output.endswith("loaded again: the same distances.\n")


def test_train_on_a_table() -> None:
    output = run("train_on_a_table.py", *TINY, "--dim", "8")
    rows = re.findall(r"^(HyperML|Euclidean twin|Popularity)((?: +[01]\.\d{4}){4})$", output, re.MULTILINE)
    assert [name for name, _ in rows] == ["HyperML", "Euclidean twin", "Popularity"]
    assert len(set(rows)) == 3


def test_tune_on_a_table(tmp_path: Path) -> None:
    output = run("tune_on_a_table.py", *TINY, "--trials", "1", "--out", tmp_path / "out")
    scores = re.search(r"The best of 1 trials had ([01]\.\d{4}); evaluated again: ([01]\.\d{4})", output)
    assert scores
    assert scores[1] == scores[2]
    assert re.search(r"On the test rows, which no trial has seen: [01]\.\d{4}\n$", output)
    assert (tmp_path / "out" / "untitled_project" / "oracle.json").is_file()


def test_tfrs_towers() -> None:
    output = run("tfrs_towers.py", *TINY, "--dim", "8")
    assert output.count("agree on 10 of 10 items") == 3


def test_export_and_query(export: tuple[Path, str]) -> None:
    path, output = export
    assert (path / "saved_model.pb").is_file()
    assert re.search(r"Distances of .*: \[\d\S*, \d\S*, inf\]", output)


def test_query_saved_model(export: tuple[Path, str], tmp_path: Path) -> None:
    path, _ = export
    for package in ("hyperml_tf", "tensorflow_recommenders", "tf_keras"):
        (tmp_path / f"{package}.py").write_text(f"raise ImportError('{package} is blocked')")
    plain = {"PYTHONPATH": str(tmp_path), "TF_USE_LEGACY_KERAS": "0"}
    every = recommended(run_alone("query_saved_model.py", path, "--user", "user_00003", **plain))
    assert len(every) == 10
    first, second, *rest = every
    output = run("query_saved_model.py", path, "--user", "user_00003", "--exclude", first, "-k", "7", "--why")
    assert recommended(output)[:7] == [second, *rest[:6]]
    assert re.search(r"  because of item_\d+  \S", output)


def recommended(output: str) -> list[str]:
    """The items of a printed answer, in its order."""
    return re.findall(r"^ *\d+ +\d+\.\d{4}  (\S+)", output, re.MULTILINE)


def test_draw_the_space(tmp_path: Path) -> None:
    run("draw_the_space.py", *TINY, "--out", tmp_path / "disk.png", "--page", tmp_path / "explorer.html")
    assert 'id="data">{"title":"A made-up catalogue"' in (tmp_path / "explorer.html").read_text(encoding="utf-8")
    assert (tmp_path / "disk.png").read_bytes().startswith(b"\x89PNG")


def test_cluster_demo_survives_the_loss_of_a_worker(tmp_path: Path) -> None:
    output = run_alone("cluster_demo.py", tmp_path / "demo", *TINY, "--workers", "1", "--servers", "1")
    assert re.search(r"1 workers, 1 parameter servers; killed: worker 0; \d+ restarts; ", output)
