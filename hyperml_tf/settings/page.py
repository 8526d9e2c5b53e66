"""The page of the documentation that lists all settings."""

from __future__ import annotations

from hyperml_tf.settings import defaults
from hyperml_tf.settings.documentation import settings_table
from hyperml_tf.settings.history import History
from hyperml_tf.settings.setting import settings_of
from hyperml_tf.settings.training_config import TrainingConfig

_INTRODUCTION = f"""\
# Settings

*Printed by `python -m hyperml_tf.settings` from the declarations in [`hyperml_tf/settings`](../hyperml_tf/settings).*

The same names and defaults hold everywhere: for the arguments of `HyperML` (the model, its learning rate and its seed), the
fields of `TrainingConfig`, the options of `hyperml-tf train` (`--batch-size` for `batch_size`), and the entries of a file for
`--config`.

Some defaults depend on the table or on other settings. `hyperml_tf.settings.resolve` chooses them, for `train`, `tune` and
`HyperML.from_interactions` alike. A value that is given stays as it is, except that `hardest` is limited to the number of
candidates. A table is dense if users have {defaults.DENSE_ROWS} rows or more on average. The defaults of dense tables hold
in tangent mode, if neither `curvature` nor `learning_rate` is given. A model that is made from ids, without a table, has the
defaults of sparse tables.

The values that were chosen are shown by `model.get_config()`, the model card of an export, and the `config.json` of a run. There
`automatic` lists those that were not given: `train --config RUN/config.json` chooses them anew for its table and options, unless
they were edited.
"""

_GROUPS = {"table": "The table", "model": "The model", "training": "Training"}

_HISTORY = """\
## History

In Python the `history` of a `HyperML` may also be a `hyperml_tf.models.History`, with more to set:
"""


def settings_page() -> str:
    """The page, as Markdown."""
    declared = settings_of(TrainingConfig).values()
    parts = [_INTRODUCTION]
    for group, title in _GROUPS.items():
        parts += [f"## {title}\n", settings_table(one for one in declared if one.group == group) + "\n"]
    parts += [_HISTORY, settings_table(settings_of(History).values())]
    return "\n".join(parts) + "\n"
