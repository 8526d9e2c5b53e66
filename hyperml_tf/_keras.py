"""Selects Keras 2 as `tf.keras`, and registers the classes of the package with it.

TensorFlow Recommenders works with Keras 2 only. From TensorFlow 2.16 on, `tf.keras` is Keras 3 unless the environment variable
`TF_USE_LEGACY_KERAS` is set before an attribute of `tf.keras` is read for the first time; with it, `tf.keras` is the package
`tf_keras`, which is Keras 2. `hyperml_tf/__init__.py` calls `select_keras`, which imports nothing heavy. The rest of the package
uses `tf.keras` only.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any, TypeVar

_VARIABLE = "TF_USE_LEGACY_KERAS"
_ON = ("1", "true", "True")
PACKAGE = "hyperml_tf"

_T = TypeVar("_T")

_FIX = (
    "Put this before the first use of `tf.keras` (or import hyperml_tf first, which does it for you):\n\n"
    f'    import os; os.environ["{_VARIABLE}"] = "1"\n'
)


def select_keras() -> None:
    """Makes `tf.keras` Keras 2, or raises an error that says why that is no longer possible.

    Raises:
        ImportError: If `tf.keras` is already Keras 3 in this process, if the environment variable asks for Keras 3, or if the
            package `tf-keras` is not installed.
    """
    version = resolved_keras_version()
    if version is not None and version.startswith("2."):
        return
    if version is not None:
        raise ImportError(
            f"hyperml_tf needs Keras 2 (as TensorFlow Recommenders does), but `tf.keras` is already Keras {version} in "
            f"this process. {_FIX}"
        )
    requested = os.environ.get(_VARIABLE)
    if requested is not None and requested not in _ON:
        raise ImportError(
            f"hyperml_tf needs Keras 2 (as TensorFlow Recommenders does), but the environment variable {_VARIABLE} "
            f"asks for Keras 3. Received: {_VARIABLE}={requested!r}. {_FIX}"
        )
    if importlib.util.find_spec("tf_keras") is None:
        raise ImportError(
            "hyperml_tf needs Keras 2, which is the package tf-keras. Install the release with the same minor version "
            "as your TensorFlow:\n\n    pip install tf-keras\n"
        )
    os.environ[_VARIABLE] = "1"


def resolved_keras_version() -> str | None:
    """The version of Keras behind `tf.keras`, or None if no attribute of `tf.keras` has been read yet."""
    tensorflow = sys.modules.get("tensorflow")
    keras = None if tensorflow is None else vars(tensorflow).get("keras")
    if keras is None or getattr(keras, "_tfll_initialized", True) is False:
        return None
    version = getattr(keras, "version", None)
    # Keras 3 exposes `keras.version()`, some Keras 2 builds only `__version__`.
    return str(version()) if callable(version) else str(getattr(keras, "__version__", "2."))


def register(cls: type[_T]) -> type[_T]:
    """Class decorator that registers a class for Keras serialization, under `hyperml_tf>ClassName`.

    HDF5 files name nested objects, such as the initializer of a layer, by their class alone. The class is therefore found under
    that name, too, unless another one is.
    """
    import tensorflow as tf

    decorator: Any = tf.keras.utils.register_keras_serializable(package=PACKAGE)
    registered: type[_T] = decorator(cls)
    tf.keras.utils.get_custom_objects().setdefault(cls.__name__, registered)
    return registered
