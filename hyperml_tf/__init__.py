"""HyperML for TensorFlow: train, tune, export and serve recommenders in hyperbolic space."""

from hyperml_tf import _keras

__version__ = "0.1.0"

_keras.select_keras()
