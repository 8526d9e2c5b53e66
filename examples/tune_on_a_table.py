"""Hyperparameter search in Python: a custom search space, a few trials, and the metrics of the best model.

    python examples/tune_on_a_table.py [ratings.csv] [--trials 6]

Without a table, a synthetic one is generated. On the command line, `hyperml-tf tune` does the same. An interrupted search resumes
when the program is run again with the same arguments.
"""

from __future__ import annotations

import argparse

import hyperml_tf as hml
from hyperml_tf import tuning


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", help="CSV or Parquet; a synthetic catalogue by default")
    parser.add_argument("--users", type=int, default=600, help="of the synthetic catalogue")
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--out", default="saved_models/tuning", help="the directory of the trials")
    arguments = parser.parse_args()

    if arguments.table:
        table = hml.Interactions.from_file(arguments.table)
    else:
        table = hml.synthesize(arguments.users, arguments.items, arguments.rows).table
    split = hml.leave_one_out(table, order="last")

    # A value is fixed, a list is a choice, and a dictionary is a range. Other hyperparameters keep their default space.
    space = {
        "dim": 32,
        "mode": "tangent",
        "optimizer": ["adagrad", "adam"],
        "learning_rate": {"min": 0.02, "max": 0.2, "sampling": "log"},
    }
    hypermodel = tuning.HyperMLHyperModel(
        split.train, split.validation, space, hml.TrainingConfig(epochs=arguments.epochs, batch_size=512)
    )
    tuner = tuning.BayesianOptimization(
        hypermodel,
        objective="val_full_ndcg@10",
        max_trials=arguments.trials,
        num_initial_points=3,
        start_with_defaults=True,
        seed=0,
        directory=arguments.out,
    )
    tuner.search()
    tuner.results_summary(num_trials=3)

    model = tuner.get_best_models()[0]
    best = tuner.oracle.get_best_trials()[0]
    again = hypermodel.evaluate(model)["full_ndcg@10"]
    print(f"\nThe best of {len(tuner.oracle.trials)} trials had {best.score:.4f}; evaluated again: {again:.4f}")
    report = model.evaluate_ranking(split.test, seen=split.before_test)
    print(f"On the test rows, which no trial has seen: {report['full_ndcg@10']:.4f}")


if __name__ == "__main__":
    main()
