"""What an export has for each user, in parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from hyperml_tf.geometry import poincare
from hyperml_tf.models import HyperML
from hyperml_tf.serving.written_in_parts import Rows, without_rows
from hyperml_tf.tables import Histories, IdTable
from hyperml_tf.tables.histories import padded

# Users in a part: 64 MB of points of dimension 64.
_USERS = 2**18
# Numbers in a part of the histories.
_NUMBERS = 2**24


class UserRows:
    """The rows of the users of a model, beside variables without rows for a module to export.

    Args:
        model: A `HyperML`.
        with_histories: Boolean, whether the module has histories.

    Attributes:
        users: An `IdTable`, `points` a variable, `histories` a `Histories` or `None`: all without rows.
        radii: The distances of the users from the origin, `(n_users,)`, once `rows` have been read.
    """

    def __init__(self, model: HyperML, with_histories: bool) -> None:
        self._model = model
        self.users = IdTable.over(without_rows([""], "user_ids"))
        self.points = without_rows(tf.zeros([1, model.dim]), "user_points")
        self.histories = (
            Histories(
                without_rows(np.zeros(1, np.int64), "seen_indptr"), without_rows(np.zeros(1, np.int32), "seen_items")
            )
            if with_histories
            else None
        )
        self.radii = np.zeros(0, np.float32)

    def rows(self) -> dict[str, Rows]:
        """Returns the rows by the paths of the variables in a `ServingModule`.

        Raises:
            ValueError: When they are read, if a point is not finite.
        """
        n, ids = len(self._model.query_tower), self._model.query_tower.lookup.id_list
        found = {
            "users/keys": Rows((n,), (one.tensor() for one in [ids.as_text()])),
            "user_points": Rows((n, self._model.dim), self._points(n)),
        }
        if self.histories is not None:
            seen = self._model.seen
            for name, values in (("indptr", seen.indptr), ("items", padded(seen.items))):
                found[f"histories/{name}"] = Rows(values.shape, _parts(values))
        return found

    def _points(self, n: int) -> Iterator[Any]:
        tower, c, radii = self._model.query_tower, self._model.curvature(), []
        for start in range(0, n, _USERS):
            points = tower.points_of(np.arange(start, min(start + _USERS, n)))
            radii.append(poincare.distance(points, tf.zeros_like(points), c).numpy())
            yield points
        self.radii = np.concatenate(radii)


def _parts(values: np.ndarray) -> Iterator[np.ndarray]:
    return (values[start : start + _NUMBERS] for start in range(0, len(values), _NUMBERS))
