"""What a person may choose of alerts: the names of all that can be told by webhook, and the forms it is told in."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """What a receiver wants to read."""

    JSON = "json"
    """An object with a list of messages."""
    SLACK = "slack"
    """One text, as Slack and its likes take it."""


RISK = (
    "account_unread",
    "auth_refused",
    "doubt_unresolved",
    "external_row",
    "fault",
    "feed_dead",
    "fx_given_up",
    "halt_refused",
    "hedge_abandoned",
    "key_rotation",
    "ledger_difference",
    "lease_expired",
    "leg_open",
    "limit_tripped",
    "market_halted",
    "mode_active",
    "mode_halted",
    "mode_panic",
    "mode_paused",
    "mode_reducing",
    "not_converting",
    "not_started",
    "not_trading",
    "order_contradiction",
    "order_stuck",
    "panic",
    "ramp_reduced",
    "ramp_refused",
    "ramp_set",
    "rebase_undone",
    "resolve_refused",
    "row_contradiction",
    "row_missing",
    "settlement_stuck",
    "standing_still",
    "stopped_not_flat",
    "stopped_unreconciled",
    "unknown_own_order",
)
"""Alerts, each with a severity of its own."""

EVENTS = (
    "conversion_closed",
    "exit_planned",
    "feed_changed",
    "hedge_closed",
    "hedge_opened",
    "hedge_settled",
    "late_fill",
    "order_done",
    "started",
    "stopped",
)
"""What else happens. Notices, but for exits, late fills, a feed that went, and a stop that was none of ours."""

ALERT_NAMES = frozenset(RISK + EVENTS)
