"""Trains a sequential recommender of RecTools, in a process of its own: RecTools and TensorFlow need different versions of NumPy.

    python rectools_worker.py data.npz embeddings.npz '{"model": "sasrec", "loss": "softmax", "epochs": 200, ...}'

It imports nothing of this project; `rivals/sequential.py` writes the data, and reads the embeddings. The last line that it prints
says how the training went, as JSON.
"""

from __future__ import annotations

import copy
import json
import logging
import sys
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import BERT4RecModel, HSTUModel, SASRecModel
from rectools.models.nn.transformers.lightning import TransformerLightningModule

MODELS = {"sasrec": SASRecModel, "bert4rec": BERT4RecModel, "hstu": HSTUModel}
LENGTHS = (20, 50, 100, 200)
"""Lengths of sequences to choose from: the first that holds the whole history of 95 % of the users."""
FULL_SOFTMAX = 5000
"""Catalogues up to this size have the whole softmax; larger ones a sampled one."""
VALIDATED = 5000
"""So many users are validated after an epoch."""


class PackedLoss(TransformerLightningModule):
    """Computes logits where there is a target only: on sparse tables most places of a batch are padding, whose loss is 0."""

    def training_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> torch.Tensor:
        items = self.torch_model.item_model.get_all_embeddings()
        places = batch["y"] != 0
        sessions = self.torch_model.encode_sessions(batch, items)[places].unsqueeze(0)
        y, weights = batch["y"][places].unsqueeze(0), batch["yw"][places].unsqueeze(0)
        candidates = None
        if self._requires_negatives:
            candidates = torch.cat([y.unsqueeze(-1), batch["negatives"][places].unsqueeze(0)], dim=-1)
        logits = self.torch_model.similarity_module(sessions, items, candidates)
        return self.loss_calculator(logits, y, weights)


class KeepBest(pl.Callback):
    """Validates after every epoch, keeps the best weights, and stops without progress or after the time that was given.

    Args:
        data: The arrays of the input file.
        patience: Integer, the number of epochs without progress.
        seconds: Float, the time.
    """

    def __init__(self, data: dict[str, np.ndarray], patience: int, seconds: float) -> None:
        rng = np.random.default_rng(0)
        self.rows = np.sort(rng.permutation(len(data["validation_users"]))[:VALIDATED])
        self.data, self.patience, self.seconds = data, patience, seconds
        self.curve: list[float] = []
        self.best: dict[str, torch.Tensor] = {}
        self.batches: Any = None

    def on_train_epoch_start(self, trainer: pl.Trainer, module: Any) -> None:
        if self.batches is None:
            users = self.data["validation_users"][self.rows]
            self.batches = batches_of(module.data_preparator, frame(self.data, "train", users))
            self.started = time.perf_counter()

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        users, items = embeddings(module, *self.batches, self.data)
        self.curve.append(ndcg_at_10(users, items, self.data, self.rows))
        if self.curve[-1] >= max(self.curve):
            self.best = copy.deepcopy(module.torch_model.state_dict())
        stalled = len(self.curve) - 1 - int(np.argmax(self.curve)) >= self.patience
        trainer.should_stop = stalled or time.perf_counter() - self.started > self.seconds
        module.torch_model.train()
        print(f"epoch {len(self.curve)}: validation full_ndcg@10 {self.curve[-1]:.4f}", file=sys.stderr, flush=True)


def frame(data: dict[str, np.ndarray], part: str, of_users: np.ndarray | None = None) -> pd.DataFrame:
    """Rows as RecTools takes them, those of each user from the oldest to the newest."""
    users, items = data[f"{part}_users"], data[f"{part}_items"]
    if of_users is not None:
        kept = np.isin(users, of_users)
        users, items = users[kept], items[kept]
    days = pd.Timestamp("2000-01-01") + pd.to_timedelta(np.arange(len(users)), unit="s")
    return pd.DataFrame({Columns.User: users, Columns.Item: items, Columns.Weight: 1.0, Columns.Datetime: days})


def batches_of(preparator: Any, rows: pd.DataFrame) -> tuple[np.ndarray, list[Any]]:
    """The users with an item that the model knows, and batches of their histories."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = preparator.transform_dataset_u2i(Dataset.construct(rows), rows[Columns.User].unique())
    return dataset.user_id_map.external_ids, list(preparator.get_dataloader_recommend(dataset, 256))


def embeddings(
    module: Any, users: np.ndarray, batches: list[Any], data: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of all users and items; the score is the product. Users and items that the model does not know have NaN."""
    net = module.torch_model.eval()
    with torch.no_grad():
        vectors = net.item_model.get_all_embeddings()
        sessions = torch.cat([net.encode_sessions(batch, vectors)[:, -1, :] for batch in batches])
        sessions = net.similarity_module.session_tower_forward(sessions).numpy()
        vectors = net.similarity_module.item_tower_forward(vectors).numpy()
    of_users = np.full((int(data["n_users"]), sessions.shape[1]), np.nan, np.float32)
    of_users[users.astype(int)] = sessions
    of_items = np.full((int(data["n_items"]), vectors.shape[1]), np.nan, np.float32)
    preparator = module.data_preparator
    of_items[preparator.get_known_item_ids().astype(int)] = vectors[preparator.get_known_items_sorted_internal_ids()]
    return of_users, of_items


def ndcg_at_10(users: np.ndarray, items: np.ndarray, data: dict[str, np.ndarray], rows: np.ndarray) -> float:
    """nDCG@10 of validation items among all items outside the training rows; a tie counts as a better item."""
    starts = np.searchsorted(data["train_users"], np.arange(int(data["n_users"]) + 1))
    gains = []
    for row in np.array_split(rows, max(1, len(rows) // 256)):
        owners, targets = data["validation_users"][row], data["validation_items"][row]
        scores = np.nan_to_num(users[owners] @ items.T, nan=-np.inf)
        below = scores < scores[np.arange(len(row)), targets][:, None]
        ranks = scores.shape[1] - 1 - below.sum(1)
        for place, owner in enumerate(owners):
            seen = data["train_items"][starts[owner] : starts[owner + 1]]
            ranks[place] -= np.count_nonzero(~below[place, seen])
        gains.append(np.where(ranks < 10, 1.0 / np.log2(ranks + 2.0), 0.0))
    return float(np.concatenate(gains).mean())


def new_model(settings: dict[str, Any], data: dict[str, np.ndarray], keep: KeepBest) -> Any:
    """The model of the settings, not trained yet."""
    activity = np.bincount(data["train_users"])
    longest = np.quantile(activity[activity > 0], 0.95)
    length = next((length for length in LENGTHS if length >= longest), LENGTHS[-1])
    loss = settings["loss"]
    if loss == "softmax" and int(data["n_items"]) > FULL_SOFTMAX:
        loss = "sampled_softmax"
    more = {"relative_time_attention": False} if settings["model"] == "hstu" else {}

    def trainer() -> pl.Trainer:
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        return pl.Trainer(
            max_epochs=settings["epochs"],
            accelerator="cpu",
            devices=1,
            callbacks=[keep],
            enable_checkpointing=False,
            **quiet,
        )

    return MODELS[settings["model"]](
        n_blocks=settings["blocks"],
        n_heads=settings["heads"],
        n_factors=settings["dim"],
        dropout_rate=settings["dropout"],
        session_max_len=length,
        loss=loss,
        n_negatives=settings["negatives"],
        lr=settings["learning_rate"],
        batch_size=settings["batch_size"],
        lightning_module_type=PackedLoss,
        get_trainer_func=trainer,
        **more,
    )


def main() -> None:
    source, target, words = sys.argv[1:]
    settings = json.loads(words)
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    torch.set_num_threads(settings["threads"])
    pl.seed_everything(settings["seed"])
    with np.load(source) as stored:
        data = dict(stored)
    model = new_model(settings, data, KeepBest(data, settings["patience"], settings["seconds"]))
    model.fit(Dataset.construct(frame(data, "train")))
    (kept,) = (callback for callback in model.fit_trainer.callbacks if isinstance(callback, KeepBest))
    module = model.lightning_model
    module.torch_model.load_state_dict(kept.best)
    found = {}
    for part in ("train", "before_test"):
        users, items = embeddings(module, *batches_of(module.data_preparator, frame(data, part)), data)
        found |= {part: users, "items": items}
    np.savez(target, **found)
    facts = {"epochs": len(kept.curve), "best_epoch": int(np.argmax(kept.curve)) + 1, "curve": kept.curve}
    print(json.dumps({**facts, "loss": model.loss, "length": model.session_max_len}))


if __name__ == "__main__":
    main()
