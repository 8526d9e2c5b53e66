"""A search that is interrupted is resumed where it stopped."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import forked
import pytest
import tensorflow as tf
from small import TUNERS, X, Y, build, search, tuner

from hyperml_tf import tuning

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
    """Builds models, and does not survive the training after a number of others.

    Notes the hyperparameters of each trial, and how often a constructor has built a model to find the search space.
    """

    def __init__(self, after: int | None = None) -> None:
        self.after, self.seen, self.explored = after, [], 0

    def __call__(self, hp: Any) -> Any:
        values = {name: value for name, value in hp.values.items() if "/" not in name}
        if not values:
            self.explored += 1
            return build(hp)
        self.seen.append(values)
        if self.after is not None and len(self.seen) > self.after:
            raise KeyboardInterrupt
        return build(hp)


@pytest.mark.parametrize("name", TUNERS)
def test_finished_trials_are_not_repeated(name: str, tmp_path: Path) -> None:
    limit = {} if name == "Hyperband" else {"max_trials": 4}
    uninterrupted = tuner(name, tmp_path / "whole", **limit)
    if name != "BayesianOptimization":  # whose optimizer starts from points that are drawn anew
        search(uninterrupted)
    interrupted = tuner(name, tmp_path, Interrupting(after=2), **limit)
    with pytest.raises(KeyboardInterrupt):
        search(interrupted)
    finished = {path: path.read_bytes() for path in (tmp_path / "p").glob("trial_*/trial.json")}
    finished = {path: text for path, text in finished.items() if json.loads(text)["status"] == "COMPLETED"}
    assert len(finished) == 2
    remaining = Interrupting()
    resumed = tuner(name, tmp_path, remaining, **limit)
    assert len(resumed.oracle.get_state()["retry_queue"]) == 1
    search(resumed)
    # Every trial but the two, and one build to see that the space is the same.
    assert len(remaining.seen) == len(resumed.oracle.trials) - 2
    assert remaining.explored == 1
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


def test_a_killed_search_is_resumed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = forked.Program(PROGRAM.format(here=str(Path(__file__).parent), log=str(log), place=str(tmp_path)))
    try:
        waited = time.monotonic()
        while not log.exists() or log.read_text().count("\n") < 5:
            assert program.process.is_alive()
            assert time.monotonic() - waited < 120
            time.sleep(0.05)
    finally:
        program.process.kill()
    assert program.finish().code == -signal.SIGKILL
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
        search(tuner("RandomSearch", tmp_path, Interrupting(after=1)))
    # The kill came when the next trial had its file, of which half was written, but the oracle did not yet know of it.
    (tmp_path / "p" / "trial_2").mkdir()
    (tmp_path / "p" / "trial_2" / "trial.json").write_text('{"trial_id": "2", "hyper')
    resumed = tuner("RandomSearch", tmp_path, max_trials=3)
    search(resumed)
    assert list(resumed.oracle.trials) == ["0", "1", "2"]


@pytest.mark.parametrize("name", ["RandomSearch", "GridSearch"])
def test_a_trial_that_is_saved_as_ended_while_it_still_counts_as_running_is_not_repeated(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        search(tuner(name, tmp_path, Interrupting(after=1), max_trials=3))
    file = tmp_path / "p" / "oracle.json"
    state = json.loads(file.read_text())
    # As keras-tuner saves it at the end of the first trial.
    (first,) = state["end_order"]
    before = {"ongoing_trials": {"tuner0": first}, "start_order": [first], "trials": {first: state["trials"][first]}}
    file.write_text(json.dumps({**state, **before}))
    again = Interrupting()
    resumed = tuner(name, tmp_path, again, max_trials=3)
    assert resumed.oracle.get_state()["retry_queue"] == []
    search(resumed)
    assert len(again.seen) == len(resumed.oracle.trials) - 1
    assert len(resumed.oracle.trials) == 3


def test_what_an_interrupted_trial_has_recorded_is_dropped(tmp_path: Path) -> None:
    searcher = tuner("RandomSearch", tmp_path, max_trials=2)
    trial = searcher.oracle.create_trial("tuner0")
    searcher.oracle.update_trial(trial.trial_id, {"val_loss": -1.0})
    searcher.save()
    resumed = tuner("RandomSearch", tmp_path, max_trials=2)
    search(resumed)
    assert len(resumed.oracle.trials) == 2
    assert min(trial.score for trial in resumed.oracle.trials.values()) > 0


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
    assert len(again.seen) == 2


def test_a_kill_in_the_first_trial_is_resumed_too(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        search(tuner("RandomSearch", tmp_path, Interrupting(after=0)))
    assert os.listdir(tmp_path / "p" / "trial_0") == ["trial.json"]
    resumed = tuner("RandomSearch", tmp_path)
    assert resumed.oracle.get_state()["retry_queue"] == ["0"]


# Changed arguments ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """An interrupted search and a finished one of two tuners. They are shared: change nothing in them."""
    directories = {}
    for name in ("RandomSearch", "Hyperband"):
        interrupted, finished = directories[name] = [tmp_path_factory.mktemp(name) for _ in range(2)]
        with pytest.raises(KeyboardInterrupt):
            search(tuner(name, interrupted, Interrupting(after=1)))
        search(tuner(name, finished))
    return directories


def with_more_units(hp: Any) -> Any:
    hp.Choice("units", [2, 4, 8])
    return build(hp)


def with_bias(hp: Any) -> Any:
    hp.Boolean("bias")
    return build(hp)


def without_rate(hp: Any) -> Any:
    hp.Choice("units", [2, 4]), hp.Choice("activation", ["linear", "tanh"])
    return build(tuning.HyperParameters())


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("RandomSearch", {"objective": "val_mae"}, r"`objective` must be as when the search in .* began"),
        ("RandomSearch", {"objective": tuning.Objective("val_loss", "max")}, r"`objective` must be as when"),
        ("RandomSearch", {"seed": 1}, r"`seed` must be as when .*: seed=0\. Received: seed=1\."),
        ("RandomSearch", {"executions_per_trial": 2}, r"`executions_per_trial` must be as when"),
        ("RandomSearch", {"start_with_defaults": True}, r"`start_with_defaults` must be as when"),
        ("RandomSearch", {"hypermodel": with_more_units}, r"`hyperparameters.units` must be .*\[2, 4\].*\[2, 4, 8\]"),
        ("RandomSearch", {"hypermodel": with_bias}, r"`hyperparameters.bias` must be .*: no hyperparameters.bias"),
        (
            "RandomSearch",
            {"hypermodel": without_rate},
            r"`hyperparameters.rate` must .*Received: no hyperparameters.rate",
        ),
        ("Hyperband", {"max_epochs": 4}, r"`max_epochs` must be as when .*: max_epochs=3\. Received: max_epochs=4"),
        ("Hyperband", {"factor": 2, "hyperband_iterations": 2}, r"`factor`, `hyperband_iterations` must be as when"),
    ],
)
def test_a_search_with_other_arguments_is_refused(
    name: str, changed: dict[str, Any], message: str, begun: dict[str, list[Path]]
) -> None:
    # Also when there is nothing left to do.
    for directory in begun[name]:
        before = files_of(directory)
        with pytest.raises(ValueError, match=message):
            tuner(name, directory, **changed)
        assert files_of(directory) == before


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"epochs": 3}, r"`epochs` must be as when .*: epochs=2. Received: epochs=3"),
        ({"y": Y + 1}, r"`y` must be as when .*float32 array of shape \(64, 1\)"),
        ({"validation_data": (X, Y + 1)}, r"`validation_data` must be as when"),
        (
            {"validation_freq": 2},
            r"`validation_freq` must be as when .*: no validation_freq. Received: validation_freq=2",
        ),
    ],
)
def test_a_search_on_other_data_or_for_other_epochs_is_refused(
    changed: dict[str, Any], message: str, begun: dict[str, list[Path]]
) -> None:
    with pytest.raises(ValueError, match=message):
        search(tuner("RandomSearch", begun["RandomSearch"][0]), **changed)


def test_a_search_may_go_on_with_what_changes_no_result(tmp_path: Path) -> None:
    search(tuner("RandomSearch", tmp_path, max_trials=1))
    search(tuner("RandomSearch", tmp_path, max_trials=2), verbose=0, callbacks=[tf.keras.callbacks.TerminateOnNaN()])
    assert len(tuner("RandomSearch", tmp_path, max_trials=2).oracle.trials) == 2


def test_another_tuner_does_not_resume_a_search(begun: dict[str, list[Path]]) -> None:
    with pytest.raises(ValueError, match=r"`oracle` must be as when .*RandomSearchOracle.*GridSearchOracle"):
        tuner("GridSearch", begun["RandomSearch"][0])


def test_how_trials_are_chosen_may_change(tmp_path: Path) -> None:
    search(tuner("BayesianOptimization", tmp_path, max_trials=2))
    changed = {"num_initial_points": 9, "alpha": 0.1, "beta": 1.0, "max_retries_per_trial": 1}
    resumed = tuner("BayesianOptimization", tmp_path, **changed).oracle
    assert {name: getattr(resumed, name) for name in changed} == changed


def files_of(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
