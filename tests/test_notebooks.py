"""Every notebook in examples/ runs on small data, wherever it is started, and is stored with its outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nbclient", reason="The notebooks need nbclient and ipykernel: the extra `dev`.")
import notebooks

SMALL = {"users": 60, "items": 70, "rows": 900, "epochs": 1, "trials": 2, "dim": 8}
PATHS = sorted((notebooks.ROOT / "examples").glob("*.ipynb"))


@pytest.fixture(scope="module")
def kernel() -> Iterator[Any]:
    with notebooks.kernel() as manager:
        yield manager


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebooks_run(path: Path, kernel: Any) -> None:
    notebook = notebooks.read(path)
    given = set(re.findall(r"\w+(?=.*=)", parameters(notebook).split("#")[0]))
    # A cell that fails is an error here.
    notebooks.run(notebook, kernel, {name: value for name, value in SMALL.items() if name in given})


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebooks_are_stored_with_their_outputs(path: Path) -> None:
    cells = [cell for cell in notebooks.read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert outputs
    assert {output.output_type for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert path.stat().st_size < 300_000


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_links_of_notebooks_lead_somewhere(path: Path) -> None:
    texts = [cell.source for cell in notebooks.read(path).cells if cell.cell_type == "markdown"]
    for target in re.findall(r"\]\(([^)#\s]+)", "\n".join(texts)):
        assert (path.parent / target).exists(), target


def test_every_notebook_is_listed() -> None:
    listed = (notebooks.ROOT / "examples" / "README.md").read_text()
    assert {path.name for path in PATHS} == set(re.findall(r"\[`(\w+\.ipynb)`\]", listed))


def parameters(notebook: Any) -> str:
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    return cell.source
