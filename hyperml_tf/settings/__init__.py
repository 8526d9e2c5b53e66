"""Settings, each declared once with its type, default, range, help and search space.

The arguments of `HyperML`, the command-line options, configuration files, the default search space of `tune` and docs/settings.md
follow these declarations. Importing them requires neither TensorFlow nor NumPy.
"""

from hyperml_tf.settings.base import Settings
from hyperml_tf.settings.encoding import Encoding
from hyperml_tf.settings.history import History
from hyperml_tf.settings.model_settings import ModelSettings
from hyperml_tf.settings.resolution import TableFacts, resolve
from hyperml_tf.settings.setting import Setting, setting, settings_of
from hyperml_tf.settings.training_config import TrainingConfig

__all__ = [
    "Encoding",
    "History",
    "ModelSettings",
    "Setting",
    "Settings",
    "TableFacts",
    "TrainingConfig",
    "resolve",
    "setting",
    "settings_of",
]
