"""Exclusive claims of this process on a file or a directory, which end with the process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None
"""Whether locks end with their process, as on Linux and macOS."""


class InUseError(OSError):
    """Another process holds the lock."""


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Context manager that holds a lock file. The file is removed in the end; that of a process that was killed holds nobody up.

    Args:
        path: Path of the lock file, in a directory that exists.

    Raises:
        InUseError: If another process holds it.

    Example:

    >>> with exclusive(Path("here.lock")):
    ...     Path("here.lock").exists()
    True
    >>> Path("here.lock").exists()
    False
    """
    file = _locked(path)
    try:
        yield
    finally:
        # Before it is released, so that nobody else's is removed.
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        file.close()


def _locked(path: Path) -> Any:
    while True:
        file = path.open("ab")
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise InUseError(f"`{path}` is held by another process.") from error
        # Its last holder may have removed it between the two calls.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return file
        file.close()
