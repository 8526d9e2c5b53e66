"""A run that comes from somebody else: what is wrong with it is said in one line, and nothing in it is run."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf.cli import main
from hyperml_tf.data.synthetic import synthesize
from hyperml_tf.runs import Run, train_run
from hyperml_tf.settings import TrainingConfig

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    table = synthesize(n_users=40, n_items=120, n_rows=500, depth=2, branching=3, seed=2).table
    return train_run(table, tmp_path_factory.mktemp("runs") / "run", TrainingConfig(dim=4, epochs=1, k=5)).path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def a_lambda(path: Path) -> None:
    """As the model, one whose Lambda layer names `os.system`."""
    model = tf.keras.Sequential([tf.keras.layers.Input((1,)), tf.keras.layers.Lambda(lambda x: x)])
    model.save(path / "model/model.keras")
    with zipfile.ZipFile(path / "model/model.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1]["config"]["function"] = {
        "module": "os",
        "class_name": "function",
        "config": "system",
        "registered_name": "system",
    }
    with zipfile.ZipFile(path / "model/model.keras", "w") as archive:
        for name, content in {**parts, "config.json": json.dumps(config)}.items():
            archive.writestr(name, content)


def hdf5(path: Path) -> None:
    """As the model, an HDF5 file with a marshalled function."""
    model = tf.keras.Sequential([tf.keras.layers.Input((1,)), tf.keras.layers.Lambda(lambda x: x)])
    model.save(path / "model/model.h5")
    (path / "model/model.h5").replace(path / "model/model.keras")


def cut(path: Path) -> None:
    """The model is cut short."""
    whole = (path / "model/model.keras").read_bytes()
    (path / "model/model.keras").write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize("command", ["evaluate", "recommend", "plot", "export"])
@pytest.mark.parametrize("change", [a_lambda, hdf5, cut])
def test_commands_say_what_is_wrong_in_one_line(
    command: str, change: Callable[[Path], None], run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(run)
    before = set(tmp_path.rglob("*"))
    more = {"recommend": ["--user", "1"], "export": [str(tmp_path / "export")]}
    assert main([command, str(run), *more.get(command, [])]) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith("Error: `")
    assert "model.keras" in said[0]
    assert set(tmp_path.rglob("*")) == before


def test_an_own_class_is_named_when_the_run_is_opened(run: Path) -> None:
    assert Run.load(run, {"Mine": tf.keras.layers.Dense}).model.dim == 4


def rewritten(run: Path, **arrays: np.ndarray) -> None:
    """Changes arrays of the held-out rows."""
    path = run / "model/held_out.npz"
    with np.load(path) as stored:
        np.savez_compressed(path, **{**stored, **arrays})


@pytest.mark.parametrize(
    ("arrays", "received"),
    [
        ({"negatives": np.array([[print]], dtype=object)}, "allow_pickle"),
        ({"more": np.zeros(2)}, "no such member.*more"),
        ({"test_items": np.full(4, 3)}, "test_items of shape"),
        ({"train_users": np.full(4, -1), "train_items": np.full(4, 3)}, "train_users of shape"),
        ({"negatives": np.zeros((3, 100), int)}, "negatives of shape"),
        ({"fingerprint": np.array("of another table")}, "that of of another table"),
    ],
)
def test_held_out_rows_of_somebody_else(run: Path, arrays: dict[str, np.ndarray], received: str) -> None:
    rewritten(run, **arrays)
    with pytest.raises(ValueError, match=rf"held_out\.npz` .*{received}"):
        Run.load(run).evaluate()


def test_held_out_rows_are_cut_short_or_missing(run: Path) -> None:
    path = run / "model/held_out.npz"
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match=r"held_out\.npz`"):
        Run.load(run).evaluate()
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"held_out\.npz`"):
        Run.load(run).evaluate()


@pytest.mark.parametrize(
    "text",
    [
        *("", "[", "[]", "{}", "\udcff", '{"settings": 1, "fingerprint": 2}'),
        *(f'{{"settings": {{{one}}}, "fingerprint": "a"}}' for one in ('"hald_life": 3', '"epochs": 0')),
    ],
)
def test_settings_that_are_none(run: Path, text: str) -> None:
    (run / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"config\.json`"):
        Run.load(run).config  # noqa: B018
