"""What an export answers, its interface, and how it is written. Other loaders: `test_loaders.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs
from serving_cases import ODD_IDS, K, odd_model
from tiny import DIM, split, trained
from tiny import served as served_with

from hyperml_tf.layers import LorentzLift
from hyperml_tf.models import HyperML
from hyperml_tf.serving import SIGNATURES, ServedModel, export_saved_model
from hyperml_tf.serving import export as export_lib

SIZES = {"k": K, "dim + 1": DIM + 1}

# What it answers -------------------------------------------------------------------------------------------------


def test_answers_as_the_model(loaded: ServedModel) -> None:
    users = split().train.user_ids.tolist()
    expected = trained().recommend(users, K, exclude_seen=False)
    got = loaded.recommend(users)
    np.testing.assert_array_equal(got.ids, expected.ids)
    np.testing.assert_allclose(got.distances, expected.distances, rtol=1e-5)
    assert (np.diff(got.distances, axis=1) >= 0).all()
    assert got.distances.dtype == np.float32


def test_excludes_as_the_model(loaded: ServedModel) -> None:
    train = split().train
    indptr, indices = train.csr()
    exclude = [train.item_ids[indices[indptr[u] : indptr[u + 1]]].tolist() for u in range(train.n_users)]
    expected = trained().recommend(train.user_ids, K)
    got = loaded.recommend(train.user_ids.tolist(), exclude)
    np.testing.assert_array_equal(got.ids, expected.ids)
    np.testing.assert_allclose(got.distances, expected.distances, rtol=1e-5)
    assert not any(set(row) & set(left_out) for row, left_out in zip(got.ids.tolist(), exclude, strict=True))


def test_scores_are_distances(loaded: ServedModel) -> None:
    train = split().train
    users, items = train.user_ids[:5], train.item_ids[:8]
    pairs = {"user_id": np.repeat(users, 8).tolist(), "item_id": np.tile(items, 5).tolist()}
    expected = trained()({name: tf.constant(ids) for name, ids in pairs.items()}).numpy().reshape(5, 8)
    np.testing.assert_allclose(loaded.score(users.tolist(), [items.tolist()] * 5), expected, rtol=1e-5)


def test_unknown_users_lie_at_the_origin(loaded: ServedModel) -> None:
    got = loaded.recommend(["stranger", ""])
    expected = trained().recommend(["stranger"], K)
    np.testing.assert_array_equal(got.ids, np.repeat(expected.ids, 2, axis=0))
    radii = np.linalg.norm(trained().candidate_tower.all_points(), axis=1)
    assert got.ids[0].tolist() == trained().candidate_tower.ids[np.argsort(radii)[:K]].tolist()


def test_unknown_items(loaded: ServedModel) -> None:
    user, item = split().train.user_ids[0], split().train.item_ids[0]
    scores = loaded.score([user], [[item, "new", ""]])
    assert np.isfinite(scores[0, 0])
    assert np.isposinf(scores[0, 1:]).all()
    np.testing.assert_array_equal(loaded.recommend([user], [["new", ""]]).ids, loaded.recommend([user]).ids)


def test_everything_excluded(loaded: ServedModel) -> None:
    train = split().train
    all_but_two = train.item_ids[2:].tolist()
    got = loaded.recommend(train.user_ids[:2].tolist(), [all_but_two, train.item_ids.tolist()])
    assert sorted(got.ids[0, :2]) == sorted(train.item_ids[:2])
    assert got.ids[0, 2:].tolist() == [""] * (K - 2)
    assert got.ids[1].tolist() == [""] * K
    assert np.isposinf(got.distances[0, 2:]).all()
    assert np.isposinf(got.distances[1]).all()


def test_no_exclusions_and_empty_batches(loaded: ServedModel) -> None:
    users = split().train.user_ids[:2].tolist()
    np.testing.assert_array_equal(loaded.recommend(users, [[], []]).ids, loaded.recommend(users).ids)
    assert loaded.recommend([]).ids.shape == (0, K)
    assert loaded.recommend([], []).distances.shape == (0, K)
    assert loaded.score(users, [[], []]).shape == (2, 0)
    assert loaded.score([], []).shape == (0, 0)


@pytest.mark.slow
def test_odd_ids(tmp_path: Path) -> None:
    model = odd_model()
    served = served_with(model, tmp_path / "odd")
    everything = model.recommend(ODD_IDS, 100, exclude_seen=False)
    got = served.recommend(ODD_IDS)
    assert got.ids.tolist() == everything.ids.tolist()  # k is clamped to the catalogue
    assert all(sorted(row) == sorted(ODD_IDS) for row in got.ids.tolist())
    one_left = served.recommend(ODD_IDS[:1], [ODD_IDS[1:]])
    assert one_left.ids[0].tolist() == [ODD_IDS[0], *[""] * (len(ODD_IDS) - 1)]


@pytest.mark.slow
def test_integer_ids_are_decimal_text(tmp_path: Path) -> None:
    ids = [0, -3, 10**15]
    model = odd_model(ids)
    served = served_with(model, tmp_path / "numbers", k=2)
    expected = model.recommend(ids, 2, exclude_seen=False)
    for asked in (ids, np.array(ids), list(map(str, ids))):
        assert served.recommend(asked).ids.tolist() == [[str(i) for i in row] for row in expected.ids]
    assert served.recommend([0], [[-3, 0]]).ids.tolist() == [[str(10**15), ""]]
    assert np.isfinite(served.score([0], [ids])).all()


@pytest.mark.slow
def test_curvature_0(tmp_path: Path) -> None:
    model = HyperML(["u"], ["a", "b"], dim=2, curvature=0.0, history=0)
    model.query_tower.embedding.embeddings.assign([[0.0, 1.0]])
    model.candidate_tower.embedding.embeddings.assign([[0.0, 4.0], [2.0, 1.0]])
    got = ServedModel(export_saved_model(model, tmp_path / "flat")).recommend(["u"])
    assert got.ids.tolist() == [["b", "a"]]
    np.testing.assert_allclose(got.distances, [[4.0, 6.0]])


# The interface ---------------------------------------------------------------------------------------------------


def test_the_graph_carries_no_gradients(served: Path) -> None:
    """Loading functions with gradients of their own is slow, and noisy: a warning for each."""
    graph = (served / "saved_model.pb").read_bytes()
    assert b"_gradient_op_type" not in graph
    assert b"internal_grad_fn" not in graph


@pytest.mark.slow
def test_signatures(served: Path, rich: Path) -> None:
    """What is written is what the constant says, and item details come beside ids only."""
    for path, details in ((served, []), (rich, ["title", "shelf"])):
        signatures = tf.saved_model.load(str(path)).signatures
        assert set(signatures) == set(SIGNATURES) - (set() if details else {"recommend_where"})
        for name in signatures:
            signature = SIGNATURES[name]
            outputs = dict(signature.outputs)
            for listed in {"item_id", "history"} & set(outputs):
                outputs |= dict.fromkeys(details, outputs[listed])
            written = signatures[name]
            for specs, fields in (
                (written.structured_input_signature[1], signature.inputs),
                (written.structured_outputs, outputs),
            ):
                assert {key: (spec.dtype.name, spec.shape.as_list()) for key, spec in specs.items()} == {
                    key: (field.dtype, [SIZES.get(axis) for axis in field.shape]) for key, field in fields.items()
                }


def test_the_three_signatures_of_the_first_exports_stay() -> None:
    """Callers depend on them."""
    named = {name: (set(SIGNATURES[name].inputs), set(SIGNATURES[name].outputs)) for name in SIGNATURES}
    assert named["serving_default"] == ({"user_id"}, {"item_id", "distance"})
    assert named["recommend_excluding"] == ({"user_id", "exclude"}, {"item_id", "distance"})
    assert named["score"] == ({"user_id", "item_id"}, {"distance"})
    for signature in SIGNATURES.values():
        assert all(field.shape[0] == "batch" for field in (*signature.inputs.values(), *signature.outputs.values()))


# Writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_existing_export_is_kept_unless_told(tmp_path: Path) -> None:
    path, model = tmp_path / "1", odd_model(["a", "b"])
    assert export_saved_model(model, path, k=1) == path
    with pytest.raises(FileExistsError, match=r"`path` exists.*overwrite=True"):
        export_saved_model(model, path, k=2)
    assert ServedModel(path).recommend(["a"]).ids.shape == (1, 1)
    export_saved_model(model, path, k=2, overwrite=True)
    assert ServedModel(path).recommend(["a"]).ids.shape == (1, 2)
    assert [p.name for p in tmp_path.iterdir()] == ["1"]


@pytest.mark.slow
def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    export_saved_model(odd_model(["a", "b"]), tmp_path / "1")
    assert ServedModel(tmp_path / "1").recommend(["a"]).ids.shape == (1, 2)


@pytest.mark.slow
def test_a_failure_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, model = tmp_path / "1", odd_model(["a", "b"])
    export_saved_model(model, path, k=1)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("disk full")

    for broken, name in ((tf.saved_model, "save"), (export_lib, "move_in_place_of")):
        with monkeypatch.context() as patch:
            patch.setattr(broken, name, fail)
            with pytest.raises(OSError, match="disk full"):
                export_saved_model(model, path, k=2, overwrite=True)
        assert ServedModel(path).recommend(["a"]).ids.shape == (1, 1)
        assert [p.name for p in tmp_path.iterdir()] == ["1"]


def test_a_diverged_model_is_refused(tmp_path: Path) -> None:
    model = odd_model(["a", "b"])
    model.candidate_tower.embedding.embeddings.assign([[np.nan, 0.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match=r"must be finite. Received: 1 that are not, the first that of the id 'a'"):
        export_saved_model(model, tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='the id ""'):
        export_saved_model(odd_model(["", "b"]), tmp_path / "1")


def test_bad_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`k` must be at least 1"):
        export_saved_model(odd_model(["a", "b"]), tmp_path / "1", k=0)
    with pytest.raises(FileNotFoundError, match=r"saved_model\.pb"):
        ServedModel(tmp_path)


@pytest.mark.slow
def test_what_is_exported_is_the_model_as_it_stood(tmp_path: Path) -> None:
    model = odd_model(["a", "b", "c"])
    served = ServedModel(export_saved_model(model, tmp_path / "1"))
    before = served.recommend(["a"])
    model.candidate_tower.embedding.embeddings.assign(np.zeros((3, 2)))
    np.testing.assert_array_equal(served.recommend(["a"]).distances, before.distances)


# Unmodified TFRS -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_tfrs_indexes_and_metric_on_lifted_points() -> None:
    model, users = trained(), split().train.user_ids[:9]
    c = float(model.curvature())
    queries = LorentzLift("query", curvature=c)(model.query_tower(users))
    candidates = LorentzLift("candidate", curvature=c)(model.candidate_tower.all_points())
    assert candidates.shape[1] == DIM + 1
    expected = model.recommend(users, K, exclude_seen=False).ids
    dataset = tf.data.Dataset.from_tensor_slices((model.candidate_tower.ids.tolist(), candidates)).batch(32)
    for index in (tfrs.layers.factorized_top_k.BruteForce(k=K), tfrs.layers.factorized_top_k.Streaming(k=K)):
        _, found = index.index_from_dataset(dataset)(queries)
        assert [[i.decode() for i in row] for row in found.numpy()] == expected.tolist()
    # The metric: each user's third recommendation is among the first 3 and not among the first 2.
    metric = tfrs.metrics.FactorizedTopK(dataset, ks=(2, 3))
    third = expected[:, 2].tolist()
    points = LorentzLift("candidate", curvature=c)(model.candidate_tower(third))
    metric.update_state(queries, points, true_candidate_ids=tf.constant(third))
    assert [float(value) for value in metric.result()] == [0.0, 1.0]
