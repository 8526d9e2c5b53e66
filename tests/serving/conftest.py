"""Exports that several test files ask: made once a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from serving_cases import K
from tiny import exporting, split, trained

from hyperml_tf.server import Server
from hyperml_tf.serving import ServedModel, export_saved_model


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with the defaults, which also recommends seen items."""
    with exporting():
        return export_saved_model(trained(), tmp_path_factory.mktemp("export") / "1", k=K, exclude_seen=False)


@pytest.fixture(scope="session")
def loaded(served: Path) -> ServedModel:
    return ServedModel(served)


@pytest.fixture(scope="session")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with everything that is optional, as version 2 of a model whose version 1 is not there any more."""
    ids = trained().candidate_tower.ids
    with exporting():
        return export_saved_model(
            trained(),
            tmp_path_factory.mktemp("rich") / "2",
            k=K,
            filter_columns=["shelf"],
            details={
                "title": [f"Title of {item} — 題" for item in ids],
                "shelf": (np.arange(len(ids)) % 7).astype(str),
            },
            half_life=float("inf"),
            warm_up_requests=True,
            card={"metrics": {"test": {"full_ndcg@10": 0.25}}},
        )


@pytest.fixture(scope="session")
def server(rich: Path) -> Iterator[Server]:
    """The rich export behind REST and gRPC."""
    with Server(rich.parent, port=0, grpc_port=0, labels={"canary": 2}) as running:
        yield running


@pytest.fixture(scope="session")
def users() -> list[str]:
    """Some known users and one that is not."""
    return [*split().train.user_ids[:12].tolist(), "stranger"]
