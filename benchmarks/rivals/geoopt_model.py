"""HyperML, direct mode, in PyTorch with geoopt: sparse gradients and its sparse Riemannian Adam."""

from __future__ import annotations

import geoopt
import numpy as np
import torch

from hyperml_tf.data import Interactions


class GeooptModel:
    """Points of the ball. Each positive is compared with the hardest of its uniformly sampled negatives.

    Args:
        train: the rows to train on.
        dim: dimension of the space.
        negatives: the number of negatives sampled per positive; the user's own items are not rejected.
        hardest: how many of them are used.
        batch_size: the number of positives per step.
        margin, distortion_weight: as in `HyperML`.
        threads: of PyTorch.
    """

    def __init__(
        self,
        train: Interactions,
        dim: int,
        negatives: int,
        hardest: int,
        batch_size: int,
        margin: float = 8.0,
        distortion_weight: float = 0.1,
        threads: int = 1,
    ) -> None:
        torch.set_num_threads(threads)
        self._rows = torch.from_numpy(train.users.astype(np.int64)), torch.from_numpy(train.items.astype(np.int64))
        self._ball = geoopt.PoincareBall(c=1.0)
        self._tables = [
            torch.nn.Embedding(n, dim, sparse=True, _weight=self._points(n, dim))
            for n in (train.n_users, train.n_items)
        ]
        for table in self._tables:
            table.weight = geoopt.ManifoldParameter(table.weight.data, manifold=self._ball)
        self._optimizer = geoopt.optim.SparseRiemannianAdam([table.weight for table in self._tables], lr=1e-3)
        self._negatives, self._hardest, self._batch_size = negatives, min(hardest, negatives), batch_size
        self._margin, self._distortion_weight = margin, distortion_weight

    @staticmethod
    def _points(n: int, dim: int) -> torch.Tensor:
        return torch.randn(n, dim) * (0.08 / dim**0.5)

    def step(self) -> int:
        """Trains on a random batch; returns how many positives that were."""
        rows = torch.randint(len(self._rows[0]), (self._batch_size,))
        self._optimizer.zero_grad()
        self._loss(self._rows[0][rows], self._rows[1][rows]).backward()
        self._optimizer.step()
        return self._batch_size

    def _loss(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        query = self._tables[0](users)[:, None]
        drawn = torch.randint(self._tables[1].num_embeddings, (len(users), self._negatives))
        if self._hardest < self._negatives:
            drawn = self._nearest(query, drawn)
        candidates = self._tables[1](torch.cat([items[:, None], drawn], 1))
        distance = self._ball.dist(query, candidates)
        squared = distance**2
        loss = torch.relu(self._margin + squared[:, :1] - squared[:, 1:]).mean(1).sum()
        flat = 2.0 * torch.linalg.norm(self._ball.logmap0(query) - self._ball.logmap0(candidates), dim=-1)
        distortion = (distance - flat).abs() / flat.clamp_min(1e-12)
        return loss + self._distortion_weight * (distortion[:, 0].sum() + distortion[:, 1:].mean(1).sum())

    @torch.no_grad()
    def _nearest(self, query: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        points = self._tables[1](drawn)
        chord = (query - points).square().sum(-1) / (1.0 - points.square().sum(-1))
        return drawn.gather(1, chord.topk(self._hardest, dim=1, largest=False).indices)
