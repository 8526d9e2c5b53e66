"""The graph of the items of a table: who is bought, watched or read by the same users."""

from __future__ import annotations

import dataclasses

import numpy as np
import scipy.sparse

from hyperml_tf._argument_types import names_arguments
from hyperml_tf.data import Interactions

# Products of a block of items with all items in memory at a time: 128 MiB of float64.
_PRODUCTS = 2**24


@names_arguments
@dataclasses.dataclass(frozen=True, eq=False)
class ItemGraph:
    """An undirected graph whose nodes are the items of a table.

    Args:
        links: Boolean sparse matrix, symmetric, `(n_items, n_items)`.
        users: Integer, the number of users whose rows were counted.

    Example:

    >>> table = Interactions.from_arrays(["u", "u", "v", "v", "w"], ["a", "b", "b", "c", "d"])
    >>> graph = ItemGraph.of(table)
    >>> graph.links.toarray().astype(int).tolist()
    [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    >>> graph.largest_component().tolist()
    [0, 1, 2]
    >>> graph.steps([0]).tolist()
    [[0.0, 1.0, 2.0, inf]]
    """

    links: scipy.sparse.csr_array
    users: int

    @classmethod
    def of(cls, table: Interactions, k: int = 10, work: int = 300_000_000, seed: int = 0) -> ItemGraph:
        """Links each item with the `k` items whose users are most alike, by the cosine of their columns of the table.

        Two items are linked if either is among the nearest of the other. Items that share no user are never linked. Of equal
        cosines, those with smaller codes come first.

        Args:
            table: An `Interactions`.
            k: Integer >= 1, number of items. Defaults to `10`.
            work: Integer, the number of pairs of items of one user to be counted. If there are more, users are drawn at random
                until there are as many. Defaults to `300_000_000`, a few seconds.
            seed: Integer, random seed of this draw. Defaults to `0`.
        """
        rows, users = _some_users(table, work, seed)
        ones = np.ones(len(rows))
        shape = (table.n_users, table.n_items)
        matrix = scipy.sparse.csr_array((ones, (rows.users, rows.items)), shape=shape)
        norms = np.sqrt(np.maximum(rows.popularity(), 1.0))
        columns = scipy.sparse.csr_array((matrix / norms).T)
        found = [_nearest(part, matrix / norms, first, k) for first, part in _blocks(columns)]
        # 32 bits, because the graph algorithms of older versions of SciPy take no others.
        source, target = (np.concatenate([pair[side] for pair in found]).astype(np.int32) for side in (0, 1))
        links = scipy.sparse.csr_array(
            (np.ones(2 * len(source), bool), (np.concatenate([source, target]), np.concatenate([target, source]))),
            shape=(table.n_items, table.n_items),
        )
        return cls(links, users)

    def largest_component(self) -> np.ndarray:
        """Returns the nodes of the largest part in which all are connected, sorted; of equal ones, that with the first node."""
        _, component = scipy.sparse.csgraph.connected_components(self.links, directed=False)
        return np.flatnonzero(component == np.argmax(np.bincount(component)))

    def steps(self, sources: np.ndarray) -> np.ndarray:
        """Returns the lengths of the shortest paths from some nodes to all nodes, in links; infinity where there is none."""
        return scipy.sparse.csgraph.dijkstra(self.links, directed=False, indices=sources, unweighted=True)


def _some_users(table: Interactions, work: int, seed: int) -> tuple[Interactions, int]:
    """The rows of as many users as have at most `work` pairs of items, and their number."""
    activity = table.activity()
    order = np.random.default_rng(seed).permutation(table.n_users)
    pairs = np.cumsum(activity[order].astype(np.int64) ** 2)
    kept = np.zeros(table.n_users, bool)
    kept[order[: max(1, int(np.searchsorted(pairs, work, "right")))]] = True
    return table.with_rows(kept[table.users]), int(np.count_nonzero(kept & (activity > 0)))


def _blocks(columns: scipy.sparse.csr_array) -> list[tuple[int, scipy.sparse.csr_array]]:
    size = max(1, _PRODUCTS // max(1, columns.shape[0]))
    return [(first, columns[first : first + size]) for first in range(0, columns.shape[0], size)]


def _nearest(
    part: scipy.sparse.csr_array, others: scipy.sparse.csr_array, first: int, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of each item of a block, whose first one is `first`, with its `k` nearest items."""
    cosines = scipy.sparse.csr_array(part @ others)
    row = np.repeat(np.arange(cosines.shape[0]), np.diff(cosines.indptr))
    # Rounded, so that cosines that are equal up to the order of a sum are ties.
    value, target = np.round(cosines.data, 9), cosines.indices.astype(np.int64)
    row, value, target = (values[target != row + first] for values in (row, value, target))
    order = np.lexsort((target, -value, row))
    row, target = row[order], target[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row, "left")
    return row[rank < k] + first, target[rank < k]
