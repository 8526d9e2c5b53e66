"""State that is written whole or not at all."""

from __future__ import annotations

import json
from typing import Any

import keras_tuner
import tensorflow as tf

# keras-tuner names this base class of oracles, tuners and trials nowhere in public.
_Stateful: Any = keras_tuner.Oracle.__mro__[1]


class AtomicState(_Stateful):
    """Comes last among the bases of an oracle, a tuner or a trial, and does the writing for their `save`.

    keras-tuner writes into the file itself: a kill or a full disk leaves half a file, and with it a search that cannot go on.
    """

    def save(self, fname: str) -> str:
        """Writes the state to a file beside `fname` and moves that into its place."""
        return write_json(fname, self.get_state())


def write_json(path: str, values: Any) -> str:
    """Writes a JSON file, also to a place such as `gs://...`, and returns its text."""
    text = json.dumps(values)
    scratch = f"{path}.tmp"
    try:
        with tf.io.gfile.GFile(scratch, "w") as file:
            file.write(text)
        tf.io.gfile.rename(scratch, path, overwrite=True)
    except BaseException:
        if tf.io.gfile.exists(scratch):
            tf.io.gfile.remove(scratch)
        raise
    return text


def read_json(path: str) -> Any:
    """The values of a JSON file."""
    with tf.io.gfile.GFile(path, "r") as file:
        return json.loads(file.read())
