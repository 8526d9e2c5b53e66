"""Defaults that depend on the table or on other settings."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Literal, Protocol, TypeVar

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.settings import defaults
from hyperml_tf.settings.history import History
from hyperml_tf.settings.model_settings import ModelSettings

_Settings = TypeVar("_Settings", bound=ModelSettings)
_Value = TypeVar("_Value")


class Table(Protocol):
    """The interface of a table of interactions, which `hyperml_tf.data.Interactions` has."""

    @property
    def ordered(self) -> bool: ...

    @property
    def n_items(self) -> int: ...

    def __len__(self) -> int: ...

    def activity(self) -> Any:
        """The number of rows of every user, an array."""
        ...

    def direction(self) -> float:
        """How much the order of a user's rows says about what comes next, in `[-1, 1]`."""
        ...


@names_arguments
@dataclasses.dataclass(frozen=True)
class TableFacts:
    """The properties of a table from which defaults are derived.

    Args:
        n_items: Integer, size of the catalogue.
        rows_per_user: Optional float, mean number of training rows of the users that have any. Defaults to `None`, unknown.
        ordered: Boolean, whether the order of a user's rows is meaningful. Defaults to `True`.
        split: Optional string, how rows were held out, see `leave_one_out`. Defaults to `None`, unknown.
        direction: Float in `[-1, 1]`, how much the order says about what comes next, see `hyperml_tf.data.direction`. Defaults
            to `1.0`.

    Example:

    >>> TableFacts(n_items=1000, rows_per_user=120.0).dense
    True
    """

    n_items: int
    rows_per_user: float | None = None
    ordered: bool = True
    split: str | None = None
    direction: float = 1.0

    @classmethod
    def of(cls, training: Table, split: str | None = None) -> TableFacts:
        """Returns the facts of training rows, and of how the others were held out."""
        users = int((training.activity() > 0).sum())
        return cls(
            training.n_items,
            len(training) / users if users else None,
            training.ordered,
            split,
            training.direction(),
        )

    @property
    def dense(self) -> bool:
        """Whether users have many rows on average, 50 or more."""
        return self.rows_per_user is not None and self.rows_per_user >= defaults.DENSE_ROWS

    @property
    def directed(self) -> bool:
        """Whether the order of a user's rows says something about what comes next."""
        return self.ordered and self.direction >= defaults.DIRECTED


@names_arguments
def resolve(settings: _Settings, facts: TableFacts, has_query_network: bool = False) -> _Settings:
    """Replaces the settings that are `None` by defaults that depend on the table; others are kept.

    Dense tables, with 50 rows per user or more on average, get a smaller curvature and a smaller learning rate, if neither is
    given and the mode is "tangent".

    Args:
        settings: The settings of a model or of a run. For a run, see `TrainingConfig.resolved`.
        facts: A `TableFacts`, what is known about the table.
        has_query_network: Boolean, whether a network computes the points of users, which then have no history. Defaults to
            `False`.

    Returns:
        Settings without `None`. Resolved settings are returned unchanged.

    Raises:
        ValueError: If `user_model` or `history` asks for histories in direct mode or with a query network, or if they contradict
            each other.

    Example:

    >>> resolved = resolve(ModelSettings(), TableFacts(n_items=5000, rows_per_user=120.0))
    >>> resolved.curvature, resolved.learning_rate, resolved.negatives
    (0.3, 0.02, 50)
    """
    user_model = _user_model(settings, settings.mode == "tangent" and not has_query_network)
    loss = settings.loss or ("softmax" if user_model == "sequence" and facts.dense else "pull_push")
    softmax = loss == "softmax"
    steps = _steps(settings, facts, softmax)
    negatives = settings.negatives or (
        defaults.SOFTMAX_NEGATIVES if softmax else default_negatives(facts.n_items, settings.dim)
    )
    length = 0 if user_model == "free" else settings.history or defaults.HISTORY.length
    return dataclasses.replace(
        settings,
        user_model=user_model,
        loss=loss,
        curvature=steps.curvature,
        learning_rate=steps.learning_rate,
        margin=settings.margin or defaults.MARGINS[settings.mode],
        negatives=negatives,
        negatives_group=settings.negatives_group or (defaults.SOFTMAX_GROUP if softmax else default_group(negatives)),
        hardest=min(settings.hardest, negatives, settings.shallow or negatives),
        history=length,
        half_life=settings.half_life or (_half_life(facts) if length else None),
    )


def history_of(settings: ModelSettings, facts: TableFacts, base: History | None = None) -> History | None:
    """Returns the `History` of resolved settings, or `None` if every user has an embedding instead.

    Args:
        settings: Resolved settings.
        facts: A `TableFacts`, what is known about the table.
        base: A `History` with the options that are not settings. Defaults to `None`, the default for the table.
    """
    if not settings.history:
        return None
    base = base or History.of_table(facts.ordered, facts.split, facts.directed)
    return dataclasses.replace(base, length=settings.history, half_life=settings.half_life)


def chosen(value: _Value | None) -> _Value:
    """Returns a value of resolved settings; for type checkers, because it is never `None`.

    Raises:
        ValueError: If it is `None`.
    """
    if value is None:
        raise ValueError("Settings must be resolved, see `hyperml_tf.settings.resolve`. Received: None")
    return value


def default_repeats(weighted: bool) -> Literal["first", "sum"]:
    """Returns what becomes of rows that repeat a pair: where rows have weights, each of them counts."""
    return "sum" if weighted else "first"


def default_negatives(n_items: int, dim: int) -> int:
    """Returns 1 % of the catalogue, within bounds, so that negatives are about as hard whatever the size of the catalogue.

    A low-dimensional space cannot represent the order at the top of a long ranking, and harder negatives hurt the rest of it.
    """
    return max(defaults.FEWEST_NEGATIVES, min(defaults.MOST_NEGATIVES, n_items // 100, 2 * dim))


def default_group(negatives: int) -> int:
    """Returns the number of positives that share sampled candidates; 1, nothing shared, if there is one candidate."""
    return 1 if negatives == 1 else max(defaults.SMALLEST_GROUP, negatives // 2)


def _steps(settings: ModelSettings, facts: TableFacts, softmax: bool) -> defaults.Steps:
    neither_given = settings.curvature is None and settings.learning_rate is None
    steps = defaults.DENSE if neither_given and settings.mode == "tangent" and facts.dense else defaults.SPARSE
    if softmax:
        steps = steps._replace(learning_rate=defaults.SOFTMAX_RATE)
    curvature = steps.curvature if settings.curvature is None else settings.curvature
    return defaults.Steps(curvature, settings.learning_rate or steps.learning_rate)


def _user_model(settings: ModelSettings, possible: bool) -> Literal["free", "history", "sequence"]:
    asked, length = settings.user_model, settings.history
    if not possible and length:
        raise ValueError(
            "`history` must be 0 or None in direct mode and with a `query_network`, because it requires tangent vectors. "
            f"Received: history={length}"
        )
    if not possible and asked not in (None, "free"):
        raise ValueError(
            '`user_model` must be "free" or None in direct mode and with a `query_network`, because histories require tangent '
            f'vectors. Received: user_model="{asked}"'
        )
    if asked is None:
        return "history" if possible and length != 0 else "free"
    if length is not None and (length > 0) != (asked != "free"):
        wanted = "0 or None" if asked == "free" else "at least 1 or None"
        raise ValueError(f'`history` must be {wanted} with user_model="{asked}". Received: history={length}')
    return asked


def _half_life(facts: TableFacts) -> float | None:
    """The default half-life. Recent items weigh more when predicting the next item, but not when items are held out at random."""
    return math.inf if facts.split == "random" or not facts.ordered else defaults.HISTORY.half_life
