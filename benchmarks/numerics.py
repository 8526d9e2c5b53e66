"""Accuracy of distances and their gradients, over random pairs that cover the ball up to its boundary.

    python benchmarks/numerics.py --pairs 10000000 --seed 0

For float32 and float64 it draws `--pairs` pairs over five curvatures, with radii up to the limit of the dtype and separations
from 1e-7 of the ball upward, and compares `poincare.distance` and four other forms, evaluated in the same dtype, with an
extended-precision reference *for the same rounded inputs*. It prints the Markdown tables of docs/numerics.md. With `--gaps` it
compares ways to compute `1 - c|x|^2` instead, by error and by the time of a forward and backward pass.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import mpmath
import numpy as np

import hyperml_tf  # noqa: F401
from hyperml_tf import numerics
from hyperml_tf.geometry import poincare
from hyperml_tf.geometry.poincare.ball import gap

import tensorflow as tf  # isort: skip

CURVATURES = (0.0, 1e-6, 1e-3, 1.0, 10.0)
DIM = 8
CHUNK = 200_000


def draw(random: np.random.Generator, rows: int, c: float, dtype: Any) -> tuple[Any, Any]:
    """Pairs: x uniform in distance from the origin, uniform in radius, or exactly at the limit (a third each); y at a
    separation log-uniform in [1e-7, 2] of the ball from x, brought back inside."""
    unit = 1.0 / np.sqrt(c) if c else 1.0
    limit = numerics.ball_limit(dtype)
    kind = random.integers(0, 3, (rows, 1))
    u = random.uniform(0.0, 1.0, (rows, 1))
    radius = np.select([kind == 0, kind == 1], [np.tanh(u * np.arctanh(limit)), u * limit], limit)
    x = directions(random, rows) * radius * unit
    y = x + directions(random, rows) * unit * np.exp(random.uniform(np.log(1e-7), np.log(2.0), (rows, 1)))
    return tuple(poincare.project(p.astype(dtype), c).numpy() for p in (x, y))


def directions(random: np.random.Generator, rows: int) -> Any:
    v = random.normal(size=(rows, DIM))
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def reference(x: Any, y: Any, c: float) -> Any:
    """The distance in numpy's longdouble, 64 significant bits."""
    x, y, c = x.astype(np.longdouble), y.astype(np.longdouble), np.longdouble(c)
    r = np.sqrt(((x - y) ** 2).sum(-1) / (1 - c * (x * x).sum(-1)) / (1 - c * (y * y).sum(-1)))
    return 2 * np.arcsinh(np.sqrt(c) * r) / np.sqrt(c) if c else 2 * r


def reference_error(x: Any, y: Any, c: float) -> float:
    """The largest relative error of `reference`, compared with 50 digits."""
    worst = 0.0
    for a, b, d in zip(x, y, reference(x, y, c), strict=True):
        with mpmath.workdps(50):
            a, b, k = [mpmath.mpf(float(v)) for v in a], [mpmath.mpf(float(v)) for v in b], mpmath.mpf(float(c))
            r2 = (
                sum((p - q) ** 2 for p, q in zip(a, b, strict=True))
                / (1 - k * mpmath.fdot(a, a))
                / (1 - k * mpmath.fdot(b, b))
            )
            exact = 2 * mpmath.asinh(mpmath.sqrt(k * r2)) / mpmath.sqrt(k) if c else 2 * mpmath.sqrt(r2)
            high = float(d)
            value = mpmath.mpf(high) + mpmath.mpf(float(d - np.longdouble(high)))
            if exact:
                worst = max(worst, float(abs(value - exact) / exact))
    return worst


def narrow_asinh(x: Any, y: Any, c: Any) -> Any:
    """The form of the package, but with 1 - c|x|^2 in the dtype of the points."""
    gaps = (1 - c * dot(x, x)) * (1 - c * dot(y, y))
    r2 = dot(x - y, x - y) / gaps
    return 2 * numerics.safe_sqrt(r2) * numerics.asinh_ratio(c * r2)


def moebius(x: Any, y: Any, c: Any) -> Any:
    """The formula of the paper: 2/sqrt(c) artanh(sqrt(c) |(-x) (+) y|)."""
    xy, xx, yy = (dot(p, q)[:, tf.newaxis] for p, q in ((-x, y), (x, x), (y, y)))
    k = c[:, tf.newaxis]
    total = (-(1 + 2 * k * xy + k * yy) * x + (1 - k * xx) * y) / (1 + 2 * k * xy + k * k * xx * yy)
    return 2 / tf.sqrt(c) * tf.atanh(tf.sqrt(c) * tf.norm(total, axis=-1))


def arcosh(x: Any, y: Any, c: Any) -> Any:
    """The formula of Nickel and Kiela: arcosh(1 + 2c|x-y|^2 / ((1 - c|x|^2)(1 - c|y|^2))) / sqrt(c)."""
    gaps = (1 - c * dot(x, x)) * (1 - c * dot(y, y))
    return tf.acosh(1 + 2 * c * dot(x - y, x - y) / gaps) / tf.sqrt(c)


def expanded(x: Any, y: Any, c: Any) -> Any:
    """The asinh form with |x-y|^2 expanded to |x|^2 + |y|^2 - 2<x,y>, as a matrix product would compute it."""
    xx, yy = dot(x, x), dot(y, y)
    chord = (xx + yy - 2 * dot(x, y)) / ((1 - c * xx) * (1 - c * yy))
    return 2 / tf.sqrt(c) * tf.asinh(tf.sqrt(c * chord))


def dot(x: Any, y: Any) -> Any:
    return tf.reduce_sum(x * y, -1)


FORMS: dict[str, Callable[..., Any]] = {
    "hyperml_tf": poincare.distance,
    "asinh, gap in the dtype": narrow_asinh,
    "Möbius + artanh": moebius,
    "arcosh": arcosh,
    "expanded norm": expanded,
}


@tf.function(reduce_retracing=True)
def evaluate(x: Any, y: Any, c: Any) -> Any:
    """For each form and pair: the distance, and whether the gradients in x, y and c are all finite."""
    results = []
    per_pair = tf.fill(tf.shape(x)[:1], c)  # so that the gradient in c is per pair, too
    for form in FORMS.values():
        with tf.GradientTape() as tape:
            tape.watch([x, y, per_pair])
            value = form(x, y, per_pair)
        gx, gy, gc = tape.gradient(value, [x, y, per_pair])
        finite = tf.reduce_all(tf.math.is_finite(tf.concat([gx, gy, gc[:, tf.newaxis]], -1)), -1)
        results.append((value, finite))
    return results


def measure(pairs: int, seed: int, dtype: Any) -> Iterator[tuple[float, dict[str, Any]]]:
    """The measurements of each chunk: separation, gap, and error and finiteness of each form."""
    random = np.random.default_rng(seed)
    for c in CURVATURES:
        left = pairs // len(CURVATURES)
        c = float(dtype(c))
        while left > 0:
            rows = min(CHUNK, left)
            left -= rows
            x, y = draw(random, rows, c, dtype)
            distinct = (x != y).any(-1)
            exact = reference(x, y, c)
            root = np.sqrt(c) if c else 1.0
            radius = np.sqrt(c) * np.maximum(*(np.linalg.norm(p.astype(np.longdouble), axis=-1) for p in (x, y)))
            # Computed from the points, because rounding moves close pairs.
            row = {
                "separation": (root * np.linalg.norm(x.astype(np.float64) - y, axis=-1)).astype(np.float32),
                "gap": (1 - radius).astype(np.float32),
                "distinct": distinct,
            }
            for name, (value, finite) in zip(FORMS, evaluate(x, y, tf.constant(c, dtype)), strict=True):
                with np.errstate(invalid="ignore"):
                    error = np.abs(value.numpy() - exact) / np.where(distinct, exact, 1)
                row[name] = error.astype(np.float32)
                row[name + " gradient"] = finite.numpy()
            yield c, row


def report(pairs: int, seed: int, dtype: Any) -> None:
    start = time.time()
    chunks = list(measure(pairs, seed, dtype))
    data = {key: np.concatenate([row[key] for _, row in chunks]) for key in chunks[0][1]}
    flat = np.concatenate([np.full(len(row["gap"]), c == 0.0) for c, row in chunks])
    seconds = time.time() - start
    distinct = data["distinct"]
    print(f"\n## {np.dtype(dtype).name}: {len(flat):,} pairs, dim {DIM}, {seconds:.0f} s\n")
    ours, gradient = data["hyperml_tf"], data["hyperml_tf gradient"]
    print(
        f"hyperml_tf: {np.count_nonzero(~np.isfinite(ours))} distances and {np.count_nonzero(~gradient)} gradients "
        f"(in x, y or c) that are not finite; {np.count_nonzero(~distinct):,} pairs coincide after rounding, "
        f"{np.count_nonzero(ours[~distinct]):,} of them with a distance other than 0.\n"
    )
    print(
        "Relative error of the distance (median / largest of the finite), share of pairs where it or a gradient is not finite:\n"
    )
    table("separation, sqrt(c) abs(x-y)", data, data["separation"], distinct & ~flat, range(-8, 1))
    print()
    table("gap, 1 - sqrt(c) abs(x)", data, data["gap"], distinct & ~flat, range(-12, 0))
    print()
    table("separation at c = 0", data, data["separation"], distinct & flat, range(-8, 1), forms=("hyperml_tf",))


def table(title: str, data: dict[str, Any], by: Any, keep: Any, decades: range, forms: Any = tuple(FORMS)) -> None:
    print(f"| {title} | pairs | " + " | ".join(f"{name}: error | not finite" for name in forms) + " |")
    print("|---|---|" + "---|---|" * len(forms))
    for decade in decades:
        rows = keep & (by >= 10.0**decade) & (by < 10.0 ** (decade + 1))
        if not rows.any():
            continue
        cells = []
        for name in forms:
            error, finite = data[name][rows], data[name + " gradient"][rows]
            good = error[np.isfinite(error)]
            cells.append(f"{np.median(good):.0e} / {good.max():.0e}" if len(good) else "-")
            cells.append(share(np.count_nonzero(~(finite & np.isfinite(error))), len(error)))
        print(f"| 1e{decade} to 1e{decade + 1} | {np.count_nonzero(rows):,} | " + " | ".join(cells) + " |")


def share(count: int, total: int) -> str:
    return "0" if count == 0 else f"{100 * count / total:.2g} %"


def squared(x: Any) -> Any:
    return tf.reduce_sum(x * x, -1, keepdims=True)


def gap_factored(x: Any, c: Any) -> Any:
    r = tf.sqrt(c * squared(x))
    return (1 - r) * (1 + r)


def gap_split(x: Any, c: Any) -> Any:
    """Coordinates split at 2^-11, so that the sum of the squared high parts is exact."""
    high = (x + 6144.0) - 6144.0
    return (1 - c * squared(high)) - c * tf.reduce_sum((x - high) * (x + high), -1, keepdims=True)


GAPS: dict[str, Callable[..., Any]] = {
    "float32": lambda x, c: 1 - c * squared(x),
    "(1 - r)(1 + r), float32": gap_factored,
    "split products, float32": gap_split,
    "float64, gradient in float64": lambda x, c: tf.cast(
        1 - tf.cast(c, tf.float64) * squared(tf.cast(x, tf.float64)), tf.float32
    ),
    "float64, gradient in float32 (used)": gap,
}


def report_gaps(seed: int, rows: int = 12_288, dim: int = 64, repeats: int = 100) -> None:
    random = np.random.default_rng(seed)
    print("| gap, relative error at radius 1 - 1e-5 (median / largest) | c = 1 | c = 0.3 | forward and backward, ms |")
    print("|---|---|---|---|")
    samples = {}
    for c in (1.0, 0.3):
        z = random.normal(size=(rows, dim))
        z = (z * (1 - 1e-5) / np.sqrt(c) / np.linalg.norm(z, axis=-1, keepdims=True)).astype(np.float32)
        exact = 1 - np.longdouble(np.float32(c)) * (z.astype(np.longdouble) ** 2).sum(-1, keepdims=True)
        samples[c] = tf.constant(z), tf.constant([c]), exact
    steps = {name: gap_step(form) for name, form in GAPS.items()}
    times: dict[str, list[float]] = {name: [] for name in GAPS}
    x, y = (tf.constant(0.05 * random.normal(size=(rows, dim)), tf.float32) for _ in range(2))
    for _ in range(repeats + 5):
        for name, step in steps.items():  # alternating, so that other load affects all of them
            start = time.perf_counter()
            step(x, y, tf.constant([1.0]))[0].numpy()
            times[name].append(1e3 * (time.perf_counter() - start))
    for name, form in GAPS.items():
        errors = [np.abs(form(x, c).numpy() - exact) / exact for x, c, exact in samples.values()]
        cells = " | ".join(f"{np.median(e):.0e} / {e.max():.0e}" for e in errors)
        print(f"| {name} | {cells} | {np.median(times[name][5:]):.1f} |")


def gap_step(form: Callable[..., Any]) -> Any:
    """A squared distance with that gap, and its gradients."""

    def step(x: Any, y: Any, c: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([x, y, c])
            r2 = squared(x - y) / form(x, c) / form(y, c)
            value = tf.reduce_sum(r2 * tf.square(numerics.asinh_ratio(c * r2)))
        return tape.gradient(value, [x, y, c])

    return tf.function(step, autograph=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10_000_000, help="pairs per dtype")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gaps", action="store_true", help="compare ways to compute 1 - c|x|^2 instead")
    arguments = parser.parse_args()
    if arguments.gaps:
        report_gaps(arguments.seed)
        return
    random = np.random.default_rng(arguments.seed)
    for dtype in (np.float32, np.float64):
        worst = max(reference_error(*draw(random, 500, c, dtype), c) for c in (float(dtype(c)) for c in CURVATURES))
        print(
            f"Reference, {np.dtype(dtype).name} inputs: longdouble is within {worst:.0e} of 50 digits on 2,500 pairs."
        )
    for dtype in (np.float32, np.float64):
        report(arguments.pairs, arguments.seed, dtype)


if __name__ == "__main__":
    main()
