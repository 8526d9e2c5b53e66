"""Where versions are looked for, and what counts as one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_models import copy

from hyperml_tf.server.versions import VersionDirectory


def numbers(directory: VersionDirectory) -> list[int]:
    return [version.number for version in directory.versions()]


def test_a_run_serves_its_export(tmp_path: Path, hello: Path) -> None:
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "config.json").touch()
    copy(hello, tmp_path / "saved_model" / "1")
    assert [one.path for one in VersionDirectory(tmp_path).versions()] == [tmp_path / "saved_model" / "1"]


def test_numbered_directories_are_versions_in_the_order_of_their_numbers(base: Path, hello: Path) -> None:
    for name in ("10", "9", "latest", ".11-x2k9d0qa", "-3", "1.5", "²", "9" * 30):
        copy(hello, base / name)
    (base / "12").mkdir()  # not written yet
    (base / "13").touch()
    assert numbers(VersionDirectory(base)) == [1, 9, 10]


@pytest.mark.parametrize(("name", "number"), [("7", 7), ("best", 1)])
def test_one_export_is_one_version(tmp_path: Path, hello: Path, name: str, number: int) -> None:
    copy(hello, tmp_path / name)
    copy(hello, tmp_path / "8")
    assert numbers(VersionDirectory(tmp_path / name)) == [number]


@pytest.mark.parametrize("name", ["nowhere", "empty", "a file"])
def test_other_paths_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a file").touch()
    with pytest.raises(FileNotFoundError, match=rf"`path` must be .*Received: '.*{name}'"):
        VersionDirectory(tmp_path / name)


def test_a_directory_may_vanish_and_return(base: Path, hello: Path) -> None:
    directory = VersionDirectory(base)
    shutil.rmtree(base)
    assert numbers(directory) == []
    base.mkdir()
    copy(hello, base / "2")
    assert numbers(directory) == [2]
