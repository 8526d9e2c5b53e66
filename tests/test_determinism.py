"""The same seed on the same machine gives the same weights, metrics and exports; other numbers of threads nearly the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import forked
import numpy as np
import pytest

PROGRAM = """
import hashlib, json, sys
import numpy as np
import tensorflow as tf
threads, trainings, strict = json.loads(sys.argv[1])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)
import hyperml_tf as hml
from hyperml_tf.serving import serving_module
# Signatures hold no variables of their own, and take time.
serving_module.SIGNATURES = {"serving_default": hml.serving.SIGNATURES["serving_default"]}
if strict:
    tf.config.experimental.enable_op_determinism()
split = hml.leave_one_out(hml.synthesize(n_users=120, n_items=150, n_rows=2400, seed=1).table)
for settings in trainings:
    tf.keras.utils.set_random_seed(0)
    model = hml.HyperML.from_interactions(split.train, dim=8, **settings)
    model.compile()
    model.fit(split.train, batch_size=256, epochs=2, validation_data=split.validation, verbose=0)
    metrics = model.evaluate_ranking(split.test, seen=split.before_test)
    path = hml.export_saved_model(model, sys.argv[2], k=5, overwrite=True)
    variables = tf.train.load_checkpoint(f"{path}/variables/variables")
    exported = hashlib.sha256()
    for name in sorted(variables.get_variable_to_shape_map()):
        values = np.asarray(variables.get_tensor(name))
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH":
            exported.update(repr(values.tolist()).encode() if values.dtype == object else values.tobytes())
    points = np.concatenate([model.candidate_tower.all_points(), model.query_tower.all_points()])
    print(json.dumps([metrics, exported.hexdigest(), points.tolist()]))
"""

KINDS: list[dict[str, Any]] = [{}, {"user_model": "sequence", "loss": "softmax"}]


def train(folder: Path, threads: int, trainings: list[dict[str, Any]], strict: bool = False) -> list[Any]:
    """For every training: the metrics, a hash of the variables of the export, and all points."""
    lines = forked.run(PROGRAM, json.dumps([threads, trainings, strict]), folder / "1").splitlines()
    return [json.loads(line) for line in lines if line.startswith("[")]


@pytest.mark.slow
def test_a_training_is_repeated_bit_for_bit_and_threads_change_roundings_only(tmp_path: Path) -> None:
    first = train(tmp_path, 2, KINDS)
    assert len(first) == len(KINDS)
    assert train(tmp_path, 2, KINDS) == first
    for (*_, points), (*_, single) in zip(first[:1], train(tmp_path, 1, KINDS[:1]), strict=True):
        assert np.abs(np.array(points) - single).max() < 1e-4


@pytest.mark.slow
def test_op_determinism_can_be_asked_for(tmp_path: Path) -> None:
    first, again = train(tmp_path, 2, [{}, {}], strict=True)
    assert first == again
