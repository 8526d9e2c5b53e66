"""Categories of items: lists in a column of an item table, which may be paths of a hierarchy."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter

import numpy as np

from hyperml_tf.data import ItemTable
from hyperml_tf.data.conditions import LIST_SEPARATOR

_SEPARATORS = (LIST_SEPARATOR, ">", "/")
# Share of neighbours in the lists of which the first is the more general one. It is near 1/2 for lists in no such order, such as
# genres in alphabetical order, and near 1 for paths.
_ORDERED = 0.8


@dataclasses.dataclass(frozen=True, eq=False)
class Categories:
    """The categories of the items of a catalogue.

    Args:
        column: String, the name of their column.
        lists: Categories of each item, in the order of the catalogue; empty if there are none.

    Example:

    >>> column = {"category": ["a|aa", "a|ab|abc", "", "a"]}
    >>> categories = Categories.of(ItemTable(np.arange(4), column))
    >>> categories.depths().tolist(), categories.general_first(), categories.is_hierarchy
    ([2, 3, 0, 1], 1.0, True)
    """

    column: str
    lists: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, items: ItemTable, column: str | None = None) -> Categories | None:
        """Reads a column of lists, with `|` between their members, or `>` or `/` where no value has a `|`.

        Args:
            items: An `ItemTable`.
            column: Optional string, the name of the column. Defaults to `None`: of the columns with a `|` in any value, the one
            with
                the most.

        Returns:
            A `Categories`; `None` if no column is given and none has lists.

        Raises:
            ValueError: If there is no such column.
        """
        if column is None:
            lists = {name: sum(LIST_SEPARATOR in value for value in values) for name, values in items.columns.items()}
            if not any(lists.values()):
                return None
            column = max(lists, key=lambda name: lists[name])
        if column not in items.columns:
            raise ValueError(
                f"`categories` must be a column of the item table, which has {list(items.columns)}. Received: {column!r}"
            )
        values = items.columns[column]
        separator = next((one for one in _SEPARATORS if any(one in value for value in values)), LIST_SEPARATOR)
        members = ([part.strip() for part in value.split(separator)] for value in values)
        return cls(column, tuple(tuple(part for part in parts if part) for parts in members))

    def depths(self) -> np.ndarray:
        """Returns the number of categories of each item, `(n,)`, which is the depth of the last one in a hierarchy."""
        return np.array([len(one) for one in self.lists])

    def general_first(self) -> float | None:
        """Returns the share of neighbours in the lists of which the first has at least as many items; `None` without any."""
        items = Counter(name for one in self.lists for name in set(one))
        pairs = [items[first] >= items[second] for one in self.lists for first, second in itertools.pairwise(one)]
        return float(np.mean(pairs)) if pairs else None

    @property
    def is_hierarchy(self) -> bool:
        """Whether lists go from the general to the special, and so are paths; lists of genres, for example, do not."""
        share = self.general_first()
        return share is not None and share >= _ORDERED
