"""Preparing a table that is larger than memory, and training from it: seconds, and the peak of memory.

    python benchmarks/preparation.py [--rows 20000000] [--users 2000000] [--items 200000] [--memory 4GiB] [--folder .]
        [--sides prepare engine from_file] [--training stream memory] [--dim 64] [--quick] [--json figures.json]
    python benchmarks/preparation.py --sizes 1000000 10000000 --training memory

A table with that many rows is generated as Parquet, ten million rows in each file: users and items with text ids and a skewed
distribution, and times in no order. Each side works in a process of its own:

- *prepare*: `hyperml_tf.preparation.prepare` with the split "last";
- *engine*: the bare engine, the same work as plain SQL within the same limit: codes by `DISTINCT`, one row of each pair, the
  order within users, the last two rows of each user, written as Parquet;
- *from_file*: `Interactions.from_file` and the split, which need memory for all rows.

Then a model is made from the prepared table, read shard by shard (*stream*) or loaded (*memory*): `from_interactions`, the
first step of training with what it prepares, one more, the histories of all users, `.keras` and the export. *Peak* is the
largest resident memory of the process until then, less that after its imports. CPU seconds are those of all threads. With
`--sizes`, only this is measured, of tables of so many rows, a tenth as many users and a hundredth as many items.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timing

FILE = 10_000_000
SIDES = ("prepare", "engine", "from_file")
TRAINING = ("stream", "memory")


def generate(folder: Path, rows: int, users: int, items: int) -> Path:
    """Writes the table, and returns the pattern of its files."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("SET memory_limit = '2GiB'")

    def random(salt: int) -> str:
        return f"(hash(3 * r + {salt}) % 9007199254740992) / 9007199254740992.0"

    def skewed(n: int, salt: int) -> str:
        # A square of a uniform number; ids have gaps, and their order is unrelated to their frequency.
        return f"(CAST(floor({n} * power({random(salt)}, 2)) AS BIGINT) * 7919 % {10 * n + 1})"

    for number, start in enumerate(range(0, rows, FILE)):
        connection.execute(
            f"COPY (SELECT 'user-' || {skewed(users, 0)} AS user_id, 'item-' || {skewed(items, 1)} AS item_id, "
            f"1500000000 + CAST(1e8 * {random(2)} AS BIGINT) AS timestamp FROM range({start}, {min(rows, start + FILE)}) t(r)) "
            f"TO '{folder / f'events-{number:04d}.parquet'}' (FORMAT parquet)"
        )
    return folder / "events-*.parquet"


def prepare(pattern: str, out: Path, memory: str) -> dict[str, int]:
    from hyperml_tf import preparation

    table = preparation.prepare(pattern, out, memory=memory)
    return {
        "rows": len(table),
        "users": table.n_users,
        "items": table.n_items,
        "train": table.manifest.total("train_rows"),
    }


def engine(pattern: str, out: Path, memory: str) -> dict[str, int]:
    """The same as plain SQL."""
    import duckdb

    from hyperml_tf.preparation.engine import engine_bytes

    out.mkdir()
    connection = duckdb.connect(str(out / "engine.duckdb"))
    connection.execute(f"SET memory_limit = '{engine_bytes(memory) // 2**20}MiB'")
    connection.execute(f"SET temp_directory = '{out / 'spilled'}'")
    connection.execute("SET preserve_insertion_order = false")
    for name in ("user", "item"):
        connection.execute(
            f"CREATE TABLE {name}s AS SELECT id, row_number() OVER () - 1 AS code FROM (SELECT DISTINCT {name}_id AS id FROM "
            f"read_parquet('{pattern}'))"
        )
    connection.execute(
        f"""COPY (
          SELECT user_code, item_code, timestamp, row_number() OVER (PARTITION BY user_code ORDER BY timestamp DESC) AS from_end,
                 count(*) OVER (PARTITION BY user_code) AS n
          FROM (SELECT users.code AS user_code, items.code AS item_code, min(timestamp) AS timestamp
                FROM read_parquet('{pattern}') JOIN users ON user_id = users.id JOIN items ON item_id = items.id GROUP BY ALL)
          ORDER BY user_code, timestamp) TO '{out / "rows.parquet"}' (FORMAT parquet)"""
    )
    rows, train = connection.execute(
        f"SELECT count(*), count(*) FILTER (from_end > 2 OR n < 3) FROM '{out / 'rows.parquet'}'"
    ).fetchone()
    users, items = (connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("users", "items"))
    return {"rows": rows, "users": users, "items": items, "train": train}


def from_file(pattern: str, out: Path, memory: str) -> dict[str, int]:
    from hyperml_tf.data import Interactions, leave_one_out

    table = Interactions.from_file(pattern)
    return {
        "rows": len(table),
        "users": table.n_users,
        "items": table.n_items,
        "train": len(leave_one_out(table).train),
    }


def one_side(side: str, pattern: str, out: Path, memory: str) -> dict[str, Any]:
    """Works once in this process."""
    import duckdb  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    work: dict[str, Callable[[str, Path, str], dict[str, int]]] = {
        "prepare": prepare,
        "engine": engine,
        "from_file": from_file,
    }
    before, started, cpu = timing.peak_bytes(), time.perf_counter(), time.process_time()
    counts = work[side](pattern, out, memory)
    spent = time.process_time() - cpu
    return {"seconds": time.perf_counter() - started, "cpu": spent, "peak": timing.peak_bytes() - before, **counts}


def one_training(mode: str, path: Path, dim: int, folder: Path) -> list[dict[str, Any]]:
    """Makes a model in this process, and returns the seconds of each step and the peak until its end."""
    import tensorflow as tf

    from hyperml_tf import HyperML
    from hyperml_tf.models.batches import BATCH_SIZE
    from hyperml_tf.preparation import PreparedTable
    from hyperml_tf.serving import export_saved_model

    tf.constant(0)
    before, steps = timing.peak_bytes(), []

    def step(name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = work()
        steps.append({"step": name, "seconds": time.perf_counter() - started, "peak": timing.peak_bytes() - before})
        print(json.dumps(steps), flush=True)
        return result

    table = PreparedTable.open(path)
    data: Any = table
    if mode == "memory":
        data = step("load", lambda: table.split().train)
    training = table.training if mode == "stream" else data
    model = step("from_interactions", lambda: HyperML.from_interactions(training, dim=dim))
    model.compile()
    some = {"steps_per_epoch": 1, "epochs": 1, "verbose": 0}
    step("first step", lambda: model.fit(data, batch_size=BATCH_SIZE, **some))
    step("again", lambda: model.fit(data, batch_size=BATCH_SIZE, **some))
    step("set_seen", lambda: model.set_seen(table))
    step("save", lambda: model.save(folder / "model.keras"))
    step("export", lambda: export_saved_model(model, folder / "export", k=100))
    return steps


def sides_table(figures: dict[str, dict[str, Any]]) -> str:
    rows = [
        [
            side,
            f"{one['seconds']:.0f}",
            f"{one['cpu']:.0f}",
            f"{one['peak'] / 1e6:,.0f}",
            *(f"{one[key]:,}" for key in ("rows", "users", "items", "train")),
        ]
        for side, one in figures.items()
    ]
    return timing.markdown(["", "seconds", "CPU seconds", "peak MB", "pairs", "users", "items", "to train on"], rows)


def training_table(figures: dict[str, list[dict[str, Any]]]) -> str:
    rows = [
        [mode, one["step"], f"{one['seconds']:.1f}", f"{one['peak'] / 1e6:,.0f}"]
        for mode, steps in figures.items()
        for one in steps
    ]
    return timing.markdown(["", "step", "seconds", "peak MB"], rows, left=2)


def sizes_table(figures: dict[tuple[int, str], list[dict[str, Any]]]) -> str:
    steps = list(dict.fromkeys(one["step"] for found in figures.values() for one in found))
    rows = []
    for (size, mode), found in figures.items():
        of_step = {one["step"]: f"{one['seconds']:.1f} s, {one['peak'] / 1e6:,.0f} MB" for one in found}
        rows.append([f"{size:,}", mode, *(of_step.get(step, "") for step in steps)])
    return timing.markdown(["rows", "", *steps], rows, left=2)


def measure_sizes(arguments: argparse.Namespace, folder: Path) -> None:
    figures = {}
    for size in arguments.sizes:
        place = folder / str(size)
        pattern = str(generate(place / "table", size, size // 10, size // 100))
        timing.in_process(__file__, "--one", "prepare", pattern, str(place / "prepared"), arguments.memory)
        for mode in arguments.training:
            words = ("--train", mode, str(place / "prepared"), str(arguments.dim), str(place))
            figures[size, mode] = json.loads(timing.in_process(__file__, *words))
            shutil.rmtree(place / "export", ignore_errors=True)
        shutil.rmtree(place)
        print(sizes_table(figures), flush=True)


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    rows, users, items = (
        (100_000, 10_000, 1_000) if arguments.quick else (arguments.rows, arguments.users, arguments.items)
    )
    started = time.perf_counter()
    pattern = str(generate(folder / "table", rows, users, items))
    print(f"Generated {rows:,} rows in {time.perf_counter() - started:.0f} s", flush=True)
    figures: dict[str, Any] = {"sides": {}, "training": {}}
    prepared = folder / "prepared"
    for side in arguments.sides:
        out = prepared if side == "prepare" else folder / side
        words = ("--one", side, pattern, str(out), arguments.memory)
        figures["sides"][side] = json.loads(timing.in_process(__file__, *words))
        print(sides_table(figures["sides"]), flush=True)
        if side != "prepare":
            shutil.rmtree(out, ignore_errors=True)
    for mode in arguments.training:
        words = ("--train", mode, str(prepared), str(arguments.dim), str(folder))
        figures["training"][mode] = json.loads(timing.in_process(__file__, *words))
        print(training_table(figures["training"]), flush=True)
        shutil.rmtree(folder / "export", ignore_errors=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--users", type=int, default=2_000_000)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--memory", default="4GiB")
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--sides", nargs="*", default=list(SIDES), choices=SIDES)
    parser.add_argument("--training", nargs="*", default=list(TRAINING), choices=TRAINING)
    parser.add_argument("--sizes", nargs="*", type=int, help="rows of tables of which only the training is measured")
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--train", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        side, pattern, out, memory = arguments.one
        print(json.dumps(one_side(side, pattern, Path(out), memory)))
        return
    if arguments.train:
        mode, path, dim, folder = arguments.train
        print(json.dumps(one_training(mode, Path(path), int(dim), Path(folder))))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if arguments.sizes:
            measure_sizes(arguments, Path(folder))
            return
        figures = measure(arguments, Path(folder))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
