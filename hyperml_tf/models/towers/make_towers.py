"""The two towers of a `HyperML`, from its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hyperml_tf.layers import Curvature
from hyperml_tf.models import batches
from hyperml_tf.models.towers.history_tower import HistoryTower
from hyperml_tf.models.towers.id_tower import IdTower
from hyperml_tf.models.towers.network_tower import NetworkTower
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.settings import History, ModelSettings

Features = Mapping[str, Any]


class Side(NamedTuple):
    """The arguments for queries, or those for candidates.

    Attributes:
        ids: the vocabulary.
        network: a Keras model in place of free points, or None.
        features: features of the ids for it, or None.
        id_dtype: dtype of the ids, where they are loaded later.
    """

    ids: Any
    network: Any = None
    features: Features | None = None
    id_dtype: Any = None


def make_towers(
    query: Side,
    candidate: Side,
    settings: ModelSettings,
    curvature: Curvature,
    table: Mapping[str, Any],
    network_output: Any,
    history: History | None,
) -> tuple[Tower, Tower]:
    """The query and the candidate tower.

    Args:
        query, candidate: what they are for.
        settings: resolved settings of the model.
        curvature: the curvature of both.
        table: initializer and regularizer of tables of free points.
        network_output: what networks return, see `NetworkTower`.
        history: how queries are placed by what they have seen; None: they are free points.

    Raises:
        ValueError: if features come without a network, or a network returns vectors of another dimension.
    """

    dim = settings.dim
    tables = {**table, "max_tangent_norm": settings.max_tangent_norm}

    def tower(role: str, side: Side) -> Tower:
        name = f"{role}_tower"
        if side.network is not None:
            return _network_tower(role, side, network_output, dim, curvature)
        if side.features:
            raise ValueError(
                f"`{role}_features` need a `{role}_network` that uses them. Received: {list(side.features)}"
            )
        if role == "query" and history is not None:
            return HistoryTower(
                side.ids, dim, len(candidates), history, curvature, id_dtype=side.id_dtype, name=name, **table
            )
        return IdTower(side.ids, dim, curvature, mode=settings.mode, id_dtype=side.id_dtype, name=name, **tables)

    # Candidates first: a query tower with a history needs the size of the catalogue.
    candidates = tower("candidate", candidate)
    return tower("query", query), candidates


def _network_tower(role: str, side: Side, output: Any, dim: int, curvature: Curvature) -> NetworkTower:
    id_name = {"query": batches.QUERY, "candidate": batches.CANDIDATE}[role]
    name = f"{role}_tower"
    tower = NetworkTower(
        side.ids, side.network, side.features, id_name, output, curvature, id_dtype=side.id_dtype, name=name
    )
    if tower.dim != dim:
        raise ValueError(f"`{role}_network` must return vectors of `dim` {dim}. Received: {tower.dim}")
    return tower
