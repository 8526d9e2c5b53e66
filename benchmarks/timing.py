"""What the benchmarks of speed share: sides that take turns, medians, and processes of their own."""

from __future__ import annotations

import importlib.util
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path


def take_turns(sides: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Asks every side for a figure again and again, in turn, so that what else the machine does falls on all of them.

    Args:
        sides: each works for a while and returns a figure.
        rounds: how many figures of each.
        warm_up: rounds before these, which trace, compile and fill caches.
    """
    for _ in range(warm_up):
        for side in sides.values():
            side()
    figures: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            figures[name].append(side())
    return figures


def rate(work: Callable[[], int], seconds: float) -> float:
    """Units of work a second: `work` does some and returns how many, until the time is over; at least once."""
    done, started = 0, time.perf_counter()
    while True:
        done += work()
        spent = time.perf_counter() - started
        if spent >= seconds:
            return done / spent


def seconds_of(work: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def medians(figures: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of every side."""
    return {name: statistics.median(values) for name, values in figures.items()}


def spread(figures: Mapping[str, Sequence[float]]) -> float:
    """(largest - smallest) / median of one side, the median over sides: what ratios can be trusted to."""
    return statistics.median((max(values) - min(values)) / statistics.median(values) for values in figures.values())


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A table; the first `left` columns are words."""
    rule = ["---"] * left + ["--:"] * (len(header) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])


def has(module: str, side: str) -> bool:
    """Whether a rival is installed; says so if it is not."""
    found = importlib.util.find_spec(module) is not None
    if not found:
        print(f"{side}: left out, because `{module}` is not installed", flush=True)
    return found


def threads() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_bytes() -> int:
    """The largest resident memory this process ever had."""
    status = Path("/proc/self/status")
    if status.exists():
        # `getrusage` counts the memory of the parent at the moment it started this process.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def in_process(program: str | Path, *words: str) -> str:
    """The last line a Python program prints in a process of its own, whose memory nobody else has used.

    Raises:
        RuntimeError: if it fails; with its last words.
    """
    done = subprocess.run([sys.executable, str(program), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(words)}` ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.strip().splitlines()[-1]
