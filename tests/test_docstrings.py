"""Every public name has a complete docstring in the form of Keras, and every example in the package runs."""

from __future__ import annotations

import ast
import doctest
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from docstring_checks import MODULES, documented_defaults, missing_in, public_objects
from tiny import exporting

PUBLIC = public_objects()

# Their examples train or export models.
SLOW = {"models", "retrieval", "runs", "serving", "tuning"}
# Here they train for an epoch or two, which takes less time than to trace the training step.
EAGER = {"runs", "tuning"}


def _marked(module: str) -> Any:
    return pytest.param(module, marks=pytest.mark.slow) if SLOW & set(module.split(".")) else module


@pytest.mark.parametrize("module", list(map(_marked, MODULES)))
def test_examples(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # an example may write files
    tf.config.run_functions_eagerly(bool(EAGER & set(module.split("."))))
    try:
        with exporting(*[] if {"server", "serving"} & set(module.split(".")) else ["serving_default"]):
            failed, _ = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    finally:
        tf.config.run_functions_eagerly(False)
    assert failed == 0


@pytest.mark.parametrize("module", sorted(PUBLIC))
def test_public_docstrings_are_complete(module: str) -> None:
    missing = "\n".join(sorted(message for value in PUBLIC[module] for message in missing_in(value)))
    assert not missing, f"docstrings of {module} lack:\n{missing}"


def test_documented_defaults_are_the_defaults() -> None:
    found = [one for values in PUBLIC.values() for value in values for one in documented_defaults(value)]
    assert len(found) > 150
    # Others, such as `History()`, are said in words of Python that are no literals.
    literals = [one for one in found if re.fullmatch(r"True|False|None|-?[\d.]+(e-?\d+)?|\".*\"|\(.*\)", one[1])]
    assert len(literals) > 150
    wrong = [(name, stated, default) for name, stated, default in literals if ast.literal_eval(stated) != default]
    assert not wrong


def test_the_check_says_what_is_missing() -> None:
    def function(first: int, second: int, name: str, *rest: Any, **kwargs: Any) -> None:
        """Does something
        in two lines.

        Args:
            first: Integer.
                second: is not an entry.
            **kwargs: Keyword arguments, such as `name`.

        >>> 1  # doctest: +SKIP
        """

    class Layer(tf.keras.layers.Layer):
        """Documented.

        Input shape: on the same line.

        Output shape:
            `(...)`.

        Example:

        >>> 1
        1
        """

        def bare(self) -> None:
            return None

    Layer.__module__ = "hyperml_tf.tests"
    assert sorted(missing_in(function)) == [
        "function: no block `Example:` with a line `>>>` that runs",
        "function: no entry `second:` in a block `Args:`",
        "function: no summary, one sentence on the first line that ends with a period, before a blank line",
    ]
    assert sorted(missing_in(Layer)) == ["Layer.bare: no docstring", "Layer: no block `Input shape:`"]
