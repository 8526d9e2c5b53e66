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
_TITLES = {
    "hr": "HR",
    "recall": "recall",
    "precision": "precision",
    "f1": "F1",
    "ndcg": "nDCG",
    "map": "MAP",
    "mrr": "MRR",
    "coverage": "coverage",
    "gini": "Gini",
    "novelty": "novelty",
    "diversity": "diversity",
    "distinct_categories": "distinct categories",
    "popularity_lift": "popularity lift",
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
        metrics: The contents of `metrics.json`, or what `Run.evaluate` returns.
        test_history: String, the `TestHistory` of the metrics. Defaults to `"before_test"`.
    """
    known = _HISTORIES[test_history if "validation" in metrics else "train"]
    caption = f"{_CAPTION} Test users are known by {known}."
    parts = [part for part in ("test", "validation") if part in metrics]
    columns = {
        f"{part}\n{name}": of_model[part]
        for part in parts
        for name, of_model in (("HyperML", metrics), ("Popularity", metrics["popularity"]))
    }
    return _by_protocol("Held-out items", caption, columns)


def update_table(metrics: dict[str, Any]) -> Table:
    """Returns a table of the test metrics of an updated model, of the model before it, and of popularity.

    Args:
        metrics: The contents of `metrics.json`.
    """
    caption = f"{_CAPTION} All of them know the new items of these users but the newest."
    shown = {"updated": metrics, "before": metrics["before"], "Popularity": metrics["popularity"]}
    return _by_protocol("Newest items", caption, {name: of_model["test"] for name, of_model in shown.items()})


def lists_table(lists: dict[str, dict[str, float | None]]) -> Table:
    """Returns a table of what lists are like.

    Args:
        lists: What `Evaluation.lists` returns.
    """
    table = _table("Lists of recommendations", _LISTS)
    for title in ("", "HyperML", "Popularity"):
        table.add_column(title, justify="right" if title else "left")
    for name, value in lists["model"].items():
        if value is not None:
            table.add_row(_title(name), f"{value:.4f}", _number(lists["popularity"][name]))
    return table


def comparison_table(comparison: dict[str, Any]) -> Table:
    """Returns a table of the paired differences of two runs.

    Args:
        comparison: What `Comparison.to_dict` returns.
    """
    table = _table(
        "Compared on the same users",
        "The difference is RUN less the other, with its 95 % interval; p by a paired t-test.",
    )
    for title in ("", "", "RUN", "other", "difference", "95 % interval", "p", "p (Holm)"):
        table.add_column(title, justify="right" if title else "left")
    before = ""
    for one in comparison["differences"]:
        protocol, _, measure = one["metric"].partition("_")
        interval = f"{one['low']:+.4f} to {one['high']:+.4f}"
        numbers = (f"{one['first']:.4f}", f"{one['second']:.4f}", f"{one['difference']:+.4f}", interval)
        table.add_row(
            "" if protocol == before else protocol, _title(measure), *numbers, _p(one["p"]), _p(one["p_holm"])
        )
        before = protocol
    return table


def folds_table(summary: dict[str, dict[str, float]], folds: int) -> Table:
    """Returns a table of the means over folds.

    Args:
        summary: What `CrossValidation.summary` returns.
        folds: Integer, the number of folds.
    """
    table = _table(f"Means over {folds} folds", f"{_CAPTION} The interval is that of the mean, by Student's t.")
    for title in ("", "", "HyperML", "95 % interval", "Popularity"):
        table.add_column(title, justify="right" if title else "left")
    before = ""
    for name, one in summary.items():
        protocol, _, measure = name.partition("_")
        interval = f"{one['low']:.4f} to {one['high']:.4f}"
        shown = "" if protocol == before else protocol
        table.add_row(shown, _title(measure), f"{one['mean']:.4f}", interval, f"{one['popularity']:.4f}")
        before = protocol
    return table


def _by_protocol(title: str, caption: str, columns: dict[str, dict[str, float]]) -> Table:
    """A table with a section for each protocol, of the metrics by name."""
    table = _table(title, caption)
    for name in ("", "", *columns):
        table.add_column(name, justify="right" if name else "left")
    names = list(next(iter(columns.values())))
    for protocol in PROTOCOLS:
        measures = [name.partition("_")[2] for name in names if name.startswith(f"{protocol}_")]
        for measure in measures:
            # With several test items there are metrics that a single validation item has no use for.
            values = (_number(values.get(f"{protocol}_{measure}")) for values in columns.values())
            table.add_row(protocol if measure == measures[0] else "", _title(measure), *values)
        table.add_section()
    return table


def _table(title: str, caption: str) -> Table:
    return Table(title=title, title_justify="left", caption=caption, caption_justify="left")


def _title(measure: str) -> str:
    """The title of a metric such as "ndcg@10"."""
    name, at, k = measure.partition("@")
    return f"{_TITLES[name]}{at}{k}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else f"{value:.0e}"


_CAPTION = "full: ranked among all unseen items; sampled100: among 100 of them."
_DIFFERENCES = "The difference is RUN less the other, with its 95 % interval; p by a paired t-test."
_LISTS = (
    "coverage: share of the catalogue in any list; Gini: 0 if all items are listed equally often; novelty: bits of "
    "information of an item; diversity: distance of two items of a list; popularity lift: 0 if items are as popular as those "
    "that users have."
)
_HISTORIES = {"before_test": "their training and validation items", "train": "their training items only"}
