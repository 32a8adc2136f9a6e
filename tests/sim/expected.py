"""What a long run must have reached: every kind of disturbance, and every branch by which the core recovers."""

from __future__ import annotations

from collections.abc import Mapping

from tests.sim.catalogue import ALL

ENOUGH_SEEDS = 3_000
"""A run of so many lives fails when something on the lists was never reached."""

ORDERS = tuple(
    f"order {purpose} {state}"
    for purpose in ("leg", "complete", "unwind", "convert")
    for state in ("live", "in_doubt", "filled", "canceled", "rejected", "absent")
)
MOVES = (
    "moved live: acknowledged", "moved live: seen in", "moved live: found by order_status", "moved live: filled",
    "moved filled: filled in full", "moved filled: order_status says", "moved canceled: deleted, by",
    "moved canceled: order_status says", "moved expired: order_status says", "moved rejected: refused by code",
    "moved rejected: not_sent", "moved rejected: local_rate_limit", "moved in_doubt: HTTP",
    "moved in_doubt: TimeoutError", "moved in_doubt: ClientPayloadError", "moved in_doubt: named by an error reply",
    "moved in_doubt: no answer before", "moved in_doubt: unsigned", "moved absent: whole readings show nothing",
    "moved absent: declared absent", "order leg expired",
)  # fmt: skip
HEDGES = (
    "hedge completed", "hedge one_sided", "hedge nothing", "hedge abandoned", "hedge settled with a gain",
    "hedge settled at a loss", "exit complete", "exit complete forced", "exit unwind", "exit unwind forced",
    "exit leave", "exit leave forced", "conversion converted", "conversion partial", "conversion nothing",
)  # fmt: skip
LEDGER = (
    "anchor opening", "anchor rebase", "fill by channel", "fill by status", "fill by row", "fill by channel, late",
    "row own", "row external", "row of a self-trade", "statement agreed", "statement agreed with rounding",
    "ledger differs", "ledger differs, halts", "wire: next page",
)  # fmt: skip
CANCELS = (
    "cancel because no longer waiting", "cancel because the other leg ended", "cancel canceled", "cancel not_found",
    "cancel refused", "cancel unanswered",
)  # fmt: skip
MODES = (
    "mode paused by arbbot", "mode paused by person", "mode reducing by arbbot", "mode halted by arbbot",
    "mode halted by person", "mode panic by person", "mode active by person",
)  # fmt: skip
ALERTS = tuple(
    f"alert {name}"
    for name in (
        "account_unread", "auth_refused", "doubt_unresolved", "external_row", "feed_dead", "leg_open",
        "ledger_difference", "market_halted", "not_trading", "order_contradiction", "order_stuck", "resolve_refused",
        "row_missing", "stopped_not_flat", "stopped_unreconciled", "fx_given_up",
    )
)  # fmt: skip
FEED = (
    "feed up", "feed down", "feed stalled", "feed dead", "feed: replaced for the engine", "frame dropped",
    "wire: own budget used up",
)  # fmt: skip
ENDS = ("stopped 0", "stopped 20", "stopped 21", "stopped 22")
REFUSALS = tuple(
    f"refusal {name}"
    for name in (
        "anchoring", "below_net_floor", "below_threshold", "book_depth", "capital", "clock_stepped", "cooldown",
        "crossed_book", "halted", "market_halted", "no_book", "paused", "premium_disagrees", "premium_unchecked",
        "reconciling", "recovering", "reducing", "sell_below_limit", "stale_book", "stopping", "thin_book", "unhedged",
    )
)  # fmt: skip
BRANCHES = (*ORDERS, *MOVES, *HEDGES, *LEDGER, *CANCELS, *MODES, *ALERTS, *FEED, *ENDS, *REFUSALS)


def missing(fired: Mapping[str, int], reach: Mapping[str, int]) -> list[str]:
    """What was never reached."""
    return [f"fault {name}" for name in ALL if not fired.get(name)] + [
        f"branch {name}" for name in BRANCHES if not reach.get(name)
    ]
