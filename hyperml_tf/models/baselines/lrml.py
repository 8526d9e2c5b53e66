"""Latent relational metric learning."""

from __future__ import annotations

from typing import Any, ClassVar

import tensorflow as tf

from hyperml_tf._argument_checks import check_positive
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.models.baselines.pairwise_model import PairwiseModel
from hyperml_tf.models.baselines.vector_tower import VectorTower, normal
from hyperml_tf.numerics import Tensor

# Attention weights in memory at a time in `score_catalogue`: 16 MiB of float32.
_WEIGHTS = 2**22


@names_arguments
@register
class LRML(PairwiseModel):
    """Latent relational metric learning (LRML): a user is translated to an item by a relation vector that attention computes.

    For a user `p` and an item `q` of norm at most 1, with keys `k_m` and memories `v_m`,

        a = softmax_m <p * q, k_m>,   r = sum_m a_m v_m,   s = -|p + r - q|^2,   loss = sum [margin - s_ui + s_uj]_+

    over positives `(u, i)` and uniform negatives `j`, where `p * q` is the elementwise product. The relation depends on the pair,
    so nearest-neighbour indexes do not apply: the whole catalogue is scored.

    Args:
        query_ids: The known users, distinct strings or integers, or their number, see `HyperML`.
        candidate_ids: The catalogue, likewise.
        dim: Integer >= 1, dimension of the vectors. Defaults to `64`.
        memories: Integer >= 1, number of memories. Defaults to `20`.
        margin: Float > 0, the margin of the hinge, in units of squared distance. Defaults to `0.2`.
        negatives: Integer >= 1, uniform negatives per positive, over which the loss is averaged. Defaults to `1`.
        initial_stddev: Float > 0, standard deviation of the initial coordinates, keys and memories. Defaults to `0.01`.
        seed: Integer, random seed of the initial values and of the negatives. Defaults to `0`.
        **kwargs: Base model keyword arguments, such as `name`.

    Raises:
        ValueError: If an argument is out of its range.

    Reference:
        - [Tay et al., Latent relational metric learning via memory-based attention, 2018](https://arxiv.org/abs/1707.05176)

    Example:

    >>> from hyperml_tf.data import Interactions
    >>> table = Interactions.from_arrays(["u1", "u1", "u2", "u2"], ["a", "b", "b", "c"])
    >>> model = LRML.from_interactions(table, dim=8)
    >>> model.compile()
    >>> history = model.fit(table, epochs=2, verbose=0)
    >>> model.recommend(["u1"], k=1).ids.tolist()
    [['c']]
    """

    ACCUMULATOR: ClassVar[float] = 10.0

    def __init__(
        self,
        query_ids: Any,
        candidate_ids: Any,
        dim: int = 64,
        memories: int = 20,
        margin: float = 0.2,
        negatives: int = 1,
        initial_stddev: float = 0.01,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        check_positive(dim=dim, memories=memories, margin=margin, negatives=negatives, initial_stddev=initial_stddev)
        super().__init__(
            VectorTower.of("query", query_ids, int(dim), initial_stddev, seed, max_norm=1.0),
            VectorTower.of("candidate", candidate_ids, int(dim), initial_stddev, seed, max_norm=1.0),
            negatives,
            seed,
            **kwargs,
        )
        self.dim, self.memories = int(dim), int(memories)
        self.margin, self.initial_stddev = float(margin), float(initial_stddev)
        self.memory_keys, self.memory_values = (
            self.add_weight(
                name=name,
                shape=(self.memories, self.dim),
                initializer=normal(self.dim, self.initial_stddev, 4 * self.seed + 2 + number),
            )
            for number, name in enumerate(("memory_keys", "memory_values"))
        )

    def score_rows(self, queries: Tensor, candidates: Tensor) -> Tensor:
        keys = queries[:, tf.newaxis] * self.memory_keys
        attention = tf.nn.softmax(tf.matmul(candidates, keys, transpose_b=True))
        relations = tf.matmul(attention, self.memory_values[tf.newaxis])
        return -tf.reduce_sum(tf.square(queries[:, tf.newaxis] + relations - candidates), axis=-1)

    def score_catalogue(self, users: Tensor) -> Tensor:
        queries, candidates = self.query_tower.points_or_origin(users), self.candidate_tower.all_points()
        n = len(self.candidate_tower)
        size = tf.clip_by_value(_WEIGHTS // (tf.maximum(tf.shape(queries)[0], 1) * self.memories), 1, n)
        blocks = (n + size - 1) // size
        padded = tf.pad(candidates, [[0, blocks * size - n], [0, 0]])
        scores = tf.map_fn(
            lambda rows: self._score_block(queries, rows),
            tf.reshape(padded, [blocks, size, self.dim]),
            # Sequentially, because blocks are there to save memory.
            parallel_iterations=1,
            fn_output_signature=tf.float32,
        )
        return tf.transpose(tf.reshape(scores, [blocks * size, -1])[:n])

    def _score_block(self, queries: Tensor, candidates: Tensor) -> Tensor:
        """Scores, `(size, batch)`, as `|p + r - q|^2 = |p - q|^2 + 2 <r, p> - 2 <r, q> + |r|^2`, without a vector per pair.

        As `r` is linear in the attention weights, its inner products follow from those of the memories with users and items.
        """
        keys = tf.reshape(queries[:, tf.newaxis] * self.memory_keys, [-1, self.dim])
        logits = tf.matmul(candidates, keys, transpose_b=True)
        attention = tf.nn.softmax(tf.reshape(logits, [tf.shape(candidates)[0], -1, self.memories]))
        with_query = tf.matmul(queries, self.memory_values, transpose_b=True)
        with_candidate = tf.matmul(candidates, self.memory_values, transpose_b=True)[:, tf.newaxis]
        gram = tf.matmul(self.memory_values, self.memory_values, transpose_b=True)
        factors = 2.0 * (with_query - with_candidate) + tf.tensordot(attention, gram, axes=1)
        distances = tf.reduce_sum(attention * factors, axis=-1) - 2.0 * tf.matmul(candidates, queries, transpose_b=True)
        distances += tf.reduce_sum(tf.square(candidates), axis=-1, keepdims=True)
        return -(distances + tf.reduce_sum(tf.square(queries), axis=-1))

    def pair_loss(self, positive: Tensor, negative: Tensor) -> Tensor:
        return tf.nn.relu(self.margin - positive + negative)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dim": self.dim,
            "memories": self.memories,
            "margin": self.margin,
            "initial_stddev": self.initial_stddev,
        }
