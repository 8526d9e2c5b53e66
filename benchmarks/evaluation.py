"""Exact ranking of every user's held-out item among the whole catalogue: ours, FactorizedTopK of TFRS, and a loop in numpy.

    python benchmarks/evaluation.py ml-1m.csv.gz [--epochs 2] [--rounds 3] [--quick] [--json figures.json]

The model is trained for some epochs first, so that ranks are those of a model and not of chance. Every side gets the same points,
and does what its users do to learn nDCG@10 or the hit rate of the test rows:

- *ours*: `model.evaluate_ranking`, in float64, without what the user has seen;
- *ours, in fit*: the same users as `validation_data`, in float32 (`model.evaluate`), from which a sample is taken in training;
- *TFRS FactorizedTopK*: on lifted points, over a `BruteForce` index and over a `Streaming` one, k = 10 with 128 users a batch. It
  has no exclusions: it ranks among the items a user has seen, too, and so finds other numbers;
- *numpy loop*: one user after the other, a matrix product, a mask and a count.

About 2 minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import results
import tensorflow as tf
import tensorflow_recommenders as tfrs
import timing

import hyperml_tf as hml
from hyperml_tf.geometry import lorentz
from hyperml_tf.metrics.protocols import expand_rows

OURS = "ours"
_BATCH = 128


class Factorized:
    """FactorizedTopK over lifted points, for which its dot product orders as the distance does."""

    def __init__(self, model: Any, held_out: hml.Interactions, streaming: bool) -> None:
        c = model.curvature()
        items = lorentz.lift(model.candidate_tower.all_points(), c)
        users = lorentz.query(lorentz.lift(model.query_tower.all_points(), c), c)
        candidates = tf.data.Dataset.from_tensor_slices(items).batch(1024).cache()
        index: Any = candidates
        if not streaming:
            index = tfrs.layers.factorized_top_k.BruteForce(k=10).index_from_dataset(candidates)
        self._metric = tfrs.metrics.FactorizedTopK(index, ks=(10,))
        self._pairs = [
            (
                tf.gather(users, held_out.users[start : start + _BATCH]),
                tf.gather(items, held_out.items[start : start + _BATCH]),
            )
            for start in range(0, len(held_out), _BATCH)
        ]
        # As a model's `test_step` would: in a graph.
        self._update = tf.function(self._add, reduce_retracing=True)

    def _add(self, near: tf.Tensor, far: tf.Tensor) -> None:
        self._metric.update_state(near, far)

    def __call__(self) -> float:
        """The hit rate."""
        self._metric.reset_states()
        for near, far in self._pairs:
            self._update(near, far)
        return float(self._metric.result()[0])


def numpy_loop(model: Any, held_out: hml.Interactions, known: hml.Interactions) -> float:
    """The hit rate, one user after the other."""
    c = model.curvature()
    items = lorentz.lift(model.candidate_tower.all_points(), c).numpy()
    users = lorentz.query(lorentz.lift(model.query_tower.all_points(), c), c).numpy()
    indptr, indices = known.csr()
    hits = 0
    for user, item in zip(held_out.users, held_out.items, strict=True):
        scores = items @ users[user]
        target = scores[item]
        scores[indices[indptr[user] : indptr[user + 1]]] = -np.inf
        hits += np.count_nonzero(scores >= target) < 10 + (scores[item] >= target)
    return hits / len(held_out)


def sides(model: Any, split: Any) -> dict[str, Callable[[], float]]:
    """Functions that evaluate once and return the hit rate."""
    known, test = split.before_test, split.test
    model.set_seen(known)
    rows, _ = expand_rows(*known.csr(), test.users)
    assert len(rows) == known.activity()[test.users].sum()
    batches = tf.data.Dataset.from_tensor_slices({"user": test.users, "item": test.items}).batch(500)
    return {
        OURS: lambda: model.evaluate_ranking(test, seen=known)["full_hr@10"],
        "ours, in fit": lambda: model.evaluate(batches, verbose=0, return_dict=True)["full_hr@10"],
        "TFRS FactorizedTopK, BruteForce": Factorized(model, test, streaming=False),
        "TFRS FactorizedTopK, Streaming": Factorized(model, test, streaming=True),
        "numpy loop": lambda: numpy_loop(model, test, known),
    }


def table(figures: dict[str, float], rates: dict[str, float], users: int) -> str:
    """Seconds of every side; the last column divides them by ours."""
    rows = [
        [name, f"{seconds:.3f}", f"{users / seconds:,.0f}", f"{rates[name]:.4f}", f"{seconds / figures[OURS]:.2f}"]
        for name, seconds in figures.items()
    ]
    return timing.markdown(["side", "s", "users/s", "HR@10", "it / ours"], rows)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a file of interactions")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one epoch, one round")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    arguments = parser.parse_args(words)
    if arguments.quick:
        arguments.epochs = arguments.rounds = 1
    split = hml.leave_one_out(hml.Interactions.from_file(arguments.data))
    model = hml.HyperML.from_interactions(split.train)
    model.compile(steps_per_execution=16)
    model.fit(split.train, epochs=arguments.epochs, verbose=0)
    ready, rates = sides(model, split), {}

    def ask(name: str) -> float:
        rates[name] = ready[name]()
        return rates[name]

    times = timing.take_turns(
        {name: lambda name=name: timing.seconds_of(lambda: ask(name)) for name in ready}, arguments.rounds
    )
    users = len(split.test)
    print(
        f"{users:,} users, {split.test.n_items:,} items, {timing.threads()} threads, spread {timing.spread(times):.0%}"
    )
    print(table(timing.medians(times), rates, users))
    if arguments.json is not None:
        results.write_json(arguments.json, times)


if __name__ == "__main__":
    main()
