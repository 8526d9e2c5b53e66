"""An export replaces another export, in one step, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from serving_cases import odd_model

from hyperml_tf.cli import main
from hyperml_tf.files import whole
from hyperml_tf.serving import ServedModel, export_saved_model, verify_export

pytestmark = pytest.mark.slow

CARD = "assets.extra/model_card.json"


def files(path: Path) -> set[str]:
    return {str(child.relative_to(path)) for child in path.rglob("*")}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_saved_model(odd_model(["a", "b"]), tmp_path_factory.mktemp("export") / "1")


@pytest.fixture
def export(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "models/1"))


def ids(path: Path) -> list[str]:
    return sorted(ServedModel(path).recommend(["nobody"]).ids[0].tolist())


def test_the_new_one_is_in_the_place_of_the_old_one(export: Path) -> None:
    export_saved_model(odd_model(["c", "d"]), export, overwrite=True)
    assert ids(export) == ["c", "d"]
    assert [path.name for path in export.parent.iterdir()] == ["1"]


def foreign(path: Path) -> None:
    (path / "variables/notes.txt").write_text("mine")


def linked(path: Path) -> None:
    path.rename(path.parent / "elsewhere")
    path.symlink_to("elsewhere")


def another(path: Path) -> None:
    (path / CARD).unlink()


def a_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("mine")


@pytest.mark.parametrize("change", [foreign, linked, another, a_file])
def test_what_is_not_replaced(export: Path, change: Callable[[Path], None]) -> None:
    change(export)
    before = files(export.parent)
    with pytest.raises(FileExistsError, match="is not replaced: only an export of this package is"):
        export_saved_model(odd_model(["c", "d"]), export, overwrite=True)
    assert files(export.parent) == before


def test_the_directory_of_all_versions_is_not_replaced(export: Path) -> None:
    with pytest.raises(FileExistsError, match="a directory that is no export"):
        export_saved_model(odd_model(["c", "d"]), export.parent, overwrite=True)
    assert ids(export) == ["a", "b"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_an_interruption_leaves_the_old_one(export: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    if can_exchange:
        monkeypatch.setattr(whole, "_exchange", interrupted)
    else:
        monkeypatch.setattr(whole, "_exchange", lambda first, second: False)
        rename = os.rename
        monkeypatch.setattr(os, "rename", lambda a, b: interrupted() if Path(a).name == "saved_model" else rename(a, b))
    with pytest.raises(KeyboardInterrupt):
        export_saved_model(odd_model(["c", "d"]), export, overwrite=True)
    monkeypatch.undo()
    assert not verify_export(export)
    assert [path.name for path in export.parent.iterdir()] == ["1"]


def test_two_new_versions_at_once_are_two_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have chosen their version before either of them is written."""
    from hyperml_tf.serving import export as module

    both, chosen = threading.Barrier(2), module.next_version
    waiting = threading.local()

    def next_version(base: Any) -> Path:
        version = chosen(base)
        if not hasattr(waiting, "done"):
            waiting.done = True
            both.wait(60)
        return version

    monkeypatch.setattr(module, "next_version", next_version)
    models, found = [odd_model(["a", "b"]), odd_model(["c", "d"])], []

    def write(model: Any) -> None:
        found.append(export_saved_model(model, tmp_path, new_version=True))

    threads = [threading.Thread(target=write, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [tmp_path / "1", tmp_path / "2"]
    assert sorted(map(ids, found)) == [["a", "b"], ["c", "d"]]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


def test_an_export_is_as_it_was_written(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = json.loads((export / CARD).read_text())
    assert set(card["files"]) == {str(p.relative_to(export)) for p in export.rglob("*") if p.is_file()} - {CARD}
    assert main(["verify", str(export)]) == 0
    assert "as it was written" in capsys.readouterr().out


def test_what_differs_is_named(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = export / "variables/variables.index"
    index.write_bytes(index.read_bytes()[:-1] + b"?")
    (export / "saved_model.pb").unlink()
    (export / "more").write_text("")
    text = (export / CARD).read_text()
    (export / CARD).write_text(text.replace('"mode": "tangent"', '"mode": "direct"'))
    assert text != (export / CARD).read_text()
    assert main(["verify", str(export)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "Changed: variables/variables.index",
        f"Changed: {CARD}",
        "Missing: saved_model.pb",
        "Not of the export: more",
    ]


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_card(export: Path, text: str) -> None:
    (export / CARD).write_text(text)
    assert verify_export(export).changed == [CARD]


def test_what_is_no_export_cannot_be_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path)]) == 1
    assert "must be an exported model" in capsys.readouterr().err
