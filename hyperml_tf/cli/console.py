"""What the commands print, and what they keep others from printing."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

PROTOCOLS = ("full", "sampled100")
MEASURES = {"hr@10": "HR@10", "ndcg@10": "nDCG@10"}


def start_tensorflow(log: Console | None = None) -> None:
    """Imports TensorFlow without its chatter, and sends our own log to the terminal.

    With `HYPERML_DEBUG=1` nothing is silenced.

    Args:
        log: where to send it; `errors()` if None.
    """
    ours = logging.getLogger("hyperml_tf")
    ours.handlers = [RichHandler(console=log or errors(), show_time=False, show_path=False)]
    ours.setLevel(logging.INFO)
    ours.propagate = False  # TensorFlow gives the root logger a handler, which would say everything twice
    if os.environ.get("HYPERML_DEBUG") == "1":
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", module=r"(tensorflow|tf_keras|keras)")
    with muted():
        import tensorflow as tf

        # The first tensor starts the runtime, which looks for devices and reports on each.
        tf.constant(0)
    tf.get_logger().setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)


@contextlib.contextmanager
def muted() -> Iterator[None]:
    """Drops what native code writes to standard error: TensorFlow's does so before its log level counts."""
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
    """Standard output, for results."""
    return Console(highlight=False)


def errors() -> Console:
    """Standard error, for progress and remarks."""
    return Console(stderr=True, highlight=False)


def errors_now() -> Console:
    """Standard error as it is now, also once it is led elsewhere."""
    return Console(file=sys.stderr, highlight=False)


def metrics_table(metrics: dict[str, Any]) -> Table:
    """Test and validation metrics of the model and of popularity, under both protocols.

    Args:
        metrics: as in `metrics.json`.
    """
    table = Table(title="Held-out items", title_justify="left", caption=_CAPTION, caption_justify="left")
    table.add_column("")
    table.add_column("")
    for protocol in PROTOCOLS:
        for measure in MEASURES.values():
            table.add_column(f"{protocol}\n{measure}", justify="right")
    for part in ("test", "validation"):
        for name, values in (("HyperML", metrics[part]), ("Popularity", metrics["popularity"][part])):
            cells = [f"{values[f'{protocol}_{measure}']:.4f}" for protocol in PROTOCOLS for measure in MEASURES]
            table.add_row(part if name == "HyperML" else "", name, *cells)
        table.add_section()
    return table


_CAPTION = "full ranks all unseen items, sampled100 a hundred of them."
