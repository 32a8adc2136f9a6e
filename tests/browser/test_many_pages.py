"""Several pages of one browser, and sessions that end: a command goes through whatever the other pages do."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from arbbot.dashboard.stream import READERS_MAX
from arbbot.domain.mode import Mode
from tests.browser.conftest import OpenPage, Seen
from tests.browser.stage import TOKEN, Stage
from tests.browser.test_commands import halt, mode

PAGES = 7
"""One more than a browser has sockets for one host."""
DESK = 1
"""Readers in another browser."""
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
pytestmark = pytest.mark.usefixtures("desk")


def beside(page: Page, stage: Stage, seen: Seen, *, link: str | None = None) -> Page:
    """One more page of the same browser, once it shows the daemon."""
    other = seen.watch(page.context.new_page())
    other.goto(link or stage.address)
    expect(other.locator("#version")).to_have_text(stage.actor.on.version)
    return other


def commands(page: Page) -> list[str]:
    """The commands that a page sends from now on."""
    sent: list[str] = []

    def listen(request: Request) -> None:
        if urlsplit(request.url).path == "/api/command":
            sent.append(request.method)

    page.on("request", listen)
    return sent


def expires_at_the_next_command(page: Page) -> None:
    """The session ends under the first command: earlier, and the page may find out by itself, at any moment."""

    def expire(route: Route) -> None:
        page.context.clear_cookies()
        route.continue_()

    page.route("**/api/command", expire, times=1)


def crowd(stage: Stage, more: int) -> None:
    """So many more readers, as far as the stream knows."""
    stage.stream.crowd += more


def until(page: Page, true: Callable[[], bool]) -> None:
    """Wait for something of the stage."""
    for _ in range(50):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come")


def test_seven_pages_leave_room_for_a_halt(open_page: OpenPage, stage: Stage, seen: Seen) -> None:
    """All show the daemon and have read its past, on one stream; the first and the last can command."""
    first = open_page("flat")
    pages = [first, *(seen.watch(first.context.new_page()) for _ in range(PAGES - 1))]
    for page in pages[1:]:
        page.goto(stage.address, wait_until="commit")  # they load side by side
    for page in pages:
        expect(page.locator("#version")).to_have_text(stage.actor.on.version)
        expect(page.locator("#hedges tr").first).to_be_visible()
    until(first, lambda: stage.stream.readers == DESK + 1)
    pages[-1].locator("#pause").click()
    pages[-1].locator("#ask-pause [name=reason]").fill("lunch")
    pages[-1].keyboard.press("Enter")
    expect(pages[-1].locator("#said")).to_contain_text("PAUSE accepted: the daemon is paused")
    halt(first)
    expect(first.locator("#said")).to_contain_text("HALT accepted")
    for page in pages:
        expect(page.locator("#state")).to_have_text("HALTED")
    assert mode(stage) is Mode.HALTED


def test_another_page_takes_over_where_the_stream_was_held(open_page: OpenPage, stage: Stage, seen: Seen) -> None:
    """The page that held it is closed: the other goes on, and is not red for it."""
    first = open_page("flat")
    other = beside(first, stage, seen)
    first.close()
    until(other, lambda: stage.stream.readers == DESK + 1)
    stage.call(lambda: stage.actor.command("pause", "lunch", None))
    expect(other.locator("#state")).to_have_text("PAUSED")
    expect(other.locator("#stale")).to_be_hidden()


def test_a_hidden_page_does_not_listen_until_it_is_back(open_page: OpenPage, stage: Stage) -> None:
    """Nothing is streamed to nobody; its title says so; back in sight it is fresh."""
    page = open_page("flat")
    page.evaluate(HIDE, True)
    until(page, lambda: stage.stream.readers == DESK)
    stage.call(lambda: stage.actor.command("pause", "lunch", None))
    expect(page).to_have_title("not watching · ACTIVE · sandbox · arbbot")
    page.evaluate(HIDE, False)
    expect(page.locator("#state")).to_have_text("PAUSED")
    expect(page.locator("#stale")).to_be_hidden()


def test_a_second_login_does_not_disarm_the_first_page(open_page: OpenPage, stage: Stage, seen: Seen) -> None:
    """The link opened again in the same browser, with a new session even: HALT in the first page still goes through."""
    seen.expected = ("401 (Unauthorized)", "403 (Forbidden)")  # it may ask between the two sessions
    first = open_page("flat")
    first.context.clear_cookies()
    beside(first, stage, seen, link=stage.link)
    sent = commands(first)
    halt(first)
    expect(first.locator("#said")).to_contain_text("HALT accepted")
    assert len(sent) <= len(("refused", "taken"))
    assert mode(stage) is Mode.HALTED


def test_a_halt_outlives_the_end_of_its_session(open_page: OpenPage, stage: Stage, seen: Seen) -> None:
    """The session expired unnoticed: the question stays, the token is asked for, and then the halt goes as it was."""
    seen.expected = ("401 (Unauthorized)",)
    page = open_page("flat")
    expires_at_the_next_command(page)
    page.locator("#halt").click()
    page.locator("#ask-halt [name=reason]").fill("odd fills")
    page.keyboard.press("Enter")
    expect(page.locator("#ask-token")).to_be_visible()
    expect(page.locator("#ask-halt .error")).to_have_text("Not sent yet: it is sent once you have logged in.")
    assert mode(stage) is Mode.ACTIVE
    page.locator("#ask-token input").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("HALT accepted")
    expect(page.locator("#ask-halt")).to_be_hidden()
    assert stage.call(lambda: stage.actor.on.rig.state.mode_reason) == "odd fills"


def test_a_login_in_one_page_is_one_for_all(open_page: OpenPage, stage: Stage, seen: Seen) -> None:
    """The daemon forgot both pages of a browser: each asks, whoever held the stream gives way, and both go on."""
    seen.expected = ("401 (Unauthorized)", "403 (Forbidden)", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    first = open_page("flat")
    other = beside(first, stage, seen)
    first.context.clear_cookies()
    stage.drop()
    for page in (first, other):
        expect(page.locator("#ask-token")).to_be_visible()
    other.locator("#ask-token input").fill(TOKEN)
    other.keyboard.press("Enter")
    for page in (first, other):
        expect(page.locator("#ask-token")).to_be_hidden()
        expect(page.locator("#stale")).to_be_hidden()
    halt(first)
    for page in (first, other):
        expect(page.locator("#state")).to_have_text("HALTED")


def test_six_pages_without_locks_leave_room_for_a_halt(open_page: OpenPage, stage: Stage, seen: Seen) -> None:
    """As by plain http under a name of the network: each page holds a stream, and lets it go for a command."""
    seen.expected = ("ERR_INCOMPLETE_CHUNKED_ENCODING",)
    first = open_page("flat")
    first.context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    first.reload()
    pages = [first, *(beside(first, stage, seen) for _ in range(PAGES - 2))]
    until(first, lambda: stage.stream.readers == DESK + PAGES - 1)
    halt(pages[-1])
    expect(pages[-1].locator("#said")).to_contain_text("HALT accepted")
    assert mode(stage) is Mode.HALTED


def test_a_hidden_page_keeps_its_session(open_page: OpenPage, seen: Seen) -> None:
    """It takes no frames, and says once an hour that it is there."""
    page = open_page("flat", clock=True)
    page.evaluate(HIDE, True)
    seen.asked.clear()
    with page.expect_response("**/api/session"):
        page.clock.fast_forward("01:00:01")
    page.evaluate(HIDE, False)


def test_logging_out_ends_the_session(open_page: OpenPage, seen: Seen) -> None:
    """The page then shows nothing but the question for the token."""
    seen.expected = ("401 (Unauthorized)",)
    page = open_page("flat")
    page.locator("#logout").click()
    expect(page.locator("#ask-token")).to_be_visible()
    expect(page.locator("#state")).to_have_text("NO DATA YET")
    assert page.context.cookies() == []


def test_a_pause_is_not_sent_behind_a_login(open_page: OpenPage, stage: Stage, seen: Seen) -> None:
    """What is no emergency wants to be asked again; what was typed is still there."""
    seen.expected = ("401 (Unauthorized)",)
    page = open_page("flat")
    expires_at_the_next_command(page)
    page.locator("#pause").click()
    page.locator("#ask-pause [name=reason]").fill("lunch")
    page.keyboard.press("Enter")
    page.locator("#ask-token input").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#ask-token")).to_be_hidden()
    expect(page.locator("#ask-pause .error")).to_have_text("Not done: log in and ask again.")
    expect(page.locator("#ask-pause [name=reason]")).to_have_value("lunch")
    assert mode(stage) is Mode.ACTIVE
    page.locator("#ask-pause [type=submit]").click()
    expect(page.locator("#state")).to_have_text("PAUSED")


def test_double_clicks_halt_once(open_page: OpenPage, stage: Stage) -> None:
    """On the button: one question and nothing sent. On the answer: one command."""
    page = open_page("flat")
    sent = commands(page)
    page.locator("#halt").dblclick()
    expect(page.locator("#ask-halt")).to_be_visible()
    assert mode(stage) is Mode.ACTIVE
    page.locator("#ask-halt [type=submit]").dblclick(no_wait_after=True)
    expect(page.locator("#state")).to_have_text("HALTED")
    assert sent == ["POST"]


def test_a_page_too_many_is_told_why(open_page: OpenPage, stage: Stage, seen: Seen) -> None:
    """A page that the daemon has no room for is red after two seconds, with the daemon's reason; then it gets in."""
    seen.expected = ("503 (Service Unavailable)",)
    stage.call(lambda: crowd(stage, READERS_MAX))
    try:
        page = open_page("flat", link=stage.link)
        expect(page.locator("#stale")).to_contain_text("NO DATA YET")
        expect(page.locator("#stale")).to_contain_text('the daemon says "32 pages are open already"')
        expect(page.locator("#state")).to_have_text("NO DATA YET")
    finally:
        stage.call(lambda: crowd(stage, -READERS_MAX))
    expect(page.locator("#state")).to_have_text("ACTIVE")
    expect(page.locator("#stale")).to_be_hidden()
