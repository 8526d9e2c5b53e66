"""Draw what a model has learned: a plot of the items on the Poincaré disk, and a page to explore them.

    python examples/draw_the_space.py [--out saved_models/disk.png] [--page saved_models/explorer.html]

The catalogue is synthetic, with a known taxonomy that the model does not see. The pictures in the README are the output of this
program; that of the page needs playwright and a Chromium: `--out docs/disk.png --screenshot docs/explorer.png`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import tensorflow as tf

import hyperml_tf as hml


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--items", type=int, default=1500)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("saved_models/disk.png"))
    parser.add_argument("--page", type=Path, default=Path("saved_models/explorer.html"))
    parser.add_argument("--screenshot", type=Path, metavar="PNG", help="also take a picture of the page, in Chromium")
    arguments = parser.parse_args()

    tf.keras.utils.set_random_seed(0)
    catalogue = hml.synthesize(arguments.users, arguments.items, arguments.rows)
    table = catalogue.table
    model = hml.HyperML.from_interactions(table)
    model.compile()
    model.fit(table, epochs=arguments.epochs, verbose=2)

    # The table has its items in order of first appearance. Categories are paths such as "Home|Kitchen|Teapot".
    known = catalogue.items.set_index("item").loc[table.item_ids]
    items = {name: known[name].tolist() for name in ("title", "category")}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    hml.visualization.plot_items(model, table.popularity(), items=items).savefig(arguments.out, dpi=120)
    print(f"Drawn to {arguments.out}")
    hml.visualization.write_explorer(model, arguments.page, items, title="A made-up catalogue")
    print(f"To be opened in a browser: {arguments.page}")
    if arguments.screenshot is not None:
        take_picture(arguments.page, arguments.screenshot)
        print(f"A picture of it: {arguments.screenshot}")


def take_picture(page: Path, picture: Path) -> None:
    """Opens the page, chooses the user with the longest history, points at a recommendation, and takes a picture."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=1.5)
        tab.goto(page.resolve().as_uri())
        tab.click("#user-search")
        tab.press("#user-search", "ArrowDown")
        tab.press("#user-search", "Enter")
        tab.locator("#card ol button").nth(1).hover()
        tab.locator("#stage").focus()
        tab.wait_for_timeout(1500)
        tab.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main()
