"""HyperML in tangent mode as one compiled loop over triplets without batches, as a lower bound of the cost of a step on a CPU."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from hyperml_tf.data import Interactions
from hyperml_tf.models import HyperML

_SMALL = 1e-12


class FusedLoop:
    """The loss and the optimizer of `HyperML` in tangent mode with curvature 1, one positive at a time, on all threads.

    Negatives are sampled for each positive, and the `hardest` that are not the user's own items are used. Threads update the same
    rows without locks, as in `implicit`, so runs differ.

    Args:
        train: the rows to train on.
        dim: dimension of the space.
        negatives: the number of negatives sampled per positive.
        hardest: how many of them are used, 1 or 2.
        margin: margin of the hinge.
        distortion_weight: weight of the distortion.
        seed: seed of the points.
        threads: how many; all if None.
    """

    def __init__(
        self,
        train: Interactions,
        dim: int = 64,
        negatives: int = 20,
        hardest: int = 2,
        margin: float = 16.0,
        distortion_weight: float = 0.1,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.train = train
        self.users = rng.normal(0.0, 0.08 / math.sqrt(dim), (train.n_users, dim)).astype(np.float32)
        self.items = rng.normal(0.0, 0.08 / math.sqrt(dim), (train.n_items, dim)).astype(np.float32)
        optimizer = HyperML.from_interactions(train, dim=dim).default_optimizer()
        start = optimizer.initial_accumulator_value
        self._slots = np.full_like(self.users, start), np.full_like(self.items, start)
        self.learning_rate = float(optimizer.learning_rate)
        self._numbers = negatives, min(hardest, negatives), margin, distortion_weight
        self._indptr, self._indices = train.csr()
        self._rng = rng
        self._threads = threads or numba.config.NUMBA_NUM_THREADS

    def epoch(self, learning_rate: float | None = None, rows: int | None = None) -> int:
        """Trains on all rows once in random order, or on the first `rows` in that order. Returns their number."""
        order = self._rng.permutation(len(self.train))[:rows]
        self.train_on(order, self.learning_rate if learning_rate is None else learning_rate)
        return len(order)

    def train_on(self, order: np.ndarray, learning_rate: float) -> None:
        """Trains on these rows."""
        numba.set_num_threads(self._threads)
        _epoch(
            *(self.train.users, self.train.items, order.astype(np.int64), self._indptr, self._indices),
            *(self.users, self.items, *self._slots, *self._numbers),
            learning_rate,
            self._threads,
            int(self._rng.integers(2**31)),
        )

    def scorer(self) -> Any:
        """A function of user codes, `(batch,)`, that scores the whole catalogue, `(batch, n_items)`."""
        users, items = (_points(table) for table in (self.users, self.items))
        square, gap = (items**2).sum(1), 1.0 - (items**2).sum(1)

        def score(codes: np.ndarray) -> np.ndarray:
            near = users[codes]
            return (2.0 * near @ items.T - (near**2).sum(1, keepdims=True) - square) / gap

        return score


def _points(table: np.ndarray) -> np.ndarray:
    norm = np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
    return (table * (np.minimum(np.tanh(norm), 1.0 - 1e-5) / norm)).astype(np.float32)


@numba.njit(fastmath=True, inline="always")
def _map(row: np.ndarray) -> tuple[float, float]:
    """The squared norm of a tangent vector, and the factor of `expmap0` on it."""
    square = np.float32(0.0)
    for d in range(row.shape[0]):
        square += row[d] * row[d]
    norm = math.sqrt(square + _SMALL)
    return square, min(math.tanh(norm), 1.0 - 1e-5) / norm


@numba.njit(fastmath=True, inline="always")
def _chord(u: np.ndarray, v: np.ndarray, su: float, fu: float, sv: float, fv: float) -> float:
    """`|x - y|^2 / ((1 - |x|^2)(1 - |y|^2))` of the points of two tangent vectors."""
    a, b, square = np.float32(fu), np.float32(fv), np.float32(0.0)
    for d in range(u.shape[0]):
        difference = a * u[d] - b * v[d]
        square += difference * difference
    return square / ((1.0 - fu * fu * su) * (1.0 - fv * fv * sv))


@numba.njit(fastmath=True, inline="always")
def _slopes(u: np.ndarray, v: np.ndarray, chord: float, by_square: float, weight: float) -> tuple[float, float]:
    """Derivatives of `by_square` times the squared distance plus `weight` times the distortion, by the chord and `|u - v|^2`."""
    half = math.asinh(math.sqrt(chord)) + _SMALL
    slope = 4.0 * half / math.sqrt(chord * (1.0 + chord) + _SMALL)  # of 4 half^2
    apart = np.float32(0.0)
    for d in range(u.shape[0]):
        apart += (u[d] - v[d]) * (u[d] - v[d])
    flat = 2.0 * math.sqrt(apart + _SMALL)
    sign = weight if 2.0 * half > flat else -weight
    return slope * (by_square + sign / (flat * 4.0 * half)), -sign * 2.0 * half / (flat * flat) * 2.0 / flat


@numba.njit(fastmath=True, inline="always")
def _pull(
    u: np.ndarray, v: np.ndarray, numbers: tuple, by_chord: float, by_apart: float, gu: np.ndarray, gv: np.ndarray
) -> None:
    """Adds the gradients of a pair in its two tangent vectors."""
    su, fu, sv, fv, chord = numbers
    gap_u, gap_v = 1.0 - fu * fu * su, 1.0 - fv * fv * sv
    a, b = np.float32(fu), np.float32(fv)
    w = np.float32(2.0 * by_chord / (gap_u * gap_v))
    radial_u, radial_v = np.float32(2.0 * by_chord * chord / gap_u), np.float32(2.0 * by_chord * chord / gap_v)
    along_u, along_v = np.float32(0.0), np.float32(0.0)
    for d in range(u.shape[0]):
        difference = a * u[d] - b * v[d]
        along_u += (w * difference + radial_u * a * u[d]) * u[d]
        along_v += (radial_v * b * v[d] - w * difference) * v[d]
    # The derivative of tanh(n)/n in n^2, times 2.
    bend_u = along_u * np.float32((gap_u - fu) / (su + 1e-6))
    bend_v = along_v * np.float32((gap_v - fv) / (sv + 1e-6))
    t = np.float32(2.0 * by_apart)
    for d in range(u.shape[0]):
        difference = a * u[d] - b * v[d]
        straight = t * (u[d] - v[d])
        gu[d] += a * (w * difference + radial_u * a * u[d]) + bend_u * u[d] + straight
        gv[d] += b * (radial_v * b * v[d] - w * difference) + bend_v * v[d] - straight


@numba.njit(fastmath=True, inline="always")
def _adagrad(row: np.ndarray, slot: np.ndarray, gradient: np.ndarray, rate: float) -> None:
    step = np.float32(rate)
    for d in range(row.shape[0]):
        slot[d] += gradient[d] * gradient[d]
        row[d] -= step * gradient[d] / np.sqrt(slot[d])


@numba.njit(inline="always")
def _owns(indices: np.ndarray, low: int, high: int, item: int) -> bool:
    while low < high:
        middle = (low + high) // 2
        if indices[middle] < item:
            low = middle + 1
        elif indices[middle] > item:
            high = middle
        else:
            return True
    return False


@numba.njit(parallel=True, fastmath=True)
def _epoch(
    users: np.ndarray,
    items: np.ndarray,
    order: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    table_u: np.ndarray,
    table_v: np.ndarray,
    slot_u: np.ndarray,
    slot_v: np.ndarray,
    negatives: int,
    hardest: int,
    margin: float,
    distortion_weight: float,
    rate: float,
    threads: int,
    seed: int,
) -> None:
    dim, n_items = table_u.shape[1], table_v.shape[0]
    for thread in numba.prange(threads):
        np.random.seed(seed + thread)  # noqa: NPY002  numba has no other generator in a parallel loop
        gradients = np.zeros((4, dim), np.float32)
        best, chords = np.empty(2, np.int64), np.empty(2, np.float64)
        for place in range(thread * len(order) // threads, (thread + 1) * len(order) // threads):
            user, item = users[order[place]], items[order[place]]
            u, v = table_u[user], table_v[item]
            su, fu = _map(u)
            sv, fv = _map(v)
            best[:], chords[:] = -1, np.inf
            for _ in range(negatives):
                drawn = np.random.randint(0, n_items)  # noqa: NPY002
                w = table_v[drawn]
                sw, fw = _map(w)
                chord = _chord(u, w, su, fu, sw, fw)
                last = hardest - 1
                if chord < chords[last] and not _owns(indices, indptr[user], indptr[user + 1], drawn):
                    if last == 1 and chord < chords[0]:
                        best[1], chords[1] = best[0], chords[0]
                        best[0], chords[0] = drawn, chord
                    else:
                        best[last], chords[last] = drawn, chord
            gradients[:] = 0.0
            positive = _chord(u, v, su, fu, sv, fv)
            near = 4.0 * math.asinh(math.sqrt(positive)) ** 2
            active = 0.0
            for k in range(hardest):
                if best[k] >= 0:
                    w = table_v[best[k]]
                    sw, fw = _map(w)
                    far = 4.0 * math.asinh(math.sqrt(chords[k])) ** 2
                    hinge = 1.0 / hardest if margin + near - far > 0 else 0.0
                    active += hinge
                    by_chord, by_apart = _slopes(u, w, chords[k], -hinge, distortion_weight / hardest)
                    _pull(u, w, (su, fu, sw, fw, chords[k]), by_chord, by_apart, gradients[0], gradients[2 + k])
            by_chord, by_apart = _slopes(u, v, positive, active, distortion_weight)
            _pull(u, v, (su, fu, sv, fv, positive), by_chord, by_apart, gradients[0], gradients[1])
            _adagrad(u, slot_u[user], gradients[0], rate)
            _adagrad(v, slot_v[item], gradients[1], rate)
            for k in range(hardest):
                if best[k] >= 0:
                    _adagrad(table_v[best[k]], slot_v[best[k]], gradients[2 + k], rate)
