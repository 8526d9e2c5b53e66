"""Recommendations for all users of a large model, written to a file: seconds, users per second and peak memory.

    python benchmarks/recommend_all.py [--users 100000] [--items 20000] [--k 50] [--batch-size 1024] [--json figures.json]

The model has random points at distances like those of a trained model, and 20 seen items per user, which are left out. Every item
has a title, which is written beside its id. The file is Parquet, in a temporary directory, and its rows are counted afterwards.
Peak memory is that of the whole process; that before the first recommendation, with the model and its titles, is printed, too. So
are the seconds of the processors, which depend less than those of the clock on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import pyarrow.parquet
from random_model import random_model
from timing import peak_bytes

import hyperml_tf as hml


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--k", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()

    model = random_model(arguments.users, arguments.items, arguments.dim)
    ids = model.candidate_tower.ids
    items = hml.ItemTable(ids, {"title": [f"The title of {item}" for item in ids]})
    before = peak_bytes() / 2**20
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "recommendations.parquet"
        started, of_processors = time.perf_counter(), time.process_time()
        rows = hml.recommend_to_file(model, path, k=arguments.k, items=items, batch_size=arguments.batch_size)
        seconds, of_processors = time.perf_counter() - started, time.process_time() - of_processors
        assert pyarrow.parquet.read_metadata(path).num_rows == rows == arguments.users * min(arguments.k, len(ids))
        figures = {
            "seconds": seconds,
            "processor_seconds": of_processors,
            "users_per_second": arguments.users / seconds,
            "file_mib": path.stat().st_size / 2**20,
            "peak_mib_before": before,
            "peak_mib": peak_bytes() / 2**20,
        }
    print(f"{arguments.users:,} users, {arguments.items:,} items, first {arguments.k}, dim {arguments.dim}:")
    print(
        f"  {seconds:.1f} s ({of_processors:.1f} s of processors), {figures['users_per_second']:,.0f} users per second, "
        f"a file of {figures['file_mib']:.1f} MiB"
    )
    print(f"  peak memory {figures['peak_mib']:,.0f} MiB, {before:,.0f} MiB of it before the first recommendation")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
