"""Every monitor there is, once: what it watches, when it calls a person, and what that means.

Datadog's monitors and Prometheus' alert rules are both written from these. `docs/runbook/<name>.md` says what to do.
Thresholds that depend on a setting fit its default; whoever changes one changes the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reading(StrEnum):
    """How the values within the window become the one that is compared."""

    AVERAGE = "avg"
    LEAST = "min"
    LARGEST = "max"
    SUM = "sum"
    STATUS = "status"
    """Of a service check: critical or not, no window."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """One condition that a person must hear of."""

    name: str
    title: str
    metric: str
    """As declared in the manifest."""
    reading: Reading
    over_min: int
    """Minutes of the window."""
    critical: float
    meaning: str
    """What is so when it calls, for the person who is called."""
    warning: float | None = None
    below: bool = False
    """True where little is bad."""
    inclusive: bool = False
    """True where the threshold itself is bad already."""
    only: tuple[str, tuple[str, ...]] | None = None
    """A tag, and the values of it that are watched."""
    by: tuple[str, ...] = ()
    """Tags beside env, mode and route that are watched one by one."""
    no_data_min: int | None = None
    """Minutes without any value after which that calls a person too; None where silence is normal, or another
    monitor's business."""
    urgent: bool = True
    """Whether it is worth waking somebody."""
    promql: str | None = None
    """Prometheus' own way of asking, where it is not that of the others; THRESHOLD stands for the number."""

    @property
    def runbook(self) -> str:
        """Its page, relative to the project."""
        return f"docs/runbook/{self.name}.md"


_LEAST, _LARGEST, _SUM, _STATUS = Reading.LEAST, Reading.LARGEST, Reading.SUM, Reading.STATUS

MONITORS = (
    # --- is it alive
    Monitor(
        "heartbeat_absent",
        "no heartbeat",
        "heartbeat",
        _SUM,
        5,
        1,
        "The daemon is not running, its loop stands still, or its metrics get lost. Nobody looks after open orders.",
        below=True,
        no_data_min=10,
        promql="absent(arbbot_heartbeat_total) or "
        "sum by (env, mode, route) (increase(arbbot_heartbeat_total[5m])) < THRESHOLD or "
        # one daemon of several: a series that ended has no value any more, and the others keep `absent` silent
        "(group by (env, mode, route) (last_over_time(arbbot_heartbeat_total[1d])) unless "
        "group by (env, mode, route) (last_over_time(arbbot_heartbeat_total[5m])))",
    ),
    Monitor(
        "restarts",
        "restarts again and again",
        "starts",
        _SUM,
        60,
        2,
        "The daemon has started more than twice within an hour.",
        promql="resets(arbbot_uptime_s[1h]) > THRESHOLD",
    ),
    Monitor(
        "trading_halted",
        "halted",
        "state",
        _LEAST,
        5,
        3,
        "The daemon is halted or in panic: nothing new is traded until a person resumes. A warning: reducing.",
        warning=2,
        inclusive=True,
    ),
    Monitor(
        "telemetry_dropped",
        "telemetry is being lost",
        "telemetry.dropped",
        _SUM,
        15,
        0,
        "Something could not be told, or had nobody to take it. Trading goes on; the telling has gaps.",
        by=("what",),
        urgent=False,
    ),
    # --- is the money right
    Monitor(
        "invariant_tripped",
        "an invariant was broken",
        "invariants.tripped",
        _SUM,
        10,
        0,
        "Something is untrue that must always be true: the ledger, an order's story, or the program itself.",
        by=("invariant",),
    ),
    Monitor(
        "reconcile_failed",
        "the ledger differs from the venue",
        "reconcile",
        _STATUS,
        0,
        2,
        "The venue's balances are not what the ledger says, by two readings alike. The daemon has halted.",
    ),
    Monitor(
        "reconcile_late",
        "not reconciled for long",
        "reconcile.age_s",
        _LARGEST,
        5,
        900,
        "The ledger was not seen to equal the venue for fifteen minutes: something is open, or cannot be read.",
        warning=600,
    ),
    # --- is it at risk
    Monitor(
        "exposure_open",
        "one-sided for minutes",
        "exposure.notional",
        _LEAST,
        5,
        50,
        "More than dust has been bought and not sold, or the other way, for five minutes: a hedge takes seconds.",
    ),
    Monitor(
        "order_in_doubt",
        "an order is in doubt",
        "orders.in_doubt_age_s",
        _LARGEST,
        5,
        240,
        "An order's fate is unknown for longer than the venue would take to refuse it. It may have filled.",
        warning=60,
    ),
    Monitor(
        "loss_limit",
        "near the day's loss limit",
        "limits.used",
        _LARGEST,
        10,
        0.8,
        "The day's loss, of hedges or of balances, has come near the limit that halts.",
        warning=0.5,
        only=("limit", ("daily_loss", "equity_loss")),
        by=("limit",),
    ),
    Monitor(
        "limit_tripped",
        "a limit was tripped",
        "limits.tripped",
        _SUM,
        10,
        0,
        "A hard limit was reached. No new hedges until a person resumes.",
        by=("limit",),
    ),
    # --- is it good
    Monitor(
        "fill_slippage",
        "fills are worse than decided",
        "orders.slippage_bps",
        Reading.AVERAGE,
        60,
        10,
        "Of an hour, legs fill worse than the books promised at the decision (Datadog: their average; Prometheus: the "
        "worst tenth of them): the edge is being eaten.",
        warning=5,
        by=("market", "side"),
        urgent=False,
        promql="histogram_quantile(0.9, sum by (env, mode, route, market, side, le) "
        "(increase(arbbot_orders_slippage_bps_bucket[1h]))) > THRESHOLD",
    ),
    Monitor(
        "rate_limit_hits",
        "the venue says slower",
        "rate_limit.ratio",
        _LARGEST,
        10,
        0.01,
        "More than one request of a hundred was answered by a rate limit. Orders may be held back.",
        warning=0.001,
        urgent=False,
    ),
    # --- does it see and reach the venue
    Monitor(
        "feed_stale",
        "a book is stale",
        "book.age_ms",
        _LEAST,
        5,
        15_000,
        "A market's book was not confirmed by feed or REST for five minutes. Nothing is traded on it.",
        by=("market",),
    ),
    Monitor(
        "feed_down",
        "the feed is dead",
        "feed",
        _STATUS,
        0,
        2,
        "Reconnecting was given up. The daemon resolves what is open and leaves with exit code 20.",
    ),
    Monitor(
        "auth_refused",
        "the venue refuses the key",
        "auth",
        _STATUS,
        0,
        2,
        "The key, its rights, its address list or our clock is wrong. The daemon has stopped: do not restart it.",
    ),
    Monitor(
        "clock_offset",
        "the clock is off",
        "clock.off_ms",
        _LEAST,
        10,
        10_000,
        "Our clock and the venue's differ by seconds. Beyond 150 s it refuses every order.",
        warning=2_000,
    ),
    Monitor(
        "disk_low",
        "the disk is nearly full",
        "disk.free_bytes",
        _LEAST,
        10,
        1e9,
        "Without a journal line nothing is traded: a full disk stops the daemon.",
        warning=5e9,
        below=True,
    ),
)
