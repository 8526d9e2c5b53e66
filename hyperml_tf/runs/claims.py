"""Which directories a run may be written to: those that hold nothing of others under the names of its files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from hyperml_tf.files.locks import InUseError, exclusive
from hyperml_tf.files.scratch import clean
from hyperml_tf.runs import layout

_LOCK = ".training.lock"


def check_claimable(path: Path, resume: bool = False) -> None:
    """Raises an error if a run must not be written to a directory, before anything in it is touched.

    Args:
        path: Path of the directory.
        resume: Boolean, whether an unfinished run in it is to be continued. Defaults to `False`.

    Raises:
        FileExistsError: If it is a file, holds a run, an unfinished one without `resume`, or files of others with the names of
            those of a run.
    """
    if path.is_file():
        raise FileExistsError(f"`out` must be a directory. Received: the file {str(path)!r}")
    if is_run(path):
        if (path / layout.METRICS).exists():
            raise FileExistsError(
                f"`out` already holds a run. Choose another directory or remove it. Received: {str(path)!r}"
            )
        if (path / layout.DIVERGED).exists():
            epoch = layout.read_json(path / layout.DIVERGED).get("epoch")
            raise FileExistsError(
                f"`out` holds a run whose training diverged in epoch {epoch}, and would again. Choose another directory, and a "
                f"smaller learning rate. Received: {str(path)!r}"
            )
        if not resume:
            raise FileExistsError(
                "`out` holds an unfinished run. Continue it with `resume=True`, or `--resume` on the command line, or choose "
                f"another directory. Received: {str(path)!r}"
            )
        return
    if taken := [name for name in layout.NAMES if (path / name).exists() or (path / name).is_symlink()]:
        raise FileExistsError(
            "`out` must not hold files of others with the names of those of a run. Choose another directory. "
            f"Received: {str(path)!r} with {', '.join(taken)}"
        )


def is_run(path: Path) -> bool:
    """Whether a directory holds a run, finished or not, by its settings."""
    try:
        found = layout.read_json(path / layout.CONFIG)
    except (OSError, ValueError):
        return False
    return {"settings", "fingerprint"} <= set(found)


@contextlib.contextmanager
def alone_in(path: Path, resume: bool = False) -> Iterator[None]:
    """Context manager within which no other process writes a run to a directory. It removes what killed ones have left.

    Args:
        path: Path of the directory.
        resume: Boolean, see `check_claimable`. Defaults to `False`.

    Raises:
        FileExistsError: As `check_claimable`, if another process has just written a run.
        InUseError: If another process is writing a run.
    """
    try:
        lock = contextlib.ExitStack()
        lock.enter_context(exclusive(path / _LOCK))
    except InUseError as error:
        raise InUseError(f"`out` is in use: another process is training in it. Received: {str(path)!r}") from error
    with lock:
        check_claimable(path, resume)
        for folder in (path, *(path / name for name in layout.FOLDERS)):
            clean(folder)
        yield
