"""Hashes of the files in a directory."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hyperml_tf.files.hashes import Differences, differences, hashes


def test_files_are_named_by_their_place(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/first").write_text("one")
    (tmp_path / "second").write_text("two")
    expected = {"in/first": hashlib.sha256(b"one").hexdigest(), "second": hashlib.sha256(b"two").hexdigest()}
    assert hashes(tmp_path) == expected
    assert hashes(tmp_path, {"second"}) == {"in/first": expected["in/first"]}


def test_what_differs(tmp_path: Path) -> None:
    for name in ("same", "changed", "missing"):
        (tmp_path / name).write_text("one")
    before = hashes(tmp_path)
    assert not differences(tmp_path, before)
    (tmp_path / "changed").write_text("two")
    (tmp_path / "missing").unlink()
    (tmp_path / "added").symlink_to("same")
    assert differences(tmp_path, before) == Differences(["changed"], ["missing"], ["added"])
