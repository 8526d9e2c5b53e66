"""The faiss index beside an export."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import split, trained

from hyperml_tf.models import HyperML
from hyperml_tf.serving import ApproximateIndex, ServedModel


@pytest.fixture(scope="module")
def index() -> ApproximateIndex:
    return ApproximateIndex.from_model(trained(), n_lists=8, n_probe=8)


@pytest.mark.slow
def test_visiting_every_list_is_exact(index: ApproximateIndex, loaded: ServedModel) -> None:
    assert index.report["recall@10"] == 1.0
    users = [*split().train.user_ids[:20].tolist(), "stranger"]
    got, expected = index.recommend(loaded, users, k=5), loaded.recommend(users)
    assert got.ids.tolist() == expected.ids[:, :5].tolist()
    np.testing.assert_allclose(got.distances, expected.distances[:, :5], rtol=1e-5)


def test_fewer_lists_find_less_and_recall_is_measured(loaded: ServedModel) -> None:
    few = ApproximateIndex.from_model(trained(), n_lists=30, n_probe=1)
    users = split().train.user_ids.tolist()
    found, _ = few.search(loaded.embed_users(users), 10)
    exact = trained().recommend(users, 10, exclude_seen=False).ids
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), exact.tolist(), strict=True)])
    assert few.report["recall@10"] == pytest.approx(recall, abs=1e-4)
    assert 0.05 < recall < 0.95
    assert "" in few.search(loaded.embed_users(users[:1]), 150)[0]  # a part holds fewer
    wanted = ApproximateIndex.from_model(trained(), n_lists=30, recall=0.9)
    assert wanted.report["probe"] >= 8
    assert wanted.report["recall@10"] >= 0.9


def test_it_is_saved_inside_the_export(index: ApproximateIndex, loaded: ServedModel, tmp_path: Path) -> None:
    assert index.save(tmp_path) == tmp_path / "assets.extra" / "faiss"
    again = ApproximateIndex.load(tmp_path)
    assert again.report == index.report
    vectors = loaded.embed_users(["stranger"])
    assert again.search(vectors, 4)[0].tolist() == index.search(vectors, 4)[0].tolist()


def test_wrong_arguments(index: ApproximateIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"assets\.extra/faiss"):
        ApproximateIndex.load(tmp_path)
    with pytest.raises(ValueError, match=r"`vectors` must be \(batch, 7\).*\(2, 3\)"):
        index.search(np.zeros((2, 3)), 5)
    model = HyperML(["u"], ["a", "b"], dim=2)
    for name in ("n_probe", "n_lists", "k", "queries"):
        with pytest.raises(ValueError, match=f"`{name}` must be at least 1"):
            ApproximateIndex.from_model(model, **{name: 0})
    with pytest.raises(ValueError, match="`recall` must be in"):
        ApproximateIndex.from_model(model, recall=1.5)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"pip install 'hyperml-tf\[ann\]'"):
        ApproximateIndex.from_model(model)


def test_a_catalogue_smaller_than_k() -> None:
    model = HyperML(["u", "v"], ["a", "b", "c"], dim=2, history=0)
    assert ApproximateIndex.from_model(model).report["recall@3"] == 1.0
