"""Builds the two towers of a `HyperML` from its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hyperml_tf.layers import Curvature
from hyperml_tf.models import batches
from hyperml_tf.models.towers.history_tower import HistoryTower
from hyperml_tf.models.towers.id_tower import IdTower
from hyperml_tf.models.towers.network_tower import NetworkTower
from hyperml_tf.models.towers.sequence_tower import SequenceTower
from hyperml_tf.models.towers.tower import Tower
from hyperml_tf.settings import Encoding, History, ModelSettings

Features = Mapping[str, Any]


class Side(NamedTuple):
    """The arguments of `HyperML` for one of the towers.

    Attributes:
        ids: The vocabulary.
        network: A Keras model that computes the points, or `None`.
        features: Features of the ids for the network, or `None`.
        id_dtype: Dtype of ids that are loaded later.
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
    encoding: Encoding | None = None,
) -> tuple[Tower, Tower]:
    """Returns the query tower and the candidate tower.

    Args:
        query: Arguments of the query tower.
        candidate: Arguments of the candidate tower.
        settings: Resolved settings of the model.
        curvature: The curvature that both share.
        table: Initializer and regularizer of embeddings, by name.
        network_output: String, the output of networks, see `NetworkTower`.
        history: The `History` of users that are represented by their items; `None` for an embedding per user.
        encoding: The `Encoding` of users that are represented by the order of their items, too. Defaults to `None`.

    Raises:
        ValueError: If features are given without a network, or if a network returns vectors of another dimension.
    """
    dim = settings.dim
    tables = {**table, "max_tangent_norm": settings.max_tangent_norm}

    def tower(role: str, side: Side) -> Tower:
        name = f"{role}_tower"
        if side.network is not None:
            return _network_tower(role, side, network_output, dim, curvature)
        if side.features:
            raise ValueError(
                f"`{role}_features` need a `{role}_network` that uses them. Received: {role}_features={list(side.features)}"
            )
        if role == "query" and history is not None:
            arguments = {"id_dtype": side.id_dtype, "name": name, **table}
            if encoding is not None:
                return SequenceTower(side.ids, dim, len(candidates), history, curvature, encoding, **arguments)
            return HistoryTower(side.ids, dim, len(candidates), history, curvature, **arguments)
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
