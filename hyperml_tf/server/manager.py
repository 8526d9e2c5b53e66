"""Which versions of a model are loaded: the newest, and those that have a label."""

from __future__ import annotations

import contextlib
import gc
import logging
import threading
from collections.abc import Mapping
from typing import NamedTuple

import grpc

from hyperml_tf.server.errors import RequestError, invalid
from hyperml_tf.server.loaded_version import LoadedVersion
from hyperml_tf.server.versions import Stamp, Version, VersionDirectory, is_unchanged

logger = logging.getLogger(__name__)


class ModelSpec(NamedTuple):
    """Which model a request is for.

    Attributes:
        name: String, name of the model.
        version: Optional integer. Defaults to `None`, the newest.
        label: Optional string, the label of a version. Defaults to `None`.
    """

    name: str
    version: int | None = None
    label: str | None = None


class Status(NamedTuple):
    """The state of a version, by the names of TensorFlow Serving.

    Attributes:
        version: Integer, the number of the version.
        state: String, `"LOADING"`, `"AVAILABLE"`, `"UNLOADING"` or `"END"`.
        code: The `grpc.StatusCode` of the loading.
        message: String, why it could not be loaded, or `""`.
    """

    version: int
    state: str
    code: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""


class ModelManager:
    """Loads versions of a model as they appear, and unloads those that are not served any more.

    A new version takes the requests once it is loaded and warmed up; until then, and if it cannot be loaded, they go to the one
    before.

    Args:
        name: String, name of the model.
        directory: A `VersionDirectory`.
        labels: Numbers of versions by label. They are served beside the newest. Defaults to `None`.
    """

    def __init__(self, name: str, directory: VersionDirectory, labels: Mapping[str, int] | None = None) -> None:
        self.name, self.directory, self.labels = name, directory, dict(labels or {})
        self._lock = threading.Lock()
        self._loaded: dict[int, tuple[Stamp, LoadedVersion]] = {}
        self._leaving: list[LoadedVersion] = []
        self._failed: dict[int, Stamp] = {}
        self._statuses: dict[int, Status] = {}

    # Requests ----------------------------------------------------------------------------------------------------

    def acquire(self, spec: ModelSpec) -> LoadedVersion:
        """Returns the version that a request is for. The caller releases it.

        Raises:
            RequestError: If there is none.
        """
        while True:
            version = self._find(spec)
            if version.acquire():
                return version

    def _find(self, spec: ModelSpec) -> LoadedVersion:
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        number = self._number(spec)
        with self._lock:
            if spec.name == self.name and number is None and self._loaded:
                number = max(self._loaded)
            if spec.name == self.name and number in self._loaded:
                return self._loaded[number][1]
        wanted = f"Latest({spec.name})" if number is None else f"Specific({spec.name}, {number})"
        raise RequestError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {wanted}")

    def _number(self, spec: ModelSpec) -> int | None:
        if spec.label is None:
            return spec.version
        if spec.name != self.name or spec.label not in self.labels:
            raise invalid(f"Unrecognized servable version label: {spec.label}")
        return self.labels[spec.label]

    def statuses(self, spec: ModelSpec) -> list[Status]:
        """Returns the states of the versions of a model, the newest first, or that of one version.

        Raises:
            RequestError: If there is no such model or version.
        """
        number = self._number(spec)
        with self._lock:
            known = dict(self._statuses) if spec.name == self.name else {}
        if number is None and not known:
            raise RequestError(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {spec.name}")
        if number is not None and number not in known:
            raise RequestError(grpc.StatusCode.NOT_FOUND, f"Could not find version {number} of model {spec.name}")
        return [known[one] for one in sorted(known, reverse=True) if number in (None, one)]

    @property
    def loaded(self) -> list[int]:
        """The numbers of the versions that answer, ascending."""
        with self._lock:
            return sorted(self._loaded)

    # Versions ----------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Looks at the directory once: loads what is new and wanted, and retires the others."""
        self._forget_closed()
        found = {version.number: version for version in self.directory.versions()}
        labelled = set(self.labels.values())
        for number in sorted(labelled & set(found)):
            self._load(found[number])
        # The newest that can be loaded.
        newest = next((number for number in sorted(found, reverse=True) if self._load(found[number])), None)
        if newest is not None:
            self._retire_all_but(labelled & set(found) | {newest})
        # If everything has gone from the directory, what is loaded goes on answering.

    def close(self) -> None:
        """Retires all versions."""
        self._retire_all_but(set())
        self._forget_closed()

    def _load(self, version: Version) -> bool:
        """Loads a version unless it is loaded already; returns whether it is."""
        number, stamp = version.number, version.stamp
        if number in self._loaded and self._loaded[number][0] == stamp:
            return True
        if self._failed.get(number) == stamp:
            return number in self._loaded
        before = self._loaded.get(number)
        if before is None:
            self._set(Status(number, "LOADING"))
        try:
            loaded = LoadedVersion(number, version.path)
        except Exception as error:  # whatever is wrong with the files, the others are served
            self._failed[number] = stamp
            message = " ".join(str(error).split())
            logger.error("Version %d in %s cannot be loaded: %s", number, version.path, message)
            if before is None:
                self._set(Status(number, "END", grpc.StatusCode.INTERNAL, message))
            return before is not None
        if not is_unchanged(version):  # half of one export and half of another; the next look loads the other
            loaded.retire()
            return before is not None
        self._failed.pop(number, None)
        with self._lock:
            self._loaded[number] = (stamp, loaded)
            self._statuses[number] = Status(number, "AVAILABLE")
        logger.info("Version %d is loaded from %s.", number, version.path)
        if before is not None:  # another export under the same number
            self._leaving.append(before[1])
            before[1].retire()
        return True

    def _retire_all_but(self, wanted: set[int]) -> None:
        with self._lock:
            leaving = {number: self._loaded.pop(number)[1] for number in set(self._loaded) - wanted}
            self._statuses.update({number: Status(number, "UNLOADING") for number in leaving})
        self._leaving += leaving.values()
        for version in leaving.values():
            version.retire()
        self._forget_closed()

    def _forget_closed(self) -> None:
        closed = [version for version in self._leaving if version.is_closed]
        self._leaving = [version for version in self._leaving if version not in closed]
        with self._lock:
            for version in closed:
                if version.number not in self._loaded:
                    self._statuses[version.number] = Status(version.number, "END")
        if closed:
            # Graphs are full of reference cycles: without this, memory grows from version to version.
            del version
            closed.clear()
            gc.collect()

    def _set(self, status: Status) -> None:
        with self._lock:
            self._statuses[status.version] = status


class Poller:
    """A thread that refreshes a `ModelManager` again and again.

    Args:
        manager: The manager.
        seconds: Float, the time between two looks at the directory.
    """

    def __init__(self, manager: ModelManager, seconds: float) -> None:
        self._manager, self._seconds = manager, seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hyperml-versions", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, after the version that it is loading."""
        self._stop.set()
        with contextlib.suppress(RuntimeError):  # it was never started
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self._manager.refresh()
            except Exception:  # such as a disk that fails for a moment
                logger.exception("The versions in %s could not be read.", self._manager.directory.path)
