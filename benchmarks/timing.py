"""Common code of the speed benchmarks: alternating measurements, medians, and separate processes."""

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
    """Measures all sides alternately, so that other load on the machine affects all of them.

    Args:
        sides: functions that work for a while and return a measurement.
        rounds: the number of measurements per side.
        warm_up: the number of rounds before these, for tracing, compiling and filling caches.
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
    """Units of work per second. `work` returns its number of units, and is repeated until the time is over."""
    done, started = 0, time.perf_counter()
    while True:
        done += work()
        spent = time.perf_counter() - started
        if spent >= seconds:
            return done / spent


def seconds_of(work: Callable[[], object]) -> float:
    """The seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def medians(figures: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each side."""
    return {name: statistics.median(values) for name, values in figures.items()}


def spread(figures: Mapping[str, Sequence[float]]) -> float:
    """(largest - smallest) / median of a side, the median over all sides. Ratios are not more precise than this."""
    return statistics.median((max(values) - min(values)) / statistics.median(values) for values in figures.values())


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table. The first `left` columns are text."""
    rule = ["---"] * left + ["--:"] * (len(header) - left)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])


def has(module: str, side: str) -> bool:
    """Whether a rival is installed. Prints a message if it is not."""
    found = importlib.util.find_spec(module) is not None
    if not found:
        print(f"{side}: left out, because `{module}` is not installed", flush=True)
    return found


def threads() -> int:
    """The number of CPUs that this process can use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_bytes() -> int:
    """The peak resident memory of this process."""
    status = Path("/proc/self/status")
    if status.exists():
        # `getrusage` includes the memory that the parent had when it started this process.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def in_process(program: str | Path, *words: str) -> str:
    """Runs a Python program in a new process, and returns the last line that it prints.

    Raises:
        RuntimeError: if it fails. The message has the end of its output.
    """
    done = subprocess.run([sys.executable, str(program), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(words)}` ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.strip().splitlines()[-1]
