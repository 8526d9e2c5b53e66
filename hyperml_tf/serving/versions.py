"""Version folders: `models/items/1`, `models/items/2`, ... of which a server loads the highest."""

from __future__ import annotations

import os
from pathlib import Path


def next_version(base: str | os.PathLike[str]) -> Path:
    """The directory of the version after the last one under `base`, `base/1` for the first.

    A server that watches `base` loads what appears there. An export appears at once and complete, see `export_saved_model`.

    Args:
        base: the directory of all versions of a model. Names that are not numbers do not count.

    Raises:
        ValueError: if `base` is itself an export, or a file.

    Example:

    >>> next_version("models/items").as_posix()
    'models/items/1'
    """
    path = Path(base)
    if path.is_file() or (path / "saved_model.pb").exists():
        raise ValueError(f"`base` must be the directory above the versions. Received: {str(path)!r}")
    names = [child.name for child in path.iterdir()] if path.exists() else []
    return path / str(max((int(name) for name in names if name.isdecimal()), default=0) + 1)
