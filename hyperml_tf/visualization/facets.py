"""What items are coloured and filtered by: columns of text, as a few values."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

SEPARATOR = "|"
"""What is between the members of a list, or the steps of a path from the most general to the most special."""

# Values beyond these share one entry.
_MOST = 60
# Levels of a path, from the most general one.
_LEVELS = 4
_INTERVALS = 7
# The share of the texts of a column that must be numbers for it to be one of numbers; the others have no group.
_NUMBERS = 0.98
# Texts that are nearly all different, such as titles, are no categories.
_DIFFERENT = 0.5
_SELF_EVIDENT = 24
# Lists are paths if few of their names begin one: at most this share.
_BEGIN = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class Facet:
    """A way to divide the items into groups.

    Args:
        column: String, the name of the column.
        name: String, the name of the facet: that of the column, with the level of a path.
        values: The groups, largest first, or in their order.
        ordered: Boolean, whether `values` are in an order of their own, as numbers are.
        offsets: `(n + 1,)`, where the groups of each item begin in `members`.
        members: Codes of `values`, those of the first item first. An item without a value has none, one with a list several.
    """

    column: str
    name: str
    values: list[str]
    ordered: bool
    offsets: np.ndarray
    members: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """The first group of each item, `(n,)`; -1 for none."""
        if not len(self.members):
            return np.full(len(self.offsets) - 1, -1)
        start = np.minimum(self.offsets[:-1], len(self.members) - 1)
        return np.where(np.diff(self.offsets) > 0, self.members[start], -1)


def facets_of(name: str, texts: Sequence[str], always: bool = False) -> list[Facet]:
    """Finds the facets of a column.

    Numbers become intervals with about as many items each, if there are more than a dozen. Values with `|` between them are
    a path, if few names begin one, which gives a facet per level; or else a list, of which an item has every member.

    Args:
        name: String, the name of the column.
        texts: A text for each item, `""` if it has none.
        always: Boolean, whether texts that are nearly all different are a facet, too. Defaults to `False`.

    Returns:
        The facets, none if all items are in one group.

    Example:

    >>> [(facet.name, facet.values) for facet in facets_of("category", ["Home|Bath", "Home|Lamps", "Books|Lamp making"])]
    [('category', ['Home', 'Books']), ('category, level 2', ['Books › Lamp making', 'Home › Bath', 'Home › Lamps'])]
    """
    numbers = _numbers(texts)
    if numbers is not None:
        return _kept([_intervals(name, numbers)])
    lists = [[part.strip() for part in text.split(SEPARATOR) if part.strip()] for text in texts]
    if any(len(members) > 1 for members in lists):
        found = _levels(name, lists) if _are_paths(lists) else [_groups(name, lists)]
        return _kept(found)
    different = len(set(texts))
    if different > max(_SELF_EVIDENT, _DIFFERENT * len(texts)) and not always:
        return []
    return _kept([_groups(name, lists)])


def number_facet(name: str, numbers: np.ndarray) -> list[Facet]:
    """Returns the facet of a number for each item, such as its popularity; none if all are equal."""
    return _kept([_intervals(name, np.asarray(numbers, np.float64))])


def _kept(facets: list[Facet]) -> list[Facet]:
    return [facet for facet in facets if len(facet.values) > 1]


def _numbers(texts: Sequence[str]) -> np.ndarray | None:
    """The texts as numbers, NaN for `""` and the few that are none; None if more of them are anything else."""
    numbers = np.array([_number(text) for text in texts])
    there = sum(map(bool, texts))
    finite = np.isfinite(numbers)
    return np.where(finite, numbers, np.nan) if there and finite.sum() >= _NUMBERS * there else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _intervals(name: str, numbers: np.ndarray) -> Facet:
    there = np.flatnonzero(np.isfinite(numbers))
    values = numbers[there]
    different = np.unique(values)
    if len(different) <= _INTERVALS + 5:
        codes, labels = np.searchsorted(different, values), [_text(number) for number in different]
    else:
        codes = np.searchsorted(_bounds(values, different), values, side="right")
        used, codes = np.unique(codes, return_inverse=True)
        ends = [(values[codes == code].min(), values[codes == code].max()) for code in range(len(used))]
        labels = [_text(low) if low == high else f"{_text(low)} – {_text(high)}" for low, high in ends]
    offsets = np.zeros(len(numbers) + 1, np.int64)
    offsets[there + 1] = 1
    return Facet(name, name, labels, True, np.cumsum(offsets), codes)


def _bounds(values: np.ndarray, different: np.ndarray) -> np.ndarray:
    """The first number of each interval but the first: numbers that many items have are intervals of their own."""
    _, counts = np.unique(values, return_counts=True)
    many = counts >= len(values) / _INTERVALS
    rest = values[~np.isin(values, different[many])]
    shares = np.linspace(0, 1, max(_INTERVALS - np.count_nonzero(many), 1) + 1)[1:-1]
    after = different[np.minimum(np.flatnonzero(many) + 1, len(different) - 1)]
    return np.unique(np.concatenate([different[many], after, np.quantile(rest, shares, method="higher")]))


def _text(number: float) -> str:
    return f"{int(number)}" if number == int(number) and abs(number) < 1e15 else f"{number:.3g}"


def _are_paths(lists: list[list[str]]) -> bool:
    first = {members[0] for members in lists if members}
    return len(first) <= _BEGIN * len(set(itertools.chain.from_iterable(lists)))


def _levels(name: str, paths: list[list[str]]) -> list[Facet]:
    found: list[Facet] = []
    # What all paths begin with says nothing.
    root = _common(paths)
    for level in range(root + 1, min(_LEVELS, max(map(len, paths))) + 1):
        # Two steps say where an item is; the whole path is too long for a legend.
        steps = [path[max(root, min(level, len(path)) - 2) : level] for path in paths]
        joined = [[" › ".join(step)] if step else [] for step in steps]
        found.append(_groups(name, joined, name if level == root + 1 else f"{name}, level {level}"))
    return found


def _common(paths: list[list[str]]) -> int:
    """How many steps all paths begin with."""
    level = 0
    while len({tuple(path[: level + 1]) for path in paths if path}) == 1 and level < max(map(len, paths)):
        level += 1
    return level


def _groups(column: str, lists: list[list[str]], name: str | None = None) -> Facet:
    lists = [list(dict.fromkeys(members)) for members in lists]
    counts = collections.Counter(itertools.chain.from_iterable(lists))
    # By size, and by name where these are equal, so that the order is that of no table.
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    shown, rest = ordered[:_MOST], len(ordered) - _MOST
    code_of = {value: code for code, value in enumerate(shown)}
    values = shown if rest <= 0 else [*shown, f"{rest:,} other values"]
    coded = [list(dict.fromkeys(code_of.get(member, _MOST) for member in members)) for members in lists]
    offsets = np.concatenate([[0], np.cumsum([len(members) for members in coded])])
    return Facet(
        column, name or column, values, False, offsets, np.fromiter(itertools.chain.from_iterable(coded), np.int64)
    )
