"""Training time to reach an accuracy: HyperML by `fit`, BPR of `implicit`, and the fused loop with the loss of HyperML.

    pip install -e '.[benchmarks]'
    python benchmarks/time_to_accuracy.py amazon-cell-phones.csv.gz ml-1m.csv.gz [--minutes 0.75] [--quick] [--json curves.json]
    python benchmarks/time_to_accuracy.py --draw curves.json docs/convergence.png

Each side trains on the same split (leave-one-out by time) in its own process with all threads, and is validated after each
epoch on the same `--users` users: nDCG@10 among all items outside their training rows. The time of validation is not counted.
*Warm* counts from the first step, including tracing but not the compilation of the loop; *cold* counts from the start of the
process, including imports and reading and splitting the file. A side stops after `--minutes` of training, or when it has not
improved for a third of its epochs, at least 10.

BPR has the best of four settings, selected by runs of a quarter of the time. HyperML and the loop have the defaults of
`hyperml-tf train`, except for a constant learning rate, as the number of epochs is unknown. With `--decay` it decays over that
many epochs. Takes about 4 minutes per table.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import results
import timing

OURS, LOOP, BPR = "HyperML, fit", "fused loop", "implicit BPR"
RATES, REGULARIZATIONS = (0.03, 0.1), (0.01, 0.1)
_BATCH_SIZE, _RATE = 2048, 0.05

Curve = list[tuple[float, float]]
"""Seconds of training, and the nDCG@10 after them."""

Scorer = Callable[[np.ndarray], Any]
AfterEpoch = Callable[[Scorer], bool]
"""A function that each side calls after an epoch; False ends the training."""


def hyperml(train: Any, settings: dict[str, Any], after_epoch: AfterEpoch) -> None:
    """`HyperML.fit` with the defaults of the command line."""
    import tensorflow as tf

    import hyperml_tf as hml

    class Validate(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = not after_epoch(self.model.scorer())

    model = hml.HyperML.from_interactions(train)
    steps = -(-len(train) // _BATCH_SIZE)
    decay = settings.get("decay")
    optimizer = model.default_optimizer(_RATE, decay_steps=decay and decay * steps)
    model.compile(optimizer, steps_per_execution=min(16, steps))
    model.fit(train, batch_size=_BATCH_SIZE, epochs=decay or 10**6, callbacks=[Validate()], verbose=0)


def fused_loop(train: Any, settings: dict[str, Any], after_epoch: AfterEpoch) -> None:
    """The loop with the defaults of HyperML, except for the number of negatives: the hardest two of 20."""
    from rivals.fused_loop import FusedLoop

    model, decay, epoch = FusedLoop(train, threads=timing.threads()), settings.get("decay"), 0
    rate = model.learning_rate
    while decay is None or epoch < decay:
        model.epoch(rate * (1.0 - epoch / decay) if decay else rate)
        epoch += 1
        if not after_epoch(model.scorer()):
            return


def implicit_bpr(train: Any, settings: dict[str, Any], after_epoch: AfterEpoch) -> None:
    """BPR. Its epochs are short, so five of them count as one."""
    from implicit.cpu.bpr import BayesianPersonalizedRanking
    from rivals.seen_matrix import seen_matrix

    seen = seen_matrix(train)
    chosen = {name: settings[name] for name in ("learning_rate", "regularization")}
    model = BayesianPersonalizedRanking(
        factors=64, iterations=5, num_threads=timing.threads(), random_state=0, **chosen
    )
    while True:
        model.fit(seen, show_progress=False)
        users, items = np.asarray(model.user_factors), np.asarray(model.item_factors)
        if not after_epoch(lambda codes, users=users, items=items: users[codes] @ items.T):
            return


SIDES = {OURS: hyperml, LOOP: fused_loop, BPR: implicit_bpr}


def run(side: str, path: str, settings: dict[str, Any], seconds: float, users: int, began: float) -> dict[str, Any]:
    """Trains and validates in this process, which started at the time `began`."""
    import hyperml_tf as hml
    from hyperml_tf.metrics import ranking_report

    split = hml.leave_one_out(hml.Interactions.from_file(path), order="last")
    chosen = np.sort(np.random.default_rng(0).permutation(len(split.validation))[:users])
    rows, items = split.validation.users[chosen], split.validation.items[chosen]
    excluded = split.train.csr()
    if side == LOOP:
        fused_loop(split.train, {}, lambda score: False)  # compiles
    curve: Curve = []
    spent = 0.0

    def after_epoch(score: Scorer) -> bool:
        nonlocal spent, started
        spent += time.perf_counter() - started
        curve.append((spent, ranking_report(score, rows, items, excluded)["full_ndcg@10"]))
        started = time.perf_counter()
        return spent < seconds and not _has_stalled(curve)

    start_up, started = time.time() - began, time.perf_counter()
    SIDES[side](split.train, settings, after_epoch)
    return {"curve": curve, "start_up": start_up}


def _has_stalled(curve: Curve) -> bool:
    values = [value for _, value in curve]
    return len(values) - 1 - int(np.argmax(values)) > max(10, len(values) // 3) if values else False


def seconds_to(curve: Curve, goal: float) -> float:
    """The time at which a curve first reaches a value; infinity if it does not."""
    return next((spent for spent, value in curve if value >= goal), float("inf"))


def best(curve: Curve) -> tuple[float, float]:
    """The highest value of a curve, and the time at which it is first reached."""
    value = max(value for _, value in curve)
    return value, seconds_to(curve, value)


def ask(side: str, path: Path, settings: dict[str, Any], seconds: float, users: int) -> dict[str, Any]:
    """`run` in another process."""
    words = ("--one", side, str(path), json.dumps(settings), str(seconds), str(users), str(time.time()))
    return json.loads(timing.in_process(__file__, *words))


def tuned_bpr(path: Path, seconds: float, users: int) -> dict[str, Any]:
    """The best settings of BPR, selected by short runs."""
    grid = [
        {"learning_rate": rate, "regularization": weight} for rate, weight in itertools.product(RATES, REGULARIZATIONS)
    ]
    return max(grid, key=lambda settings: best(ask(BPR, path, settings, seconds, users)["curve"])[0])


def compare(path: Path, seconds: float, users: int, decay: int | None) -> dict[str, Any]:
    """The results of all sides for one table."""
    schedule = {"decay": decay} if decay else {}
    answers: dict[str, Any] = {}
    if timing.has("implicit", BPR):
        settings = tuned_bpr(path, seconds / 4, users)
        print(f"{path.name}: BPR has {settings}", flush=True)
        answers[BPR] = ask(BPR, path, settings, seconds, users)
    if timing.has("numba", LOOP):
        answers[LOOP] = ask(LOOP, path, schedule, seconds, users)
    answers[OURS] = ask(OURS, path, schedule, seconds, users)
    return answers


def table(figures: dict[str, dict[str, Any]]) -> str:
    """One row per side. The last columns are the time at which HyperML reaches its best result, and the ratio to its time."""
    rows = []
    for data, answers in figures.items():
        ours = answers[OURS]
        for side, answer in answers.items():
            value, at = best(answer["curve"])
            reached = seconds_to(ours["curve"], value)
            cold = answer["start_up"] + at
            rows.append(
                [data, side, f"{value:.4f}", f"{at:.1f}", f"{cold:.1f}", f"{reached:.1f}", f"{reached / at:.2f}"]
            )
    header = ["data", "side", "best nDCG@10", "warm s", "cold s", "ours reaches it, s", "ours / side"]
    return timing.markdown(header, rows, left=2)


def draw(curves: Path, target: Path) -> None:
    """Plots the best result of each side by seconds of training, one panel per table."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figures = json.loads(curves.read_text())
    figure, panels = plt.subplots(
        1, len(figures), figsize=(5.5 * len(figures), 3.8), layout="constrained", squeeze=False
    )
    for panel, (data, answers) in zip(panels.flat, figures.items(), strict=True):
        for side, answer in answers.items():
            seconds, values = zip(*answer["curve"], strict=True)
            panel.plot(seconds, values, ".-", markersize=3, linewidth=1, label=side)
        panel.set(title=data, xscale="log", xlabel="seconds of training", ylabel="validation full_ndcg@10")
        panel.legend(fontsize=8)
    figure.savefig(target, dpi=110)
    plt.close(figure)


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="*", help="files of interactions")
    parser.add_argument("--minutes", type=float, default=0.75, help="minutes of training per side")
    parser.add_argument("--users", type=int, default=3000, help="the number of validation users")
    parser.add_argument("--decay", type=int, help="epochs over which the learning rate decays; constant by default")
    parser.add_argument("--quick", action="store_true", help="three seconds per side, 500 users")
    parser.add_argument("--json", type=Path, help="the file to save the curves to")
    parser.add_argument("--draw", nargs=2, type=Path, metavar=("CURVES", "PLOT"), help="plot curves saved by --json")
    parser.add_argument("--one", nargs=6, metavar=tuple("ABCDEF"), help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.draw:
        draw(*arguments.draw)
        return
    if arguments.one:
        side, path, settings, seconds, users, began = arguments.one
        print(json.dumps(run(side, path, json.loads(settings), float(seconds), int(users), float(began))))
        return
    if not arguments.tables:
        parser.error("name at least one table")
    seconds, users = (3.0, 500) if arguments.quick else (arguments.minutes * 60, arguments.users)
    figures = {path.name.split(".")[0]: compare(path, seconds, users, arguments.decay) for path in arguments.tables}
    print(f"{timing.threads()} threads, {users} users validated")
    print(table(figures))
    if arguments.json is not None:
        results.write_json(arguments.json, figures)


if __name__ == "__main__":
    main()
