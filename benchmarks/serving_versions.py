"""Comparison of an export between versions of TensorFlow.

    python benchmarks/serving_versions.py /path/to/other/venv/bin/python [...]

A random export is queried by this interpreter and by each other one with plain TensorFlow: ids must be equal, and numbers must
agree to 1e-5. Items whose distances differ only by float32 rounding may swap ranks; their number is printed. Create the other
environment with, for example, `python -m venv old && old/bin/pip install tensorflow-cpu==2.18.1`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PROGRAM = """
import json, sys
import tensorflow as tf
signatures = tf.saved_model.load(sys.argv[1]).signatures
answers = {}
for name, inputs in json.loads(sys.stdin.read()).items():
    answer = signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
    answers[name] = {
        key: [[v.decode() for v in row] for row in value.numpy()] if value.dtype == tf.string else value.numpy().tolist()
        for key, value in answer.items()
    }
print(json.dumps({"version": tf.__version__, "answers": answers}))
"""


def ask(python: str, path: Path, calls: dict) -> dict:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, "-c", PROGRAM, str(path)], input=json.dumps(calls), capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="+")
    parser.add_argument("--items", type=int, default=5000)
    arguments = parser.parse_args()
    from random_model import random_model

    import hyperml_tf as hml

    users = [f"user_{i:07d}" for i in range(200)] + ["stranger"]
    lists = [[f"item_{(7 * i + j) % arguments.items:07d}" for j in range(12)] + [""] for i in range(len(users))]
    some = {"user_id": users, "candidates": lists, "exclude": lists, "history": lists}
    calls = {
        name: {
            key: some.get(key, lists if len(field.shape) == 2 else [row[0] for row in lists])
            for key, field in signature.inputs.items()
        }
        for name, signature in hml.serving.SIGNATURES.items()
        if name != "recommend_where"  # which needs an item table
    }
    with tempfile.TemporaryDirectory() as scratch:
        for precision in ("float32", "float16"):
            path = hml.export_saved_model(
                random_model(200, arguments.items, 64),
                Path(scratch) / precision,
                k=50,
                precision=precision,
            )
            expected = ask(sys.executable, path, calls)
            for python in arguments.pythons:
                got = ask(python, path, calls)
                worst, swapped = compare(expected["answers"], got["answers"])
                print(
                    f"{precision}: TensorFlow {got['version']} answers as {expected['version']}: numbers to {worst:.1e}, "
                    f"ids equal except for {swapped} of {len(users) * 50 * 4:,} places, of equal distance to 1e-6"
                )


def compare(expected: dict, got: dict) -> tuple[float, int]:
    """The largest relative difference of numbers, and the number of ids at another rank."""
    worst, swapped = 0.0, 0
    for name, answer in expected.items():
        for key, values in answer.items():
            old, new = np.array(values), np.array(got[name][key])
            if old.dtype.kind == "U":
                rows, places = np.nonzero(old != new)
                # Ids may change places if the number by which they are ordered is the same.
                order = "distance" if key == "item_id" else "pull"
                numbers = [np.array(side[name][order])[rows, places] for side in (expected, got)]
                np.testing.assert_allclose(*numbers, rtol=1e-6, atol=1e-6, err_msg=name)
                swapped += len(rows)
            else:
                np.testing.assert_array_equal(np.isfinite(old), np.isfinite(new))
                finite = np.isfinite(old)
                error = np.abs(new[finite] - old[finite]) / np.maximum(1.0, np.abs(old[finite]))
                worst = max(worst, float(error.max()))
    assert worst < 1e-5, worst
    return worst, swapped


if __name__ == "__main__":
    main()
