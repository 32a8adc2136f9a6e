"""Tells a person when the account cannot be read: nothing agrees then, and no row is booked."""

from __future__ import annotations

from arbbot.domain.commands import Topic
from arbbot.domain.events import AskFailed
from arbbot.domain.mode import Severity
from arbbot.engine.core import SECOND_NS, Core, ns

ACCOUNT = frozenset({Topic.TRANSACTIONS, Topic.BALANCES})


class Unread:
    """Follows the questions of readings. One that fails is soon put again: the answers alone tell the time."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._since_ns: int | None = None
        """When the first question was put that failed since the account was last read."""
        self._told = False

    def read(self) -> None:
        """All of a reading was answered, or of a poll that asks for no balances."""
        self._since_ns = None
        self._told = False

    def failed(self, event: AskFailed) -> None:
        """A question failed: once no reading was whole for too long a person is told, with the last reason."""
        core, pending = self._core, self._core.answered
        if pending is None or pending.question.topic not in ACCOUNT:
            return
        if self._since_ns is None:
            self._since_ns = pending.asked_ns
        lasted_ns = core.at.mono_ns - self._since_ns
        if not self._told and lasted_ns >= ns(core.rules.account.doubt_alert_s):
            self._told = True
            text = f"not read for {lasted_ns // SECOND_NS} s: the account's {pending.question.topic}: {event.reason}"
            core.alert(Severity.WARNING, "account_unread", text)
