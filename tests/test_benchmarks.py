"""The accuracy benchmark: its own models, its figures on made-up ranks, and its command line from a table to a report."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hyperml_tf import TrainingConfig, train_run
from hyperml_tf.data import Interactions, synthesize
from hyperml_tf.runs.held_out import HeldOut

pytest.importorskip("scipy", reason="scipy (the extra `benchmarks`) cannot be imported")
if importlib.util.find_spec("ranx") is None:  # not imported here, which takes seconds
    pytest.skip("ranx (the extra `benchmarks`) cannot be imported", allow_module_level=True)

# The benchmarks are programs beside the package, not a part of it: they import one another as scripts do.
sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import accuracy
import bands
import contenders
import figures
import results
import tuning
from rivals import other_environment
from rivals.ease import EASE
from rivals.embeddings import Embeddings
from rivals.implicit_models import ImplicitModel
from rivals.item_knn import ItemKNN
from rivals.validation import Progress, Vectors, ndcg_at_10

TINY = Interactions.from_arrays(list("aaabbbccdd"), [0, 1, 2, 0, 1, 3, 1, 2, 0, 3])
"""As a matrix, a row a user: 1110, 1101, 0110, 1001."""


def matrix(table: Interactions) -> np.ndarray:
    seen = np.zeros((table.n_users, table.n_items))
    seen[table.users, table.items] = 1
    return seen


@pytest.fixture(scope="module")
def catalogue() -> Interactions:
    return synthesize(n_users=60, n_items=80, n_rows=900, depth=2, branching=3, noise=0.05, seed=1).table


def test_ease_is_least_squares_without_the_item_itself() -> None:
    seen, l2 = matrix(TINY), 0.7
    expected = np.zeros((4, 4))
    for item in range(4):
        others = np.arange(4) != item
        x = seen[:, others]
        expected[others, item] = np.linalg.solve(x.T @ x + l2 * np.eye(3), x.T @ seen[:, item])
    model = EASE.from_interactions(TINY, l2=l2)
    model.fit()
    np.testing.assert_allclose(model.weights, expected, atol=1e-5)
    np.testing.assert_allclose(model.scorer(TINY)(np.array([2, 0])), seen[[2, 0]] @ expected, atol=1e-5)
    # With other histories the weights are the same.
    more = Interactions.from_arrays(list("aabbccdd"), [0, 3, 0, 1, 2, 1, 0, 3])
    np.testing.assert_allclose(model.scorer(more)(np.array([0])), matrix(more)[[0]] @ expected, atol=1e-5)


def test_ease_mirrors_every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    from rivals import ease

    full = np.random.default_rng(0).normal(size=(7, 7))
    lower = np.tril(full)
    ease._mirror_lower(lower, block=3)
    np.testing.assert_array_equal(lower, np.tril(full) + np.tril(full, -1).T)
    with pytest.raises(ValueError, match=r"`l2` must be positive.*Received: l2=0"):
        EASE.from_interactions(TINY, l2=0.0)


def test_item_knn_by_hand() -> None:
    # Users of the items: 0 abd, 1 abc, 2 ac, 3 bd. Together: 01 two, 02 one, 03 two, 12 two, 13 one, 23 none.
    model = ItemKNN.from_interactions(TINY, k=1, shrinkage=1.0)
    model.fit()
    nearest = {0: (3, 2 / (math.sqrt(6) + 1)), 1: (2, 2 / (math.sqrt(6) + 1)), 2: (1, 2 / (math.sqrt(6) + 1))}
    nearest[3] = (0, 2 / (math.sqrt(6) + 1))
    expected = np.zeros((4, 4))
    for item, (neighbour, similarity) in nearest.items():
        expected[neighbour, item] = similarity
    np.testing.assert_allclose(model.weights.toarray(), expected, rtol=1e-6)
    np.testing.assert_allclose(model.scorer(TINY)(np.array([1])), matrix(TINY)[[1]] @ expected, rtol=1e-6)
    # User b has 0, 1 and then 3.
    recent = ItemKNN.from_interactions(TINY, k=1, shrinkage=1.0, half_life=2.0)
    recent.fit()
    weighted = np.array([[0.5, 2**-0.5, 0.0, 1.0]]) @ expected
    np.testing.assert_allclose(recent.scorer(TINY)(np.array([1])), weighted, rtol=1e-6)
    with pytest.raises(ValueError, match=r"`half_life` must be positive.*Received: half_life=0"):
        ItemKNN.from_interactions(TINY, k=1, shrinkage=1.0, half_life=0)
    two = ItemKNN.from_interactions(TINY, k=2, shrinkage=0.0)
    two.fit()
    assert two.weights.toarray()[1, 0] == pytest.approx(2 / 3)
    assert two.weights.toarray()[2, 0] == 0.0  # the third nearest of item 0


@pytest.mark.parametrize("make", [ImplicitModel.als, ImplicitModel.bpr])
def test_implicit_models_learn_and_repeat(make: Any, catalogue: Interactions) -> None:
    pytest.importorskip("implicit", reason="implicit (the extra `benchmarks`) cannot be imported")
    users = np.arange(catalogue.n_users)
    scores = []
    for _ in range(2):
        model = make(catalogue, dim=8, seed=3, iterations=30)
        model.fit()
        scores.append(model.scorer(catalogue)(users))
    np.testing.assert_array_equal(scores[0], scores[1])
    seen = matrix(catalogue) > 0
    assert scores[0].shape == seen.shape
    assert scores[0][seen].mean() > scores[0][~seen].mean()
    # ALS computes users from their items; BPR has learned them.
    fewer = catalogue.with_rows(np.arange(len(catalogue)) % 2 == 0)
    assert np.array_equal(model.scorer(fewer)(users), scores[1]) == (make == ImplicitModel.bpr)


def vectors_of(data: Interactions, seed: int) -> Vectors:
    """Random vectors with ties, where the model does not know item 3 and user 0."""
    rng = np.random.default_rng(seed)
    users, items = (rng.integers(-1, 2, size=(n, 3)).astype(np.float32) for n in (data.n_users, data.n_items))
    items[3] = users[0] = np.nan
    return Vectors(users, items)


def arrays_of(held_out: HeldOut) -> dict[str, Any]:
    """What a program in another environment gets."""
    split = held_out.split
    parts = {"train": split.train, "validation": split.validation}
    rows = {f"{part}_{name}": getattr(of, name) for part, of in parts.items() for name in ("users", "items")}
    return {**rows, "n_users": split.train.n_users, "n_items": split.train.n_items}


def test_rivals_in_other_environments_validate_as_we_do(catalogue: Interactions) -> None:
    held_out = HeldOut.draw(catalogue, "last")
    vectors, others = vectors_of(catalogue, 0), vectors_of(catalogue, 1)
    split = held_out.split
    embedded = Embeddings([(split.train, vectors), (split.before_test, others)])
    report = held_out.report(embedded.scorer)
    arrays = arrays_of(held_out)
    rows = np.arange(len(split.users))
    assert ndcg_at_10(vectors, arrays, rows) == pytest.approx(report["validation"]["full_ndcg@10"], rel=1e-6) != 0.0
    other = Embeddings([(split.train, others), (split.before_test, others)])
    assert report["test"] == held_out.report(other.scorer)["test"]
    with pytest.raises(ValueError, match="`known` must be one of the histories that vectors were made for"):
        embedded.scorer(catalogue)


def test_training_in_other_environments_ends_without_progress(catalogue: Interactions) -> None:
    held_out = HeldOut.draw(catalogue, "last")
    perfect = Vectors(*(np.zeros((n, catalogue.n_items), np.float32) for n in (catalogue.n_users, catalogue.n_items)))
    np.fill_diagonal(perfect.items, 1.0)
    perfect.users[held_out.split.validation.users, held_out.split.validation.items] = 1.0
    progress = Progress(arrays_of(held_out), patience=2, seconds=1e9)
    poor = vectors_of(catalogue, 0)
    over = [
        progress.is_over(vectors, lambda epoch=epoch: epoch)
        for epoch, vectors in enumerate([poor, perfect, poor, poor])
    ]
    assert over == [False, False, False, True]
    assert progress.best == 1
    assert progress.notes == {"best_epoch": 2, "epochs": 4, "curve": progress.curve}
    assert progress.curve[1] == 1.0
    assert Progress(arrays_of(held_out), patience=2, seconds=-1.0).is_over(perfect, lambda: None)


def test_a_rival_whose_library_is_missing_is_left_out(
    catalogue: Interactions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(other_environment.VARIABLE, raising=False)
    assert other_environment.interpreter("numpy") == sys.executable
    nothing = contenders.Contender("Nothing", "bpr", lambda *_: None, needs=("no_such_module", "numpy"))
    monkeypatch.setitem(contenders.CONTENDERS, "nothing", nothing)
    catalogue.to_frame().to_csv(tmp_path / "toy.csv", index=False)
    accuracy.main(["run", str(tmp_path / "toy.csv"), "--models", "nothing", "--out", str(tmp_path / "out")])
    assert "toy, last, nothing: left out, because no_such_module or numpy is not installed" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def made_up(kind: str, seed: int, sampled: Any, full: Any) -> results.StoredRun:
    """A run of four users whose held-out items are 0, 1, 2 and 3."""
    facts = {"data": "toy", "split": "last", "users": 4, "items": 4, "train_rows": 12, "evaluated_users": 4}
    facts["test_history"] = "before_test"
    made = {
        "title": kind,
        "kind": kind,
        "knows_order": False,
        "knows_history": True,
        "seed": seed,
        "settings": {},
        "overrides": {},
        "trials": [],
        "seconds": 1.0,
        "cpu_seconds": 1.0,
    }
    validation = dict.fromkeys(results.METRICS, 0.5)
    arrays = {
        "users": np.arange(4),
        "items": np.arange(4),
        "sampled100": np.array(sampled),
        "full": np.array(full),
        "user_activity": np.array([1, 2, 2, 7]),
        "train_popularity": np.array([4, 1, 5, 2]),
    }
    return results.StoredRun({**facts, **made, "validation": validation}, arrays)


MADE_UP = {
    "hyperml": [
        made_up("hyperbolic", 0, [0, 2, 6, 10], [0, 10, 10, 10]),
        made_up("hyperbolic", 1, [0, 0, 6, 10], [2, 10, 10, 10]),
    ],
    "cml": [made_up("metric", 0, [0, 6, 6, 10], [6, 10, 10, 10])],
    "lrml": [made_up("metric", 0, [0, 6, 10, 10], [2, 10, 10, 10])],
    "ease": [made_up("linear", 0, [0, 0, 0, 10], [0, 0, 10, 10])],
}
"""nDCG is 1 at rank 0, 1/2 at rank 2, 1/3 at rank 6 and 0 from rank 10 on."""


def test_figures_by_hand() -> None:
    values = figures.figures_of("ml-1m", MADE_UP)
    sampled = values["models"]["hyperml"]["metrics"]["sampled100_ndcg@10"]
    first, second = (1 + 1 / 2 + 1 / 3) / 4, (1 + 1 + 1 / 3) / 4
    assert sampled["mean"] == pytest.approx((first + second) / 2)
    # Of two values the deviation is |a - b| / sqrt(2), and the 0.975 quantile of t with one degree of freedom is 12.7062.
    assert sampled["half_width"] == pytest.approx(12.7062 * (second - first) / 2, rel=1e-4)
    assert values["models"]["hyperml"]["metrics"]["sampled100_hr@10"]["mean"] == 0.75
    assert values["models"]["cml"]["metrics"]["full_ndcg@10"] == {"mean": pytest.approx(1 / 12), "half_width": None}
    assert values["published"] == 0.562
    # The better of CML and LRML is another one under each protocol.
    gain = values["gains"]["hyperml"]["metric"]
    assert gain["sampled100_ndcg@10"] == pytest.approx((first + second) / 2 / (5 / 12) - 1)
    assert gain["full_ndcg@10"] == pytest.approx(0.75 / 0.5 - 1)
    assert values["gains"]["cml"]["twin"] == {"sampled100_ndcg@10": None, "full_ndcg@10": None}
    assert values["hyperml_to_ease"] == pytest.approx(0.75 / 2)


@pytest.mark.slow
def test_significance_is_a_paired_test() -> None:
    tests = {(test["metric"], test["kind"]): test for test in figures.figures_of("toy", MADE_UP)["significance"]}
    test = tests["sampled100_ndcg@10", "metric"]
    # Differences of the users to CML: 0, 3/4 - 1/3, 0, 0, so that t is exactly 1; three degrees of freedom give p = 0.391.
    assert (test["rival"], test["difference"]) == ("cml", pytest.approx(5 / 48))
    assert test["p"] == pytest.approx(0.391, abs=5e-4)
    assert tests["full_ndcg@10", "metric"]["rival"] == "lrml"
    assert tests["full_ndcg@10", "linear"]["difference"] < 0
    alike = [
        made_up("twin", run.facts["seed"], run.arrays["sampled100"], run.arrays["full"]) for run in MADE_UP["hyperml"]
    ]
    twins = figures.figures_of("toy", {**MADE_UP, "twin": alike})["significance"]
    assert [(test["difference"], test["p"]) for test in twins if test["kind"] == "twin"] == [(0, 1), (0, 1)]


def test_bands() -> None:
    # Twelve rows: item 2 holds 5 and item 0, which begins at 5 of 12, is past a third; 3 begins at 9 and 1 at 11.
    assert bands.item_bands(np.array([4, 1, 5, 2])).tolist() == [1, 2, 0, 2]
    assert bands.item_bands(np.array([2, 2, 2, 0])).tolist() == [0, 1, 2, 2]
    assert bands.user_bands(np.array([1, 2, 2, 7])).tolist() == [0, 0, 0, 2]
    assert bands.user_bands(np.array([3, 1, 2])).tolist() == [2, 0, 1]
    report = bands.banded_ndcg(MADE_UP["hyperml"])
    assert report["items"]["head"]["sampled100_ndcg@10"] == pytest.approx(1 / 3)
    assert report["items"]["middle"]["full_ndcg@10"] == pytest.approx(0.75)
    assert report["items"]["tail"] == {"share": 0.5, "sampled100_ndcg@10": pytest.approx(0.375), "full_ndcg@10": 0.0}
    assert report["users"]["middle"] == {"share": 0.0, "sampled100_ndcg@10": None, "full_ndcg@10": None}


@pytest.mark.slow
def test_run_and_report(catalogue: Interactions, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "toy.csv", tmp_path / "out"
    catalogue.to_frame().to_csv(path, index=False)
    models = ["ease", "hyperml", "mf_bpr", "popularity"]
    words = [
        "run",
        str(path),
        "--out",
        str(out),
        "--trials",
        "1",
        "--epochs",
        "1",
        "--dim",
        "4",
        "--seeds",
        "0",
        "--models",
        *models,
    ]
    accuracy.main(words)
    first = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    stored = {f"{model}/{name}" for model in models for name in ("seed0.json", "seed0.npz", "trials.json")}
    assert {str(path.relative_to(out / "toy" / "last")) for path in first} == stored
    capsys.readouterr()

    accuracy.main(words)
    assert capsys.readouterr().out.count("finished before") == 4
    assert first == {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=r"`out` must hold runs of the same table and options"):
        accuracy.main(["run", str(path), "--out", str(out), "--trials", "2", "--models", "ease"])
    capsys.readouterr()

    accuracy.main(["report", str(out), "--json", str(tmp_path / "figures.json")])
    text = capsys.readouterr().out
    (values,) = json.loads((tmp_path / "figures.json").read_text())
    assert (values["data"], values["split"], sorted(values["models"])) == ("toy", "last", models)
    for name, model in values["models"].items():
        (run,) = results.load(out / "toy" / "last" / name)
        mean = run.per_user("full_ndcg@10").mean()
        assert model["metrics"]["full_ndcg@10"] == {"mean": pytest.approx(mean), "half_width": None}
        assert f"| {model['title']} | " in text
        assert f" {mean:.4f}" in text
    assert values["models"]["ease"]["settings"] == {"l2": 300.0}
    assert "## HyperML / EASE" in text
    means = [values["models"][name]["metrics"]["full_ndcg@10"]["mean"] for name in models]
    assert f"/ **{max(means):.4f}**" in next(line for line in text.splitlines() if line.startswith("| toy | last |"))

    # HyperML is trained as the command line trains it.
    usual = train_run(path, tmp_path / "usual", TrainingConfig(epochs=1, dim=4)).metrics
    ours = values["models"]["hyperml"]
    for metric in results.METRICS:
        assert ours["validation"][metric]["mean"] == pytest.approx(usual["validation"][metric], rel=1e-5)
        assert ours["metrics"][metric]["mean"] == pytest.approx(usual["test"][metric], rel=1e-5)
    assert values["models"]["popularity"]["metrics"]["full_hr@10"]["mean"] == usual["popularity"]["test"]["full_hr@10"]


@dataclasses.dataclass
class Counting:
    """A model whose score of an item is its code times a setting, and that is killed at a setting."""

    killed_at: float | None = None
    trained: list[tuple[int, float]] = dataclasses.field(default_factory=list)

    def __call__(self, held_out: HeldOut, seed: int, settings: Any) -> Any:
        if settings["factor"] == self.killed_at:
            raise KeyboardInterrupt
        self.trained.append((seed, settings["factor"]))
        scores = np.arange(held_out.split.train.n_items) * settings["factor"]
        return lambda known: lambda users: np.tile(scores, (len(users), 1))


def test_tuning_resumes_and_trains_the_winner_once(catalogue: Interactions, tmp_path: Path) -> None:
    held_out = HeldOut.draw(catalogue, "last")
    model = Counting(killed_at=3.0)
    contender = contenders.Contender("Counting", "bpr", model, contenders.grid("factor", (-1.0,), (1.0,), (3.0,)), ())
    facts = SimpleNamespace(fingerprint="toy", test_history="before_test")
    task = tuning.Task(
        tmp_path / "model",
        contender,
        held_out,
        3,
        "sampled100_ndcg@10",
        contenders.Overrides(),
        vars(facts),
        lambda _: None,
    )
    with pytest.raises(KeyboardInterrupt):
        tuning.run(task, [0, 1])
    assert model.trained == [(0, -1.0), (0, 1.0)]
    assert not results.is_finished(task.folder, 0)

    model.killed_at = None
    tuning.run(task, [0, 1])
    trials = results.load(task.folder)[0].facts["trials"]
    values = {trial["settings"]["factor"]: trial["validation"]["sampled100_ndcg@10"] for trial in trials}
    best = max(values, key=values.__getitem__)
    assert set(values) == {-1.0, 1.0, 3.0}
    # The third trial is all that tuning still did; a winner of the killed process is trained again for seed 0.
    again = [] if best == 3.0 else [(0, best)]
    assert model.trained[2:] == [(0, 3.0), *again, (1, best)]
    assert [run.facts["settings"]["factor"] for run in results.load(task.folder)] == [best, best]

    fresh = dataclasses.replace(task, folder=tmp_path / "fresh")
    model.trained.clear()
    tuning.run(fresh, [0, 1])
    assert model.trained == [(0, -1.0), (0, 1.0), (0, 3.0), (1, best)]
    with pytest.raises(ValueError, match=r"`trials` must be at most 3.*Received: trials=4"):
        tuning.run(dataclasses.replace(task, folder=tmp_path / "more", trials=4), [0])
