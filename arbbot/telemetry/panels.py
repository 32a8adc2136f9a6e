"""What the dashboards show, once: Datadog's and Grafana's are both written from these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart."""

    title: str
    metrics: tuple[str, ...]
    """As declared in the manifest; of one unit."""
    by: str = ""
    """The tag that makes a line of its own of each value."""


@dataclass(frozen=True, slots=True)
class Row:
    """Charts that answer one question."""

    question: str
    panels: tuple[Panel, ...]


ROWS = (
    Row(
        "Is it alive?",
        (
            Panel("state: 0 active, 1 paused, 2 reducing, 3 halted, 4 panic", ("state",)),
            Panel("heartbeats", ("heartbeat",)),
            Panel("starts and stops", ("starts", "stops")),
            Panel("uptime", ("uptime_s",)),
            Panel("alerts", ("alerts",), "name"),
            Panel("invariants tripped", ("invariants.tripped",), "invariant"),
        ),
    ),
    Row(
        "Am I flat?",
        (
            Panel("exposure, base units", ("exposure.low", "exposure.high")),
            Panel("exposure, numeraire", ("exposure.notional",)),
            Panel("orders open and in doubt", ("orders.open", "orders.in_doubt")),
            Panel("age of the oldest doubt", ("orders.in_doubt_age_s",)),
            Panel("foreign currency not converted yet", ("fx_drift",)),
            Panel("exits of one-sided hedges", ("exits",), "action"),
        ),
    ),
    Row(
        "Does the ledger equal the venue?",
        (
            Panel("since the ledger last equalled the venue", ("reconcile.age_s",)),
            Panel("venue minus ledger", ("ledger.difference",), "currency"),
            Panel("put to rounding", ("ledger.rounding",), "currency"),
            Panel("balances", ("balance",), "currency"),
            Panel("transaction rows", ("rows",), "origin"),
            Panel("late fills", ("fills.late",)),
        ),
    ),
    Row(
        "What did we make?",
        (
            Panel("realised P&L since the opening, and of today", ("pnl.realised", "pnl.day")),
            Panel("P&L of a hedge", ("hedges.realised_pnl",)),
            Panel("edge: expected and realised", ("hedges.expected_bps", "hedges.realised_bps")),
            Panel("turnover of a hedge", ("hedges.turnover",)),
            Panel("hedges closed, by outcome", ("hedges.closed",), "outcome"),
            Panel("hedges opened", ("hedges.opened",), "direction"),
            Panel("conversions opened", ("conversions.opened",), "side"),
            Panel("conversions closed", ("conversions.closed",), "outcome"),
            Panel("P&L and fee of a conversion", ("conversions.realised_pnl", "conversions.fee")),
            Panel("P&L of a readiness drill", ("drills.pnl",)),
        ),
    ),
    Row(
        "How well are orders filled?",
        (
            Panel("fill slippage", ("orders.slippage_bps",), "market"),
            Panel("first answer to an order", ("orders.answer_ms",), "market"),
            Panel("gap between the answers to both legs", ("hedges.leg_gap_ms",)),
            Panel("orders by state", ("orders",), "state"),
            Panel("fills", ("fills",), "market"),
            Panel("cancels", ("cancels",), "outcome"),
        ),
    ),
    Row(
        "Why are we not trading?",
        (
            Panel("gross edge at the touch", ("edge.gross_bps",), "direction"),
            Panel("refusals", ("refusals",), "refusal"),
            Panel("1 while blocked", ("blocked",)),
            Panel("hard limits: used", ("limits.used",), "limit"),
            Panel("hard limits: tripped", ("limits.tripped",), "limit"),
            Panel("tickers' premium minus the books'", ("premium.difference_bps",)),
            Panel("ramp: weight of a hedge", ("ramp.weight",)),
            Panel("ramp: decisions", ("ramp.decisions",), "verdict"),
        ),
    ),
    Row(
        "Do we see and reach the venue?",
        (
            Panel("age of books", ("book.age_ms",), "market"),
            Panel("feed changes", ("feed.changes",), "state"),
            Panel("malformed frames", ("feed.dropped",)),
            Panel("round trips of requests", ("rest.p50_ms", "rest.p99_ms")),
            Panel("requests", ("rest.requests",)),
            Panel("rate limit: hit ratio, and our budget used", ("rate_limit.ratio", "rate_limit.used")),
            Panel("rate limit hits", ("rate_limit.hits",), "topic"),
            Panel("questions unanswered", ("asks.unanswered",), "topic"),
            Panel("clocks apart", ("clock.off_ms",)),
        ),
    ),
    Row(
        "How does the process fare?",
        (
            Panel("loop lag", ("loop.lag_ms",)),
            Panel("resident memory", ("process.rss_bytes",)),
            Panel("journal", ("journal.bytes",)),
            Panel("disk free", ("disk.free_bytes",)),
            Panel("telemetry lost", ("telemetry.dropped",), "what"),
            Panel("messages to the webhook", ("alerts.posts",), "outcome"),
        ),
    ),
)

CHECKS = ("feed", "reconcile", "auth")
"""Service checks, shown first."""
