"""Every benchmark program runs to its end at toy size: `make bench-smoke`. What they measure is not looked at."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from contenders import CONTENDERS
from rivals.other_environment import VARIABLE, interpreter

import hyperml_tf as hml
from hyperml_tf.preparation import prepare

BENCHMARKS = Path(__file__).parent
PROGRAMS = {path.name for path in BENCHMARKS.glob("*.py") if '\nif __name__ == "__main__"' in path.read_text()}
TIMEOUT = 300


def run(name: str, *arguments: object) -> str:
    """What a program prints."""
    result = subprocess.run(
        [sys.executable, str(BENCHMARKS / name), *map(str, arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "toy.csv"
    made = hml.synthesize(n_users=80, n_items=100, n_rows=1200, depth=2, branching=3, noise=0.05, seed=1)
    made.table.to_frame().to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def trained(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run."""
    path = tmp_path_factory.mktemp("trained") / "run"
    hml.train_run(table, path, hml.TrainingConfig(epochs=1, dim=4))
    return path


def test_every_program_is_run_here() -> None:
    assert set(re.findall(r'run\(\s*"(\w+\.py)"', Path(__file__).read_text())) == PROGRAMS


def test_user_models(table: Path, tmp_path: Path) -> None:
    words = [
        table,
        "--seeds",
        0,
        1,
        "--epochs",
        1,
        "--variants",
        "free users",
        "weights that halve",
        "--out",
        tmp_path / "o",
    ]
    assert "| free users | 0." in run("user_models.py", *words)
    assert len((tmp_path / "o").read_text().splitlines()) == run("user_models.py", *words).count("±") // 3 * 2


def test_recommend_all() -> None:
    assert "users per second" in run("recommend_all.py", "--users", 50, "--items", 80, "--dim", 4, "--k", 5)


def test_explanations(tmp_path: Path) -> None:
    made = hml.synthesize(n_users=40, n_items=70, n_rows=500, seed=1)
    hml.train_run(
        made.table, tmp_path / "run", hml.TrainingConfig(epochs=1, dim=4), items=made.items[["item", "category"]]
    )
    assert "by the lead" in run("explanations.py", tmp_path / "run", "--column", "category", "--users", 5)


def test_among() -> None:
    toy = ("--items", 500, "--users", 20, "--dim", 4, "--candidates", 5, 100, "--batches", 1, 4, "--rounds", 1)
    assert "same answers" in run("among.py", *toy)


def test_accuracy(table: Path, tmp_path: Path) -> None:
    toy = ("--trials", 1, "--seeds", 0, "--epochs", 1, "--dim", 4)
    run("accuracy.py", "run", table, "--split", "last", "random", *toy, "--out", tmp_path)
    assert "| toy | random |" in run("accuracy.py", "report", tmp_path, "--json", tmp_path / "figures.json")


def test_accuracy_of_rivals_in_another_environment(table: Path, tmp_path: Path) -> None:
    models = [name for name, contender in CONTENDERS.items() if contender.kind in ("sequential", "graph")]
    if missing := {module for model in models for module in CONTENDERS[model].needs if not interpreter(module)}:
        pytest.skip(f"neither this environment nor {VARIABLE} has {', '.join(sorted(missing))}")
    toy = ("--trials", 1, "--seeds", 0, "--epochs", 2, "--dim", 4)
    run("accuracy.py", "run", table, "--models", *models, *toy, "--out", tmp_path)
    printed = run("accuracy.py", "report", tmp_path)
    for model in models:
        order = "yes" if CONTENDERS[model].kind == "sequential" else ""
        assert f"| {CONTENDERS[model].title} | {order} | yes | 0." in printed


def test_ablation(table: Path, tmp_path: Path) -> None:
    axes = ("--axes", "curvature", "margin")
    run("ablation.py", "run", table, "--seeds", 0, "--epochs", 1, *axes, "--out", tmp_path / "out")
    assert "| curvature |" in run("ablation.py", "draw", tmp_path / "out", "--to", tmp_path)


def test_cold_users(table: Path, tmp_path: Path) -> None:
    assert run("cold_users.py", table, "--epochs", 1, "--out", tmp_path)


def test_epoch_cost() -> None:
    toy = ("--rows", 300, "--sizes", 20, 30, "--dim", 4, "--rounds", 1)
    assert "free users" in run("epoch_cost.py", *toy)


def test_evaluation(table: Path) -> None:
    assert "FactorizedTopK" in run("evaluation.py", table, "--quick")


def test_gradients() -> None:
    toy = ("--negatives", 4, "--batch-size", 32, "--dim", 4, "--rounds", 1)
    assert "all six" in run("gradients.py", *toy)


def test_explorer_frames() -> None:
    pytest.importorskip("playwright", reason="playwright (the extra `browser`) cannot be imported")
    if shutil.which("chromium") is None:
        pytest.skip("There is no Chromium on the PATH.")
    assert "'items': 300" in run("explorer_frames.py", "--items", 300, "--dim", 4, "--frames", 10)


def test_cluster_kills() -> None:
    size = ("--users", 60, "--items", 70, "--rows", 900, "--epochs", 2)
    printed = run("cluster_kills.py", *size, "--runs", 1, "--kills", 1, "--undisturbed", 0)
    assert "killed: 1 runs, 1 kills; test sampled100_ndcg@10" in printed


def test_pictures(tmp_path: Path) -> None:
    has_browser = importlib.util.find_spec("playwright") is not None and shutil.which("chromium") is not None
    size = ("--users", 60, "--items", 70, "--rows", 900, "--epochs", 1)
    places = ("--out", tmp_path, "--made", tmp_path / "explorer.html")
    run("pictures.py", *size, *places, *([] if has_browser else ["--only-disk"]))
    expected = {"disk.png", "explorer.html", *(("explorer.png", "explorer.webp") if has_browser else ())}
    assert {path.name for path in tmp_path.iterdir()} == expected


def test_half_precision(trained: Path) -> None:
    assert run("half_precision.py", trained, "--users", 20)


def test_loading(tmp_path: Path) -> None:
    assert "pyarrow" in run("loading.py", "--rows", 2000, "--rounds", 1, "--folder", tmp_path)


def test_geometry_accuracy() -> None:
    assert "in float32: none" in run("geometry_accuracy.py", "--rows", 1, "--functions", "distance", "lorentz.lift")


def test_numerics() -> None:
    assert "float64" in run("numerics.py", "--pairs", 2000)
    assert run("numerics.py", "--pairs", 2000, "--gaps")


def test_optimizer_step() -> None:
    assert run("optimizer_step.py", "--rows", 1000, "--lookups", 64, "--dim", 4, "--rounds", 1)


def test_retrieval(table: Path) -> None:
    toy = ("--items", 500, "--batches", 1, 8, "--dim", 4, "--rounds", 1, "--seconds", 0.01)
    assert "BruteForce" in run("retrieval.py", *toy)
    assert run("retrieval.py", "--trained", table, "--epochs", 1, "--quick")


def test_preparation(tmp_path: Path) -> None:
    toy = ("--rows", 3000, "--users", 200, "--items", 90, "--dim", 4, "--folder", tmp_path, "--training", "stream")
    assert "| stream | export |" in run("preparation.py", *toy)


def test_asynchronous(table: Path) -> None:
    assert "| 1 workers, 1 servers |" in run(
        "asynchronous.py", table, "--seeds", 0, "--workers", 1, "--servers", 1, "--epochs", 1, "--dim", 4
    )


def test_cluster_memory(tmp_path: Path) -> None:
    made = hml.synthesize(n_users=80, n_items=100, n_rows=1200, depth=2, branching=3, noise=0.05, seed=1)
    made.table.to_frame().to_csv(tmp_path / "toy.csv", index=False)
    prepare(tmp_path / "toy.csv", tmp_path / "prepared", memory="1GiB")
    assert "| export |" in run("cluster_memory.py", tmp_path / "prepared", "--dim", 4, "--steps", 2, "--export")


def test_saving() -> None:
    assert "| Keras |" in run("saving.py", "--ids", 300, "--rounds", 1)


def test_search_resume(table: Path, tmp_path: Path) -> None:
    assert run("search_resume.py", table, "--epochs", 3, "--work", tmp_path)


def test_serving_export() -> None:
    assert run("serving_export.py", "--items", 500, "--users", 50, "--dim", 4)


def test_serving_load() -> None:
    assert run("serving_load.py", "--items", 500, "--users", 50, "--dim", 4, "--k", 5, "--minutes", 0.5)


def test_serving_load_through_the_server() -> None:
    output = run("serving_load.py", "--items", 500, "--users", 50, "--dim", 4, "--k", 5, "--minutes", 0.2, "--serve")
    assert ", 0 errors" in output


def test_serving_versions() -> None:
    assert run("serving_versions.py", sys.executable, "--items", 500)


def test_time_to_accuracy(table: Path, tmp_path: Path) -> None:
    curves = tmp_path / "curves.json"
    run("time_to_accuracy.py", table, "--quick", "--json", curves)
    run("time_to_accuracy.py", "--draw", curves, tmp_path / "picture.png")


def test_train_throughput() -> None:
    toy = ("--rows", 200, "--negatives", 1, 4, "--batch-size", 64, "--dim", 4, "--rounds", 1, "--seconds", 0.01)
    assert run("train_throughput.py", *toy)


def test_updates(tmp_path: Path) -> None:
    frame = hml.synthesize(n_users=80, n_items=100, n_rows=1500, depth=2, branching=3, seed=1).table.to_frame()
    # Times at which users come and go, so that every fifth has new ones.
    frame["time"] = frame.groupby("user").cumcount() + frame["user"].str[-5:].astype(int) // 4
    frame.to_csv(tmp_path / "toy.csv", index=False)
    assert "| all |" in run("updates.py", tmp_path / "toy.csv", "--epochs", 2, "--update-epochs", 1)
    assert "| 1,1,0.5 |" in run("updates.py", tmp_path / "toy.csv", "--epochs", 2, "--validate", "1,1,0.5")


def test_distribution() -> None:
    arguments = ["--rows", 400, "--speed-rows", 2000, "--dim", 4, "--batch-size", 500]
    printed = run("distribution.py", *arguments, "--models", "direct", "--optimizers", "RiemannianSGD")
    assert "kB on the wire" in printed
