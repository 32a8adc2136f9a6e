"""Photographs the page in every state, for people who want to see it without starting it.

`python -m tests.browser.shots [FOLDER]` writes two pictures a scene into docs/page, or FOLDER: as a desk sees it, light,
and as a telephone does, dark.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.scenes import SCENES
from tests.browser.stage import Stage

CHROMIUM = "/usr/bin/chromium"
FOLDER = Path(__file__).parents[2] / "docs" / "page"
VIEWS = {"1280-light": (1280, 800, "light"), "360-dark": (360, 740, "dark")}
BELOW = {"flat": "#panel-charts", "limit_tripped": "#panel-limits"}
"""Scenes that are also shown scrolled down to something."""
KB_MAX = 60
SETTLE_MS = 400


def main() -> None:
    """Take them all."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    scenes = sys.argv[2:] or list(SCENES)
    folder.mkdir(parents=True, exist_ok=True)
    with Stage() as stage, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name in scenes:
            stage.play(SCENES[name])
            for view in VIEWS:
                shoot(browser, stage, folder / f"{name}-{view}.png", view)
                if name in BELOW:
                    shoot(browser, stage, folder / f"{name}-below-{view}.png", view, BELOW[name])
        browser.close()


def shoot(browser: Browser, stage: Stage, path: Path, view: str, at: str | None = None) -> None:
    """One picture, its colours reduced until it is small."""
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
    if at is not None:
        page.locator(at).evaluate("node => node.scrollIntoView()")
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=path)
    context.close()
    picture = Image.open(path).convert("RGB")
    for colours in (256, 128, 64, 32):
        picture.quantize(colours, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= KB_MAX * 1024:
            return
    sys.exit(f"{path} is larger than {KB_MAX} kB")


if __name__ == "__main__":
    main()
