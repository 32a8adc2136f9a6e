"""What the daemon may do, and how loudly it speaks of it."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """What may be traded on new signals. Only a person moves it back to ACTIVE."""

    ACTIVE = "active"
    PAUSED = "paused"
    """No new hedges; what is open runs to its end."""
    REDUCING = "reducing"
    """No new hedges after repeated trouble; latched."""
    HALTED = "halted"
    """Own resting orders cancelled, one-sided exposure resolved; latched."""
    PANIC = "panic"
    """Own orders cancelled and nothing else done; latched."""


class Severity(StrEnum):
    """How loud an alert is."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"
