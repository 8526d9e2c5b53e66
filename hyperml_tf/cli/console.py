"""Output of the commands, and suppression of other output."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

_Result = TypeVar("_Result")

PROTOCOLS = ("full", "sampled100")
MEASURES = {
    **{f"hr@{k}": f"HR@{k}" for k in (5, 10, 20)},
    **{f"ndcg@{k}": f"nDCG@{k}" for k in (5, 10, 20)},
    "mrr": "MRR",
}


def start_logging(log: Console | None = None, level: int = logging.INFO) -> None:
    """Sends the log messages of `hyperml_tf` to the terminal.

    Args:
        log: A `rich` console for them. Defaults to `None`, `errors()`.
        level: Integer, the lowest level that is shown. Defaults to `logging.INFO`.
    """
    ours = logging.getLogger("hyperml_tf")
    ours.handlers = [RichHandler(console=log or errors(), show_time=False, show_path=False)]
    ours.setLevel(level)
    ours.propagate = False  # TensorFlow adds a handler to the root logger, which would repeat every message


def start_tensorflow(log: Console | None = None, begin: Callable[[], _Result] | None = None) -> _Result | None:
    """Imports TensorFlow without its log messages, and sends those of `hyperml_tf` to the terminal.

    With `HYPERML_DEBUG=1` nothing is suppressed.

    Args:
        log: A `rich` console for log messages. Defaults to `None`, `errors()`.
        begin: Optional function to call before any other operation of TensorFlow. Defaults to `None`.

    Returns:
        What `begin` returns.
    """
    start_logging(log)
    if os.environ.get("HYPERML_DEBUG") == "1":
        return begin() if begin is not None else None
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", module=r"(tensorflow|tf_keras|keras)")
    with muted():
        import tensorflow as tf

        # The first tensor initializes the runtime, which logs the devices it finds.
        result = begin() if begin is not None else None
        tf.constant(0)
    tf.get_logger().setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    return result


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """Discards standard error of native code: TensorFlow logs before its log level takes effect."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def output() -> Console:
    """Returns a console on standard output, for results."""
    return Console(highlight=False)


def errors() -> Console:
    """Returns a console on standard error, for progress and notes."""
    return Console(stderr=True, highlight=False)


def errors_now() -> Console:
    """Returns a console on the current standard error, even if that is redirected later."""
    return Console(file=sys.stderr, highlight=False)


@contextlib.contextmanager
def progress(title: str, total: int, unit: str) -> Iterator[Callable[[int], None] | None]:
    """Shows a progress bar on a terminal, and yields a function that advances it; `None` without a terminal.

    Args:
        title: String, what is being done.
        total: Integer, the number of units.
        unit: String, such as "users".
    """
    console = errors()
    if not console.is_terminal:
        yield None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeElapsedColumn(), TextColumn("left"))
    with Progress(TextColumn(title), *columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(title, total=total)
        yield lambda number: bar.advance(task, number)


def metrics_table(metrics: dict[str, Any], test_history: str = "before_test") -> Table:
    """Returns a table of test and validation metrics of the model and of popularity, under both protocols.

    Args:
        metrics: The contents of `metrics.json`.
        test_history: String, the `TestHistory` of the metrics. Defaults to `"before_test"`.
    """
    known = _HISTORIES[test_history if "validation" in metrics else "train"]
    caption = f"{_CAPTION} Test users are known by {known}."
    table = Table(title="Held-out items", title_justify="left", caption=caption, caption_justify="left")
    table.add_column("")
    table.add_column("")
    parts = [part for part in ("test", "validation") if part in metrics]
    for part in parts:
        for name in ("HyperML", "Popularity"):
            table.add_column(f"{part}\n{name}", justify="right")
    for protocol in PROTOCOLS:
        for measure, title in MEASURES.items():
            values = [
                of_model[part][f"{protocol}_{measure}"]
                for part in parts
                for of_model in (metrics, metrics["popularity"])
            ]
            first = measure == next(iter(MEASURES))
            table.add_row(protocol if first else "", title, *(f"{value:.4f}" for value in values))
        table.add_section()
    return table


def update_table(metrics: dict[str, Any]) -> Table:
    """Returns a table of the test metrics of an updated model, of the model before it, and of popularity.

    Args:
        metrics: The contents of `metrics.json`.
    """
    caption = f"{_CAPTION} All of them know the new items of these users but the newest."
    table = Table(title="Newest items", title_justify="left", caption=caption, caption_justify="left")
    for name in ("", ""):
        table.add_column(name)
    shown = {"updated": metrics, "before": metrics["before"], "Popularity": metrics["popularity"]}
    for name in shown:
        table.add_column(name, justify="right")
    for protocol in PROTOCOLS:
        for measure, title in MEASURES.items():
            values = [of_model["test"][f"{protocol}_{measure}"] for of_model in shown.values()]
            first = measure == next(iter(MEASURES))
            table.add_row(protocol if first else "", title, *(f"{value:.4f}" for value in values))
        table.add_section()
    return table


_CAPTION = "full: ranked among all unseen items; sampled100: among 100 of them."
_HISTORIES = {"before_test": "their training and validation items", "train": "their training items only"}
