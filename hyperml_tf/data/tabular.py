"""Conversion of vectors and tables of other libraries to pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.interchange

if TYPE_CHECKING:
    from hyperml_tf.data.columns import Columns


def to_series(values: Any, name: str) -> pd.Series:
    """Converts a list, array, tensor, series or iterator to a series with rows numbered from 0.

    Args:
        values: the vector. Series of other libraries are converted through the Arrow PyCapsule interface, tensors through
            numpy.
        name: the name of the argument, for error messages.

    Raises:
        ValueError: if `values` is not a vector.
    """
    if isinstance(values, pd.Series):
        return values.reset_index(drop=True)
    if isinstance(values, (pa.Array, pa.ChunkedArray)) or hasattr(values, "__arrow_c_stream__"):
        column = values if isinstance(values, pa.Array) else pa.chunked_array(values)
        return arrow_to_pandas(pa.table({name: column}))[name]
    if not isinstance(values, (np.ndarray, pd.Index, pd.api.extensions.ExtensionArray)):
        if hasattr(values, "__array__"):
            values = np.asarray(values)
        elif isinstance(values, Iterable) and not isinstance(values, (str, bytes, Mapping, Set)):
            return _from_list(list(values))
        else:
            raise _not_a_vector(name, f"{type(values).__name__} {values!r}")
    if values.ndim != 1:
        raise _not_a_vector(name, f"shape {values.shape}")
    try:
        return pd.Series(values)
    except UnicodeEncodeError:  # as in `_from_list`
        return pd.Series(values, dtype=object)


def plain(values: pd.Series) -> pd.Series:
    """Converts an Arrow-backed series to the types of numpy and pandas; returns any other series as it is."""
    if isinstance(values.dtype, pd.ArrowDtype):
        return arrow_to_pandas(pa.table({"values": values.array.__arrow_array__()}))["values"]
    return values


def arrow_to_pandas(table: pa.Table) -> pd.DataFrame:
    """Converts an Arrow table to a data frame. It frees each column once it is converted, to save memory."""
    # By default, integers with missing values become floats, which are exact only up to 2^53.
    missing = any(column.null_count for column in table.columns)
    return table.to_pandas(
        ignore_metadata=True,
        date_as_object=False,
        types_mapper=_NULLABLE.get if missing else None,
        split_blocks=True,
        self_destruct=True,
    )


def take_columns(frame: Any, choose: Callable[[list[Any]], Columns]) -> tuple[pd.DataFrame, Columns]:
    """Selects columns of a pandas DataFrame, or of a table that supports the Arrow PyCapsule interface.

    Args:
        frame: the table.
        choose: returns the columns to select, given the names of all columns.

    Returns:
        A frame with at least these columns, and their names.

    Raises:
        ValueError: if `frame` is not such a table.
    """
    if isinstance(frame, pd.DataFrame):
        columns = choose(list(frame.columns))
        return frame, columns
    table = _arrow_table(frame)
    columns = choose(table.column_names)
    return arrow_to_pandas(table.select(columns.used)), columns


def _arrow_table(frame: Any) -> pa.Table:
    """A table of another library as an Arrow table, without a copy where its columns are Arrow's already."""
    if hasattr(frame, "__arrow_c_stream__"):
        return pa.table(frame)
    if hasattr(frame, "__dataframe__"):
        return pyarrow.interchange.from_dataframe(frame)
    raise ValueError(
        "`frame` must be a pandas DataFrame, or a table that supports the Arrow PyCapsule interface, such as polars has, or the "
        f"data frame interchange protocol. Received: {type(frame).__name__}"
    )


def dataset_columns(dataset: Any, choose: Callable[[list[Any]], Columns]) -> tuple[pd.DataFrame, Columns]:
    """Selects columns of a finite `tf.data.Dataset` of dictionaries.

    Args:
        dataset: the dataset, batched or not.
        choose: returns the columns to select, given the names of all columns.

    Returns:
        A frame with these columns, and their names.

    Raises:
        ValueError: if `dataset` is not such a dataset.
    """
    spec = getattr(dataset, "element_spec", None)
    if not isinstance(spec, dict):
        received = type(dataset).__name__ if spec is None else spec
        raise ValueError(
            "`dataset` must be a `tf.data.Dataset` of dictionaries, such as {'user_id': ..., 'item_id': ...}. "
            f"Received: {received}"
        )
    if int(dataset.cardinality()) == -1:
        raise ValueError("`dataset` must be finite. Received: an infinite dataset")
    columns = choose(list(spec))
    keys = [str(column) for column in columns.used]
    ranks = {key: getattr(getattr(spec[key], "shape", None), "rank", None) for key in keys}
    if set(ranks.values()) not in ({0}, {1}):
        raise ValueError(f"`dataset` must hold scalars, or batches of them. Received: ranks {ranks}")
    kept = dataset.map(lambda row: {key: row[key] for key in keys})
    batches = list((kept.batch(8192) if set(ranks.values()) == {0} else kept).as_numpy_iterator())
    return pd.DataFrame({key: np.concatenate([batch[key] for batch in batches] or [[]]) for key in keys}), columns


def _from_list(values: list[Any]) -> pd.Series:
    try:
        series = pd.Series(values)
    except UnicodeEncodeError:  # a lone surrogate, which is reported with its row where it is used
        return pd.Series(values, dtype=object)
    if series.dtype == np.float64 and pd.api.types.infer_dtype(values, skipna=True) == "integer":
        # Because of a missing value, pandas converted integers to floats, which are exact only up to 2^53.
        return pd.Series(values, dtype=object)
    return series


def _not_a_vector(name: str, received: str) -> ValueError:
    return ValueError(
        f"`{name}` must be a list, an array or another vector with one value per row. Received: {received}"
    )


_NULLABLE = {
    pa_type: pandas_type()
    for pa_type, pandas_type in (
        (pa.int8(), pd.Int8Dtype),
        (pa.int16(), pd.Int16Dtype),
        (pa.int32(), pd.Int32Dtype),
        (pa.int64(), pd.Int64Dtype),
        (pa.uint8(), pd.UInt8Dtype),
        (pa.uint16(), pd.UInt16Dtype),
        (pa.uint32(), pd.UInt32Dtype),
        (pa.uint64(), pd.UInt64Dtype),
    )
}
