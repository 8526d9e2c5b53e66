"""Whether an export is what was written, and what may be replaced by another one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hyperml_tf._argument_checks import as_path
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.files.hashes import Differences, differences, names
from hyperml_tf.serving import model_card

_CARD = f"{model_card.FOLDER}/{model_card.FILE}"


@names_arguments
def verify_export(path: str | os.PathLike[str]) -> Differences:
    """Compares the files of an export with the hashes in its model card.

    It finds damage, such as by a disk or a transfer that was cut short. It does not find what somebody has changed on purpose:
    they can change the hashes, too.

    Args:
        path: Path of the exported model.

    Returns:
        A `Differences`, which is false if there are none.

    Raises:
        ValueError: If there is no export with a model card at `path`.

    Example:

    >>> from hyperml_tf import HyperML, export_saved_model
    >>> path = export_saved_model(HyperML(["ann"], ["a", "b", "c"], dim=4, history=0), "models/items/1", overwrite=True)
    >>> bool(verify_export(path))
    False
    >>> (path / "saved_model.pb").unlink()
    >>> verify_export(path).missing
    ['saved_model.pb']
    """
    folder = as_path(path=path)
    if not (folder / _CARD).is_file():
        raise ValueError(f"`path` must be an exported model, with {_CARD}. Received: {str(path)!r}")
    card = _card(folder)
    if card is None:
        return Differences([_CARD], [], [])
    found = differences(folder, card["files"], {_CARD})
    return found if model_card.is_sealed(card) else Differences([*found.changed, _CARD], found.missing, found.added)


def check_replaceable(path: Path) -> None:
    """Raises an error if there is anything at a path but an export of ours, or nothing.

    Raises:
        FileExistsError: If there is a file, a link, a directory that is no export, or an export with files of others in it.
    """
    if not path.exists() and not path.is_symlink():
        return
    if path.is_dir() and not path.is_symlink():
        found = names(path)
        card = _card(path)
        if not found:
            return
        others = [] if card is None else sorted(set(found) - {*card["files"], _CARD})
        if card is not None and not others:
            return
        received = f"files of others in it: {', '.join(others[:5])}" if others else "a directory that is no export"
    else:
        received = "a link" if path.is_symlink() else "a file"
    raise FileExistsError(
        f"`{path}` is not replaced: only an export of this package is, and nothing that it did not write. Received: {received}"
    )


def _card(path: Path) -> dict[str, Any] | None:
    """The model card of an export, if it is one."""
    try:
        card = model_card.read(path)
    except (OSError, ValueError):
        return None
    return card if isinstance(card.get("files"), dict) else None
