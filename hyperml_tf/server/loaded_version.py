"""A version in memory: a session with the graph, as TensorFlow Serving has it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from hyperml_tf.server.errors import RequestError, invalid

logger = logging.getLogger(__name__)

Tensors = Mapping[str, np.ndarray]

DEFAULT_SIGNATURE = "serving_default"
WARM_UP = Path("assets.extra", "tf_serving_warmup_requests")


class LoadedVersion:
    """An export in a session of TensorFlow.

    It stays open until the last request that uses it has ended, see `acquire`.

    Args:
        number: Integer, the number of the version.
        path: Path of the export.

    Attributes:
        signatures: The definitions of its signatures by name.
        warmed_up: Integer, the number of warm-up requests of the export that it has answered.
    """

    def __init__(self, number: int, path: Path) -> None:
        self.number = number
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            with self._session.graph.as_default():
                meta = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
            # What has no inputs initializes the graph and is no signature to call.
            self.signatures = {name: one for name, one in meta.signature_def.items() if one.inputs}
            self._functions = {name: self._function(signature) for name, signature in self.signatures.items()}
            self.warmed_up = self._warm_up(path / WARM_UP)
        except BaseException:
            self._session.close()
            raise
        self._lock = threading.Lock()
        self._users, self._retired = 0, False

    def _function(self, signature: Any) -> Callable[..., list[Any]]:
        names = [[fields[alias].name for alias in sorted(fields)] for fields in (signature.outputs, signature.inputs)]
        with self._session.graph.as_default():
            return self._session.make_callable(*names)

    def run(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray]:
        """Calls a signature.

        Args:
            signature: String, name of the signature.
            inputs: Arrays by input name, text as bytes, which `check` has accepted.

        Returns:
            All outputs by name.

        Raises:
            RequestError: If TensorFlow refuses the inputs.
        """
        try:
            values = self._functions[signature](*(inputs[alias] for alias in sorted(inputs)))
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            raise invalid(str(error).removeprefix("Graph execution error:").strip()) from error
        return dict(zip(sorted(self.signatures[signature].outputs), values, strict=True))

    def check(self, signature: str, inputs: Tensors) -> None:
        """Raises a `RequestError` if a signature cannot be called with some inputs."""
        declared = self.signatures[signature].inputs
        sent, wanted = set(inputs), set(declared)
        if len(sent) != len(wanted):
            raise invalid(
                f"input size does not match signature: {len(sent)}!={len(wanted)} len({_listed(sent)}) != "
                f"len({_listed(wanted)}). Sent extra: {_listed(sent - wanted)}. Missing but required: "
                f"{_listed(wanted - sent)}."
            )
        for place, alias in enumerate(sorted(inputs)):
            if alias not in declared:
                raise invalid(
                    f"input tensor alias not found in signature: {alias}. Inputs expected to be in the set {_listed(wanted)}."
                )
            given, expected = _dtype(inputs[alias]), tf.as_dtype(declared[alias].dtype)
            if given != expected:
                raise invalid(f"Expects arg[{place}] to be {expected.name} but {given.name} is provided")
            shape = tf.TensorShape(declared[alias].tensor_shape)
            if not shape.is_compatible_with(inputs[alias].shape):
                received = ",".join(map(str, inputs[alias].shape))
                sizes = ",".join("?" if size is None else str(size) for size in shape)
                raise invalid(f"Shape of tensor {alias} [{received}] is not compatible with expected shape [{sizes}].")

    def acquire(self) -> bool:
        """Keeps the version open until `release`. Returns `False` if it is on its way out."""
        with self._lock:
            self._users += not self._retired
            return not self._retired

    def release(self) -> None:
        """Ends a use. The last one of a retired version closes it."""
        with self._lock:
            self._users -= 1
            last = self._retired and self._users == 0
        if last:
            self._close()

    def retire(self) -> None:
        """Lets no new request use the version, and closes it once the last one has ended."""
        with self._lock:
            self._retired, unused = True, self._users == 0
        if unused:
            self._close()

    @property
    def is_closed(self) -> bool:
        """Whether it has been retired and closed."""
        with self._lock:
            return self._retired and self._users == 0

    def _close(self) -> None:
        self._functions = {}
        self._session.close()
        logger.info("Version %d is unloaded.", self.number)

    def _warm_up(self, file: Path) -> int:
        """Calls every signature once, because the first call optimizes its graph, then with the requests of the export.

        Returns:
            The number of requests of the export. As in TensorFlow Serving, one that fails is an error.
        """
        for name, signature in self.signatures.items():
            shapes = {alias: tf.TensorShape(one.tensor_shape) for alias, one in signature.inputs.items()}
            if any(one.dtype != tf.string for one in signature.inputs.values()) or None in [
                shape.rank for shape in shapes.values()
            ]:
                continue
            one_row = {alias: np.full([size or 1 for size in shape], b"", object) for alias, shape in shapes.items()}
            try:
                self.run(name, one_row)
            except RequestError as error:
                logger.debug("%s refuses empty ids: %s", name, error)
        records = list(tf.compat.v1.io.tf_record_iterator(str(file))) if file.is_file() else []
        for record in records:
            request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
            inputs = {alias: tf.make_ndarray(tensor) for alias, tensor in request.inputs.items()}
            signature = request.model_spec.signature_name or DEFAULT_SIGNATURE
            self.check(signature, inputs)
            self.run(signature, inputs)
        return len(records)


def _dtype(values: np.ndarray) -> tf.DType:
    return tf.string if values.dtype == object else tf.as_dtype(values.dtype)


def _listed(names: set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
