"""The benchmarks of speed: their own arithmetic and models, on tiny tables. No test looks at a clock."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import hyperml_tf as hml
from hyperml_tf.data import Interactions, synthesize

# Programs beside the package, which import one another as scripts do.
sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

import evaluation
import gradients
import loading
import retrieval
import time_to_accuracy
import timing
import train_throughput
from rivals.stock_keras import StockKeras

TINY = synthesize(n_users=40, n_items=50, n_rows=600, depth=2, branching=3, seed=1).table


def test_sides_take_turns_and_the_warm_up_does_not_count() -> None:
    asked: list[str] = []

    def side(name: str) -> Any:
        def work() -> float:
            asked.append(name)
            return float(len(asked))

        return work

    figures = timing.take_turns({"a": side("a"), "b": side("b")}, rounds=2)
    assert asked == list("ababab")
    assert figures == {"a": [3.0, 5.0], "b": [4.0, 6.0]}
    assert timing.medians(figures) == {"a": 4.0, "b": 5.0}
    assert timing.spread({"a": [1.0, 2.0, 3.0], "b": [4.0, 4.0, 4.0], "c": [2.0, 4.0, 4.0]}) == pytest.approx(0.5)


def test_a_rate_is_of_one_call_at_least() -> None:
    calls = []
    assert timing.rate(lambda: calls.append(1) or 7, seconds=0.0) > 0
    assert len(calls) == 1


def test_tables_are_markdown() -> None:
    lines = timing.markdown(["side", "s"], [["a", "1"]]).splitlines()
    assert lines == ["| side | s |", "| --- | --: |", "| a | 1 |"]


def test_a_rival_that_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert timing.has("numpy", "numpy")
    assert not timing.has("no_such_module", "rival")
    assert capsys.readouterr().out.startswith("rival: left out, because `no_such_module` is not installed")


def test_throughput_is_compared_within_a_run() -> None:
    ours = train_throughput.OURS
    figures = {(1, 10): {ours: 4000.0, "other": 2000.0}, (1, 20): {ours: 3000.0, "other": 6000.0, "new": 3000.0}}
    lines = train_throughput.table(figures).splitlines()
    assert lines[2] == f"| 1 | {ours} | 4 | 3 | 1.00 | 1.00 |"
    assert lines[3] == "| 1 | other | 2 | 6 | 2.00 | 0.50 |"
    assert lines[4] == "| 1 | new |  | 3 |  | 1.00 |"


@pytest.mark.slow
def test_a_side_counts_the_positives_of_all_steps() -> None:
    model = StockKeras(TINY.n_users, TINY.n_items, dim=4, negatives=3)
    model.compile(tf.keras.optimizers.Adagrad(0.1), steps_per_execution=4)
    before = model.users.embeddings.numpy()
    work = train_throughput.keras_side(model, TINY, batch_size=100, steps=4)
    # Twelve steps are two epochs.
    assert [work() for _ in range(3)] == [400, 400, 400]
    assert int(model.optimizer.iterations) == 12
    assert not np.array_equal(before, model.users.embeddings.numpy())


@pytest.mark.slow
def test_the_unit_ball_of_stock_keras() -> None:
    model = StockKeras(TINY.n_users, TINY.n_items, dim=4, negatives=3, unit_ball=True)
    model.compile(tf.keras.optimizers.SGD(10.0))
    train_throughput.keras_side(model, TINY, batch_size=100, steps=1)()
    assert np.linalg.norm(model.items.embeddings, axis=1).max() <= 1.0 + 1e-6


@pytest.mark.parametrize("distortion_weight", [0.0, 0.1])
def test_the_fused_loop_takes_the_step_of_the_model(distortion_weight: float, monkeypatch: pytest.MonkeyPatch) -> None:
    numba = pytest.importorskip("numba", reason="numba (the extra `benchmarks`) cannot be imported")
    # Not compiled, which would take most of a minute on a slow machine.
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    monkeypatch.delitem(sys.modules, "rivals.fused_loop", raising=False)
    from rivals.fused_loop import FusedLoop

    monkeypatch.delitem(sys.modules, "rivals.fused_loop")
    # The other item is the only negative there is, and nearer than the positive, so that the model finds it.
    table = Interactions.from_arrays([0, 1], ["a", "b"])
    loop = FusedLoop(table, dim=3, negatives=30, hardest=1, distortion_weight=distortion_weight, threads=1)
    loop.users[:] = [[0.3, -0.2, 0.5], [0.1, 0.0, 0.0]]
    loop.items[:] = [[-0.6, 0.7, 0.2], [0.4, 0.1, 0.9]]
    before = loop.items.copy()
    model = hml.HyperML.from_interactions(
        table, dim=3, negatives=30, hardest=1, shallow=None, history=0, distortion_weight=distortion_weight
    )
    model.compile()
    model.set_seen(table)
    model.query_tower.embedding.embeddings.assign(loop.users)
    model.candidate_tower.embedding.embeddings.assign(loop.items)
    batch = {"user": tf.constant([0]), "item": tf.constant([0])}
    loop.train_on(np.array([0]), loop.learning_rate)
    model.train_step(batch)
    assert np.abs(loop.items - before).min() > 1e-3
    np.testing.assert_allclose(loop.users, model.query_tower.embedding.embeddings, atol=1e-5)
    np.testing.assert_allclose(loop.items, model.candidate_tower.embedding.embeddings, atol=1e-5)


SIZES = {"negatives": 24, "batch_size": 80, "dim": 5, "rows": 50, "per_user": 5}


@pytest.fixture(scope="module")
def automatic() -> Any:
    """The loss of a step and its gradients, none of them explicit."""
    return gradients.make_step(**SIZES)()


@pytest.mark.slow
@pytest.mark.parametrize("names", [*([name] for name in gradients.EXPLICIT), list(gradients.EXPLICIT)], ids="+".join)
def test_explicit_gradients_are_the_automatic_ones(names: list[str], automatic: Any) -> None:
    loss, slopes = gradients.make_step(**SIZES, explicit=names)()
    expected_loss, expected = automatic
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    for got, same in zip(slopes, expected, strict=True):
        np.testing.assert_allclose(got, same, rtol=1e-4, atol=1e-4 * np.abs(same).max())


def test_what_an_explicit_gradient_saves_is_a_share_of_the_step() -> None:
    times = dict.fromkeys(gradients.sides(), 10.0)
    lines = gradients.table({**times, "squared distance": 9.0}, {**times, gradients.ALL: 8.0}).splitlines()
    assert "| squared distance | 10% / 0% | 0% / 20% |" in lines
    assert lines[-1] == "| all six | 0% / 20% |  |"


def test_when_a_curve_reaches_a_value() -> None:
    curve = [(1.0, 0.1), (2.0, 0.3), (3.0, 0.2)]
    assert time_to_accuracy.best(curve) == (0.3, 2.0)
    assert time_to_accuracy.seconds_to(curve, 0.2) == 2.0
    assert time_to_accuracy.seconds_to(curve, 0.4) == float("inf")
    assert not time_to_accuracy._has_stalled([])
    assert not time_to_accuracy._has_stalled([(0.0, 1.0)] * 10)
    assert time_to_accuracy._has_stalled([(0.0, 1.0)] * 20)
    answers = {
        time_to_accuracy.OURS: {"curve": [(1.0, 0.1), (4.0, 0.3)], "start_up": 2.0},
        "rival": {"curve": curve, "start_up": 0.5},
    }
    assert time_to_accuracy.table({"d": answers}).splitlines()[-1] == "| d | rival | 0.3000 | 2.0 | 2.5 | 4.0 | 2.00 |"


def test_curves_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib (the extra `plots`) cannot be imported")
    curves = tmp_path / "curves.json"
    curves.write_text(json.dumps({"d": {"side": {"curve": [[1.0, 0.1], [4.0, 0.3]], "start_up": 2.0}}}))
    time_to_accuracy.main(["--draw", str(curves), str(tmp_path / "picture.png")])
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_retrieval_is_compared_with_each_rival_of_its_batch() -> None:
    def row(side: str, batch: int, speed: float) -> dict[str, Any]:
        numbers = {"p50_ms": 1.0, "p99_ms": 2.0, "overlap": 1.0, "bytes": 5e6, "build_seconds": 0.1}
        return {"items": 10, "batch": batch, "side": side, "queries_per_second": speed, **numbers}

    rows = [row("ours", 1, 6.0), row(retrieval.BRUTE, 1, 3.0), row(retrieval.FAISS, 1, 2.0), row("ours", 2, 6.0)]
    lines = retrieval.table(rows).splitlines()
    assert lines[2].endswith("| 2.00 | 3.00 |")
    assert lines[-1].endswith("|  |  |")


@pytest.mark.slow
def test_all_sides_of_the_evaluation_agree_on_the_hit_rate() -> None:
    split = hml.leave_one_out(TINY)
    model = hml.HyperML.from_interactions(TINY, dim=4)
    model.compile()
    found = {name: side() for name, side in evaluation.sides(model, split).items()}
    exact = found[evaluation.OURS]
    assert found["ours, in fit"] == pytest.approx(exact)
    assert found["numpy loop"] == pytest.approx(exact)
    # These rank among the seen items too.
    assert found["TFRS FactorizedTopK, Streaming"] == pytest.approx(found["TFRS FactorizedTopK, BruteForce"])
    assert found["TFRS FactorizedTopK, BruteForce"] <= exact


@pytest.mark.slow
def test_the_generated_table_loads_the_same_from_both_files(tmp_path: Path) -> None:
    paths = loading.generate(tmp_path, rows=3000, users=200, items=100)
    first, second = (Interactions.from_file(path) for path in paths)
    assert first.fingerprint() == second.fingerprint()
    assert first.user_ids.dtype == np.int64
    run = loading.one("ours", paths[0])
    assert run["size"] == len(first) * 8 + (first.n_users + first.n_items) * 8
    # Three columns of eight bytes, and the bits of what is missing.
    size = json.loads(timing.in_process(loading.__file__, "--one", "pyarrow", str(paths[1])))["size"]
    assert 3000 * 24 <= size < 3000 * 25


@pytest.mark.slow
def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"`--one pandas missing` ended with 1"):
        timing.in_process(loading.__file__, "--one", "pandas", "missing")
