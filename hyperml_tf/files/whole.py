"""Files and directories that appear whole or not at all: they are written aside, and moved in one step."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from hyperml_tf.files.scratch import REPLACED, scratch_directory

_AT_FDCWD = -100
_LINUX_EXCHANGE = 2
_DARWIN_SWAP = 2


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Context manager that yields a path to write to, and moves the file into place when the block ends without an error.

    Until then, a file that is there stays as it is. The directories above are made.

    Args:
        path: Path of the file.

    Raises:
        OSError: If it cannot be written, as on a full disk. Its `filename` is that of the file, if it has no other.

    Example:

    >>> with whole_file("runs/first/notes.txt") as scratch:
    ...     _ = scratch.write_text("whole")
    >>> Path("runs/first/notes.txt").read_text()
    'whole'
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with scratch_directory(target) as scratch:
        try:
            # The same name, because writers choose the format by it.
            yield scratch / target.name
        except OSError as error:
            if error.errno is not None and error.filename is None:
                error.filename = str(target)
            raise
        os.replace(scratch / target.name, target)


def move_new(written: Path, target: Path) -> None:
    """Moves a directory to a path that does not exist yet, or is an empty directory.

    Raises:
        FileExistsError: If it does exist. Of two processes that move to the same path, one succeeds.
    """
    try:
        os.rename(written, target)
    except OSError as error:
        if target.exists() or target.is_symlink():
            raise FileExistsError(f"`{target}` exists.") from error
        raise


def move_in_place_of(written: Path, target: Path, scratch: Path) -> None:
    """Puts a directory in the place of another in one step, so that at every moment one of the two is there.

    Args:
        written: The new directory, in `scratch`.
        target: The path of both. What was there is left in `scratch`.
        scratch: A directory of `scratch_directory` beside `target`.
    """
    if _exchange(written, target):
        return
    # File systems that cannot exchange. If the process is killed in between, the next `scratch_directory` moves it back.
    aside = scratch / REPLACED
    try:
        os.rename(target, aside)
        os.rename(written, target)
    except BaseException:
        if aside.exists() and not target.exists():
            os.rename(aside, target)
        raise


def _exchange(first: Path, second: Path) -> bool:
    """Exchanges two paths by the function that the C library has for it; returns whether that was possible."""
    source, target = os.fsencode(first), os.fsencode(second)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            return library.renameat2(_AT_FDCWD, source, _AT_FDCWD, target, _LINUX_EXCHANGE) == 0
        if sys.platform == "darwin":
            return library.renamex_np(source, target, _DARWIN_SWAP) == 0
    except (AttributeError, OSError, TypeError):  # no such function, or no such library
        pass
    return False
