"""The settings of a `HyperML` model."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from hyperml_tf.settings import defaults
from hyperml_tf.settings.base import Settings
from hyperml_tf.settings.documentation import documented
from hyperml_tf.settings.setting import log_range, setting


@documented
@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSettings(Settings):
    """The settings of a `HyperML` model: those of its arguments that are numbers or strings.

    `resolve` replaces `None` by a value that depends on the other settings and on the table.

    Args: the fields below.

    Raises:
        ValueError: If a value is out of its range.

    Example:

    >>> ModelSettings(dim=32).margin is None
    True
    """

    # Searches sample in this order, so changing it changes the trials of a given seed.
    dim: int = setting(64, "Dimension of the space.", at_least=1, search=[32, 64, 128])
    curvature: float | None = setting(
        None,
        "Curvature of the ball; 0 is Euclidean space.",
        at_least=0,
        auto=f"{defaults.SPARSE.curvature:g}, or {defaults.DENSE.curvature:g} on dense tables",
        search=log_range(0.1, 4.0),
    )
    user_model: Literal["free", "history", "sequence"] | None = setting(
        None,
        'How users are represented: "free", by an embedding each; "history", by their items; "sequence", by the order of the '
        "newest items, too.",
        auto='"history" in tangent mode, "free" in direct mode',
    )
    loss: Literal["pull_push", "softmax"] | None = setting(
        None,
        'The loss: "pull_push", hinges of squared distances with hard negatives; "softmax", the cross-entropy of the positive '
        "among all sampled candidates.",
        auto='"softmax" for sequences on dense tables, otherwise "pull_push"',
    )
    margin: float | None = setting(
        None,
        "Margin of the hinge, in squared distance.",
        above=0,
        auto=", ".join(f"{margin:g} in {mode} mode" for mode, margin in defaults.MARGINS.items()),
        search=log_range(4.0, 32.0),
    )
    distortion_weight: float = setting(0.1, "Weight of the distortion loss.", at_least=0, search=log_range(0.01, 1.0))
    distortion_reference: Literal["conformal", "tangent"] = setting(
        "conformal",
        'Euclidean distance of the distortion loss; "conformal" is twice the "tangent" one.',
    )
    learning_rate: float | None = setting(
        None,
        "Initial learning rate.",
        above=0,
        auto=(
            f"{defaults.SPARSE.learning_rate:g}, or {defaults.DENSE.learning_rate:g} on dense tables; "
            f"{defaults.SOFTMAX_RATE:g} for the softmax loss"
        ),
        search=log_range(0.01, 0.2),
        group="training",
    )
    negatives: int | None = setting(
        None,
        "Number of candidates sampled for each group of positives; 1 is plain uniform sampling.",
        at_least=1,
        auto=(
            f"1 % of the catalogue, at most {defaults.MOST_NEGATIVES} and twice `dim`, but at least {defaults.FEWEST_NEGATIVES}"
        ),
        search=log_range(10, 256),
    )
    hardest: int = setting(2, "Number of hard negatives per positive: the nearest sampled candidates.", at_least=1)
    shallow: int = setting(
        20, "Also use the hardest negatives among the first `shallow` candidates; 0: no second set.", at_least=0
    )
    negatives_group: int | None = setting(
        None,
        "Number of positives that share sampled candidates. Larger groups are faster, but correlate the negatives.",
        at_least=1,
        auto=f"half of `negatives`, at least {defaults.SMALLEST_GROUP}, or 1 if `negatives` is 1",
    )
    mode: Literal["tangent", "direct"] = setting(
        "tangent",
        "Whether to train tangent vectors at the origin, or the points of the ball themselves.",
        search=["tangent", "direct"],
    )
    max_tangent_norm: float | None = setting(
        None, "Largest norm of a tangent vector.", above=0, auto="the limit of the ball"
    )
    history: int | None = setting(
        None,
        "Number of items of a user's history that a training step reads; 0: every user has an embedding instead.",
        at_least=0,
        auto=f"{defaults.HISTORY.length} in tangent mode, 0 in direct mode",
    )
    half_life: float | None = setting(
        None,
        'The weight of an item in a history halves every `half_life` later items; "inf": all weigh the same.',
        above=0,
        infinite=True,
        auto=f'{defaults.HISTORY.half_life:g}, or "inf" for a table without an order and for split "random"',
    )
    seed: int = setting(0, "Random seed.", at_least=0, below=2**31, group="training")

    def __post_init__(self) -> None:
        if self.shallow is None:
            object.__setattr__(self, "shallow", 0)
        super().__post_init__()

    def arguments(self) -> dict[str, Any]:
        """Returns the settings of the model as arguments of `HyperML`."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(ModelSettings)}
