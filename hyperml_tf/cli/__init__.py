"""The command-line interface, `hyperml-tf`: a thin layer over `hyperml_tf.runs`.

Imports are deferred until a command runs, so that `--help` is fast.
"""

from hyperml_tf.cli.application import main

__all__ = ["main"]
