"""The pictures of the README: the items of a made-up catalogue on the Poincaré disk, and the explorer at work.

    python benchmarks/pictures.py [--out docs] [--page saved_models/explorer.html]

writes `disk.png`, `explorer.png` and `explorer.webp`, an animation. The two of the explorer are taken in a headless Chromium, at
`--chromium` or where playwright has put its own (the extra `browser`); `--only-disk` does without. With `--page`, the page of an
earlier call is opened again, and no model is trained.

The catalogue has a known taxonomy that the model does not see.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import tensorflow as tf

import hyperml_tf as hml

FRAMES_PER_SECOND = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--items", type=int, default=1500)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="the directory of the pictures")
    parser.add_argument(
        "--made", type=Path, default=Path("saved_models/explorer.html"), help="where the page is written"
    )
    parser.add_argument("--page", type=Path, help="the page of an earlier call")
    parser.add_argument("--only-disk", action="store_true", help="no pictures of the explorer")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    arguments = parser.parse_args()

    arguments.out.mkdir(parents=True, exist_ok=True)
    page = arguments.page
    if page is None:
        page = draw(arguments)
        print(f"{arguments.out / 'disk.png'}; to be opened in a browser, or again by this program: {page}")
    if not arguments.only_disk:
        film(page, arguments.out, arguments.chromium)
        for path in (arguments.out / "explorer.png", arguments.out / "explorer.webp"):
            print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def draw(arguments: argparse.Namespace) -> Path:
    """Trains, draws the disk, and writes the page."""
    tf.keras.utils.set_random_seed(0)
    catalogue = hml.synthesize(arguments.users, arguments.items, arguments.rows)
    table = catalogue.table
    model = hml.HyperML.from_interactions(table)
    model.compile()
    model.fit(table, epochs=arguments.epochs, verbose=2)
    # The table has its items in order of first appearance. Categories are paths such as "Home|Kitchen|Teapot".
    known = catalogue.items.set_index("item").loc[table.item_ids]
    items = {name: known[name].tolist() for name in ("title", "category")}
    figure = hml.visualization.plot_items(model, table.popularity(), items=items)
    figure.savefig(arguments.out / "disk.png", dpi=120)
    return hml.visualization.write_explorer(model, arguments.made, items, title="A made-up catalogue")


def film(page: Path, out: Path, chromium: str | None) -> None:
    """Takes the still picture of the page, and the animation."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=1.5)
        tab.goto(page.resolve().as_uri())
        choose_user(tab)
        tab.locator("#card ol button").nth(1).hover()
        tab.locator("#stage").focus()
        tab.wait_for_timeout(1500)
        tab.screenshot(path=out / "explorer.png")
        tab.close()
        camera = Camera(browser.new_page(viewport={"width": 960, "height": 600}), page)
        play(camera)
        camera.save(out / "explorer.webp")
        browser.close()


def choose_user(tab: Any) -> None:
    """The user with the longest history."""
    tab.click("#user-search")
    tab.press("#user-search", "ArrowDown")
    tab.press("#user-search", "Enter")


def play(camera: Camera) -> None:
    """What the animation shows: the disk is dragged, an item is found, and a user is chosen."""
    tab = camera.tab
    camera.hold(1.2)
    stage = tab.locator("#stage").bounding_box()
    x, y = stage["x"] + stage["width"] / 2, stage["y"] + stage["height"] / 2
    camera.glide(x - 120, y - 110, 0.5)
    tab.mouse.down()
    camera.glide(x + 110, y + 60, 1.8)
    camera.glide(x + 30, y + 120, 0.9)
    tab.mouse.up()
    camera.hold(0.6)

    camera.go_to("#item-search")
    camera.type("acoustic")
    camera.hold(0.5)
    tab.keyboard.press("Enter")
    tab.locator("#stage").focus()
    camera.hold(2.6)

    camera.go_to("#user-search")
    camera.hold(0.4)
    tab.keyboard.press("ArrowDown")
    camera.hold(0.4)
    tab.keyboard.press("Enter")
    tab.locator("#stage").focus()
    camera.hold(1.4)
    for number in (0, 1):
        camera.point_at("#card ol button", number)
        camera.hold(1.6)
    tab.locator("#stage").focus()
    tab.keyboard.press("Escape")
    camera.hold(0.8)


class Camera:
    """Frames of a page whose clock stands still between them, so that slow machines take the same pictures as fast ones.

    Args:
        tab: A page of playwright that has opened nothing yet.
        page: Path of the HTML file to open.
    """

    def __init__(self, tab: Any, page: Path) -> None:
        self.tab = tab
        self.frames: list[Any] = []
        self.mouse = (480.0, 590.0)
        tab.clock.install(time=0)
        tab.goto(page.resolve().as_uri())
        tab.clock.pause_at(10_000)
        tab.clock.run_for(2000)

    def shoot(self) -> None:
        """The next frame, with a pointer where the mouse is, which Chromium does not draw."""
        import io

        from PIL import Image, ImageDraw

        self.tab.clock.run_for(1000 // FRAMES_PER_SECOND)
        frame = Image.open(io.BytesIO(self.tab.screenshot())).convert("RGB")
        x, y = self.mouse
        arrow = [(0, 0), (0, 17), (4, 13), (7, 19), (10, 18), (7, 12), (12, 12)]
        ImageDraw.Draw(frame).polygon([(x + dx, y + dy) for dx, dy in arrow], fill="black", outline="white")
        self.frames.append(frame)

    def hold(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds * FRAMES_PER_SECOND))):
            self.shoot()

    def glide(self, x: float, y: float, seconds: float) -> None:
        """Moves the mouse, slowly at first and at the end."""
        (left, top), steps = self.mouse, max(1, round(seconds * FRAMES_PER_SECOND))
        for step in range(1, steps + 1):
            part = step / steps
            part = part * part * (3 - 2 * part)
            self.mouse = (left + part * (x - left), top + part * (y - top))
            self.tab.mouse.move(*self.mouse)
            self.shoot()

    def point_at(self, selector: str, number: int = 0) -> None:
        box = self.tab.locator(selector).nth(number).bounding_box()
        self.glide(box["x"] + min(box["width"] / 2, 90), box["y"] + box["height"] / 2, 0.5)

    def go_to(self, selector: str) -> None:
        self.point_at(selector)
        self.tab.mouse.down()
        self.tab.mouse.up()

    def type(self, text: str) -> None:
        for letter in text:
            self.tab.keyboard.type(letter)
            self.shoot()

    def save(self, path: Path) -> None:
        """Writes the animation, which begins again at its end. A picture that stays is one frame that is shown for longer."""
        kept: list[Any] = []
        times: list[int] = []
        for frame in self.frames:
            if kept and frame.tobytes() == kept[-1].tobytes():
                times[-1] += 1000 // FRAMES_PER_SECOND
            else:
                kept.append(frame)
                times.append(1000 // FRAMES_PER_SECOND)
        options = {"quality": 40, "method": 4, "minimize_size": True}
        kept[0].save(path, save_all=True, append_images=kept[1:], duration=times, loop=0, **options)


if __name__ == "__main__":
    main()
