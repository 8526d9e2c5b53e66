"""The explorer as a person uses it, by mouse and by keyboard, in headless Chromium. Skipped without it: see CONTRIBUTING.md."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from hostile_titles import TITLES

from hyperml_tf.data import Interactions
from hyperml_tf.models import HyperML
from hyperml_tf.visualization import write_explorer

pytestmark = pytest.mark.slow
sync_api = pytest.importorskip("playwright.sync_api", reason="The browser tests need playwright: the extra `browser`.")

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
NAMES = ("chromium", "chromium-browser", "google-chrome")
KINDS = ["even", "odd"]

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A browser with a new profile."""
    installed = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=installed, args=list(FLAGS))
        except sync_api.Error as error:
            pytest.skip(f"No Chromium could be started: apt-get install chromium. {str(error).splitlines()[0]}")
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Open]:
    """Opens a page; at the end there must have been no error, and no request but for the page itself."""
    problems: list[str] = []
    contexts = []

    def opened(path: Path, **options: Any) -> Any:
        # Without animations, so that a test need not wait for them.
        context = browser.new_context(
            **{"viewport": {"width": 1200, "height": 800}, "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: request.url in (path.as_uri(), "data:,") or problems.append(f"request: {request.url}"),
        )
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.goto(path.as_uri())
        page.wait_for_selector("#stage[data-drawn]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tiny.trained()
    titles = {"title": [title(item) for item in model.candidate_tower.ids], "kind": KINDS * 75}
    return write_explorer(model, tmp_path_factory.mktemp("explorer") / "page.html", titles, users=20, k=6)


def title(item: str) -> str:
    return f"Title of {item}"


def settle(page: Any) -> None:
    """Waits for two frames: one moves the disk, and the next one has been drawn."""
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60))))"
    )


def centre_of(page: Any) -> tuple[float, float]:
    box = page.locator("#stage").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def named_at(page: Any, x: float, y: float) -> str | None:
    """The name that is shown when the mouse is at a place."""
    page.mouse.move(x - 1, y)
    page.mouse.move(x, y)
    tip = page.locator("#tip")
    return tip.locator("b").text_content() if tip.is_visible() else None


def search(page: Any, field: str, words: str) -> None:
    page.fill(f"#{field}-search", words)
    page.wait_for_selector(f"#{field}-options [role=option]")
    page.press(f"#{field}-search", "Enter")
    settle(page)


def listed(page: Any, number: int = 0) -> list[str]:
    """The names in a list of the card."""
    names = page.locator("#card ol").nth(number).locator(".name")
    return [re.sub(r"(even|odd|because of .*)$", "", text) for text in names.all_text_contents()]


def test_an_item_is_found_chosen_and_brought_to_the_centre_by_keyboard(open_page: Open, explorer: Path) -> None:
    model = tiny.trained()
    item = model.candidate_tower.ids[40]
    page = open_page(explorer)
    page.locator("#stage").focus()
    page.keyboard.press("/")
    page.keyboard.type(str(item).upper())
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.get_attribute("#item-search", "aria-activedescendant") == "item-options-0"
    page.keyboard.press("Enter")
    settle(page)
    assert page.text_content("#card h2") == title(item)
    assert listed(page) == [title(one) for one in model.similar_items([item], k=6).ids[0]]
    assert title(item) in page.text_content("#status")
    assert named_at(page, *centre_of(page)) == title(item)
    page.locator("#stage").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    settle(page)
    assert named_at(page, *centre_of(page)) != title(item)
    page.keyboard.press("Enter")
    settle(page)
    assert named_at(page, *centre_of(page)) == title(item)
    page.keyboard.press("n")
    assert page.text_content("#status") == listed(page)[0]
    page.keyboard.press("Escape")
    assert page.locator("#card").is_hidden()


def test_the_disk_is_dragged_zoomed_and_centred_by_mouse(open_page: Open, explorer: Path) -> None:
    page = open_page(explorer)
    search(page, "item", "Title of")
    chosen = page.text_content("#card h2")
    x, y = centre_of(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 20)
    page.mouse.move(x + 120, y + 50)
    page.mouse.up()
    settle(page)
    # What the mouse has taken hold of follows it, and is not let go of by a drag.
    assert named_at(page, x + 120, y + 50) == chosen == page.text_content("#card h2")
    page.mouse.wheel(0, -300)
    settle(page)
    assert named_at(page, x + 120, y + 50) == chosen
    page.mouse.dblclick(x + 120, y + 50)
    settle(page)
    assert named_at(page, x, y) == chosen
    page.click("#home")
    settle(page)
    page.mouse.click(10, 790)
    assert page.locator("#card").is_hidden()


def test_clicking_a_neighbour_goes_on_to_it(open_page: Open, explorer: Path) -> None:
    page = open_page(explorer)
    search(page, "item", "Title of")
    nearest = listed(page)[0]
    page.locator("#card ol button").first.click()
    settle(page)
    assert page.text_content("#card h2") == nearest
    assert named_at(page, *centre_of(page)) == nearest


def test_a_user_shows_history_recommendations_and_reasons(open_page: Open, explorer: Path) -> None:
    page = open_page(explorer)
    page.click("#user-search")
    user = page.locator("#user-options [role=option] .name").nth(2).text_content()
    search(page, "user", user)
    model = tiny.trained()
    assert page.text_content("#card h2") == f"User {user}"
    assert listed(page, 0) == [title(item) for item in model.recommend([user], k=6).ids[0]]
    rows = tiny.split().train.to_frame()
    assert listed(page, 1) == [title(item) for item in rows[rows["user"] == user]["item"]][::-1]
    reasons = page.locator("#card ol").first.locator("small").first.text_content()
    why = model.explain([user], model.recommend([user], k=1).ids[0])
    expected = [f"{title(item)} {share:.0%}" for item, share in zip(why.ids[0, :3], why.shares[0, :3], strict=True)]
    assert reasons == f"because of {' · '.join(expected)}"


def test_the_legend_filters(open_page: Open, explorer: Path) -> None:
    page = open_page(explorer)
    assert page.locator("#facet option").all_text_contents()[0] == "kind"
    search(page, "item", "Title of")
    x, y = centre_of(page)
    own = page.locator("#card dd").first.text_content()
    for kind in KINDS:
        page.locator("#groups button", has_text=kind).click()
        settle(page)
        assert page.locator("#groups button[aria-pressed=true]").count() == 1
        assert (named_at(page, x, y) == page.text_content("#card h2")) == (kind == own)
        page.click("#everything")
    assert page.locator("#groups button[aria-pressed=true]").count() == 0
    page.select_option("#facet", label="popularity")
    assert page.locator("#groups button").count() > 2


def paper(page: Any) -> list[int]:
    """Red, green and blue of the background."""
    colour = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    return [int(part) for part in re.findall(r"\d+", colour)[:3]]


def test_dark_and_light(open_page: Open, explorer: Path) -> None:
    page = open_page(explorer, color_scheme="dark")
    settle(page)
    assert max(paper(page)) < 60
    page.click("#theme")
    settle(page)
    assert min(paper(page)) > 200


def test_on_a_phone_nothing_is_cut_off_and_two_fingers_zoom(open_page: Open, explorer: Path) -> None:
    page = open_page(explorer, viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    search(page, "item", "Title of")
    assert page.locator("#card h2").bounding_box()["y"] < 700
    page.evaluate(
        """() => {
          const stage = document.getElementById("stage");
          stage.setPointerCapture = () => {};
          const send = (type, pointerId, clientX) =>
            stage.dispatchEvent(new PointerEvent(type, {pointerId, clientX, clientY: 180, pointerType: "touch", bubbles: true}));
          send("pointerdown", 1, 180); send("pointerdown", 2, 200);
          send("pointermove", 1, 120); send("pointermove", 2, 260);
          send("pointerup", 1, 120); send("pointerup", 2, 260);
        }"""
    )
    settle(page)
    assert float(page.get_attribute("#stage", "data-zoom")) > 4


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    n = len(TITLES)
    table = Interactions.from_arrays(["<b>user</b>"] * (n - 1) + ["v"], TITLES_AS_IDS)
    model = HyperML.from_interactions(table, dim=3)
    model.set_seen(table)
    places = np.arange(n) % 7
    columns = {"title": TITLES, "<i>kind</i>": [f"<u>{TITLES[place]}</u>" for place in places]}
    path = tmp_path_factory.mktemp("hostile") / "page.html"
    return write_explorer(model, path, columns, users=1, title="<script>window.ran=1</script>")


# Ids are text that can be encoded, and differ.
TITLES_AS_IDS = [f"{text.encode('utf-8', 'replace').decode()} id {number}" for number, text in enumerate(TITLES)]


def test_hostile_titles_are_text_and_never_run(open_page: Open, hostile: Path) -> None:
    page = open_page(hostile)
    before = page.evaluate("() => document.querySelectorAll('script, style, img, svg, iframe, link').length")
    assert page.text_content("#heading") == "<script>window.ran=1</script>"
    for words in (
        "onerror",
        "</script>",
        "{{data}}",
        "srcdoc",
        "שלום",
        "👩",
        "null",
        "nul  bell",
        "__proto__",
        "line break",
    ):
        page.fill("#item-search", words)
        page.wait_for_selector("#item-options li")
    search(page, "item", "<img src=x onerror=window.ran=1> 3")
    assert page.text_content("#card h2") == "<img src=x onerror=window.ran=1> 3"
    x, y = centre_of(page)
    assert named_at(page, x, y) is not None
    search(page, "user", "<b>")
    assert page.text_content("#card h2") == "User <b>user</b>"
    page.locator("#groups button").nth(1).click()
    for option in page.locator("#facet option").all():
        page.select_option("#facet", value=option.get_attribute("value"))
    settle(page)
    assert page.evaluate("() => [typeof window.ran, document.title]") == ["undefined", "<script>window.ran=1</script>"]
    assert page.evaluate("() => document.querySelectorAll('script, style, img, svg, iframe, link').length") == before


def test_the_policy_stops_what_a_page_might_be_made_to_load(browser: Any, explorer: Path) -> None:
    page = browser.new_page()
    page.goto(explorer.as_uri())
    blocked = page.evaluate(
        """() => {
          const script = document.createElement("script");
          try { script.textContent = "window.ran=1"; } catch (error) { return String(error.name); }
          document.body.append(script);
          return String(window.ran);
        }"""
    )
    assert blocked in ("TypeError", "undefined")
    page.close()
