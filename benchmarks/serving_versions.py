"""Does another TensorFlow answer as this one does?

    python benchmarks/serving_versions.py /path/to/other/venv/bin/python [...]

A random export is asked by this interpreter and by each other, with plain TensorFlow: ids must be equal and numbers must agree
to 1e-5. Make the other environment with, for example: `python -m venv old && old/bin/pip install tensorflow-cpu==2.18.1`.
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
    some = {"user_id": users, "exclude": lists, "history": lists}
    calls = {
        name: {
            key: some.get(key, lists if len(field.shape) == 2 else [row[0] for row in lists])
            for key, field in signature.inputs.items()
        }
        for name, signature in hml.retrieval.SIGNATURES.items()
    }
    with tempfile.TemporaryDirectory() as scratch:
        for precision in ("float32", "float16"):
            path = hml.export_saved_model(
                random_model(200, arguments.items, 64),
                Path(scratch) / precision,
                k=50,
                exclude_seen=True,
                precision=precision,
            )
            expected = ask(sys.executable, path, calls)
            for python in arguments.pythons:
                got = ask(python, path, calls)
                worst = 0.0
                for name, answer in expected["answers"].items():
                    for key, values in answer.items():
                        if key == "item_id":
                            assert got["answers"][name][key] == values, (name, key)
                            continue
                        new, old = np.array(got["answers"][name][key]), np.array(values)
                        np.testing.assert_array_equal(np.isfinite(new), np.isfinite(old))
                        finite = np.isfinite(old)
                        worst = max(
                            worst, float(np.max(np.abs(new - old)[finite] / np.maximum(1.0, np.abs(old[finite]))))
                        )
                assert worst < 1e-5, worst
                print(
                    f"{precision}: TensorFlow {got['version']} answers as {expected['version']}: "
                    f"ids equal, numbers to {worst:.1e}"
                )


if __name__ == "__main__":
    main()
