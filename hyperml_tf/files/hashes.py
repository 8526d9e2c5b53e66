"""Hashes of the files in a directory, by which it is known whether they are those that were written."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path

_BLOCK = 2**20


@dataclasses.dataclass(frozen=True)
class Differences:
    """How the files in a directory differ from those that were written; names are relative, with `/`.

    Args:
        changed: Names of files with other contents.
        missing: Names of files that are not there.
        added: Names of files that were not written.

    Example:

    >>> bool(Differences([], [], [])), bool(Differences(["variables/variables.index"], [], []))
    (False, True)
    """

    changed: list[str]
    missing: list[str]
    added: list[str]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.changed or self.missing or self.added)


def names(directory: Path) -> dict[str, Path]:
    """Returns the files in a directory, at any depth, by their names: relative paths with `/`. Links count as files.

    Args:
        directory: Path of the directory.
    """
    found = (path for path in sorted(directory.rglob("*")) if path.is_symlink() or not path.is_dir())
    return {path.relative_to(directory).as_posix(): path for path in found}


def hashes(directory: Path, leave_out: Collection[str] = ()) -> dict[str, str]:
    """Returns the SHA-256 of each file in a directory, at any depth, by its name.

    Args:
        directory: Path of the directory.
        leave_out: Names of files to leave out. Defaults to `()`.

    Example:

    >>> _ = Path("notes.txt").write_text("")
    >>> hashes(Path("."))["notes.txt"][:8]
    'e3b0c442'
    """
    return {name: _sha256(path) for name, path in names(directory).items() if name not in leave_out}


def differences(directory: Path, expected: Mapping[str, str], leave_out: Collection[str] = ()) -> Differences:
    """Compares the files in a directory with the hashes that `hashes` returned.

    Args:
        directory: Path of the directory.
        expected: The hashes of its files by name.
        leave_out: Names of files to leave out. Defaults to `()`.
    """
    found = hashes(directory, leave_out)
    return Differences(
        changed=[name for name in expected if name in found and found[name] != expected[name]],
        missing=[name for name in expected if name not in found],
        added=[name for name in found if name not in expected],
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    if path.is_symlink() or not path.is_file():
        return "not a file"
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
