"""The largest errors of all functions of `hyperml_tf.geometry`, and of their gradients, compared with many digits.

    python benchmarks/geometry_accuracy.py --rows 40 --seed 0

Curvatures are from 1e-8 to 100, and 0. Points are at all distances from the origin up to the limit of the ball of each dtype;
pairs are independent, close, opposite, or on one ray. Every function is evaluated op by op and compiled by XLA. Errors are those
*for the same rounded inputs*: the norm of the error of a result, relative to the norm of the result; and of the gradient in an
argument, relative to the sum of the norms of the gradients of the single coordinates. A gradient in the curvature is relative to
the norm of the result divided by `c`, too, because it can cancel to 0. Gradients of results on the limit of the ball, where
rounding decides whether a point is projected, are left out. It prints the table of docs/numerics.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import exact_geometry as exact
import numpy as np
from mpmath import mp

import hyperml_tf  # noqa: F401
from hyperml_tf import numerics
from hyperml_tf.geometry import lorentz, poincare
from hyperml_tf.geometry.poincare.distances import squared_distance_of_chord
from hyperml_tf.geometry.poincare.measured import measure

import tensorflow as tf  # isort: skip

CURVATURES = (0.0, 1e-8, 1e-4, 1e-2, 1.0, 7.0, 100.0)
DIM, SET = 3, 4
DIGITS = 110
NEAR_0 = "1e-40"  # stands for the curvature 0, by which the formulas of the literature divide


@dataclasses.dataclass(frozen=True)
class Case:
    """A function of the package, and the same by the formulas of the literature.

    Attributes:
        function: A function of the arguments and the curvatures, with an axis of rows.
        formula: A function of one row: of lists of numbers, the curvature and the limit of the ball. Returns a list of numbers.
        arguments: Names of what `draw` draws.
        scale: A function of the results and the arguments in float64 that returns what errors are relative to, where it is not
            the norm of the result.
        flat: Whether the curvature 0 belongs to the domain.
        on_ball: Whether results are points that may be on the limit of the ball.
    """

    function: Callable[..., Any]
    formula: Callable[..., list[Any]]
    arguments: tuple[str, ...]
    scale: Callable[..., Any] | None = None
    flat: bool = True
    on_ball: bool = False


def _inner_scale(_: Any, p: Any, q: Any, c: Any) -> Any:
    """The largest term of `lorentz_inner`, in which it cancels for close points, as documented."""
    return (
        np.abs(p[:, 0] + q[:, 0])
        + c * p[:, 0] * q[:, 0]
        + np.linalg.norm(p[:, 1:], axis=1) * np.linalg.norm(q[:, 1:], axis=1)
    )


def _as_set(flat: list[Any]) -> list[list[Any]]:
    return [flat[DIM * n : DIM * (n + 1)] for n in range(SET)]


def _matvec(matrix: list[Any], x: list[Any], c: Any) -> list[Any]:
    return exact.expmap0([exact.dot(matrix[DIM * n : DIM * (n + 1)], exact.logmap0(x, c)) for n in range(2)], c)


def _lifted(x: Any, c: Any) -> Any:
    return lorentz.lift(x, c)


CASES: dict[str, Case] = {
    "conformal_factor": Case(poincare.conformal_factor, lambda x, c, _: [exact.conformal_factor(x, c)], ("x",)),
    "distance": Case(poincare.distance, lambda x, y, c, _: [exact.distance(x, y, c)], ("x", "y")),
    "distance0": Case(poincare.distance0, lambda x, c, _: [exact.distance([mp.zero] * DIM, x, c)], ("x",)),
    "egrad2rgrad": Case(
        poincare.egrad2rgrad,
        lambda x, v, c, _: exact.scaled(exact.conformal_factor(x, c) ** -2, v),
        ("x", "v"),
    ),
    "expmap": Case(
        poincare.expmap,
        lambda x, v, c, limit: exact.project(exact.expmap(x, v, c, limit), c, limit),
        ("x", "tangent"),
        on_ball=True,
    ),
    "expmap0": Case(poincare.expmap0, lambda v, c, limit: exact.project(exact.expmap0(v, c), c, limit), ("v",)),
    "gyration": Case(poincare.gyration, lambda u, v, w, c, _: exact.gyration(u, v, w, c), ("x", "y", "v")),
    "gyromidpoint": Case(
        lambda x, w, c: poincare.gyromidpoint(tf.reshape(x, [-1, SET, DIM]), c, w),
        lambda x, w, c, limit: exact.project(exact.gyromidpoint(_as_set(x), w, c), c, limit),
        ("set", "weights"),
        on_ball=True,
    ),
    "logmap": Case(poincare.logmap, lambda x, y, c, _: exact.logmap(x, y, c), ("x", "y")),
    "logmap0": Case(poincare.logmap0, lambda y, c, _: exact.logmap0(y, c), ("x",)),
    "measure": Case(
        lambda x, c: tf.concat(measure(x, c)[1:], axis=-1),
        lambda x, c, _: [
            exact.dot(x, x),
            1 - c * exact.dot(x, x),
            exact.norm(exact.logmap0(x, c)) / exact.norm(x),
        ],
        ("x",),
    ),
    "mobius_add": Case(
        poincare.mobius_add,
        lambda x, y, c, limit: exact.project(exact.add(x, y, c), c, limit),
        ("x", "y"),
        on_ball=True,
    ),
    "mobius_matvec": Case(
        lambda m, x, c: poincare.mobius_matvec(tf.reshape(m, [-1, 2, DIM]), x, c),
        lambda m, x, c, limit: exact.project(_matvec(m, x, c), c, limit),
        ("matrix", "x"),
        on_ball=True,
    ),
    "mobius_scalar_mul": Case(
        lambda r, x, c: poincare.mobius_scalar_mul(r[:, 0], x, c),
        lambda r, x, c, limit: exact.project(exact.expmap0(exact.scaled(r[0], exact.logmap0(x, c)), c), c, limit),
        ("factor", "x"),
        on_ball=True,
    ),
    "pairwise_distance": Case(
        lambda x, y, c: poincare.pairwise_distance(x[:, tf.newaxis], y[:, tf.newaxis], c)[:, 0, 0],
        lambda x, y, c, _: [exact.distance(x, y, c)],
        ("x", "y"),
    ),
    "parallel_transport": Case(
        poincare.parallel_transport, lambda x, y, v, c, _: exact.parallel_transport(x, y, v, c), ("x", "y", "v")
    ),
    "project": Case(poincare.project, exact.project, ("v",)),
    "squared_distance": Case(poincare.squared_distance, lambda x, y, c, _: [exact.distance(x, y, c) ** 2], ("x", "y")),
    "squared_distance_of_chord": Case(
        lambda chord, c: squared_distance_of_chord(chord[:, 0], c),
        lambda chord, c, _: [4 / c * mp.asinh(mp.sqrt(c * chord[0])) ** 2],
        ("chord",),
    ),
    "lorentz.distance": Case(
        lorentz.distance,
        lambda p, q, c, _: [exact.lorentz_distance(p, q, c)],
        ("lifted", "far_lifted"),
    ),
    "lorentz.drop": Case(
        lorentz.drop,
        lambda p, c, limit: exact.project(exact.scaled(1 / (2 + c * p[0]), p[1:]), c, limit),
        ("lifted",),
        on_ball=True,
    ),
    "lorentz.lift": Case(lorentz.lift, lambda x, c, _: exact.lift(x, c), ("x",)),
    "lorentz.lorentz_inner": Case(
        lorentz.lorentz_inner, lambda p, q, c, _: [exact.lorentz_inner(p, q, c)], ("lifted", "far_lifted"), _inner_scale
    ),
    "lorentz.query": Case(lorentz.query, lambda p, c, _: [-mp.sqrt(c) * exact.time(p, c), *p[1:]], ("lifted",)),
    "lorentz.time_coordinate": Case(
        lorentz.time_coordinate, lambda p, c, _: [exact.time(p, c)], ("lifted",), flat=False
    ),
}


def draw(random: np.random.Generator, rows: int, c: float, dtype: Any) -> dict[str, Any]:
    """Arguments by name, each `(rows, ...)`, in a dtype. Points are projected into the ball."""
    unit = 1.0 / np.sqrt(c) if c else 1.0
    limit = numerics.ball_limit(dtype)

    def directions() -> Any:
        v = random.normal(size=(rows, DIM))
        return v / np.linalg.norm(v, axis=-1, keepdims=True)

    def inside(x: Any) -> Any:
        return poincare.project(np.asarray(x * unit, dtype), c).numpy()

    def log_uniform(low: float, high: float, columns: int = 1) -> Any:
        return np.exp(random.uniform(np.log(low), np.log(high), (rows, columns)))

    def radii() -> Any:
        kind, u = random.integers(0, 4, (rows, 1)), random.uniform(0.0, 1.0, (rows, 1))
        return np.select(
            [kind == 0, kind == 1, kind == 2],
            [np.tanh(u * np.arctanh(limit)), log_uniform(1e-6, 1.0), 1.0 - log_uniform(1.0 - limit, 0.1)],
            limit,
        )

    x = directions() * radii()
    kind = random.integers(0, 4, (rows, 1))
    close = x + directions() * log_uniform(1e-6, 0.1)
    opposite = -x * (1.0 - log_uniform(1e-5, 0.1)) + directions() * log_uniform(1e-7, 1e-3)
    y = np.select([kind == 0, kind == 1, kind == 2], [close, opposite, x * radii()], directions() * radii())
    far = directions() * radii()
    spread = np.where(random.uniform(size=(rows, 1)) < 0.5, log_uniform(1e-6, 0.1), 1.0)
    members = [inside(x * (spread < 1) + spread * directions() * radii()) for _ in range(SET)]
    x, y, far = inside(x), inside(y), inside(far)
    gap = 1.0 - c * np.sum(np.square(x, dtype=np.float64), axis=-1, keepdims=True)
    return {
        "x": x,
        "y": y,
        "v": (directions() * log_uniform(1e-4, 20.0) * unit).astype(dtype),
        "tangent": (directions() * log_uniform(1e-4, 5.0) * gap * unit).astype(dtype),
        "set": np.concatenate(members, axis=-1),
        "weights": random.uniform(0.1, 2.0, (rows, SET)).astype(dtype),
        "matrix": random.normal(size=(rows, 2 * DIM)).astype(dtype),
        "factor": random.uniform(-2.0, 2.0, (rows, 1)).astype(dtype),
        "chord": (log_uniform(1e-9, 1e9) * unit**2).astype(dtype),
        "lifted": lorentz.lift(x, c).numpy(),
        "far_lifted": lorentz.lift(far, c).numpy(),
    }


def evaluate(case: Case, arguments: list[Any], c: Any, cotangent: Any, xla: bool) -> tuple[Any, list[Any]]:
    """The results of all rows, `(rows, n)`, and the gradients of their products with `cotangent`, the last in `c`."""

    def run(c: Any, *values: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([c, *values])
            result = case.function(*values, c)
            result = result[:, tf.newaxis] if result.shape.rank == 1 else result
            total = tf.reduce_sum(result * tf.cast(cotangent[:, : result.shape[-1]], result.dtype))
        gradients = tape.gradient(total, [*values, c], unconnected_gradients="zero")
        return result, gradients

    compiled = tf.function(run, jit_compile=True, autograph=False) if xla else run
    result, gradients = compiled(tf.constant(c), *map(tf.constant, arguments))
    return result.numpy(), [gradient.numpy().reshape(len(c), -1) for gradient in gradients]


def expected(case: Case, arguments: list[Any], c: float, limit: float) -> tuple[Any, list[Any]]:
    """The result of one row, and the derivatives of its coordinates in each argument and the curvature, `(numbers, n)` each."""
    with mp.workdps(DIGITS):
        given = [[mp.mpf(float(v)) for v in values] for values in arguments]
        curvature = [mp.mpf(float(c)) if c else mp.mpf(NEAR_0)]
        bound = mp.mpf(float(limit))

        def formula(*values: Any) -> Any:
            *points, k = values
            return case.formula(*points, k[0], bound)

        steps = [max((abs(v) for v in values), default=mp.one) * mp.mpf("1e-25") for values in [*given, curvature]]
        result = formula(*given, curvature)
        derivatives = exact.jacobian(formula, [*given, curvature], steps)
        return (
            np.array([float(v) for v in result]),
            [np.array([[float(v) for v in row] for row in part]) for part in derivatives],
        )


@dataclasses.dataclass
class Errors:
    """The largest errors of a function: of its results and of its gradients; each evaluated op by op and by XLA."""

    value: list[float]
    gradient: list[float]


def measured(name: str, dtype: Any, rows: int, seed: int, ways: tuple[bool, ...] = (False, True)) -> Errors:
    """The largest errors of a function over all curvatures.

    Args:
        name: A key of `CASES`.
        dtype: `np.float32` or `np.float64`.
        rows: Number of rows per curvature.
        seed: Seed of the rows.
        ways: Whether XLA compiles the function, for each way to evaluate it.
    """
    case, random = CASES[name], np.random.default_rng(seed)
    limit = float(np.asarray(numerics.ball_limit(dtype), dtype))
    curvatures = [c for c in CURVATURES if c or case.flat]
    drawn = [draw(random, rows, float(dtype(c)), dtype) for c in curvatures]
    arguments = [np.concatenate([part[key] for part in drawn]) for key in case.arguments]
    c = np.repeat(np.array(curvatures, dtype), rows)
    cotangent = random.uniform(0.5, 1.5, (len(c), 8)) * random.choice([-1.0, 1.0], (len(c), 8))
    answers = [evaluate(case, arguments, c, cotangent, xla) for xla in ways]
    errors = Errors([0.0] * len(ways), [0.0] * len(ways))
    for row in range(len(c)):
        own = [argument[row] for argument in arguments]
        result, derivatives = expected(case, own, c[row], limit)
        wide = [np.asarray(argument[row : row + 1], np.float64) for argument in arguments]
        scale = np.linalg.norm(result) if case.scale is None else float(case.scale(result, *wide, float(c[row]))[0])
        weights = cotangent[row, : len(result)]
        for way, (results, gradients) in enumerate(answers):
            error = np.linalg.norm(results[row] - result) / (scale or 1.0)
            errors.value[way] = _larger(errors.value[way], error)
            if case.on_ball and abs(np.sqrt(c[row]) * np.linalg.norm(result) - limit) < 16 * np.finfo(dtype).eps:
                continue
            own_gradients = [gradient[row] for gradient in gradients]
            for error in gradient_errors(own_gradients, derivatives, weights, result, float(c[row])):
                errors.gradient[way] = _larger(errors.gradient[way], error)
    return errors


def gradient_errors(
    gradients: list[Any], derivatives: list[Any], weights: Any, result: Any, c: float
) -> Iterator[float]:
    """The errors of the gradients of one row in each argument, and in the curvature unless that is 0."""
    *of_arguments, of_c = zip(gradients, derivatives, strict=True)
    for gradient, derivative in of_arguments:
        scale = float(np.abs(weights) @ np.linalg.norm(derivative, axis=0))
        error = float(np.linalg.norm(gradient - derivative @ weights))
        # The formulas at 0 are those at 1e-40, whose derivatives need not be 0.
        yield error / scale if scale > 1e-30 else error
    if c:
        gradient, derivative = of_c
        scale = float(np.abs(weights) @ np.maximum(np.abs(derivative[0]), np.linalg.norm(result) / c))
        yield float(np.abs(gradient - derivative @ weights)[0]) / scale


def _larger(a: float, b: float) -> float:
    """The larger one; NaN counts as the largest."""
    return b if np.isnan(b) or b > a else a


def half_precision(name: str, dtype: Any, rows: int, seed: int) -> bool:
    """Whether results for inputs in half precision are those for the same numbers in float32."""
    case, random = CASES[name], np.random.default_rng(seed)
    drawn = draw(random, rows, 1.0, np.float32)
    given = [tf.cast(drawn[key], dtype) for key in case.arguments]
    c = tf.ones([rows], dtype)
    results = [case.function(*map(cast, given), cast(c)) for cast in (tf.identity, lambda v: tf.cast(v, tf.float32))]
    equal = np.array_equal(results[0].numpy(), results[1].numpy(), equal_nan=True)
    return equal and results[0].dtype == tf.float32


def table(names: Iterable[str], rows: int, seed: int) -> Iterator[str]:
    """The lines of the table in Markdown."""
    dtypes = (np.float32, np.float64)
    parts = ("value", "gradient", "value, XLA", "gradient, XLA")
    header = ["function", *(f"{dtype.__name__}: {part}" for dtype in dtypes for part in parts)]
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for name in names:
        cells = []
        for dtype in dtypes:
            errors = measured(name, dtype, rows, seed)
            cells += [errors.value[0], errors.gradient[0], errors.value[1], errors.gradient[1]]
        yield f"| `{name}` | {' | '.join(f'{error:.0e}' for error in cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=40, help="rows per curvature")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--functions", nargs="+", choices=CASES, default=list(CASES), help="all by default")
    options = parser.parse_args()
    for line in table(options.functions, options.rows, options.seed):
        print(line, flush=True)
    same = [
        (name, dtype.name)
        for name in options.functions
        for dtype in (tf.float16, tf.bfloat16)
        if not half_precision(name, dtype, options.rows, options.seed)
    ]
    print(f"\nInputs in half precision whose results are not those in float32: {same or 'none'}.")


if __name__ == "__main__":
    main()
