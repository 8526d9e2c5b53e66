"""What is measured of a server, in the format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "hyperml_requests",
            "Predict requests by protocol, signature and status code; every code but OK is an error.",
            ("protocol", "signature", "code"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "hyperml_request_seconds",
            "Time from the arrival of a Predict request to its answer, without reading and writing on the network.",
            ("signature",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._rows = Histogram(
            "hyperml_batch_rows",
            "Rows in a call of the graph, which answers one request or several.",
            ("signature",),
            buckets=_ROWS,
            registry=self._registry,
        )
        self._versions = Gauge(
            "hyperml_version_loaded", "1 for a version that answers.", ("version",), registry=self._registry
        )

    def request(self, protocol: str, signature: str, code: str, seconds: float) -> None:
        """Counts a request.

        Args:
            protocol: String, "REST" or "gRPC".
            signature: String, name of a signature of the model. The names that requests make up must not get here.
            code: String, name of a status code of gRPC.
            seconds: Float, the time it took.
        """
        self._requests.labels(protocol, signature, code).inc()
        self._seconds.labels(signature).observe(seconds)

    def batch(self, signature: str, rows: int) -> None:
        """Counts a call of a graph."""
        self._rows.labels(signature).observe(rows)

    def page(self, versions: Iterable[int]) -> bytes:
        """Returns all metrics as text.

        Args:
            versions: Numbers of the versions that are loaded now.
        """
        self._versions.clear()
        for number in versions:
            self._versions.labels(str(number)).set(1)
        return generate_latest(self._registry)
