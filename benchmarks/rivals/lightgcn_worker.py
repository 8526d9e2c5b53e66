"""Trains LightGCN of PyTorch Geometric, for `embeddings.train`.

    python lightgcn_worker.py data.npz vectors.npz '{"layers": 3, "learning_rate": 0.005, "epochs": 200, ...}'

It runs in another environment, where this project is not installed. The last line that it prints is JSON: how the training went.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import numpy as np
import torch
from torch_geometric.nn.models import LightGCN
from validation import Progress, Vectors


def graph_of(data: dict[str, np.ndarray], part: str) -> torch.Tensor:
    """The symmetrically normalised adjacency of users and then items, as a sparse matrix."""
    users, items = data[f"{part}_users"].astype(np.int64), data[f"{part}_items"].astype(np.int64)
    items = items + int(data["n_users"])
    rows, columns = np.concatenate([users, items]), np.concatenate([items, users])
    n = int(data["n_users"]) + int(data["n_items"])
    degree = np.bincount(rows, minlength=n)
    values = 1.0 / np.sqrt(degree[rows] * degree[columns])
    indices = torch.from_numpy(np.stack([rows, columns]))
    return torch.sparse_coo_tensor(indices, torch.from_numpy(values.astype(np.float32)), (n, n)).to_sparse_csr()


def vectors_of(model: LightGCN, graph: torch.Tensor, data: dict[str, np.ndarray]) -> Vectors:
    """The propagated vectors of all users and items; NaN for items without rows in the graph."""
    with torch.no_grad():
        vectors = model.get_embedding(graph).numpy()
    degree = np.diff(graph.crow_indices().numpy())
    vectors[degree == 0] = np.nan
    n_users = int(data["n_users"])
    return Vectors(vectors[:n_users], vectors[n_users:])


def train_epoch(
    model: LightGCN, optimizer: Any, graph: torch.Tensor, users: torch.Tensor, items: torch.Tensor, settings: Any
) -> None:
    """One pass over the pairs with a uniform negative each, in batches of `batch_size`, or larger ones for 50 steps."""
    order = torch.randperm(len(users))
    for rows in order.split(max(settings["batch_size"], len(users) // 50)):
        negatives = torch.randint(settings["first_item"], model.num_nodes, (len(rows),))
        optimizer.zero_grad()
        vectors = model.get_embedding(graph)
        of_users = vectors[users[rows]]
        positive, negative = ((of_users * vectors[ids]).sum(-1) for ids in (items[rows], negatives))
        used = torch.cat([users[rows], items[rows], negatives])
        model.recommendation_loss(positive, negative, used, lambda_reg=settings["regularization"]).backward()
        optimizer.step()


def main() -> None:
    source, target, words = sys.argv[1:]
    settings = json.loads(words)
    warnings.simplefilter("ignore")
    torch.set_num_threads(settings["threads"])
    torch.manual_seed(settings["seed"])
    with np.load(source) as stored:
        data = dict(stored)
    n_users, n_items = int(data["n_users"]), int(data["n_items"])
    graph = graph_of(data, "train")
    users, items = (torch.from_numpy(data[f"train_{name}"].astype(np.int64)) for name in ("users", "items"))
    # The graph is normalised once, and not in each layer of each step.
    model = LightGCN(n_users + n_items, settings["dim"], settings["layers"], normalize=False)
    torch.nn.init.normal_(model.embedding.weight, std=0.1)
    optimizer = torch.optim.Adam(model.parameters(), settings["learning_rate"])
    progress = Progress(data, settings["patience"], settings["seconds"])
    for _ in range(settings["epochs"]):
        train_epoch(model, optimizer, graph, users, items + n_users, {**settings, "first_item": n_users})
        if progress.is_over(vectors_of(model, graph, data), lambda: model.embedding.weight.detach().clone()):
            break
    with torch.no_grad():
        model.embedding.weight.copy_(progress.best)
    found = {}
    for part in ("train", "before_test"):
        vectors = vectors_of(model, graph_of(data, part), data)
        found |= {f"{part}_users": vectors.users, f"{part}_items": vectors.items}
    np.savez(target, **found)
    print(json.dumps(progress.notes))


if __name__ == "__main__":
    main()
