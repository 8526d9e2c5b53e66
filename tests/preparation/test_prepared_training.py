"""Training and evaluation from the shards of a prepared table."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from hyperml_tf import HyperML, TrainingConfig, train_run
from hyperml_tf.data import Interactions, synthesize
from hyperml_tf.models.baselines import MFBPR
from hyperml_tf.models.batches import CarriedItems
from hyperml_tf.preparation import PreparedTable, prepare
from hyperml_tf.runs import Run, streamed

USERS, ITEMS = 120, 150


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    frame = synthesize(n_users=USERS, n_items=ITEMS, n_rows=2400, depth=2, branching=3, seed=1).table.to_frame()
    frame.assign(timestamp=range(len(frame)), plays=np.arange(len(frame)) % 3 + 1).to_csv(folder / "table.csv")
    prepare(folder / "table.csv", folder / "prepared", shards=5)
    prepare(folder / "table.csv", folder / "weighted", shards=5, weight_column="plays")
    return folder


@pytest.fixture(scope="module")
def table(path: Path) -> PreparedTable:
    return PreparedTable.open(path / "prepared")


def positives(dataset: Any, weighted: bool = False) -> list[tuple[Any, ...]]:
    """Users and items of all positives of an epoch, sorted, with their weights."""
    found = []
    for batch in dataset.as_numpy_iterator():
        users, items, weights = batch["user"], batch["item"], batch.get("sample_weight", batch["item"])
        if items.ndim == 2:
            kept = items >= 0
            users = np.broadcast_to(users[:, np.newaxis], items.shape)[kept]
            items, weights = items[kept], weights[kept]
        found += zip(users.tolist(), items.tolist(), *([weights.tolist()] if weighted else []), strict=True)
    return sorted(found)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"before": 4, "after": 2},
        {"before": 3, "run": 6, "trim": True},
        {"before": 3, "reorder": True, "known": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("open_shards", [1, 2, 5])
def test_an_epoch_has_every_training_row_once(table: PreparedTable, options: dict[str, Any], open_shards: int) -> None:
    train = table.split().train
    dataset = table.dataset(100, open_shards=open_shards, **options)
    assert positives(dataset) == sorted(zip(train.users.tolist(), train.items.tolist(), strict=True))
    assert int(dataset.cardinality()) == -(-len(train) // 100) == sum(1 for _ in dataset)


@pytest.mark.slow
def test_workers_share_the_shards(table: PreparedTable) -> None:
    parts = [positives(table.dataset(100, shard=(worker, 2))) for worker in range(2)]
    users = [{user for user, _ in part} for part in parts]
    assert not users[0] & users[1]
    assert sorted(parts[0] + parts[1]) == positives(table.dataset(100))
    with pytest.raises(ValueError, match="`shard` must be"):
        table.dataset(100, shard=(2, 2))


@pytest.mark.slow
def test_the_tf_data_service_gives_every_row_once(table: PreparedTable) -> None:
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer()
    address = dispatcher.target.split("://")[1]
    workers = [service.WorkerServer(service.WorkerConfig(dispatcher_address=address)) for _ in range(2)]
    dataset = table.dataset(100, before=4, open_shards=1, service=True)
    served = dataset.apply(service.distribute(service.ShardingPolicy.DYNAMIC, dispatcher.target))
    assert positives(served) == positives(dataset) == positives(table.dataset(100))
    del workers


def test_epochs_differ_and_can_be_repeated(table: PreparedTable) -> None:
    epoch = tf.Variable(0, dtype=tf.int64)
    dataset = table.dataset(100, open_shards=2, seed=7, progress=epoch.read_value)

    def users() -> list[int]:
        return [user for batch in dataset.as_numpy_iterator() for user in batch["user"].tolist()]

    first = users()
    epoch.assign(1)
    assert users() != first
    epoch.assign(0)
    assert users() == first


def test_rows_carry_the_items_of_their_user_nearest_to_them(table: PreparedTable) -> None:
    train = table.split().train
    of_user = [train.items[train.users == user].tolist() for user in range(USERS)]
    seen = 0
    for batch in table.dataset(100, before=2, run=1, known=5).as_numpy_iterator():
        for user, [item], known, count in zip(*(batch[key] for key in ("user", "item", "known", "count")), strict=True):
            items, place = of_user[user], of_user[user].index(item)
            assert count == len(items)
            carried = [one for one in known.tolist() if one >= 0]
            assert len(carried) == min(5, len(items))
            first = items.index(carried[0])
            assert carried == items[first : first + len(carried)]
            assert first <= place < first + len(carried)
            seen += 1
    assert seen == len(train)
    for batch in table.dataset(100, known=None).as_numpy_iterator():
        for user, known in zip(batch["user"], batch["known"], strict=True):
            assert [one for one in known.tolist() if one >= 0] == of_user[user]


@pytest.mark.slow
def test_weights_go_with_their_rows(path: Path) -> None:
    weighted = PreparedTable.open(path / "weighted")
    train = weighted.split().train
    expected = sorted(zip(train.users.tolist(), train.items.tolist(), train.row_weights().tolist(), strict=True))
    for options in ({}, {"before": 4}):
        assert positives(weighted.dataset(100, **options), weighted=True) == expected


def test_carried_items_are_no_negatives() -> None:
    batch = {
        "user": tf.constant([7, 8]),
        "item": tf.constant([[1, -1], [4, 5]]),
        "history": tf.constant([[1, -1], [4, 5]]),
        "known": tf.constant([[1, 2, -1], [4, 5, 6]]),
    }
    carried = CarriedItems.of(batch)
    assert carried is not None
    users = tf.zeros([3, 2], tf.int32)
    # The positives of a run are apart from each other: those of the first places come first.
    assert carried.contains(users, tf.constant([[2, 4], [6, 2], [5, 1]])).numpy().tolist() == [
        [True, False],
        [True, False],
        [True, False],
    ]
    assert CarriedItems.of({"user": users}) is None


@pytest.mark.slow
@pytest.mark.parametrize("user_model", ["free", "history", "sequence"])
def test_a_model_trains_without_the_histories_of_all_users(table: PreparedTable, user_model: str) -> None:
    tf.keras.utils.set_random_seed(0)
    encoding = {"encoding": {"length": 24}} if user_model == "sequence" else {}
    model = HyperML.from_interactions(table.training, dim=4, user_model=user_model, **encoding)
    model.compile(run_eagerly=user_model == "sequence")
    model.fit(table, batch_size=512, epochs=3, verbose=0)
    assert len(model.seen) == 0
    model.set_seen(table)
    train = table.split().train
    others = dataclasses.replace(train, items=np.random.default_rng(0).permutation(train.items))
    assert model.predict(train, verbose=0).mean() < model.predict(others, verbose=0).mean()
    assert np.array_equal(model.seen.items, table.interactions().items)
    assert model.recommend([table.vocabulary.user_ids[0]], k=3).ids.shape == (1, 3)


def test_with_all_items_carried_the_loss_is_that_with_histories(table: PreparedTable) -> None:
    tf.keras.utils.set_random_seed(0)
    model = HyperML.from_interactions(table.training, dim=4)
    batch = next(iter(model.prepared_batches(table, 256, known=None)))
    carried = model.compute_loss(batch, training=True)
    model.set_seen(table.split().train)
    known = model.compute_loss({name: batch[name] for name in ("user", "item", "history")}, training=True)
    assert carried.numpy() == pytest.approx(known.numpy(), rel=1e-6)


@pytest.mark.slow
def test_baselines_train_from_shards(table: PreparedTable) -> None:
    model = MFBPR.from_interactions(table.training, dim=4)
    model.compile()
    loss = model.fit(table, batch_size=256, epochs=2, verbose=0).history["loss"]
    assert loss[1] < loss[0]


def test_batches_without_the_histories_that_a_model_reads_are_refused(table: PreparedTable) -> None:
    model = HyperML.from_interactions(table.training, dim=4)
    model.compile()
    for dataset in (table.dataset(100), table.dataset(100, before=1)):
        with pytest.raises(ValueError, match=r"model\.window_options"):
            model.fit(dataset, verbose=0)


def test_a_table_of_other_ids_is_refused(table: PreparedTable) -> None:
    model = HyperML(["a", "b"], ["x", "y"], dim=4)
    model.compile()
    for use in (model.set_seen, model.fit):
        with pytest.raises(ValueError, match="must have the users and items of the model"):
            use(table)


def test_metrics_of_shards_merge_into_those_of_the_whole(table: PreparedTable) -> None:
    tf.keras.utils.set_random_seed(0)
    model = HyperML.from_interactions(table.training, dim=4)
    model.set_seen(table)
    held_out = streamed.all_held_out(table)
    split = held_out.split
    merged = streamed.evaluate(model, table)
    whole = {
        "validation": model.evaluate_ranking(split.validation, split.train, held_out.negatives),
        "test": model.evaluate_ranking(split.test, split.before_test, held_out.negatives),
    }
    for part, metrics in whole.items():
        assert merged[part] == pytest.approx(metrics, rel=1e-6)


CONFIG = TrainingConfig(dim=4, epochs=2, batch_size=256, k=5)


@pytest.mark.slow
def test_a_run_on_a_prepared_table_is_that_on_the_table(path: Path, tmp_path: Path) -> None:
    runs = [train_run(path / name, tmp_path / name, CONFIG) for name in ("table.csv", "prepared")]
    metrics = [{name: value for name, value in run.metrics.items() if name != "seconds"} for run in runs]
    assert metrics[0] == metrics[1]
    assert runs[0].fingerprint == runs[1].fingerprint


@pytest.mark.slow
def test_a_run_that_reads_shards_evaluates_and_serves_as_others_do(path: Path, tmp_path: Path) -> None:
    run = train_run(path / "weighted", tmp_path / "run", CONFIG, stream=True)
    again = Run.load(run.path)
    assert again.evaluate()["test"] == pytest.approx(run.metrics["test"], rel=1e-6)
    assert run.config.weight_column == "plays"
    whole = PreparedTable.open(path / "weighted").interactions()
    assert np.array_equal(again.table.items, whole.items)
    assert np.array_equal(again.table.row_weights(), whole.row_weights())
    assert np.array_equal(again.model.seen.items, whole.items)
    assert len(again.training) == run.metrics["train_rows"]


@pytest.mark.parametrize(
    ("config", "stream", "said"),
    [
        (TrainingConfig(min_rating=3), None, "`min_rating` must be that by which the table was prepared"),
        (TrainingConfig(split="random"), True, "`split` must be that of the prepared table"),
    ],
)
def test_other_settings_than_the_table_was_prepared_with_are_refused(
    config: TrainingConfig, stream: bool | None, said: str, path: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=said):
        train_run(path / "prepared", tmp_path / "run", config, stream=stream)


def test_only_prepared_tables_are_read_shard_by_shard(tmp_path: Path) -> None:
    table = Interactions.from_arrays(["a", "a", "a", "b"], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="requires a prepared table"):
        train_run(table, tmp_path / "run", CONFIG, stream=True)


def test_a_run_of_another_prepared_table_says_so(path: Path, tmp_path: Path) -> None:
    described = {"settings": CONFIG.to_dict(), "fingerprint": "0" * 32, "prepared": str(path / "prepared")}
    (tmp_path / "config.json").write_text(json.dumps(described))
    with pytest.raises(ValueError, match="must be the prepared table of the run"):
        _ = Run(tmp_path).held_out
