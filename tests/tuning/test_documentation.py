"""The Python and the YAML of docs/tuning.md do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tensorflow as tf

from hyperml_tf.tuning import SearchSpace
from hyperml_tf.tuning.search_space import DEFAULT

PAGE = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text()


@pytest.mark.slow
def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    program, line = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    tf.config.run_functions_eagerly(True)
    try:
        exec(compile(program, "docs/tuning.md", "exec"), {})
        exec(line, names := {})
    finally:
        tf.config.run_functions_eagerly(False)
    assert "'full_ndcg@10': 0." in capsys.readouterr().out
    assert names["keras_tuner"].RandomSearch.__module__.startswith("hyperml_tf.")


def test_the_space_is_the_one_in_the_table(tmp_path: Path) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*[^ |]) \|$", PAGE, flags=re.MULTILINE))
    shown = {name: rows[name] for name in DEFAULT}
    for name, entry in DEFAULT.items():
        if isinstance(entry, list):
            assert shown[name] == ", ".join(map(str, entry))
        else:
            low, high = (f"{entry[end]:g}".removeprefix("0") for end in ("min", "max"))
            assert shown[name] == f"{low} to {high}, logarithmic"
    (file,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    (tmp_path / "space.yaml").write_text(file)
    assert SearchSpace.from_yaml(tmp_path / "space.yaml").entries["hardest"] == [1, 2, 4]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        if "://" not in target:
            assert (Path(__file__).parents[2] / "docs" / target).exists(), target
