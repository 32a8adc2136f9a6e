from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize, expect, sync_playwright

from tests.browser.scenes import SCENES
from tests.browser.stage import Stage

CHROMIUM = Path("/usr/bin/chromium")
HERE = Path(__file__).parent
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
needs_npm = pytest.mark.skipif(
    not AXE.exists() and not os.environ.get("CI"),
    reason="no node_modules: npm was missing at set-up (Debian: apt install npm; then make setup)",
)
FRAME_MS = 5_000
"""How long an expectation waits; a busy machine is slow, not wrong."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These come last: while the driver lives, its loop runs in this thread and no other can. Without a browser they
    say so once for all; where nothing may be skipped they fail instead.
    """
    items.sort(key=lambda item: item.path.is_relative_to(HERE))
    if CHROMIUM.exists() or os.environ.get("CI"):
        return
    missing = pytest.mark.skip(reason=f"no browser: {CHROMIUM} is not installed (Debian: apt install chromium)")
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(missing)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The page's server with a daemon behind it, in another thread."""
    with Stage() as stage:
        yield stage


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests."""
    expect.set_options(timeout=FRAME_MS)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@dataclass
class Seen:
    """What pages said and asked for while they were open. The driver hangs attributes of its own on it."""

    console: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()
    """What the console is bound to say: the browser itself reports each refused request there."""

    def watch(self, page: Page) -> Page:
        """Listen to a page."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", self._asked)
        return page

    def _said(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _asked(self, request: Request) -> None:
        self.asked.append(request.url)

    def check(self) -> None:
        """Nothing was complained of, and nothing was asked of another machine."""
        assert [text for text in self.console if not any(each in text for each in self.expected)] == []
        assert {urlsplit(url).hostname for url in self.asked} <= {"127.0.0.1"}


OpenPage = Callable[..., Page]
Show = Callable[[str], Page]


@pytest.fixture(scope="session")
def desk(stage: Stage, chromium: Browser) -> Iterator[tuple[Page, Seen]]:
    """One page that stays open while one daemon after the other is behind it."""
    seen = Seen()
    page = seen.watch(chromium.new_page(viewport=ViewportSize(width=1280, height=800), timezone_id="UTC"))
    stage.play(SCENES["flat"])
    page.goto(stage.link)
    yield page, seen
    page.close()


@pytest.fixture
def show(stage: Stage, desk: tuple[Page, Seen]) -> Iterator[Show]:
    """Brings a scene on behind the open page, and waits until it shows that one."""
    page, seen = desk
    seen.console.clear()

    def shown(scene: str) -> Page:
        played = stage.play(SCENES[scene])
        expect(page.locator("#version")).to_have_text(played.version)
        return page

    yield shown
    seen.check()


@pytest.fixture
def seen() -> Iterator[Seen]:
    """Filled while pages are open that were opened anew; at the end nothing has gone wrong or out in them."""
    seen = Seen()
    yield seen
    seen.check()


@pytest.fixture
def open_page(stage: Stage, chromium: Browser, seen: Seen) -> Iterator[OpenPage]:
    """Opens the page anew in a scene, as a person with the link."""
    contexts = []

    def opened(
        scene: str,
        *,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        link: str | None = None,
        clock: bool = False,
    ) -> Page:
        played = stage.play(SCENES[scene])
        context = chromium.new_context(
            viewport=ViewportSize(width=width, height=height),
            color_scheme="dark" if dark else "light",
            timezone_id="UTC",
            locale="en-GB",
        )
        contexts.append(context)
        page = seen.watch(context.new_page())
        if clock:
            page.clock.install()
        page.goto(link or stage.link)
        if link is None:
            expect(page.locator("#version")).to_have_text(played.version)
        return page

    yield opened
    for context in contexts:
        context.close()
