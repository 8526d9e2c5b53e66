"""Zip archives, `.keras` and `.npz` files among them, are checked before anything of them is read."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

# Whatever zipfile raises for bytes that it cannot make sense of.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    UnicodeError,
)
_SMALL = 2**26
_RATIO = 200


def check_archive(
    path: str | os.PathLike[str], is_member: Callable[[str], bool], *, compressed: bool = False
) -> tuple[str, ...]:
    """Checks an archive that may come from anybody: its members can be extracted, and hold what was written.

    Args:
        path: Path of the archive.
        is_member: Function that returns whether a name may be that of a member. Names that lead out of the directory into which
            the archive is extracted are refused anyway.
        compressed: Boolean, whether members may be compressed, at most 200 to 1. Defaults to `False`.

    Returns:
        The names of the members.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no archive, is damaged, or has a member that it must not have.

    Example:

    >>> import numpy as np
    >>> np.savez("arrays.npz", first=np.zeros(3))
    >>> check_archive("arrays.npz", lambda name: name.endswith(".npy"))
    ('first.npy',)
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"`{path}` must be a file. Received: {'a directory' if path.is_dir() else 'nothing'}")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(path, members, is_member, compressed)
            damaged = archive.testzip()
    except _DAMAGED as error:
        raise ValueError(f"`{path}` must be a whole zip archive. Received: {error}") from error
    if damaged is not None:
        raise ValueError(f"`{path}` is damaged. Received: other bytes than were written in its member {damaged!r}")
    return tuple(member.filename for member in members)


def _check_members(
    path: Path, members: list[zipfile.ZipInfo], is_member: Callable[[str], bool], compressed: bool
) -> None:
    names = [member.filename for member in members]
    for member in members:
        if not _stays_inside(member.filename) or not is_member(member.filename):
            raise ValueError(f"`{path}` must hold no such member. Received: {member.filename!r}")
        # The upper half of the attributes are those of Unix.
        if stat.S_ISLNK(member.external_attr >> 16) or member.flag_bits & 1:
            raise ValueError(f"`{path}` must hold no links and nothing encrypted. Received: {member.filename!r}")
        if not compressed and member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"`{path}` must hold its members uncompressed. Received: {member.filename!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"`{path}` must hold each member once. Received: {names}")
    # What is small when it is stored must not become large when it is read.
    if sum(member.file_size for member in members) > max(_SMALL, _RATIO * path.stat().st_size):
        raise ValueError(f"`{path}` must not be compressed more than {_RATIO} to 1. Received: {names}")


def _stays_inside(name: str) -> bool:
    """Whether a member of this name lies in the directory that the archive is extracted into, on every system."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and not set(name) & set("\\:\0")
