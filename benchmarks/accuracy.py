"""Accuracy of HyperML beside its Euclidean twin, metric learners, factorizations, linear models and popularity.

    pip install -e '.[benchmarks]'
    python benchmarks/accuracy.py run ml-100k.csv.gz amazon-automotive.csv.gz --split last random --out runs/accuracy
    python benchmarks/accuracy.py report runs/accuracy --json accuracy.json

`run` tunes every model on validation, all with the same number of trials, and then trains it once a seed with what won; the test
rows are looked at only then. HyperML, in both modes, runs with its defaults and is not tuned. Every model and seed sees the
same split and the same sampled negatives. Finished runs and trials are kept: started again, it goes on where it was stopped, and
several processes may fill one directory, each with its own tables or models. `report` prints the tables.
"""

from __future__ import annotations

import argparse
import ast
from pathlib import Path
from typing import Any

import figures
import report
import results
import tuning
from contenders import CONTENDERS, Overrides

from hyperml_tf.data import Interactions
from hyperml_tf.runs.held_out import HeldOut


def run(arguments: argparse.Namespace) -> None:
    """Fills the directory."""
    overrides = Overrides(arguments.epochs, arguments.dim, dict(arguments.set))
    for path in arguments.tables:
        data = path.name.split(".")[0]
        table = Interactions.from_file(path)
        for split in arguments.split:
            held_out = HeldOut.draw(table, split)
            facts = _facts(table, held_out, data, split)
            for model in arguments.models:
                prefix = f"{data}, {split}, {model}: "
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
    """Prints the tables of the directory."""
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
    add.add_argument("--trials", type=int, default=6, help="settings that a tuned model tries")
    add.add_argument(
        "--criterion", choices=figures.NDCG, default=figures.NDCG[0], help="the validation metric that chooses"
    )
    add.add_argument("--out", type=Path, required=True, help="the directory of the runs")
    add.add_argument("--epochs", type=int, help="of every model trained by epochs, for a quick look")
    add.add_argument("--dim", type=int, help="of every model that has one, for a quick look")
    add.add_argument("--set", nargs="+", type=_setting, default=[], metavar="KEY=VALUE", help="settings of HyperML")
    show = commands.add_parser("report", help="print the tables of a directory")
    show.set_defaults(command=print_report)
    show.add_argument("out", type=Path, help="the directory of the runs")
    show.add_argument(
        "--only",
        nargs="+",
        choices=list(CONTENDERS),
        metavar="MODEL",
        help="print the first table alone, of these models",
    )
    show.add_argument("--json", type=Path, help="where to write every figure")
    return parser


def main(words: list[str] | None = None) -> None:
    arguments = parser().parse_args(words)
    arguments.command(arguments)


if __name__ == "__main__":
    main()
