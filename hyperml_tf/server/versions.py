"""The versions of a model that are on disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from hyperml_tf._argument_checks import as_path

GRAPH = "saved_model.pb"

Stamp = tuple[tuple[str, int, int, int], ...]


class Version(NamedTuple):
    """A version on disk.

    Attributes:
        number: Integer, the number of the version.
        path: Path of its directory.
        stamp: What distinguishes its files from those of another export under the same path: their names, inodes, times and
            sizes.
    """

    number: int
    path: Path
    stamp: Stamp


class VersionDirectory:
    """Where the versions of a model appear.

    Args:
        path: Path of a directory that `hyperml-tf train` wrote, of a directory with numbered versions, or of one version.

    Raises:
        FileNotFoundError: If `path` is none of them.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = as_path(path=path)
        # A run that is still being trained has no export yet.
        if (self.path / "saved_model").is_dir() or (self.path / "config.json").is_file():
            self.path = self.path / "saved_model"
        self._one = (self.path / GRAPH).is_file()
        if not self._one and not self.versions():
            raise FileNotFoundError(
                "`path` must be a directory of `hyperml-tf train`, a directory with numbered versions, or an export with "
                f"{GRAPH}. Received: {str(path)!r}"
            )

    def versions(self) -> list[Version]:
        """Returns the versions that are there now, the oldest first. A directory without a graph is none."""
        found = [self._one_version()] if self._one else [_version(path) for path in _directories(self.path)]
        return sorted(one for one in found if one is not None)

    def _one_version(self) -> Version | None:
        return _version(self.path) if _is_number(self.path.name) else _version(self.path, 1)


def is_unchanged(version: Version) -> bool:
    """Whether the files of a version are still those that were found."""
    return _version(version.path, version.number) == version


def _directories(path: Path) -> list[Path]:
    try:
        return [one for one in path.iterdir() if _is_number(one.name)]
    except OSError:  # it is not there for the moment
        return []


def _is_number(name: str) -> bool:
    # TensorFlow Serving's versions are int64.
    return name.isascii() and name.isdecimal() and int(name) < 2**63


def _version(path: Path, number: int | None = None) -> Version | None:
    if not (path / GRAPH).is_file():
        return None
    try:
        stats = [(file, file.stat()) for file in sorted(path.rglob("*")) if file.is_file()]
    except OSError:  # it is being removed
        return None
    stamp = tuple((str(file.relative_to(path)), one.st_ino, one.st_mtime_ns, one.st_size) for file, one in stats)
    return Version(int(path.name) if number is None else number, path, stamp)
