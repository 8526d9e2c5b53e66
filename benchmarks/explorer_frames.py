"""Frame times of the explorer while its disk is dragged and zoomed, in headless Chromium without a graphics card.

    python benchmarks/explorer_frames.py [--items 20000 200000] [--out runs/explorer-frames.json]

The items are random points, their names and categories made up: what is measured is the page. Needs the extra `browser` and a
Chromium, at `--chromium` or where playwright has put its own. While the disk moves, the page draws as many items as there is time
for: how many that were is printed, too.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import hyperml_tf as hml

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)

# Drags the disk in circles, with a step of the wheel now and then, and notes the time of every frame and the work in it.
DRAG = """frames => new Promise(done => {
  const stage = document.getElementById("stage"), {width, height} = stage.getBoundingClientRect();
  const send = (type, x, y) => stage.dispatchEvent(new PointerEvent(type, {clientX: x, clientY: y, pointerId: 1, bubbles: true}));
  stage.setPointerCapture = () => {};
  send("pointerdown", width / 2, height / 2);
  const times = [];
  let count = 0;
  const step = now => {
    times.push(now);
    const angle = count / 12;
    send("pointermove", width / 2 + 150 * Math.sin(angle), height / 2 + 150 * (1 - Math.cos(angle)));
    if (count % 10 === 0) stage.dispatchEvent(new WheelEvent("wheel", {deltaY: count % 20 ? 60 : -60, cancelable: true}));
    if (++count <= frames) requestAnimationFrame(step);
    else { send("pointerup", 0, 0); done(times); }
  };
  requestAnimationFrame(step);
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--scale", type=float, default=1.0, help="device pixels per CSS pixel")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n in arguments.items:
            path, seconds = write_page(n, arguments.dim, Path(folder) / f"{n}.html")
            times, drawn = frame_times(path, arguments)
            row = {
                "items": n,
                "page_mb": round(path.stat().st_size / 1e6, 1),
                "written_in_s": round(seconds, 1),
                "drawn_while_moving": drawn,
                "median_ms": round(statistics.median(times), 1),
                "p95_ms": round(float(np.quantile(times, 0.95)), 1),
                "frames_per_s": round(1000 / statistics.fmean(times), 1),
            }
            print(row, flush=True)
            rows.append(row)
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(rows, indent=2) + "\n")


def write_page(n: int, dim: int, path: Path) -> tuple[Path, float]:
    """Writes the page of `n` items of an untrained model; returns its path and how long that took."""
    rng = np.random.default_rng(0)
    users = np.sort(rng.integers(0, 500, size=20 * n // 10))
    table = hml.Interactions.from_arrays(users, np.concatenate([np.arange(n), rng.zipf(1.3, size=len(users) - n) % n]))
    model = hml.HyperML.from_interactions(table, dim=dim)
    model.set_seen(table)
    columns = {
        "title": [f"Item {number} of the catalogue" for number in range(n)],
        "category": [f"Category {number}" for number in rng.integers(0, 12, size=n)],
    }
    start = time.perf_counter()
    hml.visualization.write_explorer(model, path, columns, users=20)
    return path, time.perf_counter() - start


def frame_times(path: Path, arguments: argparse.Namespace) -> tuple[list[float], int]:
    """The times between frames, in milliseconds, and how many items were drawn in the last of them."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=arguments.chromium,
            args=list(FLAGS),
            viewport={"width": arguments.width, "height": arguments.height},
            device_scale_factor=arguments.scale,
        )
        page = context.pages[0]
        page.on("pageerror", lambda error: print(f"Error in the page: {error}"))
        page.goto(path.resolve().as_uri())
        page.wait_for_timeout(1000)
        page.evaluate(DRAG, 30)  # the first frames are compiled, and find out how many items there is time for
        times = page.evaluate(DRAG, arguments.frames)
        drawn = int(page.get_attribute("#stage", "data-drawn") or 0)
        context.close()
    return np.diff(times).tolist(), drawn


if __name__ == "__main__":
    main()
