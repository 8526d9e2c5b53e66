"""A causal encoder of item sequences: blocks of self-attention, whose output at each place depends on the items up to it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from hyperml_tf._argument_checks import check_positive_integer
from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.models.towers.rows import distinct_rows
from hyperml_tf.numerics import Tensor
from hyperml_tf.sampling import row_draws
from hyperml_tf.settings.encoding import EncodingArgument, as_encoding

_SPREAD = 0.02
# A logit of the places that are not attended to. It is finite, so that a row without any is not NaN.
_NOWHERE = -1e9


@names_arguments
@register
class SequenceEncoder(tf.keras.layers.Layer):
    """Encodes sequences of items by causal self-attention, as SASRec does.

    The items and their places are embedded, and pass through blocks of self-attention and a feed-forward network, each with
    layer normalisation before and a residual connection around it. Places are counted from the first item that is read.

    Dropout is drawn from the `seed` of a call and from nothing else, so that an interrupted training can be repeated exactly.

    Args:
        n_items: Integer >= 1, size of the catalogue.
        dim: Integer >= 1, dimension of the embeddings and of the output.
        encoding: An `Encoding` or its arguments. Defaults to `None`, `Encoding()`.
        **kwargs: Base layer keyword arguments, such as `name`.

    Input shape:
        Item codes from the oldest to the newest, `(batch, n)`; -1 for padding, which may be anywhere. At most `length` items per
        row count, the newest.

    Output shape:
        `(batch, n, dim)`. Rows of padding, and of items that are too old, are undefined but finite.

    Raises:
        ValueError: If a number is out of its range, or if `dim` is not a multiple of the number of heads.

    Reference:
        - [Kang and McAuley, Self-attentive sequential recommendation, 2018](https://arxiv.org/abs/1808.09781)

    Example:

    >>> encoder = SequenceEncoder(n_items=5, dim=4)
    >>> encoder(tf.constant([[-1, 3, 0]])).shape
    TensorShape([1, 3, 4])
    """

    def __init__(self, n_items: int, dim: int, encoding: EncodingArgument = None, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        check_positive_integer(n_items=n_items, dim=dim)
        self.n_items, self.dim, self.encoding = int(n_items), int(dim), as_encoding(encoding)
        if self.dim % self.encoding.heads:
            raise ValueError(
                f"`encoding.heads` must be a divisor of `dim`, which is {self.dim}. Received: heads={self.encoding.heads}"
            )
        self.items = self._add_table("items", self.n_items)
        self.places = self._add_table("places", self.encoding.length)
        self.blocks = [_Block(self.dim, self.encoding, name=f"block_{i}") for i in range(self.encoding.blocks)]
        self.norm = tf.keras.layers.LayerNormalization(epsilon=1e-6, dtype="float32", name="norm")
        self.output_layer = tf.keras.layers.Dense(self.dim, use_bias=False, dtype="float32", name="output")
        # Builds all layers, so that weights can be loaded before the first call.
        self(tf.zeros([1, 1], tf.int32))

    def _add_table(self, name: str, rows: int) -> Any:
        # An initializer each: one that is used again returns the same numbers.
        return self.add_weight(name, (rows, self.dim), initializer=tf.keras.initializers.RandomNormal(stddev=_SPREAD))

    def call(self, codes: Tensor, seed: Tensor | None = None, places: Tensor | None = None) -> Tensor:
        """Encodes sequences.

        Args:
            codes: See the input shape of the class.
            seed: Two integers, the seed of the dropout. Defaults to `None`, no dropout.
            places: Places of the sequences in the global batch, `(batch,)`, see `sampling.row_draws`. Defaults to `None`: they
                are the whole batch.
        """
        known = codes >= 0
        later = tf.cumsum(tf.cast(known, tf.int32), axis=1, exclusive=True, reverse=True)
        known &= later < self.encoding.length
        order = tf.maximum(tf.cumsum(tf.cast(known, tf.int32), axis=1) - 1, 0)
        vectors = distinct_rows(self.items, tf.where(known, codes, -1)) * math.sqrt(self.dim)
        noise = None if seed is None else _Noise(seed, places, self.encoding.dropout)
        vectors = _dropped(vectors + tf.gather(self.places, order), noise, 0)
        for number, block in enumerate(self.blocks):
            vectors = block(vectors, known[:, tf.newaxis], None if noise is None else noise.folded(number + 1))
        return self.output_layer(self.norm(vectors))

    def newest(self, codes: Tensor) -> Tensor:
        """Returns the output at the newest item of each sequence, `(batch, dim)`; zeros for sequences without items."""
        known = tf.cast(codes >= 0, tf.int32)
        place = tf.argmax(tf.cumsum(known, axis=1), axis=1, output_type=tf.int32)
        found = tf.gather(self(codes), place, batch_dims=1)
        return found * tf.cast(tf.reduce_max(known, axis=1, keepdims=True), found.dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "n_items": self.n_items,
            "dim": self.dim,
            "encoding": self.encoding.to_dict(),
        }


def newest_items(codes: Tensor, length: int) -> Tensor:
    """Returns the newest known items of each row, at most `length`, `(batch, m)`: -1, if any, comes first."""
    known = codes >= 0
    order = tf.argsort(tf.cast(known, tf.int32), axis=1, stable=True)
    return tf.gather(codes, order, batch_dims=1)[:, -length:]


def encoded_selections(newest: Callable[[Tensor], Tensor], length: int, codes: Tensor, known: Tensor) -> Tensor:
    """Encodes several selections of the same items.

    Args:
        newest: `SequenceEncoder.newest`, or a function like it.
        length: Integer >= 1, the largest number of items to encode.
        codes: Item codes from the oldest to the newest, `(batch, n)`; -1 is padding.
        known: Boolean, which of them are in each selection, `(batch, selections, n)`.

    Returns:
        The output at the newest item of each selection, `(batch, selections, dim)`.
    """
    shape = tf.shape(known)
    selected = tf.reshape(tf.where(known, codes[:, tf.newaxis], -1), [shape[0] * shape[1], shape[2]])
    encoded = newest(newest_items(selected, length))
    return tf.reshape(encoded, [shape[0], shape[1], encoded.shape[-1]])


class _Block(tf.keras.layers.Layer):
    """Self-attention and a feed-forward network, each with a layer normalisation before and a residual connection around it."""

    def __init__(self, dim: int, encoding: Any, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        layers = tf.keras.layers
        self.attention_norm = layers.LayerNormalization(epsilon=1e-6, dtype="float32", name="attention_norm")
        self.attention = _CausalAttention(encoding.heads, dim // encoding.heads, name="attention")
        self.network_norm = layers.LayerNormalization(epsilon=1e-6, dtype="float32", name="network_norm")
        self.hidden = layers.Dense(encoding.feed_forward * dim, "gelu", dtype="float32", name="hidden")
        self.network = layers.Dense(dim, dtype="float32", name="network")

    def call(self, vectors: Tensor, known: Tensor, noise: _Noise | None) -> Tensor:
        normal = self.attention_norm(vectors)
        vectors += _dropped(self.attention(normal, known, None if noise is None else noise.folded(3)), noise, 0)
        hidden = _dropped(self.hidden(self.network_norm(vectors)), noise, 1)
        return vectors + _dropped(self.network(hidden), noise, 2)


class _CausalAttention(tf.keras.layers.Layer):
    """Multi-head self-attention to known items that are not later.

    That of Keras draws the dropout of its weights from a state that no checkpoint holds.
    """

    def __init__(self, heads: int, size: int, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.size = size
        einsum = functools.partial(tf.keras.layers.EinsumDense, dtype="float32")
        self.query, self.key, self.value = (
            einsum("bnd,dhs->bnhs", (None, heads, size), bias_axes="hs", name=name)
            for name in ("query", "key", "value")
        )
        self.output_layer = einsum("bnhs,hsd->bnd", (None, heads * size), bias_axes="d", name="output")

    def call(self, vectors: Tensor, known: Tensor, noise: _Noise | None) -> Tensor:
        logits = tf.einsum("bnhs,bmhs->bhnm", self.query(vectors), self.key(vectors)) / math.sqrt(self.size)
        n = tf.shape(vectors)[1]
        visible = known & (tf.range(n) <= tf.range(n)[:, tf.newaxis])
        weights = tf.nn.softmax(tf.where(visible[:, tf.newaxis], logits, _NOWHERE))
        weights = _dropped(weights, noise, 0)
        return self.output_layer(tf.einsum("bhnm,bmhs->bnhs", weights, self.value(vectors)))


class _Noise(NamedTuple):
    """What dropout is drawn from: see the arguments of `row_draws.dropout`."""

    seed: Tensor
    places: Tensor | None
    rate: float

    def folded(self, number: int) -> _Noise:
        return self._replace(seed=tf.random.experimental.stateless_fold_in(self.seed, number))


def _dropped(values: Tensor, noise: _Noise | None, number: int) -> Tensor:
    if noise is None or not noise.rate:
        return values
    return row_draws.dropout(values, noise.rate, noise.folded(number).seed, noise.places)
