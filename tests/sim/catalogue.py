"""Every kind of disturbance the core can meet, by family. The reachability of a run is told against these names."""

from __future__ import annotations

ORDER_TARGETS = ("place", "buy", "sell", "leg", "exit", "convert")
ASK_TARGETS = (
    "order_status",
    "open_orders",
    "order_events",
    "transactions",
    "balances",
    "fees",
    "markets",
    "book",
    "ticker",
    "conversion_rate",
)

REST = (
    "not_sent", "lost_before", "lost_after", "late_arrival", "http_500", "http_502", "http_503", "http_504", "html_200",
    "block_403", "empty_200", "maintenance", "rate_limited_400", "rate_limited_429", "auth_403", "ip_403", "timed_out",
    "truncated", "mis_signed", "unsigned", "other_reply", "stale_reply", "slow_reply",
)  # fmt: skip
ORDERS = ("reject", "insufficient", "market_off", "not_found", "partial_cancel", "yank")
CANCELS = ("fill_after_cancel",)
ROWS = ("row_hidden", "rows_late", "rows_duplicated", "rows_shuffled", "rows_retyped", "rows_unknown")
FRAMES = (
    "crossed", "empty", "zero", "absurd", "nan", "huge_number", "wrong_types", "garbage", "binary", "deep", "huge",
    "burst", "duplicate", "older", "reordered", "frame_lost",
)  # fmt: skip
PAGES = ("rows_between",)
"""Rows that are written between two pages of one reading; drawn by itself, where there are pages."""
PRIVATE = ("private_lost", "private_twice")
LINKS = ("connect_refused", "refuse_subscription", "ignore_subscription", "no_token")
HAPPENINGS = (
    "fin", "stall", "stall_frames", "stall_channel", "request_reconnect", "late_frame", "clock_jump", "vm_pause",
    "loop_block", "reboot", "pause", "resume", "halt", "panic", "resolve", "rebase", "stop", "deposit", "withdrawal",
    "conversion", "odd_row", "row_burst", "manual_order", "manual_trade", "owner_cancel", "fee_change",
    "minimum_change", "market_halt",
)  # fmt: skip
COMMITS = ("crash_before_commit", "crash_after_commit", "crash_mid_commands", "crash_after_commands", "slow_commit")
CRASHES = ("crash_any",)

STRIKES: dict[str, str] = {
    **dict.fromkeys(REST, "rest"),
    **dict.fromkeys(ORDERS, "order"),
    **dict.fromkeys(CANCELS, "cancel"),
    **dict.fromkeys(ROWS, "rows"),
    **dict.fromkeys(FRAMES, "frame"),
    **dict.fromkeys(PRIVATE, "private"),
    **dict.fromkeys(LINKS, "link"),
    **dict.fromkeys(COMMITS, "commit"),
    **dict.fromkeys(PAGES, "page"),
}
"""What lies in wait, and for what; the others happen at their time."""
DRAWN = (*(kind for kind in STRIKES if kind not in PAGES), *HAPPENINGS, *CRASHES)
WORDS = ("ramp_set", "resolve_wrongly")
"""What people say besides; drawn by itself, so that it moves nothing else in a life."""
SETTLED = ("usdt_deposit", "requests_restored", "settings_changed")
"""What befalls lives with a treasury; drawn by itself as well."""
ALL = (*DRAWN, *WORDS, *SETTLED, *PAGES)
FAMILIES: dict[str, tuple[str, ...]] = {
    "rest": REST, "orders": (*ORDERS, *CANCELS), "rows": ROWS, "frames": (*FRAMES, *PRIVATE), "links": LINKS,
    "happenings": HAPPENINGS, "crashes": (*COMMITS, *CRASHES),
}  # fmt: skip
