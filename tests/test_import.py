"""What `import hyperml_tf` does to a fresh interpreter: it selects Keras 2, or says how to."""

from __future__ import annotations

import os
import subprocess
import sys

import forked
import pytest

THE_LINE = 'import os; os.environ["TF_USE_LEGACY_KERAS"] = "1"'


IS_KERAS_2 = "assert tf.keras.Model.__module__.startswith('tf_keras')"


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs `code` in a fresh interpreter whose environment says nothing about Keras but what is given."""
    inherited = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    inherited["TF_CPP_MIN_LOG_LEVEL"] = "3"
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env={**inherited, **environment}, capture_output=True, text=True, timeout=600, check=False
    )


def succeeds(code: str, **environment: str) -> None:
    result = run(code, **environment)
    assert result.returncode == 0, result.stderr


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = (
        "tensorflow",
        "tf_keras",
        "keras",
        "tensorflow_recommenders",
        "keras_tuner",
        "numpy",
        "pandas",
        "pyarrow",
        "matplotlib",
    )
    succeeds(f"import sys, hyperml_tf; found = [m for m in {heavy!r} if m in sys.modules]; assert not found, found")


@pytest.mark.slow
def test_importing_a_submodule_first_selects_keras_2() -> None:
    succeeds(f"import hyperml_tf.layers, tensorflow as tf; {IS_KERAS_2}")


@pytest.mark.slow
def test_importing_the_package_after_tensorflow_selects_keras_2() -> None:
    forked.run(f"import tensorflow as tf, hyperml_tf; {IS_KERAS_2}")


@pytest.mark.slow
def test_keras_2_already_in_use_is_welcome() -> None:
    code = f"import tensorflow as tf; tf.keras.layers; import hyperml_tf.layers; {IS_KERAS_2}"
    succeeds(code, TF_USE_LEGACY_KERAS="True")


@pytest.mark.slow
def test_keras_3_already_in_use_is_an_error_that_names_the_fix() -> None:
    code, _, err = forked.Program("import tensorflow as tf; tf.keras.layers; import hyperml_tf").finish()
    assert code == 1
    assert "ImportError: hyperml_tf needs Keras 2" in err
    assert "already Keras 3." in err
    assert THE_LINE in [line.strip() for line in err.splitlines()]


@pytest.mark.slow
def test_the_fix_in_the_error_works() -> None:
    succeeds(f"{THE_LINE}\nimport tensorflow as tf; tf.keras.layers; import hyperml_tf")


@pytest.mark.parametrize("value", ["1", "true", "True"])
def test_asking_for_keras_2_in_the_environment_works(value: str) -> None:
    succeeds("import hyperml_tf", TF_USE_LEGACY_KERAS=value)


def test_asking_for_keras_3_in_the_environment_is_an_error_that_names_the_fix() -> None:
    result = run("import hyperml_tf", TF_USE_LEGACY_KERAS="0")
    assert result.returncode == 1
    assert "Received: TF_USE_LEGACY_KERAS='0'" in result.stderr
    assert THE_LINE in [line.strip() for line in result.stderr.splitlines()]


def test_a_missing_tf_keras_is_an_error_that_names_the_package() -> None:
    code = (
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'tf_keras' else find(name, *rest)\n"
        "import hyperml_tf"
    )
    result = run(code)
    assert result.returncode == 1
    assert "pip install tf-keras" in result.stderr
