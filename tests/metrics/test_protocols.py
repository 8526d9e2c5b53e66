"""`ranking_report` against a loop that is obviously right, and against ranx."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from quick import examples
from tiny import run_python

from hyperml_tf.metrics import ranking_report
from hyperml_tf.metrics.protocols import held_out_ranks

N_USERS, N_ITEMS = 7, 12


class Case:
    """A random table of scores with ties, held-out items, exclusions and sampled negatives."""

    def __init__(self, seed: int, levels: int = 4) -> None:
        rng = np.random.default_rng(seed)
        self.scores = rng.integers(levels, size=(N_USERS, N_ITEMS)).astype(np.float32)
        self.scores[rng.random(self.scores.shape) < 0.05] = np.nan
        self.users = np.flatnonzero(rng.random(N_USERS) < 0.7) if seed else np.arange(N_USERS)
        self.users = self.users if len(self.users) else np.array([0])
        self.items = rng.integers(N_ITEMS, size=len(self.users))
        # A user may have nothing excluded, and the held-out item itself may be among the excluded.
        self.excluded = [np.flatnonzero(rng.random(N_ITEMS) < rng.choice([0.0, 0.5])) for _ in range(N_USERS)]
        self.negatives = rng.integers(N_ITEMS, size=(len(self.users), 5))

    @property
    def csr(self) -> tuple[np.ndarray, np.ndarray]:
        lengths = [len(row) for row in self.excluded]
        return np.concatenate([[0], np.cumsum(lengths)]), np.concatenate(self.excluded)

    def score(self, users: np.ndarray) -> np.ndarray:
        return self.scores[users]


def slow_report(case: Case, ks: tuple[int, ...]) -> dict[str, float]:
    ranks: dict[str, list[int]] = {"full": [], "sampled5": []}
    for row, (user, item) in enumerate(zip(case.users, case.items, strict=True)):
        competitors = [i for i in range(N_ITEMS) if i != item and i not in case.excluded[user]]
        for protocol, others in (("full", competitors), ("sampled5", case.negatives[row])):
            ranks[protocol].append(sum(not case.scores[user, i] < case.scores[user, item] for i in others))
    report = {}
    for protocol, values in ranks.items():
        for k in ks:
            report[f"{protocol}_hr@{k}"] = float(np.mean([rank < k for rank in values]))
            report[f"{protocol}_ndcg@{k}"] = float(np.mean([rank < k and 1 / np.log2(rank + 2) for rank in values]))
        report[f"{protocol}_mrr"] = float(np.mean([1 / (rank + 1) for rank in values]))
    return report


@settings(max_examples=examples(40))
@given(seed=st.integers(0, 10_000), batch_size=st.integers(1, N_USERS + 1))
def test_equals_a_loop(seed: int, batch_size: int) -> None:
    case = Case(seed)
    ks = (1, 3, 20)
    report = ranking_report(case.score, case.users, case.items, case.csr, case.negatives, ks, batch_size)
    assert report == pytest.approx(slow_report(case, ks), rel=1e-6)


@pytest.mark.parametrize("convert", [np.asarray, tf.constant, lambda s: tf.cast(s, tf.float64), np.ndarray.tolist])
def test_any_array_of_scores(convert: Callable) -> None:
    case = Case(1)
    arguments = (case.users, case.items, case.csr, case.negatives)
    assert ranking_report(lambda users: convert(case.scores[users]), *arguments) == ranking_report(
        case.score, *arguments
    )


def test_no_negatives_no_sampled_protocol() -> None:
    case = Case(2)
    measures = {f"{name}@{k}" for name in ("hr", "ndcg") for k in (5, 10, 20)} | {"mrr"}
    assert set(ranking_report(case.score, case.users, case.items, case.csr)) == {f"full_{name}" for name in measures}


def test_nothing_excluded_at_all() -> None:
    nothing = (np.zeros(N_USERS + 1, int), np.zeros(0, int))
    case = Case(3)
    case.excluded = [np.zeros(0, int)] * N_USERS
    report = ranking_report(case.score, case.users, case.items, nothing, case.negatives)
    assert report == pytest.approx(slow_report(case, (5, 10, 20)), rel=1e-6)


def test_no_user() -> None:
    with pytest.raises(ValueError, match="`users` must not be empty"):
        ranking_report(lambda users: np.zeros((len(users), 2)), np.array([], int), np.array([], int), ([0], []))


def test_rows_that_do_not_belong_together() -> None:
    case = Case(4)
    for users, items, negatives in (
        (case.users, case.items[:-1], None),
        (case.users[:-1], case.items, None),
        (case.users, case.items, case.negatives[:-1]),
        (case.users[:-1], case.items[:-1], case.negatives),
    ):
        with pytest.raises(ValueError, match=r"`users`, `items` and `negatives`.*Received"):
            ranking_report(case.score, users, items, case.csr, negatives)


@pytest.mark.parametrize(
    "shape", [lambda n: (n,), lambda n: (n, N_ITEMS, 1), lambda n: (n - 1, N_ITEMS), lambda n: (n + 1, N_ITEMS)]
)
def test_scores_of_the_wrong_shape(shape: Callable[[int], tuple[int, ...]]) -> None:
    case = Case(5)
    with pytest.raises(ValueError, match=r"`score` must return scores of shape.*Received"):
        ranking_report(lambda users: np.zeros(shape(len(users))), case.users, case.items, case.csr)


@pytest.mark.slow
def test_ranx_agrees() -> None:
    pytest.importorskip("ranx", reason="ranx (a dev dependency) cannot be imported")
    rng = np.random.default_rng(0)
    scores = rng.permuted(np.tile(np.arange(N_ITEMS, dtype=float), (N_USERS, 1)), axis=1)  # no ties: ranx breaks them
    users, items = np.arange(N_USERS), rng.integers(N_ITEMS, size=N_USERS)
    nothing = (np.zeros(N_USERS + 1, int), np.zeros(0, int))
    report = ranking_report(lambda rows: scores[rows], users, items, nothing, ks=(3,))
    qrels = {f"u{u}": {f"i{i}": 1} for u, i in zip(users, items, strict=True)}
    run = {f"u{u}": {f"i{i}": s for i, s in enumerate(scores[u])} for u in users}
    # In another process: compiling takes most of a minute, and numba reads the switch that turns it off at its first import.
    program = """
import json, sys, ranx
qrels, run = map(json.loads, sys.argv[1:])
values = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), ["hit_rate@3", "ndcg@3", "mrr"])
print(json.dumps({name: float(value) for name, value in values.items()}))
"""
    printed = run_python(program, json.dumps(qrels), json.dumps(run), NUMBA_DISABLE_JIT="1")
    expected = json.loads(printed.splitlines()[-1])
    assert report["full_hr@3"] == pytest.approx(expected["hit_rate@3"])
    assert report["full_ndcg@3"] == pytest.approx(expected["ndcg@3"])
    assert report["full_mrr"] == pytest.approx(expected["mrr"])


def test_ranks_themselves() -> None:
    scores = np.array([[3.0, 2.0, 1.0]])
    ranks = held_out_ranks(lambda _: scores, np.array([0]), np.array([2]), ([0, 1], [0]), np.array([[0, 1]]))
    assert {name: values.tolist() for name, values in ranks.items()} == {"full": [1], "sampled2": [2]}
