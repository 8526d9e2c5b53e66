"""Grid search."""

from __future__ import annotations

from typing import Any

import keras_tuner

from hyperml_tf.tuning.oracles.resumable_oracle import ResumableOracle

_ORDER, _QUEUE = "ordered_trials", "trials_to_go_on_from"


class GridSearchOracle(ResumableOracle, keras_tuner.oracles.GridSearchOracle):
    """Arguments: see `keras_tuner.oracles.GridSearchOracle` and `ResumableOracle`.

    keras-tuner keeps its place in the grid in memory only, and a resumed search would end at once. Here it is part of the state.
    """

    def get_state(self) -> dict[str, Any]:
        """As in keras-tuner, with the place in the grid."""
        return {**super().get_state(), _ORDER: self._order(), _QUEUE: list(self._populate_next)}

    def set_state(self, state: dict[str, Any]) -> None:
        """As in keras-tuner, with the place in the grid."""
        super().set_state(state)
        for trial_id in state[_ORDER]:
            self._ordered_ids.insert(trial_id)
        # A trial enters the queue after its end is saved, so a kill in between would lose it. One too many does no harm: what
        # follows it in the grid is found to be there already.
        self._populate_next = list(dict.fromkeys([*state[_QUEUE], *self.end_order]))

    def _order(self) -> list[str]:
        """The trials by their place in the grid. keras-tuner has no way to ask for the first one, which no other precedes."""
        following = {name: self._ordered_ids.next(name) for name in self.start_order}
        name = next(iter(set(following) - set(following.values())), None)
        order = []
        while name is not None:
            order.append(name)
            name = following.get(name)
        return order
