"""A distributed search of keras-tuner: a chief and workers, all processes of the same program on this machine."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import forked
import pytest

from hyperml_tf import tuning
from hyperml_tf.data import synthesize

pytestmark = pytest.mark.slow

PROGRAM = '''
import sys, time
import hyperml_tf
from hyperml_tf import tuning

class Squares(tuning.HyperModel):
    """Declares two numbers, and fails where one of them, exactly, is 0.2."""

    def build(self, hp):
        hp.Choice("a", [0.1, 0.2, 0.3]), hp.Float("b", 0.1, 0.4, step=0.1)

class OfNumbers(tuning.GridSearch):
    def run_trial(self, trial, *args, **kwargs):
        a, b = trial.hyperparameters["a"], trial.hyperparameters["b"]
        time.sleep(0.1)
        if a == 0.2:
            raise ValueError("`a` must not be 0.2 today")
        return {"val_loss": a * a + b * b, "best_epoch": 3}

tuner = OfNumbers(Squares(), "val_loss", directory=sys.argv[1], project_name="p")
tuner.search(verbose=0)
print("done")
'''


def output_of(names: tuple[str, ...], program: str, *arguments: Any) -> dict[str, forked.Finished]:
    """Runs one program as a chief and as workers; returns what each has written to standard output and error."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port)}
    programs = {name: forked.Program(program, *arguments, **shared, KERASTUNER_TUNER_ID=name) for name in names}
    finished = {name: started.finish() for name, started in programs.items()}
    for code, _, err in finished.values():
        assert code == 0, err
    return finished


def test_they_share_a_search(tmp_path: Path) -> None:
    written = output_of(("chief", "worker_1", "worker_2"), PROGRAM, tmp_path)
    assert [out.splitlines()[-1] for _, out, _ in written.values()] == ["done"] * 3
    failed = [err.count("failed: ValueError: `a` must not be 0.2 today (with b=0") for _, _, err in written.values()]
    assert failed[0] == 0
    assert sum(failed) == 4
    # The chief has all of it: the grid once, in its own precision.
    oracle = tuning.oracles.GridSearchOracle("val_loss")

    def declare(hp: Any) -> None:
        hp.Choice("a", [0.1, 0.2, 0.3]), hp.Float("b", 0.1, 0.4, step=0.1)

    searcher = tuning.Tuner(oracle, declare, directory=str(tmp_path), project_name="p")
    trials = searcher.oracle.trials.values()
    pairs = [(trial.hyperparameters.values["a"], round(trial.hyperparameters.values["b"], 9)) for trial in trials]
    assert sorted(pairs) == [(a, b) for a in (0.1, 0.2, 0.3) for b in (0.1, 0.2, 0.3, 0.4)]
    assert [trial.status for trial in trials].count("COMPLETED") == 8
    best = searcher.oracle.get_best_trials()[0]
    assert (best.hyperparameters.values["a"], best.best_step) == (0.1, 3)


def test_the_command_line_shares_a_search(tmp_path: Path) -> None:
    synthesize(n_users=40, n_items=120, n_rows=500, seed=2).interactions.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "space.yaml").write_text("only: true\ndim: [4, 8]\n")
    program = "import sys; from hyperml_tf.cli import main; sys.exit(main(sys.argv[1:]))"
    command = ["tune", tmp_path / "t.csv", "--out", tmp_path / "search", "--epochs", 1]
    options = ["--space", tmp_path / "space.yaml", "--tuner", "random", "--max-trials", 1]
    written = output_of(("chief", "worker_1"), program, *command, *options)
    assert "Best of 1 trials" in written["chief"].out
    assert written["worker_1"].out == "This worker has finished; the chief writes the result.\n"
    assert (tmp_path / "search" / "best.json").is_file()
