"""Layouts on the disk: exact radii and close neighbours; plots and the files they are saved to."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from hyperml_tf.data import Interactions
from hyperml_tf.geometry import poincare
from hyperml_tf.models import HyperML
from hyperml_tf.visualization import disk_layout, plot_disk, plot_items


def _shell(n: int = 400, dim: int = 16, seed: int = 0) -> np.ndarray:
    """Points of four clusters at distances 2 to 3 from the origin, as after training."""
    rng = np.random.default_rng(seed)
    directions = np.eye(dim)[np.arange(n) % 4] + 0.15 * rng.normal(size=(n, dim))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * np.tanh(rng.uniform(2, 3, size=(n, 1)) / 2)


@pytest.mark.parametrize("curvature", [0.25, 1.0, 4.0])
def test_two_dimensions_are_drawn_as_they_are(curvature: float) -> None:
    points = np.random.default_rng(1).uniform(-0.6, 0.6, size=(50, 2)) / np.sqrt(curvature)
    layout = disk_layout(points, curvature=curvature)
    np.testing.assert_allclose(layout.xy(), points * np.sqrt(curvature), atol=1e-12)


def test_one_dimension_lies_on_a_line() -> None:
    np.testing.assert_allclose(disk_layout([[0.5], [-0.25]]).xy(), [[0.5, 0.0], [-0.25, 0.0]], atol=1e-12)


@pytest.mark.parametrize("curvature", [0.0, 1e-6, 1.0])
def test_radii_tell_the_distance_from_the_origin(curvature: float) -> None:
    points = _shell()
    layout = disk_layout(points, curvature=curvature)
    distances = poincare.distance(np.zeros_like(points), points, curvature).numpy()
    np.testing.assert_allclose(layout.distances, distances, rtol=1e-9)
    radii = np.linalg.norm(layout.xy(), axis=1)
    np.testing.assert_allclose(radii, layout.radius(distances), rtol=1e-9)
    assert np.array_equal(np.argsort(radii), np.argsort(distances))
    assert radii.max() < 1
    assert layout.centre < distances.min()
    # The shell is spread over the disk.
    assert np.ptp(radii) > 0.5


def test_clusters_become_sectors() -> None:
    """Of 400 points in four clusters, nearly all are followed on the circle by a point of their own cluster."""
    layout = disk_layout(_shell())
    clusters = (np.arange(400) % 4)[np.argsort(layout.angles)]
    assert np.mean(clusters == np.roll(clusters, 1)) > 0.95


def test_the_layout_is_deterministic() -> None:
    points = _shell(seed=2)
    np.testing.assert_array_equal(disk_layout(points).xy(), disk_layout(points.copy()).xy())


@pytest.mark.parametrize(
    "points", [np.zeros((5, 4)), np.zeros((1, 3)), np.full((3, 3), 0.2), np.pad([[0.999999]], ((0, 3), (0, 4)))]
)
@pytest.mark.parametrize("curvature", [0.0, 1.0])
def test_degenerate_points_are_drawn(points: np.ndarray, curvature: float) -> None:
    assert np.isfinite(disk_layout(points, curvature=curvature).xy()).all()
    plot_disk(points, weights=np.zeros(len(points)), curvature=curvature)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_pictures_are_written(tmp_path, suffix: str) -> None:
    path = tmp_path / "new" / f"disk.{suffix}"
    weights = np.arange(400)
    plot_disk(_shell(), weights, labels=[f"item {i}" for i in range(400)], path=path, title="Items")
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert path.read_bytes().startswith(starts[suffix])


def test_the_heaviest_points_are_drawn_and_labelled() -> None:
    weights = np.arange(400)
    figure = plot_disk(_shell(), weights, labels=[f"item {i}" for i in range(400)], max_points=50, max_labels=3)
    drawn = figure.axes[0].collections[0]
    assert len(drawn.get_offsets()) == 50
    assert np.all(np.diff(drawn.get_sizes()) > 0)
    labels = [text.get_text() for text in figure.axes[0].texts if text.get_text().startswith("item")]
    assert len(labels) == 3
    assert labels[0] == "item 399"
    assert any("50 of 400 points" in text.get_text() for text in figure.texts)


def test_groups_are_in_the_legend_largest_first() -> None:
    groups = ["many"] * 300 + [f"few {i % 9}" for i in range(100)]
    entries = [text.get_text() for text in plot_disk(_shell(), groups=groups).axes[0].get_legend().get_texts()]
    assert entries[0] == "many"
    assert entries[-1] == "other"
    assert len(entries) == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": np.ones(3)}, "`points` must be a matrix"),
        ({"points": [[np.nan, 0.0]]}, "`points` must be finite"),
        ({"points": [[1.0, 0.5]]}, "inside the ball"),
        ({"points": [[0.1, 0.5]], "curvature": -1.0}, "`curvature` must be"),
        ({"points": [[0.1, 0.5]], "weights": [1, 2]}, "`weights` must be"),
        ({"points": [[0.1, 0.5]], "weights": [-1]}, "`weights` must be"),
        ({"points": [[0.1, 0.5]], "labels": ["a", "b"]}, "`labels` must have"),
        ({"points": [[0.1, 0.5]], "groups": []}, "`groups` must have"),
        ({"points": [[0.1, 0.5]], "max_points": 0}, "`max_points` must be"),
    ],
)
def test_bad_arguments_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot_disk(**arguments)


def test_without_matplotlib_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "hyperml-tf\[plots\]"'):
        plot_disk([[0.1, 0.2]])


@pytest.mark.parametrize("curvature", [0.0, 1.0])
def test_items_of_a_model(tmp_path, curvature: float) -> None:
    table = Interactions.from_arrays(["u", "u", "v", "v"], ["a", "b", "c", "a"])
    figure = plot_items(
        HyperML.from_interactions(table, dim=8, curvature=curvature), table.popularity(), tmp_path / "disk.png"
    )
    assert len(figure.axes[0].collections[0].get_offsets()) == 3
    assert (tmp_path / "disk.png").stat().st_size > 10_000
