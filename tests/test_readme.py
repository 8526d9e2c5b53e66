"""The README's Python runs, and what it says exists does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import forked
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_the_python_example_runs_and_is_short(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    code = "\n".join(blocks)
    first, daily = ([line for line in block.splitlines() if line.strip()] for block in blocks)
    assert len(first) <= 20
    assert len(daily) <= 5
    printed = forked.run(f"import os; os.chdir({str(tmp_path)!r})\n{code}")
    assert "sampled100_ndcg@10" in printed
    assert (tmp_path / "saved_model" / "1" / "saved_model.pb").is_file()


def test_links_to_files_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_commands_of_the_command_line_exist() -> None:
    named = set(re.findall(r"^hyperml-tf (\w+)", README, flags=re.MULTILINE))
    listing = subprocess.run(
        [sys.executable, "-c", "from hyperml_tf.cli import main; main(['--help'])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert named
    assert all(command in listing for command in named)
