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


_COUNT, _GAUGE = MetricType.COUNT, MetricType.GAUGE
_DISTRIBUTION, _CHECK = MetricType.DISTRIBUTION, MetricType.SERVICE_CHECK

_DECLARED = (
    Metric("starts", _COUNT, "process", (), "the daemon took its journal"),
    Metric("stops", _COUNT, "process", ("code",), "the daemon left, by exit code"),
    Metric("state", _GAUGE, "state", (), "0 active, 1 paused, 2 reducing, 3 halted, 4 panic"),
    Metric("alerts", _COUNT, "alert", ("severity", "name"), "something a person should know"),
    Metric("hedges.opened", _COUNT, "hedge", ("direction",), "decisions to hedge"),
    Metric("hedges.closed", _COUNT, "hedge", ("outcome",), "hedges whose orders are all done"),
    Metric(
        "hedges.expected_bps",
        _DISTRIBUTION,
        "bps",
        ("direction",),
        "edge at the decision, after the fees of both legs, before any FX conversion",
    ),
    Metric("hedges.realised_bps", _DISTRIBUTION, "bps", (), "net edge by the venue's rows, at the decision's FX"),
    Metric(
        "hedges.realised_pnl", _DISTRIBUTION, "numeraire", (), "hedge P&L by the venue's rows; its sum is the total"
    ),
    Metric("hedges.turnover", _DISTRIBUTION, "numeraire", (), "paid in the buy leg; its sum is the turnover"),
    Metric("hedges.leg_gap_ms", _DISTRIBUTION, "millisecond", (), "between the answers to a hedge's two legs"),
    Metric("exits", _COUNT, "plan", ("action", "forced"), "one-sided hedges: what was chosen"),
    Metric("conversions.opened", _COUNT, "conversion", ("side",), "decisions to convert foreign currency back"),
    Metric("conversions.closed", _COUNT, "conversion", ("outcome",), "conversions whose order is done"),
    Metric(
        "conversions.realised_pnl",
        _DISTRIBUTION,
        "numeraire",
        (),
        "FX P&L of a conversion against the hedges' decisions, its fee not in; its sum is the total",
    ),
    Metric("conversions.fee", _DISTRIBUTION, "numeraire", (), "paid for a conversion; its sum is the total"),
    Metric("orders", _COUNT, "order", ("market", "side", "state"), "orders by the states they reach"),
    Metric("orders.answer_ms", _DISTRIBUTION, "millisecond", ("market",), "from an order's intent to its first answer"),
    Metric(
        "orders.slippage_bps", _DISTRIBUTION, "bps", ("market", "side"), "a leg's fill worse than its decision VWAP"
    ),
    Metric("orders.open", _GAUGE, "order", (), "orders that may still fill"),
    Metric("orders.in_doubt", _GAUGE, "order", (), "orders whose fate is unknown"),
    Metric("cancels", _COUNT, "cancel", ("outcome",), "answers to cancels"),
    Metric("fills", _COUNT, "fill", ("market", "side", "source"), "fills that moved the position"),
    Metric("fills.late", _COUNT, "fill", (), "fills of orders that were already done"),
    Metric("rows", _COUNT, "row", ("origin",), "transaction rows booked, ours or external"),
    Metric("balance", _GAUGE, "currency", ("currency",), "the venue's total when the ledger last equalled it"),
    Metric("ledger.difference", _GAUGE, "currency", ("currency",), "venue minus ledger at a quiet moment"),
    Metric("ledger.rounding", _GAUGE, "currency", ("currency",), "what the last agreement put to the rounding account"),
    Metric("reconcile", _CHECK, "", (), "ok when the ledger equals the venue, critical when that halted"),
    Metric("limits.tripped", _COUNT, "trip", ("limit",), "hard limits reached; a person must resume"),
    Metric("refusals", _COUNT, "refusal", ("refusal",), "moments that did not become a hedge, by reason"),
    Metric("blocked", _GAUGE, "", (), "1 while something keeps hedges from opening"),
    Metric("exposure.low", _GAUGE, "base", (), "least position relative to the float, all doubt counted"),
    Metric("exposure.high", _GAUGE, "base", (), "largest position relative to the float, all doubt counted"),
    Metric("fx_drift", _GAUGE, "foreign", (), "money that hedges moved across and nobody converted yet"),
    Metric("book.age_ms", _GAUGE, "millisecond", ("market",), "since a book was last confirmed"),
    Metric("edge.gross_bps", _GAUGE, "bps", ("direction",), "gross edge by the touches"),
    Metric("feed", _CHECK, "", (), "ok when up, critical when dead, warning between"),
    Metric("feed.changes", _COUNT, "change", ("state",), "the feed came, went or died"),
    Metric("feed.dropped", _COUNT, "frame", (), "malformed frames survived"),
    Metric("asks.unanswered", _COUNT, "question", ("topic",), "questions the venue did not answer"),
    Metric("rate_limit.hits", _COUNT, "reply", ("topic",), "replies that said slower"),
    Metric("rate_limit.ratio", _GAUGE, "fraction", (), "replies that said slower, per request sent since the start"),
    Metric("premium.difference_bps", _GAUGE, "bps", (), "the tickers' premium minus the books', when last compared"),
    Metric("loop.lag_ms", _DISTRIBUTION, "millisecond", (), "how late the telemetry timer woke"),
    Metric("telemetry.dropped", _COUNT, "item", ("what",), "records or lines lost because nobody took them"),
)

MANIFEST = {metric.name: metric for metric in _DECLARED}
