"""Prints docs/settings.md: `python -m hyperml_tf.settings > docs/settings.md`."""

import sys

from hyperml_tf.settings.page import settings_page

sys.stdout.write(settings_page())
