"""The command line on a small synthetic table: every command, its files, and one line for every error."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tiny

from hyperml_tf import cli
from hyperml_tf.cli import evaluation, serving
from hyperml_tf.metrics.lists import LIST_METRICS
from hyperml_tf.metrics.user_metrics import METRICS as METRICS_OF_USERS
from hyperml_tf.runs import Run
from hyperml_tf.serving import ApproximateIndex, ServedModel
from hyperml_tf.settings import TrainingConfig

pytestmark = pytest.mark.slow

SETTINGS = ["--epochs", "2", "--dim", "8", "--batch-size", "256", "--k", "7"]
MEASURES = {"MRR": "mrr", **{f"{title}@{k}": f"{title.lower()}@{k}" for title in ("HR", "nDCG") for k in (5, 10, 20)}}
METRICS = {f"{protocol}_{measure}" for protocol in ("full", "sampled100") for measure in MEASURES.values()}
# rich asks this variable for the width of the terminal.
os.environ.setdefault("COLUMNS", "80")

Call = Callable[..., "Answer"]


class Answer:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: object) -> Answer:
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        return Answer(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table `t.csv` and the run `run` made of it and of a table of items, with ids that are text."""
    path = tmp_path_factory.mktemp("cli")
    size = ["--users", "60", "--items", "120", "--rows", "900", "--seed", "1"]
    made = cli.main(["synthesize", f"{path}/t.csv", "--item-table", f"{path}/items.csv", *size])
    items = ["--items", f"{path}/items.csv", "--detail", "title", "--detail", "category"]
    trained = cli.main(["train", f"{path}/t.csv", "--out", f"{path}/run", *items, *SETTINGS])
    assert (made, trained) == (0, 0)
    return path


def test_train_writes_the_run(folder: Path) -> None:
    run = folder / "run"
    written = {"config.json", "metrics.json", "history.csv", "disk.png", "items.parquet", "model", "saved_model"}
    assert written <= {path.name for path in run.iterdir()}
    assert (run / "saved_model" / "1" / "saved_model.pb").is_file()
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["users"], metrics["train_rows"]) == (60, 900 - 2 * 60)
    for part in (metrics["test"], metrics["validation"], metrics["popularity"]["test"]):
        assert set(part) == METRICS
    assert len(pd.read_csv(run / "history.csv")) == 2
    assert TrainingConfig.from_file(run / "config.json") == TrainingConfig(epochs=2, dim=8, batch_size=256, k=7)


def test_inspect_looks_at_a_table(folder: Path, call: Call) -> None:
    answer = call("inspect", folder / "t.csv")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"{folder / 't.csv'}: 900 rows\n  user     'user'\n")
    # The settings are those that the run got.
    config = json.loads((folder / "run" / "config.json").read_text())["settings"]
    assert f"  negatives      {config['negatives']}\n" in answer.out
    assert f"Trains on {900 - 2 * 60} pairs; 60 users are evaluated" in answer.out


def test_inspect_prints_json(folder: Path, call: Call) -> None:
    answer = call("inspect", folder / "t.csv", "--split", "random", "--json")
    found = json.loads(answer.out)
    assert found["read"]["columns"]["user"] == "user"
    assert (found["kept"]["pairs"], found["kept"]["users"]) == (900, 60)
    counts = pd.read_csv(folder / "t.csv")["user"].value_counts()
    assert found["kept"]["items_per_user"]["min"] == counts.min()
    assert found["split"]["training_pairs"] == 900 - 2 * 60
    assert found["split"]["how"] == "random"
    assert found["share_of_most_popular"]["0.5"] <= 1


def test_evaluate_prints_what_was_stored(folder: Path, call: Call) -> None:
    answer = call("evaluate", folder / "run")
    assert answer.code == 0
    stored = json.loads((folder / "run" / "metrics.json").read_text())
    assert rows_of(answer) == expected_rows(stored)
    assert "their training and validation items" in " ".join(answer.out.split())
    older = call("evaluate", folder / "run", "--test-history", "train")
    assert rows_of(older) == expected_rows(Run.load(folder / "run").evaluate("train")) != expected_rows(stored)
    assert "their training items only" in " ".join(older.out.split())
    refused = call("evaluate", folder / "run", "--test-history", "all")
    assert refused.code != 0
    assert "`test_history` must be one of" in refused.err


def test_evaluate_says_more_of_users_lists_and_another_run(folder: Path, call: Call, tmp_path: Path) -> None:
    run, file = folder / "run", tmp_path / "users.csv"
    asked = ["-k", 3, "--metrics", "hr,map", "--metrics", "coverage"]
    answer = call("evaluate", run, *asked, "--per-user", file, "--compare", run, "--json")
    assert (answer.code, answer.err) == (0, f"Wrote {file}: 60 test items of 60 users\n")
    found = json.loads(answer.out)
    assert set(found["test"]) == {
        f"{protocol}_{name}@3" for protocol in ("full", "sampled100") for name in ("hr", "map")
    }
    assert set(found["lists"]["model"]) == {"coverage@3"}
    assert "No metric differs" in found["comparison"]["meaning"]
    frame = pd.read_csv(file)
    assert list(frame)[:6] == ["user", "item", "title", "category", "full_rank", "sampled100_rank"]
    assert frame["full_hr@3"].mean() == pytest.approx(found["test"]["full_hr@3"])
    shown = call("evaluate", run, *asked, "--compare", run)
    for title in ("Held-out items", "Lists of recommendations", "Compared on the same users", "MAP@3"):
        assert title in shown.out
    parquet = call("evaluate", run, "--metrics", "ndcg", "--per-user", tmp_path / "users.parquet")
    assert parquet.code == 0
    assert len(pd.read_parquet(tmp_path / "users.parquet")) == 60


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--metrics", "auc"], "`--metrics` must be among hr, "),
        (["-k", "0"], "`--k` must be at least 1. Received: 0"),
        (["--per-user", "users.json"], "`--per-user` must end in .parquet or .csv"),
        (["--overwrite"], "`--overwrite` requires a file to write"),
        (["--metrics", "gini", "--compare", "other"], "require a metric of users"),
        (["--compare", "other"], "no finished run|not a finished run|other"),
    ],
)
def test_evaluate_refuses(folder: Path, call: Call, arguments: list[str], said: str) -> None:
    answer = call("evaluate", folder / "run", *arguments)
    assert answer.code == 1
    assert re.search(said, answer.err)


def test_metrics_of_the_command_line_are_those_of_the_library() -> None:
    assert evaluation.METRICS == METRICS_OF_USERS
    assert evaluation.LIST_METRICS == LIST_METRICS


def test_crossvalidate_prints_means_with_intervals(folder: Path, call: Call, tmp_path: Path) -> None:
    out = tmp_path / "folds.json"
    options = ["--folds", 2, "--epochs", 1, "--dim", 4, "--user-model", "free", "--metrics", "recall"]
    answer = call("crossvalidate", folder / "t.csv", *options, "--out", out)
    assert answer.code == 0
    stored = json.loads(out.read_text())
    mean = stored["summary"]["full_recall@10"]["mean"]
    assert f"{mean:.4f}" in answer.out
    assert "95 % interval" in answer.out
    assert len(stored["folds"]) == 2
    refused = call("crossvalidate", folder / "t.csv", *options, "--out", out)
    assert "`--out` exists" in refused.err


def rows_of(answer: Answer) -> list[list[str]]:
    """The measure of each row of the printed table, and its numbers."""
    held_out = answer.out.partition("Lists of recommendations")[0]
    lines = [line.replace("│", " ").split() for line in held_out.splitlines() if "│" in line]
    return [words[-5:] for words in lines]


def expected_rows(metrics: dict[str, Any]) -> list[list[str]]:
    parts = [of_model[part] for part in ("test", "validation") for of_model in (metrics, metrics["popularity"])]
    titles = [f"{title}@{k}" for title in ("HR", "nDCG") for k in (5, 10, 20)] + ["MRR"]
    return [
        [title, *(f"{values[f'{protocol}_{MEASURES[title]}']:.4f}" for values in parts)]
        for protocol in ("full", "sampled100")
        for title in titles
    ]


def test_recommend_prints_json(folder: Path, call: Call) -> None:
    answer = call("recommend", folder / "run", "--user", "user_00003", "--user", "user_00001", "-k", 4, "--json")
    assert answer.code == 0
    rows = json.loads(answer.out)
    assert [row["user"] for row in rows] == ["user_00003", "user_00001"]
    expected = Run.load(folder / "run").model.recommend(["user_00003", "user_00001"], k=4)
    assert [[item["item"] for item in row["items"]] for row in rows] == expected.ids.tolist()
    distances = [item["distance"] for item in rows[0]["items"]]
    assert distances == sorted(distances)


def test_seen_items_are_recommended_on_demand(folder: Path, call: Call) -> None:
    table = Run.load(folder / "run").table.to_frame()
    seen = set(table[table["user"] == "user_00001"]["item"])
    items = {}
    for flag in ([], ["--include-seen"]):
        answer = call("recommend", folder / "run", "--user", "user_00001", "-k", 500, "--json", *flag)
        items[len(flag)] = {item["item"] for item in json.loads(answer.out)[0]["items"]}
    assert items[0] & seen == set()
    assert items[1] == items[0] | seen


def test_items_to_recommend_are_named_or_listed_in_a_file(folder: Path, call: Call, tmp_path: Path) -> None:
    """A file as Windows writes it: with a byte order mark, CR LF and an empty line at its end."""
    file = tmp_path / "stock.txt"
    model = Run.load(folder / "run").model
    listed = model.candidate_tower.ids[:40].tolist()
    file.write_bytes("\r\n".join([*listed, "no such item", "", ""]).encode("utf-8-sig"))
    asked = ("recommend", folder / "run", "--user", "user_00001", "-k", 5, "--json")
    answer = call(*asked, "--include", file, "--exclude", listed[3], "--exclude", listed[7])
    assert answer.code == 0
    assert "Note: unknown items in --include are ignored: no such item" in answer.err
    items = [item["item"] for item in json.loads(answer.out)[0]["items"]]
    expected = model.recommend(["user_00001"], k=5, include=listed, exclude=[listed[3], listed[7]])
    assert items == [item for item in expected.ids[0].tolist() if item]
    nothing = call(*asked, "--include", "no such item")
    assert (nothing.code, json.loads(nothing.out)[0]["items"]) == (0, [])


def test_titles_come_with_everything(folder: Path, call: Call, tmp_path: Path) -> None:
    """In what is printed, in files, in what `train` exported, and with a table of one's own instead of that of the run."""
    known = pd.read_csv(folder / "items.csv", dtype=str).set_index("item")
    asked = ("recommend", folder / "run", "--user", "user_00001", "-k", 3)
    items = json.loads(call(*asked, "--json").out)[0]["items"]
    assert [item["title"] for item in items] == [known["title"][item["item"]] for item in items]
    assert list(items[0]) == ["item", "distance", "title", "category"]
    printed = call(*asked, "--detail", "title").out
    assert all(known["title"][item["item"]].split()[0] in printed for item in items)
    served = ServedModel(folder / "run" / "saved_model" / "1").recommend(["user_00001"], k=3)
    assert served.ids.tolist() == [[item["item"] for item in items]]
    assert served.details["title"].tolist() == [[item["title"] for item in items]]
    (tmp_path / "own.csv").write_text(f"item,label\n{items[0]['item']},Mine\n")
    own = json.loads(call(*asked, "--items", tmp_path / "own.csv", "--json").out)[0]["items"]
    assert [item["label"] for item in own] == ["Mine", "", ""]
    refused = call(*asked, "--detail", "price")
    assert (refused.code, "['price']" in refused.err) == (1, True)


def test_all_users_and_some_users_go_to_files(folder: Path, call: Call, tmp_path: Path) -> None:
    run, out = folder / "run", tmp_path / "r.parquet"
    answer = call("recommend", run, "--all-users", "-k", 4, "--out", out)
    assert (answer.code, answer.out.strip()) == (0, f"Wrote {out}: 240 recommendations for 60 users")
    frame = pd.read_parquet(out)
    assert list(frame) == ["user", "rank", "item", "distance", "title", "category"]
    assert frame["user"].nunique() == 60
    refused = call("recommend", run, "--all-users", "--out", out)
    assert (refused.code, "--overwrite" in refused.err) == (1, True)
    (tmp_path / "users.txt").write_text("user_00002\nnobody\n")
    listed = ("recommend", run, "--users", tmp_path / "users.txt", "-k", 2)
    some = call(*listed, "--out", out, "--overwrite")
    assert (some.code, "nobody" in some.err) == (0, True)
    assert pd.read_parquet(out)["user"].tolist() == ["user_00002"] * 2 + ["nobody"] * 2
    assert [row["user"] for row in json.loads(call(*listed, "--json").out)] == ["user_00002", "nobody"]


def test_conditions_select_items(folder: Path, call: Call) -> None:
    category = Run.load(folder / "run").items.columns["category"][0]
    where = f"category == {category!r}"
    asked = ("recommend", folder / "run", "--user", "user_00001", "-k", 50, "--include-seen", "--json")
    items = json.loads(call(*asked, "--where", where).out)[0]["items"]
    expected = Run.load(folder / "run").items.where(where).tolist()
    assert sorted(item["item"] for item in items) == sorted(expected)
    one = json.loads(call(*asked, "--where", where, "--include", expected[0], "--detail", "title").out)[0]["items"]
    assert [list(item) for item in one] == [["item", "distance", "title"]]
    assert one[0]["item"] == expected[0]
    nothing = call(*asked, "--where", "category == 'no such'")
    assert (json.loads(nothing.out)[0]["items"], "no item meets the condition" in nothing.err) == ([], True)
    refused = call(*asked, "--where", "__import__('os').system('true')")
    assert (refused.code, "A condition compares columns with values" in refused.err) == (1, True)


def test_why(folder: Path, call: Call) -> None:
    asked = ("recommend", folder / "run", "--user", "user_00001", "--user", "nobody", "-k", 2, "--why")
    known, unknown = json.loads(call(*asked, "--json").out)
    model = Run.load(folder / "run").model
    for item in known["items"]:
        why = model.explain(["user_00001"], [item["item"]])
        assert [one["item"] for one in item["because"]] == why.ids[0, :3][why.shares[0, :3] > 0].tolist()
        assert all(one["title"] and 0 < one["share"] <= 1 for one in item["because"])
    assert [item["because"] for item in unknown["items"]] == [[], []]
    assert "because of" in call(*asked).out


def test_similar_items(folder: Path, call: Call, tmp_path: Path) -> None:
    run = Run.load(folder / "run")
    item = run.model.candidate_tower.ids[0]
    found = json.loads(call("similar", folder / "run", "--item", item, "-k", 3, "--json").out)
    assert [one["item"] for one in found[0]["items"]] == run.model.similar_items([item], 3).ids[0].tolist()
    assert (found[0]["item"], list(found[0]["items"][0])) == (item, ["item", "distance", "title", "category"])
    answer = call("similar", folder / "run", "--all-items", "-k", 2, "--out", tmp_path / "s.jsonl")
    items = len(run.model.candidate_tower)
    assert answer.out.strip() == f"Wrote {tmp_path / 's.jsonl'}: {2 * items} similar items for {items} items"
    unknown = call("similar", folder / "run", "--item", "none")
    assert (unknown.code, "`--item` must be an item of the run. Received: none" in unknown.err) == (1, True)


def test_unknown_users_are_answered_with_a_note(folder: Path, call: Call) -> None:
    answer = call("recommend", folder / "run", "--user", "[nobody]", "--user", "user_00001", "-k", 3)
    assert answer.code == 0
    assert answer.err.strip().splitlines()[-1].startswith("Note: unknown users")
    assert "[nobody]" in answer.err
    assert "user_00001" not in answer.err
    assert answer.out.count("item_") == 6


def test_integer_ids(tmp_path: Path, folder: Path, call: Call) -> None:
    table = pd.read_csv(folder / "t.csv")
    for column in ("user", "item"):
        table[column] = table[column].str.split("_").str[1].astype(int)
    table.to_parquet(tmp_path / "t.parquet")
    trained = call("train", tmp_path / "t.parquet", "--out", tmp_path / "run", *SETTINGS, "--split", "none")
    assert trained.code == 0
    # What the columns were taken for, what was kept, and the settings.
    said = [line for line in trained.err.splitlines() if line.startswith(("Read ", "Kept ", "Trains on "))]
    assert len(said) == 3
    assert "user 'user', item 'item', order 'timestamp'" in said[0]
    assert f"Trains on {len(table)} pairs, evaluates 0 users (split none); user_model history" in said[2]
    # Off a terminal, a line per epoch.
    assert "Epoch 1 of 2: loss " in trained.err
    # Nothing is held out: no metrics.
    assert "nDCG" not in trained.out
    assert "test" not in Run.load(tmp_path / "run").metrics
    answer = call("recommend", tmp_path / "run", "--user", "3", "--user", "100", "-k", 2, "--json")
    assert answer.code == 0
    assert "general items: 100" in answer.err
    known, unknown = (row["items"] for row in json.loads(answer.out))
    model = Run.load(tmp_path / "run").model
    for items, user in ((known, 3), (unknown, 100)):
        assert [item["item"] for item in items] == model.recommend([user], k=2).ids[0].tolist()
    refused = call("recommend", tmp_path / "run", "--user", "x")
    assert (refused.code, "Users must be integers, as those of the run are. Received: 'x'" in refused.err) == (1, True)
    among = call(
        "recommend", tmp_path / "run", "--user", "3", "--include", "7", "--include", "x", "--include-seen", "--json"
    )
    assert [item["item"] for item in json.loads(among.out)[0]["items"]] == [7]
    evaluated = call("evaluate", tmp_path / "run")
    assert (evaluated.code, evaluated.out) == (1, "")
    assert "held-out" in evaluated.err


def test_export_writes_the_next_version_or_that_of_its_path(folder: Path, tmp_path: Path, call: Call) -> None:
    """Where TensorFlow Serving looks for it; and without seen items, as `recommend`."""
    base = tmp_path / "models"
    assert call("export", folder / "run", base).out.strip() == f"Wrote {base / '1'}"
    answer = ServedModel(base / "1").recommend(["user_00001"])
    assert answer.ids.tolist() == Run.load(folder / "run").model.recommend(["user_00001"], k=7).ids.tolist()
    assert call("export", folder / "run", base, "--include-seen").out.strip() == f"Wrote {base / '2'}"
    assert not ServedModel(base / "2").card["serving"]["excludes_seen"]
    refused = call("export", folder / "run", base / "2", "--k", 3)
    assert (refused.code, "--overwrite" in refused.err) == (1, True)
    assert call("export", folder / "run", base / "2", "--k", 3, "--overwrite").code == 0
    assert ServedModel(base / "2").recommend(["user_00001"]).ids.shape == (1, 3)


def test_export_with_everything(folder: Path, tmp_path: Path, call: Call) -> None:
    run = Run.load(folder / "run")
    ids = run.model.candidate_tower.ids
    pd.DataFrame({"item": ids, "name": [f"Name {i}" for i in ids], "price": 1}).to_csv(tmp_path / "i.csv", index=False)
    base = tmp_path / "models"
    options = ["--items", tmp_path / "i.csv", "--detail", "name", "--filter", "name", "--warm-up"]
    options += ["--half-life", "inf", "--precision", "float16", "--index", "faiss"]
    with tiny.exporting():
        answer = call("export", folder / "run", base, *options)
    assert (answer.code, answer.out.splitlines()[0]) == (0, f"Wrote {base / '1'}")
    assert "recall@10" in answer.out
    served = ServedModel(base / "1")
    got = served.ask("serving_default", user_id=["user_00001"])
    assert set(got) == {"item_id", "distance", "name"}
    assert got["item_id"].tolist() == run.model.recommend(["user_00001"], k=7).ids.tolist()
    assert got["name"].tolist() == [[f"Name {item}" for item in got["item_id"][0]]]
    assert (base / "1" / "assets.extra" / "tf_serving_warmup_requests").is_file()
    assert ApproximateIndex.load(base / "1").report["items"] == len(ids)
    card = served.card
    assert card["metrics"]["test"] == run.metrics["test"]
    assert card["table"]["fingerprint"] == json.loads((folder / "run" / "config.json").read_text())["fingerprint"]
    assert card["serving"]["half_life"] is None
    chosen = served.recommend_where(["user_00001"], "name", got["name"][0, 3], k=2)
    assert chosen.ids.tolist() == [[got["item_id"][0, 3], ""]]
    # What `train` exports has a card too.
    assert ServedModel(folder / "run" / "saved_model" / "1").card["metrics"] == card["metrics"]


def test_an_index_that_cannot_be_made_leaves_no_export(folder: Path, tmp_path: Path, call: Call, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert "hyperml-tf[ann]" in call("export", folder / "run", tmp_path / "1", "--index", "faiss").err
    assert not (tmp_path / "1").exists()


def test_the_half_life_is_that_of_the_library() -> None:
    from hyperml_tf.serving import export_saved_model

    defaults = [inspect.signature(of).parameters["half_life"].default for of in (serving.export, export_saved_model)]
    assert defaults == [None, None]


def test_plot_writes_the_picture(folder: Path, tmp_path: Path, call: Call) -> None:
    answer = call("plot", folder / "run", "--out", tmp_path / "disk.svg")
    assert (answer.code, answer.out.strip()) == (0, f"Wrote {tmp_path / 'disk.svg'}")
    (folder / "run" / "disk.png").unlink()
    assert call("plot", folder / "run").code == 0
    assert (folder / "run" / "disk.png").is_file()


@pytest.fixture(scope="module")
def items(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of the items of the run."""
    ids = Run.load(folder / "run").model.candidate_tower.ids
    path = tmp_path_factory.mktemp("items") / "items.csv"
    kinds = ["Home|Teapot" if number % 2 else "Books|Novel" for number in range(len(ids))]
    pd.DataFrame({"item": ids, "caption": [f"Name of {item}" for item in ids], "kind": kinds}).to_csv(path, index=False)
    return path


def test_plot_shows_names_and_categories(folder: Path, items: Path, tmp_path: Path, call: Call) -> None:
    out = tmp_path / "disk.svg"
    answer = call("plot", folder / "run", "--out", out, "--items", items, "--label", "caption", "--colour", "kind")
    assert answer.code == 0
    assert {"<!-- Books -->", "<!-- Home -->"} <= set(re.findall(r"<!-- (?:Books|Home) -->", out.read_text()))
    refused = call("plot", folder / "run", "--out", out, "--items", items, "--colour", "shade")
    assert (refused.code, "`colour` must name a column of `items`" in refused.err) == (1, True)


def test_explore_writes_a_page(folder: Path, items: Path, tmp_path: Path, call: Call, monkeypatch) -> None:
    answer = call("explore", folder / "run", "--items", items, "--label", "caption", "--users", 7, "-k", 4)
    path = folder / "run" / "explorer.html"
    assert (answer.code, answer.out.startswith(f"Wrote {path}, ")) == (0, True)
    page = page_of(path)
    assert (page["title"], page["label"], len(page["users"]), page["k"]) == ("run", "caption", 7, 4)
    assert page["facets"][page["facet"]]["values"] == ["Books", "Home"]
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    out = tmp_path / "page.html"
    options = ["--user", "user_00003", "--user", "user_00001", "--title", "A title", "--open", "--out", out]
    assert call("explore", folder / "run", *options).code == 0
    assert opened == [out.resolve().as_uri()]
    assert ([user["id"] for user in page_of(out)["users"]], page_of(out)["title"]) == (
        ["user_00003", "user_00001"],
        "A title",
    )
    told = json.loads(call("recommend", folder / "run", "--user", "user_00003", "--why", "--json").out)[0]["items"]
    user, ids = page_of(out)["users"][0], page_of(out)["ids"]
    assert [ids[item] for item in user["recommended"]] == [item["item"] for item in told]
    for reasons, item in zip(user["reasons"], told, strict=True):
        assert [ids[one] for one, _ in reasons] == [one["item"] for one in item["because"]]
        np.testing.assert_allclose(
            [share for _, share in reasons], [one["share"] for one in item["because"]], atol=1e-5
        )
    refused = call("explore", folder / "run", "--user", "nobody")
    assert (refused.code, "`--user` must be users of the run. Received unknown ids: nobody" in refused.err) == (1, True)


def page_of(path: Path) -> dict[str, Any]:
    """The data of a page."""
    return json.loads(path.read_text(encoding="utf-8").split('id="data">')[1].split("</script>")[0])


def test_synthesize_writes_the_items_too_and_keeps_files(tmp_path: Path, call: Call) -> None:
    options = ["--users", 20, "--items", 80, "--rows", 200, "--item-table", tmp_path / "items.csv"]
    assert call("synthesize", tmp_path / "t.csv", *options).code == 0
    first = (tmp_path / "t.csv").read_bytes()
    assert len(pd.read_csv(tmp_path / "t.csv")) == 200
    assert {"item", "title", "category"} <= set(pd.read_csv(tmp_path / "items.csv").columns)
    refused = call("synthesize", tmp_path / "t.csv", *options, "--seed", 1)
    assert refused.code == 1
    assert "--overwrite" in refused.err
    assert (tmp_path / "t.csv").read_bytes() == first
    assert call("synthesize", tmp_path / "t.csv", *options, "--seed", 0, "--overwrite").code == 0
    assert (tmp_path / "t.csv").read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "missing.csv", "--out", "x"], 1, "missing.csv"),
        (["inspect", "missing.csv"], 1, "missing.csv"),
        (["inspect", "{folder}/t.csv", "--columns", "a,b"], 1, "`columns` must name every column of the file, 3 "),
        (["train", "{folder}/t.csv", "--out", "x", "--event-weights", "view=1"], 1, "No event column"),
        (["tune", "{folder}/t.csv", "--out", "x", "--min-rating", "3"], 1, "No rating column"),
        (["train", "{folder}/t.csv", "--out", "{folder}/run"], 1, "already holds a run"),
        (["train", "{folder}/t.csv", "--out", "x", "--split", "half"], 1, "`split` must be one of"),
        (["train", "{folder}/t.csv", "--out", "x", "--user-column", "who"], 1, "who"),
        (["train", "{folder}/t.csv", "--out", "x", "--dim", "many"], 2, "'--dim'"),
        (["train", "{folder}/t.csv"], 2, "'--out'"),
        (["evaluate", "nowhere"], 1, "`nowhere` is not a finished run"),
        (["recommend", "{folder}/run"], 1, "One of `--user`, `--users`, `--all-users` is required"),
        (["recommend", "{folder}/run", "--all-users"], 1, "`--all-users` requires a file to write, `--out`"),
        (["recommend", "{folder}/run", "--all-users", "--out", "x.txt"], 1, "`--out` must end in one of .parquet"),
        (
            ["recommend", "{folder}/run", "--user", "a", "--all-users", "--out", "x.csv"],
            1,
            "Received: --user, --all-users",
        ),
        (["recommend", "{folder}/run", "--all-users", "--out", "x.csv", "--why"], 1, "`--why` prints"),
        (["recommend", "{folder}/run", "--all-users", "--out", "x.csv", "--json"], 1, "`--json` prints"),
        (["recommend", "{folder}/run", "--users", "none.txt"], 1, "none.txt"),
        (["similar", "{folder}/run"], 1, "One of `--item`, `--all-items` is required"),
        (["train", "{folder}/t.csv", "--out", "x", "--items", "none.csv"], 1, "none.csv"),
        (["train", "{folder}/t.csv", "--out", "x", "--items", "{folder}/t.csv"], 1, "must not have the names"),
        (["train", "{folder}/t.csv", "--out", "x", "--detail", "name"], 1, "requires a table of items, `--items`"),
        (["recommend", "{folder}/run", "--user", "user_00001", "-k", "0"], 1, "`k` must be at least 1"),
        (["synthesize", "new.csv", "--items", "3"], 1, "`n_items` must be"),
        (["export", "{folder}/run", "x", "--index", "annoy"], 1, "`--index` must be faiss"),
        (["export", "{folder}/run", "x", "--overwrite"], 1, "`--overwrite` replaces one version: name it, such as x/1"),
        (["export", "{folder}/run", "x", "--detail", "price"], 1, "['price']"),
        (["export", "{folder}/run", "x", "--filter", "price"], 1, "['price']"),
        (["export", "{folder}/run", "x", "--precision", "int8"], 1, "`precision` must be"),
        (["export", "{folder}/run", "x", "--half-life", "0"], 1, "`half_life` must be positive"),
        (["invent"], 2, "'invent'"),
    ],
)
def test_errors_are_one_line(
    folder: Path, tmp_path: Path, monkeypatch, call: Call, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call(*(argument.format(folder=folder) for argument in arguments))
    assert answer.code == code
    assert answer.out == ""
    lines = [
        line
        for line in answer.err.splitlines()
        if not line.startswith(("INFO", "WARNING", "Read ", "Kept ", "Trains on "))
    ]
    assert len(lines) == 1, answer.err
    assert lines[0].startswith("Error: ")
    assert message in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_debug_raises_and_lasts_one_call(call: Call, monkeypatch) -> None:
    monkeypatch.delenv("HYPERML_DEBUG", raising=False)
    with pytest.raises(FileNotFoundError):
        call("--debug", "evaluate", "nowhere")
    assert call("evaluate", "nowhere").code == 1
    monkeypatch.setenv("HYPERML_DEBUG", "1")
    with pytest.raises(FileNotFoundError):
        call("evaluate", "nowhere")


def test_interruption_and_surprises_are_one_line(folder: Path, call: Call, monkeypatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "load", interrupt)
    answer = call("evaluate", folder / "run")
    assert (answer.code, answer.err.strip().splitlines()[-1]) == (130, "Interrupted.")

    def surprise(*_: object) -> None:
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr(Run, "load", surprise)
    answer = call("evaluate", folder / "run")
    assert answer.code == 1
    assert answer.err.startswith("Error: RuntimeError: first second")
    assert answer.err.count("\n") == 1

    def full(*_: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "runs/first/.1-x2/saved_model.pb; No space left on device")

    monkeypatch.setattr(Run, "load", full)
    assert call("evaluate", folder / "run").err == "Error: No space left on device: runs/first/.1-x2/saved_model.pb\n"


def test_help_names_the_commands_and_the_defaults(call: Call) -> None:
    answer = call("--help")
    assert answer.code == 0
    commands = "inspect train tune evaluate recommend similar export verify plot explore synthesize"
    for command in commands.split():
        assert command in answer.out
    text = " ".join(call("train", "--help").out.split())
    for value in (TrainingConfig().dim, TrainingConfig().epochs, TrainingConfig().split):
        assert f"[default: {value}]" in text


def test_version(call: Call) -> None:
    assert call("--version").out.startswith("hyperml-tf 0.")
    done = subprocess.run([sys.executable, "-m", "hyperml_tf", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == call("--version").out


def test_the_command_line_imports_nothing_heavy() -> None:
    code = (
        "import sys; from hyperml_tf.cli import main; code = main(['--help']); "
        "heavy = {'tensorflow', 'pandas', 'matplotlib', 'numpy'} & set(sys.modules); sys.exit(code or sorted(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "train" in done.stdout
