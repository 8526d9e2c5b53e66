"""The settings of a `HyperML`."""

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
    """What a `HyperML` is made with: the numbers and words among its arguments.

    None leaves a value to `resolve`, which chooses it by the other settings and the table.

    Args: the fields below.

    Raises:
        ValueError: if a value is out of its range.

    Example:

    >>> ModelSettings(dim=32).margin is None
    True
    """

    # A search draws in this order: another one would make another search of the same seed.
    dim: int = setting(64, "Dimension of the space.", at_least=1, search=[32, 64, 128])
    curvature: float | None = setting(
        None,
        "Curvature of the ball; 0 is Euclidean space.",
        at_least=0,
        auto=f"{defaults.SPARSE.curvature:g}, or {defaults.DENSE.curvature:g} on dense tables",
        search=log_range(0.1, 4.0),
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
        'Euclidean distance that the distortion loss compares with; "conformal" is twice the "tangent" one.',
    )
    learning_rate: float | None = setting(
        None,
        "Initial learning rate.",
        above=0,
        auto=f"{defaults.SPARSE.learning_rate:g}, or {defaults.DENSE.learning_rate:g} on dense tables",
        search=log_range(0.01, 0.2),
        group="training",
    )
    negatives: int | None = setting(
        None,
        "Candidates drawn for each group of positives; 1 is plain sampling.",
        at_least=1,
        auto=(
            f"1 % of the catalogue, at most {defaults.MOST_NEGATIVES} and twice `dim`, at least {defaults.FEWEST_NEGATIVES}"
        ),
        search=log_range(10, 256),
    )
    hardest: int = setting(
        2, "How many of the candidates each positive is compared with: the nearest ones.", at_least=1
    )
    shallow: int = setting(
        20, "Compare also with the hardest of the first so many candidates; 0: no second comparison.", at_least=0
    )
    negatives_group: int | None = setting(
        None,
        "Positives that share their candidates. Larger is faster and correlates the negatives.",
        at_least=1,
        auto=f"half of `negatives`, at least {defaults.SMALLEST_GROUP}; 1 where `negatives` is 1",
    )
    mode: Literal["tangent", "direct"] = setting(
        "tangent",
        "Optimize tangent vectors, or the points of the ball themselves.",
        search=["tangent", "direct"],
    )
    max_tangent_norm: float | None = setting(
        None, "Largest norm of a tangent vector.", above=0, auto="no limit but the ball"
    )
    history: int | None = setting(
        None,
        "Items of a user that a training step reads to place the user; 0: users are free points.",
        at_least=0,
        auto=f"{defaults.HISTORY.length} in tangent mode, 0 in direct mode",
    )
    half_life: float | None = setting(
        None,
        'An item of a user weighs half as much as the one this many places after it; "inf": all weigh the same.',
        above=0,
        infinite=True,
        auto=f'{defaults.HISTORY.half_life:g}; "inf" for a table without an order and for split "random"',
    )
    seed: int = setting(0, "Seed of everything random.", at_least=0, below=2**31, group="training")

    def __post_init__(self) -> None:
        if self.shallow is None:
            object.__setattr__(self, "shallow", 0)
        super().__post_init__()

    def arguments(self) -> dict[str, Any]:
        """The settings of the model alone, as arguments of `HyperML`."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(ModelSettings)}
