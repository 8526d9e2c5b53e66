"""`hyperml-tf tune`, from a table to the settings that `hyperml-tf train` takes."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import tensorflow as tf

from hyperml_tf import cli
from hyperml_tf.data import synthesize
from hyperml_tf.runs import Run, TrainingConfig
from hyperml_tf.tuning.tune import tune_table

pytestmark = pytest.mark.slow

os.environ.setdefault("COLUMNS", "100")

SPACE = "dim: [4, 8]\nbatch_size: 256\nnegatives: 8\noptimizer: adagrad\nmode: tangent\n"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module", autouse=True)
def _eagerly() -> Iterator[None]:
    """Trains eagerly, which is faster on a table this small."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        return (cli.main([str(argument) for argument in arguments]), *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table `t.csv`, a space `space.yaml`, and a search `found` of three trials."""
    path = tmp_path_factory.mktemp("tune")
    table = synthesize(n_users=40, n_items=120, n_rows=500, depth=2, branching=3, seed=2).interactions
    table.to_csv(path / "t.csv", index=False)
    (path / "space.yaml").write_text(SPACE)
    assert search(path, "found", "--max-trials", 3) == 0
    return path


def search(path: Path, out: str, *more: object) -> int:
    arguments = ["tune", path / "t.csv", "--out", path / out, "--space", path / "space.yaml", "--epochs", 2, *more]
    return cli.main([str(argument) for argument in arguments])


def test_it_writes_what_it_found(folder: Path) -> None:
    found = folder / "found"
    files = {"best.json", "search.html", "search.png", "trials", "trials.csv"}
    assert files <= {path.name for path in found.iterdir()} <= {*files, "search.log"}
    trials = pd.read_csv(found / "trials.csv", dtype={"trial": str})
    assert len(trials) == 3
    assert list(trials["score"]) == sorted(trials["score"], reverse=True)
    assert set(trials["status"]) == {"completed"}
    best = json.loads((found / "best.json").read_text())
    assert (best["trial"], best["score"]) == (trials["trial"][0], pytest.approx(trials["score"][0]))
    assert (best["objective"], best["epoch"]) == ("val_sampled100_ndcg@10", trials["epoch"][0])
    config = TrainingConfig.from_dict(best["settings"])
    assert (config.dim, config.margin, config.epochs) == (trials["dim"][0], pytest.approx(trials["margin"][0]), 2)
    # The first trial has the settings it started from.
    first = trials[trials["trial"] == "0"].iloc[0]
    assert (first["dim"], first["margin"], first["curvature"], first["learning_rate"]) == (4, 16.0, 1.0, 0.05)


def test_the_pictures_show_every_setting_that_was_searched(folder: Path) -> None:
    assert (folder / "found" / "search.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "found" / "search.html").read_text()
    for name in ("margin", "curvature", "learning_rate", "distortion_weight", "val_sampled100_ndcg@10"):
        assert f'"label":"{name}"' in page
    assert '"label":"batch_size"' not in page
    assert "parcoords" in page
    assert 'src="http' not in page  # it needs no network


def test_training_takes_what_was_found(folder: Path, call: Call) -> None:
    best = folder / "found" / "best.json"
    code, _, _ = call("train", folder / "t.csv", "--config", best, "--out", folder / "run", "--k", 5)
    assert code == 0
    run = Run.load(folder / "run")
    asked = TrainingConfig.from_dict({**json.loads(best.read_text())["settings"], "k": 5})
    assert run.config == asked.resolved(run.training)
    # The same seed and settings: the same training.
    history = pd.read_csv(folder / "run" / "history.csv")
    found = json.loads(best.read_text())
    assert history["val_sampled100_ndcg@10"][found["epoch"] - 1] == pytest.approx(found["score"], abs=1e-6)
    # A run's own file serves as well, and options come before it.
    assert TrainingConfig.from_file(folder / "run" / "config.json") == asked


def test_the_same_command_resumes_the_search(folder: Path, call: Call) -> None:
    trials = folder / "found" / "trials"
    before = {path: path.stat().st_mtime_ns for path in trials.glob("trial_*/trial.json")}
    arguments = ["tune", folder / "t.csv", "--out", folder / "found", "--space", folder / "space.yaml", "--epochs", 2]
    code, out, err = call(*arguments, "--max-trials", 4)
    assert code == 0
    assert "Best of 4 trials" in out
    assert f"hyperml-tf train {folder / 't.csv'} --config {folder / 'found' / 'best.json'}" in out
    assert "Resuming after 3 finished trials." in err
    assert err.count("Trial 3: val_sampled100_ndcg@10 0.") == err.count("Trial ") == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        (["--seed", 1], "`seed`, `config.seed`"),
        (["--epochs", 3], "`config.epochs`"),
        (["--objective", "val_full_hr@10"], "`objective`"),
        (["--tuner", "random"], "`oracle`"),
        (["--validate-every", 1], "`validate_every`"),
        (["--space", "{folder}/other.yaml"], "`hyperparameters.dim`"),
        (["{folder}/other.csv"], "`training`, `validation`"),
    ],
)
def test_another_search_in_the_same_directory_is_refused(
    changed: list[Any], names: str, folder: Path, call: Call
) -> None:
    (folder / "other.yaml").write_text(SPACE.replace("[4, 8]", "[4, 16]"))
    (folder / "other.csv").write_text(
        (folder / "t.csv").read_text() + "u_new,i_new,1\nu_new,i_newer,2\nu_new,i_newest,3\n"
    )
    before = {path: path.stat().st_mtime_ns for path in (folder / "found").rglob("*") if path.name != "search.log"}
    options = {"--space": folder / "space.yaml", "--epochs": 2, "--max-trials": 4, "--out": folder / "found"}
    table, given = folder / "t.csv", [str(value).format(folder=folder) for value in changed]
    if len(given) == 1:
        table = Path(given[0])
    else:
        options[given[0]] = given[1]
    code, out, err = call("tune", table, *(part for option in options.items() for part in option))
    assert (code, out) == (1, "")
    assert f"Error: {names} must be as when the search in {folder / 'found' / 'trials'} began" in " ".join(err.split())
    after = {path: path.stat().st_mtime_ns for path in (folder / "found").rglob("*") if path.name != "search.log"}
    assert after == before


def test_a_disk_that_is_full_at_the_end_is_reported(folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hyperml_tf.tuning.tune.draw_search", fail)
    command = ["tune", folder / "t.csv", "--out", folder / "found", "--space", folder / "space.yaml", "--epochs", 2]
    code, out, err = call(*command, "--max-trials", 3)
    assert (code, out) == (1, "")
    assert f"Error: No space is left on the disk of `{folder / 'found'}`. The finished trials are kept" in err


@pytest.mark.parametrize("tuner", ["random", "hyperband"])
def test_the_other_tuners(tuner: str, folder: Path, call: Call) -> None:
    (folder / "grid.yaml").write_text("only: true\ndim: [4, 8]\nbatch_size: 256\n")
    limit = ["--max-trials", 2]
    command = ["tune", folder / "t.csv", "--out", folder / tuner, "--space", folder / "grid.yaml", "--epochs", 2]
    code, out, _ = call(*command, "--tuner", tuner, *limit)
    assert code == 0
    assert "Best of 2 trials" in out


def test_failed_trials_are_reported(folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperml_tf.runs import fitting

    real = fitting.new_model

    def picky(training: Any, config: TrainingConfig, **arguments: Any) -> Any:
        if config.dim == 8:
            raise ValueError("`dim` must be 4 today. Received: 8")
        return real(training, config, **arguments)

    monkeypatch.setattr(fitting, "new_model", picky)
    command = ["tune", folder / "t.csv", "--space", folder / "picky.yaml", "--epochs", 1, "--tuner", "grid"]
    (folder / "picky.yaml").write_text("only: true\ndim: [4, 8]\nbatch_size: 256\n")
    code, out, err = call(*command, "--out", folder / "picky")
    assert code == 0
    assert "The grid has 2 combinations." in err
    assert "Best of 1 trials; 1 more failed" in " ".join(out.split())
    assert "Trial 0001 failed: ValueError: `dim` must be 4 today. Received: 8" in " ".join(err.split())
    assert "Traceback" not in err
    assert "Traceback" in (folder / "picky" / "search.log").read_text()
    row = pd.read_csv(folder / "picky" / "trials.csv").iloc[1]
    assert (row["status"], row["cause"]) == ("failed", "ValueError: `dim` must be 4 today. Received: 8")


def test_a_search_that_found_nothing_says_why(folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from hyperml_tf.runs import fitting

    real, first = fitting.new_model, iter([True])

    def failing(*arguments: Any, **more: Any) -> Any:
        # The first model is built to find out what is searched.
        if next(first, False):
            return real(*arguments, **more)
        raise ValueError("not today")

    monkeypatch.setattr(fitting, "new_model", failing)
    code, out, err = call("tune", folder / "t.csv", "--out", folder / "nothing", "--max-trials", 2)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == "Error: All 2 trials failed: ValueError: not today (2 of 2)"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing.csv", "--out", "x"], 1, "missing.csv"),
        (["{folder}/t.csv"], 2, "'--out'"),
        (["{folder}/t.csv", "--out", "x", "--tuner", "magic"], 1, "`tuner` must be one of"),
        (["{folder}/t.csv", "--out", "x", "--max-trials", "0"], 1, "`max_trials` must be at least 1"),
        (["{folder}/t.csv", "--out", "x", "--split", "none"], 1, "`split` must be 'last', 'random' or 'time:...'"),
        (["{folder}/t.csv", "--out", "x", "--space", "none.yaml"], 1, "none.yaml"),
        (["{folder}/t.csv", "--out", "{folder}/t.csv"], 1, "`out` must be a directory"),
        (
            ["{folder}/t.csv", "--out", "x", "--objective", "val_loss"],
            1,
            "`objective` must be one of ('val_sampled100_",
        ),
        (["{folder}/t.csv", "--out", "x", "--validate-every", "0"], 1, "`validate_every` must be at least 1"),
        (["{folder}/t.csv", "--out", "x", "--config", "{folder}/t.csv"], 1, "must be a JSON file with settings"),
        (["{folder}/t.csv", "--out", "x", "--config", "none.json"], 1, "none.json"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], code: int, message: str, folder: Path, tmp_path: Path, monkeypatch, call: Call
) -> None:
    monkeypatch.chdir(tmp_path)
    got, out, err = call("tune", *(argument.format(folder=folder) for argument in arguments))
    lines = [line for line in err.splitlines() if not line.startswith(("INFO", "Read ", "Kept ", "Trains on "))]
    assert (got, out) == (code, "")
    assert len(lines) == 1, err
    assert lines[0].startswith("Error: ")
    assert message in lines[0]
    assert not (tmp_path / "x").exists()  # so that the corrected command may write there


def test_from_python(folder: Path, tmp_path: Path) -> None:
    from hyperml_tf.data import Interactions
    from hyperml_tf.tuning import SearchSpace

    table = Interactions.from_file(folder / "t.csv")
    space = SearchSpace({"dim": [4, 8], "batch_size": 256})
    result = tune_table(table, tmp_path / "s", "grid", space=space, config=TrainingConfig(epochs=1))
    assert result is not None
    assert result.score == result.trials["score"].max()
    assert result.config.dim == result.trials["dim"][0]
