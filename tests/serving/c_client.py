"""Asks a SavedModel through the TensorFlow C library that ships in the wheel, in a process without Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

SOURCE = Path(__file__).parent / "loaders" / "ask_saved_model.c"


def compiled(directory: Path) -> Path:
    """The program, or a skip with the reason."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler (cc, gcc or clang) on the PATH")
    libraries = Path(tf.sysconfig.get_lib())
    names = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"]
    if missing := [name for name in names if not (libraries / name).is_file()]:
        pytest.skip(f"this TensorFlow wheel has no {missing}")
    program = directory / "ask_saved_model"
    command = [
        compiler,
        "-std=c99",
        "-D_GNU_SOURCE",
        f"-I{tf.sysconfig.get_include()}",
        str(SOURCE),
        "-o",
        str(program),
    ]
    command += [f"-L{libraries}", *(f"-l:{name}" for name in names), f"-Wl,-rpath,{libraries}"]
    if shutil.which("ld.gold"):  # several times as fast on a library of a gigabyte
        command += ["-fuse-ld=gold", "-Wl,--allow-shlib-undefined"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return program


class CClient:
    """`ask` takes several calls for one process, because loading takes most of the time."""

    def __init__(self, program: Path, export: Path) -> None:
        self.program, self.export = program, export
        saved = saved_model_pb2.SavedModel.FromString((export / "saved_model.pb").read_bytes())
        (meta,) = saved.meta_graphs
        self.signatures = meta.signature_def

    def ask(self, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, np.ndarray] | str]:
        """The outputs of each call by name, or the message of its error."""
        text = "\n".join(self._request(*call) for call in calls)
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(
            [str(self.program), str(self.export)],
            input=text,
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
        )
        assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
        lines = iter(done.stdout.splitlines())
        return [self._answer(name, lines) for name, _ in calls]

    def operations(self) -> bytes:
        """The library's list of registered operations, a serialized OpList."""
        return subprocess.run([str(self.program), "--ops"], capture_output=True, check=True, timeout=300).stdout

    def _request(self, name: str, inputs: dict[str, Any]) -> str:
        signature = self.signatures[name]
        words: list[Any] = [len(inputs)]
        for alias, values in inputs.items():
            array = np.array(values, dtype=object)
            words += [*_operation(signature.inputs[alias].name), array.ndim, *array.shape]
            words += ["x" + str(value).encode().hex() for value in array.ravel()]
        words.append(len(signature.outputs))
        for alias in sorted(signature.outputs):
            words += _operation(signature.outputs[alias].name)
        return " ".join(map(str, words))

    def _answer(self, name: str, lines: Any) -> dict[str, np.ndarray] | str:
        outputs = {}
        for alias in sorted(self.signatures[name].outputs):
            kind, *words = next(lines).split(" ", 3)
            if kind == "error":
                return " ".join(words)
            dtype, shape = words[0], [int(size) for size in " ".join(words[2:]).split()]
            assert len(shape) == int(words[1])
            values = [next(lines) for _ in range(int(np.prod(shape)))]
            if dtype == "string":
                array = np.array([bytes.fromhex(value[1:]).decode() for value in values], dtype=object)
            else:
                array = np.array([float(value) for value in values], np.float32)
            outputs[alias] = array.reshape(shape)
        return outputs


def _operation(tensor: str) -> tuple[str, str]:
    name, index = tensor.split(":")
    return name, index
