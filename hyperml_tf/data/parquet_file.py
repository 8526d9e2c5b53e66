"""Reading columns of a Parquet file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from hyperml_tf.data.columns import Columns
from hyperml_tf.data.tabular import arrow_to_pandas


def read_parquet(file: Path, choose: Callable[[list[str]], Columns]) -> tuple[pd.DataFrame, Columns]:
    """Reads columns of a Parquet file.

    Args:
        file: the file.
        choose: returns the columns to read, given the names of all columns.

    Returns:
        A data frame of these columns, and their names.

    Raises:
        ValueError: if the file is damaged, or is not a Parquet file.
    """
    try:
        names = pyarrow.parquet.read_schema(file).names
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, error) from error
    columns = choose(names)
    try:
        table = pyarrow.parquet.read_table(file, columns=[str(column) for column in columns if column is not None])
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, error) from error
    return arrow_to_pandas(table), columns


def _unreadable(file: Path, error: Exception) -> ValueError:
    return ValueError(f"`path` could not be read as Parquet: {error}. Received: {str(file)!r}")
