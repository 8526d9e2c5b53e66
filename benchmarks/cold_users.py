"""Accuracy of fold-in: recommendations for new users from their history, without training on them.

    python benchmarks/cold_users.py ml-100k.csv.gz amazon-cell-phones.csv.gz --out runs/cold

A fifth of the users are hidden: none of their rows is in training, and items that only they have are not in the catalogue. The
others are trained by `hyperml_tf.train_run` with its defaults, and their results are its test metrics. The last item of a
hidden user is held out, and the items before it are the `history` in a call to `recommend_from_items` of the export. Both
groups of users are evaluated in both protocols, `full` and `sampled100`, and popularity is evaluated on the hidden users. A
held-out item that is not in the catalogue is a miss for all methods. The recommendations of the export are compared with the
exact ranking for each user. A finished run is not trained again.

`--validation` holds out the second to last item instead, and does not use the last one. Use it to choose `--half-life`.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

import hyperml_tf as hml
from hyperml_tf.data import sampled_negatives
from hyperml_tf.geometry.poincare.ordering import pairwise_proximity
from hyperml_tf.metrics import ranking_report
from hyperml_tf.retrieval import ExactIndex
from hyperml_tf.serving.export import fold_in_of

METRICS = ("sampled100_hr@10", "sampled100_ndcg@10", "full_hr@10", "full_ndcg@10")


def hide(table: hml.Interactions, share: float, seed: int) -> tuple[hml.Interactions, list[list[str | int]]]:
    """The table without a random share of its users, and the items of each hidden user in order."""
    rng = np.random.default_rng(seed)
    hidden = np.zeros(table.n_users, bool)
    hidden[rng.choice(table.n_users, round(share * table.n_users), replace=False)] = True
    kept = table.with_rows(~hidden[table.users]).to_frame()
    gone = table.with_rows(hidden[table.users])
    bounds = np.flatnonzero(np.diff(gone.users)) + 1
    items = [rows.tolist() for rows in np.split(table.item_ids[gone.items], bounds)]
    order = np.arange(len(kept))  # rows are sorted by user and then by time
    return hml.Interactions.from_arrays(kept["user"].to_numpy(), kept["item"].to_numpy(), order), items


def trained_run(table: hml.Interactions, path: Path, epochs: int) -> hml.Run:
    if not (path / "metrics.json").exists():
        hml.train_run(table, path, hml.TrainingConfig(epochs=epochs))
    return hml.Run.load(path)


class ColdUsers:
    """Hidden users with at least two items of the catalogue.

    Args:
        run: the run of the other users.
        items: the items of each hidden user, in order, as raw ids.
    """

    def __init__(self, run: hml.Run, items: list[list[str | int]]) -> None:
        self.model = run.model
        codes = [self.model.candidate_lookup(np.array(own)).numpy() for own in items]
        usable = [own for own in codes if (own[:-1] >= 0).any()]
        self.lost = sum(own[-1] < 0 for own in usable)
        self.without_history = len(codes) - len(usable)
        self.n = len(usable)
        codes = [own for own in usable if own[-1] >= 0]
        self.targets = np.array([own[-1] for own in codes])
        self.histories = [own[:-1][own[:-1] >= 0] for own in codes]
        self.indptr = np.concatenate([[0], np.cumsum([len(own) for own in self.histories])])
        self.indices = np.concatenate(self.histories)
        users = np.repeat(np.arange(len(codes), dtype=np.int32), [len(own) + 1 for own in self.histories])
        rows = np.concatenate([np.append(own, last) for own, last in zip(self.histories, self.targets, strict=True)])
        ids = self.model.candidate_lookup.ids
        whole = hml.Interactions(users, rows.astype(np.int32), np.arange(len(codes)), ids)
        self.negatives = sampled_negatives(whole, np.arange(len(codes)))

    def report(self, score: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
        """Means over all hidden users. Held-out items outside the catalogue are misses."""
        known = (self.indptr, self.indices)
        users = np.arange(len(self.targets))
        values = ranking_report(score, users, self.targets, known, self.negatives)
        return {name: value * len(users) / self.n for name, value in values.items()}

    def scorer(self, half_life: float | None) -> Callable[[np.ndarray], tf.Tensor]:
        """The exact ranking of `recommend_from_items`, in float64."""
        curvature = tf.Variable(self.model.curvature())
        points = self.model.candidate_tower.all_points()
        fold_in = fold_in_of(self.model, ExactIndex.of(points, curvature), curvature, half_life)
        c, points = tf.cast(curvature, tf.float64), tf.cast(points, tf.float64)

        def score(users: np.ndarray) -> tf.Tensor:
            own = [self.histories[user] for user in users]
            codes = np.full((len(own), max(map(len, own))), -1, np.int32)
            for row, history in enumerate(own):
                codes[row, : len(history)] = history
            return pairwise_proximity(tf.cast(fold_in.points(tf.constant(codes)), tf.float64), points, c)

        return score

    def check_export(self, half_life: float | None) -> float:
        """The share of users whose ten recommended items are the ten best of the exact ranking."""
        with tempfile.TemporaryDirectory() as scratch:
            served = hml.ServedModel(hml.export_saved_model(self.model, Path(scratch) / "1", k=10, half_life=half_life))
        ids, score, equal = self.model.candidate_lookup.ids, self.scorer(half_life), 0
        for start in range(0, len(self.targets), 256):
            users = np.arange(start, min(start + 256, len(self.targets)))
            got = served.recommend_from_items([ids[self.histories[user]].tolist() for user in users]).ids
            scores = score(users).numpy()
            for row, user in enumerate(users):
                scores[row, self.histories[user]] = -np.inf
            best = ids[np.argsort(-scores, axis=1, kind="stable")[:, :10]].astype(str)
            equal += int((best == got).all(axis=1).sum())
        return equal / len(self.targets)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True, help="the directory of the runs")
    parser.add_argument("--share", type=float, default=0.2, help="the share of users to hide")
    parser.add_argument("--epochs", type=int, default=hml.TrainingConfig().epochs)
    parser.add_argument(
        "--half-life", type=float, nargs="+", default=[None], help="half-lives; that of the model by default"
    )
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)

    print("| table | users | " + " | ".join(METRICS) + " |\n|---|---|" + "--:|" * len(METRICS))
    for path in arguments.tables:
        name = path.name.split(".")[0]
        table, items = hide(hml.Interactions.from_file(path), arguments.share, arguments.seed)
        run = trained_run(table, arguments.out / name, arguments.epochs)
        if arguments.validation:
            items = [own[:-1] for own in items]
        trained = run.metrics["validation" if arguments.validation else "test"]
        cold = ColdUsers(run, items)
        popularity = run.training.popularity()

        def row(label: str, values: dict[str, float], name: str = name) -> None:
            print(f"| {name} | {label} | " + " | ".join(f"{values[key]:.4f}" for key in METRICS) + " |", flush=True)

        row("trained", trained)
        row("hidden, popularity", cold.report(lambda users, p=popularity: np.tile(p, (len(users), 1))))
        for half_life in arguments.half_life:
            values = cold.report(cold.scorer(half_life))
            shown = "" if half_life is None else f", half-life {half_life:g}"
            row(f"hidden{shown}", values)
            row(f"hidden / trained{shown}", {key: values[key] / trained[key] for key in METRICS})
        equal = cold.check_export(arguments.half_life[0])
        print(
            f"{name}: {cold.n} hidden users, {cold.without_history} more had no known item before the last, the last item of "
            f"{cold.lost} is not in the catalogue; the export's first ten equal the ranking for {equal:.1%}."
        )


if __name__ == "__main__":
    main()
