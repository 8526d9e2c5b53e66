"""Whether hyperbolic space suits a table, from the numbers of a report."""

from __future__ import annotations

from typing import Any

TREE = 0.35
"""A relative delta up to this is that of something like a tree."""

RANDOM = 0.85
"""From this share of the relative delta of a random graph on, a graph is like a random one. Catalogues of `synthesize` with a
known taxonomy have .65 to .85 of it, rows at random all of it."""

CORRELATED = 0.3
"""Rank correlations of at least this size count."""

MOST = 0.5
"""The share of the items that must be connected, so that their graph says something about the table."""

CURVED = 1.05
"""Learned distances of this many times those in flat space, and more, make use of the curvature."""


def verdict(numbers: dict[str, Any]) -> dict[str, Any]:
    """Weighs what the data, and what the model that was trained on it, say for and against hyperbolic space.

    Args:
        numbers: The numbers of a report.

    Returns:
        A dictionary with `"answer"`, one of "yes", "partly", "no" and "unknown", and `"for"`, `"against"` and `"open"`, lists of
        sentences. It is "yes" if the item graph is like a tree and a radius says so, too; "no" if nothing speaks for it.
    """
    data = _graph(numbers)
    learned = [_popularity(numbers), _depth(numbers), _flatness(numbers)]
    found = [one for one in (data, *learned) if one is not None]
    sides = {side: [text for kind, text in found if kind == side] for side in ("for", "against", "open")}
    return {"answer": _answer(data, learned), **sides}


def _answer(data: tuple[str, str] | None, learned: list[tuple[str, str] | None]) -> str:
    radii = [one[0] for one in learned[:2] if one is not None]
    if data is None and not radii:
        return "unknown"
    if data is not None and data[0] == "for" and "for" in radii and "against" not in radii:
        return "yes"
    if (data is not None and data[0] == "for") or "for" in radii:
        return "partly"
    return "no" if data is not None and data[0] == "against" else "partly"


def _graph(numbers: dict[str, Any]) -> tuple[str, str] | None:
    delta = None if numbers["delta"] is None else numbers["delta"]["graph"]
    if delta is None:
        return None
    random = numbers["delta"]["random graph"]
    beside = "" if random is None else f", a random graph with the same degrees {random['relative']:.2f}"
    interval = f"{delta['low']:.2f} to {delta['high']:.2f}"
    text = f"the item graph has a relative delta of {delta['relative']:.2f} ({interval}); a tree has 0{beside}"
    if delta["relative"] > TREE:
        alike = random is None or delta["relative"] >= RANDOM * random["relative"]
        return ("against", f"{text}: it is unlike a tree") if alike else ("open", f"{text}: it is between the two")
    share = numbers["graph"]["share"]
    if share < MOST:
        return "open", f"{text}: it is like a tree, but only {share:.0%} of the items are in the part that was measured"
    return "for", f"{text}: it is like a tree"


def _popularity(numbers: dict[str, Any]) -> tuple[str, str] | None:
    found = numbers["radius"]["popularity"]
    if found is None:
        return None
    value = found["spearman"]
    text = f"the radius of items and their popularity have a rank correlation of {value:+.2f}"
    if value <= -CORRELATED:
        return _if_curved(numbers, f"{text}: popular items are near the origin, as general ones are in a tree")
    if value >= CORRELATED:
        return "against", f"{text}: popular items are far from the origin"
    return "against", f"{text}, which is weak"


def _depth(numbers: dict[str, Any]) -> tuple[str, str] | None:
    categories = numbers["radius"]["categories"]
    if categories is None or categories["depth"] is None:
        return None
    value = categories["depth"]["spearman"]
    text = f"the radius of items and the depth of their category have a rank correlation of {value:+.2f}"
    if value >= CORRELATED:
        return _if_curved(numbers, f"{text}: special items are far from the origin")
    return "against", f"{text}, which is weak" if value > -CORRELATED else f"{text}: special items are near the origin"


def _if_curved(numbers: dict[str, Any], text: str) -> tuple[str, str]:
    """Ranks of radii say nothing about curvature where space is flat, however small the differences of the radii are."""
    ratio = numbers["flatness"]
    if numbers["run"]["curvature"] > 0 and (ratio is None or ratio >= CURVED):
        return "for", text
    return "open", f"{text}; but the space is flat where they are"


def _flatness(numbers: dict[str, Any]) -> tuple[str, str] | None:
    ratio = numbers["flatness"]
    if ratio is None or numbers["run"]["curvature"] == 0:
        return None
    text = f"learned distances are {ratio:.2f} times those of the same points in flat space, in the median"
    if ratio >= CURVED:
        return "open", f"{text}: the model makes use of the curvature, which does not say that it gains from it"
    return "against", f"{text}: where the items are, the space is nearly flat"
