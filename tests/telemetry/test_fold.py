from __future__ import annotations

import asyncio
import string
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import get_args

import pytest

from arbbot.domain import lease, life, ramp, rebase, signals, trips
from arbbot.domain import records as r
from arbbot.domain.events import Moment
from arbbot.domain.ledger import LedgerAccount, move
from arbbot.domain.market import Direction, Instrument, Side
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.order import Fill, OrderKind, OrderState, OrderTerms, Purpose, Transaction
from arbbot.telemetry.address import parse_agent
from arbbot.telemetry.alerts import Alerts, Answer, Choice, Message
from arbbot.telemetry.fold import Telemetry
from arbbot.telemetry.lines import INFO, LINES, WARNING, level_of
from arbbot.telemetry.logging import build_logger
from arbbot.telemetry.manifest import MANIFEST
from arbbot.telemetry.measures import Measures
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.sink import LineSink
from tests.telemetry.conftest import IDENTITY, TAGS, Pipe, UdpAgent

D = Decimal
KINDS = {kind.kind for kind in get_args(r.Record)}
UTC = 1_700_000_000_000_000
MARKETS = (
    Instrument("btcusd", "btc", "usd", 8, 2, Decimal(10)),
    Instrument("btceur", "btc", "eur", 8, 2, Decimal(10)),
    Instrument("eurusd", "eur", "usd", 5, 5, Decimal(10)),
)
SECRET = "correct horse battery"


def leg(number: int, side: Side, market: str) -> OrderTerms:
    """One leg of hedge h1."""
    return OrderTerms(f"c{number}", "h1", Purpose.LEG, market, side, OrderKind.MARKET, D("0.1"), None, None)


OPENED = r.HedgeOpened(
    hedge_id="h1",
    direction=next(iter(Direction)),
    size=D("0.1"),
    buy_market="btcusd",
    sell_market="btceur",
    buy_vwap=D("50000"),
    sell_vwap=D("46000"),
    fx_vwap=D("1.1"),
    buy_fee=D("0.0003"),
    sell_fee=D("0.0003"),
    fx_fee=D(0),
    limit_price=D("45600"),
    gross_bps=D("120"),
    net_bps=D("114.123"),
    legs_bps=D("114.123"),
    expected_pnl=D("57"),
    bound_by="target",
    book_microtimestamps=(1, 2, 3),
    utc_us=UTC,
    mono_ns=0,
)
ROW = Transaction(7, UTC, 2, (("btc", D("0.1")), ("usd", D("-5001"))), D("1.5"), "usd", 11, "btcusd", D("50010"))
BUY_FILL = Fill(7, "btcusd", Side.BUY, D("0.1"), D("50010"), D("1.5"))
SELL_FILL = Fill(8, "btceur", Side.SELL, D("0.1"), D("45990"), None)

STORY: list[r.Record] = [
    life.Started("1.2.3", MARKETS, UTC),
    r.AnchorSet((r.Holding("usd", D("1000")),), 6, "opening", "start", "first run", UTC),
    r.MarkSet((r.Price("btc", D("50000")),), UTC),
    signals.FeedChanged(1, "up", "subscribed"),
    OPENED,
    r.OrderIntended(leg(1, Side.BUY, "btcusd"), UTC),
    r.OrderIntended(leg(2, Side.SELL, "btceur"), UTC),
    r.OrderMoved("c1", OrderState.FILLED, 11, "acknowledged", UTC),
    r.OrderMoved("c2", OrderState.LIVE, 12, "acknowledged", UTC),
    r.FillBooked("c1", BUY_FILL, "channel", False, UTC),
    r.FillBooked("c2", SELL_FILL, "status", True, UTC),
    r.CancelIntended("c2", "deadline", UTC),
    r.CancelAnswered("c2", "canceled", "", UTC),
    r.OrderMoved("c2", OrderState.CANCELED, 12, "cancelled", UTC),
    r.OrderMoved("c0", OrderState.ABSENT, None, "of an earlier process", UTC),
    r.ExitPlanned("h1", "complete", "one leg", D("0.05"), D("-3"), None, False, UTC),
    r.RowBooked(ROW, "c1", move("usd", D("-5001"), LedgerAccount.TRADING), UTC),
    r.RowBooked(ROW, None, move("usd", D("-5001"), LedgerAccount.EXTERNAL), UTC),
    r.HedgeClosed("h1", "completed", D("0.1"), D("0.1"), D(0), "filled", UTC),
    r.HedgeSettled(
        "h1", D("56.5"), D("113"), D("5001"), D(0), (r.Holding("usd", D("1.5")),), D("-5001"), D("4599"), UTC
    ),
    r.ConversionOpened(
        "v1",
        "eurusd",
        "eur",
        "usd",
        Side.SELL,
        D("4599"),
        D("1.0998"),
        D("1.1"),
        D("0.0003"),
        D("4599"),
        "band",
        "drift",
        3,
        UTC,
    ),
    r.ConversionClosed("v1", "converted", D("-4599"), D("5058.9"), D("1.5"), D("-0.2"), D(0), "sell filled", UTC),
    r.StatementAgreed((r.CurrencyStatement("usd", D("999"), D("0.001")),), UTC),
    r.Discrepancy((r.Holding("usd", D("-0.01")),), True, UTC),
    r.RefusalsCounted((("below_threshold", 41), ("thin_book", 1)), UTC),
    r.AlertRaised(Severity.NOTICE, "leg_open", f"text with {SECRET}", UTC),
    r.ModeChanged(Mode.HALTED, "ledger", f"difference, {SECRET}", UTC),
    rebase.RebaseDropped("the process stopped first", UTC),
    rebase.RebaseAsked("ann", f"a new month, {SECRET}", UTC),
    lease.LeaseDenied("lease", "one hedge at a time", UTC),
    lease.LeaseGranted("l1", "treasury", "settle", UTC + 120_000_000, UTC),
    lease.SettlementOrderAnnounced(
        "l1", "t1", "usdtusd", Side.BUY, D(20), D("1.001"), "usd", D("20.03"), D("20.03"), UTC
    ),
    r.RowBooked(ROW, "t1", move("usd", D("-20"), LedgerAccount.TREASURY), UTC),
    lease.WithdrawalAnnounced("l1", "t2", "usdt", D(15), D(5), "ethereum", UTC),
    lease.SettlementTold("t2", "accepted", 7, None, "by its reply", UTC),
    lease.TransitBooked("t2", True, move("usdt", D(-20), LedgerAccount.TRANSIT), UTC),
    lease.ReturnBooked("t2", False, (), UTC),
    lease.LeaseEnded("l1", "released", UTC),
    trips.LimitTripped("daily_loss", D("501"), D("500"), Mode.HALTED, UTC),
    trips.ClockAgreed(UTC),
    ramp.RequestsCounted(1200, 1, UTC),
    ramp.RampDecided("up", D("0.05"), D("0.1"), (), (), ramp.RampFigures(UTC, 12), UTC),
    ramp.RampSet(D("0.1"), D("0.02"), "ann", f"a quiet month, {SECRET}", UTC),
    signals.Pulse(
        D("-0.1"), D("0.1"), 2, 1, D("4599"), ("halted",), Mode.HALTED, (("btcusd", 120),), (("buy_domestic", D(35)),)
    ),
    signals.FrameDropped("no json"),
    signals.AskUnanswered("balances", "429", True),
    life.Stopped(0, "asked to", UTC),
]


def telemetry_into(pipe: Pipe, agent: UdpAgent | None) -> Telemetry:
    """The whole of it, into real receivers."""
    redactor = Redactor()
    redactor.learn(SECRET)
    sink = LineSink(pipe.writer)
    metrics = Metrics(parse_agent(agent.address) if agent else None, TAGS, redactor)
    return Telemetry(build_logger(sink, IDENTITY, redactor), sink, metrics)


def test_every_record_has_its_line_and_its_measure() -> None:
    """No kind of record is forgotten by a table, and no table knows a kind that does not exist."""
    assert set(LINES) == KINDS
    assert set(Measures(Metrics(None, {}, Redactor())).table) == KINDS
    assert {record.kind for record in STORY} == KINDS


def test_every_line_names_only_fields_that_exist() -> None:
    """The fields in a line's text belong to the record it is written for."""
    by_kind = {kind.kind: kind for kind in get_args(r.Record)}
    for kind, line in LINES.items():
        if line is not None:
            for _, field, _, _ in string.Formatter().parse(line.text):
                if field:
                    assert field.split(".")[1] in by_kind[kind].__slots__, (kind, field)


def test_a_story_becomes_lines_and_metrics(pipe: Pipe, agent: UdpAgent) -> None:
    """One record of each kind yields a JSON line with its ids, and nothing is emitted that is not declared."""
    telemetry = telemetry_into(pipe, agent)
    for step, record in enumerate(STORY):
        telemetry.fold([record], Moment(step * 2_000_000, UTC + step * 2_000))
    telemetry.close()

    lines = pipe.lines()
    assert [line["kind"] for line in lines] == [record.kind for record in STORY if record.kind != "pulse"]
    intended = next(line for line in lines if line["kind"] == "order_intended")
    assert (intended["hedge_id"], intended["client_order_id"]) == ("h1", "c1")
    assert intended["record"]["terms"]["size"] == "0.1"  # type: ignore[index]  # parsed JSON
    assert intended["timestamp"] == "2023-11-14T22:13:20.010000Z"

    got = agent.received()
    names = {line.removeprefix("_sc|").split("|")[0].split(":")[0].removeprefix("arbbot.") for line in got}
    assert {name for name in names if not name.startswith("_e{")} <= set(MANIFEST)
    assert len(names) > 40


def test_levels_are_those_of_what_happened() -> None:
    """An order in doubt calls for a look, a sound feed for none."""
    levels = {
        record: level_of(record, line)
        for record in (
            r.OrderMoved("c1", OrderState.IN_DOUBT, None, "no answer", UTC),
            r.OrderMoved("c1", OrderState.LIVE, 7, "acknowledged", UTC),
            signals.FeedChanged(1, "up", "all channels acknowledged"),
            signals.FeedChanged(1, "down", "cut off"),
        )
        if (line := LINES[record.kind]) is not None
    }
    assert list(levels.values()) == [WARNING, INFO, INFO, WARNING]


def test_figures_that_take_two_records(pipe: Pipe, agent: UdpAgent) -> None:
    """Answer times, the gap between legs and slippage are measured from a decision to what came of it."""
    telemetry = telemetry_into(pipe, agent)
    for step, record in enumerate(STORY):
        telemetry.fold([record], Moment(step * 2_000_000, UTC))
    telemetry.close()
    figures = [
        line.split("|#")[0] + "|" + line.split("|#")[1].split(",venue")[0] for line in agent.received() if "|d|" in line
    ]
    assert "arbbot.orders.answer_ms:4.0|d|market:btcusd" in figures
    assert any(line.startswith("arbbot.hedges.leg_gap_ms:2.0|d|") for line in figures)
    assert "arbbot.orders.slippage_bps:2.0|d|market:btcusd,side:buy" in figures
    sell = next(line for line in figures if "side:sell" in line)
    assert sell.startswith("arbbot.orders.slippage_bps:2.17391304")


def test_a_known_secret_is_in_no_line_and_no_metric(pipe: Pipe, agent: UdpAgent) -> None:
    """A secret that got into records leaves neither by the log nor by the agent."""
    telemetry = telemetry_into(pipe, agent)
    telemetry.fold(STORY, Moment(0, UTC))
    telemetry.close()
    output = pipe.read().decode() + "".join(agent.received())
    assert output.count("[secret]") >= 4
    assert SECRET not in output


def test_a_flood_becomes_one_line_a_second_and_is_counted(pipe: Pipe, agent: UdpAgent) -> None:
    """Two thousand malformed frames in two seconds are two thousand in the count and two lines in the log."""
    telemetry = telemetry_into(pipe, agent)
    for number in range(2_000):
        telemetry.fold([signals.FrameDropped("garbage")], Moment(number * 1_000_000, UTC))
    telemetry.close()
    assert [line.get("swallowed", 0) for line in pipe.lines()] == [0, 999]
    assert sum(line.startswith("arbbot.feed.dropped:1|c") for line in agent.received()) == 2_000


def test_a_full_backlog_drops_and_counts(pipe: Pipe, agent: UdpAgent) -> None:
    """When nobody folds, noting stays bounded; what was dropped is counted and told to the agent."""
    redactor = Redactor()
    sink = LineSink(pipe.writer)
    metrics = Metrics(parse_agent(agent.address), TAGS, redactor)
    telemetry = Telemetry(build_logger(sink, IDENTITY, redactor), sink, metrics, backlog_max=3)
    for _ in range(5):
        telemetry.fold([life.Started("1", MARKETS, UTC)], Moment(0, UTC))
    telemetry.close()
    assert telemetry.dropped == 2
    assert len(pipe.lines()) == 3
    assert any(line.startswith("arbbot.telemetry.dropped:2|c|#what:records") for line in agent.received())


async def test_a_record_that_cannot_be_told_costs_one_record(pipe: Pipe, agent: UdpAgent) -> None:
    """Neither the task nor the other records of its batch die of it: log and metrics count it, they are told."""
    telemetry = telemetry_into(pipe, agent)
    unheard = r.AlertRaised("no severity", "name", "text", UTC)  # type: ignore[arg-type]  # what no line can be made of
    telemetry.fold([unheard, life.Stopped(0, "asked to", UTC)], Moment(0, UTC))
    task = asyncio.create_task(telemetry.run())
    told: list[dict[str, object]] = []
    async with asyncio.timeout(10):
        while not told:
            await asyncio.sleep(0.01)
            told += pipe.lines()
    assert ([line["kind"] for line in told], telemetry.dropped, task.done()) == (["stopped"], 2, False)
    task.cancel()
    await asyncio.wait([task])
    telemetry.close()


class _Failing(Metrics):
    """A metrics client of which one call fails each time."""

    def __init__(self, name: str) -> None:
        super().__init__(None, TAGS, Redactor())
        self.tried = 0
        setattr(self, name, self._fail)

    def _fail(self, *_: object, **__: object) -> None:
        self.tried += 1
        raise ArithmeticError("one metric")


@pytest.mark.parametrize("name", ["distribution", "count", "flush", "service_check"])
async def test_a_metric_that_fails_costs_itself_alone(name: str, pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log and alerts tell of the record whose measure fails, the task runs on and tries again, the last words are
    written; each failure is counted.
    """
    monkeypatch.setattr("arbbot.telemetry.fold.TELL_EVERY_S", 0.0)
    posted: list[Message] = []

    async def post(messages: Sequence[Message], dropped: int) -> Answer:
        posted.extend(messages)
        return Answer("delivered")

    sink, metrics = LineSink(pipe.writer), _Failing(name)
    alerts = Alerts(Choice(), post, Random(1))
    telemetry = Telemetry(build_logger(sink, IDENTITY, Redactor()), sink, metrics, alerts=alerts)
    refused = r.AlertRaised(Severity.CRITICAL, "auth_refused", "the key", UTC)
    telemetry.fold([refused], Moment(0, UTC))
    task = asyncio.create_task(telemetry.run())
    told: list[dict[str, object]] = []
    async with asyncio.timeout(10):
        while not told or (metrics.tried < 2 and name != "service_check"):
            await asyncio.sleep(0.01)
            told += pipe.lines()
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
    telemetry.fold([life.Stopped(0, "asked to", UTC)], Moment(0, UTC))
    telemetry.close()
    await alerts.close(1.0)
    assert [line["kind"] for line in told + pipe.lines()] == ["alert_raised", "stopped"]
    assert [message.name for message in posted] == ["auth_refused"]
    assert telemetry.dropped >= 1


async def test_the_task_writes_while_it_runs(pipe: Pipe, agent: UdpAgent) -> None:
    """Running, it brings lines and metrics out by itself, and measures how late the loop is."""
    telemetry = telemetry_into(pipe, agent)
    telemetry.fold(STORY, Moment(0, UTC))
    task = asyncio.create_task(telemetry.run())
    lines, metrics = b"", ""
    async with asyncio.timeout(10):
        while lines.count(b"\n") < len(STORY) - 1 or "arbbot.loop.lag_ms" not in metrics:
            await asyncio.sleep(0.01)
            lines += pipe.read()
            metrics += "\n".join(agent.received())
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    telemetry.close()
    assert telemetry.dropped == 0


@pytest.mark.parametrize("gone", ["agent", "log reader", "both"])
async def test_with_its_receivers_gone_it_goes_on(gone: str, pipe: Pipe, agent: UdpAgent) -> None:
    """A dead agent and a closed log pipe change nothing: folding goes on, and the end comes without an error."""
    telemetry = telemetry_into(pipe, agent)
    if gone in ("agent", "both"):
        agent.close()
    if gone in ("log reader", "both"):
        pipe.hang_up()
    task = asyncio.create_task(telemetry.run())
    for _ in range(10):
        telemetry.fold(STORY, Moment(0, UTC))
        await asyncio.sleep(0.02)
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    telemetry.close()


def test_a_book_that_nothing_vouches_for_grows_old(pipe: Pipe, agent: UdpAgent) -> None:
    """From the start, and from its last confirmation: a feed that went is seen as age, not as silence."""
    telemetry = telemetry_into(pipe, agent)
    telemetry.fold([STORY[0]], Moment(0, UTC))
    for second, seen in ((1, ()), (2, (("btcusd", 500),)), (7, ())):
        pulse = signals.Pulse(D(0), D(0), 0, 0, D(0), (), Mode.ACTIVE, seen, ())
        telemetry.fold([pulse], Moment(second * 1_000_000_000, UTC))
    telemetry.close()
    ages = [line.split(":")[1].split("|")[0] for line in agent.received() if "book.age_ms" in line and "btcusd" in line]
    assert ages == ["1000", "500", "5500"]


def test_broken_invariants_and_a_refused_key_are_told(pipe: Pipe, agent: UdpAgent) -> None:
    """Counted by name from zero on, and the check of the key turns critical until the account is read again."""
    telemetry = telemetry_into(pipe, agent)
    agreed = next(record for record in STORY if isinstance(record, r.StatementAgreed))
    for record in (
        STORY[0],
        agreed,
        r.AlertRaised(Severity.CRITICAL, "row_contradiction", "row 7", UTC),
        r.AlertRaised(Severity.CRITICAL, "auth_refused", "the key", UTC),
    ):
        telemetry.fold([record], Moment(0, UTC))
    telemetry.close()
    told = agent.received()
    trips = [line.split("|#")[0] for line in told if "invariant:row_contradiction" in line]
    assert trips == ["arbbot.invariants.tripped:0|c", "arbbot.invariants.tripped:1|c"]
    assert [line.split("|")[2] for line in told if line.startswith("_sc|arbbot.auth")] == ["0", "2"]


def test_losses_begin_at_zero_and_are_told_once(pipe: Pipe, agent: UdpAgent) -> None:
    """So that the first loss is a rise; what has not grown since is not told again."""
    telemetry = telemetry_into(pipe, agent)
    pipe.hang_up()
    telemetry.fold([STORY[0]], Moment(0, UTC))
    telemetry.close()
    told = [line.split("|#")[0] + line.split("what:")[1].split(",")[0] for line in agent.received() if "what:" in line]
    assert told == [
        "arbbot.telemetry.dropped:0|crecords",
        "arbbot.telemetry.dropped:1|clines",
        "arbbot.telemetry.dropped:0|cpackets",
    ]
