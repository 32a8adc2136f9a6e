"""What the page remembers of records is what the engine's own state and the journal say."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from arbbot.bootstrap.page.daybook import Daybook
from arbbot.bootstrap.page.hedge_rows import HedgeRows
from arbbot.bootstrap.page.notes import Notes
from arbbot.domain import events as ev
from arbbot.domain.records import DurableRecord, HedgeOpened, HedgeSettled
from arbbot.journal.history import lines_of
from arbbot.journal.sqlite import Identity, JournalRefused, open_journal
from tests.engine.rig import KEY, Rig, book

EVEN, DEAR = ("54536", "54546"), ("55000", "55010")
HEDGES = 4


@cache
def traded(rebase: bool = False) -> Rig:
    """Hedges, one after the other; in between, when asked to, the ledger begins anew. Shared: to be looked at only."""
    rig = Rig().ready()
    for number in range(HEDGES):
        rig.show(book("btceur", *DEAR))
        rig.run("0.5")
        rig.show(book("btceur", *EVEN))
        rig.run(45)
        if rebase and number == 1:
            rig.step(ev.OperatorRebased("ann", "a test"))
            rig.run(30)
    return rig


def daybook(records: list[DurableRecord]) -> Daybook:
    """All of them, folded."""
    fold = Daybook()
    for record in records:
        fold.take(record)
    return fold


@pytest.mark.parametrize("rebase", [False, True])
def test_the_days_add_up_to_the_ledgers_profit(rebase: bool) -> None:
    """To the last digit, the curve's end too, and a new opening of the ledger begins the days anew."""
    rig = traded(rebase)
    fold = daybook(rig.journal)
    days = fold.days()
    assert sum(day["realised_pnl"] for day in days) == rig.state.realised_pnl
    assert sum(day["expected_pnl"] for day in days) == rig.state.expected_pnl
    assert sum(day["turnover"] for day in days) == rig.state.turnover
    assert sum(day["hedges"] for day in days) == (HEDGES - 2 if rebase else HEDGES)
    assert fold.curve[-1][1] == rig.state.realised_pnl


def test_a_day_is_that_of_the_decision_in_utc() -> None:
    """Hedges of two days stand in two lines, though both were settled on the second."""
    day_us, last = 24 * 3600 * 1_000_000, f"{KEY}-h{HEDGES:05d}"
    moved = [
        replace(record, utc_us=record.utc_us + day_us)
        if isinstance(record, HedgeSettled) or (isinstance(record, HedgeOpened) and record.hedge_id == last)
        else record
        for record in traded().journal
    ]
    lines = daybook(moved).days()
    assert [(line["day"], line["hedges"]) for line in lines] == [("2025-06-16", 1), ("2025-06-15", HEDGES - 1)]


def test_the_drawdown_is_the_fall_from_the_highest_point() -> None:
    """By the same settled results, summed here once more."""
    rig = traded()
    peak = total = worst = Decimal(0)
    for record in rig.all(HedgeSettled):
        total += record.realised_pnl
        peak = max(peak, total)
        worst = max(worst, peak - total)
    assert daybook(rig.journal).drawdown() == {"now": peak - total, "worst": worst}


def test_rows_say_what_the_state_says() -> None:
    """Outcome, results and both legs' fills and fees equal the engine's, newest first, and no more than asked for."""
    rig, fold = traded(), HedgeRows(most=3)
    for record in rig.journal:
        fold.take(record)
    rows = fold.newest_first()
    newest = list(rig.state.hedges.values())[: -3 - 1 : -1]
    assert [row["hedge_id"] for row in rows] == [hedge.opened.hedge_id for hedge in newest]
    for row, hedge in zip(rows, newest, strict=True):
        assert hedge.closed is not None
        assert hedge.settled is not None
        assert (row["outcome"], row["realised_pnl"]) == (hedge.closed.outcome, hedge.settled.realised_pnl)
        for side, name in (("buy", hedge.orders[0]), ("sell", hedge.orders[1])):
            assert row[side]["filled"] == rig.state.orders[name].filled == hedge.opened.size
            assert row[side]["state"] == "filled"
        fees = {currency: fee for side in ("buy", "sell") for currency, fee in row[side]["fees"].items()}
        assert fees == hedge.fees


def test_the_version_moves_when_a_row_does() -> None:
    """And only then: the browser asks for rows when it has changed."""
    rig, fold = traded(), HedgeRows()
    seen, shown = fold.version, fold.newest_first()
    for record in rig.journal:
        fold.take(record)
        if fold.newest_first() != shown:
            assert fold.version != seen
        seen, shown = fold.version, fold.newest_first()


def test_notes_know_since_when_the_state_holds() -> None:
    """By the record of the change, and the reason is told word for word."""
    rig = Rig().ready()
    rig.step(ev.OperatorHalted("ann", "<b>enough</b>", False))
    fold = Notes()
    for record in rig.records:
        fold.take(record)
    assert fold.mode_since_us == rig.at.utc_us
    assert fold.newest_first()[0]["text"] == "halted by ann: <b>enough</b>"


def test_a_halt_reads_the_account_at_once() -> None:
    """A person who halts hears within seconds that the venue's balances equal the ledger, halted or not."""
    rig = Rig().ready()
    rig.run(10)
    rig.step(ev.OperatorHalted("ann", "enough", False))
    halted_us = rig.at.utc_us
    rig.run(3)
    assert rig.engine.books.agreed_utc_us is not None
    assert rig.engine.books.agreed_utc_us > halted_us


def test_history_finds_a_hedge_with_its_orders(tmp_path: Path) -> None:
    """The journal's file gives the same rows as the records did, for any hedges of it, and nothing for no hedge."""
    rig = traded()
    journal = open_journal(tmp_path / "journal.db", Identity("sandbox", "h", "a", "r"), sync_full=False)
    for record in rig.journal:
        journal.append([record])
    whole = HedgeRows()
    for record in rig.journal:
        whole.take(record)
    names = [f"{KEY}-h{number:05d}" for number in (2, 3)]
    found = HedgeRows()
    for line in lines_of(journal.path, names):
        found.take(line.record)
    assert found.newest_first() == [row for row in whole.newest_first() if row["hedge_id"] in names]
    for nobody in ([], ["q7-h99999"], ['" OR 1=1 --'], ["\u00e9"]):
        assert lines_of(journal.path, nobody) == []
    journal.close()


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    """In one clear line, as everywhere."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"something else")
    with pytest.raises(JournalRefused, match=r"journal\.db"):
        lines_of(path, ["q7-h00001"])
