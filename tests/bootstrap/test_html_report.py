"""The written report says what the journal says, needs nothing beside it, and shows hostile text as text."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from arbbot.bootstrap.written_report import Period, html_report
from arbbot.dashboard import VENDOR
from arbbot.domain import events as ev
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.life import Started
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import Purpose
from arbbot.domain.records import DurableRecord, ModeChanged
from arbbot.journal.sqlite import Identity, open_journal
from arbbot.settings import Settings
from tests.bootstrap.test_page_folds import DEAR, EVEN, HEDGES, traded
from tests.engine.played_venue import Play
from tests.engine.rig import ROUTE, Rig, book

ALL = Period(None, None)
HOSTILE = "</td><script>alert(1)</script>"


class Text(HTMLParser):
    """What a reader sees, and what the page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.references: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "action")]

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def page(folder: Path, records: list[DurableRecord], period: Period = ALL, vendor: Path = VENDOR) -> tuple[str, Text]:
    """The report of a journal that holds these records."""
    path = folder / "journal.db"
    if not path.exists():
        journal = open_journal(path, Identity("sandbox", "h", "a", ROUTE.name), sync_full=False)
        journal.append(records)
        journal.close()
    html = folder / "report.html"
    assert html_report(path, Settings(), period, html, vendor) is ExitCode.OK
    source = html.read_text()
    text = Text()
    text.feed(source)
    return source, text


def test_every_figure_is_there_to_the_last_digit(tmp_path: Path) -> None:
    """Each hedge with its result, the sum, and the ledger's lines as the state has them."""
    rig = traded()
    _, text = page(tmp_path, rig.journal)
    for hedge in rig.state.hedges.values():
        assert hedge.settled is not None
        assert hedge.opened.hedge_id in text.words
        assert f"{hedge.settled.realised_pnl:f}" in text.words
    assert f"{rig.state.realised_pnl:f}" in text.words
    for currency in ROUTE.currencies:
        assert f"{rig.state.venue_totals[currency]:f}" in text.words


def test_a_period_holds_the_hedges_decided_in_it(tmp_path: Path) -> None:
    """All of them on their day, none on the day after; the ledger stands whatever the period."""
    rig, day = traded(), date(2025, 6, 15)
    for period, many in ((Period(day, day), HEDGES), (Period(date(2025, 6, 16), None), 0), (ALL, HEDGES)):
        _, text = page(tmp_path, rig.journal, period)
        shown = [word for word in text.words if word in rig.state.hedges]
        assert len(shown) == many
        assert f"{rig.state.venue_totals[ROUTE.numeraire]:f}" in text.words


def test_it_needs_nothing_beside_it_and_believes_nobody(tmp_path: Path) -> None:
    """No reference leaves the file, and a person's or the venue's words run nothing."""
    records = [*traded().journal]
    records.append(ModeChanged(Mode.HALTED, "ann", HOSTILE, records[-1].utc_us))
    source, text = page(tmp_path, records)
    assert text.references == []
    assert not re.search(r"@import|url\(", source)
    assert text.scripts in (0, 3)
    assert any(HOSTILE in word for word in text.words)


def test_the_charts_draw_the_same_results(tmp_path: Path) -> None:
    """Where the library is there; where npm was missing at set-up the page says so instead."""
    rig = traded()
    source, text = page(tmp_path, rig.journal)
    if VENDOR.joinpath("uPlot.iife.min.js").exists():
        plotted = json.loads(re.findall(r'id="plotted">(.*?)</script>', source)[0])
        assert len(plotted["at"]) == HEDGES
        assert plotted["pnl"][-1] == pytest.approx(float(rig.state.realised_pnl))
    else:
        assert "need npm" in " ".join(text.words)


def test_without_the_library_it_says_so(tmp_path: Path) -> None:
    """A machine without npm gets the tables, and a sentence where the charts would be."""
    _, text = page(tmp_path, traded().journal, vendor=tmp_path / "none")
    assert "Charts need npm" in " ".join(text.words)
    assert text.scripts == 0


def test_an_empty_journal_gives_an_empty_report(tmp_path: Path) -> None:
    """A daemon that never traded has a page, too."""
    started = [record for record in traded().journal if isinstance(record, Started)]
    _, text = page(tmp_path, [*started])
    assert "none in this period" in text.words


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """One line, the exit code of a wrong command line."""
    page(tmp_path, traded().journal)
    with pytest.raises(Failure, match="No such file") as caught:
        html_report(tmp_path / "journal.db", Settings(), ALL, tmp_path / "none" / "report.html")
    assert caught.value.code is ExitCode.USAGE


def test_what_was_expected_is_of_what_was_bought(tmp_path: Path) -> None:
    """A hedge that bought nothing was expected to make nothing: the sum is the engine's, to the last digit."""
    rig = Rig().ready()
    refused = Play(reply="refuse", taken=False)
    rig.venue.plays = {(Purpose.LEG, side): [refused] for side in Side}
    rig.show(book("btceur", *DEAR))
    rig.run(2)
    rig.show(book("btceur", *EVEN))
    rig.run(45)
    rig.show(book("btceur", *DEAR))
    rig.run(45)
    assert {hedge.closed.outcome for hedge in rig.state.hedges.values() if hedge.closed} == {"nothing", "completed"}
    _, text = page(tmp_path, rig.journal)
    assert f"expected {rig.state.expected_pnl:f}" in text.words
    assert "hedge P&L, after fees" in text.words


def test_after_a_rebase_the_lines_say_since_when(tmp_path: Path) -> None:
    """The period may reach further back than the ledger: whose rebase, and why."""
    rig = traded.__wrapped__()  # an own one, for it goes on
    _, text = page(tmp_path, rig.journal)
    assert any(word.startswith("since the ledger's opening, 2025-06-15") for word in text.words)
    rig.step(ev.OperatorRebased("ann", HOSTILE))
    rig.run(30)
    after = tmp_path / "after"
    after.mkdir()
    _, text = page(after, rig.journal)
    assert any(word.startswith(f"since a rebase by ann: {HOSTILE}, 2025-06-15") for word in text.words)
