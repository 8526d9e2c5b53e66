"""Rank correlation, with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.stats


def spearman(first: np.ndarray, second: np.ndarray) -> dict[str, Any] | None:
    """Spearman's rank correlation of two variables, with a 95 % interval.

    The interval is that of Fisher's transformation, with the variance `(1 + r^2 / 2) / (n - 3)` of D. Bonett and T. Wright,
    Sample size requirements for estimating Pearson, Kendall and Spearman correlations, 2000.

    Args:
        first: Values, `(n,)`.
        second: Values, `(n,)`.

    Returns:
        A dictionary with `"spearman"`, `"low"`, `"high"` and `"items"`; `None` for fewer than four values, or if a variable is
        constant.

    Example:

    >>> found = spearman(np.arange(50), np.arange(50) ** 2)
    >>> round(found["spearman"], 6), found["items"]
    (1.0, 50)
    """
    if len(first) < 4 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    value = float(np.clip(scipy.stats.spearmanr(first, second).statistic, -1, 1))
    half = 1.959964 * np.sqrt((1 + value**2 / 2) / (len(first) - 3))
    with np.errstate(divide="ignore"):
        low, high = np.tanh(np.arctanh(value) + np.array([-half, half]))
    return {"spearman": value, "low": float(low), "high": float(high), "items": len(first)}


def partial_spearman(first: float, second: float, between: float) -> float | None:
    """The rank correlation of x and y once z is given, from those of x with y, x with z, and y with z.

    Example:

    >>> round(partial_spearman(0.5, 0.5, 1.0 - 1e-12), 3), round(partial_spearman(0.5, 0.0, 0.0), 3)
    (0.0, 0.5)
    """
    rest = (1 - second**2) * (1 - between**2)
    return (first - second * between) / float(np.sqrt(rest)) if rest > 1e-15 else None
