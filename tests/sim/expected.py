"""What a long run must have reached: every kind of disturbance, and every branch by which the core recovers."""

from __future__ import annotations

from collections.abc import Mapping

from tests.sim.catalogue import ALL, SETTLED

FEW, MANY, MOST = 60, 1_000, 10_000
"""Lives of a run from which on it fails when something was never reached that so many always reach: what is in `SOON`,
what is not in `SELDOM`, everything. Sorted by two runs of a thousand lives each, of which `SOON` is what a fifth of the
lives reached or more, `SELDOM` what fewer than fifteen of a thousand did.
"""

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
    "moved absent: declared absent", "order leg expired", "alive, taken for absent", "alive, taken for rejected",
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
    "cancel refused", "cancel unanswered", "cancel because exists against all evidence",
    "cancel because its plan is closed",
)  # fmt: skip
MODES = (
    "mode paused by arbbot", "mode paused by person", "mode reducing by arbbot", "mode halted by arbbot",
    "mode halted by person", "mode panic by person", "mode active by person",
)  # fmt: skip
ALERTS = tuple(
    f"alert {name}"
    for name in (
        "account_unread", "auth_refused", "doubt_unresolved", "external_row", "feed_dead", "fx_given_up",
        "halt_refused", "hedge_abandoned", "lease_expired", "leg_open", "ledger_difference", "limit_tripped",
        "market_halted",
        "mode_active", "mode_halted", "mode_panic", "mode_paused", "mode_reducing", "not_trading",
        "order_contradiction", "order_stuck", "ramp_reduced", "ramp_refused", "ramp_set", "rebase_undone",
        "resolve_refused", "row_missing", "settlement_stuck", "stopped_not_flat", "stopped_unreconciled",
    )
)  # fmt: skip
LIMITS = tuple(
    f"limit {name}"
    for name in (
        "daily_loss", "equity_loss", "losers_in_row", "max_hedges", "max_rejects", "unhedged_notional", "unhedged_s",
    )
)  # fmt: skip
RAMP = ("ramp up", "ramp hold", "ramp down", "ramp set")
SETTLEMENTS = (
    "lease granted", "lease denied: lease", "lease released", "lease over", "settlement told accepted",
    "settlement told finished", "settlement told over", "settlement told refused", "settlement told returned",
    "transit out", "transit back", "row of a settlement",
    "settlement begun", "settlement killed", "settlement ended 0", "settlement ended 8",
    "settlement ended 24", "settlement ended 25", "treasury conversion_moved in_doubt",
    "treasury request_moved in_doubt", "treasury request_moved absent", "treasury request_moved returned",
    "treasury journal restored",
    *(f"treasury fault {name}"
      for name in ("http_502", "http_502_taken", "late_arrival", "lost_after", "lost_before", "mis_signed",
                   "not_sent")),
)  # fmt: skip
FEED = (
    "feed up", "feed down", "feed stalled", "feed dead", "feed: replaced for the engine", "frame dropped",
    "wire: own budget used up",
)  # fmt: skip
ENDS = ("stopped 0", "stopped 20", "stopped 21", "stopped 22")
REFUSALS = tuple(
    f"refusal {name}"
    for name in (
        "anchoring", "below_net_floor", "below_threshold", "book_depth", "books_skewed", "cancel_rate", "capital",
        "clock_stepped", "converting", "cooldown", "crossed_book", "duplicate", "far_from_median", "halted",
        "in_doubt", "leased", "market_halted", "median_unknown", "no_book", "no_marks", "not_persisted", "notional_day",
        "notional_hour", "order_rate", "paused", "premium_disagrees", "premium_unchecked", "rate_disagrees",
        "reconciling", "recovering", "reducing", "sell_below_limit", "stale_book", "stopping", "thin_book", "too_good",
        "unhedged",
    )
)  # fmt: skip
BOUNDS = (
    *(f"hedge opened {way}, by {name}"
      for way in ("buy_domestic", "buy_foreign")
      for name in ("book_depth", "capital", "drill", "notional_cap", "quote_balance", "slippage", "target")),
    *(f"conversion {side}, by {name}" for side in ("buy", "sell") for name in ("drift", "notional_cap")),
)  # fmt: skip
"""By what a size was bound: some refusals are known by this name only, for the smallest size meets none of them."""
NIGHTS = ("midnight passed", "midnight passed with a hedge open", "a day's limit begun anew")
"""The last: a hedge that the day before had no room for."""
BRANCHES = (
    *ORDERS, *MOVES, *HEDGES, *BOUNDS, *LEDGER, *CANCELS, *MODES, *ALERTS, *LIMITS, *RAMP, *FEED, *ENDS, *REFUSALS,
    *SETTLEMENTS, *NIGHTS,
)  # fmt: skip

FITS = "the smallest order fits within it in every life; that it binds a larger one is among the bounds"
UNCOUNTED = "what keeps a conversion waiting is shown and not counted"
NOT_HERE = {
    "refusal bad_book": "frames and replies with such rows are dropped before the engine sees them",
    "refusal base_balance": FITS,
    "refusal clock_unseen": "every reply of the venue here has a date, and some come before anything is armed",
    "refusal collar": FITS,
    "refusal feed_down": "without a connection there are no frames, and only frames are judged",
    "refusal fx_balance": UNCOUNTED,
    "refusal fx_collar": UNCOUNTED,
    "refusal fx_depth": "the FX book of the market here carries every hedge",
    "refusal fx_given_up": UNCOUNTED,
    "refusal hedge_open": "frames are not judged while a hedge is open",
    "refusal limit_reached": "a limit that trips changes the mode, which refuses first",
    "refusal no_balances": "nothing is armed before the balances were read",
    "refusal no_fees": "nothing is armed before the fees were read",
    "refusal notional_cap": FITS,
    "refusal quote_balance": FITS,
    "refusal rate_unchecked": "the tickers, which are waited for first, take as long",
    "refusal slippage": FITS,
    "refusal target": FITS,
    "alert not_converting": "it takes half an hour of the same trouble",
    "alert row_contradiction": "the venue here never books two different rows under one id",
    "alert unknown_own_order": "every order that reaches the venue here was written down first",
    "cancel because own order unknown to": "every order that reaches the venue here was written down first",
}
"""What the engine has a name for and no life reaches, and why; tests of the engine reach it."""


SOON = frozenset(
    (
        "fault resume", "branch order leg live", "branch order leg filled", "branch order leg canceled",
        "branch order unwind live", "branch order unwind filled", "branch order convert live",
        "branch order convert filled", "branch moved live: acknowledged", "branch moved live: seen in",
        "branch moved filled: filled in full", "branch moved filled: order_status says", "branch hedge completed",
        "branch hedge one_sided", "branch hedge settled with a gain", "branch hedge settled at a loss",
        "branch conversion converted", "branch hedge opened buy_domestic, by target",
        "branch hedge opened buy_foreign, by target", "branch anchor opening", "branch fill by channel",
        "branch fill by status", "branch row own", "branch statement agreed", "branch statement agreed with rounding",
        "branch cancel because no longer waiting", "branch feed up", "branch frame dropped", "branch stopped 0",
        "branch refusal anchoring", "branch refusal below_threshold", "branch refusal converting",
        "branch refusal cooldown", "branch refusal no_book", "branch refusal no_marks",
        "branch refusal not_persisted", "branch refusal reconciling",
    )
)  # fmt: skip
SELDOM = frozenset(
    (
        *(f"branch {name}" for name in SETTLEMENTS), "branch alert lease_expired", "branch alert settlement_stuck",
        "branch refusal leased",
        *(f"fault {name}" for name in SETTLED),
        "fault not_sent", "fault maintenance", "fault rate_limited_400", "fault auth_403", "fault ip_403",
        "fault stale_reply", "fault not_found", "fault fill_after_cancel", "fault refuse_subscription",
        "fault ignore_subscription", "fault row_burst", "fault rows_between",
        "fault late_frame", "fault resolve", "fault owner_cancel",
        "branch order complete in_doubt",
        "branch order complete absent", "branch order unwind in_doubt", "branch order unwind canceled",
        "branch order unwind absent", "branch order convert in_doubt", "branch order convert canceled",
        "branch order convert rejected", "branch order convert absent", "branch moved live: filled",
        "branch moved expired: order_status says", "branch moved rejected: not_sent",
        "branch moved rejected: local_rate_limit", "branch moved in_doubt: ClientPayloadError",
        "branch moved in_doubt: named by an error reply", "branch moved in_doubt: unsigned",
        "branch moved absent: declared absent", "branch order leg expired", "branch hedge abandoned",
        "branch exit leave", "branch exit leave forced", "branch conversion partial", "branch conversion nothing",
        "branch fill by channel, late", "branch row of a self-trade", "branch ledger differs, halts",
        "branch wire: next page", "branch cancel refused", "branch cancel unanswered", "branch alert account_unread",
        "branch alert feed_dead", "branch alert fx_given_up", "branch alert halt_refused",
        "branch alert hedge_abandoned", "branch alert ledger_difference", "branch alert not_trading",
        "branch alert order_contradiction", "branch alert order_stuck", "branch alert rebase_undone",
        "branch alert row_missing", "branch alert stopped_not_flat", "branch alert stopped_unreconciled",
        "branch limit daily_loss", "branch limit equity_loss", "branch limit losers_in_row",
        "branch limit max_hedges", "branch limit max_rejects", "branch feed dead", "branch wire: own budget used up",
        "branch stopped 20", "branch refusal below_net_floor", "branch refusal book_depth",
        "branch refusal cancel_rate", "branch refusal duplicate", "branch refusal in_doubt",
        "branch refusal median_unknown", "branch refusal notional_day", "branch refusal stopping",
        "branch refusal unhedged", "fault resolve_wrongly", "branch alive, taken for absent",
        "branch alive, taken for rejected", "branch cancel because exists against all evidence",
        "branch cancel because its plan is closed", "branch midnight passed with a hedge open",
        "branch a day's limit begun anew",
    )
)  # fmt: skip


def missing(fired: Mapping[str, int], reach: Mapping[str, int], lives: int = MOST) -> list[str]:
    """What was never reached, although so many lives should have."""
    reached = {f"fault {name}" for name, times in fired.items() if times}
    reached |= {f"branch {name}" for name, times in reach.items() if times}
    return [name for name in wanted(lives) if name not in reached]


def wanted(lives: int) -> list[str]:
    """What so many lives must reach."""
    everything = [*(f"fault {name}" for name in ALL), *(f"branch {name}" for name in BRANCHES)]
    if lives >= MOST:
        return everything
    if lives >= MANY:
        return [name for name in everything if name not in SELDOM]
    return [name for name in everything if name in SOON] if lives >= FEW else []
