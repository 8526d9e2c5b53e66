"""Directories that cannot be written and input that is not there, for every command: one clear line that names the path.

A directory that even root cannot write is a `tmpfs` mounted read-only, which only root can do; for others its mode is enough.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from counts import BAD, Counts
from damage import eagerly

from hyperml_tf import TrainingConfig, synthesize, train_run
from hyperml_tf.cli import main

SMALL = ("--epochs", "1", "--dim", "2")
HELD_OUT = "model/held_out.npz"
INPUTS = ("config.json", "metrics.json", "model", "model/model.keras", HELD_OUT)


def walk() -> Iterator[Counts]:
    """Runs every command on a read-only disk, and on inputs that have vanished."""
    with tempfile.TemporaryDirectory() as folder, eagerly():
        work, disk = Path(folder), Path(folder) / "disk"
        made = synthesize(n_users=30, n_items=70, n_rows=400, depth=2, branching=3).interactions
        made[:-50].to_csv(work / "table.csv", index=False)
        made[-50:].to_csv(work / "later.csv", index=False)
        train_run(work / "table.csv", work / "run", TrainingConfig(dim=2, epochs=1, k=5))
        with _read_only(disk, work / "run") as possible:
            if possible:
                yield _on_a_read_only_disk(work, disk)
            else:
                print("\nRead-only directories: left out, because there is none here")
        yield _without_input(work)


def _on_a_read_only_disk(work: Path, disk: Path) -> Counts:
    counts = Counts("Read-only directories")
    table, run, there = work / "table.csv", work / "run", disk / "run"
    for words in (
        ("train", table, "--out", disk / "new", *SMALL),
        ("tune", table, "--out", disk / "search", "--max-trials", 1, "--epochs", 1),
        ("update", run, work / "later.csv", "--out", disk / "new", "--epochs", 1),
        ("export", run, disk / "models/1"),
        ("export", there, there / "saved_model/1", "--overwrite"),
        ("recommend", run, "--all-users", "--out", disk / "answers.csv"),
        ("similar", run, "--all-items", "--out", disk / "answers.csv"),
        ("report", there),
        ("report", run, "--out", disk / "report"),
        ("explore", there),
        ("explore", run, "--out", disk / "page.html"),
        ("plot", there),
        ("plot", run, "--out", disk / "picture.png"),
        ("synthesize", disk / "table.csv"),
    ):
        counts.add(*_refused(words, str(disk)))
    for words in (
        ("evaluate", there),
        ("recommend", there, "--all-users", "--overwrite", "--out", work / "answers.csv"),
    ):
        code, said = _call(*words)
        what = f"{words[0]}: reads what it cannot write" if code == 0 else f"{BAD}{words[0]}: wants to write"
        counts.add(what, said[-200:])
    return counts


def _without_input(work: Path) -> Counts:
    counts = Counts("Vanished input")
    for words in (
        ("train", work / "none.csv", "--out", work / "out", *SMALL),
        ("train", work / "table.csv", "--out", work / "out", "--items", work / "none.csv", "--detail", "title", *SMALL),
        ("train", work / "table.csv", "--out", work / "out", "--config", work / "none.json"),
        ("tune", work / "none.csv", "--out", work / "out"),
        ("tune", work / "table.csv", "--out", work / "out", "--space", work / "none.yaml"),
        ("inspect", work / "none.csv"),
        ("update", work / "run", work / "none.csv", "--out", work / "out"),
        ("verify", work / "none"),
    ):
        counts.add(*_refused(words, "none"))
    for missing in (None, *INPUTS):
        run = work / "damaged"
        shutil.rmtree(run, ignore_errors=True)
        if missing:
            shutil.copytree(work / "run", run)
            path = run / missing
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for words in (
            ("evaluate", run),
            ("recommend", run, "--all-users", "--overwrite", "--out", work / "answers.csv"),
            ("similar", run, "--all-items", "--overwrite", "--out", work / "answers.csv"),
            ("export", run, work / "models/1"),
            ("update", run, work / "later.csv", "--out", work / "out"),
            ("report", run),
            ("explore", run),
            ("plot", run),
        ):
            if missing == HELD_OUT and words[0] not in ("evaluate", "update", "report"):
                what = "goes on without held-out rows" if _call(*words)[0] == 0 else f"{BAD}needs held-out rows"
                counts.add(f"{words[0]}: {what}" if not what.startswith(BAD) else what, words[0])
            else:
                counts.add(*_refused(words, str(run)))
            shutil.rmtree(work / "out", ignore_errors=True)
            shutil.rmtree(work / "models", ignore_errors=True)
    return counts


def _refused(words: tuple[Any, ...], name: str) -> tuple[str, str]:
    code, said = _call(*words)
    example = f"{' '.join(map(str, words))}: {said[-300:]}"
    if code == 0:
        return f"{BAD}{words[0]}: succeeds", example
    if "Traceback" in said or code not in (1, 2):
        return f"{BAD}{words[0]}: an unexpected error", example
    if name not in "".join(said.split()):
        return f"{BAD}{words[0]}: does not name the path", example
    return f"{words[0]}: one line that names the path", example


def _call(*words: Any) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            code = main([str(word) for word in words])
        except Exception as error:
            return 3, f"{type(error).__name__}: {error}"
    return code, " ".join(said.getvalue().split())


@contextlib.contextmanager
def _read_only(disk: Path, run: Path) -> Iterator[bool]:
    """A directory with a run in it that cannot be written; yields whether there is one."""
    disk.mkdir()
    if os.geteuid() != 0:
        shutil.copytree(run, disk / "run")
        for path in [disk, *disk.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        yield True
        for path in [disk, *disk.rglob("*")]:
            path.chmod(0o755)
        return
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "tmpfs", disk], capture_output=True, check=False).returncode
    ):
        yield False
        return
    try:
        shutil.copytree(run, disk / "run")
        subprocess.run([mount, "-o", "remount,ro", disk], check=True)
        yield True
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
