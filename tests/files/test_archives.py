"""Archives are checked before they are read."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hyperml_tf.files.archives import check_archive


def anything(name: str) -> bool:
    return True


def archive(path: Path, *members: tuple[Any, bytes], **options: Any) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", **options) as opened:
        warnings.simplefilter("ignore")  # of a name that is there already
        for name, content in members:
            opened.writestr(name, content)
    return path


def test_the_members_of_a_good_one(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", ("first", b"1"), ("in/second", b"2"))
    assert check_archive(path, anything) == ("first", "in/second")


@pytest.mark.parametrize("name", ["/first", "../first", "in/../../first", "in\\first", "C:first"])
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="must hold no such member"):
        check_archive(archive(tmp_path / "a.zip", (name, b"1")), anything)


def test_a_link(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("first")
    link.external_attr = 0o120777 << 16
    with pytest.raises(ValueError, match="no links"):
        check_archive(archive(tmp_path / "a.zip", (link, b"/etc/passwd")), anything)


def test_one_name_twice(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="each member once"):
        check_archive(archive(tmp_path / "a.zip", ("first", b"1"), ("first", b"2")), anything)


def test_a_small_file_that_is_large_inside(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", ("first", bytes(2**26 + 1)), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="200 to 1"):
        check_archive(path, anything, compressed=True)
    path = archive(tmp_path / "a.zip", ("first", bytes(2**20)), compression=zipfile.ZIP_DEFLATED)
    assert check_archive(path, anything, compressed=True) == ("first",)
    with pytest.raises(ValueError, match="uncompressed"):
        check_archive(path, anything)


def test_a_flipped_bit(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", ("first", b"content" * 9))
    path.write_bytes(path.read_bytes().replace(b"content", b"c0ntent", 1))
    with pytest.raises(ValueError, match="is damaged"):
        check_archive(path, anything)


@pytest.mark.parametrize("kept", [0, 5, 40])
def test_a_part_of_a_file(tmp_path: Path, kept: int) -> None:
    path = archive(tmp_path / "a.zip", ("first", b"content" * 9))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="a whole zip archive"):
        check_archive(path, anything)


def test_compressed_bytes_that_cannot_be_read(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", ("first", b"content" * 99), compression=zipfile.ZIP_DEFLATED)
    whole = bytearray(path.read_bytes())
    whole[40:50] = b"\xff" * 10
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"a\.zip"):
        check_archive(path, anything, compressed=True)
