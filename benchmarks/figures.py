"""The results of the comparison, computed from stored ranks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import results
from bands import banded_ndcg, mean_per_user
from contenders import KINDS
from results import METRICS, NDCG, StoredRun
from scipy import stats

PUBLISHED = {"ml-1m": 0.562, "amazon-automotive": 0.2474, "amazon-cell-phones": 0.2933, "amazon-clothing": 0.1715}
"""nDCG@10 of HyperML among 100 sampled items in Tran et al., WSDM 2020, with other splits and negatives."""

REFERENCES = {"metric": "best Euclidean metric learner", "twin": "Euclidean twin", "bpr": "MF-BPR"}
"""The kinds of model that gains are relative to, see `contenders.KINDS`."""

_BANDED = ("hyperml", "cml", "ease")

Runs = dict[str, list[StoredRun]]
"""The runs of every model on one split of one table."""


def load(out: Path) -> dict[tuple[str, str], Runs]:
    """The finished runs of a directory, by data set and split.

    Raises:
        ValueError: if there is none, or models were evaluated on different users or items.
    """
    found: dict[tuple[str, str], Runs] = {}
    for folder in sorted({path.parent for path in out.glob("*/*/*/seed*.json")}):
        data, split, model = folder.relative_to(out).parts
        found.setdefault((data, split), {})[model] = results.load(folder)
    if not found:
        raise ValueError(f"`out` must hold finished runs. Received: {out}")
    for (data, split), runs in found.items():
        everything = [run.arrays for of_model in runs.values() for run in of_model]
        for name in ("users", "items", "train_popularity"):
            if not all(np.array_equal(arrays[name], everything[0][name]) for arrays in everything):
                raise ValueError(
                    f"The models of {data}, {split} were not evaluated on the same {name}: {sorted(runs)}."
                )
    return found


def figures_of(data: str, runs: Runs) -> dict[str, Any]:
    """All results of one split of one table."""
    models = {name: model_figures(of_model) for name, of_model in runs.items()}
    facts = next(iter(runs.values()))[0].facts
    return {
        **{name: facts[name] for name in ("users", "items", "train_rows", "evaluated_users", "test_history")},
        "models": models,
        "published": PUBLISHED.get(data),
        "gains": gains(models),
        "significance": significance(runs, models),
        "bands": {name: banded_ndcg(runs[name]) for name in _BANDED if name in runs},
        "hyperml_to_ease": ratio(models, "hyperml", "ease", "full_ndcg@10"),
    }


def model_figures(runs: list[StoredRun]) -> dict[str, Any]:
    """Means over seeds, their confidence intervals, and the settings of a model."""
    facts = runs[0].facts
    return {
        "title": facts["title"],
        "kind": facts["kind"],
        "knows_order": facts["knows_order"],
        "knows_history": facts["knows_history"],
        "seeds": [run.facts["seed"] for run in runs],
        "settings": facts["settings"],
        "notes": {name: value for name, value in facts.get("notes", {}).items() if name != "curve"},
        "overrides": facts["overrides"],
        "trials": facts["trials"],
        **{name: float(np.mean([run.facts[name] for run in runs])) for name in ("seconds", "cpu_seconds")},
        "metrics": {metric: interval([float(run.per_user(metric).mean()) for run in runs]) for metric in METRICS},
        "validation": {metric: interval([run.facts["validation"][metric] for run in runs]) for metric in METRICS},
    }


def interval(values: list[float]) -> dict[str, float | None]:
    """The mean, and half the width of its 95 % confidence interval (Student's t), which is None for a single value."""
    n = len(values)
    if n == 1:
        return {"mean": values[0], "half_width": None}
    spread = float(np.std(values, ddof=1))
    return {"mean": float(np.mean(values)), "half_width": float(stats.t.ppf(0.975, n - 1)) * spread / math.sqrt(n)}


def best_of_kind(models: dict[str, Any], kind: str, metric: str) -> str | None:
    """The model of a kind with the highest test mean; None if there is no model of that kind."""
    names = [name for name in models if models[name]["kind"] == kind]
    return max(names, key=lambda name: models[name]["metrics"][metric]["mean"], default=None)


def ratio(models: dict[str, Any], first: str, second: str, metric: str) -> float | None:
    """The mean of one model divided by that of another; None if it is undefined."""
    if first not in models or second not in models or not models[second]["metrics"][metric]["mean"]:
        return None
    return models[first]["metrics"][metric]["mean"] / models[second]["metrics"][metric]["mean"]


def gains(models: dict[str, Any]) -> dict[str, Any]:
    """The relative gain of each model over the best model of each kind in `REFERENCES`: `{model: {kind: {metric: gain}}}`."""
    report: dict[str, Any] = {}
    for name in models:
        report[name] = {}
        for kind in REFERENCES:
            report[name][kind] = {}
            for metric in NDCG:
                rival = best_of_kind(models, kind, metric)
                quotient = None if rival is None else ratio(models, name, rival, metric)
                report[name][kind][metric] = None if quotient is None else quotient - 1
    return report


def significance(runs: Runs, models: dict[str, Any]) -> list[dict[str, Any]]:
    """HyperML against the best rival of each kind: a paired t-test over users, of nDCG@10 averaged over seeds.

    The p-values are two-sided, and not corrected for multiple testing.
    """
    from ranx.statistical_tests import paired_student_t_test

    if "hyperml" not in runs:
        return []
    report = []
    for metric in NDCG:
        ours = mean_per_user(runs["hyperml"], metric)
        for kind in KINDS:
            rival = None if kind == "hyperbolic" else best_of_kind(models, kind, metric)
            if rival is None:
                continue
            theirs = mean_per_user(runs[rival], metric)
            # If the two never differ, the statistic is 0 / 0.
            p = 1.0 if np.array_equal(ours, theirs) else float(paired_student_t_test(theirs, ours)[0])
            difference = float(np.mean(ours - theirs))
            report.append({"metric": metric, "kind": kind, "rival": rival, "difference": difference, "p": p})
    return report
