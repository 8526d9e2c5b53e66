"""Versions are loaded as they appear and released when nobody uses them any more."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from small_models import copy

from hyperml_tf.server.errors import RequestError
from hyperml_tf.server.loaded_version import LoadedVersion
from hyperml_tf.server.manager import ModelManager, ModelSpec
from hyperml_tf.server.versions import VersionDirectory

LATEST = ModelSpec("greeter")


def said(version: LoadedVersion) -> str:
    return version.run("serving_default", {"user_id": np.array([b"ann"], object)})["item_id"][0].decode()


def states(manager: ModelManager) -> dict[int, str]:
    return {status.version: status.state for status in manager.statuses(LATEST)}


@pytest.fixture
def manager(base: Path) -> Iterator[ModelManager]:
    made = ModelManager("greeter", VersionDirectory(base))
    made.refresh()
    yield made
    made.close()


def test_the_newest_version_answers(manager: ModelManager, base: Path, goodbye: Path) -> None:
    copy(goodbye, base / "3")
    copy(goodbye, base / "2")
    manager.refresh()
    assert manager.loaded == [3]
    assert states(manager) == {3: "AVAILABLE", 1: "END"}
    version = manager.acquire(LATEST)
    assert said(version) == "goodbye ann"
    version.release()


def test_a_version_in_use_is_unloaded_after_its_last_request(manager: ModelManager, base: Path, goodbye: Path) -> None:
    first, second = manager.acquire(LATEST), manager.acquire(ModelSpec("greeter", 1))
    copy(goodbye, base / "2")
    manager.refresh()
    assert states(manager) == {2: "AVAILABLE", 1: "UNLOADING"}
    assert manager.acquire(LATEST).number == 2
    first.release()
    assert said(second) == "hello ann"
    second.release()
    assert second.is_closed
    manager.refresh()
    assert states(manager) == {2: "AVAILABLE", 1: "END"}


def test_a_version_that_cannot_be_loaded_is_logged_once_and_skipped(
    manager: ModelManager, base: Path, goodbye: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy(goodbye, base / "2")
    (base / "2" / "saved_model.pb").write_bytes(b"half of a gra")
    with caplog.at_level(logging.INFO, "hyperml_tf.server"):
        manager.refresh()
        manager.refresh()
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "Version 2" in errors[0].getMessage()
    assert manager.loaded == [1]
    (broken,) = manager.statuses(ModelSpec("greeter", 2))
    assert (broken.state, broken.code) == ("END", grpc.StatusCode.INTERNAL)
    assert broken.message
    # Its files are complete now.
    shutil.copy(goodbye / "saved_model.pb", base / "2")
    manager.refresh()
    assert manager.loaded == [2]


def test_removing_the_newest_version_rolls_back(manager: ModelManager, base: Path, goodbye: Path) -> None:
    copy(goodbye, base / "2")
    manager.refresh()
    shutil.rmtree(base / "2")
    manager.refresh()
    assert manager.loaded == [1]


def test_a_model_whose_files_are_gone_goes_on_answering(manager: ModelManager, base: Path) -> None:
    shutil.rmtree(base)
    manager.refresh()
    version = manager.acquire(LATEST)
    assert said(version) == "hello ann"
    version.release()


def test_another_export_under_the_same_number_is_loaded(manager: ModelManager, base: Path, goodbye: Path) -> None:
    old = manager.acquire(LATEST)
    shutil.rmtree(base / "1")
    copy(goodbye, base / "1")
    manager.refresh()
    new = manager.acquire(LATEST)
    assert (said(old), said(new)) == ("hello ann", "goodbye ann")
    old.release()
    new.release()
    manager.refresh()
    assert states(manager) == {1: "AVAILABLE"}
    assert old.is_closed


def test_an_export_that_changes_while_it_is_loaded_is_not_served(
    manager: ModelManager, base: Path, goodbye: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = LoadedVersion.__init__

    def meanwhile(self: LoadedVersion, number: int, path: Path) -> None:
        load(self, number, path)
        (path / "saved_model.pb").touch()

    copy(goodbye, base / "2")
    monkeypatch.setattr(LoadedVersion, "__init__", meanwhile)
    manager.refresh()
    assert manager.loaded == [1]
    monkeypatch.undo()
    manager.refresh()
    assert manager.loaded == [2]


def test_labelled_versions_are_served_beside_the_newest(base: Path, goodbye: Path) -> None:
    copy(goodbye, base / "2")
    copy(goodbye, base / "3")
    manager = ModelManager("greeter", VersionDirectory(base), {"stable": 1, "lost": 7})
    manager.refresh()
    assert manager.loaded == [1, 3]
    stable = manager.acquire(ModelSpec("greeter", label="stable"))
    assert (stable.number, said(stable)) == (1, "hello ann")
    stable.release()
    with pytest.raises(RequestError, match=r"Servable not found for request: Specific\(greeter, 7\)"):
        manager.acquire(ModelSpec("greeter", label="lost"))
    manager.close()


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        (ModelSpec("other"), "NOT_FOUND", r"Servable not found for request: Latest\(other\)"),
        (ModelSpec("greeter", 4), "NOT_FOUND", r"Servable not found for request: Specific\(greeter, 4\)"),
        (ModelSpec("greeter", label="best"), "INVALID_ARGUMENT", "Unrecognized servable version label: best"),
        (ModelSpec(""), "INVALID_ARGUMENT", "ModelSpec has no name specified"),
    ],
)
def test_what_is_not_there_is_an_error(manager: ModelManager, spec: ModelSpec, code: str, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        manager.acquire(spec)
    assert caught.value.code.name == code


def test_the_status_of_what_is_not_there(manager: ModelManager) -> None:
    with pytest.raises(RequestError, match="Could not find any versions of model other"):
        manager.statuses(ModelSpec("other"))
    with pytest.raises(RequestError, match="Could not find version 4 of model greeter"):
        manager.statuses(ModelSpec("greeter", 4))
