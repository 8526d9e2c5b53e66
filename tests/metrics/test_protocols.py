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
from hyperml_tf.metrics.protocols import rank_held_out
from hyperml_tf.metrics.user_metrics import METRICS

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
def test_ranx_agrees_also_with_several_items_per_user() -> None:
    pytest.importorskip("ranx", reason="ranx (a dev dependency) cannot be imported")
    rng = np.random.default_rng(0)
    scores = rng.permuted(np.tile(np.arange(N_ITEMS, dtype=float), (N_USERS, 1)), axis=1)  # no ties: ranx breaks them
    relevant = {u: rng.permutation(N_ITEMS)[: 1 + u] for u in range(N_USERS)}
    users = np.repeat(np.arange(N_USERS), [len(items) for items in relevant.values()])
    items = np.concatenate(list(relevant.values()))
    shuffled = rng.permutation(len(users))
    nothing = (np.zeros(N_USERS + 1, int), np.zeros(0, int))
    arguments = (lambda rows: scores[rows], users[shuffled], items[shuffled], nothing)
    report = ranking_report(*arguments, ks=(3, 5), batch_size=4, metrics=METRICS)
    report |= {"full_mrr": ranking_report(*arguments)["full_mrr"]}
    names = {"hr": "hit_rate"}
    asked = [f"{names.get(name, name)}@{k}" for name in METRICS for k in (3, 5)] + ["mrr"]
    qrels = {f"u{u}": {f"i{i}": 1 for i in own} for u, own in relevant.items()}
    run = {f"u{u}": {f"i{i}": s for i, s in enumerate(scores[u])} for u in range(N_USERS)}
    # In another process: compiling takes most of a minute, and numba reads the switch that turns it off at its first import.
    program = """
import json, sys, ranx
qrels, run, asked = map(json.loads, sys.argv[1:])
values = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), asked)
print(json.dumps([float(values[name]) for name in asked]))
"""
    printed = run_python(program, *map(json.dumps, (qrels, run, asked)), NUMBA_DISABLE_JIT="1")
    assert list(report.values()) == pytest.approx(json.loads(printed.splitlines()[-1]))


def test_several_items_of_a_user_in_a_loop() -> None:
    rng = np.random.default_rng(1)
    scores = rng.integers(6, size=(N_USERS, N_ITEMS)).astype(float)
    known = [rng.permutation(N_ITEMS)[:3] for _ in range(N_USERS)]
    held_out = [np.setdiff1d(rng.permutation(N_ITEMS)[:4], own) for own in known]
    users, items = np.repeat(np.arange(N_USERS), list(map(len, held_out))), np.concatenate(held_out)
    csr = np.arange(0, 3 * N_USERS + 1, 3), np.concatenate([np.sort(own) for own in known])
    others = [np.setdiff1d(np.arange(N_ITEMS), [*known[u], *held_out[u]])[:4] for u in range(N_USERS)]
    negatives = np.stack([others[user] for user in users])
    found = rank_held_out(lambda rows: scores[rows], users, items, csr, negatives, batch_size=5)
    for protocol in ("full", "sampled4"):
        for user in range(N_USERS):
            own = users == user
            rivals = others[user] if protocol != "full" else np.setdiff1d(np.arange(N_ITEMS), known[user])
            # Held-out items come before the others with an equal score only where they score higher.
            listed = sorted(
                {*rivals.tolist(), *items[own].tolist()}, key=lambda i: (-scores[user, i], i in held_out[user])
            )
            expected = [listed.index(item) for item in listed if item in held_out[user]]
            assert sorted(found.places[protocol][own].tolist()) == expected


def test_a_user_is_not_held_out_twice_with_one_item() -> None:
    nothing = (np.zeros(2, int), np.zeros(0, int))
    with pytest.raises(ValueError, match="must not hold a pair twice"):
        ranking_report(lambda users: np.zeros((len(users), 3)), np.array([0, 0]), np.array([1, 1]), nothing)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"metrics": ["auc"]}, r"`metrics` must be names among hr, .*Received: \['auc'\]"),
        ({"metrics": "hr"}, "`metrics` must be names among .*Received: hr"),
        ({"ks": (5, 0)}, r"`ks` must be positive integers. Received: ks=\(5, 0\)"),
        ({"ks": ()}, "`ks` must be positive integers"),
    ],
)
def test_unknown_metrics_and_cutoffs(arguments: dict, said: str) -> None:
    case = Case(6)
    with pytest.raises(ValueError, match=said):
        ranking_report(case.score, case.users, case.items, case.csr, **arguments)


def test_ranks_themselves() -> None:
    scores = np.array([[3.0, 2.0, 1.0]])
    ranked = rank_held_out(lambda _: scores, np.array([0]), np.array([2]), ([0, 1], [0]), np.array([[0, 1]]))
    assert {name: values.tolist() for name, values in ranked.places.items()} == {"full": [1], "sampled2": [2]}
