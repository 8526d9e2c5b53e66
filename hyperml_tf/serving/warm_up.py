"""Warm-up requests, which TensorFlow Serving runs before it serves a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.serving.signatures import (
    CANDIDATES,
    EXCLUDE,
    FILTER_COLUMN,
    FILTER_VALUE,
    HISTORY,
    ITEM,
    USER,
    Signature,
)

FILE = "tf_serving_warmup_requests"
"""Name of the file in `assets.extra/`, where TensorFlow Serving looks for it."""

# A single request, and one as a server batches them.
_BATCHES = (1, 32)
_LISTED = 10

MOST_IDS = max(_BATCHES)
"""Maximum number of user or item ids that are used."""


def write_warm_up(
    path: Path, signatures: Mapping[str, Signature], user_ids: list[str], item_ids: list[str], filters: tuple[str, str]
) -> int:
    """Writes two requests for every signature, with one row and with 32 rows.

    Args:
        path: Path of the file.
        signatures: The signatures of the export, by name.
        user_ids: Known user ids, at least one.
        item_ids: Known item ids, at least one.
        filters: A column to filter by, and a value in it.

    Returns:
        The number of requests.

    Raises:
        ImportError: If tensorflow-serving-api is not installed.
    """
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError as error:
        raise ImportError(
            "Warm-up requests require tensorflow-serving-api: pip install 'hyperml-tf[serving]'"
        ) from error
    count = 0
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, inputs in _requests(signatures, user_ids, item_ids, filters):
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = name
            for field, values in inputs.items():
                request.inputs[field].CopyFrom(tf.make_tensor_proto(values, tf.string))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
            count += 1
    return count


def _requests(
    signatures: Mapping[str, Signature], user_ids: list[str], item_ids: list[str], filters: tuple[str, str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for batch in _BATCHES:
        users = np.resize(np.array(user_ids[:batch], object), batch)
        items = np.resize(np.array(item_ids[:batch], object), batch)
        lists = np.resize(np.array(item_ids[:_LISTED], object), (batch, _LISTED))
        values = {(USER, 1): users, (ITEM, 1): items}
        values |= {
            (name, 1): np.full(batch, text, object)
            for name, text in zip((FILTER_COLUMN, FILTER_VALUE), filters, strict=True)
        }
        values |= {(name, 2): lists for name in (ITEM, CANDIDATES, EXCLUDE, HISTORY)}
        for name, signature in signatures.items():
            yield name, {field: values[field, len(spec.shape)].tolist() for field, spec in signature.inputs.items()}
