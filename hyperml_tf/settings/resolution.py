"""Defaults that depend on the table: the one place where they are chosen."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Protocol, TypeVar

from hyperml_tf.settings import defaults
from hyperml_tf.settings.history import History
from hyperml_tf.settings.model_settings import ModelSettings

_Settings = TypeVar("_Settings", bound=ModelSettings)
_Value = TypeVar("_Value")


class Table(Protocol):
    """What is asked of a table of interactions; `hyperml_tf.data.Interactions` is one."""

    @property
    def ordered(self) -> bool: ...

    @property
    def n_items(self) -> int: ...

    def __len__(self) -> int: ...

    def activity(self) -> Any:
        """The number of rows of every user, an array."""
        ...


@dataclasses.dataclass(frozen=True)
class TableFacts:
    """What the defaults depend on.

    Args:
        n_items: size of the catalogue.
        rows_per_user: mean number of training rows of the users that have any; None if it is not known.
        ordered: whether the rows of a user come in an order that means something.
        split: how rows were held out, see `leave_one_out`; None if it is not known.

    Example:

    >>> TableFacts(n_items=5000, rows_per_user=120.0).dense
    True
    """

    n_items: int
    rows_per_user: float | None = None
    ordered: bool = True
    split: str | None = None

    @classmethod
    def of(cls, training: Table, split: str | None = None) -> TableFacts:
        """The facts of the rows that a model is trained on, and of how others were held out."""
        users = int((training.activity() > 0).sum())
        return cls(training.n_items, len(training) / users if users else None, training.ordered, split)

    @property
    def dense(self) -> bool:
        """Whether users have many rows on average."""
        return self.rows_per_user is not None and self.rows_per_user >= defaults.DENSE_ROWS


def resolve(settings: _Settings, facts: TableFacts, has_query_network: bool = False) -> _Settings:
    """Fills in every setting that was left to the table; what is given stays as it is.

    Dense tables, with 50 rows per user or more on average, get less curvature and smaller steps, if neither is given and the mode
    is "tangent".

    Args:
        settings: the settings of a model or of a run; for a run, `TrainingConfig.resolved` says how rows were held out.
        facts: what is known of the table.
        has_query_network: whether a network places the users, so that they have no history.

    Returns:
        The settings, with a value in place of each None. Resolved settings stay as they are.

    Raises:
        ValueError: if users are to have a history who cannot have one.

    Example:

    >>> resolved = resolve(ModelSettings(), TableFacts(n_items=5000, rows_per_user=120.0))
    >>> resolved.curvature, resolved.learning_rate, resolved.negatives
    (0.3, 0.02, 50)
    """
    steps = _steps(settings, facts)
    negatives = settings.negatives or default_negatives(facts.n_items, settings.dim)
    length = _history_length(settings, settings.mode == "tangent" and not has_query_network)
    return dataclasses.replace(
        settings,
        curvature=steps.curvature,
        learning_rate=steps.learning_rate,
        margin=settings.margin or defaults.MARGINS[settings.mode],
        negatives=negatives,
        negatives_group=settings.negatives_group or default_group(negatives),
        hardest=min(settings.hardest, negatives, settings.shallow or negatives),
        history=length,
        half_life=settings.half_life or (_half_life(facts) if length else None),
    )


def history_of(settings: ModelSettings, facts: TableFacts, base: History | None = None) -> History | None:
    """How users are placed under resolved settings; None: they are free points.

    Args:
        settings: resolved settings.
        facts: what is known of the table.
        base: where what `settings` do not say comes from; the default for the table if None.
    """
    if not settings.history:
        return None
    base = base or (History() if facts.ordered else History.unordered())
    return dataclasses.replace(base, length=settings.history, half_life=settings.half_life)


def chosen(value: _Value | None) -> _Value:
    """A value of resolved settings, which is never None; for type checkers.

    Raises:
        ValueError: if it is None after all.
    """
    if value is None:
        raise ValueError("Settings must be resolved, see `hyperml_tf.settings.resolve`. Received: None")
    return value


def default_negatives(n_items: int, dim: int) -> int:
    """One in a hundred of the catalogue, within bounds: whatever its size, training looks about as far up the list.

    A few dimensions have no room for the order at the top of a long list, and lose the rest of it by trying.
    """
    return max(defaults.FEWEST_NEGATIVES, min(defaults.MOST_NEGATIVES, n_items // 100, 2 * dim))


def default_group(negatives: int) -> int:
    """How many positives share their negatives; one that has a single negative has it for itself."""
    return 1 if negatives == 1 else max(defaults.SMALLEST_GROUP, negatives // 2)


def _steps(settings: ModelSettings, facts: TableFacts) -> defaults.Steps:
    neither_given = settings.curvature is None and settings.learning_rate is None
    steps = defaults.DENSE if neither_given and settings.mode == "tangent" and facts.dense else defaults.SPARSE
    curvature = steps.curvature if settings.curvature is None else settings.curvature
    return defaults.Steps(curvature, settings.learning_rate or steps.learning_rate)


def _history_length(settings: ModelSettings, possible: bool) -> int:
    if settings.history is None:
        return defaults.HISTORY.length if possible else 0
    if settings.history and not possible:
        raise ValueError(
            "`history` must be 0 or None in direct mode and with a `query_network`: it makes users of tangent vectors. "
            f"Received: history={settings.history}"
        )
    return settings.history


def _half_life(facts: TableFacts) -> float | None:
    """Recent items weigh more where the question is what comes next, which it is not where rows are held out at random."""
    return math.inf if facts.split == "random" or not facts.ordered else defaults.HISTORY.half_life
