"""A Keras layer that maps raw ids to integer codes."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from hyperml_tf._argument_types import names_arguments
from hyperml_tf._keras import register
from hyperml_tf.data.identifiers import as_integers, as_text
from hyperml_tf.distribution import has_workers
from hyperml_tf.numerics import Tensor
from hyperml_tf.tables.arrays import load_arrays, save_arrays
from hyperml_tf.tables.id_list import IdList, vocabulary
from hyperml_tf.tables.id_table import IdTable
from hyperml_tf.tables.ids import id_array

_FILE = "ids.npz"


@names_arguments
@register
class IdLookup(tf.keras.layers.Layer):
    """Maps raw ids to integer codes `0` to `n - 1`, and unknown ids to -1.

    The vocabulary is not in the config, which only has its size: `.keras` files store it as an asset, as those of Keras's own
    lookup layers. A layer from `from_config` has no vocabulary until it is loaded or set.

    Checkpoints of weights do not hold the vocabulary either, but a hash of it, as a non-trainable weight. So weights that were
    saved with other ids, or with the same ids in another order, are an error at the next use of the layer.

    Args:
        ids: Distinct strings or integers, in the order of their codes, or an Arrow array of them; or their number if they are
            set later.
        id_dtype: String, "string" or "int64", if `ids` is a number. Defaults to `None`, "string".
        **kwargs: Base layer keyword arguments, such as `name`.

    Input shape:
        Raw ids, `(...)`, dense or ragged, of the dtype of the vocabulary.

    Output shape:
        Codes, `(...)`, int32.

    Raises:
        ValueError: If `ids` is empty, not unique, or neither all strings nor all integers. When the layer is used, if weights of
            other ids have been loaded.

    Example:

    >>> IdLookup(["a", "b"])(["b", "c"]).numpy().tolist()
    [1, -1]
    """

    def __init__(
        self,
        ids: Sequence[Any] | np.ndarray | IdList | int,
        id_dtype: Literal["string", "int64"] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self._ids: IdList | None = None
        # Made at its first use: training on codes does not need it.
        self._table: IdTable | None = None
        strategy = tf.distribute.get_strategy()
        # Strategies cannot be copied, and of others nothing depends on it.
        self._strategy = strategy if has_workers(strategy) else None
        # HDF5 files cannot hold two weights of the same name in a nested layer, hence the name of this one.
        self._saved_hash = self.add_weight(
            name=f"{self.name}/ids_hash",
            shape=(),
            dtype=tf.int64,
            trainable=False,
            initializer="zeros",
            experimental_autocast=False,
        )
        given = vocabulary(ids=ids)
        if isinstance(given, int):
            self._size, self.id_dtype = given, id_dtype or "string"
        else:
            self.set_ids(given)
        # All variables exist already. Otherwise `summary` would not count them before the first call.
        self.built = True

    def set_ids(self, ids: Sequence[Any] | np.ndarray | IdList) -> None:
        """Sets the vocabulary of a layer that was made with its size only.

        Args:
            ids: Distinct strings or integers, in the order of their codes.

        Raises:
            ValueError: If `ids` are invalid or not of the expected number, if the layer already has a vocabulary, or if weights
                of other ids have been loaded.
        """
        known = IdList.of(ids, "ids")
        if self._ids is not None:
            raise ValueError(f"`ids` are set already: make a new layer for other ids. Received: {len(known)} ids")
        if len(known) != getattr(self, "_size", len(known)):
            raise ValueError(f"`ids` must be {self._size} ids, as many as there are rows. Received: {len(known)} ids")
        with tf.init_scope():
            repeated = known.repeated()
        if repeated is not None:
            raise ValueError(f"`ids` must be distinct. Received: {repeated!r} more than once")
        own_hash = known.fingerprint()
        if self.saved_hash not in (0, own_hash):
            raise ValueError(_of_other_ids(self.name, known, own_hash) + str(self.saved_hash))
        self._ids, self._size, self._own_hash, self.id_dtype = known, len(known), own_hash, known.dtype
        self._wrong_weights = _of_other_ids(self.name, known, own_hash)
        with tf.init_scope():
            self._saved_hash.assign(own_hash)

    @property
    def ids(self) -> np.ndarray:
        """The vocabulary, `(n,)`, an int64 array or an object array of `str`, which is made anew unless somebody holds it.

        Raises:
            ValueError: If the layer comes from a config and its vocabulary was neither loaded nor set, or if weights of other
                ids have been loaded.
        """
        return self.id_list.array()

    @property
    def id_list(self) -> IdList:
        """The vocabulary in compact form.

        Raises:
            ValueError: As `ids`.
        """
        if self._ids is None:
            raise self._unknown()
        self._check_weights()
        return self._ids

    def known_ids(self) -> np.ndarray | None:
        """Returns the vocabulary; `None` where `ids` raises because it was neither loaded nor set."""
        return None if self._ids is None else self._ids.array()

    @property
    def table(self) -> IdTable:
        """The vocabulary as an `IdTable`. Under a `ParameterServerStrategy`, workers get copies of it when it is made.

        Raises:
            ValueError: As `ids`.
        """
        known = self.id_list
        if self._table is None:
            # Outside of any graph that is being traced, because the table belongs to the layer.
            with tf.init_scope(), contextlib.nullcontext() if self._strategy is None else self._strategy.scope():
                self._table = tf.autograph.experimental.do_not_convert(IdTable.of)(known)
        return self._table

    def prepare(self) -> None:
        """Makes `table`, outside of any graph that is traced for a worker."""
        _ = self.table

    def _is_sketched(self) -> bool:
        """Whether a graph is traced without a vocabulary, as when Keras rebuilds a functional model before loading its assets."""
        return self._ids is None and not tf.executing_eagerly()

    def _sketch(self, like: Tensor, value: Any) -> Tensor:
        """A placeholder output of the right shape and dtype, which raises when it is evaluated."""
        with tf.control_dependencies([tf.debugging.Assert(False, [str(self._unknown())])]):
            return tf.fill(tf.shape(like), value)

    def _unknown(self) -> ValueError:
        return ValueError(
            f"The {self._size} ids of the layer {self.name!r} are not known: a config holds their number only. Load the model "
            "from its `.keras` file, make it with its ids, or call `set_ids`."
        )

    @property
    def saved_hash(self) -> int:
        """The hash of the ids that the weights were saved with; 0 if the layer has neither ids nor loaded weights."""
        with tf.init_scope():
            return int(self._saved_hash.read_value())

    def _check_weights(self) -> None:
        if self._ids is not None and self.saved_hash != self._own_hash:
            raise ValueError(self._wrong_weights + str(self.saved_hash))

    def checked(self, values: Tensor) -> Tensor:
        """Returns `values`. In a graph, this checks at every run that the weights are still those of the ids.

        All other methods check it in Python, in a graph only when it is traced.

        Args:
            values: A tensor.

        Raises:
            tf.errors.InvalidArgumentError: When the graph runs after the weights of other ids have been loaded.
        """
        if tf.executing_eagerly() or self._ids is None:
            return values
        saved = self._saved_hash.read_value()
        data = [tf.constant(self._wrong_weights), saved]
        # The bare operation: `tf.debugging.Assert` puts it into a `tf.cond`.
        with tf.control_dependencies([tf.raw_ops.Assert(condition=tf.equal(saved, self._own_hash), data=data)]):
            return tf.identity(values)

    def __len__(self) -> int:
        return self._size

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if isinstance(inputs, tf.RaggedTensor):
            return inputs.with_flat_values(self.call(inputs.flat_values, training))
        ids = tf.convert_to_tensor(inputs)
        if self._is_sketched():
            return self._sketch(ids, -1)
        table = self.table
        if not training:
            ids = self.checked(ids)
        if ids.dtype.is_integer != table.keys.dtype.is_integer:
            expected = "integers" if table.keys.dtype.is_integer else "strings"
            raise TypeError(f"`inputs` must be {expected}, as the known ids are. Received: dtype={ids.dtype.name}")
        return table.codes(tf.cast(ids, table.keys.dtype))

    def __call__(self, inputs: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        # Keras would take a list of ids for a list of tensors.
        inputs = inputs if isinstance(inputs, tf.RaggedTensor) else tf.convert_to_tensor(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def convert(self, ids: Any, name: str) -> np.ndarray:
        """Converts raw ids to the dtype of the vocabulary, in which 7 and "7" are the same id, but not "007".

        Args:
            ids: A non-empty list or array of ids, see `id_array`.
            name: String, name of the argument in error messages.

        Returns:
            An int64 array or an object array of `str`, `(batch,)`. Text that is no integer becomes an integer that is no id.

        Raises:
            ValueError: If `ids` is anything else.
        """
        array, known = id_array(ids, name), self.id_list
        if (array.dtype == object) == (known.dtype == "string"):
            return array
        if known.dtype == "string":
            return as_text(array.tolist())
        limits, numbers = np.iinfo(np.int64), known.array()
        nobody = int(numbers.min()) - 1 if numbers.min() > limits.min else int(numbers.max()) + 1
        received = (nobody if number is None else number for number in as_integers(array))
        return np.array([number if limits.min <= number <= limits.max else nobody for number in received], np.int64)

    def raw(self, codes: Tensor) -> Tensor:
        """Returns the raw ids of codes, `(...)`; `""`, or -1 for integer ids, if the code is -1."""
        codes = tf.convert_to_tensor(codes)
        if self._is_sketched():
            return self._sketch(codes, tf.zeros([], self.id_dtype))
        return self.table.raw(codes)

    def raw_array(self, codes: np.ndarray) -> np.ndarray:
        """Returns the raw ids of codes as a NumPy array; see `raw`."""
        ids = self.id_list.take(np.maximum(codes, 0))
        ids[codes < 0] = -1 if ids.dtype.kind == "i" else ""
        return ids

    def save_assets(self, dir_path: str) -> None:
        """Writes the vocabulary to a directory; Keras calls it when it saves the model."""
        known = self.id_list
        save_arrays(Path(dir_path) / _FILE, {"ids": known.values if known.dtype == "string" else known.array()})

    def load_assets(self, dir_path: str) -> None:
        """Reads the vocabulary from a directory; Keras calls it when it loads the model."""
        ids = IdList.of(load_arrays(Path(dir_path) / _FILE, arrow=True)["ids"], "ids")
        if self._ids is None:
            self.set_ids(ids)
        elif self._ids != ids:
            raise ValueError(f"The layer {self.name!r} has other ids than the file that is loaded into it.")

    def load_own_variables(self, store: Any) -> None:
        """Reads the weights from a file; Keras calls it when it loads a `.keras` or `.weights.h5` file.

        Raises:
            ValueError: If they were saved with other ids.
        """
        super().load_own_variables(store)
        self._check_weights()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "ids": len(self), "id_dtype": self.id_dtype}


def _of_other_ids(layer: str, ids: IdList, own_hash: int) -> str:
    """The beginning of the error message; the hash that was loaded completes it."""
    firsts = ids.take(np.arange(min(3, len(ids)))).tolist()
    return (
        f"The weights of the layer {layer!r} must have been saved with its {len(ids)} ids, {firsts} and so on, in this "
        "order: otherwise its rows are those of other ids. Make the model with the ids of the saved one, or load its `.keras` "
        f"file, which holds them. Expected: ids with the hash {own_hash}. Received: ids with the hash "
    )
