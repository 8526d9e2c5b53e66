"""Files and directories that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hyperml_tf.files import whole
from hyperml_tf.files.locks import InUseError, exclusive
from hyperml_tf.files.scratch import REPLACED, clean, scratch_directory
from hyperml_tf.files.whole import move_in_place_of, move_new, whole_file


def names(path: Path) -> list[str]:
    return sorted(child.name for child in path.iterdir())


def folder(path: Path, content: str) -> Path:
    path.mkdir(parents=True)
    (path / "file").write_text(content)
    return path


def test_a_file_is_replaced_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with whole_file(target) as scratch:
        scratch.write_text("new")
        assert scratch.name == target.name
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_file_that_was_not_completed_changes_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write() -> None:
        with whole_file(target) as scratch:
            scratch.write_text("ha")
            raise error

    with pytest.raises(error):
        write()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_is_an_error_with_the_name_of_the_file(tmp_path: Path) -> None:
    def write() -> None:
        with whole_file(tmp_path / "a.txt"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=r"No space left on device: '.*a\.txt'"):
        write()


def test_one_of_two_new_directories_is_moved(tmp_path: Path) -> None:
    first, second, target = folder(tmp_path / "1", "first"), folder(tmp_path / "2", "second"), tmp_path / "target"
    move_new(first, target)
    with pytest.raises(FileExistsError):
        move_new(second, target)
    assert (target / "file").read_text() == "first"


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_directory_in_the_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(whole, "_exchange", lambda first, second: False)
    target = folder(tmp_path / "target", "old")
    with scratch_directory(target) as scratch:
        move_in_place_of(folder(scratch / "new", "new"), target, scratch)
    assert (target / "file").read_text() == "new"
    assert names(tmp_path) == ["target"]


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="has no exchange")
def test_an_exchange_is_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(*_: Any) -> None:
        raise AssertionError

    target = folder(tmp_path / "target", "old")
    monkeypatch.setattr(os, "rename", renamed)
    with scratch_directory(target) as scratch:
        move_in_place_of(folder(scratch / "new", "new"), target, scratch)
        assert (scratch / "new/file").read_text() == "old"


def test_an_interruption_between_two_renames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, rename, calls = folder(tmp_path / "target", "old"), os.rename, []

    def interrupted(source: Any, destination: Any) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise KeyboardInterrupt
        rename(source, destination)

    monkeypatch.setattr(whole, "_exchange", lambda first, second: False)
    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), scratch_directory(target) as scratch:
        move_in_place_of(folder(scratch / "new", "new"), target, scratch)
    assert (target / "file").read_text() == "old"
    assert names(tmp_path) == ["target"]


def killed(code: str, *arguments: Any) -> None:
    """Runs code in a process that ends by SIGKILL."""
    program = f"import os, signal, sys\nfrom pathlib import Path\n{code}\nos.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", program, *map(str, arguments)], check=False)
    assert done.returncode < 0


SCRATCH = """
from hyperml_tf.files.scratch import scratch_directory
context = scratch_directory(Path(sys.argv[1]))
scratch = context.__enter__()
"""


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    target = tmp_path / "target"
    killed(SCRATCH + "(scratch / 'half').write_text('half')", target)
    assert names(tmp_path) != []
    with whole_file(tmp_path / "another") as scratch:
        scratch.write_text("")
    assert names(tmp_path) == ["another"]


def test_what_a_killed_process_was_replacing_is_put_back(tmp_path: Path) -> None:
    target = folder(tmp_path / "target-of-it", "old")
    killed(SCRATCH + f"os.rename(sys.argv[1], scratch / {REPLACED!r})", target)
    assert not target.exists()
    clean(tmp_path)
    assert (target / "file").read_text() == "old"
    assert names(tmp_path) == [target.name]


def test_what_live_processes_write_stays(tmp_path: Path) -> None:
    with scratch_directory(tmp_path / "first") as first, scratch_directory(tmp_path / "second") as second:
        clean(tmp_path)
        assert first.is_dir()
        assert second.is_dir()


def test_directories_of_others_stay(tmp_path: Path) -> None:
    for name in (".target-abcd1234", ".git-abcdefgh", "target"):
        folder(tmp_path / name, "mine")
    before = names(tmp_path)
    clean(tmp_path)
    assert names(tmp_path) == before


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with exclusive(lock):
        with pytest.raises(InUseError, match="held by another process"), exclusive(lock):
            pass
        assert lock.exists()
    assert not lock.exists()
    killed("from hyperml_tf.files.locks import exclusive\nc = exclusive(Path(sys.argv[1]))\nc.__enter__()", lock)
    with exclusive(lock):
        assert lock.exists()


MAKERS: list[Callable[[Path], Any]] = [lambda path: path.write_text(""), lambda path: path.symlink_to("nowhere")]


@pytest.mark.parametrize("make", MAKERS)
def test_a_new_directory_does_not_replace_files(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    make(tmp_path / "target")
    with pytest.raises(FileExistsError):
        move_new(folder(tmp_path / "new", "new"), tmp_path / "target")
