"""What the page shows is what the API says and what the ledger holds, to the last digit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from random import Random
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from arbbot.bootstrap.page.memory import ROWS
from arbbot.dashboard.json_text import dumps
from arbbot.domain.records import HedgeOpened
from tests.browser.conftest import OpenPage, Seen, Show
from tests.browser.played_daemon import PlayedDaemon
from tests.browser.scenes import CALM, RICH, SCENES
from tests.browser.stage import Stage

PNL = {
    "hedges, net of fees": "hedge", "FX drift": "fx_drift", "· realised": "fx_realised",
    "· unrealised": "fx_unrealised",
    "FX fees": "fx_fees", "hedges as converted": "converted", "float revalued": "float_revaluation",
    "foreign revalued": "foreign_revaluation",
}  # fmt: skip
BPS = (
    "touch_gross_bps", "slippage_bps", "gross_bps", "fees_bps", "net_bps", "threshold_bps", "break_even_bps",
    "net_floor_bps", "size",
)  # fmt: skip


def api(ask: Callable[[], Any]) -> Any:
    """An answer as it goes over the wire."""
    return json.loads(dumps(ask()))


def digits(place: Locator) -> str:
    """The text without separators of thousands."""
    return (place.text_content() or "").replace(",", "")


def by_name(page: Page, panel: str) -> dict[str, str]:
    """Names and figures of a list."""
    names = page.locator(f"{panel} dt").all_text_contents()
    return dict(zip(names, (digits(each) for each in page.locator(f"{panel} dd").all()), strict=True))


def test_exposure_balances_and_bridge(show: Show, stage: Stage) -> None:
    """Every digit of the account, in a hedge that stands on one leg."""
    page = show("one_sided")
    now = api(stage.actor.snapshot)
    status, ledger = now["status"], now["report"]["ledger"]
    assert digits(page.locator("#exposure-low")) == status["exposure"]["BTC"]["low"] == "0.05000000"
    assert digits(page.locator("#exposure-high")) == status["exposure"]["BTC"]["high"]
    assert digits(page.locator("#fx-drift")) == status["fx_drift"]["EUR"]
    for currency, line in status["balances"].items():
        cells = page.locator(f"#balances [data-key={currency}] td")
        assert [digits(cell) for cell in cells.all()] == [line["venue"], line["ledger"], line["difference"]]
        assert Decimal(line["ledger"]) == stage.call(partial(stage.actor.on.rig.own, currency))
    for name in ("opening", "booked", "external", "rounding", "settled", "in_transit", "venue", "difference"):
        shown = [digits(cell) for cell in page.locator(f"#bridge [data-key={name}] td").all()]
        assert shown == [line[name] for line in ledger.values()]


def test_profit_and_loss_line_by_line(show: Show, stage: Stage) -> None:
    """Also the drawdown and the fees, each currency apart."""
    page = show("veteran")
    report = api(stage.actor.snapshot)["report"]
    shown = by_name(page, "#pnl-lines")
    for name, field in PNL.items():
        assert shown[name] == report["pnl"][field]
    assert shown["drawdown now"] == report["drawdown"]["now"]
    assert shown["drawdown, worst"] == report["drawdown"]["worst"]
    for currency, fee in report["fees"].items():
        assert shown[f"fees paid, {currency}"] == fee
    assert page.locator("#pnl-short").get_attribute("title") == report["pnl"]["hedge"]
    days = api(stage.actor.hedges)["days"]
    assert sum(Decimal(day["realised_pnl"]) for day in days) == Decimal(report["pnl"]["hedge"])
    assert "days" not in report, "they grow with the journal's age, and frames do not"
    for row, day in zip(page.locator("#days tr").all(), days, strict=True):
        expect(row.locator("td").last).to_have_attribute("title", day["realised_pnl"])
    marks = page.evaluate("async () => (await (await fetch('/api/series')).json()).marks.length")
    assert marks > ROWS, "the charts mark all hedges of their hour, not those of the table alone"


def test_edges_keep_their_digits_within_reach(show: Show, stage: Stage) -> None:
    """Shown to two places; the title is the exact figure, and the shown one is that, rounded."""
    page = show("flat")
    for column, way in enumerate(api(stage.actor.snapshot)["why"]["directions"].values()):
        for field in BPS:
            cell = page.locator(f"#edges [data-figure={field}] td").nth(column)
            assert cell.get_attribute("title") == way[field]
            expected = Decimal(way[field]) if field == "size" else abs(Decimal(way[field]))
            places = Decimal(1).scaleb(-8) if field == "size" else Decimal("0.01")
            assert Decimal(digits(cell).lstrip("+-")) == expected.quantize(places, ROUND_HALF_UP)


def test_hedges_and_their_money(open_page: OpenPage, stage: Stage) -> None:
    """The last fifty, newest first, then page after page from the journal until the first; all add up to the total."""
    page = open_page("veteran")
    rows = page.locator("#hedges tr")
    expect(rows).to_have_count(50)
    minted = stage.call(lambda: stage.actor.on.rig.state.hedges_minted)
    while page.locator("#older").is_visible():
        before = rows.count()
        page.locator("#older").click()
        expect(rows).not_to_have_count(before)
    expect(rows).to_have_count(minted)
    names = page.locator("#hedges button").all_text_contents()
    assert names == [f"q7-h{number:05d}" for number in range(minted, 0, -1)]
    made = page.locator("#hedges td:last-child").evaluate_all("cells => cells.map((cell) => cell.title)")
    total = sum((Decimal(each) for each in made if each), Decimal(0))
    assert total == Decimal(api(stage.actor.snapshot)["report"]["pnl"]["hedge"])


def test_a_timeline_tells_what_the_journal_holds(open_page: OpenPage, stage: Stage) -> None:
    """By keyboard: Enter opens it, every line is there, Escape closes it and the focus is back."""
    page = open_page("one_sided")
    link = page.locator("#hedges button").first
    link.focus()
    page.keyboard.press("Enter")
    hedge_id = link.text_content() or ""
    expect(page.locator("#h-timeline")).to_have_text(f"Timeline of {hedge_id}")
    lines = page.locator("#timeline-lines li")
    expect(lines.first).to_contain_text("hedge opened")
    kinds = stage.call(
        lambda: [each.kind for each in stage.actor.on.rig.journal if getattr(each, "hedge_id", None) == hedge_id]
    )
    shown = [each.replace(" ", "_") for each in page.locator("#timeline-lines b").all_text_contents()]
    assert set(kinds) <= set(shown)
    page.keyboard.press("Escape")
    expect(page.locator("#timeline")).to_be_hidden()
    expect(link).to_be_focused()


def test_only_what_changed_is_drawn_and_only_what_was_asked_for_is_kept(open_page: OpenPage, stage: Stage) -> None:
    """While hedges go on fifty rows stay fifty, those at rest are left alone, and so is the journal under another's
    open timeline; older ones follow without a gap.
    """
    page = open_page("veteran")
    rows = page.locator("#hedges tr")
    expect(rows).to_have_count(50)
    kept = page.locator("#hedges button").nth(10).text_content()
    rows.nth(10).locator("th").evaluate("cell => (cell.textContent = 'left alone')")
    page.locator("#hedges button").nth(3).click()
    expect(page.locator("#timeline-lines li").first).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[-1]))
    newest = page.locator("#hedges button").first.text_content() or ""
    stage.call(lambda: another_hedge(stage.actor.on))
    expect(page.locator("#hedges button").first).not_to_have_text(newest)
    expect(rows).to_have_count(50)
    expect(page.locator("#hedges tr", has_text="left alone")).to_contain_text(kept or "")
    assert "hedges" in asked
    assert not [path for path in asked if path.startswith("q7-h")]
    page.locator("#older").click()
    minted = stage.call(lambda: stage.actor.on.rig.state.hedges_minted)
    expect(rows).to_have_count(min(100, minted))
    shown = [int(name[-5:]) for name in page.locator("#hedges button").all_text_contents()]
    assert shown == list(range(minted, max(minted - 100, 0), -1))


def another_hedge(played: PlayedDaemon) -> None:
    """A jump of the premium, hedged and over."""
    played.rig.show(RICH)
    played.live("0.5")
    played.rig.show(CALM)
    played.live(5)


def test_the_mark_of_a_hedge_stands_on_the_net_edge(show: Show, stage: Stage) -> None:
    """Its figure is net of the FX leg where that is charged, as the curve is; the table's is before it."""
    show("veteran")
    hedges = api(stage.actor.hedges)["hedges"]
    opened = {each.hedge_id: each for each in stage.actor.on.rig.journal if isinstance(each, HedgeOpened)}
    assert [Decimal(hedge["net_bps"]) for hedge in hedges] == [opened[hedge["hedge_id"]].net_bps for hedge in hedges]
    assert any(hedge["net_bps"] != hedge["expected_bps"] for hedge in hedges)


def test_an_unpriced_fx_leg_is_said(open_page: OpenPage, stage: Stage) -> None:
    """Where nothing is ever converted, no edge has the cost of converting in, and the page says so."""
    page = open_page("unpriced")
    expect(page.locator("#fx")).to_contain_text("EUR policy: never · the FX leg is unpriced")
    page = open_page("flat")
    expect(page.locator("#fx")).not_to_contain_text("unpriced")


def test_times_are_utc_wherever_the_reader_is(stage: Stage, chromium: Browser, seen: Seen) -> None:
    """One zone for the banner, hedges, their timelines, notes and charts, and each says which."""
    stage.play(SCENES["paused"])
    context = chromium.new_context(timezone_id="Asia/Kolkata")
    page = seen.watch(context.new_page())
    page.goto(stage.link)
    cell = page.locator("#hedges tr th").first
    expect(cell).to_be_visible()
    hedge = api(stage.actor.hedges)["hedges"][0]
    assert (cell.text_content() or "")[-8:] == datetime.fromtimestamp(hedge["utc_us"] / 1e6, UTC).strftime("%H:%M:%S")
    since_us = api(stage.actor.snapshot)["status"]["state_since_us"]
    since = datetime.fromtimestamp(since_us / 1e6, UTC).strftime("%H:%M:%S")
    expect(page.locator("#state-detail")).to_contain_text(f"since {since} UTC")
    for place in (".hedges thead", "#h-notes", "#h-charts"):
        expect(page.locator(place)).to_contain_text("UTC")
    context.close()


def test_what_was_made_today_is_yesterdays_after_midnight(show: Show, stage: Stage) -> None:
    """A row without a day is of today: at midnight each gets its day, although nothing else has happened."""
    cell = show("paused").locator("#hedges tr th").first
    expect(cell).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    stage.actor.ahead_s = 86_400.0
    expect(cell).to_have_text(re.compile(r"^\d\d-\d\d \d\d:\d\d:\d\d$"))


def test_formatting_is_exact(show: Show) -> None:
    """Any decimal, in any notation: grouped loses no digit, rounded is rounded half away from zero."""
    chance = Random(11)
    values = [
        Decimal(chance.randrange(-(10 ** chance.randrange(1, 22)), 10**22)).scaleb(-chance.randrange(0, 20))
        for _ in range(500)
    ]
    texts = [str(value) for value in values] + ["0E-8", "0E+3", "1E+3", "-5E-7", "-0.004", "-0.005"]
    told = show("flat").evaluate(
        """async (texts) => {
            const { grouped, plain, rounded } = await import("/static/format.js");
            return texts.map((text) => [plain(text), grouped(text), rounded(text, 2)]);
        }""",
        texts,
    )
    for text, (plain, grouped, rounded) in zip(texts, told, strict=True):
        value = Decimal(text)
        assert Decimal(plain) == value
        assert "E" not in plain.upper()
        assert grouped == f"{Decimal(plain):,f}"
        with_sign = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert Decimal(rounded.replace(",", "")) == with_sign
        assert not (rounded.startswith("-") and not with_sign)
