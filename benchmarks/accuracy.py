"""Accuracy of HyperML compared with its Euclidean twin, metric learners, factorizations, linear models and popularity.

    pip install -e '.[benchmarks]'
    python benchmarks/accuracy.py run ml-100k.csv.gz amazon-automotive.csv.gz --split last random --out runs/accuracy
    python benchmarks/accuracy.py report runs/accuracy --json accuracy.json

`run` tunes each model on validation with the same number of trials, and then trains it once per seed with the best settings; only
then the test rows are evaluated. HyperML, in both modes, runs with its defaults and is not tuned. All models and seeds have the
same split and the same sampled negatives, and know the same of a user: weights are trained on training rows, and the history of a
user is everything before the held-out item (`--test-history train`, the older protocol: without the validation item). Finished
runs and trials are stored, so an interrupted comparison resumes, and several processes can share a directory if each has its own
tables or models. `report` prints the tables.
"""

from __future__ import annotations

import argparse
import ast
from pathlib import Path
from typing import Any, get_args

import figures
import report
import results
import tuning
from contenders import CONTENDERS, Overrides

from hyperml_tf.data import Interactions
from hyperml_tf.runs.held_out import HeldOut, TestHistory


def run(arguments: argparse.Namespace) -> None:
    """Runs the comparison, and stores it in the directory."""
    overrides = Overrides(arguments.epochs, arguments.dim, dict(arguments.set))
    for path in arguments.tables:
        data = path.name.split(".")[0]
        table = Interactions.from_file(path)
        for split in arguments.split:
            held_out = HeldOut.draw(table, split)
            facts = {**_facts(table, held_out, data, split), "test_history": arguments.test_history}
            for model in arguments.models:
                prefix = f"{data}, {split}, {model}: "
                if not CONTENDERS[model].available:
                    print(
                        f"{prefix}left out, because {' or '.join(CONTENDERS[model].needs)} is not installed", flush=True
                    )
                    continue
                task = tuning.Task(
                    arguments.out / data / split / model,
                    CONTENDERS[model],
                    held_out,
                    arguments.trials,
                    arguments.criterion,
                    overrides,
                    facts,
                    log=lambda line, prefix=prefix: print(prefix + line, flush=True),
                )
                tuning.run(task, arguments.seeds)


def _facts(table: Interactions, held_out: HeldOut, data: str, split: str) -> dict[str, Any]:
    return {
        "data": data,
        "split": split,
        "fingerprint": table.fingerprint(),
        "users": table.n_users,
        "items": table.n_items,
        "train_rows": len(held_out.split.train),
        "evaluated_users": len(held_out.split.users),
    }


def print_report(arguments: argparse.Namespace) -> None:
    """Prints the tables of a comparison."""
    found = {key: figures.figures_of(key[0], runs) for key, runs in figures.load(arguments.out).items()}
    print(report.markdown(found) if arguments.only is None else report.summary(found, arguments.only))
    if arguments.json is not None:
        rows = [{"data": data, "split": split, **values} for (data, split), values in found.items()]
        results.write_json(arguments.json, rows)


def _setting(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"must be key=value. Received: {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="run | report")
    add = commands.add_parser("run", help="tune, train and store")
    add.set_defaults(command=run)
    add.add_argument("tables", nargs="+", type=Path, help="CSV or Parquet files")
    add.add_argument("--split", nargs="+", choices=["last", "random"], default=["last"])
    add.add_argument("--models", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS))
    add.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    add.add_argument("--trials", type=int, default=6, help="trials per tuned model")
    add.add_argument(
        "--criterion", choices=results.NDCG, default=results.NDCG[0], help="the validation metric that selects settings"
    )
    add.add_argument(
        "--test-history",
        choices=get_args(TestHistory),
        default="before_test",
        help="what is known of users in the test: all rows before the test item, or, as formerly, the training rows",
    )
    add.add_argument("--out", type=Path, required=True, help="the directory of the runs")
    add.add_argument("--epochs", type=int, help="epochs of all models trained in epochs, for a quick look")
    add.add_argument("--dim", type=int, help="dimension of all models that have one, for a quick look")
    add.add_argument("--set", nargs="+", type=_setting, default=[], metavar="KEY=VALUE", help="settings of HyperML")
    show = commands.add_parser("report", help="print the tables of a directory")
    show.set_defaults(command=print_report)
    show.add_argument("out", type=Path, help="the directory of the runs")
    show.add_argument(
        "--only",
        nargs="+",
        choices=list(CONTENDERS),
        metavar="MODEL",
        help="print only the first table, for these models",
    )
    show.add_argument("--json", type=Path, help="the file to save all results to")
    return parser


def main(words: list[str] | None = None) -> None:
    arguments = parser().parse_args(words)
    arguments.command(arguments)


if __name__ == "__main__":
    main()
