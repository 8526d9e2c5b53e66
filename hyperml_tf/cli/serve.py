"""The command `serve`."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from hyperml_tf.cli import console


def serve(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|EXPORT",
            help="A directory that `train --out` wrote, a directory with numbered versions, or one export.",
        ),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="The name of the model in requests.")] = "hyperml",
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="The address to listen at; 0.0.0.0: whoever reaches this machine may ask."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port of HTTP; 0: any free one.")] = 8501,
    grpc_port: Annotated[int, typer.Option(help="The port of gRPC; 0: any free one.")] = 8500,
    label: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=VERSION",
            help="Serve this version, too, as /labels/LABEL; may be repeated.",
            show_default="the newest version only",
        ),
    ] = None,
) -> None:
    """Serve an export on this machine: the REST and gRPC APIs of TensorFlow Serving, metrics, and a page to try it on.

    New versions are served as they appear. Ctrl-C ends it.
    """
    labels = _labels(label or [])
    console.start_tensorflow()
    from hyperml_tf.server import Server

    server = Server(path, name, host, port, grpc_port, labels)
    stopped = threading.Event()
    before = {one: signal.signal(one, lambda *_: stopped.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with server:
            for line in _addresses(server):
                typer.echo(line)
            # A wait without an end cannot be interrupted on every system.
            while not stopped.wait(1.0):
                pass
            typer.echo("Stopping: requests in flight are answered first.")
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _labels(given: list[str]) -> dict[str, int]:
    labels = {}
    for one in given:
        name, equals, version = one.partition("=")
        if not name or not equals or not version.isdecimal() or set("/:") & set(name):
            raise ValueError(f"`--label` must be LABEL=VERSION, such as stable=1. Received: {one}")
        labels[name] = int(version)
    return labels


def _addresses(server: Any) -> list[str]:
    return [
        f"Serving {server.name}, version {', '.join(map(str, server.versions))}. Ctrl-C stops.",
        f"  page     {server.url}/",
        f"  REST     {server.url}/v1/models/{server.name}:predict",
        f"  gRPC     {server.grpc_address}",
        f"  metrics  {server.url}/metrics",
    ]
