"""Disks that are full at every stage: one clear line, nothing half visible, and the same command ends well once there is space.

A disk is a `tmpfs` of a given size, which only root can mount; others are told so, and nothing is counted.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from counts import BAD, Counts

from hyperml_tf import synthesize
from hyperml_tf.cli import main
from hyperml_tf.serving import verify_export

TRAIN = ("--epochs", "2", "--dim", "8")
TUNE = ("--tuner", "random", "--max-trials", "2", "--epochs", "1")
SMALLEST, LARGEST = 10, 1000
"""Sizes of the disks in kilobytes; what the commands write takes about one megabyte."""


def fill(times: int) -> Counts | None:
    """Runs `train`, `export` and `tune` on so many disks, from too small for anything to almost large enough."""
    counts = Counts("Full disks")
    with tempfile.TemporaryDirectory() as folder:
        work, disk = Path(folder), Path(folder) / "disk"
        disk.mkdir()
        with _mounted(disk, 100) as possible:
            if not possible:
                print("\nFull disks: left out, because a disk cannot be mounted here (`mount -t tmpfs` needs root)")
                return None
        table, run = work / "table.csv", work / "run"
        synthesize(n_users=200, n_items=150, n_rows=4000).interactions.to_csv(table, index=False)
        _call("train", table, "--out", run, *TRAIN)
        for number in range(times):
            size = round(SMALLEST * (LARGEST / SMALLEST) ** (number / max(times - 1, 1)))
            for words in (
                ("train", table, "--out", disk / "run", *TRAIN),
                ("export", run, disk / "models" / "1"),
                ("tune", table, "--out", disk / "search", *TUNE),
            ):
                with _mounted(disk, size):
                    counts.add(_case(disk, *words), f"{words[0]} on {size} kB")
    return counts


def _case(disk: Path, *words: Any) -> str:
    code, said = _call(*words)
    if code == 0:
        return f"{words[0]}: there was space enough"
    if code != 1 or "Traceback" in said or not any(word in said.lower() for word in ("no space", "space is left")):
        return f"{BAD}{words[0]}: another error: {said[-200:]}"
    if any(verify_export(path.parent) for path in disk.rglob("saved_model.pb")):
        return f"{BAD}{words[0]}: half an export is visible"
    subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
    resumed = ["--resume"] if words[0] == "train" and (disk / "run" / "config.json").exists() else []
    code, said = _call(*words, *resumed)
    if code != 0:
        return f"{BAD}{words[0]}: fails with space, too: {said[-200:]}"
    left = [path for path in disk.rglob(".*") if path.is_dir()]
    return f"{BAD}{words[0]}: something is left: {left}" if left else f"{words[0]}: one line, and goes on with space"


def _call(*words: Any) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        code = main([str(word) for word in words])
    return code, " ".join(said.getvalue().split())


@contextlib.contextmanager
def _mounted(disk: Path, kilobytes: int) -> Iterator[bool]:
    """An empty disk of this size; yields whether there is one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
