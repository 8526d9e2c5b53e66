"""The ablation benchmark, from a table to a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ablation
import pytest

from hyperml_tf.data import synthesize


def test_run_and_draw(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    table = synthesize(n_users=60, n_items=80, n_rows=900, depth=2, branching=3, noise=0.05, seed=1).table
    table.to_frame().to_csv(tmp_path / "toy.csv", index=False)
    few = {"curvature": (1.0, ablation.LEARNED), "margin": (16.0,), "dim": (4, 64)}
    monkeypatch.setattr(ablation, "AXES", {axis: few.get(axis, ()) for axis in ablation.AXES})
    words = ["run", str(tmp_path / "toy.csv"), "--seeds", "0", "--epochs", "1", "--out", str(tmp_path / "out")]
    ablation.main(words)
    stored = json.loads((tmp_path / "out" / "toy.json").read_text())
    assert [(row["axis"], row["value"]) for row in stored["rows"]] == [
        ("curvature", 1.0),
        ("curvature", "learned"),
        ("margin", 16.0),
        ("dim", 4),
        ("dim", 64),
    ]
    default = [row["metrics"] for row in stored["rows"] if row["settings"] == {}]
    assert len(default) == 3
    assert default[0] == default[1] == default[2]
    # Three trainings, and none the second time.
    assert capsys.readouterr().out.count("CPU s") == 3

    def refuse(*_: Any) -> None:
        raise AssertionError("trained what was stored")

    monkeypatch.setattr(ablation.fitting, "train_hyperml", refuse)
    ablation.main(words)
    with pytest.raises(ValueError, match="holds runs of another split: random"):
        ablation.main([*words, "--split", "last"])

    ablation.main(["draw", str(tmp_path / "out"), "--to", str(tmp_path)])
    text = capsys.readouterr().out
    for row in stored["rows"]:
        figures = (row["metrics"][f"{protocol}_ndcg@10"] for protocol in ("sampled100", "full"))
        assert f"| {row['axis']} | {row['value']} | " + " | ".join(f"{figure:.4f}" for figure in figures) in text
    assert (tmp_path / "ablation-toy.png").stat().st_size > 10_000
