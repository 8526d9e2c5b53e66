"""What the functions that feed a model and ask it need to know of it."""

from __future__ import annotations

from typing import Any, Protocol

from hyperml_tf.data import Interactions
from hyperml_tf.metrics.ranking import Scorer
from hyperml_tf.models.towers.id_lookup import IdLookup
from hyperml_tf.models.towers.seen_items import SeenItems
from hyperml_tf.numerics import Tensor


class Catalogue(Protocol):
    """The vocabularies of a model that scores a catalogue, with what its queries have seen."""

    seen: SeenItems
    batches: Any
    """The number of training batches so far, a `tf.Variable`."""

    @property
    def query_lookup(self) -> IdLookup:
        """Raw ids of users to codes."""

    @property
    def candidate_lookup(self) -> IdLookup:
        """Raw ids of the catalogue to codes."""

    def set_seen(self, interactions: Interactions) -> None:
        """Replaces what the queries have seen."""

    def score_catalogue(self, users: Tensor) -> Tensor:
        """User codes to scores of every candidate."""

    def scorer(self) -> Scorer:
        """The same for exact evaluation."""
