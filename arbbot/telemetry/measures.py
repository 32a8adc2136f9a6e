"""Which metrics a record becomes. Money becomes a machine number here, at its very last step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from datadog.dogstatsd.base import DogStatsd

from arbbot.domain import life, ramp, rebase, signals, trips
from arbbot.domain import records as r
from arbbot.domain.lease import LeaseRecord
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import Direction, Side
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.order import OrderTerms, Purpose, slippage_bps
from arbbot.telemetry.manifest import HARD_LIMITS, INVARIANTS
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.remember import remember

REMEMBERED_MAX = 256
"""Hedges and orders kept for what takes two records to measure."""

_STATE_NUMBERS = {mode: number for number, mode in enumerate(Mode)}
_EVENT_TYPES = {Severity.NOTICE: "info", Severity.WARNING: "warning", Severity.CRITICAL: "error"}
_FEED_CHECKS = {"up": DogStatsd.OK, "dead": DogStatsd.CRITICAL}


@dataclass(slots=True)
class _Sent:
    """An order whose answer is measured from its intent."""

    terms: OrderTerms
    intended_ns: int
    answered: bool = False


@dataclass(slots=True)
class _Open:
    """A hedge whose legs are measured against its decision."""

    opened: r.HedgeOpened
    first_answer_ns: int | None = None


class Measures:
    """The fold of records into metrics. `at_ns` is the monotonic moment of each record."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._orders: dict[str, _Sent] = {}
        self._hedges: dict[str, _Open] = {}
        self._confirmed_ns: dict[str, int] = {}
        """When each market's book was last confirmed, or the process began to wait for it."""
        # Each takes the record of its kind, which the key guarantees and the type checker cannot follow.
        self.table: dict[str, Callable[[Any, int], None] | None] = {
            r.AnchorSet.kind: None,
            r.MarkSet.kind: None,
            r.HedgeOpened.kind: self._hedge_opened,
            r.OrderIntended.kind: self._order_intended,
            r.OrderMoved.kind: self._order_moved,
            r.CancelIntended.kind: None,
            r.CancelAnswered.kind: self._cancel_answered,
            r.FillBooked.kind: self._fill_booked,
            r.RowBooked.kind: self._row_booked,
            r.StatementAgreed.kind: self._statement_agreed,
            r.Discrepancy.kind: self._discrepancy,
            r.ExitPlanned.kind: self._exit_planned,
            r.HedgeClosed.kind: self._hedge_closed,
            r.HedgeSettled.kind: self._hedge_settled,
            r.ConversionOpened.kind: self._conversion_opened,
            r.ConversionClosed.kind: self._conversion_closed,
            r.ModeChanged.kind: self._mode_changed,
            rebase.RebaseAsked.kind: None,
            rebase.RebaseDropped.kind: None,
            **{each.kind: None for each in get_args(LeaseRecord)},
            trips.LimitTripped.kind: self._limit_tripped,
            trips.ClockAgreed.kind: None,
            ramp.RampDecided.kind: self._ramp_decided,
            ramp.RampSet.kind: self._ramp_set,
            ramp.RequestsCounted.kind: None,
            r.RefusalsCounted.kind: self._refusals_counted,
            r.AlertRaised.kind: self._alert_raised,
            life.Started.kind: self._started,
            life.Stopped.kind: self._stopped,
            signals.Pulse.kind: self._pulse,
            signals.FeedChanged.kind: self._feed_changed,
            signals.FrameDropped.kind: self._frame_dropped,
            signals.AskUnanswered.kind: self._ask_unanswered,
        }

    def take(self, record: r.Record, at_ns: int) -> None:
        """Emit what the record means in metrics."""
        measure = self.table[record.kind]
        if measure is not None:
            measure(record, at_ns)

    def _hedge_opened(self, record: r.HedgeOpened, _at_ns: int) -> None:
        remember(self._hedges, record.hedge_id, _Open(record), REMEMBERED_MAX)
        self._metrics.count("hedges.opened", direction=record.direction)
        if not record.drill:
            self._metrics.distribution("hedges.expected_bps", float(record.legs_bps), direction=record.direction)

    def _order_intended(self, record: r.OrderIntended, at_ns: int) -> None:
        remember(self._orders, record.terms.client_order_id, _Sent(record.terms, at_ns), REMEMBERED_MAX)

    def _order_moved(self, record: r.OrderMoved, at_ns: int) -> None:
        order = self._orders.get(record.client_order_id)
        if order is None:  # intended before this process started
            self._metrics.count("orders", market="unknown", side="unknown", state=record.state)
            return
        market = order.terms.market
        self._metrics.count("orders", market=market, side=order.terms.side, state=record.state)
        if order.answered:
            return
        order.answered = True
        self._metrics.distribution("orders.answer_ms", (at_ns - order.intended_ns) / 1e6, market=market)
        hedge = self._hedges.get(order.terms.hedge_id)
        if hedge is None or order.terms.purpose is not Purpose.LEG:
            return
        if hedge.first_answer_ns is None:
            hedge.first_answer_ns = at_ns
        else:
            self._metrics.distribution("hedges.leg_gap_ms", (at_ns - hedge.first_answer_ns) / 1e6)

    def _cancel_answered(self, record: r.CancelAnswered, _at_ns: int) -> None:
        self._metrics.count("cancels", outcome=record.outcome)

    def _fill_booked(self, record: r.FillBooked, _at_ns: int) -> None:
        fill = record.fill
        self._metrics.count("fills", market=fill.market, side=fill.side, source=record.source)
        if record.late:
            self._metrics.count("fills.late")
        order = self._orders.get(record.client_order_id)
        hedge = self._hedges.get(order.terms.hedge_id) if order is not None else None
        if order is None or hedge is None or order.terms.purpose is not Purpose.LEG:
            return
        expected = hedge.opened.buy_vwap if fill.side is Side.BUY else hedge.opened.sell_vwap
        slipped = slippage_bps(fill.side, expected, fill.price)
        self._metrics.distribution("orders.slippage_bps", float(slipped), market=fill.market, side=fill.side)

    def _row_booked(self, record: r.RowBooked, _at_ns: int) -> None:
        settled = any(entry.account is LedgerAccount.TREASURY for entry in record.entries)
        own = "settlement" if settled else "own"
        self._metrics.count("rows", origin="external" if record.client_order_id is None else own)

    def _statement_agreed(self, record: r.StatementAgreed, _at_ns: int) -> None:
        for line in record.currencies:
            self._metrics.gauge("balance", float(line.venue_total), currency=line.currency)
            self._metrics.gauge("ledger.difference", 0, currency=line.currency)
            self._metrics.gauge("ledger.rounding", float(line.rounding), currency=line.currency)
        self._metrics.service_check("reconcile", DogStatsd.OK)
        self._metrics.service_check("auth", DogStatsd.OK)

    def _discrepancy(self, record: r.Discrepancy, _at_ns: int) -> None:
        for line in record.differences:
            self._metrics.gauge("ledger.difference", float(line.total), currency=line.currency)
        self._metrics.service_check("reconcile", DogStatsd.CRITICAL if record.halts else DogStatsd.WARNING)

    def _exit_planned(self, record: r.ExitPlanned, _at_ns: int) -> None:
        self._metrics.count("exits", action=record.action, forced="yes" if record.forced else "no")

    def _hedge_closed(self, record: r.HedgeClosed, _at_ns: int) -> None:
        self._metrics.count("hedges.closed", outcome=record.outcome)

    def _hedge_settled(self, record: r.HedgeSettled, _at_ns: int) -> None:
        self._hedges.pop(record.hedge_id, None)
        if record.drill:
            self._metrics.distribution("drills.pnl", float(record.realised_pnl))
            return
        self._metrics.distribution("hedges.realised_bps", float(record.realised_bps))
        self._metrics.distribution("hedges.realised_pnl", float(record.realised_pnl))
        self._metrics.distribution("hedges.turnover", float(record.turnover))

    def _conversion_opened(self, record: r.ConversionOpened, _at_ns: int) -> None:
        self._metrics.count("conversions.opened", side=record.side)

    def _conversion_closed(self, record: r.ConversionClosed, _at_ns: int) -> None:
        self._metrics.count("conversions.closed", outcome=record.outcome)
        self._metrics.distribution("conversions.realised_pnl", float(record.realised_pnl))
        self._metrics.distribution("conversions.fee", float(record.fee))

    def _mode_changed(self, record: r.ModeChanged, _at_ns: int) -> None:
        self._metrics.gauge("state", _STATE_NUMBERS[record.mode])
        self._metrics.event(f"{record.mode}", f"by {record.who}: {record.reason}", "warning")

    def _limit_tripped(self, record: trips.LimitTripped, _at_ns: int) -> None:
        self._metrics.count("limits.tripped", limit=record.name)
        self._metrics.event("limit_tripped", f"{record.name}: {record.measured} of {record.limit}", "error")

    def _ramp_decided(self, record: ramp.RampDecided, _at_ns: int) -> None:
        self._metrics.count("ramp.decisions", verdict=record.verdict)
        self._metrics.event("ramp", f"{record.verdict}: {record.before} to {record.weight}", "info")

    def _ramp_set(self, record: ramp.RampSet, _at_ns: int) -> None:
        self._metrics.count("ramp.decisions", verdict="set")
        self._metrics.event("ramp", f"{record.weight} by {record.who}: {record.reason}", "warning")

    def _refusals_counted(self, record: r.RefusalsCounted, _at_ns: int) -> None:
        for name, times in record.counts:
            self._metrics.count("refusals", times, refusal=name)

    def _alert_raised(self, record: r.AlertRaised, _at_ns: int) -> None:
        self._metrics.count("alerts", severity=record.severity, name=record.name)
        self._metrics.event(record.name, record.text, _EVENT_TYPES[record.severity])
        if record.name in INVARIANTS:
            self._metrics.count("invariants.tripped", invariant=record.name)
        if record.name == "auth_refused":
            self._metrics.service_check("auth", DogStatsd.CRITICAL, record.text)

    def _started(self, record: life.Started, at_ns: int) -> None:
        """Counts that call a person begin at zero: Prometheus sees no rise in one that begins at one."""
        self._metrics.count("starts")
        for name in INVARIANTS:
            self._metrics.count("invariants.tripped", 0, invariant=name)
        for name in HARD_LIMITS:
            self._metrics.count("limits.tripped", 0, limit=name)
        for instrument in record.instruments:
            self._confirmed_ns[instrument.symbol] = at_ns
        self._metrics.event("started", f"version {record.version}", "info")

    def _stopped(self, record: life.Stopped, _at_ns: int) -> None:
        self._metrics.count("stops", code=str(record.code))
        self._metrics.event("stopped", f"exit code {record.code}: {record.reason}", "error" if record.code else "info")

    def _pulse(self, record: signals.Pulse, at_ns: int) -> None:
        gauge = self._metrics.gauge
        self._metrics.count("heartbeat")
        gauge("exposure.low", float(record.exposure_low))
        gauge("exposure.high", float(record.exposure_high))
        gauge("orders.open", record.open_orders)
        gauge("orders.in_doubt", record.in_doubt)
        gauge("fx_drift", float(record.fx_drift))
        gauge("blocked", 1 if record.blockers else 0)
        gauge("state", _STATE_NUMBERS[record.mode])
        for market, age_ms in record.book_age_ms:
            self._confirmed_ns[market] = at_ns - age_ms * 1_000_000
        for (
            market,
            confirmed_ns,
        ) in self._confirmed_ns.items():  # a book that nothing vouches for grows old all the same
            gauge("book.age_ms", (at_ns - confirmed_ns) // 1_000_000, market=market)
        edges = dict(record.gross_bps)
        for direction in Direction:
            edge = edges.get(direction)
            gauge("edge.gross_bps", None if edge is None else float(edge), direction=direction)

    def _feed_changed(self, record: signals.FeedChanged, _at_ns: int) -> None:
        self._metrics.count("feed.changes", state=record.state)
        self._metrics.service_check("feed", _FEED_CHECKS.get(record.state, DogStatsd.WARNING), record.reason)

    def _frame_dropped(self, _record: signals.FrameDropped, _at_ns: int) -> None:
        self._metrics.count("feed.dropped")

    def _ask_unanswered(self, record: signals.AskUnanswered, _at_ns: int) -> None:
        self._metrics.count("asks.unanswered", topic=record.topic)
        if record.rate_limited:
            self._metrics.count("rate_limit.hits", topic=record.topic)
