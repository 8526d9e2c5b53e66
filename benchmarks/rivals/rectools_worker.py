"""Trains a sequential recommender of RecTools, for `embeddings.train`.

    python rectools_worker.py data.npz vectors.npz '{"model": "sasrec", "loss": "softmax", "epochs": 200, ...}'

It runs in another environment, where this project is not installed. The last line that it prints is JSON: how the training went.
"""

from __future__ import annotations

import copy
import json
import logging
import sys
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
from validation import Progress, Vectors

MODELS = {"sasrec": SASRecModel, "bert4rec": BERT4RecModel, "hstu": HSTUModel}
LENGTHS = (20, 50, 100, 200)
"""Lengths of sequences to choose from: the first that holds the whole history of 95 % of the users."""
FULL_SOFTMAX = 5000
"""Catalogues up to this size have the whole softmax; larger ones a sampled one."""


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


class Validate(pl.Callback):
    """Validates after every epoch."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.batches: Any = None

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        if self.batches is None:
            rows = frame(self.progress.data, "train")
            self.batches = batches_of(module.data_preparator, rows[rows[Columns.User].isin(self.progress.users)])
        vectors = vectors_of(module, *self.batches, self.progress.data)
        trainer.should_stop = self.progress.is_over(vectors, lambda: copy.deepcopy(module.torch_model.state_dict()))
        module.torch_model.train()


def frame(data: dict[str, np.ndarray], part: str) -> pd.DataFrame:
    """Rows as RecTools takes them, those of each user from the oldest to the newest."""
    users, items = data[f"{part}_users"], data[f"{part}_items"]
    times = pd.Timestamp("2000-01-01") + pd.to_timedelta(np.arange(len(users)), unit="s")
    return pd.DataFrame({Columns.User: users, Columns.Item: items, Columns.Weight: 1.0, Columns.Datetime: times})


def batches_of(preparator: Any, rows: pd.DataFrame) -> tuple[np.ndarray, list[Any]]:
    """The users with an item that the model knows, and batches of their histories."""
    dataset = preparator.transform_dataset_u2i(Dataset.construct(rows), rows[Columns.User].unique())
    return dataset.user_id_map.external_ids, list(preparator.get_dataloader_recommend(dataset, 256))


def vectors_of(module: Any, users: np.ndarray, batches: list[Any], data: dict[str, np.ndarray]) -> Vectors:
    """The vectors of all users and items."""
    net, preparator = module.torch_model.eval(), module.data_preparator
    with torch.no_grad():
        items = net.item_model.get_all_embeddings()
        sessions = torch.cat([net.encode_sessions(batch, items)[:, -1, :] for batch in batches])
        sessions = net.similarity_module.session_tower_forward(sessions).numpy()
        items = net.similarity_module.item_tower_forward(items).numpy()
    codes, places = preparator.get_known_item_ids(), preparator.get_known_items_sorted_internal_ids()
    return Vectors(_filled(int(data["n_users"]), users, sessions), _filled(int(data["n_items"]), codes, items[places]))


def _filled(n: int, codes: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    rows = np.full((n, vectors.shape[1]), np.nan, np.float32)
    rows[codes.astype(int)] = vectors
    return rows


def new_model(settings: dict[str, Any], data: dict[str, np.ndarray], validate: Validate) -> Any:
    """The model of the settings, not trained yet."""
    activity = np.bincount(data["train_users"])
    longest = np.quantile(activity[activity > 0], 0.95)
    loss = settings["loss"]
    if loss == "softmax" and int(data["n_items"]) > FULL_SOFTMAX:
        loss = "sampled_softmax"

    def trainer() -> pl.Trainer:
        return pl.Trainer(
            max_epochs=settings["epochs"],
            accelerator="cpu",
            devices=1,
            callbacks=[validate],
            enable_checkpointing=False,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )

    return MODELS[settings["model"]](
        n_blocks=settings["blocks"],
        n_heads=settings["heads"],
        n_factors=settings["dim"],
        dropout_rate=settings["dropout"],
        session_max_len=next((length for length in LENGTHS if length >= longest), LENGTHS[-1]),
        loss=loss,
        n_negatives=settings["negatives"],
        lr=settings["learning_rate"],
        batch_size=settings["batch_size"],
        lightning_module_type=PackedLoss,
        get_trainer_func=trainer,
        # The table has an order of rows, but the times above are made up.
        **({"relative_time_attention": False} if settings["model"] == "hstu" else {}),
    )


def main() -> None:
    source, target, words = sys.argv[1:]
    settings = json.loads(words)
    warnings.simplefilter("ignore")
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(settings["threads"])
    pl.seed_everything(settings["seed"], verbose=False)
    with np.load(source) as stored:
        data = dict(stored)
    model = new_model(settings, data, Validate(Progress(data, settings["patience"], settings["seconds"])))
    model.fit(Dataset.construct(frame(data, "train")))
    # The trainer is a copy, with copies of its callbacks.
    progress = next(one.progress for one in model.fit_trainer.callbacks if isinstance(one, Validate))
    module = model.lightning_model
    module.torch_model.load_state_dict(progress.best)
    found = {}
    for part in ("train", "before_test"):
        vectors = vectors_of(module, *batches_of(module.data_preparator, frame(data, part)), data)
        found |= {f"{part}_users": vectors.users, f"{part}_items": vectors.items}
    np.savez(target, **found)
    print(json.dumps({**progress.notes, "loss": model.loss, "length": model.session_max_len}))


if __name__ == "__main__":
    main()
