"""The command line, `hyperml-tf`: a thin shell around `hyperml_tf.runs`.

Nothing heavy is imported until a command runs, so that `--help` answers at once.
"""

from hyperml_tf.cli.application import main

__all__ = ["main"]
