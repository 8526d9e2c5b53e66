"""The commands `train` and `update`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hyperml_tf.cli import console
from hyperml_tf.cli.item_options import DetailOption, ItemsOption, check_items, read_items
from hyperml_tf.cli.options import ConfigOption, TableArgument, settings_given, with_settings
from hyperml_tf.cli.tables import open_and_tell
from hyperml_tf.settings import defaults

StrategyOption = Annotated[
    str | None,
    typer.Option(
        metavar="mirrored|multi-worker|parameter-server",
        help="Train on all GPUs of this machine, or on the cluster of TF_CONFIG: this command is run by each of its processes.",
        show_default=False,
    ),
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The directory that `train --out` wrote.")]


@with_settings()
def train(
    context: typer.Context,
    table: TableArgument,
    out: Annotated[Path, typer.Option(metavar="RUN", help="The directory to write.")],
    config: ConfigOption = None,
    items: ItemsOption = None,
    detail: DetailOption = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue the unfinished run in RUN, with its settings; if there is none, begin."
        ),
    ] = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Read a prepared TABLE shard by shard, so that its rows need no memory while training; or load it.",
            show_default="by its size",
        ),
    ] = None,
    strategy: StrategyOption = None,
    **_: Any,
) -> None:
    """Train on a table, evaluate on held-out items, export a SavedModel."""
    if resume and config is None and (out / "config.json").is_file():
        config = out / "config.json"
    check_items(items, detail)
    settings = settings_given(context, config)
    console.start_logging()
    # Whatever is wrong with the paths or the table is said before TensorFlow is loaded.
    from hyperml_tf.runs.claims import check_claimable
    from hyperml_tf.runs.cluster import check_strategy, leads

    name = None if strategy is None else check_strategy(strategy)
    if leads(name):
        check_claimable(out, resume)
    elif name == "parameter-server":
        _serve()
    data = open_and_tell(table, settings)
    known = None if items is None else read_items(items, detail, _item_ids(data))
    trained_under = console.start_tensorflow(begin=None if name is None else lambda: _new_strategy(name))
    from hyperml_tf.callbacks import TrainingProgress
    from hyperml_tf.runs import train_run
    from hyperml_tf.runs.strategies import directory_of_task

    progress = TrainingProgress(console=console.errors())
    try:
        with directory_of_task(out, name, resume) as mine:
            run = train_run(
                data,
                mine,
                settings,
                callbacks=[progress],
                resume=resume,
                items=known,
                stream=stream,
                strategy=trained_under,
            )
    finally:
        progress.close()
    if not leads(name):
        return
    metrics = run.metrics
    output = console.output()
    output.print(
        f"{metrics['users']:,} users, {metrics['items']:,} items; trained on {metrics['train_rows']:,} interactions; "
        f"{metrics['seconds']:.0f} s"
    )
    if "test" in metrics:
        output.print(console.metrics_table(metrics))
    # Without rich, which would wrap long paths.
    typer.echo(f"Wrote {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")


def _serve() -> None:
    """Runs this worker or parameter server until it is killed."""
    from hyperml_tf.runs.strategies import serve

    console.start_tensorflow(begin=serve)


def _new_strategy(name: Any) -> Any:
    from hyperml_tf.runs.strategies import new_strategy

    return new_strategy(name)


def _item_ids(table: Any) -> Any:
    from hyperml_tf.preparation import PreparedTable

    return (table.vocabulary if isinstance(table, PreparedTable) else table).item_ids


def update(
    run: RunArgument,
    table: Annotated[
        Path,
        typer.Argument(metavar="TABLE", help="The new interactions, with the columns that RUN was trained with."),
    ],
    out: Annotated[Path, typer.Option(metavar="RUN2", help="The directory to write. RUN stays as it is.")],
    epochs: Annotated[
        int, typer.Option(help="Number of epochs, over which the learning rate decays linearly to 0.")
    ] = defaults.UPDATE.epochs,
    replay: Annotated[
        float, typer.Option(help="Number of old interactions per new one in each epoch, drawn anew.")
    ] = defaults.UPDATE.replay,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Initial learning rate.", show_default="that of RUN"),
    ] = None,
    items: ItemsOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the unfinished update in RUN2; if there is none, begin.")
    ] = False,
) -> None:
    """Continue a finished run with new interactions, of new users and items too, and write a new run."""
    console.start_logging()
    # As in `train`, what is wrong with the path is said before TensorFlow is loaded.
    from hyperml_tf.runs.claims import check_claimable

    check_claimable(out, resume)
    check_items(items, None)
    console.start_tensorflow()
    from hyperml_tf.callbacks import TrainingProgress
    from hyperml_tf.runs import update_run

    progress = TrainingProgress(console=console.errors())
    try:
        updated = update_run(
            run, table, out, epochs, replay, learning_rate, callbacks=[progress], resume=resume, items=items
        )
    finally:
        progress.close()
    metrics, added = updated.metrics, updated.lineage[-1]
    output = console.output()
    output.print(
        f"Added {added['rows']:,} interactions, {added['users']:,} users and {added['items']:,} items: now {metrics['users']:,} "
        f"users, {metrics['items']:,} items; learned {metrics['new_rows']:,} interactions; {metrics['seconds']:.0f} s"
    )
    if "test" in metrics:
        output.print(console.update_table(metrics))
    typer.echo(f"Wrote {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
