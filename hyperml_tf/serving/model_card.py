"""The model card of an exported model, `assets.extra/model_card.json`."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.data.table_hash import BLOCK, table_hash
from hyperml_tf.files.hashes import hashes
from hyperml_tf.files.whole import whole_file
from hyperml_tf.geometry import poincare
from hyperml_tf.models import HyperML
from hyperml_tf.retrieval.quantised_index import QuantisedIndex, compare_with_exact
from hyperml_tf.serving.serving_module import ServingModule
from hyperml_tf.serving.signatures import LISTED, Signature

FOLDER = "assets.extra"
"""Directory of an exported model for files that its graph does not use."""

FILE = "model_card.json"
"""Name of the file in `assets.extra/`."""

_PACKAGES = ("hyperml-tf", "tf-keras", "tensorflow-recommenders", "numpy")


def model_card(
    model: HyperML, module: ServingModule, radii: np.ndarray, more: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Returns the model card: training data, space, serving options and package versions, ready for JSON.

    Args:
        model: The model.
        module: The exported module.
        radii: The distances of the users from the origin, `(n_users,)`.
        more: Further entries, such as metrics, or `None`.
    """
    c = float(model.curvature())
    index = module.index
    return {
        "format": 1,
        "written": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "data": _data(model),
        "space": {
            "dim": index.dim,
            "curvature": c,
            "mode": model.mode,
            "distance_from_origin": {
                "users": _quantiles(radii),
                "items": _quantiles(_radii(module)),
            },
        },
        "serving": {
            "k": module.k,
            "precision": index.precision,
            "excludes_seen": module.seen is not None,
            # JSON has no infinity: null stands for equal weights.
            "half_life": module.fold_in.half_life if math.isfinite(module.fold_in.half_life) else None,
            "details": list(module.details),
            "filter_columns": list(module.filter_columns),
            "signatures": {name: _fields(module, signature) for name, signature in module.exported.items()},
            **_quantisation(model, module),
        },
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            **{name: _version(name) for name in _PACKAGES},
        },
        **(more or {}),
    }


def write(export: Path, card: Mapping[str, Any]) -> None:
    """Writes the card of an export whose other files are complete, with their hashes and its own.

    Args:
        export: Path of the exported model.
        card: The entries.
    """
    files = hashes(export, {f"{FOLDER}/{FILE}"})
    sealed = {**{name: value for name, value in card.items() if name != "sha256"}, "files": files}
    sealed["sha256"] = _sha256(sealed)
    with whole_file(export / FOLDER / FILE) as path:
        path.write_text(json.dumps(sealed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read(export: Path) -> dict[str, Any]:
    """Reads the card of an export.

    Raises:
        FileNotFoundError: If it has none.
        ValueError: If it is damaged.
    """
    path = export / FOLDER / FILE
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"`{path}` is damaged: it must be JSON. Received: {error}") from error
    if not isinstance(card, dict):
        raise ValueError(f"`{path}` must hold a JSON object. Received: {type(card).__name__}")
    return card


def is_sealed(card: Mapping[str, Any]) -> bool:
    """Whether a card is as it was written, by its own hash."""
    return card.get("sha256") == _sha256(card)


def _sha256(card: Mapping[str, Any]) -> str:
    entries = {name: value for name, value in card.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # run from its sources
        return None


def _data(model: HyperML) -> dict[str, Any]:
    """Size and fingerprint of the table, whose rows are the histories in the model."""
    towers, seen = (model.query_tower, model.candidate_tower), model.seen
    vocabularies = (tower.lookup.id_list.blocks(BLOCK) for tower in towers)
    return {
        "users": len(towers[0]),
        "items": len(towers[1]),
        "rows": len(seen),
        "fingerprint": table_hash(seen.users, seen.items, vocabularies),
    }


def _quantisation(model: HyperML, module: ServingModule) -> dict[str, Any]:
    """Comparison of a quantised index with an exact one."""
    if not isinstance(module.index, QuantisedIndex):
        return {}
    return {"quantised_index": compare_with_exact(module.index, model.candidate_tower.all_points(), model.curvature())}


def _radii(module: ServingModule) -> Any:
    points = module.index.points(tf.range(module.index.n))
    return poincare.distance(points, tf.zeros_like(points), module.curvature)


def _quantiles(distances: Any) -> dict[str, float]:
    names = {"min": 0.0, "median": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(float(np.quantile(distances, q)), 4) for name, q in names.items()}


def _fields(module: ServingModule, signature: Signature) -> dict[str, Any]:
    """A signature with its item details, and -1 for axes of variable size."""
    sizes = {"k": module.k, "dim + 1": module.index.dim + 1}
    described: dict[str, Any] = {
        kind: {
            field: {"dtype": spec.dtype, "shape": [sizes.get(axis, -1) for axis in spec.shape]}
            for field, spec in fields.items()
        }
        for kind, fields in (("inputs", signature.inputs), ("outputs", signature.outputs))
    }
    for output in set(LISTED) & set(signature.outputs):
        described["outputs"] |= dict.fromkeys(module.details, described["outputs"][output])
    return described
