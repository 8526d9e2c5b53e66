"""Loading a file of interactions into tensors for training, compared with only reading the file.

    python benchmarks/loading.py [--rows 20000000] [--folder .] [--rounds 3] [--quick] [--json figures.json]

A table with that many rows is generated as CSV and as Parquet: a million users and 200,000 items, both with a skewed
distribution, ratings and times, sorted by time. Each side reads both files in its own process, alternately:

- *ours*: `Interactions.from_file`, then the users and items as two tensors;
- *pyarrow*: the user, item and time columns as a pyarrow table, with all threads;
- *pandas*: the same columns by `read_csv` or `read_parquet`.

Seconds are without imports. *Peak* is the largest resident memory of the process minus that after the imports. *Tensors* is
the size of the result: the codes of all rows and the ids. Takes about 5 minutes and 2 GB of temporary disk space.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import timing

COLUMNS = ["user_id", "item_id", "timestamp"]
SIDES = ("ours", "pyarrow", "pandas")


def generate(folder: Path, rows: int, users: int = 1_000_000, items: int = 200_000) -> list[Path]:
    """Writes the table as CSV and as Parquet."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    rng = np.random.default_rng(0)

    def skewed(n: int) -> np.ndarray:
        # Ids have gaps, and their order is unrelated to their frequency.
        return rng.permutation(10 * n)[:n][(n * rng.random(rows) ** 2).astype(np.int64)]

    table = pa.table(
        {
            "user_id": skewed(users),
            "item_id": skewed(items),
            "rating": rng.integers(1, 6, rows),
            "timestamp": np.sort(rng.integers(1_500_000_000, 1_600_000_000, rows)),
        }
    )
    paths = [folder / "interactions.csv", folder / "interactions.parquet"]
    pyarrow.csv.write_csv(table, paths[0])
    pyarrow.parquet.write_table(table, paths[1])
    return paths


def ours(path: Path) -> Callable[[], int]:
    """Imports the libraries. The returned function reads the file, and returns the size of the result in bytes."""
    import tensorflow as tf

    from hyperml_tf import Interactions

    tf.constant(0)

    def read() -> int:
        table = Interactions.from_file(path)
        tensors = [tf.constant(table.users), tf.constant(table.items)]
        return sum(int(tf.size(tensor)) * 4 for tensor in tensors) + table.user_ids.nbytes + table.item_ids.nbytes

    return read


def pyarrow_alone(path: Path) -> Callable[[], int]:
    """As `ours`."""
    import pyarrow.csv
    import pyarrow.parquet

    def read() -> int:
        if path.suffix == ".parquet":
            return pyarrow.parquet.read_table(path, columns=COLUMNS).nbytes
        return pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(include_columns=COLUMNS)).nbytes

    return read


def pandas_alone(path: Path) -> Callable[[], int]:
    """As `ours`."""
    import pandas as pd

    def read() -> int:
        if path.suffix == ".parquet":
            return int(pd.read_parquet(path, columns=COLUMNS).memory_usage().sum())
        return int(pd.read_csv(path, usecols=COLUMNS).memory_usage().sum())

    return read


def one(side: str, path: Path) -> dict[str, float]:
    """Reads the file once in this process."""
    read = {"ours": ours, "pyarrow": pyarrow_alone, "pandas": pandas_alone}[side](path)
    before, started = timing.peak_bytes(), time.perf_counter()
    size = read()
    return {"seconds": time.perf_counter() - started, "peak": timing.peak_bytes() - before, "size": size}


def measure(path: Path, rounds: int) -> dict[str, dict[str, float]]:
    """The medians of each side."""
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}

    def ask(side: str) -> float:
        runs[side].append(json.loads(timing.in_process(__file__, "--one", side, str(path))))
        return runs[side][-1]["seconds"]

    # The first round fills the file system cache.
    timing.take_turns({side: lambda side=side: ask(side) for side in SIDES}, rounds)
    return {
        side: {key: float(np.median([run[key] for run in values[1:]])) for key in values[0]}
        for side, values in runs.items()
    }


def table(figures: dict[str, dict[str, dict[str, float]]]) -> str:
    """The last columns are the ratio of the time of this package to each side, and of the peak to the result."""
    rows = []
    for name, sides in figures.items():
        for side, run in sides.items():
            ratio = sides["ours"]["seconds"] / run["seconds"]
            sizes = [f"{run['peak'] / 1e6:,.0f}", f"{run['size'] / 1e6:,.0f}"]
            rows.append(
                [name, side, f"{run['seconds']:.2f}", *sizes, f"{ratio:.2f}", f"{run['peak'] / run['size']:.1f}"]
            )
    return timing.markdown(
        ["file", "side", "s", "peak MB", "tensors MB", "ours / side", "peak / tensors"], rows, left=2
    )


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument(
        "--folder", type=Path, help="the directory of the generated files; the default for temporary files"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="200,000 rows, one round")
    parser.add_argument("--json", type=Path, help="the file to save the results to")
    parser.add_argument("--one", nargs=2, metavar=("SIDE", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.one:
        print(json.dumps(one(arguments.one[0], Path(arguments.one[1]))))
        return
    if arguments.quick:
        arguments.rows, arguments.rounds = 200_000, 1
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for path in generate(Path(folder), arguments.rows):
            figures[path.suffix[1:]] = measure(path, arguments.rounds)
    print(f"{arguments.rows:,} rows, {timing.threads()} threads")
    print(table(figures))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
