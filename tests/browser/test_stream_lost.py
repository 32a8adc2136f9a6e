"""What the page does when the daemon falls silent, goes, or forgets it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, Seen
from tests.browser.stage import TOKEN, Stage

REFUSED = "401 (Unauthorized)"
A_FEW_FRAMES_MS = 600
A_CENTURY_S = 3e9


def test_two_seconds_of_silence_are_red_and_said(open_page: OpenPage, stage: Stage) -> None:
    """By the page's own clock: fresh after one second, red before two; fresh again with the next frame."""
    page = open_page("flat", clock=True)
    expect(page.locator("#stale")).to_be_hidden()
    stage.hold(True)
    page.wait_for_timeout(A_FEW_FRAMES_MS)  # what was on its way has come
    page.clock.pause_at("2100-01-01T00:00:00Z")
    expect(page.locator("#stale")).to_be_visible()
    stage.actor.ahead_s = A_CENTURY_S
    stage.hold(False)
    page.wait_for_timeout(A_FEW_FRAMES_MS)
    stage.hold(True)
    page.wait_for_timeout(A_FEW_FRAMES_MS)
    page.clock.run_for(1000)
    expect(page.locator("#stale")).to_be_hidden()
    page.clock.run_for(900)
    expect(page.locator("#stale")).to_contain_text("NO UPDATES for 1.9 s")
    expect(page.locator("#age")).to_have_text("1.9 s ago")
    assert page.title().startswith("STALE")
    stage.hold(False)
    page.wait_for_timeout(A_FEW_FRAMES_MS)
    page.clock.run_for(100)
    expect(page.locator("#stale")).to_be_hidden()
    page.clock.run_for(500)
    expect(page).to_have_title("ACTIVE · sandbox · arbbot")


def test_the_alarm_is_said_once(open_page: OpenPage, stage: Stage) -> None:
    """A screen reader hears that the page is old, not every tenth of a second how old; the halt's green fades too."""
    page = open_page("halted")
    expect(page.locator("#after-halt-word")).to_have_text("Confirmed from the venue")
    stage.hold(True)
    expect(page.locator("#stale")).to_be_visible()
    expect(page.locator("#stale-for")).to_have_attribute("aria-hidden", "true")
    changes = page.evaluate(
        """async () => {
            let changes = 0;
            const others = ({ target }) => target.id !== "stale-for";
            const watched = new MutationObserver((all) => (changes += all.filter(others).length));
            watched.observe(document.getElementById("stale"), { childList: true, characterData: true, subtree: true });
            await new Promise((over) => setTimeout(over, 1000));
            return changes;
        }"""
    )
    assert changes == 0
    assert page.locator("#after-halt").evaluate("node => getComputedStyle(node).filter") == "grayscale(1)"


def test_a_stream_that_ends_comes_back_with_everything_read_anew(open_page: OpenPage, seen: Seen, stage: Stage) -> None:
    """The browser reconnects by itself; session, series and hedges are fetched again."""
    seen.expected = ("ERR_INCOMPLETE_CHUNKED_ENCODING",)
    page = open_page("flat")
    expect(page.locator("#hedges tr").first).to_be_visible()
    seen.asked.clear()
    with page.expect_response("**/api/series") as told:
        stage.drop()
    assert told.value.ok
    assert {"session", "series", "hedges", "stream"} <= {url.rsplit("/", 1)[-1] for url in seen.asked}


def test_a_session_that_is_gone_asks_for_the_token(open_page: OpenPage, seen: Seen, stage: Stage) -> None:
    """As after a restart of the daemon: the page says so, takes the token, and goes on."""
    seen.expected = (REFUSED, "403 (Forbidden)", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    page = open_page("flat")
    page.context.clear_cookies()
    stage.drop()
    dialog = page.locator("#ask-token")
    expect(dialog).to_be_visible()
    expect(dialog.locator(".error")).to_contain_text("it may have been restarted")
    dialog.locator("input").fill("not the token")
    page.keyboard.press("Enter")
    expect(dialog.locator(".error")).to_contain_text("that is not this page's token")
    dialog.locator("input").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("#stale")).to_be_hidden()


def test_without_a_token_nothing_is_shown_but_the_question(open_page: OpenPage, seen: Seen, stage: Stage) -> None:
    """Whoever opens the bare address sees no figure, and where the token lies."""
    seen.expected = (REFUSED,)
    page = open_page("flat", link=stage.address)
    expect(page.locator("#ask-token")).to_be_visible()
    expect(page.locator("#token-about")).to_contain_text("arbbot page")
    expect(page.locator("#state")).to_have_text("NO DATA YET")
    expect(page.locator("#exposure-low")).to_have_text("—")


def test_the_token_does_not_stay_in_the_address(open_page: OpenPage, stage: Stage) -> None:
    """Neither history nor a photograph of the screen keeps it."""
    page = open_page("flat")
    assert page.url == stage.address


def test_a_page_that_never_had_a_frame_is_red(open_page: OpenPage, stage: Stage, seen: Seen) -> None:
    """Logged in, and nothing comes: after two seconds it says so in words."""
    page = open_page("flat", link=stage.address + "favicon.svg")
    page.route("**/api/stream", lambda route: route.fulfill(content_type="text/event-stream", body="retry: 60000\n\n"))
    page.goto(stage.link)
    expect(page.locator("#stale")).to_contain_text("NO DATA YET for")
    expect(page.locator("#stale")).to_contain_text("Nothing below is known. HALT still works")
    expect(page.locator("#age")).to_have_text("never")


def test_frames_that_come_late_are_old(open_page: OpenPage, stage: Stage) -> None:
    """As when a tunnel or a sleeping machine plays back what it kept: they come, and the page is red all the same."""
    page = open_page("flat")
    page.wait_for_timeout(A_FEW_FRAMES_MS)
    page.clock.install()
    page.clock.fast_forward(4_000)  # a second of frames that were made four seconds ago
    expect(page.locator("#stale")).to_contain_text("NO UPDATES for 4")
    stage.actor.ahead_s = 4.0
    expect(page.locator("#stale")).to_be_hidden()


def test_a_clock_that_is_set_back_is_no_silence(open_page: OpenPage, stage: Stage) -> None:
    """The daemon's wall clock goes an hour back: the frames are as new as before."""
    page = open_page("flat")
    stage.actor.ahead_s = -3600.0
    page.wait_for_timeout(A_FEW_FRAMES_MS)
    expect(page.locator("#stale")).to_be_hidden()
