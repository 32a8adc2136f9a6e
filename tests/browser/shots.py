"""Photographs the page in every state, for people who want to see it without starting it.

`python -m tests.browser.shots [FOLDER]` writes two pictures a scene into docs/page, or FOLDER: as a desk sees it,
light, and as a telephone does, dark.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.scenes import SCENES
from tests.browser.stage import Stage

CHROMIUM = "/usr/bin/chromium"
FOLDER = Path(__file__).parents[2] / "docs" / "page"
VIEWS = {"1280-light": (1280, 800, "light"), "360-dark": (360, 740, "dark")}
KB_MAX = 90
SETTLE_MS = 400


Act = Callable[[Page, Stage], None]


def below(selector: str) -> Act:
    """Scrolled down to something."""
    return lambda page, _: page.locator(selector).evaluate("node => node.scrollIntoView()")


def timeline(page: Page, _: Stage) -> None:
    """With a hedge's timeline open."""
    page.locator("#hedges button").first.click()
    expect(page.locator("#timeline-lines li").first).to_be_visible()


def silence(page: Page, stage: Stage) -> None:
    """When the stream has stopped."""
    stage.hold(True)
    expect(page.locator("#stale")).to_be_visible()


SHOTS: list[tuple[str, str, Act | None]] = [
    *((name, name, None) for name in SCENES if name not in ("veteran", "unpriced", "weighed")),
    ("charts", "veteran", below("#panel-charts")),
    ("limits", "limit_tripped", below("#panel-limits")),
    ("radar", "paper", below("#panel-radar")),
    ("timeline", "one_sided", timeline),
    ("silence", "live", silence),
    ("halt_asked", "live", lambda page, _: page.locator("#halt").click()),
]
"""Name of the picture, scene, and what is done before it is taken."""


def shoot(browser: Browser, stage: Stage, path: Path, view: str, act: Act | None) -> None:
    """One picture, its colours reduced until it is small, but not so far that one tone becomes another."""
    width, height, scheme = VIEWS[view]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="light" if scheme == "light" else "dark",
        timezone_id="UTC",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(stage.link)
    expect(page.locator("#version")).not_to_have_text("—")
    if act is not None:
        act(page, stage)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=path)
    context.close()
    picture = Image.open(path).convert("RGB")
    for colours in (256, 128):
        picture.quantize(colours, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= KB_MAX * 1024:
            return
    sys.exit(f"{path} is larger than {KB_MAX} kB")


def main() -> None:
    """Take them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with Stage() as stage, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, scene, act in SHOTS:
            for view in VIEWS:
                stage.play(SCENES[scene])
                shoot(browser, stage, folder / f"{name}-{view}.png", view, act)
        browser.close()


if __name__ == "__main__":
    main()
