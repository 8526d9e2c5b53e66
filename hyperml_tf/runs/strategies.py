"""The strategies of `tf.distribute` by name."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf

from hyperml_tf.runs import layout
from hyperml_tf.runs.claims import is_run
from hyperml_tf.runs.cluster import StrategyName, Task, check_strategy

# The least size of a shard on a parameter server. Smaller tables are not worth another message per step.
_SHARD = 16 * 2**10


def serve() -> None:
    """Runs a worker or a parameter server of a `ParameterServerStrategy`, until the process is killed."""
    _wait_for_the_others()
    task = Task.of_environment()
    server = tf.distribute.Server(
        tf.train.ClusterSpec(task.cluster), task.kind, task.number, protocol="grpc", start=True
    )
    server.join()


def new_strategy(name: StrategyName) -> tf.distribute.Strategy:
    """Returns a strategy, connected to the cluster. To be called before any operation of TensorFlow.

    Args:
        name: String. "mirrored": all GPUs of this machine, or its CPU. "multi-worker": all GPUs of the workers of the cluster, in
            step with each other. "parameter-server": the tables are divided among the parameter servers of the cluster, and its
            workers train asynchronously; this process is the coordinator.

    Raises:
        ValueError: If the name is unknown, or TF_CONFIG does not describe a cluster that suits it.

    Example:

    >>> new_strategy("mirrored").num_replicas_in_sync
    1
    """
    if check_strategy(name) == "mirrored":
        return tf.distribute.MirroredStrategy()
    task = Task.of_environment()
    if name == "multi-worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    missing = [kind for kind in ("chief", "worker", "ps") if not task.cluster.get(kind)]
    if missing:
        raise ValueError(
            "The cluster of TF_CONFIG must have a chief, workers and parameter servers (`ps`). "
            f"Received: a cluster of {', '.join(task.cluster)}"
        )
    _wait_for_the_others()
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    divided = tf.distribute.experimental.partitioners.MinSizePartitioner(_SHARD, max_shards=len(task.cluster["ps"]))
    return tf.distribute.ParameterServerStrategy(resolver, variable_partitioner=divided)


@contextlib.contextmanager
def directory_of_task(out: Path, name: StrategyName | None, resume: bool = False) -> Iterator[Path]:
    """Context manager of the directory that this process writes a run to.

    All workers of "multi-worker" do the same, to stay in step, but one of them writes the run. The others write to temporary
    directories; where a run is resumed, they read its state, so that `out` must then be on a disk that all of them share.

    Args:
        out: Path of the directory of the run.
        name: String, the strategy, or `None`.
        resume: Boolean, whether an unfinished run is continued. Defaults to `False`.
    """
    if name != "multi-worker" or Task.of_environment().leads:
        yield out
        return
    with tempfile.TemporaryDirectory() as folder:
        mine = Path(folder) / "run"
        if resume and is_run(out):
            mine.mkdir()
            shutil.copy(out / layout.CONFIG, mine)
            if (out / layout.PROGRESS).is_dir():
                shutil.copytree(out / layout.PROGRESS, mine / layout.PROGRESS)
        yield mine


def scope(strategy: Any) -> Any:
    """Returns the scope of a strategy; of none, a context manager that does nothing."""
    return contextlib.nullcontext() if strategy is None else strategy.scope()


def _wait_for_the_others() -> None:
    """Calls to tasks that are being restarted wait for them."""
    os.environ.setdefault("GRPC_FAIL_FAST", "use_caller")
