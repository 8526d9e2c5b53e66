"""Files that may be compressed, as streams of bytes."""

from __future__ import annotations

import contextlib
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

COMPRESSED = (".gz", ".bz2", ".zst", ".xz", ".zip")
"""The suffixes of compressed files."""

UNREADABLE = (
    *(pa.ArrowException, OSError, EOFError, UnicodeDecodeError, lzma.LZMAError, zlib.error, zipfile.BadZipFile),
    RuntimeError,  # what zipfile raises for an encrypted archive
)
"""What is raised by files that are damaged, or not what they should be."""


@contextlib.contextmanager
def opened(file: Path) -> Iterator[Any]:
    """Opens a file as a stream of decompressed bytes."""
    suffix = file.suffix.lower()
    if suffix == ".xz":
        with lzma.open(file, "rb") as stream:
            yield stream
    elif suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/") and "__MACOSX" not in name]
            if len(members) != 1:
                raise ValueError(
                    f"`path` must be a zip archive of exactly one file. Received: {str(file)!r} with {members}"
                )
            with archive.open(members[0]) as stream:
                yield stream
    else:
        compression = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}.get(suffix)
        with pa.input_stream(str(file), compression=compression) as stream:
            yield stream


_alive: list[Any] = []


def arrow_file(stream: Any) -> Any:
    """Returns a stream as a file of Arrow, which is kept from being freed until the next one is read.

    A thread of Arrow may hold it for a moment longer than the reader. If it were the last to do so, it would free a Python file,
    for which it waits for the interpreter, and aborts the process if that is just ending.
    """
    _alive[:] = [stream if isinstance(stream, pa.NativeFile) else pa.PythonFile(stream, mode="r")]
    return _alive[0]


def unreadable(file: Path, what: str, error: Exception) -> ValueError:
    """An error that says what a file could not be read as."""
    return ValueError(f"`path` could not be read as {what}: {error}. Received: {str(file)!r}")
