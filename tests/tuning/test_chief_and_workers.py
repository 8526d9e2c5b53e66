"""One chief and two workers on this machine, as keras-tuner makes them out of the same program."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hyperml_tf import tuning

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


@pytest.mark.slow
def test_they_share_a_search(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(port), "TF_CPP_MIN_LOG_LEVEL": "3"}
    processes = {
        name: subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path)],
            env={**os.environ, **shared, "KERASTUNER_TUNER_ID": name},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("chief", "worker_1", "worker_2")
    }
    try:
        written = {name: process.communicate(timeout=240) for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
    for name, (out, err) in written.items():
        assert processes[name].returncode == 0, err
        assert out.splitlines()[-1] == "done"
    failed = [err.count("failed: ValueError: `a` must not be 0.2 today (with b=0") for _, err in written.values()]
    assert failed[0] == 0
    assert sum(failed) == 4
    # The chief has all of it: the grid once, in its own precision.
    oracle = tuning.oracles.GridSearchOracle("val_loss")
    searcher = tuning.Tuner(oracle, lambda hp: None, directory=str(tmp_path), project_name="p")
    trials = searcher.oracle.trials.values()
    pairs = [(trial.hyperparameters.values["a"], round(trial.hyperparameters.values["b"], 9)) for trial in trials]
    assert sorted(pairs) == [(a, b) for a in (0.1, 0.2, 0.3) for b in (0.1, 0.2, 0.3, 0.4)]
    assert [trial.status for trial in trials].count("COMPLETED") == 8
    best = searcher.oracle.get_best_trials()[0]
    assert (best.hyperparameters.values["a"], best.best_step) == (0.1, 3)
