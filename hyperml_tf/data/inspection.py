"""A look at a table before training: what its columns were taken for, what is in it, and what the defaults become for it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from hyperml_tf._argument_checks import check_instance
from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data.interactions import Interactions
from hyperml_tf.data.origin import Origin
from hyperml_tf.data.splits import MINIMUM_ROWS, Split, split_table
from hyperml_tf.settings import TableFacts, TrainingConfig, defaults

# Items with fewer rows are known by little more than their neighbours.
_FEW = 5
_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
_BAR = 40
# A mean weight that changes the size of the steps of training noticeably.
_HEAVY = 10.0
_SHOWN = (
    *("dim", "user_model", "history", "half_life", "curvature", "loss", "margin", "negatives", "learning_rate"),
    *("optimizer", "batch_size", "epochs"),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Inspection:
    """What a table holds and what `train_run` would do with it, made by `inspect_table`. Its text is a report.

    Args:
        table: the rows that are kept.
        config: the settings, with those that are derived from the table.
        split: the rows that are trained on and those that are held out; None if none are.
        notes: what may not be meant, each with the option to give.

    Example:

    >>> inspection = inspect_table(Interactions.from_arrays(["ann", "ann", "bob"], ["x", "y", "y"], weights=[1, 2, 3]))
    >>> inspection.summary()[1]
    'Kept 3 pairs of 2 users and 2 items, 75 % of all; dropped nothing; weights in the loss: 1 to 3, mean 2.'
    """

    table: Interactions
    config: TrainingConfig
    split: Split | None
    notes: tuple[str, ...] = ()

    @property
    def training(self) -> Interactions:
        """The rows that are trained on."""
        return self.table if self.split is None else self.split.train

    def summary(self) -> list[str]:
        """Returns three lines: what was read, what was kept, and the settings."""
        table, origin = self.table, self._origin
        read = f"Read {origin.table}: {origin.rows:,} rows; {_columns(origin, table.ordered)}"
        if origin.others:
            read += f"; not used: {_names(origin.others)}"
        kept = f"{_kept(table)}; {_dropped(origin)}"
        if table.weights is not None:
            kept += f"; {_weights(table)}"
        settings = self._settings()
        shown = ("user_model", "loss", "curvature", "learning_rate", "negatives", "half_life")
        return [
            f"{read}.",
            f"{kept}.",
            f"Trains on {len(self.training):,} pairs, evaluates {self._evaluated:,} users (split {self.config.split}); "
            f"{', '.join(f'{name} {settings[name]}' for name in shown)}.",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Returns the numbers of the report as plain values, for JSON.

        Example:

        >>> found = inspect_table(Interactions.from_arrays(["ann", "ann", "bob"], ["x", "y", "y"])).to_dict()
        >>> found["kept"]["pairs"], found["kept"]["items_per_user"]["max"], found["settings"]["curvature"]
        (3, 2, 1.0)
        """
        table, origin, span = self.table, self._origin, self._origin.span
        users, items = table.activity(), table.popularity()
        few = int(np.count_nonzero(users < MINIMUM_ROWS)), int(np.count_nonzero(items < _FEW))
        return {
            "read": {
                "table": origin.table,
                "rows": origin.rows,
                "columns": dict(origin.columns),
                "not_used": list(origin.others),
                "span": None if span is None else {"first": span.first, "last": span.last, "unit": span.unit},
                "events": dict(origin.events),
                "event_weights": None if origin.event_weights is None else dict(origin.event_weights),
                "dropped": dict(origin.dropped),
                "repeated": origin.repeated,
                "repeats": origin.repeats,
            },
            "kept": {
                "pairs": len(table),
                "users": table.n_users,
                "items": table.n_items,
                "density": len(table) / (table.n_users * table.n_items),
                "items_per_user": {**_statistics(users), f"fewer_than_{MINIMUM_ROWS}": few[0]},
                "users_per_item": {**_statistics(items), f"fewer_than_{_FEW}": few[1]},
                "weights": None if table.weights is None else _statistics(table.weights),
                "ordered": table.ordered,
                "direction": table.direction() if table.ordered else None,
            },
            "share_of_most_popular": {f"{share:g}": of_rows for share, _, of_rows in self._shares()},
            "split": {
                "how": self.config.split,
                "training_pairs": len(self.training),
                "evaluated_users": self._evaluated,
                "test_items": 0 if self.split is None else len(self.split.test),
                "validation_items": 0 if self.split is None else len(self.split.validation),
                "test_items_without_training_pair": 0 if self.split is None else self._unseen(self.split),
            },
            "settings": self._settings(),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        parts = [self._read(), self._kept(), self._popularity(), self._split(), self._resolved()]
        if self.notes:
            parts.append(["To note", *(f"  - {note}" for note in self.notes)])
        return "\n\n".join("\n".join(part) for part in parts)

    @property
    def _origin(self) -> Origin:
        return self.table.origin or Origin("interactions", {}, rows=len(self.table))

    def _settings(self) -> dict[str, Any]:
        return self.config.to_dict()

    def _read(self) -> list[str]:
        origin = self._origin
        lines = [f"{origin.table}: {origin.rows:,} rows"]
        for role, column in origin.columns.items():
            said = {"order": str(origin.span or ""), "event": _events(origin)}.get(role, "")
            lines.append(f"  {role:<8} {column!r}" + (f"  {said}" if said else ""))
        if not self.table.ordered:
            lines.append("  order    none: that of the rows")
        if origin.others:
            lines.append(f"  not used {_names(origin.others)}")
        lines += [f"  dropped  {number:,} rows {why}" for why, number in origin.dropped.items()]
        if origin.repeated:
            lines.append(
                f"  repeats  {origin.repeated:,} rows have an item of their user again: {_REPEATS[origin.repeats]}"
            )
        return lines

    def _kept(self) -> list[str]:
        table = self.table
        users, items = table.activity(), table.popularity()
        few, rare = np.count_nonzero(users < MINIMUM_ROWS), np.count_nonzero(items < _FEW)
        lines = [
            _kept(table),
            f"  items per user  {_quantiles(users)}; {_share(few, table.n_users)} of the users have fewer than {MINIMUM_ROWS}: "
            "they are trained on, not evaluated",
            f"  users per item  {_quantiles(items)}; {_share(rare, table.n_items)} of the items have fewer than {_FEW}",
        ]
        if table.weights is not None:
            lines.append(f"  {_weights(table)}")
        if table.ordered:
            direction = table.direction()
            said = "says something" if direction >= defaults.DIRECTED else "says little"
            lines.append(f"  order           it {said} about what comes next (direction {direction:.2f})")
        return lines

    def _popularity(self) -> list[str]:
        lines = ["Share of the pairs that the most popular items have"]
        for share, n, of_rows in self._shares():
            lines.append(f"  {share:>4.0%} {n:>9,} items  {of_rows:>4.0%} {'█' * round(_BAR * of_rows)}")
        return lines

    def _shares(self) -> list[tuple[float, int, float]]:
        """Shares of the items, how many these are, and the share of the pairs that the most popular of them have."""
        counts = np.sort(self.table.popularity())[::-1]
        numbers = [(share, max(1, round(share * len(counts)))) for share in _SHARES]
        return [(share, n, float(counts[:n].sum() / counts.sum())) for share, n in numbers]

    def _unseen(self, split: Split) -> int:
        """The number of test items without a training row."""
        return int(np.count_nonzero(self.training.popularity()[split.test.items] == 0))

    def _split(self) -> list[str]:
        if self.split is None:
            return [f"All {len(self.table):,} pairs are trained on, none are held out (split {self.config.split})"]
        test = self.split.test
        each = "each by a validation and a test item"
        if len(test) > self._evaluated or len(self.split.validation) != self._evaluated:
            each = f"by {len(test):,} test items; {len(self.split.validation):,} users have a validation item"
        return [
            f"Trains on {len(self.training):,} pairs; {self._evaluated:,} users are evaluated, {each} "
            f"(split {self.config.split})",
            f"  {_share(self._unseen(self.split), len(test))} of the test items have no training row, and cannot be found",
        ]

    @property
    def _evaluated(self) -> int:
        """The number of users with test rows."""
        return 0 if self.split is None else len(np.unique(self.split.test.users))

    def _resolved(self) -> list[str]:
        settings = self._settings()
        facts = TableFacts.of(self.training, self.config.split)
        kind = "dense" if facts.dense else "sparse"
        lines = [f"Settings for this table, which is {kind} ({facts.rows_per_user or 0:.1f} training pairs per user)"]
        return lines + [f"  {name:<14} {settings[name]}" for name in _SHOWN]


@names_arguments
def inspect_table(
    table: str | os.PathLike[str] | Interactions | Any, config: TrainingConfig | None = None
) -> Inspection:
    """Looks at a table as `train_run` would read it, without training.

    Args:
        table: the path of a table, see `Interactions.from_file`; a data frame, see `Interactions.from_frame`; or `Interactions`.
        config: the settings: how the table is read and split, and those of the model. Defaults to None, `TrainingConfig()`.

    Returns:
        An `Inspection`, whose text is a report.

    Raises:
        FileNotFoundError: if there is no such table.
        ValueError: as `Interactions.from_file` and `Interactions.from_frame`.

    Example:

    >>> inspection = inspect_table(Interactions.from_arrays(["ann", "ann", "bob"], ["x", "y", "y"]))
    >>> inspection.config.curvature
    1.0
    >>> print(str(inspection).splitlines()[5])
    Kept 3 pairs of 2 users and 2 items, 75 % of all
    """
    check_instance(TrainingConfig, type(None), config=config)
    given = config or TrainingConfig()
    if isinstance(table, Interactions):
        data = table
    elif isinstance(table, (str, os.PathLike)):
        data = Interactions.from_file(table, **given.reading())
    else:
        options = {name: value for name, value in given.reading().items() if name not in ("separator", "columns")}
        data = Interactions.from_frame(table, **options)
    notes = list(data.origin.notes) if data.origin is not None else []
    split = None
    if given.split != "none":
        with _noted(notes):
            split = split_table(data, given.split, seed=0)
    if data.weights is not None and (mean := float(data.weights.mean())) >= _HEAVY:
        notes.append(
            f"The mean weight is {mean:.3g}, which makes the steps of training as many times as large: a weight counts as so "
            "many rows. Give smaller event weights, or divide the column, if only the ratio of weights is meant."
        )
    training = data if split is None else split.train
    return Inspection(data, given.resolved(training), split, tuple(notes))


@contextlib.contextmanager
def _noted(notes: list[str]) -> Iterator[None]:
    """A table of which nothing can be held out is worth a look, too."""
    try:
        yield
    except ValueError as error:
        notes.append(f"{error} Train on all rows with `split='none'` (`--split none`).")


_REPEATS = {
    "first": "the first row counts, the others are dropped",
    "last": "the last row counts, the others are dropped",
    "sum": "their weights are summed",
}


def _columns(origin: Origin, ordered: bool) -> str:
    said = [f"{role} {column!r}" for role, column in origin.columns.items()]
    if not ordered:
        said.append("no order but that of the rows")
    elif origin.span is not None and "order" in origin.columns:
        said[list(origin.columns).index("order")] += f" ({origin.span})"
    return ", ".join(said)


def _events(origin: Origin) -> str:
    weights = origin.event_weights or {}
    most = sorted(origin.events.items(), key=lambda event: -event[1])
    return ", ".join(f"{name} {count:,} rows × {weights[name]:g}" for name, count in most[:10])


def _dropped(origin: Origin) -> str:
    said = [f"{number:,} rows {why}" for why, number in origin.dropped.items()]
    if origin.repeated and origin.repeats != "sum":
        said.append(f"{origin.repeated:,} rows that repeat a pair")
    summed = f"; {origin.repeated:,} repeated rows summed" if origin.repeated and origin.repeats == "sum" else ""
    return f"dropped {' and '.join(said) or 'nothing'}{summed}"


def _weights(table: Interactions) -> str:
    weights = table.row_weights()
    return f"weights in the loss: {weights.min():g} to {weights.max():g}, mean {weights.mean():.3g}"


def _kept(table: Interactions) -> str:
    density = f"{100 * len(table) / (table.n_users * table.n_items):.3g} %"
    return f"Kept {len(table):,} pairs of {table.n_users:,} users and {table.n_items:,} items, {density} of all"


def _statistics(values: np.ndarray) -> dict[str, float]:
    return {
        "min": values.min().item(),
        "median": float(np.median(values)),
        "mean": float(values.mean()),
        "max": values.max().item(),
    }


def _quantiles(counts: np.ndarray) -> str:
    return f"{counts.min():,} to {counts.max():,}, median {np.median(counts):g}, mean {counts.mean():.1f}"


def _share(number: Any, of: int) -> str:
    return f"{number:,} ({number / max(of, 1):.0%})"


def _names(columns: tuple[str, ...]) -> str:
    more = f" and {len(columns) - 10} more" if len(columns) > 10 else ""
    return ", ".join(map(repr, columns[:10])) + more
