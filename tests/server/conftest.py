"""Exports of small models, written once a process."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_models import copy, write

from hyperml_tf.server.loaded_version import LoadedVersion


@pytest.fixture(scope="session")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("hello") / "1", "hello")


@pytest.fixture(scope="session")
def goodbye(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("goodbye") / "1", "goodbye")


@pytest.fixture(scope="session")
def version(hello: Path) -> LoadedVersion:
    return LoadedVersion(1, hello)


@pytest.fixture
def base(tmp_path: Path, hello: Path) -> Path:
    """A directory of versions with version 1."""
    copy(hello, tmp_path / "1")
    return tmp_path
