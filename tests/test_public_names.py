"""The names of `hyperml_tf` itself: all there, loaded when used, and enough for Keras to find our classes in a file."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import forked
import pytest
import tensorflow as tf

import hyperml_tf


@pytest.mark.parametrize("name", hyperml_tf.__all__)
def test_every_public_name_is_what_its_own_module_has(name: str) -> None:
    value = getattr(hyperml_tf, name)
    assert name in dir(hyperml_tf)
    if inspect.ismodule(value):
        assert value is importlib.import_module(f"hyperml_tf.{name}")
    elif name != "__version__":
        assert value.__name__ == name
        assert value is getattr(importlib.import_module(value.__module__), name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'HyperMl'"):
        hyperml_tf.HyperMl  # noqa: B018


@pytest.mark.slow
def test_star_import_gives_the_public_names_in_a_fresh_process() -> None:
    forked.run("from hyperml_tf import *\nassert HyperML.__name__ == 'HyperML'; layers.ExpMap; export_saved_model")


@pytest.mark.slow
def test_keras_finds_our_classes_in_a_file_when_only_the_package_was_imported(tmp_path: Path) -> None:
    table = hyperml_tf.Interactions.from_arrays(["a", "a", "b"], ["x", "y", "y"])
    whole = hyperml_tf.HyperML.from_interactions(table, dim=4)
    whole.compile(hyperml_tf.optimizers.RiemannianAdam(0.1))
    whole.save(tmp_path / "whole.keras")
    parts = tf.keras.Sequential([hyperml_tf.layers.HyperbolicEmbedding(5, 3), hyperml_tf.layers.LogMap()])
    parts(tf.constant([[1]]))
    parts.compile("sgd", hyperml_tf.losses.PullPushLoss())
    parts.save(tmp_path / "parts.keras")
    code = (
        "import sys, hyperml_tf, tensorflow as tf\n"
        "whole, parts = (tf.keras.models.load_model(f'{sys.argv[1]}/{name}.keras') for name in ('whole', 'parts'))\n"
        "assert type(whole) is hyperml_tf.HyperML and type(parts.loss) is hyperml_tf.losses.PullPushLoss\n"
        "assert type(whole.optimizer) is hyperml_tf.optimizers.RiemannianAdam"
    )
    forked.run(code, tmp_path)
