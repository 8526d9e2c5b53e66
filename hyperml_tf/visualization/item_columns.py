"""Which columns of the items name them in pictures, and which colour them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hyperml_tf.visualization.facets import Facet, facets_of

_LABELS = ("title", "name")
# Longer texts are cut, so that descriptions do not make pages large.
_LONGEST = 200
# How many groups have a colour, and the shares of items that make a facet worth its colours.
_COLOURS, _ENOUGH, _NEARLY_ALL = 18, 0.6, 0.85


def checked_columns(items: Mapping[str, Sequence[str]] | None, n: int) -> dict[str, list[str]]:
    """Returns columns of `n` texts each; none for `None`.

    Raises:
        ValueError: If a column has another number of texts.
    """
    columns = {}
    if items is not None and not isinstance(items, Mapping):
        raise ValueError(f"`items` must be a mapping from the names of columns to texts. Received: {items!r}")
    for name, values in (items or {}).items():
        texts = [str(value) for value in values]
        if len(texts) != n:
            raise ValueError(
                f"`items` must have one text per item of the catalogue, {n}, in each column. Received: {len(texts)} in the "
                f"column {name!r}"
            )
        columns[str(name)] = [text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…" for text in texts]
    return columns


def label_column(columns: Mapping[str, list[str]], given: str | None) -> str | None:
    """Returns the name of the column by which items are called: the one that is given, or else "title" or "name", if any.

    Raises:
        ValueError: If there is no such column.
    """
    if given is None:
        return next((name for name in columns if name.lower() in _LABELS), None)
    _check(columns, "label", given)
    return given


def column_facets(columns: Mapping[str, list[str]], label: str | None, colour: str | None) -> list[Facet]:
    """Returns the facets of all columns but the one by which items are called; those of `colour` first.

    Raises:
        ValueError: If there is no column `colour`, or all items are the same in it.
    """
    if colour is None:
        return [facet for name, texts in columns.items() if name != label for facet in facets_of(name, texts)]
    _check(columns, "colour", colour)
    wanted = facets_of(colour, columns[colour], always=True)
    if not wanted:
        raise ValueError(f"`colour` must name a column in which items differ. Received: {colour!r}")
    others = {name: texts for name, texts in columns.items() if name != colour}
    return [*wanted, *column_facets(others, label, None)]


def telling(facets: Sequence[Facet], colour: str | None) -> int | None:
    """Returns the place of the first facet whose colours tell items apart, or of the one that comes closest.

    Its largest groups, for which there are colours, should have most of the items, but not one group nearly all.

    Args:
        facets: The facets.
        colour: Optional name of a column, whose facets are considered. Defaults to `None`, all but those of numbers.

    Returns:
        An index of `facets`; `None` if there is nothing to choose from.
    """
    places = [n for n, facet in enumerate(facets) if (facet.column == colour if colour else not facet.ordered)]
    shares = [_coloured(facets[place]) for place in places]
    enough = [place for place, share in zip(places, shares, strict=True) if share >= _ENOUGH]
    if enough:
        return enough[0]
    return places[int(np.argmax(shares))] if places else None


def _coloured(facet: Facet) -> float:
    sizes = np.bincount(facet.first + 1, minlength=len(facet.values) + 1)[1:] / len(facet.first)
    return float(sizes[:_COLOURS].sum()) if sizes.max() < _NEARLY_ALL else 0.0


def group_names(facet: Facet) -> list[str]:
    """Returns the first group of each item by its name, "none" for items without one."""
    values = np.array([*facet.values, "none"], object)
    return values[facet.first].tolist()


def _check(columns: Mapping[str, list[str]], argument: str, given: str) -> None:
    if given not in columns:
        listed = ", ".join(map(repr, columns)) or "no columns"
        raise ValueError(f"`{argument}` must name a column of `items`, which has {listed}. Received: {given!r}")
