"""A model that loads at once, for what does not depend on what a model answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import tensorflow as tf


class Greeter(tf.Module):
    """Greets everybody with a word; a second signature wants one item per user, and a third is given numbers."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = tf.Variable(word, trainable=False)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "user_id")])
    def greet(self, user_id):
        return {"item_id": tf.strings.join([self.word, user_id], " "), "length": tf.strings.length(user_id)}

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, "user_id"), tf.TensorSpec([None, None], tf.string, "item_id")]
    )
    def pair(self, user_id, item_id):
        check = tf.debugging.assert_equal(tf.shape(user_id)[0], tf.shape(item_id)[0], "one row each")
        refused = tf.debugging.assert_none_equal(user_id, "refuse me", message="refused")
        with tf.control_dependencies([check, refused]):
            return {"pairs": tf.strings.join([user_id[:, tf.newaxis], item_id], "+")}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x"), tf.TensorSpec([None], tf.int64, "n")])
    def numbers(self, x, n):
        return {"x": x / tf.cast(n, tf.float32)[:, tf.newaxis], "raw_bytes": tf.strings.as_string(n)}


def write(path: Path, word: str) -> Path:
    """Writes a greeter as exports are written: it appears whole."""
    module, scratch = Greeter(word), path.parent / f".{path.name}-scratch"
    signatures = {"serving_default": module.greet, "pair": module.pair, "numbers": module.numbers}
    tf.saved_model.save(module, str(scratch), signatures=signatures)
    return scratch.rename(path)


def copy(written: Path, path: Path) -> Path:
    """Another export with the same contents."""
    scratch = path.parent / f".{path.name}-scratch"
    shutil.copytree(written, scratch)
    return scratch.rename(path)
