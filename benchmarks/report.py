"""Markdown tables of the results of the comparison."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contenders import CONTENDERS, KINDS
from figures import REFERENCES
from results import MEASURES, NDCG, PROTOCOLS

Figures = dict[tuple[str, str], dict[str, Any]]
"""`figures.figures_of` by data and split."""


def markdown(figures: Figures) -> str:
    """The whole report."""
    sections = ["# Accuracy on held-out items\n", _protocol(), "## nDCG@10, sampled100 / full\n", summary(figures)]
    for (data, split), values in figures.items():
        sections += [
            f'## {data}, split "{split}"\n',
            "{users:,} users, {items:,} items, {train_rows:,} training rows, {evaluated_users:,} users evaluated.\n".format(
                **values
            ),
            _HISTORIES[values["test_history"]],
            *(accuracy(values, protocol) for protocol in PROTOCOLS),
            gains(values),
            significance(values),
            bands(values),
            settings(values),
        ]
    return "\n".join([*sections, ease_ratios(figures), trials(figures)])


def _protocol() -> str:
    return (
        "Test metrics: the mean over seeds ± half the width of its 95 % confidence interval (Student's t); deterministic "
        "models run once. `sampled100_*` ranks the held-out item among 100 sampled negatives, `full_*` among all items outside "
        "the user's training and validation rows. Ranks are pessimistic: a tie counts as a better item. All models and seeds "
        "have the same split and the same negatives. *Order*: whether the model knows the order of a user's items. *History*: "
        "whether it computes users from their items, so that it knows the validation item in the test; other models have a "
        "vector per user, learned from the training rows.\n"
    )


_HISTORIES = {
    "before_test": "In the test, the history of a user is their training and validation rows.\n",
    "train": "In the test, the history of a user is their training rows, without the validation row.\n",
}


def summary(figures: Figures, models: Iterable[str] | None = None) -> str:
    """Mean test nDCG@10, one row per data set and split, one column per model or selected model; the best is in bold."""
    found = {name for values in figures.values() for name in values["models"]}
    names = _ordered(found if models is None else found & set(models))
    rows = []
    for (data, split), values in figures.items():
        best = {metric: max(model["metrics"][metric]["mean"] for model in values["models"].values()) for metric in NDCG}
        cells = []
        for name in names:
            metrics = values["models"][name]["metrics"] if name in values["models"] else {}
            shown = [(metrics[metric]["mean"], best[metric]) for metric in NDCG if metric in metrics]
            cells.append(" / ".join(f"**{mean:.4f}**" if mean == top else f"{mean:.4f}" for mean, top in shown))
        rows.append([data, split, *cells])
    return table(["data", "split", *(_title(figures, name) for name in names)], rows, text=2)


def accuracy(values: dict[str, Any], protocol: str) -> str:
    """The metrics of a protocol, one row per model."""
    metrics = [f"{protocol}_{measure}" for measure in MEASURES]
    rows = []
    for name in _ordered(values["models"]):
        model = values["models"][name]
        rows.append(
            [
                model["title"],
                *("yes" if model[name] else "" for name in ("knows_order", "knows_history")),
                *(_interval(model["metrics"][metric]) for metric in metrics),
                *(f"{model[name]:.1f}" for name in ("seconds", "cpu_seconds")),
            ]
        )
    if values["published"] is not None and protocol == "sampled100":
        shown = [f"{values['published']:.4f}" if metric == "sampled100_ndcg@10" else "" for metric in metrics]
        rows.append(["*HyperML as published: another split, other negatives*", "", "", *shown, "", ""])
    return table(["model", "order", "history", *metrics, "s per training", "CPU s"], rows, text=3)


def gains(values: dict[str, Any]) -> str:
    """The relative gain of each model over the references."""
    header = ["nDCG@10, gain over"] + [
        f"{title}, {metric.split('_')[0]}" for title in REFERENCES.values() for metric in NDCG
    ]
    rows = []
    for name in _ordered(values["models"]):
        cells = [values["gains"][name][kind][metric] for kind in REFERENCES for metric in NDCG]
        rows.append([values["models"][name]["title"], *("" if cell is None else f"{cell:+.1%}" for cell in cells)])
    return table(header, rows)


def significance(values: dict[str, Any]) -> str:
    """HyperML against the best rival of each kind."""
    rows = [
        [
            test["metric"],
            KINDS[test["kind"]],
            values["models"][test["rival"]]["title"],
            f"{test['difference']:+.4f}",
            f"{test['p']:.2g}",
        ]
        for test in values["significance"]
    ]
    return table(["HyperML minus the best", "kind", "rival", "difference", "p, paired t-test over users"], rows, text=3)


def bands(values: dict[str, Any]) -> str:
    """nDCG@10 by the popularity of the held-out item and the activity of the user."""
    rows = []
    for name, groups in values["bands"].items():
        for group, labels in groups.items():
            for label, band in labels.items():
                shown = ["" if band[metric] is None else f"{band[metric]:.4f}" for metric in NDCG]
                rows.append([values["models"][name]["title"], f"{group}: {label}", f"{band['share']:.1%}", *shown])
    return table(["model", "band", "share of users", *NDCG], rows, text=2)


def settings(values: dict[str, Any]) -> str:
    """The selected settings."""
    rows = []
    for name in _ordered(values["models"]):
        model = values["models"][name]
        tuning = sum(trial["cpu_seconds"] for trial in model["trials"])
        seeds = " ".join(map(str, model["seeds"]))
        chosen = _settings({**model["overrides"], **model["settings"], **model["notes"]})
        validation = (_interval(model["validation"][metric]) for metric in NDCG)
        rows.append([model["title"], chosen, seeds, *validation, str(len(model["trials"])), f"{tuning:.0f}"])
    columns = [f"validation {metric}" for metric in NDCG]
    return table(["model", "settings", "seeds", *columns, "trials", "CPU s of tuning"], rows, text=3)


def ease_ratios(figures: Figures) -> str:
    """The full nDCG@10 of HyperML divided by that of EASE."""
    rows = [
        [data, split, f"{values['hyperml_to_ease']:.3f}"]
        for (data, split), values in figures.items()
        if values["hyperml_to_ease"] is not None
    ]
    return "## HyperML / EASE\n\n" + table(["data", "split", "ratio of full_ndcg@10"], rows, text=2) if rows else ""


def trials(figures: Figures) -> str:
    """The settings of all trials, in order."""
    tried: dict[str, list[str]] = {}
    for values in figures.values():
        for name, model in values["models"].items():
            shown = [_settings(trial["settings"]) for trial in model["trials"]]
            if len(shown) > len(tried.get(name, [])):
                tried[name] = shown
    rows = [[_title(figures, name), "; ".join(tried[name])] for name in _ordered(tried)]
    return "## Settings tried, in order\n\n" + table(["model", "settings"], rows, text=2) if rows else ""


def table(header: list[str], rows: list[list[str]], text: int = 1) -> str:
    """A Markdown table whose first `text` columns are text and the others numbers; empty if there are no rows."""
    if not rows:
        return ""
    rule = ["---"] * text + ["--:"] * (len(header) - text)
    lines = ["| " + " | ".join(row) + " |" for row in [header, *rows]]
    return "\n".join([lines[0], "|" + "|".join(rule) + "|", *lines[1:], ""])


def _ordered(names: Iterable[str]) -> list[str]:
    """Names in the order of `CONTENDERS`."""
    known = list(CONTENDERS)
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))


def _title(figures: Figures, name: str) -> str:
    return next(values["models"][name]["title"] for values in figures.values() if name in values["models"])


def _interval(value: dict[str, Any]) -> str:
    spread = "" if value["half_width"] is None else f" ± {value['half_width']:.4f}"
    return f"{value['mean']:.4f}{spread}"


def _settings(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "defaults"
