"""Runs the examples in the docstrings of every module of the package."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import hyperml_tf

MODULES = sorted(m.name for m in pkgutil.walk_packages(hyperml_tf.__path__, "hyperml_tf."))

# Their examples train or export models.
SLOW = {"models", "retrieval", "runs", "serving", "tuning"}


def _marked(name: str) -> object:
    return pytest.param(name, marks=pytest.mark.slow) if SLOW & set(name.split(".")) else name


@pytest.mark.parametrize("name", ["hyperml_tf", *map(_marked, MODULES)])
def test_examples(name: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # an example may write files
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_the_public_functions_of_the_geometry_have_examples() -> None:
    finder = doctest.DocTestFinder()
    for package in (importlib.import_module(f"hyperml_tf.geometry.{name}") for name in ("poincare", "lorentz")):
        public = getattr(
            package, "__all__", [name for name, value in vars(package).items() if _defined_here(package, value)]
        )
        for name in public:
            tests = finder.find(getattr(package, name), name)
            assert any(test.examples for test in tests), f"{package.__name__}.{name} has no example"


def _defined_here(module, value) -> bool:
    return (
        callable(value) and getattr(value, "__module__", None) == module.__name__ and not value.__name__.startswith("_")
    )
