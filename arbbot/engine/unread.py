"""Tells a person when the account's rows or balances cannot be read: nothing agrees then, and no row is booked."""

from __future__ import annotations

from arbbot.domain.commands import Topic
from arbbot.domain.events import AskFailed
from arbbot.domain.mode import Severity
from arbbot.engine.core import SECOND_NS, Core, ns

ACCOUNT = frozenset({Topic.TRANSACTIONS, Topic.BALANCES})


class Unread:
    """Follows both questions. A failing one is put again within seconds, so the answers alone tell the time; balances
    are asked for at quiet moments only.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._since_ns: dict[Topic, int] = {}
        """When the first question of those that failed in a row was put."""
        self._told: set[Topic] = set()

    def forget(self, topic: Topic) -> None:
        """It was read, or is not asked for at present."""
        self._since_ns.pop(topic, None)
        self._told.discard(topic)

    def failed(self, event: AskFailed) -> None:
        """A question failed: once this has gone on for too long a person is told, with the last reason."""
        core, pending = self._core, self._core.answered
        if pending is None or pending.question.topic not in ACCOUNT:
            return
        topic = pending.question.topic
        lasted_ns = core.at.mono_ns - self._since_ns.setdefault(topic, pending.asked_ns)
        if topic not in self._told and lasted_ns >= ns(core.rules.account.doubt_alert_s):
            self._told.add(topic)
            text = f"the account's {topic} could not be read for {lasted_ns // SECOND_NS} s: {event.reason}"
            core.alert(Severity.WARNING, "account_unread", text)
