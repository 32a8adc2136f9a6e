"""That everybody can read it: contrast and names, small screens, still figures, and what is missing is said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from tests.browser.conftest import AXE, OpenPage, Seen, Show, needs_npm
from tests.browser.scenes import SCENES
from tests.browser.stage import Stage

DESK = ViewportSize(width=1280, height=800)
TELEPHONE = ViewportSize(width=360, height=740)
RUN_MS = 1500
PAINTED_MS = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
ROOM = """() => {
    const state = document.createRange();
    state.selectNodeContents(document.getElementById("state"));
    return document.getElementById("halt").getBoundingClientRect().left - state.getBoundingClientRect().right;
}"""
"""Between the state's word and the button."""
DRAWN_MS = 200


def violations(page: Page) -> list[str]:
    """What axe has to say against the page as it stands."""
    if page.evaluate("() => typeof axe") == "undefined":
        page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


@needs_npm
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "scene",
    ["live", "in_doubt", "ledger_difference", "reducing", "panic", "hostile", "no_data", "feed_dead", "paused"],
)
def test_no_barriers(show: Show, scene: str, scheme: str) -> None:
    """Contrast, names and roles, in calm and in alarm, by day and by night."""
    page = show(scene)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    assert violations(page) == []


@needs_npm
def test_no_barriers_on_a_telephone(show: Show) -> None:
    """By night, in the state with the most on it."""
    page = show("hostile")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(TELEPHONE)
    try:
        assert violations(page) == []
    finally:
        page.set_viewport_size(DESK)


@needs_npm
def test_no_barriers_in_dialogs_and_silence(open_page: OpenPage, stage: Stage) -> None:
    """The timeline, each question, and the page when nothing comes."""
    page = open_page("halted")
    page.locator("#hedges button").first.click()
    expect(page.locator("#timeline-lines li").first).to_be_visible()
    assert violations(page) == []
    page.locator("#resume").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("#halt").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    stage.hold(True)
    expect(page.locator("#stale")).to_be_visible()
    assert violations(page) == []


def test_nothing_is_wider_than_a_telephone(show: Show) -> None:
    """At 360 px no state scrolls sideways, and HALT is on the screen."""
    page = show("flat")
    page.set_viewport_size(TELEPHONE)
    try:
        for scene in (
            "no_data",
            "feed_dead",
            "veteran",
            "live",
            "in_doubt",
            "panic",
            "limit_tripped",
            "ledger_difference",
            "hostile",
        ):
            show(scene)
            assert page.evaluate("() => document.documentElement.scrollWidth") <= TELEPHONE["width"], scene
            cut = page.locator(".panel").evaluate_all(
                "panels => panels.filter((each) => each.scrollWidth > each.clientWidth).map(({ id }) => id)"
            )
            assert cut == [], scene
            expect(page.locator("#halt")).to_be_in_viewport()
            assert page.evaluate(ROOM) >= 0, scene
    finally:
        page.set_viewport_size(DESK)


def test_a_timeline_lies_over_the_page(open_page: OpenPage) -> None:
    """On a telephone it covers what is below it, the charts too, and neither banner nor HALT."""
    page = open_page("hedging", width=TELEPHONE["width"], height=TELEPHONE["height"])
    page.locator("#panel-charts").scroll_into_view_if_needed()
    page.locator("#hedges button").first.click()
    expect(page.locator("#timeline-lines li").first).to_be_visible()
    page.locator("#plots").evaluate("node => node.scrollIntoView({ block: 'center' })")
    on_top = "([x, y]) => document.elementFromPoint(x, y).closest('#timeline, #banner')?.id"
    assert page.evaluate(on_top, [180, 300]) == "timeline"
    assert page.evaluate(on_top, [310, 30]) == "banner"


def test_one_screen_holds_what_matters(show: Show) -> None:
    """At 1280 x 800: banner, four answers, exposure, edge, P&L and health, without scrolling."""
    page = show("hedging")
    for panel in ("flat", "edge", "pnl", "health"):
        box = page.locator(f"#panel-{panel}").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= DESK["height"], panel


def test_changing_figures_move_nothing(show: Show, stage: Stage, desk: tuple[Page, Seen]) -> None:
    """While prices, ages and profits change, everything stays where it is."""
    page, _ = desk
    with page.expect_response("**/api/hedges"):  # another daemon's hedges may want other columns
        show("flat")
    page.wait_for_timeout(DRAWN_MS)
    page.evaluate(
        """() => {
            window.shifts = [];
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) {
                    const where = ({ node }) => `${node?.parentElement?.closest("[id]")?.id} ${node?.nodeName}`;
                    window.shifts.push(...entry.sources.map(where));
                }
            }).observe({ type: "layout-shift" });
        }"""
    )
    stage.actor.on.pace_s = Decimal(3)
    page.wait_for_timeout(RUN_MS)
    assert page.evaluate("() => window.shifts") == []


@needs_npm
def test_charts_are_drawn(open_page: OpenPage) -> None:
    """Three of them, with more than one colour on each, and the zone of their times said."""
    page = open_page("veteran")
    expect(page.locator("#plots canvas")).to_have_count(3)
    expect(page.locator("#h-charts")).to_contain_text("times in UTC")
    colours = page.locator("#plots canvas").evaluate_all(
        """(all) => all.map((canvas) => {
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            const seen = new Set();
            for (let at = 0; at < pixels.length; at += 4) {
                if (pixels[at + 3] === 255) seen.add(`${pixels[at]} ${pixels[at + 1]} ${pixels[at + 2]}`);
            }
            return seen.size;
        })"""
    )
    assert all(count > 1 for count in colours)


def without_charts(route: Route) -> None:
    """The daemon's answer on a machine without npm."""
    reply = route.fetch()
    route.fulfill(response=reply, json={**reply.json(), "charts": False} if reply.ok else reply.json())


def test_missing_charts_are_said(seen: Seen, stage: Stage, chromium: Browser) -> None:
    """Where npm was missing at set-up the page says what to do, and everything else works."""
    context = chromium.new_context()
    page = seen.watch(context.new_page())
    page.route("**/api/session", without_charts)
    stage.play(SCENES["flat"])
    page.goto(stage.link)
    expect(page.locator("#chart-note")).to_have_text("charts need npm at set-up: install npm, make setup")
    expect(page.locator("#state")).to_have_text("ACTIVE")
    page.unroute_all(behavior="ignoreErrors")  # the page asks again whenever its stream comes back
    context.close()


def test_changes_of_state_are_announced(show: Show, stage: Stage) -> None:
    """Whoever listens hears that the state changed, once, and why."""
    page = show("flat")
    stage.call(lambda: stage.actor.command("pause", "lunch", None))
    expect(page.locator("#announce")).to_have_text("State: paused. lunch")


def test_the_first_paint_is_measured(open_page: OpenPage, capsys: pytest.CaptureFixture[str]) -> None:
    """On loopback: in a browser that has nothing of it yet and is itself just starting, and at three later openings;
    told, not judged, since it is the machine's doing.
    """
    page = open_page("flat")
    painted_ms = [page.evaluate(PAINTED_MS)]
    for _ in range(3):
        page.reload()
        page.wait_for_timeout(500)
        painted_ms.append(page.evaluate(PAINTED_MS))
    with capsys.disabled():
        later = ", ".join(f"{each:.0f}" for each in painted_ms[1:])
        print(f"\nfirst paint of the page: {painted_ms[0]:.0f} ms, later openings {later} ms")  # noqa: T201
    assert all(each > 0 for each in painted_ms)
