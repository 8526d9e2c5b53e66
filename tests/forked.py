"""Programs in processes of their own that need not import TensorFlow, which takes four seconds of the processor each time.

The standard library's `forkserver` imports it once per test process and forks for each program. TensorFlow starts nothing when it
is imported, so a fork of that process is as good as a new one: devices can still be configured, and nothing has chosen Keras 2.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tensorflow"])
_CHOICE_OF_KERAS = "TF_USE_LEGACY_KERAS"


class Finished(NamedTuple):
    """What a program has left."""

    code: int
    out: str
    err: str


class Program:
    """A running program: `code`, as with `python -c`, or the path of a file, with arguments and changes of the environment."""

    def __init__(self, program: str | Path, *arguments: Any, **environment: str) -> None:
        self._folder = tempfile.TemporaryDirectory()
        streams = tuple(os.path.join(self._folder.name, name) for name in ("out", "err"))
        inherited = {name: value for name, value in os.environ.items() if name != _CHOICE_OF_KERAS}
        variables = {**inherited, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", **environment}
        source = program.read_text() if isinstance(program, Path) else program
        self.process = _CONTEXT.Process(target=_run, args=(source, [*map(str, arguments)], variables, streams))
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv(_CHOICE_OF_KERAS, raising=False)
            forkserver.ensure_running()
        self.process.start()
        self._streams = streams

    def finish(self, timeout: float = 300) -> Finished:
        """Waits for the end of the program, and kills it if that does not come in time."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        out, err = (Path(path).read_text() if os.path.exists(path) else "" for path in self._streams)
        return Finished(self.process.exitcode, out, err)


def run(program: str | Path, *arguments: Any, **environment: str) -> str:
    """The output of a program that ends well."""
    finished = Program(program, *arguments, **environment).finish()
    assert finished.code == 0, finished.err[-3000:]
    return finished.out


def _run(source: str, arguments: list[str], variables: Mapping[str, str], streams: tuple[str, str]) -> None:
    for stream, path in zip((sys.stdout, sys.stderr), streams, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream.fileno())
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = ["-c", *arguments]
    try:
        exec(compile(source, "<program>", "exec", dont_inherit=True), {"__name__": "__main__"})
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
