"""Each state as a person at the page reads it: the word in the banner and the four answers."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from arbbot.domain.events import Moment
from arbbot.domain.mode import Severity
from arbbot.domain.records import AlertRaised
from tests.browser.conftest import Show
from tests.browser.scenes import HOSTILE
from tests.browser.stage import Stage

ANSWERS = ("flat", "doubt", "trading", "ledger")


RED = {
    **{scene: {"trading"} for scene in ("halted", "reducing", "limit_tripped", "feed_dead", "panic")},
    "ledger_difference": {"trading", "ledger"},
}


def reds(page: Page) -> set[str]:
    """The answers that call for a person."""
    return {name for name in ANSWERS if page.locator(f"#answer-{name}").get_attribute("data-tone") == "alarm"}


@pytest.mark.parametrize(
    ("scene", "banner", "words"),
    [
        ("no_data", "STARTING", ("Not known", "Nothing", "Anchoring", "Not known")),
        ("flat", "ACTIVE", ("Flat", "Nothing", "No edge", "Equal")),
        ("hedging", "ACTIVE", ("Hedging", "Nothing", "Hedging", "Pending")),
        ("one_sided", "ACTIVE", ("One-sided", "Nothing", "Hedging", "Pending")),
        ("in_doubt", "ACTIVE", ("Hedging", "1 order", "In doubt", "Pending")),
        ("paused", "PAUSED", ("Flat", "Nothing", "Paused", "Equal")),
        ("reducing", "REDUCING", ("Flat", "Nothing", "Reducing", "Equal")),
        ("limit_tripped", "REDUCING", ("Flat", "Nothing", "Reducing", "Equal")),
        ("halted", "HALTED", ("Flat", "Nothing", "Halted", "Equal")),
        ("panic", "PANIC", ("Hedging", "Nothing", "Panic", "Pending")),
        ("feed_down", "ACTIVE", ("Flat", "Nothing", "Feed down", "Equal")),
        ("feed_dead", "STOPPING", ("One-sided", "Nothing", "Stopping", "Pending")),
        ("stopping", "STOPPING", ("Hedging", "Nothing", "Stopping", "Pending")),
        ("ledger_difference", "HALTED", ("Flat", "Nothing", "Halted", "Differs")),
        ("rebase_waits", "ACTIVE", ("Flat", "Nothing", "Anchoring", "Rebase waits")),
    ],
)
def test_the_state_and_the_four_answers(show: Show, scene: str, banner: str, words: tuple[str, str, str, str]) -> None:
    """Each answer in a word; red only where a person is needed, since what resolves itself is amber at most."""
    page = show(scene)
    expect(page.locator("#state")).to_have_text(banner)
    for name, word in zip(ANSWERS, words, strict=True):
        expect(page.locator(f"#answer-{name} .word")).to_have_text(word)
    expect(page).to_have_title(f"{banner} · sandbox · arbbot")
    assert reds(page) == RED.get(scene, set())


def test_before_the_first_word_nothing_is_claimed(show: Show) -> None:
    """An account that was not read shows dashes, not zeros."""
    page = show("no_data")
    for cell in page.locator("#balances td").all():
        expect(cell).to_have_text("—")
    expect(page.locator("#edges [data-figure=net_bps] td").first).to_have_text("—")
    expect(page.locator("#pnl-foot")).to_have_text("edge expected — bps, realised — bps")
    expect(page.locator("#pnl-since")).to_have_text("counts once the account has been read")


@pytest.mark.parametrize(
    ("scene", "word", "meaning"),
    [
        ("paper", "PAPER", "simulated fills"),
        ("flat", "SANDBOX", "no real money"),
        ("demo", "SANDBOX", "rehearsal, built-in exchange"),
        ("live", "LIVE", "REAL MONEY"),
    ],
)
def test_the_mode_is_said_in_words(show: Show, scene: str, word: str, meaning: str) -> None:
    """Nobody takes real money for play."""
    page = show(scene)
    expect(page.locator("#mode-word")).to_have_text(word)
    expect(page.locator("#mode-meaning")).to_have_text(meaning)


def test_live_has_a_colour_of_its_own(show: Show) -> None:
    """The mode's ground differs from those of the calm modes."""
    grounds = {
        scene: show(scene).locator("#mode").evaluate("node => getComputedStyle(node).backgroundColor")
        for scene in ("paper", "flat", "live")
    }
    assert len(set(grounds.values())) == len(grounds)


def test_an_open_order_is_shown_with_what_it_may_do(show: Show) -> None:
    """Side, size, market and price, and that it is in doubt."""
    page = show("in_doubt")
    order = page.locator("#open-orders li")
    expect(order).to_have_count(1)
    expect(order).to_contain_text("sell 0.05000000 btceur at")
    expect(order).to_contain_text("IN DOUBT")
    expect(page.locator("#answer-doubt .why")).to_contain_text("may still sell 0.05000000 on btceur")


def test_a_tripped_limit_is_named(show: Show) -> None:
    """On the first screen, in the panel of limits, and in what resuming would clear."""
    page = show("limit_tripped")
    expect(page.locator("#nearest")).to_have_text("tripped: orders refused by the venue")
    expect(page.locator("#tripped li")).to_contain_text("orders refused by the venue: 2 of 2")
    expect(page.locator("#limits tr[data-tone=alarm]")).to_have_count(1)
    page.locator("#resume").click()
    expect(page.locator("#resume-about")).to_contain_text("also clears: orders refused by the venue (2 of 2)")


def test_a_difference_is_told_with_its_amount(show: Show) -> None:
    """Which currency, by how much, and the table shows the same."""
    page = show("ledger_difference")
    expect(page.locator("#answer-ledger .why")).to_contain_text("venue minus ledger: +1.25000000 USD")
    expect(page.locator("#agreed")).to_contain_text("by the last reading: venue minus ledger: +1.25000000 USD")
    expect(page.locator("#balances tr", has_text="USD")).to_contain_text("1.25")
    expect(page.locator("#after-halt-word")).to_have_text("The venue says otherwise")


def test_money_says_since_when_it_counts(show: Show, stage: Stage) -> None:
    """Since the first reading of the account, until a rebase that waits is done: then since that, whose, and why."""
    since = show("rebase_waits").locator("#pnl-since")
    expect(since).to_have_text(re.compile(r"^all since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, the ledger's opening$"))
    stage.actor.on.pace_s = Decimal(2)
    expect(since).to_contain_text("UTC, a rebase by ann: a deposit by hand")


def test_figures_of_old_books_are_called_so(show: Show) -> None:
    """Between two connections the last edge stays to be read, but not as the present one."""
    page = show("feed_down")
    expect(page.locator("#edge-basis")).to_have_text("bp, books not fresh")
    expect(page.locator("#books [data-key=btcusd] td").last).to_have_text("old, feed down")
    show("flat")
    expect(page.locator("#edge-basis")).to_have_text("basis points")


def test_alerts_that_nobody_hears_are_told_beside_a_daemon_that_is_fit(show: Show, stage: Stage) -> None:
    """What keeps them and how many are lost, in full; whether it may trade is another question."""
    page = show("flat")
    expect(page.locator("#problems li")).to_have_count(0)
    alerts = stage.actor.on.alerts
    stage.call(lambda: alerts.take(AlertRaised(Severity.CRITICAL, "leg_open", "0.05 unhedged", 1), Moment(0, 1)))
    stage.call(lambda: asyncio.create_task(alerts.close(5)))
    told = "alerts: not delivered, the last request was refused: status 404; 0 waiting, 1 lost"
    expect(page.locator("#problems li")).to_have_text([told])
    expect(page.locator("#health-word")).to_have_text("fit to trade")


def test_hostile_text_is_text(show: Show) -> None:
    """Markup in a reason or an alert is shown letter by letter and does nothing."""
    page = show("hostile")
    expect(page.locator("#answer-trading .why")).to_have_text(HOSTILE)
    expect(page.locator("#state-detail")).to_contain_text(HOSTILE)
    expect(page.locator("#notes")).to_contain_text(HOSTILE)
    expect(page.locator("#problems")).to_contain_text(HOSTILE)
    assert page.locator("img").count() == 0
    assert page.locator("body script").count() == 0
    assert page.title() == "HALTED · sandbox · arbbot"
