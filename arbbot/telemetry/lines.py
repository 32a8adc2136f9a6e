"""Which log line a record becomes."""

from __future__ import annotations

from dataclasses import dataclass

from arbbot.domain import lease, life, ramp, rebase, signals, trips
from arbbot.domain import records as r
from arbbot.domain.mode import Severity
from arbbot.domain.order import OrderState

INFO, WARNING, ERROR, CRITICAL = 20, 30, 40, 50

_OF_SEVERITY = {Severity.NOTICE: INFO, Severity.WARNING: WARNING, Severity.CRITICAL: CRITICAL}


@dataclass(frozen=True, slots=True)
class Line:
    """The level and message of a record's line; `{0.size}` in the text stands for the record's field."""

    level: int
    text: str
    every_s: int = 0
    """At most one line in so many seconds; the others are counted."""


LINES: dict[str, Line | None] = {
    r.AnchorSet.kind: Line(INFO, "ledger anchored by {0.who}: {0.cause}, {0.reason}"),
    r.MarkSet.kind: Line(INFO, "prices marked"),
    r.HedgeOpened.kind: Line(
        INFO,
        "hedge {0.hedge_id}: buy {0.size} on {0.buy_market}, sell on {0.sell_market}, expected {0.net_bps:.2f} bps net",
    ),
    r.OrderIntended.kind: Line(
        INFO, "{0.terms.side} {0.terms.size} on {0.terms.market}: {0.terms.kind} order intended"
    ),
    r.OrderMoved.kind: Line(INFO, "order {0.client_order_id} is {0.state}: {0.cause}"),
    r.CancelIntended.kind: Line(INFO, "cancelling {0.client_order_id}: {0.cause}"),
    r.CancelAnswered.kind: Line(INFO, "cancel of {0.client_order_id}: {0.outcome} {0.reason}"),
    r.FillBooked.kind: Line(INFO, "{0.fill.side} filled: {0.fill.size} at {0.fill.price} on {0.fill.market}"),
    r.RowBooked.kind: Line(INFO, "transaction {0.row.transaction_id} booked"),
    r.StatementAgreed.kind: Line(INFO, "the ledger equals the venue"),
    r.Discrepancy.kind: Line(ERROR, "the ledger differs from the venue"),
    r.ExitPlanned.kind: Line(WARNING, "hedge {0.hedge_id} is one-sided by {0.imbalance}: {0.action}, {0.cause}"),
    r.HedgeClosed.kind: Line(INFO, "hedge {0.hedge_id} closed: {0.outcome}, {0.cause}"),
    r.HedgeSettled.kind: Line(
        INFO, "hedge {0.hedge_id} settled: {0.realised_pnl} in the numeraire, {0.realised_bps:.2f} bps"
    ),
    r.ConversionOpened.kind: Line(
        INFO, "conversion {0.conversion_id}: {0.side} {0.size} on {0.market}, of a drift of {0.drift}"
    ),
    r.ConversionClosed.kind: Line(
        INFO, "conversion {0.conversion_id} closed: {0.outcome}, {0.cause}; drift left {0.drift}"
    ),
    r.ModeChanged.kind: Line(WARNING, "{0.mode} by {0.who}: {0.reason}"),
    rebase.RebaseAsked.kind: Line(WARNING, "{0.who} asks for a rebase: {0.reason}"),
    rebase.RebaseDropped.kind: Line(WARNING, "the rebase is dropped: {0.why}"),
    lease.LeaseGranted.kind: Line(INFO, "{0.who} has the account for a settlement: {0.lease_id}, {0.reason}"),
    lease.LeaseDenied.kind: Line(WARNING, "a settlement must wait: {0.asked}: {0.reason}"),
    lease.LeaseEnded.kind: Line(INFO, "{0.lease_id} has ended: {0.cause}"),
    lease.SettlementOrderAnnounced.kind: Line(
        INFO, "a settlement will {0.side} {0.size} on {0.market} at {0.limit_price}: {0.client_order_id}"
    ),
    lease.WithdrawalAnnounced.kind: Line(
        WARNING, "a settlement will withdraw {0.size} {0.currency}, fee {0.fee}, over {0.network}: {0.name}"
    ),
    lease.SettlementTold.kind: Line(INFO, "{0.name} of a settlement is {0.outcome}: {0.reason}"),
    lease.TransitBooked.kind: Line(WARNING, "{0.name} has left the balance or come back to it before its row"),
    lease.ReturnBooked.kind: Line(WARNING, "what could be the return of {0.name} was so: {0.ours}"),
    trips.ClockAgreed.kind: Line(WARNING, "the clock is right again: what a wrong one dated ahead counts as of now"),
    trips.LimitTripped.kind: Line(ERROR, "limit {0.name} tripped at {0.measured} of {0.limit}: {0.mode}"),
    ramp.RampDecided.kind: Line(INFO, "ramp {0.verdict}: weight {0.before} to {0.weight} of target and capital"),
    ramp.RampSet.kind: Line(WARNING, "ramp set by {0.who}: weight {0.before} to {0.weight}: {0.reason}"),
    ramp.RequestsCounted.kind: Line(INFO, "requests counted: {0.requests}, {0.rate_limited} of them told to wait"),
    r.RefusalsCounted.kind: Line(INFO, "refusals counted"),
    r.AlertRaised.kind: Line(CRITICAL, "{0.name}: {0.text}"),
    life.Started.kind: Line(INFO, "started, version {0.version}"),
    life.Stopped.kind: Line(INFO, "stopping with exit code {0.code}: {0.reason}"),
    signals.Pulse.kind: None,
    signals.FeedChanged.kind: Line(WARNING, "feed {0.state}: {0.reason}"),
    signals.FrameDropped.kind: Line(WARNING, "malformed frame: {0.reason}", every_s=1),
    signals.AskUnanswered.kind: Line(WARNING, "the venue did not answer {0.topic}: {0.reason}", every_s=1),
}
"""By kind of record. None: metrics only."""


def level_of(record: r.Record, line: Line) -> int:
    """The line's level, or the severity of an alert, or what a doubt, a late fill or a sound feed calls for."""
    match record:
        case r.AlertRaised():
            return _OF_SEVERITY[record.severity]
        case r.FillBooked() if record.late:
            return WARNING
        case r.OrderMoved() if record.state is OrderState.IN_DOUBT:
            return WARNING
        case signals.FeedChanged() if record.state == "up":
            return INFO
    return line.level


def text_of(record: r.Record, line: Line) -> str:
    """The line's message."""
    text = line.text.format(record)
    unpriced = isinstance(record, r.HedgeOpened) and record.grounds is not None and record.grounds.unpriced
    drill = isinstance(record, r.HedgeOpened | r.HedgeSettled) and record.drill
    return f"{text}, a drill" if drill else f"{text}, FX leg unpriced" if unpriced else text


def ids_of(record: r.Record) -> dict[str, str]:
    """The ids a line is looked up by."""
    terms = record.terms if isinstance(record, r.OrderIntended) else None
    found = {}
    for name in ("hedge_id", "conversion_id", "client_order_id"):
        value = getattr(terms if terms is not None else record, name, None)
        if value is not None:
            found[name] = value
    return found
