"""Commands that make a run and look at it: `train`, `evaluate`, `plot`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from hyperml_tf.cli import console

if TYPE_CHECKING:
    from hyperml_tf.runs import TrainingConfig

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Settings to start from: best.json of `tune`, or config.json of a run.", show_default=False
    ),
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The directory that `train --out` wrote.")]


class CommandWithDefaults(TyperCommand):
    """Shows the defaults of `TrainingConfig`, where they are kept, in its help. It reads them only then."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        with console.muted():
            from hyperml_tf.runs import TrainingConfig
        defaults = {field.name: field.default for field in dataclasses.fields(TrainingConfig)}
        for parameter in self.params:
            parameter.default = defaults.get(str(parameter.name), parameter.default)
        super().format_help(ctx, formatter)


def train(
    context: typer.Context,
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Interactions, as CSV, CSV.gz or Parquet.")],
    out: Annotated[Path, typer.Option(metavar="RUN", help="The directory to write.")],
    user_column: Annotated[str | None, typer.Option(help="Column of users; found by the usual names.")] = None,
    item_column: Annotated[str | None, typer.Option(help="Column of items; found by the usual names.")] = None,
    order_column: Annotated[
        str | None, typer.Option(help="Column that orders the rows of a user; found by the usual names.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(metavar="last|random|none", help="Which two items a user are held out; none trains on every row."),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(metavar="tangent|direct", help="Optimize tangent vectors, or the points of the ball themselves."),
    ] = None,
    dim: Annotated[int | None, typer.Option(help="Dimension of the space.")] = None,
    curvature: Annotated[
        float | None, typer.Option(help="Curvature of the ball, 0 is Euclidean; 1, or 0.3 on dense tables.")
    ] = None,
    margin: Annotated[float | None, typer.Option(help="Margin of the hinge, in squared distance.")] = None,
    distortion_weight: Annotated[float | None, typer.Option(help="Weight of the distortion loss.")] = None,
    negatives: Annotated[int | None, typer.Option(help="Candidates drawn, 1 % of the catalogue by default.")] = None,
    history: Annotated[
        int | None, typer.Option(help="Items of a user that a step reads; 0: users are free points.")
    ] = None,
    half_life: Annotated[
        float | None, typer.Option(help="Places after which an item of a user weighs twice as much; 3 with split last.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the table.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Interactions a step.")] = None,
    optimizer: Annotated[str | None, typer.Option(metavar="adagrad|adam|sgd", help="All of them Riemannian.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Initial learning rate, which falls to 0; 0.05, or 0.02 on dense tables.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same run.")] = None,
    k: Annotated[int | None, typer.Option(help="Length of the answers of the exported model.")] = None,
    config: ConfigOption = None,
) -> None:
    """Train on a table, measure on held-out items, export a SavedModel."""
    console.start_tensorflow()
    from hyperml_tf.callbacks import TrainingProgress
    from hyperml_tf.runs import train_run

    settings = settings_of(context, config)
    progress = TrainingProgress(console=console.errors())
    try:
        run = train_run(table, out, settings, callbacks=[progress])
    finally:
        progress.close()
    metrics = run.metrics
    output = console.output()
    output.print(
        f"{metrics['users']:,} users, {metrics['items']:,} items; trained on {metrics['train_rows']:,} interactions; "
        f"{metrics['seconds']:.0f} s"
    )
    if "test" in metrics:
        output.print(console.metrics_table(metrics))
    # Not through rich, which would break a long path into lines.
    typer.echo(f"Wrote {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")


def settings_of(context: typer.Context, file: Path | None) -> TrainingConfig:
    """The settings of a file, or the defaults, with those that were given as options in their place."""
    from hyperml_tf.runs import TrainingConfig

    names = {field.name for field in dataclasses.fields(TrainingConfig)}
    given = {name: value for name, value in context.params.items() if name in names and value is not None}
    return dataclasses.replace(TrainingConfig() if file is None else TrainingConfig.from_file(file), **given)


def evaluate(run: RunArgument) -> None:
    """Measure a run again, on the held-out items it stored."""
    console.start_tensorflow()
    from hyperml_tf.runs import Run

    console.output().print(console.metrics_table(Run.load(run).evaluate()))


def plot(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option(help="PNG, SVG or PDF to write.", show_default="disk.png in the run")
    ] = None,
    max_points: Annotated[int, typer.Option(help="Draw at most that many items, the most popular.")] = 5000,
) -> None:
    """Draw the items of the learned space on a disk."""
    console.start_tensorflow()
    from hyperml_tf.runs import Run
    from hyperml_tf.visualization import plot_items

    loaded = Run.load(run)
    path = run / "disk.png" if out is None else out
    plot_items(loaded.model, loaded.table.popularity(), path, max_points=max_points)
    typer.echo(f"Wrote {path}")
