"""Training under the strategies of `tf.distribute`, compared with one device: do models become the same, and how fast?

    python benchmarks/distribution.py

Workers and parameter servers are processes on this machine. The bytes of a step are those that the loopback device has carried,
so nothing else should use it meanwhile.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import hyperml_tf as hml
from hyperml_tf import HyperML
from hyperml_tf.layers import Curvature
from hyperml_tf.models.baselines import CML, LRML, MFBPR
from hyperml_tf.models.copies import copied, outside_of_scopes, shards_of_tables
from hyperml_tf.optimizers import RiemannianAdagrad, RiemannianAdam, RiemannianSGD

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "RiemannianSGD": lambda: RiemannianSGD(0.002),
    "RiemannianSGD, momentum": lambda: RiemannianSGD(0.001, momentum=0.9),
    "RiemannianAdagrad": lambda: RiemannianAdagrad(0.02),
    "RiemannianAdam": lambda: RiemannianAdam(0.02),
    "Keras Adam": lambda: tf.keras.optimizers.Adam(0.01),
}
# Models whose exports are asked, too.
EXPORTED = ("direct", "tangent, history", "tangent, sequence")
# A step of an encoder or a network of many weights is shorter, and training that does not converge amplifies rounding.
SHORTER = {"tangent, sequence": 0.05, "tangent, network": 0.1}
BASELINES = {"CML": CML, "LRML": LRML, "MF-BPR": MFBPR}
MODELS: dict[str, Callable[[Any], Any]] = {
    "direct": lambda table: HyperML.from_interactions(table, dim=8, mode="direct"),
    "direct, learned curvature": lambda table: HyperML.from_interactions(
        table, dim=8, mode="direct", curvature=Curvature(0.7, learned=True)
    ),
    "tangent, free": lambda table: HyperML.from_interactions(table, dim=8, user_model="free"),
    "tangent, history": lambda table: HyperML.from_interactions(table, dim=8, user_model="history"),
    "tangent, sequence": lambda table: HyperML.from_interactions(table, dim=8, user_model="sequence"),
    "tangent, network": lambda table: with_network(table),
    **{
        name: functools.partial(lambda kind, table: kind.from_interactions(table, dim=8), kind)
        for name, kind in BASELINES.items()
    },
}
# The strategy, its replicas or workers, and its parameter servers.
SETUPS = [
    ("mirrored", 1, 0),
    ("mirrored", 2, 0),
    ("mirrored", 4, 0),
    ("multi-worker", 2, 0),
    ("parameter-server", 1, 1),
    ("parameter-server", 1, 2),
]
SPEEDS = [("one-device", 1, 0), ("multi-worker", 2, 0), ("parameter-server", 1, 2), ("parameter-server", 2, 2)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1500, help="rows of the table on which models are compared")
    parser.add_argument(
        "--speed-rows", type=int, default=200_000, help="rows of the table on which the speed is measured"
    )
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=2048, help="of the table on which the speed is measured")
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=MODELS)
    parser.add_argument("--optimizers", nargs="*", default=list(OPTIMIZERS), choices=OPTIMIZERS)
    setups = [described(*setup) for setup in SETUPS]
    parser.add_argument("--setups", nargs="*", default=setups, choices=setups)
    parser.add_argument("--questions", nargs="*", default=["equality", "speed"], choices=["equality", "speed"])
    parser.add_argument("--task", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        run_task(arguments)
        return
    if arguments.questions != ["speed"]:
        show({setup: results("equality", *setup) for setup in SETUPS if described(*setup) in arguments.setups})
    if "speed" not in arguments.questions:
        return
    print("\n| strategy | rows per second | kB on the wire per step |\n|---|---|---|")
    for setup in SPEEDS:
        for row in results("speed", *setup):
            print(f"| {described(*setup)} | " + " | ".join(row) + " |", flush=True)


def show(found: dict[tuple[str, int, int], list[list[Any]]]) -> None:
    """Prints the differences of the tables of every model, and the largest of all other differences of every strategy."""
    print("| model | optimizer | " + " | ".join(described(*setup) for setup in found) + " |")
    print("|---|---|" + "--:|" * len(found))
    for rows in zip(*found.values(), strict=True):
        print(f"| {rows[0][0]} | {rows[0][1]} | " + " | ".join(f"{row[2]:.0e}" for row in rows) + " |")
    print("\n| largest difference | " + " | ".join(described(*setup) for setup in found) + " |")
    print("|---|" + "--:|" * len(found))
    for place, name in enumerate(("tables", "loss and metrics", "answers: distances or scores"), start=2):
        print(f"| {name} | " + " | ".join(f"{max(row[place] for row in rows):.0e}" for rows in found.values()) + " |")
    print("| answers: other items | " + " | ".join(str(sum(row[5] for row in rows)) for rows in found.values()) + " |")


def described(kind: str, workers: int, servers: int) -> str:
    names = {
        "mirrored": "replicas",
        "multi-worker": "workers",
        "parameter-server": "worker" if workers == 1 else "workers",
    }
    return f"{kind}, {workers} {names.get(kind, 'process')}" + (f", {servers} shards" if servers else "")


def results(question: str, kind: str, workers: int, servers: int) -> list[list[Any]]:
    """What the first process prints, of those that a strategy needs. All others are killed in the end."""
    jobs = {"worker": workers} if kind == "multi-worker" else {}
    if kind == "parameter-server":
        jobs = {"worker": workers, "ps": servers, "chief": 1}
    addresses = free_addresses(jobs)
    command = [sys.executable, __file__, *sys.argv[1:], "--task", question, kind, str(workers)]
    started: list[subprocess.Popen[str]] = []
    try:
        for job, count in (jobs or {"": 1}).items():
            for index in range(count):
                environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
                if job:
                    task = {"cluster": addresses, "task": {"type": job, "index": index}}
                    environment["TF_CONFIG"] = json.dumps(task)
                started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
        first = started[-1] if kind == "parameter-server" else started[0]
        printed, _ = first.communicate()
        if first.returncode:
            raise RuntimeError(f"{kind} failed, see above")
    finally:
        for process in started:
            process.kill()
            process.wait()
    return [json.loads(line) for line in printed.splitlines() if line.startswith("[")]


def free_addresses(jobs: dict[str, int]) -> dict[str, list[str]]:
    with ExitStack() as stack:

        def port() -> int:
            one = stack.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            return one.getsockname()[1]

        return {job: [f"127.0.0.1:{port()}" for _ in range(count)] for job, count in jobs.items()}


def run_task(arguments: argparse.Namespace) -> None:
    question, kind, workers = arguments.task[0], arguments.task[1], int(arguments.task[2])
    task = json.loads(os.environ.get("TF_CONFIG", "{}")).get("task", {})
    if kind == "parameter-server" and task["type"] != "chief":
        cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        tf.distribute.Server(cluster.cluster_spec(), task["type"], task["index"], protocol="grpc").join()
    strategy = strategy_of(kind, workers)
    # The graphs of a few steps are not worth optimising.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": question == "equality"})
    measure = compare if question == "equality" else time_of_step
    for row in measure(strategy, kind, arguments):
        if not task.get("index"):
            print(json.dumps(row), flush=True)
            print(kind, workers, row, file=sys.stderr, flush=True)


def strategy_of(kind: str, replicas: int) -> Any:
    if kind == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
        devices = [f"CPU:{number}" for number in range(replicas)]
        return tf.distribute.MirroredStrategy(devices, cross_device_ops=tf.distribute.ReductionToOneDevice())
    if kind == "multi-worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    if kind == "parameter-server":
        cluster = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        partitioner = tf.distribute.experimental.partitioners.FixedShardsPartitioner(
            cluster.cluster_spec().num_tasks("ps")
        )
        return tf.distribute.ParameterServerStrategy(cluster, variable_partitioner=partitioner)
    return tf.distribute.get_strategy()


def compare(strategy: Any, kind: str, arguments: argparse.Namespace) -> Iterator[list[Any]]:
    """Differences after two epochs of a few batches, from the same start."""
    split = hml.leave_one_out(made_table(arguments.rows))
    fit = {"batch_size": 1 + len(split.train) // 3, "epochs": 2, "verbose": 0, "validation_data": split.validation}
    for name in arguments.models:
        for optimizer in arguments.optimizers:
            if name in BASELINES and optimizer != "RiemannianAdagrad":
                continue
            tf.keras.utils.set_random_seed(0)  # all workers begin with the same weights
            alone = outside_of_scopes(lambda name=name: MODELS[name](split.train))
            with strategy.scope():
                model = copied(alone)
                model.compile(compiled(name, optimizer), run_eagerly=kind == "mirrored")
            alone.compile(compiled(name, optimizer), run_eagerly=True)
            logs, expected = (one.fit(split.train, **fit).history for one in (model, alone))
            apart = max(float(np.abs(np.array(logs[log]) - expected[log]).max()) for log in expected)
            exported = name in EXPORTED and optimizer == "RiemannianAdagrad"
            found = [answers(one, split.train.user_ids, exported) for one in (model, alone)]
            ids, scores = zip(*found, strict=True)
            off = float(np.abs(scores[0] - scores[1])[np.isfinite(scores[1])].max())
            yield [name, optimizer, difference(model, alone), apart, off, int((ids[0] != ids[1]).sum())]


def compiled(model: str, optimizer: str) -> Any:
    made = OPTIMIZERS[optimizer]()
    made.learning_rate = float(made.learning_rate.numpy()) * SHORTER.get(model, 1.0)
    return made


@tf.keras.utils.register_keras_serializable("distribution")
class OfFeature(tf.keras.layers.Layer):
    """A dense layer on the feature of items."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dense = tf.keras.layers.Dense(8, kernel_initializer="uniform")

    def call(self, inputs: dict[str, Any]) -> Any:
        return self.dense(inputs["feature"])


def with_network(table: Any) -> Any:
    """A model whose items are computed from a feature, by a network with dense gradients."""
    feature = np.random.default_rng(0).normal(size=(table.n_items, 4)).astype(np.float32)
    return HyperML.from_interactions(
        table, dim=8, user_model="free", candidate_network=OfFeature(), candidate_features={"feature": feature}
    )


def answers(model: Any, users: Any, exported: bool) -> tuple[np.ndarray, np.ndarray]:
    """The ids of ten items for each user, and their distances or scores."""
    if not exported:
        return model.recommend(users, 10)[:2]
    with tempfile.TemporaryDirectory() as folder:
        return hml.ServedModel(hml.export_saved_model(model, folder, k=10)).recommend(users)[:2]


def difference(model: Any, alone: Any) -> float:
    whole = [
        np.concatenate([np.atleast_1d(part.numpy()) for part in group])
        for group in shards_of_tables(model.trainable_variables)
    ]
    return max(
        float(np.abs(part - np.atleast_1d(other.numpy())).max())
        for part, other in zip(whole, alone.trainable_variables, strict=True)
    )


def time_of_step(strategy: Any, kind: str, arguments: argparse.Namespace) -> list[list[str]]:
    """Rows per second and bytes per step, in the second epoch."""
    table = made_table(arguments.speed_rows)
    with strategy.scope():
        model = hml.HyperML.from_interactions(table, dim=arguments.dim)
        model.compile()
    marks: list[tuple[float, int]] = []
    mark = tf.keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: marks.append((time.perf_counter(), loopback_bytes()))
    )
    model.fit(table, batch_size=arguments.batch_size, epochs=2, verbose=0, callbacks=[mark])
    seconds, sent = (after - before for before, after in zip(*marks, strict=True))
    steps = -(-len(table) // arguments.batch_size)
    return [[f"{len(table) / seconds:,.0f}", f"{sent / steps / 1e3:,.0f}"]]


def loopback_bytes() -> int:
    line = next(line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:"))
    return int(line.split()[1])


def made_table(rows: int) -> Any:
    return hml.synthesize(
        n_users=max(rows // 20, 20), n_items=max(rows // 25, 40), n_rows=rows, depth=2, branching=3, noise=0.05, seed=1
    ).table


if __name__ == "__main__":
    main()
