"""Runs notebooks in a kernel of Jupyter.

    python tests/notebooks.py examples/*.ipynb

runs each of them as it is and stores its outputs in it: `make notebooks`. The tests run them on small data.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
# TensorFlow says which devices it does not find before its own log level counts.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


@contextlib.contextmanager
def kernel() -> Iterator[KernelManager]:
    """A kernel for one notebook after the other: TensorFlow is imported once."""
    manager = KernelManager(kernel_name="python3")
    with tempfile.TemporaryDirectory() as elsewhere:
        manager.start_kernel(env={**os.environ, **QUIET}, cwd=elsewhere)
        try:
            yield manager
        finally:
            manager.shutdown_kernel(now=True)


def run(notebook: Any, manager: KernelManager, parameters: dict[str, int] | None = None) -> Any:
    """Runs a notebook, which gets outputs; `parameters` come after the cell with the tag "parameters"."""
    # Names of the notebook before are forgotten, modules are kept.
    first = nbformat.v4.new_code_cell("%reset -f")
    notebook.cells.insert(0, first)
    if parameters is not None:
        (place,) = [place for place, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ())]
        lines = "\n".join(f"{name} = {value}" for name, value in parameters.items())
        notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(lines))
    client = NotebookClient(notebook, km=manager, timeout=300, record_timing=False, coalesce_streams=True)
    client.execute(reset_kc=False, cleanup_kc=False)
    notebook.cells.remove(first)
    return notebook


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def main(paths: list[str]) -> None:
    for path in paths:
        with kernel() as manager:
            notebook = run(read(Path(path)), manager)
        count = 0
        for cell in notebook.cells:
            if cell.cell_type == "code":
                count += 1
                cell.execution_count = count
                # Whatever TensorFlow says of this machine is nothing to keep.
                cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
                for output in cell.outputs:
                    if "execution_count" in output:
                        output.execution_count = count
        nbformat.write(notebook, path)
        sys.stdout.write(f"{path}: {Path(path).stat().st_size / 1e3:.0f} kB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
