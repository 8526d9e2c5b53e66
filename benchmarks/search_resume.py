"""Kills a hyperparameter search over HyperML in the middle of a trial, once for each tuner, resumes it, and checks the result.

    python benchmarks/search_resume.py ratings.csv [--epochs 6] [--work DIR]

Each search runs in its own process, which gets SIGKILL while it trains its fourth model. The second process must run only the
trials that had not finished, and the best model, loaded from its checkpoint and evaluated again, must have the metrics of its
trial. Any difference ends the program with an error.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TUNERS: dict[str, dict[str, Any]] = {
    "RandomSearch": {"max_trials": 6},
    "BayesianOptimization": {"max_trials": 6, "num_initial_points": 3},
    "Hyperband": {"factor": 3},
    "GridSearch": {"max_trials": 6},
}
KILLED_IN = 4


def search(name: str, table: Path, work: Path, epochs: int) -> None:
    """Runs a search to its end, or until it is killed. Writes the trials that it begins and, at the end, its result to files."""
    from hyperml_tf import Interactions, TrainingConfig, tuning
    from hyperml_tf.runs.held_out import HeldOut

    class Listener:
        def on_trial_begin(self, oracle: Any, trial: Any) -> None:
            with (work / "begun.txt").open("a") as file:
                file.write(f"{trial.trial_id}\n")

        def on_epoch_end(self, trial: Any, epoch: int, logs: Any) -> None:
            with (work / "epochs.txt").open("a") as file:
                file.write(f"{trial.trial_id}\n")

        def on_trial_end(self, oracle: Any, trial: Any) -> None:
            """Does nothing: the files of the oracle tell it."""

    split = HeldOut.draw(Interactions.from_file(table), "last", seed=0).split
    space = {"dim": [16, 32], "mode": "tangent", "batch_size": [2048, 4096], "negatives": [10, 20]}
    hypermodel = tuning.HyperMLHyperModel(split.train, split.validation, space, TrainingConfig(epochs=epochs))
    options = {"max_epochs": epochs, **TUNERS[name]} if name == "Hyperband" else TUNERS[name]
    searcher = getattr(tuning, name)(
        hypermodel,
        hypermodel.objective,
        seed=1,
        directory=str(work),
        project_name="search",
        listener=Listener(),
        **options,
    )
    searcher.search(verbose=0)
    (best,) = searcher.oracle.get_best_trials()
    measured = hypermodel.evaluate(searcher.get_best_models()[0])
    found = {
        "trials": {trial.trial_id: trial.status for trial in searcher.oracle.trials.values()},
        "best": best.trial_id,
        "objective": best.score,
        "trial": {name: best.metrics.get_last_value(f"val_{name}") for name in measured},
        "measured": measured,
    }
    (work / "found.json").write_text(json.dumps(found))


def show(name: str, table: Path, work: Path, epochs: int) -> str:
    """Kills a search, resumes it, and checks the result. Returns a row of the table."""
    work.mkdir(parents=True)
    command = [sys.executable, __file__, str(table), "--epochs", str(epochs), "--work", str(work), "--search", name]
    with (work / "output.txt").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        while lines(work / "begun.txt")[KILLED_IN - 1 :] == [] or not midway(work):
            if process.poll() is not None:
                raise SystemExit(f"{name}: the search ended by itself, see {work / 'output.txt'}")
            time.sleep(0.02)
        process.kill()
        if process.wait() != -signal.SIGKILL:
            raise SystemExit(f"{name}: the search was not killed")
        begun = lines(work / "begun.txt")
        finished = {path: path.stat().st_mtime_ns for path in work.glob("search/trial_*/trial.json") if completed(path)}
        (work / "begun.txt").unlink()
        started = time.perf_counter()
        subprocess.run(command, stdout=output, stderr=output, check=True)
    seconds = time.perf_counter() - started
    again = lines(work / "begun.txt")
    found = json.loads((work / "found.json").read_text())
    done = {path.parent.name.removeprefix("trial_") for path in finished}
    check(len(done) == KILLED_IN - 1, name, f"{len(done)} trials were finished before the kill")
    check(not done & set(again), name, f"finished trials ran again: {sorted(done & set(again))}")
    check(again[0] == begun[-1], name, f"the interrupted trial {begun[-1]} did not run again first")
    check(all(path.stat().st_mtime_ns == time for path, time in finished.items()), name, "finished trials have changed")
    check(set(found["trials"].values()) == {"COMPLETED"}, name, f"not all trials completed: {found['trials']}")
    check(done | set(again) == set(found["trials"]), name, "trials are missing")
    check(found["trial"] == found["measured"], name, f"{found['measured']} is not {found['trial']}")
    scores = [f"{found['objective']:.6f}", f"{found['measured']['sampled100_ndcg@10']:.6f}"]
    cells = [name, len(done), len(again), len(found["trials"]), *scores, f"{seconds:.0f}"]
    return "| " + " | ".join(map(str, cells)) + " |"


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def midway(work: Path) -> bool:
    """Returns whether the trial that began last has trained for an epoch."""
    return lines(work / "begun.txt")[-1] in lines(work / "epochs.txt")


def completed(path: Path) -> bool:
    return json.loads(path.read_text())["status"] == "COMPLETED"


def check(holds: bool, name: str, message: str) -> None:
    if not holds:
        raise SystemExit(f"{name}: {message}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--work", type=Path, help="directory for the searches; by default a temporary one")
    parser.add_argument("--search", choices=sorted(TUNERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.search:
        search(arguments.search, arguments.table, arguments.work, arguments.epochs)
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(
        f"{arguments.table.name}, {arguments.epochs} epochs, killed in trial {KILLED_IN}; nDCG@10 of validation, sampled\n"
    )
    print(
        "| tuner | finished before | run after | trials | score of the best trial | evaluated again | seconds after |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        work = arguments.work or Path(scratch)
        for name in TUNERS:
            print(show(name, arguments.table, work / name, arguments.epochs), flush=True)


if __name__ == "__main__":
    main()
