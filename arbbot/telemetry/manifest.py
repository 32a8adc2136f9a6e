"""Every metric there is: its name, type, unit, tags and meaning. What is not declared here cannot be emitted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NAMESPACE = "arbbot"


class MetricType(StrEnum):
    """How DogStatsD treats it."""

    COUNT = "count"
    GAUGE = "gauge"
    DISTRIBUTION = "distribution"
    SERVICE_CHECK = "service_check"


@dataclass(frozen=True, slots=True)
class Metric:
    """One declared metric. `tags` are beside the constant ones of the process."""

    name: str
    """Below the namespace: `hedges` is `arbbot.hedges` at the agent."""
    type: MetricType
    unit: str
    tags: tuple[str, ...]
    description: str
    buckets: tuple[float, ...] = ()
    """Of a distribution, for Prometheus: upper bounds of its histogram, in the metric's unit."""

    @property
    def prometheus(self) -> str:
        """Its name there, by the habits there: words joined by underscores, counts end in `_total`."""
        ending = {MetricType.COUNT: "_total", MetricType.SERVICE_CHECK: "_check"}.get(self.type, "")
        return f"{NAMESPACE}_{self.name.replace('.', '_')}{ending}"


CONSTANT_TAGS = ("service", "env", "version", "venue", "mode", "route")
"""Carried by every metric, event and check."""

INVARIANTS = (
    "ledger_difference",
    "row_contradiction",
    "order_contradiction",
    "unknown_own_order",
    "stopped_unreconciled",
    "fault",
)
"""Alerts that say that something is untrue which must always be true; `fault` is a break of the program itself."""

HARD_LIMITS = (
    "daily_loss",
    "equity_loss",
    "losers_in_row",
    "max_hedges",
    "max_rejects",
    "unhedged_notional",
    "unhedged_s",
)
"""Limits that trip, as the settings call them."""

_MS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000)
_BPS = (-50, -20, -10, -5, -2, 0, 2, 5, 10, 20, 50, 100)
_MONEY = (-100, -50, -20, -10, -5, -2, 0, 2, 5, 10, 20, 50, 100)
_FEES = (0.1, 0.5, 1, 2, 5, 10, 50)
_TURNOVER = (100, 250, 500, 1000, 2500, 5000, 10_000)

_COUNT, _GAUGE = MetricType.COUNT, MetricType.GAUGE
_DISTRIBUTION, _CHECK = MetricType.DISTRIBUTION, MetricType.SERVICE_CHECK

_DECLARED = (
    # --- the process
    Metric("heartbeat", _COUNT, "beat", (), "once a second while the engine ticks; its absence is the alarm"),
    Metric("starts", _COUNT, "process", (), "the daemon took its journal"),
    Metric("stops", _COUNT, "process", ("code",), "the daemon left, by exit code"),
    Metric("uptime_s", _GAUGE, "second", (), "since the process began; falls back at a restart"),
    Metric("state", _GAUGE, "state", (), "0 active, 1 paused, 2 reducing, 3 halted, 4 panic"),
    Metric("alerts", _COUNT, "alert", ("severity", "name"), "something a person should know"),
    Metric("invariants.tripped", _COUNT, "trip", ("invariant",), "what must always be true was not; see INVARIANTS"),
    Metric("loop.lag_ms", _DISTRIBUTION, "millisecond", (), "how late a timer woke, at worst in a second", _MS),
    Metric("clock.off_ms", _GAUGE, "millisecond", (), "by how much the venue's clock and ours differ, unsigned"),
    Metric("process.rss_bytes", _GAUGE, "byte", (), "resident memory"),
    Metric("journal.bytes", _GAUGE, "byte", (), "the journal and its write-ahead log"),
    Metric("disk.free_bytes", _GAUGE, "byte", (), "what the state directory may still grow by"),
    Metric("telemetry.dropped", _COUNT, "item", ("what",), "what could not be told, or nobody took"),
    Metric("alerts.posts", _COUNT, "request", ("outcome",), "requests to the webhook: delivered, failed or refused"),
    # --- hedges and conversions
    Metric("hedges.opened", _COUNT, "hedge", ("direction",), "decisions to hedge"),
    Metric("hedges.closed", _COUNT, "hedge", ("outcome",), "hedges whose orders are all done"),
    Metric(
        "hedges.expected_bps",
        _DISTRIBUTION,
        "bps",
        ("direction",),
        "edge at the decision, after the fees of both legs, before any FX conversion",
        _BPS,
    ),
    Metric("hedges.realised_bps", _DISTRIBUTION, "bps", (), "net edge by the venue's rows, at the decision's FX", _BPS),
    Metric(
        "hedges.realised_pnl",
        _DISTRIBUTION,
        "numeraire",
        (),
        "hedge P&L by the venue's rows; its sum is the total",
        _MONEY,
    ),
    Metric(
        "hedges.turnover", _DISTRIBUTION, "numeraire", (), "paid in the buy leg; its sum is the turnover", _TURNOVER
    ),
    Metric("hedges.leg_gap_ms", _DISTRIBUTION, "millisecond", (), "between the answers to a hedge's two legs", _MS),
    Metric("exits", _COUNT, "plan", ("action", "forced"), "one-sided hedges: what was chosen"),
    Metric("conversions.opened", _COUNT, "conversion", ("side",), "decisions to convert foreign currency back"),
    Metric("conversions.closed", _COUNT, "conversion", ("outcome",), "conversions whose order is done"),
    Metric(
        "conversions.realised_pnl",
        _DISTRIBUTION,
        "numeraire",
        (),
        "FX P&L of a conversion against the hedges' decisions, its fee not in; its sum is the total",
        _MONEY,
    ),
    Metric("conversions.fee", _DISTRIBUTION, "numeraire", (), "paid for a conversion; its sum is the total", _FEES),
    Metric("drills.pnl", _DISTRIBUTION, "numeraire", (), "of a readiness drill; in no figure of hedges", _MONEY),
    Metric("pnl.realised", _GAUGE, "numeraire", (), "of the hedges settled since the ledger's opening"),
    Metric("pnl.day", _GAUGE, "numeraire", (), "of the hedges settled this UTC day, or since a daily loss was reset"),
    # --- orders
    Metric("orders", _COUNT, "order", ("market", "side", "state"), "orders by the states they reach"),
    Metric(
        "orders.answer_ms", _DISTRIBUTION, "millisecond", ("market",), "from an order's intent to its first answer", _MS
    ),
    Metric(
        "orders.slippage_bps",
        _DISTRIBUTION,
        "bps",
        ("market", "side"),
        "a leg's fill worse than its decision VWAP",
        _BPS,
    ),
    Metric("orders.open", _GAUGE, "order", (), "orders that may still fill"),
    Metric("orders.in_doubt", _GAUGE, "order", (), "orders whose fate is unknown"),
    Metric(
        "orders.in_doubt_age_s", _GAUGE, "second", (), "since the oldest order in doubt was intended; 0 without one"
    ),
    Metric("cancels", _COUNT, "cancel", ("outcome",), "answers to cancels"),
    Metric("fills", _COUNT, "fill", ("market", "side", "source"), "fills that moved the position"),
    Metric("fills.late", _COUNT, "fill", (), "fills of orders that were already done"),
    # --- the account
    Metric("rows", _COUNT, "row", ("origin",), "transaction rows booked: ours, a settlement's or external"),
    Metric("balance", _GAUGE, "currency", ("currency",), "the venue's total when the ledger last equalled it"),
    Metric("ledger.difference", _GAUGE, "currency", ("currency",), "venue minus ledger at a quiet moment"),
    Metric("ledger.rounding", _GAUGE, "currency", ("currency",), "what the last agreement put to the rounding account"),
    Metric("reconcile", _CHECK, "", (), "ok when the ledger equals the venue, critical when that halted"),
    Metric("reconcile.age_s", _GAUGE, "second", (), "since the ledger last equalled the venue, or the start"),
    Metric("auth", _CHECK, "", (), "ok when the account was read, critical when the venue refused the key"),
    # --- limits and exposure
    Metric("limits.tripped", _COUNT, "trip", ("limit",), "hard limits reached; a person must resume"),
    Metric("limits.used", _GAUGE, "fraction", ("limit",), "what each hard limit measures, of the limit; 1 trips"),
    Metric("ramp.weight", _GAUGE, "fraction", (), "share of target size and tradable capital that one hedge may use"),
    Metric("ramp.decisions", _COUNT, "decision", ("verdict",), "about that share: up, hold, down, or set by a person"),
    Metric("refusals", _COUNT, "refusal", ("refusal",), "moments that did not become a hedge, by reason"),
    Metric("blocked", _GAUGE, "", (), "1 while something keeps hedges from opening"),
    Metric("exposure.low", _GAUGE, "base", (), "least position relative to the float, all doubt counted"),
    Metric("exposure.high", _GAUGE, "base", (), "largest position relative to the float, all doubt counted"),
    Metric(
        "exposure.notional", _GAUGE, "numeraire", (), "the wider end of the position, unsigned, at the book's middle"
    ),
    Metric("fx_drift", _GAUGE, "foreign", (), "money that hedges moved across and nobody converted yet"),
    # --- the venue
    Metric("book.age_ms", _GAUGE, "millisecond", ("market",), "since a book was last confirmed"),
    Metric("edge.gross_bps", _GAUGE, "bps", ("direction",), "gross edge by the touches"),
    Metric("premium.difference_bps", _GAUGE, "bps", (), "the tickers' premium minus the books', when last compared"),
    Metric("feed", _CHECK, "", (), "ok when up, critical when dead, warning between"),
    Metric("feed.changes", _COUNT, "change", ("state",), "the feed came, went or died"),
    Metric("feed.dropped", _COUNT, "frame", (), "malformed frames survived"),
    Metric("asks.unanswered", _COUNT, "question", ("topic",), "questions the venue did not answer"),
    Metric("rest.requests", _COUNT, "request", (), "requests sent to the venue"),
    Metric("rest.p50_ms", _GAUGE, "millisecond", (), "median round trip of the last requests"),
    Metric("rest.p99_ms", _GAUGE, "millisecond", (), "99th percentile of the same"),
    Metric("rate_limit.hits", _COUNT, "reply", ("topic",), "replies that said slower"),
    Metric("rate_limit.ratio", _GAUGE, "fraction", (), "replies that said slower, per request of the last ten minutes"),
    Metric("rate_limit.used", _GAUGE, "fraction", (), "of the fullest window of our own request budget"),
)

MANIFEST = {metric.name: metric for metric in _DECLARED}
