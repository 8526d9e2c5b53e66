"""A look before training: what it says is what is there, and what training would do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hyperml_tf as hml
from hyperml_tf.data import Inspection, Interactions
from hyperml_tf.runs.held_out import HeldOut
from hyperml_tf.settings import TrainingConfig

EVENTS = TrainingConfig(user_column="who", event_weights="view=1,purchase=5", dim=8)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    users = np.concatenate([np.repeat(np.arange(30), 8), [30, 31]])
    return pd.DataFrame(
        {
            "visitor": users,
            "product": np.where(np.arange(len(users)) % 4, rng.integers(20, size=len(users)), 99),
            "event": rng.choice(["view", "purchase"], len(users), p=[0.8, 0.2]),
            "ts": 1_600_000_000 + rng.integers(10**7, size=len(users)),
            "price": 1.5,
        }
    ).astype({"visitor": str})


@pytest.fixture(scope="module")
def inspection(frame: pd.DataFrame) -> Inspection:
    return hml.inspect_table(frame.rename(columns={"visitor": "who"}), EVENTS)


def test_the_numbers_are_those_of_the_table(inspection: Inspection, frame: pd.DataFrame) -> None:
    pairs = frame.groupby(["visitor", "product"]).size()
    users, items = pairs.groupby("visitor").size(), pairs.groupby("product").size()
    report = str(inspection)
    density = 100 * len(pairs) / (len(users) * len(items))
    expected = [
        f"a data frame: {len(frame)} rows",
        "user     'who'",
        "item     'product'",
        f"order    'ts'  {pd.to_datetime(frame['ts'].min(), unit='s')} to {pd.to_datetime(frame['ts'].max(), unit='s')} (Unix",
        f"'event'  view {(frame['event'] == 'view').sum()} rows × 1, purchase {(frame['event'] == 'purchase').sum()} rows × 5",
        "not used 'price'",
        f"{len(frame) - len(pairs)} rows have an item of their user again: their weights are summed",
        f"Kept {len(pairs)} pairs of {len(users)} users and {len(items)} items, {density:.3g} % of all",
        f"{users.min()} to {users.max()}, median {users.median():g}, mean {users.mean():.1f}; 2 (6%) of the users",
        f"{items.min()} to {items.max()}, median {items.median():g}, mean {items.mean():.1f}; "
        f"{(items < 5).sum()} ({(items < 5).mean():.0%}) of the items",
        f"{items.nlargest(round(0.5 * len(items))).sum() / items.sum():.0%} █",
        "Trains on",
        "the test items have no training row",
    ]
    for line in expected:
        assert line in report


def test_the_settings_are_those_that_training_resolves(inspection: Inspection) -> None:
    split = HeldOut.draw(inspection.table, "last").split
    assert inspection.split is not None
    assert inspection.training.fingerprint() == split.train.fingerprint()
    assert inspection.config.repeats == "sum"
    assert inspection.config == EVENTS.resolved(split.train)
    settings = inspection.config.to_dict()
    for name in ("user_model", "curvature", "negatives", "learning_rate"):
        assert f"  {name:<14} {settings[name]}\n" in str(inspection)


def test_the_summary_is_three_lines(inspection: Inspection) -> None:
    read, kept, training = inspection.summary()
    assert read.startswith("Read a data frame: 242 rows; user 'who', item 'product', order 'ts' (2020-")
    assert read.endswith("event 'event'; not used: 'price'.")
    assert kept.startswith(f"Kept {len(inspection.table)} pairs of 32 users")
    assert "weights in the loss: 1 to " in kept
    assert training.startswith(f"Trains on {len(inspection.training)} pairs, evaluates 30 users (split last)")


def test_what_may_not_be_meant_is_noted() -> None:
    frame = pd.DataFrame({"user": [1, 1, 2], "item": [1, 2, 1], "rated_on_date": [3, 2, 1], "stars": [1, 5, 3]})
    report = str(hml.inspect_table(frame))
    assert "To note" in report
    assert "--order-column rated_on_date" in report
    assert "--min-rating" in report
    # Nothing can be held out of this table, which is no reason not to look at it.
    assert "--split none" in report
    assert "All 3 pairs are trained on" in report
    assert "order    none" in report


def test_large_weights_are_noted() -> None:
    rows = [1, 1, 1, 2, 2, 2], [1, 2, 3, 1, 2, 4]
    heavy = hml.inspect_table(Interactions.from_arrays(*rows, weights=[50, 60, 70, 50, 60, 70]))
    assert any("The mean weight is 60" in note for note in heavy.notes)
    assert not hml.inspect_table(Interactions.from_arrays(*rows, weights=[1, 2, 3, 1, 2, 3])).notes


def test_tables_are_looked_at_and_mistakes_are_said_without_tensorflow(frame: pd.DataFrame, tmp_path: Path) -> None:
    frame.to_csv(tmp_path / "t.csv", index=False)
    program = (
        "import sys; from hyperml_tf.cli import main\n"
        "table, nowhere, out = sys.argv[1:]\n"
        "look = ['inspect', table, '--user-column', 'visitor', '--event-weights', 'view=1,purchase=5']\n"
        "codes = [main(look), main(['train', nowhere, '--out', out]),\n"
        "         main(['train', table, '--out', out, '--user-column', 'who']),\n"
        "         main(['tune', nowhere, '--out', out]), main(['train', table, '--out', table])]\n"
        "sys.exit('tensorflow' in sys.modules or codes != [0, 1, 1, 1, 1])"
    )
    paths = [str(tmp_path / name) for name in ("t.csv", "nowhere.csv", "out")]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    assert "event    'event'" in done.stdout
    errors = done.stderr.splitlines()
    assert len(errors) == 4, done.stderr
    starts = [
        "`path` must be a file that exists",
        "`user_column` must name a column",
        "`path` must be",
        "`out` must be",
    ]
    assert all(error.startswith(f"Error: {start}") for error, start in zip(errors, starts, strict=True)), errors
    assert not (tmp_path / "out").exists()
