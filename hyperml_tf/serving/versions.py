"""Version directories, `models/items/1`, `models/items/2`, ..., of which a server loads the highest."""

from __future__ import annotations

import os
from pathlib import Path

from hyperml_tf._argument_checks import as_path
from hyperml_tf._argument_types import names_arguments


@names_arguments
def next_version(base: str | os.PathLike[str]) -> Path:
    """Returns the path of the next version under `base`, which is `base/1` for the first one.

    A server that watches `base` loads new versions. `export_saved_model(..., new_version=True)` writes the next one, even if
    other processes do so at the same time.

    Args:
        base: Path of the directory of all versions of a model. Names that are not numbers are ignored.

    Raises:
        ValueError: If `base` is a file or an exported model itself.

    Example:

    >>> next_version("models/items").as_posix()
    'models/items/1'
    """
    path = as_path(base=base)
    if path.is_file() or (path / "saved_model.pb").exists():
        raise ValueError(f"`base` must be the directory above the versions. Received: {str(path)!r}")
    names = [child.name for child in path.iterdir()] if path.exists() else []
    return path / str(max((int(name) for name in names if name.isdecimal()), default=0) + 1)
