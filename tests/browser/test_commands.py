"""Halt, pause and resume from the page, carried out by a real engine and confirmed by the venue behind it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, Route, expect

from arbbot.domain.commands import Topic
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import OpenOrder, VenueOrderStatus
from tests.browser.conftest import OpenPage, Seen, Show
from tests.browser.stage import Stage

IMPATIENT = """() => {
    AbortSignal.timeout = () => {
        const over = new AbortController();
        setTimeout(() => over.abort(new DOMException("late", "TimeoutError")), 500);
        return over.signal;
    };
}"""
"""Half a second is five."""


def mode(stage: Stage) -> Mode:
    """The engine's own word."""
    return stage.call(stage.actor.on.rig.mode)


def let_time_pass(stage: Stage, pace_s: str) -> None:
    """So much market time with each frame from now on."""
    stage.actor.on.pace_s = Decimal(pace_s)


def halt(page: Page) -> None:
    """One click, and the confirmation that has the focus already."""
    page.locator("#halt").click()
    expect(page.locator("#ask-halt [type=submit]")).to_be_focused()
    page.keyboard.press("Enter")


def test_halt_shows_what_is_open_until_the_venue_says_nothing_is(show: Show, stage: Stage) -> None:
    """With a sale resting: halted at once, then what is still open, then the venue's word that nothing is."""
    page = show("hedging")
    halt(page)
    expect(page.locator("#state")).to_have_text("HALTED")
    assert mode(stage) is Mode.HALTED
    expect(page.locator("#said")).to_contain_text("HALT accepted: the daemon is halted")
    expect(page.locator("#after-halt-word")).to_have_text("Still open")
    expect(page.locator("#after-halt-text")).to_contain_text("1 order")
    expect(page.locator("#state-detail")).to_contain_text("halted from the page")
    let_time_pass(stage, "2")
    expect(page.locator("#after-halt-word")).to_have_text("Confirmed from the venue")
    expect(page.locator("#answer-flat .word")).to_have_text("Flat")
    left = stage.call(lambda: {order.status for order in stage.actor.on.rig.venue.orders if order.remaining})
    assert left == {VenueOrderStatus.CANCELED}


def test_a_halt_at_rest_is_confirmed_by_a_reading_after_it(show: Show, stage: Stage) -> None:
    """That nothing was open before is not enough: the venue is asked again."""
    page = show("flat")
    halt(page)
    expect(page.locator("#after-halt-word")).to_have_text("Nothing is open")
    let_time_pass(stage, "4")
    expect(page.locator("#after-halt-word")).to_have_text("Confirmed from the venue")
    claim = (
        r"list of open orders is empty .*, 1\d s after the halt\); its balances and rows equal the ledger .* after the"
    )
    expect(page.locator("#after-halt-text")).to_have_text(re.compile(claim))


def test_nothing_is_confirmed_before_the_venue_listed_its_orders(show: Show, stage: Stage) -> None:
    """Balances that agree do not tell of an order that rests: where the list is not had, the strip waits for it."""
    page = show("flat")
    stage.actor.on.rig.venue.failing = {Topic.OPEN_ORDERS}
    halt(page)
    let_time_pass(stage, "4")
    expect(page.locator("#after-halt-text")).to_have_text(
        "by our own books; waiting for the venue's word on its open orders (a list that it gives within 10 s may be an "
        "old one)"
    )
    expect(page.locator("#after-halt-word")).to_have_text("Nothing is open")


@pytest.mark.parametrize("own", [True, False])
def test_what_the_venue_lists_is_not_called_nothing(show: Show, stage: Stage, own: bool) -> None:
    """An order that our books have ended, or somebody else's: no green word, until the list is empty."""
    page = show("flat")

    def listed() -> None:
        venue = stage.actor.on.rig.venue
        known = venue.orders[0]
        name, venue_order_id = (known.terms.client_order_id, known.venue_order_id) if own else (None, 999_999)
        price = size = Decimal(1)
        venue.strays = (OpenOrder(venue_order_id, name, "btcusd", Side.SELL, price, size),)

    def gone() -> None:
        stage.actor.on.rig.venue.strays = ()

    stage.call(listed)
    halt(page)
    let_time_pass(stage, "4")
    expect(page.locator("#after-halt-word")).to_have_text("The venue lists open orders")
    whose = "of ours that our books have ended" if own else "that this daemon did not send"
    expect(page.locator("#after-halt-text")).to_contain_text(f"1 order {whose}")
    expect(page.locator("#answer-doubt .word")).to_have_text("1 order listed" if own else "Nothing")
    stage.call(gone)
    expect(page.locator("#after-halt-word")).to_have_text("Confirmed from the venue")


@pytest.mark.parametrize("reason", ["", "   ", "stop\u00a0now", "a\u200bb"])
def test_no_halt_is_refused_over_its_reason(show: Show, stage: Stage, reason: str) -> None:
    """None, blanks, and what telephones and pasted text put between words."""
    page = show("flat")
    page.locator("#halt").click()
    page.locator("#ask-halt [name=reason]").fill(reason)
    page.locator("#ask-halt [type=submit]").click()
    expect(page.locator("#said")).to_contain_text("HALT accepted")
    told = {"stop\u00a0now": "stop now", "a\u200bb": "a b"}.get(reason, "halted from the page")
    assert stage.call(lambda: stage.actor.on.rig.state.mode_reason) == told
    page.locator("#halt").click()
    expect(page.locator("#ask-halt [name=reason]")).to_have_value("halted from the page")
    page.keyboard.press("Escape")


def test_halt_works_while_the_stream_is_dead(open_page: OpenPage, stage: Stage) -> None:
    """No frame comes, the page is red, and the button still stops trading and says that it did."""
    page = open_page("hedging")
    stage.hold(True)
    expect(page.locator("#stale")).to_be_visible()
    halt(page)
    expect(page.locator("#said")).to_contain_text("HALT accepted: the daemon is halted")
    assert mode(stage) is Mode.HALTED


def test_a_halt_that_finds_nobody_says_how_else(open_page: OpenPage, seen: Seen, stage: Stage) -> None:
    """The daemon is out of reach, which a page cannot tell from an answer that was lost: the dialog stays."""
    seen.expected = ("ERR_INTERNET_DISCONNECTED",)
    page = open_page("flat")
    page.context.set_offline(True)
    halt(page)
    expect(page.locator("#ask-halt .error")).to_have_text(
        "It may have been done: no connection, or it broke before an answer. In a terminal: arbbot halt --reason TEXT"
    )
    expect(page.locator("#ask-halt")).to_be_visible()
    assert mode(stage) is Mode.ACTIVE


def test_what_was_not_answered_is_not_called_undone(open_page: OpenPage, stage: Stage) -> None:
    """A command was sent and no answer came in time: it may have been carried out, and here it was."""
    page = open_page("halted")
    page.route("**/api/command", lambda route: route.fetch())  # it arrives, and the page never hears of it
    page.evaluate(IMPATIENT)
    page.locator("#resume").click()
    page.locator("#ask-resume [name=reason]").fill("looked at it")
    page.locator("#ask-resume [name=phrase]").fill("resume sandbox")
    page.keyboard.press("Enter")
    expect(page.locator("#ask-resume .error")).to_have_text(
        "It may have been done: no answer within 5 s. In a terminal: arbbot resume --reason TEXT"
    )
    expect(page.locator("#state")).to_have_text("ACTIVE")
    assert mode(stage) is Mode.ACTIVE
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize("answer", ["reset", "cut", "another", "502"])
def test_an_answer_that_was_lost_is_not_called_a_refusal(
    open_page: OpenPage, seen: Seen, stage: Stage, answer: str
) -> None:
    """A tunnel that dies, half an answer, what is none, or a proxy's word: the halt was done, and nobody says not."""
    seen.expected = ("ERR_CONNECTION_RESET", "502 (Bad Gateway)")
    page = open_page("flat")

    def lose(route: Route) -> None:
        route.fetch()
        if answer == "reset":
            route.abort("connectionreset")
        elif answer == "502":
            route.fulfill(status=502, body="<h1>Bad Gateway</h1>")
        else:
            route.fulfill(content_type="application/json", body='{"state"' if answer == "cut" else "{}")

    page.route("**/api/command", lose)
    halt(page)
    expect(page.locator("#ask-halt .error")).to_contain_text("It may have been done")
    expect(page.locator("#ask-halt .error")).to_be_visible()
    assert mode(stage) is Mode.HALTED
    page.unroute_all(behavior="ignoreErrors")


def test_escape_commands_nothing(show: Show, stage: Stage) -> None:
    """A dialog that is left is as if it had not been opened."""
    page = show("flat")
    for verb in ("halt", "pause"):
        page.locator(f"#{verb}").click()
        page.keyboard.press("Escape")
        expect(page.locator(f"#ask-{verb}")).to_be_hidden()
    assert mode(stage) is Mode.ACTIVE


def test_resume_wants_the_phrase_and_a_reason(show: Show, stage: Stage) -> None:
    """Neither alone is enough; with both the engine trades again and the reason is on record."""
    page = show("halted")
    dialog = page.locator("#ask-resume")
    page.locator("#resume").click()
    expect(dialog).to_contain_text("acknowledges deposits, withdrawals and other people's rows")
    submit = dialog.locator("[type=submit]")
    expect(submit).to_be_disabled()
    dialog.locator("[name=phrase]").fill("resume live")
    expect(submit).to_be_disabled()
    dialog.locator("[name=phrase]").fill("resume sandbox")
    expect(submit).to_be_enabled()
    submit.click()
    expect(dialog).to_be_visible()
    assert mode(stage) is Mode.HALTED
    dialog.locator("[name=reason]").fill("fills were confirmed with the venue")
    submit.click()
    expect(page.locator("#state")).to_have_text("ACTIVE")
    expect(page.locator("#after-halt")).to_be_hidden()
    expect(page.locator("#notes")).to_contain_text("by the page: fills were confirmed with the venue")


def test_pause_wants_a_reason(show: Show, stage: Stage) -> None:
    """Empty it stays; with one the daemon is paused, and only resuming is offered then."""
    page = show("flat")
    page.locator("#pause").click()
    dialog = page.locator("#ask-pause")
    dialog.locator("[type=submit]").click()
    expect(dialog).to_be_visible()
    dialog.locator("[name=reason]").fill("lunch")
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_have_text("PAUSED")
    expect(page.locator("#pause")).to_be_disabled()
    expect(page.locator("#resume")).to_be_enabled()
    assert mode(stage) is Mode.PAUSED


@pytest.mark.parametrize("scene", ["flat", "halted", "stopping", "no_data"])
def test_halt_is_always_offered(show: Show, scene: str) -> None:
    """In every state, and wherever the page is scrolled to."""
    page = show(scene)
    page.locator("#panel-notes").scroll_into_view_if_needed()
    expect(page.locator("#halt")).to_be_enabled()
    expect(page.locator("#halt")).to_be_in_viewport()
    if scene == "stopping":
        expect(page.locator("#pause")).to_be_disabled()
    page.evaluate("() => scrollTo(0, 0)")


def test_halt_stays_in_reach_beside_a_timeline(open_page: OpenPage, stage: Stage) -> None:
    """The timeline is no modal dialog."""
    page = open_page("hedging")
    page.locator("#hedges button").first.click()
    expect(page.locator("#timeline-lines li").first).to_be_visible()
    halt(page)
    expect(page.locator("#state")).to_have_text("HALTED")
    page.locator("#timeline-close").click()
    assert mode(stage) is Mode.HALTED
