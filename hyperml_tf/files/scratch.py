"""Scratch directories beside what is written. Those of processes that were killed are removed by the next one."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hyperml_tf.files.locks import HAS_LOCKS, InUseError, exclusive

logger = logging.getLogger(__name__)

REPLACED = "replaced"
"""Name in a scratch directory of what is being replaced, while neither the old nor the new one is in its place."""

_LOCK = "hyperml-tf.lock"


@contextlib.contextmanager
def scratch_directory(target: Path) -> Iterator[Path]:
    """Context manager that yields a directory in which `target` can be prepared, on the same file system.

    First it removes the scratch directories that killed processes have left beside `target`. Those of processes that live stay.

    Args:
        target: The path of what will be written. The directory above must exist.

    Example:

    >>> with scratch_directory(Path("here")) as scratch:
    ...     scratch.parent
    PosixPath('.')
    >>> scratch.exists()
    False
    """
    clean(target.parent)
    scratch, lock = _new(target)
    try:
        yield scratch
    finally:
        with lock:
            _restore(scratch)
            shutil.rmtree(scratch, ignore_errors=True)


def clean(parent: Path) -> None:
    """Removes the scratch directories of killed processes from a directory. What one of them was replacing is put back.

    Args:
        parent: Path of the directory.
    """
    for lock in parent.glob(f".*-????????/{_LOCK}") if HAS_LOCKS else ():
        with contextlib.suppress(OSError), exclusive(lock):
            _restore(lock.parent)
            shutil.rmtree(lock.parent, ignore_errors=True)
            logger.info("Removed %s, which a process that was killed had left.", lock.parent)


def _new(target: Path) -> tuple[Path, contextlib.ExitStack]:
    """Returns a new scratch directory, and its lock."""
    while True:
        scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
        lock = contextlib.ExitStack()
        try:
            lock.enter_context(exclusive(scratch / _LOCK))
        except (FileNotFoundError, InUseError):
            # Before it was locked, another process took it for that of a killed one.
            shutil.rmtree(scratch, ignore_errors=True)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        else:
            return scratch, lock


def _restore(scratch: Path) -> None:
    target = scratch.parent / scratch.name[1:].rpartition("-")[0]
    if (scratch / REPLACED).exists() and not target.exists():
        os.rename(scratch / REPLACED, target)
