"""Commands in processes of their own, which are forked from one that has imported TensorFlow.

They are light: TensorFlow runs functions eagerly, and exports have one signature. Tracing takes most of the time of a small
training otherwise, and has no part in what is written when.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tensorflow",
        "tf_keras",
        "tensorflow_recommenders",
        "keras_tuner",
        "pandas",
        "pyarrow.parquet",
        "hyperml_tf.tuning",
    ]
)


class Ended(NamedTuple):
    """How a command has ended: its exit status (negative for a signal), what it said, and the seconds that it took."""

    code: int
    said: str
    seconds: float


class Command:
    """A running command, `["train", table, "--out", run]`."""

    def __init__(self, words: Sequence[Any], folder: Path | None = None) -> None:
        os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
        handle, self._said = tempfile.mkstemp()
        os.close(handle)
        self._began = time.perf_counter()
        arguments = ([str(word) for word in words], self._said, dict(os.environ), folder)
        self._process = _CONTEXT.Process(target=_run, args=arguments)
        self._process.start()

    def end(self, after: float | None = None) -> Ended:
        """Waits for its end, or kills it after so many seconds."""
        self._process.join(after)
        if self._process.exitcode is None:
            os.kill(self._process.pid or 0, signal.SIGKILL)
            self._process.join()
        said = Path(self._said).read_text(errors="replace")
        os.unlink(self._said)
        return Ended(int(self._process.exitcode or 0), " ".join(said.split()), time.perf_counter() - self._began)


def run(*words: Any, folder: Path | None = None) -> Ended:
    """Runs a command to its end."""
    return Command(words, folder).end()


def _run(words: list[str], said: str, environment: Mapping[str, str], folder: Path | None) -> None:
    stream = os.open(said, os.O_WRONLY)
    for standard in (sys.stdout, sys.stderr):
        os.dup2(stream, standard.fileno())
    os.environ.update(environment)
    if folder is not None:
        os.chdir(folder)
    import tensorflow as tf

    from hyperml_tf.cli import main
    from hyperml_tf.serving import SIGNATURES, serving_module

    tf.config.run_functions_eagerly(True)
    serving_module.SIGNATURES = {"serving_default": SIGNATURES["serving_default"]}  # type: ignore[assignment]
    sys.exit(main(words))
