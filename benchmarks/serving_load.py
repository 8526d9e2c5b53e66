"""Load test of an export: many threads, small and large batches, all signatures, for minutes.

    python benchmarks/serving_load.py [--items 100000] [--users 50000] [--minutes 10] [--threads 4] [--serve [--roll 3]]

The export of a random model is queried in this process with plain TensorFlow, without a network; with `--serve`, through
`hyperml-tf serve` in another process, by REST and gRPC in turn, and one call in ten is a wrong one that has to be refused. Each
response is checked for its shape, for infinities and for unknown ids. With `--roll`, new versions appear in the served directory
while it is queried, at equal times, and the last of them must answer in the end. Resident memory, that of the server if there is
one, is measured every five seconds; its growth is the median of the last quarter of the time by that of the second quarter.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from random_model import random_model
from served import MODEL, WRONG, GrpcClient, Refused, RestClient, Served

import hyperml_tf as hml

BATCHES = (1, 1, 1, 4, 16, 64, 256)
LISTED = (5, 20, 100)


def inputs_of(signature: str, batch: int, rng: random.Random, items: int, users: int) -> dict[str, list[Any]]:
    def item() -> str:
        return f"item_{rng.randrange(items):07d}"

    def one_list(length: int) -> list[str]:
        return [item() for _ in range(length)]

    length = rng.choice(LISTED)
    # One user in ten is unknown.
    some_users = [f"user_{rng.randrange(users + users // 9):07d}" for _ in range(batch)]
    values = {
        "user_id": some_users,
        "candidates": [one_list(length) for _ in range(batch)],
        "exclude": [one_list(length) for _ in range(batch)],
        "history": [one_list(length) for _ in range(batch)],
        "item_id": [one_list(length) for _ in range(batch)] if signature == "score" else one_list(batch),
    }
    return {name: values[name] for name in hml.serving.SIGNATURES[signature].inputs}


def check(answer: dict[str, tf.Tensor], batch: int) -> None:
    for name, value in answer.items():
        array = value.numpy()
        assert array.shape[0] == batch, (name, array.shape)
        if array.dtype == object:
            # A history may be shorter than the answer.
            assert all(text.startswith(b"item_") or (name == "history" and not text) for text in array[0]), array[0]
        else:
            assert np.isfinite(array).all(), name


def without_padding(answer: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Fills the places for which no candidate was left: `""`, at infinite distance."""
    empty = answer["item_id"].numpy() == b""
    assert (empty == np.isposinf(answer["distance"].numpy())).all(), "padding"
    return {
        name: tf.where(empty, "item_" if value.dtype == tf.string else tf.zeros((), value.dtype), value)
        for name, value in answer.items()
    }


class Load:
    """The threads, their measurements and their errors."""

    def __init__(self, path: Path, arguments: argparse.Namespace, served: Served | None = None) -> None:
        self.signatures = tf.saved_model.load(str(path)).signatures
        self.arguments, self.served = arguments, served
        self.refused = 0
        self.seconds: dict[tuple[str, int], list[float]] = collections.defaultdict(list)
        self.errors: list[str] = []
        self._lock = threading.Lock()

    def run(self) -> list[float]:
        """Sends queries until the time is over, and returns the resident memory over time, in megabytes."""
        end = time.monotonic() + 60 * self.arguments.minutes
        threads = [threading.Thread(target=self._ask, args=(seed, end)) for seed in range(self.arguments.threads)]
        for thread in threads:
            thread.start()
        memory = []
        while time.monotonic() < end:
            time.sleep(min(5.0, max(0.0, end - time.monotonic())))
            memory.append(resident(os.getpid() if self.served is None else self.served.pid))
        for thread in threads:
            thread.join()
        return memory

    def roll(self, path: Path, versions: int) -> None:
        """Puts new versions beside a served one, `1`, while it is queried: copies, which appear whole."""
        for version in range(2, versions + 2):
            time.sleep(60 * self.arguments.minutes / (versions + 1))
            copy = path.parent.parent / f"copy-{version}"
            shutil.copytree(path, copy)
            copy.rename(path.parent / str(version))

    def _ask(self, seed: int, end: float) -> None:
        rng = random.Random(seed)
        names = sorted(self.signatures)
        client = None if self.served is None else (RestClient, GrpcClient)[seed % 2](self.served)
        while time.monotonic() < end:
            if client is not None and rng.random() < 0.1:
                self._ask_wrongly(client, rng)
                continue
            name, batch = rng.choice(names), rng.choice(BATCHES)
            given = inputs_of(name, batch, rng, self.arguments.items, self.arguments.users)
            tensors = {key: tf.constant(values) for key, values in given.items()}
            started = time.perf_counter()
            try:
                answer = self.signatures[name](**tensors) if client is None else client.ask(name, given)
                taken = time.perf_counter() - started
                check(without_padding(answer) if name == "recommend_among" else answer, batch)
            except Exception as error:  # every failure counts
                with self._lock:
                    self.errors.append(f"{name}, batch {batch}: {error}")
                continue
            with self._lock:
                self.seconds[name, batch].append(taken)

    def _ask_wrongly(self, client: RestClient | GrpcClient, rng: random.Random) -> None:
        name, given = rng.choice(WRONG)
        try:
            client.ask(name, given)
        except Refused:
            with self._lock:
                self.refused += 1
        except Exception as error:
            with self._lock:
                self.errors.append(f"{name}, wrong: {error}")
        else:
            with self._lock:
                self.errors.append(f"{name}, wrong: answered")


def resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def milliseconds(seconds: list[float]) -> str:
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1000
    return f"{p50:.1f} / {p99:.1f}"


def report(load: Load, memory: list[float]) -> None:
    sizes = sorted(set(BATCHES))
    print("| ms, p50 / p99 | calls | all batches | " + " | ".join(f"batch {size}" for size in sizes) + " |")
    print("|---|--:|" + "--:|" * (len(sizes) + 1))
    for name in sorted({name for name, _ in load.seconds}):
        by_size = [load.seconds[name, size] for size in sizes]
        every = [value for values in by_size for value in values]
        cells = [f"`{name}`", f"{len(every):,}", milliseconds(every), *map(milliseconds, by_size)]
        print("| " + " | ".join(cells) + " |")
    if load.served is not None:
        every = [value for values in load.seconds.values() for value in values]
        print(f"All: {milliseconds(every)} ms. {load.refused:,} wrong calls refused")
    calls = sum(len(values) for values in load.seconds.values())
    rows = sum(size * len(values) for (_, size), values in load.seconds.items())
    print(f"{calls:,} calls of {rows:,} rows in {load.arguments.minutes:g} minutes, {len(load.errors)} errors")
    for error in load.errors[:5]:
        print("  ", error)
    quarter = max(1, len(memory) // 4)
    before, after = statistics.median(memory[quarter : 2 * quarter]), statistics.median(memory[-quarter:])
    print(f"Resident memory: {memory[0]:.0f} MiB at first, {memory[-1]:.0f} MiB at last, at most {max(memory):.0f} MiB")
    print(
        f"Resident memory: {before:.0f} MiB in the second quarter, {after:.0f} MiB in the last ({after / before - 1:+.1%})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--serve", action="store_true", help="through `hyperml-tf serve`")
    parser.add_argument("--roll", type=int, default=0, help="number of new versions under load, with --serve")
    arguments = parser.parse_args()
    if arguments.roll and not arguments.serve:
        raise SystemExit("--roll requires --serve")
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        model = random_model(arguments.users, arguments.items, arguments.dim)
        path = hml.export_saved_model(model, Path(scratch) / MODEL / "1", k=arguments.k, precision=arguments.precision)
        del model
        served = stack.enter_context(Served(path.parent)) if arguments.serve else None
        load = Load(path, arguments, served)
        print(
            f"TensorFlow {tf.__version__}, {os.cpu_count()} cores, {arguments.threads} threads, {arguments.items:,} items, dim "
            f"{arguments.dim}, k {arguments.k}, {arguments.precision}",
            flush=True,
        )
        if arguments.roll:
            threading.Thread(target=load.roll, args=(path, arguments.roll), daemon=True).start()
        report(load, load.run())
        if served is not None:
            print(f"Versions that answer in the end: {served.versions()}")
            assert served.versions() == [str(arguments.roll + 1)]


if __name__ == "__main__":
    main()
