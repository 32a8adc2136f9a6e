"""What the page remembers of records is what the engine's own state and the journal say."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from arbbot.bootstrap.page import machine
from arbbot.bootstrap.page.daybook import Daybook
from arbbot.bootstrap.page.exposed import Unhedged, worst_notional
from arbbot.bootstrap.page.hedge_rows import HedgeRows
from arbbot.bootstrap.page.memory import WAITING_MAX, Memory
from arbbot.bootstrap.page.notes import Notes
from arbbot.bootstrap.page.series import Series
from arbbot.bootstrap.page.source import OF_THE_REPORT
from arbbot.dashboard import dumps
from arbbot.domain import events as ev
from arbbot.domain.commands import Topic
from arbbot.domain.market import Side
from arbbot.domain.order import Purpose
from arbbot.domain.records import DurableRecord, FillBooked, HedgeOpened, HedgeSettled
from arbbot.engine.report import report
from arbbot.journal.history import OF_PLANS, lines_of
from arbbot.journal.sqlite import Identity, JournalRefused, connect_to_read, open_journal, read_journal
from tests.browser.played_daemon import PlayedDaemon
from tests.engine.played_venue import Play
from tests.engine.rig import KEY, ROUTE, START, Rig, book

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
    """A person who halts hears within seconds that the venue's balances equal the ledger, halted or not; of
    its open orders within its cache's age.
    """
    rig = Rig().ready()
    rig.run(10)
    rig.step(ev.OperatorHalted("ann", "enough", False))
    halted_us = rig.at.utc_us
    rig.run(3)
    assert rig.engine.books.agreed_utc_us is not None
    assert rig.engine.books.agreed_utc_us > halted_us
    rig.run(9)
    assert rig.engine.open_orders.listed is not None
    assert rig.engine.open_orders.listed.utc_us > halted_us + 10_000_000


def test_an_answer_from_before_the_halt_confirms_nothing() -> None:
    """A list of open orders that was asked for before is not what the person waits for; one whose question failed is
    asked for again.
    """
    rig = Rig()
    rig.slow_ms[Topic.OPEN_ORDERS] = 4_000
    rig.start()
    rig.run(1)
    rig.step(ev.OperatorHalted("ann", "enough", False))
    halted_us = rig.at.utc_us
    rig.run(4)
    assert not rig.engine.open_orders.read
    lost = next(ask_id for ask_id, put in rig.engine.core.asks.items() if put.question.topic is Topic.OPEN_ORDERS)
    rig.step(ev.AskFailed(lost, "lost", False))
    rig.run(9)
    assert rig.engine.open_orders.read
    assert rig.engine.open_orders.listed is None
    rig.run(9)
    assert rig.engine.open_orders.listed is not None
    assert rig.engine.open_orders.listed.utc_us > halted_us + 14_000_000


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


def test_a_journal_from_before_is_searched_as_well(tmp_path: Path) -> None:
    """Without its index it is read all the same; with the next opening it has one, and history uses it."""
    rig, path = traded(), tmp_path / "odd # name?" / "journal.db"
    journal = open_journal(path, Identity("sandbox", "h", "a", "r"), sync_full=False)
    for record in rig.journal:
        journal.append([record])
    names = [f"{KEY}-h00002"]
    found = lines_of(path, names)
    assert any(isinstance(line.record, HedgeSettled) for line in found)
    assert any(isinstance(line.record, FillBooked) for line in found)
    journal.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX record_belongs_to")
    assert lines_of(path, names) == found
    with read_journal(path) as (_, lines):
        assert len(list(lines)) == len(rig.journal)
    open_journal(path, Identity("sandbox", "h", "a", "r"), sync_full=False).close()
    assert lines_of(path, names) == found
    with closing(connect_to_read(path)) as connection:
        plan = [step[3] for step in connection.execute("EXPLAIN QUERY PLAN " + OF_PLANS, {"plans": "[]"})]
    assert not [step for step in plan if step.startswith("SCAN record")]


def test_what_waits_to_be_folded_is_bounded() -> None:
    """Where the sampler has died records do not pile up; and nothing is folded at the daemon's door, where what breaks
    would stop trading: these contradict each other.
    """
    memory = Memory()
    journal = traded().journal
    for _ in range(WAITING_MAX // len(journal) + 2):
        memory.fold(journal, START)
    assert len(memory._waiting) == WAITING_MAX
    assert memory.rows.newest_first() == []


def test_only_the_hedge_that_changed_says_so() -> None:
    """An open timeline is read again when its own hedge changed, and not for another's sake."""
    rig, fold = traded(), HedgeRows()
    before: dict[str, dict[str, Any]] = {}
    for record in rig.journal:
        fold.take(record)
        now = {row["hedge_id"]: row for row in fold.newest_first()}
        for name, row in before.items():
            assert (row["changes"] == now[name]["changes"]) or row["changes"] + 1 == now[name]["changes"]
            assert row["changes"] != now[name]["changes"] or row == now[name]
        assert sum(row != now[name] for name, row in before.items()) <= 1
        before = now


def test_what_the_system_does_not_tell_is_unknown(tmp_path: Path) -> None:
    """A directory or journal that is gone for a moment ends nothing."""
    assert machine.disk_free_bytes(tmp_path / "none") is None
    assert machine.journal_bytes(tmp_path / "none") is None
    (tmp_path / "journal.db").write_bytes(b"12")
    assert machine.journal_bytes(tmp_path / "journal.db") == 2
    (tmp_path / "journal.db-wal").write_bytes(b"345")
    assert machine.journal_bytes(tmp_path / "journal.db") == 5


def test_the_series_is_written_once_a_sample() -> None:
    """What is told at once is what was sampled, in order, as JSON."""
    numbers = iter(range(5))
    series = Series(lambda: {"utc_us": next(numbers), "low": Decimal("0E-8")})
    for _ in range(5):
        series.take()
    told = json.loads(dumps(series.figures()))
    assert told["samples"] == [{"utc_us": number, "low": "0.00000000"} for number in range(5)]
    assert series.latest() == {"utc_us": 4, "low": Decimal("0E-8")}


def test_a_report_that_is_kept_is_that_of_now(tmp_path: Path) -> None:
    """It is written anew only when a record came; and it is what it would be if it were written at every look."""
    played = PlayedDaemon(Rig(), tmp_path)
    played.rig.ready()
    told = set()
    for second in range(60):
        played.rig.show(book("btceur", *(DEAR if second % 20 == 1 else EVEN)))
        played.live("0.5")
        shown = json.loads(dumps(played.source.snapshot()))["report"]
        now = json.loads(dumps(report(played.rig.state, ROUTE, "sandbox")))
        assert {name: shown[name] for name in OF_THE_REPORT} == {name: now[name] for name in OF_THE_REPORT}
        told.add(shown["pnl"]["hedge"])
    played.close()
    assert len(told) > 1


def test_the_page_knows_what_stands_still(tmp_path: Path) -> None:
    """What does not move is a problem on the page, as it is for `arbbot health`."""
    played = PlayedDaemon(Rig(), tmp_path)
    played.rig.ready()
    assert played.source.snapshot()["health"]["healthy"]
    played.still = "no book was read for 90 s"
    told = played.source.snapshot()["health"]
    assert (told["healthy"], told["problems"]) == (False, ["standing still: no book was read for 90 s"])
    played.close()


def test_two_orders_on_their_way_are_not_one_sided() -> None:
    """Since when counts from when a side or a doubt was left, and ends with it."""
    rig, looks = Rig().ready(), Unhedged()
    rig.venue.plays[Purpose.LEG, Side.SELL] = [Play(reply="refuse", taken=False)]
    assert looks.since_us(rig.engine.core, rig.at) is None
    rig.show(book("btceur", *DEAR))
    assert rig.state.open_hedge_id is not None
    assert looks.since_us(rig.engine.core, rig.at) is None
    rig.run("0.025")
    at_us = rig.at.utc_us
    assert looks.since_us(rig.engine.core, rig.at) == at_us
    again = Unhedged()
    hedge = rig.state.open_hedge()
    assert hedge is not None
    assert again.since_us(rig.engine.core, rig.at) == hedge.opened.utc_us
    rig.run(40)
    assert looks.since_us(rig.engine.core, rig.at) is None


def test_the_worst_notional_is_no_better_than_the_book() -> None:
    """A purchase without a limit pays the asks it sweeps, a sale gets the bid where that is more than its limit."""
    rig = Rig().ready()
    assert worst_notional(rig.engine.core) == 0
    rig.show(book("btceur", *DEAR))
    core, size = rig.engine.core, rig.state.open_orders()[0].may_fill
    buy, sell = (command.terms for command in rig.placed())
    assert (buy.price, sell.market) == (None, "btceur")
    bought = core.view.slots[buy.market].book
    fx = core.view.mid("eurusd")
    assert bought is not None
    assert bought.ask is not None
    assert fx is not None
    worst = size * bought.ask + size * max(Decimal(DEAR[0]), sell.price or Decimal(0)) * fx
    assert worst_notional(core) == worst.quantize(Decimal("0.01"))
