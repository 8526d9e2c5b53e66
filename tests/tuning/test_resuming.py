"""A search that is interrupted goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from small import TUNERS, X, Y, build, search, tuner

pytestmark = pytest.mark.slow

PROGRAM = """
import sys, time
sys.path.insert(0, {here!r})
import hyperml_tf
from pathlib import Path
import small

def slow(hp):
    with open({log!r}, "a") as log:
        log.write(repr(sorted(hp.values.items())) + "\\n")
    if sum(1 for _ in open({log!r})) > 4:
        time.sleep(600)
    return small.build(hp)

small.search(small.tuner("GridSearch", Path({place!r}), slow))
"""


class Interrupting:
    """Builds models, notes for which hyperparameters, and does not survive a certain training."""

    def __init__(self, after: int | None = None) -> None:
        self.after, self.seen = after, []

    def __call__(self, hp: Any) -> Any:
        self.seen.append({name: value for name, value in hp.values.items() if "/" not in name})
        if self.after is not None and len(self.seen) > self.after:
            raise KeyboardInterrupt
        return build(hp)


@pytest.mark.parametrize("name", TUNERS)
def test_finished_trials_are_not_repeated(name: str, tmp_path: Path) -> None:
    uninterrupted = tuner(name, tmp_path / "whole")
    if name != "BayesianOptimization":  # whose optimizer starts from points that are drawn anew
        search(uninterrupted)
    # The first build, in the constructor, finds the space.
    interrupted = tuner(name, tmp_path, Interrupting(after=3))
    with pytest.raises(KeyboardInterrupt):
        search(interrupted)
    finished = {path: path.read_bytes() for path in (tmp_path / "p").glob("trial_*/trial.json")}
    finished = {path: text for path, text in finished.items() if json.loads(text)["status"] == "COMPLETED"}
    assert len(finished) == 2
    remaining = Interrupting()
    resumed = tuner(name, tmp_path, remaining)
    assert len(resumed.oracle.interrupted) == 1
    search(resumed)
    # Every trial but the two, and nothing to find out about the space.
    assert len(remaining.seen) == len(resumed.oracle.trials) - 2
    assert all(trial.status == "COMPLETED" for trial in resumed.oracle.trials.values())
    for path, text in finished.items():
        assert path.read_bytes() == text
    drawn, expected = (
        [sorted(trial.hyperparameters.values.items()) for trial in one.oracle.trials.values()]
        for one in (resumed, uninterrupted)
    )
    assert len(drawn) == 4 if name == "BayesianOptimization" else drawn == expected
    best = resumed.oracle.get_best_trials()[0]
    assert resumed.get_best_models()[0].evaluate(X, Y, verbose=0)[0] == pytest.approx(best.score, rel=1e-6)


def test_a_search_that_is_killed_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = PROGRAM.format(here=str(Path(__file__).parent), log=str(log), place=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        waited = time.monotonic()
        while not log.exists() or log.read_text().count("\n") < 5:
            assert process.poll() is None
            assert time.monotonic() - waited < 120
            time.sleep(0.05)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    before = log.read_text().splitlines()[1:-1]
    remaining = Interrupting()
    resumed = tuner("GridSearch", tmp_path, remaining)
    search(resumed)
    # Three trials were finished, and the eight of the grid are all there, once.
    after = [repr(sorted(values.items())) for values in remaining.seen]
    assert (len(before), len(after)) == (3, 5)
    assert len({*before, *after}) == 8


def test_a_kill_between_two_files_loses_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        search(tuner("RandomSearch", tmp_path, Interrupting(after=2)))
    # The kill came when the next trial had its file, of which half was written, but the oracle did not yet know of it.
    (tmp_path / "p" / "trial_2").mkdir()
    (tmp_path / "p" / "trial_2" / "trial.json").write_text('{"trial_id": "2", "hyper')
    resumed = tuner("RandomSearch", tmp_path)
    search(resumed)
    assert list(resumed.oracle.trials) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("name", ["RandomSearch", "GridSearch"])
def test_a_kill_between_the_end_of_a_trial_and_the_news_of_it_repeats_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        search(tuner(name, tmp_path, Interrupting(after=2)))
    file = tmp_path / "p" / "oracle.json"
    state = json.loads(file.read_text())
    # As it was while the first trial ran; of that the file of the trial itself is left.
    first = state["end_order"][:1]
    before = {"ongoing_trials": {"tuner0": first[0]}, "end_order": [], "start_order": first}
    if name == "GridSearch":
        before |= {"ordered_trials": first, "trials_to_go_on_from": []}
    file.write_text(json.dumps({**state, **before}))
    again = Interrupting()
    resumed = tuner(name, tmp_path, again)
    assert resumed.oracle.interrupted == []
    search(resumed)
    assert len(again.seen) == len(resumed.oracle.trials) - 1
    assert len(resumed.oracle.trials) == {"RandomSearch": 4, "GridSearch": 8}[name]


def test_files_are_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searcher = tuner("RandomSearch", tmp_path, max_trials=1)
    search(searcher)
    before = {path: path.read_text() for path in (tmp_path / "p").rglob("*.json")}
    monkeypatch.setattr(tf.io.gfile, "rename", _fails)
    with pytest.raises(OSError, match="in between"):
        searcher.save()
    assert {path: path.read_text() for path in (tmp_path / "p").rglob("*.json")} == before
    assert not list((tmp_path / "p").rglob("*.tmp"))


def _fails(*_: Any, **__: Any) -> None:
    raise OSError("in between")


def test_a_finished_search_takes_more_trials(tmp_path: Path) -> None:
    search(tuner("RandomSearch", tmp_path, max_trials=2))
    more = Interrupting()
    search(tuner("RandomSearch", tmp_path, more, max_trials=3))
    assert len(more.seen) == 1


def test_overwrite_starts_anew(tmp_path: Path) -> None:
    search(tuner("RandomSearch", tmp_path, max_trials=2))
    again = Interrupting()
    searcher = tuner("RandomSearch", tmp_path, again, max_trials=2, overwrite=True)
    assert searcher.oracle.trials == {}
    search(searcher)
    assert len(again.seen) == 3


def test_a_kill_in_the_first_trial_is_resumed_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        search(tuner("RandomSearch", tmp_path, Interrupting(after=1)))
    assert os.listdir(tmp_path / "p" / "trial_0") == ["trial.json"]
    resumed = tuner("RandomSearch", tmp_path)
    assert resumed.oracle.interrupted == ["0"]
