"""`report` on a small run: its files, its numbers against other ways to compute them, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import tensorflow as tf

import hyperml_tf
from hyperml_tf import cli
from hyperml_tf.data import synthesize
from hyperml_tf.geometry import poincare
from hyperml_tf.reports import Sampling, report, sampled_delta
from hyperml_tf.runs import Run, train_run
from hyperml_tf.settings import TrainingConfig

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert(1)</script>|<img src=//evil.example/x onerror=alert(2)>"
PICTURES = {"radius", "pairs", "delta", "graph", "bands", "lists", "training"}
SAMPLING = Sampling(delta_samples=4, delta_size=24, sources=60)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = synthesize(n_users=60, n_items=120, n_rows=900, depth=2, branching=3, seed=1)
    known = made.items[["item", "title", "category"]].assign(title=HOSTILE)
    path = tmp_path_factory.mktemp("runs") / "run"
    tf.config.run_functions_eagerly(True)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "hyperml_tf.runs.finishing.export_saved_model", lambda *_, **__: None
            )  # takes most of the time
            return train_run(made.table, path, TrainingConfig(dim=4, epochs=2, batch_size=256), items=known)
    finally:
        tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def numbers(run: Run) -> dict[str, Any]:
    return report(run, categories="category", sampling=SAMPLING)


def test_the_files(run: Run, numbers: dict[str, Any]) -> None:
    folder = run.path / "report"
    assert json.loads((folder / "report.json").read_text()) == json.loads(json.dumps(numbers))
    assert {path.stem for path in (folder / "pictures").glob("*.svg")} == PICTURES
    named = re.findall(r"\]\((\S+)\)$", (folder / "report.md").read_text(), re.MULTILINE)
    assert {Path(name).stem for name in named} == PICTURES
    assert all((folder / name).is_file() for name in named)
    page = (folder / "report.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == len(PICTURES)
    assert "prefers-color-scheme: dark" in page
    for text in numbers["verdict"]["against"]:
        assert text in page


def test_titles_are_no_part_of_the_page(run: Run, numbers: dict[str, Any]) -> None:
    page = (run.path / "report" / "report.html").read_text()
    assert "&lt;script&gt;alert(1)" in page
    assert not re.search(r"<script|<img(?! alt)", page)
    assert set(re.findall(r'(?:src|href)="([^:"]*)', page)) == {"data"}


def test_the_same_seed_gives_the_same_files(run: Run, numbers: dict[str, Any], tmp_path: Path) -> None:
    report(Run.load(run.path), tmp_path / "again", categories="category", sampling=SAMPLING)
    for path in (run.path / "report").rglob("*.*"):
        assert (tmp_path / "again" / path.relative_to(run.path / "report")).read_bytes() == path.read_bytes(), path.name


def test_radii(run: Run, numbers: dict[str, Any]) -> None:
    points = tf.cast(run.model.candidate_tower.all_points(), tf.float64)
    radii = poincare.distance0(points, tf.cast(run.model.curvature(), tf.float64)).numpy()
    popularity = run.training.popularity()
    trained = popularity > 0
    found = numbers["radius"]
    expected = scipy.stats.spearmanr(radii[trained], popularity[trained]).statistic
    assert found["popularity"]["spearman"] == pytest.approx(expected)
    assert found["items"] == np.count_nonzero(trained)
    nearest = np.flatnonzero(trained)[np.argmin(radii[trained])]
    assert found["nearest"][0]["item"] == run.model.candidate_tower.ids[nearest]
    assert found["nearest"][0]["details"]["title"] == HOSTILE
    assert (found["categories"]["is_hierarchy"], found["categories"]["levels"][0]["depth"]) == (True, 2)


def test_metrics_of_all_users_are_those_of_the_run(run: Run, numbers: dict[str, Any]) -> None:
    for who, stored in (("model", run.metrics["test"]), ("popularity", run.metrics["popularity"]["test"])):
        found = numbers["answers"][who]["test"]
        for name in ("full_ndcg@10", "sampled100_hr@10", "full_mrr"):
            assert found["all"][name] == pytest.approx(stored[name], abs=1e-6)
        for kind in ("items", "users"):
            bands = [band for band in found[kind].values() if band["users"]]
            mean = sum(band["users"] * band["full_ndcg@10"] for band in bands) / sum(band["users"] for band in bands)
            assert mean == pytest.approx(stored["full_ndcg@10"], abs=1e-6)


def test_lists_are_those_that_users_would_get(run: Run, numbers: dict[str, Any]) -> None:
    split = run.held_out.split
    with run.model.seen.replaced(split.before_test):
        answer = run.model.recommend(split.before_test.user_ids[split.users], k=10)
    codes = run.table.item_codes_of(answer.ids.ravel()).reshape(answer.ids.shape)
    found = numbers["answers"]["model"]["lists"]
    assert found["coverage"] == len(np.unique(codes)) / run.table.n_items
    popularity = run.training.popularity()
    bits = -np.log2(np.maximum(popularity[codes], 1) / run.table.n_users)
    assert found["novelty"] == pytest.approx(bits.mean())
    assert 0 < found["distinct_categories"] < 1


def test_distances_of_pairs(run: Run, numbers: dict[str, Any]) -> None:
    pairs, split, ids = numbers["pairs"], run.held_out.split, run.table.item_ids
    assert pairs["training"]["pairs"] == len(split.train)
    assert sum(pairs["test"]["distances"]) == sum(pairs["test"]["unobserved"]) == len(split.test)
    with run.model.seen.replaced(split.before_test):
        of_test = run.model({"user_id": split.test.user_ids[split.test.users], "item_id": ids[split.test.items]})
    assert pairs["test"]["median"] == pytest.approx(np.median(of_test), rel=1e-4)
    assert 0 <= pairs["test"]["auc"] <= 1


def test_a_run_without_held_out_rows_and_items(run: Run, numbers: dict[str, Any], tmp_path: Path) -> None:
    config = json.loads((run.path / "config.json").read_text())
    config["settings"]["split"] = "none"
    metrics = {name: value for name, value in run.metrics.items() if not isinstance(value, dict)}
    bare = tmp_path / "bare"
    (bare / "model").mkdir(parents=True)
    (bare / "config.json").write_text(json.dumps(config))
    (bare / "metrics.json").write_text(json.dumps(metrics))
    (bare / "model" / "model.keras").write_bytes((run.path / "model" / "model.keras").read_bytes())
    found = report(bare, sampling=SAMPLING)
    assert found["answers"]["model"]["test"] is None
    assert found["answers"]["model"]["lists"]["coverage"] > 0
    assert "test" not in found["pairs"]
    assert found["radius"]["categories"] is None
    assert found["history"] == {}
    assert {path.stem for path in (bare / "report" / "pictures").iterdir()} == {"radius", "pairs", "delta", "graph"}


def test_without_matplotlib(
    run: Run, numbers: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert report(run, tmp_path / "plain", categories="category", sampling=SAMPLING) == numbers
    assert not (tmp_path / "plain" / "pictures").exists()
    for name in ("report.md", "report.html"):
        assert "There are no pictures in this report." in (tmp_path / "plain" / name).read_text()
    assert "No pictures were drawn" in caplog.text


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pictures, and few samples of delta, which take most of the time of a small report."""
    few = lambda matrix, size, samples, seed: sampled_delta(matrix, 16, 2, seed)  # noqa: E731
    monkeypatch.setattr("hyperml_tf.reports.structure.sampled_delta", few)
    monkeypatch.setattr("hyperml_tf.reports.writing.draw", lambda _: {})


@pytest.mark.usefixtures("cheap")
def test_the_command(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    pd.DataFrame({"item": run.table.item_ids, "genre": ["a>b", "a"] * (run.table.n_items // 2)}).to_csv(
        tmp_path / "items.csv", index=False
    )
    options = ["--items", str(tmp_path / "items.csv"), "--categories", "genre", "--out", str(out), "--seed", "1"]
    assert cli.main(["report", str(run.path), *options]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Does hyperbolic space suit this table? ")
    assert f"Wrote {out}: report.html, report.md, report.json" in printed
    found = json.loads((out / "report.json").read_text())
    assert (found["sampling"]["seed"], found["radius"]["categories"]["column"]) == (1, "genre")


@pytest.mark.usefixtures("cheap")
def test_the_program_of_the_page(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(__file__).parents[2] / "docs" / "report.md"
    [program] = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    shutil.copytree(run.path, tmp_path / "run")
    monkeypatch.setattr(hyperml_tf, "train_run", lambda *_, **__: Run.load(tmp_path / "run"))
    exec(compile(program, str(page), "exec"), {})
    assert re.fullmatch(r"(yes|partly|no) 0\.\d+\n", capsys.readouterr().out)


def test_what_it_refuses(run: Run, numbers: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match=r"`out` must be a directory. Received: the file"):
        report(run, tmp_path / "file")
    (tmp_path / "report.md").write_text("mine")
    with pytest.raises(FileExistsError, match=r"must not hold files of others .* with report.md"):
        report(run, tmp_path)
    assert (tmp_path / "report.md").read_text() == "mine"
    with pytest.raises(ValueError, match=r"`categories` must be a column .*Received: 'price'"):
        report(run, tmp_path / "new", categories="price")
    with pytest.raises(FileNotFoundError, match="The item table must be a file that exists"):
        report(run, tmp_path / "new", items=tmp_path / "no.csv")
    with pytest.raises(FileNotFoundError, match="is not a finished run"):
        report(tmp_path / "no")
    assert not (tmp_path / "new").exists()
