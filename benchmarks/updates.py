"""Updates against retraining: how much of the accuracy of a new training an update reaches, and in how much of its time.

    python benchmarks/updates.py ml-100k.csv.gz amazon-cell-phones.csv.gz
    python benchmarks/updates.py amazon-cell-phones.csv.gz --validate 3,1,1 6,1,1 3,3,1 3,1,0.3

A table is cut into five fifths by its order column, a time, over all users. A model is trained on the first fifth. Then the
second arrives, the third and the fourth, and each time the models rank, for every user with a known row, the first item of the
user in the fifth that follows:

- `retrained`, trained anew on all rows so far;
- `updated`, the model before, extended by the new users and items and trained further as `hyperml-tf update` does;
- `histories only`, the model of the first fifth, extended, with all rows so far as the histories of its users;
- `not updated`, the model of the first fifth as it is: new users are at the origin, and new items behind all others.

Candidates are all items so far that the user has not had. Seconds are those of the processor, for training alone, of all threads.

`--validate` compares settings of updates, `epochs,replay,rate`, without the test rows: on the last rows of the second fifth,
after a training on the first fifth and an update with the others.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

import hyperml_tf as hml
from hyperml_tf.data import sampled_negatives
from hyperml_tf.metrics.paired import paired_interval
from hyperml_tf.metrics.protocols import rank_held_out
from hyperml_tf.runs import fitting
from hyperml_tf.runs.replay import fit_with_replay, steps_of_epoch
from hyperml_tf.settings import defaults
from hyperml_tf.settings.resolution import chosen

METRICS = ("full_ndcg@10", "sampled100_ndcg@10")
NAMES = ("retrained", "updated", "histories only", "not updated")


def parts(path: Path, shares: list[float]) -> Iterator[hml.Interactions]:
    """The table up to each share of its rows in time."""
    columns = hml.Interactions.from_file(path).origin.columns
    if "order" not in columns:
        raise SystemExit(f"{path} has no column of times")
    frame = pd.read_csv(path, dtype={columns["user"]: str, columns["item"]: str})
    frame = frame.sort_values(columns["order"], kind="stable")
    table = None
    for start, end in zip([0.0, *shares], shares, strict=False):
        rows = frame.iloc[round(start * len(frame)) : round(end * len(frame))]
        part = hml.Interactions.from_frame(rows, columns["user"], columns["item"], columns["order"])
        table = part if table is None else table.append(part)
        yield table


class Test:
    """The first new item of every user with a known row, if the item is known, too."""

    def __init__(self, known: hml.Interactions, later: hml.Interactions) -> None:
        self.known = known
        rows = later.recode(known.user_ids, known.item_ids)
        rows = rows.with_rows(~np.isin(keys(rows), keys(known)))
        self.rows = rows.with_rows(np.unique(rows.users, return_index=True)[1])
        self.negatives = sampled_negatives(known.append(self.rows), self.rows.users)

    def __call__(self, model: hml.HyperML, histories: hml.Interactions | None = None) -> dict[str, np.ndarray]:
        """The metrics of each user."""
        score = model.scorer(self.known if histories is None else histories)
        rows, excluded = self.rows, self.known.csr()
        return rank_held_out(score, rows.users, rows.items, excluded, self.negatives).of_users((10,), ["ndcg"])


def keys(table: hml.Interactions) -> np.ndarray:
    return table.users.astype(np.int64) * table.n_items + table.items


def timed(train: Callable[[], hml.HyperML]) -> tuple[hml.HyperML, float]:
    started = time.process_time()
    return train(), time.process_time() - started


def train(table: hml.Interactions, epochs: int) -> hml.HyperML:
    config = hml.TrainingConfig(epochs=epochs).resolved(table)
    model = fitting.new_model(table, config)
    fitting.fit(model, table, None, epochs, config.batch_size)
    return model


def update(
    model: hml.HyperML, before: hml.Interactions, table: hml.Interactions, given: defaults.Update
) -> hml.HyperML:
    config = hml.TrainingConfig.from_dict({**model.settings.to_dict(), "optimizer": "adagrad"})
    learned = np.isin(keys(table), before.users.astype(np.int64) * table.n_items + before.items)
    new, old = table.with_rows(~learned), table.with_rows(learned)
    model = model.extended(rows=table)
    model.set_seen(table)
    steps = given.epochs * steps_of_epoch(new, old, given.replay, config.batch_size)
    rate = given.rate * chosen(config.learning_rate)
    falling = fitting.falling_again(model, config, rate, steps)
    fitting.change_rate(model, falling, fitting.steps_in_a_loop(steps))
    return fit_with_replay(model, new, old, given.epochs, given.replay, config.batch_size)


def compare(path: Path, epochs: int, given: defaults.Update) -> None:
    tables = list(parts(path, [0.2, 0.4, 0.6, 0.8, 1.0]))
    first, seconds = timed(lambda: train(tables[0], epochs))
    print(f"\n{path.name}, {epochs} epochs of training, updates of {given}; the first fifth took {seconds:.1f} s")
    print("| fifth | users | rows of new items | model | full | sampled100 | of retrained | seconds | of retrained |")
    print("|---|--:|--:|---|--:|--:|--:|--:|--:|")
    updated, sums = first, {name: np.zeros(3) for name in NAMES}
    differences: dict[str, list[np.ndarray]] = {metric: [] for metric in METRICS}
    for number in range(1, 4):
        before, table = tables[number - 1], tables[number]
        test = Test(table, tables[number + 1])
        stale = first.extended(table.user_ids, table.item_ids)
        updated, of_update = timed(lambda: update(updated, before, table, given))  # noqa: B023
        retrained, of_training = timed(lambda: train(table, epochs))  # noqa: B023
        found = {
            "retrained": (test(retrained), of_training),
            "updated": (test(updated), of_update),
            "histories only": (test(stale), 0.0),
            "not updated": (test(stale, tables[0].recode(table.user_ids, table.item_ids)), 0.0),
        }
        for name, (metrics, took) in found.items():
            sums[name] += [*(metrics[metric].mean() for metric in METRICS), took]
        for metric, all_of_them in differences.items():
            all_of_them.append(found["updated"][0][metric] - found["retrained"][0][metric])
        new = float(np.mean(test.rows.items >= tables[0].n_items))
        for name, (metrics, took) in found.items():
            values = np.array([*(metrics[metric].mean() for metric in METRICS), took])
            best = np.array([*(found["retrained"][0][metric].mean() for metric in METRICS), of_training])
            print(line(f"{number + 2}", f"{len(test.rows):,}", f"{new:.0%}", name, values, best), flush=True)
    for name in NAMES:
        print(line("all", "", "", name, sums[name] / 3, sums["retrained"] / 3))
    for number, (metric, all_of_them) in enumerate(differences.items()):
        mean, low, high, p = paired_interval(np.concatenate(all_of_them))
        best = sums["retrained"][number] / 3
        print(
            f"{metric}, updated less retrained: {mean:+.4f}, 95 % interval {low:+.4f} to {high:+.4f} ({low / best:+.0%} to "
            f"{high / best:+.0%} of retrained), p {p:.2f}"
        )


def line(fifth: str, users: str, new: str, name: str, values: np.ndarray, best: np.ndarray) -> str:
    share = values / best
    shares = f"{share[0]:.0%} / {share[1]:.0%}"
    cells = (
        fifth,
        users,
        new,
        name,
        f"{values[0]:.4f}",
        f"{values[1]:.4f}",
        shares,
        f"{values[2]:.1f}",
        f"{share[2]:.0%}",
    )
    return f"| {' | '.join(cells)} |"


def validate(path: Path, epochs: int, settings: list[str]) -> None:
    base, known, later = parts(path, [0.2, 0.36, 0.4])
    test = Test(known, later)
    model, seconds = timed(lambda: train(base, epochs))
    retrained, seconds = timed(lambda: train(known, epochs))
    found: dict[str, tuple[dict[str, np.ndarray], float]] = {"retrained": (test(retrained), seconds)}
    found["histories only"] = test(model.extended(known.user_ids, known.item_ids)), 0.0
    for text in settings:
        epochs_, replay, rate = text.split(",")
        given = defaults.Update(int(epochs_), float(replay), float(rate))
        after, seconds = timed(lambda: update(model, base, known, given))  # noqa: B023
        found[text] = test(after), seconds
    print(f"\n{path.name}, validation: {len(test.rows):,} users")
    print("| epochs, replay, rate | full | sampled100 | seconds |\n|---|--:|--:|--:|")
    for name, (metrics, seconds) in found.items():
        print(f"| {name} | {metrics[METRICS[0]].mean():.4f} | {metrics[METRICS[1]].mean():.4f} | {seconds:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path, help="tables with a column of times")
    parser.add_argument("--epochs", type=int, default=hml.TrainingConfig().epochs, help="epochs of a training")
    parser.add_argument("--update-epochs", type=int, default=defaults.UPDATE.epochs)
    parser.add_argument("--replay", type=float, default=defaults.UPDATE.replay)
    parser.add_argument("--rate", type=float, default=defaults.UPDATE.rate)
    parser.add_argument(
        "--validate", nargs="+", metavar="EPOCHS,REPLAY,RATE", help="settings to compare on validation rows"
    )
    arguments = parser.parse_args()
    for path in arguments.tables:
        if arguments.validate:
            validate(path, arguments.epochs, arguments.validate)
        else:
            compare(path, arguments.epochs, defaults.Update(arguments.update_epochs, arguments.replay, arguments.rate))


if __name__ == "__main__":
    main()
