"""`python -m hyperml_tf`: the command line, also where `hyperml-tf` is not on the PATH."""

from hyperml_tf.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
