"""The documentation page of all settings."""

from __future__ import annotations

from hyperml_tf.settings import defaults
from hyperml_tf.settings.documentation import settings_table
from hyperml_tf.settings.encoding import Encoding
from hyperml_tf.settings.history import History
from hyperml_tf.settings.setting import settings_of
from hyperml_tf.settings.training_config import TrainingConfig

_INTRODUCTION = f"""\
# Settings

*Printed by `python -m hyperml_tf.settings` from the declarations in [`hyperml_tf/settings`](../hyperml_tf/settings).*

Names and defaults are the same everywhere: the arguments of `HyperML` (the model, its learning rate and its seed), the fields of
`TrainingConfig`, the options of `hyperml-tf train` (`--batch-size` for `batch_size`), and the entries of a file for `--config`.

Some defaults depend on the table or on other settings. `hyperml_tf.settings.resolve` derives them, for `train`, `tune` and
`HyperML.from_interactions` alike. Values that you set are kept, except that `hardest` is limited to the number of candidates. A
table is dense if users have {defaults.DENSE_ROWS} rows or more on average. The defaults for dense tables apply in tangent mode if
neither `curvature` nor `learning_rate` is set. A model made from ids, without a table, has the defaults for sparse tables.

The resulting values are in `model.get_config()`, in the model card of an export, and in the `config.json` of a run. There,
`automatic` lists the values that were derived: `train --config RUN/config.json` derives them again for its table and options,
unless they were edited.
"""

_GROUPS = {"table": "The table", "model": "The model", "training": "Training"}

_HISTORY = """\
## History

In Python, the `history` of a `HyperML` may also be a `hyperml_tf.models.History`, which has more options:
"""

_ENCODING = """
## Encoding

In Python, the `encoding` of a `HyperML` with `user_model="sequence"` is a `hyperml_tf.models.Encoding`:
"""


def settings_page() -> str:
    """Returns the page as Markdown."""
    declared = settings_of(TrainingConfig).values()
    parts = [_INTRODUCTION]
    for group, title in _GROUPS.items():
        parts += [f"## {title}\n", settings_table(one for one in declared if one.group == group) + "\n"]
    parts += [_HISTORY, settings_table(settings_of(History).values())]
    parts += [_ENCODING, settings_table(settings_of(Encoding).values())]
    return "\n".join(parts) + "\n"
